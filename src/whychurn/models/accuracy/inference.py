"""From the influence of each row to a standard error, the same way for every measure of accuracy.

The influence of a row is the derivative of the estimate in the row's weight, times that weight (the
infinitesimal jackknife). With unit weights and one row per cluster this is the empirical influence function
over n. The variance is the sum of squares over clusters times G / (G - 1) for G clusters.

Source: Efron & Stein (1981), Ann. Statist. 9:586; Huang & Wang (2011) on clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models import columns
from whychurn.models.columns import Floats, Integers, read_numbers, read_weights, refuse_rows, tally
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its standard error and interval; NaN where the data do not determine it."""

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float


def contributions(influence: Floats, clusters: Integers | None = None) -> Floats:
    """Return what each cluster (or row) adds, shape (G,): numbers whose squares add up to the variance.

    A single cluster says nothing about variation: its contribution is NaN.
    """
    summed = influence if clusters is None else tally(clusters, influence)
    if summed.size < 2:
        return np.full(summed.size, np.nan)
    return summed * np.sqrt(summed.size / (summed.size - 1.0))


def error_of(parts: Floats) -> float:
    """Return the standard error that contributions of shape (G,) amount to."""
    return float(np.sqrt(parts @ parts))


def with_interval(
    estimate: float, std_error: float, conf_level: float, low: float = -np.inf, high: float = np.inf
) -> Estimate:
    """Return the estimate with its normal interval, cut at what the measure can be."""
    z = normal_quantile(conf_level)
    lower, upper = np.clip([estimate - z * std_error, estimate + z * std_error], low, high)
    return Estimate(estimate, std_error, float(lower), float(upper))


def read_predictions(frame: pd.DataFrame, name: str) -> Floats:
    """Return a column of probabilities, shape (n,); anything outside [0, 1] is refused."""
    values = read_numbers(frame, name)
    refuse_rows(frame, (values < 0.0) | (values > 1.0), f"Column {name!r} is no probability (below 0 or above 1)")
    return values


def read_clusters(frame: pd.DataFrame, cluster: str | None) -> Integers | None:
    """Return cluster codes, shape (n,), or None without a cluster column; a single cluster is refused."""
    return None if cluster is None else columns.read_clusters(frame, cluster)


def drop_weightless(frame: pd.DataFrame, weights: str | None) -> tuple[pd.DataFrame, Floats]:
    """Return the rows of positive weight with their weights (those of unknown outcome weigh nothing).

    Raises
    ------
    FitError
        No row is left, or the weights are unreadable or negative.
    """
    mass = read_weights(frame, weights, zero_allowed=True)
    kept = mass > 0.0
    if not kept.any():
        raise FitError(
            f"None of {len(frame):,} rows has a positive weight: there is nothing to compare predictions with."
        )
    return (frame, mass) if kept.all() else (frame[kept], mass[kept])
