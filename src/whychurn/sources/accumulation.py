"""Lifetime totals: numbers that grow because a customer stayed, and so cannot be a cause of staying.

A total grows in proportion to tenure: with mean ``a * tenure ** b`` and b near 1. An attribute that merely goes
with tenure differs in two ways. Its mean changes less than tenure does, because customers who leave early can
shift a mean but not bring it near zero; and among customers who are still here, those who joined lately are a
fair sample of all, so that there it hardly rises at all. Both are asked for. The power b is estimated by Poisson
pseudo-maximum likelihood (Gourieroux, Monfort and Trognon 1984), which needs no logarithm of zero counts and
assumes nothing about the distribution beyond its mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.sources.contract import Accumulating

FEWEST_ROWS = 100
#: Of those who left, and of those who did not, this many must there be for a group to be asked on its own.
FEWEST_IN_GROUP = 50
SLOPES = (0.5, 1.6)
#: Nor may the lower end of the slope's 99% interval lie below this.
LEAST_LOWER_END = 0.35
LEAST_R_SQUARED = 0.9
#: Below that R-squared, bin means must lie within chance of the curve: chi-square per degree of freedom.
MOST_CHI_SQUARE = 2.0
#: Tenures in the highest bin must be this many times those in the lowest, or a slope says nothing.
LEAST_SPREAD = 3.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Growth:
    """How the mean of a number grows with tenure: its power, that power's standard error, how well it fits."""

    slope: float
    std_error: float
    r_squared: float
    chi_square: float
    spread: float

    @property
    def like_a_total(self) -> bool:
        """Whether the mean grows about in proportion to tenure, and surely so."""
        fits = self.r_squared >= LEAST_R_SQUARED or self.chi_square <= MOST_CHI_SQUARE
        sure = self.slope - 2.576 * self.std_error >= LEAST_LOWER_END
        return self.spread >= LEAST_SPREAD and SLOPES[0] <= self.slope <= SLOPES[1] and sure and fits


def accumulating_columns(
    frame: pd.DataFrame, columns: Sequence[str], tenure: str = "tenure", churned: str = "churned"
) -> tuple[Accumulating, ...]:
    """Return numeric columns that grow with tenure as a running total does.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : sequence of str
        Those to judge; text columns are passed over.
    tenure, churned : str
        A number, and a boolean.
    """
    time, left = frame[tenure].to_numpy(dtype=float), frame[churned].to_numpy(dtype=bool)
    found = []
    for name in columns:
        if pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name]):
            values = frame[name].to_numpy(dtype=float)
            growth = accumulates(values, time, left)
            if growth is not None:
                rank = float(frame[name].rank().corr(frame[tenure].rank()))
                found.append(Accumulating(name, growth.slope, growth.r_squared, rank))
    return tuple(found)


def accumulates(values: Floats, tenure: Floats, left: NDArray[np.bool_]) -> Growth | None:
    """Return how `values` grow with `tenure` if they do so as a running total does, else None.

    Parameters
    ----------
    values, tenure : ndarray of float, shape (rows,)
        Rows without a value, or with tenure 0, are passed over.
    left : ndarray of bool, shape (rows,)
        Who left. The growth must show among all, and among those who stayed (and left) on their own.
    """
    use = np.isfinite(values) & np.isfinite(tenure) & (tenure > 0)
    values, tenure, left = values[use], tenure[use], left[use]
    if len(values) < FEWEST_ROWS or (values < 0).mean() > 0.01:
        return None
    values = np.maximum(values, 0)
    growth = growth_with_tenure(values, tenure)
    if growth is None or not growth.like_a_total:
        return None
    for group in (~left, left):
        if group.sum() >= FEWEST_IN_GROUP:
            own = growth_with_tenure(values[group], tenure[group])
            if own is not None and own.spread >= LEAST_SPREAD and own.slope < SLOPES[0]:
                return None
    return growth


def growth_with_tenure(values: Floats, tenure: Floats) -> Growth | None:
    """Fit mean = a * tenure ** b; None where there is nothing to fit.

    Parameters
    ----------
    values : ndarray of float, shape (rows,)
        From 0 up.
    tenure : ndarray of float, shape (rows,)
        Above 0.
    """
    x = np.log(tenure)
    if not values.any() or np.ptp(x) == 0 or np.ptp(values) == 0:
        return None
    design = np.column_stack([np.ones_like(x), x - x.mean()])
    beta = np.array([np.log(values.mean()), 0.0])
    for _ in range(50):
        mean = np.exp(np.clip(design @ beta, -50, 50))
        step = np.linalg.solve(design.T @ (mean[:, None] * design), design.T @ (values - mean))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    mean = np.exp(np.clip(design @ beta, -50, 50))
    bread = np.linalg.inv(design.T @ (mean[:, None] * design))
    scores = design * (values - mean)[:, None]
    std_error = float(np.sqrt((bread @ (scores.T @ scores) @ bread)[1, 1]))
    return Growth(float(beta[1]), std_error, *_fit_in_bins(values, tenure, mean))


def _fit_in_bins(values: Floats, tenure: Floats, mean: Floats) -> tuple[float, float, float]:
    """R-squared of bin means, chi-square per degree of freedom, and highest over lowest bin's tenure.

    About ten bins of equal size; equal tenures share one.
    """
    bins = int(np.clip(len(values) // 25, 4, 10))
    edges = np.unique(np.quantile(tenure, np.linspace(0, 1, bins + 1)))
    index = np.clip(np.searchsorted(edges, tenure, side="left") - 1, 0, max(len(edges) - 2, 0))
    index = np.unique(index, return_inverse=True)[1]
    n = np.bincount(index)
    observed, fitted, time = (np.bincount(index, weights) / n for weights in (values, mean, tenure))
    residual = values - mean
    variance = np.maximum(np.bincount(index, residual**2) / n, 1e-12 * max(float(values.var()), 1e-300))
    total = float(n @ (observed - np.average(observed, weights=n)) ** 2)
    r_squared = 1 - float(n @ (observed - fitted) ** 2) / total if total > 0 else 0.0
    chi_square = float((n * (observed - fitted) ** 2 / variance).sum()) / max(len(n) - 2, 1)
    return r_squared, chi_square, float(time[-1] / time[0])
