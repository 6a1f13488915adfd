"""Merge rows that no likelihood can tell apart: same covariates, same interval, same outcome.

Designs of a few factors over monthly data have far fewer kinds of rows than rows. A fit on one row per kind,
weighted by how many there are, is the same fit: not an approximation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whychurn.models.columns import Integers, tally
from whychurn.models.distinct import distinct_codes

# Merging pays where kinds are at most a quarter of the rows; a sample of rows tells.
_WORTHWHILE = 4
_SAMPLE = 20_000
_TABLE = 1 << 24
# A numeric covariate with more distinct values than this is continuous.
_MOST_VALUES = 1_000


@dataclass(frozen=True, slots=True)
class MergedRows:
    """Which rows are equal; n rows of m kinds.

    Attributes
    ----------
    first
        One row of each kind, shape (m,).
    kind
        Kind of each row, shape (n,).
    counts
        Rows of each kind, shape (m,).
    """

    first: Integers
    kind: Integers
    counts: Integers


def merge_equal_rows(keys: Iterable[NDArray[Any]], rows: int) -> MergedRows | None:
    """Find equal rows, or return None where merging would not pay.

    Parameters
    ----------
    keys
        Columns of codes 0, 1, ..., shape (rows,) each; two rows are equal if they agree in all of them. Read
        one at a time, so they may be made on the fly.
    rows
        Number of rows n.
    """
    sample = sampled(rows)
    joint = np.zeros(rows, dtype=np.int64)
    span = 1
    for key in keys:
        levels = int(key.max(initial=0)) + 1
        if span > (1 << 62) // levels:
            return None
        span *= levels
        joint *= levels
        joint += key
        if _kinds_at_least(joint[sample]) * _WORTHWHILE > rows:
            return None
    if span <= _TABLE:
        present = np.bincount(joint, minlength=span)
        used = np.flatnonzero(present)
        place = np.zeros(span, dtype=np.int64)
        place[used] = np.arange(used.size)
        kind = place[joint]
        first = np.empty(used.size, dtype=np.int64)
        # Written from the last row to the first, so that the first stays.
        first[kind[::-1]] = np.arange(rows - 1, -1, -1)
        return MergedRows(first, kind, present[used])
    _, first, kind, counts = np.unique(joint, return_index=True, return_inverse=True, return_counts=True)
    return MergedRows(first, kind, counts) if first.size * _WORTHWHILE <= rows else None


def equal_often(keys: Iterable[NDArray[Any]], rows: int) -> bool:
    """Tell from sampled rows whether merging may pay; keys that are left out, or collide, only let it seem so.

    Parameters
    ----------
    keys
        Whole numbers of the rows `sampled`, shape (sampled,) each.
    rows
        Number of all rows.
    """
    joint = np.zeros(1, dtype=np.uint64)
    for key in keys:
        joint = joint * np.uint64(0x9E3779B97F4A7C15) + key.astype(np.uint64)
    return _kinds_at_least(joint) * _WORTHWHILE <= rows


def looks_discrete(values: NDArray[Any]) -> bool:
    """Tell from a sample whether a column may have few distinct values."""
    return bool(np.unique(values[sampled(values.size)[: 2 * _MOST_VALUES]]).size <= _MOST_VALUES)


def few_values(values: NDArray[Any]) -> Integers | None:
    """Return the codes of a column with few distinct values, shape (n,); None for a continuous one."""
    distinct, codes = distinct_codes(values.astype(np.float64, copy=False))
    return codes if distinct.size <= _MOST_VALUES else None


def merged_sum(merged: MergedRows, values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sum of `values`, shape (n,), over the rows of each kind, shape (m,)."""
    return tally(merged.kind, values, merged.first.size)


def sampled(rows: int) -> Integers:
    """Return row numbers spread over the frame by the golden ratio, so that no period of the rows is met."""
    count = min(rows, _SAMPLE)
    return ((np.arange(count, dtype=np.uint64) * np.uint64(11400714819323198485)) >> np.uint64(11)).astype(
        np.int64
    ) % max(rows, 1)


def _kinds_at_least(joint: NDArray[Any]) -> float:
    """Estimate the number of kinds from how rarely two sampled rows agree (as birthdays do), at least those seen."""
    _, counts = np.unique(joint, return_counts=True)
    pairs = float((counts * (counts - 1.0)).sum()) / 2.0
    m = float(joint.size)
    return max(float(counts.size), m * (m - 1.0) / 2.0 / max(pairs, 0.5)) if m > 1 else m
