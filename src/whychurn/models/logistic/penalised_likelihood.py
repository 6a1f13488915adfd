"""The logistic likelihood with Firth's penalty, and its maximum under linear constraints.

The penalty is half the log determinant of the information: l*(b) = l(b) + log|I(b)| / 2. It tends to minus
infinity in every direction, so the maximum is finite whatever the data (Kosmidis & Firth 2021).

Source: Firth (1993), Biometrika 80:27-38; Heinze & Schemper (2002), Statist. Med. 21:2409-2419; Kosmidis &
Firth (2021), Biometrika 108:71-82.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from whychurn.errors import ConvergenceError
from whychurn.models.columns import Floats

# The gradient in the metric of the information: distance to the optimum in standard errors.
_DECREMENT = 1e-10
# Where rounding keeps it from shrinking further, this much is accepted.
_ROUNDING = 1e-7
_MOST_STEPS = 250
_MOST_HALVINGS = 30
# A larger step of the linear predictor overshoots where the likelihood is flat.
_LONGEST = 5.0


@dataclass(frozen=True, slots=True)
class PenalisedProblem:
    """Kinds of rows (m) of a logistic regression with a constant; p coefficients.

    Attributes
    ----------
    x
        Standardised design with its constant first, shape (m, p).
    events, weights
        Weighted outcomes and weighted rows of each kind, shape (m,).
    offset
        Known part of the linear predictor, shape (m,).
    """

    x: Floats
    events: Floats
    weights: Floats
    offset: Floats


@dataclass(frozen=True, slots=True)
class PenalisedState:
    """The penalised likelihood at one value of the coefficients.

    Attributes
    ----------
    beta
        Shape (p,).
    value
        Penalised log-likelihood; minus infinity where the information is singular in floating point.
    score
        Its gradient, shape (p,).
    information
        Fisher information, shape (p, p).
    curvature
        Information of the data as augmented by the penalty, shape (p, p): what steps are measured by.
    """

    beta: Floats
    value: float
    score: Floats
    information: Floats
    curvature: Floats


def evaluate(problem: PenalisedProblem, beta: Floats) -> PenalisedState:
    """Return likelihood and derivatives at `beta`; the leverages h turn y into y + h / 2 of 1 + h trials."""
    x, nothing = problem.x, np.full(beta.shape, np.nan)
    eta = x @ beta + problem.offset
    p, spread = special.expit(eta), special.expit(eta) * special.expit(-eta)
    information = x.T @ ((problem.weights * spread)[:, None] * x)
    try:
        root = np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        return PenalisedState(beta, -np.inf, nothing, information, information)
    half = x @ np.linalg.inv(root).T
    leverage = problem.weights * spread * np.einsum("ij,ij->i", half, half)
    likelihood = float(problem.events @ eta - problem.weights @ np.logaddexp(0.0, eta))
    score = x.T @ (problem.events - problem.weights * p + leverage * (0.5 - p))
    curvature = x.T @ (((problem.weights + leverage) * spread)[:, None] * x)
    return PenalisedState(beta, likelihood + float(np.log(np.diag(root)).sum()), score, information, curvature)


def climb(problem: PenalisedProblem, start: Floats, fixed: Floats | None = None) -> tuple[PenalisedState, Floats, int]:
    """Maximise from `start` over the coefficients with ``fixed' beta`` as it is at the start.

    Parameters
    ----------
    start
        Shape (p,).
    fixed
        Directions held, shape (p, k); None for none.

    Returns
    -------
    The optimum; the multipliers of the constraints there, shape (k,), which are the derivatives of the profile
    by the values held; and the steps taken.

    Raises
    ------
    ConvergenceError
        Extreme covariates, or a constraint so far out that the information vanishes.
    """
    with np.errstate(over="ignore", under="ignore"):
        state = evaluate(problem, start)
        before = np.inf
        for iteration in range(_MOST_STEPS):
            if not np.isfinite(state.value):
                break
            step, multipliers = _constrained_step(state, fixed)
            decrement = float(np.sqrt(max(float(step @ state.curvature @ step), 0.0)))
            if decrement <= _DECREMENT or (decrement <= _ROUNDING and decrement > 0.9 * before):
                return state, multipliers, iteration
            before = decrement
            reach = float(np.abs(problem.x @ step).max())
            moved = _ascend(problem, state, step * min(1.0, _LONGEST / reach), decrement)
            if moved is None:
                break
            state = moved
    raise ConvergenceError(
        "The penalised likelihood has no maximum within reach of floating point. Look for covariates of extreme "
        "spread (a value thousands of standard deviations out) and transform them."
    )


def _constrained_step(state: PenalisedState, fixed: Floats | None) -> tuple[Floats, Floats]:
    factor = linalg.cho_factor(state.curvature, lower=True)
    step = linalg.cho_solve(factor, state.score)
    if fixed is None:
        return step, np.zeros(0)
    towards = linalg.cho_solve(factor, fixed)
    multipliers = linalg.solve(fixed.T @ towards, fixed.T @ step, assume_a="pos")
    return step - towards @ multipliers, multipliers


def _ascend(problem: PenalisedProblem, state: PenalisedState, step: Floats, decrement: float) -> PenalisedState | None:
    # Near the optimum the gain drowns in rounding: there a full step is right whatever it shows.
    slack = 1e-10 * (1.0 + abs(state.value)) if decrement < 1e-3 else 0.0
    for halving in range(_MOST_HALVINGS):
        moved = evaluate(problem, state.beta + step / 2**halving)
        if moved.value >= state.value - slack:
            return moved
    return None
