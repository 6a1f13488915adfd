"""Why another tool says something else: every rate of the month by its size, and which customers make the difference."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.definitions.found import MONTH, OTHER_BASE, house, nothing, rates
from whychurn.display.wording import first_row, number
from whychurn.findings import Findings, Row


def definitions_lookup(findings: Findings) -> Block:
    """Return all rates of the month from high to low, each with the customers that set it apart from the house's own."""
    if nothing(findings) or not house(findings).estimated:
        return Block(Markup(""))
    own = house(findings)
    others = [row for row in rates(findings, MONTH) if row.estimated and row.term != own.term]
    if not others:
        return Block(Markup(""))
    walks = {row.term: row for row in findings.where(estimand="walk", group=MONTH).rows()}
    listed = sorted(others, key=lambda row: -row.estimate)
    how = sentence(
        "Look for the rate of your tool for {month}, yours here being {own}: the row nearest to it says what the tool may be "
        "counting and which customers make the difference. Means of months and rates of a year are under “The definitions”.",
        month=own.reference,
        own=number(own, "percent2"),
    )
    parts = paragraph(how)
    columns = [
        Column("What is counted", "name", css="cause"),
        Column("Rate", "rate", number=True),
        Column("Against yours", "gap", number=True),
        Column("Mainly", "why", css="fig small"),
    ]
    caption = sentence("Churn in {month}, from high to low", month=own.reference)
    parts += table(caption, columns, [_cells(findings, row, walks.get(row.term)) for row in listed])
    return parts + paragraph(_rest(findings, own), "sub")


def _cells(findings: Findings, row: Row, walk: Row | None) -> dict[str, object]:
    name = sentence("{name}", name=row.term)
    for under in (_tools(findings, row), str(row.note)):
        if under:
            name += sentence("<small>{under}</small>", under=under)
    known = walk is not None and walk.estimated
    return {
        "name": name,
        "rate": number(row, "percent2"),
        "gap": number(walk, "points2") if walk is not None and known else "–",
        "why": _why(findings, row, walk if known else None),
    }


def _why(findings: Findings, row: Row, walk: Row | None) -> Markup | str:
    """Say what makes the rate differ from the house's own."""
    if row.grade == OTHER_BASE:
        return sentence("Of another base: {formula}.", formula=row.method)
    return "Read off a curve, not counted by customer." if walk is None else _mainly(findings, walk)


def _mainly(findings: Findings, walk: Row) -> Markup:
    """Name the largest group that moves the rate the way it differs."""
    if not walk.n_accounts:
        return sentence("The same as yours, customer by customer.")
    steps = findings.where(estimand="walk_step", term=walk.term, group=walk.group).rows()
    step = max(steps, key=lambda row: row.estimate * (1 if walk.estimate > 0 else -1))
    return sentence(
        "{n} {who}: {group} ({effect})",
        n=number(step, "count", "n_accounts"),
        who="customer" if step.n_accounts == 1 else "customers",
        group=step.level,
        effect=number(step, "points2"),
    )


def _tools(findings: Findings, row: Row) -> str:
    tools = first_row(findings, estimand="tools", term=row.term)
    return "" if tools is None else str(tools.note)


def _rest(findings: Findings, own: Row) -> Markup:
    text = sentence(
        "Points are percentage points. If no row is near, the two do not look at the same customers: compare the lists of customers, "
        "the month, the time zone, and test accounts first."
    )
    tools = _tools(findings, own)
    if not tools:
        return text
    return sentence("Yours, {name}, is as in {tools}. {text}", name=_lower(own.term), tools=tools, text=text)


def _lower(name: object) -> str:
    text = str(name)
    return text[:1].lower() + text[1:]
