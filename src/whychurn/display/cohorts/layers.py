"""Whose revenue today's revenue is: month ends stacked by sign-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.curves import spread
from whychurn.display.metrics.periods import unbroken
from whychurn.display.numbers import format_number, printed
from whychurn.display.svg import PAPER, SERIES, STYLE, inline_svg
from whychurn.display.wording import first_row, money_style, number
from whychurn.findings import Findings, Row

BEFORE = "Customers before the window"


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches, type in points, room for names at the right, years marked at most."""

    width: float
    height: float
    font: float
    names: float
    years: int


WIDE = Layout(width=7.4, height=2.9, font=8.5, names=1.1, years=5)
NARROW = Layout(width=3.5, height=2.6, font=8.0, names=0.78, years=2)


def cohort_layers(findings: Findings) -> Block:
    """Return recurring revenue (or customers, where none is recorded) at month ends by sign-up."""
    money = bool(findings.where(estimand="layer_mrr").rows())
    rows = findings.where(estimand="layer_mrr" if money else "layer_customers").rows()
    if not rows:
        return Block(Markup(""))
    style = money_style(findings) if money else "count"
    levels = list(dict.fromkeys(str(row.level) for row in rows))
    ends = [row for row in rows if row.time == rows[-1].time]
    alt = "By sign-up, at the last month end: " + "; ".join(
        f"{row.level} {format_number(row.estimate / row.denominator if row.denominator else 0.0, 'percent0')}"
        for row in ends
    )
    wide, narrow = (_svg(rows, levels, style, alt + ".", layout) for layout in (WIDE, NARROW))
    what = "recurring revenue" if money else "customers"
    gap = findings.one(estimand="gap_mrr" if money else "gap_customers")
    text = sentence(
        "{what} on the last day of each month, by year of sign-up; whoever came back is in the layer of the first sign-up. The layers add "
        "up to what the monthly bridge closes with; the largest difference is {gap}.",
        what=what[:1].upper() + what[1:],
        gap=number(gap, "number2"),
    )
    below = paragraph(text, "sub") + folded(
        "Customers and revenue by sign-up, each December and at the end", _numbers(findings, levels, money)
    )
    return figure(wide, narrow, _title(ends, what, style), below)


def _title(ends: Sequence[Row], what: str, style: str) -> Markup:
    total = ends[0].denominator
    old = next((row for row in ends if row.level == BEFORE), None)
    if not total:
        return sentence("At the end of the window there is no {what}", what=what)
    if old is None:
        newest = ends[-1]
        return sentence(
            "{share} of {what} at the end of the window comes from customers who joined in {level}",
            share=printed(newest.estimate / total, "percent0", newest.id),
            what=what,
            level=newest.level,
        )
    return sentence(
        "{share} of {what} at the end of the window comes from customers who were there before it",
        share=printed(old.estimate / total, "percent0", old.id),
        what=what,
    )


def _svg(rows: Sequence[Row], levels: Sequence[str], style: str, alt: str, layout: Layout) -> Markup:
    times = sorted({row.time for row in rows})
    value = {(str(row.level), row.time): row.estimate for row in rows}
    ends = {row.time: str(row.reference) for row in rows}
    stack = np.array([[value.get((level, time), 0.0) for time in times] for level in levels])
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, "font.size": layout.font, "hatch.linewidth": 0.4}):
        fig = Figure(figsize=(layout.width, layout.height))
        left = 0.62 / layout.width
        ax = fig.add_axes((left, 0.12, 1 - left - layout.names / layout.width, 0.84))
        below = np.zeros(len(times))
        middles = []
        for place in range(len(levels)):
            above = below + stack[place]
            colour = SERIES[place % len(SERIES)]
            ax.fill_between(times, below, above, facecolor=colour, edgecolor=PAPER, alpha=0.75, linewidth=0.6)
            middles.append(float((below[-1] + above[-1]) / 2))
            below = above
        top = float(max(stack.sum(axis=0).max(), 1e-9)) * 1.04
        _axes(ax, times, ends, top, style, layout)
        _labels(ax, levels, middles, top, layout)
        return inline_svg(fig, alt)


def _axes(ax: Axes, times: Sequence[float], ends: dict[float, str], top: float, style: str, layout: Layout) -> None:
    ax.set_xlim(times[0], max(times[-1], times[0] + 1e-9))
    ax.set_ylim(0, top)
    years = [time for time in times if ends[time][5:7] == "12"] or [times[-1]]
    step = max(1, -(-len(years) // layout.years))
    # The last one stays, and what is left out lies between.
    years = years[::-1][::step][::-1]
    ax.set_xticks(
        years,
        [f"Dec {ends[time][:4]}" if ends[time][5:7] == "12" else ends[time][:7] for time in years],
    )
    # The last label would run out of the picture if centred.
    for label in ax.get_xticklabels()[-1:]:
        label.set_horizontalalignment("right")
    ax.yaxis.set_major_formatter(lambda value, _: _short_amount(value, style))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.tick_params(length=3, pad=2)


def _short_amount(value: float, style: str) -> str:
    for size, name in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            symbol = format_number(0, style).replace("0", "") if style.startswith("money:") else ""
            return f"{symbol}{value / size:g}{name}"
    return format_number(value, style)


def _labels(ax: Axes, levels: Sequence[str], middles: Sequence[float], top: float, layout: Layout) -> None:
    gap = layout.font * 1.3 / (layout.height * 0.84 * 72) * top
    places = spread(list(middles), gap, 0.03 * top, 0.98 * top)
    last = ax.get_xlim()[1]
    for place, (level, at) in enumerate(zip(levels, places, strict=True)):
        ax.annotate(
            "Already there" if level == BEFORE else f"joined {level}" if layout is WIDE else level,
            xy=(last, at),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            ha="left",
            color=SERIES[place % len(SERIES)],
            fontweight="bold",
            annotation_clip=False,
        )


def _numbers(findings: Findings, levels: Sequence[str], money: bool) -> Block:
    rows = findings.where(estimand="layer_customers").rows()
    last = rows[-1].time
    began = {
        level: min((row.time for row in rows if row.level == level and row.estimate), default=last) for level in levels
    }
    shown = [
        row
        for row in rows
        if (str(row.reference)[5:7] == "12" or row.time == last) and row.time >= began[str(row.level)]
    ]
    style = money_style(findings)
    cells = []
    for row in shown:
        paid = first_row(findings, estimand="layer_mrr", level=row.level, time=row.time) if money else None
        cells.append(
            {
                "day": unbroken(str(row.reference)),
                "level": row.level,
                "n": number(row, "count"),
                "share": printed(row.estimate / row.denominator, "percent0", row.id) if row.denominator else "–",
                "mrr": number(paid, style) if paid is not None else "–",
                "part": printed(paid.estimate / paid.denominator, "percent0", paid.id)
                if paid is not None and paid.denominator
                else "–",
            }
        )
    columns = [
        Column("Day", "day"),
        Column("Sign-up", "level"),
        Column("Customers", "n", number=True),
        Column("Of all", "share", number=True),
        *([Column("Recurring revenue", "mrr", number=True), Column("Of all", "part", number=True)] if money else []),
    ]
    return table("Month ends by sign-up", columns, cells)
