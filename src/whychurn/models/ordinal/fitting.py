"""`fit_ordered_logit`: proportional-odds regression with model-based or cluster-robust covariance."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import linalg

from whychurn.errors import FitError
from whychurn.models.columns import (
    Floats,
    Integers,
    read_groups,
    read_weights,
    refuse_rows,
    require_columns,
    tally,
)
from whychurn.models.newton import maximise
from whychurn.models.ordinal.likelihood import OrderedProblem
from whychurn.models.ordinal.result import COVARIANCES, OrderedLogitFit
from whychurn.models.plain_design import build_covariates
from whychurn.models.standardise import Scaling


def fit_ordered_logit(
    frame: pd.DataFrame,
    terms: Sequence[str],
    outcome: str,
    levels: Sequence[str],
    weights: str | None = None,
    covariance: str = "model",
    cluster: str | None = None,
) -> OrderedLogitFit:
    """Fit a proportional-odds regression by maximum (weighted) likelihood: ``logit P(Y > k) = x'beta - cut_k``.

    Parameters
    ----------
    frame
        One row per observation, n rows.
    terms
        As in `fit_logistic`; an empty list fits the cut points only.
    outcome
        Column of levels.
    levels
        From the lowest to the highest. Those at which there is no row are left out; two must remain.
    weights
        Column of weights, zero or more; rows of weight zero do not enter.
    covariance
        "model" (inverse observed information, as R's polr), "HC0", or "cluster" (HC0 by cluster times G / (G - 1)).
    cluster
        Column of the cluster; needed for, and only for, "cluster".

    Returns
    -------
    OrderedLogitFit

    Raises
    ------
    FitError
        Unreadable columns, levels that are not listed, fewer than two levels with rows, fewer than two clusters.
    SingularDesignError, SeparationError, ConvergenceError
        As in `fit_logistic`.
    """
    if covariance not in COVARIANCES:
        raise FitError(f"covariance is one of {', '.join(COVARIANCES)}, not {covariance!r}.")
    if (covariance == "cluster") != (cluster is not None):
        raise FitError("Give a cluster column together with covariance='cluster', and only then.")
    mass = read_weights(frame, weights, zero_allowed=True)
    if not (mass > 0.0).all():
        frame, mass = frame[mass > 0.0], mass[mass > 0.0]
    place, present = read_levels(frame, outcome, levels)
    clusters = None if cluster is None else read_groups(frame, cluster)[0]
    design, scaling, covariates = build_covariates(frame, terms, mass)
    x = np.ascontiguousarray(covariates.dense())
    cuts = tuple(f"{low}|{high}" for low, high in itertools.pairwise(present))
    problem = OrderedProblem(x, place, mass, len(cuts), (*cuts, *design.columns))
    counts = tally(place, mass, len(present))
    begin = np.zeros(len(problem.columns))
    share = np.cumsum(counts)[:-1] / counts.sum()
    begin[: len(cuts)] = np.log(share / (1.0 - share))
    null = float(counts @ np.log(counts / counts.sum()))
    optimum = maximise(problem, dict, begin)
    scores = problem.scores(optimum.state)
    bread = linalg.inv(problem.derivatives(optimum.state)[1])
    back = to_caller_units(scaling, len(cuts))
    units = back @ sandwich(bread, scores, covariance, clusters) @ back.T
    names = list(problem.columns)
    return OrderedLogitFit(
        params=pd.Series((back @ optimum.beta)[len(cuts) :], list(design.columns), dtype=float),
        cut_points=pd.Series((back @ optimum.beta)[: len(cuts)], list(cuts)),
        covariance=pd.DataFrame(units, names, names),
        covariance_type=covariance,
        levels=present,
        log_likelihood=optimum.log_likelihood,
        null_log_likelihood=null,
        n=len(frame),
        n_clusters=0 if clusters is None else int(clusters.max()) + 1,
        iterations=optimum.iterations,
        design=design,
        frame=frame,
        place=place,
        weights=mass,
        clusters=clusters,
    )


def read_levels(frame: pd.DataFrame, outcome: str, levels: Sequence[str]) -> tuple[Integers, tuple[str, ...]]:
    """Return the place of each row's level among those that occur, shape (n,), and these levels in order."""
    require_columns(frame, [outcome])
    if len(set(levels)) < len(levels) or isinstance(levels, str):
        raise FitError(f"levels are different names from the lowest to the highest, not {levels!r}.")
    found = pd.Categorical(frame[outcome].astype(object), categories=list(levels), ordered=True)
    code = np.asarray(found.codes, dtype=np.int64)
    refuse_rows(frame, code < 0, f"Column {outcome!r} is missing, or none of {', '.join(map(str, levels))}")
    used = np.bincount(code, minlength=len(levels)) > 0
    if used.sum() < 2:
        raise FitError(
            f"Column {outcome!r} has fewer than two levels among {len(frame):,} rows: there is nothing to order."
        )
    return (np.cumsum(used) - 1)[code], tuple(str(level) for level, there in zip(levels, used, strict=True) if there)


def sandwich(bread: Floats, scores: Floats, kind: str, clusters: Integers | None) -> Floats:
    """Return the covariance of standardised coefficients, shape (q, q), from the scores of rows, shape (n, q)."""
    if kind == "model":
        return bread
    if kind == "HC0":
        return bread @ (scores.T @ scores) @ bread
    assert clusters is not None
    groups = int(clusters.max()) + 1
    if groups < 2:
        raise FitError("A cluster-robust covariance needs at least two clusters.")
    summed = np.zeros((groups, scores.shape[1]))
    np.add.at(summed, clusters, scores)
    influence = summed @ bread
    return np.asarray(influence.T @ influence * (groups / (groups - 1.0)))


def to_caller_units(scaling: Scaling, cuts: int) -> Floats:
    """Return the matrix that turns standardised coefficients, cut points first, into the caller's."""
    p = scaling.spread.size
    back = np.eye(cuts + p)
    if p:
        back[cuts:, cuts:] = np.diag(1.0 / scaling.spread)
        back[:cuts, cuts:] = scaling.centre / scaling.spread
    return back
