"""What the drawings of rates have in common: which rows they show, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from whychurn.findings import Findings, Row

MONTH, MONTHS, YEAR = "month", "mean of months", "year"
BASE, OTHER_BASE, NET = "of the base", "of another base", "net of gains"


def nothing(findings: Findings) -> str:
    """Return why there are no rates at all, "" where there are."""
    rows = findings.where(estimand="nothing").rows()
    return str(rows[0].note) if rows else ""


def rates(findings: Findings, level: str, *kinds: str) -> list[Row]:
    """Return the rates of a period, of some kinds only if kinds are given."""
    rows = findings.where(estimand="rate", level=level).rows()
    return [row for row in rows if not kinds or row.grade in kinds]


def house(findings: Findings, level: str = MONTH) -> Row:
    """Return the house's own rate: the first."""
    return rates(findings, level)[0]


def ends(rows: Sequence[Row]) -> tuple[Row, Row]:
    """Return the lowest and the highest rate."""
    known = [row for row in rows if row.estimated]
    return min(known, key=lambda row: row.estimate), max(known, key=lambda row: row.estimate)


def families(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return rates under their headings, in the order of the headings."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row.group), []).append(row)
    return found
