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
    read_clusters,
    read_events,
    read_groups,
    read_numbers,
    read_times,
    read_weights,
    tally,
)
from whychurn.models.pairs import PairCounts, count_pairs
from whychurn.models.wald import normal_quantile

DIRECTIONS = ("longer", "riskier")


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

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row: estimate, std_error, conf_low, conf_high and the counts of pairs."""
        z = normal_quantile(conf_level)
        limits = np.clip([self.estimate - z * self.std_error, self.estimate + z * self.std_error], 0.0, 1.0)
        return pd.DataFrame(
            {
                "measure": ["concordance"],
                "estimate": self.estimate,
                "std_error": self.std_error,
                "conf_low": limits[0],
                "conf_high": limits[1],
                "concordant": self.concordant,
                "discordant": self.discordant,
                "tied_x": self.tied_x,
                "tied_y": self.tied_y,
                "tied_xy": self.tied_xy,
            }
        )


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

    Returns
    -------
    ConcordanceResult

    Raises
    ------
    FitError
        Unreadable columns or rows, fewer than two clusters.
    """
    if higher_is not in DIRECTIONS:
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
        clusters=None if cluster is None else read_clusters(frame, cluster),
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
    found = count_pairs(start, stop, event, score, weights, stratum)
    somers, influence = somers_influence(found, weights)
    return result_of_counts(found, somers, influence, clusters)


def somers_influence(found: PairCounts, weights: Floats) -> tuple[float, Floats]:
    """Return Somers' d and the influence of each row on it (derivative in its weight, times it), shape (n,)."""
    if found.pairs <= 0.0:
        return float("nan"), np.zeros(weights.size)
    somers = (found.concordant - found.discordant) / found.pairs
    balance = found.event_balance * found.event_factor + found.survivor_balance
    count = found.event_count * found.event_factor + found.survivor_count
    return somers, weights * (balance - count * somers) / found.pairs


def result_of_counts(
    found: PairCounts, somers: float, influence: Floats, clusters: Integers | None
) -> ConcordanceResult:
    """Turn pair counts and the influence of each row on Somers' d into a result."""
    if found.pairs <= 0.0:
        return ConcordanceResult(float("nan"), float("nan"), 0.0, 0.0, 0.0, found.tied_y, found.tied_xy)
    if clusters is not None:
        influence = tally(clusters, influence)
    return ConcordanceResult(
        estimate=0.5 * (somers + 1.0),
        std_error=0.5 * float(np.sqrt(influence @ influence)),
        concordant=found.concordant,
        discordant=found.discordant,
        tied_x=found.tied_x,
        tied_y=found.tied_y,
        tied_xy=found.tied_xy,
    )
