"""A declared group, looked at on its own."""

from __future__ import annotations

from whychurn.display.blocks import Block, Column, paragraph, section, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import Scale, axis, mark
from whychurn.display.survival import survival_figure
from whychurn.display.wording import against, number, with_interval
from whychurn.findings import SECOND_READING, Findings


def focus_sections(findings: Findings) -> Block:
    """Return curve and hazard ratios of every focus group of the study."""
    names = list(dict.fromkeys(row.term for row in findings.where(method="Kaplan-Meier", estimand="survival").rows()))
    names += [row.term for row in findings.where(method="").rows() if row.note]
    if not names:
        return paragraph("This study declares no focus group. A [[focus]] section in study.toml adds one.", "sub")
    blocks = Block(sentence(""))
    for name in names:
        blocks += section(name, *_one(findings, name), level=2)
    return blocks


def _one(findings: Findings, name: str) -> list[Block]:
    if not findings.where(term=name, method="Kaplan-Meier"):
        empty = findings.where(term=name).rows()[0]
        return [paragraph(empty.note, "note")]
    first = findings.where(term=name, estimand="median").rows()[0]
    size = sentence(
        "{n} customers, of whom {left} left.",
        n=number(first, "count", "n_accounts"),
        left=number(first, "count", "n_events"),
    )
    ratios = findings.where(group=name, estimand="hazard_ratio").rows()
    blocks = [paragraph(size, "sub"), survival_figure(findings, name)]
    if ratios:
        again = {
            (row.term, row.level): row
            for row in findings.where(group=f"{name}, {SECOND_READING}", estimand="hazard_ratio").rows()
        }
        scale = Scale.around(row for row in ratios if row.estimated)
        cells = [
            {
                "term": sentence("{t}: {l} <small>{a}</small>", t=row.term, l=row.level, a=against(row)),
                "forest": mark(row, scale, "c2" if row.estimated and row.estimate > 1 else "c3"),
                "ratio": with_interval(row, "ratio2"),
                "p": number(row, "p", "p_value"),
                "again": with_interval(again[(row.term, row.level)], "ratio2")
                if (row.term, row.level) in again
                else "–",
            }
            for row in ratios
        ]
        columns = [
            Column("Cause", "term", css="cause"),
            Column("Hazard ratio, log scale", "forest", css="fig", under=axis(scale)),
            Column("Ratio (interval)", "ratio", number=True),
            Column("p, unadjusted", "p", number=True),
        ]
        if again:
            columns.append(Column("If only recent leavers are in the file", "again", number=True))
        blocks.append(table("Hazard ratios within the group, each adjusted for the others listed", columns, cells))
    return blocks
