"""Draw Findings: figures, tables and wording. Nothing here knows a model, a panel or a study.

Names are loaded when first used: most notebooks draw tables only and need no plotting library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whychurn.display.accuracy import (
        accuracy_measures,
        accuracy_summary,
        calibration_figure,
        calibration_table,
        capacity_table,
    )
    from whychurn.display.causes import cause_details, cause_left_out, cause_summary, cause_table, grade_rules
    from whychurn.display.cohorts.comparison import cohort_curves, cohort_ratios, cohort_summary
    from whychurn.display.cohorts.layers import cohort_layers
    from whychurn.display.cohorts.periods import cohort_periods
    from whychurn.display.cohorts.triangles import cohort_customers, cohort_months, cohort_revenue
    from whychurn.display.crosstabs import crosstab_heatmap, crosstab_summary, crosstab_tables, crosstab_tests
    from whychurn.display.crosstabs_found import crosstab_found
    from whychurn.display.definitions.dots import definitions_figure
    from whychurn.display.definitions.summary import definitions_summary, definitions_year
    from whychurn.display.definitions.tables import definitions_table
    from whychurn.display.definitions.walks import definitions_walk, definitions_walks
    from whychurn.display.engagement import decline_figure, decline_table, engagement_summary, support_table
    from whychurn.display.engagement_pairs import (
        calls_figure,
        calls_table,
        cells_table,
        rating_and_tickets,
        tickets_and_use,
    )
    from whychurn.display.feature_customers import feature_adoption, feature_behaviours, feature_unused
    from whychurn.display.feature_lifetime import feature_naive
    from whychurn.display.feature_usage import feature_doses, feature_forest, feature_summary, feature_table
    from whychurn.display.focus import focus_sections
    from whychurn.display.hazards import (
        hazard_comparison,
        hazard_forest,
        hazard_summary,
        outcome_comparison,
        period_table,
        proportional_summary,
        proportional_table,
        window_comparison,
    )
    from whychurn.display.inactivity import inactivity_curves, inactivity_statements, inactivity_summary
    from whychurn.display.inactivity_ahead import (
        inactivity_lags,
        inactivity_outlook,
        inactivity_silent_first,
        inactivity_thresholds,
    )
    from whychurn.display.inactivity_levels import inactivity_bands
    from whychurn.display.industry import industry_segments, industry_summary
    from whychurn.display.industry_amounts import industry_worth
    from whychurn.display.industry_curves import industry_leaving, industry_staying
    from whychurn.display.industry_ratios import industry_forest, industry_pairs
    from whychurn.display.industry_reasons import industry_why
    from whychurn.display.landmark_forecasts import (
        landmark_accuracy,
        landmark_agreement,
        landmark_calibration,
        landmark_forecast,
    )
    from whychurn.display.landmarks import landmark_caveats, landmark_dates, landmark_effects, landmark_summary
    from whychurn.display.nps.bands import nps_heatmap
    from whychurn.display.nps.comments import comment_topics
    from whychurn.display.nps.interval import nps_interval
    from whychurn.display.nps.over_time import nps_over_time
    from whychurn.display.nps.satisfaction import csat_over_time, csat_summary
    from whychurn.display.nps.segments import nps_segments
    from whychurn.display.nps.summary import nps_excluded, nps_summary
    from whychurn.display.nps_churn.curves import nps_churn_curves
    from whychurn.display.nps_churn.foresight import nps_churn_foresight, nps_churn_leavers
    from whychurn.display.nps_churn.ratios import nps_churn_change, nps_churn_ratios
    from whychurn.display.nps_churn.summary import nps_churn_summary
    from whychurn.display.onboarding import (
        onboarding_amounts,
        onboarding_first_use,
        onboarding_milestones,
        onboarding_summary,
    )
    from whychurn.display.planner import plan_summary, plan_table
    from whychurn.display.quality import (
        missing_values,
        naive_damage,
        quality_findings,
        quality_ledger,
        quality_summary,
        readings,
    )
    from whychurn.display.reasons import reasons_controllable, reasons_over_time, reasons_summary, reasons_table
    from whychurn.display.reasons_measured import blind_spots, comparison_table, signs_table, stated_and_measured
    from whychurn.display.risk import risk_differences, risk_levels, risk_summary
    from whychurn.display.second_opinion import opinion_curves, opinion_differences, opinion_summary, opinion_table
    from whychurn.display.survival import survival_figure, survival_figures, survival_summary, survival_tests
    from whychurn.display.tiers import causal_order
    from whychurn.display.value import (
        value_assumptions,
        value_compounding,
        value_curve,
        value_keeping,
        value_profit,
        value_segments,
        value_summary,
        value_walk,
    )

_HOMES = {
    "accuracy_measures": "whychurn.display.accuracy",
    "accuracy_summary": "whychurn.display.accuracy",
    "blind_spots": "whychurn.display.reasons_measured",
    "calibration_figure": "whychurn.display.accuracy",
    "calibration_table": "whychurn.display.accuracy",
    "calls_figure": "whychurn.display.engagement_pairs",
    "calls_table": "whychurn.display.engagement_pairs",
    "capacity_table": "whychurn.display.accuracy",
    "causal_order": "whychurn.display.tiers",
    "cause_details": "whychurn.display.causes",
    "cause_left_out": "whychurn.display.causes",
    "cause_summary": "whychurn.display.causes",
    "cause_table": "whychurn.display.causes",
    "cells_table": "whychurn.display.engagement_pairs",
    "cohort_curves": "whychurn.display.cohorts.comparison",
    "cohort_customers": "whychurn.display.cohorts.triangles",
    "cohort_layers": "whychurn.display.cohorts.layers",
    "cohort_months": "whychurn.display.cohorts.triangles",
    "cohort_periods": "whychurn.display.cohorts.periods",
    "cohort_ratios": "whychurn.display.cohorts.comparison",
    "cohort_revenue": "whychurn.display.cohorts.triangles",
    "cohort_summary": "whychurn.display.cohorts.comparison",
    "comment_topics": "whychurn.display.nps.comments",
    "comparison_table": "whychurn.display.reasons_measured",
    "crosstab_found": "whychurn.display.crosstabs_found",
    "crosstab_heatmap": "whychurn.display.crosstabs",
    "crosstab_summary": "whychurn.display.crosstabs",
    "crosstab_tables": "whychurn.display.crosstabs",
    "crosstab_tests": "whychurn.display.crosstabs",
    "csat_over_time": "whychurn.display.nps.satisfaction",
    "csat_summary": "whychurn.display.nps.satisfaction",
    "decline_figure": "whychurn.display.engagement",
    "decline_table": "whychurn.display.engagement",
    "definitions_figure": "whychurn.display.definitions.dots",
    "definitions_summary": "whychurn.display.definitions.summary",
    "definitions_table": "whychurn.display.definitions.tables",
    "definitions_walk": "whychurn.display.definitions.walks",
    "definitions_walks": "whychurn.display.definitions.walks",
    "definitions_year": "whychurn.display.definitions.summary",
    "engagement_summary": "whychurn.display.engagement",
    "feature_adoption": "whychurn.display.feature_customers",
    "feature_behaviours": "whychurn.display.feature_customers",
    "feature_doses": "whychurn.display.feature_usage",
    "feature_forest": "whychurn.display.feature_usage",
    "feature_naive": "whychurn.display.feature_lifetime",
    "feature_summary": "whychurn.display.feature_usage",
    "feature_table": "whychurn.display.feature_usage",
    "feature_unused": "whychurn.display.feature_customers",
    "focus_sections": "whychurn.display.focus",
    "grade_rules": "whychurn.display.causes",
    "hazard_comparison": "whychurn.display.hazards",
    "hazard_forest": "whychurn.display.hazards",
    "hazard_summary": "whychurn.display.hazards",
    "inactivity_bands": "whychurn.display.inactivity_levels",
    "inactivity_curves": "whychurn.display.inactivity",
    "inactivity_lags": "whychurn.display.inactivity_ahead",
    "inactivity_outlook": "whychurn.display.inactivity_ahead",
    "inactivity_silent_first": "whychurn.display.inactivity_ahead",
    "inactivity_statements": "whychurn.display.inactivity",
    "inactivity_summary": "whychurn.display.inactivity",
    "inactivity_thresholds": "whychurn.display.inactivity_ahead",
    "industry_forest": "whychurn.display.industry_ratios",
    "industry_leaving": "whychurn.display.industry_curves",
    "industry_pairs": "whychurn.display.industry_ratios",
    "industry_segments": "whychurn.display.industry",
    "industry_staying": "whychurn.display.industry_curves",
    "industry_summary": "whychurn.display.industry",
    "industry_why": "whychurn.display.industry_reasons",
    "industry_worth": "whychurn.display.industry_amounts",
    "landmark_accuracy": "whychurn.display.landmark_forecasts",
    "landmark_agreement": "whychurn.display.landmark_forecasts",
    "landmark_calibration": "whychurn.display.landmark_forecasts",
    "landmark_caveats": "whychurn.display.landmarks",
    "landmark_dates": "whychurn.display.landmarks",
    "landmark_effects": "whychurn.display.landmarks",
    "landmark_forecast": "whychurn.display.landmark_forecasts",
    "landmark_summary": "whychurn.display.landmarks",
    "missing_values": "whychurn.display.quality",
    "naive_damage": "whychurn.display.quality",
    "nps_churn_change": "whychurn.display.nps_churn.ratios",
    "nps_churn_curves": "whychurn.display.nps_churn.curves",
    "nps_churn_foresight": "whychurn.display.nps_churn.foresight",
    "nps_churn_leavers": "whychurn.display.nps_churn.foresight",
    "nps_churn_ratios": "whychurn.display.nps_churn.ratios",
    "nps_churn_summary": "whychurn.display.nps_churn.summary",
    "nps_excluded": "whychurn.display.nps.summary",
    "nps_heatmap": "whychurn.display.nps.bands",
    "nps_interval": "whychurn.display.nps.interval",
    "nps_over_time": "whychurn.display.nps.over_time",
    "nps_segments": "whychurn.display.nps.segments",
    "nps_summary": "whychurn.display.nps.summary",
    "onboarding_amounts": "whychurn.display.onboarding",
    "onboarding_first_use": "whychurn.display.onboarding",
    "onboarding_milestones": "whychurn.display.onboarding",
    "onboarding_summary": "whychurn.display.onboarding",
    "opinion_curves": "whychurn.display.second_opinion",
    "opinion_differences": "whychurn.display.second_opinion",
    "opinion_summary": "whychurn.display.second_opinion",
    "opinion_table": "whychurn.display.second_opinion",
    "outcome_comparison": "whychurn.display.hazards",
    "period_table": "whychurn.display.hazards",
    "plan_summary": "whychurn.display.planner",
    "plan_table": "whychurn.display.planner",
    "proportional_summary": "whychurn.display.hazards",
    "proportional_table": "whychurn.display.hazards",
    "quality_findings": "whychurn.display.quality",
    "quality_ledger": "whychurn.display.quality",
    "quality_summary": "whychurn.display.quality",
    "rating_and_tickets": "whychurn.display.engagement_pairs",
    "readings": "whychurn.display.quality",
    "reasons_controllable": "whychurn.display.reasons",
    "reasons_over_time": "whychurn.display.reasons",
    "reasons_summary": "whychurn.display.reasons",
    "reasons_table": "whychurn.display.reasons",
    "risk_differences": "whychurn.display.risk",
    "risk_levels": "whychurn.display.risk",
    "risk_summary": "whychurn.display.risk",
    "signs_table": "whychurn.display.reasons_measured",
    "stated_and_measured": "whychurn.display.reasons_measured",
    "support_table": "whychurn.display.engagement",
    "survival_figure": "whychurn.display.survival",
    "survival_figures": "whychurn.display.survival",
    "survival_summary": "whychurn.display.survival",
    "survival_tests": "whychurn.display.survival",
    "tickets_and_use": "whychurn.display.engagement_pairs",
    "value_assumptions": "whychurn.display.value",
    "value_compounding": "whychurn.display.value",
    "value_curve": "whychurn.display.value",
    "value_keeping": "whychurn.display.value",
    "value_profit": "whychurn.display.value",
    "value_segments": "whychurn.display.value",
    "value_summary": "whychurn.display.value",
    "value_walk": "whychurn.display.value",
    "window_comparison": "whychurn.display.hazards",
}

__all__ = [
    "accuracy_measures",
    "accuracy_summary",
    "blind_spots",
    "calibration_figure",
    "calibration_table",
    "calls_figure",
    "calls_table",
    "capacity_table",
    "causal_order",
    "cause_details",
    "cause_left_out",
    "cause_summary",
    "cause_table",
    "cells_table",
    "cohort_curves",
    "cohort_customers",
    "cohort_layers",
    "cohort_months",
    "cohort_periods",
    "cohort_ratios",
    "cohort_revenue",
    "cohort_summary",
    "comment_topics",
    "comparison_table",
    "crosstab_found",
    "crosstab_heatmap",
    "crosstab_summary",
    "crosstab_tables",
    "crosstab_tests",
    "csat_over_time",
    "csat_summary",
    "decline_figure",
    "decline_table",
    "definitions_figure",
    "definitions_summary",
    "definitions_table",
    "definitions_walk",
    "definitions_walks",
    "definitions_year",
    "engagement_summary",
    "feature_adoption",
    "feature_behaviours",
    "feature_doses",
    "feature_forest",
    "feature_naive",
    "feature_summary",
    "feature_table",
    "feature_unused",
    "focus_sections",
    "grade_rules",
    "hazard_comparison",
    "hazard_forest",
    "hazard_summary",
    "inactivity_bands",
    "inactivity_curves",
    "inactivity_lags",
    "inactivity_outlook",
    "inactivity_silent_first",
    "inactivity_statements",
    "inactivity_summary",
    "inactivity_thresholds",
    "industry_forest",
    "industry_leaving",
    "industry_pairs",
    "industry_segments",
    "industry_staying",
    "industry_summary",
    "industry_why",
    "industry_worth",
    "landmark_accuracy",
    "landmark_agreement",
    "landmark_calibration",
    "landmark_caveats",
    "landmark_dates",
    "landmark_effects",
    "landmark_forecast",
    "landmark_summary",
    "missing_values",
    "naive_damage",
    "nps_churn_change",
    "nps_churn_curves",
    "nps_churn_foresight",
    "nps_churn_leavers",
    "nps_churn_ratios",
    "nps_churn_summary",
    "nps_excluded",
    "nps_heatmap",
    "nps_interval",
    "nps_over_time",
    "nps_segments",
    "nps_summary",
    "onboarding_amounts",
    "onboarding_first_use",
    "onboarding_milestones",
    "onboarding_summary",
    "opinion_curves",
    "opinion_differences",
    "opinion_summary",
    "opinion_table",
    "outcome_comparison",
    "period_table",
    "plan_summary",
    "plan_table",
    "proportional_summary",
    "proportional_table",
    "quality_findings",
    "quality_ledger",
    "quality_summary",
    "rating_and_tickets",
    "readings",
    "reasons_controllable",
    "reasons_over_time",
    "reasons_summary",
    "reasons_table",
    "risk_differences",
    "risk_levels",
    "risk_summary",
    "signs_table",
    "stated_and_measured",
    "support_table",
    "survival_figure",
    "survival_figures",
    "survival_summary",
    "survival_tests",
    "tickets_and_use",
    "value_assumptions",
    "value_compounding",
    "value_curve",
    "value_keeping",
    "value_profit",
    "value_segments",
    "value_summary",
    "value_walk",
    "window_comparison",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"whychurn.display has no drawing {name!r}; there are {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
