"""Figures of the page on silence: the hazard as a curve of days, and the ratio at longer and longer lags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from whychurn.display.numbers import format_number
from whychurn.display.svg import INK, LINE, SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row

_TICKS = (0.1, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0)
#: Days that the axis names; the declared limits among them have a line each.
_DAYS, _LIMITS = (0, 14, 30, 60, 90), (14, 30)
_MAIN, _VOLUNTARY = SERIES[0], SERIES[1]
_DASHED, _DOTTED = (0, (5, 1.5)), (0, (1, 1.2))
#: Text, colour, dashes and width of one line of the key.
_Entry = tuple[str, str, Any, float]
#: Room at the left of a panel, in inches.
_LEFT = 0.42


@dataclass(frozen=True, slots=True)
class Layout:
    """Width of one variant in inches, type in points, and whether the clocks stand beside each other."""

    width: float
    font: float
    beside: bool


WIDE = Layout(width=7.4, font=8.5, beside=True)
NARROW = Layout(width=3.5, font=8.5, beside=False)
#: Heights in inches: a line of the key, heading of a panel, curve, gap, shares of time, axis below.
_KEY_LINE, _HEAD, _CURVE, _GAP, _TIME, _AXIS = 0.2, 0.3, 2.1, 0.1, 0.46, 0.52


@dataclass(frozen=True, slots=True)
class ClockCurves:
    """What one panel shows; each curve by day, `shares` by week of silence."""

    heading: str
    adjusted: Sequence[Row]
    unadjusted: Sequence[Row]
    voluntary: Sequence[Row]
    shares: Sequence[Row]


def curves_svg(clocks: Sequence[ClockCurves], alt: str, layout: Layout) -> Markup:
    """Draw the curves of every clock with their shares of customer-time underneath.

    Parameters
    ----------
    clocks : sequence of ClockCurves
        With an adjusted curve each.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    """
    panel = _HEAD + _CURVE + _GAP + _TIME + _AXIS
    stacked = 1 if layout.beside else len(clocks)
    lines = _key_lines(clocks, layout)
    key = 0.08 + _KEY_LINE * len(lines)
    height = key + panel * stacked
    low, high = _reach([row for clock in clocks for row in (*clock.adjusted, *clock.unadjusted, *clock.voluntary)])
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **_sizes(layout)}):
        fig = Figure(figsize=(layout.width, height))
        _key(fig, lines, layout, height)
        for place, clock in enumerate(clocks):
            column = place if layout.beside else 0
            columns = len(clocks) if layout.beside else 1
            room = layout.width / columns
            left, width = (column * room + _LEFT) / layout.width, (room - 0.6) / layout.width
            top = height - key - (0 if layout.beside else place * panel) - _HEAD
            ax = fig.add_axes((left, (top - _CURVE) / height, width, _CURVE / height))
            below = fig.add_axes((left, (top - _CURVE - _GAP - _TIME) / height, width, _TIME / height))
            fig.text(left, (top + 0.1) / height, clock.heading, color=INK, fontweight="bold", va="bottom")
            _curve_panel(ax, clock, low, high)
            _time_panel(below, clock.shares, layout)
        return inline_svg(fig, alt)


def _curve_panel(ax: Axes, clock: ClockCurves, low: float, high: float) -> None:
    ratio_axis(ax, low, high)
    for limit in _LIMITS:
        ax.axvline(limit, color=LINE, linewidth=0.9, zorder=0)
    day, ratio = _points(clock.adjusted)
    known = [row for row in clock.adjusted if row.conf_low > 0]
    ax.fill_between(
        [row.time for row in known],
        np.clip([row.conf_low for row in known], low, high),
        np.clip([row.conf_high for row in known], low, high),
        color=_MAIN,
        alpha=0.18,
        linewidth=0,
    )
    if clock.unadjusted:
        ax.plot(*_points(clock.unadjusted), color=SOFT, linewidth=1.3, linestyle=_DOTTED)
    if clock.voluntary:
        ax.plot(*_points(clock.voluntary), color=_VOLUNTARY, linewidth=1.5, linestyle=_DASHED)
    ax.plot(day, ratio, color=_MAIN, linewidth=2.0)
    ax.set_xlim(0, _DAYS[-1])
    ax.set_xticks(_DAYS, [""] * len(_DAYS))
    ax.tick_params(length=3, pad=2)


def _time_panel(ax: Axes, shares: Sequence[Row], layout: Layout) -> None:
    """Draw the share of customer-time in each week of silence; the last bar holds all that is longer."""
    starts = np.array([row.time for row in shares])
    values = np.array([row.estimate for row in shares])
    ax.bar(starts, values, width=6.2, align="edge", color=SOFT, alpha=0.55, linewidth=0)
    ax.set_xlim(0, _DAYS[-1])
    top = max(float(values.max(initial=0.0)), 0.01) * 1.55
    ax.set_ylim(0, top)
    for start, value in zip(starts[:3], values[:3], strict=True):
        text = format_number(float(value), "percent0")
        ax.text(start + 3.1, value + 0.04 * top, text, ha="center", va="bottom", color=SOFT, fontsize=layout.font - 1)
    ax.text(_DAYS[-1], 0.62 * top, "share of customer-time", ha="right", color=SOFT, fontsize=layout.font - 0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xticks(_DAYS, [*map(str, _DAYS[:-1]), f"{_DAYS[-1]}+"])
    ax.tick_params(length=3, pad=2)
    ax.set_xlabel("Days of silence", labelpad=2)


def _key_lines(clocks: Sequence[ClockCurves], layout: Layout) -> list[list[_Entry]]:
    """Return what the lines of the figure stand for, as many to a line of the key as there is room for."""
    entries: list[_Entry] = [("all leaving, adjusted, with interval", _MAIN, "-", 2.0)]
    if any(clock.voluntary for clock in clocks):
        entries.append(("voluntary only", _VOLUNTARY, _DASHED, 1.5))
    if any(clock.unadjusted for clock in clocks):
        entries.append(("all leaving, unadjusted", SOFT, _DOTTED, 1.3))
    lines: list[list[_Entry]] = [[]]
    room = layout.width - _LEFT
    for entry in entries:
        if lines[-1] and sum(_length(each, layout) for each in (*lines[-1], entry)) > room:
            lines.append([])
        lines[-1].append(entry)
    return lines


def _length(entry: _Entry, layout: Layout) -> float:
    return 0.45 + 0.0075 * layout.font * len(entry[0])


def _key(fig: Figure, lines: Sequence[Sequence[_Entry]], layout: Layout, height: float) -> None:
    """Name the lines, each behind a piece of its own."""
    for number, entries in enumerate(lines):
        x, y = _LEFT, (height - 0.12 - _KEY_LINE * number) / height
        for entry in entries:
            text, colour, dash, width = entry
            piece = Line2D([x / layout.width, (x + 0.24) / layout.width], [y, y], color=colour, linewidth=width)
            piece.set_linestyle(dash)
            fig.add_artist(piece)
            fig.text((x + 0.29) / layout.width, y, text, color=colour, va="center", ha="left")
            x += _length(entry, layout)


def lags_svg(clocks: Sequence[tuple[str, Sequence[Row]]], own: float, alt: str, layout: Layout) -> Markup:
    """Draw the ratio after long silence by how long before the row at risk silence was known.

    Parameters
    ----------
    clocks : sequence of (name, rows)
        Rows by lag, all estimated, shortest first.
    own : float
        The study's lag, in days.
    alt : str
        What the figure says, in words.
    layout : Layout
    """
    rows = [row for _, found in clocks for row in found]
    low, high = _reach(rows)
    last = max(row.time for row in rows)
    height = 2.7
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **_sizes(layout)}):
        fig = Figure(figsize=(layout.width, height))
        right = 0.9 if layout.beside else 0.12
        head = 0.12 if layout.beside else 0.3
        box = (0.45 / layout.width, 0.5 / height, 1 - (0.45 + right) / layout.width, 1 - (0.5 + head) / height)
        ax = fig.add_axes(box)
        ratio_axis(ax, low, high)
        ax.set_xlim(0, last + 4)
        if own > 0:
            ax.axvspan(0, own - 1.5, color=LINE, alpha=0.35, linewidth=0, zorder=0)
            ax.text(0.5 * (own - 1.5), np.sqrt(low * high), "not\nknown", ha="center", va="center", color=SOFT)
        for place, (name, found) in enumerate(clocks):
            colour, shift = SERIES[place % len(SERIES)], 0.8 * (place - 0.5 * (len(clocks) - 1))
            day = np.array([row.time for row in found]) + shift
            ratio = [row.estimate for row in found]
            ax.plot(day, ratio, color=colour, linewidth=1.2, linestyle=("-", _DASHED)[place % 2], alpha=0.7)
            ax.vlines(
                day, [row.conf_low for row in found], [row.conf_high for row in found], color=colour, linewidth=2.4
            )
            ax.plot(day, ratio, linestyle="none", marker="os"[place % 2], markersize=6, color=colour)
            if layout.beside:
                ax.annotate(
                    name, (day[-1], ratio[-1]), xytext=(12, 9 - 18 * place), textcoords="offset points",
                    color=colour, fontweight="bold", va="center", annotation_clip=False,
                )  # fmt: skip
            else:
                fig.text((0.45 + 1.2 * place) / layout.width, 1 - 0.14 / height, name, color=colour, fontweight="bold", va="center")  # fmt: skip
        ax.set_xticks(sorted({row.time for row in rows}))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.tick_params(length=3, pad=2)
        ax.set_xlabel("Silence as known so many days before", labelpad=3)
        return inline_svg(fig, alt)


def ratio_axis(ax: Axes, low: float, high: float) -> None:
    """Set a log scale for ratios with a line at one."""
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    while len(ticks) > 7:
        ticks = [tick for index, tick in enumerate(ticks) if index % 2 == ticks.index(1.0) % 2]
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    ax.axhline(1.0, color=SOFT, linewidth=0.9)
    ax.grid(axis="y")
    ax.set_axisbelow(True)


def _reach(rows: Sequence[Row]) -> tuple[float, float]:
    """Return limits that hold every estimate, and every interval as far as it is not absurd."""
    estimates = [row.estimate for row in rows]
    limits = [limit for row in rows for limit in (row.conf_low, row.conf_high) if limit > 0]
    low, high = min([0.9, *estimates]), max([1.5, *estimates])
    low = max(min([low, *limits]), low / 3)
    high = min(max([high, *limits]), high * 3)
    return low / 1.06, high * 1.08


def _points(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    return [row.time for row in rows], [row.estimate for row in rows]


def _sizes(layout: Layout) -> dict[str, float]:
    return dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
