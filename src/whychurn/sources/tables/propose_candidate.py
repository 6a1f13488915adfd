"""A file as a candidate for a table: its columns as text in the engine, and a sample of its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from whychurn.errors import SourceError
from whychurn.sources.connection import first_row
from whychurn.sources.names import literal

SAMPLE_ROWS = 50_000
NULL_TEXTS = ("", "NA")
#: Texts that mean "no value" wherever they stand alone in a cell; they are added to null_values where they occur.
MORE_NULL_TEXTS = ("NULL", "null", "(null)", "\\N", "N/A", "n/a", "#N/A", "NaN", "nan", "NaT")


@dataclass(frozen=True)
class Candidate:
    """A file, several files of one kind, a sheet or a table of the database: what a table of the study may lie in.

    Attributes
    ----------
    label : str
        For messages, and to name it on the command line.
    name : str
        What its name says it is: stem of the file, folder, sheet or table.
    file : tuple of str
        As in ``study.toml``; empty for a table of the database.
    sheet, table : str
    names : tuple of str
        Columns; in the engine they are ``c0``, ``c1``, …
    relation, sample : str
        Views of all rows and of at most 50,000, missing values as nulls.
    n_rows, n_sample : int
    whole : bool
        Whether all rows can be looked at in a moment.
    encoding, delimiter, decimal : str
        "" for what is no text.
    sure_encoding : bool
    null_texts : tuple of (str, int)
        Further texts read as missing, and how often they occur in the sample.
    """

    label: str
    name: str
    file: tuple[str, ...]
    sheet: str
    table: str
    names: tuple[str, ...]
    relation: str = ""
    sample: str = ""
    n_rows: int = 0
    n_sample: int = 0
    whole: bool = True
    encoding: str = ""
    delimiter: str = ""
    decimal: str = "."
    sure_encoding: bool = True
    null_texts: tuple[tuple[str, int], ...] = ()

    def key(self, name: str) -> str:
        """Return the column of the engine that holds a column of the file."""
        return f"c{self.names.index(name)}"


def with_sample(connection: duckdb.DuckDBPyConnection, candidate: Candidate, name: str) -> Candidate:
    """All rows and a sample, in which texts that mean "no value" are nulls; up to 50,000 rows are kept as a table."""
    n_rows = first_row(connection, f"SELECT count(*) FROM {candidate.relation}")[0]
    if not n_rows:
        raise SourceError("it has columns but no rows")
    nulls = ", ".join(literal(text) for text in (*NULL_TEXTS, *MORE_NULL_TEXTS))
    columns = ", ".join(
        f"CASE WHEN trim(c{i}) IN ({nulls}) THEN NULL ELSE c{i} END AS c{i}" for i in range(len(candidate.names))
    )
    kind = "VIEW" if n_rows > SAMPLE_ROWS else "TABLE"
    connection.execute(f"CREATE TEMP {kind} {name} AS SELECT {columns} FROM {candidate.relation}")
    sample, raw_sample, n_sample = name, candidate.relation, n_rows
    if n_rows > SAMPLE_ROWS:
        # First, last and evenly spread rows: the same ones whenever the file is the same.
        step, edge = max(1, n_rows // (SAMPLE_ROWS // 2)), SAMPLE_ROWS // 4
        connection.execute(
            f"CREATE TEMP TABLE {name}_raw_sample AS SELECT * EXCLUDE (place) FROM "
            f"(SELECT *, row_number() OVER () AS place FROM {candidate.relation}) "
            f"WHERE place <= {edge} OR place > {n_rows - edge} OR place % {step} = 0"
        )
        connection.execute(f"CREATE TEMP TABLE {name}_sample AS SELECT {columns} FROM {name}_raw_sample")
        sample, raw_sample = f"{name}_sample", f"{name}_raw_sample"
        n_sample = first_row(connection, f"SELECT count(*) FROM {raw_sample}")[0]
    n_columns = len(candidate.names)
    cells = ", ".join(
        " + ".join(f"count(*) FILTER (trim(c{i}) = {literal(text)})" for i in range(n_columns))
        for text in MORE_NULL_TEXTS
    )
    found = connection.execute(f"SELECT {cells} FROM {raw_sample}").fetchall()[0]
    texts = [(text, int(n)) for text, n in zip(MORE_NULL_TEXTS, found, strict=True) if n]
    return replace(candidate, relation=name, sample=sample, n_rows=n_rows, n_sample=n_sample, null_texts=tuple(texts))
