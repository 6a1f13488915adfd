"""How much of the churn seen is attributable to an exposure, and the money behind it.

Every row's fitted hazard increment is compared with what the model gives it once the exposure is set to its
reference: ``share = sum(dH_observed - dH_reference) / sum(dH_observed)``. It speaks of churn within the
window only: removing a cause postpones churn.

Uncertainty comes from the influence of each account on the whole statistic: on the coefficients, on the
baseline hazard and on the make-up of the risk sets. Multiplier draws of these influences give the interval.

Source: Benichou (2001), Stat. Methods Med. Res. 10:195-216 (attributable risk); Chen, Lin & Zeng (2010),
Biometrika 97:713-726 (attributable fraction under the Cox model); Mammen (1993), Ann. Statist. 21:255
(multipliers).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Floats, Integers, read_numbers, tally
from whychurn.models.cox.exposure import ExposureChange, exposure_change
from whychurn.models.cox.likelihood import SlotTerms
from whychurn.models.cox.residuals import slot_means
from whychurn.models.cox.result import CoxFit
from whychurn.models.cox.rows import expand
from whychurn.models.riskset import RiskSets, at_risk_sums, since_entry
from whychurn.models.threads import one_blas_thread
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class AttributableFraction:
    """Share of events, and money, attributable to an exposure within the observed window.

    Attributes
    ----------
    share, std_error, conf_low, conf_high
        Share of events; negative for a protective exposure.
    events
        Share times (weighted) events.
    money, money_std_error, money_low, money_high
        Money of the events themselves beyond what the reference would have had, in the unit of its column per
        `observed_years`; never more than left for a harmful exposure. NaN where no money column was given.
    conf_level, draws
        Level of the intervals, multiplier draws behind them.
    influence
        Of each cluster (or row) on the logarithm of one less the share, in the order of the fit's clusters.
    """

    share: float
    std_error: float
    conf_low: float
    conf_high: float
    events: float
    money: float
    money_std_error: float
    money_low: float
    money_high: float
    conf_level: float
    draws: int
    influence: Floats = field(default_factory=lambda: np.empty(0), repr=False, compare=False)


def attributable_fraction(
    fit: CoxFit,
    frame: pd.DataFrame,
    reference_frame: pd.DataFrame,
    money: str | None = None,
    observed_years: float = 1.0,
    conf_level: float = 0.95,
    draws: int = 500,
    seed: int = 0,
) -> AttributableFraction:
    """Estimate the attributable share of events and, on request, the money attributable.

    Parameters
    ----------
    fit
        A Cox model fitted to `frame`. Its clusters are the units resampled; without, its rows are.
    frame
        The very rows of the fit, in order.
    reference_frame
        The same rows with the exposure set to its reference.
    money
        Column of `frame` lost with an event (monthly recurring revenue).
    observed_years
        Length of the window; money is divided by it.
    conf_level, draws, seed
        Of the multiplier bootstrap.

    Raises
    ------
    FitError
        The frames are not the rows of the fit.
    """
    normal_quantile(conf_level)
    if not (np.isfinite(observed_years) and observed_years > 0) or draws < 50:
        raise FitError("observed_years is a positive number and draws at least 50.")
    with one_blas_thread(fit.n):
        changed = exposure_change(fit, frame, reference_frame)
        rows = _Rows.of(fit)
        # The same shift as the fit's own risks, so that both are on the scale of its slot sums.
        ratio = np.ones(fit.n)
        ratio[changed.rows] = np.exp(changed.predictor(fit.params.to_numpy() * fit.scaling.spread))
        left, left_influence = _expected_total(rows, ratio, changed)
        total = float(rows.weights @ rows.sets.event)
        pieces = [left_influence / left if left > 0 else 0.0 * left_influence, rows.weights * rows.sets.event / total]
        amount = float("nan")
        if money is not None:
            worth = read_numbers(frame, money) / observed_years
            amount, amount_influence = _amount_of_events(rows, worth, ratio, changed)
            pieces.append(amount_influence)
        clusters = np.arange(fit.n) if fit.clusters is None else fit.clusters
        influences = _by_cluster(np.column_stack(pieces), clusters)
        drawn = multiplier_draws(influences, draws, seed)
    edges = [0.5 - conf_level / 2.0, 0.5 + conf_level / 2.0]
    # One less the share is a positive ratio: draw its logarithm.
    remaining = left / total
    log_influence = influences[:, 0] - influences[:, 1]
    shares = 1.0 - remaining * np.exp(drawn[:, 0] - drawn[:, 1])
    low, high = np.quantile(shares, edges)
    money_error = money_low = money_high = float("nan")
    if money is not None:
        money_error = float(np.sqrt(influences[:, 2] @ influences[:, 2]))
        money_low, money_high = (float(v) for v in np.quantile(amount + drawn[:, 2], edges))
    return AttributableFraction(
        share=1.0 - remaining,
        std_error=remaining * float(np.sqrt(log_influence @ log_influence)),
        conf_low=float(low),
        conf_high=float(high),
        events=(1.0 - remaining) * total,
        money=amount,
        money_std_error=money_error,
        money_low=money_low,
        money_high=money_high,
        conf_level=conf_level,
        draws=draws,
        influence=log_influence,
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """The n rows of a fit with all that their influences are made of.

    Attributes
    ----------
    fit, sets, terms, weights
        The rows as given, placed on slots, and the sums of the fit.
    hazard
        Baseline hazard over each row, shape (n,): ``terms.risk * hazard`` are its expected events.
    means, drift, tied_drift
        Per slot, shape (K, p); see `slot_means`.
    """

    fit: CoxFit
    sets: RiskSets
    terms: SlotTerms
    weights: Floats
    hazard: Floats
    means: Floats
    drift: Floats
    tied_drift: Floats

    @classmethod
    def of(cls, fit: CoxFit) -> _Rows:
        sets, terms = fit.row_level_sums()
        hazard = _over_rows(sets, terms.a1, terms.f1, terms.exact)
        return cls(fit, sets, terms, fit.rows.weights, hazard, *slot_means(fit.data, fit.slot_terms))

    def over_rows(self, per_slot: Floats, tied_part: Floats) -> Floats:
        """Sum a slot quantity over each row's time at risk, less the part its own tied event is spared."""
        return _over_rows(self.sets, per_slot, tied_part, self.terms.exact)

    def cross(self, weights: Floats) -> Floats:
        """Return ``X' weights`` for the standardised design X, shape (p,)."""
        merged, covariates = self.fit.merged, self.fit.data.covariates
        return covariates.cross(weights if merged is None else tally(merged.kind, weights, covariates.shape[0]))

    def through_beta(self, gradient: Floats) -> Floats:
        """Return the influence of every row on a function of the coefficients, shape (n,).

        Parameters
        ----------
        gradient
            Of the function, shape (p,). Only this combination of the score residuals is ever built.
        """
        spread = self.fit.scaling.spread
        along = (self.fit.naive_covariance.to_numpy() * np.outer(spread, spread)) @ gradient
        x = expand(self.fit.data.covariates.product(along), self.fit.merged)
        sets, events, slots = self.sets, self.sets.happened, self.sets.happened_at
        scores = self.over_rows(self.drift @ along, self.tied_drift @ along) - x * self.hazard
        scores *= self.terms.risk
        scores[events] += self.weights[events] * (x[events] - (self.means @ along)[slots])
        # Rows outside every risk set say nothing, wherever they lie.
        scores[sets.idle] = 0.0
        return scores


