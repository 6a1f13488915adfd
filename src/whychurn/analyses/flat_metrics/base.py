"""What the parts of the page share: the columns of its findings, customers and their money, and time in months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.hazards import second_reading
from whychurn.analyses.rates import YEAR
from whychurn.findings import FIRST_READING, SECOND_READING
from whychurn.panel import Panel
from whychurn.study import FlatStudy, Study

ANALYSIS = "flat_metrics"
BASE: dict[str, Any] = {"analysis": ANALYSIS, "outcome": OUTCOME, "declared": "in advance", "term": "All customers"}
#: Units of a flat study's tenure in a year.
PER_YEAR = {"days": YEAR, "weeks": YEAR / 7, "months": 12.0, "years": 1.0}
MONTHS = 12.0
NO_AMOUNTS = "The study names no column of amounts (columns.amount in study.toml), so nothing is said in money."
NO_TIME = "No customer has any time at risk."


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of which leavers are in the file (docs/decisions/0003).

    Attributes
    ----------
    name : str
        :data:`whychurn.findings.FIRST_READING` or :data:`whychurn.findings.SECOND_READING`.
    rows : pandas.DataFrame
        One per customer with time at risk: ``account_id``, ``start``, ``stop`` (in months), ``event``, ``amount`` (a
        month; NaN where none is recorded).
    """

    name: str
    rows: pd.DataFrame


def in_months(time: float, study: Study) -> float:
    """Return a time of the study in months."""
    return time * MONTHS / PER_YEAR[study.time_unit]


def per_month(amounts: pd.Series, study: Study) -> pd.Series:
    """Return amounts per unit of the study's time as amounts per month."""
    return amounts.astype(float) * (PER_YEAR[study.time_unit] / MONTHS)


def customers_of(panel: Panel, study: FlatStudy) -> pd.DataFrame:
    """Return every customer in the file: the panel's accounts with ``amount`` a month and ``months`` of tenure."""
    accounts = panel.accounts
    months = accounts["duration"].astype(float) * in_months(1.0, study)
    return accounts.assign(amount=per_month(accounts["amount"], study), months=months)


def readings_of(panel: Panel, study: FlatStudy) -> list[Reading]:
    """Return the rows at risk under the first reading, and under the second where the study leaves it open."""
    found = [Reading(FIRST_READING, _rows(panel.intervals, study))]
    recent = second_reading(panel.intervals, study)
    return found if recent is None else [*found, Reading(SECOND_READING, _rows(recent, study))]


def _rows(intervals: pd.DataFrame, study: FlatStudy) -> pd.DataFrame:
    factor = in_months(1.0, study)
    rows = intervals[["account_id", "start", "stop", "event", "amount"]].copy()
    rows[["start", "stop"]] = rows[["start", "stop"]].astype(float) * factor
    return rows.assign(amount=per_month(rows["amount"], study))
