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
    from whychurn.display.crosstabs import crosstab_heatmap, crosstab_summary, crosstab_tables, crosstab_tests
    from whychurn.display.crosstabs_found import crosstab_found
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
    from whychurn.display.landmark_forecasts import (
        landmark_accuracy,
        landmark_agreement,
        landmark_calibration,
        landmark_forecast,
    )
    from whychurn.display.landmarks import landmark_caveats, landmark_dates, landmark_effects, landmark_summary
    from whychurn.display.onboarding import (
        onboarding_amounts,
        onboarding_first_use,
        onboarding_milestones,
        onboarding_summary,
    )
    from whychurn.display.quality import (
        missing_values,
        naive_damage,
        quality_findings,
        quality_ledger,
        quality_summary,
        readings,
    )
    from whychurn.display.risk import risk_differences, risk_levels, risk_summary
    from whychurn.display.second_opinion import opinion_curves, opinion_differences, opinion_summary, opinion_table
    from whychurn.display.survival import survival_figure, survival_figures, survival_summary, survival_tests
    from whychurn.display.tiers import causal_order

_HOMES = {
    "accuracy_measures": "whychurn.display.accuracy",
    "accuracy_summary": "whychurn.display.accuracy",
    "calibration_figure": "whychurn.display.accuracy",
    "calibration_table": "whychurn.display.accuracy",
    "capacity_table": "whychurn.display.accuracy",
    "causal_order": "whychurn.display.tiers",
    "cause_details": "whychurn.display.causes",
    "cause_left_out": "whychurn.display.causes",
    "cause_summary": "whychurn.display.causes",
    "cause_table": "whychurn.display.causes",
    "crosstab_found": "whychurn.display.crosstabs_found",
    "crosstab_heatmap": "whychurn.display.crosstabs",
    "crosstab_summary": "whychurn.display.crosstabs",
    "crosstab_tables": "whychurn.display.crosstabs",
    "crosstab_tests": "whychurn.display.crosstabs",
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
    "proportional_summary": "whychurn.display.hazards",
    "proportional_table": "whychurn.display.hazards",
    "quality_findings": "whychurn.display.quality",
    "quality_ledger": "whychurn.display.quality",
    "quality_summary": "whychurn.display.quality",
    "readings": "whychurn.display.quality",
    "risk_differences": "whychurn.display.risk",
    "risk_levels": "whychurn.display.risk",
    "risk_summary": "whychurn.display.risk",
    "survival_figure": "whychurn.display.survival",
    "survival_figures": "whychurn.display.survival",
    "survival_summary": "whychurn.display.survival",
    "survival_tests": "whychurn.display.survival",
    "window_comparison": "whychurn.display.hazards",
}

__all__ = [
    "accuracy_measures",
    "accuracy_summary",
    "calibration_figure",
    "calibration_table",
    "capacity_table",
    "causal_order",
    "cause_details",
    "cause_left_out",
    "cause_summary",
    "cause_table",
    "crosstab_found",
    "crosstab_heatmap",
    "crosstab_summary",
    "crosstab_tables",
    "crosstab_tests",
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
    "proportional_summary",
    "proportional_table",
    "quality_findings",
    "quality_ledger",
    "quality_summary",
    "readings",
    "risk_differences",
    "risk_levels",
    "risk_summary",
    "survival_figure",
    "survival_figures",
    "survival_summary",
    "survival_tests",
    "window_comparison",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"whychurn.display has no drawing {name!r}; there are {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
