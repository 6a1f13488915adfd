"""What is measured in a study of tables: how much of it is known, why the rest is not, and the dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import bar
from whychurn.display.numbers import format_number, printed
from whychurn.display.wording import first_upper, number
from whychurn.findings import Findings, Row

#: A measure is called patchy if it is known on less than this share of the rows.
PATCHY = 0.75
GAPS = ("not_tracked_share", "notice_share", "nothing_share")


def measured_values(findings: Findings) -> Block:
    """Return the share of rows on which each measure is known, the attributes, and the data dictionary."""
    known = findings.where(estimand="known_share").rows()
    attributes = findings.where(estimand="missing_share").rows()
    blocks = _summary(findings, known) if known else paragraph("The study registers no measure.", "note")
    if known:
        parts = {estimand: _by_name(findings.where(estimand=estimand).rows()) for estimand in GAPS}
        patchy = sorted((row for row in known if row.estimate < PATCHY), key=lambda row: (row.estimate, row.level))
        if patchy:
            blocks += table("Measures with gaps, the largest first", _COLUMNS, _cells(patchy, parts))
        rest = [row for row in known if row not in patchy]
        if rest:
            inner = table("Measures known on most rows", _COLUMNS, _cells(rest, parts))
            blocks += folded(sentence("The other {n} measures", n=printed(len(rest), "count")), inner)
    blocks += _attributes(attributes)
    return blocks + dictionary(findings)


def dictionary(findings: Findings) -> Block:
    """Return name, meaning, unit and group of every measure, folded."""
    rows = findings.where(estimand="measure").rows()
    if not rows:
        return Block(Markup(""))
    known = _by_name(findings.where(estimand="known_share").rows())
    cells = [
        {
            "name": sentence("{label}<small><code>{name}</code></small>", label=row.term, name=row.level),
            "declared": "yes" if row.declared else "",
            "what": row.definition,
            "unit": row.unit or "–",
            "group": row.group,
            "tables": row.note or "–",
            "known": number(known[row.level], "percent1") if row.level in known else "–",
        }
        for row in rows
    ]
    columns = [
        Column("Measure", "name", css="cause"),
        Column("Known", "known", number=True),
        Column("What it is", "what", css="small"),
        Column("Unit", "unit", css="small"),
        Column("Group", "group", css="small"),
        Column("From", "tables", css="small"),
        Column("Declared as a cause", "declared", css="small"),
    ]
    return folded("Data dictionary: every measure", table("Every measure of the panel", columns, cells))


def leakage(findings: Findings) -> Block | None:
    """Say how the future is kept out of the measures; None for a flat study."""
    lag = findings.where(estimand="lag_days").rows()
    step = findings.where(estimand="interval_days").rows()
    if not lag or not step:
        return None
    text = sentence(
        "Customers who are about to leave stop using what they pay for, so a measure taken on the last day would find the "
        "leaving itself. Here every measure ends {lag} days before the {step} days it is held against.",
        lag=number(lag[0], "count"),
        step=number(step[0], "count"),
    )
    notice = findings.where(estimand="rows_under_notice").rows()
    blocks = finding(text)
    if notice and notice[0].numerator > 0:
        blocks += paragraph(
            sentence(
                "{n} of {all} rows lie after the customer had given notice. They keep what was known before the notice: "
                "what a customer does once it is given is no cause of it.",
                n=number(notice[0], "count", "numerator"),
                all=number(notice[0], "count", "denominator"),
            )
        )
    return blocks


def _summary(findings: Findings, known: Sequence[Row]) -> Block:
    patchy = [row for row in known if row.estimate < PATCHY]
    rows = findings.where(estimand="rows_at_risk").rows()
    size = sentence(" of {rows} rows at risk", rows=number(rows[0], "count")) if rows else Markup("")
    if not patchy:
        worst = min(known, key=lambda row: row.estimate)
        return finding(
            sentence(
                "Every one of {n} measures is known on most{size}; the least known, {name}, on {share}.",
                n=printed(len(known), "count"),
                size=size,
                name=worst.term,
                share=number(worst, "percent1"),
            )
        )
    text = sentence(
        "{some} of {n} measures are unknown on more than a quarter{size}. {why}",
        some=printed(len(patchy), "count"),
        n=printed(len(known), "count"),
        size=size,
        why=_main_reason(findings, patchy),
    )
    return finding(text) + paragraph(
        "Not recorded: the measure reaches into days on which its table was not kept, so a nought would be made up. "
        "Under notice: notice had been given before the spell had a row to keep a value from. Nothing to measure: a share "
        "of nothing, or too little time as a customer.",
        "sub",
    )


def _main_reason(findings: Findings, patchy: Sequence[Row]) -> str:
    names = {row.level for row in patchy}
    totals = {
        estimand: sum(row.numerator for row in findings.where(estimand=estimand).rows() if row.level in names)
        for estimand in GAPS
    }
    words = {
        "not_tracked_share": "Most of that was not recorded.",
        "notice_share": "Most of that lies after notice was given.",
        "nothing_share": "Mostly there was nothing to measure.",
    }
    return words[max(GAPS, key=lambda estimand: totals[estimand])]


def _by_name(rows: Sequence[Row]) -> dict[str, Row]:
    return {row.level: row for row in rows}


_COLUMNS = (
    Column("Measure", "name", css="cause"),
    Column("Known on so many rows", "picture", css="fig"),
    Column("Known", "known", number=True),
    Column("Not recorded", "not_tracked_share", number=True),
    Column("Under notice", "notice_share", number=True),
    Column("Nothing to measure", "nothing_share", number=True),
)


def _cells(rows: Sequence[Row], parts: dict[str, dict[str, Row]]) -> Iterator[dict[str, object]]:
    for row in rows:
        said = f"{first_upper(row.term)}: known on {format_number(row.estimate, 'percent1')} of rows"
        yield {
            "name": sentence("{label}<small>{group}</small>", label=row.term, group=row.group),
            "picture": bar(row.estimate, row.estimate, row.estimate, 1.0, said),
            "known": number(row, "percent1"),
            **{estimand: number(parts[estimand][row.level], "percent1") for estimand in GAPS},
        }


def _attributes(rows: Sequence[Row]) -> Block:
    missing = sorted((row for row in rows if row.estimate > 0), key=lambda row: (-row.estimate, row.term))
    if not rows:
        return Block(Markup(""))
    if not missing:
        return paragraph("No attribute of the customers has missing values.", "sub")
    cells = [
        {
            "term": sentence(
                "{term}<small>{what}</small>", term=row.term, what="a declared cause" if row.declared else ""
            ),
            "n": number(row, "count", "numerator"),
            "share": number(row, "percent1"),
            "note": row.note,
        }
        for row in missing
    ]
    columns = [
        Column("Attribute", "term"),
        Column("Customers without", "n", number=True),
        Column("Share", "share", number=True),
        Column("Handled how", "note", css="small"),
    ]
    if not any(row.note for row in missing):
        columns.pop()
    return table("Missing attributes of customers, as last recorded", columns, cells)
