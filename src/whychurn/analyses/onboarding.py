"""Do the first ninety days decide? Time to first use, milestones, and what follows for those still there."""

from __future__ import annotations

from typing import Any

from whychurn.analyses.feature_models import one_thread
from whychurn.analyses.onboarding_effects import AfterLandmark, detectable_row
from whychurn.analyses.onboarding_first_use import first_use_rows
from whychurn.analyses.onboarding_milestones import milestones
from whychurn.analyses.onboarding_rows import FEWEST, Measures, NewCustomers, new_customers
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy

ANALYSIS = "onboarding"
NOTHING = (
    "Nothing is known of the first weeks: that takes a table of usage with logins, or with the modules that were used."
)


def run(panel: Panel, study: Study) -> Findings:
    """Follow customers who came inside the window from their first day.

    Milestones are judged at a cut-off, and leaving is counted from one lag later on, among those still there: nobody has
    to survive to meet a milestone after the clock has started. P-values are adjusted over the milestones by
    Benjamini-Hochberg.
    """
    measures = Measures.of(panel)
    if not measures.columns or not isinstance(study, TableStudy):
        return Findings.from_rows([_left_out(NOTHING)])
    new = new_customers(panel, study, measures)
    found: list[dict[str, Any]] = [_counted(new)]
    if new.n < FEWEST:
        text = f"Only {new.n:,} customers came inside the window; from {FEWEST:,} on their first weeks are looked at."
        return Findings.from_rows([*found, _left_out(text)])
    with one_thread():
        after = AfterLandmark(new, study.confidence_level)
        found += first_use_rows(new, study.confidence_level)
        ratios = after.milestone_rows(milestones(new))
        found += [*ratios, *after.amount_rows(measures.modules), *detectable_row(ratios)]
    return Findings.from_rows(found)


def _counted(new: NewCustomers) -> dict[str, Any]:
    return {
        "analysis": ANALYSIS,
        "term": "New customers",
        "estimand": "n_new",
        "estimate": new.n,
        "n_accounts": new.n,
        "n_events": int(new.ended.sum()),
        "unit": "customers",
        "definition": "first spells that began inside the window; returns after leaving are not among them",
    }


def _left_out(note: str) -> dict[str, Any]:
    return {"analysis": ANALYSIS, "term": "First ninety days", "estimand": "left_out", "note": note}
