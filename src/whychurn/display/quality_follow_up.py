"""Who was seen from when on, and whether groups were followed alike."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.coverage import NARROW_TENURE, WIDE_TENURE, at_risk_svg
from whychurn.display.numbers import printed
from whychurn.display.wording import listed, number
from whychurn.findings import Findings, Row

#: Fewer spells at risk than this carry no curve.
FEW = 50


def late_entry(findings: Findings) -> Block | None:
    """Return who was seen from when on; None for a flat study."""
    late = findings.where(estimand="entered_late", term="Everyone").rows()
    window = findings.where(estimand="window").rows()
    if not late or not window:
        return None
    seen, before = findings.one(estimand="time_observed"), findings.one(estimand="median_entry")
    if late[0].numerator == 0:
        blocks = finding(
            sentence("All who left from {dates} are in the tables; no spell began before.", dates=window[0].note)
        )
        return blocks + _tenure(findings)
    text = sentence(
        "All who left from {dates} are in the tables; those who had left before are not. {share} of the spells began before the "
        "window and count from its first day on only.",
        dates=window[0].note,
        share=number(late[0], "percent1"),
    )
    blocks = finding(text) + paragraph(
        sentence(
            "They had been customers for {days} days in the middle by then. Of all time as a customer up to the end of "
            "follow-up, {seen} was observed. Counting the rest as survived would make every customer look loyal: only those "
            "who had stayed could be there to be counted.",
            days=number(before, "count"),
            seen=number(seen, "percent1"),
        ),
        "sub",
    )
    return blocks + _tenure(findings)


def _tenure(findings: Findings) -> Block:
    """Return how many spells were at risk by time since their start, as a picture."""
    rows = findings.where(estimand="n_at_risk").rows()
    if len(rows) < 2:
        return Block(Markup(""))
    most, last = max(rows, key=lambda row: row.estimate), rows[-1]
    thin = [row for row in rows if row.time > most.time and row.estimate < FEW]
    few = printed(FEW, "count")
    if most.estimate < FEW:
        head = sentence("Never more than {n} spells are at risk at any one tenure", n=number(most, "count"))
    elif thin:
        head = sentence(
            "From {t} days of tenure on, fewer than {few} spells are at risk",
            t=number(thin[0], "count", "time"),
            few=few,
        )
    else:
        head = sentence(
            "Even {t} days on, {n} spells are at risk", t=number(last, "count", "time"), n=number(last, "count")
        )
    alt = Markup(head).striptags()
    points = [(row.time, row.estimate) for row in rows]
    return figure(
        at_risk_svg(points, alt, WIDE_TENURE),
        at_risk_svg(points, alt, NARROW_TENURE),
        head,
        Block(
            Markup(
                "<figcaption>Estimates over tenure rest on these spells; where they are few, they say little.</figcaption>"
            )
        ),
    )


def follow_up(findings: Findings) -> Block:
    """Return time under observation by group, those first whose groups were not followed alike."""
    verdicts = findings.where(estimand="follow_up_ratio").rows()
    lasting, measured = ([row for row in verdicts if bool(row.note) is kind] for kind in (False, True))
    differing = [row for row in lasting if row.grade == "differs"]
    alike = [row for row in lasting if row.grade == "alike"]
    if not verdicts:
        return paragraph("No candidate forms groups, so there is nothing to compare.", "sub")
    if differing:
        worst = max(differing, key=lambda row: row.estimate)
        text = sentence(
            "Follow-up differs by {names}{most}: “{long}” could be followed for {a} days on average, “{short}” for {b}.",
            names=listed(row.term for row in differing),
            most=f", most by {worst.term}" if len(differing) > 1 else "",
            long=worst.level,
            a=number(worst, "count", "numerator"),
            short=worst.reference,
            b=number(worst, "count", "denominator"),
        )
    elif alike:
        text = sentence(
            "Customers were followed alike whatever their {names}.", names=listed(row.term for row in alike)
        )
    else:
        text = sentence("No lasting attribute has two groups large enough to compare how long they were followed.")
    blocks = finding(text) + paragraph(
        "How long a customer could have been followed, from entry to the end of the window, is known even of those who "
        "left. Where groups differ in it they came at different times. Every estimate counts a customer only while "
        "under observation, so this is no error by itself; but the group followed for a shorter time says little about "
        "long tenure.",
        "sub",
    )
    if differing:
        blocks += _follow_up_table(findings, differing, "Follow-up of groups that differ in it")
    rest = [row for row in lasting if row.grade != "differs"]
    if rest:
        inner = _follow_up_table(findings, rest, "Follow-up of all other groups")
        blocks += folded("Attributes whose groups were followed alike, or are too small to compare", inner)
    if measured:
        why = paragraph(
            "These change over time. Customers stand where they stood on the first row of their spell; those without a "
            "value then are listed, but not compared. Where groups differ, some of them are made of newcomers and others "
            "of customers who were there when the window began.",
            "sub",
        )
        inner = _follow_up_table(findings, measured, "Follow-up by what was measured at entry")
        blocks += folded("Causes that change over time, as at entry", why, inner)
    return blocks


def _follow_up_table(findings: Findings, verdicts: Sequence[Row], caption: str) -> Block:
    cells = []
    for verdict in verdicts:
        parts = {
            estimand: {row.level: row for row in findings.where(estimand=estimand, term=verdict.term).rows()}
            for estimand in ("possible_follow_up", "days_at_risk", "censored_share", "entered_late")
        }
        cells += [
            {
                "group": sentence("{term}: {level}", term=verdict.term, level=level),
                "n": number(row, "count", "n_accounts"),
                "left": number(row, "count", "n_events"),
                "days": number(parts["days_at_risk"][level], "count"),
                "possible": number(row, "count"),
                "stayed": number(parts["censored_share"][level], "percent1"),
                "late": number(parts["entered_late"][level], "percent1"),
            }
            for level, row in parts["possible_follow_up"].items()
        ]
    columns = [
        Column("Group", "group"),
        Column("Could be followed, mean days", "possible", number=True),
        Column("Spells", "n", number=True),
        Column("Left", "left", number=True),
        Column("Days at risk", "days", number=True),
        Column("Still customers at the end", "stayed", number=True),
        Column("Began before the window", "late", number=True),
    ]
    return table(caption, columns, cells)
