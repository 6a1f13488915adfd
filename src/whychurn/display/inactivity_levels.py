"""How much time customers spend at each level of silence, and how fast they leave there."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.inactivity import ALL, HEADING, VOLUNTARY, filled, recorded_clocks, unbroken
from whychurn.display.wording import number, with_interval
from whychurn.findings import Findings


def inactivity_bands(findings: Findings) -> Block:
    """Return for each clock how much time customers spend at each level of silence, and how fast they leave there."""
    blocks = [_band_table(findings, term) for term in recorded_clocks(findings)]
    if not blocks:
        return paragraph("There are no levels of silence to show.", "note")
    note = (
        "Two levels are no number of days: “never yet”, where all days as a customer were recorded and none shows a sign of "
        "life, and “too new”, where the customer had not come yet on the last day that is looked at."
    )
    return Block(Markup("").join(block.markup for block in blocks)) + paragraph(note, "sub")


def _band_table(findings: Findings, term: str) -> Block:
    ratios = findings.where(term=term, estimand="hazard_ratio")
    kinds: dict[str, dict[str, Any]] = {
        "adjusted": {"outcome": ALL, "effect_kind": "total"},
        "voluntary": {"outcome": VOLUNTARY, "effect_kind": "total"},
        "unadjusted": {"outcome": ALL, "effect_kind": "unadjusted"},
    }
    by_level = {key: {row.level: row for row in ratios.where(**chosen).rows()} for key, chosen in kinds.items()}
    references = {row.reference for row in ratios.rows()}
    cells: list[dict[str, Any]] = []
    notes: list[Markup] = []
    for share in findings.where(term=term, estimand="time_share").rows():
        if not share.n_accounts:
            continue
        cell: dict[str, Any] = {
            "level": unbroken(share.level),
            "share": number(share, "percent1"),
            "n": number(share, "count", "n_accounts"),
            "left": number(share, "count", "n_events"),
        }
        for key, rows in by_level.items():
            row = rows.get(share.level)
            cell[key] = (
                "reference" if share.level in references else "–" if row is None else with_interval(row, "ratio2")
            )
        adjusted = by_level["adjusted"].get(share.level)
        notes += [
            sentence("{level}: {note}", level=share.level, note=note)
            for note in (share.note, adjusted.note if adjusted is not None else "")
            if note
        ]
        cells.append(cell)
    columns = [
        Column("Silence", "level"),
        Column("Customer-time", "share", number=True),
        Column("Customers", "n", number=True),
        Column("Left", "left", number=True),
        Column("Ratio, adjusted", "adjusted", number=True),
        Column("Voluntary only", "voluntary", number=True),
        Column("Unadjusted", "unadjusted", number=True),
    ]
    if not filled(cells, "voluntary"):
        columns = [column for column in columns if column.key != "voluntary"]
    caption = sentence("{heading}: hazard ratio with interval", heading=HEADING.get(term, term))
    told = table(caption, columns, cells)
    return told + bullets(notes, "sub") if notes else told
