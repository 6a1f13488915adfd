"""Hand-made ledgers of subscriptions for the tests of table panels."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd

import whychurn as wc
from whychurn.panel.spells import make_spells
from whychurn.sources import Sources
from whychurn.sources.from_frames import sources_from_frames
from whychurn.study import TableStudy

DAY_0 = date(2024, 1, 1)

TOML = """
[study]
name = "Ledger"
kind = "tables"
horizon = 30
observed_from = 2024-01-01
observed_to = 2024-12-31
interval_days = 7
lag_days = 7
{study}
{tables}
[churn]
{churn}
[[reasons]]
values = ["too expensive", "missing feature"]
cause = "voluntary"
controllable = true
[[reasons]]
values = ["closed down"]
cause = "bankruptcy"
controllable = false
[[reasons]]
values = ["card declined"]
cause = "involuntary"
{more}
"""


def on(day: int | None) -> date | None:
    """Return the date of a day of the window, 0 being its first; negative days lie before it."""
    return None if day is None else DAY_0 + timedelta(days=day)


def table_study(
    folder: Path, churn: str = "", more: str = "", study: str = "", tables: tuple[str, ...] = (), usage: str = ""
) -> TableStudy:
    """Write and read a study of tables whose files are empty: frames stand in for them."""
    sections = ""
    for name in ("accounts", "subscriptions", *tables):
        (folder / f"{name}.csv").touch()
        sections += f'[tables.{name}]\nfile = "{name}.csv"\n{usage if name == "usage" else ""}\n'
    text = TOML.format(churn=churn, more=more, study=study, tables=sections)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return wc.read_study(folder)


def subscriptions(*rows: tuple, **further: list) -> pd.DataFrame:
    """Rows are (account, first day, end day or None[, cancelled day[, reason[, mrr]]]), days as in :func:`on`."""
    full = [(*row, *[None, None, 100.0][len(row) - 3 :]) for row in rows]
    frame = pd.DataFrame(
        {
            "subscription_id": [f"s{index + 1}" for index in range(len(full))],
            "account_id": [row[0] for row in full],
            "started_on": [on(row[1]) for row in full],
            "ended_on": [on(row[2]) for row in full],
            "cancelled_on": [on(row[3]) for row in full],
            "end_reason": [row[4] for row in full],
            "mrr": [None if row[5] is None else float(row[5]) for row in full],
        }
    )
    return frame.assign(**further)


def ledger_sources(study: TableStudy, subs: pd.DataFrame, folder: Path, **frames: pd.DataFrame) -> Sources:
    """Make sources of these subscriptions, with the accounts that they name."""
    accounts = frames.pop("accounts", None)
    if accounts is None:
        accounts = pd.DataFrame({"account_id": sorted(set(subs["account_id"]))})
    return sources_from_frames(study, {"accounts": accounts, "subscriptions": subs, **frames}, folder)


def spells_of(
    folder: Path, subs: pd.DataFrame, churn: str = "", recorded: str = "", **frames: pd.DataFrame
) -> pd.DataFrame:
    """Return the spells as a frame, dates as days of the window (NaN where there is none).

    `recorded` are settings of the table of usage.
    """
    tables = tuple(name for name in frames if name != "accounts")
    study = table_study(folder, churn, tables=tables, usage=recorded)
    with ledger_sources(study, subs, folder, **frames) as sources:
        make_spells(sources.connection, study, study.definition)
        return as_days(sources.connection.execute("SELECT * FROM spells ORDER BY spell_id").df())


def as_days(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn dates into days of the window."""
    out = frame.copy()
    for name in out.columns:
        if str(out[name].dtype).startswith("datetime"):
            out[name] = (out[name] - pd.Timestamp(DAY_0)).dt.days
    return out
