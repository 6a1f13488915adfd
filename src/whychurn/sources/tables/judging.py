"""Which rows of a table repeat or contradict one another, and which belong to nobody."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from whychurn.sources.canon import TableContract
from whychurn.sources.tables.columns import Matched
from whychurn.sources.tables.parts import Part, insert_rejects
from whychurn.sources.tables.sql import Bound

CONTRADICTS = "several rows of this id contradict one another"
ORPHAN = "the account is not in the table accounts"


def judge_keys(
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    key_of: dict[str, str],
    typed: str,
    usable: str,
    parts: Sequence[Part],
    matched: Sequence[Matched],
    bound: Bound,
) -> tuple[int, int]:
    """Put rows that repeat or contradict another of the same key into ``dropped``; return how many of each."""
    connection.execute("CREATE TABLE dropped (row_number BIGINT, why VARCHAR)")
    if not contract.key:
        return 0, 0
    key, values = key_of[contract.key], ", ".join(key_of.values())
    bound.run(
        connection,
        f"CREATE TABLE several AS WITH usable AS (SELECT * FROM ({typed}) WHERE {usable}) SELECT * FROM usable "
        f"WHERE {key} IN (SELECT {key} FROM usable GROUP BY {key} HAVING count(*) > 1)",
    )
    connection.execute(
        f"INSERT INTO dropped WITH contents AS (SELECT {values}, min(row_number) AS first FROM several GROUP BY {values}), "
        f"contradicting AS (SELECT {key} FROM contents GROUP BY {key} HAVING count(*) > 1) "
        f"SELECT row_number, CASE WHEN {key} IN (FROM contradicting) THEN 'contradicts' ELSE 'repeats' END FROM several "
        f"WHERE {key} IN (FROM contradicting) OR row_number NOT IN (SELECT first FROM contents)"
    )
    counts = dict(connection.execute("SELECT why, count(*) FROM dropped GROUP BY why").fetchall())
    if counts.get("contradicts"):
        column = bound(next(one.theirs for one in matched if one.column.name == contract.key))
        account = key_of.get("account_id", "NULL")
        _insert(
            connection, parts, "several JOIN dropped USING (row_number)", "why = 'contradicts'", account,
            f"'row' AS scope, {column} AS col, {key} AS value, '{CONTRADICTS}' AS reason", bound,
        )  # fmt: skip
    return int(counts.get("repeats", 0)), int(counts.get("contradicts", 0))


def judge_owners(
    connection: duckdb.DuckDBPyConnection,
    key_of: dict[str, str],
    typed: str,
    usable: str,
    parts: Sequence[Part],
    matched: Sequence[Matched],
    bound: Bound,
) -> int:
    """Count, and tell, rows of accounts that nobody knows."""
    account = key_of.get("account_id")
    if account is None:
        return 0
    orphan = (
        f"{usable} AND {account} IS NOT NULL AND {account} NOT IN (SELECT account_id FROM known_accounts) "
        "AND row_number NOT IN (SELECT row_number FROM dropped)"
    )
    n = int(bound.run(connection, f"SELECT count(*) FROM ({typed}) WHERE {orphan}")[0][0])
    if n:
        column = bound(next(one.theirs for one in matched if one.column.name == "account_id"))
        _insert(
            connection, parts, f"({typed})", orphan, account,
            f"'row' AS scope, {column} AS col, {account} AS value, '{ORPHAN}' AS reason", bound,
        )  # fmt: skip
    return n


def _insert(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    relation: str,
    where: str,
    account: str,
    columns: str,
    bound: Bound,
) -> None:
    """Add rejects that were found among all files, each under its number in its own file."""
    for part in parts:
        first, last = part.offset + 1, part.offset + part.n_records
        rows = (
            f"SELECT row_number - {part.offset} AS record, {account} AS account_id, {columns} FROM {relation} "
            f"WHERE {where} AND row_number BETWEEN {first} AND {last}"
        )
        insert_rejects(connection, part, rows, bound)
