"""Levels and columns that say the same thing under two names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.sources.contract import AliasedLevel
from whychurn.sources.names import tokens

MOST_LEVELS = 50


def duplicate_columns(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return pairs (later, earlier) of columns that split the rows alike, whatever they call the parts.

    Numbers count as the same only if they are equal in every row.
    """
    seen: dict[bytes, str] = {}
    pairs = []
    for name in columns:
        values = frame[name]
        if values.nunique(dropna=False) < 2:
            continue
        if pd.api.types.is_numeric_dtype(values):
            key = b"number" + values.to_numpy(dtype=float).tobytes()
        else:
            key = b"text" + pd.factorize(values, use_na_sentinel=False)[0].astype(np.int64).tobytes()
        if key in seen:
            pairs.append((name, seen[key]))
        else:
            seen[key] = name
    return tuple(pairs)


@dataclass(frozen=True, slots=True)
class _Level:
    column: str
    level: str
    position: int
    n_levels: int
    extends: str
    count: int


def aliased_levels(
    frame: pd.DataFrame, columns: Sequence[str], references: Mapping[str, str]
) -> tuple[AliasedLevel, ...]:
    """Return levels that hold for exactly the rows of another column's level, and where to merge them.

    "No internet service" in ``online_security`` is ``internet_service = "No"``: the data cannot tell the two
    apart. One column owns the rows (first one with two levels only, then one whose level is not the longer form of
    another of its own levels, then the one declared first); in every other column with three levels or
    more the alias can be merged: into the level whose name it begins with, else the reference, else the most common.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : sequence of str
        Numbers, and categories with more than 50 levels, are passed over.
    references : Mapping of str to str
        Declared reference levels.
    """
    groups: dict[bytes, list[_Level]] = defaultdict(list)
    counts_of: dict[str, dict[str, int]] = {}
    for position, name in enumerate(columns):
        if pd.api.types.is_numeric_dtype(frame[name]):
            continue
        counts = {str(level): int(n) for level, n in frame[name].value_counts().items()}
        if not 2 <= len(counts) <= MOST_LEVELS:
            continue
        counts_of[name] = counts
        for level, count in counts.items():
            rows = np.packbits((frame[name] == level).to_numpy(dtype=bool)).tobytes()
            extends = shorter_form(level, counts)
            groups[rows].append(_Level(name, level, position, len(counts), extends, count))
    found = []
    for group in groups.values():
        if len(group) < 2:
            continue
        owner = min(group, key=lambda one: (one.n_levels > 2, bool(one.extends), not _named(one, group), one.position))
        for one in group:
            if one is not owner and one.n_levels >= 3:
                into = _merge_target(one, counts_of[one.column], references.get(one.column))
                found.append(AliasedLevel(one.column, one.level, into, owner.column, owner.level, one.count))
    order = {name: position for position, name in enumerate(columns)}
    return tuple(sorted(found, key=lambda alias: (order[alias.column], alias.level)))


def shorter_form(level: str, levels: Mapping[str, int]) -> str:
    """Return the longest other level that `level` begins with, as whole words: "No" for "No phone service"."""
    words = tokens(level)
    begins = [
        other for other in levels if other != level and tokens(other) and words[: len(tokens(other))] == tokens(other)
    ]
    return max(begins, key=len, default="")


def _named(one: _Level, group: Sequence[_Level]) -> bool:
    """Whether the other levels' names mention this column."""
    own = set(tokens(one.column))
    return any(own <= set(tokens(other.level)) for other in group if other is not one)


def _merge_target(one: _Level, counts: Mapping[str, int], reference: str | None) -> str:
    if one.extends:
        return one.extends
    if reference is not None and reference != one.level and reference in counts:
        return reference
    return min((level for level in counts if level != one.level), key=lambda level: (-counts[level], level))
