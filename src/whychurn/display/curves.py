"""Curves of staying or of leaving over time: with intervals, labels that never overlap, customers at risk underneath."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whychurn.display.svg import SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Findings

#: A curve ends where fewer than this many customers are at risk: what follows is noise.
FEWEST_AT_RISK = 10


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant in inches, type in points, how many times the risk table shows, room for names at the ends.

    Where the room is too narrow for names at the ends of the curves, they head the rows of the risk table instead
    (``stacked``), each behind a piece of its line.
    """

    width: float
    height: float
    font: float
    times: int
    label_room: float
    stacked: bool = False

    @property
    def lines(self) -> int:
        """Lines of text per row of the risk table."""
        return 2 if self.stacked else 1


WIDE = Layout(width=7.4, height=3.5, font=8.5, times=8, label_room=0.29)
NARROW = Layout(width=3.5, height=2.7, font=8.5, times=5, label_room=0.05, stacked=True)
#: Dashes besides colour: the curves stay apart in grey print and for colour-blind readers.
DASHES = ("-", (0, (5, 1.5)), (0, (2, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (1, 1)))


def survival_svg(
    curves: Findings,
    alt: str,
    layout: Layout,
    time_unit: str,
    estimand: str = "survival",
    top: float = 1.0,
    axis: str = "",
) -> Markup:
    """Draw the curves of one term.

    Parameters
    ----------
    curves : Findings
        Rows with estimand ``survival``, or the other one named (time, estimate, interval, customers at risk as
        ``denominator``), and ``n_at_risk``.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    time_unit : str
        For the axis.
    estimand : str
        What is drawn: a share between 0 and 1.
    top : float
        Where the vertical axis ends.
    axis : str
        What the horizontal axis is called; without it, the time as a customer.
    """
    survival = curves.where(estimand=estimand).table
    at_risk = curves.where(estimand="n_at_risk").table
    levels = list(dict.fromkeys(survival["level"]))
    colours = {level: SERIES[index % len(SERIES)] for index, level in enumerate(levels)}
    table_height = 0.17 * layout.lines * len(levels) + 0.62
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, layout.height + table_height))
        total = layout.height + table_height
        left = 0.13 if layout.stacked else 0.075
        bottom = table_height / total
        ax = fig.add_axes((left, bottom, 1 - left - layout.label_room, 1 - bottom - 0.1 / total))
        last = float(survival["time"].max())
        ends = [
            _draw(ax, survival[survival["level"] == level], colours[level], index) for index, level in enumerate(levels)
        ]
        _axes(ax, last, at_risk, layout, axis or f"{time_unit.capitalize()} as a customer", top)
        if not layout.stacked:
            _end_labels(ax, levels, ends, colours, last, layout, total, top)
        _risk_table(fig, ax, at_risk, levels, colours, layout, total)
        return inline_svg(fig, alt)


def _draw(ax: Axes, curve: pd.DataFrame, colour: str, index: int) -> float:
    """Draw one curve with its ribbon as far as enough customers are at risk; return its last value."""
    enough = curve["denominator"].to_numpy() >= min(FEWEST_AT_RISK, float(curve["denominator"].max()))
    shown = curve[enough]
    time, value = shown["time"].to_numpy(), shown["estimate"].to_numpy()
    ax.fill_between(time, shown["conf_low"], shown["conf_high"], step="post", color=colour, alpha=0.16, linewidth=0)
    ax.step(time, value, where="post", color=colour, linewidth=1.6, linestyle=DASHES[index % len(DASHES)])
    return float(value[-1]) if len(value) else float("nan")


def _axes(ax: Axes, last: float, at_risk: pd.DataFrame, layout: Layout, axis: str, top: float) -> None:
    ax.set_xlim(0, last or 1.0)  # where nobody was followed for a day there is no length yet
    ax.set_ylim(0, 1.005 * top)
    ticks = np.linspace(0, top, 5)
    ax.set_yticks(ticks, [f"{100 * tick:.3g}%" for tick in ticks])
    ax.set_xticks(_thinned(at_risk, layout.times))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.tick_params(length=3, pad=2)
    ax.set_xlabel(axis, labelpad=2)


