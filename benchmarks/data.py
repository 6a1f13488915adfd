"""Data sets of subscription life: whole days 1 to 1825 with many ties, about a quarter of customers leave.

Every data set is a function of its number of rows and a fixed seed alone. Covariates: the first 60% binary,
the rest standard normal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.store import Columns, Table

LAST_DAY = 1825
EVENT_SHARE = 0.25
MONTH = 30
GROUPS = 10
FACTORS = {"plan": 3, "channel": 4, "industry": 6, "region": 5}
SEED = 20_240


def right_censored(rows: int, covariates: int = 30, whole_days: bool = True) -> Table:
    """One row per customer: time, event and covariates x01, x02, ...; `whole_days` gives ties, else there are none."""
    rng = np.random.default_rng([SEED, 1 if whole_days else 2])
    columns, eta = _covariates(rng, rows, covariates)
    time, event = _follow_up(rng, eta, float(LAST_DAY), whole_days)
    return _table({"time": time, "event": event}, columns)


def continuous_times(rows: int) -> Table:
    """As `right_censored`, but every event has a time of its own."""
    return right_censored(rows, covariates=10, whole_days=False)


def start_stop(rows: int) -> Table:
    """Return about `rows` monthly rows (start, stop], ten or so per customer; half the customers enter late.

    Binary covariates belong to the customer, the others change from row to row. The hazard acts on the values
    in force, and a customer's rows end with the event.
    """
    rng = np.random.default_rng([SEED, 3])
    # A customer who stays has ten rows or so; a quarter leave early.
    customers = max(int(rows / 9.0), 2)
    late = rng.random(customers) < 0.5
    entry = np.where(late, rng.integers(1, 1201, customers), 0)
    leaves = np.minimum(entry + rng.integers(20, 580, customers), LAST_DAY)
    first_month, last_month = entry // MONTH, (leaves - 1) // MONTH
    count = last_month - first_month + 1
    owner = np.repeat(np.arange(customers), count)
    opening = np.cumsum(count) - count
    month = np.arange(owner.size) - opening[owner] + first_month[owner]
    start = np.maximum(month * MONTH, entry[owner])
    stop = np.minimum((month + 1) * MONTH, leaves[owner])
    columns, eta = _covariates(rng, owner.size, 10, owner)
    risk = np.exp(eta)
    exposure = risk * (stop - start)
    rate = _calibrate(np.add.reduceat(exposure, opening))
    # Each customer draws a total hazard; the event falls into the row in which it is used up.
    drawn = rng.exponential(size=customers)[owner] / rate
    spent = np.cumsum(exposure) - exposure
    spent -= spent[opening][owner]
    kept = spent < drawn
    event = kept & (spent + exposure >= drawn)
    day = start + np.ceil((drawn - spent) / risk)
    stop = np.where(event, np.clip(day, start + 1, stop), stop)
    times = {"start": start[kept].astype(float), "time": stop[kept].astype(float), "event": event[kept].astype(np.int8)}
    for name in columns:
        columns[name] = columns[name][kept]
    table = _table(times, columns)
    return Table(table.columns, table.roles | {"start": "start"})


def categorical(rows: int) -> Table:
    """One row per customer: whole months 1 to 60 and four factors, the plan, channel, industry and region."""
    rng = np.random.default_rng([SEED, 4])
    columns: Columns = {}
    eta = np.zeros(rows)
    for name, levels in FACTORS.items():
        columns[name] = rng.integers(0, levels, rows, dtype=np.int8)
        eta += np.linspace(-0.4, 0.4, levels)[columns[name]]
    time, event = _follow_up(rng, eta, 60.0, whole=True)
    return Table(
        {"time": time, "event": event, **columns},
        {"time": "time", "event": "event", **dict.fromkeys(columns, "factor")},
    )


def segments(rows: int) -> Table:
    """One row per customer: time, event, one of ten segments, and a score that ranks them fairly well."""
    rng = np.random.default_rng([SEED, 5])
    group = rng.integers(0, GROUPS, rows, dtype=np.int8)
    risk = rng.normal(size=rows)
    eta = 0.02 * np.arange(GROUPS)[group] + 0.6 * risk
    time, event = _follow_up(rng, eta, float(LAST_DAY), whole=True)
    score = rng.normal(size=rows) - risk
    return Table(
        {"time": time, "event": event, "group": group, "score": score},
        {"time": "time", "event": "event", "group": "group", "score": "score"},
    )


def outcomes(rows: int) -> Table:
    """One row per customer: left or not, and thirty covariates."""
    rng = np.random.default_rng([SEED, 6])
    columns, eta = _covariates(rng, rows, 30)
    event = (rng.random(rows) < 1.0 / (1.0 + np.exp(1.2 - eta))).astype(np.int8)
    return Table({"outcome": event, **columns}, {"outcome": "outcome", **dict.fromkeys(columns, "covariate")})


MAKERS: dict[str, Callable[[int], Table]] = {
    "right-censored": right_censored,
    "continuous": continuous_times,
    "start-stop": start_stop,
    "categorical": categorical,
    "segments": segments,
    "outcomes": outcomes,
}


def _covariates(
    rng: np.random.Generator, rows: int, count: int, owner: np.ndarray | None = None
) -> tuple[Columns, np.ndarray]:
    """Draw the covariates and their sum times moderate effects; binary ones per `owner` where there is one."""
    columns: Columns = {}
    eta = np.zeros(rows)
    binary = round(0.6 * count)
    for place in range(count):
        if place >= binary:
            column = rng.normal(size=rows)
        elif owner is None:
            column = (rng.random(rows) < 0.2 + 0.4 * place / binary).astype(float)
        else:
            column = (rng.random(int(owner[-1]) + 1) < 0.2 + 0.4 * place / binary).astype(float)[owner]
        columns[f"x{place + 1:02d}"] = column
        eta += 0.25 * np.cos(place) * column
    return columns, eta


def _follow_up(rng: np.random.Generator, eta: np.ndarray, longest: float, whole: bool) -> tuple[np.ndarray, np.ndarray]:
    """Draw exponential times, censored uniformly up to the longest follow-up."""
    risk = np.exp(eta)
    censoring = rng.uniform(0.0, longest, eta.size)
    rate = _calibrate(risk * censoring)
    leaving = rng.exponential(size=eta.size) / (rate * risk)
    time = np.minimum(leaving, censoring)
    return np.ceil(time) if whole else time, (leaving <= censoring).astype(np.int8)


def _calibrate(exposure: np.ndarray) -> float:
    """Return the rate at which a quarter of the (first 50,000) exposures meet an event."""
    sample = exposure[:50_000]
    low, high = 0.0, 1.0
    while np.mean(-np.expm1(-high * sample)) < EVENT_SHARE:
        high *= 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if np.mean(-np.expm1(-middle * sample)) < EVENT_SHARE:
            low = middle
        else:
            high = middle
    return high


def _table(times: Columns, covariates: Columns) -> Table:
    roles = {name: name for name in times} | dict.fromkeys(covariates, "covariate")
    return Table({**times, **covariates}, roles)
