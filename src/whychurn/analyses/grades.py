"""Evidence grades. The rules are fixed here and printed in the report; they do not know which cause they grade."""

from __future__ import annotations

import math
from dataclasses import dataclass

STRONG, MODERATE, WEAK = "strong", "moderate", "weak"
NO_EFFECT, INCONCLUSIVE = "no sizeable effect", "inconclusive"
ORDER = (STRONG, MODERATE, WEAK, NO_EFFECT, INCONCLUSIVE)

#: Hazard ratios within these limits are too small to act on.
NEGLIGIBLE = (0.8, 1.25)
#: Below it Wald intervals of a Cox model cover too rarely; from five on they hold up (Vittinghoff and McCulloch 2007,
#: Am. J. Epidemiol. 165:710).
FEWEST_EVENTS_PER_COEFFICIENT = 5

RULES = {
    STRONG: "adjusted p below .01; interval clear of 0.8 to 1.25; same direction early and late in tenure; "
    "unadjusted and adjusted effect agree in sign",
    MODERATE: "adjusted p below .05, and p below .05 for the two states compared, but not strong",
    WEAK: "adjusted p below .2, and p below .2 for the two states compared; or found only after looking; or gone or turned round under the other reading of which "
    "leavers are in the file; or pointing one way early in tenure and the other way late; or fewer than five leavers per "
    "coefficient; or from data that failed their own checks",
    NO_EFFECT: "interval inside 0.8 to 1.25, for a number between its quartiles: small on average, at every tenure and "
    "under both readings",
    INCONCLUSIVE: "everything else: the data cannot tell (the smallest ratio they would show is printed), the cause cannot "
    "be told from others, or it is small on average but not throughout",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a grade is decided on.

    Attributes
    ----------
    intervals : tuple of (float, float)
        Intervals of all contrasts of the cause; the first is the headline's.
    p_adjusted : float
        Of the joint test, over the declared family.
    directions : tuple of int
        Sign of the headline contrast in each half of tenure (0 unknown).
    sign_unadjusted, sign_adjusted : int
        Signs of the headline contrast.
    declared : bool
        Whether cause and contrast were declared in advance.
    separable : bool
        Whether the cause can be told apart from what else was measured.
    second_reading : int or None
        Where it is unknown whether earlier leavers are in the file: sign of the effect if they are not (0 if
        its interval includes 1). None where there is only one reading.
    data_refused : bool
        Whether the study goes on although its data failed their own checks.
    changes_with_tenure : bool
        Whether proportional hazards fail, so that one ratio is an average.
    periods : tuple of (float, float)
        The headline's interval in each half of tenure.
    second_interval : (float, float) or None
        The headline's interval under the second reading of the file.
    events_per_coefficient : float
        Of the model behind the headline; Wald tests are unreliable below five.
    no_ratio : bool
        Whether the ratio is zero or infinite because nobody left on one side; only a p-value speaks then.
    p_headline : float
        Unadjusted p of the headline contrast alone; a joint test may be passed by other levels. NaN where there is none.
    """

    intervals: tuple[tuple[float, float], ...]
    p_adjusted: float
    directions: tuple[int, ...]
    sign_unadjusted: int
    sign_adjusted: int
    declared: bool = True
    separable: bool = True
    second_reading: int | None = None
    data_refused: bool = False
    changes_with_tenure: bool = False
    periods: tuple[tuple[float, float], ...] = ()
    second_interval: tuple[float, float] | None = None
    events_per_coefficient: float = math.inf
    no_ratio: bool = False
    p_headline: float = math.nan


def grade(evidence: Evidence) -> str:
    """Return the grade.

    "No sizeable effect" is decided first: with many customers a negligible effect has a tiny p, and a tiny p
    must not promote it.
    """
    known = [pair for pair in evidence.intervals if not any(math.isnan(limit) for limit in pair)]
    if not evidence.separable or math.isnan(evidence.p_adjusted) or not (known or evidence.no_ratio):
        return INCONCLUSIVE
    if known and len(known) == len(evidence.intervals) and all(_negligible(pair) for pair in known):
        return NO_EFFECT if _negligible_throughout(evidence) else INCONCLUSIVE
    trusted = (
        evidence.declared
        and not evidence.data_refused
        and not _contradicted(evidence)
        and not reverses(evidence.periods)
        and evidence.events_per_coefficient >= FEWEST_EVENTS_PER_COEFFICIENT
    )
    if trusted and evidence.p_adjusted < 0.05 and not evidence.p_headline >= 0.05:
        return STRONG if _is_strong(evidence) else MODERATE
    return WEAK if evidence.p_adjusted < 0.2 and not evidence.p_headline >= 0.2 else INCONCLUSIVE


def _negligible(interval: tuple[float, float]) -> bool:
    low, high = NEGLIGIBLE
    return low < interval[0] and interval[1] < high


def _negligible_throughout(evidence: Evidence) -> bool:
    """Whether the effect is small at every tenure and under both readings, not just on average."""
    steady = not evidence.changes_with_tenure or all(_negligible(pair) for pair in evidence.periods)
    return steady and (evidence.second_interval is None or _negligible(evidence.second_interval))


def reverses(periods: tuple[tuple[float, float], ...]) -> bool:
    """Whether the effect points one way early and the other way late, both clearly."""
    return any(low > 1 for low, _ in periods) and any(high < 1 for _, high in periods)


def _is_strong(evidence: Evidence) -> bool:
    if evidence.no_ratio:
        return False
    low, high = evidence.intervals[0]
    clear = low > NEGLIGIBLE[1] or high < NEGLIGIBLE[0]
    agree = evidence.sign_unadjusted == evidence.sign_adjusted != 0
    steady = bool(evidence.directions) and all(sign == evidence.sign_adjusted for sign in evidence.directions)
    return evidence.p_adjusted < 0.01 and clear and agree and steady


def _contradicted(evidence: Evidence) -> bool:
    """Whether the effect turns around or vanishes under the second reading of the file."""
    return evidence.second_reading is not None and evidence.second_reading != evidence.sign_adjusted
