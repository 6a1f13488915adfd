"""Churn of customers by calendar year and by how long they had been customers when it began."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.metrics.base import (
    BASE,
    SHARE,
    YEAR,
    cells_of,
    days_since,
    lost_by,
    owned_sums,
    share_of_customers,
    sums,
    there_before,
    years_since,
)
from whychurn.panel import Panel
from whychurn.study import TableStudy

#: Years as a customer at the beginning of the year: lower ends of the bands, and their names.
BANDS = (0, 1, 2, 3, 5)
NAMES = ("less than 1 year", "1 year", "2 years", "3 or 4 years", "5 years or more")
_DEFINITION = (
    "customers of the day before the year begins who are none on its last day, per those customers; age since the customer came, or "
    "came back"
)


def age_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield churn by calendar year and age; years that the window holds in part are left to the tables by period."""
    stays = panel.accounts
    years = sums(panel, YEAR)
    for cell in cells_of(years[years["whole"]]):
        there = stays[there_before(stays, cell.starts_on)]
        band = pd.cut(years_since(there, cell.starts_on), [*BANDS, float("inf")], labels=list(NAMES), right=False)
        lost = lost_by(stays, there, cell.ends_on)
        for name in NAMES:
            at = (band == name).to_numpy()
            counted = owned_sums(panel, there["account_id"][at], lost.to_numpy()[at])
            n, gone = int(counted.whole), int(counted.part)
            yield BASE | {
                "estimand": "churn_by_age", "method": YEAR, "term": f"{cell.starts_on:%Y}", "level": name, "unit": SHARE,
                "time": days_since(cell.starts_on, study.observed_from), "n_accounts": n, "n_events": gone,
                "definition": _DEFINITION,
                "note": "" if n else "No customer was of this age when the year began.",
            } | share_of_customers(counted, study.confidence_level)  # fmt: skip
