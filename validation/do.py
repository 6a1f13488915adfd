"""What is true of total effects: the simulator asked again with a cause set to its reference, everything else drawn as before.

A cause is set for the customers, or on the rows, at the level in question; what follows from it (industry moves usage,
usage moves who is called) follows again. Hazards are known, so no leaving needs to be drawn: the share of departures
that goes with a cause is read off the rows at risk, as the estimate is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from validation.again import BACK, SOFTWARE, Again, by_tenure, draw_again
from validation.arms import ARMS, company_settings
from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts, _drawn
from whychurn.sources.simulator.block import Block, block_count, simulate_block
from whychurn.sources.simulator.contacts import draw_interventions
from whychurn.sources.simulator.hazard import weekly
from whychurn.sources.simulator.history import History, Paths, remember
from whychurn.sources.simulator.leaving import _kept
from whychurn.sources.simulator.settings import PATHS_FROM
from whychurn.sources.simulator.stays import Stay
from whychurn.sources.simulator.usage import draw_activity

N_ACCOUNTS, SEED = 20_000, 900_001
RISK_DAYS = 365
Rows = dict[str, np.ndarray]
Altered = dict[str, tuple[Accounts, Paths]]


def truth_record(arm: str, seed: int = SEED, n_accounts: int = N_ACCOUNTS) -> dict[str, Any]:
    """Return the true share of all departures (and of the voluntary ones) that goes with each cause's headline level.

    Each value comes with its Monte-Carlo standard error, by the jackknife over blocks of accounts.
    """
    (_, leaving), *_ = ARMS[arm].parts
    settings = company_settings(n_accounts, seed, ARMS[arm].effects, leaving)
    tallies = [tally(simulate_block(settings, number, keep_rows=True)) for number in range(block_count(settings))]
    names = list(tallies[0].lost)
    shares = {name: _ratio([t.lost[name] for t in tallies], [t.departures for t in tallies]) for name in names}
    voluntary = {name: _ratio([t.lost[name] for t in tallies], [t.voluntary for t in tallies]) for name in names}
    counted = _ratio([t.again.drawn - t.again.redrawn for t in tallies], [t.again.drawn for t in tallies])
    risk = [_ratio([t.risk[place] for t in tallies], [t.risk[2] for t in tallies]) for place in (0, 1)]
    both = _ratio([t.risk[0] - t.risk[1] for t in tallies], [t.risk[2] for t in tallies])
    return {
        "arm": arm, "seed": seed, "n_accounts": n_accounts, "shares": shares, "voluntary": voluntary,
        "industry_by_counting": counted, "industry_by_tenure": by_tenure([t.again for t in tallies], [t.voluntary for t in tallies]), "risk": {"Medical devices": risk[0], "Software": risk[1], "difference": both},
    }  # fmt: skip


@dataclass(frozen=True)
class Tally:
    """Expected departures of a block, and how many fewer there would be.

    Attributes
    ----------
    departures, voluntary : float
    lost : dict of str to float
        Cause -> departures less those with the cause at its reference.
    again : Again
        Leaving drawn again with every customer in medical devices in software instead.
    risk : (float, float, float)
        Sums over new customers of the risk within a year in medical devices, in software, and their number.
    """

    departures: float
    voluntary: float
    lost: dict[str, float]
    again: Again
    risk: tuple[float, float, float]


def tally(block: Block) -> Tally:
    """Count up a block."""
    rows = rows_at_risk(block, block.accounts, block.paths)
    size = block.accounts.size[rows["position"]]
    voluntary, others = _expected(rows, rows["hazard"], rows["plan"], size)
    lost = {
        name: (rows["hazard"] * -np.expm1(change) * rows["days"] * (1 - BACK)).sum()
        for name, change in on_rows(block, rows).items()
    }
    for name, (accounts, paths) in alterations(block).items():
        altered = rows_at_risk(block, accounts, paths)
        hazard = altered["hazard"]
        if name == "login_recency":
            hazard = hazard * np.exp(-block.settings.effects.login_30 * _silent(rows))
        lost[name] = (
            voluntary + others - sum(_expected(altered, hazard, altered["plan"], accounts.size[rows["position"]]))
        )
    return Tally(voluntary + others, voluntary, lost, draw_again(block, paths_of), _risks(block))


def rows_at_risk(block: Block, accounts: Accounts, paths: Paths) -> Rows:
    """Return the rows of the customers that were at risk, with the hazards that they would have had."""
    settings = block.settings
    history = remember(settings, paths, block.followed.service)
    stays = [stay for stay in block.followed.stays if stay.ends > 0]
    rows = _kept(settings, accounts, weekly(settings, accounts, history, stays), stays)
    return {**rows, "days": rows["stop"] - rows["start"]}


def _expected(rows: Rows, hazard: np.ndarray, plan: np.ndarray, size: np.ndarray) -> tuple[float, float]:
    """Departures that count: voluntary, and those of unpaid charges and bankruptcy."""
    unpaid = np.array(world.CHARGE_FAILS)[plan] * world.NEVER_RECOVERED * 12 / 365 * (1 - BACK)
    # A charge is given up after a while, so nobody leaves by it in the first weeks under observation.
    unpaid = np.where(np.minimum(rows["tenure"], rows["day"]) >= world.CUT_OFF_AFTER_DAYS, unpaid, 0.0)
    broke = np.array(world.BANKRUPTCY_PER_YEAR)[size] / 365
    voluntary = float((hazard * rows["days"]).sum()) * (1 - BACK)
    return voluntary, float(((unpaid + broke) * rows["days"]).sum())


def on_rows(block: Block, rows: Rows) -> dict[str, np.ndarray]:
    """Return by how much the log hazard of each row changes if a measure without consequences is at its reference."""
    effect = block.settings.effects
    uses = rows["uses_28_reporting"]
    often = uses >= 5
    usual = (
        np.average(np.exp(effect.reporting * np.log1p(uses[often])), weights=rows["days"][often])
        if often.any()
        else 1.0
    )
    nothing = np.zeros(len(uses))
    return {
        "days_to_renewal": -effect.renewal * rows["renews"],
        "uses_28_reporting": np.log(usual) * (uses == 0),
        "open_tickets": -effect.open_tickets * rows["open_tickets"],
        "last_csat": -effect.low_csat * ((rows["last_csat"] > 0) & (rows["last_csat"] <= 2)),
        "interventions_84": -effect.intervention * (rows["interventions_84"] > 0),
        "event_84_price_change": -effect.price_change * rows["event_84_price_change"],
        "event_84_competitor_offer": -effect.competitor_offer * rows["event_84_competitor_offer"],
        **dict.fromkeys(
            ("region", "channel", "use_recency", "uses_28_mobile", "nps_band", "interactions_84", "event_84_incident"),
            nothing,
        ),
    }


def alterations(block: Block) -> Altered:
    """Return, by cause, the customers and their paths with the cause at its reference for those at its headline level."""
    accounts = block.accounts
    plans = {name: np.where(getattr(accounts, name) == world.STARTER, world.TEAM, getattr(accounts, name))
             for name in ("plan", "plan_after")}  # fmt: skip
    of_software = replace(
        accounts, industry=np.where(accounts.industry == world.MEDICAL_DEVICES, SOFTWARE, accounts.industry)
    )
    on_team = replace(accounts, **plans)
    larger = _larger(block)
    monthly = replace(accounts, annual=np.zeros(len(accounts), dtype=bool))
    return {
        "industry": (of_software, paths_of(block, of_software)),
        "plan": (on_team, paths_of(block, on_team)),
        "size_band": (larger, paths_of(block, larger)),
        "term_months": (monthly, block.paths),
        "login_recency": (accounts, _with_calls(block, accounts, block.paths, _seen_lately)),
    }


def _larger(block: Block) -> Accounts:
    """Customers of 1-19 employees as if of 20-99: plan and term are drawn again from what such customers buy."""
    accounts, rng = block.accounts, np.random.default_rng([SEED, int(block.accounts.number[0])])
    small = accounts.size == 0
    size = np.where(small, 1, accounts.size)
    plan = np.where(small, _drawn(np.array(world.PLAN_BY_SIZE)[size], rng), accounts.plan)
    step = np.where(rng.random(len(accounts)) < 0.75, 1, -1)
    after = np.where(small, np.clip(plan + step, world.STARTER, world.ENTERPRISE), accounts.plan_after)
    annual = np.where(small, rng.random(len(accounts)) < np.array(world.ANNUAL_BY_PLAN)[plan], accounts.annual)
    return replace(accounts, size=size, plan=plan, plan_after=after, annual=annual)


def paths_of(block: Block, accounts: Accounts) -> Paths:
    """Return what other customers would have done in the same stream of chance: their usage, and who is called."""
    activity = draw_activity(block.settings, accounts, np.random.default_rng(block.streams["activity"]))
    return _with_calls(block, accounts, replace(block.paths, activity=activity), lambda known: known)


def _with_calls(block: Block, accounts: Accounts, paths: Paths, seen: Callable[[Rows], Rows]) -> Paths:
    """Assign attempts to save again, by what is then known of the customers."""
    settings = block.settings
    offers, _, interactions = paths.dated
    uncalled = Paths(paths.activity, paths.tickets, (offers, np.zeros_like(offers), interactions))
    days = np.arange(settings.columns)[None, :] + PATHS_FROM
    known = _Seen(remember(settings, uncalled, days >= accounts.started[:, None]), seen)
    rng = np.random.default_rng(block.streams["interventions"])
    calls = draw_interventions(settings, accounts, known, rng)  # type: ignore[arg-type]
    return Paths(paths.activity, paths.tickets, (offers, calls, interactions))


@dataclass(frozen=True)
class _Seen:
    """A history seen otherwise."""

    history: History
    seen: Callable[[Rows], Rows]

    def at(self, account: np.ndarray, day: np.ndarray) -> Rows:
        return self.seen(self.history.at(account, day))


def _seen_lately(known: Rows) -> Rows:
    quiet = known["days_since_login"]
    return {**known, "days_since_login": np.where(quiet >= 30, 3, quiet)}


def _silent(rows: Rows) -> np.ndarray:
    return (rows["days_since_login"] >= 30) | rows["dormant"]


def _risks(block: Block) -> tuple[float, float, float]:
    """Risk of leaving voluntarily within a year of signing up if nothing else could end it, for all new customers."""
    settings = block.settings
    new = np.flatnonzero((block.accounts.started >= 0) & (block.accounts.started <= settings.days - RISK_DAYS))
    sums = []
    for industry in (world.MEDICAL_DEVICES, SOFTWARE):
        accounts = replace(block.accounts, industry=np.full(len(block.accounts), industry))
        paths = paths_of(block, accounts)
        days = np.arange(settings.columns)[None, :] + PATHS_FROM
        history = remember(settings, paths, days >= accounts.started[:, None])
        began = accounts.started[new]
        stays = [Stay(int(a), 1, int(day), int(day), int(day)) for a, day in zip(new, began, strict=True)]
        rows = weekly(settings, accounts, history, stays)
        within = np.clip(np.minimum(rows["length"], RISK_DAYS - rows["tenure"]), 0, None)
        sums.append(float(-np.expm1(-(rows["hazard"] * within).sum(axis=1)).sum()))
    return sums[0], sums[1], float(len(new))


def _ratio(part: list[float], whole: list[float]) -> list[float]:
    """Ratio of sums over blocks, with its jackknife standard error."""
    top, bottom = np.array(part, dtype=float), np.array(whole, dtype=float)
    n = len(top)
    value = top.sum() / bottom.sum()
    if n < 2:
        return [float(value), float("nan")]
    without = (top.sum() - top) / (bottom.sum() - bottom)
    return [float(value), float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))]
