"""Number the distinct values of a column: where times are whole numbers this needs no sort."""

from __future__ import annotations

import numpy as np

from whychurn.models.columns import Floats, Integers

# Whole numbers that span less than this many times the rows are counted instead of sorted.
_SPAN_PER_ROW = 4
_SPAN_FREE = 1 << 16
# Above this, neighbouring floats are more than one apart.
_LARGEST = 1 << 53


def distinct_codes(values: Floats) -> tuple[Floats, Integers]:
    """Return the sorted distinct values, shape (D,), and the place of each value among them, shape (n,).

    Equal to ``np.unique(values, return_inverse=True)``, in linear time for whole numbers of modest span
    (days, months). Values must be finite.
    """
    whole = _whole_numbers(values)
    if whole is None:
        distinct, codes = np.unique(values, return_inverse=True)
        return distinct, codes.astype(np.int64, copy=False)
    low = int(whole.min())
    present = np.zeros(int(whole.max()) - low + 1, dtype=bool)
    present[whole - low] = True
    places = np.cumsum(present) - 1
    return (np.flatnonzero(present) + low).astype(np.float64), places[whole - low]


def _whole_numbers(values: Floats) -> Integers | None:
    """Return the values as integers if they are whole and close enough together to be counted."""
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    if not high - low < max(_SPAN_FREE, _SPAN_PER_ROW * values.size) or abs(low) > _LARGEST or abs(high) > _LARGEST:
        return None
    whole = values.astype(np.int64)
    return whole if np.array_equal(whole, values) else None


def places_among(distinct: Floats, values: Floats) -> Integers:
    """Return how many of the sorted `distinct` numbers are at or below each value, shape (n,).

    Equal to ``np.searchsorted(distinct, values, side="right")``; a table look-up where all are whole numbers.
    """
    if distinct.size and values.size > distinct.size:
        low, high = int(max(distinct[0], -_LARGEST)), int(min(distinct[-1], _LARGEST))
        span = high - low + 1
        if span < max(_SPAN_FREE, _SPAN_PER_ROW * values.size) and _all_whole(distinct):
            table = np.zeros(span + 1, dtype=np.int64)
            table[distinct.astype(np.int64) - low + 1] = 1
            np.cumsum(table, out=table)
            # Between whole numbers, the count is that of the whole number below.
            place = np.floor(np.clip(values, low - 1.0, high)).astype(np.int64)
            place -= low - 1
            return table[place]
    return np.searchsorted(distinct, values, side="right").astype(np.int64, copy=False)


def _all_whole(values: Floats) -> bool:
    return bool(np.array_equal(np.floor(values), values))
