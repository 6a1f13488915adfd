"""How many times as fast customers leave by their last score, its change, and the rating of support."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.nps_churn.words import (
    ALIKE,
    CHANGE,
    DIRECT,
    LINES,
    RATING,
    SCORE,
    TOTAL,
    UNADJUSTED,
    asked,
    compared,
    missing,
    outcome_of,
    ratios,
    verb,
    verdict_of,
)
from whychurn.display.ratio_dots import NARROW, WIDE, Line, in_words, ratio_svg
from whychurn.display.wording import chip, first_row, first_upper, interval, number, times_as_fast, with_interval
from whychurn.findings import Findings, Row

SERIES = ("alone", "all else the same")
NOTHING = Block(Markup(""))


def nps_churn_ratios(findings: Findings) -> Block:
    """Return the ratios of the last score known before each row, alone and with all else the same."""
    if missing(findings):
        return NOTHING
    crude, direct = ratios(findings, SCORE, UNADJUSTED), ratios(findings, SCORE, DIRECT)
    levels = [level for level in LINES if level in direct or level in crude]
    if not any(row.estimated for row in (*crude.values(), *direct.values())):
        note = next((row.note for row in direct.values() if row.note), "")
        return paragraph(f"There is no ratio of leaving by score. {note}".strip(), "note")
    lines = [Line(LINES[level], (crude.get(level), direct.get(level))) for level in levels]
    reference = next(iter(direct.values())).reference
    remark = sentence(
        "Against those whose last answer was that of a {reference}. The score is the last one known {lag} before each row at risk; who has not answered is a "
        "group of its own. All else the same: every other declared cause.",
        reference=reference,
        lag=_lag(findings),
    )
    return _drawn(lines, _score_title(findings), "Hazard ratios of leaving by the last score.", remark) + folded(
        "All ratios, step by step", _steps(findings), _overall(findings)
    )


def _lag(findings: Findings) -> Markup:
    row = first_row(findings, estimand="answered_within_lag")
    return sentence("{n} days", n=number(row, "number0", "time")) if row is not None else sentence("a lag")


def _adjusted(rows: Iterable[Row]) -> str:
    row = next((row for row in rows if row.adjusted_for), None)
    return row.adjusted_for if row is not None else "nothing else is declared"


def _drawn(lines: Sequence[Line], title: Markup, words: str, remark: Markup) -> Block:
    alt = f"{words} {in_words(lines, SERIES)}."
    wide, narrow = (ratio_svg(lines, SERIES, alt, layout) for layout in (WIDE, NARROW))
    return figure(wide, narrow, title, paragraph(remark, "sub"))


def _score_title(findings: Findings) -> Markup:
    verdict, crude, direct = verdict_of(findings, SCORE), asked(findings, SCORE, UNADJUSTED), asked(findings, SCORE)
    if verdict is None or crude is None or direct is None or not (crude.estimated and direct.estimated):
        return sentence("Detractors and promoters cannot be compared")
    texts = {
        "carries the news": "Detractors {verb} {crude}; with all else the same, nothing clear is left ({direct}, {i})",
        "foretells beyond all else": "With all else the same, detractors still {verb} {against} ({i})",
        "may foretell beyond all else": "With all else the same, detractors may still {verb} faster: {against} ({i})",
        "the reverse": "With all else the same, detractors {verb} {against} ({i})",
        "no tie": "Detractors {verb} about as fast as promoters, alone ({crude}) and with all else the same ({direct}, {i})",
        "no clear tie": "Detractors do not clearly {verb} faster than promoters: {alone} alone, {direct} ({i}) with all else the same",
    }
    text = texts.get(verdict.level, "Detractors and promoters cannot be compared")
    return sentence(
        text,
        verb=verb(findings),
        crude=compared(crude, "promoters"),
        alone=times_as_fast(crude),
        against=compared(direct, "promoters"),
        direct=times_as_fast(direct),
        i=interval(direct, "ratio2"),
    )


def _steps(findings: Findings) -> Block:
    """Return every ratio of the score: alone, customers alike, total, direct, and for all departures."""
    kinds = [
        ("alone", UNADJUSTED, "", ""), ("alike", TOTAL, ALIKE, ""), ("total", TOTAL, "", ""), ("direct", DIRECT, "", ""),
    ]  # fmt: skip
    columns = [
        Column("Last score", "level", css="cause"),
        Column("Alone", "alone", number=True),
        Column("Same kind of customer and contract", "alike", number=True),
        Column("Total", "total", number=True),
        Column("All else the same", "direct", number=True),
    ]
    if outcome_of(findings) != "churn":
        kinds.append(("churn", DIRECT, "", "churn"))
        columns.append(Column("The same, whatever the cause of leaving", "churn", number=True))
    found = {key: ratios(findings, SCORE, kind, group, outcome) for key, kind, group, outcome in kinds}
    cells = [
        {"level": LINES[level]} | {key: _cell(by.get(level)) for key, by in found.items()}
        for level in LINES
        if any(level in by for by in found.values())
    ]
    reference = next((row.reference for row in found["direct"].values()), "")
    caption = f"How many times as fast as a {reference} customers leave, with intervals"
    held = sentence("All else the same: {adjusted}.", adjusted=_adjusted(found["direct"].values()))
    notes = list(dict.fromkeys(row.note for row in found["direct"].values() if row.note))
    same = all(
        by.adjusted_for == found["direct"][level].adjusted_for
        for level, by in found["total"].items()
        if level in found["direct"]
    )
    if same and found["total"]:
        notes.append("Nothing declared comes after the score, so total and direct effect are one.")
    return table(caption, columns, cells) + paragraph(sentence(" ").join([held, *notes]), "sub")


def _cell(row: Row | None) -> Markup | str:
    return with_interval(row, "ratio2") if row is not None else "–"


def _overall(findings: Findings) -> Block:
    """Return verdicts with their grades and rules."""
    rows = [row for row in findings.where(estimand="verdict").rows() if row.level]
    if not rows:
        return NOTHING
    cells = []
    for row in rows:
        ratio = asked(findings, row.term)
        cells.append(
            {
                "term": row.term,
                "says": row.level,
                "p": number(ratio, "p", "p_adjusted") if ratio is not None else "–",
                "grade": chip(row.grade) if row.grade else "see the page of causes",
                "rule": row.definition,
            }
        )
    columns = [
        Column("Question", "term", css="cause"),
        Column("Verdict", "says"),
        Column("adjusted p", "p", number=True),
        Column("Evidence of a tie", "grade"),
        Column("Rule", "rule", css="small"),
    ]
    return table("Verdicts by fixed rules", columns, cells)


def nps_churn_change(findings: Findings) -> Block:
    """Return the ratios of a falling score and of a low rating of support, side by side."""
    if missing(findings):
        return NOTHING
    lines, remarks = [], []
    for term, name in ((CHANGE, "Score {level}"), (RATING, "Rated support {level}")):
        row = asked(findings, term)
        if row is None:
            continue
        if not row.estimated:
            remarks.append(sentence("{term}: {note}", term=term, note=row.note or "no estimate."))
            continue
        lines.append(Line(name.format(level=row.level), (asked(findings, term, UNADJUSTED), row)))
        remarks.append(sentence("{term}: against “{reference}”.", term=term, reference=row.reference))
    falls = first_row(findings, estimand="falls")
    if falls is not None and falls.estimate > 0:
        remarks.append(
            sentence(
                "Scores that fell so: {n}, of which {same} between two answers of the same person.",
                n=number(falls, "count"),
                same=number(falls, "count", "numerator"),
            )
        )
    remark = sentence(" ").join(remarks)
    if not lines:
        return paragraph(remark, "note") if remarks else NOTHING
    return _drawn(lines, _change_title(findings), "Hazard ratios of a falling score and of a low rating.", remark)


def _unclear(row: Row | None) -> bool:
    return row is None or not row.estimated or not (row.conf_low > 1 or row.conf_high < 1)


def _change_title(findings: Findings) -> Markup:
    change, rating = asked(findings, CHANGE), asked(findings, RATING)
    parts = []
    if change is not None and change.estimated:
        clear = change.conf_low > 1 or change.conf_high < 1
        text = (
            "A falling score goes with leaving {r}" if clear else "A falling score shows no clear tie to leaving ({r})"
        )
        parts.append(sentence(text, r=times_as_fast(change)))
    if rating is not None and rating.estimated:
        clear = rating.conf_low > 1 or rating.conf_high < 1
        text = "a low rating of support does: {r}" if clear else "a low rating of support shows no clear tie ({r})"
        if clear and (not parts or not _unclear(change)):
            text = "a low rating of support goes with leaving {r}"
        parts.append(sentence(text, r=times_as_fast(rating)))
    return Markup(first_upper(str(sentence("; ").join(parts))))
