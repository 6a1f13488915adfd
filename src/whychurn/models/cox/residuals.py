"""Residuals of a Cox model as functions of its data and slot sums, in the units of the design handed in.

Source: Therneau & Grambsch (2000), chapter 4; the Efron versions replace each tied event's single term by
the average over the tied terms, as the likelihood does.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from whychurn.models.columns import Floats, Integers, tally
from whychurn.models.cox.likelihood import CoxData, SlotTerms, expected_events
from whychurn.models.cox.moments import risk_set_moments
from whychurn.models.riskset import before_slots, gather_since_entry, since_entry


def martingale_residuals(data: CoxData, terms: SlotTerms) -> Floats:
    """Return events less expected events of each row, shape (n,), unweighted."""
    return data.sets.event - expected_events(data, terms) / data.weights


def deviance_residuals(data: CoxData, terms: SlotTerms) -> Floats:
    """Return the symmetrised martingale residuals, shape (n,) (Therneau & Grambsch 2000, eq. 4.13)."""
    martingale = martingale_residuals(data, terms)
    event = data.sets.event
    # An event whose expectation underflows to zero would give 0 * log 0.
    log_expected = np.log(np.where(event, np.maximum(1.0 - martingale, np.finfo(float).tiny), 1.0))
    inside = -2.0 * (martingale + np.where(event, log_expected, 0.0))
    return np.sign(martingale) * np.sqrt(np.maximum(inside, 0.0))


def score_residuals(data: CoxData, terms: SlotTerms) -> Floats:
    """Return the contribution of each row to the score vector, shape (n, p), before case weights.

    Weighted by the case weights they sum to the gradient (zero at the optimum).
    """
    scores = np.empty(data.covariates.shape)
    for low, high, block in score_residual_blocks(data, terms):
        scores[low:high] = block
    return scores


def score_residual_blocks(data: CoxData, terms: SlotTerms) -> Iterator[tuple[int, int, Floats]]:
    """Yield ``(low, high, scores)``: `score_residuals` by blocks of rows, which bounds the memory."""
    sets = data.sets
    means, drift, tied_drift = slot_means(data, terms)
    if terms.exact:
        hazards, drifts = since_entry(sets, terms.a1, exact=True), since_entry(sets, drift, exact=True)
    else:
        hazard_before, drift_before = before_slots(sets, terms.a1), before_slots(sets, drift)
    for low, high, block in data.covariates.blocks():
        rows, x = slice(low, high), block.T
        if terms.exact:
            hazard, scores = hazards[rows].copy(), drifts[rows].copy()
        else:
            hazard = gather_since_entry(sets, hazard_before, rows)
            scores = gather_since_entry(sets, drift_before, rows)
        event = sets.event[rows]
        slots = sets.exit[rows][event] - 1
        hazard[event] -= terms.f1[slots]
        scores[event] -= tied_drift[slots]
        scores -= x * hazard[:, None]
        scores *= (terms.risk[rows] / data.weights[rows])[:, None]
        scores[event] += x[event] - means[slots]
        yield low, high, scores


def clustered_scores(data: CoxData, terms: SlotTerms, clusters: Integers, groups: int) -> Floats:
    """Return the sum of the weighted score residuals of each cluster, shape (groups, p).

    Parameters
    ----------
    clusters
        Cluster of each row, shape (n,), below `groups`.
    """
    summed = np.zeros((groups, data.covariates.shape[1]))
    listed = data.covariates.listed
    if listed is None or terms.exact:
        for low, high, scores in score_residual_blocks(data, terms):
            rows, owner = slice(low, high), clusters[low:high]
            places = (owner, np.arange(high - low))
            summed += sparse.csr_array((data.weights[rows], places), shape=(groups, high - low)) @ scores
        return summed
    from whychurn.models.kernels.listed import add_listed_scores

    sets = data.sets
    means, drift, tied_drift = slot_means(data, terms)
    hazard = since_entry(sets, terms.a1)
    hazard[sets.happened] -= terms.f1[sets.happened_at]
    add_listed_scores(
        listed.index,
        listed.ptr,
        listed.value,
        listed.dense,
        listed.numbers,
        terms.risk,
        hazard,
        data.weights,
        sets.entry,
        sets.exit,
        sets.event,
        sets.late_entry,
        before_slots(sets, drift),
        tied_drift,
        means,
        clusters,
        summed,
    )
    return summed


def schoenfeld_residuals(data: CoxData, terms: SlotTerms) -> Floats:
    """Return covariates of each event less their mean over its risk set, shape (E, p), in slot order."""
    means, _, _ = slot_means(data, terms)
    return data.covariates.take(data.sets.event_rows) - means[data.sets.event_slots]


def slot_means(data: CoxData, terms: SlotTerms) -> tuple[Floats, Floats, Floats]:
    """Return per slot, shape (K, p) each: risk-set means, hazard-weighted means, the same for tied events.

    The first is the (Efron-averaged) mean of the covariates over the risk set; the second is the sum over
    the tied terms of ``wbar xbar / den``; the third the same times ``l / d``.
    """
    sets, columns = data.sets, data.covariates.shape[1]
    means = np.zeros((sets.slots, columns))
    drift = np.zeros((sets.slots, columns))
    tied_drift = np.zeros((sets.slots, columns))
    event_weight = tally(sets.exit[sets.event] - 1, data.weights[sets.event], sets.slots)
    event_weight = np.where(event_weight > 0.0, event_weight, 1.0)
    for low, high, s1, d1 in risk_set_moments(data.covariates, sets, terms.risk, terms.exact):
        part = slice(low, high)
        means[part] = (terms.a1[part, None] * s1 - terms.f1[part, None] * d1) / event_weight[part, None]
        drift[part] = terms.a[part, None] * s1 - terms.b[part, None] * d1
        tied_drift[part] = terms.b[part, None] * s1 - terms.c[part, None] * d1
    return means, drift, tied_drift
