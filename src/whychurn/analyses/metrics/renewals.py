"""Of what came up for renewal, how much was renewed: contracts of customers, and their revenue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.metrics.base import BASE, LAST, QUARTER, SHARE, days_since, label, money
from whychurn.analyses.metrics.intervals import Sums, share_of_revenue
from whychurn.analyses.risk_rows import owned
from whychurn.panel import Panel
from whychurn.panel.renewals_due import GRACE_DAYS, decided_year
from whychurn.study import TableStudy

NONE_DUE = "No contract with a term and a day of renewal came up for renewal in the window."
OPEN = "not yet decided"
ALL = "all terms"
NO_LENGTH, NO_CONTRACT = "contracts without a length", "No contract was in force."
_DEFINITION = (
    f"renewed of those that came up: a customer counts who stays, and {GRACE_DAYS} days after the day, or when it renews late within "
    "the allowed gap, pays at least a part of what was due; contracts stopped in the middle of a term did not come up"
)


def renewal_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the renewal rate by quarter, and of the last twelve months by length of term."""
    yield from _untold(panel.tables["contracts_without_renewal"])
    due = panel.tables["renewals"]
    if due.empty:
        yield BASE | {"estimand": "renewal_customers", "method": LAST, "term": ALL, "note": NONE_DUE}
        return
    due = due.assign(
        due_on=pd.to_datetime(due["due_on"]),
        term=due["term_months"].map(term_name),
        owner=owned(panel, due["account_id"]),
    )
    yield from _last(due, study)
    quarter = due["due_on"].dt.to_period("Q")
    for period, group in due.groupby(quarter, sort=True):
        starts_on = max(period.start_time, pd.Timestamp(study.observed_from))
        base = {"method": QUARTER, "term": label(starts_on, starts_on, QUARTER)}
        yield from _rates(group, base | {"time": days_since(starts_on, study.observed_from)}, study)


def term_name(months: float) -> str:
    """Return contracts of a length in words: "12-month contracts"."""
    return f"{months:g}-month contracts" if months >= 1 else NO_LENGTH


def _untold(contracts: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield how many contracts never count as due, as no day of renewal or no length is recorded."""
    lengths = contracts["term_months"].fillna(0).map(term_name)
    for name, group in ((ALL, contracts), *contracts.groupby(lengths, sort=True)):
        without, n = float(group["without"].sum()), float(group["contracts"].sum())
        yield BASE | {
            "estimand": "contracts_without_renewal", "method": LAST, "term": str(name), "unit": SHARE, "numerator": without,
            "denominator": n, "definition": "contracts without a day of renewal or a length, per contracts in force in these months",
        } | ({"estimate": without / n} if n else {"note": NO_CONTRACT})  # fmt: skip


def _last(due: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the last twelve months that are decided: they end before the window does, by the allowed gap."""
    since, until = decided_year(study)
    recent = due[(due["due_on"] >= pd.Timestamp(since))]
    period = label(pd.Timestamp(since), pd.Timestamp(until), LAST)
    for name, group in ((ALL, recent), *recent.groupby("term", sort=True)):
        yield from _rates(group, {"method": LAST, "term": str(name), "level": period}, study)


def _rates(group: pd.DataFrame, base: dict[str, Any], study: TableStudy) -> Iterator[dict[str, Any]]:
    decided = group[group["decided"]]
    waiting = len(group) - len(decided)
    note = f"{waiting:,} of {len(group):,} came up too late in the window to tell: {OPEN}." if waiting else ""
    base = (
        BASE
        | base
        | {"unit": SHARE, "definition": _DEFINITION, "grade": OPEN if not len(decided) else "", "note": note}
    )
    # A customer can come up more than once, and owners hold several: it is the owners that are independent of each other.
    each = decided.groupby("owner").agg(
        n=("renewed", "size"), renewed=("renewed", "sum"), due=("mrr_due", "sum"), kept=("mrr_renewed", "sum")
    )
    base |= {"n_accounts": decided["account_id"].nunique(), "n_events": int((~decided["renewed"]).sum())}
    for estimand, part, whole in (("renewal_customers", "renewed", "n"), ("renewal_mrr", "kept", "due")):
        yield base | {"estimand": estimand} | share_of_revenue(Sums.of(each[part], each[whole]), study.confidence_level)
    lost = float(each["due"].sum() - each["kept"].sum())
    yield base | money(study, lost) | {"estimand": "renewal_amount_lost", "method": base["method"]}
