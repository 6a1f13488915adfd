"""`fit_cox`: read the frame, build the design, maximise, and bring everything back to the caller's units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from whychurn.errors import FitError, NoEventsError
from whychurn.models.columns import (
    Floats,
    Integers,
    read_clusters,
    read_events,
    read_groups,
    read_numbers,
    read_times,
    read_weights,
)
from whychurn.models.covariates import with_lists
from whychurn.models.cox.likelihood import CoxData, CoxProblem, SlotTerms
from whychurn.models.cox.residuals import clustered_scores, score_residuals
from whychurn.models.cox.result import CoxFit
from whychurn.models.cox.rows import FittedRows, Rows, fitted_rows, stateless_variables
from whychurn.models.cox.warm_start import warm_start
from whychurn.models.design import Design, level_hints
from whychurn.models.newton import Optimum, maximise
from whychurn.models.plain_design import build_covariates
from whychurn.models.riskset import RiskSets
from whychurn.models.standardise import Scaling
from whychurn.models.subjects import read_subjects
from whychurn.models.threads import one_blas_thread


def fit_cox(
    frame: pd.DataFrame,
    terms: Sequence[str],
    time: str,
    event: str,
    start: str | None = None,
    strata: str | Sequence[str] = (),
    weights: str | None = None,
    cluster: str | None = None,
    offset: str | None = None,
    ties: str = "efron",
    robust: bool = False,
    subject: str | None = None,
    begin: Mapping[str, float] | None = None,
    least_information: float = 0.0,
) -> CoxFit:
    """Fit a Cox proportional hazards model by exact partial likelihood.

    Parameters
    ----------
    frame
        One row per subject, or per interval ``(start, stop]`` of a subject. n rows.
    terms
        Columns (text and category columns become factors, True counts one) or formulaic terms such as
        ``"C(plan, contr.treatment(base='basic'))"`` and ``"plan:age"``. An empty list fits the null model.
    time, start
        Columns with the end of the row and, for start-stop rows or late entry, its beginning. Same unit.
    event
        Column that is 1 (True) where the row ends in an event.
    strata
        Column or columns whose combinations get a baseline hazard each.
    weights
        Column of positive case weights. Under Efron ties they are not the same as replication.
    cluster
        Column of the unit that repeats (account, parent): adds cluster-robust standard errors.
    offset
        Column added to the linear predictor with coefficient one.
    ties
        ``"efron"`` or ``"breslow"``.
    robust
        Row-robust standard errors when there is no cluster column.
    subject
        Column of whom start-stop rows belong to; only checked: rows of one subject must not overlap (gaps are
        time not at risk).
    begin
        Coefficients by column name, where a similar model is known. They decide where the search for the optimum
        begins, not where it ends.
    least_information
        Refuse a level at once if, where the search begins, its information beside the other columns is below this: its
        coefficient would be next to infinite, or infinite, which takes many steps to see.

    Returns
    -------
    CoxFit
        Coefficients are log hazard ratios per unit of the covariate.

    Raises
    ------
    FitError
        Unreadable columns or rows; the message names them.
    NoEventsError
        No row ends in an event, or none at which anybody else is at risk.
    SingularDesignError
        A column is a linear combination of others, or constant; both are named.
    SeparationError
        A coefficient is infinite; it is named.
    UninformativeError
        A column is below `least_information`; it is named.
    ConvergenceError
        No optimum was reached.

    References
    ----------
    Cox (1972), J. R. Statist. Soc. B 34:187-220. Efron (1977), J. Am. Statist. Assoc. 72:557-565.
    Therneau & Grambsch (2000), Modeling Survival Data, chapters 3 and 7.
    """
    if ties not in ("efron", "breslow"):
        raise FitError(f"ties is 'efron' or 'breslow', not {ties!r}.")
    if not len(frame):
        raise NoEventsError("The frame has no rows.")
    entry, stop = read_times(frame, time, start)
    happened = read_events(frame, event)
    listed = (strata,) if isinstance(strata, str) else tuple(strata)
    codes, labels = read_groups(frame, listed)
    read_subjects(frame, subject, entry, stop)
    case_weights = read_weights(frame, weights)
    known = read_numbers(frame, offset) if offset is not None else np.broadcast_to(0.0, len(frame))
    clusters = _clusters(frame, cluster, robust)
    if not happened.any():
        raise NoEventsError(f"None of {len(frame):,} rows has an event in {event!r}: no hazard ratio can be estimated.")
    rows = Rows(None if start is None else entry, stop, happened, codes, case_weights, known)
    names = stateless_variables(frame, terms)
    fitted = fitted_rows(frame, names, rows, clusters)
    absorbed_by = f"the baseline of its stratum ({', '.join(listed)})" if listed else "the baseline hazard"
    with one_blas_thread(len(frame)):
        design, scaling, data = _prepare(frame, terms, names, rows, fitted, efron=ties == "efron")
        is_level = np.array([bool(design.column_levels.get(name)) for name in design.columns], dtype=bool)
        problem = CoxProblem(data, design.columns, absorbed_by, reach=is_level / scaling.spread)
        guess = _named(begin, design, scaling) if begin else warm_start(data, design.columns)
        optimum = maximise(problem, lambda: level_hints(frame, design, happened), guess, least_information)
        covariances = _covariances(data, scaling, optimum, fitted)
    return CoxFit(
        params=pd.Series(optimum.beta / scaling.spread, list(design.columns), dtype=float),
        std_errors=_roots(covariances[0], design.columns),
        robust_std_errors=None if clusters is None else _roots(covariances[1], design.columns),
        covariance=pd.DataFrame(covariances[1], design.columns, design.columns),
        naive_covariance=pd.DataFrame(covariances[0], design.columns, design.columns),
        log_likelihood=optimum.log_likelihood,
        null_log_likelihood=optimum.log_likelihood_at_zero,
        n=len(frame),
        n_events=int(data.sets.deaths.sum()),
        iterations=optimum.iterations,
        ties=ties,
        term_slices=dict(design.term_slices),
        strata=listed,
        stratum_labels=labels,
        offset=offset,
        design=design,
        scaling=scaling,
        data=data,
        slot_terms=optimum.state,
        rows=rows,
        merged=fitted.merged,
        clusters=clusters,
        index=frame.index,
    )


def _clusters(frame: pd.DataFrame, cluster: str | None, robust: bool) -> Integers | None:
    if cluster is not None:
        return read_clusters(frame, cluster)
    return np.arange(len(frame)) if robust else None


def _named(begin: Mapping[str, float], design: Design, scaling: Scaling) -> Floats:
    """Return coefficients by name as those of the standardised design, shape (p,); zero for what is not named."""
    return np.array([begin.get(name, 0.0) for name in design.columns]) * scaling.spread


def _prepare(
    frame: pd.DataFrame,
    terms: Sequence[str],
    names: Sequence[str] | None,
    rows: Rows,
    fitted: FittedRows,
    efron: bool,
) -> tuple[Design, Scaling, CoxData]:
    """Build the design over the rows, or over one row of each kind."""
    sets, weights = fitted.sets, fitted.weights
    if fitted.merged is None or names is None:
        design, scaling, covariates = build_covariates(frame, terms, _at_risk(weights, sets))
    else:
        try:
            kinds = frame[list(names)].iloc[fitted.merged.first]
            design, scaling, covariates = build_covariates(kinds, terms, _at_risk(weights, sets))
        except FitError:
            # What is wrong is told of the rows given, not of their kinds.
            build_covariates(frame, terms, rows.weights)
            raise
    scaling, covariates = with_lists(scaling, covariates)
    return design, scaling, CoxData(covariates, weights, fitted.offset, sets, efron)


def _at_risk(weights: Floats, sets: RiskSets) -> Floats:
    """Return the weights by which columns are standardised: none for rows outside every risk set."""
    if not sets.idle.size:
        return weights
    kept = weights.copy()
    kept[sets.idle] = 0.0
    return kept if kept.any() else weights


def _covariances(
    data: CoxData, scaling: Scaling, optimum: Optimum[SlotTerms], fitted: FittedRows
) -> tuple[Floats, Floats]:
    """Return the inverse information and, where rows are clustered, the sandwich, in the caller's units."""
    naive = optimum.covariance / np.outer(scaling.spread, scaling.spread)
    owners = fitted.owners
    if owners is None:
        return naive, naive
    groups = int(owners.max()) + 1
    if owners.size == data.weights.size:
        summed = clustered_scores(data, optimum.state, owners, groups)
    else:
        # Runs of several clusters are of one kind.
        members = sparse.csr_array((fitted.shares, (owners, fitted.kinds)), shape=(groups, data.weights.size))
        summed = members @ score_residuals(data, optimum.state)
    influence = summed @ optimum.covariance / scaling.spread
    return naive, influence.T @ influence


def _roots(covariance: Floats, names: Sequence[str]) -> pd.Series:
    return pd.Series(np.sqrt(np.diag(covariance)), list(names), dtype=float)
