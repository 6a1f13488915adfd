"""Open the tables of a study: read what changed, take the rest from before, check them against one another, grade."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from whychurn.errors import SourceError
from whychurn.sources.canon import SQL_TYPES, TABLES, TableContract
from whychurn.sources.connection import locked_connection, within_limits, work_folder
from whychurn.sources.contract import IntegrityFinding, LedgerStep, Sources, refuse_all
from whychurn.sources.integrity import by_severity
from whychurn.sources.names import counted, quoted
from whychurn.sources.rejects import rejects_frame
from whychurn.sources.tables.attributes import detect_attributes
from whychurn.sources.tables.build import BuiltTable, build_table
from whychurn.sources.tables.cache import TableCache, table_key
from whychurn.sources.tables.checks import check_tables
from whychurn.sources.tables.fingerprints import FingerprintBook
from whychurn.sources.tables.kept_checks import kept_findings
from whychurn.sources.tables.matching import ACCOUNTS, declared_kinds, in_table_words, match_tables, table_connection
from whychurn.sources.tables.parts import Given
from whychurn.sources.tables.places import Place, locate
from whychurn.sources.tables.rejected import MOST_IN_FRAME, first_rejects, write_reject_file
from whychurn.sources.tables.times import Zones
from whychurn.sources.verdict import grade
from whychurn.study import TableStudy

#: Accounts with more further columns than this carry along only those that the study names: each one is read and
#: described by itself, and thousands of them, say answers of a survey, would take hours.
MOST_FURTHER = 500


def inspect_tables(study: TableStudy) -> Sources:
    """Read the tables of a study and grade them, whatever the grade.

    Of the columns of accounts that are not in the contract all are kept, or, where there are more than
    :data:`MOST_FURTHER`, those that the study names.

    Raises
    ------
    SourceError
        If the data cannot be read at all, or not within the memory and disk that the engine may use. Every problem of
        every table is listed.
    """
    with within_limits(f"The data of {study.name}"):
        return _inspect(study)


def _inspect(study: TableStudy) -> Sources:
    work = work_folder(study.folder)
    places = _places(study)
    book, cache = FingerprintBook(work), TableCache(work)
    digests = {place.path: book.sha256(place.path) for files in places.values() for place in files}
    book.save()
    keys = _keys(study, places, digests)
    built = {name: known for name, key in keys.items() if (known := cache.find(name, key)) is not None}
    matched = match_tables(study, {name: files for name, files in places.items() if name not in built}, work)
    built = _read_missing(study, matched, digests, keys, built, cache, work)
    cache.tidy()
    connection = locked_connection([work], memory_limit=study.engine.memory_limit, threads=study.engine.threads)
    # The rows stay on disk, so nobody may remove them while this connection is there.
    weakref.finalize(connection, cache.in_use.clear)
    try:
        return _graded(study, connection, built, keys, cache, work)
    except BaseException:
        connection.close()
        raise


def _names(study: TableStudy) -> list[str]:
    """Tables the company has, in the order of the contract: the accounts first."""
    return [name for name in TABLES if name in study.tables]


def _places(study: TableStudy) -> dict[str, tuple[Place, ...]]:
    places, problems = {}, []
    for name in _names(study):
        places[name], found = locate(study, name)
        problems += found
    if problems:
        raise refuse_all(f"The tables of {study.name} cannot be used:", problems)
    return places


def _keys(study: TableStudy, places: Mapping[str, tuple[Place, ...]], digests: Mapping[Path, str]) -> dict[str, str]:
    """The key of each table; that of the accounts is part of all others, for they decide whose rows are kept."""
    keys: dict[str, str] = {}
    for name, files in places.items():
        seen = [(place.shown, digests[place.path]) for place in files]
        declared, accounts = declared_kinds(study, name), keys.get(ACCOUNTS, "")
        if name == ACCOUNTS:
            declared = dict.fromkeys(_named(study), "") | declared
        keys[name] = table_key(name, study.tables[name], seen, study.time_zone, accounts, declared)
    return keys


def _named(study: TableStudy) -> tuple[str, ...]:
    """Columns of accounts that the study names without saying what they hold."""
    focus = (column for one in study.focus for column in one.where)
    return tuple(dict.fromkeys((*study.tables[ACCOUNTS].columns, *focus)))


def _carried(study: TableStudy, given: list[Given]) -> tuple[list[Given], tuple[IntegrityFinding, ...]]:
    """Leave out further columns of accounts that the study does not name, where there are very many; and say so."""
    further = [one.column.name for one in given[0].matched if one.attribute]
    if len(further) <= MOST_FURTHER:
        return given, ()
    wanted = {*_named(study), *declared_kinds(study, ACCOUNTS)}
    left = [
        replace(one, matched=tuple(each for each in one.matched if not each.attribute or each.column.name in wanted))
        for one in given
    ]
    n = sum(name not in wanted for name in further)
    note = IntegrityFinding(
        code="columns-not-carried", severity="note", table=ACCOUNTS, count=n,
        problem=f"accounts has {counted(len(further), 'further column')}, more than {MOST_FURTHER:,}: only those that the "
        f"study names are kept, and {n:,} are left out.",
        action="Declare a column under [[causes]] or [[focus]], or name it under [tables.accounts.columns], to keep it.",
    )  # fmt: skip
    return left, (note,)


def _read_missing(
    study: TableStudy,
    matched: Mapping[str, list[Given]],
    digests: Mapping[Path, str],
    keys: Mapping[str, str],
    known: Mapping[str, BuiltTable],
    cache: TableCache,
    work: Path,
) -> dict[str, BuiltTable]:
    """Read the tables that were not read before; raise everything that is wrong, over all tables."""
    built = dict(known)
    problems: list[IntegrityFinding] = []
    for name, given in matched.items():
        accounts = cache.files(ACCOUNTS, keys[ACCOUNTS])[0] if name != ACCOUNTS and ACCOUNTS in built else None
        try:
            with within_limits(f"The table {name}"):
                built[name] = _read_table(study, name, given, digests, accounts, keys[name], cache, work)
        except SourceError as error:
            problems += in_table_words(error, name, "")
    if problems:
        raise refuse_all(f"The tables of {study.name} cannot be used:", problems)
    return {name: built[name] for name in keys}


def _read_table(
    study: TableStudy,
    name: str,
    given: list[Given],
    digests: Mapping[Path, str],
    accounts: Path | None,
    key: str,
    cache: TableCache,
    work: Path,
) -> BuiltTable:
    table = study.tables[name]
    zones = Zones(study.time_zone, table.time_zone or study.time_zone)
    given, told = _carried(study, given) if name == ACCOUNTS else (given, ())
    unfinished = cache.unfinished(name)
    connection = table_connection(study, tuple(one.place for one in given), work)
    stats = [one.place.path.stat() for one in given]
    try:
        built = build_table(
            connection, name, table, given, digests, zones, accounts, declared_kinds(study, name), *unfinished, work
        )
        built = replace(built, findings=(*built.findings, *told))
        _require_unchanged(built, given, digests)
        for one, before in zip(given, stats, strict=True):
            after = one.place.path.stat()
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise SourceError(f"{one.place.shown} changed while it was read. Try again once it is complete.")
        # Without the accounts nobody can say whose rows these are: the study stops, and nothing of this is kept.
        if accounts is not None or name == ACCOUNTS:
            cache.keep(name, key, built, unfinished)
        return built
    finally:
        connection.close()
        for file in unfinished:
            file.unlink(missing_ok=True)


def _require_unchanged(built: BuiltTable, given: list[Given], digests: Mapping[Path, str]) -> None:
    for one, seen in zip(given, built.fingerprints, strict=True):
        if seen.sha256 != digests[one.place.path]:
            raise SourceError(f"{one.place.shown} changed while it was read. Try again once it is complete.")


def _graded(
    study: TableStudy,
    connection: duckdb.DuckDBPyConnection,
    built: Mapping[str, BuiltTable],
    keys: Mapping[str, str],
    cache: TableCache,
    work: Path,
) -> Sources:
    rejects: list[pd.DataFrame] = []
    for name, table in built.items():
        rows, rejected, _ = cache.files(name, keys[name])
        _make_view(connection, TABLES[name], table, rows)
        file = work / f"rejects-{name}.csv"
        if table.n_rejects:
            room = MOST_IN_FRAME - sum(len(part) for part in rejects)
            rejects += [first_rejects(connection, name, rejected, room)] if room > 0 else []
            if not file.exists() or file.stat().st_mtime_ns < rejected.stat().st_mtime_ns:
                write_reject_file(connection, name, rejected, file)
        else:
            file.unlink(missing_ok=True)
    for name, contract in TABLES.items():
        if name not in built:
            _make_empty(connection, contract)
            (work / f"rejects-{name}.csv").unlink(missing_ok=True)
    tracked_from, announced = _tracked_from(study, built)
    tables = {name: table.rows for name, table in built.items()}
    words = (replace(one, action=one.action.replace("[source]", f"[tables.{one.table}]")) for one in _findings(built))
    detections, explained = detect_attributes(connection, study)
    checked = kept_findings(
        work, study, keys, tracked_from, lambda: check_tables(connection, study, tables, tracked_from)
    )
    integrity = by_severity((*words, *checked, *explained))
    return Sources(
        study_name=study.name,
        connection=connection,
        tables=tables,
        fingerprints=tuple(fingerprint for table in built.values() for fingerprint in table.fingerprints),
        integrity=integrity,
        ledger=(*(step for table in built.values() for step in table.ledger), *announced),
        columns=tuple(column for table in built.values() for column in table.profiles),
        rejects=_stacked(rejects),
        detections=detections,
        verdict=grade(integrity),
        work=work,
        tracked_from=tracked_from,
    )


def _findings(built: Mapping[str, BuiltTable]) -> tuple[IntegrityFinding, ...]:
    return tuple(finding for table in built.values() for finding in table.findings)


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One frame in the order of the tables; within each, of the records."""
    return pd.concat(parts, ignore_index=True) if parts else rejects_frame()


