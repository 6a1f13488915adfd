"""A heatmap of tiles, each with its number written in it: rows by columns, with tiles that are not known yet hatched.

The number carries the meaning; the tint repeats it. Orange is more lost, blue is growth: told apart by colour-blind
readers, and in grey print by the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from whychurn.display.svg import INK, LINE, SERIES, SOFT, STYLE, inline_svg

LOSS, GROWTH = SERIES[1], SERIES[0]
#: Tints run from the first to the second share of the colour; text keeps its contrast on the strongest.
FAINTEST, STRONGEST = 0.03, 0.42
KNOWN, PARTIAL, NOT_REACHED = "known", "partial", "not reached"


@dataclass(frozen=True, slots=True)
class Layout:
    """Size of one variant: width in inches, type in points, room for names and for sizes, height of a tile."""

    width: float
    font: float
    names: float
    sizes: float
    tile: float


WIDE = Layout(width=7.4, font=8.5, names=1.15, sizes=0.62, tile=0.27)
NARROW = Layout(width=3.5, font=8.0, names=0.68, sizes=0.42, tile=0.27)


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: what stands in it, how strongly it is tinted (0 to 1) in which colour, whether it is known."""

    text: str = ""
    strength: float = 0.0
    colour: str = LOSS
    state: str = KNOWN
    under: str = ""


@dataclass(frozen=True, slots=True)
class TileRow:
    """A row: its name (and a shorter one for phones), its size, its tiles, and whether a gap stands before it."""

    name: str
    size: str
    tiles: Sequence[Tile]
    short: str = ""
    apart: bool = False


def tiles_svg(
    rows: Sequence[TileRow], columns: Sequence[str], heads: tuple[str, str], alt: str, layout: Layout
) -> Markup:
    """Draw the tiles, the first row on top.

    Parameters
    ----------
    rows : sequence of TileRow
    columns : sequence of str
        Heads of the columns.
    heads : (str, str)
        What the sizes are, and what the columns are.
    alt : str
        What the figure says, in words.
    layout : Layout
        :data:`WIDE` or :data:`NARROW`.
    """
    two_lines = any(tile.under for row in rows for tile in row.tiles)
    gap = 0.35
    tall = layout.tile * (1.5 if two_lines else 1.0)
    units = len(rows) + gap * sum(row.apart for row in rows)
    head, foot = 0.46, 0.05
    height = head + tall * units + foot
    with sns.axes_style("white"), matplotlib.rc_context({**STYLE, "font.size": layout.font, "hatch.linewidth": 0.5}):
        fig = Figure(figsize=(layout.width, height))
        left = (layout.names + layout.sizes) / layout.width
        ax = fig.add_axes((left, foot / height, 1 - left - 0.02 / layout.width, tall * units / height))
        ax.set_xlim(0, len(columns))
        ax.set_ylim(units, 0)
        ax.set_axis_off()
        y = 0.0
        for row in rows:
            y += gap if row.apart else 0.0
            for x, tile in enumerate(row.tiles):
                _draw(ax, tile, x, y, layout)
            _names(fig, row, 1 - (head + tall * (y + 0.5)) / height, layout)
            y += 1.0
        _heads(fig, columns, heads, left, height, layout)
        return inline_svg(fig, alt)


def _draw(ax: Axes, tile: Tile, x: int, y: float, layout: Layout) -> None:
    corner, width, height = (x + 0.03, y + 0.05), 0.94, 0.9
    if tile.state == NOT_REACHED:
        return
    if tile.state == PARTIAL:
        ax.add_patch(Rectangle(corner, width, height, facecolor="none", edgecolor=LINE, hatch="//////", linewidth=0.6))
        return
    alpha = FAINTEST + (STRONGEST - FAINTEST) * min(max(tile.strength, 0.0), 1.0)
    ax.add_patch(Rectangle(corner, width, height, facecolor=tile.colour, edgecolor="none", alpha=alpha))
    middle = y + (0.34 if tile.under else 0.52)
    ax.text(x + 0.5, middle, tile.text, ha="center", va="center", color=INK)
    if tile.under:
        ax.text(x + 0.5, y + 0.74, tile.under, ha="center", va="center", color=SOFT, fontsize=layout.font - 1.5)


def _names(fig: Figure, row: TileRow, y: float, layout: Layout) -> None:
    narrow = layout is NARROW
    name = (row.short or row.name) if narrow else row.name
    fig.text(0.0, y, name, ha="left", va="center", color=INK)
    x = (layout.names + layout.sizes - 0.09) / layout.width
    fig.text(x, y, row.size, ha="right", va="center", color=SOFT)


def _heads(
    fig: Figure, columns: Sequence[str], heads: tuple[str, str], left: float, height: float, layout: Layout
) -> None:
    low, high = 1 - 0.34 / height, 1 - 0.13 / height
    sizes, what = heads
    fig.text((layout.names + layout.sizes - 0.09) / layout.width, low, sizes, ha="right", va="center", color=SOFT)
    fig.text(left, high, what, ha="left", va="center", color=SOFT)
    width = (1 - left - 0.02 / layout.width) / max(len(columns), 1)
    for place, column in enumerate(columns):
        fig.text(left + width * (place + 0.5), low, column, ha="center", va="center", color=SOFT)


def legend_sentence() -> str:
    """Say what tints and hatches mean."""
    return (
        "The darker the orange, the more is lost; blue is growth. Hatched: only a part of the cohort has reached that age, so "
        "no number is given. Empty: nobody has yet."
    )
