"""Of what came up for renewal, how much was renewed: contracts of customers, and their revenue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.metrics.base import BASE, LAST, QUARTER, SHARE, days_since, label, money
from whychurn.analyses.metrics.intervals import Sums, share_of_revenue
from whychurn.panel import Panel
from whychurn.panel.renewals_due import GRACE_DAYS
from whychurn.study import TableStudy

NONE_DUE = "No contract with a term and a day of renewal came up for renewal in the window."
OPEN = "not yet decided"
ALL = "all terms"
_DEFINITION = (
    f"renewed of those that came up: a customer who stays and pays at least a part of what was due {GRACE_DAYS} days after the day "
    "counts; contracts stopped in the middle of a term did not come up"
)


def renewal_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the renewal rate by quarter, and of the last twelve months by length of term."""
    due = panel.tables["renewals"]
    if due.empty:
        yield BASE | {"estimand": "renewal_customers", "method": LAST, "term": ALL, "note": NONE_DUE}
        return
    due = due.assign(due_on=pd.to_datetime(due["due_on"]), term=due["term_months"].map(term_name))
    yield from _last(due, study)
    quarter = due["due_on"].dt.to_period("Q")
    for period, group in due.groupby(quarter, sort=True):
        starts_on = max(period.start_time, pd.Timestamp(study.observed_from))
        base = {"method": QUARTER, "term": label(starts_on, starts_on, QUARTER)}
        yield from _rates(group, base | {"time": days_since(starts_on, study.observed_from)}, study)


def term_name(months: float) -> str:
    """Return the length of a term in words."""
    if months == 1:
        return "a month"
    return f"{months / 12:g} year{'s' if months > 12 else ''}" if months % 12 == 0 else f"{months:g} months"


def _last(due: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the last twelve months that are decided: they end before the window, by the allowed gap."""
    decided = due[due["decided"]]
    last = pd.Timestamp(study.observed_to)
    if len(decided):
        last = decided["due_on"].max() + pd.Timedelta(days=1)
    begins = last - pd.DateOffset(years=1)
    recent = due[(due["due_on"] >= begins)]
    for name, group in ((ALL, recent), *recent.groupby("term", sort=True)):
        yield from _rates(group, {"method": LAST, "term": str(name)}, study)


def _rates(group: pd.DataFrame, base: dict[str, Any], study: TableStudy) -> Iterator[dict[str, Any]]:
    decided = group[group["decided"]]
    waiting = len(group) - len(decided)
    note = f"{waiting:,} of {len(group):,} came up too late in the window to tell: {OPEN}." if waiting else ""
    base = (
        BASE
        | base
        | {"unit": SHARE, "definition": _DEFINITION, "grade": OPEN if not len(decided) else "", "note": note}
    )
    # A customer can come up more than once: it is the customers that are independent of each other.
    each = decided.groupby("account_id").agg(
        n=("renewed", "size"), renewed=("renewed", "sum"), due=("mrr_due", "sum"), kept=("mrr_renewed", "sum")
    )
    base |= {"n_accounts": len(each), "n_events": int((~decided["renewed"]).sum())}
    for estimand, part, whole in (("renewal_customers", "renewed", "n"), ("renewal_mrr", "kept", "due")):
        yield base | {"estimand": estimand} | share_of_revenue(Sums.of(each[part], each[whole]), study.confidence_level)
    lost = float(each["due"].sum() - each["kept"].sum())
    yield base | money(study, lost) | {"estimand": "renewal_amount_lost", "method": base["method"]}
