"""What the checks of the data found that moves these figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from whychurn.analyses.metrics.base import BASE
from whychurn.panel import Panel

#: Codes of checks that concern customers and revenue by period.
CODES = (
    "no-mrr", "missing-mrr", "negative-mrr", "zero-mrr", "overlapping-subscriptions", "terms-overwritten", "no-churn-before",
    "no-churn-after", "recent-ends-provisional", "billed-after-end",
)  # fmt: skip


def doubt_rows(panel: Panel) -> Iterator[dict[str, Any]]:
    """Yield one row per doubt, with how many rows or customers it concerns."""
    for doubt in panel.integrity:
        if doubt.code in CODES:
            row = {"estimand": "doubt", "term": doubt.code, "level": doubt.column, "group": doubt.table}
            yield BASE | row | {
                "estimate": float(doubt.count), "grade": doubt.severity, "note": f"{doubt.problem} {doubt.consequence}".strip(),
            }  # fmt: skip
