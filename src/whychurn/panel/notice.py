"""Periods under notice: every subscription that is still on has been cancelled."""

from __future__ import annotations

import duckdb

from whychurn.study import TableStudy


def make_notice(connection: duckdb.DuckDBPyConnection, study: TableStudy) -> None:
    """Create the temporary table ``notice``: ``account_id``, ``n_start``, ``n_end``.

    A day is under notice if the account has a subscription on that day and each of them had been cancelled by then.
    Rows are the longest runs ``[n_start, n_end)`` of such days; ``n_end`` is null where no end is known. Where the
    study counts the day of cancelling as the day of leaving there is no notice, and the table is empty.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of the contract.
    study : TableStudy
    """
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE notice AS
        WITH served AS (
            SELECT account_id, started_on, ended_on, greatest(started_on, cancelled_on) AS noticed_on, cancelled_on
            FROM subscriptions WHERE $applies AND (ended_on IS NULL OR ended_on > started_on)
        ),
        noticed AS (
            SELECT account_id, noticed_on, ended_on
            FROM served WHERE cancelled_on IS NOT NULL AND (ended_on IS NULL OR noticed_on < ended_on)
        ),
        changes AS (
            SELECT account_id, started_on AS day, 1 AS served, 0 AS noticed FROM served
            UNION ALL
            SELECT account_id, ended_on, -1, 0 FROM served WHERE ended_on IS NOT NULL
            UNION ALL
            SELECT account_id, noticed_on, 0, 1 FROM noticed
            UNION ALL
            SELECT account_id, ended_on, 0, -1 FROM noticed WHERE ended_on IS NOT NULL
        ),
        days AS (
            SELECT account_id, day, sum(served) AS served, sum(noticed) AS noticed FROM changes GROUP BY account_id, day
        ),
        states AS (
            SELECT account_id, day, sum(served) OVER until_now AS served, sum(noticed) OVER until_now AS noticed
            FROM days WINDOW until_now AS (PARTITION BY account_id ORDER BY day)
        ),
        stretches AS (
            SELECT account_id, day, lead(day) OVER (PARTITION BY account_id ORDER BY day) AS until,
                served > 0 AND noticed = served AS on_notice
            FROM states
        ),
        runs AS (
            SELECT account_id, day, until, sum(CAST(NOT on_notice AS INTEGER)) OVER (
                PARTITION BY account_id ORDER BY day
            ) AS run, on_notice
            FROM stretches
        )
        SELECT account_id, min(day) AS n_start, CASE WHEN bool_or(until IS NULL) THEN NULL ELSE max(until) END AS n_end
        FROM runs WHERE on_notice GROUP BY account_id, run ORDER BY account_id, n_start
        """,
        {"applies": study.definition.recognise == "term end"},
    )
