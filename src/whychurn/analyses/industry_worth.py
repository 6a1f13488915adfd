"""What segments are worth, how often they leave, and how they differ in what comes later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.industry_curves import ANALYSIS, EVERYONE, outcome_of
from whychurn.analyses.industry_plan import ALL
from whychurn.analyses.industry_rows import RiskPieces, Segment, smallness
from whychurn.analyses.rates import YEAR, rate_row
from whychurn.analyses.risk_rows import n_customers, of_cause, years_observed
from whychurn.panel import Candidate
from whychurn.study import TableStudy


def rate_rows(
    spells: pd.DataFrame, groups: pd.Series, segment: Segment | None, causes: Sequence[str], study: TableStudy
) -> list[dict[str, Any]]:
    """Return how often customers left per 100 customer-years, by any cause and by each, by level or of all."""
    days = (spells["stop"] - spells["start"]).to_numpy(dtype=float)
    by_outcome = {OUTCOME: spells["event"].to_numpy()}
    by_outcome |= {outcome_of(cause): of_cause(spells, cause)["event"].to_numpy() for cause in causes}
    owner, levels = pd.factorize(spells["account_id"])[0], groups.to_numpy()
    out = []
    for level in segment.order if segment else dict.fromkeys(levels):
        mine = levels == level
        _, who = np.unique(owner[mine], return_inverse=True)
        at_risk = np.bincount(who, days[mine])
        base = {
            "analysis": ANALYSIS,
            "term": segment.label if segment else EVERYONE,
            "level": str(level),
            "n_accounts": len(at_risk),
            "effect_kind": "unadjusted",
            "declared": "in advance",
            "note": smallness(str(level), segment) if segment else "",
        }
        for outcome, events in by_outcome.items():
            left = np.bincount(who, events[mine])
            out.append(rate_row(left, at_risk, study.confidence_level, outcome=outcome, **base))
    return out


def amount_rows(
    pieces: RiskPieces, spells: pd.DataFrame, groups: pd.Series, term: str, study: TableStudy
) -> list[dict[str, Any]]:
    """Return what customers of today pay a month, and what left with others in a year of the window, by level."""
    rows = pieces.rows
    paid = pieces.by_stay((rows["amount"] * (rows["stop"] - rows["start"])).to_numpy(dtype=float))
    out: list[dict[str, Any]] = []
    for level, mine in spells.assign(paid=paid / study.window_days).groupby(groups.to_numpy()):
        here, gone = mine[mine["event"] == 0], mine[mine["event"] == 1]
        base: dict[str, Any] = {
            "analysis": ANALYSIS,
            "outcome": OUTCOME,
            "method": "sum",
            "term": term,
            "level": str(level),
            "n_accounts": n_customers(mine),
            "n_events": len(gone),
            "declared": "in advance",
        }
        now = {"estimand": "customers_now", "method": "count", "unit": "customers", "estimate": n_customers(here)}
        out.append(base | now | {"definition": "customers on the last day observed"})
        amount = base | {"unit": "amount", "estimand": "amount_now"}
        unknown = int(mine["amount"].isna().sum())
        if unknown:
            out.append(amount | {"note": f"{unknown:,} stays have no amount, so no sum is stated."})
            continue
        name = study.amount_name
        words = f"{name} of customers on the last day observed"
        out.append(amount | {"estimate": float(here["amount"].sum()), "definition": words})
        lost, average = float(gone["amount"].sum()) / years_observed(study), float(mine["paid"].sum())
        words = f"{name} of leavers on their last day, per year of the window"
        out.append(amount | {"estimand": "amount_of_leavers", "estimate": lost, "definition": words})
        if average > 0:
            share = {"estimand": "amount_share_of_leavers", "unit": "share", "estimate": lost / average}
            words = f"{name} that leaves in a year / average {name} of the window"
            out.append(base | share | {"numerator": lost, "denominator": average, "definition": words})
    return out


def everyone(spells: pd.DataFrame) -> pd.Series:
    """Return the one level that all customers share."""
    return pd.Series(ALL, index=spells.index)


def exposure_rows(
    pieces: RiskPieces, spells: pd.DataFrame, segment: Segment, used: Sequence[Candidate]
) -> list[dict[str, Any]]:
    """Return the share of customers' time spent at the declared level of each cause of a later tier, by level.

    It shows in what the levels differ of that which a direct effect holds equal.
    """
    rows = pieces.rows
    days = (rows["stop"] - rows["start"]).to_numpy(dtype=float)
    lived = spells["stop"] - spells["start"]
    places = {ALL: np.ones(len(spells), dtype=bool)}
    places |= {level: (segment.groups == level).to_numpy() for level in segment.order}
    later = [c for c in used if c.tier > segment.candidate.tier and c.role == "cause" and c.kind == "category"]
    out: list[dict[str, Any]] = []
    for cause in (cause for cause in later if cause.compare):
        there = pieces.by_stay(days * (rows[cause.column] == cause.compare).to_numpy())
        for level, place in places.items():
            part, whole = float(there[place].sum()), float(lived[place].sum())
            row: dict[str, Any] = {
                "analysis": ANALYSIS,
                "method": "share of time",
                "term": segment.label,
                "level": level,
                "group": f"{cause.label}: {cause.compare}",
                "estimand": "time_share",
                "unit": "share",
                "numerator": part / YEAR,
                "denominator": whole / YEAR,
                "declared": "in advance",
                "definition": "share of customer-years at risk that were spent at the declared level of a later cause",
            }
            out.append(row | ({"estimate": part / whole} if whole > 0 else {"note": "Nobody was at risk."}))
    return out
