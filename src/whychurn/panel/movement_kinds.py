"""How revenue of customers that stay came to change: users, edition, further subscriptions, or the price."""

from __future__ import annotations

import duckdb
import pandas as pd

from whychurn.panel.service import served_subscriptions
from whychurn.sources.names import quoted
from whychurn.study import TableStudy

#: What is looked at, in this order: the first that changed in the direction of the revenue names the change.
EXPANSION = ("more subscriptions", "more users and a higher edition", "higher edition", "more users", "price or usage")
CONTRACTION = (
    "fewer subscriptions", "fewer users and a lower edition", "lower edition", "fewer users", "price or usage",
)  # fmt: skip
NOT_RECORDED = "not recorded"


def contract_changes(connection: duckdb.DuckDBPyConnection, study: TableStudy, revenue: str) -> pd.DataFrame:
    """Return what was agreed the day before and on the day of each change of revenue within a spell.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the table ``subscriptions``.
    study : TableStudy
    revenue : str
        The table of :func:`whychurn.panel.movements.make_revenue`.

    Returns
    -------
    pandas.DataFrame
        ``account_id``, ``spell``, ``on``; ``subscriptions_before`` and ``_after`` (in force), ``seats_before`` and
        ``_after`` (their sum; missing where that of one is not recorded), ``plan_before`` and ``_after`` (of the
        subscription with the largest revenue); ``how``, one of :data:`EXPANSION`, :data:`CONTRACTION`, or "not recorded"
        where neither users nor edition are. A plan that changes while revenue rises counts as a higher edition.
    """
    return connection.execute(
        f"""
        WITH changes AS (
            SELECT account_id, spell, day, mrr > before AS up FROM {quoted(revenue)}
            WHERE day >= $begin AND NOT opens AND NOT ends AND mrr <> before
        ),
        served AS ({served_subscriptions(study.definition)}),
        held AS (
            SELECT changes.account_id, spell, day, up, later, count(*) AS n,
                CASE WHEN count(seats) = count(*) THEN sum(seats) END AS seats,
                first(served.plan ORDER BY mrr DESC NULLS LAST, subscription_id) AS plan
            FROM changes CROSS JOIN (VALUES (false), (true)) AS sides(later)
            JOIN served ON served.account_id = changes.account_id AND started_on <= day - CAST(NOT later AS INTEGER)
                AND (carried_to IS NULL OR carried_to > day - CAST(NOT later AS INTEGER))
            GROUP BY ALL
        ),
        sides AS (
            SELECT account_id, spell, day, up, any_value(n) FILTER (NOT later) AS n_before,
                any_value(n) FILTER (later) AS n_after, any_value(seats) FILTER (NOT later) AS seats_before,
                any_value(seats) FILTER (later) AS seats_after, any_value(plan) FILTER (NOT later) AS plan_before,
                any_value(plan) FILTER (later) AS plan_after
            FROM held GROUP BY ALL
        ),
        seen AS (
            SELECT *, CASE WHEN up THEN n_after > n_before ELSE n_after < n_before END AS pieces,
                coalesce(plan_after <> plan_before, false) AS edition,
                coalesce(CASE WHEN up THEN seats_after > seats_before ELSE seats_after < seats_before END, false) AS users
            FROM sides
        )
        SELECT account_id, spell, day AS "on", n_before AS subscriptions_before, n_after AS subscriptions_after,
            seats_before, seats_after, plan_before, plan_after,
            CASE WHEN pieces AND up THEN 'more subscriptions' WHEN pieces THEN 'fewer subscriptions'
                WHEN edition AND users AND up THEN 'more users and a higher edition'
                WHEN edition AND users THEN 'fewer users and a lower edition'
                WHEN edition AND up THEN 'higher edition' WHEN edition THEN 'lower edition'
                WHEN users AND up THEN 'more users' WHEN users THEN 'fewer users'
                WHEN seats_before IS NULL OR seats_after IS NULL OR plan_before IS NULL OR plan_after IS NULL
                    THEN '{NOT_RECORDED}'
                ELSE 'price or usage' END AS how
        FROM seen ORDER BY account_id, day
        """,
        {"begin": study.observed_from},
    ).df()
