"""The mean cumulative function: how many events a subject has had by a time, on average.

At each time the events per subject at risk are added up (Nelson). Subjects may have any number of events, and a
subject's events may hang together: the standard error squares what each subject adds, over all its rows.

Sources: Nelson (1988), J. Qual. Technol. 20:24-35; Lawless & Nadeau (1995), Technometrics 37:158-168, equation 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import (
    Booleans,
    Floats,
    Integers,
    read_events,
    read_groups,
    read_query_times,
    read_times,
    read_weights,
    tally,
)
from whychurn.models.curve import step_value
from whychurn.models.distinct import distinct_codes
from whychurn.models.influence import running_totals, sum_of_squares
from whychurn.models.subjects import read_subjects
from whychurn.models.wald import normal_quantile

CONF_TYPES = ("log", "plain")


@dataclass(frozen=True, slots=True)
class MeanCumulativeFit:
    """Mean cumulative functions of all groups.

    Attributes
    ----------
    groups
        Labels, in sorted or category order.
    n_subjects, n_events
        Subjects and (weighted) events per group, indexed by group.
    conf_level, conf_type
        Level and scale of the limits.
    """

    groups: tuple[str, ...]
    n_subjects: pd.Series
    n_events: pd.Series
    conf_level: float
    conf_type: str
    curves: tuple[pd.DataFrame, ...] = field(repr=False)

    @property
    def curve(self) -> pd.DataFrame:
        """The estimate at every time at which a row of the group ends.

        Columns: group, time, n_at_risk (just before), n_events (at it), mean_events, std_error (robust),
        poisson_std_error (right only if a subject's events were independent), conf_low, conf_high.
        """
        blocks = [curve.assign(group=label) for label, curve in zip(self.groups, self.curves, strict=True)]
        table = pd.concat(blocks, ignore_index=True)
        return table[["group", *table.columns.drop("group")]]

    def at(self, times: Sequence[float] | Floats) -> pd.DataFrame:
        """Return the estimates at given times, sorted; NaN past the last time of a group.

        Returns
        -------
        DataFrame with group, time, mean_events, std_error, poisson_std_error, conf_low, conf_high.
        """
        wanted = np.sort(read_query_times(times))
        blocks = []
        for label, curve in zip(self.groups, self.curves, strict=True):
            steps = curve["time"].to_numpy()
            table = pd.DataFrame({"group": label, "time": wanted})
            for name in ("mean_events", "std_error", "poisson_std_error", "conf_low", "conf_high"):
                found = step_value(steps, curve[name].to_numpy(), 0.0, wanted)
                table[name] = np.where(wanted > steps[-1], np.nan, found)
            blocks.append(table)
        return pd.concat(blocks, ignore_index=True)

    def tidy(self) -> pd.DataFrame:
        """Return `curve`."""
        return self.curve


def mean_cumulative_function(
    frame: pd.DataFrame,
    time: str,
    event: str,
    subject: str,
    start: str | None = None,
    group: str | Sequence[str] | None = None,
    weights: str | None = None,
    conf_level: float = 0.95,
    conf_type: str = "log",
) -> MeanCumulativeFit:
    """Estimate the expected number of events per subject by every time.

    Parameters
    ----------
    frame
        One row per interval ``(start, stop]`` during which a subject was watched, ending in an event or not.
    time, event, start
        As in `fit_cox`. Times count from the same origin for all of a subject's rows (the total clock of
        `gap_times`). A subject is at risk during its rows only: a customer who is away cannot leave.
    subject
        Column of the subject that rows belong to.
    group
        Column, or columns to cross.
    weights
        Column of positive case weights.
    conf_level, conf_type
        Limits symmetric for the log of the mean ("log", default) or the mean itself ("plain", not below zero).

    Returns
    -------
    MeanCumulativeFit

    Raises
    ------
    FitError
        Unreadable columns or rows, an unknown `conf_type`, rows of one subject that overlap, or a group of
        one subject.
    """
    if conf_type not in CONF_TYPES:
        raise FitError(f"conf_type is one of {', '.join(CONF_TYPES)}, not {conf_type!r}.")
    if not len(frame):
        raise FitError("The frame has no rows.")
    z = normal_quantile(conf_level)
    begin, stop = read_times(frame, time, start)
    happened = read_events(frame, event)
    owner = read_subjects(frame, subject, begin, stop)
    mass = read_weights(frame, weights)
    codes, labels = read_groups(frame, group)
    curves, subjects = [], []
    for code in range(len(labels)):
        mine = codes == code
        members, own = np.unique(owner[mine], return_inverse=True)
        if members.size < 2:
            raise FitError(
                "A standard error that counts subjects needs at least two clusters (subjects); group "
                f"{labels[code]!r} has {members.size}. Take coarser groups."
            )
        curve = mean_steps(begin[mine], stop[mine], happened[mine], own.astype(np.int64), mass[mine])
        curves.append(_with_limits(curve, z, conf_type))
        subjects.append(members.size)
    return MeanCumulativeFit(
        groups=labels,
        n_subjects=pd.Series(subjects, labels, name="n_subjects"),
        n_events=pd.Series([float(curve["n_events"].sum()) for curve in curves], labels, name="n_events"),
        conf_level=conf_level,
        conf_type=conf_type,
        curves=tuple(curves),
    )


def mean_steps(start: Floats, stop: Floats, event: Booleans, subject: Integers, weights: Floats) -> pd.DataFrame:
    """Return time, n_at_risk, n_events, mean_events, std_error and poisson_std_error of one group.

    A subject's influence grows by ``1 / Y`` at its events and falls by ``d / Y^2`` at every time it is at risk.
    """
    time, leave = distinct_codes(stop)
    entry = np.searchsorted(time, start, side="right")
    leaving = tally(leave, weights, time.size)
    entered = np.cumsum(tally(entry, weights, time.size + 1))[: time.size]
    at_risk = entered - np.concatenate(([0.0], np.cumsum(leaving)[:-1]))
    events = tally(leave, weights * event, time.size)
    inverse = np.divide(1.0, at_risk, out=np.zeros_like(at_risk), where=events > 0)
    drift = np.cumsum(events * inverse**2)
    opening = np.concatenate(([0.0], drift))[entry]
    at_exit = opening - drift[leave] + event * inverse[leave]
    present = weights[:, None] * np.column_stack((opening, -np.ones_like(opening)))
    gone = weights[:, None] * np.column_stack((at_exit, np.zeros_like(opening)))
    place, before, after = running_totals(
        np.tile(subject, 2), np.concatenate((entry, leave)), np.concatenate((present, gone - present))
    )
    variance = sum_of_squares(place, before, after, np.column_stack((np.ones_like(drift), drift)))
    squares = tally(leave, weights**2 * event, time.size)
    return pd.DataFrame(
        {
            "time": time,
            "n_at_risk": at_risk,
            "n_events": events,
            "mean_events": np.cumsum(events * inverse),
            "std_error": np.sqrt(variance),
            "poisson_std_error": np.sqrt(np.cumsum(squares * inverse**2)),
        }
    )


def _with_limits(curve: pd.DataFrame, z: float, conf_type: str) -> pd.DataFrame:
    mean, error = curve["mean_events"].to_numpy(), curve["std_error"].to_numpy()
    if conf_type == "log":
        factor = np.exp(z * np.divide(error, mean, out=np.zeros_like(mean), where=mean > 0))
        return curve.assign(conf_low=mean / factor, conf_high=mean * factor)
    return curve.assign(conf_low=np.maximum(mean - z * error, 0.0), conf_high=mean + z * error)
