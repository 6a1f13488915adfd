"""Spells cut into intervals, as arrays: which row sees what happened on which day.

Days are whole numbers, counted from 1 January 1970.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from whychurn.study import TableStudy

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: A day in SQL as a whole number.
DAY = "CAST(CAST({0} AS DATE) - DATE '1970-01-01' AS INTEGER)"


@dataclass(frozen=True)
class Spells:
    """All spells at risk, in the order of account and spell.

    Attributes
    ----------
    account_id, spell : arrays
    account : array
        Number of the account, from 0 in the order of ``account_id``.
    started, entered, followed : arrays
        First day of service, first day at risk, day after the last day at risk.
    event, cause : arrays
        As in the table of spells.
    n_rows : array
        Intervals of each spell.
    """

    account_id: NDArray[np.object_]
    spell: Ints
    account: Ints
    started: Ints
    entered: Ints
    followed: Ints
    event: Ints
    cause: NDArray[np.object_]
    n_rows: Ints

    def __len__(self) -> int:
        return len(self.account)

    def part(self, low: int, high: int) -> Spells:
        """Return the spells of some places in the order."""
        return replace(self, **{entry.name: getattr(self, entry.name)[low:high] for entry in fields(self)})


def read_spells(connection: duckdb.DuckDBPyConnection, study: TableStudy) -> Spells:
    """Read the table ``spells``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the temporary table ``spells``.
    study : TableStudy
        For ``interval_days``.
    """
    found = connection.execute(
        f"""
        SELECT account_id, spell, dense_rank() OVER (ORDER BY account_id) - 1 AS account,
            {DAY.format("started_on")} AS started, {DAY.format("entered_on")} AS entered,
            {DAY.format("followed_to")} AS followed, event, coalesce(cause, '') AS cause
        FROM spells ORDER BY account_id, spell
        """
    ).fetchnumpy()
    read: dict[str, Any] = {name: np.asarray(values) for name, values in found.items()}
    at_risk = (read["followed"] - read["entered"]).astype(np.int64)
    return Spells(
        account_id=np.asarray(read["account_id"], dtype=object),
        spell=read["spell"].astype(np.int32),
        account=read["account"].astype(np.int32),
        started=read["started"].astype(np.int32),
        entered=read["entered"].astype(np.int32),
        followed=read["followed"].astype(np.int32),
        event=read["event"].astype(np.int8),
        cause=np.asarray(read["cause"], dtype=object),
        n_rows=-(-at_risk // study.interval_days),
    )


@dataclass(frozen=True)
class Grid:
    """The intervals of some spells, with room before each spell for what a trailing window reaches back to.

    Attributes
    ----------
    spells : Spells
        Of one bucket; accounts are never split between buckets.
    step, lag : int
        Days.
    before : int
        Intervals kept in front of each spell. One more, the first, holds all that is older.
    """

    spells: Spells
    step: int
    lag: int
    before: int

    @property
    def room(self) -> int:
        """Places in front of the first row of a spell."""
        return self.before + 1

    @cached_property
    def first_place(self) -> Ints:
        """Where each spell's row 0 lies."""
        sizes = self.spells.n_rows + self.room
        return np.cumsum(sizes) - sizes + self.room

    @cached_property
    def size(self) -> int:
        """Places in all."""
        return int((self.spells.n_rows + self.room).sum())

    @cached_property
    def owner(self) -> Ints:
        """The spell of each row."""
        return np.repeat(np.arange(len(self.spells)), self.spells.n_rows)

    @cached_property
    def first_row(self) -> Ints:
        """The first row of each spell, counting rows only."""
        return np.cumsum(self.spells.n_rows) - self.spells.n_rows

    @cached_property
    def index(self) -> Ints:
        """The number of each row in its spell, from 0."""
        return np.arange(len(self.owner)) - self.first_row[self.owner]

    @cached_property
    def rows(self) -> Ints:
        """The place of each row."""
        return self.first_place[self.owner] + self.index

    @cached_property
    def start_on(self) -> Ints:
        """First day of each row."""
        return (self.spells.entered[self.owner] + self.index * self.step).astype(np.int32)

    @cached_property
    def cut(self) -> Ints:
        """Cut-off of each row: what it uses was known before this day."""
        return self.start_on - np.int32(self.lag)

    @cached_property
    def started(self) -> Ints:
        """First day of service of each row's spell."""
        return self.spells.started[self.owner]

    @cached_property
    def tenure(self) -> Ints:
        """Days from the first day of service to the row's first day."""
        return self.start_on - self.started

    @cached_property
    def stop(self) -> Ints:
        """Days from the first day of service to the end of the row."""
        return np.minimum(self.start_on + self.step, self.spells.followed[self.owner]) - self.started

    @cached_property
    def last(self) -> Bools:
        """Whether a row is its spell's last."""
        return self.index == (self.spells.n_rows - 1)[self.owner]

    def visible_from(self, spell: Ints, day: Ints) -> Ints:
        """Return the number of the first row of a spell to which something known on a day is visible; may be < 0."""
        return np.floor_divide(day + self.lag - self.spells.entered[spell], self.step) + 1

    def copies(self, account: Ints) -> tuple[Ints | None, Ints]:
        """Return which record (None: each once) and which spell to pair, so that each spell gets its account's."""
        low = int(self.spells.account[0])
        n_spells = np.bincount(self.spells.account - low)
        first = np.cumsum(n_spells) - n_spells
        mine = account - low
        if n_spells.max() == 1:
            return None, first[mine]
        times = n_spells[mine]
        record = np.repeat(np.arange(len(account)), times)
        nth = np.arange(len(record)) - np.repeat(np.cumsum(times) - times, times)
        return record, first[mine][record] + nth

    def ranges(self, spell: Ints, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
        """Return which record and which row (counting rows only) for records that hold on rows [begin, end)."""
        begin = np.clip(begin, 0, self.spells.n_rows[spell])
        length = np.maximum(np.minimum(end, self.spells.n_rows[spell]) - begin, 0)
        record = np.repeat(np.arange(len(spell)), length)
        nth = np.arange(len(record)) - np.repeat(np.cumsum(length) - length, length)
        return record, (self.first_row[spell] + begin)[record] + nth

    def trailing(self, values: NDArray[Any], n: int) -> NDArray[Any]:
        """Return for each row the sum over the `n` intervals up to it."""
        if n <= 1:
            return values[self.rows]
        if values.dtype.kind == "f":
            # Differences of running totals would lose digits.
            return np.sum([values[self.rows - back] for back in range(n)], axis=0)
        total = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
        return total[self.rows + 1] - total[self.rows + 1 - n]

    def running(self, values: Ints) -> Ints:
        """Return for each row the sum over all intervals of its spell up to it, older ones included."""
        total = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
        return total[self.rows + 1] - total[(self.first_place - self.room)[self.owner]]

    def latest(self, place: Ints, value: Ints) -> Ints:
        """Return for each row the largest value seen up to it; -1 where there is none. Values are not negative."""
        largest = np.zeros(self.size, dtype=np.int64)
        np.maximum.at(largest, place, value.astype(np.int64) + 1)
        # Spells in the high half, so that the running maximum begins anew with each.
        block = np.repeat(np.arange(len(self.spells), dtype=np.int64), self.spells.n_rows + self.room)
        largest += block << 32
        np.maximum.accumulate(largest, out=largest)
        return (largest[self.rows] & 0xFFFFFFFF) - 1
