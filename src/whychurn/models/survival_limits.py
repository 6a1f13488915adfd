"""Limits of a survival curve on several scales, and the times at which curve and limits fall to a level.

Source: Kalbfleisch & Prentice (2002), section 1.4; quantile limits of Brookmeyer & Crowley (1982), Biometrics 38.
"""

from __future__ import annotations

import numpy as np

from whychurn.models.columns import Floats

CONF_TYPES = ("log-log", "log", "logit", "plain")
# R's tolerance for "the curve runs exactly along this level".
_LEVEL_TOLERANCE = float(np.sqrt(np.finfo(float).eps))


def standard_error(survival: Floats, log_variance: Floats) -> Floats:
    """Return Greenwood's standard error of survival; NaN where nobody is left."""
    with np.errstate(invalid="ignore"):
        return survival * np.sqrt(log_variance)


def survival_limits(survival: Floats, log_variance: Floats, z: float, conf_type: str) -> tuple[Floats, Floats]:
    """Return lower and upper limits of a survival curve on the given scale, within [0, 1]."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        error = np.sqrt(log_variance)
        if conf_type == "plain":
            half = z * error * survival
            low, high = np.maximum(survival - half, 0.0), np.minimum(survival + half, 1.0)
        elif conf_type == "log":
            low, high = survival * np.exp(-z * error), np.minimum(survival * np.exp(z * error), 1.0)
        elif conf_type == "log-log":
            hazard = -np.log(survival)
            low = np.exp(-hazard * np.exp(z * error / hazard))
            high = np.exp(-hazard * np.exp(-z * error / hazard))
        else:
            odds = survival / (1.0 - survival)
            width = z * error * (1.0 + odds)
            low, high = (1.0 - 1.0 / (1.0 + odds * np.exp(side * width)) for side in (-1.0, 1.0))
    unknown = survival == 0.0
    certain = survival == 1.0
    low, high = np.where(certain, 1.0, low), np.where(certain, 1.0, high)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def crossing_time(begin: float, time: Floats, survival: Floats, p: float) -> float:
    """Return when a curve falls to ``1 - p``: R's rule with the midpoint of a flat stretch."""
    x = np.concatenate(([begin], time))
    y = np.concatenate(([0.0], 1.0 - survival))
    last = x[-1]
    known = ~np.isnan(y)
    ends_known = bool(known[-1])
    x, y = x[known], y[known]
    _, first = np.unique(y, return_index=True)
    first = np.sort(first)
    x, y = x[first], y[first]
    final = y[-1]
    # Limits need not be monotone; like R, look the level up among the sorted values.
    order = np.argsort(y, kind="stable")
    x, y = x[order], y[order]
    early = int(np.searchsorted(y + _LEVEL_TOLERANCE, p, side="left"))
    late = int(np.searchsorted(y - _LEVEL_TOLERANCE, p, side="left"))
    if early == x.size:
        return float("nan")
    if ends_known and abs(p - final) < _LEVEL_TOLERANCE:
        return float((x[early] + last) / 2.0)
    return float((x[early] + x[late]) / 2.0) if late < x.size else float("nan")
