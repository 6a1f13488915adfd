"""Hazard ratios with intervals on a logarithmic scale, one or two to a row: as they are, and adjusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whychurn.display.numbers import format_number
from whychurn.display.svg import INK, PAPER, SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row

TICKS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
#: Where all intervals lie within so small a factor.
FINE_TICKS, NARROW_SPAN = (0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5), 5.0
#: Ratios beyond these are drawn at the edge.
LOWEST, HIGHEST = 0.04, 40.0
#: Colours of the series; the first is drawn hollow, so that the two differ in grey print as well.
COLOURS = (SOFT, SERIES[0])


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches and points; where names stand: beside their rows, or above them."""

    width: float
    row: float
    font: float
    names: float
    above: bool


WIDE = Layout(width=7.4, row=0.42, font=8.5, names=2.35, above=False)
NARROW = Layout(width=3.5, row=0.62, font=8.5, names=0.12, above=True)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the figure: its name, and a finding per series (None where there is none)."""

    name: str
    ratios: tuple[Row | None, ...]


def ratio_svg(lines: Sequence[Line], series: Sequence[str], alt: str, layout: Layout) -> Markup:
    """Draw the lines, the first on top.

    Parameters
    ----------
    lines : sequence of Line
    series : sequence of str
        Names of at most two series.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    """
    known = [row for line in lines for row in line.ratios if row is not None and row.estimated]
    limits = [value for row in known for value in (row.conf_low, row.conf_high, row.estimate) if value > 0]
    low = max(min([0.8, *limits]) / 1.1, LOWEST)
    high = min(max([1.25, *limits]) * 1.1, HIGHEST)
    head, foot = 0.34, 0.52
    height = head + layout.row * len(lines) + foot
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, height))
        left = layout.names / layout.width
        ax = fig.add_axes((left, foot / height, 1 - left - 0.14 / layout.width, layout.row * len(lines) / height))
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        ax.set_ylim(len(lines) - 0.5, -0.5)
        for place, line in enumerate(lines):
            _draw(ax, line, place, low, high, layout)
        _axes(ax, low, high)
        _legend(fig, series, left, 1 - 0.16 / height, layout)
        return inline_svg(fig, alt)


def _draw(ax: Axes, line: Line, place: int, low: float, high: float, layout: Layout) -> None:
    middle = place + (0.2 if layout.above else 0.0)
    step = 0.24 if len(line.ratios) > 1 else 0.0
    for index, row in enumerate(line.ratios):
        if row is None or not row.estimated:
            continue
        y = middle + step * (index - (len(line.ratios) - 1) / 2)
        colour = COLOURS[index] if len(line.ratios) > 1 else COLOURS[-1]
        hollow = len(line.ratios) > 1 and index == 0
        ends = [min(max(value, low), high) for value in (row.conf_low, row.conf_high)]
        if not math.isnan(row.conf_low):
            ax.plot(ends, [y, y], color=colour, linewidth=2, alpha=0.7, solid_capstyle="butt")
        face = "none" if hollow else colour
        at = min(max(row.estimate, low), high)
        ax.plot([at], [y], marker="o", markersize=5.5, color=colour, markerfacecolor=face, markeredgewidth=1.4)
    if layout.above:
        ground = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}
        ax.text(low, place - 0.28, line.name, ha="left", va="center", color=INK, bbox=ground)
    else:
        ax.annotate(
            line.name, xy=(0, place), xycoords=("axes fraction", "data"), xytext=(-8, 0), textcoords="offset points",
            ha="right", va="center", color=INK, annotation_clip=False,
        )  # fmt: skip


def _axes(ax: Axes, low: float, high: float) -> None:
    ax.axvline(1.0, color=SOFT, linewidth=1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ticks = FINE_TICKS if high / low < NARROW_SPAN else TICKS
    ax.set_xticks([tick for tick in ticks if low <= tick <= high])
    ax.set_xticks([], minor=True)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.tick_params(length=3, pad=2)
    ax.set_xlabel("Times as fast (logarithmic)", labelpad=2)


def _legend(fig: Figure, series: Sequence[str], left: float, y: float, layout: Layout) -> None:
    if len(series) < 2:
        return
    x = left
    for index, name in enumerate(series):
        mark = "○" if index == 0 else "●"
        fig.text(x, y, f"{mark} {name}", color=COLOURS[index], ha="left", va="center", fontweight="bold")
        x += (0.62 * layout.font * (len(name) + 5) / 72) / layout.width


def in_words(lines: Sequence[Line], series: Sequence[str]) -> str:
    """Return what the figure shows, for those who cannot see it."""
    parts = []
    for line in lines:
        said = [
            f"{name} {format_number(row.estimate, 'ratio2')} ({format_number(row.conf_low, 'ratio2')} to "
            f"{format_number(row.conf_high, 'ratio2')})"
            for name, row in zip(series, line.ratios, strict=True)
            if row is not None and row.estimated
        ]
        parts.append(f"{line.name}: {', '.join(said) if said else 'no estimate'}")
    return "; ".join(parts)
