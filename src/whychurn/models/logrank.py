"""Log-rank tests of k groups: stratified, left-truncated, weighted, for trend and pair by pair.

Source: Mantel (1966), Cancer Chemother. Rep. 50:163; Peto & Peto (1972), J. R. Statist. Soc. A 135:185;
Harrington & Fleming (1982), Biometrika 69:553; trend as in Klein & Moeschberger (2003), section 7.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError, NoEventsError, some
from whychurn.models.arguments import is_number, read_list
from whychurn.models.columns import Floats, read_events, read_groups, read_stop, read_times, read_weights
from whychurn.models.logrank_sums import RiskCounts, log_rank_sums, risk_counts
from whychurn.models.multiplicity import METHODS, adjust_p_values


@dataclass(frozen=True, slots=True)
class TrendTest:
    """A log-rank test for trend.

    Attributes
    ----------
    statistic, p_value
        Chi-square on one degree of freedom. NaN where no two groups were ever at risk together.
    z
        Its root, positive where groups of higher score have more events than expected.
    scores
        Where the groups stand, about their mean, indexed by group.
    """

    statistic: float
    z: float
    p_value: float
    scores: pd.Series


@dataclass(frozen=True, slots=True)
class PairwiseLogRank:
    """Log-rank tests of every pair of groups.

    Attributes
    ----------
    table
        group, reference (an earlier group), statistic, df, p_value, p_adjusted.
    adjust
        How `p_adjusted` corrects for the number of pairs.
    """

    table: pd.DataFrame
    adjust: str

    def tidy(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table


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

    def trend(self, scores: Mapping[str, float] | Sequence[float] | None = None) -> TrendTest:
        """Test for a trend of the hazard over the groups in their order, on one degree of freedom.

        Parameters
        ----------
        scores
            Where the groups stand on the scale, by label or in the order of `groups`; None means 0, 1, 2, ....

        Raises
        ------
        FitError
            Scores that are missing, infinite or all equal.
        """
        k = len(self.groups)
        if isinstance(scores, Mapping):
            absent = [label for label in self.groups if label not in scores]
            if absent:
                raise FitError(f"No score for group {some(map(repr, absent))}.")
            scores = [scores[label] for label in self.groups]
        placed = np.arange(k, dtype=np.float64) if scores is None else read_list(scores, "scores")
        if placed.shape != (k,) or not np.isfinite(placed).all():
            raise FitError(f"scores are {k} finite numbers, one for each of {some(self.groups, most=30)}.")
        if k > 1 and (placed == placed[0]).all():
            raise FitError("The scores are all equal: there is no trend to test.")
        # Only differences between scores matter; a far origin would cost digits.
        placed = placed - placed.mean()
        excess = float(placed @ (self.observed - self.expected).to_numpy())
        variance = float(placed @ self.variance.to_numpy() @ placed)
        scale = float(placed**2 @ np.diag(self.variance.to_numpy()))
        z = excess / np.sqrt(variance) if variance > 1e-12 * scale else float("nan")
        return TrendTest(z**2, z, float(stats.chi2.sf(z**2, 1)), pd.Series(placed, self.groups, name="score"))

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
    gamma: float = 0.0,
    weights: str | None = None,
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
    rho, gamma
        Events weigh ``S^rho (1 - S)^gamma``, S the pooled survival of their stratum just before them: (0, 0) is
        the log-rank test, (1, 0) that of Peto and Peto, which stresses early differences, (0, 1) stresses late
        ones, (1, 1) those in the middle. `gamma` is not negative.
    weights
        Column of positive case weights. Whole numbers count rows; otherwise the variance is that of drawing
        weighted rows at random from the risk set (Xie & Liu 2005), so that only relative weights matter.

    Returns
    -------
    LogRankResult

    Raises
    ------
    FitError, NoEventsError
    """
    counts, labels, n = _read(frame, time, event, group, start, strata, rho, gamma, weights)
    observed, expected, variance, statistic, df = _test(counts, len(labels), rho, gamma)
    return LogRankResult(
        statistic=statistic,
        df=df,
        p_value=float(stats.chi2.sf(statistic, df)) if df else float("nan"),
        observed=pd.Series(observed, labels, name="observed"),
        expected=pd.Series(expected, labels, name="expected"),
        variance=pd.DataFrame(variance, labels, labels),
        groups=labels,
        n=n,
    )


