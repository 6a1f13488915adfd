"""Curves of the share of new customers that have used each module by so many days since they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import seaborn as sns
from markupsafe import Markup
from matplotlib.figure import Figure

from whychurn.display.curves import DASHES, spread
from whychurn.display.feature_figures import Layout, shortened
from whychurn.display.numbers import format_number
from whychurn.display.svg import SERIES, SOFT, STYLE, inline_svg
from whychurn.findings import Row

WIDE = Layout(width=7.4, font=8.5, left=1.35, right=0.1)
NARROW = Layout(width=3.5, font=8.0, left=1.05, right=0.1)
_HEIGHT = 3.3


def first_use_svg(curves: Mapping[str, Sequence[Row]], alt: str, layout: Layout) -> Markup:
    """Draw one curve per module, named at its end.

    Parameters
    ----------
    curves : Mapping of str to sequence of Row
        Module -> cumulative shares in the order of time.
    alt : str
        What the figure says, in words.
    layout : Layout
        Its ``left`` is the room for names, which stand at the right here.
    """
    last = max(row.time for rows in curves.values() for row in rows)
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), layout.font)
    with sns.axes_style("ticks"), matplotlib.rc_context({**STYLE, **sizes}):
        fig = Figure(figsize=(layout.width, _HEIGHT))
        left, bottom = 0.45 / layout.width, 0.5 / _HEIGHT
        ax = fig.add_axes((left, bottom, 1 - left - layout.left / layout.width, 1 - bottom - 0.1 / _HEIGHT))
        ends = []
        for place, rows in enumerate(curves.values()):
            shade = SERIES[place % len(SERIES)]
            times = [0.0, *(row.time for row in rows)]
            ax.fill_between(
                times,
                [0.0, *(row.conf_low for row in rows)],
                [0.0, *(row.conf_high for row in rows)],
                step="post",
                color=shade,
                alpha=0.13,
                linewidth=0,
            )
            line = DASHES[place % len(DASHES)]
            ax.step(
                times, [0.0, *(row.estimate for row in rows)], where="post", color=shade, linewidth=1.6, linestyle=line
            )
            ends.append(rows[-1].estimate)
        top = min(1.0, 1.15 * max([*ends, 0.05]))
        ax.set_xlim(0, last)
        ax.set_ylim(0, top)
        ax.yaxis.set_major_formatter(lambda value, _: format_number(value, "percent0"))
        ax.set_xticks(list(range(0, int(last) + 1, 30)))
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        ax.tick_params(length=3, pad=2)
        ax.set_xlabel("Days since the customer came", labelpad=2, color=SOFT)
        gap = layout.font * 1.25 * top / ((1 - bottom) * _HEIGHT * 72)
        for place, (name, at) in enumerate(zip(curves, spread(ends, gap, 0.0, top), strict=True)):
            ax.annotate(
                shortened(name, layout),
                xy=(last, at),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                ha="left",
                color=SERIES[place % len(SERIES)],
                fontweight="bold",
                annotation_clip=False,
            )
        return inline_svg(fig, alt)
