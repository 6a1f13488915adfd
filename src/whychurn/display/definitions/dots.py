"""Rates as dots with intervals on one scale, under headings; the house's own in its colour, with a line through all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from whychurn.display.blocks import Block, figure
from whychurn.display.blocks import say as sentence
from whychurn.display.definitions.found import BASE, MONTH, MONTHS, NET, ends, families, house, nothing, rates
from whychurn.display.definitions.summary import definitions_left_out
from whychurn.display.numbers import format_number
from whychurn.display.svg import INK, PAPER, SERIES, SOFT, STYLE, inline_svg
from whychurn.display.wording import number
from whychurn.findings import Findings, Row


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches and points; where names stand: beside their rows, or above them."""

    width: float
    row: float
    font: float
    names: float
    above: bool


WIDE = Layout(width=7.4, row=0.25, font=8.5, names=2.5, above=False)
NARROW = Layout(width=3.5, row=0.38, font=8.5, names=0.12, above=True)
#: Room for the printed rates to the right, in inches.
VALUES = 0.56
OWN, OTHER = SERIES[1], SERIES[0]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the figure: a heading (without rates), or a rate of the month and its mean over months."""

    name: str
    month: Row | None = None
    mean: Row | None = None
    own: bool = False


def definitions_figure(findings: Findings) -> Block:
    """Return every rate that can be drawn on one scale: all but those per customer won."""
    if nothing(findings) or not house(findings).estimated:
        return Block(Markup(""))
    shown = [row for row in rates(findings, MONTH, BASE, NET) if row.estimated]
    means = {row.term: row for row in rates(findings, MONTHS)}
    own = house(findings)
    lines: list[Line] = []
    for heading, rows in families(shown).items():
        lines.append(Line(heading))
        lines += [Line(_name(row, own), row, means.get(row.term), row.term == own.term) for row in rows]
    mean = means[own.term]
    alt = f"Churn in {own.reference} by definition, and the mean of {format_number(mean.df, 'count')} months. {_in_words(lines)}."
    legend = (f"● {own.reference}", f"○ mean of {format_number(mean.df, 'count')} months")
    wide, narrow = (dots_svg(lines, legend, own, alt, layout) for layout in (WIDE, NARROW))
    low, high = ends([row for row in shown if row.grade == BASE])
    if low.estimate == high.estimate:
        caption = sentence("Every definition gives {own} for {month}", own=number(own, "percent2"), month=own.reference)
    else:
        caption = sentence(
            "From {low} to {high}: churn in {month} by definition; the line is yours, {own}",
            low=number(low, "percent2"),
            high=number(high, "percent2"),
            month=own.reference,
            own=number(own, "percent2"),
        )
    return figure(wide, narrow, caption, definitions_left_out(findings))


def dots_svg(lines: Sequence[Line], legend: tuple[str, str], own: Row, alt: str, layout: Layout) -> Markup:
    """Draw the lines, the first on top.

    Parameters
    ----------
    lines : sequence of Line
    legend : tuple of str
        What the filled and the hollow dots are.
    own : Row
        The rate whose line goes through all.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    """
    low, high = _reach(lines)
    head, foot = 0.34, 0.3
    height = head + layout.row * len(lines) + foot
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, height))
        left = layout.names / layout.width
        ax = fig.add_axes((left, foot / height, 1 - left - VALUES / layout.width, layout.row * len(lines) / height))
        ax.set_xlim(low, high)
        ax.set_ylim(len(lines) - 0.5, -0.5)
        ax.axvline(own.estimate, color=OWN, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        for place, line in enumerate(lines):
            _draw(ax, line, place, layout)
        _axes(ax, low)
        gap = 0.62 * layout.font * (len(legend[0]) + 4) / 72
        start = 0.12 if layout.above else layout.names
        for index, text in enumerate(legend):
            colour = OTHER if index == 0 else SOFT
            x = (start + index * gap) / layout.width
            fig.text(x, 1 - 0.15 / height, text, color=colour, ha="left", va="center", fontweight="bold")
        return inline_svg(fig, alt)


def _draw(ax: Axes, line: Line, place: int, layout: Layout) -> None:
    colour = OWN if line.own else OTHER
    at = place + (0.24 if layout.above else 0.0)
    weight = "bold" if line.own or line.month is None else "normal"
    if layout.above or line.month is None:
        ground = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8}
        up = 0.0 if line.month is None else -0.2
        across = 0.0 if layout.above else -layout.names / (layout.width - layout.names - VALUES)
        ax.text(
            across, place + up, line.name, ha="left", va="center", color=INK, fontweight=weight, bbox=ground,
            transform=ax.get_yaxis_transform(), parse_math=False,
        )  # fmt: skip
    else:
        ax.annotate(
            line.name, xy=(0, place), xycoords=("axes fraction", "data"), xytext=(-8, 0), textcoords="offset points",
            ha="right", va="center", color=INK, fontweight=weight, annotation_clip=False, parse_math=False,
        )  # fmt: skip
    if line.month is None:
        return
    if not math.isnan(line.month.conf_low):
        ends_ = [line.month.conf_low, line.month.conf_high]
        ax.plot(ends_, [at, at], color=colour, linewidth=2, alpha=0.6, solid_capstyle="butt")
    if line.mean is not None and line.mean.estimated:
        ax.plot([line.mean.estimate], [at], marker="o", markersize=5.5, color=SOFT, markerfacecolor=PAPER)
    ax.plot([line.month.estimate], [at], marker="o", markersize=5.5, color=colour)
    ax.annotate(
        format_number(line.month.estimate, "percent2"), xy=(1, at), xycoords=("axes fraction", "data"), xytext=(6, 0),
        textcoords="offset points", ha="left", va="center", color=INK, fontweight=weight, annotation_clip=False,
    )  # fmt: skip


def _reach(lines: Sequence[Line]) -> tuple[float, float]:
    values = [0.0]
    for line in lines:
        for row in (line.month, line.mean):
            if row is not None and row.estimated:
                values += [value for value in (row.estimate, row.conf_low, row.conf_high) if not math.isnan(value)]
    low, high = min(values), max([*values, 0.001])
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def _axes(ax: Axes, low: float) -> None:
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    if low < -0.001:
        ax.axvline(0.0, color=SOFT, linewidth=0.8)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value, "percent1")))
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.tick_params(length=3, pad=2)


def _name(row: Row, own: Row) -> str:
    return f"{row.term} (yours)" if row.term == own.term else str(row.term)


def _in_words(lines: Sequence[Line]) -> str:
    parts = []
    for line in lines:
        if line.month is not None:
            mean = f" (mean {format_number(line.mean.estimate, 'percent2')})" if line.mean is not None else ""
            parts.append(f"{line.name}: {format_number(line.month.estimate, 'percent2')}{mean}")
    return "; ".join(parts)
