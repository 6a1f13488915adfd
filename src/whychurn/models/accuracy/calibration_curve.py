"""Observed against predicted along the range of predictions: in bins, and as a smooth curve.

Source: Wilson (1927), J. Am. Statist. Assoc. 22:209; Korn & Graubard (1998), Surv. Methodol. 24:193 (effective
sample size of weighted and clustered shares); Harrell (2015), Regression Modeling Strategies, section 2.4.5
(restricted cubic splines); Austin & Steyerberg (2019), Statist. Med. 38:4051 (integrated calibration index).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from whychurn.errors import FitError
from whychurn.models.accuracy.calibration import fit_on_log_odds, read_log_odds
from whychurn.models.accuracy.inference import contributions, drop_weightless, error_of, read_clusters, read_predictions
from whychurn.models.arguments import is_whole
from whychurn.models.columns import Booleans, Floats, Integers, read_events
from whychurn.models.distinct import distinct_codes
from whychurn.models.shares import wilson_interval
from whychurn.models.wald import normal_quantile

# Where Harrell puts four knots: quantiles of the predicted log odds.
KNOT_QUANTILES = (0.05, 0.35, 0.65, 0.95)


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """Observed share in bins of the prediction; `table` has one row per bin (see `tidy`)."""

    table: pd.DataFrame
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per bin: lowest, highest, n, n_events, predicted, observed, conf_low, conf_high."""
        return self.table.copy()


@dataclass(frozen=True, slots=True)
class SmoothCalibration:
    """Observed share as a smooth function of the prediction.

    Attributes
    ----------
    table
        Prediction, observed, conf_low, conf_high at a grid of predictions.
    mean_error, median_error, ninetieth_error, largest_error
        Distance of the curve from the prediction over the rows: its mean (the integrated calibration
        index), median, 90% quantile and maximum.
    knots
        Knots of the spline, as predicted probabilities.
    """

    table: pd.DataFrame
    mean_error: float
    median_error: float
    ninetieth_error: float
    largest_error: float
    knots: Floats

    def tidy(self) -> pd.DataFrame:
        """Return one row per point of the grid: predicted, observed, conf_low, conf_high."""
        return self.table.copy()


