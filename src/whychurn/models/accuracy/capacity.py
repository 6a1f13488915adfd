"""What a ranking is worth to a team that can take on only so many rows.

Equal predictions are shared out: when only some of the tied rows fit, each counts in part, which is the
expectation over the orders they could be taken in. Results then depend on no order of rows.

Source: Provost & Fawcett (2013), Data Science for Business, ch. 8 (lift and gains); Wilson (1927), J. Am.
Statist. Assoc. 22:209.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.errors import FitError, NoEventsError
from whychurn.models.arguments import is_whole, read_list
from whychurn.models.columns import Floats, read_events, read_numbers, read_weights
from whychurn.models.distinct import distinct_codes
from whychurn.models.shares import wilson_interval
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class LiftTable:
    """Groups of equal size by falling prediction; `table` has one row per group (see `tidy`)."""

    table: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row per group: n, predicted, events, rate, lift and their cumulative twins."""
        return self.table.copy()


@dataclass(frozen=True, slots=True)
class CapacityResult:
    """Precision and recall among the first k rows; `table` has one row per k (see `tidy`)."""

    table: pd.DataFrame
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per k: share, threshold, precision, recall, lift, each with interval where known."""
        return self.table.copy()


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Sums over the rows from the highest prediction down, at each distinct prediction; shape (R + 1,)."""

    rows: Floats
    weight: Floats
    events: Floats
    weight_squares: Floats
    event_squares: Floats
    predicted: Floats
    values: Floats

    def upto(self, name: str, k: Floats) -> Floats:
        """Return a sum over the first k rows, k not necessarily whole."""
        return np.asarray(np.interp(k, self.rows, getattr(self, name)), dtype=np.float64)


def lift_table(
    frame: pd.DataFrame, prediction: str, outcome: str, groups: int = 10, weights: str | None = None
) -> LiftTable:
    """Divide the rows by falling prediction into groups of equal size and count events.

    Parameters
    ----------
    frame
        One row per prediction, n rows.
    prediction
        Column with the score; any number, higher for a likelier outcome.
    outcome
        Column that is 0 or 1 (False or True).
    groups
        Number of groups, ten for deciles.
    weights
        Weights of the outcomes, such as those of `censoring_weights`. Group sizes count rows: a row whose
        outcome is unknown (weight zero) still takes up capacity.

    Returns
    -------
    Columns group, n, predicted, events, rate, lift (rate over the overall rate), captured (share of all
    events so far), cumulative_rate, cumulative_lift. NaN in groups whose outcomes are all unknown.
    Groups are of equal size, so that n need not be whole: of ten groups of 25 rows each has 2.5, and a row (or a run of
    equal predictions) on a border counts in part on either side, its events likewise.

    Raises
    ------
    NoEventsError, FitError
        Unreadable columns; no event; more groups than rows.
    """
    ranked, n = _rank(frame, prediction, outcome, weights), len(frame)
    if not (is_whole(groups) and 1 <= groups <= n):
        raise FitError(f"groups is a whole number between 1 and the number of rows ({n:,}), not {groups!r}.")
    groups = int(groups)
    edges = n * np.arange(groups + 1) / groups
    events, weight = ranked.upto("events", edges), ranked.upto("weight", edges)
    overall = events[-1] / weight[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, cumulative = np.diff(events) / np.diff(weight), events[1:] / weight[1:]
    return LiftTable(
        pd.DataFrame(
            {
                "group": np.arange(1, groups + 1),
                "n": np.diff(edges),
                "predicted": np.diff(ranked.upto("predicted", edges)) / np.diff(edges),
                "events": np.diff(events),
                "rate": rate,
                "lift": rate / overall,
                "captured": events[1:] / events[-1],
                "cumulative_rate": cumulative,
                "cumulative_lift": cumulative / overall,
            }
        )
    )


def precision_recall_at(
    frame: pd.DataFrame,
    prediction: str,
    outcome: str,
    k: int | Sequence[int],
    weights: str | None = None,
    conf_level: float = 0.95,
) -> CapacityResult:
    """Tell what share of the k highest predictions has the outcome, and what share of outcomes they hold.

    Parameters
    ----------
    k
        Capacities: numbers of rows, each from 1 to n.
    frame, prediction, outcome, weights
        As in `lift_table`.
    conf_level
        Level of the Wilson intervals, which take the ranking as given and, with weights, Kish's effective
        number of rows.

    Returns
    -------
    CapacityResult

    Raises
    ------
    NoEventsError, FitError
        As in `lift_table`; a capacity below 1, above n or not whole.
    """
    z = normal_quantile(conf_level)
    ranked, n = _rank(frame, prediction, outcome, weights), len(frame)
    sizes = read_list(k, "k")
    if not sizes.size or not ((sizes >= 1) & (sizes <= n) & (sizes == np.floor(sizes))).all():
        raise FitError(f"k holds whole numbers from 1 to the number of rows ({n:,}), not {k!r}.")
    rows = []
    for size in sizes:
        names = ("weight", "events", "weight_squares", "event_squares")
        weight, events, squares, _ = (float(ranked.upto(name, size)) for name in names)
        all_events = float(ranked.events[-1])
        precision = events / weight if weight > 0.0 else float("nan")
        low, high = wilson_interval(precision, weight**2 / squares if squares > 0.0 else 0.0, z)
        recall = events / all_events
        recall_low, recall_high = wilson_interval(recall, all_events**2 / float(ranked.event_squares[-1]), z)
        rows.append(
            {
                "k": int(size),
                "share": size / n,
                "threshold": float(ranked.values[np.searchsorted(ranked.rows[1:], size)]),
                "precision": precision,
                "precision_low": low,
                "precision_high": high,
                "recall": recall,
                "recall_low": recall_low,
                "recall_high": recall_high,
                "lift": precision / (all_events / float(ranked.weight[-1])),
            }
        )
    return CapacityResult(pd.DataFrame(rows), conf_level)


def _rank(frame: pd.DataFrame, prediction: str, outcome: str, weights: str | None) -> _Ranked:
    mass = read_weights(frame, weights, zero_allowed=True)
    known = mass > 0.0
    happened = np.zeros(len(frame))
    happened[known] = read_events(frame[known], outcome)
    if not happened.any():
        raise NoEventsError(f"None of {int(known.sum()):,} rows has {outcome!r}: there is nothing to find among them.")
    score = read_numbers(frame, prediction)
    values, rank = distinct_codes(-score)

    def sums(weight: Floats) -> Floats:
        return np.concatenate(([0.0], np.cumsum(np.bincount(rank, weights=weight, minlength=values.size))))

    hits = mass * happened
    return _Ranked(
        rows=sums(np.ones(score.size)),
        weight=sums(mass),
        events=sums(hits),
        weight_squares=sums(mass * mass),
        event_squares=sums(hits * hits),
        predicted=sums(score),
        values=-values,
    )