def pairwise_logrank(
    frame: pd.DataFrame,
    time: str,
    event: str,
    group: str | Sequence[str],
    start: str | None = None,
    strata: str | Sequence[str] = (),
    rho: float = 0.0,
    gamma: float = 0.0,
    weights: str | None = None,
    adjust: str = "holm",
) -> PairwiseLogRank:
    """Compare every pair of groups by a log-rank test of their own rows, adjusted for the number of pairs.

    Parameters
    ----------
    frame, time, event, group, start, strata, rho, gamma, weights
        As in `logrank_test`; the pooled survival is that of the pair.
    adjust
        "holm" (default), "bh" or "by". A pair without information (p is NaN) does not count in the family.

    Returns
    -------
    PairwiseLogRank

    Raises
    ------
    FitError, NoEventsError
    """
    if adjust not in METHODS:
        raise FitError(f"adjust is one of {', '.join(METHODS)}, not {adjust!r}.")
    counts, labels, _ = _read(frame, time, event, group, start, strata, rho, gamma, weights)
    rows = []
    for later in range(1, len(labels)):
        for earlier in range(later):
            pair = [stratum.only([earlier, later]) for stratum in counts]
            *_, statistic, df = _test(pair, 2, rho, gamma)
            p_value = float(stats.chi2.sf(statistic, df)) if df else float("nan")
            rows.append((labels[later], labels[earlier], statistic, df, p_value))
    table = pd.DataFrame(rows, columns=["group", "reference", "statistic", "df", "p_value"])
    return PairwiseLogRank(table.assign(p_adjusted=adjust_p_values(table["p_value"], adjust)), adjust)


def _read(
    frame: pd.DataFrame,
    time: str,
    event: str,
    group: str | Sequence[str],
    start: str | None,
    strata: str | Sequence[str],
    rho: float,
    gamma: float,
    weights: str | None,
) -> tuple[list[RiskCounts], tuple[str, ...], pd.Series]:
    """Return counts by stratum, group labels, and rows per group."""
    if not len(frame):
        raise NoEventsError("The frame has no rows.")
    if not is_number(rho):
        raise FitError(f"rho is a finite number, not {rho!r}.")
    if not (is_number(gamma) and gamma >= 0):
        raise FitError(f"gamma is a finite number of zero or more, not {gamma!r}.")
    begin, stop = (None, read_stop(frame, time)) if start is None else read_times(frame, time, start)
    happened = read_events(frame, event)
    mass = None if weights is None else read_weights(frame, weights)
    codes, labels = read_groups(frame, group)
    layers, layer_labels = read_groups(frame, strata)
    if not happened.any():
        raise NoEventsError(f"None of {len(frame):,} rows has an event in {event!r}: there is nothing to compare.")
    counts = risk_counts(codes, len(labels), layers, len(layer_labels), begin, stop, happened, mass)
    return counts, labels, pd.Series(np.bincount(codes, minlength=len(labels)), labels, name="n")


def _test(counts: Sequence[RiskCounts], k: int, rho: float, gamma: float) -> tuple[Floats, Floats, Floats, float, int]:
    """Return observed, expected, covariance, chi-square and degrees of freedom over all strata."""
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for stratum in counts:
        if not stratum.deaths.shape[0]:
            continue
        parts = log_rank_sums(stratum, rho, gamma)
        observed, expected, variance = observed + parts[0], expected + parts[1], variance + parts[2]
    return observed, expected, variance, *_quadratic_form(observed - expected, variance, expected)


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
