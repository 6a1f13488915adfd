"""Churn of customers and of revenue by the reason given, and whether the company could have changed it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.metrics.base import (
    BASE,
    LAST,
    NO_REVENUE,
    SHARE,
    cells_of,
    label,
    last_year,
    money,
    share_of_customers,
    sums,
)
from whychurn.analyses.metrics.intervals import Sums, share_of_revenue
from whychurn.analyses.reasons_stated import CONTROLLABLE, NOT_CONTROLLABLE, NOT_SAID
from whychurn.panel import Panel
from whychurn.study import TableStudy

REASON, CAUSE, CONTROL = "reason", "kind of leaving", "control"
NONE_GIVEN, DOWNGRADED, STAYS = "no reason recorded", "stays and pays less", "stays"
#: Reasons listed one by one; rarer ones are counted together.
MOST_LISTED = 12
_CUSTOMERS = "opening customers lost for this reason, per opening customers of the last twelve months"
_REVENUE = "what they paid at the beginning, per opening revenue of the last twelve months"


def reason_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield, by reason, kind of leaving and control, what part of customers and of revenue was lost.

    Both are shares of what there was twelve months before: shares of customers and shares of revenue can be held against
    each other, and add up to the churn of the page. A customer who returned and is there at the end was not lost.
    """
    everybody = last_year(panel)
    told = reasons_of(panel)
    table = sums(panel, LAST, told)
    for segment in (REASON, CAUSE, CONTROL):
        cells = [cell for cell in cells_of(table) if cell.segment == segment and cell.lost > 0]
        cells.sort(key=lambda cell: (-cell.lost, cell.level))
        for cell in cells:
            more = {"grade": _control_of(told, cell.level)} if segment == REASON else {}
            yield from _both(cell.level, segment, _lost(cell, everybody), everybody, study, more)
    yield from _both(DOWNGRADED, "downgraded", _shrunk(everybody), everybody, study, {"grade": NOT_SAID})


def reasons_of(panel: Panel) -> pd.DataFrame:
    """Return, per spell, the reason, the kind of leaving and the control with which it ended, as segments."""
    spells = panel.accounts
    left = (spells["event"] == 1).to_numpy()
    reason = spells["reason"].fillna("").astype(str).str.strip()
    reason = reason.where(reason != "", NONE_GIVEN).where(left, STAYS)
    counts = reason[left].value_counts()
    rare = list(counts.index[MOST_LISTED - 1 :]) if len(counts) > MOST_LISTED else []
    reason = reason.where(~reason.isin(rare) | ~left, f"{len(rare):,} rarer reasons")
    control = spells["controllable"].map({True: CONTROLLABLE, False: NOT_CONTROLLABLE})
    control = control.where(control.notna(), NOT_SAID).where(left, STAYS).astype(str)
    cause = spells["cause"].astype(str).where(left, STAYS)
    parts = []
    for segment, level in ((REASON, reason), (CAUSE, cause), (CONTROL, control)):
        part = spells[["account_id", "spell"]].assign(segment=segment, level=level.astype(str), control=control)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _control_of(told: pd.DataFrame, reason: str) -> str:
    found = told.loc[(told["segment"] == REASON) & (told["level"] == reason), "control"].unique()
    return str(found[0]) if len(found) == 1 else "several"


def _lost(cell: Any, everybody: Any) -> tuple[Sums, Sums]:
    """Sums of the customers of one reason, and of their revenue, as parts of everybody's."""
    return (
        Sums(
            cell.lost,
            everybody.opening,
            cell.square_gone,
            cell.whole_gone,
            everybody.square_customers,
            everybody.owners,
        ),
        Sums(
            cell.mrr_lost,
            everybody.mrr_opening,
            cell.square_lost,
            cell.whole_lost,
            everybody.square_begin,
            everybody.owners,
        ),
    )


def _shrunk(everybody: Any) -> tuple[Sums, Sums]:
    """Sums of the customers that pay less, and of what they no longer pay."""
    part = everybody.mrr_opening - everybody.mrr_kept - everybody.mrr_lost
    return (
        Sums(
            everybody.paying_less, everybody.opening, everybody.square_less, everybody.customers_less,
            everybody.square_customers, everybody.owners,
        ),
        Sums(
            part, everybody.mrr_opening, everybody.square_shrunk, everybody.begin_shrunk, everybody.square_begin,
            everybody.owners,
        ),
    )  # fmt: skip


def _both(
    name: str, segment: str, parts: tuple[Sums, Sums], everybody: Any, study: TableStudy, more: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield one row of customers, one of revenue, and the amount per month and year."""
    customers, revenue = parts
    base = {
        "method": LAST,
        "term": name,
        "group": segment,
        "n_events": customers.part,
        "n_accounts": everybody.opening,
    } | more
    base |= {"level": label(everybody.starts_on, everybody.ends_on, LAST)}
    conf_level = study.confidence_level
    share = share_of_customers(customers, conf_level)
    yield BASE | base | {"estimand": "reason_customers", "unit": SHARE, "definition": _CUSTOMERS} | share
    share = share_of_revenue(revenue, conf_level)
    unknown = {} if "estimate" in share else {"note": NO_REVENUE}
    yield BASE | base | {"estimand": "reason_mrr", "unit": SHARE, "definition": _REVENUE} | share | unknown
    yield money(study, revenue.part, estimand="reason_amount", **base)
    yield money(study, 12 * revenue.part, estimand="reason_amount_yearly", **base)
