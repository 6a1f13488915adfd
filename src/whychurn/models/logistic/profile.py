"""Profile limits and likelihood-ratio tests of a penalised likelihood.

The penalty is that of the whole design throughout, also where a coefficient is held at a value (Heinze &
Schemper 2002; Heinze & Ploner 2003).

Source: Heinze & Schemper (2002), Statist. Med. 21:2409-2419; Venzon & Moolgavkar (1988), Appl. Statist. 37:87-94.
"""

from __future__ import annotations

import numpy as np

from whychurn.errors import ConvergenceError
from whychurn.models.columns import Floats
from whychurn.models.logistic.penalised_likelihood import PenalisedProblem, PenalisedState, climb

# On the scale of a standard normal deviate.
_CLOSE = 1e-10
_MOST_TRIES = 60
# A limit this many standard errors out is none.
_FARTHEST = 1e4


def likelihood_ratio(problem: PenalisedProblem, optimum: PenalisedState, held: Floats) -> float:
    """Return twice the fall of the penalised log-likelihood with ``held' beta = 0``, `held` of shape (p, k)."""
    inverse = np.linalg.inv(optimum.information)
    towards = inverse @ held
    start = optimum.beta - towards @ np.linalg.solve(held.T @ towards, held.T @ optimum.beta)
    state, _, _ = climb(problem, start, held)
    return max(2.0 * (optimum.value - state.value), 0.0)


def profile_limit(problem: PenalisedProblem, optimum: PenalisedState, direction: Floats, target: float) -> float:
    """Return the value of ``direction' beta`` whose signed root of the likelihood ratio is `target`.

    Newton's method on the signed root, which is almost a straight line, kept within a bracket.

    Parameters
    ----------
    direction
        Shape (p,).
    target
        Minus or plus a normal quantile.

    Returns
    -------
    The limit; infinite, with the sign of `target`, where the likelihood does not fall that far.
    """
    if not np.isfinite(target):
        return target
    held = direction[:, None]
    along = np.linalg.solve(optimum.information, direction)
    variance = float(direction @ along)
    estimate, error = float(direction @ optimum.beta), float(np.sqrt(variance))
    value = estimate + target * error
    beta = optimum.beta + along * (value - estimate) / variance
    inner, outer, lost = estimate, None, False
    for _ in range(_MOST_TRIES):
        try:
            state, multipliers, _ = climb(problem, beta, held)
        except ConvergenceError:
            # The information vanished on the way: go back half the way to what could be computed.
            outer, lost = value, True
            state, root, slope = optimum, np.nan, np.nan
        else:
            root = float(np.sign(target) * np.sqrt(max(2.0 * (optimum.value - state.value), 0.0)))
            if abs(root - target) <= _CLOSE * max(abs(target), 1.0):
                return value
            slope = -float(multipliers[0]) / root if root else 1.0 / error
            if abs(root) < abs(target):
                inner = value
            else:
                outer, lost = value, False
        guess = value + (target - root) / slope if np.isfinite(slope) and slope > 0.0 else np.nan
        after = _next(guess, inner, outer, estimate, value)
        if outer is not None and abs(outer - inner) <= 1e-14 * max(abs(outer), error):
            return float(np.sign(target) * np.inf) if lost else value
        if abs(after - estimate) > _FARTHEST * error:
            break
        from_here = float(direction @ state.beta)
        beta, value = state.beta + along * (after - from_here) / variance, after
    return float(np.sign(target) * np.inf)


def _next(guess: float, inner: float, outer: float | None, estimate: float, value: float) -> float:
    """Return the guess where it lies in the bracket, else a point that shrinks or widens it."""
    if outer is not None:
        low, high = min(inner, outer), max(inner, outer)
        return guess if low < guess < high else (low + high) / 2.0
    # Nothing far enough out is known yet: move outwards, but at most threefold.
    furthest = estimate + 3.0 * (value - estimate)
    low, high = min(value, furthest), max(value, furthest)
    return guess if low < guess < high else furthest
