"""The hazard as a smooth function of time: increments of the Nelson-Aalen estimate under a moving kernel.

Source: Ramlau-Hansen (1983), Ann. Statist. 11:453, for the estimate and its variance; Epanechnikov's kernel with
the boundary kernels of Klein & Moeschberger (2003), section 6.2 (after Gasser & Müller 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.arguments import is_number, read_list
from whychurn.models.columns import Floats, read_query_times
from whychurn.models.curve_input import read_curve_input
from whychurn.models.hazard_rates import CLOSED, hazard_by_time
from whychurn.models.life_table import LifeTable
from whychurn.models.nelson_aalen import TIES, hazard_increments
from whychurn.models.wald import normal_quantile

_GRID_POINTS = 101
# Where marks leave less than this share of the kernel, there is nothing to smooth over.
_LEAST_MASS = 0.1


@dataclass(frozen=True, slots=True)
class SmoothedHazard:
    """Smoothed hazards of all groups.

    Attributes
    ----------
    curve
        group, time, hazard (events per unit of time), std_error, conf_low, conf_high, at_boundary (within a
        bandwidth of either end, where a one-sided kernel is used; it weighs distant events negatively, and an
        estimate that falls below zero for it is set to zero, without limits).
    marks
        As in `HazardRates`: the step that follows each mark, which is no part of the smooth curve.
    bandwidth, step, conf_level
        As used; `step` is 0 where times are taken as exact.
    notes
        Sentences for the reader.
    """

    curve: pd.DataFrame
    marks: pd.DataFrame
    bandwidth: float
    step: float
    conf_level: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Return `curve`."""
        return self.curve


def smooth_hazard(
    frame: pd.DataFrame,
    time: str,
    event: str,
    bandwidth: float,
    start: str | None = None,
    group: str | Sequence[str] | None = None,
    at: Sequence[float] | Floats | None = None,
    step: float | None = None,
    closed: str = "right",
    marks: Sequence[float] | Floats = (),
    mark_length: float | None = None,
    ties: str = "aalen",
    conf_level: float = 0.95,
    conditional_on: float | None = None,
    min_at_risk: float | None = None,
) -> SmoothedHazard:
    """Smooth the hazard of each group.

    Parameters
    ----------
    frame, time, event, start, group, conditional_on, min_at_risk
        As in `fit_kaplan_meier`.
    bandwidth
        Half the width of the kernel, in the unit of time: at most half of the follow-up of every group, at least a step.
    at
        Times to estimate at; None takes 101 from the beginning to the end of each group.
    step, closed
        Precision with which times are recorded. Times in whole months cannot say when in the month an event
        happened: a jump is then spread evenly over its step, which ends (closed "right") or begins ("left") at
        the time recorded. None takes 1 where all times are whole numbers, else 0, which takes them as exact.
    marks, mark_length
        Times such as renewals, where a spike is expected: the interval of `mark_length` (default one step)
        that follows each mark is left out of the kernel, which is scaled to what remains, and is reported
        by itself in `marks`.
    ties
        As in `fit_nelson_aalen`.
    conf_level
        Pointwise limits on the log scale. They are limits for the smoothed hazard: what smoothing flattens is
        not in them. NaN where no event is within reach.

    Returns
    -------
    SmoothedHazard

    Raises
    ------
    FitError
        As `fit_kaplan_meier`; a bandwidth too wide or too narrow, bad marks.
    """
    if not (is_number(bandwidth) and bandwidth > 0):
        raise FitError(f"bandwidth is a positive number in the unit of {time!r}, not {bandwidth!r}.")
    if ties not in TIES:
        raise FitError(f"ties is one of {', '.join(TIES)}, not {ties!r}.")
    if closed not in CLOSED:
        raise FitError(f"closed is one of {', '.join(CLOSED)}, not {closed!r}.")
    if step is not None and not (is_number(step) and step >= 0):
        raise FitError(f"step is zero or a positive number in the unit of {time!r}, not {step!r}.")
    z = normal_quantile(conf_level)
    read = read_curve_input(frame, time, event, start, group, conditional_on=conditional_on, min_at_risk=min_at_risk)
    notes = list(read.notes)
    width = _step(read.tables) if step is None else float(step)
    if width:
        notes.append(f"Times are in steps of {width:g}: each jump is spread evenly over its step.")
    if bandwidth < width:
        raise FitError(f"bandwidth = {bandwidth:g} is less than the step of {width:g} in which times are recorded.")
    moments = np.sort(read_list(marks, "marks"))
    if mark_length is not None and not is_number(mark_length):
        raise FitError(f"mark_length is a positive number in the unit of {time!r}, not {mark_length!r}.")
    length = (width if mark_length is None else float(mark_length)) if moments.size else 0.0
    if moments.size and not (np.isfinite(length) and length > 0):
        raise FitError("Marks need a mark_length: how long after each the rate is taken by itself.")
    if width and moments.size:
        steps = np.append(moments, length) / width
        if (np.abs(steps - np.round(steps)) > 1e-6).any():
            raise FitError(f"marks and mark_length fall between the steps of {width:g} in which times are recorded.")
    asked = None if at is None else np.sort(read_query_times(at, "at"))
    blocks = []
    for label, table, begin in zip(read.groups, read.tables, read.begins, strict=True):
        end = float(table.time[-1]) + (width if closed == "left" else 0.0)
        if 2.0 * bandwidth > (end - begin) * (1.0 + 1e-9):
            raise FitError(
                f"bandwidth = {bandwidth:g} is more than half of the follow-up of group {label!r} "
                f"({begin:g} to {end:g}): nothing would be left to see."
            )
        shown = np.linspace(begin, end, _GRID_POINTS) if asked is None else asked
        smooth = _Smooth(table, width, closed, moments, length, ties, float(begin), end, bandwidth)
        estimate, error = smooth.at(shown)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            factor = np.where(estimate > 0, np.exp(z * error / estimate), np.nan)
        columns = {
            "hazard": estimate,
            "std_error": error,
            "conf_low": estimate / factor,
            "conf_high": estimate * factor,
        }
        edge = (shown < begin + bandwidth) | (shown > end - bandwidth)
        blocks.append(pd.DataFrame({"group": label, "time": shown, **columns, "at_boundary": edge}))
    by_mark = hazard_by_time(
        frame, time, event, [0.0, 1.0], start, group, moments, length or 1.0, closed, conf_level
    ).marks
    return SmoothedHazard(
        curve=pd.concat(blocks, ignore_index=True),
        marks=by_mark,
        bandwidth=float(bandwidth),
        step=width,
        conf_level=conf_level,
        notes=tuple(notes),
    )


