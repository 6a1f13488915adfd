"""Sentences and cells from findings. A number never appears without its finding behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import Markup

from whychurn.display.blocks import Column, say
from whychurn.display.numbers import printed
from whychurn.findings import Findings, Row

GRADE_CLASS = {
    "strong": "strong",
    "moderate": "moderate",
    "weak": "weak",
    "no sizeable effect": "none",
    "inconclusive": "inconclusive",
    "left out": "none",
}


def number(row: Row, style: str, column: str = "estimate") -> Markup:
    """Return one number of a finding as printed."""
    return printed(getattr(row, column), style, row.id, column)


def interval(row: Row, style: str) -> Markup:
    """Return "low–high" ("low to high" below zero and with signs), or a dash where the finding has no interval."""
    if math.isnan(row.conf_low) or math.isnan(row.conf_high):
        return Markup('<span class="missing">–</span>')
    low = number(row, f"{style}-bare" if style.startswith("percent") else style, "conf_low")
    joint = " to " if row.conf_low < 0 or "+" in low.striptags() else "–"
    return say("{low}{joint}{high}", low=low, joint=joint, high=number(row, style, "conf_high"))


def with_interval(row: Row, style: str) -> Markup:
    """Return "estimate (low–high)"."""
    if not row.estimated:
        return Markup('<span class="missing">–</span>')
    if math.isnan(row.conf_low):
        return number(row, style)
    return say("{value} <small>({interval})</small>", value=number(row, style), interval=interval(row, style))


def or_dash(row: Row | None, style: str) -> Markup:
    """Return the estimate of a finding, or a dash where there is no finding or no estimate."""
    return number(row, style) if row is not None and row.estimated else Markup("–")


def interval_or_dash(row: Row | None, style: str) -> Markup:
    """Return the estimate with its interval, or a dash where there is no finding or no estimate."""
    return with_interval(row, style) if row is not None and row.estimated else Markup("–")


def listed(names: Iterable[str], last: str = "and") -> str:
    """Return "a, b and c", or with another word before the last; "" where there is nothing to list."""
    given = list(names)
    return f" {last} ".join([", ".join(given[:-1]), given[-1]] if len(given) > 1 else given)


def p_text(row: Row, column: str = "p_adjusted") -> Markup:
    """Return "p = 0.012" or "p <0.001"."""
    value = getattr(row, column)
    joint = "" if not math.isnan(value) and value < 0.001 else "= "
    return say("p {joint}{value}", joint=joint, value=number(row, "p", column))


def chip(grade: str) -> Markup:
    """Return an evidence grade in its colour; the word carries the meaning, the colour only repeats it."""
    return say('<span class="grade {css}">{grade}</span>', css=GRADE_CLASS.get(grade, "none"), grade=grade)


def against(row: Row) -> str:
    """Return "against Two year", or "" where there is no reference."""
    return f"against {row.reference}" if row.reference else ""


def times_as_fast(row: Row) -> Markup:
    """Return "3.1 times as fast" or "at 0.4 times the rate", for a hazard ratio."""
    if row.estimate >= 1:
        return say("{ratio} times as fast", ratio=number(row, "times"))
    return say("at {ratio} times the rate", ratio=number(row, "times"))


def money_style(findings: Findings) -> str:
    """Return the number format for amounts in the study's currency."""
    return f"money:{findings.provenance.get('currency', '')}"


def amount_name(findings: Findings) -> str:
    """Return what the study calls its amounts."""
    return str(findings.provenance.get("amount_name") or "amount")


def unit(findings: Findings) -> str:
    """Return the study's time unit."""
    return str(findings.provenance.get("time_unit") or "time units")


def horizon_text(findings: Findings) -> Markup:
    """Return the study's horizon with its unit: "12 months"."""
    value = printed(float(findings.provenance["horizon"]), "number0", "provenance", "horizon")
    return say("{value} {unit}", value=value, unit=unit(findings))


def one_reading(findings: Findings) -> str:
    """Say why there is only one reading of which leavers are in the file."""
    if findings.provenance.get("leavers_in_file") == "all":
        return "The study says that every customer who ever left is in the file, so there is one reading only."
    return (
        "The study does not say that every customer who ever left is in the file, nor over which window leavers were "
        "recorded (window in study.toml), so only the first of two readings can be computed: that they all are. If "
        "earlier leavers are missing, everything about tenure looks better than it is, and effects may differ."
    )


def first_upper(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


#: Columns of a table of tests, after its statistic.
TEST_COLUMNS = (
    Column("df", "df", number=True),
    Column("p", "p", number=True),
    Column("adjusted p", "adjusted", number=True),
)


def tested(row: Row) -> dict[str, Markup]:
    """Return the cells of one test: statistic, degrees of freedom, p and adjusted p."""
    return {
        "statistic": number(row, "number2", "statistic"),
        "df": number(row, "number0", "df"),
        "p": number(row, "p", "p_value"),
        "adjusted": number(row, "p", "p_adjusted"),
    }


def first_row(findings: Findings, **conditions: object) -> Row | None:
    """Return the first row that fits, None where there is none."""
    rows = findings.where(**conditions).rows()
    return rows[0] if rows else None


def note_of(findings: Findings, estimand: str) -> str:
    """Return the note of the first finding of an estimand, empty if there is none."""
    row = first_row(findings, estimand=estimand)
    return str(row.note) if row is not None else ""
