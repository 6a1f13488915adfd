"""Centre and scale the design, and carry coefficients back to the units of the caller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Floats


@dataclass(frozen=True, slots=True)
class Scaling:
    """Weighted means and spreads of the columns, shape (p,) each. Constant columns have spread one."""

    centre: Floats
    spread: Floats


def standardise(x: Floats, weights: Floats, overwrite: bool = False) -> tuple[Scaling, Floats]:
    """Return the scaling and the standardised design, shape (n, p).

    A Cox model does not see shifts, and the information then needs no subtraction of large, nearly equal
    numbers (calendar years, money).

    Parameters
    ----------
    x, weights
        Design, shape (n, p), and case weights, shape (n,).
    overwrite
        Whether the memory of `x` may be used for the result: no second design is then built.
    """
    total = weights.sum()
    centre = weights @ x / total
    largest = np.maximum(x.max(axis=0, initial=0.0), -x.min(axis=0, initial=0.0))
    moved = np.subtract(x, centre, out=x if overwrite else None)
    spread = np.sqrt(np.einsum("i,ij,ij->j", weights, moved, moved) / total)
    # A column that varies by rounding only is constant.
    spread = np.where(spread > 1e-12 * largest, spread, 0.0)
    moved[:, spread == 0.0] = 0.0
    spread = np.where(spread > 0.0, spread, 1.0)
    moved /= spread
    return Scaling(centre, spread), moved


def weighted_cross_product(x: Floats, weights: Floats) -> Floats:
    """Return ``X' diag(weights) X``, shape (p, p), in blocks of rows so that no second X is built."""
    rows, columns = x.shape
    step = max(1, (1 << 17) // max(columns, 1))
    total = np.zeros((columns, columns))
    for low in range(0, rows, step):
        block = x[low : low + step]
        total += block.T @ (weights[low : low + step, None] * block)
    return total
