"""How customers use the product: an engagement that drifts, days of activity, and what is done on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.settings import NOT_TRACKED, PATHS_FROM, USAGE_FROM, CompanySettings

#: Rows of usage that are laid out in memory at a time.
PIECE = 1_500_000
LOGIN, FAILED = -1, len(world.MODULES)


@dataclass(frozen=True)
class Activity:
    """What would be done by each account on each day if it stayed; days without any are not kept.

    Attributes
    ----------
    account, column : ndarray of int, shape (active days,)
        Position in the block and day counted from ``PATHS_FROM``; ordered.
    logins, failed : ndarray of int, shape (active days,)
    uses : ndarray of int, shape (active days, modules)
    """

    account: np.ndarray
    column: np.ndarray
    logins: np.ndarray
    failed: np.ndarray
    uses: np.ndarray

    def by_day(self, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Return values of active days as a matrix (accounts, days)."""
        out = np.zeros(shape, dtype=np.int32)
        out[self.account, self.column] = values
        return out


@dataclass(frozen=True)
class UsageRows:
    """Rows of the usage table as numbers; arrays of shape (rows,).

    Attributes
    ----------
    account : ndarray of int
        Account number.
    second : ndarray of int
        Since midnight of the first day observed.
    user : ndarray of int
        From 1 within the account.
    what : ndarray of int
        -1 a login; else the position of the module.
    failed : ndarray of bool
    count : ndarray of int
    value : ndarray of float
        Business volume; NaN for none.
    """

    account: np.ndarray
    second: np.ndarray
    user: np.ndarray
    what: np.ndarray
    failed: np.ndarray
    count: np.ndarray
    value: np.ndarray


def uses_per_day(settings: CompanySettings) -> float:
    """Return the mean number of uses on an active day that makes about as many rows as were asked for."""
    expected_days = settings.n_accounts * settings.years ** (1 + world.FALLING_BY) * world.ACTIVE_DAYS_PER_YEAR
    per_day = settings.events / expected_days - (1 + world.SECOND_LOGINS)
    return max(0.3, per_day / (1 + world.FAILED_SHARE) / world.MORE_WHEN_ENGAGED)


def usual_reporting(settings: CompanySettings) -> float:
    """Return about the median of uses of the reporting module in 28 days, so that more usage is not less leaving."""
    return uses_per_day(settings)


