"""Every rate of the page by name: formula, numerator, denominator, value. Why one says this and another that."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.flat_metrics.words import SHORT, YEAR, known, last_of, months_of, readings
from whychurn.display.wording import first_row, first_upper, money_style, number, one_reading, with_interval
from whychurn.findings import FIRST_READING, SECOND_READING, Findings, Row

#: Estimand, reading ("" where it does not matter), name, what it is per, number format.
RATES = (
    ("churn_per_acquired", "", "Customers lost, per acquired", "no period", "percent1"),
    ("mrr_lost_share", "", "Revenue lost, of all in the file", "no period", "percent1"),
    ("hazard", FIRST_READING, "Hazard per month", "a month", "percent2"),
    ("hazard_year", FIRST_READING, "The same hazard for a year", "a year, converted", "percent1"),
    ("left_by", FIRST_READING, "", "since signing up", "percent1"),
    ("hazard", SECOND_READING, "Hazard per month", "a month", "percent1"),
    ("window_churn", SECOND_READING, "Lost within the window", "the window", "percent1"),
    ("window_churn_month", SECOND_READING, "The same for a month", "a month, converted", "percent1"),
    ("window_churn_year", SECOND_READING, "The same for a year", "a year, converted", "percent1"),
    ("left_by", SECOND_READING, "", "since signing up", "percent1"),
)


def flat_definitions(findings: Findings) -> Block:
    """List every rate by name, and say why the same departures give so many."""
    lost = known(findings, estimand="churn_per_acquired")
    if lost is None:
        return Block(Markup(""))
    columns = [
        Column("Rate", "name", css="cause"),
        Column("Value (interval)", "value", number=True),
        Column("Per", "per", css="small"),
        Column("Formula", "formula", css="small"),
        Column("Above the line", "top", number=True),
        Column("Below the line", "bottom", number=True),
    ]
    title = "Each rate with what stands above and below its line"
    return finding(_why(findings, lost)) + table(title, columns, _cells(findings), css="causes") + _meaning(findings)


def _why(findings: Findings, lost: Row) -> Markup:
    hazard = known(findings, estimand="hazard", group=FIRST_READING)
    if hazard is None:
        return sentence("Departures are {s} of the customers in the file.", s=number(lost, "percent1"))
    if not lost.numerator > 0:
        return Markup("Nobody in the file has left: every rate is zero, as far as its interval goes.")
    window = known(findings, estimand="window_churn", group=SECOND_READING)
    text = sentence(
        "The same {n} departures are {a} of everybody in the file",
        n=number(lost, "count", "numerator"),
        a=number(lost, "percent1"),
    )
    rate = sentence("{b} per month that customers were there", b=number(hazard, "percent2"))
    if window is None:
        return sentence("{t} and {r}: only what they are divided by differs.", t=text, r=rate)
    return sentence(
        "{t}, {r} and, if earlier leavers are missing from the file, {c} of those there at the beginning of the last {w}{k}: {end}.",
        t=text,
        r=rate,
        c=number(window, "percent1"),
        w=last_of(window),
        k=_of_them(lost, window),
        end="only what they are divided by differs"
        if window.numerator == lost.numerator
        else "what they are divided by differs most",
    )


def _of_them(lost: Row, window: Row) -> Markup:
    """Return how many of the departures are surely of customers there when the window began, if not all."""
    if window.numerator == lost.numerator:
        return Markup("")
    return sentence(", of whom {k} left", k=number(window, "count", "numerator"))


def _cells(findings: Findings) -> Iterator[dict[str, object]]:
    several = len(readings(findings)) > 1
    for estimand, group, name, per, style in RATES:
        for row in _rows(findings, estimand, group):
            money = estimand == "mrr_lost_share"
            counted = money_style(findings) if money else "count"
            curve = estimand == "left_by"
            yield {
                "name": _name(row, name, SHORT[group] if group and several else ""),
                "value": with_interval(row, style),
                "per": "a month" if estimand == "window_churn" and row.time == 1 else per,
                "formula": row.definition.rpartition(": ")[2],
                "top": "(a curve)" if curve else number(row, counted, "numerator"),
                "bottom": "(a curve)" if curve else number(row, counted, "denominator"),
            }


def _name(row: Row, name: str, reading: str) -> Markup:
    told = sentence("Left within {t}", t=months_of(row)) if row.estimand == "left_by" else sentence("{n}", n=name)
    return told + sentence(" <small>if {r}</small>", r=reading) if reading else told


def _rows(findings: Findings, estimand: str, group: str) -> list[Row]:
    rows = [row for row in findings.where(estimand=estimand, group=group).rows() if row.estimated]
    if estimand == "left_by":
        wanted = {YEAR}
        return [row for row in rows if row.time in wanted]
    # A window of a month needs no conversion to a month.
    return [] if estimand == "window_churn_month" and rows and rows[0].time == 1 else rows


def _meaning(findings: Findings) -> Block:
    """Say what each formula means in words, what was left out, and why there is one reading only."""
    rows = {estimand: first_row(findings, estimand=estimand) for estimand, *_ in RATES}
    told = {
        "churn_per_acquired": "customers lost", "mrr_lost_share": "revenue lost", "hazard": "hazard",
        "hazard_year": "a hazard for a year", "left_by": "left within", "window_churn": "lost within the window",
        "window_churn_year": "the window for a year",
    }  # fmt: skip
    parts = [
        sentence("<b>{n}</b>: {w}.", n=first_upper(name), w=row.definition.rpartition(": ")[0])
        for estimand, name in told.items()
        if (row := rows[estimand]) is not None and row.estimated
    ]
    notes = [row.note for name in ("hazard", "window_churn") if (row := rows[name]) is not None and row.estimated]
    if len(readings(findings)) < 2:
        notes.append(one_reading(findings))
    cautions = " ".join(dict.fromkeys(note for note in notes if note))
    return paragraph(Markup(" ").join(parts), "sub") + (paragraph(cautions, "note") if cautions else Block(Markup("")))
