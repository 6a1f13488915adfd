"""`fit_cox`: read the frame, build the design, maximise, and bring everything back to the caller's units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from whychurn.errors import FitError, NoEventsError
from whychurn.models.columns import (
    Floats,
    Integers,
    read_events,
    read_groups,
    read_numbers,
    read_times,
    read_weights,
)
from whychurn.models.cox.likelihood import CoxData, CoxProblem, SlotTerms
from whychurn.models.cox.residuals import score_residuals
from whychurn.models.cox.result import CoxFit
from whychurn.models.design import Design, build_design, level_hints
from whychurn.models.newton import Optimum, maximise
from whychurn.models.riskset import place_rows
from whychurn.models.standardise import Scaling, standardise


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
) -> CoxFit:
    """Fit a Cox proportional hazards model by exact partial likelihood.

    Parameters
    ----------
    frame
        One row per subject, or per interval ``(start, stop]`` of a subject. n rows.
    terms
        Columns (text, category and Boolean columns become factors) or formulaic terms such as
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
    begin, stop = read_times(frame, time, start)
    happened = read_events(frame, event)
    listed = (strata,) if isinstance(strata, str) else tuple(strata)
    codes, labels = read_groups(frame, listed)
    case_weights = read_weights(frame, weights)
    known = read_numbers(frame, offset) if offset is not None else np.zeros(len(frame))
    clusters = _clusters(frame, cluster, robust)
    if not happened.any():
        raise NoEventsError(f"None of {len(frame):,} rows has an event in {event!r}: no hazard ratio can be estimated.")
    design, x = build_design(frame, terms)
    scaling, scaled = standardise(x, case_weights)
    sets = place_rows(begin, stop, happened, codes)
    data = CoxData(scaled, case_weights, known, sets, efron=ties == "efron")
    absorbed_by = f"the baseline of its stratum ({', '.join(listed)})" if listed else "the baseline hazard"
    optimum = maximise(CoxProblem(data, design.columns, absorbed_by), level_hints(frame, design, happened))
    return _assemble(data, design, scaling, optimum, clusters, frame.index, begin, stop, labels, listed)


def _clusters(frame: pd.DataFrame, cluster: str | None, robust: bool) -> Integers | None:
    if cluster is not None:
        return read_groups(frame, cluster)[0]
    return np.arange(len(frame)) if robust else None


def _assemble(
    data: CoxData,
    design: Design,
    scaling: Scaling,
    optimum: Optimum[SlotTerms],
    clusters: Integers | None,
    index: pd.Index,
    begin: Floats,
    stop: Floats,
    labels: tuple[str, ...],
    strata: tuple[str, ...],
) -> CoxFit:
    names = list(design.columns)
    units = np.outer(scaling.spread, scaling.spread)
    naive = optimum.covariance / units
    covariance, robust_errors = naive, None
    if clusters is not None:
        scores = score_residuals(data, optimum.state) * data.weights[:, None]
        summed = np.zeros((int(clusters.max()) + 1, len(names)))
        np.add.at(summed, clusters, scores)
        influence = summed @ optimum.covariance / scaling.spread
        covariance = influence.T @ influence
        robust_errors = pd.Series(np.sqrt(np.diag(covariance)), names)
    return CoxFit(
        params=pd.Series(optimum.beta / scaling.spread, names, dtype=float),
        std_errors=pd.Series(np.sqrt(np.diag(naive)), names, dtype=float),
        robust_std_errors=robust_errors,
        covariance=pd.DataFrame(covariance, names, names),
        naive_covariance=pd.DataFrame(naive, names, names),
        log_likelihood=optimum.log_likelihood,
        null_log_likelihood=optimum.log_likelihood_at_zero,
        score_statistic=_score_statistic(optimum),
        n=int(data.weights.size),
        n_events=int(data.sets.event.sum()),
        iterations=optimum.iterations,
        ties="efron" if data.efron else "breslow",
        term_slices=dict(design.term_slices),
        strata=strata,
        stratum_labels=labels,
        design=design,
        scaling=scaling,
        data=data,
        slot_terms=optimum.state,
        clusters=clusters,
        index=index,
        start=begin,
        stop=stop,
    )


def _score_statistic(optimum: Optimum[SlotTerms]) -> float:
    if not optimum.beta.size:
        return 0.0
    return float(optimum.score_at_zero @ np.linalg.solve(optimum.information_at_zero, optimum.score_at_zero))