def calibration_curve(
    frame: pd.DataFrame,
    prediction: str,
    outcome: str,
    bins: int = 10,
    weights: str | None = None,
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> CalibrationCurve:
    """Compare observed and predicted shares within bins of equal (weighted) size.

    Parameters
    ----------
    bins
        At most that many; equal predictions are never parted, so ties make bins fewer and unequal.
    frame, prediction, outcome, weights, cluster, conf_level
        As in `calibration`; predictions of 0 and 1 are welcome here.

    Returns
    -------
    Wilson intervals; with weights or clusters for the effective sample size, the variance of a binomial
    share over that of the share at hand.

    Raises
    ------
    FitError
        Unreadable columns, predictions outside [0, 1], fewer than one bin.
    """
    if not is_whole(bins) or bins < 1:
        raise FitError(f"bins is a whole number, at least 1, not {bins!r}.")
    bins = int(bins)
    z = normal_quantile(conf_level)
    frame, mass = drop_weightless(frame, weights)
    p, happened = read_predictions(frame, prediction), read_events(frame, outcome)
    clusters = read_clusters(frame, cluster)
    rank = distinct_codes(p)[1]
    below = np.cumsum(np.bincount(rank, weights=mass))
    # A value belongs to the bin in which the middle of its weight lies.
    middle = below - 0.5 * np.bincount(rank, weights=mass)
    bin_of_value = np.minimum((middle / below[-1] * bins).astype(np.int64), bins - 1)
    used, code = np.unique(bin_of_value, return_inverse=True)
    code = code[rank]
    rows = []
    for number in range(used.size):
        mine = code == number
        w, y, mean = mass[mine], happened[mine], float(mass[mine] @ p[mine] / mass[mine].sum())
        share = float(w @ y / w.sum())
        size = float(w.size)
        if weights is not None or clusters is not None:
            size = _effective_size(share, w, y, None if clusters is None else clusters[mine])
        low, high = wilson_interval(share, size, z)
        rows.append(
            {
                "bin": number + 1,
                "lowest": float(p[mine].min()),
                "highest": float(p[mine].max()),
                "n": int(mine.sum()),
                "n_events": int(y.sum()),
                "predicted": mean,
                "observed": share,
                "conf_low": low,
                "conf_high": high,
            }
        )
    return CalibrationCurve(pd.DataFrame(rows), conf_level)


def smooth_calibration(
    frame: pd.DataFrame,
    prediction: str,
    outcome: str,
    weights: str | None = None,
    cluster: str | None = None,
    clip: float | None = None,
    points: int = 101,
    conf_level: float = 0.95,
) -> SmoothCalibration:
    """Fit the outcome to a restricted cubic spline (four knots) of the predicted log odds.

    Parameters
    ----------
    points
        Size of the grid, evenly spaced from the smallest to the largest prediction.
    frame, prediction, outcome, weights, cluster, clip, conf_level
        As in `calibration`.

    Returns
    -------
    SmoothCalibration

    Raises
    ------
    FitError
        As in `calibration`; too few distinct predictions for the knots.
    """
    z = normal_quantile(conf_level)
    if not is_whole(points) or points < 2:
        raise FitError(f"points is a whole number, at least 2, not {points!r}.")
    points = int(points)
    frame, mass = drop_weightless(frame, weights)
    p, happened = read_predictions(frame, prediction), read_events(frame, outcome)
    clusters = read_clusters(frame, cluster)
    log_odds = read_log_odds(p, prediction, clip)
    p = np.asarray(special.expit(log_odds))
    knots = np.quantile(log_odds, KNOT_QUANTILES)
    if np.unique(knots).size < knots.size:
        raise FitError(
            f"Column {prediction!r} has too few distinct values ({np.unique(p).size:,}) for a smooth curve. "
            "Use calibration_curve, which takes them as they are."
        )
    kind = "cluster" if cluster is not None else "model" if weights is None else "HC0"
    basis = _spline(log_odds, knots)
    named = {f"spline_{number}": column for number, column in enumerate(basis.T, start=1)}
    params, covariance = fit_on_log_odds(named, happened, mass, clusters, kind)
    grid = np.linspace(p.min(), p.max(), points)
    design = np.column_stack([np.ones(points), _spline(special.logit(grid), knots)])
    middle, error = design @ params, np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    table = pd.DataFrame(
        {
            "predicted": grid,
            "observed": special.expit(middle),
            "conf_low": special.expit(middle - z * error),
            "conf_high": special.expit(middle + z * error),
        }
    )
    off = np.abs(special.expit(params[0] + basis @ params[1:]) - p)
    order = np.argsort(off)
    upto = np.cumsum(mass[order]) / mass.sum()
    median, ninetieth = (float(off[order][np.searchsorted(upto, q)]) for q in (0.5, 0.9))
    return SmoothCalibration(
        table, float(mass @ off / mass.sum()), median, ninetieth, float(off.max()), special.expit(knots)
    )


def _effective_size(share: float, weights: Floats, happened: Booleans, clusters: Integers | None) -> float:
    """Return how many independent rows would give the share its variance."""
    kish = float(weights.sum() ** 2 / (weights @ weights))
    if clusters is not None:
        clusters = distinct_codes(clusters.astype(np.float64))[1]
        totals = np.bincount(clusters, weights=weights)
        kish = float(totals.sum() ** 2 / (totals @ totals))
    error = error_of(contributions(weights * (happened - share) / weights.sum(), clusters))
    # Without variation, or from one cluster in the bin, the weights alone tell.
    return share * (1.0 - share) / error**2 if error > 0.0 else kish


def _spline(values: Floats, knots: Floats) -> Floats:
    """Return Harrell's restricted cubic spline basis, shape (n, knots - 1): linear beyond the outer knots."""
    last, before = knots[-1], knots[-2]
    columns = [values]
    for knot in knots[:-2]:
        cubic = np.maximum(values - knot, 0.0) ** 3
        cubic -= np.maximum(values - before, 0.0) ** 3 * (last - knot) / (last - before)
        cubic += np.maximum(values - last, 0.0) ** 3 * (before - knot) / (last - before)
        columns.append(cubic / (last - knots[0]) ** 2)
    return np.column_stack(columns)
