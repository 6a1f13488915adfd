"""Findings: the tidy table that every analysis returns, and all that a picture or a page may know.

A leaf module. It knows no model and no picture; it only keeps the rules of the table.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from whychurn.errors import FindingsError, some

KEY = (
    "analysis", "outcome", "method", "term", "level", "reference", "group", "time", "estimand", "effect_kind",
)  # fmt: skip
TEXT = (
    "analysis", "outcome", "method", "term", "level", "reference", "group", "estimand", "effect_kind",
    "std_error_scale", "unit", "family", "definition", "adjusted_for", "declared", "grade", "note",
)  # fmt: skip
NUMBERS = (
    "time", "estimate", "std_error", "conf_low", "conf_high", "conf_level", "statistic", "df", "p_value",
    "p_adjusted", "n_accounts", "n_events", "numerator", "denominator",
)  # fmt: skip
COLUMNS = (
    "analysis", "outcome", "method", "term", "level", "reference", "group", "time", "estimand",
    "estimate", "std_error", "std_error_scale", "conf_low", "conf_high", "conf_level", "unit",
    "statistic", "df", "p_value", "p_adjusted", "family",
    "n_accounts", "n_events", "numerator", "denominator",
    "definition", "adjusted_for", "effect_kind", "declared", "grade", "note",
)  # fmt: skip

#: Rows whose interval is centred on another value than the printed estimate say so here.
CENTRED_ELSEWHERE = "interval centred on the adjusted estimate"

#: Groups of findings computed as if the file held everybody who ever left, and as if it held recent leavers only.
FIRST_READING = "if everyone who ever left is in the file"
SECOND_READING = "if only recent leavers are in the file"

MIME = "application/vnd.whychurn.findings+json"


@dataclass(frozen=True, slots=True)
class Findings:
    """One row per estimate, with constant column names: level and label are data.

    Attributes
    ----------
    table : pandas.DataFrame
        Columns are exactly :data:`COLUMNS`. Text columns hold strings ("" where empty); number columns hold
        floats (NaN where empty). At-risk counts, shares and money are rows with their own ``estimand``.
    provenance : Mapping
        Study, data fingerprints, versions and seed behind the numbers.

    Raises
    ------
    FindingsError
        If a column is missing or unknown, a key repeats, a value is infinite, or an estimate lies outside
        its own interval without the row saying why.
    """

    table: pd.DataFrame
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", _checked(self.table))

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]], provenance: Mapping[str, Any] | None = None) -> Findings:
        """Build findings from mappings; what a row leaves out is empty.

        Raises
        ------
        FindingsError
            If a row names a column that findings do not have, or the table breaks a rule.
        """
        listed = list(rows)
        unknown = sorted({name for row in listed for name in row} - set(COLUMNS))
        if unknown:
            raise FindingsError(f"Findings have no column {some(unknown)}; the columns are {', '.join(COLUMNS)}.")
        return cls(pd.DataFrame(listed, columns=list(COLUMNS)), dict(provenance or {}))

    @classmethod
    def concat(cls, parts: Iterable[Findings]) -> Findings:
        """Stack several findings; the provenance is that of the first."""
        listed = list(parts)
        if not listed:
            return cls.from_rows([])
        return cls(pd.concat([part.table for part in listed], ignore_index=True), listed[0].provenance)

    def __len__(self) -> int:
        return len(self.table)

    def where(self, **conditions: object) -> Findings:
        """Return the rows whose columns equal the given values (a list, tuple or set means any of them)."""
        keep = np.ones(len(self.table), dtype=bool)
        for name, wanted in conditions.items():
            if name not in COLUMNS:
                raise FindingsError(f"Findings have no column {name!r}; the columns are {', '.join(COLUMNS)}.")
            column = self.table[name]
            keep &= (column.isin(list(wanted)) if isinstance(wanted, list | tuple | set) else column == wanted).to_numpy()  # fmt: skip
        return Findings._trusted(self.table[keep].reset_index(drop=True), self.provenance)

    @classmethod
    def _trusted(cls, table: pd.DataFrame, provenance: Mapping[str, Any]) -> Findings:
        """Wrap rows of a table that was checked before: a page asks for parts of it hundreds of times."""
        part = object.__new__(cls)
        object.__setattr__(part, "table", table)
        object.__setattr__(part, "provenance", provenance)
        return part

    def one(self, **conditions: object) -> Row:
        """Return the single row that meets the conditions.

        Raises
        ------
        FindingsError
            If none or several rows meet them.
        """
        rows = self.where(**conditions).rows()
        if len(rows) != 1:
            asked = ", ".join(f"{name}={value!r}" for name, value in conditions.items())
            raise FindingsError(f"Asked for one finding with {asked}; there are {len(rows)}.")
        return rows[0]

    def rows(self) -> list[Row]:
        """Return every row, in order, with its identity."""
        return [Row({str(name): value for name, value in each.items()}) for each in self.table.to_dict("records")]

    def to_records(self) -> list[dict[str, Any]]:
        """Return rows as JSON-ready mappings with their ``id``; empty cells are left out."""
        return [row.record() for row in self.rows()]

    @classmethod
    def from_records(
        cls, records: Iterable[Mapping[str, Any]], provenance: Mapping[str, Any] | None = None
    ) -> Findings:
        """Undo :meth:`to_records`."""
        rows = [{name: value for name, value in record.items() if name != "id"} for record in records]
        return cls.from_rows(rows, provenance)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        payload = {"provenance": dict(self.provenance), "records": self.to_records()}
        return {MIME: payload, "text/plain": f"{len(self):,} findings"}


@dataclass(frozen=True, slots=True)
class Row:
    """One finding. Values are read as attributes: ``row.estimate``, ``row.level``."""

    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def id(self) -> str:
        """Twelve hex digits of the row's key: stable across builds, independent of the numbers."""
        key = [_key_text(self.values[name]) for name in KEY]
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]

    @property
    def estimated(self) -> bool:
        """Whether the row carries a number (a group without events does not)."""
        return not math.isnan(self.values["estimate"])

    def record(self) -> dict[str, Any]:
        """Return the row as a JSON-ready mapping; empty cells are left out."""
        kept = {
            name: value
            for name, value in self.values.items()
            if not (value == "" or (isinstance(value, float) and math.isnan(value)))
        }
        return {"id": self.id, **kept}


