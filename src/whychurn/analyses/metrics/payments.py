"""Charges that failed, and how many were recovered, how soon."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.metrics.base import BASE, SHARE, money
from whychurn.analyses.metrics.intervals import Sums, share_of_revenue
from whychurn.analyses.risk_rows import owned
from whychurn.errors import PanelError
from whychurn.panel import Panel
from whychurn.study import TableStudy

#: Days within which a failed charge counts as recovered; the last is the one that is spoken of.
WITHIN = (7, 14, 30)
ALL = "the whole window"
ABSENT = "The study has no table of payments, so failed charges and their recovery are not known."
UNTOLD = "The payments do not say which charges failed (failed_on), so their recovery is not known."
NONE_FAILED = "No charge failed in the window."


def payment_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield failed charges and what of them was paid within so many days, in all and by year."""
    failed, why = failed_charges(panel, study)
    if failed.empty:
        yield BASE | {"estimand": "recovered", "method": "count", "term": ALL, "note": why}
        return
    years = failed["failed_on"].dt.year.astype(str)
    for name, group in ((ALL, failed), *failed.groupby(years, sort=True)):
        base = BASE | {"term": str(name), "n_accounts": int(group["account_id"].nunique()), "n_events": len(group)}
        yield base | {"estimand": "failed_charges", "unit": "charges", "estimate": float(len(group))}
        for days in WITHIN:
            yield from _within(group, days, base, study)
        paid = group["days"].dropna()
        words = "median days from failing to being paid, of those that were paid"
        yield base | {
            "estimand": "days_to_recovery", "unit": "days", "estimate": float(paid.median()) if len(paid) else math.nan,
            "definition": words, "note": "" if len(paid) else "None was paid.",
        }  # fmt: skip


def failed_charges(panel: Panel, study: TableStudy) -> tuple[pd.DataFrame, str]:
    """Return charges that failed in the window (``account_id``, ``owner``, ``failed_on``, ``amount``, ``days`` until paid), or why none."""
    empty = pd.DataFrame(columns=["account_id", "owner", "failed_on", "amount", "days"])
    if "payments" not in study.tables:
        return empty, ABSENT
    try:
        payments = panel.tables["payments"]
    except (KeyError, PanelError):
        return empty, ABSENT
    if payments.empty or payments["failed_on"].isna().all():
        return empty, UNTOLD
    found = payments[["account_id", "failed_on", "paid_on", "amount"]].copy()
    for name in ("failed_on", "paid_on"):
        found[name] = pd.to_datetime(found[name])
    begin, end = pd.Timestamp(study.observed_from), pd.Timestamp(study.observed_to)
    inside = (found["failed_on"] >= begin) & (found["failed_on"] < end)
    # Paid first and failed later is a charge that was taken back: it is not recovered by the payment before.
    days = (found["paid_on"] - found["failed_on"]).dt.days.where(found["paid_on"] < end)
    found = found.assign(days=days.where(days >= 0), owner=owned(panel, found["account_id"]))[inside]
    return found.reset_index(drop=True), "" if len(found) else NONE_FAILED


def _within(group: pd.DataFrame, days: int, base: dict[str, Any], study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the share that was paid within `days`, of charges that failed at least so long before the window ends."""
    told = group[group["failed_on"] + pd.Timedelta(days=days) < pd.Timestamp(study.observed_to)]
    waiting = len(group) - len(told)
    paid = (told["days"] <= days).to_numpy()
    amount = told["amount"].astype(float).clip(lower=0).fillna(0.0)
    each = pd.DataFrame(
        {
            "owner": told["owner"],
            "n": 1.0,
            "paid": paid.astype(float),
            "amount": amount,
            "back": amount * paid,
        }
    )
    each = each.groupby("owner").sum()
    note = f"{waiting:,} failed too late in the window to tell." if waiting else ""
    row = base | {"unit": SHARE, "level": f"within {days} days", "time": float(days), "note": note}
    row |= {
        "definition": f"failed charges paid within {days} days, per failed charges; owners are independent, charges are not"
    }
    level = study.confidence_level
    yield row | {"estimand": "recovered"} | share_of_revenue(Sums.of(each["paid"], each["n"]), level)
    yield row | {"estimand": "recovered_amount"} | share_of_revenue(Sums.of(each["back"], each["amount"]), level)
    for estimand, value in (("amount_failed", each["amount"].sum()), ("amount_recovered", each["back"].sum())):
        yield (
            base
            | money(study, float(value))
            | {"estimand": estimand, "level": f"within {days} days", "time": float(days)}
        )
