"""Two statements about silence that were made before looking, and what the numbers say of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from scipy.stats import norm

from whychurn.analyses.contrasts import Contrast
from whychurn.analyses.grades import NEGLIGIBLE
from whychurn.analyses.inactivity_fits import ratio_values
from whychurn.models import adjust_p_values

MONTH_WITHOUT_LOGIN = "No login for 30 days: more likely to leave"
TWO_WEEKS_WITHOUT_USE = "Two weeks without use: high risk, and it keeps rising"
STATEMENTS = (MONTH_WITHOUT_LOGIN, TWO_WEEKS_WITHOUT_USE)
HOLDS, DOES_NOT_HOLD, CANNOT_TELL = "holds", "does not hold", "cannot tell"
#: Parts of a statement.
RISK, RISE, WHOLE = "risk", "rise", "statement"
#: Days without use after which the second statement speaks of a rise.
RISING_FROM = 14
#: A rise that stays below a factor of 1.25 over so many days is none to speak of.
RISE_OVER = 30


@dataclass(frozen=True, slots=True)
class Part:
    """One number a statement rests on: a log hazard ratio, or its rise per week.

    Attributes
    ----------
    name : str
        RISK or RISE.
    level, reference : str
    estimate, std_error : float
        On the log scale; NaN where there is none.
    n_accounts, n_events : int
    adjusted_for : tuple of str
    definition, note : str
    """

    name: str
    level: str
    reference: str
    estimate: float
    std_error: float
    n_accounts: int
    n_events: int
    adjusted_for: tuple[str, ...]
    definition: str
    note: str = ""

    @property
    def p_value(self) -> float:
        """Two-sided."""
        return float(2 * norm.sf(abs(self.estimate / self.std_error))) if self.std_error > 0 else math.nan

    @property
    def negligible(self) -> float:
        """The log ratio up to which there is nothing to speak of."""
        most = math.log(NEGLIGIBLE[1])
        return most if self.name == RISK else most * 7 / RISE_OVER

    def interval(self, conf_level: float) -> tuple[float, float]:
        """On the log scale."""
        z = float(norm.ppf(0.5 + conf_level / 2))
        return self.estimate - z * self.std_error, self.estimate + z * self.std_error


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, the clock it is about, and its parts; all of them must hold."""

    name: str
    term: str
    parts: tuple[Part, ...]
    p_adjusted: float = math.nan

    @property
    def p_value(self) -> float:
        """The largest p of the parts: all parts must hold (intersection-union; Berger 1982, Technometrics 24:295)."""
        values = [part.p_value for part in self.parts]
        return math.nan if any(math.isnan(value) for value in values) else max(values)


def risk_part(contrast: Contrast | None, level: str, reference: str, adjusted_for: tuple[str, ...], note: str) -> Part:
    """Return the part that compares silence with none."""
    definition = f"hazard ratio of leaving: {level} of silence against {reference}"
    if contrast is None:
        return Part(RISK, level, reference, math.nan, math.nan, 0, 0, adjusted_for, definition, note or f"Nobody was silent for {level}.")  # fmt: skip
    return Part(
        RISK, level, reference, contrast.log_hr, contrast.std_error, contrast.n_accounts, contrast.n_events,
        adjusted_for, definition, " ".join(text for text in (contrast.note, note) if text),
    )  # fmt: skip


def judged(statements: list[Statement]) -> list[Statement]:
    """Adjust the statements' p-values for each other (Holm)."""
    adjusted = adjust_p_values([statement.p_value for statement in statements], method="holm")
    return [replace(statement, p_adjusted=float(p)) for statement, p in zip(statements, adjusted, strict=True)]


def part_verdict(part: Part, p_value: float, conf_level: float) -> str:
    """Return what a number says of its part of a statement.

    It holds where p is below 1 - conf_level and the ratio above 1; it does not hold where the whole interval lies below
    what is worth speaking of (a factor of 1.25; for a rise, over RISE_OVER days); else the data cannot tell.
    """
    if math.isnan(p_value) or not part.std_error > 0:
        return CANNOT_TELL
    if part.estimate > 0 and p_value < 1 - conf_level:
        return HOLDS
    return DOES_NOT_HOLD if part.interval(conf_level)[1] < part.negligible else CANNOT_TELL


def verdict(statement: Statement, conf_level: float) -> str:
    """Return the verdict: all parts must hold, at the p adjusted for both statements."""
    parts = [part_verdict(part, max(part.p_value, statement.p_adjusted), conf_level) for part in statement.parts]
    if DOES_NOT_HOLD in parts:
        return DOES_NOT_HOLD
    return HOLDS if parts and all(part == HOLDS for part in parts) else CANNOT_TELL


def statement_rows(statement: Statement, conf_level: float, base: dict[str, Any], family: str) -> list[dict[str, Any]]:
    """Return a row per part, and one with the verdict."""
    told = base | {"term": statement.term, "declared": "in advance", "conf_level": conf_level, "group": statement.name}
    rows = []
    for part in statement.parts:
        row = told | {
            "estimand": "declared_ratio",
            "level": part.level,
            "reference": part.reference,
            "unit": "ratio" if part.name == RISK else "ratio per week",
            "adjusted_for": ", ".join(part.adjusted_for),
            "definition": part.definition,
            "n_accounts": part.n_accounts,
            "n_events": part.n_events,
            "grade": part_verdict(part, part.p_value, conf_level),
            "note": part.note,
        }
        row |= ratio_values(part.estimate, part.std_error, conf_level)
        rows.append(row)
    whole = told | {
        "estimand": "verdict",
        "p_value": statement.p_value,
        "p_adjusted": statement.p_adjusted,
        "family": family,
        "grade": verdict(statement, conf_level),
        "definition": (
            "“holds” takes a p (two-sided, the largest of the parts, adjusted by Holm for both statements) below "
            f"{1 - conf_level:.3g} and a ratio above 1 in every part; “does not hold” takes an interval that ends below "
            f"{NEGLIGIBLE[1]} (for a rise: below that over {RISE_OVER} days); all else is “cannot tell”"
        ),
        "note": " ".join(dict.fromkeys(part.note for part in statement.parts if part.note)),
    }
    return [*rows, whole]
