"""The data files of a folder (sheets and tables of a database, too) as text in the engine, to be looked at."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import duckdb

from whychurn.errors import SourceError
from whychurn.sources.connection import first_row
from whychurn.sources.contract import IntegrityFinding, refuse_all
from whychurn.sources.files import read_text_file
from whychurn.sources.header import header_problems, parse_header
from whychurn.sources.load import LONGEST_RECORD, NO_NULL
from whychurn.sources.names import literal, quoted, shown
from whychurn.sources.parquet import NESTED
from whychurn.sources.reading import BINARY
from whychurn.sources.sniff import SAMPLE as SNIFFED
from whychurn.sources.sniff import sniff
from whychurn.sources.tables.propose_candidate import Candidate, with_sample
from whychurn.study import SUFFIXES, Source

DATABASES = (".duckdb", ".db")
#: Folders beside the data that hold what the toolkit wrote.
NOT_DATA = {"reports", "report", "notebooks"}
#: Files above this many bytes are looked at by a sample of their rows.
LARGE = 500_000_000


@dataclass(frozen=True)
class Found:
    """What a folder holds: candidates, the database, and what could not be read (label, reason)."""

    candidates: tuple[Candidate, ...]
    database: str
    unreadable: tuple[tuple[str, str], ...]


def data_files(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Return the data files of a folder, those of its folders, and the databases, sorted."""

    def usable(path: Path, suffixes: tuple[str, ...]) -> bool:
        return path.is_file() and path.suffix.lower() in suffixes and not path.name.startswith((".", "~$"))

    inner = [
        file
        for place in sorted(folder.iterdir())
        if place.is_dir() and not place.is_symlink() and not place.name.startswith(".") and place.name not in NOT_DATA
        for file in sorted(place.iterdir())
        if usable(file, SUFFIXES)
    ]
    here = sorted(folder.iterdir())
    return [f for f in here if usable(f, SUFFIXES)], inner, [f for f in here if usable(f, DATABASES)]


def find_candidates(
    connection: duckdb.DuckDBPyConnection, folder: Path, work: Path, files: Iterable[Path], database: Path | None
) -> Found:
    """Load every file and every table of the database.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        One that may read `folder` and `work`.
    folder, work : Path
    files : iterable of Path
        Inside `folder`.
    database : Path or None
    """
    candidates: list[Candidate] = []
    unreadable: list[tuple[str, str]] = []
    # What fails half-way leaves relations behind, so a number is never used twice.
    numbers = count()

    def keep(label: str, loaded: Iterator[Candidate]) -> None:
        try:
            for candidate in loaded:
                candidates.append(with_sample(connection, candidate, f"file{next(numbers)}"))
        except SourceError as error:
            unreadable.append((label, _short(str(error))))
        except duckdb.Error as error:
            unreadable.append((label, str(error).splitlines()[0]))

    groups: dict[tuple[object, ...], list[tuple[Path, Candidate]]] = {}
    for file in files:
        label = file.relative_to(folder).as_posix()
        if file.suffix.lower() == ".xlsx":
            try:
                sheets = sheet_names(file)
            except SourceError as error:
                unreadable.append((label, _short(str(error))))
                continue
            for sheet in sheets:
                one = f"{label}: {sheet}" if len(sheets) > 1 else label
                keep(one, _sheet(connection, file, folder, work, one, sheet if len(sheets) > 1 else "", next(numbers)))
            continue
        try:
            described = _described(connection, file, folder)
        except (SourceError, duckdb.Error) as error:
            unreadable.append((label, _short(str(error))))
            continue
        key = (file.parent, file.suffix.lower(), described.names, described.encoding, described.delimiter)
        series = "" if file.parent != folder else re.sub(r"\d+", "#", file.stem)
        groups.setdefault((*key, series), []).append((file, described))
    for group in groups.values():
        candidate = _grouped(folder, group)
        paths = [path for path, _ in group]
        keep(candidate.label, _loaded(connection, candidate, paths, work, next(numbers)))
    if database is not None:
        name = database.relative_to(folder).as_posix()
        try:
            tables = _attached(connection, database)
        except duckdb.Error as error:
            unreadable.append((name, f"it cannot be opened as a DuckDB file ({str(error).splitlines()[0]})"))
        else:
            for schema, table in tables:
                keep(
                    f"{name}: {_in_schema(schema, table)}",
                    _database_table(connection, schema, table, next(numbers)),
                )
    return Found(
        tuple(candidates), database.relative_to(folder).as_posix() if database is not None else "", tuple(unreadable)
    )


