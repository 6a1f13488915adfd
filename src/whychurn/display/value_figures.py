"""Lines over time or over a share, and dots with intervals, in money: the figures of the page on value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import matplotlib.ticker
import seaborn as sns
from markupsafe import Markup
from matplotlib.figure import Figure

from whychurn.display.curves import shortened
from whychurn.display.numbers import format_number
from whychurn.display.svg import INK, LINE, PAPER, SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row

#: Part of the width that the name of a segment may take.
HEAD = 0.75
#: Positive values that lie further apart than this many times are drawn on a scale of multiples.
WIDE_SPREAD = 10


@dataclass(frozen=True, slots=True)
class Layout:
    """Width and height in inches, type in points, ticks at most."""

    width: float
    height: float
    font: float
    ticks: int


WIDE, NARROW = Layout(7.4, 3.1, 8.5, 7), Layout(3.5, 2.9, 8.5, 4)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of findings in order of time, with its interval where they have one."""

    name: str
    rows: Sequence[Row]
    dashed: bool = False


def lines_svg(
    lines: Sequence[Line],
    alt: str,
    layout: Layout,
    money: str,
    axis: str,
    style: str = "number0",
    marks: Sequence[tuple[float, float, str]] = (),
) -> Markup:
    """Draw lines with a key above them, zero as an axis, and marked points (x, y, words)."""
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, layout.height), layout="constrained")
        ax = fig.add_subplot()
        for place, line in enumerate(lines):
            x = [row.time for row in line.rows]
            colour = SERIES[place % len(SERIES)]
            low, high = [row.conf_low for row in line.rows], [row.conf_high for row in line.rows]
            ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            dash = (0, (5, 2)) if line.dashed else "-"
            ax.plot(
                x, [row.estimate for row in line.rows], color=colour, linewidth=1.8, linestyle=dash, label=line.name
            )
        last = max(row.time for line in lines for row in line.rows)
        for at, value, words in marks:
            ax.plot([at], [value], marker="o", markersize=5, color=INK)
            # Words at a point near the right edge stand to the left of it.
            side = "right" if at > 0.75 * last else "center"
            ax.annotate(words, (at, value), xytext=(0, 7), textcoords="offset points", ha=side, fontsize=layout.font)
        ax.axhline(0, color=SOFT, linewidth=0.8)
        ax.yaxis.set_major_formatter(lambda value, _: format_number(value, money))
        ax.xaxis.set_major_formatter(lambda value, _: format_number(value, style))
        ax.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(layout.ticks, steps=[1, 2, 2.5, 3, 5, 6, 10]))
        ax.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
        ax.grid(axis="y", color=LINE)
        ax.margins(x=0.02)
        ax.set_xlabel(axis)
        if len(lines) > 1:
            fig.legend(
                loc="outside upper left", frameon=False, fontsize=layout.font, ncols=1 if layout is NARROW else 2
            )
        return inline_svg(fig, alt)


def dots_svg(groups: Sequence[tuple[str, Sequence[Row]]], alt: str, layout: Layout, money: str, middle: Row) -> Markup:
    """Draw one dot with its interval per level, under the name of what it is a level of; a line for all customers."""
    n = sum(len(rows) + 1 for _, rows in groups)
    height = 0.22 * n + 0.55
    sizes = dict.fromkeys(("font.size", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, height), layout="constrained")
        ax = fig.add_subplot()
        names: list[tuple[int, str]] = []
        heads: list[tuple[int, str]] = []
        place = 0
        for group, rows in groups:
            heads.append((place, shortened(group, HEAD * layout.width, layout.font)))
            place += 1
            for row in rows:
                ax.plot([row.conf_low, row.conf_high], [place, place], color=SERIES[0], linewidth=2)
                ax.plot([row.estimate], [place], marker="o", markersize=5, color=SERIES[0])
                names.append((place, shortened(row.level, 0.36 * layout.width, layout.font)))
                place += 1
        ax.axvline(middle.estimate, color=SOFT, linestyle=(0, (3, 2)), linewidth=1)
        ax.set_yticks([at for at, _ in names], [name for _, name in names])
        for at, head in heads:
            ax.text(
                0.01, at, head, transform=ax.get_yaxis_transform(), fontweight="bold", color=INK, va="center",
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8},
            )  # fmt: skip
        ax.set_ylim(place - 0.5, -0.7)
        ax.tick_params(axis="y", length=0)
        limits = [limit for _, rows in groups for row in rows for limit in (row.conf_low, row.conf_high)]
        if min(limits) > 0 and max(limits) > WIDE_SPREAD * min(limits):
            ax.set_xscale("log")
            ax.minorticks_off()
            ax.xaxis.set_major_locator(matplotlib.ticker.LogLocator(numticks=layout.ticks))
        else:
            ax.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(layout.ticks - 1))
        ax.xaxis.set_major_formatter(lambda value, _: format_number(value, money))
        ax.grid(axis="x", color=LINE)
        return inline_svg(fig, alt)
