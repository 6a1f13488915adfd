"""Leaving drawn again in another industry: who is kept may leave later, and others are at risk at the same tenure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.block import Block
from whychurn.sources.simulator.history import Paths
from whychurn.sources.simulator.leaving import follow
from whychurn.sources.simulator.settings import ALLOWED_GAP_DAYS
from whychurn.sources.simulator.stays import VOLUNTARY, Stay

SOFTWARE = world.INDUSTRIES.index("Software")
#: Fortnights of tenure that are told apart.
TENURES = 140
#: Share of those who leave that are back within the allowed gap, which is no departure.
BACK = world.RETURNS * (ALLOWED_GAP_DAYS - world.RETURN_DAYS[0] + 1) / (world.RETURN_DAYS[1] - world.RETURN_DAYS[0] + 1)


@dataclass(frozen=True)
class Again:
    """Leaving drawn again with every customer in medical devices in software instead.

    Attributes
    ----------
    drawn, redrawn : float
        Voluntary departures.
    expected, expected_again, days, days_again : ndarray of shape (tenures,)
        Of these customers by tenure: expected departures and days at risk, before and after.
    """

    drawn: float
    redrawn: float
    expected: np.ndarray
    expected_again: np.ndarray
    days: np.ndarray
    days_again: np.ndarray


def draw_again(block: Block, paths_of: Callable[[Block, Accounts], Paths]) -> Again:
    """Draw leaving again: then those who stay longer may leave later, and others are at risk at the same tenure."""
    moved = block.accounts.industry == world.MEDICAL_DEVICES
    accounts = replace(block.accounts, industry=np.where(moved, SOFTWARE, block.accounts.industry))
    rng = np.random.default_rng(block.streams["leaving"])
    again = follow(block.settings, accounts, paths_of(block, accounts), block.charges, rng, keep_rows=True)
    before, after = (_by_weeks(followed.rows, moved) for followed in (block.followed, again))
    drawn, redrawn = _departures(block.followed.stays), _departures(again.stays)
    return Again(drawn, redrawn, before[0], after[0], before[1], after[1])


def _by_weeks(parts: list[dict[str, np.ndarray]], moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected departures and days at risk of some customers by tenure, in fortnights."""
    expected, at_risk = np.zeros(TENURES), np.zeros(TENURES)
    for rows in parts:
        mine = moved[rows["position"]]
        place = np.minimum(rows["start"][mine] // 14, TENURES - 1)
        days = (rows["stop"] - rows["start"])[mine]
        expected += np.bincount(place, rows["hazard"][mine] * days, TENURES)
        at_risk += np.bincount(place, days, TENURES)
    return expected, at_risk


def by_tenure(again: list[Again], voluntary: list[float]) -> list[float]:
    """Share of voluntary departures beyond the hazard, at each tenure, of those who would be at risk in software.

    This is what a model of baseline attributes can see: it compares the customers of both industries who are left at
    the same tenure, not the same customers. With its jackknife standard error.

    Parameters
    ----------
    again : list of Again
        Of each block.
    voluntary : list of float
        Expected voluntary departures that count, of each block.
    """

    def share(places: list[int]) -> float:
        expected, after, days, days_after = (
            sum(getattr(again[place], name) for place in places)
            for name in ("expected", "expected_again", "days", "days_again")
        )
        hazard = np.divide(after, days_after, out=np.zeros(TENURES), where=days_after > 0)
        return float((expected - days * hazard).sum() * (1 - BACK) / sum(voluntary[place] for place in places))

    everything = list(range(len(again)))
    n = len(everything)
    if n < 2:
        return [share(everything), float("nan")]
    without = np.array([share([place for place in everything if place != left]) for left in everything])
    return [share(everything), float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))]


def _departures(stays: list[Stay]) -> float:
    return float(sum(1 for stay in stays if stay.ends > 0 and stay.counts and stay.cause == VOLUNTARY))
