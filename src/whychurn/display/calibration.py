"""The calibration figure: observed against predicted risk, with the line on which they are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from whychurn.display.numbers import format_number
from whychurn.display.svg import SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches, type in points."""

    width: float
    height: float
    font: float
    ticks: int


WIDE = Layout(width=7.4, height=4.0, font=8.5, ticks=8)
NARROW = Layout(width=3.5, height=3.3, font=8.5, ticks=5)


def calibration_svg(pairs: Sequence[tuple[Row, Row]], alt: str, layout: Layout) -> Markup:
    """Draw bands of predicted risk.

    Parameters
    ----------
    pairs
        Mean predicted and observed risk of each band, lowest first; all estimated.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    """
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    x = np.array([predicted.estimate for predicted, _ in pairs])
    y, low, high = (
        np.array([getattr(row, name) for _, row in pairs]) for name in ("estimate", "conf_low", "conf_high")
    )
    top = 1.1 * float(np.nanmax(np.concatenate([x, y, high, [0.02]])))
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, layout.height))
        left, bottom = 0.56 / layout.width, 0.5 / layout.height
        ax = fig.add_axes((left, bottom, 1 - left - 0.12 / layout.width, 1 - bottom - 0.12 / layout.height))
        ax.plot([0, top], [0, top], color=SOFT, linewidth=1, linestyle=(0, (4, 2)))
        known = ~np.isnan(low)
        ax.vlines(x[known], low[known], high[known], color=SERIES[0], linewidth=2.2, alpha=0.55)
        ax.plot(x, y, linestyle="none", marker="o", markersize=6, color=SERIES[0], clip_on=False, zorder=3)
        _axes(ax, top, layout)
        _labels(ax, x, pairs[-1], top, layout)
        return inline_svg(fig, alt)


def _axes(ax: Axes, top: float, layout: Layout) -> None:
    ax.set_xlim(0, top)
    ax.set_ylim(0, top)
    digits = "percent0" if top > 0.04 else "percent1"
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(layout.ticks, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value, digits)))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.tick_params(length=3, pad=2)
    ax.set_xlabel("Predicted risk of leaving in time", labelpad=3)
    ax.set_ylabel("Observed", labelpad=3)


def _labels(ax: Axes, x: np.ndarray, riskiest: tuple[Row, Row], top: float, layout: Layout) -> None:
    """Name the line of agreement where it is freest, its two sides, and the riskiest band."""
    predicted, observed = riskiest
    stops = np.concatenate([[0.0], np.sort(x), [top]])
    widest = int(np.argmax(np.diff(stops)))
    middle = float(stops[widest : widest + 2].mean())
    box = ax.get_position()
    slope = np.arctan2(box.height * layout.height, box.width * layout.width)
    away = 0.75 * layout.font
    ax.annotate(
        "as predicted",
        xy=(middle, middle),
        xytext=(away * np.sin(slope), -away * np.cos(slope)),
        textcoords="offset points",
        rotation=np.degrees(slope),
        ha="center",
        va="center",
        color=SOFT,
    )
    ax.text(0.03 * top, 0.8 * top, "more left than predicted", color=SOFT, va="center")
    ax.text(0.98 * top, 0.05 * top, "fewer left than predicted", color=SOFT, ha="right", va="center")
    ax.annotate(
        f"riskiest {str(observed.term).partition(' ')[0].lower()}",
        xy=(predicted.estimate, np.nanmax([observed.estimate, observed.conf_high])),
        xytext=(4, 6),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=SERIES[0],
        fontweight="bold",
    )
