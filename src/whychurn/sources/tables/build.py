"""From the parts of one table to its rows: unusable, repeated, contradicting and unowned ones set aside and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from whychurn.errors import SourceError
from whychurn.sources.canon import SQL_TYPES, TABLES, CanonColumn, TableContract
from whychurn.sources.connection import first_row
from whychurn.sources.contract import ColumnProfile, Fingerprint, IntegrityFinding, LedgerStep
from whychurn.sources.names import quoted
from whychurn.sources.tables import doubts
from whychurn.sources.tables.actions import action_rule, tell_actions
from whychurn.sources.tables.columns import Matched
from whychurn.sources.tables.judging import CONTRADICTS, ORPHAN, judge_keys, judge_owners
from whychurn.sources.tables.parts import REJECTS, Given, Part, any_unreadable, read_part, tell
from whychurn.sources.tables.profiles import profile
from whychurn.sources.tables.sql import Bound
from whychurn.sources.tables.times import Zones
from whychurn.sources.typed import number_of
from whychurn.study import Table

#: Above this many rows, exact copies are counted among one account in eight.
COUNT_ALL_BELOW = 5_000_000
SHARE_COUNTED = 8


@dataclass(frozen=True)
class BuiltTable:
    """One table as it was read, its rows in a Parquet file.

    Attributes
    ----------
    rows : int
    columns : tuple of (str, str)
        Names and SQL types of the Parquet file.
    present : tuple of str
        Columns that the company has.
    fingerprints, findings, ledger, profiles
        As in :class:`whychurn.sources.Sources`.
    n_rejects : int
    first_day : date or None
        Of the first record, for logs.
    """

    rows: int
    columns: tuple[tuple[str, str], ...]
    present: tuple[str, ...]
    fingerprints: tuple[Fingerprint, ...]
    findings: tuple[IntegrityFinding, ...]
    ledger: tuple[LedgerStep, ...]
    profiles: tuple[ColumnProfile, ...]
    n_rejects: int
    first_day: date | None


def build_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: Table,
    files: Sequence[Given],
    digests: Mapping[Path, str],
    zones: Zones,
    accounts: Path | None,
    declared: dict[str, str],
    out: Path,
    rejects_out: Path,
    work: Path,
) -> BuiltTable:
    """Read the files of one table and write its rows, and what could not be used, as Parquet.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Used for this table only; it may read the files, and write to `work`.
    name : str
    table : Table
    files : sequence of Given
        All with the same columns.
    digests : Mapping of Path to str
        SHA-256 of each.
    zones : Zones
    accounts : Path or None
        The rows of the accounts, by which a row belongs to someone; None for the accounts themselves.
    declared : dict of str to str
        Attribute -> "number" or "category" as declared.
    out, rejects_out : Path
    work : Path

    Raises
    ------
    SourceError
        If a file cannot be read, no row can be used, or records do not add up.
    """
    contract, bound = TABLES[name], Bound()
    connection.execute(f"CREATE TABLE rejects ({REJECTS})")
    parts: list[Part] = []
    for number, given in enumerate(files):
        offset = sum(part.n_records for part in parts)
        # The columns come in the order of the first file.
        order = {one.column.name: one for one in given.matched}
        given = replace(given, matched=tuple(order[one.column.name] for one in files[0].matched))
        parts.append(
            read_part(connection, name, table, given, number, offset, zones, bound, work, digests[given.place.path])
        )
    matched = files[0].matched
    key_of = {one.column.name: f"v{i}" for i, one in enumerate(matched)}
    typed = " UNION ALL ".join(part.typed for part in parts)
    required = [key_of[one.column.name] for one in matched if one.column.required]
    usable = " AND ".join(f"{key} IS NOT NULL" for key in required) or "true"
    n_repeats, n_contradicting = judge_keys(connection, contract, key_of, typed, usable, parts, matched, bound)
    if accounts is not None:
        connection.execute(f"CREATE TABLE known_accounts AS SELECT account_id FROM read_parquet('{_path(accounts)}')")
    kept = _kept(typed, usable, contract, key_of, accounts is not None, bool(n_repeats or n_contradicting))
    rule = action_rule(key_of.get("action", ""), table, bound)
    select, columns = _selected(connection, contract, matched, key_of, kept, rule.value, table, declared, bound)
    rows = int(
        bound.run(
            connection,
            f"COPY (SELECT {select} FROM ({kept})) TO '{_path(out)}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880)",
        )[0][0]
    )
    n_records, n_ragged = sum(part.n_records for part in parts), sum(part.n_ragged for part in parts)
    lost = n_records - n_ragged - rows
    for part in parts:
        # Text was told when it was read; a typed file is gone through once more only if there is something to tell.
        if not part.has_lines and (lost or any_unreadable(connection, part, bound)):
            tell(connection, part, bound)
    n_unusable = sum(part.n_unusable for part in parts)
    n_orphans = 0
    if accounts is not None and lost - n_unusable - n_repeats - n_contradicting:
        n_orphans = judge_owners(connection, key_of, typed, usable, parts, matched, bound)
    if rows + n_ragged + n_unusable + n_repeats + n_contradicting + n_orphans != n_records:
        raise SourceError(
            f"{name}: {rows:,} rows were taken and {n_records - rows:,} left out, but the reasons do not add up to the "
            f"{n_records:,} records of the files. Nothing was used; please report this with the shape of the files."
        )
    losses = _losses(connection, parts, n_ragged, n_unusable, n_repeats, n_contradicting, n_orphans)
    findings = [finding for part in parts for finding in part.findings]
    set_aside = [(loss.clause, loss.n) for loss in losses if loss.clause]
    examples = [example for loss in losses if loss.clause for example in loss.examples]
    findings += doubts.set_aside(name, n_records, set_aside, examples)
    findings += doubts.unreadable_values(name, table, parts)
    findings += doubts.mixed_offsets(name, zones.table, parts)
    source = f"read_parquet('{_path(out)}')"
    told: list[IntegrityFinding] = []
    steps: list[LedgerStep] = []
    if name == "usage" and rows:
        told, steps = tell_actions(
            connection, key_of.get("action", ""), f"FROM {source}", kept, rule, table, bound, rows
        )
    if not contract.key:
        repeated, about = _count_repeats(connection, out, [one.column.name for one in matched], rows, bound)
        findings += doubts.exact_repeats(name, repeated, rows, about)
    if not rows:
        findings.append(_no_row(name, n_records, set_aside))
    first = None
    if rows and not contract.tracked_throughout:
        first = connection.execute(f"SELECT CAST(min({quoted(contract.at)}) AS DATE) FROM {source}").fetchall()[0][0]
    n_rejects = first_row(connection, "SELECT count(*) FROM rejects")[0]
    if n_rejects:
        connection.execute(
            f"COPY (SELECT * FROM rejects ORDER BY file, record, scope, col) TO '{_path(rejects_out)}' (FORMAT parquet)"
        )
    return BuiltTable(
        rows=rows,
        columns=columns,
        present=tuple(one.column.name for one in matched),
        fingerprints=tuple(part.fingerprint for part in parts),
        findings=(*findings, *told),
        ledger=(*_ledger(name, n_records, losses), *steps),
        profiles=profile(connection, source, name, [one.column for one in matched], dict(columns), rows),
        n_rejects=n_rejects,
        first_day=first,
    )


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows that one rule left out; `clause` is "" where that is no loss of information."""

    step: str
    rule: str
    clause: str
    n: int
    examples: tuple[str, ...]
    note: str = ""


