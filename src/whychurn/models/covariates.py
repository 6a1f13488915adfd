"""Standardised covariates, handed out block by block so that a large design never exists as one matrix.

A design of plain columns stays where it is: numeric columns are read in place from the caller's frame, the
columns of a factor are its codes. Each pass over the data standardises one block of rows at a time in a buffer
that fits the processor's cache. Any other design (splines, interactions) is one matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from whychurn.models.columns import Booleans, Floats, Integers
from whychurn.models.kernels import COMPILED_FROM
from whychurn.models.listed_rows import ListedRows, list_rows, lists_pay
from whychurn.models.standardise import Scaling, standardise

_BLOCK_NUMBERS = 1 << 17  # 1 MB of float64: shorter pieces of columns are read at a third of the speed
_BLOCK_ROWS = 1 << 13  # but not fewer rows than this
_NEAR = 1 << 10  # rows whose mean is near enough to that of all
_SHARE = 20
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
    sources
        Where raw columns are read: the number of the first, and a level or an array of shape (columns, n);
        empty where `matrix` holds the design.
    centre, scale
        A standardised value is ``(raw - centre) * scale``; shape (p,). A constant column has scale zero.
    matrix
        The standardised design, shape (n, p), where it exists as such.
    owners
        The arrays that `sources` look into, kept alive.
    listed
        The same rows as lists of the columns that are not at their centre, where `with_lists` made them.
    """

    shape: tuple[int, int]
    sources: tuple[tuple[int, Column], ...]
    centre: Floats
    scale: Floats
    matrix: Floats | None
    owners: tuple[Column, ...] = ()
    listed: ListedRows | None = None

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
        if self.listed is not None:
            return self.listed.product(beta)
        if self.shape[0] < COMPILED_FROM:
            return self.dense() @ beta
        from whychurn.models.kernels.cox import linear_predictor

        out = np.empty(self.shape[0])
        for low, high, block in self.blocks():
            linear_predictor(block, beta, out[low:high])
        return out

    def cross(self, weights: Floats) -> Floats:
        """Return ``X' weights``, shape (p,)."""
        if self.listed is not None:
            return self.listed.cross(weights)
        total = np.zeros(self.shape[1])
        for low, high, block in self.blocks():
            total += block @ weights[low:high]
        return total

    def _fill(self, rows: Integers | slice, by_column: Floats) -> None:
        for first, source in self.sources:
            if isinstance(source, Level):
                np.subtract(source.codes[rows] == source.level, self.centre[first], out=by_column[first])
            else:
                last = first + source.shape[0]
                np.subtract(source[:, rows], self.centre[first:last, None], out=by_column[first:last])
        by_column *= self.scale[:, None]


def _sources(columns: Sequence[Column]) -> tuple[tuple[int, Column], ...]:
    """Return where to read the columns: neighbours that lie evenly in memory as one array, shape (columns, n).

    A frame keeps columns of one type together, so most designs are read with one call per block instead of one
    per column.
    """
    found: list[tuple[int, Column]] = []
    first = 0
    while first < len(columns):
        column = columns[first]
        if isinstance(column, Level):
            found.append((first, column))
            first += 1
            continue
        last, pitch = first + 1, 0
        while last < len(columns) and _alike(column, other := columns[last]):
            gap = _address(other) - _address(columns[last - 1])
            if last > first + 1 and gap != pitch:
                break
            pitch, last = gap, last + 1
        shape, strides = (last - first, column.shape[0]), (pitch, column.strides[0])
        found.append((first, np.lib.stride_tricks.as_strided(column, shape, strides, writeable=False)))
        first = last
    return tuple(found)


def _alike(one: NDArray[Any], other: Column) -> bool:
    return not isinstance(other, Level) and one.dtype == other.dtype and one.strides == other.strides


def _address(column: Column) -> int:
    return int(column.ctypes.data) if isinstance(column, np.ndarray) else 0


def standardised_matrix(x: Floats) -> Covariates:
    """Return a design that is standardised already, shape (n, p), as covariates."""
    p = x.shape[1]
    return Covariates(x.shape, (), np.zeros(p), np.ones(p), x)


