"""A small company without a fault, as frames, for tests that put one in and see whether it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from whychurn.sources.contract import IntegrityFinding, Sources
from whychurn.sources.from_frames import sources_from_frames
from whychurn.sources.tables.checks import check_tables
from whychurn.study import TableStudy, read_study

Frames = dict[str, pd.DataFrame]

BEGIN, END = pd.Timestamp("2024-01-01"), pd.Timestamp("2025-01-01")
N = 260
#: Subscriptions beside the first of an account.
N_ADDED = 6
STUDY = """
[study]
name = "Checked"
kind = "tables"
observed_from = 2024-01-01
observed_to = 2025-01-01
horizon = 90
lag_days = 14
currency = "EUR"
{study}
[tables.accounts]
file = "accounts.csv"
[tables.subscriptions]
file = "subscriptions.csv"
[tables.usage]
file = "usage.csv"
{usage}
[tables.tickets]
file = "tickets.csv"
[tables.surveys]
file = "surveys.csv"
[tables.payments]
file = "payments.csv"
{churn}
[[reasons]]
values = ["price", "no budget"]
cause = "voluntary"
[[reasons]]
values = ["card expired"]
cause = "involuntary"
{causes}
"""
CAUSES = """
[[causes]]
column = "industry"
type = "category"
[[causes]]
column = "logins_28"
type = "number"
tier = 2
"""


def company() -> Frames:
    """260 accounts, 120 of whom leave in 2024; use on working days, tickets, answers and bills all year."""
    random = np.random.default_rng(1)
    ids = np.array([f"A{number:03d}" for number in range(N)])
    start = BEGIN - pd.to_timedelta(random.integers(90, 700, N), unit="D")
    left = np.arange(N) < 120
    end = pd.Series(BEGIN + pd.to_timedelta(random.integers(3, 362, N), unit="D")).where(left)
    accounts = pd.DataFrame(
        {
            "account_id": ids,
            "started_on": start,
            "industry": random.choice(["Retail", "Healthcare", "Manufacturing"], N),
            "region": random.choice(["North", "South"], N),
            "churned": np.where(left, "yes", "no"),
        }
    )
    subscriptions = pd.DataFrame(
        {
            "subscription_id": [f"S{number}" for number in range(N)],
            "account_id": ids,
            "started_on": start,
            "ended_on": end,
            "plan": random.choice(["Basic", "Pro"], N),
            "mrr": random.integers(50, 500, N).astype(float),
            "seats": random.integers(1, 40, N).astype(float),
            "term_months": 12.0,
            "cancelled_on": end - pd.Timedelta(days=20),
            "end_reason": pd.Series(random.choice(["price", "no budget", "card expired"], N)).where(left),
        }
    )
    return {
        "accounts": accounts,
        "subscriptions": pd.concat([subscriptions, added(subscriptions)], ignore_index=True),
        "usage": usage(random, ids, end),
        "tickets": tickets(random, ids),
        "surveys": surveys(random, ids),
        "payments": payments(ids, end),
    }


def added(subscriptions: pd.DataFrame) -> pd.DataFrame:
    """Six who stay bought something more: changes do get rows of their own."""
    more = subscriptions.iloc[240 : 240 + N_ADDED]
    return more.assign(subscription_id="more-" + more["subscription_id"], started_on=BEGIN, plan="Extra")


def usage(random: np.random.Generator, ids: np.ndarray, end: pd.Series) -> pd.DataFrame:
    """Sixty records a working day, between 8 and 18, by who is still there; a quarter before the window too."""
    days = pd.bdate_range(BEGIN - pd.Timedelta(days=91), END - pd.Timedelta(days=1))
    day = np.repeat(days.to_numpy(), 60)
    who = random.integers(120, N, len(day))
    early = random.integers(0, 120, len(day))
    still = end.to_numpy()[early] > day
    who = np.where(still, early, who)
    hour = np.clip(np.round(random.normal(13, 2.2, len(day))), 7, 19)
    at = day + (hour * 3600 + random.integers(0, 3600, len(day))).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "account_id": ids[who],
            "at": at,
            "user_id": [f"u{number}" for number in random.integers(0, 900, len(day))],
            "module": random.choice(["Invoices", "Reports"], len(day)),
            "action": random.choice(["login", "use"], len(day)),
        }
    )


def tickets(random: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    """Two hundred tickets of those who stay, closed within days."""
    opened = BEGIN + pd.to_timedelta(random.integers(0, 360 * 24, 200), unit="h")
    closed = opened + pd.to_timedelta(random.integers(1, 90, 200), unit="h")
    return pd.DataFrame(
        {
            "ticket_id": [f"T{number}" for number in range(200)],
            "account_id": random.choice(ids[120:], 200),
            "opened_at": opened,
            "closed_at": closed,
            "topic": random.choice(["billing", "outage"], 200),
            "csat": random.integers(1, 6, 200).astype(float),
            "csat_at": closed + pd.Timedelta(hours=1),
        }
    )


def surveys(random: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    """Two hundred answers of those who stay, a day after the invitation."""
    invited = BEGIN + pd.to_timedelta(random.integers(0, 360, 200), unit="D")
    return pd.DataFrame(
        {
            "response_id": [f"R{number}" for number in range(200)],
            "account_id": random.choice(ids[120:], 200),
            "invited_at": invited,
            "answered_at": invited + pd.Timedelta(hours=30),
            "score": random.integers(0, 11, 200).astype(float),
        }
    )


def payments(ids: np.ndarray, end: pd.Series) -> pd.DataFrame:
    """A bill a month while a customer, paid after ten days."""
    due = [(account, day) for day in pd.date_range(BEGIN, END, freq="MS", inclusive="left") for account in ids]
    frame = pd.DataFrame(due, columns=["account_id", "due_on"])
    last = frame["account_id"].map(dict(zip(ids, end, strict=True)))
    frame = frame[~(last <= frame["due_on"])].reset_index(drop=True)
    return frame.assign(amount=100.0, paid_on=frame["due_on"] + pd.Timedelta(days=10))


def write_study(folder: Path, study: str = "", usage: str = "", churn: str = "", causes: str = CAUSES) -> TableStudy:
    """Write study.toml with further lines and read it."""
    usage = usage or "tracked_from = 2023-10-02"
    content = STUDY.format(study=study, usage=usage, churn=churn, causes=causes)
    (folder / "study.toml").write_text(content, encoding="utf-8")
    read = read_study(folder)
    assert isinstance(read, TableStudy)
    return read


def opened(frames: Frames, study: TableStudy) -> Sources:
    """Sources of these frames."""
    return sources_from_frames(study, frames, study.folder)


def found(frames: Frames, study: TableStudy) -> dict[str, list[IntegrityFinding]]:
    """Code -> findings."""
    with opened(frames, study) as sources:
        told = check_tables(sources.connection, study, sources.tables, sources.tracked_from)
    codes: dict[str, list[IntegrityFinding]] = {}
    for finding in told:
        codes.setdefault(finding.code, []).append(finding)
    return codes
