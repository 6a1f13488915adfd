"""Days of service of every account under one definition: subscriptions, less days that count as gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from whychurn.sources.names import quoted
from whychurn.sources.tables.ends import end_of_service
from whychurn.study import TableStudy
from whychurn.study.tables_schema import Definition


def make_service(
    connection: duckdb.DuckDBPyConnection, study: TableStudy, definition: Definition, into: str = "service"
) -> None:
    """Create the temporary tables of service under a definition.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of the contract.
    study : TableStudy
    definition : Definition
    into : str
        Name of the table of periods of service: ``account_id``, ``started_on``, ``ended_on`` (first day without
        service, null while active), ``delinquent`` and ``inactive`` (whether that ended it although a subscription goes
        on; where nothing did, they mean nothing). Periods of an account do not overlap; they stand apart or touch.
        ``{into}_subscriptions`` is what :func:`make_subscriptions` makes.
    """
    subscriptions, away = f"{into}_subscriptions", f"{into}_away"
    make_subscriptions(connection, definition, subscriptions)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {quoted(away)} (account_id VARCHAR, left_on DATE, back_on DATE, overdue BOOLEAN)
    """)
    if definition.delinquent_after_days is not None:
        _add_overdue(connection, definition.delinquent_after_days, away)
    if definition.inactive_after_days is not None:
        _add_unused(connection, study, definition.inactive_after_days, away, subscriptions)
    _sweep(connection, subscriptions, away, into)
    connection.execute(f"DROP TABLE {quoted(away)}")


