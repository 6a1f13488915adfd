"""Figures of the page on modules: each module alone and all else equal, and how leaving falls with use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from whychurn.display.forest import TICKS
from whychurn.display.svg import INK, LINE, PAPER, SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row

#: Ratios between these are too small to matter; the verdicts go by the same limits.
SMALL = (0.8, 1.25)
CLEAR = ("protective", "risky")
_MORE_TICKS = sorted({*TICKS, 0.3, 0.7, 1.5, 3.0})


@dataclass(frozen=True, slots=True)
class Layout:
    """Width of one variant in inches, type in points, room for names at the left and verdicts at the right in inches."""

    width: float
    font: float
    left: float
    right: float


WIDE = Layout(width=7.4, font=8.5, left=1.25, right=1.05)
NARROW = Layout(width=3.5, font=8.5, left=0.95, right=0.1)
#: Height of a module, of what stands above the first one, and of the axis, in inches.
_ROW, _TOP, _AXIS = 0.36, 0.3, 0.5


def colour(verdict: str) -> str:
    """Return the colour of a verdict; the word beside it says the same."""
    return SERIES[1] if verdict == "risky" else SERIES[0]


def module_forest_svg(pairs: Sequence[tuple[Row, Row | None]], alt: str, layout: Layout) -> Markup:
    """Draw for each module the ratio with all else equal in colour, and the one of the module alone in grey above it.

    Parameters
    ----------
    pairs
        All else equal and alone (None where it was not estimated), from the top.
    alt : str
        What the figure says, in words.
    layout : Layout
    """
    height = _ROW * len(pairs) + _TOP + _AXIS
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **_sizes(layout)}):
        fig = Figure(figsize=(layout.width, height))
        room = layout.width - layout.left - layout.right
        box = (layout.left / layout.width, _AXIS / height, room / layout.width, 1 - (_AXIS + _TOP) / height)
        ax = fig.add_axes(box)
        _ratio_axis(ax, [row for pair in pairs for row in pair if row is not None], across=True)
        ax.set_ylim(len(pairs) - 0.5, -0.5)
        for place, (equal, alone) in enumerate(pairs):
            if alone is not None and alone.estimated:
                _interval(ax, alone, place - 0.17, SOFT, filled=True, size=4.0, width=1.6)
            if equal.estimated:
                shade = colour(equal.grade)
                _interval(ax, equal, place + 0.14, shade, filled=equal.grade in CLEAR, size=6.0, width=2.6)
            if layout.right > 0.5:
                weight = "bold" if equal.grade in CLEAR else "normal"
                ink = colour(equal.grade) if equal.grade in CLEAR else SOFT
                ax.text(
                    1.03, place, equal.grade, transform=ax.get_yaxis_transform(), va="center", color=ink, weight=weight
                )
        ax.set_yticks(range(len(pairs)), [shortened(pair[0].term, layout) for pair in pairs])
        ax.tick_params(axis="y", length=0, labelcolor=INK)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("Times as fast as without the module", labelpad=3)
        _key(fig, layout, height)
        return inline_svg(fig, alt)


def _key(fig: Figure, layout: Layout, height: float) -> None:
    """Say above the first module what grey and colour stand for."""
    y = 1 - 0.5 * _TOP / height
    x = 0.01 if layout.right < 0.5 else layout.left / layout.width
    for text, shade in (("alone", SOFT), ("all else equal", SERIES[0])):
        fig.text(x, y, "●", color=shade, va="center", ha="left", fontsize=layout.font)
        fig.text(x + 0.14 / layout.width, y, text, color=shade, va="center", ha="left", fontweight="bold")
        x += (0.14 + 0.09 * len(text) + 0.12) / layout.width
    fig.text(x, y, "○ not clear", color=SERIES[0], va="center", ha="left")


def dose_svg(rows: Sequence[Row], reference: str, alt: str, layout: Layout, window: str) -> Markup:
    """Draw the ratio in each band of use against no use.

    Parameters
    ----------
    rows : sequence of Row
        From the lowest band; all estimated.
    reference : str
        The band they are compared with, drawn at one.
    alt : str
        What the figure says, in words.
    layout : Layout
    window : str
        What the bands count, for the axis.
    """
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **_sizes(layout)}):
        fig = Figure(figsize=(layout.width, 2.5))
        left = 0.62 / layout.width
        ax = fig.add_axes((left, 0.2, 1 - left - 0.12 / layout.width, 0.74))
        _ratio_axis(ax, rows, across=False)
        places = np.arange(1, len(rows) + 1)
        ax.plot([0, *places], [1.0, *(row.estimate for row in rows)], color=SERIES[0], linewidth=1, alpha=0.5)
        for place, row in zip(places, rows, strict=True):
            ax.vlines(place, row.conf_low, row.conf_high, color=SERIES[0], linewidth=2.6)
            ax.plot(place, row.estimate, "o", color=SERIES[0], markersize=7)
        ax.plot(0, 1.0, "s", color=SOFT, markersize=6)
        ax.set_xlim(-0.5, len(rows) + 0.5)
        ax.set_xticks([0, *places], [reference, *(row.level for row in rows)])
        ax.set_xlabel(window, labelpad=3)
        ax.set_ylabel("Times as fast as none", labelpad=2)
        return inline_svg(fig, alt)


def _sizes(layout: Layout) -> dict[str, float]:
    return dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)


def _interval(ax: Axes, row: Row, y: float, shade: str, *, filled: bool, size: float, width: float) -> None:
    ax.hlines(y, row.conf_low, row.conf_high, color=shade, linewidth=width)
    fill = shade if filled else PAPER
    ax.plot(row.estimate, y, "o", markersize=size, markerfacecolor=fill, markeredgecolor=shade, markeredgewidth=1.4)


def _ratio_axis(ax: Axes, rows: Sequence[Row], *, across: bool) -> None:
    """Set a log scale wide enough for every interval, with the band of ratios too small to matter behind it."""
    known = [row for row in rows if row.estimated]
    low = min([0.75, *(row.conf_low for row in known)]) / 1.06
    high = max([1.35, *(row.conf_high for row in known)]) * 1.06
    low, high = max(low, 0.02), min(high, 50.0)
    ticks = [tick for tick in _MORE_TICKS if low <= tick <= high]
    while len(ticks) > 7:
        ticks = [tick for index, tick in enumerate(ticks) if index % 2 == ticks.index(1.0) % 2]
    axis = ax.xaxis if across else ax.yaxis
    (ax.set_xscale if across else ax.set_yscale)("log")
    (ax.set_xlim if across else ax.set_ylim)(low, high)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    (ax.axvspan if across else ax.axhspan)(*SMALL, color=LINE, alpha=0.45, linewidth=0, zorder=0)
    (ax.axvline if across else ax.axhline)(1.0, color=SOFT, linewidth=0.9)
    ax.tick_params(length=3, pad=3)
    ax.set_axisbelow(True)


def shortened(name: str, layout: Layout) -> str:
    """Cut a name to what fits at the left of a figure."""
    room = max(4, int((layout.left - 0.12) * 72 / (layout.font * 0.58)))
    return name if len(name) <= room else name[: room - 1] + "…"


def is_drawable(row: Row) -> bool:
    """Whether a row has all that a mark needs."""
    return bool(row.estimated and not math.isnan(row.conf_low) and not math.isnan(row.conf_high))
