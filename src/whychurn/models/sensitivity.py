"""What it would take to change a conclusion: hidden confounding, and effects too small to see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.arguments import is_number


@dataclass(frozen=True, slots=True)
class EValue:
    """E-values on the risk-ratio scale: 1 means that no confounding at all is needed.

    Attributes
    ----------
    estimate
        How strongly a hidden confounder must go with both cause and churn to explain the estimate away.
    conf_limit
        The same for the limit of the interval nearer to 1.
    """

    estimate: float
    conf_limit: float


def e_value(hazard_ratio: float, conf_limit: float, common_outcome: bool = True) -> EValue:
    """Return the E-value of a hazard ratio and of the confidence limit nearer to one.

    Parameters
    ----------
    hazard_ratio, conf_limit
        Estimate, and whichever limit of its interval lies nearer to 1 (or beyond it, giving 1).
    common_outcome
        More than about 15% have had the event by the end of follow-up: the hazard ratio is then first
        turned into an approximate risk ratio, (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1/HR)).

    Returns
    -------
    EValue

    Raises
    ------
    FitError
        A ratio that is no positive number; a limit farther from one than the estimate.

    References
    ----------
    VanderWeele & Ding (2017), Ann. Intern. Med. 167:268-274, table 2.
    """
    for value in (hazard_ratio, conf_limit):
        if not (is_number(value) and value > 0.0):
            raise FitError(f"Hazard ratios are positive numbers, not {value!r}.")
    if hazard_ratio == 1.0:
        return EValue(1.0, 1.0)
    # Work above one throughout: protective effects are inverted.
    ratio, limit = (hazard_ratio, conf_limit) if hazard_ratio >= 1.0 else (1.0 / hazard_ratio, 1.0 / conf_limit)
    if limit > ratio:
        raise FitError(
            f"The limit {conf_limit:g} lies farther from one than the estimate {hazard_ratio:g}: give the limit on the "
            "side of one (the lower limit of a ratio above one, the upper limit of one below)."
        )
    return EValue(_from_ratio(ratio, common_outcome), _from_ratio(limit, common_outcome) if limit > 1.0 else 1.0)


def _from_ratio(ratio: float, common_outcome: bool) -> float:
    if common_outcome:
        ratio = (1.0 - 0.5 ** np.sqrt(ratio)) / (1.0 - 0.5 ** np.sqrt(1.0 / ratio))
    return float(ratio + np.sqrt(ratio * (ratio - 1.0)))


def smallest_detectable_hazard_ratio(std_error: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the hazard ratio above one that this study would have found with the given power.

    Parameters
    ----------
    std_error
        Standard error of the log hazard ratio.
    power, alpha
        Chance of finding it; two-sided level of the test.

    Returns
    -------
    exp((z[1 - alpha / 2] + z[power]) * std_error). Its inverse is the detectable protective effect.

    References
    ----------
    Schoenfeld (1983), Biometrics 39:499-503, solved for the effect.
    """
    if not (is_number(std_error) and std_error > 0.0):
        raise FitError(f"A standard error is a positive number, not {std_error!r}.")
    if not all(is_number(share) and 0.0 < share < 1.0 for share in (power, alpha)):
        raise FitError(f"power and alpha are shares between 0 and 1, not {power!r} and {alpha!r}.")
    return float(np.exp((stats.norm.ppf(1.0 - alpha / 2.0) + stats.norm.ppf(power)) * std_error))
