"""What the drawings of the page share: the readings that were computed, their names, and amounts a month."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import say as sentence
from whychurn.display.wording import first_row, interval, number, p_text
from whychurn.findings import FIRST_READING, SECOND_READING, Findings, Row

YEAR = 12.0
#: What a reading is called after "if".
SHORT = {FIRST_READING: "all leavers are in the file", SECOND_READING: "only recent leavers are in the file"}
#: The same at the head of a column, where a phone has one line for it and a number.
HEADS = {FIRST_READING: "If all leavers are in it", SECOND_READING: "If only recent ones are"}
#: What a bar is called.
SERIES = ("all leavers", "recent only")


def readings(findings: Findings) -> list[str]:
    """Return the readings under which rates were found."""
    found = {row.group for row in findings.where(estimand="hazard").rows()}
    return [reading for reading in (FIRST_READING, SECOND_READING) if reading in found]


def known(findings: Findings, **conditions: object) -> Row | None:
    """Return the first row that fits and has an estimate."""
    row = first_row(findings, **conditions)
    return row if row is not None and row.estimated else None


def if_reading(findings: Findings, reading: str) -> str:
    """Return ", if only recent leavers are in the file"; nothing where there is one reading only."""
    return f", {reading}" if len(readings(findings)) > 1 else ""


def paid(row: Row, findings: Findings) -> Markup:
    """Return an amount to the cent, with the currency and its interval."""
    currency = str(findings.provenance.get("currency", ""))
    value = sentence("{v} {c}", v=number(row, "number2"), c=currency) if currency else number(row, "number2")
    if math.isnan(row.conf_low):
        return value
    return sentence("{v} ({i})", v=value, i=interval(row, "number2"))


def apart(one: Row, other: Row) -> bool:
    """Whether two intervals have no value in common."""
    return bool(one.conf_low > other.conf_high or other.conf_low > one.conf_high)


def months_of(row: Row) -> Markup:
    """Return "1 month" or "12 months" from a finding's time."""
    unit = "month" if row.time == 1 else "months"
    style = "number0" if float(row.time).is_integer() else "number2"
    return sentence("{t} {u}", t=number(row, style, "time"), u=unit)


def last_of(row: Row) -> Markup:
    """Return what follows "the last": "month" or "12 months"."""
    return Markup("month") if row.time == 1 else months_of(row)


def difference(row: Row | None) -> Markup:
    """Return a difference of shares with its interval and adjusted p, or a dash."""
    if row is None or not row.estimated:
        return Markup("–")
    parts = [number(row, "points1")]
    if not math.isnan(row.conf_low):
        low, high = (number(row, "points1", column) for column in ("conf_low", "conf_high"))
        parts.append(sentence("<small>({low} to {high})</small>", low=low, high=high))
    if not math.isnan(row.p_adjusted):
        parts.append(sentence("<small>{p}</small>", p=p_text(row)))
    return Markup(" ").join(parts)