def draw_activity(settings: CompanySettings, accounts: Accounts, rng: np.random.Generator) -> Activity:
    """Draw what each account would do if it never left.

    Engagement is an autoregression over weeks around a level of the account. It moves how likely an active day is
    and how much is done on one; leaving depends on it through the recorded measures alone.
    """
    n, n_days = len(accounts), settings.columns
    drift = _drift(n, -(-n_days // 7), rng)
    days = np.arange(n_days)
    weekday = (settings.origin.astype(int) + 3 + PATHS_FROM + days) % 7  # 0 is Monday
    odds = np.exp(world.ACTIVE_INTERCEPT + _level(settings, accounts, rng)[:, None] + drift)
    chance = odds / (1 + odds)
    by_day = np.repeat(chance, 7, axis=1)[:, :n_days] * np.where(weekday >= 5, world.WEEKEND_ODDS, 1.0)
    there = days[None, :] + PATHS_FROM >= accounts.started[:, None]
    account, column = np.nonzero((rng.random((n, n_days)) < by_day) & there)
    amount = uses_per_day(settings) * np.exp(0.35 * drift[account, column // 7])
    uses = rng.poisson(amount[:, None] * _module_rates(settings, accounts, rng, account, column))
    return Activity(
        account=account,
        column=column,
        logins=1 + rng.poisson(world.SECOND_LOGINS, len(account)),
        failed=rng.poisson(world.FAILED_SHARE * uses.sum(axis=1)),
        uses=uses,
    )


def _level(settings: CompanySettings, accounts: Accounts, rng: np.random.Generator) -> np.ndarray:
    by_industry = np.zeros(len(world.INDUSTRIES))
    by_industry[world.MEDICAL_DEVICES], by_industry[world.FINANCE] = -1.0, 1.0
    return (
        settings.industry_on_usage * by_industry[accounts.industry]
        + np.array(world.ENGAGEMENT_BY_PLAN)[accounts.plan]
        + rng.normal(0, world.ENGAGEMENT_SPREAD, len(accounts))
    )


def _drift(n: int, n_weeks: int, rng: np.random.Generator) -> np.ndarray:
    shocks = rng.normal(0, world.DRIFT_SPREAD, (n, n_weeks))
    out = np.empty((n, n_weeks))
    out[:, 0] = shocks[:, 0]
    fresh = np.sqrt(1 - world.DRIFT**2)
    for week in range(1, n_weeks):
        out[:, week] = world.DRIFT * out[:, week - 1] + fresh * shocks[:, week]
    return out


def _module_rates(
    settings: CompanySettings, accounts: Accounts, rng: np.random.Generator, account: np.ndarray, column: np.ndarray
) -> np.ndarray:
    """Share of each module in what is done, by active day; the launched module from its day on."""
    n, n_modules = len(accounts), len(world.MODULES)
    adopted = rng.random((n, n_modules)) < np.array(world.ADOPTED)
    liking = rng.gamma(2.0, 0.5, (n, n_modules))
    weights = np.array(world.WEIGHTS)
    usual = float((weights * np.array(world.ADOPTED))[: world.LAUNCHED].sum())
    rates = adopted * liking * weights / usual
    taken_up = settings.launch_on + rng.exponential(120, n).astype(int)
    out = rates[account]
    out[:, world.LAUNCHED] *= column + PATHS_FROM >= taken_up[account]
    return out


def usage_rows(
    activity: Activity, accounts: Accounts, service: np.ndarray, rng: np.random.Generator
) -> Iterator[UsageRows]:
    """Yield the rows that were recorded, in pieces of bounded size, ordered by account and time.

    Parameters
    ----------
    activity : Activity
    accounts : Accounts
    service : ndarray of bool, shape (accounts, days)
        When they were customers: nothing is done outside.
    rng : numpy.random.Generator
    """
    day = activity.column + PATHS_FROM
    recorded = service[activity.account, activity.column] & (day >= USAGE_FROM)
    recorded &= (day < NOT_TRACKED[0]) | (day >= NOT_TRACKED[1])
    kept = np.flatnonzero(recorded)
    n_rows = activity.logins[kept] + activity.uses[kept].sum(axis=1) + activity.failed[kept]
    piece = np.cumsum(n_rows) // PIECE
    for part in np.unique(piece):
        yield _rows(activity, accounts, kept[piece == part], rng)


def _rows(activity: Activity, accounts: Accounts, days: np.ndarray, rng: np.random.Generator) -> UsageRows:
    amounts = np.column_stack([activity.logins[days], activity.uses[days], activity.failed[days]])
    cell = np.repeat(np.arange(amounts.size, dtype=np.int32), amounts.ravel())
    position, what = np.divmod(cell, amounts.shape[1])
    what = what - 1
    n = len(cell)
    failed = what == FAILED
    what[failed] = rng.integers(0, world.LAUNCHED, int(failed.sum()))
    account = activity.account[days][position]
    second = (activity.column[days][position] + PATHS_FROM) * 86_400 + _second_of_day(n, rng)
    # Days come in the order of accounts, so the day's position orders accounts as well.
    order = np.lexsort((what, second, position))
    count = np.ones(n, dtype=np.int32)
    batches = (what == world.API) & ~failed
    count[batches] = rng.geometric(0.4, int(batches.sum()))
    value = np.full(n, np.nan)
    invoices = (what == world.BILLING) & ~failed
    value[invoices] = np.round(rng.lognormal(4.0, 0.8, int(invoices.sum())), 2)
    user = 1 + (accounts.users[account] * rng.random(n) ** 1.6).astype(np.int32)
    return UsageRows(
        account=accounts.number[account][order],
        second=second[order],
        user=user[order],
        what=what[order],
        failed=failed[order],
        count=count[order],
        value=value[order],
    )


def _second_of_day(n: int, rng: np.random.Generator) -> np.ndarray:
    """Office hours for most, evenings and mornings for some."""
    hour = np.where(rng.random(n) < 0.86, rng.normal(13.0, 2.6, n), rng.uniform(0, 24, n))
    return np.clip(hour * 3600, 0, 86_399).astype(np.int64)
