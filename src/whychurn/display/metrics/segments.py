"""Which groups lose more of their customers, and of their revenue: both side by side."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display import dots
from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.dots import clear_ones, dots_svg, grouped_dots
from whychurn.display.metrics.summary import last_year
from whychurn.display.numbers import printed
from whychurn.display.twin_dots import NARROW, WIDE, Twin, in_words, twin_dots_svg
from whychurn.display.wording import interval_or_dash, listed, number, or_dash, p_text
from whychurn.findings import Findings, Row

#: So many lines are drawn; the table has all.
MOST_DRAWN = 55
CUSTOMERS, REVENUE = "segment_customer_difference", "segment_mrr_difference"
#: Comparisons of each group with all others, and of what.
TESTS = {
    CUSTOMERS: "customers lost",
    REVENUE: "revenue lost",
    "segment_grr_difference": "gross retention",
    "segment_nrr_difference": "net retention",
}


def metrics_segments(findings: Findings) -> Block:
    """Draw what part of customers and of revenue was lost by group, titled by the group clearly furthest from the others."""
    rows = findings.where(estimand="segment_customer_churn").rows()
    overall, money = (last_year(findings, estimand) for estimand in ("customer_churn", "mrr_churn"))
    if overall is None or not any(row.estimated for row in rows):
        return paragraph("There are no groups to compare.", "note")
    made = {name: [row for row in _tests(findings, name) if not math.isnan(row.p_adjusted)] for name in TESTS}
    clear = {name: clear_ones(rows) for name, rows in made.items()}
    wide, narrow = _drawn(findings, rows, overall, money)
    text = sentence(
        "Customers of the day before the twelve months, and their revenue, that were gone at their end, with intervals; beside "
        "them how many customers there were. Filled dots differ clearly from all others of their kind: {customers} of customers, "
        "{revenue} of revenue, each kind adjusted by itself after Benjamini and Hochberg. Nothing else is held constant.",
        customers=_of(clear[CUSTOMERS], made[CUSTOMERS]),
        revenue=_of(clear[REVENUE], made[REVENUE]),
    )
    below = paragraph(text, "sub") + paragraph(_revenue(clear, made)) + _table(findings, rows)
    return figure(wide, narrow, _title(clear[CUSTOMERS]), below)


def _drawn(findings: Findings, rows: list[Row], overall: Row, money: Row | None) -> list[Markup]:
    """Return the wide and the narrow figure: customers alone where there is no revenue."""
    tests = {(row.term, row.level): row for row in _tests(findings, CUSTOMERS)}
    groups = grouped_dots(rows, tests, MOST_DRAWN)
    if money is None:
        alt = f"Share of customers lost in twelve months by group. {dots.in_words(groups, 'percent0')}"
        return [dots_svg(groups, overall, "percent0", alt, layout, "customers") for layout in (dots.WIDE, dots.NARROW)]
    apart = {(row.term, row.level) for row in clear_ones(_tests(findings, REVENUE))}
    amounts = {(row.term, row.level): row for row in findings.where(estimand="segment_mrr_churn").rows()}

    def twin(dot: dots.Dot) -> Twin:
        key = (dot.row.term, dot.row.level)
        second = dots.Dot(amounts[key], key in apart) if key in amounts and amounts[key].estimated else None
        return Twin(str(dot.row.level), dot.row.denominator, dot, second)

    twins = [(heading, [twin(dot) for dot in members]) for heading, members in groups]
    alt = f"Share of customers, and of revenue, lost in twelve months by group. {in_words(twins, 'percent0')}"
    panels = ("customers lost", "revenue lost")
    return [
        twin_dots_svg(twins, (overall, money), panels, "percent0", alt, layout, "customers")
        for layout in (WIDE, NARROW)
    ]


def _tests(findings: Findings, estimand: str) -> list[Row]:
    return findings.where(estimand=estimand).rows()


def _of(clear: list[Row], made: list[Row]) -> Markup:
    return sentence("{k} of {n} comparisons", k=printed(len(clear), "count"), n=printed(len(made), "count"))


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


def _revenue(clear: dict[str, list[Row]], made: dict[str, list[Row]]) -> Markup:
    """Say in which group revenue clearly goes another way: what is lost, and gross and net retention."""
    compared = [name for name in TESTS if name != CUSTOMERS and made[name]]
    if not compared:
        return Markup("Of revenue no group can be compared.")
    alike = [TESTS[name] for name in compared if not clear[name]]
    parts = [_furthest(clear[name][0], TESTS[name]) for name in compared if clear[name]]
    if alike:
        parts.append(sentence("No group differs clearly in {what}.", what=listed(alike, "or")))
    return Markup(" ").join(parts)


def _furthest(row: Row, what: str) -> Markup:
    return sentence(
        "In {what} “{level}” ({term}) differs most: {d} points ({p}).",
        what=what,
        level=row.level,
        term=row.term,
        d=number(row, "points1"),
        p=p_text(row),
    )


def _table(findings: Findings, rows: list[Row]) -> Block:
    def of(estimand: str) -> dict[tuple[str, str], Row]:
        return {(row.term, row.level): row for row in findings.where(estimand=estimand).rows()}

    money, grr, nrr, lost = (of(f"segment_{name}") for name in ("mrr_churn", "grr", "nrr", "lost_share"))
    tests = {name: of(name) for name in TESTS}
    cells = []
    for row in rows:
        key = (row.term, row.level)
        cells.append(
            {
                "level": sentence("{level} <small>{term}</small>", level=row.level, term=row.term),
                "n": sentence(
                    "{lost} of {n}", lost=number(row, "count", "numerator"), n=number(row, "count", "denominator")
                ),
                "churn": interval_or_dash(row, "percent1"),
                "money": interval_or_dash(money.get(key), "percent1"),
                "grr": interval_or_dash(grr.get(key), "percent1"),
                "nrr": interval_or_dash(nrr.get(key), "percent1"),
                **{name: _p(tests[name].get(key)) for name in TESTS},
                "lost": or_dash(lost.get(key), "percent0"),
                "note": row.note,
            }
        )
    group = Column("Group", "level", css="cause")
    lost_columns = [
        group,
        Column("Lost, of customers", "n", number=True),
        Column("Customers lost", "churn", number=True),
        Column("p, customers", CUSTOMERS, number=True),
        Column("Revenue lost", "money", number=True),
        Column("p, revenue", REVENUE, number=True),
        Column("Of all revenue lost", "lost", number=True),
        Column("Note", "note", css="small"),
    ]
    kept_columns = [
        group,
        Column("Gross retention", "grr", number=True),
        Column("p, gross", "segment_grr_difference", number=True),
        Column("Net retention", "nrr", number=True),
        Column("p, net", "segment_nrr_difference", number=True),
    ]
    return folded(
        "Customers and revenue of every group",
        table("What was lost in the last twelve months; p adjusted, against all others", lost_columns, cells),
        table("What is kept of revenue; p adjusted, against all others", kept_columns, cells),
    )


def _p(test: Row | None) -> Markup:
    return number(test, "p", "p_adjusted") if test is not None and not math.isnan(test.p_adjusted) else Markup("")
