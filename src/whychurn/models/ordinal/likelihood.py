"""The cumulative-logit log-likelihood, for Newton's method: concave in cut points and slopes together.

``logit P(Y <= k) = cut_k - x'beta``. With ``a`` and ``b`` the predictors of the cut points below and above the level
that was observed, ``log P = log F(b) + log F(-a) + log(1 - exp(a - b))``: no difference of nearly equal
probabilities is ever taken.

Source: McCullagh (1980), J. R. Statist. Soc. B 42:109-142; Pratt (1981), J. Am. Statist. Assoc. 76:103 (concavity).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from whychurn.models.columns import Floats, Integers


@dataclass(frozen=True, slots=True)
class OrderedState:
    """One value of the coefficients.

    Attributes
    ----------
    below, above
        Predictors of the cut points on both sides of what was observed, shape (n,); infinite at the ends.
    log_likelihood
        Weighted; minus infinity where the cut points are out of order.
    """

    below: Floats
    above: Floats
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class OrderedProblem:
    """Rows of an ordered regression: c cut points first, then p slopes.

    Attributes
    ----------
    design
        Standardised columns, shape (n, p).
    level
        Observed level 0 to c, shape (n,).
    weights
        Shape (n,).
    cuts
        c, the number of cut points.
    columns
        Names, length c + p.
    """

    design: Floats
    level: Integers
    weights: Floats
    cuts: int
    columns: tuple[str, ...]
    absorbed_by: str = "the cut points"
    within: str = "over these rows"

    @property
    def x(self) -> Floats:
        """The design with a column of ones for each cut point, shape (n, c + p): only looked at when a fit fails."""
        return np.column_stack([np.ones((len(self.level), self.cuts)), self.design])

    def evaluate(self, beta: Floats) -> OrderedState:
        """Return predictors and log-likelihood at `beta`, shape (c + p,)."""
        cut = np.concatenate([[-np.inf], beta[: self.cuts], [np.inf]])
        eta = self.design @ beta[self.cuts :]
        below, above = cut[self.level] - eta, cut[self.level + 1] - eta
        if (np.diff(beta[: self.cuts]) <= 0.0).any():
            return OrderedState(below, above, -np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = special.log_expit(above) + special.log_expit(-below) + np.log1p(-np.exp(below - above))
        return OrderedState(below, above, float(self.weights @ parts))

    def log_likelihood(self, state: OrderedState) -> float:
        """Return the weighted log-likelihood."""
        return state.log_likelihood

    def derivatives(self, state: OrderedState) -> tuple[Floats, Floats]:
        """Return score, shape (c + p,), and observed information, shape (c + p, c + p)."""
        score = self.scores(state).sum(axis=0)
        c, w = self.cuts, self.weights
        low, high = (special.expit(side) * special.expit(-side) for side in (state.below, state.above))
        gap = _curvature(state.above - state.below)
        information = np.zeros((len(self.columns),) * 2)
        for k in range(c):
            ends, begins = self.level == k, self.level == k + 1
            information[k, k] = w[ends] @ (high + gap)[ends] + w[begins] @ (low + gap)[begins]
            information[k, c:] = (
                -(w[ends] * high[ends]) @ self.design[ends] - (w[begins] * low[begins]) @ self.design[begins]
            )
            if k:
                # Both cut points bound the rows of the level between them.
                information[k - 1, k] = -(w[ends] @ gap[ends])
        upper = np.triu(information, 1)
        slopes = self.design.T @ ((w * (low + high))[:, None] * self.design)
        information = upper + upper.T + np.diag(np.diag(information))
        information[c:, c:] = slopes
        return score, information

    def scores(self, state: OrderedState) -> Floats:
        """Return the weighted score of every row, shape (n, c + p)."""
        steepness = _slope(state.above - state.below)
        above = self.weights * (special.expit(-state.above) + steepness)
        below = -self.weights * (special.expit(state.below) + steepness)
        out = np.empty((len(self.level), len(self.columns)))
        for k in range(self.cuts):
            out[:, k] = np.where(self.level == k, above, np.where(self.level == k + 1, below, 0.0))
        out[:, self.cuts :] = -(above + below)[:, None] * self.design
        return out


def _slope(gap: Floats) -> Floats:
    """Return the derivative of ``log(1 - exp(-gap))``; 0 where the gap is infinite."""
    return np.asarray(1.0 / np.expm1(gap))


def _curvature(gap: Floats) -> Floats:
    """Return minus its second derivative, written so that it does not overflow."""
    return np.asarray(np.exp(-gap) / np.expm1(-gap) ** 2)
