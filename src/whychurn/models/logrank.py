"""Log-rank tests of k groups: stratified, left-truncated, and weighted by the G-rho family.

Source: Mantel (1966), Cancer Chemother. Rep. 50:163; Peto & Peto (1972), J. R. Statist. Soc. A 135:185;
Harrington & Fleming (1982), Biometrika 69:553.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError, NoEventsError
from whychurn.models.columns import Booleans, Floats, Integers, read_events, read_groups, read_times


@dataclass(frozen=True, slots=True)
class LogRankResult:
    """A log-rank test.

    Attributes
    ----------
    statistic, df, p_value
        Chi-square; degrees of freedom are groups that expect events, less one. NaN with one group.
    observed, expected
        (Weighted) events by group, indexed by group.
    variance
        Covariance of observed less expected, groups x groups.
    groups, n
        Labels, and rows per group.
    """

    statistic: float
    df: int
    p_value: float
    observed: pd.Series
    expected: pd.Series
    variance: pd.DataFrame
    groups: tuple[str, ...]
    n: pd.Series

    def tidy(self) -> pd.DataFrame:
        """Return group, n, observed, expected and their ratio."""
        table = pd.DataFrame({"n": self.n, "observed": self.observed, "expected": self.expected})
        table["ratio"] = table["observed"] / table["expected"].where(table["expected"] > 0)
        return table.rename_axis("group").reset_index()


def logrank_test(
    frame: pd.DataFrame,
    time: str,
    event: str,
    group: str | Sequence[str],
    start: str | None = None,
    strata: str | Sequence[str] = (),
    rho: float = 0.0,
) -> LogRankResult:
    """Test that the groups have the same hazard at all times.

    Parameters
    ----------
    frame, time, event, start
        As in `fit_cox`.
    group
        Column, or columns to cross.
    strata
        Columns within whose combinations the groups are compared.
    rho
        Events are weighted by the pooled survival just before them to the power `rho`: 0 is the log-rank
        test, 1 the Peto-Peto test, which stresses early differences.

    Raises
    ------
    FitError, NoEventsError
    """
    if not len(frame):
        raise NoEventsError("The frame has no rows.")
    if not np.isfinite(rho):
        raise FitError(f"rho is a finite number, not {rho}.")
    begin, stop = read_times(frame, time, start)
    happened = read_events(frame, event)
    codes, labels = read_groups(frame, group)
    layers, layer_labels = read_groups(frame, strata)
    if not happened.any():
        raise NoEventsError(f"None of {len(frame):,} rows has an event in {event!r}: there is nothing to compare.")
    k = len(labels)
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for layer in range(len(layer_labels)):
        rows = layers == layer
        parts = stratum_sums(begin[rows], stop[rows], happened[rows], codes[rows], k, rho)
        observed, expected, variance = observed + parts[0], expected + parts[1], variance + parts[2]
    statistic, df = _quadratic_form(observed - expected, variance, expected)
    return LogRankResult(
        statistic=statistic,
        df=df,
        p_value=float(stats.chi2.sf(statistic, df)) if df else float("nan"),
        observed=pd.Series(observed, labels, name="observed"),
        expected=pd.Series(expected, labels, name="expected"),
        variance=pd.DataFrame(variance, labels, labels),
        groups=labels,
        n=pd.Series(np.bincount(codes, minlength=k), labels, name="n"),
    )


def stratum_sums(
    start: Floats, stop: Floats, event: Booleans, group: Integers, k: int, rho: float
) -> tuple[Floats, Floats, Floats]:
    """Return observed, expected, shape (k,), and the hypergeometric covariance, shape (k, k), of a stratum."""
    times = np.unique(stop[event])
    if not times.size:
        return np.zeros(k), np.zeros(k), np.zeros((k, k))
    deaths = _count(np.searchsorted(times, stop[event]), group[event], times.size, k)
    # At risk at a time: rows that stop at it or later less rows that start at it or later.
    leave = _count(np.searchsorted(times, stop, side="right"), group, times.size + 1, k)
    at_risk = np.cumsum(leave[::-1], axis=0)[::-1][1:]
    if np.isfinite(start).any():
        enter = _count(np.searchsorted(times, start, side="right"), group, times.size + 1, k)
        at_risk = at_risk - np.cumsum(enter[::-1], axis=0)[::-1][1:]
    d, n = deaths.sum(axis=1), at_risk.sum(axis=1)
    weight = np.ones(times.size)
    if rho != 0.0:
        weight = np.concatenate(([1.0], np.cumprod(1.0 - d / n)[:-1])) ** rho
    share = at_risk / n[:, None]
    spread = np.divide(weight**2 * d * (n - d), n - 1.0, out=np.zeros_like(n), where=n > 1.0)
    return (
        weight @ deaths,
        (weight * d) @ share,
        np.diag(spread @ share) - share.T @ (spread[:, None] * share),
    )


def _count(slot: Integers, group: Integers, slots: int, k: int) -> Floats:
    """Count rows by slot and group, shape (slots, k)."""
    flat = np.bincount(slot * k + group, minlength=slots * k)
    return flat.reshape(slots, k).astype(np.float64)


def _quadratic_form(difference: Floats, variance: Floats, expected: Floats) -> tuple[float, int]:
    """Return the chi-square over the groups that expect events, leaving one of them out."""
    able = np.flatnonzero(expected > 0.0)
    if able.size < 2:
        return float("nan"), 0
    keep = able[1:]
    block, part = variance[np.ix_(keep, keep)], difference[keep]
    # Groups that never share a risk set with others carry no information: the rank says so.
    solution, _, rank, _ = np.linalg.lstsq(block, part, rcond=1e-10)
    if not rank:
        return float("nan"), 0
    return float(part @ solution), int(rank)
