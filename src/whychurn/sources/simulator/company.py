"""Put the blocks of a company together, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whychurn.sources.simulator.block import block_count, simulate_block
from whychurn.sources.simulator.dirt import late_usage, soil
from whychurn.sources.simulator.settings import BLOCK, CompanySettings
from whychurn.sources.simulator.tables import account_ids, common_events
from whychurn.sources.simulator.truth import Tally, truth_of
from whychurn.sources.simulator.usage import LOGIN, UsageRows
from whychurn.sources.simulator.world import MODULES

#: Called with the accounts simulated so far and how many there will be.
Progress = Callable[[int, int], object]
#: A stream of its own, far from those of the blocks.
DIRT_STREAM = 2**40


@dataclass(frozen=True)
class Company:
    """A simulated company.

    Attributes
    ----------
    frames : dict of str to pandas.DataFrame
        Table of the contract -> rows. Dates and times are texts as in the files, except ``usage.at``.
    truth : dict
        What ``truth.json`` holds.
    rows : pandas.DataFrame
        If asked for: the weekly rows at risk with the measures, ``hazard`` (per day) and ``cause`` (0 for none, 1
        voluntary, 2 involuntary, 3 bankruptcy; an end followed by a return within the allowed gap is none).
    """

    frames: dict[str, pd.DataFrame]
    truth: dict[str, Any]
    rows: pd.DataFrame


def simulate_company(settings: CompanySettings, keep_rows: bool = False, with_usage: bool = True) -> Company:
    """Simulate a company whose reasons for leaving are known.

    Parameters
    ----------
    settings : CompanySettings
    keep_rows : bool
        Whether to keep the weekly rows at risk, for validation.
    with_usage : bool
        Whether to lay out the usage table; leaving is the same without.
    """
    pieces: list[pd.DataFrame] = []
    frames, truth, rows = run_blocks(
        settings,
        (lambda piece: pieces.append(usage_frame(settings, piece))) if with_usage else None,
        keep_rows=keep_rows,
    )
    if with_usage:
        frames["usage"] = _stacked(pieces)
    return Company(frames, truth, rows)


def run_blocks(
    settings: CompanySettings,
    take_usage: Callable[[UsageRows], object] | None,
    keep_rows: bool = False,
    progress: Progress | None = None,
) -> tuple[dict[str, pd.DataFrame], dict[str, Any], pd.DataFrame]:
    """Simulate block by block, handing usage on piece by piece so that it need not be held.

    Returns
    -------
    tuple
        Tables without usage, truth, rows at risk.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    kept: list[pd.DataFrame] = []
    tally = Tally()
    n_usage = 0
    for number in range(block_count(settings)):
        block = simulate_block(settings, number, keep_rows)
        tally.add(block)
        for name, frame in block.tables().items():
            parts.setdefault(name, []).append(frame)
        for piece in block.usage() if take_usage else ():
            n_usage += len(piece.account)
            take_usage(piece)  # type: ignore[misc]
        kept += [_row_frame(rows, block.accounts) for rows in block.followed.rows]
        if progress:
            progress(min(settings.n_accounts, (number + 1) * BLOCK), settings.n_accounts)
    frames = {name: _stacked(tables) for name, tables in parts.items()}
    frames["events"] = _stacked([common_events(settings), frames["events"]])
    dirt: dict[str, int] = {}
    if settings.dirty:
        rng = np.random.default_rng([settings.seed, DIRT_STREAM])
        frames, dirt = soil(settings, frames, tally.left, rng)
        if take_usage:
            late, counted = late_usage(settings, tally.left, rng)
            dirt |= counted
            n_usage += len(late.account)
            if len(late.account):
                take_usage(late)
    n_rows = {name: len(frame) for name, frame in frames.items()} | ({"usage": n_usage} if take_usage else {})
    return frames, truth_of(settings, tally, dirt, n_rows), _stacked(kept) if kept else pd.DataFrame()


def usage_frame(settings: CompanySettings, rows: UsageRows) -> pd.DataFrame:
    """Return rows of usage under the contract's names."""
    number, account = np.unique(rows.account, return_inverse=True)
    ids = account_ids(number)
    name, user = np.unique(rows.account.astype(np.int64) * 2**20 + rows.user, return_inverse=True)
    users = np.array([f"A{one >> 20:06d}-U{one & (2**20 - 1)}" for one in name.tolist()], dtype=object)
    login = rows.what == LOGIN
    action = np.where(rows.failed, "failed", np.where(login, "login", "use")).astype(object)
    return pd.DataFrame({
        "account_id": ids[account],
        "at": settings.origin.astype("datetime64[s]") + rows.second,
        "user_id": users[user],
        "module": np.where(login, None, np.array(MODULES, dtype=object)[np.maximum(rows.what, 0)]),
        "action": action,
        "count": rows.count.astype(np.int64),
        "value": rows.value,
    })  # fmt: skip


def _row_frame(rows: dict[str, np.ndarray], accounts: Any) -> pd.DataFrame:
    attributes = {name: getattr(accounts, name)[rows["position"]] for name in ("industry", "region", "channel", "size")}
    return pd.DataFrame({**rows, **attributes}).drop(columns="position")


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate; frames without rows would decide types."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]
