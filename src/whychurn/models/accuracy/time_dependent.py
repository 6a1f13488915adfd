"""Accuracy of predictions made for a time, under censoring: cumulative/dynamic AUC and Brier score.

Source: Uno, Cai, Tian & Wei (2007), J. Am. Statist. Assoc. 102:527; Hung & Chiang (2010), Can. J. Statist.
38:8 (AUC); Graf et al. (1999), Statist. Med. 18:2529; Gerds & Schumacher (2006), Biom. J. 48:1029 (Brier);
Blanche et al. (2013), Statist. Med. 32:5381, and (2015), Biometrics 71:102 (standard errors).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from whychurn.errors import FitError, NoEventsError
from whychurn.models.accuracy.censored import (
    CENSORED_AT_TIME,
    Followed,
    TimeWeights,
    check_choice,
    read_followed,
    read_horizons,
)
from whychurn.models.accuracy.inference import contributions, error_of, read_predictions
from whychurn.models.accuracy.ranking import place
from whychurn.models.accuracy.time_results import TimeDependentAuc, TimeDependentBrier
from whychurn.models.columns import Floats, read_numbers

PREDICTED = ("risk", "survival")


def time_dependent_auc(
    frame: pd.DataFrame,
    predictions: str | Sequence[str],
    time: str,
    event: str,
    times: float | Sequence[float],
    predicted: str = "risk",
    group: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    censored_at_time: str = "unknown",
    conservative: bool = False,
    conf_level: float = 0.95,
) -> TimeDependentAuc:
    """Measure how well a score ranks those with an event by a time above those still there after it.

    Parameters
    ----------
    frame
        One row per subject, followed from time zero, n rows.
    predictions
        Columns with the score for each of `times`, or one column that serves all of them.
    time, event
        Columns with the time followed and whether it ended in an event.
    times
        Times of evaluation, positive and increasing, shape (m,), in the unit of `time`.
    predicted
        "risk" if a high score promises an event, "survival" if it promises none.
    group
        Columns within whose levels censoring is described by a curve of its own.
    weights
        Case weights; they enter the censoring curve too.
    cluster
        Unit that the standard error keeps together.
    censored_at_time
        Whether a row censored exactly at a time of evaluation tells that it had no event by then:
        "unknown" leaves it out, as Graf et al. and R's riskRegression do; "known" counts it as a survivor
        with weight 1 / G(t-), as `censoring_weights` does. Both are consistent; they differ under ties.
    conservative
        Take the censoring curve as known in the standard error, which then tends to be a little larger.
    conf_level
        Level of the intervals.

    Returns
    -------
    NaN at times without a case, or without a control.

    Raises
    ------
    NoEventsError, FitError
        Unreadable columns; a time past the follow-up of a group; no event by the last time.
    """
    check_choice(predicted, PREDICTED, "predicted")
    check_choice(censored_at_time, CENSORED_AT_TIME, "censored_at_time")
    horizons = read_horizons(times)
    columns = _columns(predictions, horizons)
    frame, followed = read_followed(frame, time, event, group, weights, cluster)
    _need_events(followed, horizons, event)
    estimates, parts, counts = [], [], []
    for horizon, column in zip(horizons, columns, strict=True):
        score = read_numbers(frame, column)
        at = followed.at(float(horizon), censored_at_time)
        area, influence = _auc_at(followed, at, score if predicted == "risk" else -score, conservative)
        estimates.append(area)
        parts.append(contributions(influence, followed.clusters))
        counts.append((int(at.cases.sum()), int(at.controls.sum())))
    return TimeDependentAuc(
        times=horizons,
        predictions=columns,
        estimate=np.array(estimates),
        std_error=np.array([error_of(part) for part in parts]),
        n_cases=np.array([cases for cases, _ in counts]),
        n_controls=np.array([controls for _, controls in counts]),
        contributions=np.column_stack(parts),
        conf_level=conf_level,
    )


def time_dependent_brier(
    frame: pd.DataFrame,
    predictions: str | Sequence[str],
    time: str,
    event: str,
    times: float | Sequence[float],
    predicted: str = "risk",
    group: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    censored_at_time: str = "unknown",
    conservative: bool = False,
    conf_level: float = 0.95,
) -> TimeDependentBrier:
    """Measure the mean squared distance between predicted risk and event by a time; integrate it over times.

    Parameters
    ----------
    predictions
        Columns with the probability for each of `times`; one column per time.
    predicted
        "risk" for the probability of an event by the time, "survival" for that of none.
    frame, time, event, times, group, weights, cluster, censored_at_time, conservative, conf_level
        As in `time_dependent_auc`.

    Returns
    -------
    Beside the score, the score of the Kaplan-Meier estimate as everybody's prediction, and how much of it
    the predictions save. `integrated` gives the integrated score.

    Raises
    ------
    FitError
        As in `time_dependent_auc`; predictions outside [0, 1].
    """
    check_choice(predicted, PREDICTED, "predicted")
    check_choice(censored_at_time, CENSORED_AT_TIME, "censored_at_time")
    horizons = read_horizons(times)
    columns = _columns(predictions, horizons)
    frame, followed = read_followed(frame, time, event, group, weights, cluster)
    scores, nulls = [], []
    for horizon, column in zip(horizons, columns, strict=True):
        p = read_predictions(frame, column)
        at = followed.at(float(horizon), censored_at_time)
        share = float(followed.weights @ (at.inverse * at.cases) / followed.weights.sum())
        scores.append(_brier_at(followed, at, p if predicted == "risk" else 1.0 - p, conservative))
        nulls.append(_brier_at(followed, at, np.full(p.size, share), conservative))
    return TimeDependentBrier(
        times=horizons,
        predictions=columns,
        estimate=np.array([value for value, _ in scores]),
        null=np.array([value for value, _ in nulls]),
        contributions=np.column_stack([contributions(part, followed.clusters) for _, part in scores]),
        null_contributions=np.column_stack([contributions(part, followed.clusters) for _, part in nulls]),
        conf_level=conf_level,
    )


def _auc_at(followed: Followed, at: TimeWeights, score: Floats, conservative: bool) -> tuple[float, Floats]:
    """Return the AUC at a time and the influence of each row on it, shape (n,)."""
    if not (at.cases.any() and at.controls.any()):
        return float("nan"), np.full(score.size, np.nan)
    mass = followed.weights * at.inverse
    found = place(score, np.where(at.cases, mass, 0.0), np.where(at.controls, mass, 0.0))
    of_case, of_control = found.slope()
    direct = mass * (np.where(at.cases, of_case, 0.0) + np.where(at.controls, of_control, 0.0))
    return found.area, direct if conservative else direct + followed.curve_influence(direct, at.steps)


def _brier_at(followed: Followed, at: TimeWeights, risk: Floats, conservative: bool) -> tuple[float, Floats]:
    """Return the Brier score at a time and the influence of each row on it, shape (n,)."""
    total = float(followed.weights.sum())
    parts = followed.weights * at.inverse * np.square(at.cases - risk) / total
    score = float(parts.sum())
    direct = parts - followed.weights * score / total
    return score, direct if conservative else direct + followed.curve_influence(parts, at.steps)


def _columns(predictions: str | Sequence[str], horizons: Floats) -> tuple[str, ...]:
    columns = (predictions,) * horizons.size if isinstance(predictions, str) else tuple(predictions)
    if len(columns) != horizons.size:
        raise FitError(
            f"There are {len(columns)} prediction columns for {horizons.size} times; give one for each time."
        )
    return columns


def _need_events(followed: Followed, horizons: Floats, event: str) -> None:
    if not (followed.event & (followed.stop <= horizons[-1])).any():
        raise NoEventsError(
            f"None of {followed.stop.size:,} rows has {event!r} by time {horizons[-1]:g}: there is nobody to rank "
            "above the others."
        )
