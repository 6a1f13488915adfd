"""When was what recorded: records by month, gaps, and what each table unlocks."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, figure, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.coverage import NARROW, WIDE, Strip, coverage_svg
from whychurn.display.wording import listed, number
from whychurn.findings import Findings, Row


def coverage(findings: Findings) -> Block:
    """Return the figure of records by month and what each table unlocks."""
    rows = findings.where(estimand="table_held").rows()
    head = _coverage_title(findings, rows)
    strips = _strips(findings, rows)
    alt = Markup(head).striptags()
    legend = _counted(findings) + "Grey: not recorded, as declared or before the first record."
    if any(strip.thin for strip in strips):
        legend += " A mark: a month with far fewer records per customer than usual, and no gap declared."
    blocks = figure(
        coverage_svg(strips, alt, WIDE),
        coverage_svg(strips, alt, NARROW),
        head,
        Block(Markup("<figcaption>{}</figcaption>").format(legend)),
    )
    blocks += _thin(findings)
    cells = [
        {
            "table": row.term,
            "n": number(row, "count"),
            "since": sentence(
                "{day} <small>{how}{gaps}</small>", day=_unbroken(row.note), how=row.declared, gaps=_gaps(findings, row)
            )
            if row.note
            else "throughout",
            "unlocks": row.definition,
        }
        for row in rows
    ]
    columns = [
        Column("Table", "table"),
        Column("Records in the window", "n", number=True),
        Column("Recorded since", "since"),
        Column("What it unlocks", "unlocks", css="small"),
    ]
    blocks += table("The tables of the study", columns, cells)
    return blocks + missing_tables(findings)


def _unbroken(day: str) -> Markup:
    """A date that a narrow page does not break after a hyphen."""
    return sentence('<span style="white-space:nowrap">{day}</span>', day=day)


def _gaps(findings: Findings, row: Row) -> str:
    gaps = [gap.level for gap in findings.where(estimand="gap", term=row.term).rows()]
    return f"; not {', '.join(gaps)}" if gaps else ""


def missing_tables(findings: Findings) -> Block:
    """Return what further tables would unlock."""
    rows = findings.where(estimand="table_missing").rows()
    if not rows:
        return paragraph("Every table that a study can have is there.", "sub")
    items = [sentence("<b>{name}</b>: {unlocks}", name=row.term, unlocks=row.definition) for row in rows]
    return paragraph(sentence("<b>What further tables would unlock</b>")) + bullets(items)


def late_tables(findings: Findings) -> list[Row]:
    """Return the logs that were not recorded from the window's first day on."""
    return findings.where(estimand="table_held", grade="begins after the window").rows()


def _coverage_title(findings: Findings, rows: Sequence[Row]) -> Markup:
    """Say which logs cover the window and which begin later or have gaps."""
    logs = [row for row in rows if row.note]
    late = [row for row in logs if row.grade == "begins after the window"]
    whole = [f"“{row.term}”" for row in logs if row.grade == "whole window"]
    gaps = {f"“{row.term}”" for row in findings.where(estimand="gap").rows()}
    if not logs:
        return Markup("Beyond customers and their subscriptions nothing is recorded over time")
    parts = []
    if whole:
        verb = "is" if len(whole) == 1 else "are"
        parts.append(sentence("{names} {verb} recorded over the whole window", names=listed(whole), verb=verb))
    only = "“{name}” only since {day}" if whole else "“{name}” is recorded only since {day}"
    parts += [sentence(only, name=row.term, day=_unbroken(row.note)) for row in late]
    if gaps:
        parts.append(sentence("there are gaps in {names}", names=listed(sorted(gaps))))
    text = Markup("; ").join(parts)
    return text[:1].upper() + text[1:]


def _counted(findings: Findings) -> str:
    """Say who counts as a customer in a month and who as having left in it."""
    said = []
    for what, estimand in (("Customers", "n_customers_in_month"), ("Customers who left", "n_leavers_in_month")):
        rows = findings.where(estimand=estimand).rows()
        said += [f"{what}: {rows[0].definition}. "] if rows else []
    return "".join(said)


def _strips(findings: Findings, rows: Sequence[Row]) -> list[Strip]:
    strips = [
        _strip(findings, "Customers", "n_customers_in_month", "Everyone"),
        _strip(findings, "Customers who left", "n_leavers_in_month", "Everyone"),
    ]
    for row in rows:
        if not row.estimated:  # a register: nothing is recorded by month
            continue
        unrecorded = {
            part.level: 1 - part.estimate for part in findings.where(estimand="recorded_share", term=row.term).rows()
        }
        thin = tuple(part.level for part in findings.where(estimand="thin_month", term=row.term).rows())
        strips.append(_strip(findings, f"Records in “{row.term}”", "n_records_in_month", row.term, unrecorded, thin))
    return strips


def _strip(
    findings: Findings,
    name: str,
    estimand: str,
    term: str,
    unrecorded: dict[str, float] | None = None,
    thin: tuple[str, ...] = (),
) -> Strip:
    part = findings.where(estimand=estimand, term=term).table
    return Strip(name, tuple(part["level"]), tuple(part["estimate"].fillna(0.0)), unrecorded or {}, thin)


def _thin(findings: Findings) -> Block:
    rows = findings.where(estimand="thin_month").rows()
    if not rows:
        return Block(Markup(""))
    items = [
        sentence(
            "“{table}”, {month}: {per} records per customer, where {usual} are usual.",
            table=row.term,
            month=row.level,
            per=number(row, "number2"),
            usual=number(row, "number2", "denominator"),
        )
        for row in rows
    ]
    return paragraph(
        "Months that look as if something was not recorded. If so, declare the gap (not_tracked) in study.toml: otherwise "
        "every measure takes it for customers who did nothing.",
        "note",
    ) + bullets(items)
