"""How often customers leave, per 100 customer-years, with an interval."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, norm

#: Days of a year, and of an average month.
YEAR = 365.25
MONTH = YEAR / 12
#: How the interval of a rate was found.
EXACT = "exact Poisson"
CLUSTERED = "clustered by customer, as some left more than once"


def rate_row(events: ArrayLike, days: ArrayLike, conf_level: float, **more: Any) -> dict[str, Any]:
    """Return how often customers left per 100 customer-years, with an interval.

    Where nobody left twice it is the exact Poisson one (Garwood 1936, Biometrika 28:437). Whoever leaves once and
    returns is more likely than others to leave again, so where somebody left twice the events are not independent:
    then the logarithm of the rate has the robust variance with customers as clusters (the sandwich estimator of a
    Poisson model with a rate only; Liang & Zeger 1986, Biometrika 73:13), times G / (G - 1) for G customers.

    Parameters
    ----------
    events, days : array-like, shape (G,)
        Times that each customer left, and days at risk.
    conf_level : float
    more
        Further columns of the finding.
    """
    left, at_risk = np.asarray(events, dtype=float), np.asarray(days, dtype=float)
    n, total = float(left.sum()), float(at_risk.sum())
    again = bool((left > 1).any())
    method = CLUSTERED if again else EXACT
    row: dict[str, Any] = {
        "estimand": "churn_rate",
        "method": method,
        "unit": "per 100 customer-years",
        "numerator": n,
        "denominator": total / YEAR,
        "n_events": n,
        "conf_level": conf_level,
        "definition": f"100 x times left / customer-years at risk, a year being {YEAR:g} days; interval {method}",
    }
    if total <= 0:
        return row | {"note": "Nobody was at risk."} | more
    low, high = (_clustered if again else _exact)(left, at_risk, conf_level)
    per = 100 * YEAR / total
    return row | {"estimate": n * per, "conf_low": low * per, "conf_high": high * per} | more


def _exact(left: NDArray[np.float64], _: NDArray[np.float64], conf_level: float) -> tuple[float, float]:
    """Limits of the expected number of events."""
    n, tail = float(left.sum()), (1 - conf_level) / 2
    low = float(chi2.ppf(tail, 2 * n)) / 2 if n else 0.0
    return low, float(chi2.ppf(1 - tail, 2 * n + 2)) / 2


def _clustered(left: NDArray[np.float64], at_risk: NDArray[np.float64], conf_level: float) -> tuple[float, float]:
    """Limits of the expected number of events; unknown where there is one customer only."""
    n, customers = float(left.sum()), len(left)
    if customers < 2:
        return math.nan, math.nan
    surplus = left - n / at_risk.sum() * at_risk
    error = math.sqrt(float((surplus**2).sum()) * customers / (customers - 1)) / n
    factor = math.exp(float(norm.ppf((1 + conf_level) / 2)) * error)
    return n / factor, n * factor