def _over_rows(sets: RiskSets, per_slot: Floats, tied_part: Floats, exact: bool) -> Floats:
    total = since_entry(sets, per_slot, exact)
    total[sets.event_rows] -= tied_part[sets.event_slots]
    return total


def _amount_of_events(rows: _Rows, worth: Floats, ratio: Floats, changed: ExposureChange) -> tuple[float, Floats]:
    """Return ``sum over events of w_i worth_i (1 - ratio_i)`` and the influence of every row on it, shape (n,).

    The worth is no term of the model, so expected events are not calibrated to it: summed over expected
    events, the amount at stake could exceed all that left. Over the events themselves it cannot (the case-only
    form of Bruzzi et al. 1985, Am. J. Epidemiol. 122:904).

    Parameters
    ----------
    worth
        Amount of each row, shape (n,).
    ratio
        Hazard under the reference over hazard as observed, shape (n,).
    changed
        What the reference changes in the design.
    """
    lost = rows.weights * rows.sets.event * worth
    own = lost * (1.0 - ratio)
    gradient = -changed.weighted(lost * ratio, rows.means.shape[1])
    return float(own.sum()), own + rows.through_beta(gradient)


def _expected_total(rows: _Rows, ratio: Floats, changed: ExposureChange) -> tuple[float, Floats]:
    """Return the events expected under the reference, ``sum_i w_i r_i ratio_i h_i``, and every row's influence, shape (n,).

    ``h_i`` is the baseline hazard over the row, so that ``w_i r_i h_i`` are its expected events. The total
    depends on a row through its own term, through its event in the baseline's numerator, through its share
    of the baseline's denominator, and through the coefficients.

    Parameters
    ----------
    ratio, changed
        As in `_amount_of_events`.
    """
    sets, terms = rows.sets, rows.terms
    events, slots = sets.event_rows, sets.event_slots
    mass = terms.risk * ratio
    g = at_risk_sums(sets, mass, terms.exact)
    tied = tally(slots, mass[events], sets.slots)
    event_weight = tally(slots, rows.weights[events], sets.slots)
    per_event = np.divide(terms.a1 * g - terms.f1 * tied, event_weight, out=np.zeros_like(g), where=event_weight > 0)
    dilution = rows.over_rows(terms.a * g - terms.b * tied, terms.b * g - terms.c * tied)
    expected, diluted = mass * rows.hazard, terms.risk * dilution
    influence = expected - diluted
    gradient = rows.cross(influence) + changed.weighted(expected, rows.means.shape[1])
    influence += rows.through_beta(gradient)
    influence[events] += rows.weights[events] * per_event[slots]
    return float(expected.sum()), influence


def _by_cluster(influences: Floats, clusters: Integers) -> Floats:
    columns = [tally(clusters, column) for column in influences.T]
    return np.column_stack(columns)


def multiplier_draws(influences: Floats, draws: int, seed: int) -> Floats:
    """Return draws of the summed influences, shape (draws, q), with Mammen's two-point multipliers.

    Columns of one call share their multipliers, and so vary together as the statistics do.

    They have mean zero, variance one and third moment one, as resampling does, and cost one comparison.
    """
    root = np.sqrt(5.0)
    low, high = (1.0 - root) / 2.0, (1.0 + root) / 2.0
    chance_low = (root + 1.0) / (2.0 * root)
    random = np.random.default_rng(seed)
    total = influences.sum(axis=0)
    found = np.empty((draws, influences.shape[1]))
    step = max(1, (1 << 22) // max(influences.shape[0], 1))
    for first in range(0, draws, step):
        count = min(step, draws - first)
        picked = random.random((count, influences.shape[0]), dtype=np.float32) < chance_low
        # Sum of multipliers times influences, without building the multipliers as floats twice.
        found[first : first + count] = high * total + (low - high) * (picked.astype(np.float64) @ influences)
    return found
