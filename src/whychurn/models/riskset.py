"""Where every row stands among the distinct event times: the sorted bookkeeping behind every Cox sum.

Slots. The distinct event times of each stratum are numbered in order, stratum after stratum, with one
spare slot after the last event time of each stratum, so that "after every event" has an address of its
own. A row that covers ``(start, stop]`` is at risk at the slots ``entry <= slot < exit``.

Sums over risk sets are then reverse cumulative sums of the rows that exit less the rows that enter
later: O(n) for any number of event times, late entry included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse

from whychurn.models.columns import Booleans, Floats, Integers, tally
from whychurn.models.distinct import distinct_codes, places_among
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


@dataclass(frozen=True)
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
        Number of events in each slot, shape (K,); zero for the spare slots. A row that stands for several
        equal rows counts as many times.
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
    late_entry: bool

    @property
    def slots(self) -> int:
        """Number of slots K."""
        return int(self.times.size)

    @cached_property
    def idle(self) -> Integers:
        """Row numbers of the rows that are at risk of no event, shape (m,)."""
        return np.flatnonzero(self.exit <= self.entry)

    @cached_property
    def happened(self) -> Integers:
        """Row numbers of the events in the order of the rows, shape (E,)."""
        return np.flatnonzero(self.event)

    @cached_property
    def happened_at(self) -> Integers:
        """Slot of each of `happened`, shape (E,)."""
        return self.exit[self.happened] - 1

    @cached_property
    def event_rows(self) -> Integers:
        """Row numbers of the events ordered by slot, shape (E,)."""
        return self.happened[np.argsort(self.happened_at, kind="stable")]

    @cached_property
    def event_slots(self) -> Integers:
        """Slot of each of `event_rows`, shape (E,)."""
        return self.exit[self.event_rows] - 1

    @cached_property
    def by_exit(self) -> SlotIndex:
        """Rows listed by the slot they leave."""
        return _index(self.exit, None, self.slots)

    @cached_property
    def by_entry(self) -> SlotIndex:
        """Rows listed by the slot they enter."""
        return _index(self.entry, None, self.slots)

    @cached_property
    def by_event(self) -> SlotIndex:
        """Rows listed by the slot they have their event at."""
        return _index(self.event_slots, self.event_rows, self.slots)


def place_rows(
    start: Floats | None, stop: Floats, event: Booleans, stratum: Integers, counts: Integers | None = None
) -> RiskSets:
    """Find the distinct event times of each stratum and place every row among them.

    Parameters
    ----------
    start, stop
        Interval ``(start, stop]`` of each row, shape (n,); no start, or minus infinity, means no late entry.
    event
        Whether the row ends in an event, shape (n,).
    stratum
        Stratum codes 0..S-1, shape (n,).
    counts
        How many equal rows each row stands for, shape (n,); one without.
    """
    strata = int(stratum.max()) + 1 if stratum.size else 1
    if strata == 1:
        distinct, entry, leave = _place(start, stop, event)
        parts, bounds = [distinct, np.array([np.inf])], np.array([0, distinct.size + 1])
    else:
        order = np.argsort(stratum, kind="stable")
        splits = np.searchsorted(stratum[order], np.arange(strata + 1))
        entry = np.zeros(stop.size, dtype=np.int64)
        leave = np.zeros(stop.size, dtype=np.int64)
        parts, bounds = [], np.zeros(strata + 1, dtype=np.int64)
        for code in range(strata):
            rows = order[splits[code] : splits[code + 1]]
            distinct, first, last = _place(None if start is None else start[rows], stop[rows], event[rows])
            entry[rows], leave[rows] = bounds[code] + first, bounds[code] + last
            parts += [distinct, np.array([np.inf])]
            bounds[code + 1] = bounds[code] + distinct.size + 1
    slots = int(bounds[-1])
    each = None if counts is None else counts[event]
    deaths = np.bincount(leave[event] - 1, weights=each, minlength=slots)
    return RiskSets(
        entry=entry,
        exit=leave,
        event=event,
        times=np.concatenate(parts),
        bounds=bounds,
        stratum=stratum,
        deaths=deaths.astype(np.int64, copy=False),
        late_entry=bool(np.any(entry > (0 if strata == 1 else bounds[stratum]))),
    )


def _place(start: Floats | None, stop: Floats, event: Booleans) -> tuple[Floats, Integers, Integers]:
    """Return the distinct event times and the slots at which each row enters and leaves."""
    distinct, _ = distinct_codes(stop[event])
    leave = places_among(distinct, stop)
    if start is None or not np.any(start >= distinct[0] if distinct.size else False):
        # The same zero for every row takes no memory.
        return distinct, np.broadcast_to(np.int64(0), stop.shape), leave
    return distinct, places_among(distinct, start), leave


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
    return gather_since_entry(sets, before_slots(sets, per_slot), slice(None))


def before_slots(sets: RiskSets, per_slot: Floats) -> Floats:
    """Return the sum of `per_slot` before each slot of its stratum, same shape."""
    return _unshift(cumulate(per_slot, sets.bounds), sets.bounds)


def gather_since_entry(sets: RiskSets, before: Floats, rows: slice) -> Floats:
    """Return what `since_entry` returns for some rows, from the sums of `before_slots`."""
    total = before[sets.exit[rows]]
    return total - before[sets.entry[rows]] if sets.late_entry else total


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
