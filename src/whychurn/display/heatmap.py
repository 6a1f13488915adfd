"""A heatmap of adjusted residuals: one row per candidate, one tile per level, each with its number as text.

It is a table, so that it reads on a phone, aloud, and printed in grey: the sign and the number say what the colour
repeats. Blue and orange are told apart by colour-blind readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, paragraph, say, table
from whychurn.display.forest import colour_of
from whychurn.display.wording import number
from whychurn.findings import Row

#: From so many standard errors on a tile is tinted so strongly, in percent; beyond 2 a level stands out.
TINTS = ((8.0, 16), (4.0, 11), (2.0, 6))
MORE, FEWER = "c2", "c1"
OF_LEAVING = "above zero, more left than if the candidate had nothing to do with leaving; below, fewer."
#: No wider than a phone; beside the names on a wide page.
_GRID = "width:min(31rem,100vw - 3rem);display:grid;grid-template-columns:repeat(auto-fill,minmax(6.4rem,1fr));gap:3px"
_TILE = "padding:.25rem .3rem;border:1px solid var(--line,#d8dee4);border-radius:.25rem;line-height:1.3;overflow-wrap:anywhere"


def heatmap(
    caption: Markup,
    candidates: Iterable[tuple[str | Markup, Sequence[Row]]],
    meaning: str = OF_LEAVING,
    what: str = "Candidate",
) -> Block:
    """Return the heatmap under its finding as title.

    Parameters
    ----------
    caption : Markup
        What it shows, as a sentence.
    candidates : iterable of (name, rows)
        Of each candidate the adjusted residuals of its levels, in the order of the levels.
    meaning : str
        What a residual above zero, and below, says.
    what : str
        What a row is.
    """
    cells = [
        {"name": name, "tiles": say('<div style="{grid}">{tiles}</div>', grid=_GRID, tiles=_tiles(rows))}
        for name, rows in candidates
    ]
    columns = [Column(what, "name", css="cause"), Column("Levels", "tiles", css="fig")]
    return table(caption, columns, cells) + _legend(meaning)


def tint(residual: float) -> str:
    """Return the CSS background of a tile; "" where the level does not stand out, or is not known to."""
    share = next((percent for limit, percent in TINTS if abs(residual) >= limit), 0)
    if not share:
        return ""
    return f"background:color-mix(in srgb,{colour_of(MORE if residual > 0 else FEWER)} {share}%,transparent);"


def signed(row: Row) -> Markup:
    """Return a residual with its sign."""
    return say("{plus}{value}", plus="+" if row.estimate > 0 else "", value=number(row, "number1"))


def _tiles(rows: Sequence[Row]) -> Markup:
    return Markup("").join(
        say(
            '<div style="{tint}{tile}"><small style="color:var(--ink,#1b1f24)">{level}</small> <b>{value}</b></div>',
            tint=tint(row.estimate),
            tile=_TILE,
            level=row.level,
            value=signed(row) if row.estimated else Markup("–"),
        )
        for row in rows
    )


def _legend(meaning: str) -> Block:
    steps = [(-limit, percent) for limit, percent in TINTS] + [(limit, percent) for limit, percent in reversed(TINTS)]
    marks = Markup(" ").join(
        say(
            '<span style="{tint}{tile};display:inline-block">{words}</span>',
            tint=tint(limit),
            tile=_TILE,
            words=f"{'+' if limit > 0 else '−'}{abs(limit):g} {'and more' if limit > 0 else 'and less'}",
        )
        for limit, _ in steps
    )
    text = say(
        "Standard errors away from what chance would give (adjusted residuals): {meaning} {marks}",
        meaning=meaning,
        marks=marks,
    )
    return paragraph(text, "sub")
