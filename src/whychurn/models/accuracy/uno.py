"""Uno's concordance: Harrell's, freed of its dependence on who was censored.

Each pair is weighted by 1 / G(T-)^2 at the time T of its event, so that early pairs, which censoring leaves
untouched, do not stand in for late ones.

Source: Uno, Cai, Pencina, D'Agostino & Wei (2011), Statist. Med. 30:1105.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from whychurn.errors import FitError, NoEventsError
from whychurn.models.accuracy.censored import check_choice, read_followed
from whychurn.models.arguments import is_number
from whychurn.models.columns import read_numbers
from whychurn.models.concordance import DIRECTIONS, ConcordanceResult, result_of_counts, somers_influence
from whychurn.models.pairs import count_pairs


def uno_concordance(
    frame: pd.DataFrame,
    score: str,
    time: str,
    event: str,
    tau: float | None = None,
    group: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    higher_is: str = "longer",
    conservative: bool = False,
) -> ConcordanceResult:
    """Measure how well a score ranks survival times up to `tau`, whatever the pattern of censoring.

    Parameters
    ----------
    frame
        One row per subject, followed from time zero, n rows.
    score
        Column with the score.
    time, event
        Columns with the time followed and whether it ended in an event.
    tau
        Pairs count when their event is at or before this time. Take it where a fair share is still followed:
        the last pairs weigh most. Without it, all pairs count.
    group
        Columns within whose levels censoring is described by a curve of its own.
    weights
        Case weights; they enter the censoring curve too.
    cluster
        Unit that the standard error keeps together.
    higher_is
        "longer" if a high score promises a long time, "riskier" if a high score promises an early event.
    conservative
        Take the censoring curve as known in the standard error, as R's ``concordance(timewt = "n/G2")`` does.

    Returns
    -------
    With the infinitesimal-jackknife standard error; the counts are weighted by 1 / G(T-)^2. NaN without
    comparable pairs.

    Raises
    ------
    NoEventsError, FitError
        Unreadable columns, a `tau` that is not positive, no event by `tau`.
    """
    check_choice(higher_is, DIRECTIONS, "higher_is")
    if tau is not None and not (is_number(tau) and tau > 0):
        raise FitError(f"tau is a positive number, not {tau!r}.")
    frame, followed = read_followed(frame, time, event, group, weights, cluster)
    values = read_numbers(frame, score)
    counted = followed.event if tau is None else followed.event & (followed.stop <= tau)
    if not counted.any():
        by = "" if tau is None else f" by time {tau:g}"
        raise NoEventsError(f"None of {counted.size:,} rows has {event!r}{by}: there is no pair to compare.")
    staying, steps = followed.staying_before_own_time()
    factor = np.divide(1.0, staying * staying, out=np.zeros_like(staying), where=counted)
    found = count_pairs(
        start=np.full(counted.size, -np.inf),
        stop=followed.stop,
        event=counted,
        score=values if higher_is == "longer" else -values,
        weights=followed.weights,
        stratum=np.zeros(counted.size, dtype=np.int64),
        event_factor=factor,
    )
    somers, influence = somers_influence(found, followed.weights)
    if not conservative and found.pairs > 0.0:
        own = found.event_balance - somers * found.event_count
        # G enters squared: a relative change of 1 / G moves the pairs of an event twice as much.
        pull = 2.0 * followed.weights * factor * own / found.pairs
        influence = influence + followed.curve_influence(pull, steps)
    return result_of_counts(found, somers, influence, followed.clusters)
