"""One value with its interval per calendar period, against the value of all."""

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
from whychurn.display.svg import INK, PAPER, SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches and points, and how many periods are named at most where no year begins."""

    width: float
    height: float
    font: float
    left: float
    names: int


WIDE = Layout(width=7.4, height=2.7, font=8.5, left=0.5, names=8)
NARROW = Layout(width=3.5, height=2.4, font=8.5, left=0.45, names=4)
RIGHT, ABOVE, BELOW = 0.62, 0.12, 0.34


def timeline_svg(
    rows: Sequence[Row],
    overall: Row | None,
    style: str,
    alt: str,
    layout: Layout,
    across: str = "all: {}",
    other: Sequence[Row] = (),
    names: tuple[str, str] = ("", ""),
) -> Markup:
    """Draw the periods in the order of their time.

    Parameters
    ----------
    rows : sequence of Row
        ``time`` (place of the period), ``level`` (its name: "2024-03", "2024-Q1"), estimate and interval.
    overall : Row or None
        Drawn as a line across, with its value at the end.
    style : str
        Of the values, see :mod:`whychurn.display.numbers`.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    across : str
        What the line across is, with a place for its value.
    other : sequence of Row
        A second value of each period, drawn hollow.
    names : (str, str)
        What the first and the second value are, written at their ends.
    """
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, layout.height))
        wide, high = layout.width - layout.left - RIGHT, layout.height - ABOVE - BELOW
        ax = fig.add_axes(
            (layout.left / layout.width, BELOW / layout.height, wide / layout.width, high / layout.height)
        )
        both = [[row for row in each if row.estimated] for each in (rows, other)]
        for series, known in enumerate(both):
            if known:
                _draw(ax, known, layout, series)
        _axes(ax, rows, style, layout)
        if overall is not None and overall.estimated:
            ax.axhline(overall.estimate, color=SERIES[1], linewidth=1.2, linestyle=(0, (4, 2)), zorder=1)
            text = across.format(format_number(overall.estimate, style))
            ax.annotate(
                text, xy=(1, overall.estimate), xycoords=("axes fraction", "data"), xytext=(4, 0),
                textcoords="offset points", va="center", color=SERIES[1], fontweight="bold", annotation_clip=False,
            )  # fmt: skip
        if other:
            _name_ends(ax, [known[-1] for known in both if known], names, style)
        return inline_svg(fig, alt)


def in_words(rows: Sequence[Row], style: str) -> str:
    """Return what the figure shows, for those who cannot see it."""
    parts = []
    for row in rows:
        interval = f"{format_number(row.conf_low, style)} to {format_number(row.conf_high, style)}"
        said = f"{format_number(row.estimate, style)} ({interval})" if row.estimated else "no answer"
        parts.append(f"{row.level}: {said}")
    return "; ".join(parts)


def _draw(ax: Axes, known: Sequence[Row], layout: Layout, series: int = 0) -> None:
    """Draw one value of each period; the second series stands a little to the right, so that intervals can be told apart."""
    size, colour, aside = 4.0 if layout.width > 5 else 3.0, SERIES[series], 0.22 * series
    for row in known:
        if not math.isnan(row.conf_low):
            ax.plot([row.time + aside] * 2, [row.conf_low, row.conf_high], color=colour, linewidth=1.3, alpha=0.45)
    times, values = [row.time + aside for row in known], [row.estimate for row in known]
    ax.plot(times, values, color=colour, linewidth=0.8, alpha=0.7)
    ax.plot(
        times, values, color=colour, marker="s" if series else "o", markersize=size, linestyle="none", zorder=3,
        markerfacecolor=PAPER if series else colour, markeredgewidth=1.1 if series else 1.0,
    )  # fmt: skip


def _name_ends(ax: Axes, last: Sequence[Row], names: tuple[str, str], style: str) -> None:
    """Write what each series is, and its last value, at the right; apart even where the values are close."""
    low, high = ax.get_ylim()
    apart = 0.2 * (high - low)
    heights = [row.estimate for row in last]
    if len(heights) == 2 and abs(heights[0] - heights[1]) < apart:
        middle, up = sum(heights) / 2, 1 if heights[0] >= heights[1] else -1
        heights = [middle + up * apart / 2, middle - up * apart / 2]
    for series, (row, height) in enumerate(zip(last, heights, strict=True)):
        ax.annotate(
            f"{names[series]}\n{format_number(row.estimate, style)}", xy=(1, height), xycoords=("axes fraction", "data"),
            xytext=(4, 0), textcoords="offset points", va="center", color=SERIES[series], fontweight="bold",
            annotation_clip=False,
        )  # fmt: skip


def _axes(ax: Axes, rows: Sequence[Row], style: str, layout: Layout) -> None:
    names = {row.time: str(row.level) for row in rows}
    # Years begin where a name ends in -01 or -Q1; short spans have their periods named instead.
    years = [time for time, name in names.items() if name.endswith(("-01", "-Q1"))]
    if len(years) >= 2:
        first, room = min(names), (max(names) - min(names)) / (8 if layout.width > 5 else 4)
        begins = {first: names[first]} if years[0] - first > room else {}
        ticks = begins | {time: names[time][:4] for time in years}
        ax.set_xticks(list(ticks), list(ticks.values()))
    else:
        shown = list(names)[:: max(1, -(-len(names) // layout.names))]
        ax.set_xticks(shown, [names[time] for time in shown])
    ax.set_xlim(min(names) - 0.7, max(names) + 0.7)
    low, high = ax.get_ylim()
    if low < 0 < high:
        ax.axhline(0.0, color=INK, linewidth=0.8)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value, style)))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.tick_params(length=3, pad=2, color=SOFT)
