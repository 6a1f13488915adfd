"""Cohort triangles of customers and of revenue as heatmaps, and all their numbers in tables."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.metrics.periods import unbroken
from whychurn.display.numbers import format_number
from whychurn.display.tiles import (
    GROWTH,
    LOSS,
    NARROW,
    NOT_REACHED,
    PARTIAL,
    WIDE,
    Tile,
    TileRow,
    legend_sentence,
    tiles_svg,
)
from whychurn.display.wording import first_row, money_style, number, p_text, with_interval
from whychurn.findings import Findings, Row

ALL, BEFORE, SURVIVORS = "All who reached it", "Customers before the window", "from the window's first day"
#: The age that titles speak of, where two cohorts have reached it.
SPOKEN = 12.0
CLEAR = 0.05


def unit_of(findings: Findings) -> str:
    """Return by which calendar unit the main triangle is cut."""
    row = first_row(findings, estimand="cohort_unit")
    return "" if row is None else str(row.level)


def spoken_age(findings: Findings, unit: str) -> float | None:
    """Return the age to speak of: a year, or the oldest that two cohorts have reached."""
    rows = [
        row
        for row in findings.where(estimand="customers_kept", group=unit, term="Cohorts").rows()
        if row.estimated and row.level != ALL
    ]
    ages = [row.time for row in rows]
    known = [age for age in sorted(set(ages)) if ages.count(age) > 1]
    if not known:
        return None
    return SPOKEN if SPOKEN in known else known[-1]


def cohort_customers(findings: Findings) -> Block:
    """Return the triangle of customers."""
    unit = unit_of(findings)
    if not unit:
        return paragraph("Nobody signed up in the window, so there is no cohort to follow.", "note")
    if not findings.where(estimand="customers_kept", group=unit, term="Cohorts").rows():
        return paragraph("No cohort has been followed for a month yet.", "note")
    drawn = _drawn(findings, "customers_kept", unit, "share still customers")
    below = paragraph(legend_sentence(), "sub") + _reading(findings, unit)
    detail = folded(
        "All numbers of this triangle, with intervals", _numbers(findings, "customers_kept", unit, "percent1")
    )
    return figure(*drawn, _customers_title(findings, unit), below + detail)


def _customers_title(findings: Findings, unit: str) -> Markup:
    age = spoken_age(findings, unit)
    if age is None:
        return sentence("Still customers, by {unit} of sign-up: it is too early to compare cohorts", unit=unit)
    rows = [
        row
        for row in findings.where(estimand="customers_kept", group=unit, term="Cohorts", time=age).rows()
        if row.estimated
    ]
    pooled = next(row for row in rows if row.level == ALL)
    cohorts = [row for row in rows if row.level != ALL]
    low, high = min(cohorts, key=lambda row: row.estimate), max(cohorts, key=lambda row: row.estimate)
    test = first_row(findings, estimand="cohorts_test")
    chance = Markup("")
    if test is not None and test.p_value == test.p_value:
        said = (
            "; over all ages they differ by more than chance ({p})"
            if test.p_value < CLEAR
            else "; over all ages no clear difference ({p})"
        )
        chance = sentence(said, p=p_text(test, "p_value"))
    if low.estimate == high.estimate:
        return sentence(
            "After {age} months {share} of customers are still there in every cohort that has reached that age{chance}",
            age=number(pooled, "number0", "time"), share=number(low, "percent0"), chance=chance,
        )  # fmt: skip
    return sentence(
        "After {age} months {share} of customers are still there, from {low} ({ll}) to {high} ({hl}) by {unit} of sign-up{chance}",
        age=number(pooled, "number0", "time"),
        share=number(pooled, "percent0"),
        low=number(low, "percent0"),
        ll=low.level,
        high=number(high, "percent0"),
        hl=high.level,
        unit=unit,
        chance=chance,
    )


def _reading(findings: Findings, unit: str) -> Block:
    rule = findings.one(estimand="cohort_unit")
    parts = [
        sentence("Each customer is read on its own day: so many months after its own sign-up."),
        sentence("Cohorts are cut by {unit}, {rule}.", unit=unit, rule=rule.definition),
        sentence("“All cohorts” pools at each age those customers who have reached it, so its share may also rise."),
    ]
    before = first_row(findings, estimand="cohort_size", term=SURVIVORS)
    if before is not None:
        parts.append(
            sentence(
                "The {n} “already there” signed up before the window: their months count from its first day, and those who left "
                "before it are not in the data, so they are not to be compared with the cohorts.",
                n=number(before, "count"),
            )
        )
    return paragraph(sentence(" ").join(parts), "sub")


def cohort_revenue(findings: Findings) -> Block:
    """Return the triangle of revenue, growth included, with what is kept without it in a table."""
    unit = unit_of(findings)
    cells = [row for row in findings.where(estimand="revenue_kept", group=unit).rows() if row.estimated] if unit else []
    if not cells:
        said = first_row(findings, estimand="revenue_kept")
        text = "No revenue of a cohort can be followed." if said is None or not said.note else said.note
        return paragraph(text, "note")
    drawn = _drawn(findings, "revenue_kept", unit, "revenue of the cohort")
    text = sentence(
        "Recurring revenue of the cohort, as a share of what it paid on the days of sign-up. It can exceed 100%: customers who stay "
        "may pay more. The table below has it also without growth, where no customer counts for more than it began with."
    )
    sizes = folded("What each cohort began with", _began(findings, unit))
    gross = folded(
        "All numbers of this triangle, with and without growth",
        _numbers(findings, "revenue_kept", unit, "percent1")
        + _numbers(findings, "revenue_kept_gross", unit, "percent1"),
    )
    return figure(*drawn, _revenue_title(findings, unit), paragraph(text, "sub") + sizes + gross)


def _revenue_title(findings: Findings, unit: str) -> Markup:
    age = spoken_age(findings, unit)
    net = first_row(findings, estimand="revenue_kept", group=unit, level=ALL, time=age)
    gross = first_row(findings, estimand="revenue_kept_gross", group=unit, level=ALL, time=age)
    kept = first_row(findings, estimand="customers_kept", group=unit, level=ALL, time=age)
    if net is None or gross is None or kept is None or not net.estimated:
        return sentence("Revenue of each cohort, against what it began with")
    return sentence(
        "After {age} months cohorts pay {net} of what they began with ({gross} without growth), from {kept} of the customers",
        age=number(net, "number0", "time"),
        net=number(net, "percent0"),
        gross=number(gross, "percent0"),
        kept=number(kept, "percent0"),
    )


def cohort_months(findings: Findings) -> Block:
    """Return the triangle of customers by month of sign-up, folded, where the main one is cut more coarsely."""
    if unit_of(findings) in ("", "month"):
        return Block(Markup(""))
    note = paragraph("Small cohorts: a customer more or less moves a share by several points.", "sub")
    return folded(
        "The same by month of sign-up", _numbers(findings, "customers_kept", "month", "percent0", False) + note
    )


def _drawn(findings: Findings, estimand: str, unit: str, what: str) -> tuple[Markup, Markup]:
    cells = findings.where(estimand=estimand, group=unit).rows()
    ages = sorted({row.time for row in cells if row.estimated})
    lowest = min((row.estimate for row in cells if row.estimated), default=0.0)
    span = max(1.0 - lowest, 0.05)
    rows = _tile_rows(findings, cells, unit, ages, span)
    said = "; ".join(
        f"{row.name}: {', '.join(tile.text for tile in row.tiles if tile.text) or 'nothing yet'}" for row in rows
    )
    alt = f"Cohorts by {unit} of sign-up, {what} in percent at {', '.join(f'{age:g}' for age in ages)} months. {said}."
    columns = [f"{age:g}" for age in ages]
    wide, narrow = (
        tiles_svg(rows, columns, ("Joined", "Months since sign-up (percent kept)"), alt, layout)
        for layout in (WIDE, NARROW)
    )
    return wide, narrow


def _tile_rows(
    findings: Findings, cells: Sequence[Row], unit: str, ages: Sequence[float], span: float
) -> list[TileRow]:
    at = {(row.level, row.time): row for row in cells}
    sizes = {row.level: row for row in findings.where(estimand="cohort_size", group=unit).rows()}
    rows = []
    for level, size in sizes.items():
        if level == BEFORE:
            continue
        count = format_number(size.estimate, "count")
        rows.append(TileRow(str(level), count, [_tile(at.get((level, age)), span) for age in ages], _short(str(level))))
    rows.append(TileRow("All cohorts", "", [_tile(at.get((ALL, age)), span) for age in ages], "All", apart=True))
    if BEFORE in sizes:
        count = format_number(sizes[BEFORE].estimate, "count")
        tiles = [_tile(at.get((BEFORE, age)), span) for age in ages]
        rows.append(TileRow("Already there", count, tiles, "Before", apart=True))
    return rows


def _short(level: str) -> str:
    return level[2:] if level[:2] in ("19", "20") and len(level) > 4 else level


def _tile(row: Row | None, span: float) -> Tile:
    if row is None:
        return Tile(state=NOT_REACHED)
    if not row.estimated:
        return Tile(state=PARTIAL) if row.grade else Tile("–")
    lost = 1.0 - row.estimate
    return Tile(format_number(row.estimate, "percent0-bare"), abs(lost) / span, LOSS if lost >= 0 else GROWTH)


def _began(findings: Findings, unit: str) -> Block:
    style = money_style(findings)
    rows = findings.where(estimand="cohort_mrr", group=unit).rows()
    cells = [
        {
            "cohort": row.level,
            "n": number(row, "count", "n_accounts"),
            "mrr": number(row, style),
            "free": number(row, "count", "numerator"),
            "note": row.note,
        }
        for row in rows
    ]
    columns = [
        Column("Sign-up", "cohort"),
        Column("Customers", "n", number=True),
        Column("Paid per month on the day of sign-up", "mrr", number=True),
        Column("Began without paying", "free", number=True),
        Column("Note", "note", css="small"),
    ]
    return table("What each cohort began with", columns, cells)


def _numbers(findings: Findings, estimand: str, unit: str, style: str, intervals: bool = True) -> Block:
    """Return every known cell in a table; a dash where a cohort has not reached the age."""
    found = findings.where(estimand=estimand, group=unit).rows()
    at = {(row.level, row.time): row for row in found}
    sizes = {row.level: row for row in findings.where(estimand="cohort_size", group=unit).rows()}
    ages = sorted({row.time for row in found if row.estimated})
    levels = (
        [*[level for level in sizes if level != BEFORE], ALL, *([BEFORE] if (BEFORE, ages[0]) in at else [])]
        if ages
        else []
    )
    cells = [
        {
            "cohort": unbroken(level),
            "n": number(sizes[level], "count") if level in sizes else "",
            **{f"{age:g}": _cell(at.get((level, age)), style, intervals) for age in ages},
        }
        for level in levels
    ]
    if not cells:
        return paragraph("No cohort has reached an age at which it could be read.", "sub")
    columns = [
        Column("Sign-up", "cohort"),
        Column("Customers", "n", number=True),
        *[Column(f"{age:g} month{'' if age == 1 else 's'}", f"{age:g}", number=True) for age in ages],
    ]
    definition = next(row.definition for row in found if row.definition)
    # With intervals under their shares the widest triangle fits on paper.
    return table(definition[:1].upper() + definition[1:], columns, cells, css="causes" if intervals else "data")


def _cell(row: Row | None, style: str, intervals: bool) -> Markup | str:
    if row is None or not row.estimated:
        return "…" if row is not None and row.grade else ""
    return with_interval(row, style) if intervals else number(row, style)
