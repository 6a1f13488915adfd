"""The customers between two rates: drawn for the widest gap, listed for every other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.definitions.found import MONTH, YEAR, nothing, rates
from whychurn.display.definitions.waterfall import NARROW, WIDE, Step, waterfall_svg
from whychurn.display.numbers import format_number
from whychurn.display.wording import first_row, number
from whychurn.findings import Findings, Row

HEADLINE = "headline"
#: So many groups are drawn one by one, the smallest of others together.
MOST_DRAWN = 6


def definitions_walk(findings: Findings) -> Block:
    """Draw the way from the house's rate to the one farthest from it, and name customers of each group."""
    if nothing(findings):
        return Block(Markup(""))
    walk = first_row(findings, estimand="walk", grade=HEADLINE, group=MONTH)
    if walk is None:
        return paragraph("No definition gives another rate than yours, so there is nothing to walk between.", "note")
    steps = _steps(findings, walk)
    start, end = (first_row(findings, estimand="rate", level=MONTH, term=name) for name in (walk.reference, walk.term))
    assert start is not None and end is not None
    drawn = _drawn(steps)
    ends = ((f"Yours: {start.term}", start.estimate), (str(end.term), end.estimate))
    alt = (
        f"From {format_number(start.estimate, 'percent2')} ({start.term}) to {format_number(end.estimate, 'percent2')} "
        f"({end.term}): {'; '.join(f'{step.name}: {step.label}' for step in drawn)}."
    )
    wide, narrow = (waterfall_svg(ends[0], drawn, ends[1], alt, layout) for layout in (WIDE, NARROW))
    top = steps[0]
    caption = sentence(
        "From your {a} to the {b} of {other}: the largest step is {n} {who}, “{group}”",
        a=number(start, "percent2"),
        b=number(end, "percent2"),
        other=_lower(walk.term),
        n=number(top, "count", "n_accounts"),
        who="customer" if top.n_accounts == 1 else "customers",
        group=top.level,
    )
    return figure(wide, narrow, caption, _rule()) + _table(findings, walk, steps)


def _steps(findings: Findings, walk: Row) -> list[Row]:
    return findings.where(estimand="walk_step", term=walk.term, group=walk.group).rows()


def _drawn(steps: Sequence[Row]) -> list[Step]:
    """Return the steps to draw; effects of the smallest groups are added up where there are many."""
    few = len(steps) <= MOST_DRAWN
    kept = steps if few else steps[: MOST_DRAWN - 1]
    drawn = [Step(str(row.level), row.estimate, _label(row.estimate, row.n_accounts)) for row in kept]
    if not few:
        rest = steps[MOST_DRAWN - 1 :]
        effect, accounts = (sum(getattr(row, name) for row in rest) for name in ("estimate", "n_accounts"))
        drawn.append(Step(f"{len(rest):,} smaller groups", effect, _label(effect, accounts)))
    return drawn


def _label(effect: float, accounts: float) -> str:
    return f"{format_number(effect, 'points2')} ({format_number(accounts, 'count')} cust.)"


def _rule() -> Block:
    return paragraph(
        "Steps are percentage points of the rate, with the number of customers that count differently. They sum to the "
        "difference exactly, but for the last digit printed: what a group adds to those lost and to the base (what is counted "
        "above and below the line of the rate) counts at the mean of both rates, so their order does not matter.",
        "sub",
    )


def _table(findings: Findings, walk: Row, steps: Sequence[Row]) -> Block:
    """Return the groups of one walk with what they add, and the first customers of each."""
    parted = any(not math.isnan(step.numerator) for step in steps)
    cells = []
    for step in steps:
        examples = first_row(findings, estimand="walk_examples", term=walk.term, group=walk.group, level=step.level)
        cells.append(
            {
                "group": step.level,
                "n": number(step, "count", "n_accounts"),
                "above": _signed(step, "numerator"),
                "below": _signed(step, "denominator"),
                "effect": number(step, "points2"),
                "ids": examples.note if examples is not None else "",
            }
        )
    total = {
        "group": sentence("<b>Together</b>"),
        "n": number(walk, "count", "n_accounts"),
        "above": _signed(walk, "numerator"),
        "below": _signed(walk, "denominator"),
        "effect": number(walk, "points2"),
    }
    columns = [
        Column("Group", "group", css="cause"),
        Column("Customers", "n", number=True),
        *([Column("Lost", "above", number=True), Column("Base", "below", number=True)] if parted else []),
        Column("Points", "effect", number=True),
        Column("The first of them", "ids", css="fig small"),
    ]
    caption = sentence("From {house} to {other}, {period}", house=_lower(walk.reference), other=_lower(walk.term), period=walk.definition)  # fmt: skip
    return table(caption, columns, [*cells, total])


def _signed(row: Row, column: str) -> Markup:
    value = getattr(row, column)
    if math.isnan(value):
        return number(row, "count", column)
    style = "count" if value == round(value) else "number1"
    return sentence("{plus}{value}", plus="+" if value > 0 else "", value=number(row, style, column))


def definitions_walks(findings: Findings) -> Block:
    """Return every other walk from the house's rate, folded: of the month, then of the year."""
    parts = Block(Markup(""))
    for level in (MONTH, YEAR):
        walks = findings.where(estimand="walk", group=level).rows()
        known = [row for row in walks if row.estimated and row.n_accounts and row.grade != HEADLINE]
        same = [row for row in walks if row.estimated and not row.n_accounts]
        if not walks:
            continue
        tables = Block(Markup(""))
        for row in known:
            tables += _table(findings, row, _steps(findings, row))
        if same:
            tables += paragraph(sentence("The same, customer by customer: {names}.", names=_names(same)), "sub")
        tables += _not_walked(walks)
        label = next(iter(rates(findings, level))).reference
        parts += folded(sentence("Every way from your rate, {label}", label=label), tables)
    return parts


def _not_walked(walks: Sequence[Row]) -> Block:
    noted = [row for row in walks if row.note]
    text = sentence(" ").join(sentence("{name}: {note}", name=row.term, note=row.note) for row in noted)
    return paragraph(text, "sub") if noted else Block(Markup(""))


def _names(rows: Sequence[Row]) -> str:
    return ", ".join(_lower(row.term) for row in rows)


def _lower(name: object) -> str:
    text = str(name)
    return text[:1].lower() + text[1:]
