"""Harrell's concordance with its standard error, in O(n log n), with late entry, weights and strata.

A pair is comparable when one row has its event while the other is still at risk and stays so past that
time. It is concordant when the survivor's score is the higher one. Counts are weighted by the product of
the pair's weights; the standard error is the infinitesimal jackknife, by row or by cluster.

Source: Harrell, Califf, Pryor, Lee & Rosati (1982), J. Am. Med. Assoc. 247:2543; Therneau & Watson (2015),
The concordance statistic and the Cox model, Mayo Clinic technical report 85.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import (
    Booleans,
    Floats,
    Integers,
    read_events,
    read_groups,
    read_numbers,
    read_times,
    read_weights,
    tally,
)
from whychurn.models.riskset import RiskSets, place_rows


@dataclass(frozen=True, slots=True)
class ConcordanceResult:
    """Share of comparable pairs ranked rightly, ties in the score counting half.

    Attributes
    ----------
    estimate, std_error
        The concordance and its infinitesimal-jackknife standard error; NaN without comparable pairs.
    concordant, discordant, tied_x
        Comparable pairs by their scores (weighted).
    tied_y, tied_xy
        Pairs of events at the same time with different and with equal scores; they do not count.
    """

    estimate: float
    std_error: float
    concordant: float
    discordant: float
    tied_x: float
    tied_y: float
    tied_xy: float


def concordance(
    frame: pd.DataFrame,
    score: str,
    time: str,
    event: str,
    start: str | None = None,
    strata: str | tuple[str, ...] = (),
    weights: str | None = None,
    cluster: str | None = None,
    higher_is: str = "longer",
) -> ConcordanceResult:
    """Measure how well a score ranks survival times.

    Parameters
    ----------
    frame
        One row per subject or interval, n rows.
    score
        Column with the score.
    time, event, start, strata, weights
        As in `fit_cox`. Pairs are formed within strata.
    cluster
        Unit that the standard error keeps together.
    higher_is
        "longer" if a high score promises a long time, "riskier" if a high score promises an early event.
    """
    if higher_is not in ("longer", "riskier"):
        raise FitError(f"higher_is is 'longer' or 'riskier', not {higher_is!r}.")
    begin, stop = read_times(frame, time, start)
    values = read_numbers(frame, score)
    return concordance_of_arrays(
        start=begin,
        stop=stop,
        event=read_events(frame, event),
        score=values if higher_is == "longer" else -values,
        weights=read_weights(frame, weights),
        stratum=read_groups(frame, strata)[0],
        clusters=None if cluster is None else read_groups(frame, cluster)[0],
    )


def concordance_of_arrays(
    start: Floats,
    stop: Floats,
    event: Booleans,
    score: Floats,
    weights: Floats,
    stratum: Integers,
    clusters: Integers | None = None,
) -> ConcordanceResult:
    """Compute the concordance from arrays of shape (n,); a high score promises a long time."""
    if not event.any():
        return ConcordanceResult(float("nan"), float("nan"), 0.0, 0.0, 0.0, 0.0, 0.0)
    sets = place_rows(start, stop, event, stratum)
    _, rank = np.unique(score, return_inverse=True)
    rank = rank.astype(np.int64)
    above, below, total = _pairs_of_events(sets, rank, weights)
    own_above, own_below, own_total = _pairs_of_survivors(sets, rank, weights)
    events = sets.event_rows
    w = weights[events]
    concordant, discordant = float(w @ above), float(w @ below)
    tied = max(float(w @ (total - above - below)), 0.0)
    pairs = concordant + discordant + tied
    tied_y, tied_xy = _tied_events(sets, rank, weights)
    if pairs <= 0.0:
        return ConcordanceResult(float("nan"), float("nan"), 0.0, 0.0, 0.0, tied_y, tied_xy)
    # For a survivor, the pair is concordant when the event's score lies below its own.
    balance = own_below - own_above
    count = own_total.copy()
    balance[events] += above - below
    count[events] += total
    somers = (concordant - discordant) / pairs
    influence = weights * (balance - count * somers) / pairs
    if clusters is not None:
        influence = tally(clusters, influence)
    return ConcordanceResult(
        estimate=0.5 * (somers + 1.0),
        std_error=0.5 * float(np.sqrt(influence @ influence)),
        concordant=concordant,
        discordant=discordant,
        tied_x=tied,
        tied_y=tied_y,
        tied_xy=tied_xy,
    )


def _pairs_of_events(sets: RiskSets, rank: Integers, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return, per event, the weight of survivors with a higher score, a lower score, and in all."""
    # Rows whose event is at the same time are no survivors: their last comparable slot is the one before.
    last = sets.exit - sets.event
    slots, mine = sets.event_slots, rank[sets.event_rows]
    above, below, total = _count_later(last, rank, weights, slots, mine)
    if _all_from_the_start(sets):
        return above, below, total
    gone = _count_later(sets.entry, rank, weights, slots, mine)
    return above - gone[0], below - gone[1], total - gone[2]


def _pairs_of_survivors(sets: RiskSets, rank: Integers, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return, per row, the weight of events it outlives with a higher score, a lower score, and in all."""
    events = sets.event_rows
    points = (sets.event_slots + 1, rank[events], weights[events])
    last = sets.exit - sets.event
    # Events at slots entry <= slot < last: those later than entry less those later than last.
    if _all_from_the_start(sets):
        since = _count_all(points[1], points[2], rank)
    else:
        since = _count_later(*points, sets.entry, rank)
    after = _count_later(*points, np.maximum(last, sets.entry), rank)
    return since[0] - after[0], since[1] - after[1], since[2] - after[2]


def _all_from_the_start(sets: RiskSets) -> bool:
    """Tell whether all rows are at risk together from the first event on."""
    return not sets.late_entry and sets.bounds.size == 2


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


def _tied_events(sets: RiskSets, rank: Integers, weights: Floats) -> tuple[float, float]:
    """Return the weighted pairs of events at the same time: scores different, scores equal."""
    w = weights[sets.event_rows]
    together = _pair_weight(sets.event_slots, w)
    joint = sets.event_slots * (int(rank.max()) + 1) + rank[sets.event_rows]
    same = _pair_weight(np.unique(joint, return_inverse=True)[1], w)
    return together - same, same


def _pair_weight(codes: Integers, weights: Floats) -> float:
    sums = tally(codes, weights)
    squares = tally(codes, weights * weights)
    return max(float((sums * sums - squares).sum()) / 2.0, 0.0)
