"""`fit_logistic`: binary regression with model-based, robust or cluster-robust covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg

from whychurn.errors import FitError, NoEventsError, SeparationError
from whychurn.models.columns import (
    Booleans,
    Floats,
    read_events,
    read_groups,
    read_numbers,
    read_weights,
)
from whychurn.models.covariates import sampled_rows, standardised_matrix
from whychurn.models.design import level_hints
from whychurn.models.logistic.likelihood import BinomialProblem
from whychurn.models.logistic.links import Link, read_link
from whychurn.models.logistic.result import LogisticFit
from whychurn.models.logistic.sandwich import COVARIANCES, covariance_of
from whychurn.models.newton import maximise
from whychurn.models.plain_design import build_covariates
from whychurn.models.standardise import Scaling
from whychurn.models.threads import one_blas_thread

INTERCEPT = "Intercept"
# From this many rows on, a sample of them is fitted first: it saves two of five passes.
_WARM_FROM = 100_000


def fit_logistic(
    frame: pd.DataFrame,
    terms: Sequence[str],
    outcome: str,
    weights: str | None = None,
    covariance: str = "HC0",
    cluster: str | None = None,
    link: str = "logit",
    offset: str | None = None,
) -> LogisticFit:
    """Fit a binary regression by maximum (weighted) likelihood.

    Parameters
    ----------
    frame
        One row per observation, n rows. Plain columns are read in place: do not overwrite their values while
        average risks are still asked of the fit.
    terms
        As in `fit_cox`; an empty list fits the intercept only.
    outcome
        Column that is 0 or 1 (False or True).
    weights
        Column of weights, zero or more. Rows of weight zero (unknown outcome) do not enter the fit. With
        weights that are no counts, such as those of `censoring_weights`, use a robust covariance.
    covariance
        "model" (inverse expected information), "HC0", "HC1", "HC3" (row-robust; White 1980, MacKinnon & White
        1985), or "cluster" (HC0 by cluster times G / (G - 1) for G clusters, as vcovCL of R's sandwich).
    cluster
        Column of the cluster; needed for, and only for, "cluster".
    link
        "logit" (coefficients are log odds ratios) or "cloglog" (log hazard ratios of grouped times, on the
        rows of `person_periods`).
    offset
        Column that enters the linear predictor with coefficient one.

    Returns
    -------
    LogisticFit

    Raises
    ------
    FitError
        Unreadable columns or rows, unknown covariance or link.
    NoEventsError
        No row has the outcome.
    SingularDesignError, SeparationError, ConvergenceError
        As in `fit_cox`. For separated data see `fit_firth`.
    """
    if covariance not in COVARIANCES:
        raise FitError(f"covariance is one of {', '.join(COVARIANCES)}, not {covariance!r}.")
    if (covariance == "cluster") != (cluster is not None):
        raise FitError("Give a cluster column together with covariance='cluster', and only then.")
    chosen = read_link(link)
    rows = read_binary_rows(frame, outcome, weights, offset, refuse_one_outcome=True)
    clusters = None if cluster is None else read_groups(rows.frame, cluster)[0]
    with one_blas_thread(len(rows.frame)):
        design, scaling, covariates = build_covariates(rows.frame, terms, rows.weights)
        names = (INTERCEPT, *design.columns)
        problem = BinomialProblem(covariates, rows.y, rows.weights, rows.offset, chosen, names)
        null = null_log_likelihood(rows, chosen)
        begin = _warm_start(problem) if len(rows.frame) >= _WARM_FROM else _share_start(problem)
        optimum = maximise(problem, lambda: level_hints(rows.frame, design, rows.happened), begin)
        back = to_caller_units(scaling)
        units = back @ covariance_of(problem, optimum, covariance, clusters) @ back.T
    return LogisticFit(
        params=pd.Series(back @ optimum.beta, names),
        std_errors=pd.Series(np.sqrt(np.diag(units)), names),
        covariance=pd.DataFrame(units, names, names),
        covariance_type=covariance,
        log_likelihood=optimum.log_likelihood,
        null_log_likelihood=null,
        n=len(rows.frame),
        n_events=int(rows.happened.sum()),
        iterations=optimum.iterations,
        term_slices=dict(design.term_slices),
        design=design,
        frame=kept_columns(rows.frame, design.variables, offset),
        weights=rows.weights,
        n_given=len(frame),
        link=link,
        offset=offset,
    )


@dataclass(frozen=True, slots=True)
class BinaryRows:
    """The rows of positive weight: outcome, weights and offset (None for none), shape (n,)."""

    frame: pd.DataFrame
    happened: Booleans
    y: Floats
    weights: Floats
    offset: Floats | None


def read_binary_rows(
    frame: pd.DataFrame, outcome: str, weights: str | None, offset: str | None, refuse_one_outcome: bool
) -> BinaryRows:
    """Read outcome, weights and offset, leaving out the rows of weight zero.

    Raises
    ------
    FitError
        Unreadable columns, or no row left.
    NoEventsError, SeparationError
        All outcomes are the same, if `refuse_one_outcome`.
    """
    mass = read_weights(frame, weights, zero_allowed=True)
    if not (mass > 0.0).all():
        frame, mass = frame[mass > 0.0], mass[mass > 0.0]
    if not len(frame):
        raise FitError("There is no row of positive weight to fit.")
    happened = read_events(frame, outcome)
    if refuse_one_outcome and not happened.any():
        raise NoEventsError(f"None of {len(frame):,} rows has {outcome!r}: no odds ratio can be estimated.")
    if refuse_one_outcome and happened.all():
        raise SeparationError(f"All {len(frame):,} rows have {outcome!r}: the intercept goes to plus infinity.")
    known = None if offset is None else read_numbers(frame, offset)
    return BinaryRows(frame, happened, happened.astype(float), mass, known)


def to_caller_units(scaling: Scaling) -> Floats:
    """Return the matrix that turns standardised coefficients, intercept first, into the caller's."""
    back = linalg.block_diag([[1.0]], np.diag(1.0 / scaling.spread)) if scaling.spread.size else np.eye(1)
    back[0, 1:] = -scaling.centre / scaling.spread
    return np.asarray(back, dtype=np.float64)


def kept_columns(frame: pd.DataFrame, variables: Sequence[str], offset: str | None) -> pd.DataFrame:
    """Return the columns a prediction needs, sharing their memory with the caller's frame."""
    needed = [*variables, *([offset] if offset is not None and offset not in variables else [])]
    return pd.DataFrame({name: frame[name] for name in needed}, index=frame.index, copy=False)


def null_log_likelihood(rows: BinaryRows, link: Link) -> float:
    """Return the log-likelihood of the model with an intercept (and the offset) only."""
    if rows.offset is None:
        share = float(rows.weights @ rows.y / rows.weights.sum())
        if share in (0.0, 1.0):
            return 0.0
        return float(rows.weights.sum() * (share * np.log(share) + (1.0 - share) * np.log1p(-share)))
    none = standardised_matrix(np.zeros((len(rows.frame), 0)))
    problem = BinomialProblem(none, rows.y, rows.weights, rows.offset, link, (INTERCEPT,))
    return maximise(problem, dict, _share_start(problem)).log_likelihood


def _share_start(problem: BinomialProblem) -> Floats:
    """Return the coefficients of a model without covariates, roughly where there is an offset, shape (p,)."""
    total = problem.weights.sum()
    begin = np.zeros(len(problem.columns))
    begin[0] = problem.link.predictor(float(np.clip(problem.weights @ problem.y / total, 1e-12, 1.0 - 1e-12)))
    if problem.offset is not None:
        begin[0] -= float(problem.weights @ problem.offset / total)
    return begin


def _warm_start(problem: BinomialProblem) -> Floats:
    """Return coefficients fitted to one row in twenty, shape (p,), or no more than the share where that fails.

    The guess only decides where Newton's method begins, not where it ends.
    """
    rows = sampled_rows(problem.covariates.shape[0])
    sample = BinomialProblem(
        standardised_matrix(problem.covariates.take(rows)),
        problem.y[rows],
        problem.weights[rows],
        None if problem.offset is None else problem.offset[rows],
        problem.link,
        problem.columns,
    )
    try:
        return maximise(sample, dict, _share_start(sample)).beta
    except FitError:
        return _share_start(problem)
