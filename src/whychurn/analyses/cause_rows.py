"""The findings of one ranked cause: its effects, its size, how strong the evidence is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.adjustment import DIRECT, TOTAL, UNADJUSTED
from whychurn.analyses.common import OUTCOME, ratio_row
from whychurn.analyses.contrasts import Contrast, Effect
from whychurn.analyses.grades import INCONCLUSIVE
from whychurn.analyses.hazards import EXPLAINED
from whychurn.findings import SECOND_READING
from whychurn.models import e_value, smallest_detectable_hazard_ratio
from whychurn.models.cox import AttributableFraction
from whychurn.panel import Candidate, Panel
from whychurn.study import Study, TableStudy

ANALYSIS = "causes"


@dataclass(frozen=True, slots=True)
class Cause:
    """One candidate with everything its row needs; without a headline there is nothing to rank it by."""

    candidate: Candidate
    total: Effect
    unadjusted: Effect
    direct: Effect
    proportional: Mapping[str, Any]
    headline: Contrast | None = None
    conf_level: float = 0.95
    p_adjusted: float = math.nan
    grade: str = INCONCLUSIVE
    share: AttributableFraction | None = None
    second: Contrast | None = None
    second_share: AttributableFraction | None = None
    n_customers: int = 0
    note: str = ""
    time_share: Mapping[str, float] = field(default_factory=dict)
    units: NDArray[np.int64] | None = None


def cause_rows(
    cause: Cause, rank: int, limits: Mapping[str, float], panel: Panel, study: Study, family: str
) -> list[dict[str, Any]]:
    """Return every finding of one cause at its rank, with the limits of the rank."""
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
            **limits,
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
        rows += _strength_rows(cause, cox, study)
    return rows


def _size_rows(cause: Cause, base: dict[str, Any], panel: Panel, study: Study) -> list[dict[str, Any]]:
    """How many customers are exposed, how many of them are still here, and what share of churn goes with it."""
    candidate, accounts = cause.candidate, panel.accounts
    rows: list[dict[str, Any]] = []
    if candidate.kind == "category":
        levels = accounts[candidate.column].astype(str)
        headline = cause.headline
        exposed = accounts[levels == headline.level] if headline else accounts
        rows.append(base | _prevalence(cause, exposed, panel, study))
        at_reference = accounts[levels == (headline.reference if headline else candidate.reference)]
        rows += _current_rows(exposed, "current_exposed", "customers at this level who have not left", base)
        rows += _current_rows(at_reference, "current_reference", "customers at the reference who have not left", base)
    for share, group in ((cause.share, ""), (cause.second_share, SECOND_READING)):
        if share is not None:
            rows += _share_rows(share, base | {"group": group}, cause, panel, study)
    return rows


def _prevalence(cause: Cause, exposed: pd.DataFrame, panel: Panel, study: Study) -> dict[str, Any]:
    """How common a level is: among customers, or where it changes over time, in the time at risk."""
    if isinstance(study, TableStudy) and cause.headline is not None:
        return {
            "method": "time at risk",
            "estimand": "prevalence",
            "unit": "share",
            "estimate": cause.time_share.get(cause.headline.level, 0.0),
            "n_accounts": cause.headline.n_accounts,
            "n_events": cause.headline.n_events,
            "numerator": cause.headline.n_accounts,
            "denominator": cause.n_customers,
            "definition": "share of all time at risk that customers spent at this level; numerator: customers ever at it",
        }
    return {
        "method": "count",
        "estimand": "prevalence",
        "unit": "share",
        "estimate": len(exposed) / len(panel.accounts),
        "numerator": len(exposed),
        "denominator": len(panel.accounts),
    }


def _current_rows(group: pd.DataFrame, estimand: str, definition: str, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Count those of a group who are still customers, and sum what they pay."""
    current = group[group["event"] == 0]
    rows = [
        base
        | {
            "method": "count",
            "estimand": estimand,
            "unit": "customers",
            "estimate": len(current),
            "definition": definition,
        }
    ]
    if len(current) and current["amount"].notna().all():
        rows.append(
            base
            | {
                "method": "sum",
                "estimand": f"{estimand}_amount",
                "unit": "amount",
                "estimate": float(current["amount"].sum()),
                "definition": definition,
            }
        )
    return rows


def _share_rows(
    share: AttributableFraction, base: dict[str, Any], cause: Cause, panel: Panel, study: Study
) -> list[dict[str, Any]]:
    shared = base | {
        "effect_kind": TOTAL,
        "conf_level": study.confidence_level,
        "grade": cause.grade if not base["group"] else "",
    }
    rows = [
        shared
        | {
            "method": "hazard increments, multiplier bootstrap",
            "estimand": "attributable_share",
            "unit": "share",
            "estimate": share.share,
            "std_error": share.std_error,
            "std_error_scale": "share",
            "conf_low": share.conf_low,
            "conf_high": share.conf_high,
            "definition": "churn in the window beyond what the reference level would have had, as a share of all churn "
            "(negative: without this level there would have been that much more); shares of several causes overlap",
        }
    ]
    if not math.isnan(share.money):
        rows.append(
            shared
            | {
                "method": "leavers weighted by one less reference over observed hazard, multiplier bootstrap",
                "estimand": "amount_at_stake",
                "unit": "amount",
                "estimate": share.money,
                "conf_low": share.money_low,
                "conf_high": share.money_high,
                "definition": f"{panel.provenance['amount_name']} of leavers that goes with this cause, "
                + ("per year of the window" if isinstance(study, TableStudy) else "in the file; not per year"),
            }
        )
    return rows


def _strength_rows(cause: Cause, base: dict[str, Any], study: Study) -> list[dict[str, Any]]:
    headline = cause.headline
    rows: list[dict[str, Any]] = []
    if headline is not None and headline.std_error > 0:
        rows.append(
            base
            | {
                "estimand": "smallest_detectable",
                "unit": "ratio",
                "effect_kind": TOTAL,
                "estimate": smallest_detectable_hazard_ratio(headline.std_error, alpha=1 - study.confidence_level),
                "definition": "smallest ratio above 1 that these data would show four times in five, tested on its own",
            }
        )
        rows.append(_e_value_row(headline, cause, base))
    if cause.second is not None and cause.second.std_error > 0:
        rows.append(_e_value_row(cause.second, cause, base | {"group": SECOND_READING}))
    rows.append(
        base
        | {
            "estimand": "proportional_hazards",
            "effect_kind": TOTAL,
            "method": "Grambsch-Therneau, Kaplan-Meier time",
            **cause.proportional,
        }
    )
    return rows


def _e_value_row(contrast: Contrast, cause: Cause, base: dict[str, Any]) -> dict[str, Any]:
    low, high = contrast.interval(cause.conf_level)
    fit = cause.total.fit
    # A hazard ratio stands for a risk ratio only while the outcome is rare (VanderWeele and Ding 2017, table 2).
    common = fit is None or fit.n_events > 0.15 * cause.n_customers
    strength = e_value(math.exp(contrast.log_hr), min(max(1.0, low), high), common_outcome=common)
    return base | {
        "estimand": "e_value",
        "unit": "ratio",
        "effect_kind": TOTAL,
        "estimate": strength.estimate,
        "numerator": strength.conf_limit,
        "definition": "how strongly something unmeasured would have to be tied to both cause and churn to explain "
        "the estimate away (VanderWeele and Ding 2017)",
    }
