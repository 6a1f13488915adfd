"""Can these data carry an answer: verdict, what was done to the rows, what would fool a naive analysis."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.numbers import printed
from whychurn.display.quality_follow_up import late_entry
from whychurn.display.quality_measures import leakage, measured_values
from whychurn.display.quality_tables import everybody, table_quality, times_left
from whychurn.display.wording import horizon_text, interval, number, one_reading
from whychurn.findings import Findings, Row

VERDICT_WORDS = {
    "sound": "The data are sound for this question",
    "usable with caveats": "The data are usable, with caveats that belong beside every number",
    "refuse": "By their own checks these data cannot carry an answer",
}
SEVERITIES = {"refuse": "Stops the study", "caveat": "Caveat", "note": "Note"}


def quality_summary(findings: Findings) -> Block:
    """State the verdict and its reasons; of a study of tables also who is in it and what was recorded when."""
    verdict = findings.one(estimand="verdict")
    of_tables = table_quality(findings)
    reasons = findings.where(estimand="reason").rows()
    size = times_left(findings) if of_tables else everybody(verdict)
    head = sentence("{words}. {size}", words=VERDICT_WORDS.get(verdict.grade, verdict.grade), size=size)
    blocks = finding(head)
    if verdict.note:
        blocks += paragraph(
            sentence("Built all the same, for this reason given by the analyst: {why}", why=verdict.note), "note"
        )
    if reasons:
        blocks += bullets(row.note for row in reasons)
    return blocks + of_tables if of_tables else blocks


def quality_ledger(findings: Findings) -> Block:
    """Return what each step did to the rows; of a study of tables, steps that concerned no row are folded."""
    rows = findings.where(estimand="ledger").rows()
    caption = "The ledger: what each step did, in order"
    if not findings.where(estimand="n_spells").rows():
        return _ledger(rows, caption)
    idle = [row for row in rows if row.estimate == 0]
    busy = [row for row in rows if row.estimate != 0]
    blocks = _ledger(busy, caption, with_table=True)
    if idle:
        summary = sentence("{n} further steps that concerned no row", n=printed(len(idle), "count"))
        blocks += folded(summary, _ledger(idle, "Steps that concerned no row", with_table=True))
    return blocks


def _ledger(rows: Sequence[Row], caption: str, with_table: bool = False) -> Block:
    cells = [
        {
            "table": row.term,
            "step": row.level.partition(" ")[2],
            "before": number(row, "count", "denominator"),
            "affected": number(row, "count"),
            "after": number(row, "count", "numerator"),
            "rule": " ".join(part for part in (row.definition, row.note) if part),
        }
        for row in rows
    ]
    columns = [
        Column("Step", "step"),
        *([Column("Table", "table")] if with_table else []),
        Column("Rows before", "before", number=True),
        Column("Concerned", "affected", number=True),
        Column("Rows after", "after", number=True),
        Column("What was done", "rule", css="small"),
    ]
    return table(caption, columns, cells)


def quality_findings(findings: Findings) -> Block:
    """Return everything found about the data, gravest first."""
    cells = [
        {
            "where": row.term,
            "severity": SEVERITIES.get(row.group, row.group),
            "count": number(row, "count") if row.estimate > 0 else "",
            "problem": sentence("{problem}{examples}", problem=row.definition, examples=_examples(findings, row)),
            "meaning": row.note,
        }
        for row in sorted(
            findings.where(estimand="integrity").rows(), key=lambda row: list(SEVERITIES).index(row.group)
        )
    ]
    if not cells:
        return paragraph("Nothing to report.", "sub")
    columns = [
        Column("Where", "where"),
        Column("Weight", "severity"),
        Column("Count", "count", number=True),
        Column("What was found", "problem", css="small"),
        Column("What it means and what was done", "meaning", css="small"),
    ]
    return table("What was found in the data", columns, cells)


def _examples(findings: Findings, row: Row) -> Markup:
    """Up to three places to look at, where the finding has any and its text does not name them already."""
    rows = findings.where(estimand="integrity_example", term=row.term, level=row.level).rows()
    rows = [example for example in rows if example.note not in row.definition]
    if not rows:
        return Markup("")
    return sentence(" <small>Such as {examples}.</small>", examples=", ".join(example.note for example in rows))


def missing_values(findings: Findings) -> Block:
    """Return missing values per candidate, or say that there are none; of a study of tables, per measure."""
    if findings.where(estimand="n_customers").rows():
        return measured_values(findings)
    rows = [row for row in findings.where(estimand="missing_share").rows() if row.estimate > 0]
    if not rows:
        return paragraph("No candidate has missing values.", "sub")
    cells = [
        {"term": row.term, "n": number(row, "count", "numerator"), "share": number(row, "percent1"), "note": row.note}
        for row in rows
    ]
    columns = [
        Column("Candidate", "term"),
        Column("Missing", "n", number=True),
        Column("Share", "share", number=True),
        Column("Handled how", "note", css="small"),
    ]
    return table("Missing values", columns, cells)


def naive_damage(findings: Findings) -> Block:
    """Show what a column that accumulates with tenure would do to the study, or how the future is kept out."""
    kept_out = leakage(findings)
    if kept_out is not None:
        return kept_out
    rows = {row.level: row for row in findings.where(estimand="concordance").rows()}
    if not rows:
        return paragraph("No declared candidate accumulates with tenure.", "sub")
    honest, naive = rows["without"], rows["with"]
    if not (honest.estimated and naive.estimated):
        return paragraph(sentence("{a} {b}", a=honest.note, b=naive.note), "note")
    text = sentence(
        "{names} accumulates with tenure, so it is left out. With it, a model would put the earlier leaver first in {naive} "
        "of pairs instead of {honest}: it looks better because it knows how long the customer stayed, which is the "
        "question, not an answer.",
        names=honest.term,
        naive=number(naive, "percent1"),
        honest=number(honest, "percent1"),
    )
    return finding(text)


def readings(findings: Findings) -> Block:
    """Show survival under both readings of which leavers are in the file, or who was seen from when on."""
    entered = late_entry(findings)
    if entered is not None:
        return entered
    rows = findings.where(estimand="survival").rows()
    if len(rows) < 2:
        return paragraph(one_reading(findings), "note")
    horizon = horizon_text(findings)
    text = sentence(
        "Everything about tenure rests on one reading of the file. If every leaver is in it, {all} of customers stay {h} "
        "or longer (interval {all_i}); if only recent leavers are, {few} would (interval {few_i}). The file cannot tell "
        "which is right; whoever drew it can.",
        all=number(rows[0], "percent1"),
        all_i=interval(rows[0], "percent1"),
        h=horizon,
        few=number(rows[1], "percent1"),
        few_i=interval(rows[1], "percent1"),
    )
    return finding(text)
