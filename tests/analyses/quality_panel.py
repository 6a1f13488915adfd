"""A study of tables and its panel, made by hand: few enough customers to count on one's fingers, times forty."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import whychurn as wc
from whychurn.panel import Candidate, Panel
from whychurn.panel.panel import FrameRows
from whychurn.sources import IntegrityFinding, LedgerStep, Verdict
from whychurn.study import TableStudy

TOML = """
[study]
name = "Small tables"
kind = "tables"
observed_from = 2024-01-01
observed_to = 2025-01-01
interval_days = 7
lag_days = 14
horizon = 365
currency = "EUR"
[[definitions]]
name = "Any break"
allowed_gap_days = 0
delinquent_after_days = 60
[tables.accounts]
file = "accounts.csv"
[tables.subscriptions]
file = "subscriptions.csv"
[tables.usage]
file = "usage.csv"
tracked_from = 2024-03-01
not_tracked = [[2024-06-10, 2024-06-20]]
[tables.tickets]
file = "tickets.csv"
[tables.payments]
file = "payments.csv"
"""


@dataclass(frozen=True)
class Measure:
    name: str
    label: str
    unit: str
    description: str
    group: str
    needs: tuple[str, ...]
    kind: str = "number"
    window: int = 0

    @property
    def lagged(self) -> bool:
        return self.group != "contract"


MEASURES = (
    Measure(
        "logins_28",
        "Logins, 28 days",
        "logins",
        "logins in the 28 days before the cut-off",
        "login",
        ("usage",),
        window=28,
    ),
    Measure("days_since_login", "Days since login", "days", "days since the last login", "login", ("usage",)),
    Measure("open_tickets", "Open tickets", "tickets", "tickets open at the cut-off", "support", ("tickets",)),
    Measure("plan", "Plan", "", "plan of the largest subscription", "contract", ("subscriptions",), "category"),
)


def small_study(folder: Path) -> TableStudy:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("accounts", "subscriptions", "usage", "tickets", "payments"):
        (folder / f"{name}.csv").write_text("account_id\n")
    (folder / "study.toml").write_text(TOML, encoding="utf-8")
    study = wc.read_study(folder)
    assert isinstance(study, TableStudy)
    return study


def small_accounts() -> pd.DataFrame:
    """Forty spells of each of three kinds.

    Old customers began 100 days before the window and stay; new ones came on 1 July and stay; leavers came on
    1 April and leave after 91 days (on 1 July), every other one for want of payment. The last forty leavers' first ten
    are second spells of old customers.
    """
    start = {"old": "2023-09-23", "new": "2024-07-01", "left": "2024-04-01"}
    rows = []
    for kind, first in start.items():
        for number in range(40):
            began, entered = pd.Timestamp(first), max(pd.Timestamp(first), pd.Timestamp("2024-01-01"))
            left = kind == "left"
            followed = pd.Timestamp("2024-07-01" if left else "2025-01-01")
            unpaid = left and number % 2 == 1
            rows.append(
                {
                    "account_id": f"left{number:02d}" if left else f"{kind}{number:02d}",
                    "spell": 1,
                    "started_on": began,
                    "entered_on": entered,
                    "ended_on": followed if left else pd.NaT,
                    "duration": (followed - began).days,
                    "entry": (entered - began).days,
                    "event": int(left),
                    "cause": ("involuntary" if unpaid else "voluntary") if left else "",
                    "reason": ("payment overdue" if unpaid else "price") if left else "",
                    "controllable": True if left and not unpaid else None,
                    "amount": 50.0 if left else 100.0,
                    "plan": "pro" if kind == "old" else "basic",
                    "region": "north" if number % 2 else "south",
                    "industry": None if number < 4 else "retail",
                }
            )
    frame = pd.DataFrame(rows)
    second = frame["account_id"].isin([f"left{number:02d}" for number in range(10)])
    frame.loc[second, "account_id"] = [f"new{number:02d}" for number in range(10)]
    return frame


def small_rows(accounts: pd.DataFrame) -> pd.DataFrame:
    """One row per spell and interval; usage is known where it was recorded for four weeks, tickets always."""
    parts = []
    for spell in accounts.to_dict("records"):
        starts = pd.date_range(spell["entered_on"], periods=(spell["duration"] - spell["entry"] + 6) // 7, freq="7D")
        cut_off = starts - pd.Timedelta(days=14)
        part = pd.DataFrame({"account_id": spell["account_id"], "spell": spell["spell"], "start_on": starts})
        part["start"] = spell["entry"] + 7 * np.arange(len(part))
        part["cut_off"] = cut_off
        part["under_notice"] = 0
        part["event"] = 0
        part["open_tickets"] = 0.0
        part["plan"] = spell["plan"]
        early = cut_off - pd.Timedelta(days=28) < pd.Timestamp("2024-03-01")
        gap = (cut_off - pd.Timedelta(days=28) < pd.Timestamp("2024-06-20")) & (cut_off > pd.Timestamp("2024-06-10"))
        part["logins_28"] = np.where(early | gap, np.nan, 3.0)
        part["days_since_login"] = np.where(cut_off <= pd.Timestamp("2024-03-01"), np.nan, 1.0)
        if spell["event"]:
            last = len(part) - 1
            part.loc[last, ["event", "under_notice"]] = 1
            part.loc[last, "open_tickets"] = np.nan
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def small_coverage() -> pd.DataFrame:
    months = pd.period_range("2024-01", "2024-12", freq="M").astype(str)
    rows = [{"month": month, "table": "usage", "records": 4000} for month in months[2:]]
    rows += [{"month": month, "table": "tickets", "records": 5 if month == "2024-09" else 120} for month in months]
    return pd.DataFrame(rows).assign(month=lambda frame: pd.to_datetime(frame["month"]))


def small_definitions(accounts: pd.DataFrame) -> pd.DataFrame:
    """Under the other definition the first twenty old customers left as well, ten of them twice; all in 25,000 days."""
    own = (
        accounts.assign(days_at_risk=accounts["duration"] - accounts["entry"], events=accounts["event"])
        .groupby("account_id", sort=False)[["events", "days_at_risk"]]
        .sum()
        .reset_index()
    )
    other = own.assign(days_at_risk=own["days_at_risk"] * 25_000 / own["days_at_risk"].sum())
    other.loc[other["account_id"].isin([f"old{number:02d}" for number in range(20)]), "events"] = 1
    other.loc[other["account_id"].isin([f"old{number:02d}" for number in range(10)]), "events"] = 2
    return pd.concat([own.assign(definition="As declared"), other.assign(definition="Any break")])


def small_panel(**changes: Any) -> Panel:
    accounts = small_accounts()
    levels = {"plan": ("basic", "pro"), "region": ("north", "south")}
    parts = {
        "accounts": accounts,
        "rows": FrameRows(small_rows(accounts)),
        "candidates": tuple(
            Candidate(column, column.title(), "category", 1, column, levels=levels[column]) for column in levels
        ),
        "ledger": (
            LedgerStep("records read", "usage", "Everything in the file.", 40_010, 40_010, 0),
            LedgerStep("orphans", "usage", "Records of unknown customers are set aside.", 40_010, 40_000, 10, ("7",)),
        ),
        "integrity": (
            IntegrityFinding(
                "used-after-end", "caveat", "usage", "4 customers are active after they left.",
                consequence="Their end may be wrong.", action="Check their subscriptions.", count=4, rows=("a1", "a2"),
            ),
            IntegrityFinding("empty-column", "note", "tickets", "Nobody says how bad it was.", column="severity"),
        ),
        "verdict": Verdict("usable with caveats", ("4 customers are active after they left.",)),
        "measures": MEASURES,
        "tables": {
            "coverage": small_coverage(),
            "definition_accounts": small_definitions(accounts),
        },
        "provenance": {
            "study": "Small tables", "currency": "EUR", "amount_name": "monthly recurring revenue",
            "time_unit": "days", "horizon": 365.0, "n_accounts": 120, "n_events": 40,
        },
    }  # fmt: skip
    return Panel(**(parts | changes))
