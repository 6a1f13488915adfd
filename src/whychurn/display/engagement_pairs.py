"""Tickets with use, ratings with open tickets, and what calls to customers seem to do."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.engagement import (
    CONTACTS,
    VOLUNTARY,
    adjusted,
    cell,
    crude_of,
    definitions,
    primary,
    sign_cells,
    sign_columns,
    verb,
)
from whychurn.display.ratio_dots import NARROW, WIDE, Line, in_words, ratio_svg
from whychurn.display.wording import first_row, first_upper, interval, number, p_text, times_as_fast, with_interval
from whychurn.findings import Findings, Row

CELLS, RATINGS = "tickets and use", "rating and tickets"
CELL_TERM, RATING_TERM = "Tickets and use", "Last rating and open tickets"
LOW_USE = "no tickets, low use"


def tickets_and_use(findings: Findings) -> Block:
    """Return leaving by tickets and use: who asks nothing and uses little, and whether the two interact."""
    rows = [row for row in adjusted(findings, CELLS) if row.term == CELL_TERM]
    if not rows:
        return paragraph("Tickets and use are not both recorded, so they cannot be put side by side.", "note")
    lines = [Line(first_upper(row.level), (crude_of(findings, row), row)) for row in rows]
    series = ("alone", "adjusted for what comes before use")
    alt = f"Hazard ratios by tickets and use, against {rows[0].reference}. {in_words(lines, series)}."
    wide, narrow = (ratio_svg(lines, series, alt, layout) for layout in (WIDE, NARROW))
    against = paragraph(sentence("Against {r}.", r=rows[0].reference), "sub")
    return figure(wide, narrow, _cells_title(findings, rows), against) + _interaction(findings)


def _cells_title(findings: Findings, rows: Sequence[Row]) -> Markup:
    row = next((each for each in rows if each.level == LOW_USE), None)
    verdict = first_row(findings, estimand="verdict", group=CELLS, term="Few tickets and low use")
    if row is None or verdict is None or not row.estimated:
        return sentence("Whether few tickets and low use mean giving up cannot be told.")
    parts = {"leave": verb(findings), "times": times_as_fast(row), "i": interval(row, "ratio2")}
    if verdict.grade == "gave up":
        text = "No tickets is good news only with high use: customers with no tickets and low use {leave} {times} ({i})"
    else:
        text = "Customers with no tickets and low use do not clearly {leave} sooner than those with high use ({times}, {i})"
    return sentence(text, **parts)


def _interaction(findings: Findings) -> Block:
    ours = findings.where(outcome=primary(findings), group=CELLS)
    product = first_row(ours, estimand="interaction_ratio")
    excess = first_row(ours, estimand="excess_risk")
    if product is None or not product.estimated:
        return paragraph(product.note if product is not None else "No interaction could be tested.", "note")
    verdict = first_row(findings, estimand="verdict", group=CELLS, term=CELL_TERM)
    grade = str(verdict.grade) if verdict is not None else ""
    says = {
        "more than multiplied": "Low use and tickets together go with more than the two would make multiplied",
        "less than multiplied": "Low use and tickets together go with less than the two would make multiplied",
    }.get(grade, "There is no sign that tickets mean something else at low use than at high use")
    apart = {
        where: first_row(ours, estimand="hazard_ratio", term=f"tickets, at {where}")
        for where in ("high use", "low use")
    }
    text = sentence(
        "{says}: customers with tickets leave {high} as those without at high use, and {low} at low use. Ratio of the two ratios "
        "{r} ({i}; {p}).",
        says=says,
        high=_short(apart["high use"]),
        low=_short(apart["low use"]),
        r=number(product, "ratio2"),
        i=interval(product, "ratio2"),
        p=p_text(product, "p_value"),
    )
    block = paragraph(text)
    if excess is not None and excess.estimated:
        text = sentence(
            "On the scale of excess risk: {e} ({i}) in ratios against no tickets and high use beyond what the two add up to; zero "
            "would mean that they add up. {note}",
            e=number(excess, "number2"),
            i=interval(excess, "number2"),
            note=excess.note,
        )
        block += paragraph(text, "sub")
    return block


def _short(row: Row | None) -> Markup | str:
    if row is None or not row.estimated:
        return "–"
    return sentence("{t} ({i})", t=times_as_fast(row), i=interval(row, "ratio2"))


def cells_table(findings: Findings) -> Block:
    """Return the ratios of all cells."""
    rows = [row for row in adjusted(findings, CELLS) if row.term == CELL_TERM]
    if not rows:
        return Block(Markup(""))
    cells = [sign_cells(findings, row) for row in rows]
    columns = [column for column in sign_columns(findings, "Adjusted") if column.key != "share"]
    return table(
        "How many times as fast customers leave, by tickets and use", columns, cells, css="causes"
    ) + definitions(findings, CELLS)


def rating_and_tickets(findings: Findings) -> Block:
    """Return leaving by last rating and open tickets, and whether the two interact."""
    ours = findings.where(outcome=primary(findings), group=RATINGS)
    rows = ours.where(estimand="hazard_ratio").rows()
    product = first_row(ours, estimand="interaction_ratio")
    if not rows or product is None:
        return paragraph("Ratings and open tickets are not both recorded.", "note")
    if not product.estimated:
        head = sentence("Whether a low rating weighs more with tickets open cannot be told. {note}", note=product.note)
    else:
        clear = product.conf_low > 1 or product.conf_high < 1
        more = "more" if product.estimate > 1 else "less"
        head = sentence(
            "A low last rating weighs {more} with tickets open than without: the ratio is {r} times ({i}; {p})."
            if clear
            else "There is no sign that a low rating weighs more, or less, with tickets open: ratio of the two ratios {r} ({i}; {p}).",
            more=more,
            r=number(product, "ratio2"),
            i=interval(product, "ratio2"),
            p=p_text(product, "p_value"),
        )
    cells = [
        {
            "cell": first_upper(row.level),
            "n": number(row, "count", "n_accounts"),
            "left": number(row, "count", "n_events"),
            "ratio": with_interval(row, "ratio2"),
            "note": row.note,
        }
        for row in rows
    ]
    columns = [
        Column("Last rating, open tickets", "cell", css="cause"),
        Column("Customers", "n", number=True),
        Column("Left of their own will" if primary(findings) == VOLUNTARY else "Left", "left", number=True),
        Column("Without adjustment", "ratio", number=True),
    ]
    if any(row.note for row in rows):
        columns.append(Column("Note", "note", css="small"))
    caption = sentence("How many times as fast customers leave, against {r}", r=rows[0].reference)
    note = next((row.definition for row in ours.where(estimand="joint_test").rows()), "")
    return finding(head) + table(caption, columns, cells, css="causes") + paragraph(note, "sub")


def calls_figure(findings: Findings) -> Block:
    """Return what contacts and attempts to save seem to do: crude, and beside customers equally at risk."""
    rows = adjusted(findings, CONTACTS)
    if not rows:
        return paragraph("Neither contacts nor attempts to save are recorded.", "note")
    lines = [Line(f"{row.term}: {row.level}", (crude_of(findings, row), row)) for row in rows]
    series = ("alone", "beside customers alike")
    alt = f"Hazard ratios of contacts and attempts to save. {in_words(lines, series)}."
    wide, narrow = (ratio_svg(_broken(lines, layout), series, alt, layout) for layout in (WIDE, NARROW))
    return figure(wide, narrow, _calls_title(findings, rows)) + _chosen(findings)


def _broken(lines: Sequence[Line], layout: object) -> list[Line]:
    """Break names in two where they stand beside their rows."""
    if layout is NARROW:
        return list(lines)
    return [Line(line.name.replace(": ", ":\n", 1), line.ratios) for line in lines]


def _calls_title(findings: Findings, rows: Sequence[Row]) -> Markup:
    row = rows[0] if rows[0].estimated else next((each for each in rows if each.estimated), None)
    if row is None:
        return sentence("What calls to customers do cannot be told from these data")
    crude = crude_of(findings, row)
    verdict = first_row(findings, estimand="verdict", group=CONTACTS, term=row.term)
    parts: dict[str, object] = {
        "what": sentence("{term} “{level}”", term=row.term, level=row.level),
        "leave": verb(findings),
        "adjusted": sentence("{t} ({i})", t=times_as_fast(row), i=interval(row, "ratio2")),
        "crude": sentence("{t} ({i})", t=times_as_fast(crude), i=interval(crude, "ratio2"))
        if crude is not None and crude.estimated
        else "–",
    }
    grade = str(verdict.grade) if verdict is not None else ""
    text = {
        "protective, hidden": "{what}: beside everybody else, such customers {leave} {crude}; beside customers equally at risk, {adjusted}",
        "explained": "{what}: such customers {leave} {crude} as others, but no clearer than customers equally at risk ({adjusted})",
        "harmful all the same": "{what}: such customers {leave} {adjusted} as others who look equally at risk",
        "protective": "{what}: such customers {leave} {adjusted} of customers equally at risk, and {crude} beside everybody else",
    }.get(
        grade, "{what} shows no clear tie to leaving: {crude} beside everybody else, {adjusted} beside customers alike"
    )
    return sentence(text, **parts)


def _chosen(findings: Findings) -> Block:
    """Say who gets called: those at risk, by how much, and what that does to a crude comparison."""
    blocks = Block(Markup(""))
    for row in findings.where(estimand="expected_ratio", outcome=primary(findings)).rows():
        if not row.estimated:
            continue
        if row.estimate > 1.1:
            text = (
                "Those at risk get called. By everything else measured, customers with {term} “{level}” had {r} times the risk of "
                "leaving of those with “{reference}”; a crude comparison blames the call for it (confounding by indication)."
            )
        elif row.estimate < 1 / 1.1:
            text = (
                "The safer ones get called. By everything else measured, customers with {term} “{level}” had {r} times the risk of "
                "leaving of those with “{reference}”; a crude comparison credits the call with it."
            )
        else:
            text = "{term} “{level}” go to customers about as likely to leave as others, by everything else measured ({r} times)."
        term = str(row.term) if text.startswith("{") else str(row.term)[:1].lower() + str(row.term)[1:]
        blocks += paragraph(
            sentence(text, term=term, level=row.level, reference=row.reference, r=number(row, "ratio2"))
        )
    note = (
        "Adjusted for everything declared, as it stands when a call was already made: a call that worked shows in it, so its effect "
        "may be larger than this. Why somebody was called, beyond what is measured, stays hidden: only calls given by lot would prove "
        "what a call does."
    )
    return blocks + paragraph(note, "sub")


def calls_table(findings: Findings) -> Block:
    """Return the ratios of contacts and attempts to save."""
    rows = adjusted(findings, CONTACTS)
    if not rows:
        return Block(Markup(""))
    cells = [sign_cells(findings, row) | {"ratio": cell(row)} for row in rows]
    caption = "How many times as fast customers leave, by contacts and attempts to save"
    shown = table(caption, sign_columns(findings, "Adjusted"), cells, css="causes")
    return shown + definitions(findings, CONTACTS)
