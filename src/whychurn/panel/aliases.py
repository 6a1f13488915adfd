"""Levels of different causes that hold on the same rows: two names for one thing, found before any fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.panel.candidates import Candidate, MergedLevel

#: Two levels are one if so large a share of the rows that have either have both.
SAME = 0.99
#: Rows that levels are compared on, evenly spread, and fewest of them that say anything.
MOST_ROWS, FEWEST_ROWS = 400_000, 20

Codes = NDArray[np.int16]


@dataclass(frozen=True)
class LevelCodes:
    """The levels of a category on rows that are compared.

    Attributes
    ----------
    levels : tuple of str
    codes : numpy.ndarray
        Place of each row's level among them, shape (n,).
    """

    levels: tuple[str, ...]
    codes: Codes

    @classmethod
    def of(cls, values: pd.Series) -> LevelCodes:
        """Read the levels of every so-many-th row."""
        step = -(-len(values) // MOST_ROWS) or 1
        codes, levels = pd.factorize(values.iloc[::step])
        return cls(tuple(str(level) for level in levels), codes.astype(np.int16))

    def same_as(self, other: LevelCodes) -> dict[str, str]:
        """Return, for each level that holds on nearly the same rows as a level of another cause, that level."""
        if not self._may_share_rows_with(other):
            return {}
        shape = (len(self.levels), len(other.levels))
        joint = self.codes.astype(np.int64) * shape[1] + other.codes
        both = np.bincount(joint, minlength=shape[0] * shape[1]).reshape(shape)
        either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
        found = np.argwhere((both >= FEWEST_ROWS) & (both >= SAME * either))
        return {self.levels[own]: other.levels[theirs] for own, theirs in found}

    def _may_share_rows_with(self, other: LevelCodes) -> bool:
        """Tell from the numbers of their rows alone whether any two levels could be one."""
        mine, theirs = self.counts[:, None], other.counts[None, :]
        fewer, more = np.minimum(mine, theirs), np.maximum(mine, theirs)
        return bool(((fewer >= FEWEST_ROWS) & (fewer >= SAME * more)).any())

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many rows each level has, shape (levels,)."""
        return np.bincount(self.codes, minlength=len(self.levels))


def with_aliases(candidates: Sequence[Candidate], codes: Mapping[str, LevelCodes]) -> list[Candidate]:
    """Note levels that repeat a level of another cause, and leave out causes that repeat another level by level.

    Of two equal levels the one that stands for a missing value is merged into its cause's reference where both causes
    stand in one model; else the one declared later.
    """
    used = [candidate for candidate in candidates if candidate.used and candidate.kind == "category"]
    twins = {
        (one.column, other.column): codes[one.column].same_as(codes[other.column])
        for one in used
        for other in used
        if one.column != other.column
    }
    order = {candidate.column: place for place, candidate in enumerate(candidates)}
    repeated = {
        later.column: earlier.label
        for later in used
        for earlier in used
        if order[earlier.column] < order[later.column]
        and len(twins[later.column, earlier.column]) == len(codes[later.column].levels)
    }
    out: list[Candidate] = []
    for candidate in candidates:
        if candidate.column in repeated:
            reason = f"it repeats {repeated[candidate.column]} level by level"
            out.append(replace(candidate, used=False, reason=reason))
            continue
        merged: dict[str, MergedLevel] = {}
        for other in used if candidate in used else ():
            if other.column == candidate.column or other.column in repeated:
                continue
            for level, twin in twins[candidate.column, other.column].items():
                later = order[candidate.column] > order[other.column]
                if level != candidate.reference and _gives_way(candidate, level, other, twin, later):
                    merged.setdefault(level, MergedLevel(level, candidate.reference, other.column, twin))
        out.append(replace(candidate, merged=(*candidate.merged, *merged.values())))
    return out


def _gives_way(candidate: Candidate, level: str, other: Candidate, twin: str, later: bool) -> bool:
    missing, theirs = level == candidate.missing_level, twin == other.missing_level
    if missing != theirs:
        return missing
    return twin == other.reference or later
