"""`fit_logistic`: logistic regression with model-based, robust or cluster-robust covariance.

The optimiser and the sandwiches are our own: statsmodels returns HC0 where HC1 or HC3 is asked for of a
binomial GLM.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import linalg

from whychurn.errors import FitError, NoEventsError, SeparationError
from whychurn.models.columns import Floats, Integers, read_events, read_groups, read_weights, tally
from whychurn.models.design import build_design, level_hints
from whychurn.models.logistic.likelihood import LogitProblem, LogitState
from whychurn.models.logistic.result import LogisticFit
from whychurn.models.newton import Optimum, maximise
from whychurn.models.standardise import Scaling, standardise, weighted_cross_product

COVARIANCES = ("model", "HC0", "HC1", "HC3", "cluster")
INTERCEPT = "Intercept"


def fit_logistic(
    frame: pd.DataFrame,
    terms: Sequence[str],
    outcome: str,
    weights: str | None = None,
    covariance: str = "HC0",
    cluster: str | None = None,
) -> LogisticFit:
    """Fit a logistic regression by maximum (weighted) likelihood.

    Parameters
    ----------
    frame
        One row per observation, n rows.
    terms
        As in `fit_cox`; an empty list fits the intercept only.
    outcome
        Column that is 0 or 1 (False or True).
    weights
        Column of weights, zero or more. Rows of weight zero (unknown outcome) do not enter the fit. With
        weights that are no counts, such as those of `censoring_weights`, use a robust covariance.
    covariance
        "model" (inverse information), "HC0", "HC1", "HC3" (row-robust; White 1980, MacKinnon & White 1985),
        or "cluster" (HC0 by cluster times G / (G - 1) for G clusters, as vcovCL of R's sandwich).
    cluster
        Column of the cluster; needed for, and only for, "cluster".

    Raises
    ------
    FitError
        Unreadable columns or rows, unknown covariance.
    NoEventsError
        No row has the outcome.
    SingularDesignError, SeparationError, ConvergenceError
        As in `fit_cox`.
    """
    if covariance not in COVARIANCES:
        raise FitError(f"covariance is one of {', '.join(COVARIANCES)}, not {covariance!r}.")
    if (covariance == "cluster") != (cluster is not None):
        raise FitError("Give a cluster column together with covariance='cluster', and only then.")
    everything = frame
    mass = read_weights(frame, weights, zero_allowed=True)
    frame, mass = frame[mass > 0.0], mass[mass > 0.0]
    happened = read_events(frame, outcome)
    if not happened.any():
        raise NoEventsError(f"None of {len(frame):,} rows has {outcome!r}: no odds ratio can be estimated.")
    if happened.all():
        raise SeparationError(f"All {len(frame):,} rows have {outcome!r}: the intercept goes to plus infinity.")
    clusters = np.arange(len(frame)) if cluster is None else read_groups(frame, cluster)[0]
    design, x = build_design(frame, terms)
    scaling, scaled = standardise(x, mass)
    names = (INTERCEPT, *design.columns)
    full = np.column_stack([np.ones(len(frame)), scaled])
    problem = LogitProblem(full, happened.astype(float), mass, names)
    optimum = maximise(problem, level_hints(frame, design, happened))
    back = _to_caller_units(scaling)
    units = _sandwich(problem, optimum, covariance, clusters)
    return LogisticFit(
        params=pd.Series(back @ optimum.beta, names),
        std_errors=pd.Series(np.sqrt(np.diag(back @ units @ back.T)), names),
        covariance=pd.DataFrame(back @ units @ back.T, names, names),
        covariance_type=covariance,
        log_likelihood=optimum.log_likelihood,
        null_log_likelihood=_null_log_likelihood(happened, mass),
        n=len(frame),
        n_events=int(happened.sum()),
        iterations=optimum.iterations,
        term_slices=dict(design.term_slices),
        design=design,
        frame=frame[list(design.variables)],
        weights=mass,
        n_given=len(everything),
    )


def _sandwich(problem: LogitProblem, optimum: Optimum[LogitState], kind: str, clusters: Integers) -> Floats:
    """Return the covariance of the standardised coefficients, shape (p, p)."""
    bread = optimum.covariance
    if kind == "model":
        return bread
    p = optimum.state.probability
    residual = problem.weights * (problem.y - p)
    n, k = problem.x.shape
    if kind == "HC3":
        leverage = problem.weights * p * (1.0 - p) * np.einsum("ij,jk,ik->i", problem.x, bread, problem.x)
        residual = residual / (1.0 - leverage)
    if kind == "cluster":
        groups = int(clusters.max()) + 1
        if groups < 2:
            raise FitError("A cluster-robust covariance needs at least two clusters.")
        summed = np.column_stack([tally(clusters, residual * column, groups) for column in problem.x.T])
        meat = summed.T @ summed * (groups / (groups - 1.0))
    else:
        meat = weighted_cross_product(problem.x, residual**2)
    factor = n / (n - k) if kind == "HC1" else 1.0
    return factor * bread @ meat @ bread


def _to_caller_units(scaling: Scaling) -> Floats:
    """Return the matrix that turns standardised coefficients, intercept first, into the caller's."""
    back = linalg.block_diag([[1.0]], np.diag(1.0 / scaling.spread)) if scaling.spread.size else np.eye(1)
    back[0, 1:] = -scaling.centre / scaling.spread
    return np.asarray(back, dtype=np.float64)


def _null_log_likelihood(happened: np.ndarray, mass: Floats) -> float:
    share = float(mass @ happened / mass.sum())
    return float(mass.sum() * (share * np.log(share) + (1.0 - share) * np.log1p(-share)))
