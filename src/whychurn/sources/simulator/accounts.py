"""Who the customers are: attributes, when they came, and what they first bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.settings import NEVER, CompanySettings

OLDER_THAN_WINDOW = 0.40
GONE_BEFORE_WINDOW = 0.04


@dataclass(frozen=True)
class Accounts:
    """The accounts of one block; arrays of shape (accounts,), categories as positions in their lists in `world`.

    Attributes
    ----------
    number : ndarray of int
        From 1, over all blocks.
    started, gone : ndarray of int
        First day of service; for customers lost before the window the first day without, else ``NEVER``.
    industry, size, region, channel, csm, parent : ndarray of int
        `parent` is an account number, 0 for none.
    employees, seats, seats_after, users : ndarray of int
    plan, plan_after, changes_on : ndarray of int
        Plan at first; plan and seats from the day `changes_on`, if the customer is still there.
    annual : ndarray of bool
        Term of 12 months.
    add_on_from, add_on_to : ndarray of int
        Second subscription; ``NEVER`` for none, and for one that stays.
    """

    number: np.ndarray
    started: np.ndarray
    gone: np.ndarray
    industry: np.ndarray
    employees: np.ndarray
    size: np.ndarray
    region: np.ndarray
    channel: np.ndarray
    csm: np.ndarray
    parent: np.ndarray
    plan: np.ndarray
    plan_after: np.ndarray
    changes_on: np.ndarray
    annual: np.ndarray
    seats: np.ndarray
    seats_after: np.ndarray
    users: np.ndarray
    add_on_from: np.ndarray
    add_on_to: np.ndarray

    def __len__(self) -> int:
        return len(self.number)


def draw_accounts(settings: CompanySettings, first: int, n: int, rng: np.random.Generator) -> Accounts:
    """Draw accounts ``first + 1 … first + n``.

    Parameters
    ----------
    settings : CompanySettings
    first, n : int
    rng : numpy.random.Generator
    """
    number = first + 1 + np.arange(n)
    started, gone = _days(settings, n, rng)
    employees = np.ceil(np.exp(rng.normal(3.9, 1.25, n))).astype(int)
    size = np.searchsorted(world.SIZE_CUTS, employees, side="right")
    plan = _drawn(np.array(world.PLAN_BY_SIZE)[size], rng)
    seats = np.maximum(2, np.round(employees * rng.uniform(0.08, 0.35, n))).astype(int)
    up = rng.random(n) < 0.75
    changes_on = np.where(
        rng.random(n) < 0.25, rng.integers(np.maximum(started, -400) + 60, settings.days + 200), NEVER
    )
    add_on = rng.random(n) < 0.15
    add_on_from = started + rng.integers(0, 300, n)
    shrinks = rng.random(n) < 0.4
    add_on_to = add_on_from + rng.integers(60, 700, n)
    parent = np.where(rng.random(n) < 0.08, number[np.maximum(0, rng.integers(0, np.arange(n) + 1) - 1)], 0)
    return Accounts(
        number=number,
        started=started,
        gone=gone,
        industry=rng.choice(len(world.INDUSTRIES), n, p=world.INDUSTRY_SHARES),
        employees=employees,
        size=size,
        region=rng.choice(len(world.REGIONS), n, p=world.REGION_SHARES),
        channel=rng.choice(len(world.CHANNELS), n, p=world.CHANNEL_SHARES),
        csm=rng.integers(1, world.N_CSM + 1, n),
        parent=np.where(parent == number, 0, parent),
        plan=plan,
        plan_after=np.clip(plan + np.where(up, 1, -1), world.STARTER, world.ENTERPRISE),
        changes_on=changes_on,
        annual=rng.random(n) < np.array(world.ANNUAL_BY_PLAN)[plan],
        seats=seats,
        seats_after=np.maximum(1, np.round(seats * np.where(up, 1.3, 0.75))).astype(int),
        users=np.maximum(1, np.round(seats * rng.uniform(0.4, 0.9, n))).astype(int),
        add_on_from=np.where(add_on, add_on_from, NEVER),
        add_on_to=np.where(add_on & shrinks, add_on_to, NEVER),
    )


def _days(settings: CompanySettings, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    older = rng.random(n) < OLDER_THAN_WINDOW
    before = -1 - np.minimum(rng.exponential(550, n), 2200).astype(int)
    started = np.where(older, before, rng.integers(0, settings.days - 20, n))
    lost = rng.random(n) < GONE_BEFORE_WINDOW
    gone = -rng.integers(5, 500, n)
    started = np.where(lost, gone - 30 - rng.exponential(300, n).astype(int), started)
    return started, np.where(lost, gone, NEVER)


def _drawn(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One category per row of chances."""
    return (rng.random(len(chances))[:, None] > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
