"""What a file with one row per customer cannot say, and what would."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, paragraph, table
from whychurn.findings import Findings


def flat_lacking(findings: Findings) -> Block:
    """List the metrics that need dates or costs, with the tables and columns that give them."""
    rows = findings.where(estimand="not_in_a_flat_file").rows()
    if not rows:
        return Block(Markup(""))
    cells = [{"what": row.term, "why": row.note, "needed": row.definition} for row in rows]
    columns = [
        Column("Not from this file", "what", css="cause"),
        Column("Why", "why", css="small"),
        Column("What would give it", "needed", css="small"),
    ]
    text = (
        'A study of tables (kind = "tables") computes these; whychurn new proposes one from a folder of tables, and docs/tables.md '
        "describes each table and column."
    )
    return table("Metrics that need more than one row per customer", columns, cells, css="causes") + paragraph(
        text, "sub"
    )
