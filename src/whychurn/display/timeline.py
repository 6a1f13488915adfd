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
from whychurn.display.svg import INK, SERIES, SOFT, STYLE, inline_svg
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


def timeline_svg(rows: Sequence[Row], overall: Row | None, style: str, alt: str, layout: Layout) -> Markup:
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
    """
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, layout.height))
        wide, high = layout.width - layout.left - RIGHT, layout.height - ABOVE - BELOW
        ax = fig.add_axes(
            (layout.left / layout.width, BELOW / layout.height, wide / layout.width, high / layout.height)
        )
        _draw(ax, [row for row in rows if row.estimated], layout)
        _axes(ax, rows, style, layout)
        if overall is not None and overall.estimated:
            ax.axhline(overall.estimate, color=SERIES[1], linewidth=1.2, linestyle=(0, (4, 2)), zorder=1)
            text = f"all: {format_number(overall.estimate, style)}"
            ax.annotate(
                text, xy=(1, overall.estimate), xycoords=("axes fraction", "data"), xytext=(4, 0),
                textcoords="offset points", va="center", color=SERIES[1], fontweight="bold", annotation_clip=False,
            )  # fmt: skip
        return inline_svg(fig, alt)


def in_words(rows: Sequence[Row], style: str) -> str:
    """Return what the figure shows, for those who cannot see it."""
    parts = []
    for row in rows:
        interval = f"{format_number(row.conf_low, style)} to {format_number(row.conf_high, style)}"
        said = f"{format_number(row.estimate, style)} ({interval})" if row.estimated else "no answer"
        parts.append(f"{row.level}: {said}")
    return "; ".join(parts)


def _draw(ax: Axes, known: Sequence[Row], layout: Layout) -> None:
    size = 4.0 if layout.width > 5 else 3.0
    for row in known:
        if not math.isnan(row.conf_low):
            ax.plot([row.time] * 2, [row.conf_low, row.conf_high], color=SERIES[0], linewidth=1.3, alpha=0.45)
    times, values = [row.time for row in known], [row.estimate for row in known]
    ax.plot(times, values, color=SERIES[0], linewidth=0.8, alpha=0.7)
    ax.plot(times, values, color=SERIES[0], marker="o", markersize=size, linestyle="none", zorder=3)


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
