"""The weighted binomial log-likelihood with logit link, for Newton's method.

Source: McCullagh & Nelder (1989), Generalized Linear Models, section 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from whychurn.models.columns import Floats
from whychurn.models.standardise import weighted_cross_product


@dataclass(frozen=True, slots=True)
class LogitState:
    """Linear predictor and probability of each row at one value of the coefficients, shape (n,)."""

    eta: Floats
    probability: Floats


@dataclass(frozen=True, slots=True)
class LogitProblem:
    """Rows of a logistic regression; the first column of `x` is the constant.

    Attributes
    ----------
    x
        Shape (n, p), standardised but for the constant.
    y, weights
        Outcome 0 or 1, and case weights, shape (n,).
    """

    x: Floats
    y: Floats
    weights: Floats
    columns: tuple[str, ...]
    absorbed_by: str = "the intercept"
    within: str = "over these rows"

    def evaluate(self, beta: Floats) -> LogitState:
        """Return linear predictor and probabilities at `beta`, shape (p,)."""
        eta = self.x @ beta
        return LogitState(eta, special.expit(eta))

    def log_likelihood(self, state: LogitState) -> float:
        """Return the weighted log-likelihood."""
        return float(self.weights @ (self.y * state.eta - np.logaddexp(0.0, state.eta)))

    def derivatives(self, state: LogitState) -> tuple[Floats, Floats]:
        """Return score, shape (p,), and information, shape (p, p)."""
        score = self.x.T @ (self.weights * (self.y - state.probability))
        spread = self.weights * state.probability * (1.0 - state.probability)
        return score, weighted_cross_product(self.x, spread)
