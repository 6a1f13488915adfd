"""Cumulative incidence of every cause, by group: what to print where causes compete, instead of 1 - KM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import (
    Floats,
    Integers,
    read_groups,
    read_query_times,
    read_times,
    read_weights,
    refuse_rows,
)
from whychurn.models.competing_risks.causes import read_causes
from whychurn.models.competing_risks.incidence import IncidenceSteps, incidence_steps
from whychurn.models.competing_risks.limits import CONF_TYPES, incidence_limits
from whychurn.models.competing_risks.lost_time import TimeLost, compare_time_lost
from whychurn.models.curve import step_value
from whychurn.models.subjects import in_sequence, read_subjects
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class GroupIncidence:
    """One group: its steps and the sorted entry times behind the numbers at risk."""

    steps: IncidenceSteps
    entry: Floats
    entry_weight: Floats


@dataclass(frozen=True, slots=True)
class AalenJohansenFit:
    """Aalen-Johansen estimates of all groups.

    Attributes
    ----------
    groups, causes
        Labels, in sorted or category order.
    n
        Rows per group (subjects where a subject column is given).
    n_events
        (Weighted) events, groups x causes.
    conf_level, conf_type
        Level and scale of the limits.
    """

    groups: tuple[str, ...]
    causes: tuple[str, ...]
    n: pd.Series
    n_events: pd.DataFrame
    conf_level: float
    conf_type: str
    curves: tuple[GroupIncidence, ...] = field(repr=False)

    @property
    def curve(self) -> pd.DataFrame:
        """The estimate at every distinct time of each group.

        Columns: group, cause, time, n_at_risk (just before), n_events (of the cause at it), n_censored,
        incidence, std_error, conf_low, conf_high.
        """
        return self._tables(None)

    def at(self, times: Sequence[float] | Floats) -> pd.DataFrame:
        """Return the estimates at given times.

        Parameters
        ----------
        times
            In the unit of the fit; sorted on the way.

        Returns
        -------
        DataFrame with group, cause, time, n_at_risk (rows with ``start < t <= stop``), n_events (of the cause) and
        n_censored (since the time before, the first since the beginning), incidence, std_error, conf_low, conf_high.
        Past the last observed time of a group nothing is known: NaN, unless everybody had an event.
        """
        return self._tables(np.sort(read_query_times(times)))

    def event_free(self, times: Sequence[float] | Floats | None = None) -> pd.DataFrame:
        """Return the share without an event of any cause, at every step or at `times`.

        With the incidences of all causes it adds up to one.

        Returns
        -------
        DataFrame with group, time, survival, std_error, conf_low, conf_high.
        """
        wanted = None if times is None else np.sort(read_query_times(times))
        blocks = []
        for label, group in zip(self.groups, self.curves, strict=True):
            steps = group.steps
            values = self._values(steps, steps.survival, steps.survival_error, 1.0, wanted)
            shown = {"time": steps.time if wanted is None else wanted, "survival": values.pop("estimate"), **values}
            blocks.append(pd.DataFrame({"group": label, **shown}))
        return pd.concat(blocks, ignore_index=True)

    def restricted_time_lost(self, tau: float) -> TimeLost:
        """Return the mean time lost to each cause within the first `tau`: the area under its incidence.

        Parameters
        ----------
        tau
            Horizon, in the unit of the fit. A group followed less long with survivors left gets NaN and a note.

        Returns
        -------
        TimeLost

        Raises
        ------
        FitError
            `tau` is not a positive number.
        """
        every = [(label, group.steps) for label, group in zip(self.groups, self.curves, strict=True)]
        return compare_time_lost(every, self.causes, tau, self.conf_level)

    def tidy(self) -> pd.DataFrame:
        """Return `curve`."""
        return self.curve

    def _tables(self, times: Floats | None) -> pd.DataFrame:
        blocks = []
        for label, group in zip(self.groups, self.curves, strict=True):
            steps = group.steps
            for place, cause in enumerate(self.causes):
                shown = {
                    "time": steps.time if times is None else times,
                    "n_at_risk": steps.at_risk if times is None else number_at_risk(group, times),
                    "n_events": _since_last(steps.time, steps.events[:, place], times),
                    "n_censored": _since_last(steps.time, steps.censored, times),
                }
                values = self._values(steps, steps.incidence[:, place], steps.std_error[:, place], 0.0, times)
                shown |= {"incidence": values.pop("estimate"), **values}
                blocks.append(pd.DataFrame({"group": label, "cause": cause, **shown}))
        return pd.concat(blocks, ignore_index=True)

    def _values(
        self, steps: IncidenceSteps, estimate: Floats, error: Floats, beginning: float, times: Floats | None
    ) -> dict[str, Floats]:
        low, high = incidence_limits(estimate, error, beginning, normal_quantile(self.conf_level), self.conf_type)
        found = {"estimate": estimate, "std_error": error, "conf_low": low, "conf_high": high}
        if times is None:
            return found
        past = (times > steps.time[-1]) & (steps.survival[-1] > 0.0)
        starts = {"estimate": beginning, "std_error": 0.0, "conf_low": beginning, "conf_high": beginning}
        return {
            name: np.where(past, np.nan, step_value(steps.time, values, starts[name], times))
            for name, values in found.items()
        }


def fit_aalen_johansen(
    frame: pd.DataFrame,
    time: str,
    event: str,
    censored: Any = 0,
    start: str | None = None,
    group: str | Sequence[str] | None = None,
    weights: str | None = None,
    subject: str | None = None,
    conf_level: float = 0.95,
    conf_type: str = "log-log",
) -> AalenJohansenFit:
    """Estimate the cumulative incidence of every cause in each group.

    Parameters
    ----------
    frame
        One row per subject, or per interval ``(start, stop]``.
    time, start
        As in `fit_kaplan_meier`. With `start`, rows count as at risk after it only (left truncation).
    event
        Column that says how the row ended: text, category, Boolean or whole numbers.
    censored
        The value of `event` where nothing had happened yet; None where every row ends in an event.
    group
        Column, or columns to cross.
    weights
        Column of positive case weights.
    subject
        Column of the subject that rows belong to: touching rows are joined, and standard errors count subjects.
    conf_level, conf_type
        Pointwise limits: "log-log" (default), "log", "logit" or "plain", as R's survfit puts them on a
        probability. Before the first event of a cause they are (0, 0).

    Returns
    -------
    AalenJohansenFit
        Standard errors are the infinitesimal jackknife's, as in R's survfit.

    Raises
    ------
    FitError
        Unreadable columns or rows, an unknown censoring value or `conf_type`, rows of one subject that overlap or
        go on after its event.
    NoEventsError
        Every row is censored.

    References
    ----------
    Aalen & Johansen (1978), Scand. J. Statist. 5:141-150. Putter, Fiocco & Geskus (2007), Statist. Med. 26:2389.
    """
    if conf_type not in CONF_TYPES:
        raise FitError(f"conf_type is one of {', '.join(CONF_TYPES)}, not {conf_type!r}.")
    if not len(frame):
        raise FitError("The frame has no rows.")
    normal_quantile(conf_level)
    begin, stop = read_times(frame, time, start)
    causes = read_causes(frame, event, censored)
    mass = read_weights(frame, weights)
    codes, labels = read_groups(frame, group)
    owner = read_subjects(frame, subject, begin, stop) if subject is not None else None
    cause = causes.codes
    if owner is not None:
        refuse_rows_after_event(frame, owner, begin, cause, subject)
        begin, stop, cause, mass, codes, owner = _joined(begin, stop, cause, mass, codes, owner)
    k = len(causes.labels)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(labels) + 1))
    curves, sizes = [], []
    for code in range(len(labels)):
        rows = order[bounds[code] : bounds[code + 1]]
        mine = None if owner is None else np.unique(owner[rows], return_inverse=True)[1]
        steps = incidence_steps(begin[rows], stop[rows], cause[rows], k, mass[rows], mine)
        if start is None:
            entry, entering = np.array([-np.inf]), np.array([mass[rows].sum()])
        else:
            sorted_entry = np.argsort(begin[rows], kind="stable")
            entry, entering = begin[rows][sorted_entry], mass[rows][sorted_entry]
        curves.append(GroupIncidence(steps, entry, entering))
        sizes.append(rows.size if mine is None else int(mine.max()) + 1)
    events = np.array([curve.steps.events.sum(axis=0) for curve in curves])
    return AalenJohansenFit(
        groups=labels,
        causes=causes.labels,
        n=pd.Series(sizes, labels, name="n"),
        n_events=pd.DataFrame(events, labels, list(causes.labels)),
        conf_level=conf_level,
        conf_type=conf_type,
        curves=tuple(curves),
    )


def refuse_rows_after_event(
    frame: pd.DataFrame, owner: Integers, begin: Floats, cause: Integers, subject: str | None
) -> None:
    """Refuse rows of a subject that follow one of its rows with an event: causes compete for one end."""
    order, follows = in_sequence(owner, begin)
    late = np.zeros(owner.size, dtype=bool)
    late[order[1:]] = follows[1:] & (cause[order][:-1] > 0)
    refuse_rows(frame, late, f"A row goes on after an event of the same {subject!r} (a returning customer recurs)")


def number_at_risk(group: GroupIncidence, times: Floats) -> Floats:
    """Count rows with ``start < t <= stop``; at the very beginning, those that start there."""
    entered = np.concatenate(([0.0], np.cumsum(group.entry_weight)))
    first = int(np.searchsorted(group.entry, group.entry[0], side="right"))
    inside = np.maximum(np.searchsorted(group.entry, times, side="left"), first)
    leaving = group.steps.events.sum(axis=1) + group.steps.censored
    gone = np.concatenate(([0.0], np.cumsum(leaving)))
    return entered[inside] - gone[np.searchsorted(group.steps.time, times, side="left")]


def _joined(
    begin: Floats, stop: Floats, cause: Integers, mass: Floats, codes: Integers, owner: Integers
) -> tuple[Floats, Floats, Integers, Floats, Integers, Integers]:
    """Join a subject's touching rows of the same group and weight, so that no cut counts as a censoring."""
    order, follows = in_sequence(owner, begin)
    b, e, w, g = begin[order], stop[order], mass[order], codes[order]
    same = np.concatenate(([False], (b[1:] == e[:-1]) & (w[1:] == w[:-1]) & (g[1:] == g[:-1])))
    first = np.flatnonzero(~(follows & same))
    last = np.append(first[1:], order.size) - 1
    return b[first], e[last], cause[order][last], w[first], g[first], owner[order][first]


def _since_last(steps_time: Floats, values: Floats, times: Floats | None) -> Floats:
    """Return the values step by step, or summed up since the time before."""
    if times is None:
        return values
    place = np.searchsorted(steps_time, times, side="right")
    return np.diff(np.concatenate(([0.0], values)).cumsum()[place], prepend=0.0)
