"""Contracts that came up for renewal in the window, and whether they were renewed."""

from __future__ import annotations

import duckdb
import pandas as pd

from whychurn.panel.renewals import terms
from whychurn.sources.names import quoted
from whychurn.study import TableStudy

#: Service is often let run, or stopped, a few days around the renewal: an end so near to it is an end at it.
GRACE_DAYS = 7


def renewals_due(connection: duckdb.DuckDBPyConnection, study: TableStudy, spells: str, revenue: str) -> pd.DataFrame:
    """Return one row per customer, day and length of term on which contracts of it came up for renewal.

    A contract that was stopped in the middle of its term never came up and is not there. What was due counts as renewed
    so far as the customer pays no less from that day on than before: contracts that are written anew, at whatever price,
    are renewals like those that simply go on. Days a week before and a week after are compared, as ends lie around the
    day of renewal. Terms run as agreed even where leaving is counted from the day of notice.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the table ``subscriptions``.
    study : TableStudy
    spells, revenue : str
        The tables of spells and of :func:`whychurn.panel.movements.make_revenue`.

    Returns
    -------
    pandas.DataFrame
        ``account_id``, ``spell``, ``due_on``, ``term_months``, ``mrr_due``, ``mrr_renewed`` (at most what was due),
        ``stays`` (whether it is a customer from that day on), ``renewed`` (it stays, and with at least a part of what
        was due), ``decided`` (whether the window goes on long enough to tell a break from an end).
    """
    noticed = study.definition.recognise == "cancel date"
    as_agreed = study.definition.model_copy(update={"recognise": "term end"})
    return connection.execute(
        f"""
        WITH due AS (
            SELECT part.account_id, spell.spell_id, part.renewal_on AS due_on, months AS term_months,
                sum(coalesce(part.mrr, 0)) AS mrr_due, any_value(spell.ended_on) AS left_on
            FROM ({terms(as_agreed)}) AS part JOIN subscriptions AS agreed USING (subscription_id)
            JOIN {quoted(spells)} AS spell ON spell.account_id = part.account_id
                AND part.started_on >= spell.started_on - {GRACE_DAYS} AND part.started_on < spell.followed_to
                AND (spell.ended_on IS NULL OR part.started_on < spell.ended_on)
            WHERE part.renewal_on >= $begin AND part.renewal_on < $end AND months >= 1
                AND (agreed.ended_on IS NULL OR agreed.ended_on >= part.renewal_on - {GRACE_DAYS})
                -- Who went in the middle of a term was not asked; who gave notice in it was.
                AND ($noticed OR spell.ended_on IS NULL OR spell.ended_on >= part.renewal_on - {GRACE_DAYS})
            GROUP BY ALL
        ),
        told AS (
            SELECT spell.account_id, spell.spell, due_on, term_months, mrr_due,
                CASE WHEN left_on <= due_on + {GRACE_DAYS} THEN 0
                    ELSE greatest(least(mrr_due, mrr_due + coalesce(after.mrr, 0) - coalesce(before.mrr, 0)), 0)
                END AS mrr_renewed,
                coalesce(left_on > due_on + {GRACE_DAYS}, true) AS stays
            FROM due JOIN {quoted(spells)} AS spell USING (spell_id)
            ASOF LEFT JOIN {quoted(revenue)} AS after ON after.spell_id = due.spell_id AND due.due_on + {GRACE_DAYS} >= after.day
            ASOF LEFT JOIN {quoted(revenue)} AS before ON before.spell_id = due.spell_id AND due.due_on - {GRACE_DAYS} > before.day
        )
        SELECT account_id, spell, due_on, term_months, round(mrr_due, 6) AS mrr_due, round(mrr_renewed, 6) AS mrr_renewed,
            stays, stays AND (mrr_renewed > 0 OR mrr_due <= 0) AS renewed,
            due_on + CAST($gap AS INTEGER) < $end AS decided
        FROM told ORDER BY account_id, due_on, term_months
        """,
        {
            "begin": study.observed_from,
            "end": study.observed_to,
            "to": study.observed_to,
            "gap": max(study.definition.allowed_gap_days, GRACE_DAYS),
            "noticed": noticed,
        },
    ).df()
