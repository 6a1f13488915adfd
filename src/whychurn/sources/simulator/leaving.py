"""Who leaves when, and who comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.hazard import renews, weekly
from whychurn.sources.simulator.history import History, Paths, remember
from whychurn.sources.simulator.payments import Charges
from whychurn.sources.simulator.settings import ALLOWED_GAP_DAYS, NEVER, PATHS_FROM, STEP_DAYS, CompanySettings
from whychurn.sources.simulator.stays import INVOLUNTARY, VOLUNTARY, Stay

#: Leaving, coming back, leaving again, coming back again; after that nobody returns.
ROUNDS = 3


@dataclass(frozen=True)
class Followed:
    """What became of the accounts of a block.

    Attributes
    ----------
    stays : list of Stay
        In the order of accounts and time.
    service : ndarray of bool, shape (accounts, days)
    history : History
        Of what was recorded in the end.
    rows : list of dict
        Weekly rows at risk as arrays, if kept; see :func:`weekly`.
    """

    stays: list[Stay]
    service: np.ndarray
    history: History
    rows: list[dict[str, np.ndarray]]


def follow(
    settings: CompanySettings,
    accounts: Accounts,
    paths: Paths,
    charges: Charges,
    rng: np.random.Generator,
    keep_rows: bool = False,
) -> Followed:
    """Let accounts leave and return.

    Parameters
    ----------
    settings : CompanySettings
    accounts : Accounts
    paths : Paths
        What would happen if nobody left. It depends on nobody's leaving, so leaving can be drawn after it.
    charges : Charges
        Whose unpaid charges end a subscription.
    rng : numpy.random.Generator
    keep_rows : bool
        Whether to keep the rows at risk.
    """
    days = np.arange(settings.columns)[None, :] + PATHS_FROM
    service = (days >= accounts.started[:, None]) & (days < accounts.gone[:, None])
    stays = [_first_stay(accounts, position) for position in range(len(accounts))]
    current = [stay for stay in stays if stay.ends == NEVER]
    rows = []
    history = remember(settings, paths, service)
    for turn in range(ROUNDS):
        if not current:
            break
        at_risk = weekly(settings, accounts, history, current)
        _leave(settings, accounts, charges, at_risk, current, rng)
        back = _returns(current, rng, turn < ROUNDS - 1)
        returning = []
        for stay, day in zip(current, back, strict=True):
            if stay.ends == NEVER:
                continue
            service[stay.account, stay.ends - PATHS_FROM :] = False
            stay.counts = True
            if day < settings.days:
                service[stay.account, day - PATHS_FROM :] = True
                returning.append(_next_stay(stay, int(day)))
        if keep_rows:
            rows.append(_kept(settings, accounts, at_risk, current))
        stays += returning
        current = returning
        history = remember(settings, paths, service)
    return Followed(sorted(stays, key=lambda stay: (stay.account, stay.begins)), service, history, rows)


def _first_stay(accounts: Accounts, position: int) -> Stay:
    started, gone = int(accounts.started[position]), int(accounts.gone[position])
    stay = Stay(position, 1, started, max(started, 0), started, gone)
    if gone < NEVER:
        stay.cause = VOLUNTARY
    return stay


def _next_stay(left: Stay, day: int) -> Stay:
    if day - left.ends <= ALLOWED_GAP_DAYS:
        left.counts = False
        return Stay(left.account, left.spell, left.spell_started, left.entered, day)
    return Stay(left.account, left.spell + 1, day, day, day)


def _leave(
    settings: CompanySettings,
    accounts: Accounts,
    charges: Charges,
    rows: dict[str, np.ndarray],
    stays: list[Stay],
    rng: np.random.Generator,
) -> None:
    """Draw the first of the three ends of each stay and write it down; the day of the end is the first without."""
    n = len(stays)
    total = np.cumsum(rows["hazard"] * rows["length"], axis=1)
    threshold = rng.exponential(1.0, n)
    reached = total >= threshold[:, None]
    row = np.argmax(reached, axis=1)
    at = (np.arange(n), row)
    before = total[at] - rows["hazard"][at] * rows["length"][at]
    into = np.clip(np.ceil((threshold - before) / rows["hazard"][at]), 1, np.maximum(rows["length"][at], 1))
    voluntary = np.where(reached.any(axis=1), rows["day"][at] + rows["late_by"][at] + into.astype(int), NEVER)
    account = rows["account"][:, 0]
    start = np.array([max(stay.begins, 0) for stay in stays])
    yearly = np.array(world.BANKRUPTCY_PER_YEAR)[accounts.size[account]]
    bankrupt = start + np.ceil(rng.exponential(365 / yearly)).astype(int)
    unpaid = charges.cut_off_after(account, start)
    ends = np.stack([voluntary, unpaid, bankrupt])
    which, first = np.argmin(ends, axis=0) + 1, ends.min(axis=0)
    for position, stay in enumerate(stays):
        if first[position] < settings.days:
            stay.ends, stay.cause = int(first[position]), int(which[position])
            last = min(max((stay.ends - 1 - stay.entered) // STEP_DAYS, 0), rows["day"].shape[1] - 1)
            for name in ("days_since_login", "uses_28_reporting", "open_tickets", "event_84_price_change",
                         "event_84_competitor_offer"):  # fmt: skip
                stay.signs[name] = float(rows[name][position, last])


def _returns(stays: list[Stay], rng: np.random.Generator, allowed: bool) -> np.ndarray:
    """Return the day on which each comes back; ``NEVER`` for most, and for the bankrupt."""
    comes = rng.random(len(stays)) < world.RETURNS
    after = rng.integers(world.RETURN_DAYS[0], world.RETURN_DAYS[1] + 1, len(stays))
    return np.array([
        stay.ends + int(after[i]) if allowed and comes[i] and stay.cause in (VOLUNTARY, INVOLUNTARY) else NEVER
        for i, stay in enumerate(stays)
    ])  # fmt: skip


def _kept(
    settings: CompanySettings, accounts: Accounts, rows: dict[str, np.ndarray], stays: list[Stay]
) -> dict[str, np.ndarray]:
    """Rows at risk as flat arrays: up to the end of each stay, with the cause on its last row."""
    ends = np.array([min(stay.ends, settings.days) for stay in stays])[:, None]
    cause = np.array([stay.cause if stay.counts else 0 for stay in stays])[:, None]
    low = rows["day"] + rows["late_by"]
    high = np.minimum(np.minimum(rows["day"] + STEP_DAYS, settings.days), ends)
    at_risk = (rows["length"] > 0) & (high > low)
    started = rows["day"] - rows["tenure"]
    spell = np.broadcast_to(np.array([stay.spell for stay in stays])[:, None], low.shape)
    flat = {name: values[at_risk] for name, values in rows.items()}
    return {
        **flat,
        "account": accounts.number[flat["account"]],
        "position": flat["account"],
        "spell": spell[at_risk],
        "start": (low - started)[at_risk],
        "stop": (high - started)[at_risk],
        "cause": np.where(high == ends, cause, 0)[at_risk],
        "renews": renews(rows)[at_risk],
    }
