"""Who uses which module: ever, now, how much of the time, how much of all use, how lately; and who could but does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.feature_rows import FeatureRows, Module, raw_name
from whychurn.panel import Panel
from whychurn.study import TableStudy

ANALYSIS, METHOD = "feature_usage", "counted"
CURRENT, PLAN, NO_PLAN = "Current customers", "plan", "(no plan)"


def current_customers(panel: Panel, study: TableStudy, rows: FeatureRows) -> pd.DataFrame:
    """Return the last row of each customer of the last day, with its recurring revenue then as ``revenue``."""
    spells = panel.accounts[["account_id", "spell", "event", "followed_to", "amount"]]
    last = rows.last.assign(known=rows.known[~_repeated(rows.rows)])
    joined = last.merge(
        spells.rename(columns={"event": "left", "amount": "revenue"}), on=["account_id", "spell"], validate="1:1"
    )
    there = (joined["left"] == 0) & (pd.to_datetime(joined["followed_to"]) >= pd.Timestamp(study.observed_to))
    return joined[there].reset_index(drop=True)


def _repeated(rows: pd.DataFrame) -> np.ndarray:
    return rows.duplicated(["account_id", "spell"], keep="last").to_numpy()


def adoption_rows(rows: FeatureRows, current: pd.DataFrame, modules: Sequence[Module]) -> list[dict[str, Any]]:
    """How widely, how much and how lately each module is used."""
    frame = rows.frame
    days = (frame["stop"] - frame["start"]).to_numpy(dtype=float)
    uses = np.column_stack([frame[raw_name(m.uses)].to_numpy(dtype=float) for m in modules])
    # Windows overlap, all alike, so shares of their sums are shares of uses.
    total = float(uses.sum())
    out = [_current_row(current)]
    for place, module in enumerate(modules):
        used = uses[:, place] > 0
        now = current[current["known"]]
        amount = now[raw_name(module.uses)].to_numpy(dtype=float)
        window = f"{module.window} days"
        base = {"analysis": ANALYSIS, "method": METHOD, "term": module.name}
        out += [
            base | _ever(rows, module, used),
            base
            | _share("using_now", int((amount > 0).sum()), len(now))
            | {"definition": f"current customers with a use in the {window} before what is known of their last row"},
            base
            | _share("time_in_use", float(days[used].sum()), float(days.sum()))
            | {"definition": f"share of all customer-time that has a use in the {window} before"},
            base
            | _share("share_of_use", float(uses[:, place].sum()), total)
            | {"definition": "share of the uses of all modules"},
            base
            | _median(
                "usual_amount", uses[used, place], f"uses in {window}", f"median while there is a use in {window}"
            ),
            base | _recency(module, now),
        ]
    return out


def _current_row(current: pd.DataFrame) -> dict[str, Any]:
    unknown = int((~current["known"]).sum())
    return {
        "analysis": ANALYSIS,
        "method": METHOD,
        "term": CURRENT,
        "estimand": "n_customers",
        "estimate": len(current),
        "numerator": len(current) - unknown,
        "denominator": len(current),
        "unit": "customers",
        "definition": "customers on the last day of the window; numerator: those whose usage is known then",
    }


def _share(estimand: str, part: float, whole: float) -> dict[str, Any]:
    row: dict[str, Any] = {"estimand": estimand, "numerator": part, "denominator": whole, "unit": "share"}
    return row | ({"estimate": part / whole} if whole > 0 else {"note": "There is nobody to count."})


def _median(estimand: str, values: np.ndarray, unit: str, definition: str) -> dict[str, Any]:
    row: dict[str, Any] = {"estimand": estimand, "unit": unit, "definition": definition}
    return row | ({"estimate": float(np.median(values))} if len(values) else {"note": "Nobody used it."})


def _ever(rows: FeatureRows, module: Module, used: np.ndarray) -> dict[str, Any]:
    """Customers seen using a module, of those whose usage was recorded at all."""
    owner = rows.rows["account_id"].to_numpy()
    seen = pd.Series(owner[rows.known][used]).unique()
    if module.adopted:
        adopted = rows.rows[raw_name(module.adopted)].to_numpy(dtype=float) == 1
        seen = np.union1d(seen, pd.Series(owner[adopted & rows.known]).unique())
    return _share("ever_used", len(seen), int(pd.Series(owner[rows.known]).nunique())) | {
        "definition": "customers seen using it at any time since recording began, of all whose usage was recorded"
    }


def _recency(module: Module, now: pd.DataFrame) -> dict[str, Any]:
    values = now[raw_name(module.days_since)].to_numpy(dtype=float) if module.days_since else np.array([])
    return _median(
        "days_since_use", values[~np.isnan(values)], "days", "median over current customers who ever used it"
    )


def unused_rows(
    current: pd.DataFrame, modules: Sequence[Module], protective: Sequence[str], amount_name: str
) -> list[dict[str, Any]]:
    """Current customers who do not use a module that goes with staying, and what they pay, by plan.

    Parameters
    ----------
    current : pandas.DataFrame
        From :func:`current_customers`, with the plan where it is measured.
    modules : sequence of Module
    protective : sequence of str
        Names of modules with that verdict.
    amount_name : str
        What the study calls its amounts.
    """
    known = current[current["known"]]
    plan = raw_name(PLAN)
    parts = {"": np.ones(len(known), dtype=bool)}
    if plan in known:
        plans = known[plan].astype(object).fillna(NO_PLAN).astype(str)
        parts |= {level: (plans == level).to_numpy() for level in sorted(plans.unique())}
    out = []
    for module in (m for m in modules if m.name in protective):
        uses = known[raw_name(module.uses)].to_numpy(dtype=float)
        never = uses == 0
        if module.adopted:
            never &= known[raw_name(module.adopted)].to_numpy(dtype=float) != 1
        for group, inside in parts.items():
            idle = inside & (uses == 0)
            base = {"analysis": ANALYSIS, "method": METHOD, "term": module.name, "group": group}
            revenue, all_revenue = (float(known.loc[at, "revenue"].sum()) for at in (idle, inside))
            out += [
                base
                | _share("not_using", int(idle.sum()), int(inside.sum()))
                | {"definition": f"current customers without a use in {module.window} days"},
                base
                | _share("never_used", int((inside & never).sum()), int(inside.sum()))
                | {"definition": "current customers never seen using it"},
                base
                | {
                    "estimand": "revenue_not_using",
                    "numerator": revenue,
                    "denominator": all_revenue,
                    "unit": amount_name,
                    "definition": "what current customers without a use pay per month",
                }
                | _amount(known, idle, revenue),
            ]
    return out


def _amount(known: pd.DataFrame, idle: np.ndarray, revenue: float) -> dict[str, Any]:
    missing = int(known.loc[idle, "revenue"].isna().sum())
    if missing == int(idle.sum()) and missing:
        return {"estimate": math.nan, "note": "No subscription of theirs has an amount."}
    return {"estimate": revenue, "note": f"{missing:,} of them have no amount." if missing else ""}
