"""What a file with one row per customer cannot say, and which tables and columns would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from whychurn.analyses.flat_metrics.base import BASE

#: Metric -> (why it cannot be had, tables and columns that give it); docs/tables.md describes them.
LACKING: dict[str, tuple[str, str]] = {
    "Net and gross revenue retention (NRR, GRR)": (
        "They set what the same customers pay at the end of a period against the beginning; the file holds one amount per customer.",
        "subscriptions: account_id, started_on, ended_on, mrr, a row for each price",
    ),
    "Expansion and contraction": (
        "A change needs an amount before and after it.",
        "subscriptions: mrr, seats and plan with started_on and ended_on; usage by module for its kind",
    ),
    "Revenue bridge (opening, new, churned, closing)": (
        "Nothing in the file has a date.",
        "subscriptions: started_on, ended_on, mrr",
    ),
    "Churn by calendar month, quarter or year; opening-cohort churn": (
        "Who was there on a given day is not recorded, only how long each stayed.",
        "subscriptions: account_id, started_on, ended_on",
    ),
    "Cohorts by month of signing up": (
        "Tenure says how long, not since when: customers of equal tenure who left may have come in different years.",
        "accounts: account_id, started_on; subscriptions for what they pay later",
    ),
    "Renewal rates": (
        "When a contract was due is not recorded.",
        "subscriptions: term_months, renewal_on, cancelled_on, ended_on",
    ),
    "Reasons, and leaving against one's will": (
        "The file says that customers left, not why.",
        "subscriptions: end_reason; payments: due_on, paid_on, failed_on",
    ),
    "Lifetime value after costs, payback": (
        "The file holds no cost, so there is lifetime revenue only.",
        "costs: account_id or period, acquisition_cost, service_cost",
    ),
    "Returns of customers who left": (
        "A customer is one row, so a second stay cannot be told from the first.",
        "subscriptions: one row for each stay of an account_id",
    ),
}


def lacking_rows() -> Iterator[dict[str, Any]]:
    """Yield what cannot be computed, why, and what would be needed."""
    for metric, (why, needed) in LACKING.items():
        yield BASE | {"estimand": "not_in_a_flat_file", "term": metric, "note": why, "definition": needed}
