"""Recurring revenue from day to day: what came, grew, shrank, left and returned."""

from __future__ import annotations

import duckdb
import pandas as pd

from whychurn.panel.service import make_subscriptions
from whychurn.sources.names import quoted
from whychurn.study import TableStudy

KINDS = ("new", "expansion", "reactivation", "contraction", "churn")
#: Sums of revenue are rounded to this many digits, so that what comes and goes leaves exactly nothing.
DIGITS = 6


def make_revenue(connection: duckdb.DuckDBPyConnection, study: TableStudy, spells: str, into: str) -> None:
    """Create a temporary table of the recurring revenue of each spell at risk whenever it changes.

    Columns: ``spell_id``, ``account_id``, ``spell``, ``day``, ``mrr`` (from that day on), ``before`` (until then; 0 at
    the spell's first day), ``opens`` and ``ends`` (whether it is the spell's first day, or the first day after it).
    Within a gap that counts as service the revenue before the gap goes on. Days from the end of the window on are not
    there.
    """
    subscriptions = f"{into}_subscriptions"
    make_subscriptions(connection, study.definition, subscriptions)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {quoted(into)} AS
        WITH parts AS (
            SELECT spell_id, coalesce(mrr, 0) AS mrr, greatest(paid.started_on, spell.started_on) AS from_day,
                least(paid.ended_on, spell.ended_on) AS to_day
            FROM {quoted(spells)} AS spell JOIN {quoted(subscriptions)} AS paid
                ON paid.account_id = spell.account_id AND paid.started_on < spell.followed_to
                AND (paid.ended_on IS NULL OR paid.ended_on > spell.started_on)
        ),
        changes AS (
            SELECT spell_id, from_day AS day, mrr AS change, 1 AS subscriptions FROM parts
            UNION ALL
            SELECT spell_id, to_day, -mrr, -1 FROM parts WHERE to_day IS NOT NULL
        ),
        days AS (
            SELECT spell_id, day, sum(change) AS change, sum(subscriptions) AS subscriptions
            FROM changes GROUP BY spell_id, day
        ),
        levels AS (
            SELECT spell_id, day, round(sum(change) OVER until_now, {DIGITS}) AS mrr,
                sum(subscriptions) OVER until_now AS subscriptions
            FROM days WINDOW until_now AS (PARTITION BY spell_id ORDER BY day)
        ),
        kept AS (
            SELECT spell.spell_id, spell.account_id, spell.spell, day,
                CASE WHEN day = spell.ended_on THEN 0 ELSE mrr END AS mrr,
                day = spell.started_on AS opens, coalesce(day = spell.ended_on, false) AS ends
            FROM levels JOIN {quoted(spells)} AS spell USING (spell_id)
            WHERE day < $end AND (subscriptions > 0 OR day = spell.ended_on)
        )
        SELECT *, coalesce(lag(mrr) OVER (PARTITION BY spell_id ORDER BY day), 0) AS before FROM kept
        """,
        {"end": study.observed_to},
    )
    connection.execute(f"DROP TABLE {quoted(subscriptions)}")


def movements(connection: duckdb.DuckDBPyConnection, study: TableStudy, spells: str, revenue: str) -> pd.DataFrame:
    """Changes of recurring revenue in the window, one row per spell and day: kind, before and after, and why it left."""
    return connection.execute(
        f"""
        SELECT change.account_id, change.spell, day AS "on",
            CASE WHEN ends THEN 'churn' WHEN opens AND change.spell > 1 THEN 'reactivation' WHEN opens THEN 'new'
                WHEN mrr > before THEN 'expansion' ELSE 'contraction' END AS kind,
            before AS mrr_before, mrr AS mrr_after,
            CASE WHEN ends THEN reason ELSE '' END AS reason, CASE WHEN ends THEN cause ELSE '' END AS cause
        FROM {quoted(revenue)} AS change JOIN {quoted(spells)} USING (spell_id)
        WHERE day >= $begin AND mrr <> before
        ORDER BY change.account_id, day
        """,
        {"begin": study.observed_from},
    ).df()


def mrr_monthly(connection: duckdb.DuckDBPyConnection, study: TableStudy, revenue: str) -> pd.DataFrame:
    """Recurring revenue of the customers at risk, month by month: opening + what came - what went = closing."""
    opening = connection.execute(
        f"""
        SELECT coalesce(sum(mrr), 0) FROM (
            SELECT last(mrr ORDER BY day) AS mrr FROM {quoted(revenue)} WHERE day < $begin GROUP BY spell_id
        )
        """,
        {"begin": study.observed_from},
    ).fetchall()[0][0]
    frame = connection.execute(
        f"""
        WITH months AS (
            SELECT CAST(month AS DATE) AS month
            FROM range(date_trunc('month', $begin), CAST($end AS TIMESTAMP), INTERVAL 1 MONTH) AS calendar(month)
        ),
        sums AS (
            SELECT date_trunc('month', day) AS month,
                sum(mrr - before) FILTER (opens AND spell = 1) AS new,
                sum(mrr - before) FILTER (NOT opens AND NOT ends AND mrr > before) AS expansion,
                sum(mrr - before) FILTER (opens AND spell > 1) AS reactivation,
                sum(before - mrr) FILTER (NOT opens AND NOT ends AND mrr < before) AS contraction,
                sum(before - mrr) FILTER (ends) AS churn
            FROM {quoted(revenue)} WHERE day >= $begin GROUP BY 1
        )
        SELECT months.month, {", ".join(f"coalesce({kind}, 0) AS {kind}" for kind in KINDS)}
        FROM months LEFT JOIN sums ON sums.month = months.month ORDER BY months.month
        """,
        {"begin": study.observed_from, "end": study.observed_to},
    ).df()
    change = frame["new"] + frame["expansion"] + frame["reactivation"] - frame["contraction"] - frame["churn"]
    closing = (float(opening) + change.cumsum()).round(DIGITS)
    frame.insert(1, "opening", closing.shift(1, fill_value=float(opening)))
    return frame.assign(closing=closing)
