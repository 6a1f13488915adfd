"""Cohort triangles: of those who signed up together, who is still a customer at an age, and what they pay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from whychurn.analyses.cohorts.calendar import (
    Days,
    Integers,
    ages_of,
    cohort_name,
    cohort_of,
    first_day,
    months_later,
)
from whychurn.analyses.cohorts.histories import Booleans, Floats, Histories
from whychurn.analyses.common import share_interval
from whychurn.analyses.rates import MONTH
from whychurn.study import TableStudy

BASE = {"analysis": "cohorts", "outcome": "churn", "method": "count", "declared": "in advance"}
ALL = "All who reached it"
BEFORE = "Customers before the window"
#: Group of findings on customers followed from the window's first day instead of from sign-up.
SURVIVORS = "from the window's first day"
KEPT = (
    "share of the cohort that is a customer so many months after its own day of sign-up; whoever came back counts again"
)
NET = "recurring revenue of the cohort at this age / on the days of sign-up; growth counts"
GROSS = "the smaller of what each customer pays at this age and paid on its day of sign-up, added up / that of the days of sign-up"
NOT_PAYING = "Nobody of this cohort paid on the day of sign-up, so there is nothing to compare with."
NO_AMOUNTS = "No recurring revenue is recorded."
OF_SURVIVORS = (
    "Of those who were customers on the window's first day, so many months after that day: not since sign-up."
)


def unit_row(unit: str, rule: str) -> dict[str, Any]:
    """Return by which calendar unit cohorts are formed, and why."""
    return BASE | {"estimand": "cohort_unit", "term": "Cohorts", "level": unit, "definition": rule}


@dataclass(frozen=True)
class _Reading:
    """What customers were at one age, shape (A,) each: whether the age lies in the window, whether there, MRR."""

    reached: Booleans
    there: Booleans
    mrr: Floats
    kept: Floats


def triangle_rows(histories: Histories, study: TableStudy, unit: str, main: bool = True) -> Iterator[dict[str, Any]]:
    """Yield sizes and cells of one triangle, the pooled cohorts, and those who were there before the window.

    A cell is estimated only where all of the cohort have reached the age within the window; where some have, the
    finding is empty and says how many. A triangle that is not the main one counts customers only.
    """
    since = histories.signed_up
    followed = np.flatnonzero(histories.followed)
    cohort = cohort_of(since[followed], unit)
    longest = _months_between(since[followed].min(), histories.end)
    ages = ages_of(unit, longest)
    # A customer pays from its first day, which is one in the window.
    base = histories.of_customers(since)[1]
    readings = {age: _read(histories, months_later(since, age), base) for age in ages}
    amounts = main and histories.has_amounts
    numbers = np.unique(cohort)
    for number in numbers:
        members = followed[cohort == number]
        name, note = cohort_name(number, unit), _cut(number, unit, histories)
        yield from _sizes(members, base, name, unit, note, amounts)
        for age in ages:
            yield from _cells(members, readings[age], base, (name, unit, age), study, amounts)
    for age in ages:
        reached = followed[readings[age].reached[followed]]
        yield from _cells(reached, readings[age], base, (ALL, unit, age), study, amounts)
    if main and not amounts:
        yield BASE | {"estimand": "revenue_kept", "term": "Cohorts", "note": NO_AMOUNTS}
    if main:
        yield from _survivors(histories, study, ages, unit, amounts)


def _read(histories: Histories, days: Days, base: Floats) -> _Reading:
    there, mrr = histories.of_customers(days)
    return _Reading(np.asarray(days < histories.end), there, mrr, np.minimum(mrr, base))


def _sizes(members: Integers, base: Floats, name: str, unit: str, note: str, amounts: bool) -> Iterator[dict[str, Any]]:
    row = BASE | {"term": "Cohorts", "level": name, "group": unit, "n_accounts": len(members), "note": note}
    yield row | {
        "estimand": "cohort_size",
        "unit": "customers",
        "estimate": len(members),
        "definition": f"customers who signed up in this {unit}",
    }
    if amounts:
        yield row | {
            "estimand": "cohort_mrr",
            "unit": "per month",
            "estimate": float(base[members].sum()),
            "numerator": int((base[members] == 0).sum()),
            "definition": "recurring revenue on the days of sign-up; numerator: customers who began without paying",
        }


def _cells(
    members: Integers, at: _Reading, base: Floats, key: tuple[str, str, int], study: TableStudy, amounts: bool
) -> Iterator[dict[str, Any]]:
    name, unit, age = key
    n, reached = len(members), int(at.reached[members].sum())
    row = BASE | {"term": "Cohorts", "level": name, "group": unit, "time": age, "n_accounts": reached}
    if not reached:
        return
    partial = f"Not shown: {reached:,} of {n:,} customers have reached this age." if reached < n else ""
    row |= {"note": partial, "grade": "reached by a part" if partial else ""}
    kept = int(at.there[members].sum())
    low, high = share_interval(kept, n, study.confidence_level)
    whole = {"estimate": kept / n, "conf_low": low, "conf_high": high, "numerator": kept, "denominator": n}
    yield (
        row
        | {"estimand": "customers_kept", "unit": "share", "definition": KEPT, "conf_level": study.confidence_level}
        | ({} if partial else whole)
    )
    if not amounts:
        return
    of = float(base[members].sum())
    for estimand, values, definition in (
        ("revenue_kept", at.mrr, NET),
        ("revenue_kept_gross", at.kept, GROSS),
    ):
        cell = row | {"estimand": estimand, "unit": "share", "definition": definition}
        if partial:
            yield cell
        elif of <= 0:
            yield cell | {"note": NOT_PAYING}
        else:
            part = float(values[members].sum())
            yield cell | {"estimate": part / of, "numerator": part, "denominator": of}


def _survivors(
    histories: Histories, study: TableStudy, ages: tuple[int, ...], unit: str, amounts: bool
) -> Iterator[dict[str, Any]]:
    """Those who were customers already: followed from the window's first day, never as if from sign-up."""
    members = np.flatnonzero(histories.there_before)
    if not len(members):
        return
    since = np.full(histories.n, histories.begin)
    base = histories.of_customers(since)[1]
    yield from (
        row | {"term": SURVIVORS, "definition": "customers on the window's first day who signed up before it"}
        for row in _sizes(members, base, BEFORE, unit, "", amounts)
        if row["estimand"] == "cohort_size"
    )
    for age in ages:
        at = _read(histories, months_later(since, age), base)
        for row in _cells(members, at, base, (BEFORE, unit, age), study, amounts):
            yield row | {"term": SURVIVORS, "note": f"{OF_SURVIVORS} {row['note']}".strip()}


def _cut(number: int, unit: str, histories: Histories) -> str:
    """Say where the window holds only a part of a cohort's days."""
    if first_day(number, unit) < histories.begin:
        return f"The window begins within this {unit}."
    return f"The window ends within this {unit}." if first_day(number + 1, unit) > histories.end else ""


def _months_between(first: np.datetime64, last: np.datetime64) -> float:
    return float((last - first) / np.timedelta64(1, "D")) / MONTH
