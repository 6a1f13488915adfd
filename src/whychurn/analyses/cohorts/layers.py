"""Whose customers, and whose revenue: each month end by year of sign-up, adding up to the bridge of revenue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from whychurn.analyses.cohorts.calendar import as_days, cohort_name, cohort_of
from whychurn.analyses.cohorts.histories import Histories
from whychurn.analyses.cohorts.triangles import BASE, BEFORE
from whychurn.panel import Panel
from whychurn.study import TableStudy

#: Cohorts drawn on top of each other: years where there are no more than this many.
MOST_LAYERS = 6
SUM = "All customers"


def layer_rows(histories: Histories, panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield customers and recurring revenue at each month end by cohort, and what the monthly bridge closes with.

    Customers who signed up before the window are one layer, with those of them who came back.
    """
    sums = panel.tables.sums("month")  # type: ignore[attr-defined]
    unit = "year"
    number = np.where(histories.followed, cohort_of(histories.signed_up, unit), -1)
    found = np.unique(number)
    if len(found) > MOST_LAYERS:
        # The oldest cohorts together.
        number = np.where((number >= 0) & (number < found[-(MOST_LAYERS - 1)]), found[-(MOST_LAYERS - 1)] - 1, number)
        found = np.unique(number)
    names = [BEFORE if each == -1 else _name(int(each), found, histories, unit) for each in found]
    layer = np.searchsorted(found, number)[histories.account]
    gaps = np.zeros(2)
    for place, bound in enumerate(as_days(sums["ends_on"])):
        there = np.flatnonzero(histories.there_on(bound - np.timedelta64(1, "D")))
        day = np.full(len(there), bound - np.timedelta64(1, "D"))
        mrr = histories.mrr_on(there, day)
        counts = np.bincount(layer[there], minlength=len(names))
        amounts = np.bincount(layer[there], mrr, minlength=len(names))
        closing = sums.iloc[place]
        gaps = np.maximum(gaps, np.abs([counts.sum() - closing["closing"], amounts.sum() - closing["mrr_closing"]]))
        month = float(place + 1)
        row = BASE | {"term": "Month ends", "time": month, "reference": f"{bound - np.timedelta64(1, 'D')}"}
        for name, count, amount in zip(names, counts, amounts, strict=True):
            yield row | {
                "estimand": "layer_customers", "level": name, "unit": "customers", "estimate": int(count),
                "denominator": int(closing["closing"]), "definition": "customers on the last day of the month by sign-up",
            }  # fmt: skip
            if histories.has_amounts:
                yield row | {
                    "estimand": "layer_mrr", "level": name, "unit": "per month", "estimate": float(amount),
                    "denominator": float(closing["mrr_closing"]),
                    "definition": "recurring revenue on the last day of the month by sign-up of the customer",
                }  # fmt: skip
        yield row | {
            "estimand": "closing_customers",
            "level": SUM,
            "unit": "customers",
            "estimate": int(closing["closing"]),
        }
        yield row | {
            "estimand": "closing_mrr",
            "level": SUM,
            "unit": "per month",
            "estimate": float(closing["mrr_closing"]),
        }
    for estimand, gap in zip(("gap_customers", "gap_mrr"), gaps, strict=True):
        yield BASE | {
            "estimand": estimand,
            "term": "Month ends",
            "estimate": round(float(gap), 2),
            "definition": "largest difference between the cohorts added up and the closing of a month's bridge",
        }


def _name(number: int, found: np.ndarray[Any, Any], histories: Histories, unit: str) -> str:
    earliest = int(cohort_of(histories.signed_up[histories.followed], unit).min())
    pooled = number == found[found >= 0][0] and number > earliest
    return f"{cohort_name(earliest, unit)}-{cohort_name(number, unit)}" if pooled else cohort_name(number, unit)
