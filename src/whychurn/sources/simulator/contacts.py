"""Dated things that happen to customers: competitor offers, interactions, attempts to save them."""

from __future__ import annotations

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.history import History
from whychurn.sources.simulator.settings import PATHS_FROM, CompanySettings

QUIET_DAYS = 14
ASSIGNED = 0.05
REST_WEEKS = 12


def draw_dated(
    settings: CompanySettings, accounts: Accounts, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many competitor offers and interactions each account would have on each day.

    Returns
    -------
    tuple of ndarray
        Two matrices (accounts, days).
    """
    shape = (len(accounts), settings.columns)
    offers = _scattered(np.full(shape[0], world.OFFERS_PER_YEAR / 365), shape, rng)
    frequent = rng.gamma(2.0, 0.5, shape[0])
    return offers, _scattered(world.INTERACTIONS_PER_WEEK / 7 * frequent, shape, rng)


def _scattered(rate: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    n = rng.poisson(rate * shape[1])
    cell = np.repeat(np.arange(shape[0]), n) * shape[1] + rng.integers(0, shape[1], int(n.sum()))
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)


def draw_interventions(
    settings: CompanySettings, accounts: Accounts, history: History, rng: np.random.Generator
) -> np.ndarray:
    """Assign customers that look at risk on a Monday, some of them, and none twice within twelve weeks.

    At risk means two weeks without a login, a bad rating or a competitor's offer, as known that morning.

    Returns
    -------
    ndarray of int, shape (accounts, days)
    """
    n = len(accounts)
    out = np.zeros((n, settings.columns), dtype=np.int32)
    first_monday = -(int(settings.origin.astype(int)) + 3) % 7
    mondays = np.arange(first_monday - 84, settings.days, 7)
    known = history.at(np.arange(n)[:, None], mondays[None, :])
    rated_low = (known["last_csat"] > 0) & (known["last_csat"] <= 2)
    at_risk = (known["days_since_login"] >= QUIET_DAYS) | rated_low | (known["event_84_competitor_offer"] > 0)
    chosen = at_risk & (rng.random(at_risk.shape) < ASSIGNED)
    resting = np.zeros(n, dtype=int)
    for week, monday in enumerate(mondays):
        now = chosen[:, week] & (resting <= week)
        out[now, monday - PATHS_FROM] = 1
        resting[now] = week + REST_WEEKS
    return out
