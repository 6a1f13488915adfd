"""Score, and satisfaction, by month or quarter."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display import timeline
from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.nps.summary import overall_of
from whychurn.display.numbers import printed
from whychurn.display.timeline import NARROW, WIDE, timeline_svg
from whychurn.display.wording import first_row, first_upper, interval, number, p_text, with_interval
from whychurn.findings import Findings, Row

CLEAR = 0.05


def nps_over_time(findings: Findings) -> Block:
    """Draw the score by period, titled by whether the last year differs from the one before."""
    rows = findings.where(estimand="nps_period").rows()
    overall = overall_of(findings)
    if overall is None or not any(row.estimated for row in rows):
        return Block(Markup(""))
    alt = f"Net Promoter Score {rows[0].term.lower()}. {timeline.in_words(rows, 'nps')}"
    wide, narrow = (timeline_svg(rows, overall, "nps", alt, layout) for layout in (WIDE, NARROW))
    return figure(wide, narrow, _title(findings), _after(findings, rows))


def _title(findings: Findings) -> Markup:
    years = [row for row in findings.where(estimand="nps_year").rows() if row.estimated]
    change = findings.where(estimand="nps_year_change").rows()
    last = change[-1] if change else None
    if last is None or not last.estimated or len(years) < 2:
        return sentence("The score {by}; there are no two years to compare", by=_by(findings))
    parts = {
        "now": number(years[-1], "nps"), "then": number(years[-2], "nps"), "d": number(last, "points1"),
        "i": interval(last, "points1"), "p": p_text(last),
    }  # fmt: skip
    if last.p_adjusted < CLEAR:
        verb = "rose" if last.estimate > 0 else "fell"
        return sentence("The score {verb} to {now} in the last year, from {then} the year before ({d} points, {i}; {p})", verb=verb, **parts)  # fmt: skip
    return sentence("The score did not clearly change: {now} in the last year, {then} the year before (difference {d} points, {i}; {p})", **parts)  # fmt: skip


def _by(findings: Findings) -> str:
    row = first_row(findings, estimand="nps_period")
    return str(row.term).lower() if row is not None else "over time"


def _after(findings: Findings, rows: list[Row]) -> Block:
    changes = [row for row in findings.where(estimand="nps_period_change").rows() if not math.isnan(row.p_adjusted)]
    unit = str(rows[0].term).removeprefix("By ")
    clear = [row for row in changes if row.p_adjusted < CLEAR]
    names = ", ".join(str(row.level) for row in clear)
    said = sentence("It differs clearly from the {unit} before in {names}", unit=unit, names=names)
    none = sentence("No {unit} differs clearly from the one before", unit=unit)
    text = sentence(
        "Each person’s latest answer in the {unit}, with its interval; the dashed line is the score of all. {said} ({n} "
        "comparisons, adjusted by Holm).",
        unit=unit,
        said=said if clear else none,
        n=printed(len(changes), "count"),
    )
    return paragraph(text, "sub") + folded("The numbers", _table(findings, rows))


def _table(findings: Findings, rows: list[Row]) -> Block:
    changes = {row.level: row for row in findings.where(estimand="nps_period_change").rows()}
    cells = []
    for row in [*findings.where(estimand="nps_year").rows(), *rows]:
        change = changes.get(row.level) or first_row(findings, estimand="nps_year_change", level=row.level)
        cells.append(
            {
                "period": row.level,
                "nps": with_interval(row, "nps"),
                "n": number(row, "count", "denominator"),
                "change": with_interval(change, "points1") if change is not None else "",
                "p": number(change, "p", "p_adjusted") if change is not None else "",
                "note": first_upper(row.note),
            }
        )
    columns = [
        Column("Period", "period"),
        Column("NPS (interval)", "nps", number=True),
        Column("Persons", "n", number=True),
        Column("Against the period before", "change", number=True),
        Column("adjusted p", "p", number=True),
        *([Column("Note", "note", css="small")] if any(cell["note"] for cell in cells) else []),
    ]
    return table("Score by year and by shorter period", columns, cells)