def sampled_rows(rows: int) -> Integers:
    """Return one row in twenty, in order, for the first guess of a fit to all of them.

    Drawn, not every twentieth: rows may come in a rhythm (twelve months of an account).
    """
    return np.sort(np.random.default_rng(0).integers(0, rows, rows // _SHARE))


def matrix_covariates(x: Floats, weights: Floats) -> tuple[Scaling, Covariates]:
    """Standardise a design matrix, shape (n, p), with case weights, shape (n,)."""
    scaling, scaled = standardise(x, weights)
    return scaling, standardised_matrix(scaled)


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
    centre, spread, varies = np.zeros(p), np.zeros(p), np.zeros(p, dtype=bool)
    for codes, made in factors_of(columns):
        held = np.bincount(codes, weights=weights, minlength=1 + max(level for level, _ in made))
        for level, place in made:
            # Added up apart, so that a level without or with all the weight is told exactly.
            others = held[:level].sum() + held[level + 1 :].sum()
            share = held[level] / (held[level] + others)
            centre[place], varies[place] = share, held[level] > 0.0 and others > 0.0
            spread[place] = np.sqrt(share * others / (held[level] + others))
    numbers = [place for place, column in enumerate(columns) if not isinstance(column, Level)]
    if numbers:
        found = _number_scaling([columns[place] for place in numbers], rows, weights)
        centre[numbers], spread[numbers], varies[numbers] = found
    spread = np.where(varies, spread, 1.0)
    scale = np.where(varies, 1.0 / spread, 0.0)
    covariates = Covariates((rows, p), _sources(columns), centre, scale, None, tuple(columns))
    return Scaling(centre, spread), covariates


def _number_scaling(columns: Sequence[Column], rows: int, weights: Floats) -> tuple[Floats, Floats, Booleans]:
    """Return mean, spread and whether it varies of every numeric column, shape (columns,) each."""
    p, sources = len(columns), _sources(columns)
    shape, total = (rows, p), float(weights.sum())
    # Deviations from a value near the mean: then mean and spread take one pass and lose no digits.
    near = Covariates(shape, sources, np.zeros(p), np.ones(p), None, tuple(columns)).take(slice(0, _NEAR)).mean(axis=0)
    moved = Covariates(shape, sources, near, np.ones(p), None, tuple(columns))
    sums, squares, largest = np.zeros(p), np.zeros(p), np.zeros(p)
    for low, high, block in moved.blocks():
        np.maximum(largest, np.maximum(block.max(axis=1), -block.min(axis=1)), out=largest)
        weighted = block * weights[low:high]
        sums += weighted.sum(axis=1)
        squares += np.multiply(weighted, block, out=weighted).sum(axis=1)
    shift = sums / total
    spread = np.sqrt(np.maximum(squares / total - shift**2, 0.0))
    return near + shift, spread, spread > _ROUNDING * (np.abs(near) + largest)


def factors_of(columns: Sequence[Column]) -> list[tuple[NDArray[Any], list[tuple[int, int]]]]:
    """Return each factor's codes, and which (level, column) it makes, in the order of the columns."""
    found: dict[int, tuple[NDArray[Any], list[tuple[int, int]]]] = {}
    for place, column in enumerate(columns):
        if isinstance(column, Level):
            found.setdefault(id(column.codes), (column.codes, []))[1].append((column.level, place))
    return list(found.values())


def with_lists(scaling: Scaling, covariates: Covariates) -> tuple[Scaling, Covariates]:
    """List the rows of a design of mostly factors, or return it as it is where that would not pay.

    The columns of factors are then centred at 0 or 1, whichever is the more common, instead of their mean: a Cox
    model does not see the difference, and most values are zero.
    """
    n, p = covariates.shape
    factors = factors_of(covariates.owners) if covariates.matrix is None else []
    if n < COMPILED_FROM or not factors:
        return scaling, covariates
    of_factors = np.array([place for _, made in factors for _, place in made])
    numbers = np.setdiff1d(np.arange(p), of_factors)
    mean = covariates.centre[of_factors]
    if not lists_pay(np.minimum(mean, 1.0 - mean), numbers.size, n):
        return scaling, covariates
    complement = np.zeros(p, dtype=bool)
    complement[of_factors] = mean > 0.5
    centre = covariates.centre.copy()
    centre[of_factors] = complement[of_factors]
    value = np.where(complement, -covariates.scale, covariates.scale)
    value[numbers] = 0.0
    kept = [covariates.owners[place] for place in numbers]
    dense = Covariates((n, len(kept)), _sources(kept), centre[numbers], covariates.scale[numbers], None).dense()
    listed = list_rows(factors, complement, value, numbers, dense)
    return Scaling(centre, scaling.spread), replace(covariates, centre=centre, listed=listed)
