"""Which groups lost more of their customers, and of their revenue."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display import dots, paired_bars
from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.curves import shortened
from whychurn.display.dots import clear_ones, dots_svg, grouped_dots
from whychurn.display.flat_metrics.words import difference, known
from whychurn.display.numbers import printed
from whychurn.display.paired_bars import Pair, paired_svg
from whychurn.display.wording import interval_or_dash, note_of, number, or_dash, p_text, with_interval
from whychurn.findings import Findings, Row

SERIES = ("of customers", "of revenue")
#: So many lines are drawn, the categories that differ most first; money is drawn for the first few of them.
MOST_DRAWN, MOST_PAIRED = 40, 3

_Key = tuple[str, str]


def flat_groups(findings: Findings) -> Block:
    """Draw customers lost by group, then customers and revenue side by side where groups differ most, with a table."""
    overall = known(findings, estimand="churn_per_acquired")
    rows = [row for row in findings.where(estimand="segment_churn").rows() if row.term and row.estimated and row.level]
    if overall is None or not rows:
        return paragraph(note_of(findings, "segment_churn") or "There are no groups to compare.", "note")
    tests = _of(findings, "segment_difference")
    rows = _ordered(rows)
    drawn = grouped_dots(rows, tests, MOST_DRAWN)
    alt = f"Share of customers lost by group. {dots.in_words(drawn, 'percent0')}"
    wide, narrow = (
        dots_svg(drawn, overall, "percent0", alt, layout, "customers") for layout in (dots.WIDE, dots.NARROW)
    )
    # Of two levels each is the other's rest: one comparison, told once.
    tested = [row for row in tests.values() if not math.isnan(row.p_adjusted)]
    made = {(row.term, row.p_value, round(abs(row.estimate), 12)): row for row in tested}
    clear = clear_ones(list(made.values()))
    text = sentence(
        "Share of the customers ever in the file who left, with intervals; beside it how many there are. Filled dots differ "
        "clearly from all other customers ({k} of {n} comparisons, adjusted after Benjamini and Hochberg). Neither tenure nor "
        "anything else is held constant; the page on hazards does that.",
        k=printed(len(clear), "count"),
        n=printed(len(made), "count"),
    )
    left_out = len({row.term for row in rows}) - len(drawn)
    more = (
        sentence(" The {n} categories that differ least are in the table only.", n=printed(left_out, "count"))
        if left_out
        else ""
    )
    return (
        figure(wide, narrow, _title(clear), paragraph(text + more, "sub"))
        + _money(findings, rows)
        + _table(findings, rows, tests)
    )


def _of(findings: Findings, estimand: str) -> dict[_Key, Row]:
    return {(row.term, row.level): row for row in findings.where(estimand=estimand).rows()}


def _ordered(rows: list[Row]) -> list[Row]:
    """Return rows with the category whose levels lie furthest apart first."""
    terms: dict[str, list[Row]] = {}
    for row in rows:
        terms.setdefault(row.term, []).append(row)
    spread = {term: max(r.estimate for r in each) - min(r.estimate for r in each) for term, each in terms.items()}
    return [row for term in sorted(terms, key=lambda term: -spread[term]) for row in terms[term]]


def _title(clear: list[Row]) -> Markup:
    if not clear:
        return sentence("No group has lost clearly more or fewer of its customers than all others")
    top = clear[0]
    return sentence(
        "“{level}” ({term}) differs most from all other customers: {d} points of churn ({p})",
        level=top.level,
        term=top.term,
        d=number(top, "points1"),
        p=p_text(top),
    )


def _money(findings: Findings, rows: list[Row]) -> Block:
    """Draw customers and revenue side by side for each of the categories that differ most."""
    money = {key: row for key, row in _of(findings, "segment_mrr_lost_share").items() if row.estimated}
    terms = list(dict.fromkeys(row.term for row in rows if (row.term, row.level) in money))[:MOST_PAIRED]
    part = _of(findings, "segment_part_of_lost")
    drawn = [_beside(term, [row for row in rows if row.term == term], money, part) for term in terms]
    return Block(Markup("").join(block.markup for block in drawn))


def _beside(term: str, rows: list[Row], money: dict[_Key, Row], part: dict[_Key, Row]) -> Block:
    svg = []
    for layout in (paired_bars.WIDE, paired_bars.NARROW):
        room = layout.width - 0.4 if layout.above else layout.names - 0.15
        names = [shortened(str(row.level), room, layout.font, bold=layout.above) for row in rows]
        pairs = [Pair(name, row, money.get((term, row.level))) for name, row in zip(names, rows, strict=True)]
        alt = f"{term}: customers and revenue lost. {paired_bars.in_words(pairs, SERIES)}"
        svg.append(paired_svg(pairs, SERIES, alt, layout))
    most = max(
        (part[key] for row in rows if (key := (term, row.level)) in part), key=lambda row: row.estimate, default=None
    )
    title = sentence("{term}: no revenue was lost", term=term)
    if most is not None:
        title = sentence(
            "{term}: {m} of all revenue lost was that of “{level}”",
            term=term,
            m=number(most, "percent0"),
            level=most.level,
        )
    text = "Share of each level’s customers, and of their revenue, that left; with intervals."
    return figure(svg[0], svg[1], title, paragraph(text, "sub"))


def _table(findings: Findings, rows: list[Row], tests: dict[_Key, Row]) -> Block:
    money, apart = _of(findings, "segment_mrr_lost_share"), _of(findings, "segment_mrr_difference")
    part, hazard = _of(findings, "segment_part_of_lost"), _of(findings, "segment_hazard")
    cells = []
    for row in rows:
        key = row.term, row.level
        test = tests.get(key)
        cells.append(
            {
                "level": sentence("{level} <small>{term}</small>", level=row.level, term=row.term),
                "n": sentence(
                    "{lost} of {n}", lost=number(row, "count", "numerator"), n=number(row, "count", "denominator")
                ),
                "churn": with_interval(row, "percent1"),
                "diff": difference(test),
                "money": interval_or_dash(money.get(key), "percent1"),
                "money_diff": difference(apart.get(key)),
                "part": or_dash(part.get(key), "percent0"),
                "hazard": or_dash(hazard.get(key), "percent2"),
                "note": " ".join(text for text in (row.note, test.note if test is not None else "") if text),
            }
        )
    columns = [
        Column("Group", "level", css="cause"),
        Column("Left, of customers", "n", number=True),
        Column("Customers lost (interval)", "churn", number=True),
        Column("Points from all others", "diff", number=True),
    ]
    if any(row.estimated for row in money.values()):
        columns += [
            Column("Revenue lost (interval)", "money", number=True),
            Column("Points from all others, revenue", "money_diff", number=True),
            Column("Of all revenue lost", "part", number=True),
        ]
    columns.append(Column("Hazard per month", "hazard", number=True))
    columns += [Column("Note", "note", css="small")] if any(cell["note"] for cell in cells) else []
    words = (
        "p is adjusted over all comparisons of the table (Benjamini and Hochberg), for customers and for revenue apart. Hazard per "
        "month is departures per customer-month, as if all who ever left are in the file. Each customer is at the level last "
        "recorded."
    )
    return folded(
        "Customers and revenue of every group",
        table("Lost by group", columns, cells),
        paragraph(words, "sub"),
        _repeated(findings),
    )


def _repeated(findings: Findings) -> Block:
    """Name the levels that hold for exactly the customers of another category's level."""
    rows = findings.where(estimand="segment_repeated").rows()
    if not rows:
        return Block(Markup(""))
    terms: dict[str, list[str]] = {}
    for row in rows:
        terms.setdefault(f"“{row.level}” in {{}}: {row.note[:1].lower()}{row.note[1:]}", []).append(row.term)
    said = [text.replace("{}", ", ".join(names)) for text, names in terms.items()]
    return paragraph(f"Not listed a second time: {' '.join(said)}", "sub")
