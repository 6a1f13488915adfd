"""Loops of the Cox partial likelihood; see `whychurn.models.cox.likelihood` for the notation."""

from __future__ import annotations

import numpy as np

from whychurn.models.columns import Booleans, Floats, Integers
from whychurn.models.kernels.jit import compiled, compiled_sums


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
    scaled = np.empty(m)
    for j in range(p):
        part = 0.0
        for i in range(m):
            scaled[i] = hazard[i] * x[j, i]
            part += residual[i] * x[j, i]
        score[j] += part
        for other in range(j + 1):
            product = 0.0
            for i in range(m):
                product += scaled[i] * x[other, i]
            total[j, other] += product


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
