"""Maximise a log-likelihood by Newton's method, and say in words why it cannot be maximised.

The designs handed over are standardised (mean zero, unit spread), so every tolerance here is free of the
units of the covariates. Cox and logistic fits share this file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

import numpy as np
from scipy import linalg

from whychurn.errors import ConvergenceError, SeparationError, SingularDesignError, UninformativeError, some
from whychurn.models.columns import Floats

# Below this share of a column's own information left unexplained by the columns before it, it is aliased.
_ALIASED = 1e-10
# The Newton decrement is the gradient in the metric of the information: it bounds the distance to the optimum
# in standard errors, in every direction, whatever the units of covariates and weights.
_DECREMENT = 1e-9
# Steps shorter than this (in standard errors) shrink quadratically wherever Newton's method converges at all.
_QUADRATIC = 0.5
# Information this little changed, relatively, is the information at the optimum.
_UNMOVED = 1e-9
# A step is taken if it gains this part of its length times the slope (Armijo's rule).
_FAIR_PART = 0.2
# Where it shrinks no further for rounding, this much is accepted.
_ROUNDING = 1e-7
# A predictor that moves this much while the likelihood is this flat has a standard error of a thousand.
_FLAT = 1e-4
_MOVING = 0.1
_MOST_STEPS = 50
_MOST_HALVINGS = 40

State = TypeVar("State")
Hints: TypeAlias = "dict[str, str] | Callable[[], dict[str, str]]"


class Problem(Protocol[State]):
    """A concave log-likelihood of p coefficients."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names for the messages, length p."""

    @property
    def x(self) -> Floats:
        """The standardised design, shape (n, p)."""

    @property
    def within(self) -> str:
        """Where columns are compared: "among the rows at risk together" or "over these rows"."""

    @property
    def absorbed_by(self) -> str:
        """What a constant column is aliased with: "the baseline hazard", "the intercept"."""

    def evaluate(self, beta: Floats) -> State:
        """Return whatever the derivatives need at `beta`, shape (p,)."""

    def log_likelihood(self, state: State) -> float:
        """Return the log-likelihood; not finite where the exponentials overflow."""

    def derivatives(self, state: State) -> tuple[Floats, Floats]:
        """Return the score, shape (p,), and the information, shape (p, p)."""


@dataclass(frozen=True, slots=True)
class Optimum(Generic[State]):
    """Coefficients of the standardised design at the optimum.

    Attributes
    ----------
    beta
        Shape (p,).
    covariance
        Inverse information at `beta` itself, or a step of no consequence before it, shape (p, p).
    state
        What `Problem.evaluate` returned at `beta`.
    """

    beta: Floats
    covariance: Floats
    log_likelihood: float
    log_likelihood_at_zero: float
    state: State
    iterations: int


