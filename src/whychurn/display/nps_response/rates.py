"""Response by activity and by segment, drawn; month by month in a table."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display import dots
from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.dots import NARROW, WIDE, Dot, dots_svg
from whychurn.display.forest import bar
from whychurn.display.nps_response.summary import ALL_SENT, CLEAR, missing_note, p_or_note
from whychurn.display.numbers import format_number
from whychurn.display.wording import interval, number, with_interval
from whychurn.findings import Findings, Row


def response_rates(findings: Findings) -> Block:
    """Draw response by segment, titled by the segmentation with the widest clear difference."""
    if missing_note(findings):
        return Block(Markup(""))
    overall = findings.one(estimand="response_rate", term=ALL_SENT)
    rows = [row for row in findings.where(estimand="response_rate").rows() if row.term != ALL_SENT]
    if not rows or not overall.estimated:
        return _months(findings)
    tests = {row.term: row for row in findings.where(estimand="response_test").rows()}
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.term, []).append(row)
    drawn = [(term, [Dot(row, _apart(row, overall)) for row in members]) for term, members in groups.items()]
    alt = f"Share of invitations answered. All: {format_number(overall.estimate, 'percent0')}. {dots.in_words(drawn, 'percent0')}"
    wide, narrow = (dots_svg(drawn, overall, "percent0", alt, layout, "invitations") for layout in (WIDE, NARROW))
    said = sentence(", ").join(
        sentence("{term} {p}", term=term, p=p_or_note(tests[term])) for term in groups if term in tests
    )
    text = sentence(
        "By what was known before the invitation. Filled dots: the interval does not hold the share of all. Tests that all levels "
        "answer alike (adjusted by Holm): {said}.",
        said=said,
    )
    return figure(wide, narrow, _title(groups, tests), paragraph(text, "sub") + _months(findings))


def _apart(row: Row, overall: Row) -> bool:
    return bool(row.conf_low > overall.estimate or row.conf_high < overall.estimate)


def _title(groups: dict[str, list[Row]], tests: dict[str, Row]) -> Markup:
    clear = [term for term in groups if term in tests and tests[term].p_adjusted < CLEAR]
    if not clear:
        return sentence("Who answers does not clearly depend on what is known of customers")
    known = {term: [row for row in groups[term] if row.estimated and row.level != "not recorded"] for term in clear}
    # Groups of a handful are no news.
    known = {term: [row for row in rows if row.denominator >= 30] or rows for term, rows in known.items()}
    term = max(clear, key=lambda term: _spread(known[term]))
    low, high = (pick(known[term], key=lambda row: row.estimate) for pick in (min, max))
    return sentence(
        "Who answers goes most with “{term}”: {high} of invitations at “{top}” are answered, {low} at “{bottom}”",
        term=term, high=number(high, "percent0"), top=high.level, low=number(low, "percent0"), bottom=low.level,
    )  # fmt: skip


def _spread(rows: Sequence[Row]) -> float:
    return max(row.estimate for row in rows) - min(row.estimate for row in rows)


def _months(findings: Findings) -> Block:
    rows = findings.where(estimand="response_by_month").rows()
    if not rows:
        return Block(Markup(""))
    known = [row for row in rows if row.estimated]
    most = max((row.conf_high for row in known), default=1.0)
    cells = [
        {
            "month": row.level,
            "picture": bar(row.estimate, row.conf_low, row.conf_high, most, format_number(row.estimate, "percent0"))
            if row.estimated
            else "",
            "rate": with_interval(row, "percent0"),
            "n": number(row, "count", "denominator"),
        }
        for row in rows
    ]
    columns = [
        Column("Month of the invitation", "month"),
        Column("Share answered", "picture", css="fig"),
        Column("Share (interval)", "rate", number=True),
        Column("Invitations", "n", number=True),
    ]
    return folded("Response month by month", table("Share of invitations answered", columns, cells))


def response_leaving(findings: Findings) -> Block:
    """Say whether those who answer leave less, from the day on by which everybody had answered or not."""
    rows = {row.level: row for row in findings.where(estimand="left_within").rows() if row.level}
    ratios = {row.effect_kind: row for row in findings.where(estimand="hazard_ratio").rows()}
    if not ratios:
        return Block(Markup(""))
    counts = findings.where(estimand="at_landmark").rows()
    cells = [
        {
            "group": f"Customers who {row.level}" if row.level != "answered" else "Customers who answered",
            "n": number(row, "count"),
            "left": with_interval(rows[row.level], "percent1") if row.level in rows else "",
        }
        for row in counts
    ]
    columns = [
        Column("From the landmark on", "group"),
        Column("Invitations", "n", number=True),
        Column("Left within the horizon (interval)", "left", number=True),
    ]
    days = findings.one(estimand="days_to_answer")
    adjusted = ratios["adjusted"]
    text = sentence(
        "Whether somebody answers is known only when they have, so time counts from {days} days after the invitation on, among "
        "customers still there; who left before is in neither group.{horizon} Ratio of leaving, as it is: {crude}; with {held} held equal: "
        "{adjusted}.",
        horizon=_horizon(rows),
        days=number(days, "number0"),
        crude=with_interval(ratios["unadjusted"], "ratio2"),
        held="use, tenure and declared causes" if adjusted.adjusted_for else "nothing",
        adjusted=with_interval(adjusted, "ratio2") if adjusted.estimated else adjusted.note,
    )
    named = Block(Markup(""))
    if adjusted.adjusted_for:
        named = folded("What is held equal", paragraph(adjusted.adjusted_for, "sub"))
    shown = table(_leaving_title(rows, ratios), columns, cells, css="causes") if rows else Block(Markup(""))
    return shown + paragraph(text, "sub") + named


def _horizon(rows: dict[str, Row]) -> Markup | str:
    for row in rows.values():
        return sentence(" The horizon is {days} days.", days=number(row, "number0", "time"))
    return ""


def _leaving_title(rows: dict[str, Row], ratios: dict[str, Row]) -> Markup:
    crude, adjusted = ratios["unadjusted"], ratios["adjusted"]
    if not crude.estimated:
        return sentence("Whether those who answer leave less cannot be told. {note}", note=crude.note)
    if not crude.p_value < CLEAR:
        return sentence("Those who answer leave neither clearly less nor clearly more than those who do not ({i})", i=interval(crude, "ratio2"))  # fmt: skip
    less = "less" if crude.estimate < 1 else "more"
    head = sentence("Those who answer leave {less} (ratio {r}, {i})", less=less, r=number(crude, "ratio2"), i=interval(crude, "ratio2"))  # fmt: skip
    if adjusted.estimated and not adjusted.p_value < CLEAR:
        return sentence("{head}; with use and all else held equal, no difference is clear", head=head)
    if adjusted.estimated and (adjusted.estimate < 1) == (crude.estimate < 1):
        return sentence("{head}, and so they do with use and all else held equal", head=head)
    return head
