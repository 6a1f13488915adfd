"""Satisfaction with support: ratings of tickets."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display import timeline
from whychurn.display.blocks import Block, figure, finding, folded, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.display.dots import clear_ones
from whychurn.display.nps.segments import group_table
from whychurn.display.nps.summary import RATINGS, excluded
from whychurn.display.numbers import printed
from whychurn.display.timeline import NARROW, WIDE, timeline_svg
from whychurn.display.wording import first_row, interval, number, p_text, with_interval
from whychurn.findings import Findings, Row

#: Periods with fewer ratings are not named in the title.
ENOUGH = 30


def csat_summary(findings: Findings) -> Block:
    """State the share of satisfied ratings and the mean, and the ratings that do not count."""
    share = first_row(findings, estimand="csat_share", level="all")
    if share is None:
        return Block(Markup(""))
    if not share.estimated:
        return finding(share.note) + excluded(findings, RATINGS, "ratings")
    mean = findings.one(estimand="csat_mean", level="all")
    text = sentence(
        "{share} of {n} ratings of support are 4 or 5 of 5 (interval {i}); the mean is {mean}.",
        share=number(share, "percent0"),
        n=number(share, "count", "denominator"),
        i=interval(share, "percent1"),
        mean=with_interval(mean, "number2"),
    )
    return finding(text) + excluded(findings, RATINGS, "ratings")


def csat_over_time(findings: Findings) -> Block:
    """Draw the share of satisfied ratings by period, and compare groups with all others."""
    overall = first_row(findings, estimand="csat_share", level="all")
    rows = findings.where(estimand="csat_share", group="period").rows()
    if overall is None or not overall.estimated or not rows:
        return Block(Markup(""))
    alt = f"Share of satisfied ratings {rows[0].term.lower()}. {timeline.in_words(rows, 'percent0')}"
    wide, narrow = (timeline_svg(rows, overall, "percent0", alt, layout) for layout in (WIDE, NARROW))
    return figure(wide, narrow, _title(rows), _after(findings, rows))


def _title(periods: list[Row]) -> Markup:
    """Name the lowest and the highest period, of those that rest on enough ratings if there are such."""
    known = [row for row in periods if row.estimated]
    ranked = sorted([row for row in known if row.denominator >= ENOUGH] or known, key=lambda row: row.estimate)
    return sentence(
        "Satisfaction {by} lay between {low} ({low_period}) and {high} ({high_period})",
        by=str(ranked[0].term).lower(),
        low=number(ranked[0], "percent0"),
        low_period=ranked[0].level,
        high=number(ranked[-1], "percent0"),
        high_period=ranked[-1].level,
    )


def _groups(tests: list[Row]) -> Markup:
    """Say whether a group differs clearly from all others, and which does most."""
    made = [row for row in tests if not math.isnan(row.p_adjusted)]
    clear = clear_ones(made)
    n = printed(len(made), "count")
    if not clear:
        return sentence("No group differs clearly from all others ({n} comparisons, adjusted by Holm).", n=n)
    top = clear[0]
    return sentence(
        "{k} of {n} groups differ clearly from all others (adjusted by Holm), “{level}” ({term}) most: {d} points ({i}; {p}).",
        k=printed(len(clear), "count"),
        n=n,
        level=top.level,
        term=top.term,
        d=number(top, "points1"),
        i=interval(top, "points1"),
        p=p_text(top),
    )


def _after(findings: Findings, periods: list[Row]) -> Block:
    tests = findings.where(estimand="csat_against_rest").rows()
    text = sentence(
        "Share of ratings of 4 or 5 {by}, with its interval; the dashed line is all. Ratings of one customer belong together, and "
        "intervals allow for it. {groups}",
        by=str(periods[0].term).lower(),
        groups=_groups(tests),
    )
    by_level = {(row.term, row.level): row for row in tests}
    groups = findings.where(estimand="csat_share", group="segment").rows()
    means = findings.where(estimand="csat_mean", group="segment").rows()
    return paragraph(text, "sub") + folded(
        "The numbers",
        group_table(groups, by_level, "percent0", "Satisfied", "Ratings"),
        group_table(means, {}, "number2", "Mean rating", "Ratings"),
        group_table(periods, {}, "percent0", "Satisfied", "Ratings"),
    )
