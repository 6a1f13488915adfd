"""The weighted binomial log-likelihood, for Newton's method, in blocks of rows.

The constant is kept out of the design: its row and column of the information are sums of the others, so that
no design with a column of ones is ever built.

Source: McCullagh & Nelder (1989), Generalized Linear Models, section 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Floats
from whychurn.models.covariates import Covariates
from whychurn.models.logistic.links import Link


@dataclass(frozen=True, slots=True)
class BinomialState:
    """What one pass over the rows finds at one value of the coefficients.

    Attributes
    ----------
    eta
        Linear predictor, shape (n,).
    log_likelihood
        Weighted log-likelihood.
    derivatives
        Score, shape (p,), and observed information, shape (p, p); None where they were left for later.
    """

    eta: Floats
    log_likelihood: float
    derivatives: tuple[Floats, Floats] | None


@dataclass(frozen=True, slots=True)
class BinomialProblem:
    """Rows of a binary regression with a constant; p coefficients, the constant first.

    Attributes
    ----------
    covariates
        n rows of p - 1 standardised columns.
    y, weights
        Outcome 0 or 1, and case weights, shape (n,).
    offset
        Known part of the linear predictor, shape (n,); None for none.
    """

    covariates: Covariates
    y: Floats
    weights: Floats
    offset: Floats | None
    link: Link
    columns: tuple[str, ...]
    absorbed_by: str = "the intercept"
    within: str = "over these rows"

    @property
    def x(self) -> Floats:
        """The design with its constant, shape (n, p): only looked at when a fit fails."""
        return np.column_stack([np.ones(self.covariates.shape[0]), self.covariates.dense()])

    def evaluate(self, beta: Floats) -> BinomialState:
        """Return predictor, log-likelihood and derivatives at `beta`, shape (p,), in one pass over the rows."""
        n, p = self.covariates.shape
        eta = np.full(n, beta[0]) if self.offset is None else beta[0] + self.offset
        if not beta[1:].any():
            return BinomialState(eta, float(self.weights @ self.link.log_likelihood(self.y, eta)), None)
        value, sums = 0.0, BorderedSums(p)
        for low, high, block in self.covariates.blocks():
            own, y, weights = eta[low:high], self.y[low:high], self.weights[low:high]
            own += beta[1:] @ block
            value += float(weights @ self.link.log_likelihood(y, own))
            first, second = self.link.score(y, own)
            sums.add(block, weights * first, weights * second)
        return BinomialState(eta, value, (sums.once, sums.symmetric()))

    def log_likelihood(self, state: BinomialState) -> float:
        """Return the weighted log-likelihood."""
        return state.log_likelihood

    def derivatives(self, state: BinomialState) -> tuple[Floats, Floats]:
        """Return score, shape (p,), and observed information, shape (p, p)."""
        if state.derivatives is not None:
            return state.derivatives
        first, second = self.link.score(self.y, state.eta)
        return bordered_sums(self.covariates, self.weights * first, self.weights * second)


class BorderedSums:
    """Sums over blocks of rows of a design with a constant that is not stored; p columns beside it."""

    def __init__(self, p: int) -> None:
        self.once = np.zeros(p + 1)
        self._twice = np.zeros((p + 1, p + 1))

    def add(self, block: Floats, linear: Floats, quadratic: Floats) -> None:
        """Add the rows of `block`, shape (p, m), with their multipliers, shape (m,) each."""
        self.once[0] += linear.sum()
        self.once[1:] += block @ linear
        self._twice[0, 0] += quadratic.sum()
        self._twice[0, 1:] += block @ quadratic
        self._twice[1:, 1:] += (block * quadratic) @ block.T

    def symmetric(self) -> Floats:
        """Return the sum of products, shape (p + 1, p + 1)."""
        upper = np.triu(self._twice)
        return upper + np.triu(upper, 1).T


def bordered_sums(covariates: Covariates, linear: Floats, quadratic: Floats) -> tuple[Floats, Floats]:
    """Return ``X' linear``, shape (p,), and ``X' diag(quadratic) X``, shape (p, p), X with its constant first."""
    sums = BorderedSums(covariates.shape[1])
    for low, high, block in covariates.blocks():
        sums.add(block, linear[low:high], quadratic[low:high])
    return sums.once, sums.symmetric()
