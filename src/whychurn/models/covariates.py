"""Standardised covariates, handed out block by block so that a large design never exists as one matrix.

A design of plain columns stays where it is: numeric columns are read in place from the caller's frame, the
columns of a factor are its codes. Each pass over the data standardises one block of rows at a time in a buffer
that fits the processor's cache. Any other design (splines, interactions) is one matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from whychurn.models.columns import Floats, Integers
from whychurn.models.kernels import COMPILED_FROM
from whychurn.models.standardise import Scaling, standardise

_BLOCK_NUMBERS = 1 << 15  # 256 kB of float64
_BLOCK_ROWS = 1 << 11  # but not fewer rows than this
# A column that varies by rounding only is constant.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a factor: the column that is one where `codes`, shape (n,), equal `level`."""

    codes: NDArray[Any]
    level: int


Column: TypeAlias = NDArray[Any] | Level


@dataclass(frozen=True, slots=True)
class Covariates:
    """n rows of p standardised columns.

    Attributes
    ----------
    shape
        (n, p).
    columns
        Raw columns, p of them; empty where `matrix` holds the design.
    centre, scale
        A standardised value is ``(raw - centre) * scale``; shape (p,). A constant column has scale zero.
    matrix
        The standardised design, shape (n, p), where it exists as such.
    """

    shape: tuple[int, int]
    columns: tuple[Column, ...]
    centre: Floats
    scale: Floats
    matrix: Floats | None

    def blocks(self) -> Iterator[tuple[int, int, Floats]]:
        """Yield ``(low, high, block)``: the standardised rows low..high column by column, shape (p, high - low).

        The block is overwritten by the next.
        """
        n, p = self.shape
        # An odd multiple of a cache line, so that the columns of a block do not compete for the same cache sets.
        step = max(_BLOCK_NUMBERS // max(p, 1), _BLOCK_ROWS) // 16 * 16 + 8
        buffer = np.empty((p, min(step, n)))
        for low in range(0, n, step):
            high = min(low + step, n)
            block = buffer if high - low == buffer.shape[1] else np.empty((p, high - low))
            if self.matrix is None:
                self._fill(slice(low, high), block)
            else:
                block[...] = self.matrix[low:high].T
            yield low, high, block

    def dense(self) -> Floats:
        """Return the whole standardised design, shape (n, p)."""
        return self.take(slice(None))

    def take(self, rows: Integers | slice) -> Floats:
        """Return the standardised rows asked for, shape (m, p)."""
        if self.matrix is not None:
            return self.matrix[rows]
        m = len(range(*rows.indices(self.shape[0]))) if isinstance(rows, slice) else rows.size
        by_column = np.empty((self.shape[1], m))
        self._fill(rows, by_column)
        return np.ascontiguousarray(by_column.T)

    def product(self, beta: Floats) -> Floats:
        """Return the linear predictor of every row, shape (n,)."""
        if not beta.any():
            return np.zeros(self.shape[0])
        if self.shape[0] < COMPILED_FROM:
            return self.dense() @ beta
        from whychurn.models.kernels.cox import linear_predictor

        out = np.empty(self.shape[0])
        for low, high, block in self.blocks():
            linear_predictor(block, beta, out[low:high])
        return out

    def _fill(self, rows: Integers | slice, by_column: Floats) -> None:
        for place, column in enumerate(self.columns):
            raw = column.codes[rows] == column.level if isinstance(column, Level) else column[rows]
            out = by_column[place]
            np.subtract(raw, self.centre[place], out=out)
            out *= self.scale[place]


def matrix_covariates(x: Floats, weights: Floats) -> tuple[Scaling, Covariates]:
    """Standardise a design matrix, shape (n, p), with case weights, shape (n,)."""
    scaling, scaled = standardise(x, weights)
    p = x.shape[1]
    return scaling, Covariates(x.shape, (), np.zeros(p), np.ones(p), scaled)


def column_covariates(columns: Sequence[Column], rows: int, weights: Floats) -> tuple[Scaling, Covariates]:
    """Standardise plain columns without copying them.

    Parameters
    ----------
    columns
        Numeric arrays or factor levels, each over `rows` rows and finite.
    weights
        Case weights, shape (rows,).
    """
    p = len(columns)
    raw = Covariates((rows, p), tuple(columns), np.zeros(p), np.ones(p), None)
    total = float(weights.sum())
    centre, largest, square = np.zeros(p), np.zeros(p), np.zeros(p)
    for low, high, block in raw.blocks():
        np.maximum(largest, np.abs(block).max(axis=1), out=largest)
        block *= weights[low:high]
        centre += block.sum(axis=1)
    centre /= total
    moved = Covariates((rows, p), tuple(columns), centre, np.ones(p), None)
    for low, high, block in moved.blocks():
        np.square(block, out=block)
        block *= weights[low:high]
        square += block.sum(axis=1)
    spread = np.sqrt(square / total)
    varies = spread > _ROUNDING * largest
    spread = np.where(varies, spread, 1.0)
    scale = np.where(varies, 1.0 / spread, 0.0)
    return Scaling(centre, spread), Covariates((rows, p), tuple(columns), centre, scale, None)
