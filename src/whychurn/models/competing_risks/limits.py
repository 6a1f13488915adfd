"""Limits of a probability that starts at zero or one, on the scales of R's survfit."""

from __future__ import annotations

import numpy as np

from whychurn.models.columns import Floats

CONF_TYPES = ("log-log", "log", "logit", "plain")


def incidence_limits(
    estimate: Floats, error: Floats, beginning: float, z: float, conf_type: str
) -> tuple[Floats, Floats]:
    """Return lower and upper limits within [0, 1].

    Parameters
    ----------
    estimate, error
        Probability and its standard error, shape (m,).
    beginning
        0 for an incidence, 1 for survival: where the curve still stands there, so do both limits.
    z
        Normal quantile.
    conf_type
        "log" is symmetric for log p, "log-log" for log(-log p), "logit" for log(p / (1 - p)), "plain" for p. Where
        that scale is infinite at the other end the limits are NaN.
    """
    p = estimate
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if conf_type == "plain":
            low, high = p - z * error, p + z * error
        elif conf_type == "log":
            width = z * error / p
            low, high = p * np.exp(-width), p * np.exp(width)
        elif conf_type == "log-log":
            width = z * error / (p * -np.log(p))
            low, high = p ** np.exp(width), p ** np.exp(-width)
        else:
            odds, width = p / (1.0 - p), z * error / (p * (1.0 - p))
            low, high = (1.0 - 1.0 / (1.0 + odds * np.exp(side * width)) for side in (-1.0, 1.0))
    still = p == beginning
    bounded = [np.where(still, beginning, np.clip(limit, 0.0, 1.0)) for limit in (low, high)]
    return bounded[0], bounded[1]
