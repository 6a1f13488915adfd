"""What the ranked causes are held against: everyone, the grades' rules, and causes that are in no model."""

from __future__ import annotations

from typing import Any

from whychurn.analyses.cause_rows import ANALYSIS
from whychurn.analyses.common import OUTCOME, share_interval
from whychurn.analyses.grades import RULES
from whychurn.panel import Candidate, Panel
from whychurn.study import Study


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


def rule_rows() -> list[dict[str, Any]]:
    """Return the rules behind the grades, so that a page prints what was applied."""
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
        for name, rule in RULES.items()
    ]


def total_rows(panel: Panel, study: Study) -> list[dict[str, Any]]:
    """Return what all causes are held against: customers, leavers and the amount that left with them."""
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
