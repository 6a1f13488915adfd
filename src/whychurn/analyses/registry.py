"""The registry: the only place to touch, besides the new module, when an analysis is added."""

from __future__ import annotations

from importlib import import_module

from whychurn.errors import StudyError
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study

#: Name of the analysis -> (module, the question it answers). Each module has `run(panel, study) -> Findings`.
ANALYSES: dict[str, tuple[str, str]] = {
    "data_quality": ("whychurn.analyses.data_quality", "Can these data carry an answer?"),
    "segments": ("whychurn.analyses.segments", "How long do customers stay, and which groups leave sooner?"),
    "crosstabs": ("whychurn.analyses.crosstabs", "Who is over-represented among those who left?"),
    "feature_usage": (
        "whychurn.analyses.feature_usage",
        "Which modules go with staying, and which do nothing?",
    ),
    "onboarding": ("whychurn.analyses.onboarding", "Do the first ninety days decide?"),
    "engagement": (
        "whychurn.analyses.engagement",
        "Do support, satisfaction and falling use warn of leaving?",
    ),
    "definitions": ("whychurn.analyses.definitions", "Why do two churn rates disagree?"),
    "reasons": ("whychurn.analyses.reasons", "What did they say, and what was measured?"),
    "nps": ("whychurn.analyses.nps", "What do customers say?"),
    "nps_response": ("whychurn.analyses.nps_response", "Who answers?"),
    "promoters": ("whychurn.analyses.promoters", "Who are our best promoters?"),
    "nps_churn": ("whychurn.analyses.nps_churn", "Does the score foretell leaving?"),
    "industry": ("whychurn.analyses.industry", "Which industries and segments leave, how, and why there?"),
    "inactivity": ("whychurn.analyses.inactivity", "How long a silence is a warning?"),
    "metrics": ("whychurn.analyses.metrics", "How many leave, and what goes with them?"),
    "flat_metrics": ("whychurn.analyses.flat_metrics", "How many leave, how fast, and what goes with them?"),
    "cohorts": ("whychurn.analyses.cohorts", "Do newer customers stay longer?"),
    "hazards": ("whychurn.analyses.hazards", "How much faster do they leave, all else equal?"),
    "churn_within": ("whychurn.analyses.churn_within", "Who leaves within the horizon?"),
    "landmarks": ("whychurn.analyses.landmarks", "Who leaves within the next days?"),
    "focus": ("whychurn.analyses.focus", "What holds inside a declared group?"),
    "second_opinion": ("whychurn.analyses.second_opinion", "Do other libraries agree?"),
    "accuracy": ("whychurn.analyses.accuracy", "How well could this tell who will leave?"),
    "value": ("whychurn.analyses.value", "What is a customer worth, and what is keeping one worth?"),
    "causes": ("whychurn.analyses.causes", "Which causes matter most, and how sure are we?"),
    "planner": ("whychurn.analyses.planner", "What would it take to lose fewer?"),
}


def analyse(name: str, panel: Panel, study: Study) -> Findings:
    """Answer one question.

    Parameters
    ----------
    name : str
        A key of :data:`ANALYSES`.
    panel : Panel
        From :func:`whychurn.build_panel`.
    study : Study
        The study the panel was built for.

    Returns
    -------
    Findings
        One row per estimate, stamped with the panel's provenance. What cannot be estimated is a row with an
        empty estimate and a note.

    Raises
    ------
    StudyError
        If there is no analysis of that name.
    """
    if name not in ANALYSES:
        raise StudyError(f"There is no analysis {name!r}; there are {', '.join(ANALYSES)}.")
    findings: Findings = import_module(ANALYSES[name][0]).run(panel, study)
    return Findings(findings.table, panel.provenance)
