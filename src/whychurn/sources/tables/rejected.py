"""Rejects of the tables of a study: all of them in a file for people, the first of them in a frame."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import duckdb
import pandas as pd

from whychurn.sources.grammar import NUMBER_POINT
from whychurn.sources.names import literal
from whychurn.sources.rejects import COLUMNS, LONGEST_VALUE, rejects_frame

#: So many are held in memory; the file has all of them.
MOST_IN_FRAME = 100_000
_RISKY = literal(r"^\s*[=+\-@\t\r]")


def write_reject_file(connection: duckdb.DuckDBPyConnection, name: str, rejects: Path, file: Path) -> None:
    """Write all rejects of a table as CSV, in one move, by the engine: there may be millions.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, as in
    :func:`whychurn.sources.rejects.neutralised`.
    """
    part = file.with_name(f".{file.name}-{os.getpid()}-{secrets.token_hex(4)}")
    columns = []
    for column in COLUMNS:
        if column in ("record", "line"):
            columns.append(column)
            continue
        text = _text(name, column)
        number = f"regexp_full_match({text}, {literal(NUMBER_POINT)})"
        columns.append(
            f"CASE WHEN regexp_matches({text}, {_RISKY}) AND NOT {number} THEN '''' || {text} ELSE nullif({text}, '') END AS \"{column}\""
        )
    source, target = (str(path).replace("'", "''") for path in (rejects, part))
    try:
        connection.execute(
            f"COPY (SELECT {', '.join(columns)} FROM read_parquet('{source}')) TO '{target}' (FORMAT csv, HEADER)"
        )
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def first_rejects(connection: duckdb.DuckDBPyConnection, name: str, rejects: Path, most: int) -> pd.DataFrame:
    """Return the first rejects of a table, with :data:`whychurn.sources.rejects.COLUMNS`."""
    columns = ", ".join(
        f'{_text(name, column)} AS "{column}"' for column in COLUMNS if column not in ("record", "line")
    )
    source = str(rejects).replace("'", "''")
    frame = connection.execute(f"SELECT {columns}, record, line FROM read_parquet('{source}') LIMIT {int(most)}").df()
    return rejects_frame([frame])


def _text(name: str, column: str) -> str:
    """SQL of a column of text; the engine's table lacks the name of the table, and calls the column ``col``."""
    if column == "table":
        return literal(name)
    key = "col" if column == "column" else column
    return f"left(coalesce({key}, ''), {LONGEST_VALUE})"
