"""Customers and revenue by month, quarter and year: counts, churn, gross and net retention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.metrics.base import (
    BASE,
    CUSTOMERS,
    LAST,
    MONTH,
    NO_REVENUE,
    QUARTER,
    ROLLING,
    SHARE,
    YEAR,
    cells_of,
    customer_sums,
    days_since,
    grown_sums,
    kept_sums,
    label,
    lost_sums,
    share_of_customers,
    sums,
)
from whychurn.analyses.metrics.definitions import definition_of
from whychurn.analyses.metrics.intervals import less, net_retention, share_of_revenue
from whychurn.panel import Panel
from whychurn.study import TableStudy

COUNTS = ("opening", "won", "returned", "left", "lost", "won_and_left", "closing")
#: Months that a moving line puts together.
POOLED = 12
NOBODY = "Nobody was a customer when it began."


def rate_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield counts and rates of every period, then the moving lines."""
    before, after = complete_days(panel, study)
    for period in (MONTH, QUARTER, YEAR, LAST, ROLLING):
        table = sums(panel, period)
        for cell in cells_of(table):
            name = label(cell.starts_on, cell.ends_on, period)
            at = cell.ends_on if period == ROLLING else cell.starts_on
            base = {"method": period, "term": name, "time": days_since(at, study.observed_from)}
            base |= {"grade": "whole" if cell.whole else "partial", "n_accounts": cell.opening, "n_events": cell.lost}
            notes = period_notes(cell, period, study, before, after)
            if period != ROLLING:
                yield from _counts(cell, base, notes)
            for row in rates_of(cell, study.confidence_level, period):
                yield BASE | base | row | {"note": " ".join([*notes, row.get("note", "")]).strip()}
        if period == MONTH:
            yield from _moving(table, study)


def rates_of(cell: Any, conf_level: float, period: str) -> Iterator[dict[str, Any]]:
    """Yield the rates of one period."""
    churn = share_of_customers(customer_sums(cell), conf_level)
    nobody = {} if cell.opening else {"note": NOBODY}
    lost = share_of_revenue(lost_sums(cell), conf_level)
    kept = share_of_revenue(kept_sums(cell), conf_level)
    after = net_retention(kept_sums(cell), grown_sums(cell), conf_level)
    rates = {"customer_churn": churn, "mrr_churn": lost, "grr": kept, "nrr": after}
    if period != ROLLING:
        rates |= {"customer_retention": less(churn), "gross_churn": less(kept), "net_churn": less(after)}
    if period in (YEAR, LAST):
        stayed = cell.mrr_opening - cell.mrr_lost
        growth = {"numerator": cell.mrr_after - stayed, "denominator": stayed}
        ratio = {"numerator": cell.mrr_after, "denominator": stayed}
        if stayed > 0:
            growth["estimate"], ratio["estimate"] = cell.mrr_after / stayed - 1, cell.mrr_after / stayed
        rates |= {"stayers_growth": growth, "stayers_pay": ratio}
        moved = cell.mrr_churn + cell.mrr_contraction
        rates["moved_churn"] = {"numerator": moved, "denominator": cell.mrr_opening} | (
            {"estimate": moved / cell.mrr_opening} if cell.mrr_opening > 0 else {}
        )
    for estimand, row in rates.items():
        unknown = {} if "estimate" in row or nobody else {"note": NO_REVENUE}
        yield {"estimand": estimand, "unit": SHARE, "definition": definition_of(estimand)} | row | nobody | unknown


def _counts(cell: Any, base: dict[str, Any], notes: list[str]) -> Iterator[dict[str, Any]]:
    for what in COUNTS:
        row = {"estimand": "customers", "level": what, "unit": CUSTOMERS, "note": " ".join(notes)}
        yield BASE | base | row | {"estimate": float(getattr(cell, what))}


def _moving(months: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield monthly rates of twelve whole months put together, at the last of them."""
    whole = months[months["whole"]].reset_index(drop=True)
    pooled = whole[["lost", "opening", "mrr_lost", "mrr_opening"]].rolling(POOLED).sum()
    for cell, sums_to in list(zip(cells_of(whole), cells_of(pooled), strict=True))[POOLED - 1 :]:
        base: dict[str, Any] = {"method": MONTH, "term": label(cell.starts_on, cell.ends_on, MONTH), "unit": SHARE}
        base["time"] = days_since(cell.starts_on, study.observed_from)
        for estimand, part, all_of in (
            ("pooled_customer_churn", "lost", "opening"),
            ("pooled_mrr_churn", "mrr_lost", "mrr_opening"),
        ):
            n, of = float(getattr(sums_to, part)), float(getattr(sums_to, all_of))
            row = {"estimand": estimand, "numerator": n, "denominator": of}
            words = "sum over this month and the eleven before it of what was lost, per sum of what each opened with"
            yield BASE | base | row | {"definition": words} | ({"estimate": n / of} if of > 0 else {"note": NO_REVENUE})


def complete_days(panel: Panel, study: TableStudy) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return from when until when departures are recorded, as far as the checks of the data doubt it."""
    first, last = pd.Timestamp(study.observed_from), pd.Timestamp(study.observed_to)
    for doubt in panel.integrity:
        if doubt.code == "no-churn-before":
            first = pd.Timestamp(doubt.day)
        if doubt.code == "no-churn-after":
            last = pd.Timestamp(doubt.day)
    return first, last


def period_notes(
    cell: Any, period: str, study: TableStudy, complete_from: pd.Timestamp, complete_to: pd.Timestamp
) -> list[str]:
    """Say what a reader must know of one period: cut off by the window, incomplete, or not yet settled."""
    notes = []
    if not cell.whole:
        unit = {LAST: "twelve months", ROLLING: "twelve months"}.get(period, period)
        notes.append(
            f"The window holds only a part of this {unit}." if period != LAST else "The window is shorter than a year."
        )
    if cell.starts_on < complete_from:
        notes.append(f"Departures before {complete_from:%Y-%m-%d} seem not to be recorded: too low.")
    if cell.ends_on > complete_to:
        notes.append(f"Departures from {complete_to:%Y-%m-%d} on seem not to be recorded: too low.")
    gap = study.definition.allowed_gap_days
    settled = pd.Timestamp(study.observed_to) - pd.Timedelta(days=gap)
    if period == MONTH and gap and cell.ends_on > settled:
        notes.append(
            f"Who left in the last {gap} days of the window may yet return within the allowed gap: provisional."
        )
    return notes
