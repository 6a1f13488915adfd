"""One row of a forest plot: a small picture that sits in a table cell and shrinks with it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from whychurn.display.blocks import say
from whychurn.display.numbers import format_number
from whychurn.findings import Row

WIDTH, HEIGHT = 300.0, 24.0
FALLBACK = {"soft": "#57606a", "c1": "#0072b2", "c2": "#b3470a", "c3": "#00664b"}
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """A log scale for ratios, wide enough for every interval drawn on it."""

    low: float
    high: float

    @classmethod
    def around(cls, rows: Iterable[Row]) -> Scale:
        """Return the scale that holds every interval; beyond a factor of 100 marks are cut at the edge."""
        limits = [limit for row in rows for limit in (row.conf_low, row.conf_high, row.estimate) if limit > 0]
        low, high = min([0.8, *limits]), max([1.25, *limits])
        return cls(max(low, 0.01) / 1.12, min(high, 100.0) * 1.12)

    def x(self, value: float) -> float:
        """Return the horizontal place of a ratio."""
        inside = min(max(value, self.low), self.high)
        return WIDTH * math.log(inside / self.low) / math.log(self.high / self.low)


def mark(row: Row, scale: Scale, css: str = "c1") -> Markup:
    """Return the picture of one ratio with its interval, described in words."""
    one = scale.x(1.0)
    axis = say(
        '<line x1="{x}" x2="{x}" y1="0" y2="{h}" stroke="var(--soft,#57606a)" stroke-width="1"/>',
        x=f"{one:.1f}",
        h=f"{HEIGHT:g}",
    )
    if not row.estimated:
        return _svg(axis, "No estimate")
    label = (
        f"{format_number(row.estimate, 'ratio2')}, interval {format_number(row.conf_low, 'ratio2')} "
        f"to {format_number(row.conf_high, 'ratio2')}"
    )
    middle = f"{HEIGHT / 2:g}"
    inner = say(
        '<line x1="{low}" x2="{high}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3"/>'
        '<circle cx="{at}" cy="{y}" r="5" fill="{colour}"/>',
        low=f"{scale.x(row.conf_low):.1f}",
        high=f"{scale.x(row.conf_high):.1f}",
        at=f"{scale.x(row.estimate):.1f}",
        y=middle,
        colour=colour_of(css),
    )
    return _svg(axis + inner, label)


def colour_of(role: str) -> str:
    """Return a colour by role as the page defines it, with a value for where there is no page, as in JupyterLab."""
    return f"var(--{role},{FALLBACK[role]})"


def axis(scale: Scale) -> Markup:
    """Return the scale's ticks, for a table's heading."""
    ticks = [tick for tick in TICKS if scale.low <= tick <= scale.high]
    while len(ticks) > 6:
        ticks = [tick for index, tick in enumerate(ticks) if index % 2 == ticks.index(1.0) % 2]
    marks = Markup("").join(
        say(
            '<text x="{x}" y="16" font-size="12" text-anchor="middle" fill="var(--soft,#57606a)">{tick}</text>',
            x=f"{min(max(scale.x(tick), 8), WIDTH - 8):.1f}",
            tick=f"{tick:g}",
        )
        for tick in ticks
    )
    return _svg(marks, "Scale of ratios, logarithmic: " + ", ".join(f"{tick:g}" for tick in ticks))


def bar(share: float, low: float, high: float, scale_to: float, label: str, css: str = "c1") -> Markup:
    """Return the picture of a share with its interval on a scale from zero to `scale_to`."""

    def place(value: float) -> str:
        return f"{WIDTH * min(max(value / scale_to, 0.0), 1.0):.1f}"

    inner = say(
        '<rect x="0" y="6" height="12" width="{share}" fill="{colour}" opacity="0.28"/>'
        '<line x1="{low}" x2="{high}" y1="12" y2="12" stroke="{colour}" stroke-width="3"/>'
        '<circle cx="{share}" cy="12" r="4" fill="{colour}"/>',
        share=place(share),
        low=place(low),
        high=place(high),
        colour=colour_of(css),
    )
    return _svg(inner, label)


def _svg(inner: Markup, label: str) -> Markup:
    return say(
        '<svg class="mark" style="min-width:7rem;max-width:24rem" viewBox="-6 0 {w} {h}" role="img" aria-label="{label}">{inner}</svg>',
        w=f"{WIDTH + 12:g}",
        h=f"{HEIGHT:g}",
        label=label,
        inner=inner,
    )
