"""Small parts that the pages of ``whychurn check`` share."""

from __future__ import annotations

import math

from rich.console import RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from whychurn.sources.contract import ColumnProfile

COLOURS = {"sound": "green", "usable with caveats": "yellow", "refuse": "red"}
#: A cell says no more than this of a text, which may be as large as the file.
LONGEST_CELL = 1_000


def plain(text: object) -> str:
    """Return text for a cell: on one line, without control characters, cut where it is too long to be read."""
    whole = str(text)
    cut = whole if len(whole) <= LONGEST_CELL else whole[: LONGEST_CELL - 1] + "…"
    return cut if cut.isprintable() else "".join(letter if letter.isprintable() else " " for letter in cut)


def section_title(text: str) -> RenderableType:
    """Return a rule with a title, an empty line above it."""
    return Padding(Rule(Text(text, style="bold"), align="left", style="dim"), (1, 0, 0, 0))


def size_of(n_bytes: int) -> str:
    """Return a number of bytes as text."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= size:
            return f"{n_bytes / size:,.1f} {unit}"
    return f"{n_bytes:,} bytes"


def values_of(column: ColumnProfile) -> str:
    """Return what a column holds, on one line."""
    if column.kind == "number":
        if math.isnan(column.mean):
            return "no values"
        return f"{_number(column.low)} to {_number(column.high)}, mean {_number(column.mean)}"
    if not column.top:
        return f"{column.n_distinct:,} different"
    listed = ", ".join(f"{plain(level)} {count:,}" for level, count in column.top[:4])
    more = column.n_distinct - min(4, len(column.top))
    return listed + (f", {more:,} more" if more > 0 else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