def _key_text(value: object) -> str:
    return repr(float(value)) if isinstance(value, int | float) else str(value)


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    names = list(table.columns)
    if set(names) != set(COLUMNS) or len(names) != len(COLUMNS):
        missing = [name for name in COLUMNS if name not in names]
        unknown = [name for name in names if name not in COLUMNS]
        raise FindingsError(f"A findings table lacks {missing} and has unknown columns {unknown}.")
    table = table.loc[:, list(COLUMNS)].reset_index(drop=True).copy()
    for name in TEXT:
        table[name] = table[name].astype(object).where(table[name].notna(), "").map(str)
    for name in NUMBERS:
        table[name] = pd.to_numeric(table[name], errors="raise").astype(float)
    _require_finite(table)
    _require_unique(table)
    _require_bracketed(table)
    return table


def _require_finite(table: pd.DataFrame) -> None:
    for name in NUMBERS:
        if np.isinf(table[name].to_numpy()).any():
            raise FindingsError(f"Findings column {name!r} holds an infinite value; leave it empty and add a note.")


def _require_unique(table: pd.DataFrame) -> None:
    repeated = table.duplicated(list(KEY), keep=False)
    if repeated.any():
        examples = table.loc[repeated, list(KEY)].drop_duplicates().astype(str).agg(" / ".join, axis=1)
        raise FindingsError(f"{int(repeated.sum())} findings share a key: {some(examples)}.")


def _require_bracketed(table: pd.DataFrame) -> None:
    """An estimate lies within its interval, up to rounding of the last bits."""
    slack = 1e-9 * table["estimate"].abs().fillna(0) + 1e-12
    outside = (table["estimate"] < table["conf_low"] - slack) | (table["estimate"] > table["conf_high"] + slack)
    outside &= ~table["note"].str.contains(CENTRED_ELSEWHERE, regex=False)
    if outside.any():
        examples = table.loc[outside, ["analysis", "term", "level", "estimand"]].astype(str).agg(" / ".join, axis=1)
        raise FindingsError(f"{int(outside.sum())} estimates lie outside their interval: {some(examples)}.")
