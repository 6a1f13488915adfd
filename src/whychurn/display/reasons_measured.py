"""Stated against measured: paired shares, verdicts, who showed the sign, and what nothing measured would show."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, figure, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.paired_bars import NARROW, WIDE, Pair, in_words, paired_svg
from whychurn.display.reasons import AGREE, MEASURED_MORE, STATED_MORE, quoted
from whychurn.display.wording import first_row, interval, number, times_as_fast, with_interval
from whychurn.findings import Findings, Row

#: How verdicts are coloured; the word carries the meaning.
_CHIPS = {AGREE: "none", STATED_MORE: "moderate", MEASURED_MORE: "strong"}


def stated_and_measured(findings: Findings) -> Block:
    """Return the pairs of stated and measured shares, drawn."""
    pairs = [
        Pair(str(row.term), row, first_row(findings, estimand="measured_share", term=row.term))
        for row in findings.where(estimand="stated_of_cause").rows()
    ]
    if not pairs:
        return paragraph("No reason is tied to a measured cause, so nothing can be held against what was said.", "note")
    alone = [pair.first for pair in pairs if pair.first is not None and pair.first.numerator == pair.first.denominator]
    pairs = [pair for pair in pairs if pair.first not in alone]
    if not pairs:
        return paragraph("Every kind of leaving has one reason only, so there is nothing to compare.", "note")
    pairs.sort(key=lambda pair: -pair.first.estimate if pair.first is not None and pair.first.estimated else 0.0)
    series = ("said", "measured")
    alt = f"Share of leavers who gave a reason, and share of leaving that goes with what would show it. {in_words(pairs, series)}."
    wide, narrow = (paired_svg(pairs, series, alt, layout) for layout in (WIDE, NARROW))
    causes = list(dict.fromkeys(pair.first.group for pair in pairs if pair.first is not None))
    note = (
        "Said: leavers who gave the reason, of those whose reason means the same kind of leaving ({kinds}). Measured: share of that "
        "leaving that goes with the causes named for the reason, beyond what customers without them would have had; adjusted for "
        "earlier and other causes. Lines are intervals. Shares may add up to more than all: one departure can go with several causes."
    )
    below = paragraph(sentence(note, kinds=" or ".join(causes)), "sub")
    more = (
        "Said more than measured can mean that the named cause shows only part of what customers mean, or that they say it for "
        "another’s sake. Measured more than said, that they leave over it without saying so."
    )
    if alone:
        names = sentence(
            "Left out: {names}, the only reason for its kind of leaving, so all give it.", names=quoted(alone)
        )
        below += paragraph(names, "sub")
    return figure(wide, narrow, _pairs_title(findings), below + paragraph(more, "sub"))


def _pairs_title(findings: Findings) -> Markup:
    verdicts = findings.where(estimand="agreement").rows()
    apart = [row for row in verdicts if row.grade in (STATED_MORE, MEASURED_MORE)]
    together = [row for row in verdicts if row.grade == AGREE]
    if not apart and not together:
        return sentence("Whether what was said is what was measured cannot be told")
    if not apart:
        return sentence("What was said is what was measured, as far as can be told")
    widest = max(apart, key=lambda row: abs(row.estimate))
    stated = findings.one(estimand="stated_of_cause", term=widest.term)
    measured = findings.one(estimand="measured_share", term=widest.term)
    return sentence(
        "“{term}” is said by {s} of {who}, but {m} of such leaving goes with what would show it ({sign})"
        if widest.grade == MEASURED_MORE
        else "“{term}” is said by {s} of {who}, but only {m} of such leaving goes with what would show it ({sign})",
        term=widest.term,
        who="those who left of their own will" if widest.group == "voluntary" else f"{widest.group} leavers",
        sign=str(widest.level)[:1].lower() + str(widest.level)[1:],
        s=number(stated, "percent0"),
        m=number(measured, "percent0"),
    )


def comparison_table(findings: Findings) -> Block:
    """Return, per reason, both shares, the verdict, and whether those who give it show its sign."""
    cells = []
    for row in findings.where(estimand="agreement").rows():
        measured = findings.one(estimand="measured_share", term=row.term)
        signs = findings.where(estimand="hazard_ratio", term=row.term).rows()
        cells.append(
            {
                "reason": row.term,
                "shown": sentence("<br>").join(_sign(sign) for sign in signs) if signs else row.level,
                "stated": with_interval(findings.one(estimand="stated_of_cause", term=row.term), "percent0"),
                "measured": with_interval(measured, "percent0"),
                "verdict": _verdict(row),
            }
        )
    if not cells:
        return Block(Markup(""))
    columns = [
        Column("Reason", "reason", css="cause"),
        Column("What would show it: times as fast", "shown", css="fig small"),
        Column("Said", "stated", number=True),
        Column("Measured", "measured", number=True),
        Column("Verdict", "verdict"),
    ]
    rule = next(iter(findings.where(estimand="agreement").rows())).definition
    text = sentence(
        "The verdict goes by the interval of the {rule}. Each interval stands on its own; it takes the two shares as independent, "
        "although the same departures are in both.",
        rule=rule,
    )
    notes = _notes(findings, "measured_share", "agreement")
    return table("What was said, and what was measured", columns, cells, css="causes") + notes + paragraph(text, "sub")


def signs_table(findings: Findings) -> Block:
    """Return who showed the sign of a reason on their last row: those who gave it, other leavers, customers at large."""
    cells, apart = [], []
    for row in findings.where(estimand="sign_difference").rows():
        if row.level == "":
            continue
        parts = {
            name: first_row(findings, estimand=f"sign_of_{name}", term=row.term)
            for name in ("stating", "others", "time")
        }
        if row.grade == "more often":
            apart.append(row)
        cells.append(
            {
                "reason": sentence("{term} <small>{level}</small>", term=row.term, level=row.level),
                **{name: with_interval(part, "percent0") if part is not None else "–" for name, part in parts.items()},
                "difference": sentence("{d} ({low} to {high})", **_points(row)) if row.estimated else "–",
                "verdict": row.grade,
            }
        )
    if not cells:
        return Block(Markup(""))
    head = (
        sentence("Those who say {names} show it more often than other leavers.", names=quoted(apart))
        if apart
        else sentence("Those who give a reason do not show its sign clearly more often than other leavers.")
    )
    columns = [
        Column("Reason and its sign", "reason", css="cause"),
        Column("Of those who gave it", "stating", number=True),
        Column("Of other leavers", "others", number=True),
        Column("Of all customer-time", "time", number=True),
        Column("Difference, points", "difference", number=True),
        Column("They show it", "verdict"),
    ]
    return (
        finding(head)
        + table("Who showed the sign before leaving", columns, cells, css="causes")
        + _notes(findings, "sign_difference")
    )


def blind_spots(findings: Findings) -> Block:
    """List reasons that nothing measured would show."""
    rows = sorted(findings.where(estimand="blind_spot").rows(), key=lambda row: -row.estimate)
    if not rows:
        return paragraph("Every reason given has a measured cause that would show it.", "sub")
    lines = [
        sentence(
            "<b>{term}</b>: {n} departures ({s}). {note}",
            term=row.term, n=number(row, "count", "numerator"), s=number(row, "percent0"), note=row.note,
        )
        for row in rows
    ]  # fmt: skip
    hint = "To hold a reason against causes, name them with measured_by under [[reasons]] in study.toml."
    return finding(sentence("Nothing measured would show these reasons.")) + bullets(lines) + paragraph(hint, "sub")


def _sign(row: Row) -> Markup:
    if not row.estimated:
        return sentence("{level}: no ratio", level=row.level)
    return sentence("{level}: {t} ({i})", level=row.level, t=times_as_fast(row), i=interval(row, "ratio2"))


def _notes(findings: Findings, *estimands: str) -> Block:
    """Return what must be said of single rows of a table, under it: beside the numbers it would squeeze them."""
    said: dict[str, list[str]] = {}
    for row in findings.where(estimand=list(estimands)).rows():
        if row.note and row.note not in said.setdefault(str(row.term), []):
            said[str(row.term)].append(str(row.note))
    lines = [sentence("“{term}”: {notes}", term=term, notes=" ".join(notes)) for term, notes in said.items() if notes]
    return bullets(lines, "sub") if lines else Block(Markup(""))


def _verdict(row: Row) -> Markup:
    return sentence(
        '<span class="grade {css}">{word}</span>', css=_CHIPS.get(row.grade, "inconclusive"), word=row.grade
    )


def _points(row: Row) -> dict[str, Markup]:
    return {
        "d": number(row, "points1"),
        "low": number(row, "points1", "conf_low"),
        "high": number(row, "points1", "conf_high"),
    }
