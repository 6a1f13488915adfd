"""One row of a forest plot of differences: percentage points on a linear scale around zero, in a table cell."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from whychurn.display.blocks import say
from whychurn.display.forest import HEIGHT, WIDTH, colour_of
from whychurn.display.numbers import format_number
from whychurn.findings import Row

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class PointScale:
    """A linear scale for differences of shares, symmetric about zero; longer intervals are cut at the edge."""

    reach: float

    @classmethod
    def around(cls, rows: Iterable[Row]) -> PointScale:
        """Return the scale that holds every estimate, and every interval that is not much longer than the others."""
        rows = list(rows)
        limits = sorted(abs(limit) for row in rows for limit in (row.conf_low, row.conf_high) if not math.isnan(limit))
        usual = limits[int(0.9 * (len(limits) - 1))] if limits else 0.01
        return cls(1.1 * max([usual, 0.005, *(abs(row.estimate) for row in rows)]))

    def x(self, value: float) -> float:
        """Return the horizontal place of a difference."""
        inside = min(max(value, -self.reach), self.reach)
        return WIDTH * (inside + self.reach) / (2 * self.reach)


def point_mark(row: Row, scale: PointScale) -> Markup:
    """Return the picture of one difference with its interval, described in words."""
    zero = say(
        '<line x1="{x}" x2="{x}" y1="0" y2="{h}" stroke="var(--soft,#57606a)" stroke-width="1"/>',
        x=f"{scale.x(0.0):.1f}",
        h=f"{HEIGHT:g}",
    )
    if not row.estimated:
        return _svg(zero, "No estimate")
    label = " ".join(
        (
            f"{format_number(row.estimate, 'points1')} points, interval {format_number(row.conf_low, 'points1')}",
            f"to {format_number(row.conf_high, 'points1')}",
        )
    )
    clear = row.conf_low > 0 or row.conf_high < 0
    colour = colour_of(("c2" if row.estimate > 0 else "c1") if clear else "soft")
    inner = say(
        '<line x1="{low}" x2="{high}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3"/>'
        '<circle cx="{at}" cy="{y}" r="5" fill="{fill}" stroke="{colour}" stroke-width="2"/>',
        low=f"{scale.x(row.conf_low):.1f}",
        high=f"{scale.x(row.conf_high):.1f}",
        at=f"{scale.x(row.estimate):.1f}",
        y=f"{HEIGHT / 2:g}",
        colour=colour,
        # Hollow where the interval holds zero: told apart in grey print as well.
        fill=colour if clear else "var(--paper,#fefefe)",
    )
    return _svg(zero + inner, label)


def point_axis(scale: PointScale) -> Markup:
    """Return the scale's ticks in points, for a table's heading."""
    step = next((each for each in _STEPS if scale.reach / each <= 3), 1.0)
    n = int(scale.reach / step)
    ticks = [step * place for place in range(-n, n + 1)]
    marks = Markup("").join(
        say(
            '<text x="{x}" y="16" font-size="12" text-anchor="middle" fill="var(--soft,#57606a)">{tick}</text>',
            x=f"{scale.x(tick):.1f}",
            tick=_tick(tick),
        )
        for tick in ticks
    )
    return _svg(marks, "Scale in percentage points: " + ", ".join(_tick(tick) for tick in ticks))


def _tick(value: float) -> str:
    return "0" if abs(value) < 1e-12 else f"{'+' if value > 0 else '−'}{abs(100 * value):g}"


def _svg(inner: Markup, label: str) -> Markup:
    return say(
        '<svg class="mark" style="min-width:7rem;max-width:24rem" viewBox="-6 0 {w} {h}" role="img" aria-label="{label}">{inner}</svg>',
        w=f"{WIDTH + 12:g}",
        h=f"{HEIGHT:g}",
        label=label,
        inner=inner,
    )
