"""From a panel's rows to the frame a model can take: coded levels, merged and empty levels, missing numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from whychurn.panel import Candidate

UNINFORMATIVE = (
    "At the departures too few customers, or nearly all, were at this level to learn anything from it: it is counted with "
    "the reference."
)
BASE = ("account_id", "spell", "start", "stop", "event", "cause", "amount", "cluster")


@dataclass(frozen=True, slots=True)
class Left:
    """A level (or whole term) that had to leave a model, with what it held."""

    column: str
    level: str
    n_accounts: int
    n_events: int
    note: str


@dataclass(frozen=True, slots=True)
class ModelRows:
    """Rows ready for a fit.

    Attributes
    ----------
    frame : pandas.DataFrame
        :data:`BASE` columns plus one column per term under a neutral name, so that no column name of a
        customer's file ever meets a formula parser. Categories carry their reference first. ``row`` is the place
        of each row among those given.
    names : Mapping of str to str
        Candidate column -> neutral name, in model order.
    references : Mapping of str to str
        Candidate column -> level that the others are compared with in this model.
    left : tuple of Left
        Levels and terms that had to leave, and why.
    n_incomplete : int
        Rows left out because a number is missing.
    """

    frame: pd.DataFrame
    names: Mapping[str, str]
    references: Mapping[str, str]
    left: tuple[Left, ...]
    n_incomplete: int

    @property
    def terms(self) -> list[str]:
        """Neutral names of the terms, in order."""
        return list(self.names.values())

    def levels(self, column: str) -> list[str]:
        """Levels of a category in this model, reference first; empty for a number."""
        values = self.frame[self.names[column]]
        return [str(level) for level in values.cat.categories] if isinstance(values.dtype, pd.CategoricalDtype) else []


def model_rows(
    rows: pd.DataFrame,
    candidates: Sequence[Candidate],
    event: str = "event",
    pooled: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> ModelRows:
    """Code `candidates` on `rows` for a model that holds exactly these terms.

    A level that duplicates another term's level is merged. A level at which nobody left has a coefficient of
    minus infinity; leaving out its rows gives exactly the limit of all other coefficients, so that is what
    happens, and it is said. If that level is the reference, the most common level with events stands in.

    Parameters
    ----------
    rows : pandas.DataFrame
        Panel rows: :data:`BASE` columns and one column per candidate.
    candidates : sequence of Candidate
        The terms.
    event : str
        The 0/1 column that decides which levels are empty.
    pooled : Mapping of str to sequence of str
        By column, levels to be counted with the reference
        (:func:`whychurn.analyses.information.uninformative_levels`).
    """
    columns = [candidate.column for candidate in candidates]
    names = {column: f"v{index}" for index, column in enumerate(columns)}
    frame = rows[[name for name in dict.fromkeys((*BASE, event)) if name in rows]].copy()
    frame["row"] = np.arange(len(rows))
    numbers = [candidate for candidate in candidates if candidate.kind == "number"]
    for candidate in candidates:
        values = rows[candidate.column]
        if candidate.kind == "number":
            frame[names[candidate.column]] = values.astype(float) / candidate.per
        else:
            merges = {merge.level: merge.into for merge in candidate.merged if merge.because_column in columns}
            merges |= {level: candidate.reference for level in pooled.get(candidate.column, ()) if level not in merges}
            frame[names[candidate.column]] = values.replace(merges) if merges else values
    complete = frame[[names[candidate.column] for candidate in numbers]].notna().all(axis=1)
    frame = frame[complete].reset_index(drop=True)
    left = [
        _counted_with_reference(rows, candidate.column, level, event)
        for candidate in candidates
        for level in pooled.get(candidate.column, ())
    ]
    categories = [candidate for candidate in candidates if candidate.kind == "category"]
    frame = _without_empty_levels(frame, categories, names, event, left)
    references: dict[str, str] = {}
    for candidate in candidates:
        reference = _coded(frame, candidate, names, left)
        if reference is None:
            names.pop(candidate.column)
        else:
            references[candidate.column] = reference
    return ModelRows(frame, names, references, tuple(left), int((~complete).sum()))


def _counted_with_reference(rows: pd.DataFrame, column: str, level: str, event: str) -> Left:
    inside = rows[rows[column] == level]
    return Left(column, level, int(inside["account_id"].nunique()), int(inside[event].sum()), UNINFORMATIVE)


def _without_empty_levels(
    frame: pd.DataFrame,
    categories: Sequence[Candidate],
    names: Mapping[str, str],
    event: str,
    left: list[Left],
) -> pd.DataFrame:
    # Dropping rows without events can only lower row counts elsewhere, never event counts: one pass is enough.
    for candidate in categories:
        values = frame[names[candidate.column]]
        empty = sorted(set(values.unique()) - set(values[frame[event] == 1]))
        if not empty:
            continue
        for level in empty:
            n = int(frame.loc[values == level, "account_id"].nunique())
            note = f"Nobody left among its {n:,} customers, so its hazard ratio cannot be estimated (the limit is 0)."
            left.append(Left(candidate.column, str(level), n, 0, note))
        frame = frame[~values.isin(empty)].reset_index(drop=True)
    return frame


def _coded(frame: pd.DataFrame, candidate: Candidate, names: Mapping[str, str], left: list[Left]) -> str | None:
    """Code one term in place; return its reference, or None if nothing varies and the term must leave."""
    name = names[candidate.column]
    if candidate.kind == "number":
        if frame[name].nunique() < 2:
            n = int(frame["account_id"].nunique())
            left.append(Left(candidate.column, "", n, 0, "It does not vary among the rows of this model."))
            return None
        return candidate.reference
    counts = frame[name].value_counts()
    present = [level for level in candidate.levels if level in counts.index]
    if len(present) < 2:
        n = int(frame["account_id"].nunique())
        left.append(Left(candidate.column, "", n, 0, "Only one of its levels is left in this model."))
        return None
    reference = candidate.reference
    if reference not in present:
        reference = max(present, key=lambda level: counts[level])
    frame[name] = pd.Categorical(frame[name], [reference, *[level for level in present if level != reference]])
    return reference
