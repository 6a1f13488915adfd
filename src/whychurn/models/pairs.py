"""Count the comparable pairs of survival times by their scores, in O(n log n).

A pair is comparable when one row has its event while the other is still at risk and stays so past that
time. Both members are told how their pairs fall, which is what a standard error needs.

Source: Christensen (1987), Psychometrika 52:169 (sums over a sorted half kept in a tree); Therneau &
Watson (2015), The concordance statistic and the Cox model, Mayo Clinic technical report 85.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Booleans, Floats, Integers, tally
from whychurn.models.distinct import distinct_codes, places_among
from whychurn.models.kernels import COMPILED_FROM


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Comparable pairs of n rows, in all and row by row.

    Attributes
    ----------
    concordant, discordant, tied_x
        Weighted pairs by their scores: the product of both weights and of the event's factor.
    tied_y, tied_xy
        Weighted pairs of events at the same time, with different and with equal scores.
    event_factor
        Factor of each row's pairs as an event, shape (n,).
    event_balance, event_count
        For each event, the weight of the survivors that agree less those that disagree, and of all of
        them; zero for other rows. Shape (n,).
    survivor_balance, survivor_count
        For each row, the same over the events that it outlives, weighted by weight times factor.
    """

    concordant: float
    discordant: float
    tied_x: float
    tied_y: float
    tied_xy: float
    event_factor: Floats
    event_balance: Floats
    event_count: Floats
    survivor_balance: Floats
    survivor_count: Floats

    @property
    def pairs(self) -> float:
        """Weighted number of comparable pairs."""
        return self.concordant + self.discordant + self.tied_x


@dataclass(frozen=True, slots=True)
class Slots:
    """Rows placed among the K distinct event times, stratum after stratum.

    Attributes
    ----------
    entry, last
        A row outlives the events at the slots ``entry <= slot < last``, shape (n,). The slot of a row's own
        event is `last`: a row does not outlive the events of its own time.
    count
        K.
    together
        Whether all rows are at risk from the first event on, in one stratum.
    """

    entry: Integers
    last: Integers
    count: int
    together: bool


def count_pairs(
    start: Floats,
    stop: Floats,
    event: Booleans,
    score: Floats,
    weights: Floats,
    stratum: Integers,
    event_factor: Floats | None = None,
) -> PairCounts:
    """Count comparable pairs within strata; a high score promises a long time.

    Parameters
    ----------
    start, stop, event, score, weights, stratum
        As in `concordance_of_arrays`, shape (n,). At least one event.
    event_factor
        Multiplies the pairs of each event, shape (n,); ones if not given. Only the events' values matter.
    """
    slots = place_slots(start, stop, event, stratum)
    factor = np.ones(stop.size) if event_factor is None else event_factor
    mass = np.where(event, weights * factor, 0.0)
    if stop.size >= COMPILED_FROM:
        return _count_compiled(slots, event, score, weights, factor, mass)
    rank = distinct_codes(score)[1]
    events = np.flatnonzero(event)
    above, below, total = _pairs_of_events(slots, events, rank, weights)
    own_above, own_below, own_total = _pairs_of_survivors(slots, events, rank, mass)
    event_balance, event_count = np.zeros(stop.size), np.zeros(stop.size)
    event_balance[events], event_count[events] = above - below, total
    m = mass[events]
    together = _pair_weight(slots.last[events], weights[events], m)
    same = _pair_weight(_recode(slots.last[events] * (int(rank.max()) + 1) + rank[events]), weights[events], m)
    return PairCounts(
        concordant=float(m @ above),
        discordant=float(m @ below),
        tied_x=max(float(m @ (total - above - below)), 0.0),
        tied_y=max(together - same, 0.0),
        tied_xy=same,
        event_factor=factor,
        event_balance=event_balance,
        event_count=event_count,
        # For a survivor, the pair is concordant when the event's score lies below its own.
        survivor_balance=own_below - own_above,
        survivor_count=own_total,
    )


def place_slots(start: Floats, stop: Floats, event: Booleans, stratum: Integers) -> Slots:
    """Number the distinct event times of each stratum and place every row among them."""
    times, place = distinct_codes(stop)
    width = times.size
    strata = int(stratum.max(initial=0)) + 1
    key = place if strata == 1 else stratum * width + place
    late = bool(np.isfinite(start).any())
    # A row enters after the last distinct time at or before its start; without one, before all of its stratum.
    before = stratum * width - 1
    if late:
        before += places_among(times, start)
    if strata * width <= 4 * max(stop.size, 1 << 14):
        happened = np.zeros(strata * width, dtype=bool)
        happened[key[event]] = True
        upto = np.concatenate(([0], np.cumsum(happened)))
        entry, leave, count = upto[before + 1], upto[key + 1], int(upto[-1])
    else:
        # Many small strata: their empty cells are not worth a table.
        found = np.unique(key[event])
        entry, leave = np.searchsorted(found, before, side="right"), np.searchsorted(found, key, side="right")
        count = int(found.size)
    together = strata == 1 and not (late and bool((entry > 0).any()))
    return Slots(entry, leave - event, count, together)


