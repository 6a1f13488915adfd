"""What usage says about a row: sums, days and people in trailing windows, and when something was last done."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.panel.intervals import Grid, Ints

#: Codes of actions; records without a module have the code NO_MODULE.
LOGIN, USE, FAILED = 0, 1, 2
NO_MODULE = 255


class Usage:
    """The usage of a bucket's accounts, placed on the intervals of their spells.

    Parameters
    ----------
    grid : Grid
    records : Mapping of str to array
        ``account``, ``day``, ``action``, ``n``, and where wanted ``module``, ``peak``, ``user`` (0: nobody), ``value``
        (NaN: none).
    n_modules : int
    """

    def __init__(self, grid: Grid, records: Mapping[str, NDArray[Any]], n_modules: int) -> None:
        self.grid = grid
        self.n_modules = n_modules
        record, spell = grid.copies(records["account"])
        day = records["day"] if record is None else records["day"][record]
        number = grid.visible_from(spell, day)
        kept = np.flatnonzero(number < grid.spells.n_rows[spell])
        picked = kept if record is None else record[kept]
        self._spell, self._day = spell[kept], day[kept]
        self._number = np.maximum(number[kept], -grid.room)
        self._place = grid.first_place[self._spell] + self._number
        self._records = {name: values[picked] for name, values in records.items() if name not in ("account", "day")}
        self._latest: dict[int, Ints] = {}
        self._sums: dict[tuple[int, bool], Ints] = {}

    @cached_property
    def _of(self) -> dict[int, Ints]:
        action = self._records["action"]
        return {code: np.flatnonzero(action == code) for code in (LOGIN, USE, FAILED)}

    @cached_property
    def _module_of_use(self) -> tuple[Ints, Ints]:
        """Records of use that name a module, and the modules."""
        used = self._of[USE]
        module = self._records["module"][used]
        named = module != NO_MODULE
        return used[named], module[named]

    def _find_sums(self, action: int, peak: bool) -> Ints:
        chosen = self._of[action]
        if peak:
            chosen = chosen[self._records["peak"][chosen]]
        return self._counted(self._place[chosen], self._records["n"][chosen], self.grid.size)

    @cached_property
    def _module_sums(self) -> Ints:
        chosen, module = self._module_of_use
        place = module.astype(np.int64) * self.grid.size + self._place[chosen]
        counts = self._counted(place, self._records["n"][chosen], self.grid.size * self.n_modules)
        return counts.reshape(self.n_modules, self.grid.size)

    @staticmethod
    def _counted(place: Ints, n: Ints, size: int) -> Ints:
        if len(n) and n.max() == 1:
            return np.bincount(place, minlength=size)
        return np.bincount(place, weights=n, minlength=size).astype(np.int64)

    def total(self, action: int, intervals: int, peak: bool = False) -> Ints:
        """Return for each row how often something was done in the intervals up to it."""
        if (action, peak) not in self._sums:
            self._sums[action, peak] = self._find_sums(action, peak)
        return self.grid.trailing(self._sums[action, peak], intervals)

    def module_total(self, module: int, intervals: int) -> Ints:
        """Return for each row how often a module was used in the intervals up to it."""
        return self.grid.trailing(self._module_sums[module], intervals)

    def volume(self, intervals: int) -> NDArray[np.float64]:
        """Return for each row the business volume of the intervals up to it."""
        value = self._records["value"]
        chosen = np.flatnonzero(~np.isnan(value))
        # Added in an order of their own, so that the order in which records were read makes no difference.
        chosen = chosen[np.lexsort((value[chosen], self._place[chosen]))]
        sums = np.bincount(self._place[chosen], weights=value[chosen], minlength=self.grid.size)
        return self.grid.trailing(sums.astype(np.float64), intervals)

    def active_days(self, intervals: int) -> Ints:
        """Return for each row the number of different days with a login or a use in the intervals up to it."""
        grid = self.grid
        seen = np.zeros(grid.size * grid.step, dtype=bool)
        for action in (LOGIN, USE):
            chosen = self._of[action]
            spell = self._spell[chosen]
            day = np.mod(self._day[chosen] + grid.lag - grid.spells.entered[spell], grid.step)
            seen[self._place[chosen] * grid.step + day] = True
        return grid.trailing(seen.reshape(grid.size, grid.step).sum(axis=1), intervals)

    def active_users(self, intervals: int) -> Ints:
        """Return for each row the number of different people with a login or a use in the intervals up to it."""
        grid = self.grid
        user = self._records["user"]
        chosen = np.flatnonzero((self._records["action"] != FAILED) & (user != 0) & (self._number >= -grid.before))
        people, _ = pd.factorize(user[chosen])
        person_and_place = np.sort(people.astype(np.int64) * grid.size + self._place[chosen])
        first = np.ones(len(person_and_place), dtype=bool)
        first[1:] = person_and_place[1:] != person_and_place[:-1]
        person, place = np.divmod(person_and_place[first], grid.size)
        # One more person from an interval on, until the window has left it behind or the person is seen again.
        until = place + intervals
        again = person[1:] == person[:-1]
        until[:-1][again] = np.minimum(until[:-1][again], place[1:][again])
        ends = grid.first_place + grid.spells.n_rows
        within = until < ends[np.searchsorted(ends, place, side="right")]
        change = np.bincount(place, minlength=grid.size) - np.bincount(until[within], minlength=grid.size)
        return grid.running(change)

    def _find_latest(self, action: int) -> Ints:
        chosen = self._of[action]
        return self._days(self.grid.latest(self._place[chosen], self._shifted(chosen)))

    def latest(self, action: int) -> Ints:
        """Return for each row the last day on which something was done; the smallest number if never."""
        if action not in self._latest:
            self._latest[action] = self._find_latest(action)
        return self._latest[action]

    def module_latest(self, module: int) -> Ints:
        """Return for each row the last day on which a module was used; the smallest number if never."""
        chosen = self._module_records[module]
        return self._days(self.grid.latest(self._place[chosen], self._shifted(chosen)))

    @cached_property
    def _module_records(self) -> list[Ints]:
        chosen, module = self._module_of_use
        order = np.argsort(module, kind="stable")
        return np.split(chosen[order], np.cumsum(np.bincount(module, minlength=self.n_modules))[:-1])

    def _shifted(self, chosen: Ints) -> Ints:
        return self._day[chosen] - np.int32(SHIFT)

    @staticmethod
    def _days(latest: Ints) -> Ints:
        return np.where(latest < 0, NEVER_SEEN, latest + SHIFT)


#: The first day that can be told, 2,737 years before the epoch: what `Grid.latest` takes is not negative.
SHIFT = -1_000_000
NEVER_SEEN = -(2**30)
