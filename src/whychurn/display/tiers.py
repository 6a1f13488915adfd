"""The declared causal order as a small diagram: boxes in the order of the tiers, each with its causes."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from whychurn.display.blocks import Block, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.findings import Findings, Row

_OPEN = (
    '<figure class="chart"><figcaption>{title}</figcaption><ol class="order" style="display:flex;flex-wrap:wrap;gap:.5rem;'
    'list-style:none;padding:0;max-width:none">{boxes}</ol></figure>'
)
_BOX = (
    '<li style="flex:1 1 11rem;border:1px solid var(--line,#d8dee4);border-radius:.6rem;padding:.6rem .8rem;margin:0">'
    "<b>{arrow}{name}</b>{causes}</li>"
)


def causal_order(findings: Findings) -> Block:
    """Return the diagram of tiers: what total effects adjust for, read from left to right.

    Causes in italics are held constant and not ranked; those that the company cannot change say so.
    """
    rows = sorted(findings.where(estimand="tier").rows(), key=lambda row: row.estimate)
    if not rows:
        return paragraph("The study declares no causal order.", "sub")
    tiers = [(name, list(group)) for name, group in groupby(rows, key=lambda row: str(row.level))]
    if len(tiers) == 1:
        title = sentence("All causes stand in one tier: each total effect adjusts for all others outside its group")
    else:
        title = sentence(
            "The order that the study declared: “{first}” may act on everything to its right, “{last}” on nothing but leaving",
            first=tiers[0][0],
            last=tiers[-1][0],
        )
    boxes = Markup("").join(
        sentence(_BOX, arrow="" if not place else "→ ", name=name, causes=_causes(group))
        for place, (name, group) in enumerate(tiers)
    )
    note = (
        "A total effect adjusts for what stands to its left and for the other groups of its own box, never for what stands to "
        "its right: that may be how it acts. A direct effect adjusts for all other groups. Causes of one group measure the same "
        "thing and never adjust each other away. Nothing in the data can test this order."
    )
    return Block(sentence(_OPEN, title=title, boxes=boxes)) + paragraph(note, "sub")


def _causes(rows: list[Row]) -> Markup:
    items = Markup("").join(
        sentence(
            "<li>{name}{group}{given}</li>",
            name=sentence("<i>{n}</i>", n=row.term) if row.method == "adjustment" else row.term,
            group=sentence(" <small>({g})</small>", g=row.note) if row.note else "",
            given=sentence(" <small>given</small>") if row.unit == "given" and row.method != "adjustment" else "",
        )
        for row in rows
    )
    return sentence('<ul style="margin:.3rem 0 0;padding-left:1.1rem">{items}</ul>', items=items)
