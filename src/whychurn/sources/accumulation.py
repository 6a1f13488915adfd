"""Lifetime totals: numbers that grow because a customer stayed, and so cannot be a cause of staying."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.sources.contract import Accumulating

FEWEST_ROWS = 100
SLOPES = (0.5, 1.6)
LEAST_R_SQUARED = 0.9
LEAST_RANK_CORRELATION = 0.3
#: The highest tenth of tenures must be this many times the lowest, or a slope says nothing.
LEAST_SPREAD = 3.0

Floats = NDArray[np.float64]


def accumulating_columns(
    frame: pd.DataFrame, columns: Sequence[str], tenure: str = "tenure"
) -> tuple[Accumulating, ...]:
    """Return numeric columns that grow with tenure as a running total does.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : sequence of str
        Those to judge; text columns are passed over.
    tenure : str
    """
    found = []
    for name in columns:
        if pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name]):
            growth = growth_with_tenure(frame[name].to_numpy(dtype=float), frame[tenure].to_numpy(dtype=float))
            if growth is not None:
                found.append(Accumulating(name, *growth))
    return tuple(found)


def growth_with_tenure(values: Floats, tenure: Floats) -> tuple[float, float, float] | None:
    """Return (slope, R-squared, rank correlation) if `values` accumulate over `tenure`, else None."""
    use = np.isfinite(values) & np.isfinite(tenure) & (tenure > 0)
    values, tenure = values[use], tenure[use]
    if len(values) < FEWEST_ROWS or (values < 0).mean() > 0.01 or np.ptp(values) == 0:
        return None
    means, times = _binned(np.maximum(values, 0), tenure)
    if len(times) < 4 or times[-1] < LEAST_SPREAD * times[0] or (means <= 0).any():
        return None
    x, y = np.log(times), np.log(means)
    slope = float(np.cov(x, y, bias=True)[0, 1] / np.var(x))
    r_squared = float(np.corrcoef(x, y)[0, 1] ** 2) if np.ptp(y) > 0 else 0.0
    rank = float(np.corrcoef(pd.Series(values).rank(), pd.Series(tenure).rank())[0, 1])
    if SLOPES[0] <= slope <= SLOPES[1] and r_squared >= LEAST_R_SQUARED and rank >= LEAST_RANK_CORRELATION:
        return slope, r_squared, rank
    return None


def _binned(values: Floats, tenure: Floats) -> tuple[Floats, Floats]:
    """Means of both in about ten bins of equal size; equal tenures share a bin."""
    bins = int(np.clip(len(values) // 25, 4, 10))
    edges = np.unique(np.quantile(tenure, np.linspace(0, 1, bins + 1)))
    index = np.clip(np.searchsorted(edges, tenure, side="left") - 1, 0, max(len(edges) - 2, 0))
    counts = np.bincount(index)
    full = counts > 0
    return (
        (np.bincount(index, values)[full] / counts[full]),
        (np.bincount(index, tenure)[full] / counts[full]),
    )
