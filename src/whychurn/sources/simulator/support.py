"""Tickets: what goes wrong, how long it takes, and how the answer is rated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.settings import NEVER, TICKETS_FROM, CompanySettings

RATED = 0.5
LATER = NEVER * 86_400


@dataclass(frozen=True)
class Tickets:
    """Tickets that would be opened if nobody left; arrays of shape (tickets,), by account and time of opening.

    Attributes
    ----------
    account : ndarray of int
        Position in the block.
    opened, closed, rated : ndarray of int
        Seconds since midnight of the first day observed; `rated` is a far day for tickets without an answer.
    csat : ndarray of int
        1 to 5; 0 for no answer.
    topic, severity : ndarray of int
    """

    account: np.ndarray
    opened: np.ndarray
    closed: np.ndarray
    rated: np.ndarray
    csat: np.ndarray
    topic: np.ndarray
    severity: np.ndarray


def draw_tickets(settings: CompanySettings, accounts: Accounts, rng: np.random.Generator) -> Tickets:
    """Draw tickets. Slow answers are rated worse; not everybody rates."""
    weeks = (settings.days - TICKETS_FROM) / 7
    rate = world.TICKETS_PER_WEEK * rng.gamma(2.0, 0.5, len(accounts))
    account = np.repeat(np.arange(len(accounts)), rng.poisson(rate * weeks))
    n = len(account)
    opened = rng.integers(TICKETS_FROM * 86_400, settings.days * 86_400, n)
    order = np.lexsort((opened, account))
    account, opened = account[order], opened[order]
    severity = rng.choice(4, n, p=(0.35, 0.40, 0.18, 0.07))
    hours = rng.lognormal(4.2, 1.3, n)
    closed = opened + (hours * 3600).astype(np.int64)
    feeling = 3.7 - 0.55 * np.log(hours / 66) + rng.normal(0, 1.1, n)
    answers = rng.random(n) < RATED
    return Tickets(
        account=account,
        opened=opened,
        closed=closed,
        rated=np.where(answers, closed + (rng.exponential(20, n) * 3600).astype(np.int64), LATER),
        csat=np.where(answers, np.clip(np.round(feeling), 1, 5), 0).astype(int),
        topic=rng.integers(0, len(world.TOPICS), n),
        severity=severity,
    )
