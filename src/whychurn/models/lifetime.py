"""What a customer brings while it stays: the area under a survival curve, weighted by amounts and discounted.

The lifetime to a horizon H is the integral over (0, H) of ``S(t) a(t) (1 + rate)^(-t / year)``, with S the
product-limit curve and a(t) the mean amount of those at risk at age t. With neither amount nor rate it is the
restricted mean. Its standard error adds up what each row, or each cluster of rows, does to the estimate (the
infinitesimal jackknife), through the curve and through the mean amounts alike; for the restricted mean of
independent rows that is exactly the Greenwood form of Klein & Moeschberger (2003), eq. 4.5.2.

Source: Gupta et al. (2006), J. Serv. Res. 9:139-155 (customer lifetime value as a discounted sum over survival);
Lin (2000), Biometrika 87:775-788, and Strawderman (2000), J. Am. Statist. Assoc. 95:1192-1207 (amounts that accrue
while under observation, and the variance of their mean under censoring).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.arguments import is_number, read_list
from whychurn.models.columns import Booleans, Floats, Integers, read_events, read_groups, read_times, require_columns
from whychurn.models.wald import normal_quantile

#: Name of the sum of several amounts in a result.
TOTAL = "total"
#: Name of a lifetime without an amount.
TIME = "time"

#: Estimates by horizon, shape (h,), and what each owner does to them, shape (h, owners).
_Part: TypeAlias = tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class DiscountedLifetime:
    """Lifetimes by group, horizon and part.

    Attributes
    ----------
    rate, year
        Yearly discount rate, and the length of a year in the unit of time.
    table
        group, horizon, part ("time", the column of an amount, or "total"), estimate, std_error, conf_low, conf_high,
        n (clusters, or rows without a cluster), n_events (by the horizon), survival and n_at_risk (at the horizon),
        note. Past the end of follow-up the estimate is NaN, unless everybody had the event.
    """

    rate: float
    year: float
    conf_level: float
    table: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one group on a grid of K + 1 distinct times, K stretches between them; n rows.

    `first` is a row's first stretch and `past` the one after its last, so that sums over its stretches are
    differences of running totals. Of shape (K,): `at_risk` (throughout a stretch), `hazard` (the share of them with the
    event at its end), `survival` (throughout it) and `weight` (its discounted length).
    """

    grid: Floats
    first: Integers
    past: Integers
    event: Booleans
    at_risk: Floats
    hazard: Floats
    survival: Floats
    weight: Floats
    owner: Integers
    n_owners: int