def _losses(connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], *counts: int) -> tuple[Loss, ...]:
    n_ragged, n_unusable, n_repeats, n_contradicting, n_orphans = counts
    why: dict[str, int] = {}
    for part in parts:
        for reason, n in part.why_unusable.items():
            why[reason] = why.get(reason, 0) + n
    note = "; ".join(f"{reason}: {n:,}" for reason, n in sorted(why.items(), key=lambda pair: (-pair[1], pair[0])))

    def rows(where: str) -> tuple[str, ...]:
        sql = f"SELECT record, account_id FROM rejects WHERE scope = 'row' AND {where} ORDER BY file, record LIMIT 3"
        return tuple(f"row {record}" for record, _ in connection.execute(sql).fetchall())

    contradicting, orphans = f"reason = '{CONTRADICTS}'", f"reason = '{ORPHAN}'"
    return (
        Loss("records read", "Records whose number of values is not that of the header are set aside.",
             "wrong number of values", n_ragged, rows("col = ''")),
        Loss("unusable rows", "Rows without a usable value in a required column are set aside.",
             f"required values missing or unreadable ({note})" if note else "required values missing", n_unusable,
             rows(f"col <> '' AND reason NOT IN ('{CONTRADICTS}', '{ORPHAN}')"), note),
        Loss("exact repeats", "A row that repeats another of the same id in every column that is read is dropped.", "",
             n_repeats, ()),
        Loss("contradicting rows", "All rows of an id whose rows contradict one another are set aside.",
             "rows of one id contradict one another", n_contradicting, rows(contradicting)),
        Loss("unknown accounts", "Rows of an account that is not in the table accounts are set aside.",
             "the account is not in the table accounts", n_orphans, rows(orphans)),
    )  # fmt: skip


