"""One small panel per group, each against all customers: curves that overlap stay legible, on a phone too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whychurn.display.curves import FEWEST_AT_RISK, shortened
from whychurn.display.numbers import format_number
from whychurn.display.svg import LINE, SERIES, SOFT, STYLE, inline_svg

#: From so many days on, an axis of days is labelled in years.
DAYS_AS_YEARS = 2 * 365.25
YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant: its width and the height of a panel in inches, panels side by side, type in points."""

    width: float
    panel: float
    columns: int
    font: float
    most_counts: int


WIDE = Layout(width=7.4, panel=1.55, columns=3, font=8.5, most_counts=6)
NARROW = Layout(width=3.5, panel=1.4, columns=2, font=8.5, most_counts=4)
LEFT, RIGHT, ABOVE, BELOW, GAP = 0.42, 0.06, 0.4, 0.62, 0.16


@dataclass(frozen=True, slots=True)
class Panel:
    """One group.

    Attributes
    ----------
    name, counts : str
        What stands over the panel, and under its name.
    curve : pandas.DataFrame
        ``time``, ``estimate``, ``conf_low``, ``conf_high``, ``denominator`` (customers at risk).
    at_risk : pandas.DataFrame
        ``time``, ``estimate``: customers at risk, for the line under the panel.
    marked : bool
        Whether the page is about it.
    """

    name: str
    counts: str
    curve: pd.DataFrame
    at_risk: pd.DataFrame
    marked: bool = False


def panels_svg(
    panels: Sequence[Panel],
    everyone: pd.DataFrame,
    alt: str,
    layout: Layout,
    time_unit: str,
    top: float | None = None,
    mark_at: float | None = None,
) -> Markup:
    """Draw one panel per group on one scale, all customers in grey behind each.

    Parameters
    ----------
    panels : sequence of Panel
    everyone : pandas.DataFrame
        The curve of all customers, like :attr:`Panel.curve`.
    alt : str
        What the figure says, in words.
    layout : Layout
    time_unit : str
        Of the curves; many days are labelled as years.
    top : float, optional
        Upper end of the vertical axis, which begins at 0; 1 by default.
    mark_at : float, optional
        Time at which a point stands on each curve; its value is written in the panel's free corner.
    """
    n_rows = math.ceil(len(panels) / layout.columns)
    row_height = ABOVE + layout.panel + BELOW
    height = n_rows * row_height
    last = max(float(panel.curve["time"].max()) for panel in panels)
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, height))
        width = (layout.width - LEFT - RIGHT - (layout.columns - 1) * GAP) / layout.columns
        for place, panel in enumerate(panels):
            row, column = divmod(place, layout.columns)
            x, y = LEFT + column * (width + GAP), height - row * row_height - ABOVE - layout.panel
            ax = fig.add_axes((x / layout.width, y / height, width / layout.width, layout.panel / height))
            _curves(ax, panel, everyone, mark_at)
            _axes(ax, last, top or 1.0, column == 0, time_unit)
            _words(fig, panel, (x, y, width), (layout, height), last)
            _value(ax, panel, mark_at, layout)
        return inline_svg(fig, alt)


def nice_top(highest: float) -> float:
    """Return a round upper end for an axis of shares that holds `highest`.

    Examples
    --------
    >>> nice_top(0.33), nice_top(0.07)
    (0.4, 0.1)
    """
    steps = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
    return next((step for step in steps if highest <= step), 1.0)


def _curves(ax: Axes, panel: Panel, everyone: pd.DataFrame, mark_at: float | None) -> None:
    colour = SERIES[1] if panel.marked else SERIES[0]
    grey = _enough(everyone)
    ax.step(grey["time"], grey["estimate"], where="post", color=SOFT, linewidth=1, linestyle=(0, (3, 1.5)))
    own = _enough(panel.curve)
    ax.fill_between(own["time"], own["conf_low"], own["conf_high"], step="post", color=colour, alpha=0.16, linewidth=0)
    ax.step(own["time"], own["estimate"], where="post", color=colour, linewidth=1.7)
    at = own[own["time"] == mark_at]
    if len(at):
        time, value = float(at["time"].iloc[0]), float(at["estimate"].iloc[0])
        ax.plot([time], [value], marker="o", markersize=4, color=colour, zorder=4)


