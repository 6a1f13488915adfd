"""Levels as codes: what is counted, compared and merged on hundreds of thousands of rows is never text."""

from __future__ import annotations

from collections.abc import Mapping
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

    def counts(self, rows: Booleans | None = None, weights: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return how many rows, or what weight, each level has among some rows, shape (levels,)."""
        codes = self.codes if rows is None else self.codes[rows]
        if weights is not None and rows is not None:
            weights = weights[rows]
        # The first place is for rows without a value.
        return np.bincount(codes.astype(np.int64) + 1, weights=weights, minlength=len(self.levels) + 1)[1:]

    def owners(self, accounts: NDArray[np.int64], rows: Booleans | None = None) -> NDArray[np.int64]:
        """Return how many different accounts are ever at each level, shape (levels,); accounts are codes from 0."""
        codes, owner = (self.codes, accounts) if rows is None else (self.codes[rows], accounts[rows])
        most = int(accounts.max(initial=-1)) + 1
        pairs = (codes.astype(np.int64) + 1) * most + owner
        if (len(self.levels) + 1) * most <= 4 * len(accounts) + 1_000_000:
            found = np.flatnonzero(np.bincount(pairs, minlength=(len(self.levels) + 1) * most))
        else:
            found = np.unique(pairs)
        return np.bincount(found // max(most, 1), minlength=len(self.levels) + 1)[1:].astype(np.int64)

    def merged(self, merges: Mapping[Any, Any]) -> Coded:
        """Return the column with levels counted as others."""
        levels = list(dict.fromkeys([*self.levels, *[into for level, into in merges.items() if level in self.levels]]))
        places = {label: place for place, label in enumerate(levels)}
        # The last place stands for no value, which has code -1.
        lookup = np.array([*(places[merges.get(label, label)] for label in self.levels), -1])
        return Coded(lookup.astype(np.int16 if len(levels) < 1 << 15 else np.int64)[self.codes], tuple(levels))
