"""How many leave, have the event and are at risk at every distinct time of every group: the counts under all curves.

Whole-number times (days, months) of modest span are counted straight into a table of times by groups, in one
pass and without sorting, copying or masking rows; other times are sorted group by group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Booleans, Floats, Integers, tally
from whychurn.models.distinct import distinct_codes

# Rows are counted in blocks whose temporaries stay in the processor's cache.
_BLOCK = 1 << 16
# A table may hold this many cells, or this many per row, before sorting is the better way.
_CELLS_FREE = 1 << 20
_CELLS_PER_ROW = 2


@dataclass(frozen=True, slots=True)
class LifeTable:
    """Counts of one group at its distinct stop times.

    Attributes
    ----------
    time
        Distinct times in order, shape (T,).
    at_risk, events, censored
        (Weighted) numbers at risk just before the time, with an event at it, leaving at it without, shape (T,).
    tied
        Rows with an event at the time, whatever their weights, shape (T,).
    entry, entering
        Distinct entry times in order and the (weighted) numbers that enter after them, shape (E,). Minus
        infinity where rows are at risk from the beginning.
    """

    time: Floats
    at_risk: Floats
    events: Floats
    censored: Floats
    tied: Floats
    entry: Floats
    entering: Floats


def life_tables(
    codes: Integers,
    k: int,
    start: Floats | None,
    stop: Floats,
    event: Booleans,
    weights: Floats | None = None,
) -> list[LifeTable]:
    """Count rows by group and time.

    Parameters
    ----------
    codes
        Group of each row, 0 to k - 1, shape (n,); every group has a row.
    k
        Number of groups.
    start, stop
        Rows cover ``(start, stop]``, shape (n,); None where all are at risk from the beginning.
    event
        Whether the row ends in an event, shape (n,).
    weights
        Case weights, shape (n,); None counts rows.
    """
    leaving = count_whole(stop, codes, k, event, weights)
    entering = None if start is None else count_whole(start, codes, k, None, weights)
    if leaving is None or (start is not None and entering is None):
        rows = rows_by_group(codes, k)
        return [
            life_table(
                None if start is None else start[mine],
                stop[mine],
                event[mine],
                None if weights is None else weights[mine],
            )
            for mine in rows
        ]
    time, table = leaving
    bare = leaving if weights is None else count_whole(stop, codes, k, event)
    assert bare is not None
    tables = []
    for code in range(k):
        stay, happen = table[:, code, 0], table[:, code, 1]
        gone = stay + happen
        used = np.flatnonzero(gone)
        if entering is None:
            entry, arriving = np.array([-np.inf]), np.array([gone.sum()])
        else:
            arriving = entering[1][:, code, 0]
            entry, arriving = entering[0][arriving > 0], arriving[arriving > 0]
        tables.append(_table(time[used], gone[used], happen[used], bare[1][used, code, 1], entry, arriving))
    return tables


def life_table(start: Floats | None, stop: Floats, event: Booleans, weights: Floats | None = None) -> LifeTable:
    """Count the rows of one group; arguments as in `life_tables`."""
    mass = np.ones(stop.size) if weights is None else weights
    time, place = distinct_codes(stop)
    leaving = tally(place, mass, time.size)
    events = tally(place, mass * event, time.size)
    if start is None or not np.isfinite(start).any():
        entry, entering = np.array([-np.inf]), np.array([leaving.sum()])
    elif np.isfinite(start).all():
        entry, arrival = distinct_codes(start)
        entering = tally(arrival, mass, entry.size)
    else:
        entry, arrival = np.unique(start, return_inverse=True)
        entering = tally(arrival, mass, entry.size)
    tied = events if weights is None else np.bincount(place[event], minlength=time.size).astype(np.float64)
    return _table(time, leaving, events, tied, entry, entering)


def _table(time: Floats, leaving: Floats, events: Floats, tied: Floats, entry: Floats, entering: Floats) -> LifeTable:
    at_risk = np.cumsum(leaving[::-1])[::-1]
    if np.isfinite(entry[-1]):
        # A row is at risk at the times after its entry only: those that enter at a time or later are taken off.
        later = np.concatenate((np.cumsum(entering[::-1])[::-1], [0.0]))
        at_risk = at_risk - later[np.searchsorted(entry, time, side="left")]
    return LifeTable(time, at_risk, events, leaving - events, tied, entry, entering)


def rows_by_group(codes: Integers, k: int) -> Iterator[Integers]:
    """Yield the row numbers of each group in turn."""
    # Small integers are sorted by counting.
    small = codes.astype(np.int16) if k < np.iinfo(np.int16).max else codes
    order = np.argsort(small, kind="stable")
    bounds = np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=k))))
    for code in range(k):
        yield order[bounds[code] : bounds[code + 1]]


def count_whole(
    values: Floats, codes: Integers, k: int, event: Booleans | None = None, weights: Floats | None = None
) -> tuple[Floats, Floats] | None:
    """Count rows by value, group and event in one pass.

    Parameters
    ----------
    values
        Shape (n,).
    codes, k
        Group of each row, and how many there are.
    event
        Second split; None counts every row as without.
    weights
        Summed instead of counted, shape (n,).

    Returns
    -------
    The consecutive whole numbers from the smallest value to the largest, shape (D,), and the counts, shape
    (D, k, 2) with column 1 for events; None where values are not whole or span too many cells to be worth it.
    """
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    width = k * (1 if event is None else 2)
    cells = (high - low + 1.0) * width
    if not cells <= max(_CELLS_FREE, _CELLS_PER_ROW * values.size) or max(abs(low), abs(high)) >= 2.0**53:
        return None
    size, base = int(cells), int(low)
    counts = np.zeros(size, dtype=np.int64 if weights is None else np.float64)
    block = max(_BLOCK, 2 * size)
    for first in range(0, values.size, block):
        part = slice(first, first + block)
        slot = values[part].astype(np.int64)
        if not np.array_equal(slot, values[part]):
            return None
        slot -= base
        if k > 1:
            slot *= k
            slot += codes[part]
        if event is not None:
            slot *= 2
            slot += event[part]
        counts += np.bincount(slot, weights=None if weights is None else weights[part], minlength=size)
    table = counts.astype(np.float64).reshape(-1, k, width // k)
    if event is None:
        table = np.concatenate((table, np.zeros_like(table)), axis=2)
    return np.arange(base, base + table.shape[0], dtype=np.float64), table
