"""When was what recorded? Customers, leavers and the records of every table by month; what further tables would add."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.data_quality_base import BASE, EVERYONE, months_between, spells_at_risk
from whychurn.panel import Panel
from whychurn.sources.canon import TABLES
from whychurn.study import TableStudy

#: A month is called thin if it holds less than this share of the records per customer of the median month.
THIN = 0.5
#: Who is a customer in a month, and who leaves in it. Those who leave on its first day are both: they were customers
#: until that day began, so no month has more leavers than customers.
IN_MONTH = (
    "whoever was a customer at any moment of the month, those whose first day without service is its first included"
)
LEFT_IN_MONTH = "those whose first day without service lies in the month, each counted once"
#: Tables with fewer records a month than this are too small to call a month thin.
FEWEST = 20


def coverage_rows(panel: Panel, study: TableStudy, tracked: Mapping[str, date]) -> list[dict[str, Any]]:
    """Return customers and leavers by month, records by table and month, gaps, thin months, and tables not there.

    Parameters
    ----------
    panel : Panel
        With ``tables["coverage"]``: month of the window, table (of records, not registers), records.
    study : TableStudy
    tracked : mapping of str to date
        First day each log was recorded.
    """
    months = months_between(study.observed_from, study.observed_to)
    customers, leavers = _customers(panel.accounts, months)
    coverage = panel.tables["coverage"]
    counts = (
        coverage.assign(month=pd.PeriodIndex(pd.to_datetime(coverage["month"]), freq="M"))
        .pivot_table(index="month", columns="table", values="records", aggfunc="sum")
        .reindex(months)
        .fillna(0.0)
    )
    rows = _by_month("n_customers_in_month", EVERYONE, customers, IN_MONTH)
    rows += _by_month("n_leavers_in_month", EVERYONE, leavers, LEFT_IN_MONTH)
    for name in [table for table in TABLES if table in study.tables]:
        held = counts.get(name)
        rows.append(_held(name, held, study, tracked))
        if held is None:
            continue
        rows += _by_month("n_records_in_month", name, held, "records in the month")
        if not TABLES[name].tracked_throughout:
            share = _tracked_share(name, months, study, tracked)
            rows += [
                BASE
                | {
                    "estimand": "recorded_share",
                    "term": name,
                    "level": str(month),
                    "unit": "share",
                    "estimate": value,
                    "definition": "days of the month in the window on which the table was recorded",
                }
                for month, value in share[share < 1].items()
            ]
            rows += _thin(name, held, customers, share)
            rows += _gaps(name, study)
    rows += [
        BASE | {"estimand": "table_missing", "term": name, "definition": contract.unlocks}
        for name, contract in TABLES.items()
        if name not in study.tables
    ]
    return rows


def first_recorded(panel: Panel, study: TableStudy) -> dict[str, date]:
    """Return the first day each log of the study was recorded: as declared, else as found when it was read.

    Where neither is known it is the first day of the first month of the window with a record.
    """
    found = {str(name): date.fromisoformat(day) for name, day in panel.provenance.get("tracked_from", {}).items()}
    coverage = panel.tables["coverage"]
    for name, table in study.tables.items():
        if TABLES[name].tracked_throughout:
            continue
        months = coverage.loc[(coverage["table"] == name) & (coverage["records"] > 0), "month"]
        if table.tracked_from is not None:
            found[name] = table.tracked_from
        elif name not in found and len(months):
            found[name] = max(pd.to_datetime(months).min().date(), study.observed_from)
    return found


def _customers(accounts: pd.DataFrame, months: pd.PeriodIndex) -> tuple[pd.Series, pd.Series]:
    spells = spells_at_risk(accounts)
    index = pd.Index(months)
    present, left = [], []
    for month in months:
        first, after = month.start_time, (month + 1).start_time
        there = spells[(spells["entered_on"] < after) & (spells["followed_to"] >= first)]
        gone = there[(there["event"] == 1) & (there["followed_to"] < after)]
        present.append(there["account_id"].nunique())
        left.append(gone["account_id"].nunique())
    return pd.Series(present, index=index, dtype=float), pd.Series(left, index=index, dtype=float)


def _by_month(estimand: str, term: str, values: pd.Series, definition: str) -> list[dict[str, Any]]:
    return [
        BASE | {"estimand": estimand, "term": term, "level": str(month), "estimate": value, "definition": definition}
        for month, value in values.items()
    ]


def _held(name: str, held: pd.Series | None, study: TableStudy, tracked: Mapping[str, date]) -> dict[str, Any]:
    declared, since = study.tables[name].tracked_from, tracked.get(name)
    late = since is not None and since > study.observed_from
    return BASE | {
        "estimand": "table_held",
        "term": name,
        "unit": "records",
        "estimate": np.nan if held is None else float(held.sum()),
        "note": str(since) if since else "",
        "grade": "" if since is None else "begins after the window" if late else "whole window",
        "declared": "" if since is None else "declared" if declared else "first record",
        "definition": TABLES[name].unlocks,
    }


def _tracked_share(name: str, months: pd.PeriodIndex, study: TableStudy, tracked: Mapping[str, date]) -> pd.Series:
    """Share of each month's days in the window on which the table was recorded."""
    begin, end = pd.Timestamp(study.observed_from), pd.Timestamp(study.observed_to)
    days = pd.date_range(begin, end, inclusive="left")
    recorded = np.ones(len(days), dtype=bool)
    since = tracked.get(name)
    if since is None:
        recorded[:] = False
    else:
        recorded &= np.asarray(days >= pd.Timestamp(since))
    for first, after in study.tables[name].not_tracked:
        recorded &= ~np.asarray((days >= pd.Timestamp(first)) & (days < pd.Timestamp(after)))
    return pd.Series(recorded, index=days.to_period("M")).groupby(level=0).mean().reindex(months)


def _thin(name: str, held: pd.Series, customers: pd.Series, share: pd.Series) -> list[dict[str, Any]]:
    """Months fully recorded, so it is said, that hold far fewer records per customer than the others."""
    whole = (share == 1) & (customers > 0)
    per = (held / customers)[whole]
    if len(per) < 3 or held[whole].median() < FEWEST:
        return []
    usual = float(per.median())
    return [
        BASE
        | {
            "estimand": "thin_month",
            "term": name,
            "level": str(month),
            "unit": "records per customer",
            "estimate": value,
            "denominator": usual,
            "definition": f"less than {THIN:g} of the median month's records per customer, and no gap was declared",
        }
        for month, value in per[per < THIN * usual].items()
    ]


def _gaps(name: str, study: TableStudy) -> list[dict[str, Any]]:
    return [
        BASE
        | {
            "estimand": "gap",
            "term": name,
            "level": f"{first} to {after}",
            "unit": "days",
            "estimate": (after - first).days,
            "definition": "days not recorded, as the study declares; the last day not counted",
        }
        for first, after in study.tables[name].not_tracked
    ]
