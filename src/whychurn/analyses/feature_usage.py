"""Which modules go with staying, and which do nothing? Adoption, depth and recency; hazard ratios; who does not use what helps."""

from __future__ import annotations

from typing import Any

from whychurn.analyses.feature_adoption import PLAN, adoption_rows, current_customers, unused_rows
from whychurn.analyses.feature_behaviours import behaviour_columns, behaviour_rows
from whychurn.analyses.feature_effects import ANALYSIS, Effects, verdicts_of
from whychurn.analyses.feature_fits import PROTECTIVE
from whychurn.analyses.feature_models import one_thread
from whychurn.analyses.feature_naive import naive_rows
from whychurn.analyses.feature_rows import FeatureRows, Module, feature_rows, modules_of
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy

NOTHING = (
    "No module is measured: that takes a table of usage in which actions that mean use name the module that was used."
)


def run(panel: Panel, study: Study) -> Findings:
    """Hazard ratios of modules, unadjusted and beside each other; adoption; unused modules; naive totals.

    Uses in the trailing window enter as ln(1 + uses). All modules stand in one model beside causes of earlier tiers and
    measures of silence, so that a module that is merely used by active customers shows nothing. Standard errors are
    robust to rows of one customer; p-values are adjusted over the modules by Benjamini-Hochberg.
    """
    modules = modules_of(panel)
    if not modules or not isinstance(study, TableStudy):
        return Findings.from_rows([_missing(NOTHING)])
    uses = [module.uses for module in modules]
    extra = [name for module in modules for name in (module.adopted, module.days_since) if name]
    plan = [PLAN] if PLAN in {measure.name for measure in panel.measures} else []
    rows = feature_rows(panel, study, [*uses, *extra, *behaviour_columns(panel), *plan], uses)
    if not rows.known.any():
        return Findings.from_rows(
            [_missing("On no row at risk was usage recorded throughout the window it looks back.")]
        )
    with one_thread():
        return Findings.from_rows(_found(panel, study, rows, modules))


def _found(panel: Panel, study: TableStudy, rows: FeatureRows, modules: tuple[Module, ...]) -> list[dict[str, Any]]:
    effects = Effects(study, rows, modules)
    found = effects.module_rows()
    verdicts = verdicts_of(found, effects.outcome)
    found += effects.dose_rows(verdicts)
    found += behaviour_rows(effects, panel)
    current = current_customers(panel, study, rows)
    found += adoption_rows(rows, current, modules)
    protective = [name for name, grade in verdicts.items() if grade == PROTECTIVE]
    found += unused_rows(current, modules, protective, str(panel.provenance.get("amount_name", "amount")))
    return found + naive_rows(panel, study, rows, modules, effects.cause, verdicts)


def _missing(note: str) -> dict[str, object]:
    return {"analysis": ANALYSIS, "term": "All modules", "estimand": "left_out", "note": note}
