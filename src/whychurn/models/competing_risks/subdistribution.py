"""The weighted partial likelihood of the subdistribution hazard, by cumulative sums.

At an event time s of the cause the risk set holds the rows under observation and, weighted by
``W(s) / W(exit)``, those gone by a competing cause, with W the probability of being under observation (see
`staying`). Because W depends on the row through its exit and censoring group alone, the weighted sums are
running sums per group: O(n p) per Newton step, where R's `finegray` would write out a row per subject and interval.

With ``S0, S1`` the sums of ``r`` and ``r x`` over that risk set, ties are treated as in the Cox likelihood.

Source: Fine & Gray (1999), J. Am. Statist. Assoc. 94:496-509, equation 7; Geskus (2011), Biometrics 67:39-49.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Booleans, Floats, Integers, tally
from whychurn.models.riskset import RiskSets, at_risk_sums, cumulate, cumulate_backwards, since_entry
from whychurn.models.standardise import weighted_cross_product


@dataclass(frozen=True, slots=True)
class SubdistributionData:
    """What the sums need; n rows, p columns, K slots (distinct event times of each stratum, and a spare).

    Attributes
    ----------
    x
        Standardised design, shape (n, p).
    sets
        Rows placed among the event times of the cause.
    competing
        Whether the row ends by another cause, shape (n,).
    group
        Censoring group, shape (n,).
    exit_weight
        W just before the row's exit, shape (n,).
    slot_weights
        W just before each slot by censoring group, shape (groups, K); zero at the spare slots.
    tie_rank
        0, 1, 2, ... among the tied events, in the order of ``sets.event_rows``, shape (E,).
    efron
        Efron's treatment of ties, else Breslow's.
    """

    x: Floats
    sets: RiskSets
    competing: Booleans
    group: Integers
    exit_weight: Floats
    slot_weights: Floats
    tie_rank: Integers
    efron: bool


@dataclass(frozen=True, slots=True)
class State:
    """Sums at one value of the coefficients.

    Attributes
    ----------
    risk
        ``exp(eta - shift)``, shape (n,).
    shift
        Largest linear predictor.
    s0, d0
        Weighted risk set and tied events, shape (K,).
    a1, f1, a, b, c
        Sums over the tied terms of ``(1, f) / den`` and ``(1, f, f^2) / den^2``, shape (K,).
    log_likelihood
        The log partial likelihood.
    """

    risk: Floats
    shift: float
    s0: Floats
    d0: Floats
    a1: Floats
    f1: Floats
    a: Floats
    b: Floats
    c: Floats
    log_likelihood: float


def tie_ranks(sets: RiskSets) -> Integers:
    """Number the events of each slot from zero, in the order of ``sets.event_rows``, shape (E,)."""
    counts = np.bincount(sets.event_slots, minlength=sets.times.size)
    return np.arange(sets.event_slots.size) - (np.cumsum(counts) - counts)[sets.event_slots]


def risk_set_sums(data: SubdistributionData, values: Floats) -> Floats:
    """Return the weighted sum of `values`, shape (n,), over the risk set of each slot, shape (K,)."""
    total = at_risk_sums(data.sets, values)
    for code, weights in enumerate(data.slot_weights):
        rows = np.flatnonzero(data.competing & (data.group == code))
        if rows.size:
            total += weights * gone_before(data, rows, values)
    return total


def gone_before(data: SubdistributionData, rows: Integers, values: Floats) -> Floats:
    """Return the sum of ``values / exit_weight`` over those of `rows` gone before each slot, shape (K,)."""
    slots = data.sets.times.size
    scaled = values[rows] / data.exit_weight[rows]
    return cumulate(tally(data.sets.exit[rows], scaled, slots)[:slots], data.sets.bounds)


def summed_over_time(data: SubdistributionData, per_slot: Floats) -> Floats:
    """Return for each row the weighted sum of `per_slot`, shape (K,), over the slots at which it counts, (n,)."""
    total = since_entry(data.sets, per_slot)
    for code, weights in enumerate(data.slot_weights):
        rows = np.flatnonzero(data.competing & (data.group == code))
        if rows.size:
            ahead = cumulate_backwards(weights * per_slot, data.sets.bounds)
            total[rows] += ahead[data.sets.exit[rows]] / data.exit_weight[rows]
    return total


def evaluate(data: SubdistributionData, beta: Floats) -> State:
    """Compute the sums of every slot at `beta`, shape (p,)."""
    sets = data.sets
    slots, rows = sets.event_slots, sets.event_rows
    eta = data.x @ beta
    shift = float(eta.max())
    eta = eta - shift
    risk = np.exp(eta)
    s0 = risk_set_sums(data, risk)
    count = sets.times.size
    d0 = tally(slots, risk[rows], count)
    deaths = np.bincount(slots, minlength=count)
    fraction = data.tie_rank / deaths[slots] if data.efron else np.zeros(slots.size)
    denominator = s0[slots] - fraction * d0[slots]
    one = 1.0 / denominator
    two = one / denominator
    return State(
        risk=risk,
        shift=shift,
        s0=s0,
        d0=d0,
        a1=tally(slots, one, count),
        f1=tally(slots, fraction * one, count),
        a=tally(slots, two, count),
        b=tally(slots, fraction * two, count),
        c=tally(slots, fraction * fraction * two, count),
        log_likelihood=float(eta[rows].sum() - np.log(denominator).sum()),
    )


def moments(data: SubdistributionData, state: State) -> tuple[Floats, Floats]:
    """Return S1 over the risk sets and D1 over the tied events, shape (K, p) each."""
    sets = data.sets
    s1 = np.empty((sets.times.size, data.x.shape[1]))
    d1 = np.empty_like(s1)
    for column in range(data.x.shape[1]):
        values = state.risk * data.x[:, column]
        s1[:, column] = risk_set_sums(data, values)
        d1[:, column] = tally(sets.event_slots, values[sets.event_rows], sets.times.size)
    return s1, d1


def expected_events(data: SubdistributionData, state: State) -> Floats:
    """Return each row's expected events of the cause, shape (n,)."""
    hazard = summed_over_time(data, state.a1)
    hazard[data.sets.event_rows] -= state.f1[data.sets.event_slots]
    return state.risk * hazard


