"""The tables of a block of accounts, as the company would have written them down."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.calendar import dates, times
from whychurn.sources.simulator.contracts import subscription_rows
from whychurn.sources.simulator.history import INTERACTIONS, INTERVENTIONS, OFFERS, Paths
from whychurn.sources.simulator.leaving import Followed
from whychurn.sources.simulator.payments import Charges
from whychurn.sources.simulator.settings import NEVER, PATHS_FROM, CompanySettings
from whychurn.sources.simulator.surveys import survey_table


def account_ids(number: np.ndarray) -> np.ndarray:
    """Return account numbers as ids."""
    return np.array([f"A{one:06d}" for one in number], dtype=object)


def block_tables(
    settings: CompanySettings,
    accounts: Accounts,
    paths: Paths,
    charges: Charges,
    followed: Followed,
    rng: np.random.Generator,
) -> dict[str, pd.DataFrame]:
    """Return every table of the contract but usage. Dates and times are texts, as in the files.

    Parameters
    ----------
    settings : CompanySettings
    accounts, paths, charges, followed
        Of the block.
    rng : numpy.random.Generator
    """
    ids = account_ids(accounts.number)
    subscriptions = subscription_rows(settings, accounts, followed.stays, rng)
    return {
        "accounts": _accounts(settings, accounts, followed, ids),
        "subscriptions": _subscriptions(settings, subscriptions),
        "tickets": _tickets(settings, accounts, paths, followed, ids),
        "surveys": survey_table(settings, accounts, followed.history, followed.service, (ids, ids), rng),
        "interactions": _interactions(settings, paths, followed, ids, rng),
        "interventions": _interventions(settings, accounts, paths, followed, ids, rng),
        "events": _offers(settings, paths, followed, ids, rng),
        "payments": _payments(settings, accounts, charges, followed, ids, subscriptions),
        "costs": _costs(settings, accounts, followed, ids, rng),
    }


def _accounts(settings: CompanySettings, accounts: Accounts, followed: Followed, ids: np.ndarray) -> pd.DataFrame:
    gone = ~followed.service[:, -1]
    parent = account_ids(accounts.parent)
    parent[accounts.parent == 0] = None
    return pd.DataFrame({
        "account_id": ids,
        "started_on": dates(settings, accounts.started),
        "industry": np.array(world.INDUSTRIES, dtype=object)[accounts.industry],
        "employees": accounts.employees,
        "size_band": np.array(world.SIZE_BANDS, dtype=object)[accounts.size],
        "region": np.array(world.REGIONS, dtype=object)[accounts.region],
        "channel": np.array(world.CHANNELS, dtype=object)[accounts.channel],
        "csm": np.array([f"CSM-{one:02d}" for one in accounts.csm], dtype=object),
        "parent_account_id": parent,
        "churned": np.where(gone, "yes", "no").astype(object),
    })  # fmt: skip


def _subscriptions(settings: CompanySettings, rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)

    def day(name: str) -> np.ndarray:
        values = frame[name].to_numpy(dtype=np.int64)
        return dates(settings, values, values == NEVER)

    return pd.DataFrame({
        "subscription_id": frame["subscription_id"],
        "account_id": account_ids(frame["account"].to_numpy()),
        "started_on": day("started"),
        "ended_on": day("ended"),
        "plan": frame["plan"],
        "mrr": frame["mrr"],
        "seats": frame["seats"].astype("Int64"),
        "term_months": frame["term_months"],
        "renewal_on": day("renewal"),
        "cancelled_on": day("cancelled"),
        "end_reason": frame["end_reason"].astype(object).where(frame["end_reason"].notna(), None),
    })  # fmt: skip


def _tickets(
    settings: CompanySettings, accounts: Accounts, paths: Paths, followed: Followed, ids: np.ndarray
) -> pd.DataFrame:
    tickets = paths.tickets
    real = followed.service[tickets.account, tickets.opened // 86_400 - PATHS_FROM]
    end = settings.days * 86_400
    rated = (tickets.csat > 0) & (tickets.rated < end)
    number = np.arange(len(real)) - np.searchsorted(tickets.account, tickets.account) + 1
    which = np.flatnonzero(real)
    names = [f"T{accounts.number[tickets.account[i]]:06d}-{number[i]:04d}" for i in which]
    return pd.DataFrame({
        "ticket_id": np.array(names, dtype=object),
        "account_id": ids[tickets.account[which]],
        "opened_at": times(settings, tickets.opened[which]),
        "closed_at": times(settings, tickets.closed[which], (tickets.closed >= end)[which]),
        "topic": np.array(world.TOPICS, dtype=object)[tickets.topic[which]],
        "severity": np.array(world.SEVERITIES, dtype=object)[tickets.severity[which]],
        "csat": pd.Series(tickets.csat[which]).astype("Int64").mask(~rated[which]),
        "csat_at": times(settings, tickets.rated[which], ~rated[which]),
    })  # fmt: skip


def _dated(by_day: np.ndarray, followed: Followed, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Account and second of things that happened to customers, by account and time."""
    account, column = np.nonzero(by_day * followed.service)
    times_a_day = by_day[account, column]
    account, column = np.repeat(account, times_a_day), np.repeat(column, times_a_day)
    second = (column + PATHS_FROM) * 86_400 + rng.integers(8 * 3600, 18 * 3600, len(column))
    order = np.lexsort((second, account))
    return account[order], second[order]


