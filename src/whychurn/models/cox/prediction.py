"""Baseline hazard and survival curves from a fitted Cox model.

Source: Therneau & Grambsch (2000), section 10.2; variance of Tsiatis (1981) and Link (1984), with Efron's
increments where the fit used Efron's ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Floats, Integers, read_groups, read_numbers, read_times, require_columns, tally
from whychurn.models.cox.residuals import slot_means
from whychurn.models.design import apply_design
from whychurn.models.riskset import cumulate
from whychurn.models.wald import normal_quantile

if TYPE_CHECKING:
    from whychurn.models.cox.result import CoxFit


@dataclass(frozen=True, slots=True)
class Baseline:
    """Cumulative sums over slots at the stratum's shifted, standardised origin.

    Attributes
    ----------
    hazard, variance
        Cumulative hazard and its variance for known coefficients, shape (K,).
    drift
        Cumulative sum of hazard times risk-set mean, shape (K, p).
    """

    hazard: Floats
    variance: Floats
    drift: Floats


def cumulative_baseline(fit: CoxFit, with_errors: bool) -> Baseline:
    """Return the cumulative baseline of every stratum; K x p sums only where errors are asked for."""
    sets, terms = fit.data.sets, fit.slot_terms
    hazard = cumulate(terms.a1, sets.bounds)
    if not with_errors:
        return Baseline(hazard, np.zeros(0), np.zeros((0, 0)))
    _, drift, _ = slot_means(fit.data, terms)
    return Baseline(hazard, cumulate(terms.a, sets.bounds), cumulate(drift, sets.bounds))


def baseline_frame(fit: CoxFit, times: Floats) -> pd.DataFrame:
    """Return stratum, time and cumulative hazard at covariates zero."""
    baseline = cumulative_baseline(fit, with_errors=False)
    # Back from standardised covariates and the stratum's shift to covariates zero.
    origin = np.exp(-float(fit.scaling.centre @ fit.params.to_numpy()) - fit.slot_terms.shift)
    blocks = []
    for code, label in enumerate(fit.stratum_labels):
        place = slots_before(fit, np.full(times.size, code), times)
        values = np.where(place >= 0, baseline.hazard[place], 0.0) * origin[code]
        values[times > followed_to(fit)[code]] = np.nan
        blocks.append(pd.DataFrame({"stratum": label, "time": times, "cumulative_hazard": values}))
    return pd.concat(blocks, ignore_index=True)


def predict_frame(fit: CoxFit, newdata: pd.DataFrame, times: Floats, conf_level: float | None) -> pd.DataFrame:
    """Return the survival curves of `newdata`; see `CoxFit.predict_survival`."""
    x = standardised_rows(fit, newdata)
    stratum = stratum_codes(fit, newdata)
    relative = relative_hazards(fit, newdata, x, stratum)
    baseline = cumulative_baseline(fit, with_errors=conf_level is not None)
    rows = np.repeat(np.arange(len(newdata)), times.size)
    when = np.tile(times, len(newdata))
    place = slots_before(fit, stratum[rows], when)
    begun = place >= 0
    cumulative = np.where(begun, baseline.hazard[place], 0.0) * relative[rows]
    cumulative[when > followed_to(fit)[stratum[rows]]] = np.nan
    survival = np.exp(-cumulative)
    error = low = high = np.full(rows.size, np.nan)
    if conf_level is not None:
        covariance = fit.covariance.to_numpy() * np.outer(fit.scaling.spread, fit.scaling.spread)
        slot = np.where(begun, place, 0)
        lever = baseline.drift[slot] - baseline.hazard[slot][:, None] * x[rows]
        spread = baseline.variance[slot] + np.einsum("ij,jk,ik->i", lever, covariance, lever)
        hazard_error = np.where(begun, relative[rows] * np.sqrt(spread), 0.0)
        error = survival * hazard_error
        low, high = log_log_limits(cumulative, hazard_error, normal_quantile(conf_level))
    return pd.DataFrame(
        {
            "row": newdata.index.to_numpy()[rows],
            "time": when,
            "cumulative_hazard": cumulative,
            "survival": survival,
            "std_error": error,
            "conf_low": low,
            "conf_high": high,
        }
    )


def predict_path_frame(
    fit: CoxFit,
    newdata: pd.DataFrame,
    path: str,
    start: str,
    stop: str,
    times: Floats,
    conf_level: float,
) -> pd.DataFrame:
    """Return the survival along covariate paths; see `CoxFit.predict_survival_path`."""
    z = normal_quantile(conf_level)
    begin, end_of_row = read_times(newdata, stop, start)
    require_columns(newdata, [path])
    labels, codes = np.unique(newdata[path].to_numpy(), return_inverse=True)
    x = standardised_rows(fit, newdata)
    stratum = stratum_codes(fit, newdata)
    relative = relative_hazards(fit, newdata, x, stratum)
    end = followed_to(fit)[stratum]
    baseline = cumulative_baseline(fit, with_errors=True)
    covariance = fit.covariance.to_numpy() * np.outer(fit.scaling.spread, fit.scaling.spread)
    blocks = []
    for when in times:
        hazard, variance, drift = (
            _gain(
                values,
                slots_before(fit, stratum, np.minimum(begin, when)),
                slots_before(fit, stratum, np.minimum(end_of_row, when)),
            )
            for values in (baseline.hazard, baseline.variance, baseline.drift)
        )
        lever = relative[:, None] * (drift - x * hazard[:, None])
        summed = np.column_stack([tally(codes, column, labels.size) for column in lever.T])
        cumulative = tally(codes, relative * hazard, labels.size)
        spread = tally(codes, relative**2 * variance, labels.size)
        error = np.sqrt(spread + np.einsum("ij,jk,ik->i", summed, covariance, summed))
        low, high = log_log_limits(cumulative, error, z)
        last = np.full(labels.size, -np.inf)
        np.maximum.at(last, codes, end_of_row)
        table = pd.DataFrame(
            {
                "path": labels,
                "time": when,
                "cumulative_hazard": cumulative,
                "survival": np.exp(-cumulative),
                "std_error": np.exp(-cumulative) * error,
                "conf_low": low,
                "conf_high": high,
            }
        )
        # Beyond the end of a path its covariates are unknown, beyond that of a stratum its hazard.
        lost = np.unique(codes[(begin < when) & (end < np.minimum(end_of_row, when))])
        table.loc[last < when, table.columns[2:]] = np.nan
        table.loc[lost, table.columns[2:]] = np.nan
        blocks.append(table)
    found = pd.concat(blocks, ignore_index=True)
    return found.sort_values(["path", "time"], kind="stable", ignore_index=True)


def _gain(cumulative: Floats, before: Integers, after: Integers) -> Floats:
    """Return how much a cumulative sum over slots grows from one slot to another (-1: before all)."""
    padded = np.concatenate((cumulative, np.zeros((1, *cumulative.shape[1:]))))
    return padded[after] - padded[before]


def log_log_limits(cumulative: Floats, error: Floats, z: float) -> tuple[Floats, Floats]:
    """Return survival limits symmetric on the log(-log) scale; (1, 1) before the first event."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        width = np.where(cumulative > 0.0, z * error / cumulative, 0.0)
        return np.exp(-cumulative * np.exp(width)), np.exp(-cumulative * np.exp(-width))


