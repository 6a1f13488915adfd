"""Levels as codes: what is counted, compared and merged on hundreds of thousands of rows is never text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Booleans: TypeAlias = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of levels.

    Attributes
    ----------
    codes : numpy.ndarray
        Place of each row's level among the levels, -1 for no value, shape (n,).
    levels : tuple
        The levels, not all of which need occur.
    """

    codes: NDArray[Any]
    levels: tuple[Any, ...]

    @classmethod
    def of(cls, values: pd.Series) -> Coded:
        """Read the codes of a categorical column, or find those of any other."""
        if isinstance(values.dtype, pd.CategoricalDtype):
            return cls(values.cat.codes.to_numpy(), tuple(values.cat.categories))
        codes, found = pd.factorize(values)
        return cls(codes, tuple(found))

    def values(self) -> pd.Categorical:
        """Return the column as a category."""
        return pd.Categorical.from_codes(self.codes, pd.Index(self.levels))

    def at(self, level: Any) -> Booleans:
        """Tell which rows are at a level, shape (n,)."""
        if level not in self.levels:
            return np.zeros(len(self.codes), dtype=bool)
        return np.asarray(self.codes == self.levels.index(level))

    def counts(self, rows: Booleans | Places | None = None) -> NDArray[np.int64]:
        """Return how many rows each level has, among all or some, shape (levels,)."""
        codes = self.codes if rows is None or (rows.dtype == bool and rows.all()) else self.codes[rows]
        if codes.size and codes.min() < 0:
            codes = codes[codes >= 0]
        return np.bincount(codes, minlength=len(self.levels))

    def owners(self, accounts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many different accounts are ever at each level, shape (levels,).

        Parameters
        ----------
        accounts : numpy.ndarray
            Codes from 0, shape (n,).
        """
        most = int(accounts.max(initial=0)) + 1
        pairs = self.codes.astype(np.int64) * most + accounts
        if len(self.levels) * most <= 4 * len(accounts):
            ever = np.zeros(len(self.levels) * most, dtype=bool)
            ever[pairs] = True
            return np.count_nonzero(ever.reshape(len(self.levels), most), axis=1)
        return np.bincount(pd.unique(pairs) // most, minlength=len(self.levels))

    def ordered(self, levels: Sequence[Any]) -> Coded:
        """Return the column with these levels in this order; a level that is not among them is no value."""
        if tuple(levels) == self.levels:
            return self
        places = {level: place for place, level in enumerate(levels)}
        # The last place stands for no value, which has code -1.
        lookup = np.array([*(places.get(level, -1) for level in self.levels), -1])
        return Coded(lookup.astype(_narrow(len(levels)))[self.codes], tuple(levels))

    def merged(self, merges: Mapping[Any, Any]) -> Coded:
        """Return the column with levels counted as others."""
        levels = list(dict.fromkeys([*self.levels, *[into for level, into in merges.items() if level in self.levels]]))
        places = {label: place for place, label in enumerate(levels)}
        # The last place stands for no value, which has code -1.
        lookup = np.array([*(places[merges.get(label, label)] for label in self.levels), -1])
        return Coded(lookup.astype(_narrow(len(levels)))[self.codes], tuple(levels))


def _narrow(levels: int) -> type[np.signedinteger[Any]]:
    return np.int8 if levels < 1 << 7 else np.int16 if levels < 1 << 15 else np.int64
