"""Where every row stands among the distinct event times: the sorted bookkeeping behind every Cox sum.

Slots. The distinct event times of each stratum are numbered in order, stratum after stratum, with one
spare slot after the last event time of each stratum, so that "after every event" has an address of its
own. A row that covers ``(start, stop]`` is at risk at the slots ``entry <= slot < exit``.

Sums over risk sets are then reverse cumulative sums of the rows that exit less the rows that enter
later: O(n) for any number of event times, late entry included.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from whychurn.models.columns import Booleans, Floats, Integers, tally
from whychurn.models.intervals import gather, scatter


@dataclass(frozen=True, slots=True)
class SlotIndex:
    """Rows listed slot by slot: those of slot k are ``rows[starts[k]:starts[k + 1]]``."""

    rows: Integers
    starts: Integers

    def adder(self, values: Floats) -> sparse.csr_array:
        """Return the (K + 1, n) matrix whose product adds `values`-weighted rows within each slot."""
        shape = (self.starts.size - 1, values.size)
        return sparse.csr_array((values[self.rows], self.rows, self.starts), shape=shape)


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Rows placed on slots; n rows, K slots, E events.

    Attributes
    ----------
    entry, exit
        Slots of each row, shape (n,); at risk at ``entry <= slot < exit``.
    event
        Whether the row ends in an event, shape (n,). Its slot is ``exit - 1``.
    times
        Time of each slot, shape (K,); infinity for the spare slots.
    bounds
        First slot of each stratum and K at the end, shape (strata + 1,).
    stratum
        Stratum code of each row, shape (n,).
    deaths
        Number of events in each slot, shape (K,); zero for the spare slots.
    event_rows
        Row numbers of the events ordered by slot, shape (E,).
    event_slots
        Slot of each of those, shape (E,).
    tie_rank
        0, 1, 2, ... within each slot, shape (E,).
    by_exit, by_entry, by_event
        Rows listed by the slot they leave, enter and have their event at.
    late_entry
        Whether any row enters after the first event time of its stratum.
    """

    entry: Integers
    exit: Integers
    event: Booleans
    times: Floats
    bounds: Integers
    stratum: Integers
    deaths: Integers
    event_rows: Integers
    event_slots: Integers
    tie_rank: Integers
    by_exit: SlotIndex
    by_entry: SlotIndex
    by_event: SlotIndex
    late_entry: bool

    @property
    def slots(self) -> int:
        """Number of slots K."""
        return int(self.times.size)


def place_rows(start: Floats, stop: Floats, event: Booleans, stratum: Integers) -> RiskSets:
    """Sort once: find the distinct event times of each stratum and place every row among them.

    Parameters
    ----------
    start, stop
        Interval ``(start, stop]`` of each row, shape (n,); minus infinity as start means no late entry.
    event
        Whether the row ends in an event, shape (n,).
    stratum
        Stratum codes 0..S-1, shape (n,).
    """
    strata = int(stratum.max()) + 1 if stratum.size else 1
    order = np.argsort(stratum, kind="stable")
    splits = np.searchsorted(stratum[order], np.arange(strata + 1))
    entry = np.zeros(stop.size, dtype=np.int64)
    leave = np.zeros(stop.size, dtype=np.int64)
    times: list[Floats] = []
    bounds = np.zeros(strata + 1, dtype=np.int64)
    for code in range(strata):
        rows = order[splits[code] : splits[code + 1]]
        distinct = np.unique(stop[rows][event[rows]])
        entry[rows] = bounds[code] + np.searchsorted(distinct, start[rows], side="right")
        leave[rows] = bounds[code] + np.searchsorted(distinct, stop[rows], side="right")
        times.append(np.append(distinct, np.inf))
        bounds[code + 1] = bounds[code] + distinct.size + 1
    found = np.flatnonzero(event)
    found = found[np.argsort(leave[found], kind="stable")]
    event_slots = leave[found] - 1
    deaths = np.bincount(event_slots, minlength=int(bounds[-1]))
    firsts = np.cumsum(deaths) - deaths
    return RiskSets(
        entry=entry,
        exit=leave,
        event=event,
        times=np.concatenate(times),
        bounds=bounds,
        stratum=stratum,
        deaths=deaths,
        event_rows=found,
        event_slots=event_slots,
        tie_rank=np.arange(found.size) - firsts[event_slots],
        by_exit=_index(leave, None, int(bounds[-1])),
        by_entry=_index(entry, None, int(bounds[-1])),
        by_event=_index(event_slots, found, int(bounds[-1])),
        late_entry=bool(np.any(entry > bounds[stratum])),
    )


def _index(slots: Integers, rows: Integers | None, count: int) -> SlotIndex:
    """List rows by slot, with one empty slot at the end so that "the slot after" always exists."""
    order = np.argsort(slots, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(slots, minlength=count + 1))))
    return SlotIndex(order if rows is None else rows[order], starts)


def cumulate(values: Floats, bounds: Integers) -> Floats:
    """Return cumulative sums along the slots that start afresh in every stratum, same shape."""
    out = np.empty_like(values)
    for low, high in pairwise(bounds):
        np.cumsum(values[low:high], axis=0, out=out[low:high])
    return out


def cumulate_backwards(values: Floats, bounds: Integers) -> Floats:
    """Return reverse cumulative sums along the slots that start afresh in every stratum, same shape."""
    out = np.empty_like(values)
    for low, high in pairwise(bounds):
        out[low:high] = np.cumsum(values[low:high][::-1], axis=0)[::-1]
    return out


def at_risk_sums(sets: RiskSets, values: Floats, exact: bool = False) -> Floats:
    """Return the sum of `values` over the rows at risk at each slot.

    Parameters
    ----------
    values
        Shape (n,).
    exact
        Add up without subtraction (see `intervals`): slower, for values of extreme range.

    Returns
    -------
    Shape (K,); zero at the spare slots.
    """
    if exact:
        return scatter(sets.entry, sets.exit, values, sets.slots)
    # A row leaving at slot b was last at risk at b - 1, one entering at a was not yet there at a - 1;
    # the address 0 of "before everything" falls off the front.
    count = sets.slots
    leaving = tally(sets.exit, values, count)[:count]
    sums = cumulate_backwards(_shift(leaving, sets.bounds), sets.bounds)
    if sets.late_entry:
        entering = tally(sets.entry, values, count)[:count]
        sums -= cumulate_backwards(_shift(entering, sets.bounds), sets.bounds)
    return sums


def since_entry(sets: RiskSets, per_slot: Floats, exact: bool = False) -> Floats:
    """Return, for each row, the sum of `per_slot` over the slots at which it is at risk.

    Parameters
    ----------
    per_slot
        Shape (K,) or (K, q), zero at the spare slots.
    exact
        Add up without subtraction, as in `at_risk_sums`.

    Returns
    -------
    Shape (n,) or (n, q).
    """
    if exact:
        return gather(sets.entry, sets.exit, per_slot)
    before = _unshift(cumulate(per_slot, sets.bounds), sets.bounds)
    total = before[sets.exit]
    return total - before[sets.entry] if sets.late_entry else total


def _shift(values: Floats, bounds: Integers) -> Floats:
    """Move every value one slot back; a stratum's first value belongs to no risk set and falls off."""
    moved = np.empty_like(values)
    moved[:-1] = values[1:]
    moved[bounds[1:] - 1] = 0.0
    return moved


def _unshift(values: Floats, bounds: Integers) -> Floats:
    """Turn sums up to and including a slot into sums before it."""
    moved = np.empty_like(values)
    moved[1:] = values[:-1]
    moved[bounds[:-1]] = 0.0
    return moved
