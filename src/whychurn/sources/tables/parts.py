"""The files of one table, each read into typed columns, with every record that cannot be used told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from whychurn.errors import SourceError
from whychurn.sources.connection import engine_words, first_row
from whychurn.sources.contract import Fingerprint, IntegrityFinding
from whychurn.sources.load import RawTable
from whychurn.sources.names import quoted, shown
from whychurn.sources.progress import reading
from whychurn.sources.reading import other_file, read_file
from whychurn.sources.rejects import LONGEST_VALUE
from whychurn.sources.tables.columns import Matched
from whychurn.sources.tables.headers import Header, attach, relation_name
from whychurn.sources.tables.midnights import count_midnights
from whychurn.sources.tables.places import Place
from whychurn.sources.tables.sql import Bound
from whychurn.sources.tables.times import Zones
from whychurn.sources.tables.values import Reading, read_as
from whychurn.study import Table

#: Columns of the engine's table ``rejects``.
REJECTS = (
    "file VARCHAR, record BIGINT, line BIGINT, account_id VARCHAR, scope VARCHAR, col VARCHAR, value VARCHAR, "
    "reason VARCHAR"
)


@dataclass(frozen=True)
class Given:
    """One file to be read: where it is, its header, and the columns taken from it."""

    place: Place
    header: Header
    matched: tuple[Matched, ...]


@dataclass
class Part:
    """One file as read.

    Attributes
    ----------
    name : str
        As in fingerprints.
    offset : int
        Records of the files before it.
    n_records, n_ragged : int
        In the file; of those, that could not be split.
    readings : tuple of Reading
    judged : str
        SQL of ``record``, ``row_number``, and of each column the file's value ``x{i}`` and the typed one ``v{i}``.
    flagged : str
        SQL of ``row_number``, ``v{i}``, ``u{i}`` (there is a value that cannot be read) and ``o{i}`` (it has an offset).
    n_unusable : int
        Records that lack what is required.
    why_unusable : Mapping of str to int
    unreadable : Mapping of str to (int, int, tuple of str, str)
        Column of the contract -> values that cannot be read, values present, examples, the reason of the first.
    mixed : Mapping of str to (int, int)
        Column -> times with an offset, times without, where there are both.
    midnights : Mapping of str to (int, int)
        Column of days -> instants, and those that are midnight in UTC and thereby of another day.
    lines : ndarray or None
        Line of each record, where it is not the one after the record's number.
    has_lines : bool
    """

    name: str
    offset: int
    n_records: int
    n_ragged: int
    fingerprint: Fingerprint
    findings: tuple[IntegrityFinding, ...]
    readings: tuple[Reading, ...] = ()
    judged: str = ""
    flagged: str = ""
    n_unusable: int = 0
    why_unusable: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, tuple[int, int, tuple[str, ...], str]] = field(default_factory=dict)
    mixed: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    midnights: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    lines: np.ndarray | None = None
    has_lines: bool = False

    @property
    def typed(self) -> str:
        """SQL of ``row_number``, ``v0``, ``v1``, …"""
        values = ", ".join(f"v{i}" for i in range(len(self.readings)))
        return f"SELECT row_number, {values} FROM ({self.flagged})"


def read_part(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: Table,
    given: Given,
    number: int,
    offset: int,
    zones: Zones,
    bound: Bound,
    work: Path,
    sha256: str,
) -> Part:
    """Read one file of the table `name`; reasons why records and values cannot be used go to ``rejects``.

    Text is read by the strict recipe, typed at once, and told (:func:`tell`). Columns of typed files are left where
    they lie, so that a large file passes through the engine without ever being held; what cannot be used in them is
    told only if there is anything.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    place = given.place
    if place.relation or place.source.suffix == ".parquet":
        raw, part = None, _typed_file(connection, given, number, offset, name, sha256)
        source = f"given{number}" if place.relation else _parquet(given, bound)
        keys = [(f"g{i}", given.header.type_of(one.theirs)) for i, one in enumerate(given.matched)]
    else:
        raw, part = _text_file(connection, name, given, offset, work)
        source = "raw"
        keys = [(f"c{raw.names.index(one.theirs)}", "VARCHAR") for one in given.matched]
    excel = place.source.suffix == ".xlsx" and not place.relation
    part.readings = tuple(
        read_as(i, one, key, kind, table, zones, bound, excel)
        for i, (one, (key, kind)) in enumerate(zip(given.matched, keys, strict=True))
    )
    part.judged = _judged(source, part.readings, offset)
    part.flagged = _flagged(part)
    kinds = [kind for _, kind in keys]
    part.midnights = count_midnights(connection, part.readings, kinds, part.judged, table, zones, bound)
    if raw is not None:
        bound.run(connection, f"CREATE TABLE typed{number} AS {part.flagged}")
        part.flagged = f"SELECT * FROM typed{number}"
        tell(connection, part, bound)
        connection.execute("DROP VIEW raw")
        for relation in ("raw_text", "numbers"):
            connection.execute(f"DROP TABLE IF EXISTS {relation}")
    return part