def _described(connection: duckdb.DuckDBPyConnection, file: Path, folder: Path) -> Candidate:
    """A file by its header, before its rows are read."""
    name = file.relative_to(folder).as_posix()
    if file.suffix.lower() == ".parquet":
        schema = _schema(connection, f"read_parquet({literal(str(file))})")
        names = [column for column, _ in schema]
        nested = [column for column, kind in schema if any(mark in kind for mark in NESTED)]
        if nested:
            raise SourceError(f"the column {shown(nested[0])} holds more than one value per row")
        return Candidate(name, file.stem, (name,), "", "", tuple(names))
    with file.open("rb") as stream:
        head = stream.read(8)
    for magic, what, fix in BINARY:
        if head.startswith(magic):
            raise SourceError(f"it is {what}, though its name ends in {file.suffix}. {fix}")
    seen = sniff(file)
    with file.open("rb") as stream:
        text = stream.read(SNIFFED).decode(seen.encoding, "replace").removeprefix("\ufeff").lstrip("\r\n")
    names = parse_header(text, seen.delimiter)
    problems = header_problems(names, {}, name, text.split("\n", 1)[0], seen.delimiter)
    if not names or problems:
        empty = IntegrityFinding("no-rows", "refuse", name, "The file is empty.")
        raise refuse_all(f"{name} cannot be used:", problems or [empty])
    decimal = "," if seen.decimal == "," else "."
    return Candidate(
        name, file.stem, (name,), "", "", tuple(names), encoding=seen.encoding, delimiter=seen.delimiter,
        decimal=decimal, sure_encoding=seen.sure,
    )  # fmt: skip


def _grouped(folder: Path, group: list[tuple[Path, Candidate]]) -> Candidate:
    """Files of one kind (months of a log) as one candidate."""
    paths, first = [path for path, _ in group], group[0][1]
    if len(group) == 1:
        return first
    names = tuple(path.relative_to(folder).as_posix() for path in paths)
    decimal = "," if any(one.decimal == "," for _, one in group) else "."
    parent, suffix = paths[0].parent, paths[0].suffix
    if parent != folder and set(parent.glob(f"*{suffix}")) == set(paths):
        pattern = f"{parent.relative_to(folder).as_posix()}/*{suffix}"
        return replace(first, label=pattern, name=parent.name, file=(pattern,), decimal=decimal)
    name = first.name if parent == folder else parent.name
    return replace(first, label=f"{names[0]} and {len(names) - 1} more", name=name, file=names, decimal=decimal)


def _loaded(
    connection: duckdb.DuckDBPyConnection, candidate: Candidate, paths: list[Path], work: Path, position: int
) -> Iterator[Candidate]:
    """A text or Parquet file as a table of text, or as a view if it is large."""
    whole = sum(path.stat().st_size for path in paths) < LARGE
    if not candidate.encoding:
        columns = _as_texts(_schema(connection, f"read_parquet({literal(str(paths[0]))})"))
        listed = "[" + ", ".join(literal(str(path)) for path in paths) + "]"
        kind = "TABLE" if whole else "VIEW"
        sql = f"CREATE TEMP {kind} raw{position} AS SELECT {columns} FROM read_parquet({listed})"
        connection.execute(sql)
        yield replace(candidate, relation=f"raw{position}", whole=whole)
        return
    copies: list[Path] = []
    readable: list[Path] = []
    try:
        for path in paths:
            if not whole and candidate.encoding == "utf-8" and not _has_mark(path):
                readable.append(path)  # sniffing has decoded it from end to end
                continue
            text = read_text_file(path, candidate.encoding, work)
            if text.bad is not None or text.nul_line:
                raise SourceError(f"it is no plain text in {candidate.encoding}")
            readable.append(text.readable)
            copies += [text.readable] if text.is_copy else []
        kind = "VIEW" if not whole and not copies else "TABLE"
        listed = "[" + ", ".join(literal(str(path)) for path in readable) + "]"
        columns = "{" + ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(candidate.names))) + "}"
        connection.execute(
            f"CREATE TEMP {kind} raw{position} AS SELECT * FROM read_csv({listed}, auto_detect = false, header = true, "
            f"delim = {literal(candidate.delimiter)}, quote = '\"', escape = '\"', columns = {columns}, "
            f"nullstr = [{literal(NO_NULL)}], ignore_errors = true, max_line_size = {LONGEST_RECORD})"
        )
        yield replace(candidate, relation=f"raw{position}", whole=kind == "TABLE")
    finally:
        for copy in copies:
            copy.unlink(missing_ok=True)


