"""What is known at each row of a bucket: the tables, placed on the intervals, ready for the measures to ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whychurn.panel.intervals import Floats, Grid, Ints
from whychurn.panel.measure_time import Tracking, Windows
from whychurn.panel.measure_usage import NEVER_SEEN, Usage

Records = Mapping[str, NDArray[Any]]
#: Days without usage at which a band ends.
_BANDS = (7, 14, 30)


@dataclass(frozen=True)
class Coded:
    """A category: the place of each row's level among the labels, -1 where there is none."""

    codes: Ints
    labels: tuple[str, ...]


class State:
    """Everything that a measure can ask about the rows of one bucket. Nothing is read before it is asked for.

    Parameters
    ----------
    grid : Grid
    windows : Windows
    tracking : Mapping of str to Tracking
    fetch : callable
        Staged table -> its records of the bucket's accounts.
    n_modules : int
    """

    def __init__(
        self,
        grid: Grid,
        windows: Windows,
        tracking: Mapping[str, Tracking],
        fetch: Callable[[str], Records],
        n_modules: int,
    ) -> None:
        self.grid = grid
        self.windows = windows
        self.tracking = tracking
        self._fetch = cache(fetch)
        self._n_modules = n_modules
        self._contract: dict[str, Floats] = {}

    @cached_property
    def usage(self) -> Usage:
        """What was done with the product."""
        return Usage(self.grid, self._fetch("usage"), self._n_modules)

    def intervals(self, days: int) -> int:
        """Return a window in intervals."""
        return days // self.grid.step

    def tracked(self, values: NDArray[Any], table: str, days: int) -> Floats:
        """Return values of a trailing window, NaN where a day of it was not recorded."""
        return np.where(self.tracking[table].throughout(self.grid.cut, days), values, np.nan)

    def begun(self, values: NDArray[Any], table: str) -> Floats:
        """Return values, NaN on rows that end before a table was recorded at all."""
        return np.where(self.tracking[table].begun(self.grid.cut), values, np.nan)

    def days_since(self, last: Ints) -> Floats:
        """Return full days since the last recorded usage, NaN if a gap may hide one that is another band's."""
        tracking, cut = self.tracking["usage"], self.grid.cut
        # A gap that changes not even the band changes nothing worth knowing; else the truth is not known.
        known = np.digitize(cut - 1 - last, _BANDS) == np.digitize(cut - 1 - tracking.possibly(cut, last), _BANDS)
        return np.where((last != NEVER_SEEN) & tracking.begun(cut) & known, cut - 1 - last, np.nan)

    def recency(self, last: Ints) -> Coded:
        """Return bands of days since something was done, and why there is none."""
        labels = ("0-6 days", "7-13 days", "14-29 days", "30+ days", "never yet", "too new")
        days, unseen, cut, started = self.days_since(last), last == NEVER_SEEN, self.grid.cut, self.grid.started
        codes = np.full(len(cut), -1, dtype=np.int8)
        seen = ~np.isnan(days)
        codes[seen] = np.digitize(days[seen], _BANDS)
        codes[unseen & self.tracking["usage"].since(started, cut)] = 4
        codes[unseen & (cut <= started)] = 5
        return Coded(codes, labels)

    def adopted(self, last: Ints) -> Floats:
        """Return 1 if ever done, 0 if never since the customer came, NaN if that was not recorded throughout."""
        throughout = self.tracking["usage"].since(self.grid.started, self.grid.cut)
        return np.where(last != NEVER_SEEN, 1.0, np.where(throughout, 0.0, np.nan))

    def counted(self, staged: str, day: str, days: int, table: str = "") -> Floats:
        """Return how many records fall into a trailing window; `table` is theirs, if it has another name."""
        records = self._fetch(staged)
        values = self.grid.trailing(self._placed(records["account"], records[day]), self.intervals(days))
        return self.tracked(values, table or staged, days)

    def standing(self, table: str, begin: str, end: str) -> Floats:
        """Return how many records have begun and not ended before the cut-off."""
        records = self._fetch(table)
        # What ends before it begins never stood.
        begun = self._placed(records["account"], records[begin])
        ended = self._placed(records["account"], np.maximum(records[begin], records[end]))
        return self.begun(self.grid.running(begun - ended), table)

    def latest(self, table: str, day: str, value: str) -> Floats:
        """Return the value of the last record before the cut-off, NaN if there is none. Records come in order."""
        records = self._fetch(table)
        record, spell = self.grid.copies(records["account"])
        number = np.arange(len(spell)) if record is None else record
        shown = self.grid.visible_from(spell, records[day][number])
        kept = shown < self.grid.spells.n_rows[spell]
        place = (self.grid.first_place[spell] + np.maximum(shown, -self.grid.room))[kept]
        last = self.grid.latest(place, number[kept])
        return np.where(last < 0, np.nan, np.append(records[value], np.nan)[last])

    def happened(self, kind: int, days: int) -> Floats:
        """Return whether an event of a kind, one's own or everybody's, fell into a trailing window."""
        records = self._fetch("events")
        mine = records["kind"] == kind
        own = self._placed(records["account"][mine], records["day"][mine])
        found = self.grid.trailing(own, self.intervals(days)) > 0
        common = self._fetch("common_events")
        dates = np.sort(common["day"][common["kind"] == kind])
        cut = self.grid.cut
        found |= np.searchsorted(dates, cut) > np.searchsorted(dates, cut - days)
        return self.tracked(found.astype(float), "events", days)

    def _placed(self, account: Ints, day: Ints) -> Ints:
        """Return how many records become visible in each interval."""
        record, spell = self.grid.copies(account)
        shown = self.grid.visible_from(spell, day if record is None else day[record])
        kept = shown < self.grid.spells.n_rows[spell]
        place = self.grid.first_place[spell] + np.maximum(shown, -self.grid.room)
        return np.bincount(place[kept], minlength=self.grid.size)

    @cached_property
    def _in_force(self) -> tuple[Ints, Ints]:
        """Which subscription describes which row: in force on the last day before the cut-off, or the last that was.

        There is at least one for each row.
        """
        records, spells = self._fetch("subscriptions"), self.grid.spells
        record, spell = self._subscriptions_of_spells
        began, ended = records["started"][record], records["ended"][record]
        # The row is described as of the first day of service where the cut-off lies before it.
        begin = np.where(began <= spells.started[spell], 0, self.grid.visible_from(spell, began))
        end = np.where(ended <= spells.started[spell], 0, self.grid.visible_from(spell, ended))
        pair, row = self.grid.ranges(spell, begin, end)
        return record[pair], row

    @cached_property
    def _subscriptions_of_spells(self) -> tuple[Ints, Ints]:
        account = self._fetch("subscriptions")["account"]
        record, spell = self.grid.copies(account)
        return np.arange(len(account)) if record is None else record, spell

    def contract(self, what: str) -> Floats:
        """Return what the subscriptions that describe a row add up to: "mrr", "seats", "n", "term" or "renewal"."""
        if what not in self._contract:
            self._contract[what] = self._find_contract(what)
        return self._contract[what]

    def _find_contract(self, what: str) -> Floats:
        (record, row), n_rows = self._in_force, len(self.grid.owner)
        if what == "n":
            return np.bincount(row, minlength=n_rows).astype(float)
        values = self._fetch("subscriptions")[what][record]
        if what in ("mrr", "seats"):
            return self._sum(values, row)
        if what == "term":
            found = np.full(n_rows, -np.inf)
            np.fmax.at(found, row, values)
        else:
            ahead = values - np.maximum(self.grid.cut - 1, self.grid.started)[row]
            found = np.full(n_rows, np.inf)
            np.fmin.at(found, row[ahead > 0], ahead[ahead > 0])
        return np.where(np.isinf(found), np.nan, found)

    def _sum(self, values: Floats, row: Ints) -> Floats:
        """Add up on each row; NaN where no value is known."""
        n_rows = len(self.grid.owner)
        known = ~np.isnan(values)
        total = np.bincount(row[known], weights=values[known], minlength=n_rows)
        return np.where(np.bincount(row[known], minlength=n_rows) > 0, total, np.nan)

    def plan(self) -> Coded:
        """Return the plan of the subscription with the largest recurring revenue."""
        record, row = self._in_force
        best = np.full(len(self.grid.owner), -1)
        # Subscriptions come in rising order of revenue, the first by name last.
        np.maximum.at(best, row, record)
        plans = self._fetch("subscriptions")["plan"]
        known = np.array([plan is not None for plan in plans], dtype=bool)
        labels, codes = np.unique(plans[known].astype(str), return_inverse=True)
        of_record = np.full(len(plans) + 1, -1)
        of_record[:-1][known] = codes
        return Coded(of_record[best], tuple(str(label) for label in labels))

    def quarter(self) -> Coded:
        """Return the quarter of the row's first day."""
        month = self.grid.start_on.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        quarters, codes = np.unique(month // 3, return_inverse=True)
        return Coded(codes, tuple(f"{1970 + q // 4}-Q{q % 4 + 1}" for q in quarters.tolist()))

    def amount(self) -> Floats:
        """Return the recurring revenue on the row's first day; within a gap, that of the day before the gap."""
        records = self._fetch("subscriptions")
        record, spell = self._subscriptions_of_spells
        entered, step = self.grid.spells.entered[spell], self.grid.step
        begin = -((entered - records["started"][record]) // step)
        end = -((entered - records["ended"][record]) // step)
        pair, row = self.grid.ranges(spell, begin, end)
        return self._sum(records["mrr"][record[pair]], row)

    @cached_property
    def notice(self) -> tuple[NDArray[np.bool_], Ints]:
        """Which rows are under notice, and the row whose measures each row shows (-1: none)."""
        records, grid = self._fetch("notice"), self.grid
        record, spell = grid.copies(records["account"])
        record = np.arange(len(spell)) if record is None else record
        first = grid.visible_from(spell, records["begin"][record])
        pair, row = grid.ranges(spell, first, grid.visible_from(spell, records["end"][record]))
        # The last row whose cut-off is not after the day on which notice was given.
        shown = np.where(first >= 1, grid.first_row[spell] + first - 1, -1)
        under = np.zeros(len(grid.owner), dtype=bool)
        under[row] = True
        source = np.arange(len(grid.owner))
        source[row] = shown[pair]
        return under, source
