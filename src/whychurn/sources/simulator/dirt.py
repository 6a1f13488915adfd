"""What real tables have: repeats, orphans, impossible dates. Planted last, and counted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from whychurn.sources.simulator.calendar import times
from whychurn.sources.simulator.settings import CompanySettings
from whychurn.sources.simulator.stays import Stay
from whychurn.sources.simulator.tables import account_ids
from whychurn.sources.simulator.usage import UsageRows
from whychurn.sources.simulator.world import BILLING, REPORTING

SHARE = 0.003
#: Days that look like dates and are none.
IMPOSSIBLE = ("2024-02-30", "2023-13-05", "2025-06-31")
USES_AFTER_END = 3
LEFT_LONG_BEFORE = 40


def left_for_good(stays: list[Stay], numbers: np.ndarray, settings: CompanySettings) -> list[tuple[int, int]]:
    """Return (account number, day of leaving) of customers lost in the window, long enough before its end."""
    last = {stay.account: stay for stay in stays}
    return [
        (int(numbers[stay.account]), stay.ends)
        for stay in last.values()
        if 60 <= stay.ends < settings.days - LEFT_LONG_BEFORE
    ]


def late_usage(
    settings: CompanySettings, left: list[tuple[int, int]], rng: np.random.Generator
) -> tuple[UsageRows, dict[str, int]]:
    """Return uses by a few accounts after they left, and their count."""
    chosen = _some(len(left), settings.n_accounts, rng)
    account = np.repeat(np.array([left[i][0] for i in chosen], dtype=np.int64), USES_AFTER_END)
    ends = np.repeat(np.array([left[i][1] for i in chosen], dtype=np.int64), USES_AFTER_END)
    n = len(account)
    rows = UsageRows(
        account=account,
        second=(ends + rng.integers(3, 30, n)) * 86_400 + rng.integers(9 * 3600, 17 * 3600, n),
        user=np.ones(n, dtype=np.int64),
        what=np.where(rng.random(n) < 0.5, REPORTING, BILLING),
        failed=np.zeros(n, dtype=bool),
        count=np.ones(n, dtype=np.int64),
        value=np.full(n, np.nan),
    )
    return rows, {"usage after the customer left": n}


def soil(
    settings: CompanySettings,
    frames: dict[str, pd.DataFrame],
    left: list[tuple[int, int]],
    rng: np.random.Generator,
) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """Return the tables with dirt in them, and how much of each kind.

    Parameters
    ----------
    settings : CompanySettings
    frames : dict of str to pandas.DataFrame
        Without usage. Not changed.
    left : list of (int, int)
        See :func:`left_for_good`.
    rng : numpy.random.Generator
    """
    out = {name: frame.copy() for name, frame in frames.items()}
    counts = {
        **_spellings(out["accounts"], rng),
        **_flags(out["accounts"], rng),
        **_negative_revenue(out["subscriptions"], rng),
        **_closed_first(settings, out["tickets"], rng),
    }
    for table, column in (("interactions", "at"), ("payments", "paid_on")):
        counts |= _impossible(out, table, column, rng)
    counts |= _answers_after_leaving(settings, out, left, rng)
    for table in ("interactions", "tickets"):
        counts |= _orphans(settings, out, table, rng)
    for table in ("subscriptions", "tickets", "payments"):
        counts |= _repeats(out, table, rng)
    return out, counts


def _some(n: int, of: int, rng: np.random.Generator) -> np.ndarray:
    """A few positions below `n`, in order: a share of `of`, one at least where there is any."""
    return np.sort(rng.choice(n, min(n, max(1, round(SHARE * of))), replace=False)) if n else np.zeros(0, dtype=int)


def _spellings(accounts: pd.DataFrame, rng: np.random.Generator) -> dict[str, int]:
    chosen = _some(len(accounts), len(accounts), rng)
    written = accounts["industry"].to_numpy(dtype=object).copy()
    for turn, row in enumerate(chosen):
        name = written[row]
        written[row] = (name.upper(), name.lower(), f"{name} ")[turn % 3]
    accounts["industry"] = written
    return {"industries spelled differently": len(chosen)}


def _flags(accounts: pd.DataFrame, rng: np.random.Generator) -> dict[str, int]:
    chosen = _some(len(accounts), len(accounts), rng)
    flags = accounts["churned"].to_numpy(dtype=object).copy()
    flags[chosen] = ["no" if flag == "yes" else "yes" for flag in flags[chosen]]
    accounts["churned"] = flags
    return {"churn flags that disagree with the subscriptions": len(chosen)}


def _negative_revenue(subscriptions: pd.DataFrame, rng: np.random.Generator) -> dict[str, int]:
    row = int(rng.integers(0, len(subscriptions)))
    mrr = subscriptions["mrr"].to_numpy().copy()
    mrr[row] = -mrr[row]
    subscriptions["mrr"] = mrr
    return {"subscriptions with negative revenue": 1}


def _closed_first(settings: CompanySettings, tickets: pd.DataFrame, rng: np.random.Generator) -> dict[str, int]:
    closed = np.flatnonzero(tickets["closed_at"].notna().to_numpy())
    chosen = closed[_some(len(closed), len(closed) // 4, rng)]
    opened = np.array(tickets["opened_at"].to_numpy(dtype=object)[chosen], dtype="datetime64[s]")
    texts = tickets["closed_at"].to_numpy(dtype=object).copy()
    texts[chosen] = times(settings, (opened - settings.origin).astype("timedelta64[s]").astype(int) - 2 * 86_400)
    tickets["closed_at"] = texts
    return {"tickets closed before they were opened": len(chosen)}


def _impossible(
    frames: dict[str, pd.DataFrame], table: str, column: str, rng: np.random.Generator
) -> dict[str, int]:  # fmt: skip
    frame = frames[table]
    known = np.flatnonzero(frame[column].notna().to_numpy())
    chosen = known[_some(len(known), len(known) // 20, rng)]
    texts = frame[column].to_numpy(dtype=object).copy()
    texts[chosen] = [IMPOSSIBLE[turn % len(IMPOSSIBLE)] + texts[row][10:] for turn, row in enumerate(chosen)]
    frame[column] = texts
    return {f"impossible dates in {table}.{column}": len(chosen)}


def _answers_after_leaving(
    settings: CompanySettings, frames: dict[str, pd.DataFrame], left: list[tuple[int, int]], rng: np.random.Generator
) -> dict[str, int]:
    chosen = [left[i] for i in _some(len(left), settings.n_accounts, rng)]
    if not chosen:
        return {"surveys answered after the customer left": 0}
    number, ends = (np.array(values) for values in zip(*chosen, strict=True))
    ids = account_ids(number)
    late = pd.DataFrame({
        "response_id": [f"R{one:06d}-late" for one in number],
        "account_id": ids,
        "user_id": [f"{one}-U1" for one in ids],
        "invited_at": times(settings, (ends - 5) * 86_400 + 36_000),
        "answered_at": times(settings, (ends + 12) * 86_400 + 52_000),
        "score": pd.array(rng.integers(0, 6, len(ids)), dtype="Int64"),
        "comment": None,
    })  # fmt: skip
    frames["surveys"] = _appended(frames["surveys"], late)
    return {"surveys answered after the customer left": len(chosen)}


def _orphans(
    settings: CompanySettings, frames: dict[str, pd.DataFrame], table: str, rng: np.random.Generator
) -> dict[str, int]:
    frame = frames[table]
    chosen = frame.iloc[_some(len(frame), len(frame) // 10, rng)].copy()
    chosen["account_id"] = account_ids(settings.n_accounts + 1000 + np.arange(len(chosen)))
    if "ticket_id" in chosen:
        chosen["ticket_id"] = [f"{one}-X" for one in chosen["ticket_id"]]
    frames[table] = _appended(frame, chosen)
    return {f"{table} of accounts that do not exist": len(chosen)}


def _repeats(frames: dict[str, pd.DataFrame], table: str, rng: np.random.Generator) -> dict[str, int]:
    frame = frames[table]
    chosen = frame.iloc[_some(len(frame), len(frame) // 2, rng)]
    frames[table] = _appended(frame, chosen)
    return {f"repeated rows in {table}": len(chosen)}


def _appended(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, rows.astype(frame.dtypes.to_dict())], ignore_index=True) if len(rows) else frame
