"""Two shares to a row, each with its interval: what was said, and what was measured."""

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

from whychurn.display.numbers import format_number
from whychurn.display.svg import INK, SERIES, STYLE, inline_svg
from whychurn.findings import Row

COLOURS = (SERIES[0], SERIES[1])
#: The second bar is hatched, so that the two differ in grey print as well.
HATCHES = ("", "////")


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches and points; where names stand: beside their bars, or above them."""

    width: float
    row: float
    font: float
    names: float
    above: bool


WIDE = Layout(width=7.4, row=0.52, font=8.5, names=1.75, above=False)
NARROW = Layout(width=3.5, row=0.68, font=8.5, names=0.12, above=True)


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of the figure: its name and two findings (None where there is none)."""

    name: str
    first: Row | None
    second: Row | None


def paired_svg(pairs: Sequence[Pair], series: tuple[str, str], alt: str, layout: Layout) -> Markup:
    """Draw the pairs, the first on top.

    Parameters
    ----------
    pairs : sequence of Pair
        Of shares.
    series : (str, str)
        What the first and the second bar are.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    """
    known = [row for pair in pairs for row in (pair.first, pair.second) if row is not None and row.estimated]
    ends = [value for row in known for value in (row.estimate, row.conf_high) if not math.isnan(value)]
    starts = [value for row in known for value in (row.estimate, row.conf_low) if not math.isnan(value)]
    top, bottom = 1.04 * max([0.05, *ends]), 1.04 * min([0.0, *starts])
    head, foot = 0.34, 0.36
    height = head + layout.row * len(pairs) + foot
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes, "hatch.linewidth": 0.6}):
        fig = Figure(figsize=(layout.width, height))
        left = layout.names / layout.width
        ax = fig.add_axes((left, foot / height, 1 - left - 0.2 / layout.width, layout.row * len(pairs) / height))
        ax.set_xlim(max(bottom, -top), top)
        ax.set_ylim(len(pairs) - 0.5, -0.5)
        for place, pair in enumerate(pairs):
            _draw(ax, pair, place, layout)
        _axes(ax, bottom < 0)
        _legend(fig, series, left, 1 - 0.16 / height, layout)
        return inline_svg(fig, alt)


def _draw(ax: Axes, pair: Pair, place: int, layout: Layout) -> None:
    middle = place + (0.16 if layout.above else 0.0)
    thick = 0.24 if layout.above else 0.3
    for index, row in enumerate((pair.first, pair.second)):
        if row is None or not row.estimated:
            continue
        y = middle + (index - 0.5) * (thick + 0.03)
        colour = COLOURS[index]
        ax.barh(
            y, row.estimate, height=thick, facecolor="none" if HATCHES[index] else colour, edgecolor=colour,
            hatch=HATCHES[index], linewidth=0.8, alpha=0.8 if HATCHES[index] else 0.55,
        )  # fmt: skip
        if not math.isnan(row.conf_low):
            ax.plot([row.conf_low, row.conf_high], [y, y], color=INK, linewidth=1.4, solid_capstyle="butt")
    if layout.above:
        ax.text(0, place - 0.3, pair.name, ha="left", va="center", color=INK, fontweight="bold")
    else:
        ax.annotate(
            pair.name, xy=(0, place), xycoords=("axes fraction", "data"), xytext=(-8, 0), textcoords="offset points",
            ha="right", va="center", color=INK, annotation_clip=False,
        )  # fmt: skip


def _axes(ax: Axes, negative: bool) -> None:
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.axvline(0.0, color=INK, linewidth=0.8)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value, "percent0")))
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.tick_params(length=3, pad=2)
    if negative:
        ax.spines["bottom"].set_bounds(*ax.get_xlim())


def _legend(fig: Figure, series: tuple[str, str], left: float, y: float, layout: Layout) -> None:
    x = left
    for index, name in enumerate(series):
        mark = "■" if not HATCHES[index] else "▨"
        fig.text(x, y, f"{mark} {name}", color=COLOURS[index], ha="left", va="center", fontweight="bold")
        x += (0.62 * layout.font * (len(name) + 4) / 72) / layout.width


def in_words(pairs: Sequence[Pair], series: tuple[str, str]) -> str:
    """Return what the figure shows, for those who cannot see it."""
    parts = []
    for pair in pairs:
        said = [
            f"{name} {format_number(row.estimate, 'percent0')}"
            for name, row in zip(series, (pair.first, pair.second), strict=True)
            if row is not None and row.estimated
        ]
        parts.append(f"{pair.name}: {', '.join(said) if said else 'no estimate'}")
    return "; ".join(parts)
