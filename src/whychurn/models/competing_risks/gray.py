"""Gray's test that the cumulative incidence of a cause is the same in k groups.

Source: Gray (1988), Ann. Statist. 16:1141-1154, with the ties and the variance of its author's R package cmprsk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.arguments import is_number
from whychurn.models.columns import Floats, Integers, read_groups, read_times
from whychurn.models.competing_risks.causes import read_causes
from whychurn.models.distinct import distinct_codes


@dataclass(frozen=True, slots=True)
class GrayResult:
    """Gray's test of every cause.

    Attributes
    ----------
    tests
        One row per cause: cause, statistic (chi-square), df, p_value, note. Statistic and p-value are NaN where
        the groups cannot be compared; the note says why.
    scores
        Weighted events in excess of those expected, groups x causes. They add up to zero.
    variances
        For each cause the covariance of those scores, groups x groups.
    groups, n
        Labels, and rows per group.
    rho
        Power of the weights.
    """

    tests: pd.DataFrame
    scores: pd.DataFrame
    variances: dict[str, pd.DataFrame]
    groups: tuple[str, ...]
    n: pd.Series
    rho: float

    def tidy(self) -> pd.DataFrame:
        """Return `tests`."""
        return self.tests


def gray_test(
    frame: pd.DataFrame,
    time: str,
    event: str,
    group: str | Sequence[str],
    censored: Any = 0,
    start: str | None = None,
    strata: str | Sequence[str] = (),
    rho: float = 0.0,
) -> GrayResult:
    """Test, cause by cause, that the groups have the same cumulative incidence.

    Unlike the log-rank test of a cause, which compares its hazards, this compares what the competing causes leave.

    Parameters
    ----------
    frame, time, event, censored
        As in `fit_aalen_johansen`, one row per subject.
    group
        Column, or columns to cross.
    start
        Refused unless it is zero throughout: the test has no form for late entry.
    strata
        Columns within whose combinations the groups are compared.
    rho
        Differences are weighted by one less the pooled incidence just before, to the power `rho`.

    Returns
    -------
    GrayResult

    Raises
    ------
    FitError
        Unreadable columns or rows, or late entry.
    NoEventsError
        Every row is censored.
    """
    if not len(frame):
        raise FitError("The frame has no rows.")
    if not is_number(rho):
        raise FitError(f"rho is a finite number, not {rho!r}.")
    begin, stop = read_times(frame, time, start)
    refuse_late_entry(begin, start, "Gray's test", "Compare the groups by fit_aalen_johansen, which does.")
    causes = read_causes(frame, event, censored)
    codes, labels = read_groups(frame, group)
    layers, layer_labels = read_groups(frame, strata)
    k = len(labels)
    rows, scores, variances = [], {}, {}
    for code, cause in enumerate(causes.labels, start=1):
        kind = np.where(causes.codes == code, 1, np.where(causes.codes > 0, 2, 0))
        score, variance = np.zeros(k), np.zeros((k, k))
        for layer in range(len(layer_labels)):
            mine = layers == layer
            part = stratum_score(stop[mine], kind[mine], codes[mine], k, rho)
            score, variance = score + part[0], variance + part[1]
        statistic, df = _chi_square(score, variance)
        p_value = float(stats.chi2.sf(statistic, df)) if df else float("nan")
        note = "" if df else ("there is only one group" if k == 1 else "the groups are never at risk together")
        rows.append((cause, statistic, df, p_value, note))
        scores[cause] = score
        variances[cause] = pd.DataFrame(variance, labels, labels)
    return GrayResult(
        tests=pd.DataFrame(rows, columns=["cause", "statistic", "df", "p_value", "note"]),
        scores=pd.DataFrame(scores, index=list(labels)),
        variances=variances,
        groups=labels,
        n=pd.Series(np.bincount(codes, minlength=k), labels, name="n"),
        rho=float(rho),
    )


def refuse_late_entry(begin: Floats, start: str | None, method: str, instead: str) -> None:
    """Raise `FitError` where a method without late entry meets rows that begin after time zero."""
    late = int((np.isfinite(begin) & (begin > 0)).sum())
    if late:
        raise FitError(
            f"{method} does not allow for late entry: {late:,} of {begin.size:,} rows begin after zero in {start!r}. "
            f"{instead}"
        )


def stratum_score(stop: Floats, kind: Integers, group: Integers, k: int, rho: float) -> tuple[Floats, Floats]:
    """Return the score of each group, shape (k,), and its covariance, shape (k, k), in one stratum.

    Parameters
    ----------
    stop
        Times, shape (n,).
    kind
        1 for the cause tested, 2 for any other, 0 for censored, shape (n,).
    group
        Group codes, shape (n,).

    Notes
    -----
    In Gray's words: ``h = Y / S(-)`` of each group estimates those not censored; ``R = h (1 - F(-))`` is its
    subdistribution risk set; ``F0`` is the pooled incidence under the hypothesis.
    """
    times, place = distinct_codes(stop)
    counts = np.bincount((place * k + group) * 3 + kind, minlength=times.size * k * 3).reshape(times.size, k, 3)
    at_risk = np.cumsum(counts.sum(axis=2)[::-1], axis=0)[::-1].astype(np.float64)
    keep = counts[:, :, 1:].any(axis=(1, 2))
    own, other = counts[keep, :, 1].astype(np.float64), counts[keep, :, 2].astype(np.float64)
    at_risk = at_risk[keep]
    if not at_risk.size:
        return np.zeros(k), np.zeros((k, k))
    safe = np.where(at_risk > 0, at_risk, 1.0)
    staying = np.where(at_risk > 0, (at_risk - own - other) / safe, 1.0)
    after = np.cumprod(staying, axis=0)
    before = np.vstack((np.ones((1, k)), after[:-1]))
    incidence = _just_before(np.cumsum(before * own / safe, axis=0))
    there = np.where(before > 0, before, 1.0)
    h = at_risk / there
    size, failures = h.sum(axis=1), own.sum(axis=1)
    hazard = failures / size
    pooled = np.cumsum(hazard)
    pooled_before = _just_before(pooled)
    weight = (1.0 - pooled_before) ** rho
    subset = h * (1.0 - incidence)
    expected = np.divide(failures, subset.sum(axis=1), out=np.zeros_like(failures), where=failures > 0)
    score = weight @ (own - expected[:, None] * subset)
    rate = np.divide(hazard, 1.0 - pooled_before, out=np.zeros_like(hazard), where=failures > 0)
    # What is left of the pooled curve, over each group's survival after the time; nothing where that is zero.
    remaining = np.divide((1.0 - pooled)[:, None], after, out=np.zeros_like(after), where=after > 0)
    excess = np.maximum(failures - 1.0, 0.0)[:, None]
    pool = size[:, None] * before - 1.0
    tied = 1.0 - np.divide(excess, pool, out=np.zeros_like(pool), where=(excess > 0) & (pool > 0))
    spread_own = np.where(at_risk > 0, tied * before * hazard[:, None] / safe, 0.0)
    fewer = np.maximum(other - 1.0, 0.0)
    tied = 1.0 - np.divide(fewer, at_risk - 1.0, out=np.zeros_like(fewer), where=fewer > 0)
    spread_other = np.where(after > 0, tied * before**2 * other / safe**2, 0.0)
    variance = np.zeros((k, k))
    for j in range(k):
        # How the score of every group answers to the hazards of group j, now and through later risk sets.
        direct = -(weight * h[:, j] / size)[:, None] * h
        direct[:, j] += weight * h[:, j]
        running = np.cumsum(direct * rate[:, None], axis=0)
        later = running[-1] - running
        by_own = direct + (1.0 - remaining[:, j])[:, None] * later
        by_other = remaining[:, j][:, None] * later
        variance += by_own.T @ (spread_own[:, j][:, None] * by_own)
        variance += by_other.T @ (spread_other[:, j][:, None] * by_other)
    return score, variance


def _just_before(values: Floats) -> Floats:
    return np.concatenate((np.zeros((1, *values.shape[1:])), values[:-1]))


def _chi_square(score: Floats, variance: Floats) -> tuple[float, int]:
    """Return the chi-square of the scores, one group left out, and its rank."""
    block, part = variance[:-1, :-1], score[:-1]
    scale = np.sqrt(np.diag(block))
    able = scale > 0
    if not able.any():
        return float("nan"), 0
    block, part, scale = block[np.ix_(able, able)], part[able], scale[able]
    solution, _, rank, _ = np.linalg.lstsq(block / np.outer(scale, scale), part / scale, rcond=1e-10)
    return float(part / scale @ solution), int(rank)
