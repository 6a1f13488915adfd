"""Two scores to a row, with intervals: as answered (hollow) and weighted (full)."""

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

from whychurn.display.curves import shortened
from whychurn.display.numbers import format_number
from whychurn.display.svg import INK, SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row

COLOURS, NAMES = (SOFT, SERIES[0]), ("○ as answered", "● weighted")


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches and points, and the room for names."""

    width: float
    row: float
    font: float
    names: float


WIDE = Layout(width=7.4, row=0.34, font=8.5, names=1.75)
NARROW = Layout(width=3.5, row=0.34, font=8.5, names=1.2)
ABOVE, BELOW = 0.34, 0.4


@dataclass(frozen=True, slots=True)
class ScorePair:
    """A row of the figure: its name, and the score as answered and weighted."""

    name: str
    raw: Row
    weighted: Row


def score_pairs_svg(pairs: Sequence[ScorePair], alt: str, layout: Layout) -> Markup:
    """Draw the pairs, the first (of all) on top and bold.

    Parameters
    ----------
    pairs : sequence of ScorePair
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    """
    height = ABOVE + layout.row * len(pairs) + BELOW
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, height))
        left = layout.names / layout.width
        ax = fig.add_axes((left, BELOW / height, 1 - left - 0.12 / layout.width, layout.row * len(pairs) / height))
        ax.set_ylim(len(pairs) - 0.5, -0.5)
        for place, pair in enumerate(pairs):
            name = shortened(pair.name, layout.names - 0.12, layout.font)
            ax.annotate(
                name, xy=(0, place), xycoords=("axes fraction", "data"), xytext=(-8, 0), textcoords="offset points",
                ha="right", va="center", color=INK, fontweight="normal" if place else "bold", annotation_clip=False,
                parse_math=False,
            )  # fmt: skip
            for index, row in enumerate((pair.raw, pair.weighted)):
                _draw(ax, row, place + 0.2 * (index - 0.5), index)
        _axes(ax)
        x = left
        for name, colour in zip(NAMES, COLOURS, strict=True):
            fig.text(x, 1 - 0.16 / height, name, color=colour, ha="left", va="center", fontweight="bold")
            x += 0.62 * layout.font * (len(name) + 2) / 72 / layout.width
        return inline_svg(fig, alt)


def _draw(ax: Axes, row: Row, y: float, index: int) -> None:
    if not row.estimated:
        return
    colour = COLOURS[index]
    if not math.isnan(row.conf_low):
        ax.plot([row.conf_low, row.conf_high], [y, y], color=colour, linewidth=2, alpha=0.6, solid_capstyle="butt")
    face = colour if index else "none"
    ax.plot([row.estimate], [y], marker="o", markersize=5, color=colour, markerfacecolor=face, markeredgewidth=1.3)


def _axes(ax: Axes) -> None:
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    low, high = ax.get_xlim()
    if low < 0 < high:
        ax.axvline(0.0, color=SOFT, linewidth=1)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value, "nps")))
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.tick_params(length=3, pad=2)
    ax.set_xlabel("Net Promoter Score", labelpad=2)


def in_words(pairs: Sequence[ScorePair]) -> str:
    """Return what the figure shows, for those who cannot see it."""
    return "; ".join(
        f"{pair.name}: {format_number(pair.raw.estimate, 'nps')} as answered, {format_number(pair.weighted.estimate, 'nps')} weighted"
        for pair in pairs
    )