def _ledger(name: str, n_records: int, losses: Sequence[Loss]) -> tuple[LedgerStep, ...]:
    steps, n = [], n_records
    for loss in losses:
        steps.append(LedgerStep(loss.step, name, loss.rule, n, n - loss.n, loss.n, loss.examples, loss.note))
        n -= loss.n
    return tuple(steps)


def _no_row(name: str, n_records: int, reasons: Sequence[tuple[str, int]]) -> IntegrityFinding:
    why = "; ".join(f"{reason}: {n:,}" for reason, n in reasons if n)
    return IntegrityFinding(
        code="no-usable-row", severity="refuse", table=name, count=n_records,
        problem=f"None of the {n_records:,} rows of {name} can be used ({why}).",
        action="Check that the columns are the right ones, the format of dates, and that ids are written alike in all tables.",
    )  # fmt: skip


def _kept(
    typed: str, usable: str, contract: TableContract, key_of: dict[str, str], owned: bool, any_dropped: bool
) -> str:
    """SQL of the rows that are used."""
    where = [usable]
    account = key_of.get("account_id")
    if owned and account is not None:
        known = f"{account} IN (SELECT account_id FROM known_accounts)"
        where.append(known if contract.column("account_id").required else f"({account} IS NULL OR {known})")
    if any_dropped:
        where.append("row_number NOT IN (SELECT row_number FROM dropped)")
    return f"SELECT * FROM ({typed}) WHERE {' AND '.join(where)}"


def _selected(
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    matched: Sequence[Matched],
    key_of: dict[str, str],
    kept: str,
    action: str,
    table: Table,
    declared: dict[str, str],
    bound: Bound,
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """SQL of every column of the contract, then of the attributes, then ``row_number``; and names with their types."""
    parts, columns = [], []
    for column in contract.columns:
        value = _canonical(column, key_of.get(column.name), action)
        parts.append(f"{value} AS {quoted(column.name)}")
        columns.append((column.name, SQL_TYPES[column.type]))
    attributes = [one for one in matched if one.attribute]
    for one in attributes:
        key, kind = key_of[one.column.name], SQL_TYPES[one.column.type]
        if one.column.type == "text" and declared.get(one.column.name) != "category":
            number = number_of(key, table.decimal)
            present, numbers = bound.run(connection, f"SELECT count({key}), count({number}) FROM ({kept})")[0]
            if present and present == numbers:
                key, kind = number, "DOUBLE"
        parts.append(f"CAST({key} AS {kind}) AS {quoted(one.column.name)}")
        columns.append((one.column.name, kind))
    return ", ".join([*parts, "row_number"]), (*columns, ("row_number", "BIGINT"))


def _canonical(column: CanonColumn, key: str | None, action: str) -> str:
    if column.name == "action":
        return f"CAST({action} AS VARCHAR)"
    kind = SQL_TYPES[column.type]
    value = f"CAST({key or 'NULL'} AS {kind})"
    return f"coalesce({value}, 1)" if column.type == "count" else value


def _count_repeats(
    connection: duckdb.DuckDBPyConnection, out: Path, names: Sequence[str], rows: int, bound: Bound
) -> tuple[int, bool]:
    """Count exact copies of rows; in a large table among one account in eight, and say so."""
    values = ", ".join(quoted(name) for name in names)
    about = rows > COUNT_ALL_BELOW and "account_id" in names
    where = f"WHERE hash(account_id) % {SHARE_COUNTED} = 0" if about else ""
    sql = f"SELECT count(*) - count(DISTINCT hash({values})) FROM read_parquet('{_path(out)}') {where}"
    n = int(bound.run(connection, sql)[0][0])
    return n * (SHARE_COUNTED if about else 1), about


def _path(file: Path) -> str:
    return str(file).replace("'", "''")
