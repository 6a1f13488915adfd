"""Which industries and segments leave, how, and why there? Curves, ratios and revenue by what customers are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.industry_curves import (
    ANALYSIS,
    EVERYONE,
    TIMES_FIRST,
    TIMES_OTHER,
    causes_of,
    horizon_rows,
    incidence_rows,
    mean_rows,
    no_curve_rows,
    staying_rows,
)
from whychurn.analyses.industry_effects import pair_rows, proportional_rows, ratio_rows, step_rows
from whychurn.analyses.industry_models import SegmentModels
from whychurn.analyses.industry_plan import CurvePlan, plan_curves
from whychurn.analyses.industry_rows import RiskPieces, Segment, segments_of
from whychurn.analyses.industry_tests import difference_rows, outcomes_of, pair_difference_rows
from whychurn.analyses.industry_worth import amount_rows, everyone, exposure_rows, rate_rows
from whychurn.analyses.risk_rows import n_customers, risk_rows
from whychurn.findings import Findings
from whychurn.panel import Candidate, Panel
from whychurn.study import Study, TableStudy

NOT_TABLES = "Only for studies of tables; the page of segments compares customers of a file with one row each."
NO_SEGMENT = (
    "No declared cause stays the same while a customer stays. Declare what customers are (industry, size, region) "
    "under [[causes]] in study.toml."
)


def run(panel: Panel, study: Study) -> Findings:
    """Compare the levels of every declared cause that never changes within a stay, the industry first.

    A stay is a spell: a customer who left and came back has two. Curves and their tests take stays as independent;
    ratios have standard errors clustered by customer, or by the parent that customers belong to.
    """
    if not isinstance(study, TableStudy):
        return Findings.from_rows([_nothing(NOT_TABLES)])
    pieces = RiskPieces(risk_rows(panel, study))
    spells = pieces.stays
    segments = segments_of(pieces, spells, panel.used)
    if not segments:
        return Findings.from_rows([_nothing(NO_SEGMENT)])
    causes = causes_of(spells)
    outcomes = outcomes_of(causes)
    whole, plans = plan_curves(spells, segments, study)
    rows = _everyone_rows(pieces, spells, whole, causes, study)
    for place, (segment, plan) in enumerate(zip(segments, plans, strict=True)):
        rows.append(_order_row(segment, place, outcomes[-1]))
        rows += _segment_rows(pieces, spells, segment, plan, causes, study, first=not place)
    rows += difference_rows(spells, segments, causes)
    rows += pair_difference_rows(spells, segments[0], causes)
    rows += exposure_rows(pieces, spells, segments[0], panel.used)
    rows += _model_rows(SegmentModels(pieces, segments, panel.used), segments, outcomes, study)
    return Findings.from_rows(rows)


def _segment_rows(
    pieces: RiskPieces,
    spells: pd.DataFrame,
    segment: Segment,
    plan: CurvePlan,
    causes: Sequence[str],
    study: TableStudy,
    first: bool,
) -> list[dict[str, Any]]:
    """Return what one segment's levels show before any model."""
    n_times = TIMES_FIRST if first else TIMES_OTHER
    return [
        *staying_rows(spells, segment.groups, segment.label, plan, n_times, study),
        *no_curve_rows(segment, plan),
        *horizon_rows(segment.label, plan, study),
        *incidence_rows(spells, segment.groups, segment.label, plan, TIMES_FIRST if first else 0, study),
        *mean_rows(spells, segment, plan, study),
        *rate_rows(spells, segment.groups, segment, causes, study),
        *amount_rows(pieces, spells, segment.groups, segment.label, study),
    ]


def _everyone_rows(
    pieces: RiskPieces, spells: pd.DataFrame, plan: CurvePlan, causes: Sequence[str], study: TableStudy
) -> list[dict[str, Any]]:
    """Return what levels are held against: all customers together."""
    groups = everyone(spells)
    stays = {
        "analysis": ANALYSIS,
        "outcome": OUTCOME,
        "method": "count",
        "term": EVERYONE,
        "estimand": "stays",
        "unit": "stays",
        "estimate": len(spells),
        "n_accounts": n_customers(spells),
        "n_events": int(spells["event"].sum()),
        "definition": "spells at risk in the window; a customer who left and came back has several",
    }
    return [
        stays,
        *staying_rows(spells, groups, EVERYONE, plan, TIMES_FIRST, study),
        *horizon_rows(EVERYONE, plan, study),
        *incidence_rows(spells, groups, EVERYONE, plan, TIMES_FIRST, study),
        *rate_rows(spells, groups, None, causes, study),
        *amount_rows(pieces, spells, groups, EVERYONE, study),
    ]


def _model_rows(
    models: SegmentModels, segments: Sequence[Segment], outcomes: Sequence[str], study: TableStudy
) -> list[dict[str, Any]]:
    """Return what models say; the last outcome is the one that the page is about."""
    headline = outcomes[-1]
    return [
        *ratio_rows(models, segments, outcomes, study),
        *pair_rows(models, segments[0], outcomes, headline, study),
        *step_rows(models, segments[0], headline, study),
        *proportional_rows(models, segments, headline),
    ]


def _order_row(segment: Segment, place: int, headline: str) -> dict[str, Any]:
    """Return what is asked of a segment: its place on the page, its reference and declared comparison."""
    candidate: Candidate = segment.candidate
    return {
        "analysis": ANALYSIS,
        "outcome": headline,
        "term": candidate.label,
        "level": candidate.compare,
        "reference": candidate.reference,
        "estimand": "segment",
        "estimate": place + 1,
        "method": candidate.kind,
        "declared": "in advance",
        "note": candidate.note,
        "definition": "place on the page; its level is the declared comparison",
    }


def _nothing(why: str) -> dict[str, Any]:
    return {"analysis": ANALYSIS, "outcome": OUTCOME, "estimand": "nothing", "note": why}