def discounted_lifetime(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    horizon: float | Sequence[float],
    entry: str | None = None,
    rate: float = 0.0,
    year: float = 365.25,
    amount: str | Mapping[str, float] | None = None,
    amount_per: float = 1.0,
    upfront: str | Mapping[str, float] | None = None,
    group: str | Sequence[str] | None = None,
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> DiscountedLifetime:
    """Estimate what a new customer brings up to one or several horizons.

    Parameters
    ----------
    frame
        One row per customer, or per stretch ``(entry, duration]`` over which its amount was the same.
    duration, event, entry
        Age at the end of the row, whether it ends in an event, and age at its beginning, as in `fit_kaplan_meier`.
        A row counts as at risk after its entry only (left truncation).
    horizon
        Ages up to which to add up, in the unit of time.
    rate, year
        Yearly discount rate (0.10 means that an amount in a year's time counts 1 / 1.10), and the length of a year in
        the unit of time: 365.25 for days, 12 for months.
    amount
        Column of the amount in force over the row, or several with their signs or factors, such as
        ``{"mrr": 0.8, "service_cost": -1}``. NaN is an amount that was not recorded: means are over those at risk
        with a recorded one. Without it, time itself is added up.
    amount_per
        Time that an amount is for, in the unit of time: 30.4375 for amounts per month and times in days.
    upfront
        Column of an amount that falls due once at age zero, or several with factors; NaN on all rows but those that
        carry it. Its mean is over the rows that do.
    group
        Column, or columns to cross.
    cluster
        Column of the customers, or parents, within which rows depend on each other. Needed for the standard error
        as soon as a customer has several rows.

    Returns
    -------
    DiscountedLifetime

    Raises
    ------
    FitError
        Horizons, rate, year or factors are out of range, or columns cannot be read.
    """
    horizons = _horizons(horizon)
    for name, value, least in (("rate", rate, 0.0), ("year", year, None), ("amount_per", amount_per, None)):
        if not is_number(value) or value < 0 or (least is None and value == 0):
            raise FitError(f"{name} is a {'positive number' if least is None else 'number from 0'}, not {value!r}.")
    z = normal_quantile(conf_level)
    if not len(frame):
        raise FitError("The frame has no rows.")
    start, stop = read_times(frame, duration, entry)
    happened = read_events(frame, event)
    running, once = _factors(amount, "amount"), _factors(upfront, "upfront")
    values = {name: _amounts(frame, name) for name in (*running, *once)}
    codes, labels = read_groups(frame, group)
    owners = np.arange(len(frame)) if cluster is None else read_groups(frame, cluster)[0]
    tables = []
    for code, label in enumerate(labels):
        mine = np.flatnonzero(codes == code)
        rows = _rows(start[mine], stop[mine], happened[mine], owners[mine], horizons, np.log1p(rate) / year)
        parts = {} if running else {TIME: _accrued(rows, np.ones(mine.size), horizons)}
        for name, factor in running.items():
            parts[name] = _accrued(rows, values[name][mine] * (factor / amount_per), horizons)
        for name, factor in once.items():
            parts[name] = _paid_once(rows, values[name][mine] * factor, horizons.size)
        if len(parts) > 1:
            parts[TOTAL] = _sum_of(list(parts.values()))
        tables += [_table(label, name, rows, part, horizons, stop[mine].max(), z) for name, part in parts.items()]
    return DiscountedLifetime(float(rate), float(year), conf_level, pd.concat(tables, ignore_index=True))


def discounted_length(grid: Floats, force: float) -> Floats:
    """Return the integral of ``exp(-force t)`` over each stretch between the times of `grid`, shape (K,)."""
    length = np.diff(grid)
    return length if force == 0 else -np.exp(-force * grid[:-1]) * np.expm1(-force * length) / force


def _horizons(horizon: float | Sequence[float]) -> Floats:
    found = np.unique(read_list(horizon, "horizon"))
    if not found.size or not np.isfinite(found).all() or found[0] <= 0:
        raise FitError(f"horizon is one or more positive numbers in the unit of time, not {horizon!r}.")
    return found


def _factors(named: str | Mapping[str, float] | None, what: str) -> dict[str, float]:
    factors = {} if named is None else {named: 1.0} if isinstance(named, str) else dict(named)
    for name, factor in factors.items():
        if not is_number(factor):
            raise FitError(f"{what} {name!r} has no number as its factor, but {factor!r}.")
    return factors


def _amounts(frame: pd.DataFrame, name: str) -> Floats:
    """Return a column of amounts, shape (n,); NaN where none was recorded."""
    require_columns(frame, [name])
    try:
        values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as problem:
        raise FitError(f"Column {name!r} holds amounts that are no numbers.") from problem
    if np.isinf(values).any():
        raise FitError(f"Column {name!r} is infinite in {int(np.isinf(values).sum()):,} rows.")
    return values


def _rows(start: Floats, stop: Floats, event: Booleans, owner: Integers, horizons: Floats, force: float) -> _Rows:
    """Place rows on the grid of their own times and the horizons; what lies past the last horizon is cut off."""
    last = horizons[-1]
    # Who leaves at age zero was at risk at it: a stretch before zero, of no weight, holds them.
    begin = -1.0 if (stop <= 0).any() else 0.0
    start, ends = np.clip(start, begin, last), np.minimum(stop, last)
    happened = event & (stop <= last)
    grid = np.unique(np.concatenate(([begin, 0.0], start, ends, horizons)))
    first, past = np.searchsorted(grid, start), np.searchsorted(grid, ends)
    at_risk = _at_risk(first, past, np.ones(start.size), grid.size)
    events = np.bincount(past[happened] - 1, minlength=grid.size - 1).astype(np.float64)
    hazard = np.divide(events, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    survival = np.concatenate(([1.0], np.cumprod(1.0 - hazard)[:-1]))
    weight = np.where(grid[:-1] < 0, 0.0, discounted_length(grid, force))
    distinct, owner = np.unique(owner, return_inverse=True)
    return _Rows(grid, first, past, happened, at_risk, hazard, survival, weight, owner, distinct.size)


def _at_risk(first: Integers, past: Integers, values: Floats, size: int) -> Floats:
    """Return the sum of `values` over the rows at risk in each stretch, shape (size - 1,)."""
    change = np.bincount(first, values, size) - np.bincount(past, values, size)
    return np.cumsum(change)[:-1]


def _accrued(rows: _Rows, amount: Floats, horizons: Floats) -> _Part:
    """Return the integrals up to each horizon, shape (h,), and the influence of each owner, shape (h, owners)."""
    known = np.isfinite(amount)
    paid = np.where(known, amount, 0.0)
    size = rows.grid.size
    number = _at_risk(rows.first, rows.past, known.astype(np.float64), size)
    sums = _at_risk(rows.first, rows.past, paid, size)
    mean = np.divide(sums, number, out=np.full(size - 1, np.nan), where=number > 0)
    # Where nobody with an amount is at risk the last known mean goes on; before the first, the first.
    mean = pd.Series(mean).ffill().bfill().to_numpy()
    area = rows.survival * rows.weight
    value = np.where(area > 0, area * mean, 0.0)
    each = np.divide(area, number, out=np.zeros_like(area), where=number > 0)
    left = rows.at_risk * (1.0 - rows.hazard)
    per_event = np.divide(1.0, left, out=np.zeros_like(left), where=(rows.hazard > 0) & (rows.hazard < 1))
    estimates, influence = np.zeros(horizons.size), np.zeros((horizons.size, rows.n_owners))
    for place, horizon in enumerate(horizons):
        inside = rows.grid[1:] <= horizon
        counted, within = np.where(inside, value, 0.0), np.where(inside, each, 0.0)
        estimates[place] = counted.sum()
        # An event takes away what lies ahead of it; being at risk and staying adds as much on average.
        ahead = np.concatenate((np.cumsum(counted[::-1])[::-1][1:], [0.0]))
        lost = np.where(np.isfinite(ahead), ahead, 0.0) * per_event
        effect = _sum_over(rows, lost * rows.hazard) - np.where(rows.event, lost[rows.past - 1], 0.0)
        spread = np.where(np.isfinite(mean), mean, 0.0) * within
        effect += np.where(known, paid * _sum_over(rows, within) - _sum_over(rows, spread), 0.0)
        influence[place] = np.bincount(rows.owner, effect, rows.n_owners)
    return estimates, influence


def _sum_over(rows: _Rows, per_stretch: Floats) -> Floats:
    total = np.concatenate(([0.0], np.cumsum(per_stretch)))
    return total[rows.past] - total[rows.first]


def _sum_of(parts: Sequence[_Part]) -> _Part:
    return np.sum([part[0] for part in parts], axis=0), np.sum([part[1] for part in parts], axis=0)


def _paid_once(rows: _Rows, amount: Floats, n_horizons: int) -> _Part:
    known = np.isfinite(amount)
    if not known.any():
        return np.full(n_horizons, np.nan), np.zeros((n_horizons, rows.n_owners))
    mean = amount[known].mean()
    effect = np.bincount(rows.owner[known], (amount[known] - mean) / known.sum(), rows.n_owners)
    return np.full(n_horizons, mean), np.tile(effect, (n_horizons, 1))


def _table(
    label: str,
    part: str,
    rows: _Rows,
    found: _Part,
    horizons: Floats,
    followed_to: float,
    z: float,
) -> pd.DataFrame:
    estimate, influence = found
    places = np.searchsorted(rows.grid, horizons) - 1
    survival = np.cumprod(1.0 - rows.hazard)[places]
    unknown = (horizons > followed_to) & (survival > 0)
    error = np.sqrt(np.sum(influence**2, axis=1)) if rows.n_owners > 1 else np.full(horizons.size, np.nan)
    estimate, error = np.where(unknown, np.nan, estimate), np.where(unknown | np.isnan(estimate), np.nan, error)
    note = np.where(unknown, f"followed to {followed_to:g} only", "")
    if rows.n_owners == 1:
        note = np.where(unknown, note, "one customer: nothing tells how much customers differ")
    gap = (rows.at_risk <= 0) & (rows.survival > 0)
    if gap.any():
        alone = (rows.grid[:-1][gap][0] < horizons) & ~unknown
        note = np.where(alone, "nobody is at risk at some ages: taken as without events there", note)
    return pd.DataFrame(
        {
            "group": label,
            "horizon": horizons,
            "part": part,
            "estimate": estimate,
            "std_error": error,
            "conf_low": estimate - z * error,
            "conf_high": estimate + z * error,
            "n": rows.n_owners,
            "n_events": np.cumsum(np.round(rows.hazard * rows.at_risk))[places].astype(np.int64),
            "survival": survival,
            "n_at_risk": rows.at_risk[places].astype(np.int64),
            "note": note,
        }
    )
