"""Words and rows that the parts of the page share."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import say as sentence
from whychurn.display.wording import first_row, times_as_fast
from whychurn.findings import Findings, Row

VOLUNTARY = "voluntary churn"
SCORE, CHANGE, RATING = "Score", "Change of score", "Rating of support"
DETRACTOR, PASSIVE, PROMOTER = "detractor", "passive", "promoter"
UNADJUSTED, TOTAL, DIRECT = "unadjusted", "total", "direct"
ALIKE = "who they are and what they bought"
#: Bands as one speaks of customers, worst first.
MANY = {DETRACTOR: "detractors", PASSIVE: "passives", PROMOTER: "promoters"}
#: Levels of the score as the names of lines.
LINES = {
    DETRACTOR: "Detractor (0 to 6)", PASSIVE: "Passive (7 or 8)", "no answer yet": "No answer yet",
    "not recorded": "Surveys not recorded yet",
}  # fmt: skip


def outcome_of(findings: Findings) -> str:
    """Return the outcome that the page is about."""
    voluntary = findings.where(outcome=VOLUNTARY, estimand=("incidence", "last_answer")).rows()
    return VOLUNTARY if voluntary else "churn"


def verb(findings: Findings) -> str:
    """Say what customers do."""
    return "leave of their own accord" if outcome_of(findings) == VOLUNTARY else "leave"


def ratios(findings: Findings, term: str, kind: str, group: str = "", outcome: str = "") -> dict[str, Row]:
    """Return the ratios of one term by level."""
    wanted = outcome or outcome_of(findings)
    rows = findings.where(estimand="hazard_ratio", term=term, effect_kind=kind, group=group, outcome=wanted).rows()
    return {row.level: row for row in rows}


def asked(findings: Findings, term: str, kind: str = DIRECT) -> Row | None:
    """Return the ratio that a question of the page is about."""
    of_all = {**ratios(findings, term, DIRECT)}
    level = next((row.level for row in of_all.values() if row.family), None)
    if level is None:
        level = DETRACTOR if term == SCORE else next(iter(of_all), None)
    return ratios(findings, term, kind).get(str(level))


def compared(row: Row, whom: str) -> Markup:
    """Return "3.1 times as fast as promoters", or "at 0.4 times the rate of promoters"."""
    return sentence(
        "{ratio} {joint} {whom}", ratio=times_as_fast(row), joint="as" if row.estimate >= 1 else "of", whom=whom
    )


def verdict_of(findings: Findings, term: str) -> Row | None:
    """Return the verdict on a term."""
    return first_row(findings, estimand="verdict", term=term)


def missing(findings: Findings) -> str:
    """Return why there is no page to speak of, or ""."""
    row = first_row(findings, estimand="not_measured")
    return str(row.note) if row is not None else ""
