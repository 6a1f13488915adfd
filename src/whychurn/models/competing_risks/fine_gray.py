"""`fit_fine_gray`: regression of the cumulative incidence of one cause on covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whychurn.errors import FitError, NoEventsError
from whychurn.models.columns import Booleans, Floats, Integers, read_groups, read_times, refuse_rows
from whychurn.models.competing_risks.aalen_johansen import refuse_rows_after_event
from whychurn.models.competing_risks.causes import read_causes
from whychurn.models.competing_risks.fine_gray_fit import FineGrayFit
from whychurn.models.competing_risks.gray import refuse_late_entry
from whychurn.models.competing_risks.sandwich import fine_gray_influence
from whychurn.models.competing_risks.staying import censoring_product
from whychurn.models.competing_risks.subdistribution import (
    SubdistributionData,
    SubdistributionProblem,
    score_residuals,
    tie_ranks,
)
from whychurn.models.design import build_design, level_hints
from whychurn.models.newton import maximise
from whychurn.models.riskset import RiskSets, place_rows
from whychurn.models.standardise import standardise
from whychurn.models.subjects import in_sequence, read_subjects

METHODS = ("finegray", "crr")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows as read; n of them."""

    begin: Floats
    stop: Floats
    own: Booleans
    competing: Booleans
    subject: Integers
    stratum: Integers
    group: Integers


def fit_fine_gray(
    frame: pd.DataFrame,
    terms: Sequence[str],
    time: str,
    event: str,
    cause: Any,
    method: str = "finegray",
    censored: Any = 0,
    start: str | None = None,
    subject: str | None = None,
    strata: str | Sequence[str] = (),
    censoring_strata: str | Sequence[str] | None = None,
    ties: str | None = None,
) -> FineGrayFit:
    """Fit the proportional subdistribution hazards model of Fine and Gray.

    A subdistribution hazard ratio above one means a higher cumulative incidence of the cause. It mixes the effect on
    the cause with that on its competitors, and is no rate: beside it belong the hazard ratios of every cause
    (`fit_cause_specific`).

    Parameters
    ----------
    frame
        One row per subject, or per interval ``(start, stop]``. n rows.
    terms
        As in `fit_cox`.
    time, event, censored
        As in `fit_aalen_johansen`.
    cause
        The cause of interest, by its value in `event`.
    method
        Two different estimators, which differ at tied times and in their variance.

        "finegray": R's ``coxph`` on the rows of ``survival::finegray``. Events leave before the censorings of their
        time; Efron's or Breslow's ties; late entry; standard errors by subject, which take the weights as known.

        "crr": cmprsk's ``crr``. Events count as at risk of the censorings of their time; Breslow's ties; standard
        errors that count the estimation of the weights. No late entry, no strata.
    start, subject
        Beginning of each row, and the subject that rows belong to ("finegray" only). Each row is a subject without.
    strata
        Columns whose combinations get a baseline each ("finegray" only).
    censoring_strata
        Columns whose combinations get a censoring distribution each. By default those of `strata`.
    ties
        "efron" (the default) or "breslow" for "finegray"; "crr" has Breslow's only.

    Returns
    -------
    FineGrayFit
        Coefficients are log subdistribution hazard ratios per unit of the covariate.

    Raises
    ------
    FitError
        Unreadable columns or rows; an unknown cause or method; what the method does not allow for; a subject with
        overlapping rows, gaps, or rows after its event.
    NoEventsError
        No row ends by the cause.
    SingularDesignError, SeparationError, ConvergenceError
        As in `fit_cox`.

    References
    ----------
    Fine & Gray (1999), J. Am. Statist. Assoc. 94:496-509. Geskus (2011), Biometrics 67:39-49.
    """
    if method not in METHODS:
        raise FitError(f"method is 'finegray' or 'crr', two different estimators; not {method!r}.")
    if ties not in (None, "efron", "breslow"):
        raise FitError(f"ties is 'efron' or 'breslow', not {ties!r}.")
    if not len(frame):
        raise NoEventsError("The frame has no rows.")
    causes = read_causes(frame, event, censored)
    code = causes.code_of(cause)
    begin, stop = read_times(frame, time, start)
    listed = (strata,) if isinstance(strata, str) else tuple(strata)
    if method == "crr":
        _refuse_for_crr(begin, start, subject, listed, ties)
    owner = read_subjects(frame, subject, begin, stop)
    refuse_rows_after_event(frame, owner, begin, causes.codes, subject)
    _refuse_gaps(frame, owner, begin, stop, subject)
    stratum, stratum_labels = read_groups(frame, listed)
    group, _ = read_groups(frame, listed if censoring_strata is None else censoring_strata)
    rows = _Rows(begin, stop, causes.codes == code, (causes.codes > 0) & (causes.codes != code), owner, stratum, group)
    design, x = build_design(frame, terms)
    scaling, scaled = standardise(x, np.ones(len(frame)))
    efron = method == "finegray" and ties != "breslow"
    data = _weighted_rows(scaled, rows, events_leave=method == "finegray", efron=efron)
    optimum = maximise(SubdistributionProblem(data, design.columns), level_hints(frame, design, rows.own))
    if method == "crr":
        scores = fine_gray_influence(data, optimum.state, stop)
    else:
        scores = np.zeros((int(owner.max()) + 1, x.shape[1]))
        np.add.at(scores, owner, score_residuals(data, optimum.state))
    influence = scores @ optimum.covariance / scaling.spread
    names = list(design.columns)
    naive = optimum.covariance / np.outer(scaling.spread, scaling.spread)
    covariance = influence.T @ influence
    return FineGrayFit(
        params=pd.Series(optimum.beta / scaling.spread, names, dtype=float),
        std_errors=pd.Series(np.sqrt(np.diag(covariance if method == "crr" else naive)), names, dtype=float),
        robust_std_errors=pd.Series(np.sqrt(np.diag(covariance)), names, dtype=float),
        covariance=pd.DataFrame(covariance, names, names),
        naive_covariance=pd.DataFrame(naive, names, names),
        log_likelihood=optimum.log_likelihood,
        null_log_likelihood=optimum.log_likelihood_at_zero,
        cause=causes.labels[code - 1],
        method=method,
        ties="efron" if efron else "breslow",
        n=len(frame),
        n_events=int(rows.own.sum()),
        n_competing=int(rows.competing.sum()),
        iterations=optimum.iterations,
        term_slices=dict(design.term_slices),
        strata=listed,
        stratum_labels=stratum_labels,
        design=design,
        scaling=scaling,
        data=data,
        state=optimum.state,
        last_times=_last_times(stop, stratum, len(stratum_labels)),
    )


