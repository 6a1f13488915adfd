"""Which levels of a category have a finite hazard ratio: told from the risk sets, before a fit runs into it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def infinite_levels(frame: pd.DataFrame, column: str, n_levels: int) -> dict[int, int]:
    """Return the levels without a finite ratio, and its limit: 1 for infinity, -1 for zero, 0 for nothing to compare.

    A level is compared with others only when somebody leaves while customers of both are at risk. If on all those
    occasions those of the level leave, or none of them ever does, its coefficient has no maximum. Such levels are taken
    out one by one, the last first, because the others are then compared among themselves.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``start``, ``stop``, ``event`` and `column` with the codes 0, 1, ... of levels; 0 is the reference, and among the
        levels returned only if no other can be compared with it.
    column : str
    n_levels : int

    References
    ----------
    Bryson & Johnson (1981), Technometrics 23:381-383, on monotone partial likelihoods.
    """
    code, event = frame[column].to_numpy(), frame["event"].to_numpy() == 1
    stop = frame["stop"].to_numpy()
    times = np.unique(stop[event])
    begin = np.searchsorted(times, frame["start"].to_numpy(), "right")
    end = np.searchsorted(times, stop, "right")
    shape = (n_levels, len(times) + 1)

    def counted(rows: NDArray[Any], slot: NDArray[Any]) -> NDArray[np.int64]:
        return np.bincount(code[rows] * shape[1] + slot, minlength=shape[0] * shape[1]).reshape(shape)

    everybody = np.arange(len(code))
    at_risk = np.cumsum(counted(everybody, begin) - counted(everybody, end), axis=1)
    leaving = np.flatnonzero(event)
    left = counted(leaving, end[leaving] - 1)
    kept = [level for level in range(n_levels) if at_risk[level].any()]
    found: dict[int, int] = {}
    while len(kept) > 1:
        worst = next((pair for level in reversed(kept) if (pair := _limit(at_risk, left, kept, level))), None)
        if worst is None:
            break
        found[worst[0]] = worst[1]
        kept.remove(worst[0])
    if kept != [0] and 0 not in kept and 0 not in found:
        found[0] = 0
    return found


def _limit(at_risk: NDArray[np.int64], left: NDArray[np.int64], kept: list[int], level: int) -> tuple[int, int] | None:
    """Return a level and where its ratio goes, None where it has one."""
    mixed = (at_risk[level] > 0) & (at_risk[kept].sum(axis=0) > at_risk[level])
    mine = int(left[level][mixed].sum())
    others = int(left[kept][:, mixed].sum()) - mine
    if mine and others:
        return None
    return level, 1 if mine else -1 if others else 0
