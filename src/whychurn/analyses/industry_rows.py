"""Segments: causes that stay the same while a customer stays, their levels, and which levels are small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.common import grouped_values
from whychurn.analyses.joined_rows import JoinedRows
from whychurn.analyses.rows import BASE
from whychurn.panel import Candidate

#: A level with fewer customers, or fewer departures, has no ratio of its own.
FEWEST_CUSTOMERS, FEWEST_EVENTS = 20, 5
#: Columns that joined rows always have.
_SPAN = ("account_id", "spell", "start", "stop", "event")
#: The column that comes first, in the data contract's word.
INDUSTRY = "industry"


@dataclass(frozen=True, slots=True)
class Segment:
    """One cause by which customers fall into groups that they never change.

    Attributes
    ----------
    candidate : Candidate
        As models see it: levels with few customers or departures pooled.
    groups : pandas.Series
        Level of each stay as recorded, a number in quartile bands.
    order : tuple of str
        Those levels in the order shown.
    counts : dict of str to (int, int)
        Customers and departures by level as recorded.
    pooled : tuple of str
        Levels that models count together.
    pool : str
        What they are called together, or "".
    few : tuple of str
        Levels as small, left alone: the reference, the declared comparison, or the only one so small.
    """

    candidate: Candidate
    groups: pd.Series
    order: tuple[str, ...]
    counts: dict[str, tuple[int, int]]
    pooled: tuple[str, ...] = ()
    pool: str = ""
    few: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its name on the page."""
        return self.candidate.label

    @property
    def pooled_groups(self) -> pd.Series:
        """Level of each stay, small levels under one name."""
        return self.groups.where(~self.groups.isin(self.pooled), self.pool)


class RiskPieces:
    """Rows at risk, the stays they make up, and the rows joined as far as a model allows.

    Parameters
    ----------
    rows : pandas.DataFrame
        From :func:`whychurn.analyses.risk_rows.risk_rows`.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows.assign(row=np.arange(len(rows)))
        self._joined = JoinedRows(self.rows)
        #: One row per stay, with the values of its last row.
        self.stays = self._joined.on([], [name for name in self.rows.columns if name not in _SPAN])
        last = self.stays["row"].to_numpy()
        self._first = np.concatenate(([0], last[:-1] + 1)) if len(last) else last

    def constant(self, column: str) -> bool:
        """Say whether a column never changes within a stay."""
        return len(self._joined.on([column])) == len(self.stays)

    def by_stay(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum a value of every row over each stay, shape (stays,)."""
        return np.add.reduceat(values, self._first) if len(values) else values

    def joined(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return the rows for a model that reads these columns."""
        return self._joined.on(columns, [name for name in BASE if name in self.rows and name not in _SPAN])


def segments_of(pieces: RiskPieces, spells: pd.DataFrame, candidates: Sequence[Candidate]) -> list[Segment]:
    """Return the ranked causes that never change within a spell, the industry first, then as the study orders them."""
    found = [candidate for candidate in candidates if candidate.role == "cause" and pieces.constant(candidate.column)]
    found.sort(key=lambda candidate: candidate.column != INDUSTRY)
    return [_segment(candidate, spells) for candidate in found]


def _segment(candidate: Candidate, spells: pd.DataFrame) -> Segment:
    groups, order = grouped_values(candidate, spells)
    table = spells.groupby(groups.to_numpy()).agg(n=("account_id", "nunique"), events=("event", "sum"))
    counts = {str(level): (int(row["n"]), int(row["events"])) for level, row in table.iterrows()}
    small = tuple(level for level in order if is_small(*counts[level]))
    if candidate.kind != "category":
        return Segment(candidate, groups, tuple(order), counts, few=small)
    kept = {candidate.reference, candidate.compare}
    pooled = tuple(level for level in small if level not in kept)
    if len(pooled) < 2:
        return Segment(candidate, groups, tuple(order), counts, few=small)
    pool = f"{len(pooled)} small groups together"
    levels = (*[level for level in candidate.levels if level not in pooled], pool)
    reduced = replace(candidate, levels=levels, merged=tuple(m for m in candidate.merged if m.level not in pooled))
    few = tuple(level for level in small if level not in pooled)
    return Segment(reduced, groups, tuple(order), counts, pooled, pool, few)


def is_small(n_accounts: int, n_events: int) -> bool:
    """Say whether a level has too few customers or departures for a ratio of its own."""
    return n_accounts < FEWEST_CUSTOMERS or n_events < FEWEST_EVENTS


def smallness(level: str, segment: Segment) -> str:
    """Return what a reader must know of a small level, or ""."""
    if level not in segment.pooled and level not in segment.few:
        return ""
    n, events = segment.counts[level]
    why = f"Small: {events:,} of {n:,} customers left."
    return f"{why} Models count it among the {segment.pool}." if level in segment.pooled else why


def pooled_rows(rows: pd.DataFrame, segments: Sequence[Segment]) -> pd.DataFrame:
    """Return rows with the small levels of every segment under one name."""
    new: dict[str, Any] = {}
    for segment in segments:
        if segment.pooled and segment.candidate.column in rows:
            column = rows[segment.candidate.column]
            new[segment.candidate.column] = column.where(~column.isin(segment.pooled), segment.pool)
    return rows.assign(**new)
