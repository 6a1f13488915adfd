"""Churn of customers and of revenue by month, and what a year later is left of both."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display import timeline
from whychurn.display.blocks import Block, figure, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.display.timeline import NARROW, WIDE, timeline_svg
from whychurn.display.wording import first_row, number, or_dash
from whychurn.findings import Findings, Row

ROLLING = "rolling year"
#: Fewer months than this are no line.
FEWEST = 3


def placed(rows: Sequence[Row], ends: bool = False) -> list[Row]:
    """Return rows as a timeline wants them: one place after the other, their period, or the month it ends in, as level."""
    return [
        Row({**row.values, "level": str(row.term)[-10:][:7] if ends else str(row.term), "time": float(place)})
        for place, row in enumerate(rows)
    ]


def metrics_months(findings: Findings) -> Block:
    """Draw monthly churn of customers, then of revenue, each against the last twelve months."""
    parts = [
        _months(findings, estimand, pooled, what)
        for estimand, pooled, what in (
            ("customer_churn", "pooled_customer_churn", "customers"),
            ("mrr_churn", "pooled_mrr_churn", "revenue"),
        )
    ]
    return Block(Markup("").join(part.markup for part in parts))


def _months(findings: Findings, estimand: str, pooled: str, what: str) -> Block:
    rows = findings.where(estimand=estimand, method="month").rows()
    if sum(row.estimated for row in rows) < FEWEST:
        return paragraph(sentence("There are too few months to draw the churn of {what}.", what=what), "note")
    lines = findings.where(estimand=pooled, method="month").rows()
    overall = lines[-1] if lines and lines[-1].estimated else None
    drawn = placed(rows)
    alt = f"Share of {what} lost by month. {timeline.in_words(drawn, 'percent1')}"
    across = "last 12\nmonths:\n{}"
    wide, narrow = (timeline_svg(drawn, overall, "percent1", alt, layout, across) for layout in (WIDE, NARROW))
    text = "Share of {what} of the day before each month that was gone at its end, with its interval"
    text += "; the dashed line is the last twelve months put together." if overall is not None else "."
    return figure(wide, narrow, _title(lines, rows, what), paragraph(sentence(text, what=what), "sub"))


def _title(lines: Sequence[Row], rows: Sequence[Row], what: str) -> Markup:
    known = [row for row in lines if row.estimated]
    if len(known) < 13:
        last = [row for row in rows if row.estimated][-1]
        return sentence(
            "In {month}, {rate} of {what} were lost", month=last.term, rate=number(last, "percent1"), what=what
        )
    now, then = known[-1], known[-13]
    return sentence(
        "{what} lost per month: {now} in the last twelve months, {then} in the twelve before",
        what=what.capitalize(),
        now=number(now, "percent2"),
        then=number(then, "percent2"),
    )


def metrics_retention(findings: Findings) -> Block:
    """Draw net and gross revenue retention over twelve months, month by month."""
    net, gross = (findings.where(estimand=estimand, method=ROLLING).rows() for estimand in ("nrr", "grr"))
    if sum(row.estimated for row in net) < FEWEST:
        return paragraph("Revenue retention over twelve months needs a longer window.", "note")
    drawn = [placed(rows, ends=True) for rows in (net, gross)]
    alt = "Revenue retention over the twelve months that end then. " + ". ".join(
        f"{name}: {timeline.in_words(rows, 'percent0')}" for name, rows in zip(("Net", "Gross"), drawn, strict=True)
    )
    wide, narrow = (
        timeline_svg(drawn[0], None, "percent0", alt, layout, other=drawn[1], names=("net", "gross"))
        for layout in (WIDE, NARROW)
    )
    last = [row for row in net if row.estimated][-1]
    kept = first_row(findings, estimand="grr", method=ROLLING, term=last.term)
    title = sentence(
        "Of each 100 of revenue a year ago {net} are there now, with what the same customers pay more; {gross} without it",
        net=number(last, "percent0-bare"),
        gross=or_dash(kept, "percent0-bare"),
    )
    text = (
        "At the end of each month, with intervals: what the customers of twelve months before pay now, per what they paid then. "
        "Net retention (filled) counts what they pay more; in gross retention (hollow) nobody counts for more than it paid then. "
        "Neighbouring months share eleven of their twelve months: they are no independent readings."
    )
    return figure(wide, narrow, title, paragraph(text, "sub"))