def score_residuals(data: SubdistributionData, state: State) -> Floats:
    """Return each row's contribution to the score, the weights taken as known, shape (n, p).

    Source: Lin & Wei (1989); Therneau & Grambsch (2000), section 7.3, with Efron's ties.
    """
    sets, x = data.sets, data.x
    slots, rows = sets.event_slots, sets.event_rows
    s1, d1 = moments(data, state)
    deaths = np.maximum(np.bincount(slots, minlength=sets.times.size), 1)[:, None]
    mean = (state.a1[:, None] * s1 - state.f1[:, None] * d1) / deaths
    drift = state.a[:, None] * s1 - state.b[:, None] * d1
    tied = state.b[:, None] * s1 - state.c[:, None] * d1
    found = -expected_events(data, state)[:, None] * x
    for column in range(x.shape[1]):
        found[:, column] += state.risk * summed_over_time(data, np.ascontiguousarray(drift[:, column]))
    found[rows] += x[rows] - mean[slots] - state.risk[rows][:, None] * tied[slots]
    return found


@dataclass(frozen=True, slots=True)
class SubdistributionProblem:
    """The likelihood as Newton's method sees it."""

    data: SubdistributionData
    columns: tuple[str, ...]
    absorbed_by: str = "the baseline subdistribution hazard"
    within: str = "among the rows at risk together"

    @property
    def x(self) -> Floats:
        """The standardised design, shape (n, p)."""
        return self.data.x

    def evaluate(self, beta: Floats) -> State:
        """Return the slot sums at `beta`."""
        return evaluate(self.data, beta)

    def log_likelihood(self, state: State) -> float:
        """Return the log partial likelihood."""
        return state.log_likelihood

    def derivatives(self, state: State) -> tuple[Floats, Floats]:
        """Return score and information."""
        data = self.data
        expected = expected_events(data, state)
        s1, d1 = moments(data, state)
        mixed = s1.T @ (state.b[:, None] * d1)
        total = weighted_cross_product(data.x, expected) - s1.T @ (state.a[:, None] * s1)
        total += mixed + mixed.T - d1.T @ (state.c[:, None] * d1)
        return data.x.T @ (data.sets.event - expected), 0.5 * (total + total.T)
