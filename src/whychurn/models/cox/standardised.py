"""Survival curves of a whole population, had everybody been exposed alike (g-computation).

The survival of every row is predicted with the exposure set to a level and averaged. Unlike the curve of an
"average customer", that is the curve of a population, and its contrasts are differences of risk. The standard
errors add up the influence of each row (or cluster) on the coefficients, the baseline hazard and, where the
population is itself the sample, the make-up of the population.

Source: Makuch (1982), J. Chronic Dis. 35:437-443; Ozenne, Scheike, Staerk & Gerds (2020), Biom. J. 62:751-763
(influence functions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError, some
from whychurn.models.columns import Floats, Integers, read_query_times, require_columns, tally
from whychurn.models.cox.likelihood import CoxData, SlotTerms
from whychurn.models.cox.prediction import (
    cumulative_baseline,
    followed_to,
    log_log_limits,
    relative_hazards,
    slots_before,
    standardised_rows,
    stratum_codes,
)
from whychurn.models.cox.residuals import score_residuals
from whychurn.models.cox.result import CoxFit
from whychurn.models.riskset import since_entry
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class StandardisedSurvival:
    """Mean survival of a population under each exposure, and what the exposures differ by.

    Attributes
    ----------
    curves
        One row per exposure and time: exposure, time, survival, std_error, conf_low, conf_high (log-log).
    contrasts
        One row per exposure other than the reference and time: exposure, reference, time, difference (of
        survival), std_error, conf_low, conf_high, statistic, p_value.
    conf_level, reference
        Level of the limits; the exposure that the others are held against.
    """

    curves: pd.DataFrame
    contrasts: pd.DataFrame
    conf_level: float
    reference: str

    def tidy(self) -> pd.DataFrame:
        """Return `curves`."""
        return self.curves


def standardised_survival(
    fit: CoxFit,
    populations: Mapping[str, pd.DataFrame],
    times: Sequence[float] | Floats,
    reference: str | None = None,
    sampled: bool = True,
    conf_level: float = 0.95,
) -> StandardisedSurvival:
    """Average the predicted survival of a population under each of several exposures.

    Parameters
    ----------
    fit
        A Cox model of covariates fixed at the beginning (a row per customer).
    populations
        The same rows once per exposure, with the exposure set: ``{"monthly": frame.assign(contract="monthly"),
        "yearly": frame.assign(contract="yearly")}``. Rows carry the case weights of the fit where `sampled`.
    times
        In the unit of the fit; sorted on the way. Past the last time a stratum was seen the mean is NaN.
    reference
        The exposure that contrasts are against; the first without.
    sampled
        Whether the rows are those of the fit, in order, and a sample themselves: their draw is then part of
        the uncertainty. Otherwise the population is taken as it is.
    conf_level
        Of the limits.

    Raises
    ------
    FitError
        No population, populations of different length, or (if `sampled`) not the rows of the fit; the columns
        of the terms and strata are missing or hold what the fit has not seen.
    """
    z = normal_quantile(conf_level)
    when = np.unique(read_query_times(times))
    if not isinstance(populations, Mapping) or not populations:
        raise FitError("Give at least one population: a mapping from each exposure to its frame.")
    base = next(iter(populations)) if reference is None else reference
    if base not in populations:
        raise FitError(f"The reference {base!r} is none of the populations {some(map(repr, populations))}.")
    sizes = {len(frame) for frame in populations.values()}
    if len(sizes) > 1 or sizes == {0} or (sampled and sizes != {fit.n}):
        raise FitError(
            f"The populations have {some(sorted(sizes))} rows and the model was fitted to {fit.n:,}. Pass the same rows "
            "for every exposure: those of the fit in their order, or others with sampled=False."
        )
    if sampled:
        _require_rows_of_the_fit(fit, populations)
    pieces = _Pieces.of(fit)
    found = {label: _mean_survival(fit, pieces, frame, when, sampled) for label, frame in populations.items()}
    curves = [_curve_frame(label, when, *found[label], z) for label in populations]
    contrasts = [_contrast_frame(label, base, when, found[label], found[base], z) for label in found if label != base]
    columns = [
        "exposure",
        "reference",
        "time",
        "difference",
        "std_error",
        "conf_low",
        "conf_high",
        "statistic",
        "p_value",
    ]
    return StandardisedSurvival(
        curves=pd.concat(curves, ignore_index=True),
        contrasts=pd.concat(contrasts, ignore_index=True) if contrasts else pd.DataFrame(columns=columns),
        conf_level=conf_level,
        reference=str(base),
    )


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What every exposure shares: the rows, influences on the coefficients, cumulative baseline and drift, clusters."""

    data: CoxData
    terms: SlotTerms
    on_beta: Floats
    hazard: Floats
    drift: Floats
    clusters: Integers

    @classmethod
    def of(cls, fit: CoxFit) -> _Pieces:
        data, terms = fit.row_level()
        units = np.outer(fit.scaling.spread, fit.scaling.spread)
        scores = score_residuals(data, terms) * data.weights[:, None]
        baseline = cumulative_baseline(fit, with_errors=True)
        clusters = np.arange(fit.n) if fit.clusters is None else fit.clusters
        on_beta = scores @ (fit.naive_covariance.to_numpy() * units)
        return cls(data, terms, on_beta, baseline.hazard, baseline.drift, clusters)