def any_unreadable(connection: duckdb.DuckDBPyConnection, part: Part, bound: Bound) -> bool:
    """Whether a typed file holds any value that cannot be used; columns that cannot hold one are not looked at."""
    flags = [f"u{i}" for i, one in enumerate(part.readings) if one.wrong]
    if not flags:
        return False
    return bool(bound.run(connection, f"SELECT bool_or({' OR '.join(flags)}) FROM ({part.flagged})")[0][0])


def insert_rejects(
    connection: duckdb.DuckDBPyConnection,
    part: Part,
    rows: str,
    bound: Bound,
    columns: str = "scope, col, value, reason",
) -> None:
    """Add rejects of one file.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    part : Part
    rows : str
        SQL of ``record`` (its number in this file), ``account_id`` and `columns`.
    bound : Bound
        Values it refers to.
    columns : str
    """
    line = "NULL"
    join = ""
    if part.has_lines and part.lines is None:
        line = "found.record + 1"
    elif part.lines is not None:
        frame = pd.DataFrame({"record": np.arange(1, len(part.lines) + 1), "line": part.lines})
        connection.register("lines_frame", frame)
        line, join = "lines_frame.line", "JOIN lines_frame USING (record)"
    # One value may be as large as the file; what is told of it is cut by the engine.
    columns = ", ".join(
        f"left({column}, {LONGEST_VALUE})" if column == "value" else column for column in columns.split(", ")
    )
    bound.run(
        connection,
        f"INSERT INTO rejects SELECT {bound(part.name)}, record, coalesce({line}, 0), left(account_id, {LONGEST_VALUE}), "
        f"{columns} FROM ({rows}) AS found {join} ORDER BY record",
    )
    if join:
        connection.unregister("lines_frame")


def _text_file(
    connection: duckdb.DuckDBPyConnection, name: str, given: Given, offset: int, work: Path
) -> tuple[RawTable, Part]:
    place = given.place
    needed = {one.theirs: f"tables.{name}.columns" for one in given.matched}
    with reading(place.path) as progress:
        read = read_file(connection, place.path, place.source, name, needed, work, progress)
    raw = read.raw
    lines = raw.lines
    if lines is not None and bool((lines == np.arange(2, len(lines) + 2)).all()):
        lines = None
    part = Part(
        name=place.shown, offset=offset, n_records=raw.n_records, n_ragged=len(raw.rejects),
        fingerprint=read.fingerprint, findings=read.findings, lines=lines, has_lines=True,
    )  # fmt: skip
    if len(raw.rejects):
        connection.register("ragged_frame", raw.rejects)
        connection.execute(
            "INSERT INTO rejects SELECT file, record, line, '', scope, \"column\", value, reason FROM ragged_frame"
        )
        connection.unregister("ragged_frame")
    return raw, part


def _typed_file(
    connection: duckdb.DuckDBPyConnection, given: Given, number: int, offset: int, name: str, sha256: str
) -> Part:
    place = given.place
    if place.relation:
        attach(connection, place, name)
        try:
            connection.execute(
                f"CREATE TABLE given{number} AS SELECT row_number() OVER () AS record, {_columns(given)} "
                f"FROM {relation_name(place)}"
            )
        except (duckdb.OutOfMemoryException, duckdb.IOException):
            raise  # told in the words of the limits
        except duckdb.Error as error:
            raise SourceError(
                f"The table {shown('.'.join(place.relation))} of {place.source.file} cannot be read "
                f"({engine_words(error)}). If it is a view, correct it, or make it a table."
            ) from None
        n = first_row(connection, f"SELECT count(*) FROM given{number}")[0]
    else:
        n = connection.execute("SELECT count(*) FROM read_parquet($file)", {"file": str(place.path)}).fetchall()[0][0]
    fingerprint = Fingerprint(place.shown, sha256, n, place.path.stat().st_size)
    findings = tuple(other_file(sha256, place.source, name))
    if not n:
        raise SourceError(f"{place.shown} has columns but no rows.")
    return Part(place.shown, offset, n, 0, fingerprint, findings)


def _parquet(given: Given, bound: Bound) -> str:
    read = f"read_parquet({bound(str(given.place.path))}, file_row_number = true)"
    return f"(SELECT file_row_number + 1 AS record, {_columns(given)} FROM {read})"


def _columns(given: Given) -> str:
    """The columns that are read, as ``g0``, ``g1``, …: a file may use any name, ours included."""
    return ", ".join(f"{quoted(given.header.raw_name(one.theirs))} AS g{i}" for i, one in enumerate(given.matched))


