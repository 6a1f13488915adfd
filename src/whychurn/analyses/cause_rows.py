"""The findings of one ranked cause: its effects, its size, how strong the evidence is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from whychurn.analyses.adjustment import DIRECT, TOTAL, UNADJUSTED
from whychurn.analyses.common import OUTCOME, ratio_row, share_interval
from whychurn.analyses.effects import Contrast, Effect
from whychurn.analyses.grades import RULES
from whychurn.analyses.hazards import EXPLAINED, ph_verdict, proportionality
from whychurn.models import e_value, smallest_detectable_hazard_ratio
from whychurn.models.cox import AttributableFraction
from whychurn.panel import Candidate, Panel
from whychurn.study import Study

ANALYSIS = "causes"


@dataclass(frozen=True, slots=True)
class Cause:
    """One candidate with everything its row needs."""

    candidate: Candidate
    total: Effect
    unadjusted: Effect
    direct: Effect
    headline: Contrast | None
    conf_level: float
    p_adjusted: float
    grade: str
    share: AttributableFraction | None = None
    note: str = ""


def cause_rows(cause: Cause, rank: int, panel: Panel, study: Study, family: str) -> list[dict[str, Any]]:
    """Return every finding of one cause at its rank."""
    candidate, headline = cause.candidate, cause.headline
    base: dict[str, Any] = {
        "analysis": ANALYSIS,
        "outcome": OUTCOME,
        "term": candidate.label,
        "declared": "in advance",
        "level": headline.level if headline else "",
        "reference": headline.reference if headline else candidate.reference,
    }
    cox = base | {"method": "Cox, Efron ties"}
    rows = [
        base
        | {
            "estimand": "rank",
            "estimate": rank,
            "grade": cause.grade,
            "note": cause.note,
            "method": "grade, then share of churn",
            "statistic": cause.total.statistic,
            "df": cause.total.df,
            "p_value": cause.total.p_value,
            "p_adjusted": cause.p_adjusted,
            "family": family,
            "unit": "actionable" if candidate.actionable else "given",
            "definition": "declared contrast" if candidate.compare_declared else "contrast chosen by the data",
        }
    ]
    for kind, effect in ((TOTAL, cause.total), (UNADJUSTED, cause.unadjusted), (DIRECT, cause.direct)):
        contrast = effect.contrast(headline.level) if headline else None
        if headline is None or contrast is None:
            continue
        level = cause.conf_level if kind == TOTAL else study.confidence_level
        definition = EXPLAINED[kind]
        rows.append(
            ratio_row(
                contrast,
                level,
                **(
                    cox
                    | {
                        "effect_kind": kind,
                        "adjusted_for": ", ".join(effect.adjusted_for),
                        "definition": definition,
                        "level": headline.level,
                        "reference": contrast.reference,
                        "grade": cause.grade if kind == TOTAL else "",
                        "p_adjusted": cause.p_adjusted if kind == TOTAL else math.nan,
                        "family": family if kind == TOTAL else "",
                    }
                ),
            )
        )
    if headline is not None:
        rows += _size_rows(cause, base, panel, study)
        rows += _strength_rows(cause, cox)
    return rows


def _size_rows(cause: Cause, base: dict[str, Any], panel: Panel, study: Study) -> list[dict[str, Any]]:
    """How many customers are exposed, how many of them are still here, and what share of churn goes with it."""
    candidate, accounts = cause.candidate, panel.accounts
    rows: list[dict[str, Any]] = []
    if candidate.kind == "category":
        exposed = (
            accounts[accounts[candidate.column].astype(str) == cause.headline.level] if cause.headline else accounts
        )
        current = exposed[exposed["event"] == 0]
        rows.append(
            base
            | {
                "method": "count",
                "estimand": "prevalence",
                "unit": "share",
                "estimate": len(exposed) / len(accounts),
                "numerator": len(exposed),
                "denominator": len(accounts),
            }
        )
        rows.append(
            base
            | {
                "method": "count",
                "estimand": "current_exposed",
                "unit": "customers",
                "estimate": len(current),
                "definition": "customers at this level who have not left",
            }
        )
        if accounts["amount"].notna().all():
            rows.append(
                base
                | {
                    "method": "sum",
                    "estimand": "current_exposed_amount",
                    "unit": "amount",
                    "estimate": float(current["amount"].sum()),
                }
            )
    if cause.share is not None:
        share = cause.share
        shared = base | {
            "method": "hazard increments, multiplier bootstrap",
            "effect_kind": TOTAL,
            "conf_level": study.confidence_level,
        }
        rows.append(
            shared
            | {
                "estimand": "attributable_share",
                "unit": "share",
                "estimate": share.share,
                "std_error": share.std_error,
                "std_error_scale": "share",
                "conf_low": share.conf_low,
                "conf_high": share.conf_high,
                "grade": cause.grade,
                "definition": "churn in the window beyond what the reference level would have had, as a share of all churn; "
                "shares of several causes may add up to more than one",
            }
        )
        if share.money is not None and not math.isnan(share.money):
            rows.append(
                shared
                | {
                    "estimand": "amount_at_stake",
                    "unit": "amount",
                    "estimate": share.money,
                    "conf_low": share.money_low,
                    "conf_high": share.money_high,
                    "grade": cause.grade,
                    "definition": f"{panel.provenance['amount_name']} of leavers in the file that go with this cause; not per year",
                }
            )
    return rows


def _strength_rows(cause: Cause, base: dict[str, Any]) -> list[dict[str, Any]]:
    headline, effect = cause.headline, cause.total
    assert headline is not None  # the caller has checked
    low, high = headline.interval(cause.conf_level)
    near = min(max(1.0, low), high)
    rows = [
        base
        | {
            "estimand": "smallest_detectable",
            "unit": "ratio",
            "effect_kind": TOTAL,
            "estimate": smallest_detectable_hazard_ratio(headline.std_error),
            "definition": "smallest hazard ratio above 1 that these data would show four times in five",
        },
    ]
    strength = e_value(math.exp(headline.log_hr), near)
    rows.append(
        base
        | {
            "estimand": "e_value",
            "unit": "ratio",
            "effect_kind": TOTAL,
            "estimate": strength.estimate,
            "numerator": strength.conf_limit,
            "definition": "how strongly something unmeasured would have to be tied to both cause and churn to explain "
            "the estimate away (VanderWeele and Ding 2017)",
        }
    )
    if effect.fit is not None and effect.rows is not None and cause.candidate.column in effect.rows.names:
        test = proportionality(effect)
        rows.append(
            base
            | {
                "estimand": "proportional_hazards",
                "effect_kind": TOTAL,
                "method": "Grambsch-Therneau, Kaplan-Meier time",
                "statistic": test["statistic"],
                "df": test["df"],
                "p_value": test["p_value"],
                "grade": ph_verdict(float(test["p_value"])),
            }
        )
    return rows


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
