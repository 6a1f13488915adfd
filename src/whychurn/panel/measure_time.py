"""Windows in whole intervals, and when a table was recorded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np

from whychurn.panel.intervals import Bools, Ints
from whychurn.sources import Sources
from whychurn.sources.canon import TABLES
from whychurn.study import TableStudy

_EPOCH = date(1970, 1, 1).toordinal()
_ALWAYS = -(2**30)
_NEVER = 2**30


@dataclass(frozen=True)
class Windows:
    """Lengths in days of trailing windows: the smallest multiples of the interval from 7, 28, 56 and 84 days."""

    step: int
    w1: int
    w4: int
    w8: int
    w12: int

    @property
    def longest(self) -> int:
        """Days that the longest reach back takes: a trend compares w4 with the w8 before it."""
        return max(self.w12, self.w4 + self.w8)

    def distinct(self, *lengths: int) -> tuple[int, ...]:
        """Return the lengths without repetition, shortest first."""
        return tuple(sorted(set(lengths)))


def windows_of(study: TableStudy) -> Windows:
    """Return the windows of a study.

    Examples
    --------
    With intervals of 7 days they are 7, 28, 56 and 84 days; with 10 days they are 10, 30, 60 and 90.
    """
    step = study.interval_days
    return Windows(step, *(step * -(-days // step) for days in (7, 28, 56, 84)))


@dataclass(frozen=True)
class Tracking:
    """The days on which a table was recorded: from a first day on, but for gaps ``[from, to)``."""

    first: int = _ALWAYS
    gaps: tuple[tuple[int, int], ...] = ()

    def begun(self, cut: Ints) -> Bools:
        """Return whether anything was recorded before a cut-off."""
        return cut > self.first

    def throughout(self, cut: Ints, days: int) -> Bools:
        """Return whether each of the last days before a cut-off was recorded."""
        whole = cut - days >= self.first
        for begin, end in self.gaps:
            whole &= ~((begin < cut) & (end > cut - days))
        return whole

    def since(self, start: Ints, cut: Ints) -> Bools:
        """Return whether each day from a start to before a cut-off was recorded, and recording began by the start."""
        whole = self.first <= start
        for begin, end in self.gaps:
            whole &= ~((begin < cut) & (end > start) & (start < cut))
        return whole

    def possibly(self, cut: Ints, last: Ints) -> Ints:
        """Return the latest day before a cut-off on which something last seen may have happened again, unrecorded."""
        latest = last
        for begin, end in self.gaps:
            latest = np.where(begin < cut, np.maximum(latest, np.minimum(end, cut) - 1), latest)
        return latest


def tracking_of(sources: Sources, study: TableStudy, names: Collection[str]) -> dict[str, Tracking]:
    """Return when each table was recorded, as declared or found."""
    found = {}
    for name in names:
        table = study.tables.get(name)
        first = sources.tracked_from.get(name) or (table.tracked_from if table is not None else None)
        gaps = table.not_tracked if table is not None else ()
        # A log without a single record has no first day; a register has none either, but is complete.
        start = _day(first) if first is not None else _ALWAYS if TABLES[name].tracked_throughout else _NEVER
        found[name] = Tracking(start, tuple((_day(begin), _day(end)) for begin, end in gaps))
    return found


def _day(day: date) -> int:
    return day.toordinal() - _EPOCH
