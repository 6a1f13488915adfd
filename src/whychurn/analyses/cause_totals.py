"""What the ranked causes are held against: everyone, the grades' rules, and causes that are in no model."""

from __future__ import annotations

from typing import Any

import pandas as pd

from whychurn.analyses.cause_rows import ANALYSIS
from whychurn.analyses.common import OUTCOME, share_interval
from whychurn.analyses.grades import RULES
from whychurn.analyses.rates import rate_row
from whychurn.analyses.risk_rows import n_customers, years_observed
from whychurn.panel import Candidate, Panel
from whychurn.study import Study, TableStudy


def left_out_row(candidate: Candidate) -> dict[str, Any]:
    """Return the finding of a declared cause that is in no model, with the reason."""
    return {
        "analysis": ANALYSIS,
        "outcome": OUTCOME,
        "term": candidate.label,
        "estimand": "left_out",
        "note": candidate.reason,
        "declared": "in advance",
        "grade": "left out",
    }


def rule_rows(by_calendar: bool) -> list[dict[str, Any]]:
    """Return the rules behind the grades, so that a page prints what was applied."""
    rules = {name: _by_calendar(rule) if by_calendar else rule for name, rule in RULES.items()}
    return [
        {
            "analysis": ANALYSIS,
            "outcome": OUTCOME,
            "term": "Evidence grades",
            "level": name,
            "estimand": "rule",
            "grade": name,
            "definition": rule,
        }
        for name, rule in rules.items()
    ]


def _by_calendar(rule: str) -> str:
    """Say a rule as it applies to rows with dates: halves are those of the window, and there is one reading."""
    return (
        rule.replace(
            "same direction early and late in tenure",
            "same direction in the earlier and the later half of the departures",
        )
        .replace("or gone or turned round under the other reading of which leavers are in the file; ", "")
        .replace(
            "pointing one way early in tenure and the other way late", "pointing one way early and the other way late"
        )
        .replace(", at every tenure and under both readings", " and at every tenure where it changes with tenure")
    )


def tier_rows(panel: Panel) -> list[dict[str, Any]]:
    """Return the declared causal order: each cause's tier, with the tier's name as level and its group in the note."""
    names = panel.provenance.get("tiers") or []
    return [
        {
            "analysis": ANALYSIS,
            "outcome": OUTCOME,
            "term": candidate.label,
            "level": names[candidate.tier - 1] if candidate.tier <= len(names) else f"Tier {candidate.tier}",
            "estimand": "tier",
            "estimate": candidate.tier,
            "unit": "actionable" if candidate.actionable else "given",
            "method": candidate.role,
            "note": candidate.group if candidate.group != candidate.column else "",
            "declared": "in advance",
            "definition": "place in the declared causal order; a note names the group of measures of the same thing",
        }
        for candidate in panel.used
    ]


def total_rows(at_risk: pd.DataFrame, panel: Panel, study: Study) -> list[dict[str, Any]]:
    """Return what all causes are held against: customers, leavers and the amount that left with them."""
    return _yearly_rows(at_risk, study) if isinstance(study, TableStudy) else _file_rows(panel, study)


def _yearly_rows(at_risk: pd.DataFrame, study: TableStudy) -> list[dict[str, Any]]:
    """Departures and revenue lost per year, over the time at risk of the window."""
    left = at_risk["event"] == 1
    days = at_risk["stop"] - at_risk["start"]
    base: dict[str, Any] = {
        "analysis": ANALYSIS,
        "outcome": OUTCOME,
        "term": "Everyone",
        "n_accounts": n_customers(at_risk),
        "n_events": int(left.sum()),
    }
    owner = at_risk["account_id"]
    counted = left.groupby(owner).sum(), days.groupby(owner).sum()
    rows = [base | rate_row(*counted, study.confidence_level)]
    amount = at_risk["amount"]
    if amount.notna().all() and len(at_risk):
        lost = float(amount[left].sum()) / years_observed(study)
        average = float((amount * days).sum()) / study.window_days
        definition = f"{study.amount_name} of leavers on their last day, per year of the window"
        rows.append(
            base
            | {
                "estimand": "amount_of_leavers",
                "method": "sum",
                "unit": "amount",
                "estimate": lost,
                "definition": definition,
            }
        )
        if average > 0:
            rows.append(
                base
                | {
                    "estimand": "amount_share_of_leavers",
                    "method": "sum",
                    "unit": "share",
                    "estimate": lost / average,
                    "numerator": lost,
                    "denominator": average,
                    "definition": f"{study.amount_name} that leaves in a year / average {study.amount_name} of the window",
                }
            )
    return rows


def _file_rows(panel: Panel, study: Study) -> list[dict[str, Any]]:
    """What a file with one row per customer says: who left, and what they paid."""
    accounts = panel.accounts
    left = accounts[accounts["event"] == 1]
    base: dict[str, Any] = {
        "analysis": ANALYSIS,
        "outcome": OUTCOME,
        "term": "Everyone",
        "n_accounts": len(accounts),
        "n_events": len(left),
    }
    low, high = share_interval(len(left), len(accounts), study.confidence_level)
    rows = [
        base
        | {
            "estimand": "churn_share",
            "method": "count",
            "unit": "share",
            "estimate": len(left) / len(accounts),
            "numerator": len(left),
            "denominator": len(accounts),
            "conf_low": low,
            "conf_high": high,
            "conf_level": study.confidence_level,
            "definition": "customers recorded as left / customers in the file",
        }
    ]
    if accounts["amount"].notna().all() and len(accounts):
        lost, total = float(left["amount"].sum()), float(accounts["amount"].sum())
        rows.append(
            base
            | {
                "estimand": "amount_of_leavers",
                "method": "sum",
                "unit": "amount",
                "estimate": lost,
                "numerator": lost,
                "denominator": total,
                "definition": f"{panel.provenance['amount_name']} of leavers in the file; not per year",
            }
        )
        if total > 0:
            rows.append(
                base
                | {
                    "estimand": "amount_share_of_leavers",
                    "method": "sum",
                    "unit": "share",
                    "estimate": lost / total,
                    "numerator": lost,
                    "denominator": total,
                }
            )
    return rows