def _thinned(at_risk: pd.DataFrame, most: int) -> list[float]:
    times = sorted(set(at_risk["time"]))
    step = max(1, -(-len(times) // most))
    return times[::step]


def _end_labels(
    ax: Axes,
    levels: list[str],
    ends: list[float],
    colours: dict[str, str],
    last: float,
    layout: Layout,
    total: float,
    top: float,
) -> None:
    """Name each curve at its end, pushed apart just enough never to overlap."""
    height = ax.get_position().height * total * 72
    gap = (layout.font * 1.25) / height
    places = spread([end / top if not np.isnan(end) else 0.5 for end in ends], gap, 0.0, 1.0)
    for level, end, place in zip(levels, ends, places, strict=True):
        ax.annotate(
            shortened(level, layout.label_room * layout.width - 0.15, layout.font),
            xy=(last, end),
            xytext=(last * 1.025, place * top),
            textcoords="data",
            va="center",
            ha="left",
            color=colours[level],
            fontsize=layout.font,
            annotation_clip=False,
            fontweight="bold",
        )


def spread(values: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move values as little as needed so that neighbours are `gap` apart and all lie within the limits.

    Examples
    --------
    >>> [round(v, 2) for v in spread([0.5, 0.5], 0.1, 0, 1)]
    [0.45, 0.55]
    """
    order = np.argsort(values, kind="stable")
    # Pool-adjacent blocks: each block sits as near to its members' mean as the limits allow.
    blocks: list[list[float]] = []  # [sum of (value - rank * gap), members]
    for rank, index in enumerate(order):
        blocks.append([values[index] - rank * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, members = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += members
    base = [total / members for total, members in blocks for _ in range(int(members))]
    top = high - gap * (len(values) - 1)
    placed = [min(max(value, low), max(top, low)) + rank * gap for rank, value in enumerate(base)]
    out = [0.0] * len(values)
    for index, value in zip(order, placed, strict=True):
        out[index] = float(value)
    return out


def _risk_table(
    fig: Figure,
    ax: Axes,
    at_risk: pd.DataFrame,
    levels: list[str],
    colours: dict[str, str],
    layout: Layout,
    total: float,
) -> None:
    """Customers at risk under the axis, aligned with its ticks."""
    box = ax.get_position()
    times = _thinned(at_risk, layout.times)
    first = box.y0 - 0.48 / total
    fig.text(box.x0, first, "Customers at risk", fontsize=layout.font, color=SOFT, ha="left", va="center")
    for row, level in enumerate(levels):
        y = first - 0.17 * layout.lines * (row + 1) / total
        counts = at_risk[at_risk["level"] == level].set_index("time")["estimate"]
        for time in times:
            x = box.x0 + box.width * time / ax.get_xlim()[1]
            align = "left" if time == times[0] else "right" if layout.stacked and time == times[-1] else "center"
            text = f"{counts.get(time, 0.0):,.0f}"
            fig.text(x, y, text, fontsize=layout.font - 0.5, color=colours[level], ha=align, va="center")
        x, y = (box.x0, y + 0.17 / total) if layout.stacked else (box.x1 + 0.24 / layout.width, y)
        if layout.stacked:
            dash = Line2D(
                [x, x + 0.07], [y, y], color=colours[level], linewidth=1.6, linestyle=DASHES[row % len(DASHES)]
            )
            fig.add_artist(dash)
            x += 0.09
        weight = "bold" if layout.stacked else "normal"
        name = shortened(level, (1 - x) * layout.width, layout.font, bold=layout.stacked)
        fig.text(
            x, y, name, fontsize=layout.font - 0.5, color=colours[level], ha="left", va="center", fontweight=weight
        )


def shortened(name: str, inches: float, font: float, bold: bool = True) -> str:
    """Cut a name to what fits into so many inches of type."""
    room = max(4, int(inches * 72 / (font * (0.67 if bold else 0.58))))
    return name if len(name) <= room else name[: room - 1] + "…"