def _has_mark(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(3) == codecs.BOM_UTF8


def sheet_names(file: Path) -> list[str]:
    """Return the names of the sheets of a workbook; SourceError if it is none."""
    import openpyxl  # takes a while to import

    try:
        workbook = openpyxl.load_workbook(file, read_only=True)
    except Exception as error:  # a damaged workbook fails in many ways, and all mean the same
        raise SourceError(f"it cannot be read as an Excel workbook ({error})") from None
    sheets = list(workbook.sheetnames)
    workbook.close()
    return sheets


def _sheet(
    connection: duckdb.DuckDBPyConnection, file: Path, folder: Path, work: Path, label: str, sheet: str, position: int
) -> Iterator[Candidate]:
    """A sheet of a workbook; `sheet` is "" for the only one."""
    from whychurn.sources.excel import load_excel

    name = file.relative_to(folder).as_posix()
    try:
        raw = load_excel(connection, file, Source(file=name, sheet=sheet), name, {}, work)
        connection.execute(f"CREATE TEMP TABLE raw{position} AS SELECT * EXCLUDE (record) FROM raw")
    finally:
        connection.execute("DROP VIEW IF EXISTS raw")
        for relation in ("raw_text", "raw_refused", "raw_scan", "numbers"):
            connection.execute(f"DROP TABLE IF EXISTS {relation}")
    yield Candidate(label, sheet or file.stem, (name,), sheet, "", tuple(raw.names), relation=f"raw{position}")


def _attached(connection: duckdb.DuckDBPyConnection, database: Path) -> list[tuple[str, str]]:
    """Return (schema, name) of every table and view of the company's database, those of ``main`` first."""
    connection.execute(f"ATTACH {literal(str(database))} AS company (READ_ONLY)")
    rows = connection.execute(
        "SELECT schema_name, table_name AS name FROM duckdb_tables() WHERE database_name = 'company' AND NOT internal "
        "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'company' AND NOT internal "
        "ORDER BY schema_name <> 'main', 1, 2"
    ).fetchall()
    return [(str(schema), str(name)) for schema, name in rows]


def _in_schema(schema: str, table: str) -> str:
    """A table of the database as ``study.toml`` names it."""
    return table if schema == "main" else f"{schema}.{table}"


def _database_table(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, position: int
) -> Iterator[Candidate]:
    if "." in schema + table:
        raise SourceError("its name holds a dot, which separates schema and table; make a view under another name")
    place = f"company.{quoted(schema)}.{quoted(table)}"
    columns = _schema(connection, place)
    names = [column for column, _ in columns]
    connection.execute(f"CREATE TEMP VIEW raw{position} AS SELECT {_as_texts(columns)} FROM {place}")
    whole = first_row(connection, f"SELECT count(*) FROM {place}")[0] * len(names) < LARGE // 10
    label = _in_schema(schema, table)
    yield Candidate(label, table, (), "", label, tuple(names), relation=f"raw{position}", whole=whole)


def _schema(connection: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    return [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]


def _as_texts(schema: list[tuple[str, str]]) -> str:
    """Typed columns as the texts that a CSV would hold: whole numbers without the ``.0`` of a float."""
    parts = []
    for i, (name, kind) in enumerate(schema):
        column = quoted(name)
        text = f"CAST({column} AS VARCHAR)"
        if kind in ("DOUBLE", "FLOAT"):
            whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
            text = f"CASE WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE {text} END"
            text = f"CASE WHEN isnan({column}) THEN NULL ELSE {text} END"
        parts.append(f"{text} AS c{i}")
    return ", ".join(parts)


def _short(message: str) -> str:
    """A message on one line."""
    return " ".join(line.strip().removeprefix("- ") for line in message.splitlines() if line.strip())