def make_subscriptions(connection: duckdb.DuckDBPyConnection, definition: Definition, into: str) -> None:
    """Create the temporary table of subscriptions with a day of service: :func:`served_subscriptions`."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(into)} AS {served_subscriptions(definition)}")


def served_subscriptions(definition: Definition) -> str:
    """Return the query of subscriptions with a day of service, each ending by the day that counts.

    Its columns are those of ``subscriptions``, ``ended_on`` being the first day without service (null while active),
    and ``carried_to``: the same day, or, where the account then has no subscription for a while, the day on which the
    next one begins. Until then the contract that ended last describes the account: a gap may count as service.
    """
    ended_on = end_of_service(definition)
    return f"""
        WITH served AS (
            SELECT * REPLACE ({ended_on} AS ended_on) FROM subscriptions
            WHERE {ended_on} IS NULL OR {ended_on} > started_on
        ),
        covered AS (
            SELECT account_id, started_on, max(coalesce(ended_on, DATE '9999-12-31')) OVER (
                PARTITION BY account_id ORDER BY started_on ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS until FROM served
        )
        SELECT served.*, coalesce(following.started_on, served.ended_on) AS carried_to
        FROM served LEFT JOIN covered AS following ON following.account_id = served.account_id
            AND following.until = served.ended_on AND following.started_on > following.until
    """


def drop_service(connection: duckdb.DuckDBPyConnection, into: str = "service") -> None:
    """Drop what :func:`make_service` made."""
    for name in (into, f"{into}_subscriptions"):
        connection.execute(f"DROP TABLE {quoted(name)}")


def _add_overdue(connection: duckdb.DuckDBPyConnection, after_days: int, away: str) -> None:
    """Add the days from `after_days` after a bill was due until it, or one due later, was paid.

    Who pays again is no longer gone, whatever became of an old bill. Credits and bills of nothing are no debts.
    """
    connection.execute(
        f"""
        INSERT INTO {quoted(away)}
        WITH bills AS (
            SELECT account_id, due_on + CAST($after AS INTEGER) AS left_on,
                least(paid_on, min(paid_on) OVER (
                    PARTITION BY account_id ORDER BY due_on
                    RANGE BETWEEN INTERVAL 1 DAY FOLLOWING AND UNBOUNDED FOLLOWING
                )) AS back_on
            FROM payments WHERE amount IS NULL OR amount > 0
        )
        SELECT account_id, left_on, back_on, true FROM bills WHERE back_on IS NULL OR back_on > left_on
        """,
        {"after": after_days},
    )


def _add_unused(
    connection: duckdb.DuckDBPyConnection, study: TableStudy, after_days: int, away: str, subscriptions: str
) -> None:
    """Add the days from `after_days` without use until the next use.

    An account that has not been seen in use by the time it could have been is counted from that time on: whether it
    comes to use the product later must not decide whether it is at risk now. Days on which usage was not recorded
    are no days without use: the service ends on the first recorded day after `after_days` recorded ones.
    """
    table = study.tables.get("usage")
    declared = table.tracked_from if table else None
    stages, gaps = _recorded_days_later(table.not_tracked if table else ())
    connection.execute(
        f"""
        INSERT INTO {quoted(away)}
        WITH tracked AS (SELECT coalesce($declared, (SELECT CAST(min("at") AS DATE) FROM usage)) AS since),
        use_days AS (
            SELECT DISTINCT account_id, CAST("at" AS DATE) AS day
            FROM usage
            -- A record that counts nothing is no use.
            WHERE action = 'use' AND coalesce("count", 1) > 0 AND "at" >= (SELECT since FROM tracked)
        ),
        first_use AS (SELECT account_id, min(day) AS day FROM use_days GROUP BY account_id),
        not_yet AS (
            SELECT account_id, greatest(min(started_on), any_value(since)) - 1 AS day
            FROM {quoted(subscriptions)}, tracked WHERE since IS NOT NULL GROUP BY account_id
        ),
        anchors AS (
            SELECT account_id, day FROM use_days
            UNION ALL
            SELECT not_yet.account_id, not_yet.day FROM not_yet LEFT JOIN first_use USING (account_id)
            WHERE first_use.day IS NULL OR first_use.day > not_yet.day
        ),
        {stages},
        waits AS (
            SELECT account_id, left_on, lead(day) OVER (PARTITION BY account_id ORDER BY day) AS back_on FROM reached
        )
        SELECT account_id, left_on, back_on, false FROM waits WHERE back_on IS NULL OR back_on > left_on
        """,
        {"declared": declared, "after": after_days, **gaps},
    )


def _recorded_days_later(not_tracked: Sequence[tuple[date, date]]) -> tuple[str, dict[str, date]]:
    """Return SQL that turns ``anchors`` into ``reached`` with ``left_on``, and its bound values.

    ``left_on`` is ``$after + 1`` recorded days after ``day``. The gaps are walked through in order: one that begins
    no later than the day reached so far moves it on by its length, or by what of it lies after ``day``.
    """
    stages = ["reached0 AS (SELECT *, day + CAST($after AS INTEGER) + 1 AS left_on FROM anchors)"]
    bound: dict[str, date] = {}
    for position, (begin, end) in enumerate(_merged(not_tracked)):
        bound |= {f"gap{position}": begin, f"end{position}": end}
        begins, ends = f"CAST($gap{position} AS DATE)", f"CAST($end{position} AS DATE)"
        stages.append(
            f"reached{position + 1} AS (SELECT * REPLACE (left_on + CAST(CASE WHEN {begins} <= left_on AND {ends} > day + 1 "
            f"THEN {ends} - greatest({begins}, day + 1) ELSE 0 END AS INTEGER) AS left_on) FROM reached{position})"
        )
    stages.append(f"reached AS (SELECT * FROM reached{len(stages) - 1})")
    return ",\n        ".join(stages), bound


def _merged(gaps: Sequence[tuple[date, date]]) -> list[tuple[date, date]]:
    """Gaps in order, those that overlap or touch as one."""
    merged: list[tuple[date, date]] = []
    for begin, end in sorted(gaps):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _sweep(connection: duckdb.DuckDBPyConnection, subscriptions: str, away: str, into: str) -> None:
    """Walk through the days on which anything begins or ends, counting what is on."""
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {quoted(into)} AS
        WITH changes AS (
            SELECT account_id, started_on AS day, 1 AS served, 0 AS overdue, 0 AS unused FROM {quoted(subscriptions)}
            UNION ALL
            SELECT account_id, ended_on, -1, 0, 0 FROM {quoted(subscriptions)} WHERE ended_on IS NOT NULL
            UNION ALL
            SELECT account_id, left_on, 0, CAST(overdue AS INTEGER), CAST(NOT overdue AS INTEGER) FROM {quoted(away)}
            UNION ALL
            SELECT account_id, back_on, 0, -CAST(overdue AS INTEGER), -CAST(NOT overdue AS INTEGER)
            FROM {quoted(away)} WHERE back_on IS NOT NULL
        ),
        days AS (
            SELECT account_id, day, sum(served) AS served, sum(overdue) AS overdue, sum(unused) AS unused
            FROM changes GROUP BY account_id, day
        ),
        states AS (
            SELECT account_id, day, sum(served) OVER until_now AS served, sum(overdue) OVER until_now AS overdue,
                sum(unused) OVER until_now AS unused
            FROM days WINDOW until_now AS (PARTITION BY account_id ORDER BY day)
        ),
        stretches AS (
            SELECT account_id, day AS started_on, lead(day) OVER following AS ended_on,
                served > 0 AND overdue = 0 AND unused = 0 AS in_service,
                coalesce(lead(served) OVER following, 0) > 0 AS still_subscribed,
                coalesce(lead(overdue) OVER following, 0) > 0 AS then_overdue
            FROM states WINDOW following AS (PARTITION BY account_id ORDER BY day)
        )
        SELECT account_id, started_on, ended_on, still_subscribed AND then_overdue AS delinquent,
            still_subscribed AND NOT then_overdue AS inactive
        FROM stretches WHERE in_service
    """)
