"""Customers and money of the last twelve months in a sentence, and every rate of it with its definition."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.metrics.periods import unbroken
from whychurn.display.wording import first_row, interval, interval_or_dash, number
from whychurn.findings import Findings, Row

LAST = "last year"
RATES = {
    "customer_churn": "Customers lost",
    "mrr_churn": "Revenue lost with them",
    "grr": "Gross revenue retention",
    "nrr": "Net revenue retention",
    "moved_churn": "Revenue that left or shrank, customers won within the year included",
}
#: Rates of two customers more or less say nothing of a trend.
GROWS = 1.0


def last_year(findings: Findings, estimand: str) -> Row | None:
    """Return a rate of the last twelve months, None where it could not be found."""
    row = first_row(findings, method=LAST, estimand=estimand)
    return row if row is not None and row.estimated else None


def metrics_summary(findings: Findings) -> Block:
    """State which part of customers and of revenue was lost, and what the others pay."""
    lost = last_year(findings, "customer_churn")
    if lost is None:
        row = first_row(findings, estimand="customer_churn")
        return finding(row.note if row is not None and row.note else "There is no year of churn to tell.")
    money, net = last_year(findings, "mrr_churn"), last_year(findings, "nrr")
    if money is None or net is None:
        text = sentence("In the last twelve months {lost} of customers left.", lost=number(lost, "percent1"))
        return finding(text) + _window(lost)
    more = (
        "those who stay more than make up for it: net revenue retention is {net}"
        if net.estimate > GROWS
        else "with what the others pay more or less, {net} of the revenue is still there"
    )
    text = sentence(
        "In the last twelve months {lost} of customers left and took {money} of the revenue; " + more + ".",
        lost=number(lost, "percent1"),
        money=number(money, "percent1"),
        net=number(net, "percent1"),
    )
    return finding(text) + _window(lost) + _sign(findings, net)


def _window(lost: Row) -> Block:
    text = sentence(
        "Of {n} customers who were there when the period {period} began, {gone} were gone when it ended (interval {i}). Customers "
        "won since do not count.",
        n=number(lost, "count", "denominator"),
        period=unbroken(lost.term),
        gone=number(lost, "count", "numerator"),
        i=interval(lost, "percent1"),
    )
    return paragraph(text) + (paragraph(lost.note, "note") if lost.note else Block(Markup("")))


def _sign(findings: Findings, net: Row) -> Block:
    """Say in words what the sign of net churn means: tools disagree about it."""
    churn = last_year(findings, "net_churn")
    if churn is None:
        return Block(Markup(""))
    meaning = (
        "negative net churn: what the others pay more is more than what leaves"
        if churn.estimate < 0
        else "positive net churn: what the others pay more does not make up for what leaves"
    )
    text = sentence(
        "Net revenue churn is {churn}, {meaning}. Here a loss is positive; some tools print it the other way round. A customer who "
        "left and came back within the twelve months counts as kept, at what it pays at the end; other returns are in the "
        "bridge only.",
        churn=number(churn, "percent1"),
        meaning=meaning,
    )
    return paragraph(text, "sub")


def metrics_rates(findings: Findings) -> Block:
    """Return the rates by year, quarter and month with their definitions, folded."""
    rows = [row for estimand in RATES for row in findings.where(estimand=estimand).rows()]
    years = {row.term for row in rows if row.method == "year"}
    rows = [row for row in rows if not (row.method == LAST and _calendar_year(str(row.term)) in years)]
    periods = {
        "By year": [row for row in rows if row.method in (LAST, "year")],
        "By quarter": [row for row in rows if row.method == "quarter"],
        "By month": [row for row in rows if row.method == "month"],
    }
    tables = [_table(title, cells) for title, cells in periods.items() if cells]
    defined = [(RATES[estimand], first_row(findings, estimand=estimand)) for estimand in RATES]
    means = table(
        "What each rate is",
        [Column("Rate", "name"), Column("Definition", "means", css="small")],
        [{"name": name, "means": row.definition} for name, row in defined if row is not None],
    )
    return folded("Every rate by year, quarter and month, with definitions", means, *tables)


def _calendar_year(period: str) -> str:
    """Return the calendar year that a period from one day to another is, "" if it is none."""
    year = period[:4]
    return year if period == f"{year}-01-01 to {year}-12-31" else ""


def _table(title: str, rows: list[Row]) -> Block:
    cells: dict[str, dict[str, object]] = {}
    for row in rows:
        cell = cells.setdefault(str(row.term), {"period": unbroken(row.term), "n": "", "note": row.note})
        cell[row.estimand] = interval_or_dash(row, "percent1")
        if row.estimand == "customer_churn":
            cell["n"] = sentence(
                "{lost} of {n}", lost=number(row, "count", "numerator"), n=number(row, "count", "denominator")
            )
    columns = [
        Column("Period", "period"),
        Column("Lost, of customers", "n", number=True),
        *(Column(name, estimand, number=True) for estimand, name in RATES.items() if _any(rows, estimand)),
        Column("Note", "note", css="small"),
    ]
    return table(title, columns, cells.values())


def _any(rows: list[Row], estimand: str) -> bool:
    return any(row.estimand == estimand and row.estimated for row in rows)
