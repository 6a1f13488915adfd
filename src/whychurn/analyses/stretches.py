"""Stretches of a spell over which nothing that a model reads changes: the same likelihood from fewer rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def stretches_of(
    spell: Array, start: Array, stop: Array, event: Array, keys: Sequence[Array]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last row of each stretch of a spell over which nothing changes.

    Splitting a row at risk in two changes no partial likelihood, and neither does joining two: a fit on the stretches
    is the fit on the rows. Weekly rows of causes that rarely change are few stretches.

    Parameters
    ----------
    spell : array, shape (n,)
        Whose row it is; rows of a spell lie together, in order of time.
    start, stop, event : arrays, shape (n,)
    keys : sequence of arrays, shape (n,) each
        What must not change within a stretch.

    Returns
    -------
    first, last : arrays of int, shape (m,)
        A stretch covers ``(start[first], stop[last]]`` and ends in the event of its last row.
    """
    if not len(spell):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    goes_on = (spell[1:] == spell[:-1]) & (start[1:] == stop[:-1]) & (event[:-1] == 0)
    for key in keys:
        goes_on &= np.asarray(key[1:] == key[:-1], dtype=bool)
    first = np.flatnonzero(np.concatenate(([True], ~goes_on)))
    return first, np.append(first[1:], len(spell)) - 1


def in_a_risk_set(start: Array, stop: Array, event: Array) -> NDArray[np.bool_]:
    """Return which rows are at risk when anybody leaves; the others enter no partial likelihood."""
    times = np.unique(stop[event == 1])
    return np.asarray(np.searchsorted(times, stop, "right") > np.searchsorted(times, start, "right"))
