"""The table of definitions: what each says, what it counts, what it gives, and whose convention it is."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.definitions.found import MONTH, MONTHS, YEAR, families, house, nothing, rates
from whychurn.display.wording import first_row, money_style, number, with_interval
from whychurn.findings import Findings, Row


def definitions_table(findings: Findings) -> Block:
    """Return all definitions under their headings, with rates of the last month, the mean of months and the year."""
    if nothing(findings):
        return Block(Markup(""))
    own = house(findings)
    means, years = ({row.term: row for row in rates(findings, level)} for level in (MONTHS, YEAR))
    parts = Block(Markup(""))
    for heading, rows in families(rates(findings, MONTH)).items():
        cells = [_cells(findings, row, means.get(row.term), years.get(row.term)) for row in rows]
        parts += table(
            sentence("{heading}, {month}", heading=heading, month=own.reference), _columns(own, means, years), cells
        )
    text = sentence(
        "Opening: customers (revenue) of the day before the period. Intervals stand where a rate is a share of customers, each "
        "counted once (Wilson), departures per time at risk, or read off the survival curve; the other rates have none. Whose "
        "convention each is, is context, as read in the tools’ documentation: it changes with their versions and settings, so "
        "look it up in yours."
    )
    return parts + paragraph(text, "sub")


def _columns(own: Row, means: dict[str, Row], years: dict[str, Row]) -> list[Column]:
    columns = [
        Column("Definition", "name", css="cause"),
        Column("Rate (interval)", "rate", number=True),
        Column("Counted", "counted", number=True),
        Column("Mean of months", "mean", number=True),
    ]
    year = next((row.reference for row in years.values()), "")
    return [
        *columns,
        *([Column(str(year), "year", number=True)] if year else []),
        Column("As in", "tools", css="fig small"),
    ]


def _cells(findings: Findings, row: Row, mean: Row | None, year: Row | None) -> dict[str, object]:
    tools = first_row(findings, estimand="tools", term=row.term)
    under = " ".join(part for part in (str(row.definition), str(row.note)) if part)
    name = sentence(
        "{name}<small>{text}</small><small><em>{formula}</em></small>", name=row.term, text=under, formula=row.method
    )
    return {
        "name": name,
        "rate": with_interval(row, "percent2"),
        "counted": _counted(findings, row),
        "mean": with_interval(mean, "percent2") if mean is not None else "–",
        "year": with_interval(year, "percent1") if year is not None else "–",
        "tools": tools.note if tools is not None else "",
    }


def _counted(findings: Findings, row: Row) -> Markup:
    """Return "35 of 2,133", in customers or in money."""
    if math.isnan(row.numerator) or math.isnan(row.denominator):
        return Markup('<span class="missing">–</span>')
    if row.family == "revenue":
        style = money_style(findings)
    else:
        style = "count" if row.denominator == round(row.denominator) else "number1"
    above = "count" if style == "number1" else style
    return sentence(
        "{above} of {below}", above=number(row, above, "numerator"), below=number(row, style, "denominator")
    )
