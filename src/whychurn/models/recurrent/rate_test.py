"""A test that groups have the same rate of recurrent events at all times.

Source: Lawless & Nadeau (1995), Technometrics 37:158-168; Cook, Lawless & Nadeau (1996), Biometrics 52:557-571. It is
the robust score test of a Cox model of the groups with Breslow's ties and clusters of subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError, NoEventsError
from whychurn.models.columns import Floats, read_events, read_groups, read_times
from whychurn.models.distinct import distinct_codes
from whychurn.models.subjects import read_subjects


@dataclass(frozen=True, slots=True)
class MeanCumulativeTest:
    """A test of equal event rates.

    Attributes
    ----------
    statistic, df, p_value
        Chi-square; NaN and zero degrees of freedom where there is one group, or as many groups as subjects.
    observed, expected
        Events by group, and those expected if the pooled rate held in all.
    variance
        Covariance of observed less expected from what each subject adds, groups x groups.
    n_subjects
        Subjects by group.
    """

    statistic: float
    df: int
    p_value: float
    observed: pd.Series
    expected: pd.Series
    variance: pd.DataFrame
    n_subjects: pd.Series

    def tidy(self) -> pd.DataFrame:
        """Return group, n_subjects, observed, expected and their ratio."""
        table = pd.DataFrame({"n_subjects": self.n_subjects, "observed": self.observed, "expected": self.expected})
        table["ratio"] = table["observed"] / table["expected"].where(table["expected"] > 0)
        return table.rename_axis("group").reset_index()


def mean_cumulative_test(
    frame: pd.DataFrame,
    time: str,
    event: str,
    subject: str,
    group: str | Sequence[str],
    start: str | None = None,
) -> MeanCumulativeTest:
    """Test that the mean cumulative functions of the groups are the same.

    Parameters
    ----------
    frame, time, event, subject, group, start
        As in `mean_cumulative_function`.

    Returns
    -------
    MeanCumulativeTest

    Raises
    ------
    FitError, NoEventsError
    """
    if not len(frame):
        raise FitError("The frame has no rows.")
    begin, stop = read_times(frame, time, start)
    happened = read_events(frame, event)
    owner = read_subjects(frame, subject, begin, stop)
    codes, labels = read_groups(frame, group)
    if not happened.any():
        raise NoEventsError(f"None of {len(frame):,} rows has an event in {event!r}: there is nothing to compare.")
    k = len(labels)
    times, at = distinct_codes(stop[happened])
    entry = np.searchsorted(times, begin, side="right")
    leave = np.searchsorted(times, stop, side="right")
    moved = np.bincount(entry * k + codes, minlength=(times.size + 1) * k)
    moved = moved - np.bincount(leave * k + codes, minlength=(times.size + 1) * k)
    at_risk = np.cumsum(moved.reshape(-1, k), axis=0)[:-1].astype(np.float64)
    size = at_risk.sum(axis=1)
    share = at_risk / size[:, None]
    rate = np.bincount(at, minlength=times.size) / size
    member = np.eye(k)[codes]
    total = np.concatenate(([0.0], np.cumsum(rate)))
    pooled = np.vstack((np.zeros((1, k)), np.cumsum(rate[:, None] * share, axis=0)))
    exposure = (total[leave] - total[entry])[:, None] * member
    rows = (pooled[leave] - pooled[entry]) - exposure
    rows[happened] += member[happened] - share[at]
    scores = np.zeros((int(owner.max()) + 1, k))
    np.add.at(scores, owner, rows)
    variance = scores.T @ scores
    difference = scores.sum(axis=0)
    statistic, df = _chi_square(difference, variance)
    subjects = [np.unique(owner[codes == code]).size for code in range(k)]
    return MeanCumulativeTest(
        statistic=statistic,
        df=df,
        p_value=float(stats.chi2.sf(statistic, df)) if df else float("nan"),
        observed=pd.Series(np.bincount(codes[happened], minlength=k).astype(float), labels, name="observed"),
        expected=pd.Series(exposure.sum(axis=0), labels, name="expected"),
        variance=pd.DataFrame(variance, labels, labels),
        n_subjects=pd.Series(subjects, labels, name="n_subjects"),
    )


def _chi_square(difference: Floats, variance: Floats) -> tuple[float, int]:
    """Return the chi-square of the differences, which add up to zero, and the rank of their covariance."""
    scale = np.sqrt(np.diag(variance))
    able = np.flatnonzero(scale > 1e-12 * max(float(scale.max(initial=0.0)), 1.0))[1:]
    if not able.size:
        return float("nan"), 0
    block = variance[np.ix_(able, able)] / np.outer(scale[able], scale[able])
    part = difference[able] / scale[able]
    solution, _, rank, _ = np.linalg.lstsq(block, part, rcond=1e-10)
    return float(part @ solution), int(rank)
