"""What all parts of the page on value share: units, names, and rows that say what is missing."""

from __future__ import annotations

from typing import Any

ANALYSIS = "value"
#: So many customers must be at risk at every age up to the horizon, of all customers and of one segment.
FEWEST_AT_RISK, FEWEST_OF_LEVEL = 20, 10

EVERYONE = "All customers"
#: What the worth of a customer is called, by what is taken off the revenue.
LIFETIME_VALUE, GROSS_PROFIT, LIFETIME_REVENUE = "lifetime value", "lifetime gross profit", "lifetime revenue"
#: Words for what comes before overheads, research, taxes: the tables know no other costs.
PROFIT_WORDS = "revenue - cost of service - cost of winning customers, before all other costs"
NO_AMOUNTS = "No subscription has an amount (subscriptions.mrr), so nothing is said in money."

BASE: dict[str, Any] = {"analysis": ANALYSIS, "declared": "in advance", "term": EVERYONE}


def noted(estimand: str, note: str, **more: Any) -> dict[str, Any]:
    """Return a row without an estimate that says why."""
    return BASE | {"estimand": estimand, "note": note} | more
