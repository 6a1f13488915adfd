"""One sweep over the sorted scores that counts comparable pairs for events and for survivors alike.

Two Fenwick trees over the event times hold what has a higher score than the row in hand: the rows, and the
events. Event times are usually few (months, days), so both trees stay in the fastest memory.
"""

from __future__ import annotations

import numpy as np

from whychurn.models.columns import Booleans, Floats, Integers
from whychurn.models.kernels.jit import compiled


@compiled
def _add(tree: Floats, place: int, value: float) -> None:
    """Add `value` at `place` (0 to K - 1)."""
    i = place + 1
    while i < tree.size:
        tree[i] += value
        i += i & -i


@compiled
def _upto(tree: Floats, place: int) -> float:
    """Return the sum over the places 0 to `place` (-1: nothing)."""
    total = 0.0
    i = place + 1
    while i > 0:
        total += tree[i]
        i -= i & -i
    return total


@compiled
def _rows_above(rows: Floats, inserted: float, slot: int, together: bool) -> float:
    """Return the weight in the tree that outlives the events of a slot."""
    if together:
        # The tree holds departures only; everybody was there from the start.
        return inserted - _upto(rows, slot)
    return _upto(rows, slot)


@compiled
def _events_above(events: Floats, entry: int, last: int, together: bool) -> float:
    """Return the event mass in the tree at the slots ``entry <= slot < last``."""
    if together:
        return _upto(events, last - 1)
    return _upto(events, last - 1) - _upto(events, entry - 1)


@compiled
def sweep_scores(
    order: Integers,
    bounds: Integers,
    entry: Integers,
    last: Integers,
    event: Booleans,
    weights: Floats,
    mass: Floats,
    outliving: Floats,
    events_before: Floats,
    together: bool,
) -> tuple[tuple[float, float, float], Floats, Floats, Floats, Floats]:
    """Count the pairs of every row.

    Parameters
    ----------
    order
        Rows by ascending score, shape (n,).
    bounds
        Where each distinct score begins in `order`, and n at the end, shape (R + 1,).
    entry, last, event, weights
        Slots, event flag and weight of each row, shape (n,).
    mass
        Weight of the row as an event, shape (n,); zero without one.
    outliving
        Weight of the rows that outlive each slot, shape (K + 1,).
    events_before
        Event mass at earlier slots, shape (K + 1,).
    together
        Whether all rows are at risk from slot 0 on.

    Returns
    -------
    Concordant, discordant and tied weight; then balance and count of each row as an event and as a survivor.
    """
    n = order.size
    slots = outliving.size - 1
    # One place beyond the slots, for rows that outlive every event.
    rows_tree = np.zeros(slots + 2)
    events_tree = np.zeros(slots + 2)
    event_balance = np.zeros(n)
    event_count = np.zeros(n)
    survivor_balance = np.zeros(n)
    survivor_count = np.zeros(n)
    inserted = 0.0
    concordant = 0.0
    discordant = 0.0
    tied = 0.0
    for group in range(bounds.size - 2, -1, -1):
        low, high = bounds[group], bounds[group + 1]
        alone = high - low == 1
        for i in range(low, high):
            row = order[i]
            if event[row]:
                event_balance[row] = _rows_above(rows_tree, inserted, last[row], together)
            survivor_balance[row] = _events_above(events_tree, entry[row], last[row], together)
        for i in range(low, high):
            row = order[i]
            inserted += weights[row]
            if together:
                _add(rows_tree, last[row], weights[row])
            else:
                _add(rows_tree, entry[row], weights[row])
                _add(rows_tree, last[row], -weights[row])
            if event[row]:
                _add(events_tree, last[row], mass[row])
        for i in range(low, high):
            row = order[i]
            slot = last[row]
            above = survivor_balance[row]
            total = events_before[slot] - events_before[entry[row]]
            equal = 0.0
            if not alone:
                equal = _events_above(events_tree, entry[row], slot, together) - above
            survivor_balance[row] = total - equal - above - above
            survivor_count[row] = total
            if event[row]:
                above = event_balance[row]
                total = outliving[slot]
                equal = 0.0
                if not alone:
                    equal = _rows_above(rows_tree, inserted, slot, together) - above
                below = total - above - equal
                event_balance[row] = above - below
                event_count[row] = total
                concordant += mass[row] * above
                discordant += mass[row] * below
                tied += mass[row] * equal
    return (concordant, discordant, tied), event_balance, event_count, survivor_balance, survivor_count
