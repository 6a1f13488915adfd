"""Fit a Cox model to coded rows; what cannot be told apart gives way with a note, and a failure is a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from whychurn.analyses.risk_rows import CLUSTER
from whychurn.analyses.rows import Left, ModelRows
from whychurn.errors import FitError, SeparationError, SingularDesignError, UninformativeError
from whychurn.models import fit_cox
from whychurn.models.cox import CoxFit

_ALIASED = "It cannot be told apart from the other causes of this model"
_POOR = "Beside the other causes of this model there is next to nothing to learn it from"
_INFINITE = "Beside the other causes of this model its ratio has no limit"
#: Least information on a level beside the others, below which a standard error would be above one, unless so many left
#: at it: a rare state with a large ratio is seen by its departures.
LEAST, SEEN = 1.0, 5
#: A design that needs more than this many columns to give way is not what the study meant.
_MOST_ALIASES = 12


def fit_rows(rows: ModelRows, own: Sequence[str] = ()) -> tuple[CoxFit | None, str, ModelRows]:
    """Fit the own terms and the coded candidates.

    A candidate's column that repeats others among the rows at risk, or whose coefficient is infinite beside them, gives
    way: a level is counted with the reference, a number leaves the model. Both are noted among what had to leave.

    Returns
    -------
    fit : CoxFit or None
    note : str
        Why there is no fit, or "".
    rows : ModelRows
        As fitted.
    """
    least = LEAST
    for _ in range(_MOST_ALIASES):
        if not (rows.terms or own):
            return None, "No term is left to fit.", rows
        start = "start" if (rows.frame["start"] > 0).any() else None
        cluster = CLUSTER if CLUSTER in rows.frame else None
        try:
            fit = fit_cox(
                rows.frame,
                [*own, *rows.terms],
                time="stop",
                event="event",
                start=start,
                cluster=cluster,
                least_information=least,
            )
            return fit, "", rows
        except SingularDesignError as problem:
            reduced = _without_column(rows, problem.column, _ALIASED)
            if reduced is None:
                return None, f"Not estimated: {_in_words(str(problem), rows)}", rows
            rows = reduced
        except UninformativeError as problem:
            poor = [column for column in problem.columns if _departures_at(rows, column) < SEEN]
            reduced = _without_columns(rows, poor, _POOR)
            # An own term has to be tried even so.
            rows, least = reduced or rows, LEAST if reduced else 0.0
        except SeparationError as problem:
            reduced = _without_columns(rows, problem.columns[:1], _INFINITE)
            if reduced is None:
                return None, f"Not estimated: {_in_words(str(problem), rows)}", rows
            rows = reduced
        except FitError as problem:
            return None, f"Not estimated: {_in_words(str(problem), rows)}", rows
    return None, "Not estimated: too many of its columns repeat each other.", rows


def _departures_at(rows: ModelRows, column: str) -> int:
    """Count the departures at the level that a column of the design stands for; of a number, all."""
    neutral, _, level = column.partition("[T.")
    if neutral not in rows.frame:
        return int(rows.frame["event"].sum())
    at = rows.frame[neutral].astype(str) == level.removesuffix("]") if level else slice(None)
    return int(rows.frame.loc[at, "event"].sum())


def _without_columns(rows: ModelRows, columns: Sequence[str], why: str) -> ModelRows | None:
    """Return the rows without some columns of the design; None if none of them is a candidate's."""
    reduced = None
    for column in columns:
        reduced = _without_column(reduced or rows, column, why) or reduced
    return reduced


def _in_words(text: str, rows: ModelRows) -> str:
    """Return a message with the columns of the study instead of neutral names."""
    # Longest neutral names first, so that v12 is not read as v1 followed by a 2.
    for column, name in sorted(rows.names.items(), key=lambda item: -len(item[1])):
        text = text.replace(name, column.partition("@")[0])
    return text


def _without_column(rows: ModelRows, column: str, why: str) -> ModelRows | None:
    """Return the rows without a column of the design; None if it is no candidate's."""
    found = re.fullmatch(r"(v\d+)(?:\[T\.(.*)\])?", column, flags=re.S)
    owner = next((name for name, neutral in rows.names.items() if found and neutral == found[1]), None)
    if found is None or owner is None:
        return None
    frame, neutral, level = rows.frame.copy(deep=False), found[1], found[2]
    names, references = dict(rows.names), dict(rows.references)
    values = frame[neutral]
    n, events = len(frame), int(frame["event"].sum())
    if level is None or not isinstance(values.dtype, pd.CategoricalDtype):
        names.pop(owner)
        references.pop(owner)
        note = f"Not estimated: {why[0].lower()}{why[1:]}."
        return replace(
            rows, frame=frame, names=names, references=references, left=(*rows.left, Left(owner, "", n, events, note))
        )
    at = values == level
    n, events = int(frame.loc[at, "account_id"].nunique()), int(frame.loc[at, "event"].sum())
    note = f"{why}, and is counted with the reference."
    kept = values.where(~at, references[owner])
    # Not remove_categories, which sorts what is left: the reference must stay first.
    kept = kept.cat.set_categories([each for each in values.cat.categories if each != level])
    frame[neutral] = kept
    if len(kept.cat.categories) < 2:
        names.pop(owner)
        references.pop(owner)
    return replace(
        rows,
        frame=frame,
        names=names,
        references=references,
        left=(*rows.left, Left(owner, str(level), n, events, note)),
    )
