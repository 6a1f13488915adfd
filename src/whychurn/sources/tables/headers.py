"""The header of a file of any kind, before anything else is read: so that mistakes in all tables show at once."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import duckdb

from whychurn.errors import SourceError
from whychurn.sources.connection import engine_words
from whychurn.sources.contract import IntegrityFinding, refuse_all
from whychurn.sources.header import DELIMITERS, header_problems
from whychurn.sources.names import quoted, shown, suggestion
from whychurn.sources.parquet import NESTED
from whychurn.sources.reading import require_no_binary
from whychurn.sources.tables.places import Place

TEXT = "VARCHAR"


@dataclass(frozen=True, slots=True)
class Header:
    """Columns of a file: their names without spaces around them, as they stand in the file, and their SQL types."""

    names: tuple[str, ...]
    raw: tuple[str, ...]
    types: tuple[str, ...]

    def type_of(self, name: str) -> str:
        """Return the SQL type of a column."""
        return self.types[self.names.index(name)]

    def raw_name(self, name: str) -> str:
        """Return a column's name with its spaces."""
        return self.raw[self.names.index(name)]


def read_header(connection: duckdb.DuckDBPyConnection, place: Place, table: str) -> Header:
    """Read the names of the columns, and their types where the file has types.

    Raises
    ------
    SourceError
        If the file cannot be opened as what it is, or its header does not serve.
    """
    if place.relation:
        header = _typed(_describe_relation(connection, place, table))
    elif place.source.suffix == ".parquet":
        header = _typed(_describe_parquet(connection, place, table))
    elif place.source.suffix == ".xlsx":
        from whychurn.sources.excel import read_excel_header  # openpyxl takes a while to import

        header = _texts(read_excel_header(place.path, place.source, table))
    else:
        require_no_binary(place.path, place.source, table)
        header = _texts(_first_record(place.path, place.source.encoding, place.source.separator))
    if not header.names:
        problem = IntegrityFinding(
            "no-rows", "refuse", table, "The file is empty.", action="Export it again, with a header."
        )
        raise refuse_all(f"{place.shown} cannot be used:", [problem])
    line, delimiter = "", ""
    if not place.relation and len(header.names) == 1 and any(mark in header.names[0] for mark in DELIMITERS):
        line, delimiter = header.names[0], place.source.separator  # most likely split at the wrong one
    problems = header_problems(header.names, {}, table, line, delimiter)
    problems += [
        IntegrityFinding(
            code="nested-column", severity="refuse", table=table, column=name, count=1,
            problem=f"The column {shown(name)} holds {kind.lower()[:60]}, not one value per row.",
            action="Export it as separate columns, or leave it out of the file.",
        )
        for name, kind in zip(header.names, header.types, strict=True)
        if any(mark in kind for mark in NESTED)
    ]  # fmt: skip
    if problems:
        raise refuse_all(f"{place.shown} cannot be used:", problems)
    return header


def attach(connection: duckdb.DuckDBPyConnection, place: Place, table: str) -> None:
    """Attach a database as ``given_database``, read only.

    Raises
    ------
    SourceError
        If it is no DuckDB database that this engine reads.
    """
    known = connection.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'given_database'")
    if known.fetchall()[0][0]:
        return
    path = str(place.path).replace("'", "''")
    try:
        connection.execute(f"ATTACH '{path}' AS given_database (READ_ONLY)")
    except duckdb.Error as error:
        text = f"{place.source.file} cannot be opened as a DuckDB database ({engine_words(error)})."
        fix = "Close other programs that write to it; a file of another engine must be exported, say to Parquet."
        problem = IntegrityFinding("unreadable-file", "refuse", table, text, action=fix)
        raise refuse_all(f"{place.source.file} cannot be used:", [problem]) from None


def relation_name(place: Place) -> str:
    """Return the SQL name of an attached table."""
    return ".".join(quoted(part) for part in ("given_database", *place.relation))


def database_files(path: Path) -> tuple[Path, ...]:
    """Return a database and the log beside it, which the engine looks for."""
    return path, path.with_name(path.name + ".wal")


def _describe_relation(connection: duckdb.DuckDBPyConnection, place: Place, table: str) -> list[tuple[str, str]]:
    attach(connection, place, table)
    relations = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'given_database' "
        "ORDER BY ALL"
    ).fetchall()
    if place.relation not in relations:
        names = [".".join(relation) for relation in relations]
        wanted = ".".join(place.relation)
        text = f"{place.source.file} has no table {shown(wanted)}.{suggestion(wanted, names)}"
        fix = f"Its tables are {', '.join(map(shown, names[:20]))}." if names else "It has no tables."
        problem = IntegrityFinding("missing-table", "refuse", table, text, action=fix, count=1)
        raise refuse_all(f"{place.source.file} cannot be used:", [problem])
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {relation_name(place)}").fetchall()
    except duckdb.Error as error:
        text = f"The table {shown('.'.join(place.relation))} cannot be read ({engine_words(error)})."
        fix = "A view that reads files elsewhere must be made a table."
        problem = IntegrityFinding("unreadable-file", "refuse", table, text, action=fix)
        raise refuse_all(f"{place.source.file} cannot be used:", [problem]) from None
    return [(str(row[0]), str(row[1])) for row in rows]


def _describe_parquet(connection: duckdb.DuckDBPyConnection, place: Place, table: str) -> list[tuple[str, str]]:
    try:
        rows = connection.execute("DESCRIBE SELECT * FROM read_parquet($file)", {"file": str(place.path)}).fetchall()
    except duckdb.Error as error:
        text = f"It cannot be read as Parquet ({engine_words(error)})."
        problem = IntegrityFinding("unreadable-file", "refuse", table, text)
        raise refuse_all(f"{place.shown} cannot be used:", [problem]) from None
    return [(str(row[0]), str(row[1])) for row in rows]


def _typed(rows: list[tuple[str, str]]) -> Header:
    raw = tuple(name for name, _ in rows)
    return Header(tuple(name.strip() for name in raw), raw, tuple(kind for _, kind in rows))


def _texts(names: list[str]) -> Header:
    stripped = tuple(name.strip() for name in names)
    return Header(stripped, stripped, (TEXT,) * len(stripped))


def _first_record(file: Path, encoding: str, delimiter: str) -> list[str]:
    """The first record that is not blank; what cannot be decoded is left for the reader to report in full."""
    plain = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        with file.open(encoding=plain, errors="replace", newline="") as stream:
            for record in csv.reader(stream, delimiter=delimiter):
                if record:
                    return record
    except (csv.Error, UnicodeError) as error:
        raise SourceError(f"{file.name} has no readable header ({error}). Check its encoding and quotes.") from None
    return []
