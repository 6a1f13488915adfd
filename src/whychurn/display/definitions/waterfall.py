"""From one rate to another in steps: a bar for each rate, and between them what each group of customers adds."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from whychurn.display.numbers import format_number
from whychurn.display.svg import INK, LINE, PAPER, SERIES, SOFT, STYLE, inline_svg


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches and points; where names stand, and after how many letters they break."""

    width: float
    row: float
    font: float
    names: float
    above: bool
    letters: int


WIDE = Layout(width=7.4, row=0.44, font=8.5, names=2.75, above=False, letters=38)
NARROW = Layout(width=3.5, row=0.66, font=8.5, names=0.12, above=True, letters=50)
#: Room beside the longest bar for what is printed there, in inches.
LABEL = 1.45
MORE, LESS = SERIES[1], SERIES[0]


@dataclass(frozen=True, slots=True)
class Step:
    """What one group adds to the rate, as a share, and what is printed beside its bar."""

    name: str
    effect: float
    label: str


def waterfall_svg(
    start: tuple[str, float], steps: Sequence[Step], end: tuple[str, float], alt: str, layout: Layout
) -> Markup:
    """Draw both rates and the steps between them.

    Parameters
    ----------
    start, end : (name, rate)
    steps : sequence of Step
        Their effects sum to the difference of the rates.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    """
    levels = [start[1]]
    for step in steps:
        levels.append(levels[-1] + step.effect)
    low, high = min(0.0, *levels, end[1]), max(0.0, *levels, end[1], 1e-4)
    n = len(steps) + 2
    foot = 0.3
    height = layout.row * n + foot + 0.06
    axis = layout.width - layout.names - 0.1
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, height))
        ax = fig.add_axes((layout.names / layout.width, foot / height, axis / layout.width, layout.row * n / height))
        ax.set_xlim(low - 0.02 * (high - low), low + (high - low) * axis / (axis - LABEL))
        ax.set_ylim(n - 0.5, -0.5)
        _bar(ax, 0, start[0], 0.0, start[1], SOFT, format_number(start[1], "percent2"), layout)
        for place, step in enumerate(steps, start=1):
            before, after = levels[place - 1], levels[place]
            _bar(ax, place, step.name, before, after, MORE if step.effect > 0 else LESS, step.label, layout)
        _bar(ax, n - 1, end[0], 0.0, end[1], SOFT, format_number(end[1], "percent2"), layout)
        for place, level in enumerate(levels):
            y = place + (0.2 if layout.above else 0.0)
            ax.plot([level, level], [y, y + 1], color=SOFT, linewidth=0.7, zorder=0)
        _axes(ax, low, high)
        return inline_svg(fig, alt)


def _bar(ax: Axes, place: int, name: str, begin: float, end: float, colour: str, label: str, layout: Layout) -> None:
    total = colour == SOFT
    at, thick = place + (0.22 if layout.above else 0.0), 0.34 if layout.above else 0.5
    ax.barh(at, end - begin, left=begin, height=thick, color=colour, alpha=0.75 if total else 0.85, linewidth=0)
    ax.annotate(
        label, xy=(max(begin, end), at), xytext=(5, 0), textcoords="offset points", ha="left", va="center", color=INK,
        fontweight="bold" if total else "normal", annotation_clip=False,
    )  # fmt: skip
    text = textwrap.fill(name, layout.letters)
    weight = "bold" if total else "normal"
    if layout.above:
        ax.text(
            0, place - 0.02, text, ha="left", va="bottom", color=INK, fontweight=weight, linespacing=1.0,
            transform=ax.get_yaxis_transform(), parse_math=False, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
    else:
        ax.annotate(
            text, xy=(0, place), xycoords=("axes fraction", "data"), xytext=(-8, 0), textcoords="offset points",
            ha="right", va="center", color=INK, fontweight=weight, annotation_clip=False, parse_math=False,
        )  # fmt: skip


def _axes(ax: Axes, low: float, high: float) -> None:
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.axvline(0.0, color=INK, linewidth=0.8)
    # No ticks where only labels stand.
    found = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)
    ax.set_xticks([tick for tick in found if low - 1e-12 <= tick <= high])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value, "percent1")))
    ax.grid(axis="x", color=LINE)
    ax.set_axisbelow(True)
    ax.tick_params(length=3, pad=2)
