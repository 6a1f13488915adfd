"""The industry page: what was asked and what was found, and the other segments."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, paragraph, section, table
from whychurn.display.blocks import say as sentence
from whychurn.display.industry_amounts import worth_table
from whychurn.display.industry_base import (
    ALL_PAIRS,
    CHURN,
    EVERYONE,
    LEAVES,
    NOTHING,
    against_text,
    asked,
    clear,
    declared,
    empty,
    horizon_words,
    horizons,
    log_ratio,
    looked_at,
    ratio,
    rows_by_level,
    segments,
    spread_out,
)
from whychurn.display.industry_curves import staying_figure
from whychurn.display.numbers import printed
from whychurn.display.wording import (
    interval,
    listed,
    number,
    p_text,
    times_as_fast,
)
from whychurn.findings import Findings, Row


def industry_summary(findings: Findings) -> Block:
    """Answer the question that was declared in advance, then say which levels lie furthest apart."""
    nothing = empty(findings)
    if nothing is not None:
        return nothing
    first = segments(findings)[0]
    main = asked(findings, first) or declared(findings, first)
    blocks = finding(_answer(first, main))
    for row in looked_at(findings, first)[1:]:
        blocks += paragraph(_apart(findings, first, row))
    return blocks + paragraph(_others(findings)) + paragraph(_about(findings, first), "sub")


def _answer(segment: Row, row: Row | None, named: bool = True) -> Markup:
    """Return the finding on one ratio; the first one names its segment and what is held equal."""
    if row is None or not row.estimated:
        why = f" {row.note}" if row is not None and row.note else ""
        return sentence("{term}: no ratio between its levels could be estimated.{why}", term=segment.term, why=why)
    others = sentence(", {set} equal", set=_equal(row)) if row.adjusted_for and named else sentence("")
    parts = {
        "who": sentence("{term}, {pair}", term=segment.term, pair=against_text(row)) if named else against_text(row),
        "leaves": LEAVES[row.outcome],
        "others": others,
        "interval": interval(row, "ratio2"),
    }
    if not clear(row):
        return sentence(
            "{who}: no clear difference in how fast customers {leaves} (ratio {ratio}, interval {interval}){others}.",
            ratio=number(row, "ratio2"),
            **parts,
        )
    return sentence(
        "{who}: customers {leaves} {times} (interval {interval}){others}.", times=times_as_fast(row), **parts
    )


def _equal(row: Row) -> str:
    return _listed(row.adjusted_for.split(", "))


def _apart(findings: Findings, segment: Row, row: Row) -> Markup:
    pairs = findings.where(
        estimand="hazard_ratio", term=segment.term, outcome=row.outcome, effect_kind="total", group=ALL_PAIRS
    )
    parts = {"level": row.level, "reference": row.reference, "interval": interval(row, "ratio2")}
    chosen = sentence(
        "that pair was picked after looking, so the interval holds for all {n} pairs at once and p allows for them ({p})",
        n=printed(len(pairs), "count"),
        p=p_text(row),
    )
    if not clear(row):
        return sentence(
            "Furthest apart are “{level}” and “{reference}”, but not clearly (ratio {ratio}, interval {interval}): {chosen}.",
            ratio=number(row, "ratio2"),
            chosen=chosen,
            **parts,
        )
    return sentence(
        "Furthest apart are “{level}” and “{reference}”: the former {leaves} {times} (interval {interval}); {chosen}.",
        leaves=LEAVES[row.outcome],
        times=times_as_fast(row),
        chosen=chosen,
        **parts,
    )


def _others(findings: Findings) -> Markup:
    """Say which of the other segments show a clear difference."""
    others = segments(findings)[1:]
    tests = {
        row.term: row
        for row in findings.where(estimand="joint_test", effect_kind="total").rows()
        if others and row.outcome == others[0].outcome
    }
    known = [row.term for row in others if row.term in tests and tests[row.term].p_adjusted < 0.05]
    unclear = [row.term for row in others if row.term not in known]
    parts = []
    if known:
        parts.append(sentence("Levels also differ clearly in {names}.", names=_listed(known)))
    if unclear:
        parts.append(sentence("There is no clear difference by {names}.", names=_listed(unclear)))
    return sentence(" ").join(parts)


def _listed(names: list[str]) -> str:
    return listed(name[:1].lower() + name[1:] for name in names)


def _about(findings: Findings, first: Row) -> Markup:
    stays = findings.one(estimand="stays", term=EVERYONE)
    rates = {row.outcome: row for row in findings.where(estimand="churn_rate", term=EVERYONE).rows()}
    counted = sentence(
        "{n} customers with {stays} stays; {left} ended in the window. Whoever left and came back has several stays: "
        "curves and their tests take them as independent, ratios do not.",
        n=number(stays, "count", "n_accounts"),
        stays=number(stays, "count"),
        left=number(stays, "count", "n_events"),
    )
    if first.outcome == CHURN:
        return counted
    return counted + sentence(
        " “Of their own accord” are the {n} departures recorded as voluntary; the others{unknown} end follow-up there.",
        n=number(rates[first.outcome], "count", "n_events"),
        unknown=sentence(
            ", {n} without a recorded cause among them,", n=number(rates["unknown churn"], "count", "n_events")
        )
        if "unknown churn" in rates
        else "",
    )


def industry_segments(findings: Findings) -> Block:
    """Return every other segment: what was found, its levels in a table, its curves where they differ."""
    if empty(findings) is not None:
        return NOTHING
    blocks = NOTHING
    for segment in segments(findings)[1:]:
        differs = findings.where(estimand="levels_differ", term=segment.term).rows()
        main = asked(findings, segment)
        parts = [finding(_answer(segment, main, named=False)), _test_line(differs, main), _changing(findings, segment)]
        if any(row.p_adjusted < 0.05 for row in differs):
            parts.append(staying_figure(findings, segment))
        parts += [_levels(findings, segment), worth_table(findings, segment)]
        blocks += section(segment.term, *parts)
    return blocks if blocks.markup else paragraph("The study declares no other segment.", "sub")


def _test_line(rows: list[Row], main: Row | None) -> Block:
    """Return the tests that levels leave alike and what the ratio above holds equal, in one line."""
    equal = sentence(" Held equal above: {set}.", set=_equal(main)) if main is not None and main.adjusted_for else ""
    known = [row for row in rows if not math.isnan(row.p_value)]
    if not known:
        return paragraph(rows[0].note, "sub") if rows else NOTHING
    parts = [
        sentence("how customers {leaves}, {p} ({method})", leaves=LEAVES[row.outcome], p=p_text(row), method=row.method)
        for row in known
    ]
    return paragraph(
        sentence(
            "Do levels differ? In {tests}; p adjusted over the segments.{equal}",
            equal=equal,
            tests=sentence("; in ").join(parts),
        ),
        "sub",
    )


def _changing(findings: Findings, segment: Row) -> Block:
    """Say so where a segment's ratios are averages over the length of a stay."""
    tests = findings.where(estimand="proportional_hazards", term=segment.term, grade="changes with tenure").rows()
    if not tests:
        return NOTHING
    text = sentence(
        "The ratios change with the length of a stay ({p}): each is an average, and the differences in days below say more.",
        p=p_text(tests[0]),
    )
    return paragraph(text, "note")


