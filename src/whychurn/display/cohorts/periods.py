"""Churn by calendar year and age as a heatmap, with the sentence that age, period and cohort cannot be told apart."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.cohorts.comparison import FASTER, PERIOD, SLOWER
from whychurn.display.numbers import format_number
from whychurn.display.tiles import NARROW, NOT_REACHED, WIDE, Tile, TileRow, tiles_svg
from whychurn.display.wording import interval, number, with_interval
from whychurn.findings import Findings, Row

ANY = "all"


def cohort_periods(findings: Findings) -> Block:
    """Return departures per 100 customer-years by calendar year and customer age."""
    cells = findings.where(estimand="churn_rate", term="Age and calendar").rows()
    if not cells:
        return Block(Markup(""))
    at = {(row.level, row.group): row for row in cells}
    ages = list(dict.fromkeys(row.level for row in cells))
    years = list(dict.fromkeys(row.group for row in cells))
    top = max((row.estimate for row in cells if row.estimated and not row.note), default=0.0) or 1.0
    rows = [
        TileRow(
            "All ages" if age == ANY else str(age),
            "",
            [_tile(at.get((age, year)), top) for year in years],
            _short(str(age)),
            apart=age == ANY,
        )
        for age in ages
    ]
    said = "; ".join(
        f"{row.name}: "
        + ", ".join(f"{tile.text} in {year}" for tile, year in zip(row.tiles, years, strict=True) if tile.text)
        for row in rows
    )
    alt = f"Departures per 100 customer-years by age and calendar year. {said}."
    heads = ("", "Departures per 100 customer-years; small: how many left")
    columns = ["All years" if year == ANY else str(year) for year in years]
    wide, narrow = (
        tiles_svg(rows, columns, heads if layout is WIDE else ("", "Left per 100 a year (how many)"), alt, layout)
        for layout in (WIDE, NARROW)
    )
    text = (
        "Age runs down, the calendar runs across, and a cohort runs through both together: who is a year older is so a year later. "
        "Age, calendar and cohort can therefore not be told apart in full by any analysis; a change that met all customers in one "
        "year, and cohorts that are better from the start, can look the same here. Age counts from the beginning of the stay; who "
        "came back begins again. Rates of few departures say little."
    )
    below = paragraph(text, "sub") + folded("All numbers, with intervals", _numbers(cells))
    return figure(wide, narrow, _title(findings, at), below)


def _title(findings: Findings, at: dict[tuple[str, str], Row]) -> Markup:
    ratios = [row for row in findings.where(estimand="hazard_ratio", term=PERIOD).rows() if row.estimated]
    everybody = at[(ANY, ANY)]
    if not ratios:
        return sentence(
            "{rate} departures per 100 customer-years (interval {interval})",
            rate=number(everybody, "number1"),
            interval=interval(everybody, "number1"),
        )
    row = ratios[-1]
    what = {FASTER: "faster than", SLOWER: "more slowly than"}.get(row.grade, "no clearly faster or slower than")
    return sentence(
        "In {year} customers left {what} in {reference} at the same age: {ratio} times as fast (interval {interval})",
        year=row.level,
        what=what,
        reference=row.reference,
        ratio=number(row, "ratio2"),
        interval=interval(row, "ratio2"),
    )


def _tile(row: Row | None, top: float) -> Tile:
    if row is None or not row.estimated:
        return Tile(state=NOT_REACHED)
    left = format_number(row.n_events, "count")
    # A rate of few departures is not tinted: it says little.
    strength = 0.0 if row.note else row.estimate / top
    return Tile(format_number(row.estimate, "number0"), strength, under=f"({left})")


def _short(age: str) -> str:
    if age == ANY:
        return "All ages"
    return age.replace(" months", " mo").replace(" years and more", "+ yrs").replace(" years", " yrs")


def _numbers(cells: list[Row]) -> Block:
    rows = [
        {
            "age": "All ages" if row.level == ANY else row.level,
            "year": "All years" if row.group == ANY else row.group,
            "rate": with_interval(row, "number1"),
            "left": number(row, "count", "n_events"),
            "years": number(row, "number1", "denominator"),
            "n": number(row, "count", "n_accounts"),
            "note": row.note,
        }
        for row in cells
    ]
    columns = [
        Column("Age", "age"),
        Column("Year", "year"),
        Column("Per 100 customer-years", "rate", number=True),
        Column("Left", "left", number=True),
        Column("Customer-years", "years", number=True),
        Column("Customers", "n", number=True),
        Column("Note", "note", css="small"),
    ]
    return table("Departures by calendar year and age; intervals are for each cell", columns, rows)
