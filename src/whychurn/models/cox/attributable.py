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

from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Floats, Integers, read_numbers, tally
from whychurn.models.cox.likelihood import CoxData, SlotTerms
from whychurn.models.cox.prediction import standardised_rows
from whychurn.models.cox.residuals import score_residuals
from whychurn.models.cox.result import CoxFit
from whychurn.models.riskset import at_risk_sums, since_entry
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
    data, terms = fit.row_level()
    reference = _reference_design(fit, data.x, frame, reference_frame)
    shift = terms.shift[data.sets.stratum]
    beta = fit.params.to_numpy() * fit.scaling.spread
    # The same shift as the fit's own risks, so that both are on the scale of its slot sums.
    risk = terms.risk / data.weights
    risk_reference = np.exp(reference @ beta + data.offset - shift)
    scores = score_residuals(data, terms) * data.weights[:, None]
    units = np.outer(fit.scaling.spread, fit.scaling.spread)
    influence_on_beta = scores @ (fit.naive_covariance.to_numpy() * units)

    left, left_influence = _expected_total(
        data, terms, risk_reference, risk_reference[:, None] * reference, influence_on_beta
    )
    total = float(data.weights @ data.sets.event)
    pieces = [left_influence / left if left > 0 else 0.0 * left_influence, data.weights * data.sets.event / total]
    amount = float("nan")
    if money is not None:
        worth = read_numbers(frame, money) / observed_years
        amount, amount_influence = _amount_of_events(data, worth, risk_reference / risk, reference, influence_on_beta)
        pieces.append(amount_influence)
    clusters = np.arange(fit.n) if fit.clusters is None else fit.clusters
    influences = _by_cluster(np.column_stack(pieces), clusters)
    drawn = _multiplier_draws(influences, draws, seed)
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
    )


def _amount_of_events(
    data: CoxData, worth: Floats, ratio: Floats, reference: Floats, influence_on_beta: Floats
) -> tuple[float, Floats]:
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
    reference
        Standardised design of the reference, shape (n, p).
    influence_on_beta
        Weighted dfbetas, shape (n, p).
    """
    lost = data.weights * data.sets.event * worth
    own = lost * (1.0 - ratio)
    gradient = (lost * ratio) @ (data.x - reference)
    return float(own.sum()), own + influence_on_beta @ gradient


def _expected_total(
    data: CoxData, terms: SlotTerms, value: Floats, slope: Floats, influence_on_beta: Floats
) -> tuple[float, Floats]:
    """Return ``sum_i w_i value_i h_i`` and the influence of every row on it, shape (n,).

    ``h_i`` is the baseline hazard over the row, so that ``w_i r_i h_i`` are its expected events. The total
    depends on a row through its own term, through its event in the baseline's numerator, through its share
    of the baseline's denominator, and through the coefficients.

    Parameters
    ----------
    value
        A function of the coefficients for each row, shape (n,).
    slope
        Its derivative by the coefficients, shape (n, p).
    influence_on_beta
        Weighted dfbetas, shape (n, p).
    """
    sets = data.sets
    rows, slots = sets.event_rows, sets.event_slots
    mass = data.weights * value
    g = at_risk_sums(sets, mass, terms.exact)
    tied = tally(slots, mass[rows], sets.slots)
    own_hazard = _hazard_over_rows(data, terms.a1, terms.f1, terms.exact)
    event_weight = tally(slots, data.weights[rows], sets.slots)
    per_event = np.divide(terms.a1 * g - terms.f1 * tied, event_weight, out=np.zeros_like(g), where=event_weight > 0)
    dilution = _hazard_over_rows(data, terms.a * g - terms.b * tied, terms.b * g - terms.c * tied, terms.exact)
    gradient = (data.weights * own_hazard) @ slope - (terms.risk * dilution) @ data.x
    influence = mass * own_hazard - terms.risk * dilution + influence_on_beta @ gradient
    influence[rows] += data.weights[rows] * per_event[slots]
    return float(mass @ own_hazard), influence


def _hazard_over_rows(data: CoxData, per_slot: Floats, tied_part: Floats, exact: bool) -> Floats:
    """Sum a slot quantity over each row's time at risk, less the part its own tied event is spared."""
    sets = data.sets
    total = since_entry(sets, per_slot, exact)
    total[sets.event_rows] -= tied_part[sets.event_slots]
    return total


def _reference_design(fit: CoxFit, x: Floats, frame: pd.DataFrame, reference_frame: pd.DataFrame) -> Floats:
    """Return the standardised design of the reference rows after checking that all rows correspond."""
    if not len(frame) == len(reference_frame) == fit.n:
        raise FitError(
            f"The model was fitted to {fit.n:,} rows, but frame has {len(frame):,} and reference_frame "
            f"{len(reference_frame):,}. Pass the rows of the fit, in order."
        )
    observed = standardised_rows(fit, frame)
    if not np.allclose(observed, x, rtol=1e-9, atol=1e-9):
        raise FitError("frame does not hold the rows of the fit in their order.")
    return standardised_rows(fit, reference_frame)


def _by_cluster(influences: Floats, clusters: Integers) -> Floats:
    columns = [tally(clusters, column) for column in influences.T]
    return np.column_stack(columns)


def _multiplier_draws(influences: Floats, draws: int, seed: int) -> Floats:
    """Return draws of the summed influences, shape (draws, q), with Mammen's two-point multipliers.

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
