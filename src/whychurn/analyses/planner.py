"""What would it take? How much of churn would have to go with the causes the company can change, to reach a target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from whychurn.analyses.cause_evidence import setting_of
from whychurn.analyses.cause_rows import Cause
from whychurn.analyses.causes import graded_causes
from whychurn.analyses.common import OUTCOME
from whychurn.analyses.contrasts import Effect
from whychurn.analyses.grades import MODERATE, STRONG
from whychurn.analyses.rates import rate_row
from whychurn.analyses.risk_rows import years_observed
from whychurn.errors import FitError
from whychurn.findings import Findings
from whychurn.models import attributable_fraction
from whychurn.models.cox import AttributableFraction
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy

#: Without a declared target: a third less, as from fifteen to ten in a hundred.
BY_DEFAULT = 2 / 3
REACHABLE, UNCLEAR, UNREACHABLE = "reachable", "cannot tell", "unreachable by these causes"
ALL = "All of them"
JOINT = (
    "share of churn beyond what all these customers would have had at the references, in the model of all causes "
    "together; what one cause does through another is counted once"
)


def run(panel: Panel, study: Study) -> Findings:
    """Set causes with solid evidence that the company can change to their references, one more at a time.

    Only where tables have dates: a rate per year needs a window. The joint share is taken from the model of all causes,
    not added up: shares of single causes overlap.
    """
    if not isinstance(study, TableStudy):
        return Findings.from_rows([_base("Everyone") | {"estimand": "plan", "note": NEEDS_DATES}])
    rows = setting_of(panel, study).book.intervals
    owner = rows["account_id"]
    left, days = rows["event"].groupby(owner).sum(), (rows["stop"] - rows["start"]).groupby(owner).sum()
    now = _base("Everyone") | rate_row(left, days, study.confidence_level) | {"estimand": "rate_now"}
    out = [now]
    if "estimate" not in now or not now["estimate"]:
        return Findings.from_rows(
            [*out, _base("Everyone") | {"estimand": "plan", "note": "Nobody left: nothing to plan."}]
        )
    declared = study.churn.target
    target = declared if declared is not None else BY_DEFAULT * now["estimate"]
    needed = 1 - target / now["estimate"]
    out.append(
        _base("Everyone")
        | {
            "estimand": "target",
            "unit": "per 100 customer-years",
            "estimate": target,
            "numerator": needed,
            "declared": "in advance" if declared is not None else "a third less, as no target is declared",
            "definition": "rate to come down to; numerator: the share of churn that would have to go",
        }
    )
    chosen = [cause for cause in graded_causes(panel, study) if _can_be_changed(cause)]
    return Findings.from_rows([*out, *_plan_rows(chosen, panel, study, now["estimate"], needed)])


NEEDS_DATES = "A plan needs rates per year, and so tables with dates: one row per customer has no window."


def _base(term: str) -> dict[str, Any]:
    return {"analysis": "planner", "outcome": OUTCOME, "term": term, "declared": "in advance"}


def _can_be_changed(cause: Cause) -> bool:
    """Whether the evidence is solid, the company could act, and one state of a category goes with more churn."""
    headline = cause.headline
    if headline is None or cause.grade not in (STRONG, MODERATE) or not cause.candidate.actionable:
        return False
    return cause.candidate.kind == "category" and headline.std_error > 0 and not headline.entangled


@dataclass(frozen=True, slots=True)
class Move:
    """A cause and the states between which customers would move."""

    cause: Cause
    away_from: str
    to: str

    @classmethod
    def of(cls, cause: Cause) -> Move:
        """Return the move out of the state that goes with more churn."""
        assert cause.headline is not None  # chosen for having one
        level, reference = cause.headline.level, cause.headline.reference
        return cls(cause, level, reference) if cause.headline.log_hr > 0 else cls(cause, reference, level)


def _plan_rows(
    chosen: Sequence[Cause], panel: Panel, study: TableStudy, rate: float, needed: float
) -> list[dict[str, Any]]:
    verdict = _base("Everyone") | {"estimand": "plan"}
    if not chosen:
        note = "No cause that the company can change carries solid evidence."
        return [verdict | {"grade": UNREACHABLE if needed > 0 else REACHABLE, "note": note}]
    joint = setting_of(panel, study).book.joint()
    if joint.fit is None:
        return [verdict | {"grade": UNCLEAR, "note": joint.note or "All causes together could not be fitted."}]
    moves = [Move.of(cause) for cause in chosen]
    out: list[dict[str, Any]] = []
    alone = [_share_without(joint, [move], study) for move in moves]
    order = sorted(range(len(moves)), key=lambda place: -_estimate(alone[place]))
    taken: list[Move] = []
    together: AttributableFraction | None = None
    for step, place in enumerate(order, start=1):
        taken.append(moves[place])
        together = _share_without(joint, taken, study)
        label = moves[place].cause.candidate.label
        base = _base(label) | {
            "level": moves[place].away_from,
            "reference": moves[place].to,
            "adjusted_for": "every other cause",
        }
        out += [
            base | _share(alone[place], study) | {"estimand": "share_alone"},
            base | _share(together, study) | {"estimand": "share_together", "numerator": step},
            base | _rate(together, rate, study),
        ]
    return [*out, *_verdict_rows(together, needed, rate, study)]


def _share_without(joint: Effect, moves: Sequence[Move], study: TableStudy) -> AttributableFraction | None:
    """Return the share of churn that goes if the customers of these states had been at the others."""
    rows = joint.rows
    if rows is None or joint.fit is None:
        return None
    reference = rows.frame.copy(deep=False)
    for move in moves:
        name = rows.names.get(move.cause.candidate.column)
        if name is None or move.to not in rows.frame[name].cat.categories:
            continue
        values = rows.frame[name]
        reference[name] = values.where(values != move.away_from, move.to)
    money = "amount" if rows.frame["amount"].notna().all() else None
    try:
        return attributable_fraction(
            joint.fit,
            rows.frame,
            reference,
            money=money,
            observed_years=years_observed(study),
            conf_level=study.confidence_level,
            seed=study.seed,
        )
    except FitError:
        return None


def _estimate(share: AttributableFraction | None) -> float:
    return -math.inf if share is None else share.share


def _share(share: AttributableFraction | None, study: TableStudy) -> dict[str, Any]:
    base = {"unit": "share", "method": "hazard increments, multiplier bootstrap", "definition": JOINT}
    if share is None:
        return base | {"note": "Not estimated."}
    return base | {
        "estimate": share.share,
        "std_error": share.std_error,
        "std_error_scale": "share",
        "conf_low": share.conf_low,
        "conf_high": share.conf_high,
        "conf_level": study.confidence_level,
    }


def _rate(share: AttributableFraction | None, rate: float, study: TableStudy) -> dict[str, Any]:
    """Return the rate that would be left; the present rate is taken as known."""
    row: dict[str, Any] = {
        "estimand": "rate_after",
        "unit": "per 100 customer-years",
        "definition": "present rate less the share that goes; the interval is that of the share",
    }
    if share is None:
        return row | {"note": "Not estimated."}
    return row | {
        "estimate": rate * (1 - share.share),
        "conf_low": rate * (1 - share.conf_high),
        "conf_high": rate * (1 - share.conf_low),
        "conf_level": study.confidence_level,
    }


def _verdict_rows(
    together: AttributableFraction | None, needed: float, rate: float, study: TableStudy
) -> list[dict[str, Any]]:
    """Say whether the target can be reached, and what part of the customers in those states would have to move."""
    base = _base("Everyone") | {"level": ALL}
    if together is None:
        return [base | {"estimand": "plan", "grade": UNCLEAR, "note": "The joint share could not be estimated."}]
    if needed <= 0:
        return [base | {"estimand": "plan", "grade": REACHABLE, "note": "The present rate is at the target already."}]
    chance = _chance_of(together, needed)
    grade = REACHABLE if together.conf_low >= needed else UNREACHABLE if together.conf_high < needed else UNCLEAR
    rows = [
        base
        | {
            "estimand": "plan",
            "grade": grade,
            "unit": "probability",
            "estimate": chance,
            "definition": "how probable it is, given the uncertainty of the joint share, that all moves together would do",
        },
        base | _rate(together, rate, study),
    ]
    if together.money == together.money:
        rows.append(
            base
            | {
                "estimand": "amount_at_stake",
                "unit": "amount",
                "estimate": together.money,
                "conf_low": together.money_low,
                "conf_high": together.money_high,
                "conf_level": study.confidence_level,
                "definition": f"{study.amount_name} of leavers that goes with these states, per year of the window",
            }
        )
    if together.share > needed:
        high = needed / together.conf_low if together.conf_low > needed else 1.0
        rows.append(
            base
            | {
                "estimand": "part_needed",
                "unit": "share",
                "estimate": needed / together.share,
                "conf_low": min(needed / together.conf_high, needed / together.share),
                "conf_high": max(high, needed / together.share),
                "conf_level": study.confidence_level,
                "definition": "part of the customers in these states, chosen at random, who would have to move; the upper end "
                "is all of them where the interval of the share reaches below what is needed",
            }
        )
    return rows


def _chance_of(share: AttributableFraction, needed: float) -> float:
    """Probability that the share exceeds what is needed, its complement being log-normal."""
    left = 1 - share.share
    if left <= 0 or share.std_error <= 0 or needed >= 1:
        return float(share.share >= needed)
    z = (np.log1p(-needed) - math.log(left)) / (share.std_error / left)
    return float(norm.cdf(z))
