"""What the parts of the page share: the columns of its findings, the periods, and sums over customers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.metrics.intervals import Sums
from whychurn.analyses.risk_rows import owned
from whychurn.analyses.share_differences import Share
from whychurn.models.shares import wilson_interval
from whychurn.models.wald import normal_quantile
from whychurn.panel import Panel
from whychurn.panel.tables_of import TablesOf
from whychurn.study import TableStudy

BASE: dict[str, Any] = {"analysis": "metrics", "outcome": OUTCOME, "method": "count", "declared": "in advance"}
MONTH, QUARTER, YEAR = "month", "quarter", "year"
#: The twelve months that end with the window, and those that end with each month before.
LAST, ROLLING = "last year", "rolling year"
CUSTOMERS, SHARE = "customers", "share"
#: Groups of fewer customers say little, and are not tested against the others.
FEWEST = 30
NO_REVENUE = "No recurring revenue is recorded for these customers."


def sums(panel: Panel, period: str, segments: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return customers and revenue by period: :func:`whychurn.panel.period_sums.period_sums`."""
    assert isinstance(panel.tables, TablesOf)
    return panel.tables.sums(period, segments)


def cells_of(table: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a table of sums, columns as attributes."""
    yield from table.itertuples()


def last_year(panel: Panel) -> Any:
    """Return the sums of the last twelve months, columns as attributes."""
    return next(cells_of(sums(panel, LAST)))


def there_before(stays: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Return whether each stay goes on through the day before `day`."""
    began, ended = pd.to_datetime(stays["started_on"]), pd.to_datetime(stays["ended_on"])
    return (began < day) & (ended.isna() | (ended >= day))


def years_since(stays: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Return how many whole years each stay had gone on by `day`: anniversaries, as leap days make years of unequal length."""
    began = pd.to_datetime(stays["started_on"])
    before = (began.dt.month > day.month) | ((began.dt.month == day.month) & (began.dt.day > day.day))
    return day.year - began.dt.year - before.astype(int)


def lost_by(stays: pd.DataFrame, there: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Return which of the customers `there` are none on the day before `day`, whatever stay they are in by then."""
    still = set(stays.loc[there_before(stays, day), "account_id"])
    return ~there["account_id"].isin(still)


def label(starts_on: pd.Timestamp, ends_on: pd.Timestamp, period: str) -> str:
    """Return what a period is called: 2025-03, 2025 Q1, 2025, or its first and last day."""
    if period == MONTH:
        return f"{starts_on:%Y-%m}"
    if period == QUARTER:
        return f"{starts_on:%Y} Q{(starts_on.month - 1) // 3 + 1}"
    if period == YEAR:
        return f"{starts_on:%Y}"
    return f"{starts_on:%Y-%m-%d} to {ends_on - pd.Timedelta(days=1):%Y-%m-%d}"


def days_since(day: pd.Timestamp, begin: date) -> float:
    """Return days of the window."""
    return float((day - pd.Timestamp(begin)).days)


def customer_sums(cell: Any) -> Sums:
    """Sums for the share of the opening customers that are lost."""
    return Sums(cell.lost, cell.opening, cell.square_gone, cell.customers_gone, cell.square_customers, cell.owners)


def lost_sums(cell: Any) -> Sums:
    """Sums for the share of opening revenue that left with its customers."""
    return Sums(cell.mrr_lost, cell.mrr_opening, cell.square_lost, cell.begin_lost, cell.square_begin, cell.owners)


def kept_sums(cell: Any) -> Sums:
    """Sums for the share of opening revenue that is kept, no customer counting for more than it paid."""
    return Sums(cell.mrr_kept, cell.mrr_opening, cell.square_kept, cell.begin_kept, cell.square_begin, cell.owners)


def after_sums(cell: Any) -> Sums:
    """Sums for what the opening customers pay at the end, per what they paid at the beginning."""
    return Sums(cell.mrr_after, cell.mrr_opening, cell.square_after, cell.begin_after, cell.square_begin, cell.owners)


def grown_sums(cell: Any) -> Sums:
    """Sums for what the opening customers pay beyond what they paid at the beginning, as a share of that."""
    square = cell.square_after - 2 * cell.after_kept + cell.square_kept
    cross = cell.begin_after - cell.begin_kept
    return Sums(cell.mrr_after - cell.mrr_kept, cell.mrr_opening, square, cross, cell.square_begin, cell.owners)


def share_of_customers(sums_of: Sums, conf_level: float) -> dict[str, Any]:
    """Return the columns of a share of customers.

    Its interval is Wilson's; where some belong to one owner, of as many customers as the variance between owners is worth, as
    of every clustered share (:func:`whychurn.analyses.common.clustered_share`).
    """
    counted = Share.of(sums_of.part, sums_of.whole, conf_level)
    row = counted.row() | {"conf_level": conf_level}
    if sums_of.n == sums_of.whole or not counted.known:
        return row
    spread, worth = sums_of.variance, sums_of.n
    if spread > 0:
        worth = min(counted.estimate * (1 - counted.estimate) / spread, sums_of.whole)
    low, high = wilson_interval(counted.estimate, worth, normal_quantile(conf_level))
    return row | {"conf_low": low, "conf_high": high}


def owned_sums(panel: Panel, account_id: pd.Series, hit: ArrayLike) -> Sums:
    """Return the sums of how many customers of a list were hit, those of one owner together."""
    each = pd.DataFrame({"owner": owned(panel, account_id).to_numpy(), "hit": np.asarray(hit, dtype=float), "n": 1.0})
    each = each.groupby("owner").sum()
    return Sums.of(each["hit"], each["n"])


def money(study: TableStudy, value: float, **more: Any) -> dict[str, Any]:
    """Return a finding of an amount per month in the study's currency."""
    return BASE | {"unit": study.currency, "estimate": float(value)} | more
