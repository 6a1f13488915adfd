"""Subscriptions: one row per term, change of plan or second product, as a billing system keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.calendar import add_months
from whychurn.sources.simulator.settings import LAG_DAYS, NEVER, STEP_DAYS, CompanySettings
from whychurn.sources.simulator.stays import BANKRUPTCY, INVOLUNTARY, Stay

#: Of voluntary leavers: no reason recorded, and one that says nothing.
NO_REASON, SAYS_NOTHING = 0.04, 0.03


@dataclass(frozen=True)
class Leaving:
    """How a stay ended, as recorded: the day without service, the day of notice, the reason."""

    ends: int = NEVER
    notice: int = NEVER
    reason: str | None = None


def subscription_rows(
    settings: CompanySettings, accounts: Accounts, stays: list[Stay], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Return the subscriptions of stays as records with days relative to the first day observed.

    Terms of 12 months are a row each, with the day of renewal agreed when the term began; terms of a month run on
    in one row. A change of plan ends a row and begins another.
    """
    rows: list[dict[str, Any]] = []
    discount = rng.uniform(0.8, 1.1, len(accounts))
    count = np.zeros(len(accounts), dtype=int)
    for stay in stays:
        leaving = _recorded(stay, rng)
        position = stay.account
        for row in _terms(settings, accounts, stay, float(discount[position])):
            count[position] += 1
            row["subscription_id"] = f"S{accounts.number[position]:06d}-{count[position]:02d}"
            last = row["ended"] == stay.ends and stay.ends < NEVER
            row["cancelled"] = max(leaving.notice, row["started"]) if last else row.get("cancelled", NEVER)
            row["end_reason"] = leaving.reason if last else row.get("end_reason")
            rows.append(row)
    return rows


def _recorded(stay: Stay, rng: np.random.Generator) -> Leaving:
    """What is written down when a stay ends. Notice is given at most a lag before, so no row at risk knows it."""
    drawn, say, before = rng.random(), rng.random(), int(rng.integers(0, LAG_DAYS + 1))
    if stay.cause == 0:
        return Leaving()
    if stay.cause == INVOLUNTARY:
        return Leaving(stay.ends, NEVER, world.UNPAID)
    if stay.cause == BANKRUPTCY:
        return Leaving(stay.ends, NEVER, world.BANKRUPT)
    notice = max(stay.ends - before, stay.begins)
    if say < NO_REASON:
        return Leaving(stay.ends, notice, None)
    if say < NO_REASON + SAYS_NOTHING:
        return Leaving(stay.ends, notice, world.OTHER_REASON)
    return Leaving(stay.ends, notice, _reason(stay, drawn))


def _reason(stay: Stay, drawn: float) -> str:
    """Reasons lean towards what happened, and no further: people say all sorts of things."""
    weights = np.array(world.REASON_SHARES)
    weights[0] += 0.8 * stay.signs.get("event_84_price_change", 0)
    weights[2] += 1.2 * stay.signs.get("event_84_competitor_offer", 0)
    weights[3] += 0.5 * min(stay.signs.get("open_tickets", 0), 2)
    weights[4] += 0.5 * (stay.signs.get("days_since_login", 0) >= 14)
    weights[1] += 0.1 * (stay.signs.get("uses_28_reporting", 1) == 0)
    position = np.searchsorted(np.cumsum(weights) / weights.sum(), drawn, side="right")
    return world.REASONS[min(int(position), len(world.REASONS) - 1)]


def _terms(settings: CompanySettings, accounts: Accounts, stay: Stay, discount: float) -> list[dict[str, Any]]:
    position = stay.account
    stop = min(stay.ends, settings.days)
    changes = int(accounts.changes_on[position])
    annual = bool(accounts.annual[position])
    cuts, renewals = [stay.begins], {}
    if annual:
        begin, months = stay.begins, 12
        while True:
            renewal = int(add_months(settings, np.array(stay.begins), months))
            renewals[begin] = renewal
            # Who leaves in the week of a renewal did not begin another term: the old one was let run a few days.
            if renewal + (STEP_DAYS if stay.ends < NEVER else 0) >= stop:
                break
            cuts.append(renewal)
            begin, months = renewal, months + 12
    # A change within two weeks of leaving would be undone.
    if stay.begins < changes < stop - LAG_DAYS - 1:
        cuts = sorted({*cuts, changes})
    rows, renewal = [], NEVER
    for begin, end in zip(cuts, [*cuts[1:], stay.ends], strict=True):
        renewal = renewals.get(begin, renewal)
        rows.append(_row(settings, accounts, position, begin, end, renewal, discount))
    return [*rows, *_add_on(accounts, stay, stop, discount)]


def _row(
    settings: CompanySettings, accounts: Accounts, position: int, begin: int, end: int, renewal: int, discount: float
) -> dict[str, Any]:
    changed = begin >= accounts.changes_on[position]
    plan = int((accounts.plan_after if changed else accounts.plan)[position])
    seats = int((accounts.seats_after if changed else accounts.seats)[position])
    risen = world.PRICE_RISE if begin >= settings.price_change_on else 1.0
    return {
        "account": int(accounts.number[position]),
        "started": begin,
        "ended": end,
        "plan": world.PLANS[plan],
        "mrr": round(world.PRICE_PER_SEAT[plan] * seats**0.92 * discount * risen, 2),
        "seats": seats,
        "term_months": 12 if accounts.annual[position] else 1,
        "renewal": renewal,
    }


def _add_on(accounts: Accounts, stay: Stay, stop: int, discount: float) -> list[dict[str, Any]]:
    """A second product; giving it up is a contraction, not a churn."""
    position = stay.account
    begin, end = int(accounts.add_on_from[position]), int(accounts.add_on_to[position])
    if not stay.begins <= begin < stop - 1:
        return []
    contracts = end < stop - 1
    seats = int(accounts.seats[position])
    row: dict[str, Any] = {
        "account": int(accounts.number[position]),
        "started": begin,
        "ended": end if contracts else stay.ends,
        "plan": world.ADD_ON,
        "mrr": round(world.ADD_ON_PRICE * seats**0.92 * discount, 2),
        "seats": None,
        "term_months": 1,
        "renewal": NEVER,
    }
    if contracts:
        row.update(cancelled=max(end - 10, begin), end_reason="add-on not needed")
    return [row]
