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
    from whychurn.display.definitions.lookup import definitions_lookup
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
    from whychurn.display.flat_metrics.definitions import flat_definitions
    from whychurn.display.flat_metrics.groups import flat_groups
    from whychurn.display.flat_metrics.lacking import flat_lacking
    from whychurn.display.flat_metrics.lifetime import flat_lifetime
    from whychurn.display.flat_metrics.rates import flat_leaving, flat_rates
    from whychurn.display.flat_metrics.summary import flat_summary
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
    from whychurn.display.metrics.bridge import metrics_bridge, metrics_changes
    from whychurn.display.metrics.conversion import metrics_conversion
    from whychurn.display.metrics.losses import metrics_doubts, metrics_reasons
    from whychurn.display.metrics.over_time import metrics_months, metrics_retention
    from whychurn.display.metrics.renewals import metrics_renewals
    from whychurn.display.metrics.segments import metrics_segments
    from whychurn.display.metrics.summary import metrics_rates, metrics_summary
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
    from whychurn.display.nps_response.rates import response_leaving, response_rates
    from whychurn.display.nps_response.scores import response_balance, weighted_scores
    from whychurn.display.nps_response.summary import response_summary
    from whychurn.display.onboarding import (
        onboarding_amounts,
        onboarding_first_use,
        onboarding_milestones,
        onboarding_summary,
    )
    from whychurn.display.planner import plan_summary, plan_table
    from whychurn.display.promoters.advocates import promoter_advocates
    from whychurn.display.promoters.modules import promoter_assumption, promoter_contrasts, promoter_modules
    from whychurn.display.promoters.summary import promoters_summary
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
    from whychurn.display.value import value_curve, value_segments, value_summary, value_walk
    from whychurn.display.value_economics import value_assumptions, value_compounding, value_keeping, value_profit

#: Module -> the names it has.
_ROOMS = {
    "accuracy": "accuracy_measures accuracy_summary calibration_figure calibration_table capacity_table",
    "causes": "cause_details cause_left_out cause_summary cause_table grade_rules",
    "cohorts.comparison": "cohort_curves cohort_ratios cohort_summary",
    "cohorts.layers": "cohort_layers",
    "cohorts.periods": "cohort_periods",
    "cohorts.triangles": "cohort_customers cohort_months cohort_revenue",
    "crosstabs": "crosstab_heatmap crosstab_summary crosstab_tables crosstab_tests",
    "crosstabs_found": "crosstab_found",
    "definitions.dots": "definitions_figure",
    "definitions.lookup": "definitions_lookup",
    "definitions.summary": "definitions_summary definitions_year",
    "definitions.tables": "definitions_table",
    "definitions.walks": "definitions_walk definitions_walks",
    "engagement": "decline_figure decline_table engagement_summary support_table",
    "engagement_pairs": "calls_figure calls_table cells_table rating_and_tickets tickets_and_use",
    "feature_customers": "feature_adoption feature_behaviours feature_unused",
    "feature_lifetime": "feature_naive",
    "feature_usage": "feature_doses feature_forest feature_summary feature_table",
    "flat_metrics.definitions": "flat_definitions",
    "flat_metrics.groups": "flat_groups",
    "flat_metrics.lacking": "flat_lacking",
    "flat_metrics.lifetime": "flat_lifetime",
    "flat_metrics.rates": "flat_leaving flat_rates",
    "flat_metrics.summary": "flat_summary",
    "focus": "focus_sections",
    "hazards": "hazard_comparison hazard_forest hazard_summary outcome_comparison period_table proportional_summary proportional_table window_comparison",
    "inactivity": "inactivity_curves inactivity_statements inactivity_summary",
    "inactivity_ahead": "inactivity_lags inactivity_outlook inactivity_silent_first inactivity_thresholds",
    "inactivity_levels": "inactivity_bands",
    "industry": "industry_segments industry_summary",
    "industry_amounts": "industry_worth",
    "industry_curves": "industry_leaving industry_staying",
    "industry_ratios": "industry_forest industry_pairs",
    "industry_reasons": "industry_why",
    "landmark_forecasts": "landmark_accuracy landmark_agreement landmark_calibration landmark_forecast",
    "landmarks": "landmark_caveats landmark_dates landmark_effects landmark_summary",
    "metrics.bridge": "metrics_bridge metrics_changes",
    "metrics.conversion": "metrics_conversion",
    "metrics.losses": "metrics_doubts metrics_reasons",
    "metrics.over_time": "metrics_months metrics_retention",
    "metrics.renewals": "metrics_renewals",
    "metrics.segments": "metrics_segments",
    "metrics.summary": "metrics_rates metrics_summary",
    "nps.bands": "nps_heatmap",
    "nps.comments": "comment_topics",
    "nps.interval": "nps_interval",
    "nps.over_time": "nps_over_time",
    "nps.satisfaction": "csat_over_time csat_summary",
    "nps.segments": "nps_segments",
    "nps.summary": "nps_excluded nps_summary",
    "nps_churn.curves": "nps_churn_curves",
    "nps_churn.foresight": "nps_churn_foresight nps_churn_leavers",
    "nps_churn.ratios": "nps_churn_change nps_churn_ratios",
    "nps_churn.summary": "nps_churn_summary",
    "nps_response.rates": "response_leaving response_rates",
    "nps_response.scores": "response_balance weighted_scores",
    "nps_response.summary": "response_summary",
    "onboarding": "onboarding_amounts onboarding_first_use onboarding_milestones onboarding_summary",
    "planner": "plan_summary plan_table",
    "promoters.advocates": "promoter_advocates",
    "promoters.modules": "promoter_assumption promoter_contrasts promoter_modules",
    "promoters.summary": "promoters_summary",
    "quality": "missing_values naive_damage quality_findings quality_ledger quality_summary readings",
    "reasons": "reasons_controllable reasons_over_time reasons_summary reasons_table",
    "reasons_measured": "blind_spots comparison_table signs_table stated_and_measured",
    "risk": "risk_differences risk_levels risk_summary",
    "second_opinion": "opinion_curves opinion_differences opinion_summary opinion_table",
    "survival": "survival_figure survival_figures survival_summary survival_tests",
    "tiers": "causal_order",
    "value": "value_curve value_segments value_summary value_walk",
    "value_economics": "value_assumptions value_compounding value_keeping value_profit",
}
_HOMES = {name: f"whychurn.display.{room}" for room, names in _ROOMS.items() for name in names.split()}

