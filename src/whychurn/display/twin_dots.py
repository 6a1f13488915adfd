"""Two values of each group in two panels beside one another, groups under headings, each against the value of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whychurn.display.curves import shortened
from whychurn.display.dots import ABOVE, BELOW, Dot, beside, draw_dot, value_axis
from whychurn.display.numbers import format_number
from whychurn.display.svg import INK, SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches and points; room for names, for counts, between the panels, and how many ticks each has."""

    width: float
    row: float
    font: float
    names: float
    counts: float
    between: float
    ticks: int


WIDE = Layout(width=7.4, row=0.215, font=8.5, names=1.75, counts=0.6, between=0.3, ticks=4)
NARROW = Layout(width=3.5, row=0.225, font=8.0, names=1.28, counts=0.36, between=0.28, ticks=2)
COLOURS, MARKERS = (SERIES[0], SERIES[1]), ("o", "s")
TITLES = 0.2


@dataclass(frozen=True, slots=True)
class Twin:
    """A row of the figure: its name, how many there are, and a value for either panel (None where there is none)."""

    name: str
    count: float
    first: Dot
    second: Dot | None


def twin_dots_svg(
    groups: Sequence[tuple[str, Sequence[Twin]]],
    overall: tuple[Row, Row],
    panels: tuple[str, str],
    style: str,
    alt: str,
    layout: Layout,
    counted: str,
) -> Markup:
    """Draw the groups, the first on top.

    Parameters
    ----------
    groups : sequence of (str, sequence of Twin)
        Heading and rows. What stands out is drawn full, the others hollow.
    overall : (Row, Row)
        Drawn as a line down either panel.
    panels : (str, str)
        What either panel shows.
    style : str
        Of the values, see :mod:`whychurn.display.numbers`.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    counted : str
        What the counts on the right are.
    """
    n_lines = sum(len(twins) + 1 for _, twins in groups)
    height = TITLES + ABOVE + layout.row * n_lines + BELOW
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, height))
        wide = (layout.width - layout.names - layout.counts - layout.between) / 2
        ends = _ends(groups, overall)
        for place in (0, 1):
            left = layout.names + place * (wide + layout.between)
            size = (left / layout.width, BELOW / height, wide / layout.width, layout.row * n_lines / height)
            ax = _panel(fig, size, groups, overall[place], place, style, layout, counted)
            ax.set_xlim(*ends)
            fig.text(
                (left + wide / 2) / layout.width, 1 - TITLES / 2 / height, panels[place], color=COLOURS[place], ha="center",
                va="center", fontweight="bold",
            )  # fmt: skip
        return inline_svg(fig, alt)


def _ends(groups: Sequence[tuple[str, Sequence[Twin]]], overall: tuple[Row, Row]) -> tuple[float, float]:
    """Return one scale for both panels, from 0, so that the eye may go from one to the other."""
    rows = [dot.row for _, twins in groups for twin in twins for dot in (twin.first, twin.second) if dot is not None]
    values = [value for row in (*rows, *overall) for value in (row.estimate, row.conf_low, row.conf_high)]
    known = [value for value in values if not math.isnan(value)]
    low, high = min(0.0, *known), max(known)
    return low - 0.02 * (high - low), high + 0.03 * (high - low)


def in_words(groups: Sequence[tuple[str, Sequence[Twin]]], style: str) -> str:
    """Return what the figure shows, for those who cannot see it."""
    return ". ".join(f"{heading}: " + "; ".join(_said(twin, style) for twin in twins) for heading, twins in groups)


def _said(twin: Twin, style: str) -> str:
    first = format_number(twin.first.row.estimate, style)
    second = format_number(twin.second.row.estimate, style) if twin.second is not None else "none"
    return f"{twin.name} {first} and {second}"


def _panel(
    fig: Figure, size: tuple[float, float, float, float], groups: Sequence[tuple[str, Sequence[Twin]]], overall: Row, place: int,
    style: str, layout: Layout, counted: str,
) -> Axes:  # fmt: skip
    """Draw one panel; names stand to the left of the first, counts to the right of the second."""
    ax = fig.add_axes(size)
    ax.set_ylim(sum(len(twins) + 1 for _, twins in groups) - 0.5, -0.5)
    ax.axvline(overall.estimate, color=SOFT, linewidth=1.1, linestyle=(0, (4, 2)), zorder=1)
    y, room = 0, layout.names + size[2] * layout.width
    for heading, twins in groups:
        if place == 0:
            beside(
                ax,
                0.0,
                y,
                shortened(heading, room, layout.font),
                -8 - 72 * (layout.names - 0.12),
                "left",
                True,
            )
        for offset, twin in enumerate(twins, start=1):
            if place == 0:
                name = shortened(twin.name, layout.names - 0.12, layout.font, bold=False)
                beside(ax, 0.0, y + offset, name, -8, "right", colour=INK)
            else:
                beside(ax, 1.0, y + offset, format_number(twin.count, "count"), 6, "left", colour=SOFT)
            dot = (twin.first, twin.second)[place]
            if dot is not None:
                draw_dot(ax, dot.row, y + offset, dot.clear, COLOURS[place], MARKERS[place])
        y += len(twins) + 1
    value_axis(ax, overall, style, layout.ticks, SOFT)
    if place == 1:
        beside(ax, 1.0, -0.75, counted, 72 * layout.counts - 3, "right", colour=SOFT)
    return ax
