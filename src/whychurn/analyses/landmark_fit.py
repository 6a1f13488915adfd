"""A logistic model of who leaves within the horizon: what cannot be told apart gives way, separation meets a penalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from whychurn.analyses.churn_within import FEWEST_EVENTS
from whychurn.analyses.landmark_coding import coded_like
from whychurn.analyses.risk_rows import CLUSTER
from whychurn.analyses.rows import Left, ModelRows, model_rows
from whychurn.errors import FitError, SeparationError, SingularDesignError
from whychurn.models import FirthFit, LogisticFit, fit_firth, fit_logistic
from whychurn.panel import Candidate

#: With fewer accounts, errors that keep accounts together are too small.
FEWEST_CLUSTERS = 40
#: Firth's penalty is used up to so many rows and coefficients: beyond, the profile of each takes minutes, and what
#: separates gives way instead.
MOST_FIRTH_ROWS, MOST_FIRTH_COLUMNS = 2_000, 12
#: A design that needs more columns to give way is not what the study meant.
_MOST_ALIASES = 12
_ALIASED = "It cannot be told apart from the other causes of this model"
_INFINITE = "Beside the other causes of this model its odds ratio has no limit"
PENALISED = (
    "Some combination of levels holds leavers only, or none: Firth's penalised likelihood keeps the odds ratios finite. "
    "Its intervals do not keep the rows of one account together."
)


@dataclass(frozen=True, slots=True)
class LandmarkFit:
    """A model of customers at landmarks, or why there is none.

    Attributes
    ----------
    fit : LogisticFit, FirthFit or None
    rows : ModelRows
        As fitted; what had to give way is among ``rows.left``.
    terms : tuple of Candidate
        All that were asked for.
    note : str
        Why there is no fit, or what to mind about it.
    """

    fit: LogisticFit | FirthFit | None
    rows: ModelRows
    terms: tuple[Candidate, ...]
    note: str

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the risk of leaving within the horizon, shape (n,); NaN where a number is missing."""
        assert self.fit is not None
        coded = coded_like(frame, self.terms, self.rows)
        complete = coded.notna().all(axis=1).to_numpy()
        risk = np.full(len(frame), np.nan)
        risk[complete] = self.fit.predict(coded[complete]).to_numpy()
        return risk


def fit_landmarks(frame: pd.DataFrame, terms: Sequence[Candidate]) -> LandmarkFit:
    """Fit leaving within the horizon on customers at landmarks, errors keeping the rows of one account together.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``account_id``, ``event`` (0 or 1), ``cluster``, and the terms.
    terms : sequence of Candidate
    """
    rows = model_rows(frame, terms)
    asked = tuple(terms)
    events, clusters = int(rows.frame["event"].sum()), int(rows.frame[CLUSTER].nunique())
    if events < FEWEST_EVENTS:
        return LandmarkFit(None, rows, asked, f"Only {events:,} customers left in time: too few for a regression.")
    few = f"Only {clusters:,} accounts: the intervals are too narrow." if clusters < FEWEST_CLUSTERS else ""
    penalised = False
    for _ in range(_MOST_ALIASES):
        if not rows.terms:
            return LandmarkFit(None, rows, asked, "No cause is left to fit.")
        try:
            if penalised:
                return LandmarkFit(
                    fit_firth(rows.frame, rows.terms, "event"), rows, asked, f"{PENALISED} {few}".strip()
                )
            fit = fit_logistic(rows.frame, rows.terms, "event", covariance="cluster", cluster=CLUSTER)
            return LandmarkFit(fit, rows, asked, few)
        except SingularDesignError as problem:
            reduced, failure = _without(rows, problem.column, _ALIASED), str(problem)
        except SeparationError as problem:
            penalised = len(rows.frame) <= MOST_FIRTH_ROWS and _n_columns(rows) <= MOST_FIRTH_COLUMNS
            column = problem.columns[0] if problem.columns else ""
            reduced, failure = (rows if penalised else _without(rows, column, _INFINITE)), str(problem)
        except FitError as problem:
            reduced, failure = None, str(problem)
        if reduced is None:
            return LandmarkFit(None, rows, asked, f"Not estimated: {_in_words(failure, rows)}")
        rows = reduced
    return LandmarkFit(None, rows, asked, "Not estimated: too many of its columns repeat each other.")


def _n_columns(rows: ModelRows) -> int:
    return sum(max(1, len(rows.levels(column)) - 1) for column in rows.names)


def _without(rows: ModelRows, column: str, why: str) -> ModelRows | None:
    """Return the rows without a column of the design: a level joins the reference, a number leaves; None if it is no term's."""
    neutral, _, rest = column.partition("[T.")
    owner = next((name for name, own in rows.names.items() if own == neutral), None)
    if owner is None:
        return None
    frame, names, references = rows.frame.copy(deep=False), dict(rows.names), dict(rows.references)
    level = rest.removesuffix("]")
    kept = None
    at = np.ones(len(frame), dtype=bool)
    if level:
        at = (frame[neutral] == level).to_numpy()
        # Categories keep their order, the reference first.
        left = [own for own in frame[neutral].cat.categories if own != level]
        kept = frame[neutral].where(~at, references[owner]).cat.set_categories(left)
        frame[neutral] = kept
    if kept is None or len(kept.cat.categories) < 2:
        names.pop(owner)
        references.pop(owner)
    n, events = int(frame.loc[at, "account_id"].nunique()), int(frame.loc[at, "event"].sum())
    note = f"{why}, and is counted with the reference." if level else f"{why}."
    return replace(
        rows, frame=frame, names=names, references=references, left=(*rows.left, Left(owner, level, n, events, note))
    )


def _in_words(text: str, rows: ModelRows) -> str:
    """Return a message with the columns of the study instead of neutral names."""
    for column, name in sorted(rows.names.items(), key=lambda item: -len(item[1])):
        text = text.replace(name, column)
    return text