def _count_compiled(
    slots: Slots, event: Booleans, score: Floats, weights: Floats, factor: Floats, mass: Floats
) -> PairCounts:
    """Sweep over the sorted scores with trees over the event times; the twin of the counts above."""
    from whychurn.models.kernels.concordance import sweep_scores

    order = np.argsort(score)
    ordered = score[order]
    opens = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    events = np.flatnonzero(event)
    at, w, m = slots.last[events], weights[events], mass[events]
    events_before = np.concatenate(([0.0], np.cumsum(tally(at, m, slots.count))))
    # Rows that outlive slot k: those that entered by then less those that left.
    moves = -tally(slots.last, weights, slots.count + 1)
    if slots.together:
        moves[0] += weights.sum()
    else:
        moves += tally(slots.entry, weights, slots.count + 1)
    outliving = np.cumsum(moves)
    bounds = np.append(opens, score.size)
    # Copies: a read-only or strided column would count as another type and be compiled afresh.
    found = sweep_scores(
        order,
        bounds,
        slots.entry.copy(),
        slots.last.copy(),
        event.copy(),
        weights.copy(),
        mass,
        outliving,
        events_before,
        slots.together,
    )
    together = _pair_weight(at, w, m)
    same = 0.0
    if opens.size < score.size:
        rank = np.empty(score.size, dtype=np.int64)
        rank[order] = np.repeat(np.arange(opens.size), np.diff(bounds))
        same = _pair_weight(_recode(at * opens.size + rank[events]), w, m)
    (concordant, discordant, tied), *by_row = found
    return PairCounts(concordant, discordant, max(tied, 0.0), max(together - same, 0.0), same, factor, *by_row)


def _pairs_of_events(slots: Slots, events: Integers, rank: Integers, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return, per event, the weight of survivors with a higher score, a lower score, and in all."""
    mine, at = rank[events], slots.last[events]
    above, below, total = _count_later(slots.last, rank, weights, at, mine)
    if slots.together:
        return above, below, total
    gone = _count_later(slots.entry, rank, weights, at, mine)
    return above - gone[0], below - gone[1], total - gone[2]


def _pairs_of_survivors(slots: Slots, events: Integers, rank: Integers, mass: Floats) -> tuple[Floats, Floats, Floats]:
    """Return, per row, the mass of events it outlives with a higher score, a lower score, and in all."""
    points = (slots.last[events] + 1, rank[events], mass[events])
    # Events at slots entry <= slot < last: those later than entry less those later than last.
    if slots.together:
        since = _count_all(points[1], points[2], rank)
    else:
        since = _count_later(*points, slots.entry, rank)
    after = _count_later(*points, np.maximum(slots.last, slots.entry), rank)
    return since[0] - after[0], since[1] - after[1], since[2] - after[2]


def _count_all(rank: Integers, weights: Floats, query_rank: Integers) -> tuple[Floats, Floats, Floats]:
    """Sum the weights of points of higher rank, of lower rank, and of any, for each query."""
    upto = np.cumsum(tally(rank, weights, int(query_rank.max(initial=0)) + 1))
    below = np.concatenate(([0.0], upto))[query_rank]
    return upto[-1] - upto[query_rank], below, np.full(query_rank.size, upto[-1])


def _count_later(
    position: Integers, rank: Integers, weights: Floats, query: Integers, query_rank: Integers
) -> tuple[Floats, Floats, Floats]:
    """Sum the weights of points with ``position > query``: of higher rank, of lower rank, and of any.

    One pass per bit of the rank. Two different ranks first differ, from the top, at exactly one bit; at
    that bit they share all higher bits, so every pair is counted once, by a cumulative sum within groups
    of equal higher bits. O((n + m) log(n + m)) in all.

    Parameters
    ----------
    position, rank, weights
        Of the points, shape (n,).
    query, query_rank
        Of the queries, shape (m,).
    """
    n, m = position.size, query.size
    when = np.concatenate((position, query))
    # Later positions first; at equal positions the queries come before the points, so they do not see them.
    later_first = np.argsort(-2 * when - (np.arange(n + m) >= n), kind="stable")
    keys = np.concatenate((rank, query_rank))[later_first]
    mass = np.concatenate((weights, np.zeros(m)))[later_first]
    is_query = later_first >= n
    target = later_first[is_query] - n
    below, equal, total = np.zeros(m), np.zeros(m), np.zeros(m)
    total[target] = np.cumsum(mass)[is_query]
    order = np.argsort(_narrow(keys), kind="stable")
    asks = is_query[order]
    equal[later_first[order][asks] - n] = _seen_in_group(keys[order], mass[order])[asks]
    for bit in range(int(max(keys.max(), 1)).bit_length()):
        order = np.argsort(_narrow(keys >> (bit + 1)), kind="stable")
        ordered = keys[order]
        high = (ordered >> bit) & 1 == 1
        # The lower half of each group is what its upper half outranks.
        seen = _seen_in_group(ordered >> (bit + 1), np.where(high, 0.0, mass[order]))
        asks = high & is_query[order]
        below[later_first[order[asks]] - n] += seen[asks]
    return total - below - equal, below, total


def _seen_in_group(groups: Integers, values: Floats) -> Floats:
    """Return running sums of `values` that start afresh where the (sorted) group changes, shape (n,)."""
    running = np.cumsum(values)
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    opening = running[starts] - values[starts]
    return running - np.repeat(opening, np.diff(np.append(starts, groups.size)))


def _narrow(values: Integers) -> np.ndarray:
    """Use 16-bit keys where they fit: NumPy sorts those by radix, in linear time."""
    return values.astype(np.uint16) if values.max(initial=0) < 1 << 16 else values


def _pair_weight(codes: Integers, weights: Floats, mass: Floats) -> float:
    """Return the weight of the unordered pairs that share a code: one member's weight times the other's mass."""
    sums, masses = tally(codes, weights), tally(codes, mass)
    return max(float((sums * masses - tally(codes, weights * mass)).sum()) / 2.0, 0.0)


def _recode(codes: Integers) -> Integers:
    """Number the codes that occur 0, 1, ..., so that a tally of them is short."""
    return distinct_codes(codes.astype(np.float64))[1]