__all__ = [
    "accuracy_measures", "accuracy_summary", "blind_spots", "calibration_figure", "calibration_table",
    "calls_figure", "calls_table", "capacity_table", "causal_order", "cause_details", "cause_left_out",
    "cause_summary", "cause_table", "cells_table", "cohort_curves", "cohort_customers", "cohort_layers",
    "cohort_months", "cohort_periods", "cohort_ratios", "cohort_revenue", "cohort_summary", "comment_topics",
    "comparison_table", "crosstab_found", "crosstab_heatmap", "crosstab_summary", "crosstab_tables",
    "crosstab_tests", "csat_over_time", "csat_summary", "decline_figure", "decline_table", "definitions_figure",
    "definitions_lookup", "definitions_summary", "definitions_table", "definitions_walk", "definitions_walks", "definitions_year",
    "engagement_summary", "feature_adoption", "feature_behaviours", "feature_doses", "feature_forest",
    "feature_naive", "feature_summary", "feature_table", "feature_unused", "flat_definitions", "flat_groups",
    "flat_lacking", "flat_leaving", "flat_lifetime", "flat_rates", "flat_summary", "focus_sections", "grade_rules",
    "hazard_comparison", "hazard_forest", "hazard_summary", "inactivity_bands", "inactivity_curves",
    "inactivity_lags", "inactivity_outlook", "inactivity_silent_first", "inactivity_statements",
    "inactivity_summary", "inactivity_thresholds", "industry_forest", "industry_leaving", "industry_pairs",
    "industry_segments", "industry_staying", "industry_summary", "industry_why", "industry_worth",
    "landmark_accuracy", "landmark_agreement", "landmark_calibration", "landmark_caveats", "landmark_dates",
    "landmark_effects", "landmark_forecast", "landmark_summary", "metrics_bridge", "metrics_changes",
    "metrics_conversion", "metrics_doubts", "metrics_months", "metrics_rates", "metrics_reasons",
    "metrics_renewals", "metrics_retention", "metrics_segments", "metrics_summary", "missing_values",
    "naive_damage", "nps_churn_change", "nps_churn_curves", "nps_churn_foresight", "nps_churn_leavers",
    "nps_churn_ratios", "nps_churn_summary", "nps_excluded", "nps_heatmap", "nps_interval", "nps_over_time",
    "nps_segments", "nps_summary", "onboarding_amounts", "onboarding_first_use", "onboarding_milestones",
    "onboarding_summary", "opinion_curves", "opinion_differences", "opinion_summary", "opinion_table",
    "outcome_comparison", "period_table", "plan_summary", "plan_table", "promoter_advocates",
    "promoter_assumption", "promoter_contrasts", "promoter_modules", "promoters_summary",
    "proportional_summary", "proportional_table", "quality_findings", "quality_ledger", "quality_summary",
    "rating_and_tickets", "readings", "reasons_controllable", "reasons_over_time", "reasons_summary",
    "reasons_table", "response_balance", "response_leaving", "response_rates", "response_summary",
    "risk_differences", "risk_levels", "risk_summary", "signs_table", "stated_and_measured", "support_table",
    "survival_figure", "survival_figures", "survival_summary", "survival_tests", "tickets_and_use",
    "value_assumptions", "value_compounding", "value_curve", "value_keeping", "value_profit", "value_segments",
    "value_summary", "value_walk", "weighted_scores", "window_comparison",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"whychurn.display has no drawing {name!r}; there are {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
