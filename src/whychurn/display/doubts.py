"""What would change our mind: said on the first page, beside the finding it concerns."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import say as sentence
from whychurn.display.causes import WITH_EVIDENCE, RankedCause, has_dates
from whychurn.display.numbers import printed
from whychurn.display.wording import number
from whychurn.findings import SECOND_READING, Findings


def doubts_about(findings: Findings, causes: list[RankedCause]) -> list[Markup]:
    """Return what would change our mind about the first cause, and what its ratio hides."""
    doubts = []
    fragile = [cause for cause in causes if cause.grade == "weak" and _rests_on_reading(cause)]
    if fragile:
        doubts.append(
            sentence(
                "Learning that earlier leavers are missing from the file: then the evidence on {names} is gone or turns round.",
                names=", ".join(cause.name for cause in fragile),
            )
        )
    top = causes[0] if causes and causes[0].grade in WITH_EVIDENCE else None
    if top is not None and has_dates(findings):
        doubts.append(
            sentence(
                "Learning that customers decide to leave more than {lag} days before they go: measures look no later than "
                "that, so what they show could then be a consequence of the decision.",
                lag=printed(float(findings.provenance["lag_days"]), "number0", "provenance", "lag_days"),
            )
        )
    elif top is not None:
        doubts.append(
            sentence(
                "Learning that the order was the reverse: what is in the file was last recorded when a customer left or the "
                "file was drawn, so those who stayed long had longer to come to “{reference}”.",
                reference=top.rank.reference or top.name,
            )
        )
    if top is not None and top.rank.conf_high > 1:
        doubts.append(
            sentence(
                "Chance: by their shares of churn, the first row could rank as low as {rank}.",
                rank=number(top.rank, "count", "conf_high"),
            )
        )
    strengths = [row for row in (top.e_value, top.second_e_value) if row is not None] if top is not None else []
    if top is not None and strengths:
        weakest = min(strengths, key=lambda row: row.numerator)
        doubts.append(
            sentence(
                "Something unmeasured that goes with both {name} and leaving by a ratio of {e} or more each: it could explain "
                "the first row away{reading}.",
                name=top.name,
                e=number(weakest, "number1", "numerator"),
                reading=f" {weakest.group}" if weakest.group else "",
            )
        )
    changing = [
        cause
        for cause in causes
        if cause.grade in ("strong", "moderate")
        and cause.proportional is not None
        and cause.proportional.grade == "changes with tenure"
    ]
    if changing:
        doubts.append(
            sentence(
                "For {names} the ratio is an average: it differs between new and old customers.",
                names=", ".join(str(cause.rank.term) for cause in changing),
            )
        )
    return doubts


def _rests_on_reading(cause: RankedCause) -> bool:
    return SECOND_READING in cause.rank.note
