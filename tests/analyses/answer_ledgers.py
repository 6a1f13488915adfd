"""Hand-made companies that answer surveys and rate tickets, out of frames or of files that the reader has to read."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd

import whychurn as wc
from whychurn.panel import Panel
from whychurn.sources.from_frames import sources_from_frames
from whychurn.study import Study

BEGIN, END = date(2024, 1, 1), date(2026, 1, 1)
TOML = """
[study]
name = "Answers"
kind = "tables"
horizon = 90
observed_from = 2024-01-01
observed_to = 2026-01-01
interval_days = 7
lag_days = 14
{study}
[tables.accounts]
file = "accounts.csv"
[tables.subscriptions]
file = "subscriptions.csv"
{tables}
[churn]
allowed_gap_days = 30
{comments}
[[causes]]
column = "industry"
type = "category"
tier = 1
"""


def on(day: int) -> date:
    return BEGIN + timedelta(days=day)


def at(day: int, hour: int = 12) -> str:
    return f"{on(day)} {hour:02d}:00:00"


def accounts(industries: list[str]) -> pd.DataFrame:
    """Accounts a0, a1, … of these industries."""
    return pd.DataFrame({"account_id": [f"a{i}" for i in range(len(industries))], "industry": industries})


def service(n: int, ends: dict[int, int] | None = None, begins: dict[int, int] | None = None) -> pd.DataFrame:
    """One subscription per account, from a year before the window on; days as in :func:`on`."""
    rows = [
        (f"s{i}", f"a{i}", on((begins or {}).get(i, -365)), on(ends[i]) if i in (ends or {}) else None)
        for i in range(n)
    ]
    frame = pd.DataFrame(rows, columns=["subscription_id", "account_id", "started_on", "ended_on"])
    return frame.assign(plan="Basic", mrr=100.0)


def surveys(*rows: tuple[str, str, str | None, object, str | None]) -> pd.DataFrame:
    """Rows are (account, user, time of the answer, score, comment); invitations went out the day before."""
    frame = pd.DataFrame(rows, columns=["account_id", "user_id", "answered_at", "score", "comment"])
    frame["user_id"] = frame["user_id"].replace("", None)
    frame.insert(0, "response_id", [f"r{i}" for i in range(len(frame))])
    return frame


def study_of(folder: Path, tables: list[str], comments: str = "", study: str = "") -> Study:
    sections = "".join(f'[tables.{name}]\nfile = "{name}.csv"\n' for name in tables)
    (folder / "study.toml").write_text(TOML.format(tables=sections, comments=comments, study=study), encoding="utf-8")
    return wc.read_study(folder)


def of_frames(
    folder: Path, frames: dict[str, pd.DataFrame], comments: str = "", settings: str = ""
) -> tuple[Study, Panel]:
    """Study and panel of frames taken as they are."""
    for name in frames:
        (folder / f"{name}.csv").touch()
    study = study_of(folder, [name for name in frames if name not in ("accounts", "subscriptions")], comments, settings)
    work = folder / ".whychurn"
    work.mkdir()
    return study, wc.build_panel(sources_from_frames(study, frames, work), study)


def of_files(folder: Path, frames: dict[str, pd.DataFrame]) -> tuple[Study, Panel]:
    """Study and panel of the same frames written to files and read again."""
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    study = study_of(folder, [name for name in frames if name not in ("accounts", "subscriptions")])
    return study, wc.build_panel(wc.open_sources(study, accept_risk="a test"), study)
