"""Effects by period of tenure: rows split at cut points, and one column per period for a candidate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.coded import Coded
from whychurn.analyses.contrasts import Contrast, Effect
from whychurn.panel import Candidate


def one_column_per_period(
    split: pd.DataFrame,
    own: pd.Series,
    candidate: Candidate,
    parts: Sequence[Candidate],
    counts: Sequence[dict[str, tuple[int, int]]],
) -> tuple[pd.DataFrame, set[int]]:
    """Give the candidate a column per period that is at its reference (or zero) outside that period.

    Where nobody at the reference left within a period, every other level is infinitely faster there. The
    limit of the fit leaves out the reference's rows of that period and lets another level stand in.

    Returns
    -------
    coded : pandas.DataFrame
        Rows with one column per part instead of the candidate's own.
    without : set of int
        Periods without events at the reference.
    """
    period = split["period"].to_numpy()
    kept = np.ones(len(split), dtype=bool)
    without: set[int] = set()
    made: dict[str, Any] = {}
    if candidate.kind == "number":
        values = own.to_numpy(dtype=float)
        made = {part.column: np.where(period == index, values, 0.0) for index, part in enumerate(parts)}
    else:
        coded = Coded.of(own)
        coded = coded.ordered(list(dict.fromkeys((*coded.levels, candidate.reference))))
        neutral = coded.levels.index(candidate.reference)
        for index, (part, per_level) in enumerate(zip(parts, counts, strict=True)):
            inside = period == index
            codes = np.where(inside, coded.codes, neutral)
            if not per_level.get(candidate.reference, (0, 0))[1]:
                without.add(index)
                kept &= ~(inside & (coded.codes == neutral))
                with_events = {level: n for level, (n, events) in per_level.items() if events}
                if with_events:
                    stand_in = max(sorted(with_events), key=lambda level: with_events[level])
                    codes[inside & coded.at(stand_in)] = neutral
            made[part.column] = Coded(codes, coded.levels).values()
    rows = split.drop(columns=[candidate.column])
    for name, column in made.items():
        rows[name] = column
    return (rows if kept.all() else rows[kept].reset_index(drop=True)), without


def no_reference_events(part: Candidate, counts: dict[str, tuple[int, int]]) -> Effect:
    """Return the contrasts of a period in which nobody at the reference left: infinite where others did."""
    note = f"Nobody at {part.reference!r} left in this period, so there is no ratio to state."
    contrasts = tuple(
        Contrast(level, part.reference, math.nan, math.nan, *counts[level], note, 1 if counts[level][1] else 0)
        for level in part.levels
        if level != part.reference and level in counts
    )
    return Effect(part, contrasts, math.nan, math.nan, math.nan, ())


def split_at(intervals: pd.DataFrame, cuts: Sequence[float]) -> tuple[pd.DataFrame, list[str]]:
    """Split rows at risk at the cut points; the number of the period is in column ``period``.

    Splitting changes no estimate of a model without periods; it only lets an effect differ between them.
    """
    edges = [0.0, *[float(cut) for cut in cuts], math.inf]
    pieces = []
    for index, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = intervals[(intervals["start"] < high) & (intervals["stop"] > low)].copy()
        inside["event"] = inside["event"].where(inside["stop"] <= high, 0)
        inside["start"] = inside["start"].clip(lower=low)
        inside["stop"] = inside["stop"].clip(upper=high)
        inside["period"] = index
        pieces.append(inside)
    labels = [
        f"up to {edges[1]:g}",
        *[f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges[1:-1])],
        f"over {edges[-2]:g}",
    ]
    return pd.concat(pieces, ignore_index=True), labels


def period_cuts(intervals: pd.DataFrame, declared: Sequence[float]) -> tuple[float, ...]:
    """Return the declared cut points that lie within the data, else the tertiles of the times of churn."""
    times = intervals.loc[intervals["event"] == 1, "stop"].to_numpy(dtype=float)
    last = float(times.max()) if len(times) else 0.0
    inside = tuple(float(cut) for cut in declared if 0 < cut < last)
    if inside:
        return inside
    thirds = np.unique(np.quantile(times, [1 / 3, 2 / 3])) if len(times) else np.array([])
    return tuple(float(cut) for cut in thirds if 0 < cut < last)
