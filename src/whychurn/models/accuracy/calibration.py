"""Do events come as often as predicted? In the large, in spread, and along the curve.

Source: Cox (1958), Biometrika 45:562 (recalibration); Steyerberg (2019), Clinical Prediction Models, ch. 15;
Van Calster et al. (2016), J. Clin. Epidemiol. 74:167 (levels of calibration).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, special

from whychurn.errors import FitError, NoEventsError
from whychurn.models.accuracy.inference import (
    Estimate,
    contributions,
    drop_weightless,
    error_of,
    read_clusters,
    read_predictions,
    with_interval,
)
from whychurn.models.arguments import is_number
from whychurn.models.columns import Booleans, Floats, Integers, read_events
from whychurn.models.logistic import fit_logistic
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """Calibration in the large and in spread.

    Attributes
    ----------
    intercept
        Log odds to be added to every prediction for the right number of events; 0 is perfect.
    slope
        Coefficient of the predicted log odds; 1 is perfect, below 1 the predictions are too extreme. NaN
        for constant predictions.
    ratio
        Expected over observed events; 1 is perfect, its interval is symmetric in the log.
    expected, observed
        (Weighted) number of events.
    n, n_events
        Rows (of positive weight) and events.
    covariance_type
        "model", "HC0" or "cluster": behind the errors of intercept and slope.
    """

    intercept: Estimate
    slope: Estimate
    ratio: Estimate
    expected: float
    observed: float
    n: int
    n_events: int
    covariance_type: str

    def tidy(self) -> pd.DataFrame:
        """Return one row for each of intercept, slope and expected_over_observed."""
        named = {"intercept": self.intercept, "slope": self.slope, "expected_over_observed": self.ratio}
        rows = [
            {
                "measure": name,
                "estimate": one.estimate,
                "std_error": one.std_error,
                "conf_low": one.conf_low,
                "conf_high": one.conf_high,
            }
            for name, one in named.items()
        ]
        return pd.DataFrame(rows)


def calibration(
    frame: pd.DataFrame,
    prediction: str,
    outcome: str,
    weights: str | None = None,
    cluster: str | None = None,
    clip: float | None = None,
    conf_level: float = 0.95,
) -> CalibrationResult:
    """Compare predicted probabilities with outcomes in the large (intercept, ratio) and in spread (slope).

    Parameters
    ----------
    frame
        One row per prediction, n rows.
    prediction
        Column with probabilities.
    outcome
        Column that is 0 or 1 (False or True).
    weights
        Column of weights, such as those of `censoring_weights`; rows of weight zero do not enter. Errors are
        then robust (HC0), with the weights as given.
    cluster
        Unit that the standard errors keep together.
    clip
        Move predictions into ``[clip, 1 - clip]`` first. Needed where some are exactly 0 or 1: their log
        odds are infinite.
    conf_level
        Level of the intervals.

    Returns
    -------
    CalibrationResult

    Raises
    ------
    FitError
        Unreadable columns, predictions outside [0, 1], predictions of exactly 0 or 1 without `clip`.
    NoEventsError, SeparationError
        One class only; predictions that separate events from non-events.
    """
    frame, mass = drop_weightless(frame, weights)
    p, happened = read_predictions(frame, prediction), read_events(frame, outcome)
    clusters = read_clusters(frame, cluster)
    _need_both(happened, outcome)
    log_odds = read_log_odds(p, prediction, clip)
    p = special.expit(log_odds) if clip is not None else p
    kind = "cluster" if cluster is not None else "model" if weights is None else "HC0"
    return CalibrationResult(
        intercept=_intercept(log_odds, happened, mass, clusters, kind, conf_level),
        slope=_slope(log_odds, happened, mass, clusters, kind, conf_level),
        ratio=_ratio(p, happened, mass, clusters, conf_level),
        expected=float(mass @ p),
        observed=float(mass @ happened),
        n=p.size,
        n_events=int(happened.sum()),
        covariance_type=kind,
    )


def read_log_odds(p: Floats, name: str, clip: float | None) -> Floats:
    """Return log odds of probabilities, shape (n,), after clipping if asked for."""
    if clip is not None:
        if not (is_number(clip) and 0.0 < clip < 0.5):
            raise FitError(f"clip is a small probability such as 1e-6, not {clip!r}.")
        p = np.clip(p, clip, 1.0 - clip)
    sure = (p == 0.0) | (p == 1.0)
    if sure.any():
        raise FitError(
            f"Column {name!r} is exactly 0 or 1 in {int(sure.sum()):,} of {p.size:,} rows: their log odds are "
            "infinite. Give clip=1e-6, say, to move them off the boundary."
        )
    return np.asarray(special.logit(p), dtype=np.float64)


def fit_on_log_odds(
    columns: dict[str, Floats], happened: Booleans, mass: Floats, clusters: Integers | None, kind: str
) -> tuple[Floats, Floats]:
    """Return coefficients, intercept first, and covariance of a logistic regression on columns of shape (n,)."""
    data = pd.DataFrame({**columns, "happened": happened.astype(float), "mass": mass})
    if clusters is not None:
        data["cluster"] = clusters
    fit = fit_logistic(
        data, list(columns), "happened", "mass", covariance=kind, cluster=None if clusters is None else "cluster"
    )
    return fit.params.to_numpy(dtype=float), fit.covariance.to_numpy(dtype=float)


def _intercept(
    log_odds: Floats, happened: Booleans, mass: Floats, clusters: Integers | None, kind: str, conf_level: float
) -> Estimate:
    """Fit the intercept with the predicted log odds as offset."""

    def excess(shift: float) -> float:
        return float(mass @ (special.expit(log_odds + shift) - happened))

    # Expected events grow from none to all as the intercept does.
    reach = 50.0 + float(np.abs(log_odds).max())
    shift = float(optimize.brentq(excess, -reach, reach, xtol=1e-14, rtol=1e-14))
    fitted = special.expit(log_odds + shift)
    information = float(mass @ (fitted * (1.0 - fitted)))
    shift -= excess(shift) / information
    if kind == "model":
        error = information**-0.5
    else:
        influence = mass * (happened - fitted) / information
        error = (
            float(np.sqrt(influence @ influence)) if clusters is None else error_of(contributions(influence, clusters))
        )
    return with_interval(shift, error, conf_level)


def _slope(
    log_odds: Floats, happened: Booleans, mass: Floats, clusters: Integers | None, kind: str, conf_level: float
) -> Estimate:
    if np.ptp(log_odds) == 0.0:
        return Estimate(float("nan"), float("nan"), float("nan"), float("nan"))
    params, covariance = fit_on_log_odds({"log_odds": log_odds}, happened, mass, clusters, kind)
    return with_interval(float(params[1]), float(np.sqrt(covariance[1, 1])), conf_level)


def _ratio(p: Floats, happened: Booleans, mass: Floats, clusters: Integers | None, conf_level: float) -> Estimate:
    """Return expected over observed; both vary with the rows drawn."""
    expected, observed = float(mass @ p), float(mass @ happened)
    ratio = expected / observed
    if ratio == 0.0:
        return Estimate(0.0, float("nan"), float("nan"), float("nan"))
    log_error = error_of(contributions(mass * (p / expected - happened / observed), clusters))
    z = normal_quantile(conf_level)
    return Estimate(ratio, ratio * log_error, ratio * np.exp(-z * log_error), ratio * np.exp(z * log_error))


def _need_both(happened: Booleans, outcome: str) -> None:
    if not happened.any():
        raise NoEventsError(f"None of {happened.size:,} rows has {outcome!r}: predictions cannot be calibrated.")
    if happened.all():
        raise FitError(f"All {happened.size:,} rows have {outcome!r}: predictions cannot be calibrated.")
