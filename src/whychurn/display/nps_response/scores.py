"""The score as answered and weighted for who does not answer, side by side; and how well the weights do their work."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.nps_response.pairs import NARROW, WIDE, ScorePair, in_words, score_pairs_svg
from whychurn.display.nps_response.summary import ALL_GIVEN, CLEAR, missing_note, scores
from whychurn.display.wording import first_row, interval, number, with_interval
from whychurn.findings import Findings, Row

GROUPS = ("all invited", "answered", "answered, weighted")


def weighted_scores(findings: Findings) -> Block:
    """Draw both scores of all and of segments, titled by what weighting does."""
    if missing_note(findings):
        return Block(Markup(""))
    pairs = _pairs(findings)
    all_given = scores(findings, "weighted")
    if not all_given.estimated:
        return paragraph(sentence("The score cannot be weighted. {note}", note=all_given.note), "note")
    alt = f"Net Promoter Score as answered and weighted for who does not answer. {in_words(pairs)}."
    wide, narrow = (score_pairs_svg(pairs, alt, layout) for layout in (WIDE, NARROW))
    return figure(wide, narrow, _title(findings), _after(findings) + folded("The numbers", _table(findings, pairs)))


def _pairs(findings: Findings) -> list[ScorePair]:
    raw = [row for row in findings.where(estimand="nps", level="as answered").rows() if row.estimated]
    return [
        ScorePair(row.group or ALL_GIVEN, row, scores(findings, "weighted", row.term, row.group))
        for row in raw
        if row.term == ALL_GIVEN or row.term not in _activity(findings)
    ]


def _activity(findings: Findings) -> set[str]:
    """Return segmentations of use: weighting is for use, so the score hardly moves within them."""
    return {row.term for row in findings.where(estimand="balance", group="all invited", level="").rows()}


def _title(findings: Findings) -> Markup:
    row = findings.one(estimand="nps_shift", term=ALL_GIVEN)
    raw, weighted = (scores(findings, level) for level in ("as answered", "weighted"))
    parts = {
        "raw": number(raw, "nps"),
        "weighted": number(weighted, "nps"),
        "d": number(row, "points1"),
        "i": interval(row, "points1"),
    }
    if not row.p_value < CLEAR:
        return sentence(
            "Had all answered, the score would be about the same: {weighted} instead of {raw} ({d} points, {i})",
            **parts,
        )
    side = "lower" if row.estimate < 0 else "higher"
    return sentence(
        "Had all answered, the score would be "
        + side
        + ", as far as records tell: {weighted} instead of {raw} ({d} points, {i})",
        **parts,
    )


def _after(findings: Findings) -> Block:
    effective = findings.one(estimand="effective_answers")
    cut = findings.one(estimand="weights_cut")
    largest, chance = findings.one(estimand="largest_weight"), findings.one(estimand="smallest_chance")
    worst = _worst(findings)
    text = sentence(
        "Each answer counts as often as customers like it were invited per answer that came: the inverse of the chance to answer, from "
        "what was recorded before the invitation. {n} answers so weighted say as much as {effective} without weights. The chance to "
        "answer is {chance} at the lowest and the largest weight {largest}; {cut} weights were cut ({rule}). {balance} Every "
        "answer within its time counts here; the page on what customers say takes the latest of each person, so its score can differ a little.",
        n=number(effective, "count", "denominator"),
        effective=number(effective, "count"),
        chance=number(chance, "percent0"),
        largest=number(largest, "number1"),
        cut=number(cut, "count"),
        rule=cut.definition,
        balance=worst,
    )
    warning = (
        "This corrects for what is recorded and for nothing else: if, of two customers alike in all of it, the unhappier one answers "
        "less, the score is still too high. Intervals allow for the chances being estimated."
    )
    named = folded(
        "What the chance to answer is estimated from", paragraph(effective.adjusted_for, "sub"), *_left(effective)
    )
    return paragraph(text, "sub") + paragraph(warning, "note") + named


def _left(effective: Row) -> list[Block]:
    return [paragraph(f"Not in it: {effective.note}.", "sub")] if effective.note else []


def _worst(findings: Findings) -> Markup | str:
    """Say how far those who answered are from all invited, before and after weighting, at the worst."""
    rows = findings.where(estimand="balance_difference").rows()
    before, after = ([row for row in rows if row.group == group] for group in GROUPS[1:])
    if not before or not after:
        return ""
    one, other = (max(some, key=lambda row: abs(row.estimate)) for some in (before, after))
    return sentence(
        "Those who answered differ from all invited by {one} standard deviations at most ({term}); weighted, by {other} ({last}).",
        one=_size(one), term=one.term, other=_size(other), last=f"{other.term}: {other.level}" if other.level else other.term,
    )  # fmt: skip


def _size(row: Row) -> Markup:
    return number(row, "number2")


def _table(findings: Findings, pairs: Sequence[ScorePair]) -> Block:
    cells = []
    for pair in pairs:
        shift = first_row(findings, estimand="nps_shift", term=pair.raw.term, group=pair.raw.group)
        cells.append(
            {
                "name": sentence(
                    "{name} <small>{term}</small>", name=pair.name, term=pair.raw.term if pair.raw.group else ""
                ),
                "n": number(pair.raw, "count", "denominator"),
                "raw": with_interval(pair.raw, "nps"),
                "weighted": with_interval(pair.weighted, "nps"),
                "shift": with_interval(shift, "points1") if shift is not None else "",
                "p": number(shift, "p", "p_adjusted") if shift is not None else "",
            }
        )
    columns = [
        Column("Group", "name", css="cause"),
        Column("Answers", "n", number=True),
        Column("As answered (interval)", "raw", number=True),
        Column("Weighted (interval)", "weighted", number=True),
        Column("Moved by, in points", "shift", number=True),
        Column("adjusted p", "p", number=True),
    ]
    return table("Net Promoter Score as answered and weighted", columns, cells)


def response_balance(findings: Findings) -> Block:
    """Return means of all invited, of those who answered, and of those weighted."""
    rows = findings.where(estimand="balance").rows()
    if not rows:
        return Block(Markup(""))
    by_key = {(row.term, row.level, row.group): row for row in rows}
    apart = {(row.term, row.level, row.group): row for row in findings.where(estimand="balance_difference").rows()}
    cells = []
    for term, level in dict.fromkeys((row.term, row.level) for row in rows):
        style = "percent1" if level else "number2"
        cell: dict[str, object] = {
            "name": sentence("{level} <small>{term}</small>", level=level or term, term=term if level else "")
        }
        for group in (*GROUPS, "did not answer"):
            row = by_key.get((term, level, group))
            cell[group] = number(row, style) if row is not None and not math.isnan(row.estimate) else ""
        for group in GROUPS[1:]:
            row = apart.get((term, level, group))
            cell[f"gap {group}"] = number(row, "number2") if row is not None else ""
        cells.append(cell)
    columns = [
        Column("Before the invitation", "name", css="cause"),
        Column("Did not answer", "did not answer", number=True),
        Column("Answered", "answered", number=True),
        Column("All invited", "all invited", number=True),
        Column("Answered, weighted", "answered, weighted", number=True),
        Column("Apart from all", "gap answered", number=True),
        Column("weighted", "gap answered, weighted", number=True),
    ]
    note = paragraph("Apart: answered less all invited, in standard deviations, before and after weighting.", "sub")
    return folded("Who answers, in means and shares", table("Means, and shares of customers", columns, cells), note)
