"""One value with its interval per group, groups under headings, against the value of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from whychurn.display.curves import shortened
from whychurn.display.numbers import format_number
from whychurn.display.svg import INK, PAPER, SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches and points, and the room for names on the left and counts on the right."""

    width: float
    row: float
    font: float
    names: float
    counts: float


WIDE = Layout(width=7.4, row=0.215, font=8.5, names=1.75, counts=0.6)
NARROW = Layout(width=3.5, row=0.225, font=8.5, names=1.45, counts=0.46)
ABOVE, BELOW = 0.3, 0.36
#: A comparison with a smaller adjusted p stands out; so many lines are drawn at the most.
CLEAR, MOST_LINES = 0.05, 60


@dataclass(frozen=True, slots=True)
class Dot:
    """A row of the figure: a finding with ``level`` and ``denominator``, and whether it stands out from all others."""

    row: Row
    clear: bool = False


def dots_svg(
    groups: Sequence[tuple[str, Sequence[Dot]]],
    overall: Row,
    style: str,
    alt: str,
    layout: Layout,
    counted: str = "answers",
) -> Markup:
    """Draw the groups, the first on top.

    Parameters
    ----------
    groups : sequence of (str, sequence of Dot)
        Heading and rows. What stands out is drawn full, the others hollow.
    overall : Row
        Drawn as a line down the figure.
    style : str
        Of the values, see :mod:`whychurn.display.numbers`.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    counted : str
        What the counts on the right are.
    """
    n_lines = sum(len(dots) + 1 for _, dots in groups)
    height = ABOVE + layout.row * n_lines + BELOW
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, height))
        wide = layout.width - layout.names - layout.counts
        ax = fig.add_axes(
            (layout.names / layout.width, BELOW / height, wide / layout.width, layout.row * n_lines / height)
        )
        ax.set_ylim(n_lines - 0.5, -0.5)
        ax.axvline(overall.estimate, color=SERIES[1], linewidth=1.2, linestyle=(0, (4, 2)), zorder=1)
        beside(ax, 1.0, -0.75, counted, 72 * layout.counts - 3, "right", colour=SOFT)
        place = 0
        for heading, dots in groups:
            room = layout.width - layout.counts
            beside(ax, 0.0, place, shortened(heading, room, layout.font), -8 - 72 * (layout.names - 0.12), "left", True)
            for offset, dot in enumerate(dots, start=1):
                _draw(ax, dot, place + offset, layout)
            place += len(dots) + 1
        value_axis(ax, overall, style)
        return inline_svg(fig, alt)


def clear_ones(tests: Sequence[Row]) -> list[Row]:
    """Return the comparisons that are clear after adjustment, the furthest apart first."""
    return sorted((row for row in tests if row.p_adjusted < CLEAR), key=lambda row: -abs(row.estimate))


def grouped_dots(
    rows: Sequence[Row], tests: Mapping[tuple[str, str], Row], most: int = MOST_LINES
) -> list[tuple[str, list[Dot]]]:
    """Return rows under their terms as `dots_svg` draws them, the first groups up to so many lines.

    Parameters
    ----------
    rows : sequence of Row
    tests : mapping of (term, level) to Row
        Comparisons with all others, by which a row stands out.
    most : int
    """
    groups: dict[str, list[Dot]] = {}
    for row in rows:
        test = tests.get((row.term, row.level))
        groups.setdefault(str(row.term), []).append(Dot(row, test is not None and test.p_adjusted < CLEAR))
    kept: list[tuple[str, list[Dot]]] = []
    lines = 0
    for term, members in groups.items():
        lines += len(members) + 1
        if not kept or lines <= most:
            kept.append((term, members))
    return kept


def in_words(groups: Sequence[tuple[str, Sequence[Dot]]], style: str) -> str:
    """Return what the figure shows, for those who cannot see it."""
    return ". ".join(
        f"{heading}: " + "; ".join(f"{dot.row.level} {format_number(dot.row.estimate, style)}" for dot in dots)
        for heading, dots in groups
    )


def _draw(ax: Axes, dot: Dot, y: float, layout: Layout) -> None:
    row, colour = dot.row, SERIES[0]
    name = shortened(str(row.level), layout.names - 0.12, layout.font, bold=False)
    beside(ax, 0.0, y, name, -8, "right", colour=INK)
    beside(ax, 1.0, y, format_number(row.denominator, "count"), 6, "left", colour=SOFT)
    draw_dot(ax, row, y, dot.clear, colour)


def draw_dot(ax: Axes, row: Row, y: float, clear: bool, colour: str, marker: str = "o") -> None:
    """Draw one value with its interval: full where it stands out, else hollow; nothing where there is none."""
    if not row.estimated:
        return
    if not math.isnan(row.conf_low):
        ax.plot([row.conf_low, row.conf_high], [y, y], color=colour, linewidth=2, alpha=0.5, solid_capstyle="butt")
    face = colour if clear else "none"
    ax.plot([row.estimate], [y], marker=marker, markersize=4.8, color=colour, markerfacecolor=face, markeredgewidth=1.3)


def value_axis(ax: Axes, overall: Row, style: str, ticks: int = 5, colour: str = SERIES[1]) -> None:
    """Draw the axis of values, and what the line of all others stands at."""
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value, style)))
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.tick_params(length=3, pad=2)
    ax.annotate(
        f"all: {format_number(overall.estimate, style)}", xy=(overall.estimate, 1), xycoords=("data", "axes fraction"),
        xytext=(0, 3), textcoords="offset points", ha="center", va="bottom", color=colour, fontweight="bold",
        annotation_clip=False,
    )  # fmt: skip


def beside(
    ax: Axes, x: float, y: float, text: str, shift: float, align: str, bold: bool = False, colour: str = INK
) -> None:
    """Write beside the plot, at the height of a row."""
    ax.annotate(
        text, xy=(x, y), xycoords=("axes fraction", "data"), xytext=(shift, 0), textcoords="offset points",
        ha=align, va="center", color=colour, fontweight="bold" if bold else "normal", annotation_clip=False,
        parse_math=False, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8} if bold else None,
    )  # fmt: skip