def standardised_rows(fit: CoxFit, frame: pd.DataFrame) -> Floats:
    """Return the design of other rows on the scale of the fit's own, shape (m, p)."""
    return (apply_design(fit.design, frame) - fit.scaling.centre) / fit.scaling.spread


def relative_hazards(fit: CoxFit, newdata: pd.DataFrame, x: Floats, stratum: Integers) -> Floats:
    """Return each new row's hazard relative to its stratum's shifted origin, offset included, shape (m,).

    Parameters
    ----------
    x, stratum
        Standardised design and stratum codes of the rows, shapes (m, p) and (m,).
    """
    eta = x @ (fit.params.to_numpy() * fit.scaling.spread) - fit.slot_terms.shift[stratum]
    if fit.offset is not None:
        eta = eta + read_numbers(newdata, fit.offset)
    return np.asarray(np.exp(eta), dtype=np.float64)


def followed_to(fit: CoxFit) -> Floats:
    """Return the last time at which anybody of each stratum was seen, shape (strata,): curves end there."""
    last = np.full(len(fit.stratum_labels), -np.inf)
    np.maximum.at(last, fit.rows.stratum, fit.rows.stop)
    return last


def slots_before(fit: CoxFit, stratum: Integers, times: Floats) -> Integers:
    """Return the last slot at or before each time in its stratum, or -1 before the first, shape (m,)."""
    bounds, slot_times = fit.data.sets.bounds, fit.data.sets.times
    place = np.full(times.size, -1, dtype=np.int64)
    for code in np.unique(stratum):
        here = stratum == code
        low, high = bounds[code], bounds[code + 1] - 1
        found = np.searchsorted(slot_times[low:high], times[here], side="right") - 1
        place[here] = np.where(found >= 0, low + found, -1)
    return place


def stratum_codes(fit: CoxFit, newdata: pd.DataFrame) -> Integers:
    """Return the stratum of each new row, shape (m,).

    Raises
    ------
    FitError
        A stratum that the fit has not seen.
    """
    if not fit.strata:
        return np.zeros(len(newdata), dtype=np.int64)
    require_columns(newdata, fit.strata)
    codes, labels = read_groups(newdata, list(fit.strata))
    known = {label: code for code, label in enumerate(fit.stratum_labels)}
    unseen = [label for label in labels if label not in known]
    if unseen:
        raise FitError(f"Stratum {unseen[0]!r} was not fitted. Strata fitted: {', '.join(known)}.")
    return np.array([known[label] for label in labels], dtype=np.int64)[codes]
