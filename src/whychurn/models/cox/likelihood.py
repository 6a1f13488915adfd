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

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Floats, tally
from whychurn.models.covariates import Covariates
from whychurn.models.cox.moments import FlowTable, one_table, risk_set_moments
from whychurn.models.kernels import COMPILED_FROM
from whychurn.models.riskset import RiskSets, at_risk_sums, before_slots, gather_since_entry, since_entry

# Subtracting cumulative sums loses about exp(range) of the sixteen digits; beyond this, six are at stake.
_WIDE_RANGE = 15.0


@dataclass(frozen=True, slots=True)
class CoxData:
    """What the kernels need, in the caller's row order.

    Attributes
    ----------
    covariates
        Standardised design, n rows and p columns.
    weights, offset
        Case weights and known part of the linear predictor, shape (n,). A row that stands for several equal
        rows has their weights' sum.
    sets
        Rows placed among the event times.
    efron
        Efron's treatment of ties, else Breslow's.
    """

    covariates: Covariates
    weights: Floats
    offset: Floats
    sets: RiskSets
    efron: bool

    @property
    def x(self) -> Floats:
        """The standardised design as a matrix, shape (n, p)."""
        return self.covariates.dense()


@dataclass(frozen=True, slots=True)
class SlotTerms:
    """Sums per slot (K) and per row (n) at one value of the coefficients.

    Attributes
    ----------
    risk
        ``w exp(eta - shift of the stratum)``, shape (n,); w for rows outside every risk set.
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
    eta = data.covariates.product(beta)
    eta += data.offset
    # Rows outside every risk set must not set the scale of the exponentials, however far out they lie.
    eta[sets.idle] = -np.inf
    shift = _stratum_maximum(eta, sets)
    eta -= shift[0] if shift.size == 1 else shift[sets.stratum]
    eta[sets.idle] = 0.0
    exact = sets.late_entry and bool(eta.min() < -_WIDE_RANGE)
    events, slots = sets.happened, sets.happened_at
    own, mass = eta[events], data.weights[events]
    risk = np.exp(eta, out=eta)
    risk *= data.weights
    s0 = at_risk_sums(sets, risk, exact)
    d0 = tally(slots, risk[events], sets.slots)
    mean_weight = tally(slots, mass, sets.slots) / np.maximum(sets.deaths, 1)
    logs, a1, f1, a, b, c = _tied_terms(sets, s0, d0, mean_weight, data.efron)
    return SlotTerms(
        risk=risk,
        shift=shift,
        s0=s0,
        d0=d0,
        a1=a1,
        f1=f1,
        a=a,
        b=b,
        c=c,
        log_likelihood=float(mass @ own) - logs,
        exact=exact,
    )


def _tied_terms(
    sets: RiskSets, s0: Floats, d0: Floats, mean_weight: Floats, efron: bool
) -> tuple[float, Floats, Floats, Floats, Floats, Floats]:
    """Return the sum of the logarithms, and the sums a1, f1, a, b, c of each slot, shape (K,)."""
    if sets.event.size >= COMPILED_FROM:
        from whychurn.models.kernels.cox import tied_terms

        sums = np.zeros((5, sets.slots))
        return tied_terms(sets.deaths, s0, d0, mean_weight, efron, sums), *sums
    slots = np.repeat(np.arange(sets.slots), sets.deaths)
    rank = np.arange(slots.size) - np.repeat(np.cumsum(sets.deaths) - sets.deaths, sets.deaths)
    fraction = rank / sets.deaths[slots] if efron else np.zeros(slots.size)
    denominator = s0[slots] - fraction * d0[slots]
    one = mean_weight[slots] / denominator
    two = one / denominator
    parts = (one, fraction * one, two, fraction * two, fraction * fraction * two)
    a1, f1, a, b, c = (tally(slots, part, sets.slots) for part in parts)
    return float(mean_weight[slots] @ np.log(denominator)), a1, f1, a, b, c


def expected_events(data: CoxData, terms: SlotTerms) -> Floats:
    """Return the weighted expected events of each row (its cumulative hazard), shape (n,)."""
    sets = data.sets
    hazard = since_entry(sets, terms.a1, terms.exact)
    hazard[sets.happened] -= terms.f1[sets.happened_at]
    return terms.risk * hazard


def derivatives(data: CoxData, terms: SlotTerms) -> tuple[Floats, Floats]:
    """Return the score, shape (p,), and minus the second derivative of the log-likelihood, shape (p, p)."""
    sets, covariates = data.sets, data.covariates
    table = one_table(covariates, sets, terms.risk, terms.exact)
    score, total = _row_sums(data, terms, table)
    for low, high, s1, d1 in risk_set_moments(covariates, sets, terms.risk, terms.exact, table):
        mixed = s1.T @ (terms.b[low:high, None] * d1)
        total -= s1.T @ (terms.a[low:high, None] * s1) - mixed - mixed.T
        total -= d1.T @ (terms.c[low:high, None] * d1)
    return score, 0.5 * (total + total.T)


def _row_sums(data: CoxData, terms: SlotTerms, table: FlowTable | None) -> tuple[Floats, Floats]:
    """Return ``X' (w event - hazard)`` and ``X' diag(hazard) X`` in one pass, which fills the table too."""
    sets, p = data.sets, data.covariates.shape[1]
    if data.covariates.listed is not None:
        hazard = expected_events(data, terms)
        if table is not None:
            table.add_all()
        return data.covariates.listed.sums(hazard, data.weights * sets.event - hazard)
    score, total = np.zeros(p), np.zeros((p, p))
    everyone = expected_events(data, terms) if terms.exact else None
    before = before_slots(sets, terms.a1)
    add = _adder(sets.event.size)
    for low, high, block in data.covariates.blocks():
        event = sets.event[low:high]
        if everyone is None:
            hazard = gather_since_entry(sets, before, slice(low, high))
            hazard[event] -= terms.f1[sets.exit[low:high][event] - 1]
            hazard *= terms.risk[low:high]
        else:
            hazard = everyone[low:high]
        residual = data.weights[low:high] * event - hazard
        add(block, hazard, residual, score, total)
        if table is not None:
            table.add(low, high, block)
    return score, np.tril(total) + np.tril(total, -1).T


def _adder(rows: int) -> Callable[[Floats, Floats, Floats, Floats, Floats], None]:
    if rows < COMPILED_FROM:
        return _add_row_sums
    from whychurn.models.kernels.cox import add_row_sums

    return add_row_sums


def _add_row_sums(block: Floats, hazard: Floats, residual: Floats, score: Floats, total: Floats) -> None:
    """Do what the kernel of the same name does."""
    score += block @ residual
    total += (block * hazard) @ block.T


def _stratum_maximum(eta: Floats, sets: RiskSets) -> Floats:
    strata = sets.bounds.size - 1
    if strata == 1:
        largest = np.array([eta.max()])
    else:
        largest = np.full(strata, -np.inf)
        np.maximum.at(largest, sets.stratum, eta)
    return np.where(np.isneginf(largest), 0.0, largest)


@dataclass(frozen=True, slots=True)
class CoxProblem:
    """The partial likelihood as Newton's method sees it."""

    data: CoxData
    columns: tuple[str, ...]
    absorbed_by: str = "the baseline hazard"
    within: str = "among the rows at risk together"
    #: Range of each column that stands for a level, shape (p,); zero for others.
    reach: Floats | None = None

    @property
    def x(self) -> Floats:
        """The standardised design of the rows that are at risk of any event, shape (m, p)."""
        if not self.data.sets.idle.size:
            return self.data.covariates.dense()
        return np.delete(self.data.covariates.dense(), self.data.sets.idle, axis=0)

    def product(self, step: Floats) -> Floats:
        """Return how far a step moves the predictor of each row, shape (n,): not at all where there is no risk."""
        moved = self.data.covariates.product(step)
        moved[self.data.sets.idle] = 0.0
        return moved

    @property
    def mass(self) -> float:
        """Weight of the events."""
        return float(self.data.weights[self.data.sets.happened].sum())

    def evaluate(self, beta: Floats) -> SlotTerms:
        """Return the slot sums at `beta`."""
        return slot_terms(self.data, beta)

    def log_likelihood(self, state: SlotTerms) -> float:
        """Return the log partial likelihood."""
        return state.log_likelihood

    def derivatives(self, state: SlotTerms) -> tuple[Floats, Floats]:
        """Return score and information."""
        return derivatives(self.data, state)
