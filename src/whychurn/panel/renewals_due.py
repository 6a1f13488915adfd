"""Contracts that came up for renewal in the window, and whether they were renewed."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pandas as pd

from whychurn.panel.renewals import terms
from whychurn.sources.names import quoted
from whychurn.study import TableStudy

#: Service is often let run, or stopped, a few days around the renewal: an end so near to it is an end at it.
GRACE_DAYS = 7


def undecided_from(study: TableStudy) -> date:
    """Return the first day from which the window is too short to tell a break from an end."""
    return study.observed_to - timedelta(days=_wait(study))


def decided_year(study: TableStudy) -> tuple[date, date]:
    """Return the first day of the last twelve months in which all renewals are decided, and the first day after them."""
    until = undecided_from(study)
    since = (pd.Timestamp(until) - pd.DateOffset(years=1)).date()
    return max(since, study.observed_from), until


def _wait(study: TableStudy) -> int:
    return max(study.definition.allowed_gap_days, GRACE_DAYS)


def renewals_due(connection: duckdb.DuckDBPyConnection, study: TableStudy, spells: str, revenue: str) -> pd.DataFrame:
    """Return one row per customer, day and length of term on which contracts of it came up for renewal.

    A contract that was stopped in the middle of its term never came up and is not there. What was due counts as renewed
    so far as the customer pays no less from that day on than before: contracts that are written anew, at whatever price,
    are renewals like those that simply go on. Days a week before and a week after are compared, as ends lie around the
    day of renewal; who renews late, within a gap that counts as service, is compared with the day on which it does. Terms run as agreed even where leaving is counted from the day of notice.

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
                sum(coalesce(part.mrr, 0)) AS mrr_due, any_value(spell.ended_on) AS left_on,
                -- Within a gap the revenue before it goes on: what was renewed is seen when the next contract begins.
                max(CASE WHEN agreed.ended_on <= part.renewal_on + {GRACE_DAYS} THEN part.carried_to END) AS again_on
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
            ASOF LEFT JOIN {quoted(revenue)} AS after ON after.spell_id = due.spell_id
                AND greatest(due.due_on + {GRACE_DAYS}, due.again_on) >= after.day
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
            "gap": _wait(study),
            "noticed": noticed,
        },
    ).df()


def contracts_without_renewal(connection: duckdb.DuckDBPyConnection, study: TableStudy, spells: str) -> pd.DataFrame:
    """Count contracts that cannot come up for renewal, as nobody recorded on which day, or for how long they are.

    They are counted among those of customers that were in force on a day of the twelve months before
    :func:`undecided_from`.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the table ``subscriptions``.
    study : TableStudy
    spells : str
        The table of spells.

    Returns
    -------
    pandas.DataFrame
        One row per length: ``term_months`` (missing where it is not recorded), ``contracts``, ``without``.
    """
    return connection.execute(
        f"""
        SELECT round(term_months) AS term_months, count(*) AS contracts,
            count(*) FILTER (renewal_on IS NULL OR renewal_on <= started_on OR coalesce(round(term_months), 0) < 1) AS without
        FROM subscriptions AS contract
        WHERE started_on < $until AND (ended_on IS NULL OR ended_on > $since) AND EXISTS (
            FROM {quoted(spells)} AS spell WHERE spell.account_id = contract.account_id
                AND contract.started_on < spell.followed_to
                AND (contract.ended_on IS NULL OR contract.ended_on > spell.started_on)
        )
        GROUP BY ALL ORDER BY term_months
        """,
        dict(zip(("since", "until"), decided_year(study), strict=True)),
    ).df()
