"""What a little more retention adds up to: small at first, large later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from whychurn.analyses.value.base import BASE, NO_AMOUNTS, noted
from whychurn.analyses.value.ledger import Ledger
from whychurn.analyses.value.year import LastYear

METHOD = "constant churn, acquisition and revenue per customer"
POINTS, LISTED, LAST = 0.05, (10, 20, 60), 60
AS_NOW, MORE = "retention as it is", "five points more"
#: Multiples of today's churn for which the steady state is listed.
MULTIPLES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
GROWTH = "customers(t) = customers now x (1 - c)^t + new per month x (1 - (1 - c)^t) / c, c the monthly churn"


def customers_after(now: float, new: float, churn: float, months: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return how many customers there are after some months at constant monthly churn and acquisition.

    Examples
    --------
    >>> customers_after(100, 10, 0.1, [0, 1, 2]).tolist()
    [100.0, 100.0, 100.0]
    """
    t = np.asarray(months, dtype=float)
    kept = (1 - churn) ** t
    added = t if churn == 0 else (1 - kept) / churn
    return np.asarray(now * kept + new * added, dtype=np.float64)


def monthly(yearly_retention: float) -> float:
    """Return the monthly churn of a yearly retention."""
    return 1 - yearly_retention ** (1 / 12)


def compounding_rows(ledger: Ledger, year: LastYear) -> Iterator[dict[str, Any]]:
    """Yield revenue and profit by month at today's retention and at five points more, and the steady states."""
    if not ledger.has_amounts or not year.closing or not year.opening:
        why = NO_AMOUNTS if not ledger.has_amounts else "There are no customers at the beginning or the end to keep."
        yield noted("gain_revenue", why, method=METHOD)
        return
    retention = year.yearly_retention
    better = min(1.0, retention + POINTS)
    new = year.joined / year.months
    base = BASE | {"method": METHOD}
    short = (
        ""
        if better == retention + POINTS
        else "Retention cannot rise by five points: all customers staying is the most."
    )
    for level, value in ((AS_NOW, retention), (MORE, better)):
        yield base | {"estimand": "yearly_retention", "unit": "share", "level": level, "estimate": value, "note": short}
    yield base | {
        "estimand": "new_per_month", "unit": "customers", "estimate": new, "numerator": year.joined,
        "denominator": year.months,
        "definition": "customers won or won back per month of the last year, without those whom retention counts as kept",
    }  # fmt: skip
    yield from _paths(ledger, year, new, (retention, better), base)
    yield from _steady(year, new, monthly(retention), base)


def _paths(
    ledger: Ledger, year: LastYear, new: float, retentions: tuple[float, float], base: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    arpa = year.mrr_closing / year.closing
    left = arpa * ledger.margin - (year.service if year.service == year.service else 0.0)
    months = np.arange(LAST + 1)
    plain, more = (customers_after(year.closing, new, monthly(r), months) for r in retentions)
    for level, customers in ((AS_NOW, plain), (MORE, more)):
        for month in months:
            yield base | {
                "estimand": "recurring_revenue", "unit": "amount", "level": level, "time": float(month),
                "estimate": float(arpa * customers[month]), "definition": f"{GROWTH}; x revenue per customer now",
            }  # fmt: skip
    sides = {"gain_revenue": (arpa * plain, arpa * more)}
    if ledger.has_costs:
        spent = new * year.winning
        sides["gain_profit"] = (left * plain - spent, left * more - spent)
    for estimand, (before, after) in sides.items():
        for at in LISTED:
            row = {
                "time": float(at), "numerator": float(after[at]), "denominator": float(before[at]),
                "definition": f"per month, five points more against retention as it is; {GROWTH}",
            }  # fmt: skip
            yield base | row | {"estimand": estimand, "unit": "amount", "estimate": float(after[at] - before[at])}
            share = {"estimand": f"{estimand}_share", "unit": "share"}
            if before[at] > 0:
                yield base | row | share | {"estimate": float(after[at] / before[at] - 1)}
            else:
                yield base | row | share | {"note": "There is no profit to compare with."}
    total = float((arpa * (more - plain))[1:].sum())
    yield base | {
        "estimand": "gain_over_time", "unit": "amount", "time": float(LAST), "estimate": total,
        "definition": "sum of the months' gains in recurring revenue, not discounted",
    }  # fmt: skip


def _steady(year: LastYear, new: float, churn: float, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield where recurring revenue settles in the end: new customers per month x revenue each / monthly churn."""
    if churn <= 0:
        yield noted("steady_state", "None of the opening customers were lost: revenue settles nowhere.", method=METHOD)
        return
    arpa = year.mrr_closing / year.closing
    for multiple in MULTIPLES:
        yield base | {
            "estimand": "steady_state", "unit": "amount", "time": multiple, "numerator": churn * multiple,
            "estimate": new * arpa / (churn * multiple),
            "definition": "new customers per month x revenue per customer / monthly churn; numerator: monthly churn",
        }  # fmt: skip
