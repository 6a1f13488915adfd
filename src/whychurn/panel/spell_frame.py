"""Spells as a frame: one row each, with what is known of the account."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

from whychurn.panel.service import make_subscriptions
from whychurn.sources.names import quoted
from whychurn.study.tables_schema import Definition


def spell_frame(
    connection: duckdb.DuckDBPyConnection, definition: Definition, attributes: Sequence[str], spells: str = "spells"
) -> pd.DataFrame:
    """Return the spells at risk in the order of account and spell.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of the contract.
    definition : Definition
        When a customer counts as gone, and with it when a subscription ends.
    attributes : sequence of str
        Columns of accounts to carry.
    spells : str
        The table of spells.

    Returns
    -------
    pandas.DataFrame
        ``account_id``, ``spell``, ``started_on``, ``entered_on``, ``ended_on`` (NaT if not in the window),
        ``followed_to``, ``duration`` and ``entry`` (days since the spell began at the end of follow-up and at entry),
        ``event``, ``cause``, ``reason``, ``controllable``, ``amount`` (recurring revenue on the last day at risk; if
        that lies in a gap that counts as service, on the day before the gap; NaN if no subscription has an amount),
        then the attributes.
    """
    subscriptions = f"{spells}_subscriptions"
    make_subscriptions(connection, definition, subscriptions)
    frame = connection.execute(
        f"""
        WITH revenue AS (
            SELECT spell_id, sum(mrr) AS amount
            FROM {quoted(spells)} AS spell JOIN {quoted(subscriptions)} AS paid ON paid.account_id = spell.account_id
                AND paid.started_on < spell.followed_to
                AND (paid.carried_to IS NULL OR paid.carried_to >= spell.followed_to)
            GROUP BY spell_id
        )
        SELECT spell.account_id, spell.spell, started_on, entered_on, ended_on, followed_to,
            CAST(followed_to - started_on AS DOUBLE) AS duration, CAST(entered_on - started_on AS DOUBLE) AS entry,
            event, cause, reason, controllable, amount
        FROM {quoted(spells)} AS spell LEFT JOIN revenue ON revenue.spell_id = spell.spell_id
        ORDER BY spell.spell_id
        """
    ).df()
    connection.execute(f"DROP TABLE {quoted(subscriptions)}")
    frame = pd.concat([frame, _attributes(connection, attributes, spells)], axis=1)
    for name in ("account_id", "cause", "reason", "controllable", *attributes):
        if frame[name].dtype == object or name == "controllable":
            values = frame[name].astype(object)
            frame[name] = values.where(values.notna(), None)
    return frame


def _attributes(connection: duckdb.DuckDBPyConnection, attributes: Sequence[str], spells: str) -> pd.DataFrame:
    """Fetch attributes apart: a company may give them any name, and the engine takes case for no difference."""
    if not attributes:
        return pd.DataFrame()
    names = ", ".join(f"account.{quoted(name)}" for name in attributes)
    return connection.execute(
        f"""
        SELECT {names} FROM {quoted(spells)} AS spell LEFT JOIN accounts AS account
            ON account.account_id = spell.account_id
        ORDER BY spell.spell_id
        """
    ).df()
