"""Headers and settings of all tables held against the contract, before any table is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from whychurn.errors import SourceError
from whychurn.sources.canon import TABLES
from whychurn.sources.connection import locked_connection
from whychurn.sources.contract import IntegrityFinding, refuse_all
from whychurn.sources.tables.columns import match_columns
from whychurn.sources.tables.headers import database_files, read_header
from whychurn.sources.tables.parts import Given
from whychurn.sources.tables.places import Place
from whychurn.sources.tables.times import format_problem
from whychurn.study import TableStudy

ACCOUNTS = "accounts"


def match_tables(study: TableStudy, places: Mapping[str, tuple[Place, ...]], work: Path) -> dict[str, list[Given]]:
    """Read the header of every file and match it with the contract.

    Raises
    ------
    SourceError
        With everything that is wrong, over all tables.
    """
    matched: dict[str, list[Given]] = {}
    problems: list[IntegrityFinding] = []
    for name, files in places.items():
        table, contract = study.tables[name], TABLES[name]
        found: list[Given] = []
        connection = table_connection(study, files, work)
        try:
            problems += _format_problems(connection, study, name, files)
            for place in files:
                try:
                    header = read_header(connection, place, name)
                except SourceError as error:
                    problems += in_table_words(error, name, place.shown)
                    continue
                columns, wrong = match_columns(contract, table, header.names, place.shown, declared_kinds(study, name))
                problems += wrong
                found.append(Given(place, header, columns))
        finally:
            connection.close()
        problems += _different(found, name)
        matched[name] = found
    if problems:
        raise refuse_all(f"The tables of {study.name} cannot be used:", problems)
    return matched


def table_connection(study: TableStudy, places: tuple[Place, ...], work: Path) -> duckdb.DuckDBPyConnection:
    """Return an engine that sees the work folder and the files of one table."""
    files = [file for place in places for file in (database_files(place.path) if place.relation else (place.path,))]
    return locked_connection([work], files, memory_limit=study.engine.memory_limit, threads=study.engine.threads)


def declared_kinds(study: TableStudy, name: str) -> dict[str, str]:
    """Return attribute -> "number" or "category", where the study declares it as a cause; for accounts only."""
    known = {column.name for column in TABLES[ACCOUNTS].columns}
    return {cause.column: cause.type for cause in study.causes if cause.column not in known} if name == ACCOUNTS else {}


def _format_problems(
    connection: duckdb.DuckDBPyConnection, study: TableStudy, name: str, places: tuple[Place, ...]
) -> list[IntegrityFinding]:
    table = study.tables[name]
    problems = []
    for key, written in {
        "date_format": table.date_format,
        **{f"formats.{k}": v for k, v in table.formats.items()},
    }.items():
        wrong = format_problem(connection, written)
        if not wrong and written.startswith("%Y-%d") and any(place.source.suffix == ".xlsx" for place in places):
            wrong = "cannot be told from how dates of a workbook are written out"
        if wrong:
            text = f"tables.{name}.{key}: “{written}” {wrong}."
            problems.append(IntegrityFinding("wrong-format", "refuse", name, text, count=1))
    for key, zone in (("study.time_zone", study.time_zone), (f"tables.{name}.time_zone", table.time_zone)):
        try:
            if zone:
                connection.execute("SELECT TIMESTAMP '2024-01-01' AT TIME ZONE $zone", {"zone": zone}).fetchall()
        except duckdb.Error:
            text = f"{key}: the engine does not know the time zone “{zone}”. Name a place, such as Europe/Berlin."
            problems.append(IntegrityFinding("wrong-time-zone", "refuse", name, text, count=1))
    return problems


def _different(found: list[Given], name: str) -> list[IntegrityFinding]:
    """Files of one table whose columns differ."""
    problems = []
    for one in found[1:]:
        first, names = set(found[0].header.names), set(one.header.names)
        gone, new = sorted(first - names), sorted(names - first)
        if gone or new:
            parts = [f"lacks {', '.join(gone[:5])}"] * bool(gone) + [f"has {', '.join(new[:5])} in addition"] * bool(
                new
            )
            text = f"{one.place.shown} {' and '.join(parts)}, compared with {found[0].place.shown}."
            fix = "Files of one table must have the same columns."
            problems.append(IntegrityFinding("different-columns", "refuse", name, text, action=fix, count=1))
    return problems


def in_table_words(error: SourceError, name: str, place: str) -> list[IntegrityFinding]:
    """Return an error's problems with the file they are about, in the words of a study of tables."""
    section = f"[tables.{name}]"
    title = str(error).splitlines()[0].removesuffix(" cannot be used:")
    if not error.problems:
        return [IntegrityFinding("unreadable-table", "refuse", name, str(error).replace("[source]", section), count=1)]
    return [
        replace(
            problem,
            problem=f"{place or title}: {problem.problem}".replace("[source]", section),
            action=problem.action.replace("[source]", section),
        )
        for problem in error.problems
        if isinstance(problem, IntegrityFinding)
    ]
