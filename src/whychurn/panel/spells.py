"""Spells: the times during which an account is a customer, under one definition of leaving."""

from __future__ import annotations

import duckdb

from whychurn.panel.service import drop_service, make_service
from whychurn.panel.spell_ledger import spell_ledger
from whychurn.sources import LedgerStep
from whychurn.sources.names import quoted
from whychurn.study import TableStudy
from whychurn.study.tables_schema import Definition

#: What ends a spell where no subscription does.
OVERDUE = "payment overdue"
UNUSED = "no use"


def make_spells(
    connection: duckdb.DuckDBPyConnection, study: TableStudy, definition: Definition, into: str = "spells"
) -> tuple[LedgerStep, ...]:
    """Create the temporary table of spells at risk in the study's window under a definition.

    Periods of service at most ``allowed_gap_days`` apart are one spell; a longer gap ends it, and the return is the
    account's next spell.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of the contract.
    study : TableStudy
        Gives the window and what reasons mean.
    definition : Definition
        When a customer counts as gone.
    into : str
        Name of the table: ``spell_id`` (from 0, in the order of account and spell), ``account_id``, ``spell`` (from 1,
        counting spells before the window), ``started_on``, ``entered_on`` (the later of that and the window's first
        day), ``ended_on`` (first day without service, null if that is not in the window), ``followed_to`` (day after
        the last day at risk), ``event`` (1 if ended in the window), ``cause`` ("voluntary", "involuntary",
        "bankruptcy", "unknown", or "" without an event), ``reason`` ("" if none was given), ``controllable`` (null
        where the study does not say).

    Returns
    -------
    tuple of LedgerStep
        Every subscription, account and spell that is left out.
    """
    service = f"{into}_service"
    make_service(connection, study, definition, service)
    _make_all(connection, definition, f"{into}_all", service)
    _make_meanings(connection, study, f"{into}_meanings")
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {quoted(into)} AS
        WITH at_risk AS (
            SELECT *, greatest(started_on, $begin) AS entered_on, coalesce(ended_on < $end, false) AS gone
            FROM {quoted(f"{into}_all")}
            WHERE started_on < $end AND (ended_on IS NULL OR ended_on > $begin)
        ),
        given AS (
            -- A reason that was given tells more than none, and that of the larger subscription more than another.
            SELECT account_id, ended_on, first(end_reason ORDER BY
                coalesce(end_reason, '') = '', mrr DESC NULLS LAST, subscription_id
            ) AS end_reason
            FROM {quoted(f"{service}_subscriptions")} WHERE ended_on IS NOT NULL GROUP BY account_id, ended_on
        ),
        reasoned AS (
            SELECT at_risk.* REPLACE (CASE WHEN gone THEN at_risk.ended_on END AS ended_on),
                CASE WHEN NOT gone THEN '' WHEN delinquent THEN $overdue WHEN inactive THEN $unused
                    ELSE coalesce(end_reason, '') END AS reason
            FROM at_risk LEFT JOIN given ON given.account_id = at_risk.account_id AND given.ended_on = at_risk.ended_on
        )
        SELECT CAST(row_number() OVER (ORDER BY account_id, spell) - 1 AS INTEGER) AS spell_id, account_id, spell,
            started_on, entered_on, ended_on, coalesce(ended_on, $end) AS followed_to, CAST(gone AS INTEGER) AS event,
            CASE WHEN NOT gone THEN '' WHEN delinquent THEN 'involuntary' WHEN inactive THEN 'voluntary'
                ELSE coalesce(meaning.cause, 'unknown') END AS cause,
            reason,
            CASE WHEN gone AND NOT delinquent AND NOT inactive THEN meaning.controllable END AS controllable
        FROM reasoned LEFT JOIN {quoted(f"{into}_meanings")} AS meaning USING (reason)
        ORDER BY spell_id
        """,
        {"begin": study.observed_from, "end": study.observed_to, "overdue": OVERDUE, "unused": UNUSED},
    )
    ledger = spell_ledger(connection, study, definition, into, service)
    drop_service(connection, service)
    connection.execute(f"DROP TABLE {quoted(f'{into}_all')}")
    connection.execute(f"DROP TABLE {quoted(f'{into}_meanings')}")
    return ledger


def _make_all(connection: duckdb.DuckDBPyConnection, definition: Definition, into: str, service: str) -> None:
    """Join periods of service across allowed gaps, over all time."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {quoted(into)} AS
        WITH marked AS (
            SELECT *, coalesce(started_on - lag(ended_on) OVER in_order > $gap, true) AS opens
            FROM {quoted(service)} WINDOW in_order AS (PARTITION BY account_id ORDER BY started_on)
        ),
        numbered AS (
            SELECT *, CAST(sum(CAST(opens AS INTEGER)) OVER (
                PARTITION BY account_id ORDER BY started_on
            ) AS INTEGER) AS spell FROM marked
        )
        SELECT account_id, spell, min(started_on) AS started_on,
            last(ended_on ORDER BY started_on) AS ended_on,
            last(delinquent ORDER BY started_on) AS delinquent, last(inactive ORDER BY started_on) AS inactive
        FROM numbered GROUP BY account_id, spell
        """,
        {"gap": definition.allowed_gap_days},
    )


def _make_meanings(connection: duckdb.DuckDBPyConnection, study: TableStudy, into: str) -> None:
    name = quoted(into)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} (reason VARCHAR, cause VARCHAR, controllable BOOLEAN)")
    meanings = {value: (value, item.cause, item.controllable) for item in study.reasons for value in item.values}
    if meanings:
        connection.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", list(meanings.values()))
