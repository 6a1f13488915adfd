"""The Cox partial likelihood with its gradient and information, by cumulative sums.

Notation, for slot k with ``d`` tied events and ``f = l / d`` for ``l = 0 .. d - 1`` (Efron) or ``f = 0``
(Breslow): ``S0, S1`` are the sums of ``w r`` and ``w r x`` over the risk set, ``D0, D1`` over the tied
events, ``r = exp(eta)``, ``w`` the case weights, and ``den = S0 - f D0``. Every term of a slot carries the
mean case weight of its events, as in R's survival.

    log-likelihood = sum_events w eta - sum_kl wbar log den
    gradient       = X' (w event - hazard), hazard_i = w_i r_i (sum_k A1 - event_i F1)
    information    = X' diag(hazard) X - sum_k [A S1 S1' - B (S1 D1' + D1 S1') + C D1 D1']

with ``A1 = sum wbar / den``, ``F1 = sum wbar f / den``, ``A, B, C = sum wbar (1, f, f^2) / den^2``.

Sources: Cox (1972), J. R. Statist. Soc. B 34, eq. 12; Breslow (1974), Biometrics 30; Efron (1977), J. Am.
Statist. Assoc. 72, section 3; Therneau & Grambsch (2000), Modeling Survival Data, section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from whychurn.models.columns import Floats, Integers, tally
from whychurn.models.intervals import scatter
from whychurn.models.riskset import RiskSets, at_risk_sums, since_entry
from whychurn.models.standardise import weighted_cross_product

_BLOCK_NUMBERS = 1 << 21  # 16 MB of float64: blocks of slots x columns stay below
# Subtracting cumulative sums loses about exp(range) of the sixteen digits; beyond this, six are at stake.
_WIDE_RANGE = 15.0


@dataclass(frozen=True, slots=True)
class CoxData:
    """What the kernels need, in the caller's row order.

    Attributes
    ----------
    x
        Design, shape (n, p).
    weights, offset
        Case weights and known part of the linear predictor, shape (n,).
    sets
        Rows placed among the event times.
    efron
        Efron's treatment of ties, else Breslow's.
    """

    x: Floats
    weights: Floats
    offset: Floats
    sets: RiskSets
    efron: bool


@dataclass(frozen=True, slots=True)
class SlotTerms:
    """Sums per slot (K) and per row (n) at one value of the coefficients.

    Attributes
    ----------
    risk
        ``w exp(eta - shift of the stratum)``, shape (n,).
    shift
        Largest linear predictor of each stratum, shape (strata,): keeps the exponentials in range.
    s0, d0
        Sums of `risk` over the risk set and over the tied events, shape (K,).
    a1, f1, a, b, c
        Sums over the tied terms as defined in the module, shape (K,).
    log_likelihood
        The log partial likelihood.
    exact
        Whether risks range so widely, with late entry, that sums must avoid subtraction.
    """

    risk: Floats
    shift: Floats
    s0: Floats
    d0: Floats
    a1: Floats
    f1: Floats
    a: Floats
    b: Floats
    c: Floats
    log_likelihood: float
    exact: bool


def slot_terms(data: CoxData, beta: Floats) -> SlotTerms:
    """Compute the sums of every slot at `beta`, shape (p,). O(n p)."""
    sets = data.sets
    eta = data.x @ beta + data.offset
    shift = _stratum_maximum(eta, sets)
    eta -= shift[sets.stratum]
    risk = data.weights * np.exp(eta)
    exact = sets.late_entry and bool(eta.min() < -_WIDE_RANGE)
    s0 = at_risk_sums(sets, risk, exact)
    rows, slots = sets.event_rows, sets.event_slots
    d0 = tally(slots, risk[rows], sets.slots)
    deaths = np.maximum(sets.deaths, 1)
    mean_weight = tally(slots, data.weights[rows], sets.slots) / deaths
    fraction = sets.tie_rank / deaths[slots] if data.efron else np.zeros(slots.size)
    denominator = s0[slots] - fraction * d0[slots]
    scale = mean_weight[slots]
    one = scale / denominator
    two = one / denominator

    def per_slot(values: Floats) -> Floats:
        return tally(slots, values, sets.slots)

    log_likelihood = float(data.weights[rows] @ eta[rows] - scale @ np.log(denominator))
    return SlotTerms(
        risk=risk,
        shift=shift,
        s0=s0,
        d0=d0,
        a1=per_slot(one),
        f1=per_slot(fraction * one),
        a=per_slot(two),
        b=per_slot(fraction * two),
        c=per_slot(fraction * fraction * two),
        log_likelihood=log_likelihood,
        exact=exact,
    )


def expected_events(data: CoxData, terms: SlotTerms) -> Floats:
    """Return the weighted expected events of each row (its cumulative hazard), shape (n,)."""
    sets = data.sets
    hazard = since_entry(sets, terms.a1, terms.exact)
    hazard[sets.event_rows] -= terms.f1[sets.event_slots]
    return terms.risk * hazard


def gradient(data: CoxData, terms: SlotTerms) -> Floats:
    """Return the score vector, shape (p,)."""
    return data.x.T @ (data.weights * data.sets.event - expected_events(data, terms))


def information(data: CoxData, terms: SlotTerms) -> Floats:
    """Return minus the second derivative of the log partial likelihood, shape (p, p)."""
    total = weighted_cross_product(data.x, expected_events(data, terms))
    for low, high, s1, d1 in risk_set_moments(data, terms):
        mixed = s1.T @ (terms.b[low:high, None] * d1)
        total -= s1.T @ (terms.a[low:high, None] * s1) - mixed - mixed.T
        total -= d1.T @ (terms.c[low:high, None] * d1)
    return 0.5 * (total + total.T)


def risk_set_moments(data: CoxData, terms: SlotTerms) -> Iterator[tuple[int, int, Floats, Floats]]:
    """Yield ``(low, high, S1, D1)`` for blocks of slots, each of shape (high - low, p).

    Blocks run backwards in time and carry the running sum over, so that memory stays bounded when times
    are continuous and every event has a slot of its own.
    """
    sets = data.sets
    if terms.exact:
        yield (
            0,
            sets.slots,
            scatter(sets.entry, sets.exit, terms.risk[:, None] * data.x, sets.slots),
            (sets.by_event.adder(terms.risk)[: sets.slots] @ data.x),
        )
        return
    leaving = sets.by_exit.adder(terms.risk)
    entering = sets.by_entry.adder(terms.risk) if sets.late_entry else None
    tied = sets.by_event.adder(terms.risk)
    step = max(1, _BLOCK_NUMBERS // max(data.x.shape[1], 1))
    carry = np.zeros(data.x.shape[1])
    for low, high in _blocks(sets.bounds, step):
        # The sums of slot k add the rows whose exit is above k: one slot further than their own address.
        flow = leaving[low + 1 : high + 1] @ data.x
        if entering is not None:
            flow -= entering[low + 1 : high + 1] @ data.x
        ends = sets.bounds[1:][(sets.bounds[1:] > low) & (sets.bounds[1:] <= high)]
        # What the last slot of a stratum would add belongs to the next stratum.
        flow[ends - 1 - low] = 0.0
        if high not in ends:
            flow[-1] += carry
        inner = np.concatenate(([low], ends[ends < high], [high])) - low
        for first, last in pairwise(inner):
            flow[first:last] = np.cumsum(flow[first:last][::-1], axis=0)[::-1]
        carry = flow[0].copy()
        yield low, high, flow, tied[low:high] @ data.x


def _blocks(bounds: Integers, step: int) -> list[tuple[int, int]]:
    """Cut the slots into blocks of at most `step`, last block first."""
    edges = [*range(0, int(bounds[-1]), step), int(bounds[-1])]
    return list(pairwise(edges))[::-1]


def _stratum_maximum(eta: Floats, sets: RiskSets) -> Floats:
    strata = sets.bounds.size - 1
    if strata == 1:
        return np.array([eta.max()])
    largest = np.full(strata, -np.inf)
    np.maximum.at(largest, sets.stratum, eta)
    return largest


@dataclass(frozen=True, slots=True)
class CoxProblem:
    """The partial likelihood as Newton's method sees it."""

    data: CoxData
    columns: tuple[str, ...]
    absorbed_by: str = "the baseline hazard"
    within: str = "among the rows at risk together"

    @property
    def x(self) -> Floats:
        """The standardised design, shape (n, p)."""
        return self.data.x

    def evaluate(self, beta: Floats) -> SlotTerms:
        """Return the slot sums at `beta`."""
        return slot_terms(self.data, beta)

    def log_likelihood(self, state: SlotTerms) -> float:
        """Return the log partial likelihood."""
        return state.log_likelihood

    def derivatives(self, state: SlotTerms) -> tuple[Floats, Floats]:
        """Return score and information."""
        return gradient(self.data, state), information(self.data, state)
