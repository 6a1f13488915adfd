"""Cohorts by calendar: months, quarters, half-years and years of sign-up, and how finely cohorts are cut."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]
Integers = NDArray[np.int64]

#: Months in each unit, finest first.
MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
#: Cohorts of a triangle: no more than this many, of typically at least this many customers.
MOST_COHORTS, SMALL = 24, 30
#: Ages at which cohorts are read, in months.
AGES = (1, 2, 3, 6, 9, 12, 18, 24, 30, 36, 48, 60, 72, 84, 96, 108, 120)
#: Never more ages than this in one triangle.
MOST_AGES = 10


def cohort_of(days: Days, unit: str) -> Integers:
    """Return the number of the calendar unit that each day lies in, counted from 1970."""
    months = days.astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // MONTHS[unit], dtype=np.int64)


def cohort_name(number: int, unit: str) -> str:
    """Return a cohort as one says it.

    Examples
    --------
    >>> cohort_name(216, "quarter"), cohort_name(648, "month"), cohort_name(54, "year")
    ('2024 Q1', '2024-01', '2024')
    """
    month = int(number) * MONTHS[unit]
    year, within = 1970 + month // 12, month % 12
    if unit == "month":
        return f"{year}-{within + 1:02d}"
    if unit == "year":
        return f"{year}"
    return f"{year} {'Q' if unit == 'quarter' else 'H'}{within // MONTHS[unit] + 1}"


def first_day(number: int, unit: str) -> np.datetime64:
    """Return the first day of a calendar unit."""
    return np.datetime64(int(number) * MONTHS[unit], "M").astype("datetime64[D]")


def months_later(days: Days, months: int) -> Days:
    """Return the same day of the month so many months later, or the month's last day where it has no such day.

    Examples
    --------
    >>> str(months_later(np.array(["2024-01-31"], dtype="datetime64[D]"), 1)[0])
    '2024-02-29'
    """
    month = days.astype("datetime64[M]")
    within = days - month.astype("datetime64[D]")
    later = month + np.timedelta64(months, "M")
    last = (later + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.minimum(later.astype("datetime64[D]") + within, last)


def unit_of_triangle(signed_up: Days) -> tuple[str, str]:
    """Return the finest unit that leaves at most 24 cohorts that are not small, years else, and why in words."""
    rule = f"the finest that leaves at most {MOST_COHORTS} cohorts of which half have {SMALL} customers or more"
    for unit in ("month", "quarter"):
        _, sizes = np.unique(cohort_of(signed_up, unit), return_counts=True)
        if len(sizes) <= MOST_COHORTS and np.median(sizes) >= SMALL:
            return unit, rule
    return "year", (
        f"as months and quarters would be more than {MOST_COHORTS} cohorts, or most of them of fewer than {SMALL} customers"
    )


def unit_of_comparison(signed_up: Days) -> str:
    """Return the coarsest of year, half-year and quarter that leaves two cohorts to compare."""
    for unit in ("year", "half-year", "quarter"):
        if len(np.unique(cohort_of(signed_up, unit))) > 1:
            return unit
    return "month"


def ages_of(unit: str, longest: float) -> tuple[int, ...]:
    """Return the ages in months at which a triangle is read, up to the longest that anybody has reached."""
    # Cohorts of a year are read every quarter all the same: in a window of a year nobody gets older.
    ages = [age for age in AGES if min(MONTHS[unit], MONTHS["quarter"]) <= age <= longest]
    while len(ages) > MOST_AGES:
        # Every other one, never losing the oldest.
        ages = ages[-1::-2][::-1]
    return tuple(ages)


def as_days(values: Any) -> Days:
    """Return a column of dates as days."""
    return np.asarray(values, dtype="datetime64[D]")
