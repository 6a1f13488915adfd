"""Churn of customers by calendar year and by how long they had been customers when it began."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.metrics.base import BASE, SHARE, YEAR, cells_of, days_since, sums
from whychurn.analyses.share_differences import Share
from whychurn.panel import Panel
from whychurn.study import TableStudy

#: Years as a customer at the beginning of the year: lower ends of the bands, and their names.
BANDS = (0, 1, 2, 3, 5)
NAMES = ("less than 1 year", "1 year", "2 years", "3 or 4 years", "5 years or more")
_DEFINITION = (
    "customers of the day before the year begins who are none on its last day, per those customers; age since the customer came, or "
    "came back"
)
#: Small differences of calendar years do not move a customer into another band.
DAYS = 365.25


def age_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield churn by calendar year and age; years that the window holds in part are left to the tables by period."""
    stays = panel.accounts
    began, ended = pd.to_datetime(stays["started_on"]), pd.to_datetime(stays["ended_on"])
    years = sums(panel, YEAR)
    for cell in cells_of(years[years["whole"]]):
        there = _at(began, ended, cell.starts_on)
        still = set(stays.loc[_at(began, ended, cell.ends_on), "account_id"])
        mine = stays.loc[there, "account_id"]
        age = (cell.starts_on - began[there]).dt.days / DAYS
        band = pd.cut(age, [*BANDS, float("inf")], labels=list(NAMES), right=False)
        lost = ~mine.isin(still)
        for name in NAMES:
            at = (band == name).to_numpy()
            n, gone = int(at.sum()), int(lost.to_numpy()[at].sum())
            yield BASE | {
                "estimand": "churn_by_age", "method": YEAR, "term": f"{cell.starts_on:%Y}", "level": name, "unit": SHARE,
                "time": days_since(cell.starts_on, study.observed_from), "n_accounts": n, "n_events": gone,
                "definition": _DEFINITION, "conf_level": study.confidence_level,
                "note": "" if n else "No customer was of this age when the year began.",
            } | Share.of(gone, n, study.confidence_level).row()  # fmt: skip


def _at(began: pd.Series, ended: pd.Series, day: pd.Timestamp) -> pd.Series:
    """Return whether each stay goes on through the day before `day`."""
    return (began < day) & (ended.isna() | (ended >= day))
