"""How well predicted probabilities rank outcomes (AUC) and how far they are off (Brier score).

Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837; Brier (1950), Mon. Weather Rev. 78:1;
Steyerberg et al. (2010), Epidemiology 21:128 (scaled Brier score); Obuchowski (1997), Biometrics 53:567
(clustered AUC).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.errors import FitError, NoEventsError
from whychurn.models.accuracy.inference import (
    contributions,
    drop_weightless,
    error_of,
    read_clusters,
    read_predictions,
    with_interval,
)
from whychurn.models.accuracy.ranking import delong_contributions, place
from whychurn.models.columns import Booleans, Floats, Integers, read_events, read_numbers


@dataclass(frozen=True, slots=True)
class AucResult:
    """Area under the ROC curve.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high
        Probability that a random case has a higher score than a random control, ties half. The error is
        NaN with a single case or control.
    n_cases, n_controls
        Rows (of positive weight) with and without the outcome.
    contributions
        Per row or cluster, shape (G,): their squares add up to the variance (see `accuracy_difference`).
    conf_level
        Level of the interval.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    n_cases: int
    n_controls: int
    contributions: Floats
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row: estimate, std_error, conf_low, conf_high, n_cases, n_controls."""
        names = ("estimate", "std_error", "conf_low", "conf_high", "n_cases", "n_controls")
        return pd.DataFrame([{"measure": "auc", **{name: getattr(self, name) for name in names}}])


@dataclass(frozen=True, slots=True)
class BrierResult:
    """Mean squared distance between probability and outcome.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high
        The Brier score: 0 is perfect.
    null
        The score of predicting everybody's outcome by the overall share.
    scaled, scaled_std_error
        ``1 - estimate / null``: 1 is perfect, 0 no better than the overall share. NaN with one class only.
    n
        Rows (of positive weight).
    contributions
        Per row or cluster, shape (G,): their squares add up to the variance of `estimate`.
    conf_level
        Level of the interval.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    null: float
    scaled: float
    scaled_std_error: float
    n: int
    contributions: Floats
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row: estimate, std_error, conf_low, conf_high, null, scaled, scaled_std_error, n."""
        names = ("estimate", "std_error", "conf_low", "conf_high", "null", "scaled", "scaled_std_error", "n")
        return pd.DataFrame([{"measure": "brier", **{name: getattr(self, name) for name in names}}])


def auc(
    frame: pd.DataFrame,
    prediction: str,
    outcome: str,
    weights: str | None = None,
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> AucResult:
    """Measure how well a score ranks rows with the outcome above rows without.

    Parameters
    ----------
    frame
        One row per prediction, n rows.
    prediction
        Column with the score; any number, higher for a likelier outcome.
    outcome
        Column that is 0 or 1 (False or True).
    weights
        Column of weights, such as those of `censoring_weights`; rows of weight zero (unknown outcome) do
        not enter.
    cluster
        Unit that the standard error keeps together.
    conf_level
        Level of the interval.

    Returns
    -------
    With DeLong's standard error; with weights or clusters the infinitesimal jackknife, by row or cluster,
    which takes the weights as given.

    Raises
    ------
    NoEventsError, FitError
        Unreadable columns, or one class only.
    """
    frame, mass = drop_weightless(frame, weights)
    score, cases = read_numbers(frame, prediction), read_events(frame, outcome)
    _need_both_classes(cases, outcome)
    found = place(score, np.where(cases, mass, 0.0), np.where(cases, 0.0, mass))
    if weights is None and cluster is None:
        parts = delong_contributions(found, cases, ~cases)
    else:
        of_case, of_control = found.slope()
        parts = contributions(mass * np.where(cases, of_case, of_control), read_clusters(frame, cluster))
    made = with_interval(found.area, error_of(parts), conf_level, 0.0, 1.0)
    n_cases = int(cases.sum())
    return AucResult(
        estimate=made.estimate,
        std_error=made.std_error,
        conf_low=made.conf_low,
        conf_high=made.conf_high,
        n_cases=n_cases,
        n_controls=cases.size - n_cases,
        contributions=parts,
        conf_level=conf_level,
    )


def brier_score(
    frame: pd.DataFrame,
    prediction: str,
    outcome: str,
    weights: str | None = None,
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> BrierResult:
    """Measure the mean squared distance between predicted probabilities and outcomes.

    Parameters
    ----------
    prediction
        Column with probabilities; 0 and 1 are allowed.
    frame, outcome, weights, cluster, conf_level
        As in `auc`.

    Returns
    -------
    BrierResult

    Raises
    ------
    FitError
        Unreadable columns, or predictions outside [0, 1].
    """
    frame, mass = drop_weightless(frame, weights)
    p, happened = read_predictions(frame, prediction), read_events(frame, outcome)
    clusters = read_clusters(frame, cluster)
    return _brier(p, happened, mass, clusters, conf_level)


def _brier(p: Floats, happened: Booleans, mass: Floats, clusters: Integers | None, conf_level: float) -> BrierResult:
    total = float(mass.sum())
    square = np.square(happened - p)
    estimate = float(mass @ square / total)
    influence = mass * (square - estimate) / total
    share = float(mass @ happened / total)
    # The overall share minimises its own score, so that estimating it moves nothing in first order.
    around = np.square(happened - share)
    null = float(mass @ around / total)
    scaled, scaled_error = float("nan"), float("nan")
    if 0.0 < share < 1.0:
        scaled = 1.0 - estimate / null
        of_null = mass * (around - null) / total
        scaled_error = error_of(contributions((influence - (1.0 - scaled) * of_null) / null, clusters))
    parts = contributions(influence, clusters)
    made = with_interval(estimate, error_of(parts), conf_level, 0.0, 1.0)
    return BrierResult(
        estimate=made.estimate,
        std_error=made.std_error,
        conf_low=made.conf_low,
        conf_high=made.conf_high,
        null=null,
        scaled=scaled,
        scaled_std_error=scaled_error,
        n=p.size,
        contributions=parts,
        conf_level=conf_level,
    )


def _need_both_classes(cases: Booleans, outcome: str) -> None:
    if not cases.any():
        raise NoEventsError(f"None of {cases.size:,} rows has {outcome!r}: there is nobody to rank above the others.")
    if cases.all():
        raise FitError(f"All {cases.size:,} rows have {outcome!r}: there is nobody to rank below them.")
