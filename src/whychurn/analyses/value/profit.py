"""The profit identity of the last year, month by month, and the retention at which it would have been zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.value.base import BASE, NO_AMOUNTS, PROFIT_WORDS, noted
from whychurn.analyses.value.ledger import Ledger
from whychurn.analyses.value.stretches import month_number, month_start
from whychurn.analyses.value.year import LastYear, means_between
from whychurn.panel import Panel

METHOD = "profit identity"
IDENTITY = "average customers x months x (revenue - cost of service per customer and month) - new customers x cost of winning one"
ZERO = (
    "r0 = r - 2 x profit / (months x (revenue - service) x opening customers), as one more opening customer kept to the "
    "end is half of one more on average: profit(r) = profit + months x (revenue - service) x opening x (r - actual) / 2"
)
LONG_RUN = (
    "in the long run customers = new per month / monthly churn c, and profit = new x ((revenue - service) / c - cost of "
    "winning): zero at c = (revenue - service) / cost of winning, yearly retention (1 - c)^12"
)
#: Retentions at which profit is listed.
GRID = np.linspace(0.0, 1.0, 21)


def profit_rows(ledger: Ledger, year: LastYear, panel: Panel) -> Iterator[dict[str, Any]]:
    """Yield the identity with each of its terms, by month, by retention, and where it is zero."""
    base = BASE | {"method": METHOD, "time": year.months}
    yield from _terms(year, base)
    if not ledger.has_amounts:
        yield noted("profit", NO_AMOUNTS, method=METHOD)
        return
    yield base | {
        "estimand": "profit", "unit": "amount", "estimate": year.profit, "definition": f"{IDENTITY}; {PROFIT_WORDS}",
        "note": "" if ledger.has_costs else "No costs are recorded, so this is revenue.",
    }  # fmt: skip
    yield from _by_month(ledger, year, panel, base)
    yield from _by_retention(ledger, year, base)


def _terms(year: LastYear, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    terms = {
        "average_customers": ("customers", year.customers, "customer-days / days"),
        "new_customers": ("customers", year.won, "customers who began for the first time"),
        "returned_customers": ("customers", year.returned, "customers who came back"),
        "closing_customers": ("customers", year.closing, "customers on the last day"),
        "departures": ("customers", year.left, "times customers left"),
        "year_arpa": ("amount", year.arpa, "revenue per customer-month (x gross margin where one is declared)"),
        "year_service": ("amount", year.service, "recorded cost of service per customer-month with a record"),
        "year_acquisition": ("amount", year.acquisition, "recorded cost per new customer with a record"),
    }
    for estimand, (unit, value, words) in terms.items():
        row = base | {"estimand": estimand, "unit": unit, "definition": words}
        yield row | ({"estimate": value} if value == value else {"note": "Not recorded."})
    kept = {
        "estimand": "retention",
        "unit": "share",
        "definition": "opening customers still there at the end / opening",
    }
    if year.opening:
        yield base | kept | {
            "estimate": year.retention, "numerator": year.opening - year.lost, "denominator": year.opening,
        }  # fmt: skip
    else:
        yield base | kept | {"note": "There were no customers at the beginning."}


def _by_month(ledger: Ledger, year: LastYear, panel: Panel, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each calendar month, or the part of it that lies in the year, with its own revenue and costs."""
    begins, ends = pd.Timestamp(year.begins), pd.Timestamp(year.ends)
    new = ledger.spells[ledger.spells["is_new"]]
    numbers = pd.Series(range(int(month_number(pd.Series([begins]))[0]), int(month_number(pd.Series([ends]))[0]) + 1))
    starts = [max(begins, start) for start in month_start(numbers)]
    for low, high in zip(starts, [*starts[1:], ends], strict=True):
        if high <= low:
            continue
        means = means_between(ledger, low, high)
        won = int(((new["started_on"] >= low) & (new["started_on"] < high)).sum())
        months = (high - low).days / (ends - begins).days * year.months
        service = means["service"] if means["service"] == means["service"] else year.service
        left = means["arpa"] - (service if service == service else 0.0)
        costs = won * (means["acquisition"] if means["acquisition"] == means["acquisition"] else 0.0)
        yield base | {
            "estimand": "month_profit", "unit": "amount", "level": f"{low:%Y-%m}", "time": float(low.year * 12 + low.month),
            "estimate": means["customers"] * months * left - costs, "numerator": means["customers"], "denominator": float(won),
            "definition": f"{IDENTITY}, of the calendar month; numerator: average customers; denominator: new customers",
        }  # fmt: skip


def _by_retention(ledger: Ledger, year: LastYear, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not ledger.has_costs:
        yield noted("zero_retention", "No costs are recorded (table costs): revenue is never zero.", method=METHOD)
        return
    if not year.opening:
        yield noted("zero_retention", "There were no customers at the beginning, so none to keep.", method=METHOD)
        return
    yield from _long_run(year, base)
    slope = year.months * year.per_customer * year.opening / 2
    for retention in GRID:
        yield base | {
            "estimand": "profit_at_retention", "unit": "amount", "time": float(round(retention, 4)),
            "estimate": year.profit + slope * (retention - year.retention), "definition": ZERO,
        }  # fmt: skip
    row = base | {"estimand": "zero_retention", "unit": "share", "definition": ZERO}
    if slope <= 0:
        yield row | {"note": "A customer costs as much to serve as it pays, or more: keeping customers adds no profit."}
        return
    zero = year.retention - year.profit / slope
    if zero < 0:
        note = "Profit would have stayed above zero even had all opening customers left in the course of the year."
        yield row | {"note": note, "numerator": year.profit, "denominator": slope}
    elif zero > 1:
        note = "Profit would have stayed below zero even had all opening customers stayed."
        yield row | {"note": note, "numerator": year.profit, "denominator": slope}
    else:
        yield row | {"estimate": zero, "numerator": year.profit, "denominator": slope}


def _long_run(year: LastYear, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the yearly retention at which winning and losing customers for ever would leave nothing."""
    row = base | {"estimand": "long_run_zero", "unit": "share", "definition": LONG_RUN}
    left, cost = year.per_customer, year.winning
    if cost <= 0:
        yield row | {"note": "No cost of winning customers is recorded."}
    elif left <= 0:
        yield row | {"note": "A customer costs as much to serve as it pays, or more."}
    elif left >= cost:
        note = (
            "By the recorded costs a customer pays for itself within its first month, so no retention loses money in the long run. "
            "Costs that are not recorded are not in this."
        )
        yield row | {"note": note, "numerator": left, "denominator": cost}
    else:
        yield row | {"estimate": (1 - left / cost) ** 12, "numerator": left, "denominator": cost}
