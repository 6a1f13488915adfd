"""From a panel's rows to the frame a model can take: coded levels, merged and empty levels, missing numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.coded import Booleans, Coded, Places
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


def with_categories(rows: pd.DataFrame, candidates: Sequence[Candidate]) -> pd.DataFrame:
    """Return rows with the levels of candidates as categories, in the candidate's order, so that no text is compared."""
    texts = {
        candidate.column: _in_order(Coded.of(rows[candidate.column]), candidate).values()
        for candidate in candidates
        if candidate.kind == "category" and candidate.column in rows
        if not isinstance(rows[candidate.column].dtype, pd.CategoricalDtype)
    }
    return with_columns(rows, texts) if texts else rows


def with_columns(rows: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return rows with columns added or replaced; all others are shared with those given, and nobody writes into them."""
    out = rows.copy(deep=False)
    for name, values in columns.items():
        out[name] = values
    return out


def _in_order(coded: Coded, candidate: Candidate) -> Coded:
    return coded.ordered([*candidate.levels, *(level for level in coded.levels if level not in candidate.levels)])


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
    numbers = {
        candidate.column: rows[candidate.column].to_numpy(dtype=float, na_value=np.nan) / candidate.per
        for candidate in candidates
        if candidate.kind == "number"
    }
    kept = np.ones(len(rows), dtype=bool)
    for values in numbers.values():
        kept &= ~np.isnan(values)
    n_incomplete = int((~kept).sum())
    happened = np.flatnonzero(rows[event].to_numpy() == 1)
    left: list[Left] = []
    categories: dict[str, Coded] = {}
    for candidate in candidates:
        if candidate.kind == "category":
            coded = Coded.of(rows[candidate.column])
            also = pooled.get(candidate.column, ())
            left += [_counted_with_reference(rows, coded, candidate.column, level, happened) for level in also]
            merges = {merge.level: merge.into for merge in candidate.merged if merge.because_column in columns}
            merges |= {level: candidate.reference for level in also if level not in merges}
            categories[candidate.column] = coded.merged(merges) if merges else coded
    # Dropping rows without events can only lower row counts elsewhere, never event counts: one pass is enough.
    for column, coded in categories.items():
        kept = _without_empty_levels(rows, coded, column, kept, happened, left)
    place = np.flatnonzero(kept)
    made: dict[str, Any] = {}
    references: dict[str, str] = {}
    found: tuple[str, Any] | None
    n_accounts = _once(lambda: int(pd.unique(rows["account_id"].to_numpy()[place]).size))
    for candidate in candidates:
        column = candidate.column
        if candidate.kind == "number":
            values = numbers[column] if kept.all() else numbers[column][place]
            found = None if len(values) < 2 or values.min() == values.max() else (candidate.reference, values)
            why = "It does not vary among the rows of this model."
        else:
            found = _category(categories[column], candidate, place if len(place) < len(rows) else None)
            why = "Only one of its levels is left in this model."
        if found is None:
            left.append(Left(column, "", n_accounts(), 0, why))
            names.pop(column)
        else:
            references[column], made[names[column]] = found
    frame = rows[[name for name in dict.fromkeys((*BASE, event)) if name in rows]]
    frame = frame.iloc[place] if len(place) < len(rows) else frame.copy(deep=False)
    frame.index = pd.RangeIndex(len(place))
    for name, values in ({"row": place} | made).items():
        frame[name] = values
    return ModelRows(frame, names, references, tuple(left), n_incomplete)


def _once(count: Callable[[], int]) -> Callable[[], int]:
    return functools.cache(count)


def _counted_with_reference(rows: pd.DataFrame, coded: Coded, column: str, level: str, happened: Places) -> Left:
    inside = coded.at(level)
    n = int(pd.unique(rows["account_id"].to_numpy()[inside]).size)
    return Left(column, level, n, int(np.count_nonzero(inside[happened])), UNINFORMATIVE)


def _without_empty_levels(
    rows: pd.DataFrame, coded: Coded, column: str, kept: Booleans, happened: Places, left: list[Left]
) -> Booleans:
    """Return the rows to keep: none at a level at which nobody left."""
    everyone, leavers = coded.counts(kept), coded.counts(happened[kept[happened]])
    empty = np.flatnonzero((everyone > 0) & (leavers == 0))
    if not empty.size:
        return kept
    for code in sorted(empty, key=lambda code: coded.levels[code]):
        inside = kept & (coded.codes == code)
        n = int(pd.unique(rows["account_id"].to_numpy()[inside]).size)
        note = f"Nobody left among its {n:,} customers, so its hazard ratio cannot be estimated (the limit is 0)."
        left.append(Left(column, str(coded.levels[code]), n, 0, note))
    return kept & ~np.isin(coded.codes, empty)


def _category(coded: Coded, candidate: Candidate, place: Places | None) -> tuple[str, pd.Categorical] | None:
    """Return one category's reference in this model and its values, or None if nothing varies and it must leave."""
    coded = coded if place is None else Coded(coded.codes[place], coded.levels)
    counts = dict(zip(coded.levels, coded.counts(), strict=True))
    present = [level for level in candidate.levels if counts.get(level, 0)]
    if len(present) < 2:
        return None
    reference = candidate.reference
    if reference not in present:
        reference = max(present, key=lambda level: counts[level])
    levels = [reference, *[level for level in present if level != reference]]
    return reference, coded.ordered(levels).values()
