"""Definitions of leaving side by side: what each would count, and which customers they disagree about."""

from __future__ import annotations

import duckdb
import pandas as pd

from whychurn.panel.spells import make_spells
from whychurn.sources.names import quoted
from whychurn.study import TableStudy

DAYS_PER_YEAR = 365.25
_SPELLS = "spells_of_definition"


def spells_by_definition(connection: duckdb.DuckDBPyConnection, study: TableStudy, own: str = "spells") -> pd.DataFrame:
    """Return the spells at risk under the study's definition and each further one, with its name, in that order.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    study : TableStudy
    own : str
        The table of spells under the study's own definition.
    """
    found = [_named(connection, own, study.definition.name)]
    for definition in study.definitions:
        make_spells(connection, study, definition, _SPELLS)
        found.append(_named(connection, _SPELLS, definition.name))
        connection.execute(f"DROP TABLE {quoted(_SPELLS)}")
    return pd.concat(found, ignore_index=True)


def _named(connection: duckdb.DuckDBPyConnection, spells: str, name: str) -> pd.DataFrame:
    return connection.execute(
        f"""
        SELECT $name AS definition, account_id, spell, started_on, entered_on, ended_on, event, cause,
            followed_to - entered_on AS days_at_risk, entered_on = started_on AND spell > 1 AS returned
        FROM {quoted(spells)} ORDER BY spell_id
        """,
        {"name": name},
    ).df()


def definitions(spells: pd.DataFrame, study: TableStudy) -> pd.DataFrame:
    """What each definition counts: spells, events by cause, returns, days at risk, churn per 100 account-years."""
    rows = []
    for definition in (study.definition, *study.definitions):
        mine = spells[spells["definition"] == definition.name]
        days, events = int(mine["days_at_risk"].sum()), int(mine["event"].sum())
        rows.append(
            {
                "definition": definition.name,
                "recognise": definition.recognise,
                "allowed_gap_days": definition.allowed_gap_days,
                "delinquent_after_days": definition.delinquent_after_days,
                "inactive_after_days": definition.inactive_after_days,
                "accounts": int(mine["account_id"].nunique()),
                "spells": len(mine),
                "events": events,
                **{
                    cause: int((mine["cause"] == cause).sum())
                    for cause in ("voluntary", "involuntary", "bankruptcy", "unknown")
                },
                "returns": int(mine["returned"].sum()),
                "days_at_risk": days,
                "per_100_account_years": 100 * events * DAYS_PER_YEAR / days if days else float("nan"),
            }
        )
    kinds = {"delinquent_after_days": float, "inactive_after_days": float}
    return pd.DataFrame(rows).astype(kinds)


def definition_accounts(spells: pd.DataFrame) -> pd.DataFrame:
    """Per definition and account at risk: how often it left, and its days at risk."""
    by_account = spells.groupby(["definition", "account_id"], sort=False)
    return by_account.agg(events=("event", "sum"), days_at_risk=("days_at_risk", "sum")).reset_index()


def definition_differences(spells: pd.DataFrame, study: TableStudy) -> pd.DataFrame:
    """Accounts about which definitions disagree: per account and definition, when it left first and each time."""
    names = [study.definition.name, *(definition.name for definition in study.definitions)]
    ended = spells["ended_on"].dt.strftime("%Y-%m-%d").where(spells["ended_on"].notna(), "still a customer")
    by_account = spells.assign(ends=ended).groupby(["account_id", "definition"], sort=False)
    summary = by_account.agg(
        spells=("spell", "size"), events=("event", "sum"), ended_on=("ended_on", "min"), ends=("ends", ", ".join)
    )
    accounts = sorted(spells["account_id"].unique())
    every = pd.MultiIndex.from_product([accounts, names], names=["account_id", "definition"])
    out = summary.reindex(every).reset_index()
    out["ends"] = out["ends"].where(out["ends"].notna(), "not at risk")
    out[["spells", "events"]] = out[["spells", "events"]].fillna(0).astype(int)
    differs = out.groupby("account_id")["ends"].transform("nunique") > 1
    return out[differs].reset_index(drop=True)
