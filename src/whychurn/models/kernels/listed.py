"""Loops over rows that list their columns; see `whychurn.models.listed_rows` for the layout.

Each is the twin of a loop over dense blocks in `whychurn.models.kernels.cox`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whychurn.models.columns import Booleans, Floats, Integers
from whychurn.models.kernels.jit import compiled

# Sums over so many rows are kept apart before they are added to the total: fewer digits are lost.
_PIECE = 4096


@compiled
def fill_entries(
    codes: NDArray[np.int16],
    columns: NDArray[np.int32],
    second: Booleans,
    ptr: Integers,
    index: NDArray[np.uint16],
) -> None:
    """Write the columns that each row lists.

    Parameters
    ----------
    codes
        Level of every factor, shape (factors, n).
    columns
        Up to two columns that a level of a factor puts on the list, -1 for none, shape (factors, levels, 2).
    second
        Whether any level of a factor puts two on it, shape (factors,).
    ptr
        Where the entries of each row end, shape (n + 1,).
    index
        Room for the most entries that there may be, and one more.
    """
    factors, n = codes.shape
    place = 0
    ptr[0] = 0
    for i in range(n):
        for f in range(factors):
            code = codes[f, i]
            # Written in any case, and overwritten by the next: that is faster than to ask.
            column = columns[f, code, 0]
            index[place] = column
            place += column >= 0
            if second[f]:
                column = columns[f, code, 1]
                index[place] = column
                place += column >= 0
        ptr[i + 1] = place


@compiled
def listed_predictor(
    index: NDArray[np.uint16],
    ptr: Integers,
    dense: Floats,
    beta: Floats,
    slope: Floats,
    out: Floats,
) -> None:
    """Write the linear predictor of each row, shape (n,): `beta` per entry, shape (p,), `slope` per number."""
    for i in range(out.size):
        total = 0.0
        for a in range(ptr[i], ptr[i + 1]):
            total += beta[index[a]]
        for k in range(slope.size):
            total += slope[k] * dense[i, k]
        out[i] = total


@compiled
def add_listed_sums(
    index: NDArray[np.uint16],
    ptr: Integers,
    dense: Floats,
    hazard: Floats,
    residual: Floats,
    score: Floats,
    total: Floats,
    mixed: Floats,
    squares: Floats,
) -> None:
    """Add up products of entries and numbers over all rows.

    Parameters
    ----------
    hazard, residual
        Shape (n,).
    score
        Sums of the residual by column: entries, then numbers, shape (p + d,).
    total
        Sums of the hazard over rows that list both columns, lower triangle, shape (p, p).
    mixed, squares
        The same for a number and an entry, and for two numbers, shapes (d, p) and (d, d).
    """
    n, d, p = hazard.size, dense.shape[1], total.shape[0]
    part, part_score = np.zeros((p, p)), np.zeros(p + d)
    part_mixed, part_squares = np.zeros((d, p)), np.zeros((d, d))
    for low in range(0, n, _PIECE):
        part[:] = 0.0
        part_score[:] = 0.0
        part_mixed[:] = 0.0
        part_squares[:] = 0.0
        for i in range(low, min(low + _PIECE, n)):
            h, r = hazard[i], residual[i]
            if h == 0.0 and r == 0.0:
                continue
            first, last = ptr[i], ptr[i + 1]
            for a in range(first, last):
                j = index[a]
                part_score[j] += r
                for b in range(first, a + 1):
                    part[j, index[b]] += h
            for k in range(d):
                scaled = h * dense[i, k]
                part_score[p + k] += r * dense[i, k]
                for a in range(first, last):
                    part_mixed[k, index[a]] += scaled
                for other in range(k + 1):
                    part_squares[k, other] += scaled * dense[i, other]
        total += part
        score += part_score
        mixed += part_mixed
        squares += part_squares


@compiled
def add_listed_moments(
    index: NDArray[np.uint16],
    ptr: Integers,
    value: Floats,
    dense: Floats,
    numbers: Integers,
    risk: Floats,
    entry: Integers,
    leave: Integers,
    event: Booleans,
    late: bool,
    low: int,
    flow: Floats,
    tied: Floats,
) -> None:
    """Do what `whychurn.models.kernels.cox.add_moments` does, for rows that list their columns."""
    slots = tied.shape[0]
    for i in range(risk.size):
        out, into = leave[i] - low, entry[i] - low
        if out == into:
            continue
        leaves, enters = 0 <= out <= slots, late and 0 <= into <= slots
        happens = event[i] and 0 < out <= slots
        if not (leaves or enters):
            continue
        r = risk[i]
        for a in range(ptr[i], ptr[i + 1]):
            j = index[a]
            worth = r * value[j]
            if leaves:
                flow[out, j] += worth
            if enters:
                flow[into, j] -= worth
            if happens:
                tied[out - 1, j] += worth
        for k in range(numbers.size):
            j = numbers[k]
            worth = r * dense[i, k]
            if leaves:
                flow[out, j] += worth
            if enters:
                flow[into, j] -= worth
            if happens:
                tied[out - 1, j] += worth


@compiled
def add_listed_scores(
    index: NDArray[np.uint16],
    ptr: Integers,
    value: Floats,
    dense: Floats,
    numbers: Integers,
    risk: Floats,
    hazard: Floats,
    weights: Floats,
    entry: Integers,
    leave: Integers,
    event: Booleans,
    late: bool,
    before: Floats,
    tied_drift: Floats,
    means: Floats,
    clusters: Integers,
    summed: Floats,
) -> None:
    """Add the weighted score residual of each row to its cluster; see `whychurn.models.cox.residuals`.

    Parameters
    ----------
    risk, hazard, weights
        Weighted relative hazard, baseline hazard over the row, case weight, shape (n,).
    before, tied_drift, means
        Per slot, shape (K, p).
    clusters
        Shape (n,).
    summed
        Shape (clusters, p).
    """
    p = summed.shape[1]
    for i in range(risk.size):
        if leave[i] == entry[i]:
            continue
        own, r = summed[clusters[i]], risk[i]
        after = before[leave[i]]
        if late:
            begun = before[entry[i]]
            for j in range(p):
                own[j] += r * (after[j] - begun[j])
        else:
            for j in range(p):
                own[j] += r * after[j]
        factor = -r * hazard[i]
        if event[i]:
            slot, w = leave[i] - 1, weights[i]
            factor += w
            for j in range(p):
                own[j] -= r * tied_drift[slot, j] + w * means[slot, j]
        for a in range(ptr[i], ptr[i + 1]):
            own[index[a]] += factor * value[index[a]]
        for k in range(numbers.size):
            own[numbers[k]] += factor * dense[i, k]
