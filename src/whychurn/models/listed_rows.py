"""Designs of factors as lists: each row names the few columns at which it is not at the centre.

A row of twenty factors lies at one level of each, and mostly at the usual one. Of sixty columns it lists about ten,
so that products of pairs of columns cost fifty additions instead of two thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whychurn.models.columns import Booleans, Floats, Integers

# Lists pay where a row names at most one column in two.
_SHARE = 0.5
_MOST_COLUMNS = (1 << 15) - 1


@dataclass(frozen=True, slots=True)
class ListedRows:
    """n rows, p columns, d of them numbers.

    Attributes
    ----------
    index
        The columns that rows list, row after row in ascending order, shape (entries,).
    ptr
        Row i lists ``index[ptr[i]:ptr[i + 1]]``, shape (n + 1,).
    value
        Standardised value of a column where it is listed, zero elsewhere, shape (p,).
    numbers
        Columns that are numbers and never listed, shape (d,).
    dense
        Their standardised values, shape (n, d).
    """

    index: NDArray[np.uint16]
    ptr: Integers
    value: Floats
    numbers: Integers
    dense: Floats

    def product(self, beta: Floats) -> Floats:
        """Return the linear predictor of every row, shape (n,)."""
        from whychurn.models.kernels.listed import listed_predictor

        out = np.empty(self.ptr.size - 1)
        listed_predictor(self.index, self.ptr, self.dense, beta * self.value, beta[self.numbers], out)
        return out

    def cross(self, weights: Floats) -> Floats:
        """Return ``X' weights``, shape (p,)."""
        per_entry = np.repeat(weights, np.diff(self.ptr))
        total = np.bincount(self.index, weights=per_entry, minlength=self.value.size) * self.value
        total[self.numbers] = weights @ self.dense
        return total

    def sums(self, hazard: Floats, residual: Floats) -> tuple[Floats, Floats]:
        """Return ``X' residual``, shape (p,), and ``X' diag(hazard) X``, shape (p, p)."""
        from whychurn.models.kernels.listed import add_listed_sums

        p, d = self.value.size, self.numbers.size
        score, total = np.zeros(p + d), np.zeros((p, p))
        mixed, squares = np.zeros((d, p)), np.zeros((d, d))
        add_listed_sums(self.index, self.ptr, self.dense, hazard, residual, score, total, mixed, squares)
        full = (np.tril(total) + np.tril(total, -1).T) * np.outer(self.value, self.value)
        own = score[:p] * self.value
        if d:
            cross = mixed * self.value
            cross[:, self.numbers] = 0.5 * (np.tril(squares) + np.tril(squares, -1).T)
            full[self.numbers] += cross
            full[:, self.numbers] += cross.T
            own[self.numbers] = score[p:]
        return own, full

    def add_moments(
        self,
        risk: Floats,
        entry: Integers,
        leave: Integers,
        event: Booleans,
        late: bool,
        low: int,
        flow: Floats,
        tied: Floats,
    ) -> None:
        """Add the rows to the slots at which they leave, enter and have events; see `kernels.cox.add_moments`."""
        from whychurn.models.kernels.listed import add_listed_moments

        add_listed_moments(
            self.index, self.ptr, self.value, self.dense, self.numbers, risk, entry, leave, event, late, low, flow, tied
        )


def lists_pay(shares: Floats, numbers: int, rows: int) -> bool:
    """Tell whether rows list few enough columns.

    Parameters
    ----------
    shares
        Share of the rows that list each column of a factor, shape (columns,).
    numbers
        How many columns are numbers.
    rows
        Number of rows.
    """
    p = shares.size + numbers
    return bool(shares.size and p <= _MOST_COLUMNS and shares.sum() + numbers <= _SHARE * p)


def list_rows(
    factors: Sequence[tuple[NDArray[Any], Sequence[tuple[int, int]]]],
    complement: Booleans,
    value: Floats,
    numbers: Integers,
    dense: Floats,
) -> ListedRows:
    """List the rows of a design.

    Parameters
    ----------
    factors
        Level codes of the rows, shape (n,), and which (level, column) they make, in the order of the columns.
    complement
        Columns listed by the rows that are not at their level, shape (p,).
    value, numbers, dense
        As in `ListedRows`.
    """
    from whychurn.models.kernels.listed import fill_entries

    n = len(factors[0][0])
    codes = np.empty((len(factors), n), dtype=np.int16)
    levels = 1 + max(int(own.max(initial=0)) for own, _ in factors)
    columns = np.full((len(factors), levels, 2), -1, dtype=np.int32)
    for place, (own, made) in enumerate(factors):
        codes[place] = own
        for level, column in made:
            listing = np.arange(levels) != level if complement[column] else np.array([level])
            own_columns = columns[place, listing]
            own_columns[np.arange(len(own_columns)), (own_columns[:, 0] >= 0).astype(int)] = column
            columns[place, listing] = own_columns
    second: Booleans = np.any(columns[:, :, 1] >= 0, axis=1)
    ptr = np.empty(n + 1, dtype=np.int64)
    room = np.empty(n * int((columns >= 0).sum(axis=2).max(axis=1).sum()) + 1, dtype=np.uint16)
    fill_entries(codes, columns, second, ptr, room)
    return ListedRows(room[: ptr[-1]].copy(), ptr, value, numbers, dense)
