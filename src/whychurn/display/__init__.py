"""Draw Findings: figures, tables and wording. Nothing here knows a model, a panel or a study."""

from whychurn.display.causes import cause_details, cause_left_out, cause_summary, cause_table, grade_rules
from whychurn.display.crosstabs import crosstab_summary, crosstab_tables, crosstab_tests
from whychurn.display.focus import focus_sections
from whychurn.display.hazards import (
    hazard_comparison,
    hazard_forest,
    hazard_summary,
    period_table,
    proportional_summary,
    proportional_table,
    window_comparison,
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
from whychurn.display.survival import survival_figure, survival_figures, survival_summary, survival_tests

__all__ = [
    "cause_details",
    "cause_left_out",
    "cause_summary",
    "cause_table",
    "crosstab_summary",
    "crosstab_tables",
    "crosstab_tests",
    "focus_sections",
    "grade_rules",
    "hazard_comparison",
    "hazard_forest",
    "hazard_summary",
    "missing_values",
    "naive_damage",
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