def _require_rows_of_the_fit(fit: CoxFit, populations: Mapping[str, pd.DataFrame]) -> None:
    """Refuse rows that are not those of the fit, in order, in the columns that the populations share.

    Columns in which populations differ are the exposure.
    """
    frames = list(populations.values())
    for frame in frames:
        require_columns(frame, fit.design.variables)
    first = frames[0]
    exposure = {
        name
        for name in fit.design.variables
        if (first[name] == first[name].iloc[0]).all()
        or any(not np.array_equal(first[name], other[name]) for other in frames[1:])
    }
    kept = [
        place
        for place, column in enumerate(fit.design.columns)
        if not exposure & set(fit.design.reads[fit.design.term_of(column)])
    ]
    x = standardised_rows(fit, first)
    known = fit.data.covariates.take(slice(None) if fit.merged is None else fit.merged.kind)
    if not np.allclose(x[:, kept], known[:, kept], rtol=1e-7, atol=1e-7):
        raise FitError(
            "The populations do not hold the rows of the fit in their order. Pass those, with the exposure set, or "
            "other rows with sampled=False."
        )


def _mean_survival(
    fit: CoxFit, pieces: _Pieces, frame: pd.DataFrame, when: Floats, sampled: bool
) -> tuple[Floats, Floats]:
    """Return mean survival, shape (T,), and the influence of each cluster on it, shape (T, clusters)."""
    x = standardised_rows(fit, frame)
    stratum = stratum_codes(fit, frame)
    relative = relative_hazards(fit, frame, x, stratum)
    end = followed_to(fit)[stratum].min()
    share = fit.rows.weights / fit.rows.weights.sum() if sampled else np.full(len(frame), 1.0 / len(frame))
    strata = fit.data.sets.bounds.size - 1
    own = fit.rows.stratum
    mean, influences = np.empty(when.size), []
    for number, time in enumerate(when):
        place = slots_before(fit, np.arange(strata), np.full(strata, time))
        begun = place >= 0
        hazard = np.where(begun, pieces.hazard[place], 0.0)
        drift = np.where(begun[:, None], pieces.drift[place], 0.0)
        survival = np.exp(-relative * hazard[stratum])
        mean[number] = share @ survival if time <= end else np.nan
        # How the mean moves with each row's linear predictor and with each stratum's baseline.
        slope = -share * survival * relative
        by_stratum = tally(stratum, slope, strata)
        on_beta = (slope * hazard[stratum]) @ x - by_stratum @ drift
        each = pieces.on_beta @ on_beta + by_stratum[own] * _baseline_influence(pieces, time)
        if sampled:
            each = each + share * (survival - mean[number])
        influences.append(tally(pieces.clusters, each))
    return mean, np.array(influences)


def _baseline_influence(pieces: _Pieces, time: float) -> Floats:
    """Return the influence of each row on the cumulative baseline at `time`, coefficients known, shape (n,)."""
    data, terms = pieces.data, pieces.terms
    sets = data.sets
    until = sets.times <= time
    slots = sets.exit[sets.event] - 1
    weight = tally(slots, data.weights[sets.event], sets.slots)[slots]
    reached = until[slots]
    spent = since_entry(sets, np.where(until, terms.a, 0.0), terms.exact)
    spent[sets.event] -= np.where(reached, terms.b[slots], 0.0)
    influence = -terms.risk * spent
    influence[sets.event] += np.where(reached, data.weights[sets.event] * terms.a1[slots] / weight, 0.0)
    return influence


def _curve_frame(label: str, when: Floats, mean: Floats, influence: Floats, z: float) -> pd.DataFrame:
    error = np.sqrt((influence**2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        cumulative = -np.log(mean)
        low, high = log_log_limits(cumulative, np.where(mean > 0.0, error / mean, 0.0), z)
    return pd.DataFrame(
        {"exposure": label, "time": when, "survival": mean, "std_error": error, "conf_low": low, "conf_high": high}
    )


def _contrast_frame(
    label: str,
    base: str,
    when: Floats,
    found: tuple[Floats, Floats],
    against: tuple[Floats, Floats],
    z: float,
) -> pd.DataFrame:
    difference = found[0] - against[0]
    error = np.sqrt(((found[1] - against[1]) ** 2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = difference / error
    return pd.DataFrame(
        {
            "exposure": label,
            "reference": base,
            "time": when,
            "difference": difference,
            "std_error": error,
            "conf_low": difference - z * error,
            "conf_high": difference + z * error,
            "statistic": statistic,
            "p_value": 2.0 * stats.norm.sf(np.abs(statistic)),
        }
    )
