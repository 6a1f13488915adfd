"""Attributes of accounts beside the rows at risk: the same on every row of a spell, so they are not kept with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.panel.levels import read_categories
from whychurn.panel.panel import Rows
from whychurn.sources import LedgerStep, Sources
from whychurn.sources.tables.attributes import attribute_columns
from whychurn.study import TableStudy

#: Names that rows, spells and landmarks give a meaning of their own.
TAKEN = frozenset((
    "account_id", "spell", "start", "stop", "event", "cause", "start_on", "cut_off", "under_notice", "amount",
    "entered_on", "ended_on", "followed_to", "duration", "entry", "reason", "controllable", "landmark",
    "followed_days",
))  # fmt: skip


def carried_attributes(sources: Sources, measures: Collection[str] = ()) -> tuple[tuple[str, ...], list[LedgerStep]]:
    """Return the attributes of accounts that the panel carries, in the order of the table.

    Parameters
    ----------
    sources : Sources
    measures : collection of str
        Names of measures. One that an attribute shares takes precedence: it says what was so at the time, not what
        was recorded last.

    Returns
    -------
    names : tuple of str
    steps : list of LedgerStep
        Columns that cannot be carried because their name means something else in the panel.
    """
    held = [name for name in attribute_columns(sources.connection) if name not in set(measures)]
    n = sources.tables["accounts"]
    steps = [
        LedgerStep(
            "column left out",
            "accounts",
            f"The column {name} of accounts is left out: the panel uses that name.",
            n,
            n,
            0,
        )
        for name in held
        if name in TAKEN
    ]
    return tuple(name for name in held if name not in TAKEN), steps


@dataclass(frozen=True)
class AttributeRows:
    """Rows at risk with the attributes of their accounts in front of the measures.

    Attributes
    ----------
    rows : Rows
        In the order of account, spell and time.
    attributes : pandas.DataFrame
        One row per spell, in the same order.
    rows_of_spell : numpy.ndarray
        How many rows each spell has.
    """

    rows: Rows
    attributes: pd.DataFrame
    rows_of_spell: NDArray[np.integer[Any]]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in order: those of every row, attributes, measures."""
        place = self.rows.columns.index("amount") + 1
        return (*self.rows.columns[:place], *self.attributes.columns, *self.rows.columns[place:])

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return all columns, or those named."""
        return self._beside(self.columns if columns is None else columns, self.rows.read, lambda values: values)

    def read_categories(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return columns with texts as categories."""
        return self._beside(columns, partial(read_categories, self.rows), _as_category)

    def _beside(
        self,
        columns: Sequence[str],
        read: Callable[[Sequence[str]], pd.DataFrame],
        as_wanted: Callable[[pd.Series], pd.Series],
    ) -> pd.DataFrame:
        wanted = list(columns)
        frame = read([name for name in wanted if name not in self.attributes])
        spell_of_row = np.repeat(np.arange(len(self.attributes)), self.rows_of_spell)
        made: dict[str, Any] = {}
        for name in dict.fromkeys(wanted):
            if name in self.attributes:
                by_spell = as_wanted(self.attributes[name])
                made[name] = by_spell.take(spell_of_row).set_axis(frame.index)
            else:
                made[name] = frame[name]
        return pd.DataFrame(made, index=frame.index, copy=False)


def _as_category(values: pd.Series) -> pd.Series:
    return values.astype("category") if pd.api.types.infer_dtype(values) == "string" else values


def with_attributes(rows: Rows, spells: pd.DataFrame, attributes: Sequence[str], study: TableStudy) -> AttributeRows:
    """Put attributes beside rows.

    Parameters
    ----------
    rows : Rows
    spells : pandas.DataFrame
        ``entered_on``, ``followed_to`` and the attributes, in the order of account and spell.
    attributes : sequence of str
    study : TableStudy
        For ``interval_days``.
    """
    days = (spells["followed_to"] - spells["entered_on"]).dt.days.to_numpy()
    return AttributeRows(rows, spells[list(attributes)], -(-days // study.interval_days))