def _enough(curve: pd.DataFrame) -> pd.DataFrame:
    """Return a curve as far as enough customers are at risk."""
    known = curve[curve["estimate"].notna()]
    return known[known["denominator"] >= min(FEWEST_AT_RISK, float(known["denominator"].max() or 0))]


def _axes(ax: Axes, last: float, top: float, first: bool, time_unit: str) -> None:
    ax.set_xlim(0, last)
    ax.set_ylim(0, top * 1.005)
    ticks = np.linspace(0, top, 5 if top >= 0.4 and round(top * 100) % 4 == 0 else 3)
    style = "percent0" if all(abs(100 * tick - round(100 * tick)) < 1e-9 for tick in ticks) else "percent1"
    ax.set_yticks(ticks, [format_number(tick, style) for tick in ticks] if first else [""] * len(ticks))
    ax.set_xticks(*_time_ticks(last, time_unit))
    ax.grid(axis="y", color=LINE)
    ax.set_axisbelow(True)
    ax.tick_params(length=2.5, pad=2)


def _time_ticks(last: float, time_unit: str) -> tuple[list[float], list[str]]:
    if time_unit == "days" and last >= DAYS_AS_YEARS:
        step = 1 if last < 4.5 * YEAR else 2 if last < 9 * YEAR else 5
        years = list(range(0, int(last / YEAR + 0.02) + 1, step))
        return [min(year * YEAR, last) for year in years], [f"{year}" for year in years]
    for step in (1, 2, 5, 10, 30, 60, 90, 180, 365, 730):
        if last / step <= 5:
            break
    marks = list(np.arange(0, last + 1e-9, step))
    return marks, [f"{mark:g}" for mark in marks]


def axis_name(last: float, time_unit: str) -> str:
    """Return what the horizontal axis counts."""
    years = time_unit == "days" and last >= DAYS_AS_YEARS
    return "years as a customer" if years else f"{time_unit} as a customer"


def _value(ax: Axes, panel: Panel, mark_at: float | None, layout: Layout) -> None:
    """Write the value at the point in the corner that a falling, or a rising, curve leaves free."""
    own = _enough(panel.curve)
    at = own[own["time"] == mark_at]
    if not len(at):
        return
    falling = float(own["estimate"].iloc[0]) > 0.5
    ax.text(
        0.98 if falling else 0.03,
        0.95,
        format_number(float(at["estimate"].iloc[0]), "percent0"),
        transform=ax.transAxes,
        fontsize=layout.font + 2,
        fontweight="bold",
        color=SERIES[1] if panel.marked else SERIES[0],
        ha="right" if falling else "left",
        va="top",
    )


def _words(fig: Figure, panel: Panel, box: tuple[float, float, float], page: tuple[Layout, float], last: float) -> None:
    """Write the name over the panel and the customers at risk under it."""
    (x, y, width), (layout, height) = box, page
    colour = SERIES[1] if panel.marked else SERIES[0]
    top = y + layout.panel
    name = shortened(panel.name, width, layout.font)
    fig.text(
        x / layout.width,
        (top + 0.24) / height,
        name,
        fontsize=layout.font,
        fontweight="bold",
        color=colour,
        va="center",
    )
    fig.text(x / layout.width, (top + 0.09) / height, panel.counts, fontsize=layout.font - 1, color=SOFT, va="center")
    fig.text(x / layout.width, (y - 0.29) / height, "at risk", fontsize=layout.font - 1, color=SOFT, va="center")
    counts = panel.at_risk[panel.at_risk["time"] <= last]
    step = max(1, -(-len(counts) // layout.most_counts))
    shown = counts.iloc[::step]
    for place, (time, value) in enumerate(zip(shown["time"], shown["estimate"], strict=True)):
        across = (x + width * time / last) / layout.width
        align = "left" if not place else "right" if time > 0.93 * last else "center"
        fig.text(
            across,
            (y - 0.41) / height,
            f"{value:,.0f}",
            fontsize=layout.font - 1,
            color=SOFT,
            ha=align,
            va="center",
        )
