"""Do two contenders say the same? A fast wrong answer beats nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.tasks import BOUND, ERROR_BOUND

Numbers = Sequence[float | None]


@dataclass(frozen=True)
class Agreement:
    """Outcome of a comparison.

    Attributes
    ----------
    difference
        Largest difference of estimates, in standard errors (ours).
    error_difference
        Largest relative difference of standard errors; None if the peer reports none.
    agrees
        Both are within their bounds.
    """

    difference: float
    error_difference: float | None
    agrees: bool


def compare(values: Numbers, scale: Numbers, peer_values: Numbers, peer_scale: Numbers | None) -> Agreement:
    """Compare a peer's estimates with ours, position by position.

    Parameters
    ----------
    values, scale
        Ours, with standard errors. None stands for an undefined number, which must be undefined for both.
    peer_values, peer_scale
        The peer's.
    """
    ours, errors, theirs = _array(values), _array(scale), _array(peer_values)
    if ours.shape != theirs.shape:
        return Agreement(float("inf"), None, False)
    # Where an estimate is certain (a curve before its first event) there is nothing to be within.
    unit = np.where(errors > 0.0, errors, np.finfo(float).tiny)
    difference = _largest(ours, theirs, unit)
    within = difference <= BOUND
    if peer_scale is None:
        return Agreement(difference, None, within)
    their_errors = _array(peer_scale)
    spread = float("inf") if their_errors.shape != errors.shape else _largest(errors, their_errors, unit)
    return Agreement(difference, spread, within and spread <= ERROR_BOUND)


def _largest(ours: np.ndarray, theirs: np.ndarray, unit: np.ndarray) -> float:
    known, known_there = np.isfinite(ours), np.isfinite(theirs)
    if (known != known_there).any():
        return float("inf")
    gap = np.abs(ours - theirs)[known] / np.where(np.isfinite(unit), unit, np.finfo(float).tiny)[known]
    return float(gap.max(initial=0.0))


def _array(numbers: Numbers) -> np.ndarray:
    return np.array([np.nan if number is None else number for number in numbers], dtype=float)
