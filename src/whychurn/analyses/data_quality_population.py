"""Who is in a study of tables: how many, who left and why, what it cost, and how long before the window they began."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import share_interval
from whychurn.analyses.data_quality_base import BASE, EVERYONE, spells_at_risk
from whychurn.analyses.rates import YEAR, rate_row
from whychurn.panel import Panel
from whychurn.study import TableStudy

#: At so many points of tenure the customers at risk are counted.
POINTS = 24
#: Stands for the reason where none was entered.
NO_REASON = "no reason recorded"


def population_rows(panel: Panel, study: TableStudy) -> list[dict[str, Any]]:
    """Return size, window, leavers by cause and reason, churn rate, money and late entry."""
    accounts = panel.accounts
    return [
        *_window_rows(study),
        *_size_rows(accounts, study),
        *_leaver_rows(accounts, study),
        *_money_rows(accounts, study),
        *_entry_rows(accounts, study),
        *_tenure_rows(accounts),
    ]


def _window_rows(study: TableStudy) -> list[dict[str, Any]]:
    return [
        BASE
        | {
            "estimand": "window",
            "term": "The window",
            "note": f"{study.observed_from} to {study.observed_to - timedelta(days=1)}",
            "estimate": study.window_days,
            "unit": "days",
            "definition": "days observed, the last day not counted",
        },
        BASE | {"estimand": "interval_days", "term": "The window", "estimate": study.interval_days, "unit": "days",
                "definition": "length of a row at risk"},
        BASE | {"estimand": "lag_days", "term": "The window", "estimate": study.lag_days, "unit": "days",
                "definition": "a measure uses only what was known this long before its row begins"},
    ]  # fmt: skip


def _size_rows(accounts: pd.DataFrame, study: TableStudy) -> list[dict[str, Any]]:
    spells = spells_at_risk(accounts)
    per_account = spells.groupby("account_id", sort=False).agg(
        spells=("event", "size"), events=("event", "sum"), days=("days", "sum")
    )
    n_events, days = int(spells["event"].sum()), float(spells["days"].sum())
    level = study.confidence_level
    return [
        BASE | {"estimand": "n_customers", "term": EVERYONE, "unit": "customers", "estimate": len(per_account),
                "n_accounts": len(per_account), "n_events": n_events},
        BASE | {"estimand": "n_spells", "term": EVERYONE, "unit": "spells", "estimate": len(spells),
                "definition": "uninterrupted times as a customer with at least one day at risk in the window"},
        BASE | {"estimand": "n_several_spells", "term": EVERYONE, "unit": "customers",
                "estimate": int((per_account["spells"] > 1).sum()),
                "definition": "customers with more than one spell at risk"},
        BASE | {"estimand": "n_customers_left", "term": EVERYONE, "unit": "customers",
                "estimate": int((per_account["events"] > 0).sum()),
                "definition": "customers who left at least once in the window, whether or not they returned"},
        BASE | {"estimand": "customer_years", "term": EVERYONE, "unit": "customer-years", "estimate": days / YEAR,
                "definition": f"time at risk, a year being {YEAR:g} days"},
        BASE | rate_row(per_account["events"], per_account["days"], level, term=EVERYONE, n_accounts=len(per_account)),
    ]  # fmt: skip


def _leaver_rows(accounts: pd.DataFrame, study: TableStudy) -> list[dict[str, Any]]:
    left = accounts[accounts["event"] == 1]
    causes, reasons = _text(left, "cause", "unknown"), _text(left, "reason", NO_REASON)
    by_cause = causes.value_counts()
    out = []
    for cause in sorted(by_cause.index, key=lambda name: (-by_cause[name], name)):
        n = int(by_cause[cause])
        low, high = share_interval(n, len(left), study.confidence_level)
        out.append(
            BASE
            | {
                "estimand": "share_of_leavers",
                "term": "Cause of leaving",
                "level": cause,
                "unit": "share",
                "estimate": n / len(left),
                "conf_low": low,
                "conf_high": high,
                "conf_level": study.confidence_level,
                "numerator": n,
                "denominator": len(left),
            }
        )
    groups = {(str(cause), str(reason)): rows for (cause, reason), rows in left.groupby([causes, reasons], sort=False)}
    for cause, reason in sorted(groups, key=lambda key: (-by_cause[key[0]], key[0], -len(groups[key]), key[1])):
        chosen = groups[cause, reason]
        out.append(
            BASE
            | {
                "estimand": "leavers",
                "term": "Reason for leaving",
                "level": reason,
                "group": cause,
                "unit": "spells",
                "estimate": len(chosen),
                "numerator": len(chosen),
                "denominator": len(left),
                "grade": _controllable(chosen),
            }
        )
    return out


def _controllable(rows: pd.DataFrame) -> str:
    """Whether the study says that the company could have prevented these leavers."""
    if "controllable" not in rows:
        return ""
    said = rows["controllable"].dropna()
    if said.empty:
        return ""
    return "controllable" if bool(said.iloc[0]) else "not controllable"


def _money_rows(accounts: pd.DataFrame, study: TableStudy) -> list[dict[str, Any]]:
    if "amount" not in accounts or accounts["amount"].isna().all():
        return []
    out = []
    for estimand, event, said in (
        ("amount_current", 0, "of those still customers, on the last day observed"),
        ("amount_lost", 1, "of those who left, on their last day"),
    ):
        amounts = accounts.loc[accounts["event"] == event, "amount"].astype(float)
        unknown = int(amounts.isna().sum())
        out.append(
            BASE
            | {
                "estimand": estimand,
                "term": EVERYONE,
                "unit": study.currency or "amount",
                "estimate": float(amounts.sum()),
                "n_accounts": len(amounts),
                "numerator": unknown,
                "definition": f"{study.amount_name} {said}",
                "note": f"{unknown:,} without a recorded amount count as nothing." if unknown else "",
            }
        )
    return out


def _entry_rows(accounts: pd.DataFrame, study: TableStudy) -> list[dict[str, Any]]:
    """How many spells began before the window, and how much of their time was seen."""
    entry, duration = accounts["entry"].astype(float), accounts["duration"].astype(float)
    late = entry > 0
    n = int(late.sum())
    low, high = share_interval(n, len(accounts), study.confidence_level)
    return [
        BASE | {"estimand": "entered_late", "term": EVERYONE, "unit": "share", "estimate": n / len(accounts),
                "conf_low": low, "conf_high": high, "conf_level": study.confidence_level,
                "numerator": n, "denominator": len(accounts),
                "definition": "spells that began before the window; they count as at risk from its first day on only"},
        BASE | {"estimand": "time_observed", "term": EVERYONE, "unit": "share",
                "estimate": float((duration - entry).sum() / duration.sum()),
                "numerator": float((duration - entry).sum()), "denominator": float(duration.sum()),
                "definition": "days at risk in the window / all days as a customer up to the end of follow-up"},
        BASE | {"estimand": "median_entry", "term": EVERYONE, "unit": "days",
                "estimate": float(entry[late].median()) if n else np.nan, "n_accounts": n,
                "definition": "days as a customer before the window, of those who began before it"},
    ]  # fmt: skip


def _tenure_rows(accounts: pd.DataFrame) -> list[dict[str, Any]]:
    """Spells at risk by time since their start: where the curve over tenure rests on many and where on few."""
    entry = np.sort(accounts["entry"].to_numpy(dtype=float))
    duration = np.sort(accounts["duration"].to_numpy(dtype=float))
    times = np.unique(np.floor(np.linspace(0, float(duration[-1]), POINTS + 1)[:-1]))
    entered = np.searchsorted(entry, times, side="right")
    gone = np.searchsorted(duration, times, side="right")
    return [
        BASE
        | {
            "estimand": "n_at_risk",
            "term": EVERYONE,
            "time": time,
            "unit": "spells",
            "estimate": count,
            "definition": "spells at risk so many days after their start",
        }
        for time, count in zip(times.tolist(), (entered - gone).tolist(), strict=True)
    ]


def _text(frame: pd.DataFrame, column: str, empty: str) -> pd.Series:
    values = frame[column].astype(object).where(frame[column].notna(), "").map(str).str.strip()
    return values.where(values != "", empty)
