"""Parquet files: turned into text, so that they pass the same checks as every other file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from whychurn.sources.connection import first_row
from whychurn.sources.contract import IntegrityFinding, refuse_all
from whychurn.sources.header import header_problems
from whychurn.sources.load import RawTable
from whychurn.sources.names import quoted, shown
from whychurn.sources.rejects import rejects_frame
from whychurn.study import Source

NESTED = ("STRUCT", "MAP", "UNION", "[]", "BLOB", "[")


def load_parquet(
    connection: duckdb.DuckDBPyConnection, file: Path, source: Source, table: str, needed: Mapping[str, str]
) -> RawTable:
    """Load a Parquet file into the engine as ``raw``; parameters as for :func:`whychurn.sources.load.load_csv`.

    Raises
    ------
    SourceError
        If it is not Parquet, has no rows, or its columns do not serve.
    """
    title = f"{source.file} cannot be used:"
    try:
        schema = connection.execute("DESCRIBE SELECT * FROM read_parquet($file)", {"file": str(file)}).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        problem = IntegrityFinding("unreadable-file", "refuse", table, f"It cannot be read as Parquet ({reason}).")
        raise refuse_all(title, [problem]) from None
    names = [str(row[0]) for row in schema]
    problems = header_problems([name.strip() for name in names], needed, table)
    for name, kind in ((str(row[0]), str(row[1])) for row in schema):
        if any(mark in kind for mark in NESTED):
            problems.append(
                IntegrityFinding(
                    code="nested-column", severity="refuse", table=table, column=name, count=1,
                    problem=f"The column {shown(name)} holds {kind.lower()[:60]}, not one value per row.",
                    action="Export it as separate columns, or leave it out of the file.",
                )
            )  # fmt: skip
    if problems:
        raise refuse_all(title, problems)
    columns = ", ".join(
        f"{_as_text(name, str(row[1]))} AS c{i}" for i, (name, row) in enumerate(zip(names, schema, strict=True))
    )
    connection.execute(f"CREATE TEMP TABLE raw_text AS SELECT {columns} FROM read_parquet($file)", {"file": str(file)})
    connection.execute("CREATE TEMP VIEW raw AS SELECT rowid + 1 AS record, * FROM raw_text")
    n = first_row(connection, "SELECT count(*) FROM raw_text")[0]
    if not n:
        raise refuse_all(title, [IntegrityFinding("no-rows", "refuse", table, "The file has columns but no rows.")])
    return RawTable([name.strip() for name in names], n, n, rejects_frame())


def _as_text(name: str, kind: str) -> str:
    """Whole numbers lose the ``.0`` that a column of floats gives them, as in text files."""
    column = quoted(name)
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        text = f"CASE WHEN {whole} THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
        return f"CASE WHEN isnan({column}) THEN NULL ELSE {text} END"
    return f"{column}::VARCHAR"
