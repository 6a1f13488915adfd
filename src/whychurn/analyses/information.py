"""Which levels of a cause a Cox model could learn anything about, known from the rows before any fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.panel import Candidate

#: Below one, the standard error of a log hazard ratio is above one: its interval spans a factor of fifty at least.
LEAST = 1.0

Floats = NDArray[np.float64]


def uninformative_levels(rows: pd.DataFrame, candidates: Sequence[Candidate]) -> dict[str, tuple[str, ...]]:
    """Return, by column, the levels that departures say next to nothing about.

    The information on a level against all others, at a ratio of one, is the sum over departures of ``p (1 - p)``, where
    ``p`` is the share of those at risk who are at that level; or the same at the crude ratio, if that is more. It is small where hardly anybody is at the level, and
    where at each departure nearly all are ("too new" in the first weeks of tenure): the baseline hazard then says it all.
    Beside other causes such a coefficient is often infinite.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``start``, ``stop``, ``event`` and the candidates' columns.
    candidates : sequence of Candidate
        References are never returned, nor levels at which nobody left; numbers have no levels.
    """
    stops = rows["stop"].to_numpy(dtype=float)
    times, deaths = np.unique(stops[rows["event"].to_numpy() == 1], return_counts=True)
    if not len(times):
        return {}
    first = np.searchsorted(times, rows["start"].to_numpy(dtype=float), side="right")
    after = np.searchsorted(times, stops, side="right")
    everyone = _at_risk(np.zeros(len(rows), dtype=np.int64), 1, first, after, len(times))[0]
    found: dict[str, tuple[str, ...]] = {}
    for candidate in candidates:
        if candidate.kind != "category" or candidate.column not in rows:
            continue
        codes, levels = pd.factorize(rows[candidate.column])
        share = _at_risk(codes, len(levels), first, after, len(times)) / everyone
        events = np.bincount(codes, weights=rows["event"].to_numpy(), minlength=len(levels))
        information = np.maximum((share * (1 - share)) @ deaths, _at_the_ratio(share, deaths, events))
        poor = [str(level) for level, known, n in zip(levels, information, events, strict=True) if known < LEAST and n]
        poor = [level for level in poor if level != candidate.reference]
        if poor:
            found[candidate.column] = tuple(poor)
    return found


def _at_the_ratio(share: Floats, deaths: NDArray[Any], events: NDArray[Any]) -> Floats:
    """Return the information at the crude ratio of observed to expected departures, shape (levels,).

    A rare state with a large ratio is seen by its many departures, not by how many are in it.
    """
    ratio = (events / np.maximum(share @ deaths, 1e-12))[:, None]
    left = share * ratio / (1 + share * (ratio - 1))
    return np.asarray((left * (1 - left)) @ deaths)


def _at_risk(
    codes: NDArray[np.int64], n_levels: int, first: NDArray[np.int64], after: NDArray[np.int64], n_times: int
) -> Floats:
    """Return how many rows of each level are at risk at each time, shape (levels, times)."""
    wide = n_times + 1
    steps = np.bincount(codes * wide + first, minlength=n_levels * wide).astype(np.int64)
    steps -= np.bincount(codes * wide + after, minlength=n_levels * wide)
    return steps.reshape(n_levels, wide).cumsum(axis=1)[:, :-1].astype(float)
