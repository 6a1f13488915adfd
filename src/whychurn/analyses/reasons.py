"""What did they say, and what was measured? Reasons given for leaving, held against the causes that would show them."""

from __future__ import annotations

from whychurn.analyses.reasons_measured import measured_rows
from whychurn.analyses.reasons_stated import BASE, departures, stated_rows
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy


def run(panel: Panel, study: Study) -> Findings:
    """Count the reasons given, and hold each against the share of leaving that goes with what would show it.

    Which causes would show a reason is declared in the study (``measured_by``), before anybody looks. A reason that
    nothing measured would show is a blind spot.
    """
    if not isinstance(study, TableStudy):
        note = "Reasons for leaving are held against measured causes in studies of tables only."
        return Findings.from_rows([BASE | {"estimand": "reasons_recorded", "term": "Departures", "note": note}])
    left = departures(panel)
    if left.empty:
        note = "Nobody left in the window, so no reason was given."
        return Findings.from_rows([BASE | {"estimand": "reasons_recorded", "term": "Departures", "note": note}])
    return Findings.from_rows([*stated_rows(left, study), *measured_rows(left, panel, study)])
