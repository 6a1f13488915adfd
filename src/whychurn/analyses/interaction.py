"""Do two conditions together go with more than each alone? On the scale of ratios, and on that of excess risk."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Combination:
    """A combination of coefficients with its interval.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
        On the scale that is printed: a ratio, or an excess.
    std_error : float
        Of the logarithm of a ratio, of an excess as it is.
    statistic, p_value : float
        Wald's z and its two-sided p.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    statistic: float
    p_value: float


def ratio_of(weights: Floats, log_ratios: Floats, covariance: Floats, conf_level: float) -> Combination:
    """Return the ratio ``exp(weights' log_ratios)``.

    With the weights (1, -1, -1) for both conditions, the one alone and the other alone it is the product term of
    the two: 1 where the ratios multiply.
    """
    value, error = float(weights @ log_ratios), _error(weights, covariance)
    z = float(norm.ppf(0.5 + conf_level / 2))
    statistic = value / error
    low, high = math.exp(value - z * error), math.exp(value + z * error)
    return Combination(math.exp(value), error, low, high, statistic, _p(statistic))


def excess_of(log_ratios: Floats, covariance: Floats, conf_level: float) -> Combination:
    """Return the relative excess risk due to interaction: 0 where excess risks add up.

    Parameters
    ----------
    log_ratios : ndarray, shape (3,)
        Of both conditions together, of the one alone, of the other alone, each against neither.
    covariance : ndarray, shape (3, 3)
    conf_level : float

    References
    ----------
    Rothman (1986), Modern Epidemiology, chapter 15. Interval by the delta method: Hosmer & Lemeshow (1992),
    Epidemiology 3:452-456.
    """
    ratios = np.exp(log_ratios)
    signs = np.array([1.0, -1.0, -1.0])
    value, error = float(signs @ ratios) + 1.0, _error(signs * ratios, covariance)
    z = float(norm.ppf(0.5 + conf_level / 2))
    statistic = value / error
    return Combination(value, error, value - z * error, value + z * error, statistic, _p(statistic))


def _error(gradient: Floats, covariance: Floats) -> float:
    return math.sqrt(float(gradient @ covariance @ gradient))


def _p(statistic: float) -> float:
    return float(2 * norm.sf(abs(statistic)))