def _weighted_rows(x: Floats, rows: _Rows, events_leave: bool, efron: bool) -> SubdistributionData:
    sets: RiskSets = place_rows(rows.begin, rows.stop, rows.own, rows.stratum)
    order, follows = in_sequence(rows.subject, rows.begin)
    first, last = np.ones(rows.stop.size, dtype=bool), np.ones(rows.stop.size, dtype=bool)
    first[order] = ~follows
    last[order[:-1]] = ~follows[1:]
    groups = int(rows.group.max()) + 1
    exit_weight = np.ones(rows.stop.size)
    slot_weights = np.zeros((groups, sets.times.size))
    real = np.isfinite(sets.times)
    for code in range(groups):
        mine = rows.group == code
        staying = censoring_product(
            rows.begin[mine],
            rows.stop[mine],
            (rows.own | rows.competing)[mine],
            first[mine],
            last[mine],
            events_leave,
        )
        slot_weights[code, real] = staying.just_before(sets.times[real])
        exit_weight[mine] = staying.just_before(rows.stop[mine])
    lost = rows.competing & ~(exit_weight > 0.0)
    if lost.any():
        when = rows.stop[lost].max()
        raise FitError(
            f"Up to time {when:g} the probability of being under observation is zero: somewhere before or after, nobody is "
            f"watched, so {int(lost.sum()):,} competing events cannot be weighted. Begin the study later."
        )
    return SubdistributionData(x, sets, rows.competing, rows.group, exit_weight, slot_weights, tie_ranks(sets), efron)


def _refuse_for_crr(
    begin: Floats, start: str | None, subject: str | None, strata: tuple[str, ...], ties: str | None
) -> None:
    refuse_late_entry(begin, start, "method='crr'", "Use method='finegray', which does.")
    if subject is not None:
        raise FitError("method='crr' takes one row per subject and no subject column. Use method='finegray'.")
    if strata:
        raise FitError("method='crr' has one baseline and no strata. Use method='finegray', or censoring_strata.")
    if ties == "efron":
        raise FitError("method='crr' treats ties by Breslow's method only. Use method='finegray' for Efron's.")


def _refuse_gaps(frame: pd.DataFrame, owner: Integers, begin: Floats, stop: Floats, subject: str | None) -> None:
    order, follows = in_sequence(owner, begin)
    apart = np.zeros(owner.size, dtype=bool)
    apart[order[1:]] = follows[1:] & (begin[order][1:] > stop[order][:-1])
    refuse_rows(frame, apart, f"A row begins after a gap in the rows of the same {subject!r}")


def _last_times(stop: Floats, stratum: Integers, strata: int) -> Floats:
    last = np.full(strata, -np.inf)
    np.maximum.at(last, stratum, stop)
    return last
