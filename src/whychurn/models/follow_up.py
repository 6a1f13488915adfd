"""How far a curve can be followed before too few are left to say anything."""

from __future__ import annotations

import numpy as np
import pandas as pd

from whychurn.models.columns import read_times


def last_well_known(
    frame: pd.DataFrame, duration: str, at_least: int, entry: str | None = None, latest: float | None = None
) -> float:
    """Return the age up to which at least `at_least` rows are at risk without a break from age zero; 0 if never.

    Under late entry a risk set may be small at the beginning too, and a curve that begins with a handful is theirs.
    """
    start, stop = read_times(frame, duration, entry)
    start = np.maximum(start, 0.0)
    grid = np.unique(np.concatenate(([0.0], start, stop)))
    change = np.bincount(np.searchsorted(grid, start), minlength=grid.size) - np.bincount(
        np.searchsorted(grid, stop), minlength=grid.size
    )
    few = np.flatnonzero(np.cumsum(change) < at_least)
    reach = float(grid[few[0]]) if few.size else float(grid[-1])
    return reach if latest is None else min(reach, float(latest))
