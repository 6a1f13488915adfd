"""Rows at risk in Parquet files, read a few columns at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from whychurn.errors import PanelError
from whychurn.panel.buckets import ROW_COLUMNS
from whychurn.panel.intervals import Spells
from whychurn.panel.measure import Measure
from whychurn.panel.store_folder import PanelFolder
from whychurn.sources.connection import locked_connection
from whychurn.sources.names import quoted, suggestion


class ParquetRows:
    """Rows at risk, kept in files. The files stay as long as this object does.

    Attributes
    ----------
    measures : tuple of Measure
    n_rows : int
    """

    def __init__(
        self,
        folder: PanelFolder,
        measures: tuple[Measure, ...],
        spells: Spells,
        memory_limit: str,
        threads: int | None,
    ) -> None:
        self.measures = measures
        self.n_rows = int(spells.n_rows.sum())
        self._folder = folder
        self._account_id = spells.account_id
        self._rows_of_spell = spells.n_rows
        self._memory_limit = memory_limit
        self._threads = threads
        self._levels: dict[str, list[str]] = {}
        self._categories = {measure.name for measure in measures if measure.kind == "category"}

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in order."""
        return (*ROW_COLUMNS, *(measure.name for measure in self.measures))

    @property
    def files(self) -> tuple[str, ...]:
        """The Parquet files, in the order of the rows."""
        return tuple(str(file) for file in self._folder.files)

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the rows in the order of account, spell and start: all columns, or those named.

        Returns
        -------
        pandas.DataFrame
            Texts are objects, None where there is no value; measures that are numbers are floats, NaN where there is
            no value; ``start_on`` and ``cut_off`` are datetimes.

        Raises
        ------
        PanelError
            If there is no such column, or the files are gone.
        """
        return self._frame(self.columns if columns is None else columns, as_categories=False)

    def read_categories(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return columns as `read` does, but texts as categories, in the order of their levels; ``account_id`` is text."""
        return self._frame(columns, as_categories=True)

    def _frame(self, columns: Sequence[str], as_categories: bool) -> pd.DataFrame:
        wanted = list(columns)
        for name in wanted:
            if name not in self.columns:
                raise PanelError(f"The panel has no column {name!r}.{suggestion(name, self.columns)}")
        plain = [name for name in dict.fromkeys(wanted) if name != "account_id"]
        found = self._columns(plain, as_categories)
        if "account_id" in wanted:
            found["account_id"] = np.repeat(self._account_id, self._rows_of_spell)
        return pd.DataFrame({name: found[name] for name in wanted}, index=pd.RangeIndex(self.n_rows), copy=False)

    def _columns(self, names: list[str], as_categories: bool) -> dict[str, Any]:
        """Read columns file by file into arrays of their final length, so that nothing is held twice."""
        columns: dict[str, Any] = {}
        if not names:
            return columns
        connection = locked_connection([self._folder.path], memory_limit=self._memory_limit, threads=self._threads)
        try:
            files = list(self.files)
            texts = {name: self._levels_of(connection, name) for name in names if self._is_text(name)}
            selected = ", ".join(f"{self._as_read(name, names)} AS c{place}" for place, name in enumerate(names))
            bound = {_parameter(name, names): levels for name, levels in texts.items()}
            begin = 0
            for file in files:
                sql = f"SELECT {selected} FROM read_parquet($files)"
                read = connection.execute(sql, {"files": [file], **bound}).fetchnumpy()
                for place, name in enumerate(names):
                    values: Any = read[f"c{place}"]
                    if isinstance(values, np.ma.MaskedArray):
                        values = values.filled(np.nan) if values.dtype.kind == "f" else values.data
                    if name in texts and as_categories:
                        values = values.astype(np.min_scalar_type(-len(texts[name]) - 1))
                    elif name in texts:
                        # One text for all rows that have it, instead of one each.
                        values = np.array([*texts[name], None], dtype=object)[values]
                    if name not in columns:
                        columns[name] = np.empty(self.n_rows, dtype=values.dtype)
                    columns[name][begin : begin + len(values)] = values
                begin += len(values)
        except duckdb.Error as error:
            raise PanelError(
                f"The files of the panel cannot be read any more: {str(error).splitlines()[0]} "
                "Were they removed? Build the panel again."
            ) from None
        finally:
            connection.close()
        if as_categories:
            for name, levels in texts.items():
                columns[name] = pd.Categorical.from_codes(columns[name], pd.Index(levels, dtype=object))
        return columns

    def _levels_of(self, connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
        """Return the texts of a column in order; the files never change, so they are looked for once."""
        if name not in self._levels:
            column = quoted(name)
            sql = f"SELECT DISTINCT {column} FROM read_parquet($files) WHERE {column} IS NOT NULL ORDER BY {column}"
            found = connection.execute(sql, {"files": list(self.files)}).fetchall()
            self._levels[name] = [level for (level,) in found]
        return self._levels[name]

    def _is_text(self, name: str) -> bool:
        return ROW_COLUMNS.get(name) == "VARCHAR" or name in self._categories

    def _as_read(self, name: str, names: list[str]) -> str:
        column = quoted(name)
        if self._is_text(name):
            levels = f"CAST(${_parameter(name, names)} AS VARCHAR[])"
            # Counted from the end for no level at all.
            return f"CAST(coalesce(list_position({levels}, {column}), 0) - 1 AS INTEGER)"
        if name in ROW_COLUMNS:
            return f"CAST({column} AS INTEGER)" if ROW_COLUMNS[name] == "TINYINT" else column
        return f"CAST({column} AS DOUBLE)"


def _parameter(name: str, names: list[str]) -> str:
    return f"levels_{names.index(name)}"
