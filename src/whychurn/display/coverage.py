"""Small multiples by month: customers, leavers and the records of every table, with what was not recorded shaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import matplotlib
import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from whychurn.display.numbers import format_number
from whychurn.display.svg import LINE, SERIES, SOFT, STYLE, inline_svg


@dataclass(frozen=True, slots=True)
class Strip:
    """One row of the figure.

    Attributes
    ----------
    name : str
        What is counted.
    months : tuple of str
        ``2024-01``, in order and without gaps.
    values : tuple of float
        Count in each month.
    unrecorded : mapping of str to float
        Share of the month's days that were not recorded, where above zero.
    thin : tuple of str
        Months that hold suspiciously little.
    """

    name: str
    months: tuple[str, ...]
    values: tuple[float, ...]
    unrecorded: Mapping[str, float] = field(default_factory=dict)
    thin: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches, type in points, how many months are named."""

    width: float
    strip: float
    font: float
    ticks: int


WIDE = Layout(width=7.4, strip=0.62, font=8.5, ticks=9)
NARROW = Layout(width=3.5, strip=0.62, font=8.5, ticks=4)


def coverage_svg(strips: Sequence[Strip], alt: str, layout: Layout) -> Markup:
    """Draw the strips over one another on one axis of months.

    Parameters
    ----------
    strips : sequence of Strip
        All with the same months.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    """
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    below, above = 0.3, 0.24
    total = len(strips) * (layout.strip + above) + below
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, total))
        for position, strip in enumerate(strips):
            bottom = total - (position + 1) * (layout.strip + above)
            ax = fig.add_axes((0.004, bottom / total, 0.992, layout.strip / total))
            _draw(ax, strip, SERIES[0] if position < 2 else SERIES[2])
            _name(ax, strip, layout)
            _axis(ax, strip.months, layout, named=position == len(strips) - 1)
        return inline_svg(fig, alt)


WIDE_TENURE = Layout(width=7.4, strip=1.7, font=8.5, ticks=9)
NARROW_TENURE = Layout(width=3.5, strip=1.5, font=8.5, ticks=4)


def at_risk_svg(points: Sequence[tuple[float, float]], alt: str, layout: Layout) -> Markup:
    """Draw how many are at risk by time since the start, as (days, count) in order."""
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    below, above = 0.48, 0.1
    total = layout.strip + below + above
    days, counts = (np.array(values, dtype=float) for values in zip(*points, strict=True))
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, total))
        left = 0.5 / layout.width
        ax = fig.add_axes((left, below / total, 0.985 - left, layout.strip / total))
        ax.fill_between(days, counts, step="post", color=SERIES[0], alpha=0.25, linewidth=0)
        ax.step(days, counts, where="post", color=SERIES[0], linewidth=1.6)
        ax.set_xlim(0, days[-1])
        ax.set_ylim(0, 1.05 * counts.max())
        ax.xaxis.set_major_locator(MaxNLocator(layout.ticks, integer=True, steps=[1, 2, 5, 10]))
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value, "count")))
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        ax.tick_params(length=3, pad=2)
        ax.set_xlabel("Days since the start of the spell", labelpad=2)
        return inline_svg(fig, alt)


def _draw(ax: Axes, strip: Strip, colour: str) -> None:
    places = np.arange(len(strip.months))
    for place, month in enumerate(strip.months):
        share = strip.unrecorded.get(month, 0.0)
        if share > 0:
            ax.axvspan(place - 0.5, place + 0.5, color=LINE, alpha=0.35 + 0.5 * share, linewidth=0)
    ax.bar(places, strip.values, width=0.82, color=colour, alpha=0.85, linewidth=0)
    thin = [place for place, month in enumerate(strip.months) if month in strip.thin]
    if thin:
        values = np.array(strip.values)[thin]
        ax.plot(thin, values, linestyle="none", marker="v", markersize=5, color=SERIES[1], clip_on=False)
    ax.set_xlim(-0.5, len(strip.months) - 0.5)
    ax.set_ylim(0, max(1.0, 1.05 * max(strip.values, default=0.0)))


def _name(ax: Axes, strip: Strip, layout: Layout) -> None:
    top = max(strip.values, default=0.0)
    ax.text(0, 1.06, strip.name, transform=ax.transAxes, ha="left", va="bottom", fontweight="bold")
    most = f"up to {format_number(top, 'count')} a month" if top else "none in the window"
    ax.text(1, 1.06, most, transform=ax.transAxes, ha="right", va="bottom", color=SOFT)


def _axis(ax: Axes, months: Sequence[str], layout: Layout, named: bool) -> None:
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    step = max(1, -(-len(months) // layout.ticks))
    if len(months) > 6:  # whole quarters read more easily
        step = next((size for size in (1, 2, 3, 6, 12, 24, 60, 120) if size >= step), step)
    first = next((place for place, month in enumerate(months[:step]) if int(month[5:]) % step == 1 % step), 0)
    places = list(range(first, len(months), step))
    ax.set_xticks(places, [months[place] for place in places] if named else [""] * len(places))
    ax.tick_params(length=2.5, pad=2)
    if named and places:  # the outer labels stay inside the figure
        labels = ax.get_xticklabels()
        if places[0] == 0:
            labels[0].set_horizontalalignment("left")
        if places[-1] >= len(months) - 2:
            labels[-1].set_horizontalalignment("right")
