"""Score, and satisfaction, by who customers are and what they bought."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display import dots
from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.dots import NARROW, WIDE, Dot, clear_ones, dots_svg, grouped_dots
from whychurn.display.nps.summary import overall_of
from whychurn.display.numbers import printed
from whychurn.display.wording import first_upper, interval, number, p_text, with_interval
from whychurn.findings import Findings, Row


def nps_segments(findings: Findings) -> Block:
    """Draw the score of every group, titled by the group furthest from all others if any is clearly apart."""
    overall = overall_of(findings)
    rows = findings.where(estimand="nps", group="segment").rows()
    if overall is None or not rows:
        return Block(Markup(""))
    tests = {(row.term, row.level): row for row in findings.where(estimand="nps_against_rest").rows()}
    drawn = grouped_dots(rows, tests)
    alt = f"Net Promoter Score by group, all: {dots.in_words([('', [Dot(overall)])], 'nps')} {dots.in_words(drawn, 'nps')}"
    wide, narrow = (dots_svg(drawn, overall, "nps", alt, layout) for layout in (WIDE, NARROW))
    return figure(wide, narrow, _title(list(tests.values())), _after(rows, tests, drawn))


def _title(tests: Sequence[Row]) -> Markup:
    clear = clear_ones(tests)
    if not clear:
        return sentence("No group’s score differs clearly from that of all others")
    top = clear[0]
    return sentence(
        "“{level}” ({term}) scores {side} all others: {d} points ({i}; {p})",
        level=top.level,
        term=top.term,
        side="above" if top.estimate > 0 else "below",
        d=number(top, "points1"),
        i=interval(top, "points1"),
        p=p_text(top),
    )


def _after(rows: Sequence[Row], tests: dict[tuple[str, str], Row], drawn: Sequence[tuple[str, Sequence[Dot]]]) -> Block:
    made = [test for test in tests.values() if not math.isnan(test.p_adjusted)]
    left_out = len({row.term for row in rows}) - len(drawn)
    more = f" {left_out:,} more groupings are in the table." if left_out else ""
    text = sentence(
        "Each person’s latest answer, by what was known of the customer before it. Filled dots differ clearly from all others of "
        "their kind ({k} of {n} comparisons, adjusted by Holm); the dashed line is the score of all.{more}",
        k=printed(len(clear_ones(made)), "count"),
        n=printed(len(made), "count"),
        more=more,
    )
    return paragraph(text, "sub") + folded("The numbers", group_table(rows, tests, "nps", "NPS", "Persons"))


def group_table(rows: Sequence[Row], tests: dict[tuple[str, str], Row], style: str, name: str, counted: str) -> Block:
    """Return the groups with their value, how many it rests on, and the comparison with all others."""
    cells = []
    for row in rows:
        test = tests.get((row.term, row.level))
        notes = [row.note, test.note if test is not None else ""]
        cells.append(
            {
                "level": sentence("{level} <small>{term}</small>", level=row.level, term=row.term),
                "value": with_interval(row, style),
                "n": number(row, "count", "denominator"),
                "accounts": number(row, "count", "n_accounts"),
                "gap": with_interval(test, "points1") if test is not None else "",
                "p": number(test, "p", "p_adjusted") if test is not None else "",
                "note": first_upper("; ".join(note for note in notes if note)),
            }
        )
    columns = [
        Column("Group", "level", css="cause"),
        Column(f"{name} (interval)", "value", number=True),
        Column(counted, "n", number=True),
        Column("Customers", "accounts", number=True),
        Column("Against all others, in points", "gap", number=True),
        Column("adjusted p", "p", number=True),
        *([Column("Note", "note", css="small")] if any(cell["note"] for cell in cells) else []),
    ]
    return table(f"{name} by group", columns, cells)
