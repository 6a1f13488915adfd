"""Levels of different causes that hold on the very same rows: two names for one thing, found before any fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.panel.candidates import Candidate, MergedLevel


@dataclass(frozen=True, slots=True)
class LevelMarks:
    """A mark for each level of a category, equal for two levels (of any causes) if and only if their rows are.

    Attributes
    ----------
    marks : Mapping of str to (int, float)
        Level -> its number of rows, and the sum over them of random weights that belong to the rows.
    """

    marks: Mapping[str, tuple[int, float]]

    @classmethod
    def of(cls, values: pd.Series, weights: NDArray[np.float64]) -> LevelMarks:
        """Mark the levels of a category.

        Parameters
        ----------
        values : pandas.Series
            Its level on each row, n rows.
        weights : numpy.ndarray
            Of the rows, shape (n,); the same for all causes.
        """
        codes, levels = pd.factorize(values)
        counts = np.bincount(codes, minlength=len(levels))
        sums = np.bincount(codes, weights=weights, minlength=len(levels))
        return cls({str(level): (int(n), float(s)) for level, n, s in zip(levels, counts, sums, strict=True)})

    def twin_of(self, mark: tuple[int, float]) -> str:
        """Return the level that has the same rows as the mark; "" if none has."""
        same = (level for level, (n, s) in self.marks.items() if n == mark[0] and abs(s - mark[1]) <= 1e-9 * max(n, 1))
        return next(same, "")


def row_weights(n: int) -> NDArray[np.float64]:
    """Return the random weights of n rows: two different sets of rows do not have the same sum of them."""
    return np.random.default_rng(20260101).random(n)


def with_aliases(candidates: Sequence[Candidate], marks: Mapping[str, LevelMarks]) -> list[Candidate]:
    """Note levels that repeat a level of another cause, and leave out causes that repeat another level by level.

    Of two equal levels the one that stands for a missing value is merged into its cause's reference where both causes
    stand in one model; else the one declared later.
    """
    out: list[Candidate] = []
    for place, candidate in enumerate(candidates):
        others = [other for other in candidates if other.column != candidate.column and _category(other)]
        if not _category(candidate):
            out.append(candidate)
            continue
        repeated = next((o.label for o in others[:place] if _repeats(candidate, o, marks)), "")
        if repeated and candidate.column not in [c.column for c in out if not c.used]:
            out.append(replace(candidate, used=False, reason=f"it repeats {repeated} level by level"))
            continue
        merged = []
        for level in candidate.levels[1:]:
            for other in others:
                twin = marks[other.column].twin_of(marks[candidate.column].marks[level])
                if twin and _gives_way(candidate, level, other, twin, candidates):
                    merged.append(MergedLevel(level, candidate.reference, other.column, twin))
                    break
        out.append(replace(candidate, merged=(*candidate.merged, *merged)))
    return out


def _category(candidate: Candidate) -> bool:
    return candidate.used and candidate.kind == "category"


def _repeats(candidate: Candidate, other: Candidate, marks: Mapping[str, LevelMarks]) -> bool:
    own, theirs = marks[candidate.column], marks[other.column]
    return len(own.marks) == len(theirs.marks) and all(theirs.twin_of(mark) for mark in own.marks.values())


def _gives_way(candidate: Candidate, level: str, other: Candidate, twin: str, candidates: Sequence[Candidate]) -> bool:
    missing = (level == candidate.missing_level, twin == other.missing_level)
    if missing[0] != missing[1]:
        return missing[0]
    if twin == other.reference:
        return True
    order = [each.column for each in candidates]
    return order.index(candidate.column) > order.index(other.column)
