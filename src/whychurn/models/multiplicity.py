"""Adjust p-values for many tests of one declared family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.columns import Floats

METHODS = ("bh", "by", "holm")


def adjust_p_values(p: Sequence[float] | Floats | pd.Series, method: str = "bh") -> Floats:
    """Return adjusted p-values in the order given, shape (m,).

    Parameters
    ----------
    p
        p-values; NaN (a test that could not be made) stays NaN and does not count in the family.
    method
        "bh": false discovery rate, Benjamini & Hochberg (1995), J. R. Statist. Soc. B 57:289. "by": the same
        under any dependence, Benjamini & Yekutieli (2001), Ann. Statist. 29:1165. "holm": family-wise error,
        Holm (1979), Scand. J. Statist. 6:65.

    Raises
    ------
    FitError
        Unknown method, a p-value outside [0, 1] or no number, or a table of them.
    """
    if method not in METHODS:
        raise FitError(f"method is one of {', '.join(METHODS)}, not {method!r}.")
    values = _read(p)
    known = ~np.isnan(values)
    outside = known & ~((values >= 0.0) & (values <= 1.0))
    if outside.any():
        raise FitError(f"{int(outside.sum())} p-values lie outside 0 to 1 (first: {values[outside][0]}).")
    adjusted = np.full(values.shape, np.nan)
    if known.any():
        adjusted[known] = _adjusted(values[known], method)
    return adjusted


def _read(p: Sequence[float] | Floats | pd.Series) -> Floats:
    try:
        if isinstance(p, pd.Series):
            return p.to_numpy(dtype=np.float64, na_value=np.nan)
        values = np.array(p, dtype=float, ndmin=1)
    except (TypeError, ValueError) as problem:
        raise FitError(f"p-values are numbers: {problem}.") from problem
    if values.ndim > 1:
        raise FitError(f"p-values come as one list, not as an array of shape {values.shape}.")
    return values


def _adjusted(values: Floats, method: str) -> Floats:
    if method in ("bh", "by"):
        return np.asarray(stats.false_discovery_control(values, method=method), dtype=float)
    # Written out: statsmodels' multipletests collects garbage at every call, a quarter of a second each in a report.
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    adjusted = np.empty(values.size)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
