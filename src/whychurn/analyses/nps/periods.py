"""Calendar periods of answers: months where they hold enough, else quarters; and years back from the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pandas as pd

from whychurn.study import TableStudy

#: Months are shown if the middle one has so many persons; else quarters. The score's margin is then about 22 points.
ENOUGH = 50
RULE = f"months where the middle one has {ENOUGH} answers, else quarters"


@dataclass(frozen=True)
class Periods:
    """Which period each day lies in.

    Attributes
    ----------
    values : pandas.Series
        Label of each row's period; None outside all of them.
    labels : tuple of str
        All periods from the first to the last, in order.
    unit : str
        "month", "quarter" or "year".
    """

    values: pd.Series
    labels: tuple[str, ...]
    unit: str


def periods_of(days: pd.Series, persons: pd.Series) -> Periods:
    """Return months, or quarters where the middle month has too few persons.

    Parameters
    ----------
    days : pandas.Series
        Of the answers, as datetimes; at least one.
    persons : pandas.Series
        Who answered; somebody counts once per month.
    """
    months = days.dt.to_period("M")
    spanned = pd.period_range(months.min(), months.max(), freq="M")
    counts = persons.groupby(months).nunique().reindex(spanned, fill_value=0)
    if counts.median() >= ENOUGH:
        return Periods(months.astype(str), tuple(map(str, spanned)), "month")
    quarters = days.dt.to_period("Q")
    named = tuple(_quarter(quarter) for quarter in pd.period_range(quarters.min(), quarters.max(), freq="Q"))
    return Periods(quarters.map(_quarter).astype(object), named, "quarter")


def years_back(days: pd.Series, study: TableStudy) -> Periods:
    """Return whole years that end with the window, as far as they lie in it, the earliest with an answer first."""
    begin, end = pd.Timestamp(study.observed_from), pd.Timestamp(study.observed_to)
    marks = [end]
    while (earlier := end - pd.DateOffset(years=len(marks))) >= begin:
        marks.append(earlier)
    values = pd.Series(None, index=days.index, dtype=object)
    labels: list[str] = []
    for first, after in pairwise(marks[::-1]):
        inside = (days >= first) & (days < after)
        if inside.any() or labels:
            label = f"{first:%Y-%m-%d} to {after - timedelta(days=1):%Y-%m-%d}"
            values[inside] = label
            labels.append(label)
    return Periods(values, tuple(labels), "year")


def _quarter(quarter: pd.Period) -> str:
    return f"{quarter.year}-Q{quarter.quarter}"