def _interactions(
    settings: CompanySettings, paths: Paths, followed: Followed, ids: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    account, second = _dated(paths.dated[INTERACTIONS], followed, rng)
    kind = rng.choice(len(world.INTERACTION_KINDS), len(account), p=(0.25, 0.45, 0.1, 0.2))
    return pd.DataFrame({
        "account_id": ids[account],
        "at": times(settings, second),
        "kind": np.array(world.INTERACTION_KINDS, dtype=object)[kind],
        "direction": np.where(rng.random(len(account)) < 0.6, "out", "in").astype(object),
    })  # fmt: skip


def _interventions(
    settings: CompanySettings,
    accounts: Accounts,
    paths: Paths,
    followed: Followed,
    ids: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    account, second = _dated(paths.dated[INTERVENTIONS], followed, rng)
    day, n = second // 86_400, len(account)
    contacted = day + rng.integers(0, 15, n)
    reached = (rng.random(n) < 0.7) & (contacted < settings.days)
    reached[reached] &= followed.service[account[reached], contacted[reached] - PATHS_FROM]
    agreed = rng.random(n) < 0.35
    known = followed.history.at(account, day)
    rated_low = (known["last_csat"] > 0) & (known["last_csat"] <= 2)
    why = np.where(rated_low, "low rating", "no login")
    return pd.DataFrame({
        "account_id": ids[account],
        "assigned_on": dates(settings, day),
        "csm": np.array([f"CSM-{one:02d}" for one in accounts.csm[account]], dtype=object),
        "play": np.array(world.PLAYS, dtype=object)[rng.integers(0, len(world.PLAYS), n)],
        "reason": np.where(known["event_84_competitor_offer"] > 0, "competitor", why).astype(object),
        "contacted_on": dates(settings, contacted, ~reached),
        "outcome": np.where(reached, np.where(agreed, "plan agreed", "reached"), "no answer").astype(object),
    })  # fmt: skip


def _offers(
    settings: CompanySettings, paths: Paths, followed: Followed, ids: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    account, second = _dated(paths.dated[OFFERS], followed, rng)
    kind = np.full(len(account), "competitor offer", dtype=object)
    return pd.DataFrame({"account_id": ids[account], "at": times(settings, second), "kind": kind})


def common_events(settings: CompanySettings) -> pd.DataFrame:
    """Return the events that happened to all: a price change and incidents."""
    days = [*settings.incidents_on, settings.price_change_on]
    kinds = [*("incident" for _ in settings.incidents_on), "price change"]
    at = times(settings, np.array(days) * 86_400 + 9 * 3600)
    frame = pd.DataFrame({"account_id": None, "at": at, "kind": kinds})
    return frame.sort_values("at", ignore_index=True)


def _payments(
    settings: CompanySettings,
    accounts: Accounts,
    charges: Charges,
    followed: Followed,
    ids: np.ndarray,
    subscriptions: list[dict[str, Any]],
) -> pd.DataFrame:
    due = charges.due
    inside = (due >= PATHS_FROM) & (due < settings.days)
    there = np.take_along_axis(followed.service, np.clip(due - PATHS_FROM, 0, settings.columns - 1), axis=1)
    account, month = np.nonzero(inside & there)
    day, delay = due[account, month], charges.delay[account, month]
    fails = charges.fails[account, month]
    paid = day + delay
    unpaid = charges.lost[account, month] | (paid >= settings.days)
    # Once a charge is given up, those that fall due until the subscription is cut off fail like it.
    for lost in np.argwhere(charges.lost):
        last = due[tuple(lost)]
        dragged = (account == lost[0]) & (day > last) & (day < last + world.CUT_OFF_AFTER_DAYS)
        fails, unpaid = fails | dragged, unpaid | dragged
    return pd.DataFrame({
        "account_id": ids[account],
        "due_on": dates(settings, day),
        "amount": np.round(_billed(accounts, subscriptions, account, day), 2),
        "paid_on": dates(settings, paid, unpaid),
        "failed_on": dates(settings, day, ~fails),
    })  # fmt: skip


def _billed(
    accounts: Accounts, subscriptions: list[dict[str, Any]], account: np.ndarray, day: np.ndarray
) -> np.ndarray:
    """Monthly recurring revenue of accounts on days. `account` is in order."""
    out = np.zeros(len(day))
    number = accounts.number[account]
    for row in subscriptions:
        low, high = np.searchsorted(number, row["account"]), np.searchsorted(number, row["account"], side="right")
        active = (day[low:high] >= row["started"]) & (day[low:high] < row["ended"])
        out[low:high] += row["mrr"] * active
    return out


def _costs(
    settings: CompanySettings, accounts: Accounts, followed: Followed, ids: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Serving costs by month of service, in proportion to its days served; winning costs in the month of the first day."""
    bounds = np.arange(settings.origin.astype("datetime64[M]"), np.datetime64(settings.end, "M") + 1)
    begins = (bounds.astype("datetime64[D]") - settings.origin).astype(int) - PATHS_FROM
    months, within = bounds[:-1], followed.service[:, : begins[-1]]
    days = np.add.reduceat(within, begins[:-1], axis=1, dtype=int)
    account, month = np.nonzero(days)
    part = days[account, month] / np.diff(begins)[month]
    started = (settings.origin + accounts.started).astype("datetime64[M]")
    won = np.round(rng.lognormal(6.6, 0.5, len(accounts)), 2)
    serving = part * (rng.lognormal(3.2, 0.4, len(account)) + 0.6 * accounts.seats[account])
    is_first = started[account] == months[month]
    return pd.DataFrame({
        "account_id": ids[account],
        "period": np.datetime_as_string(months.astype("datetime64[D]"))[month].astype(object),
        "acquisition_cost": np.where(is_first, won[account], 0.0),
        "service_cost": np.round(serving, 2),
    })  # fmt: skip
