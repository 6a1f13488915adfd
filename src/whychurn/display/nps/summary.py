"""The score of all in one sentence, what it rests on, and which answers do not count."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.wording import first_row, first_upper, interval, number
from whychurn.findings import Findings, Row

ANSWERS, RATINGS = "recommendation", "satisfaction with support"


def overall_of(findings: Findings) -> Row | None:
    """Return the score of all answers; None where no answer counts."""
    row = first_row(findings, estimand="nps", term="All answers")
    return row if row is not None and row.estimated else None


def nps_summary(findings: Findings) -> Block:
    """State the score with its interval and what it is made of, then who answered."""
    row = overall_of(findings)
    if row is None:
        return finding(findings.one(estimand="nps", term="All answers").note)
    bands = {each.level: each for each in findings.where(estimand="band_share").rows()}
    text = sentence(
        "The Net Promoter Score is {nps} (interval {interval}): of {n} persons who answered, {up} are promoters and {down} "
        "detractors.",
        nps=number(row, "nps"),
        interval=interval(row, "nps"),
        n=number(row, "count", "denominator"),
        up=number(bands["promoter"], "percent1"),
        down=number(bands["detractor"], "percent1"),
    )
    return finding(text) + _answered(findings) + _reading(findings, row)


def _answered(findings: Findings) -> Block:
    """Say how many of those asked answered, and that they are no sample of all."""
    asked = first_row(findings, estimand="answered_share")
    if asked is None:
        return Block(Markup(""))
    if not asked.estimated:
        text = sentence("{note} How far the score speaks for all customers cannot be told from it.", note=asked.note)
        return paragraph(text, "note")
    text = sentence(
        "{answered} of {sent} invitations were answered ({share}). Those who answer are no random sample of customers, and "
        "the score is theirs: the others may think otherwise. The page on who answers weighs the score for that.",
        answered=number(asked, "count", "numerator"),
        sent=number(asked, "count", "denominator"),
        share=number(asked, "percent0"),
    )
    return paragraph(text)


def _reading(findings: Findings, row: Row) -> Block:
    per_person = findings.one(estimand="answers_per_person")
    text = sentence(
        "The score is the share of promoters (9 or 10 of 10) less that of detractors (0 to 6), so that it can lie anywhere from "
        "−100 to 100. {answers} answers count, of {persons} persons at {accounts} customers; of a person’s several answers the "
        "latest. Answers of one customer belong together, and the interval allows for it. {note}",
        answers=number(per_person, "count", "numerator"),
        persons=number(row, "count", "denominator"),
        accounts=number(row, "count", "n_accounts"),
        note=f"{first_upper(row.note)}." if row.note else "",
    )
    return paragraph(text, "sub")


def nps_excluded(findings: Findings) -> Block:
    """Say which answers do not count and why, then every check with its count."""
    return excluded(findings, ANSWERS, "answers")


def excluded(findings: Findings, outcome: str, things: str) -> Block:
    """Return what does not count among answers or ratings."""
    rows = findings.where(outcome=outcome, estimand="excluded").rows()
    earlier = findings.where(outcome=outcome, estimand=["set_aside", "unreadable"]).rows()
    if not rows and not earlier:
        return Block(Markup(""))
    losses = [row for row in rows if row.estimate > 0]
    if losses:
        why = sentence("; ").join(sentence("{why} ({n})", why=row.level, n=number(row, "count")) for row in losses)
        text = sentence(
            "Not counted, of {all} {things}: {why}.",
            all=number(losses[0], "count", "denominator"),
            things=things,
            why=why,
        )
    elif rows:
        text = sentence(
            "All {all} {things} that could be read count.", all=number(rows[0], "count", "denominator"), things=things
        )
    else:
        text = sentence("Some {things} could not be read.", things=things)
    return paragraph(text) + folded(f"Everything that was looked for in the {things}", _checks(rows, earlier))


def _checks(rows: Sequence[Row], earlier: Sequence[Row]) -> Block:
    cells = [
        {"what": _before(row), "n": number(row, "count"), "note": row.note or row.definition} for row in earlier
    ] + [{"what": first_upper(row.level), "n": number(row, "count")} for row in rows]
    columns = [
        Column("Why it does not count", "what"),
        Column("Records", "n", number=True),
        *([Column("Note", "note", css="small")] if earlier else []),
    ]
    return table("A record is counted under the first reason that holds", columns, cells)


def _before(row: Row) -> str:
    """Name what happened while the table was read."""
    if row.estimand == "unreadable":
        return f"While reading: values of {row.level} that cannot be used, taken as missing"
    return f"While reading: {row.level}"