def _levels(findings: Findings, segment: Row) -> Block:
    """Return the levels of a segment: how long they stay, and their ratios."""
    marks = horizons(findings, segment.term)
    survival = {(row.level, row.time): row for row in findings.where(estimand="survival", term=segment.term).rows()}
    longest = marks[-1].time if marks else None
    differences = rows_by_level(findings, estimand="restricted_mean_difference", term=segment.term, time=longest)
    totals = {
        row.level: row
        for row in findings.where(
            estimand="hazard_ratio", term=segment.term, outcome=segment.outcome, effect_kind="total", group=""
        ).rows()
    }
    order = list(rows_by_level(findings, estimand="customers_now", term=segment.term))
    order.sort(key=lambda level: -log_ratio(totals[level]) if level in totals else 0.0)
    extra = [level for level in totals if level not in order]
    cells = []
    for level in [*order, *extra]:
        total, direct = totals.get(level), ratio(findings, totals[level], "direct") if level in totals else None
        cells.append(
            {
                "level": level,
                **{str(mark.time): spread_out(survival.get((level, mark.time)), "percent0") for mark in marks},
                "mean": spread_out(differences.get(level), "number0"),
                "total": spread_out(total, "ratio2") if level != segment.reference else "reference",
                "direct": spread_out(direct, "ratio2") if level != segment.reference else "reference",
                "note": total.note if total is not None else "",
            }
        )
    columns = [
        Column(segment.term, "level"),
        *[Column("Still there after", str(mark.time), number=True, under=_under(mark)) for mark in marks],
        *([Column("Days more than the reference", "mean", number=True, under=_under(marks[-1]))] if marks else []),
        Column("Total ratio", "total", number=True),
        Column("Direct ratio", "direct", number=True),
        Column("Note", "note", css="small"),
    ]
    if not any(cell["note"] for cell in cells):
        columns.pop()
    outcome = LEAVES[segment.outcome]
    caption = f"Staying and leaving by {segment.term[:1].lower() + segment.term[1:]}; ratios of how fast customers {outcome}, with intervals"
    return table(caption, columns, cells)


def _under(horizon: Row) -> Markup:
    return sentence("<br><small>{time}</small>", time=horizon_words(horizon))
