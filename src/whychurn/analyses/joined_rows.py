"""Neighbouring rows of a spell that a model cannot tell apart, joined into one: the same fit on fewer rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Booleans = NDArray[np.bool_]


class JoinedRows:
    """Rows at risk, joined as far as the columns of a model allow.

    Splitting a row ``(start, stop]`` in two changes no partial likelihood, and no sum of scores over a spell, so
    joining two rows that follow upon one another and agree in every column changes none either.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows at risk in the order of account, spell and time: ``account_id``, ``spell``, ``start``, ``stop``, ``event``.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows
        self._changes: dict[str, Booleans] = {}
        self._whole: tuple[JoinedRows, Booleans] | None = None
        self._codes: dict[str, NDArray[Any]] = {}
        start, stop = rows["start"].to_numpy(), rows["stop"].to_numpy()
        begins = self._change("account_id") | self._change("spell")
        begins[1:] |= (start[1:] != stop[:-1]) | (rows["event"].to_numpy()[:-1] == 1)
        self._begins = begins

    def among(self, where: Booleans) -> JoinedRows:
        """Return the same for some of the rows; what is known of the values of all is not found out again."""
        part = JoinedRows(self.rows[where].reset_index(drop=True))
        part._whole = self, where
        return part

    def on(self, columns: Sequence[str], kept: Sequence[str] = ()) -> pd.DataFrame:
        """Return the rows joined where all `columns` agree.

        Parameters
        ----------
        columns : sequence of str
            What the model reads.
        kept : sequence of str
            Further columns to carry: each joined row has the values of its last part, as it has its event.
        """
        begins = self._begins.copy()
        for name in columns:
            begins |= self._change(name)
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(self.rows)) - 1 if len(first) else first
        wanted = list(dict.fromkeys(("account_id", "spell", "start", "stop", "event", *columns, *kept)))
        joined = self.rows[wanted].iloc[last].reset_index(drop=True)
        joined["start"] = self.rows["start"].to_numpy()[first]
        return joined

    def _change(self, name: str) -> Booleans:
        """Whether each row differs from the one before; the first does."""
        if name not in self._changes:
            codes = self._coded(name)
            changes = np.ones(len(codes), dtype=bool)
            changes[1:] = codes[1:] != codes[:-1]
            self._changes[name] = changes
        return self._changes[name]

    def _coded(self, name: str) -> NDArray[Any]:
        """Return numbers that are equal where the values of a column are."""
        if self._whole is not None:
            whole, where = self._whole
            return whole._coded(name)[where]
        if name not in self._codes:
            values: Any = self.rows[name]
            self._codes[name] = pd.factorize(values)[0] if values.dtype == object else values.to_numpy()
        return self._codes[name]