def maximise(
    problem: Problem[State], hints: Hints, begin: Floats | None = None, least_information: float = 0.0
) -> Optimum[State]:
    """Run Newton's method with step halving.

    Parameters
    ----------
    problem
        With a standardised design of p columns.
    hints
        What is known of a column that may turn out infinite ("level 'x' has no events"), or a function that
        finds it out when it is needed.
    begin
        Coefficients to begin with, shape (p,), where a good guess is known; else zero.
    least_information
        Refuse at once a column whose information beside the others, over its range and where the search begins, is less:
        such coefficients often run off to infinity, which takes many steps to see.

    Raises
    ------
    SingularDesignError, SeparationError, ConvergenceError
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _newton(problem, hints, begin, least_information)


def _newton(problem: Problem[State], hints: Hints, begin: Floats | None, least_information: float) -> Optimum[State]:
    columns = problem.columns
    beta = np.zeros(len(columns))
    state = problem.evaluate(beta)
    at_zero = value = problem.log_likelihood(state)
    if begin is not None:
        guessed = problem.evaluate(begin)
        # A guess worse than zero is none.
        if problem.log_likelihood(guessed) > at_zero:
            beta, state, value = begin.copy(), guessed, problem.log_likelihood(guessed)
    score, hessian = problem.derivatives(state)
    first = hessian
    refuse_aliased(hessian, columns, problem.within, problem.absorbed_by, getattr(problem, "mass", 1.0))
    if least_information > 0.0:
        _refuse_uninformative(problem, hessian, least_information)
    step, before = np.zeros_like(beta), np.inf
    for iteration in range(_MOST_STEPS + 1):
        factor = _factorise(hessian)
        if factor is None:
            raise _diverged(problem, beta, step, hints, first, hessian)
        step = _solve(factor, score)
        decrement = float(np.sqrt(max(float(score @ step), 0.0)))
        stalled = decrement <= _ROUNDING and decrement > 0.5 * before
        if decrement <= _DECREMENT or stalled or _last_step(decrement, before):
            if decrement > _DECREMENT and not stalled:
                beta, state, value = _ascend(problem, beta, step, value, decrement)
            return Optimum(
                beta=beta,
                covariance=_solve(factor, np.eye(beta.size)),
                log_likelihood=value,
                log_likelihood_at_zero=at_zero,
                state=state,
                iterations=iteration,
            )
        # Newton's decrement squares itself from step to step on the way to an optimum, but only shrinks by a
        # fixed factor (about 0.6) on the way to infinity, while the predictor of some row moves on.
        lingering = decrement <= _FLAT and decrement > 0.1 * before
        if lingering and _reach_of(problem, step) > _MOVING:
            raise _diverged(problem, beta, step, hints, first, hessian)
        before = decrement
        beta, state, value = _ascend(problem, beta, step, value, decrement)
        score, hessian = problem.derivatives(state)
    raise _diverged(problem, beta, step, hints, first, hessian)


def _reach_of(problem: Problem[State], step: Floats) -> float:
    """Return how far a step moves the predictor of any row."""
    product = getattr(problem, "product", None)
    moved = problem.x @ step if product is None else product(step)
    return float(np.abs(moved).max(initial=0.0))


def _last_step(decrement: float, before: float) -> bool:
    """Tell whether one more step ends at the optimum without moving the information.

    Newton's decrement squares itself: its factor of doing so, seen in the step before, is also the relative
    change of the information per unit of decrement. On large data this spares the last pass over the rows.
    """
    curvature = decrement / before**2 if before < _QUADRATIC else np.inf
    return bool(curvature * decrement**2 <= _DECREMENT and curvature * decrement <= _UNMOVED)


def refuse_aliased(hessian: Floats, columns: tuple[str, ...], within: str, absorbed_by: str, mass: float = 1.0) -> None:
    """Name the first column that is constant, or that the columns before it reproduce.

    Parameters
    ----------
    hessian
        Information at moderate coefficients (zero, or a good guess), shape (p, p): a weighted cross product of
        the columns, singular where they are.
    mass
        Weight of the observations, which the information of a standardised column is of the order of.
    """
    for place, name in enumerate(columns):
        own = hessian[place, place]
        before = hessian[:place, :place]
        mixed = hessian[:place, place]
        solved = linalg.solve(before, mixed, assume_a="pos") if place else np.zeros(0)
        left = own - mixed @ solved
        if own <= _ALIASED * max(mass, float(np.trace(hessian)) / len(columns)):
            raise SingularDesignError(
                f"Column {name!r} is constant {within}: it is aliased with {absorbed_by}. Leave it out.",
                name,
            )
        if left <= _ALIASED * own:
            scale = np.sqrt(np.diag(before))
            partners = [columns[j] for j in np.flatnonzero(np.abs(solved) * scale > 1e-6 * np.sqrt(own))]
            raise SingularDesignError(
                f"Column {name!r} is aliased with {some(map(repr, partners), most=6)}: {within} it is a "
                f"linear combination of them. {_remedy(name, len(partners) + 1)}",
                name,
            )


def _remedy(name: str, columns: int) -> str:
    if name.startswith(("cr(", "cc(", "cs(")):
        return "A natural spline needs constraints='center' beside an intercept or baseline: cr(x, df=4, constraints='center')."
    return f"Leave out one of these {columns} columns."


def _factorise(hessian: Floats) -> tuple[Floats, bool] | None:
    if hessian.size == 0:
        return hessian, True
    if not np.isfinite(hessian).all():
        return None
    try:
        return linalg.cho_factor(hessian, lower=True)
    except linalg.LinAlgError:
        return None


def _solve(factor: tuple[Floats, bool], right: Floats) -> Floats:
    return linalg.cho_solve(factor, right) if right.size else right


def _ascend(
    problem: Problem[State], beta: Floats, step: Floats, value: float, decrement: float
) -> tuple[Floats, State, float]:
    """Take the Newton step, halved until it gains a fair part of what it promises.

    A step that merely does not lose may land where the likelihood is flat and the next step leaps to infinity.
    """
    # Near the optimum the gain drowns in rounding: there a full Newton step is right whatever it shows.
    slack = 1e-10 * (1.0 + abs(value)) if decrement < 1e-3 else 0.0
    for halving in range(_MOST_HALVINGS):
        moved = beta + step / 2**halving
        state = problem.evaluate(moved)
        found = problem.log_likelihood(state)
        promised = decrement**2 / 2**halving
        if np.isfinite(found) and found >= value + _FAIR_PART * promised - slack:
            return moved, state, found
    raise ConvergenceError(
        "The likelihood cannot be improved although its gradient has not vanished. Look for covariates of "
        "extreme spread (a value thousands of standard deviations out) and transform them."
    )


def _diverged(
    problem: Problem[State],
    beta: Floats,
    step: Floats,
    hints: Hints,
    first: Floats,
    last: Floats,
) -> SeparationError | ConvergenceError:
    """Tell an infinite coefficient from a plain failure to converge.

    On the way to infinity Newton's steps do not shrink and the information about the direction melts
    away; in a merely difficult fit neither happens.
    """
    columns = problem.columns
    reach = np.ptp(problem.x, axis=0)
    # The constant of a logistic model has no range of its own; it runs off with the column that drives it.
    stride, travelled = np.abs(step) * reach, np.abs(beta) * reach
    moving = (travelled > 3.0) & (stride > 0.05) & (stride >= 0.05 * stride.max(initial=0.0))
    melted = (travelled > 3.0) & (np.diag(last) < 1e-3 * np.diag(first))
    guilty = np.flatnonzero(moving if moving.any() else melted)
    if not guilty.size:
        return ConvergenceError(
            f"No optimum after {_MOST_STEPS} Newton steps. Check the covariates for extreme values."
        )
    named = []
    known = hints() if callable(hints) else hints
    for place in guilty:
        sign = "plus" if beta[place] > 0 else "minus"
        hint = known.get(columns[place], "")
        named.append(f"{columns[place]!r} goes to {sign} infinity" + (f" ({hint})" if hint else ""))
    return SeparationError(
        f"Separation (monotone likelihood): the coefficient of {some(named)}. What is named orders events "
        "and non-events perfectly. Merge the level with another, or leave the column out.",
        [columns[place] for place in guilty],
    )


def _refuse_uninformative(problem: Problem[State], hessian: Floats, least: float) -> None:
    """Name the levels whose information beside all other columns is below the least."""
    reach = getattr(problem, "reach", None)
    if reach is None:
        return
    poor = np.flatnonzero(np.diag(np.linalg.pinv(hessian, hermitian=True)) * reach**2 * least > 1.0)
    if poor.size:
        named = [problem.columns[place] for place in poor]
        raise UninformativeError(
            f"The rows say next to nothing about {some(map(repr, named))} beside the other columns: the standard error would be "
            f"above {1 / np.sqrt(least):.3g}. Leave out what is named, or count its level with another.",
            named,
        )
