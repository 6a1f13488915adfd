"""Maximise the Cox partial likelihood, and say in words why it cannot be maximised.

The design handed over is standardised (mean zero, unit spread), so every tolerance here is free of the
units of the covariates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from whychurn.errors import ConvergenceError, SeparationError, SingularDesignError
from whychurn.models.columns import Floats
from whychurn.models.cox.likelihood import CoxData, SlotTerms, gradient, information, slot_terms

# Below this share of a column's own information left unexplained by the columns before it, it is aliased.
_ALIASED = 1e-10
# The Newton decrement bounds the distance to the optimum in standard errors, in every direction.
_DECREMENT = 1e-9
_GRADIENT = 1e-6
_MOST_STEPS = 40
_MOST_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Optimum:
    """Coefficients of the standardised design at the optimum.

    Attributes
    ----------
    beta
        Shape (p,).
    covariance
        Inverse information at `beta` itself, not at the step before it, shape (p, p).
    score_at_zero, information_at_zero
        For the score test of all coefficients, shapes (p,) and (p, p).
    terms
        Slot sums at `beta`.
    """

    beta: Floats
    covariance: Floats
    score_at_zero: Floats
    information_at_zero: Floats
    null_log_likelihood: float
    terms: SlotTerms
    iterations: int


def maximise(data: CoxData, columns: tuple[str, ...], hints: dict[str, str]) -> Optimum:
    """Run Newton's method with step halving from zero.

    Parameters
    ----------
    data
        With a standardised design, shape (n, p).
    columns
        Column names for the messages, length p.
    hints
        What is known of a column that may turn out infinite ("level 'x' has no events").

    Raises
    ------
    SingularDesignError, SeparationError, ConvergenceError
    """
    beta = np.zeros(data.x.shape[1])
    terms = slot_terms(data, beta)
    null = terms
    score = score_at_zero = gradient(data, terms)
    hessian = information_at_zero = information(data, terms)
    refuse_aliased(hessian, columns)
    step = np.zeros_like(beta)
    for iteration in range(_MOST_STEPS + 1):
        factor = _factorise(hessian)
        if factor is None:
            raise _diverged(beta, step, columns, hints, information_at_zero, hessian)
        step = linalg.cho_solve(factor, score)
        decrement = float(np.sqrt(max(score @ step, 0.0)))
        if decrement <= _DECREMENT and np.max(np.abs(score), initial=0.0) <= _GRADIENT:
            return Optimum(
                beta=beta,
                covariance=linalg.cho_solve(factor, np.eye(beta.size)) if beta.size else hessian,
                score_at_zero=score_at_zero,
                information_at_zero=information_at_zero,
                null_log_likelihood=null.log_likelihood,
                terms=terms,
                iterations=iteration,
            )
        beta, terms = _ascend(data, beta, step, terms, decrement)
        score, hessian = gradient(data, terms), information(data, terms)
    raise _diverged(beta, step, columns, hints, information_at_zero, hessian)


def refuse_aliased(hessian: Floats, columns: tuple[str, ...]) -> None:
    """Name the first column that the columns before it reproduce within every risk set.

    Parameters
    ----------
    hessian
        Information at zero coefficients, shape (p, p): the covariance of the columns within risk sets.
    """
    for place, name in enumerate(columns):
        own = hessian[place, place]
        before = hessian[:place, :place]
        mixed = hessian[:place, place]
        solved = linalg.solve(before, mixed, assume_a="pos") if place else np.zeros(0)
        left = own - mixed @ solved
        if own <= _ALIASED * max(1.0, float(np.trace(hessian)) / len(columns)):
            raise SingularDesignError(
                f"Column {name!r} is constant among the rows at risk together: it is aliased with the "
                "baseline (or the strata). Leave it out."
            )
        if left <= _ALIASED * own:
            scale = np.sqrt(np.diag(before))
            partners = [columns[j] for j in np.flatnonzero(np.abs(solved) * scale > 1e-6 * np.sqrt(own))]
            raise SingularDesignError(
                f"Column {name!r} is aliased with {' + '.join(repr(p) for p in partners)}: within every risk "
                f"set it is a linear combination of them. Leave out one of these {len(partners) + 1} columns."
            )


def _factorise(hessian: Floats) -> tuple[Floats, bool] | None:
    if hessian.size == 0:
        return hessian, True
    if not np.isfinite(hessian).all():
        return None
    try:
        return linalg.cho_factor(hessian, lower=True)
    except linalg.LinAlgError:
        return None


def _ascend(
    data: CoxData, beta: Floats, step: Floats, terms: SlotTerms, decrement: float
) -> tuple[Floats, SlotTerms]:
    """Take the Newton step, halved until the likelihood does not fall."""
    # Near the optimum the gain drowns in rounding: there a full Newton step is right whatever it shows.
    slack = 1e-10 * (1.0 + abs(terms.log_likelihood)) if decrement < 1e-3 else 0.0
    for halving in range(_MOST_HALVINGS):
        moved = beta + step / 2**halving
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = slot_terms(data, moved)
        if np.isfinite(found.log_likelihood) and found.log_likelihood >= terms.log_likelihood - slack:
            return moved, found
    raise ConvergenceError(
        "The partial likelihood cannot be improved although its gradient has not vanished. Look for "
        "covariates of extreme spread (a value thousands of standard deviations out) and transform them."
    )


def _diverged(
    beta: Floats,
    step: Floats,
    columns: tuple[str, ...],
    hints: dict[str, str],
    first: Floats,
    last: Floats,
) -> SeparationError | ConvergenceError:
    """Tell an infinite coefficient from a plain failure to converge.

    On the way to infinity Newton's steps do not shrink and the information about the direction melts
    away; in a merely difficult fit neither happens.
    """
    moving = np.abs(step) >= 0.05 * np.max(np.abs(step), initial=0.0)
    melted = np.diag(last) < 1e-3 * np.diag(first)
    guilty = np.flatnonzero(moving & (np.abs(beta) > 1.0)) if np.max(np.abs(step), initial=0.0) > 0.05 else []
    if not len(guilty):
        guilty = np.flatnonzero(melted & (np.abs(beta) > 1.0))
    if not len(guilty):
        return ConvergenceError(
            f"No optimum after {_MOST_STEPS} Newton steps. Check the covariates for extreme values."
        )
    named = []
    for place in guilty:
        sign = "plus" if beta[place] > 0 else "minus"
        hint = hints.get(columns[place], "")
        named.append(f"{columns[place]!r} goes to {sign} infinity" + (f" ({hint})" if hint else ""))
    return SeparationError(
        f"Monotone likelihood: the coefficient of {'; of '.join(named)}. These columns order events and "
        "survivors perfectly. Merge the level with another, or leave the column out."
    )