def _judged(source: str, readings: Sequence[Reading], offset: int) -> str:
    given = ", ".join(f"{one.given} AS x{i}" for i, one in enumerate(readings))
    typed = ", ".join(f"x{i}, {one.value} AS v{i}" for i, one in enumerate(readings))
    return f"SELECT record, record + {int(offset)} AS row_number, {typed} FROM (SELECT record, {given} FROM {source})"


def _flagged(part: Part) -> str:
    columns = [f"v{i}" for i in range(len(part.readings))]
    columns += [f"{one.wrong} AS u{i}" for i, one in enumerate(part.readings) if one.wrong]
    columns += [f"{one.offsets} AS o{i}" for i, one in enumerate(part.readings) if one.offsets]
    return f"SELECT row_number, {', '.join(columns)} FROM ({part.judged})"


def tell(connection: duckdb.DuckDBPyConnection, part: Part, bound: Bound) -> None:
    """Count, and add to ``rejects``, rows that lack what is required and values that cannot be read."""
    readings = part.readings
    required = [i for i, one in enumerate(readings) if one.matched.column.required]
    usable = " AND ".join(f"v{i} IS NOT NULL" for i in required) or "true"
    counts = [f"count(*) FILTER (NOT ({usable}))"]
    for i, one in enumerate(readings):
        flag = f"count(*) FILTER (u{i} AND ({one.matched.column.required!s} OR ({usable})))" if one.wrong else "0"
        counts += [flag, f"count(v{i})", f"count(*) FILTER (o{i})" if one.offsets else "0"]
    found = [int(n) for n in bound.run(connection, f"SELECT {', '.join(counts)} FROM ({part.flagged})")[0]]
    part.n_unusable = found[0]
    account = next((f"v{i}" for i, one in enumerate(readings) if one.matched.column.name == "account_id"), "NULL")
    if part.n_unusable:
        _tell_unusable(connection, part, required, account, bound)
    unreadable: dict[str, tuple[int, int, tuple[str, ...], str]] = {}
    mixed: dict[str, tuple[int, int]] = {}
    for i, one in enumerate(readings):
        n_wrong, n_read, n_offset = found[1 + 3 * i : 4 + 3 * i]
        name = one.matched.column.name
        if n_offset and n_offset < n_read:
            mixed[name] = (n_offset, n_read - n_offset)
        if n_wrong:
            where = one.wrong if one.matched.column.required else f"{one.wrong} AND {usable}"
            rows = (
                f"SELECT record, {account} AS account_id, 'value' AS scope, {bound(one.matched.theirs)} AS col, "
                f"{one.text} AS value, concat({one.reason}, ', so it is read as missing') AS reason "
                f"FROM ({part.judged}) WHERE {where}"
            )
            if not one.matched.column.required:  # else the row was told already
                insert_rejects(connection, part, rows, bound)
            shown = bound.run(
                connection,
                f"SELECT left({one.text}, {LONGEST_VALUE}), {one.reason} FROM ({part.judged}) WHERE {where} "
                "ORDER BY record LIMIT 3",
            )
            examples = tuple(str(row[0]) for row in shown)
            unreadable[name] = (n_wrong, n_wrong + n_read, examples, str(shown[0][1]))
    part.unreadable, part.mixed = unreadable, mixed


def _tell_unusable(
    connection: duckdb.DuckDBPyConnection, part: Part, required: Sequence[int], account: str, bound: Bound
) -> None:
    """Of each row that lacks something required, the first thing it lacks."""
    readings = part.readings
    first = " ".join(f"WHEN v{i} IS NULL THEN {i}" for i in required)
    columns = " ".join(f"WHEN {i} THEN {bound(readings[i].matched.theirs)}" for i in required)
    texts = " ".join(f"WHEN {i} THEN {readings[i].text}" for i in required)
    reasons = " ".join(
        f"WHEN {i} THEN concat({bound(readings[i].matched.column.name)}, ' ', "
        f"CASE WHEN x{i} IS NULL OR ({readings[i].reason}) = '' THEN 'has no value' ELSE {readings[i].reason} END)"
        for i in required
    )
    lacking = f"SELECT *, CASE {first} END AS lacks FROM ({part.judged}) WHERE {' OR '.join(f'v{i} IS NULL' for i in required)}"
    rows = (
        f"SELECT record, {account} AS account_id, 'row' AS scope, CASE lacks {columns} END AS col, "
        f"CASE lacks {texts} END AS value, CASE lacks {reasons} END AS reason FROM ({lacking})"
    )
    insert_rejects(connection, part, rows, bound)
    counted = bound.run(
        connection, f"SELECT reason, count(*) FROM ({rows}) GROUP BY reason ORDER BY count(*) DESC, reason"
    )
    part.why_unusable = {str(reason): int(n) for reason, n in counted}
