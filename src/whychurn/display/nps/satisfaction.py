"""Satisfaction with support: ratings of tickets."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display import timeline
from whychurn.display.blocks import Block, figure, finding, folded, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.display.nps.segments import clear_ones, group_table
from whychurn.display.nps.summary import RATINGS, excluded
from whychurn.display.numbers import printed
from whychurn.display.timeline import NARROW, WIDE, timeline_svg
from whychurn.display.wording import first_row, interval, number, p_text, with_interval
from whychurn.findings import Findings, Row


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
    return figure(wide, narrow, _title(findings), _after(findings, rows))


def _title(findings: Findings) -> Markup:
    clear = clear_ones(findings.where(estimand="csat_against_rest").rows())
    if not clear:
        return sentence("Satisfaction is much the same in all groups: none differs clearly from all others")
    top = clear[0]
    return sentence(
        "“{level}” ({term}) is {more} satisfied than all others: {d} points ({i}; {p})",
        level=top.level,
        term=top.term,
        more="more" if top.estimate > 0 else "less",
        d=number(top, "points1"),
        i=interval(top, "points1"),
        p=p_text(top),
    )


def _after(findings: Findings, periods: list[Row]) -> Block:
    tests = findings.where(estimand="csat_against_rest").rows()
    made = [row for row in tests if not math.isnan(row.p_adjusted)]
    text = sentence(
        "Share of ratings of 4 or 5 {by}, with its interval; the dashed line is all. Ratings of one customer belong together, and "
        "intervals allow for it. {k} of {n} comparisons of a group with all others are clear (adjusted by Holm).",
        by=str(periods[0].term).lower(),
        k=printed(len(clear_ones(made)), "count"),
        n=printed(len(made), "count"),
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
