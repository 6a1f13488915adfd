"""Which groups lose more of their customers, and of their revenue."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display import dots
from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.dots import NARROW, WIDE, clear_ones, dots_svg, grouped_dots
from whychurn.display.metrics.summary import last_year
from whychurn.display.numbers import printed
from whychurn.display.wording import number, or_dash, p_text, with_interval
from whychurn.findings import Findings, Row

#: So many lines are drawn; the table has all.
MOST_DRAWN = 55


def metrics_segments(findings: Findings) -> Block:
    """Draw churn of customers by group, titled by the group that is clearly furthest from the others."""
    overall = last_year(findings, "customer_churn")
    rows = findings.where(estimand="segment_customer_churn").rows()
    if overall is None or not any(row.estimated for row in rows):
        return paragraph("There are no groups to compare.", "note")
    tests = {(row.term, row.level): row for row in findings.where(estimand="segment_customer_difference").rows()}
    drawn = grouped_dots(rows, tests, MOST_DRAWN)
    alt = f"Share of customers lost in twelve months by group. {dots.in_words(drawn, 'percent0')}"
    wide, narrow = (dots_svg(drawn, overall, "percent0", alt, layout, "customers") for layout in (WIDE, NARROW))
    made = [test for test in tests.values() if not math.isnan(test.p_adjusted)]
    clear = clear_ones(made)
    text = sentence(
        "Customers of the day before the twelve months that were gone at their end, with intervals; beside them how many there "
        "were. Filled dots differ clearly from all others of their kind ({k} of {n} comparisons, adjusted after Benjamini and "
        "Hochberg); nothing else is held constant.",
        k=printed(len(clear), "count"),
        n=printed(len(made), "count"),
    )
    return figure(wide, narrow, _title(clear), paragraph(text, "sub") + _table(findings, rows, tests))


def _title(clear: list[Row]) -> Markup:
    if not clear:
        return sentence("No group loses clearly more or fewer of its customers than the others")
    top = clear[0]
    return sentence(
        "“{level}” ({term}) differs most from all others: {d} points of churn ({p})",
        level=top.level,
        term=top.term,
        d=number(top, "points1"),
        p=p_text(top),
    )


def _table(findings: Findings, rows: list[Row], tests: dict[tuple[str, str], Row]) -> Block:
    def of(estimand: str) -> dict[tuple[str, str], Row]:
        return {(row.term, row.level): row for row in findings.where(estimand=estimand).rows()}

    grr, nrr, lost = of("segment_grr"), of("segment_nrr"), of("segment_lost_share")
    cells = []
    for row in rows:
        key = (row.term, row.level)
        test = tests.get(key)
        cells.append(
            {
                "level": sentence("{level} <small>{term}</small>", level=row.level, term=row.term),
                "n": sentence(
                    "{lost} of {n}", lost=number(row, "count", "numerator"), n=number(row, "count", "denominator")
                ),
                "churn": with_interval(row, "percent1") if row.estimated else "–",
                "p": number(test, "p", "p_adjusted") if test is not None and not math.isnan(test.p_adjusted) else "",
                "grr": or_dash(grr.get(key), "percent0"),
                "nrr": or_dash(nrr.get(key), "percent0"),
                "lost": or_dash(lost.get(key), "percent0"),
                "note": row.note,
            }
        )
    columns = [
        Column("Group", "level", css="cause"),
        Column("Lost, of customers", "n", number=True),
        Column("Churn (interval)", "churn", number=True),
        Column("adjusted p", "p", number=True),
        Column("Gross retention", "grr", number=True),
        Column("Net retention", "nrr", number=True),
        Column("Of all revenue lost", "lost", number=True),
        Column("Note", "note", css="small"),
    ]
    return folded("Customers and revenue of every group", table("The last twelve months by group", columns, cells))