def _make_view(connection: duckdb.DuckDBPyConnection, contract: TableContract, table: BuiltTable, rows: Path) -> None:
    """Show a table under its name; the rows stay on disk."""
    columns = ", ".join(quoted(name) for name, _ in table.columns)
    path = str(rows).replace("'", "''")
    connection.execute(f"CREATE VIEW {quoted(contract.name)} AS SELECT {columns} FROM read_parquet('{path}')")


def _make_empty(connection: duckdb.DuckDBPyConnection, contract: TableContract) -> None:
    columns = ", ".join(f"{quoted(column.name)} {SQL_TYPES[column.type]}" for column in contract.columns)
    connection.execute(f"CREATE TABLE {quoted(contract.name)} ({columns}, row_number BIGINT)")


def _tracked_from(study: TableStudy, built: Mapping[str, BuiltTable]) -> tuple[dict[str, date], tuple[LedgerStep, ...]]:
    """The first day each log was recorded: as declared, else that of its first record, which is then announced."""
    found: dict[str, date] = {}
    steps = []
    for name, table in built.items():
        if TABLES[name].tracked_throughout:
            continue
        first = study.tables[name].tracked_from or table.first_day
        if first is None:
            continue
        found[name] = first
        if study.tables[name].tracked_from is None:
            rule = f"{name} is taken to be recorded from its first record on, {first}; before, nothing is known of it."
            steps.append(LedgerStep("first day recorded", name, rule, table.rows, table.rows, 0))
    return found, tuple(steps)