def kernel_mass(low: Floats, high: Floats, q: float) -> Floats:
    """Return the integral of the boundary kernel from `low` to `high`, within [-1, q].

    For q = 1 the kernel is Epanechnikov's, ``3/4 (1 - x^2)``; else ``3/4 (1 - x^2)(a + b x)``, with a and b such that
    it integrates to one and has mean zero over [-1, q] (Klein & Moeschberger 2003, eq. 6.2.4).
    """
    a, b = boundary_factors(q)

    def primitive(x: Floats) -> Floats:
        x = np.clip(x, -1.0, q)
        return 0.75 * (a * (x - x**3 / 3.0) + b * (x**2 / 2.0 - x**4 / 4.0))

    return primitive(high) - primitive(low)


def boundary_factors(q: float) -> tuple[float, float]:
    """Return a and b of the boundary kernel on [-1, q], 0 <= q <= 1."""
    scale = (1.0 + q) ** 4 * (19.0 - 18.0 * q + 3.0 * q**2)
    return 64.0 * (2.0 - 4.0 * q + 6.0 * q**2 - 3.0 * q**3) / scale, 240.0 * (1.0 - q) ** 2 / scale


@dataclass(frozen=True, slots=True)
class _Smooth:
    """One group and how it is smoothed; `at` does the work."""

    table: LifeTable
    width: float
    closed: str
    marks: Floats
    length: float
    ties: str
    begin: float
    end: float
    bandwidth: float

    def at(self, times: Floats) -> tuple[Floats, Floats]:
        """Return estimates and standard errors at `times`; NaN outside the group's follow-up."""
        increments, spread, _ = hazard_increments(self.table, self.ties)
        happened = self.table.events > 0
        jump, increments, spread = self.table.time[happened], increments[happened], spread[happened]
        if self.marks.size:
            side = "left" if self.closed == "right" else "right"
            place = np.searchsorted(self.marks, jump, side=side) - 1  # type: ignore[call-overload]
            since = jump - self.marks[np.maximum(place, 0)]
            inside = since <= self.length if self.closed == "right" else since < self.length
            free = ~((place >= 0) & inside)
            jump, increments, spread = jump[free], increments[free], spread[free]
        estimate, variance = np.full(times.size, np.nan), np.full(times.size, np.nan)
        for row, t in enumerate(times):
            if not self.begin <= t <= self.end:
                continue
            reach = self.bandwidth + self.width
            near = slice(np.searchsorted(jump, t - reach), np.searchsorted(jump, t + reach, side="right"))
            share, mass = self._shares(float(t), jump[near])
            if mass < _LEAST_MASS:
                continue
            estimate[row] = max(share @ increments[near] / mass, 0.0)
            variance[row] = share**2 @ spread[near] / mass**2
        return estimate, np.sqrt(variance)

    def _shares(self, t: float, jump: Floats) -> tuple[Floats, float]:
        """Return the weight of each jump at time t, per unit of time, and the kernel's mass outside the marks."""
        b = self.bandwidth
        # Towards the end the kernel of the beginning is used, looking back.
        left, right = (t - self.begin) / b, (self.end - t) / b
        q, sign = (min(left, 1.0), 1.0) if left <= right else (min(right, 1.0), -1.0)

        def over(low: Floats, high: Floats) -> Floats:
            x, y = sign * (t - low) / b, sign * (t - high) / b
            return kernel_mass(np.minimum(x, y), np.maximum(x, y), q)

        free = np.clip(self.marks, self.begin, self.end)
        taken = over(free, np.clip(self.marks + self.length, self.begin, self.end)).sum() if free.size else 0.0
        if self.width:
            low = jump - self.width if self.closed == "right" else jump
            return over(low, low + self.width) / self.width, 1.0 - float(taken)
        a, slope = boundary_factors(q)
        x = sign * (t - jump) / b
        inside = (x >= -1.0) & (x <= q)
        return np.where(inside, 0.75 * (1.0 - x**2) * (a + slope * x), 0.0) / b, 1.0 - float(taken)


def _step(tables: Sequence[LifeTable]) -> float:
    """Return 1 where every time is a whole number, else 0."""
    return 1.0 if all(np.array_equal(table.time, np.floor(table.time)) for table in tables) else 0.0
