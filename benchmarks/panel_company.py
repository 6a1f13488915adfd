"""A company drawn for the panel benchmark: usage that hardly collapses, in Parquet files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from whychurn.sources import Detections, Sources, Verdict
from whychurn.sources.canon import SQL_TYPES, TABLES
from whychurn.sources.connection import locked_connection
from whychurn.sources.names import quoted
from whychurn.sources.rejects import rejects_frame
from whychurn.study import TableStudy, read_study

MODULES = 12
USERS = 20
_STUDY = """
[study]
name = "Panel benchmark"
kind = "tables"
horizon = 90
observed_from = 2023-06-01
observed_to = 2025-06-01
lag_days = 14
[engine]
memory_limit = "{memory}"
[tables.accounts]
file = "accounts.csv"
[tables.subscriptions]
file = "subscriptions.csv"
[tables.usage]
file = "usage.csv"
tracked_from = 2023-01-01
actions = {{ login = ["login"], use = ["use"] }}
other_actions = "ignore"
[tables.tickets]
file = "tickets.csv"
[tables.surveys]
file = "surveys.csv"
"""


def draw(folder: Path, events: int, accounts: int) -> None:
    """Write the tables as Parquet files: four to seventy weeks per account, every event a user and day at random.

    Numbers come from hashes of row numbers, so that the data are the same on every machine with the same engine.
    """
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
    connection.execute("SET memory_limit = '3GB'")
    connection.execute(
        f"""
        CREATE TABLE a AS SELECT range AS i, 'account-' || lpad(range::VARCHAR, 7, '0') AS account_id,
            (hash(range * 7 + 1) % 400)::INT AS s, (28 + hash(range * 3 + 2) % 462)::INT AS d FROM range({accounts})
        """
    )
    begin = "TIMESTAMP '2023-06-01'"
    tables = {
        "usage": f"""
            SELECT account_id, {begin} + to_seconds((s + hash(k * 11 + 5) % d)::BIGINT * 86400
                    + (hash(k * 13 + 1) % 86400)::BIGINT) AS "at",
                account_id || '-u' || (hash(k * 17 + 3) % {USERS})::VARCHAR AS user_id,
                'module ' || (hash(k * 19 + 7) % {MODULES})::VARCHAR AS module,
                CASE WHEN hash(k * 23 + 9) % 4 = 0 THEN 'login' ELSE 'use' END AS action, 1::BIGINT AS "count"
            FROM (SELECT range AS k, (hash(range * 29 + 11) % {accounts})::INT AS i FROM range({events})) JOIN a USING (i)
            """,
        "tickets": f"""
            SELECT 't' || k AS ticket_id, account_id, {begin} + to_days(s + day) AS opened_at,
                {begin} + to_days(s + day + (hash(k * 7) % 20)::INT) AS closed_at, (1 + hash(k * 9) % 5)::DOUBLE AS csat
            FROM (SELECT range AS k, hash(range * 5) % {accounts} AS i FROM range({3 * accounts})) JOIN a USING (i),
                LATERAL (SELECT (hash(k * 3) % d)::INT AS day)
            """,
        "surveys": f"""
            SELECT 'r' || k AS response_id, account_id, {begin} + to_days(s + (hash(k * 13) % d)::INT) AS answered_at,
                (hash(k * 19) % 11)::DOUBLE AS score
            FROM (SELECT range AS k, hash(range * 15) % {accounts} AS i FROM range({2 * accounts})) JOIN a USING (i)
            """,
        "subscriptions": """
            SELECT account_id AS subscription_id, account_id, DATE '2023-06-01' + s AS started_on, d,
                CASE WHEN s + d < 700 AND i % 2 = 0 THEN DATE '2023-06-01' + s + d END AS ended_on, 'Pro' AS plan,
                10.0::DOUBLE AS mrr, 5.0::DOUBLE AS seats
            FROM a ORDER BY i
            """,
    }
    for name, sql in tables.items():
        connection.execute(f"COPY ({sql}) TO '{folder / name}.parquet' (FORMAT parquet)")
    connection.close()


def opened(folder: Path, memory: str) -> tuple[Sources, TableStudy]:
    """Return the drawn tables as sources, as views of their files, with spells at risk and nobody under notice."""
    (folder / "study.toml").write_text(_STUDY.format(memory=memory), encoding="utf-8")
    work = folder / ".whychurn"
    work.mkdir(exist_ok=True)
    study = read_study(folder)
    assert isinstance(study, TableStudy)
    connection = locked_connection([work, folder], memory_limit=memory, threads=study.engine.threads)
    counts = {}
    for name, contract in TABLES.items():
        file = folder / f"{name}.parquet"
        there = f"read_parquet('{file}')" if file.exists() else "range(0)"
        found = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {there}").fetchall()}
        columns = ", ".join(
            f"{quoted(c.name) if c.name in found else f'NULL::{SQL_TYPES[c.type]}'} AS {quoted(c.name)}"
            for c in contract.columns
        )
        connection.execute(f"CREATE VIEW {quoted(name)} AS SELECT {columns}, 0 AS row_number FROM {there}")
        if file.exists():
            counts[name] = int(connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchall()[0][0])
    connection.execute(
        f"""
        CREATE TEMP TABLE spells AS
        SELECT (row_number() OVER (ORDER BY account_id) - 1)::INT AS spell_id, account_id, 1 AS spell, started_on,
            started_on AS entered_on, ended_on, started_on + d AS followed_to,
            (ended_on IS NOT NULL)::INT AS event, CASE WHEN ended_on IS NULL THEN '' ELSE 'voluntary' END AS cause
        FROM read_parquet('{folder / "subscriptions.parquet"}')
        """
    )
    connection.execute("CREATE TEMP TABLE notice (account_id VARCHAR, n_start DATE, n_end DATE)")
    sources = Sources(
        study_name=study.name, connection=connection, tables=counts, fingerprints=(), integrity=(), ledger=(),
        columns=(), rejects=rejects_frame(), detections=Detections(), verdict=Verdict("sound"), work=work,
        tracked_from=dict.fromkeys(("usage", "tickets", "surveys"), date(2023, 1, 1)),
    )  # fmt: skip
    return sources, study
