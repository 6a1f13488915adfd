"""The headline: what the score says of leaving, and which answers it rests on."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.nps_churn.words import (
    CHANGE,
    PROMOTER,
    RATING,
    SCORE,
    UNADJUSTED,
    asked,
    compared,
    missing,
    verb,
    verdict_of,
)
from whychurn.display.wording import first_row, interval, number, times_as_fast
from whychurn.findings import Findings, Row


def nps_churn_summary(findings: Findings) -> Block:
    """State whether the score foretells leaving, alone and with everything else the same."""
    absent = missing(findings)
    if absent:
        return finding(absent)
    return finding(_headline(findings)) + _beside(findings) + _answers(findings)


def _headline(findings: Findings) -> Markup:
    verdict, crude, direct = verdict_of(findings, SCORE), asked(findings, SCORE, UNADJUSTED), asked(findings, SCORE)
    if verdict is None or not verdict.level:
        note = verdict.note if verdict is not None else ""
        return sentence("Whether the score foretells leaving cannot be told. {note}", note=note)
    if direct is None or not direct.estimated or crude is None or not crude.estimated:
        note = next((row.note for row in (direct, crude) if row is not None and row.note), "")
        return sentence("Whether the score foretells leaving cannot be told. {note}", note=note)
    parts = {
        "verb": verb(findings), "crude": compared(crude, "promoters"), "ci": interval(crude, "ratio2"),
        "direct": times_as_fast(direct), "against": compared(direct, "promoters"), "di": interval(direct, "ratio2"), "promoters": _promoters(findings),
    }  # fmt: skip
    same = "where use, tickets and contract are the same"
    texts = {
        "carries the news": "The score carries the news, it does not make it: detractors {verb} {crude} ({ci}), but "
        f"{same}, nothing clear is left ({{direct}}, {{di}}){{promoters}}.",
        "foretells beyond all else": "A low score foretells leaving beyond all else that is known: "
        f"{same}, detractors {{verb}} {{against}} ({{di}}){{promoters}}.",
        "may foretell beyond all else": f"A low score may foretell leaving: {same}, detractors {{verb}} {{against}} "
        "({di}), which is not clear among the questions asked{promoters}.",
        "the reverse": f"A low score does not foretell leaving: {same}, detractors {{verb}} {{against}} "
        "({di}){promoters}.",
        "no tie": "The score does not foretell leaving: detractors {verb} {crude} ({ci}){promoters}.",
        "no clear tie": "Nothing shows that the score foretells leaving: detractors {verb} {crude} ({ci}){promoters}.",
    }
    if verdict.level not in texts:
        return sentence("Whether the score foretells leaving cannot be told. {note}", note=direct.note or crude.note)
    return sentence(texts[verdict.level], **parts)


def _promoters(findings: Findings) -> Markup:
    """Say how many of those who left had been promoters, beside all customers."""
    left = first_row(findings, estimand="last_answer", level=PROMOTER)
    everyone = first_row(findings, estimand="time_share", level=PROMOTER)
    if left is None or not left.estimated:
        return Markup("")
    said = sentence(
        "; {share} of those who left and had answered had been promoters when last asked",
        share=number(left, "percent0"),
    )
    if everyone is None:
        return said
    return sentence("{said} ({all} of all customers’ time)", said=said, all=number(everyone, "percent0"))


def _beside(findings: Findings) -> Block:
    """Say what a falling score and the rating of support say, the latter to compare with."""
    rating, change = asked(findings, RATING), asked(findings, CHANGE)
    parts: list[Markup] = []
    if change is not None and change.estimated:
        clear = change.conf_low > 1 or change.conf_high < 1
        text = (
            "All else the same, customers whose score {level} {verb} {r} ({i})."
            if clear
            else "Nor does a falling score say more: customers whose score {level} {verb} {r} ({i})."
        )
        if clear is False and _score_tells(findings):
            text = text.replace(
                "Nor does a falling score say more: customers", "A falling score shows no clear tie: customers"
            )
        parts.append(
            sentence(
                text,
                level=change.level,
                verb=verb(findings),
                r=compared(change, "others who answered twice"),
                i=interval(change, "ratio2"),
            )
        )
    if rating is not None and rating.estimated:
        clear = rating.conf_low > 1 or rating.conf_high < 1
        text = (
            "The last rating of support does tell: {level} goes with leaving {r} ({i}), all else the same."
            if clear
            else "The last rating of support shows no clear tie: {level} goes with leaving {r} ({i}), all else the same."
        )
        parts.append(sentence(text, level=rating.level, r=times_as_fast(rating), i=interval(rating, "ratio2")))
    return paragraph(sentence(" ").join(parts)) if parts else Block(Markup(""))


def _score_tells(findings: Findings) -> bool:
    verdict = verdict_of(findings, SCORE)
    return verdict is not None and verdict.level in ("foretells beyond all else", "may foretell beyond all else")


def _answers(findings: Findings) -> Block:
    """Say which answers count, and list those that do not."""
    kept = findings.one(estimand="answers")
    gone = [row for row in findings.where(estimand="excluded").rows() if row.estimate > 0]
    after = first_row(findings, estimand="excluded", level="after the customer had left")
    text = sentence(
        "{n} answers of {k} customers count{after}. What is associated with leaving need not bring it about.",
        n=number(kept, "count"),
        k=number(kept, "count", "n_accounts"),
        after=_after(after),
    )
    if not gone:
        return paragraph(text, "sub")
    cells = [{"why": row.level, "n": number(row, "count")} for row in gone]
    caption = "Answers that do not count, under the first reason that holds"
    listed = table(caption, [Column("Why", "why"), Column("Answers", "n", number=True)], cells)
    return paragraph(text, "sub") + folded("Answers that do not count", listed)


def _after(row: Row | None) -> Markup:
    if row is None or not row.estimate > 0:
        return Markup("")
    return sentence("; {n} that came on the day of leaving or after it do not", n=number(row, "count"))
