"""Loops of the Cox partial likelihood; see `whychurn.models.cox.likelihood` for the notation."""

from __future__ import annotations

import numpy as np

from whychurn.models.columns import Booleans, Floats, Integers
from whychurn.models.kernels.jit import compiled, compiled_sums

_PIECE = 512


@compiled
def tied_terms(deaths: Integers, s0: Floats, d0: Floats, mean_weight: Floats, efron: bool, out: Floats) -> float:
    """Fill the sums a1, f1, a, b, c of each slot, shape (5, K), and return the weighted sum of logarithms."""
    logs = 0.0
    for k in range(deaths.size):
        d = deaths[k]
        part = 0.0
        for tie in range(d):
            fraction = tie / d if efron else 0.0
            denominator = s0[k] - fraction * d0[k]
            one = 1.0 / denominator
            part += np.log(denominator)
            two = one * one
            out[0, k] += one
            out[1, k] += fraction * one
            out[2, k] += two
            out[3, k] += fraction * two
            out[4, k] += fraction * fraction * two
        if d > 0:
            logs += mean_weight[k] * part
            out[:, k] *= mean_weight[k]
    return logs


@compiled
def linear_predictor(x: Floats, beta: Floats, out: Floats) -> None:
    """Write ``beta x``, shape (m,), of a block of columns, shape (p, m)."""
    p, m = x.shape
    for i in range(m):
        out[i] = beta[0] * x[0, i]
    for j in range(1, p):
        for i in range(m):
            out[i] += beta[j] * x[j, i]


@compiled_sums
def add_row_sums(x: Floats, hazard: Floats, residual: Floats, score: Floats, total: Floats) -> None:
    """Add ``x residual`` to the score, and ``x diag(hazard) x'`` to the lower triangle of the information.

    Parameters
    ----------
    x
        Block of columns, shape (p, m).
    hazard, residual
        Shape (m,).
    """
    p, m = x.shape
    scaled = np.empty(_PIECE)
    # Pieces of all columns stay in the cache; four products at a time share the loads of one column.
    for low in range(0, m, _PIECE):
        high = min(low + _PIECE, m)
        for j in range(p):
            column, weight, rest = x[j, low:high], hazard[low:high], residual[low:high]
            part = 0.0
            for i in range(high - low):
                scaled[i] = weight[i] * column[i]
                part += rest[i] * column[i]
            score[j] += part
            other = 0
            while other + 3 <= j:
                x0, x1, x2, x3 = (
                    x[other, low:high],
                    x[other + 1, low:high],
                    x[other + 2, low:high],
                    x[other + 3, low:high],
                )
                s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
                for i in range(high - low):
                    s0 += scaled[i] * x0[i]
                    s1 += scaled[i] * x1[i]
                    s2 += scaled[i] * x2[i]
                    s3 += scaled[i] * x3[i]
                total[j, other] += s0
                total[j, other + 1] += s1
                total[j, other + 2] += s2
                total[j, other + 3] += s3
                other += 4
            while other <= j:
                x0, s0 = x[other, low:high], 0.0
                for i in range(high - low):
                    s0 += scaled[i] * x0[i]
                total[j, other] += s0
                other += 1


@compiled
def add_moments(
    x: Floats,
    risk: Floats,
    entry: Integers,
    leave: Integers,
    event: Booleans,
    late: bool,
    low: int,
    flow: Floats,
    tied: Floats,
) -> None:
    """Add ``risk x`` of a block of rows to the slots from `low` on at which they leave, enter and have events.

    Parameters
    ----------
    x, risk, entry, leave, event
        Of the block, shapes (p, m) and (m,).
    late
        Whether entries matter.
    flow
        Leaving less entering rows; place j stands for slot ``low + j``, shape (slots + 1, p).
    tied
        Rows with an event at slot ``low + j``, shape (slots, p).
    """
    p, m = x.shape
    slots = tied.shape[0]
    for i in range(m):
        out = leave[i] - low
        if 0 <= out <= slots:
            for j in range(p):
                flow[out, j] += risk[i] * x[j, i]
            if event[i] and out > 0:
                for j in range(p):
                    tied[out - 1, j] += risk[i] * x[j, i]
        if late:
            into = entry[i] - low
            if 0 <= into <= slots:
                for j in range(p):
                    flow[into, j] -= risk[i] * x[j, i]
