"""What a contender hands over for one task: the call to be timed, and how to read its estimates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimates:
    """Numbers that contenders are compared by.

    Attributes
    ----------
    values
        Coefficients, curve ordinates or statistics, in an order that the task fixes.
    scale
        Their standard errors (for a chi-square: the standard deviation of its distribution), or None where
        the contender reports none.
    """

    values: np.ndarray
    scale: np.ndarray | None = None


@dataclass(frozen=True)
class Work:
    """A call without arguments, data already in the contender's own form, and a reader of its result."""

    call: Callable[[], Any]
    read: Callable[[Any], Estimates]


# Days at which survival curves are compared.
CURVE_DAYS = (180.0, 365.0, 730.0, 1095.0, 1460.0)


def curve_at(time: np.ndarray, survival: np.ndarray) -> np.ndarray:
    """Read a survival curve, given at its steps, at `CURVE_DAYS`."""
    place = np.searchsorted(time, CURVE_DAYS, side="right")
    return np.concatenate(([1.0], np.asarray(survival, dtype=float)))[place]


def chi_square_spread(df: np.ndarray | float) -> np.ndarray:
    """Return the standard deviation of chi-squares with `df` degrees of freedom."""
    return np.sqrt(2.0 * np.atleast_1d(np.asarray(df, dtype=float)))
