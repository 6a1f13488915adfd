"""Weights for what censoring hides at a time, and how an estimate moves with the censoring curve behind them.

A row with its event at T by the time t weighs 1 / G(T-); a row followed beyond t weighs 1 / G(t); a row
censored before t weighs nothing. G is the Kaplan-Meier estimate of staying uncensored, by group; events
come before censorings at equal times, so a row is at risk of censoring at T only without an event there.

Source: Graf, Schmoor, Sauerbrei & Schumacher (1999), Statist. Med. 18:2529. Influence of the curve: Blanche,
Dartigues & Jacqmin-Gadda (2013), Statist. Med. 32:5381, here as exact derivative, ties included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.accuracy.inference import drop_weightless, read_clusters
from whychurn.models.columns import Booleans, Floats, Integers, read_events, read_groups, read_times, tally
from whychurn.models.distinct import distinct_codes

CENSORED_AT_TIME = ("unknown", "known")


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """Censoring curve of one group at its D distinct times.

    Attributes
    ----------
    rows
        Its rows, shape (m,).
    times, place
        Distinct times, shape (D,), and the place of each row's time among them, shape (m,).
    hazard
        Share of those at risk of it who are censored at each time, shape (D,).
    remaining
        Weight at risk of censoring and not censored at each time, shape (D,).
    staying
        Probability of being uncensored before the first time, and after each, shape (D + 1,).
    """

    rows: Integers
    times: Floats
    place: Integers
    hazard: Floats
    remaining: Floats
    staying: Floats

    def steps_by(self, time: float, inclusive: bool) -> int:
        """Return how many steps of the curve lie before `time`, or at or before it."""
        return int(np.searchsorted(self.times, time, side="right" if inclusive else "left"))


@dataclass(frozen=True, slots=True)
class TimeWeights:
    """Who is a case and who a control at a time, and with which weight; shape (n,) each.

    Attributes
    ----------
    cases, controls
        Event by the time; followed beyond it.
    inverse
        1 / G of each case and control, zero for others.
    steps
        Number of steps of the own group's censoring curve that `inverse` contains.
    """

    cases: Booleans
    controls: Booleans
    inverse: Floats
    steps: Integers


@dataclass(frozen=True, slots=True)
class Followed:
    """Rows with follow-up, and the censoring curve of each group; n rows of positive weight."""

    stop: Floats
    event: Booleans
    weights: Floats
    clusters: Integers | None
    curves: tuple[GroupCurve, ...]
    labels: tuple[str, ...]

    def staying_before_own_time(self) -> tuple[Floats, Integers]:
        """Return G(T-) and the number of steps in it for each row, shape (n,) each."""
        staying, steps = np.ones(self.stop.size), np.zeros(self.stop.size, dtype=np.int64)
        for curve in self.curves:
            staying[curve.rows] = curve.staying[curve.place]
            steps[curve.rows] = curve.place
        return staying, steps

    def at(self, time: float, censored_at_time: str) -> TimeWeights:
        """Return cases, controls and weights at a time.

        Raises
        ------
        FitError
            A group has nobody followed that far, though not all had their event.
        """
        known = censored_at_time == "known"
        cases = self.event & (self.stop <= time)
        controls = (self.stop > time) | (known & (self.stop == time) & ~self.event)
        staying, steps = self.staying_before_own_time()
        for curve, label in zip(self.curves, self.labels, strict=True):
            mine = controls[curve.rows]
            upto = curve.steps_by(time, inclusive=not known)
            if not mine.any() and (curve.hazard[:upto] >= 1.0).any():
                self._refuse_time(time, curve, label, known)
            staying[curve.rows[mine]] = curve.staying[upto]
            steps[curve.rows[mine]] = upto
        inverse = np.divide(1.0, staying, out=np.zeros_like(staying), where=cases | controls)
        return TimeWeights(cases, controls, inverse, steps)

    def _refuse_time(self, time: float, curve: GroupCurve, label: str, known: bool) -> None:
        last = curve.times[-1]
        whose = "" if len(self.curves) == 1 else f" of the group {label!r}"
        advice = "Choose an earlier time"
        if not known and last == time:
            advice += ', or say censored_at_time="known": then rows censored exactly then count as survivors'
        raise FitError(
            f"No row{whose} is followed beyond time {time:g} (the last one is censored at {last:g}), so the "
            f"outcome then cannot be known. {advice}."
        )

    def curve_influence(self, pull: Floats, steps: Integers) -> Floats:
        """Return how each row moves an estimate through the censoring curve, shape (n,).

        Parameters
        ----------
        pull
            Change of the estimate per relative change of each row's 1 / G, shape (n,).
        steps
            Number of steps of the curve in that G, shape (n,).
        """
        moved = np.zeros(self.stop.size)
        for curve in self.curves:
            rows, size = curve.rows, curve.times.size
            # A step of the curve moves all rows whose G contains it.
            containing = tally(steps[rows], pull[rows], size + 1)
            behind = np.cumsum(containing[::-1])[::-1][1:]
            per_step = np.divide(behind, curve.remaining, out=np.zeros(size), where=curve.remaining > 0.0)
            expected = np.concatenate(([0.0], np.cumsum(curve.hazard * per_step)))
            censored = ~self.event[rows]
            exposed = expected[curve.place + censored]
            moved[rows] = self.weights[rows] * (np.where(censored, per_step[curve.place], 0.0) - exposed)
        return moved


def read_followed(
    frame: pd.DataFrame,
    time: str,
    event: str,
    group: str | Sequence[str] | None,
    weights: str | None,
    cluster: str | None,
) -> tuple[pd.DataFrame, Followed]:
    """Read follow-up and fit the censoring curves; also return the frame without rows of weight zero."""
    if not len(frame):
        raise FitError("The frame has no rows: there is nothing to compare predictions with.")
    frame, mass = drop_weightless(frame, weights)
    _, stop = read_times(frame, time)
    happened = read_events(frame, event)
    codes, labels = read_groups(frame, group)
    order = np.argsort(codes, kind="stable")
    splits = np.searchsorted(codes[order], np.arange(len(labels) + 1))
    members = [order[low:high] for low, high in pairwise(splits)]
    curves = tuple(_fit_curve(rows, stop[rows], happened[rows], mass[rows]) for rows in members)
    return frame, Followed(stop, happened, mass, read_clusters(frame, cluster), curves, labels)


def check_choice(value: str, allowed: Sequence[str], name: str) -> None:
    """Raise `FitError` unless `value` is one of `allowed`."""
    if value not in allowed:
        raise FitError(f"{name} is one of {', '.join(map(repr, allowed))}, not {value!r}.")


def read_horizons(times: float | Sequence[float] | Floats) -> Floats:
    """Return the times of evaluation, shape (m,), positive and strictly increasing."""
    try:
        values = np.atleast_1d(np.asarray(times, dtype=np.float64))
    except (TypeError, ValueError) as problem:
        raise FitError(f"times are numbers, not {times!r}.") from problem
    if values.ndim != 1 or not values.size or not np.isfinite(values).all() or (values <= 0).any():
        raise FitError(f"times are positive numbers, at least one, not {times!r}.")
    if (np.diff(values) <= 0).any():
        raise FitError(f"times increase strictly; these do not: {times!r}.")
    return values


def _fit_curve(rows: Integers, stop: Floats, event: Booleans, weights: Floats) -> GroupCurve:
    times, place = distinct_codes(stop)
    leaving = tally(place, weights, times.size)
    censored = tally(place, np.where(event, 0.0, weights), times.size)
    later = np.concatenate((np.cumsum(leaving[::-1])[::-1][1:], [0.0]))
    # Those at risk of censoring and not censored are those who are there later: no subtraction.
    at_risk = later + censored
    hazard = np.divide(censored, at_risk, out=np.zeros_like(censored), where=censored > 0.0)
    survived = np.divide(later, at_risk, out=np.ones_like(later), where=censored > 0.0)
    staying = np.concatenate(([1.0], np.cumprod(survived)))
    return GroupCurve(rows, times, place, hazard, later, staying)
