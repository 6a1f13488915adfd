"""How long customers of each segment stay, and by which cause they leave: one small panel per level."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, figure, folded, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.display.industry_base import (
    CHURN,
    EVERYONE,
    NOTHING,
    VOLUNTARY,
    asked,
    empty,
    horizon_words,
    horizons,
    rows_by_level,
    segments,
)
from whychurn.display.industry_curve_tables import cause_tables, count_table, mean_table
from whychurn.display.numbers import format_number
from whychurn.display.small_multiples import NARROW, WIDE, Panel, axis_name, nice_top, panels_svg
from whychurn.display.wording import number, p_text, unit
from whychurn.findings import Findings, Row


def industry_staying(findings: Findings) -> Block:
    """Return the curves of staying by level of the first segment."""
    if empty(findings) is not None:
        return NOTHING
    first = segments(findings)[0]
    return staying_figure(findings, first) + mean_table(findings, first)


def staying_figure(findings: Findings, segment: Row) -> Block:
    """Return the curves of staying of one segment, whatever the cause of leaving."""
    marks = horizons(findings, segment.term)
    if not marks:
        return _no_curves(findings, segment)
    mark = marks[-1]
    at = _at(findings, segment, "survival", CHURN, mark)
    counts = folded("At risk, left and still observed, in numbers", count_table(findings, segment))
    title = _title(findings, segment, at, mark, "are still customers", CHURN)
    return _drawn(findings, segment, "survival", CHURN, at, mark, title, counts + _remarks(findings, segment))


def industry_leaving(findings: Findings) -> Block:
    """Return the cumulative incidence of voluntary leaving by level of the first segment, and of every cause."""
    if empty(findings) is not None:
        return NOTHING
    first = segments(findings)[0]
    marks = horizons(findings, first.term)
    if not marks:
        return _no_curves(findings, first)
    if first.outcome == CHURN:
        return paragraph(
            "Departures are not told apart by cause in these data, so leaving is the reverse of staying above.", "sub"
        )
    mark = marks[-1]
    at = _at(findings, first, "incidence", VOLUNTARY, mark)
    if not at:
        return _no_curves(findings, first)
    title = _title(findings, first, at, mark, "have left of their own accord", VOLUNTARY)
    return _drawn(findings, first, "incidence", VOLUNTARY, at, mark, title, NOTHING) + cause_tables(findings, first)


def _at(findings: Findings, segment: Row, estimand: str, outcome: str, mark: Row) -> list[Row]:
    """Return the levels at one length of stay, those that lose most first."""
    rows = findings.where(estimand=estimand, term=segment.term, outcome=outcome, time=mark.time).rows()
    most = 1 if estimand == "survival" else -1
    return sorted((row for row in rows if row.estimated), key=lambda row: most * row.estimate)


def _drawn(
    findings: Findings,
    segment: Row,
    estimand: str,
    outcome: str,
    at: list[Row],
    mark: Row,
    title: Markup,
    after: Block,
) -> Block:
    """Draw one panel per level, in the order of `at`."""
    curves = findings.where(estimand=estimand, term=segment.term, outcome=outcome).table
    everyone = findings.where(estimand=estimand, term=EVERYONE, outcome=outcome).table
    at_risk = findings.where(estimand="n_at_risk", term=segment.term).table
    rates = rows_by_level(findings, estimand="churn_rate", term=segment.term, outcome=outcome)
    order = [row.level for row in at] + [
        level for level in dict.fromkeys(curves["level"]) if level not in {r.level for r in at}
    ]
    main = asked(findings, segment)
    panels = [
        Panel(
            name=level,
            counts=f"{format_number(rates[level].n_accounts, 'count')} customers, {format_number(rates[level].n_events, 'count')} left",
            curve=curves[curves["level"] == level],
            at_risk=at_risk[at_risk["level"] == level],
            marked=main is not None and level == main.level,
        )
        for level in order
    ]
    top = None
    if estimand == "incidence":
        top = nice_top(1.05 * float(curves.loc[curves["denominator"] >= 10, "estimate"].max()))
    last, time_unit = float(curves["time"].max()), unit(findings)
    alt = "; ".join(f"{row.level} {format_number(row.estimate, 'percent0')}" for row in at)
    alt = f"{title.striptags()}. {alt}."
    wide, narrow = (panels_svg(panels, everyone, alt, layout, time_unit, top, mark.time) for layout in (WIDE, NARROW))
    words = (
        "Kaplan-Meier" if estimand == "survival" else "Aalen-Johansen, so that other causes of leaving are not ignored"
    )
    remark = sentence(
        "Along: {axis}. Band: interval at each point. Grey dashes: all customers. The point, and the number in the corner: after {time}. A curve ends "
        "where fewer than ten are at risk. {method}; customers older than the records enter late.",
        axis=axis_name(last, time_unit),
        time=horizon_words(mark),
        method=words,
    )
    return figure(wide, narrow, title, paragraph(remark, "sub") + after)


def _title(findings: Findings, segment: Row, at: list[Row], mark: Row, verb: str, outcome: str) -> Markup:
    """Return the finding of a figure: the first and the last level, or that they do not differ clearly."""
    if not at:
        return sentence("{term}: no level was followed for {time}", term=segment.term, time=horizon_words(mark))
    tests = findings.where(estimand="levels_differ", term=segment.term, outcome=outcome).rows()
    first, other = at[0], at[-1]
    if first is other:
        return sentence(
            "After {time}, {share} of “{level}” {verb}",
            time=horizon_words(mark),
            share=number(first, "percent0"),
            level=first.level,
            verb=verb,
        )
    differs = bool(tests and tests[0].p_adjusted < 0.05)
    return sentence(
        "After {time}, {share} of “{level}” {verb}, {other} of “{other_level}”{unclear}{p}",
        time=horizon_words(mark),
        share=number(first, "percent0"),
        level=first.level,
        verb=verb,
        other=number(other, "percent0"),
        other_level=other.level,
        unclear="" if differs else ": no clear difference",
        p=sentence(" ({p})", p=p_text(tests[0])) if tests else "",
    )


def _remarks(findings: Findings, segment: Row) -> Block:
    """Say which levels have no curve and why, and whether curves begin late."""
    lacking = [
        row for row in findings.where(estimand="median", term=segment.term).rows() if row.note.startswith("No curve")
    ]
    begun = [row for row in findings.where(estimand="survival", term=segment.term).rows() if row.note]
    lines = [sentence("{level}: {note}", level=row.level, note=row.note) for row in lacking]
    if begun:
        lines.append(sentence("{note}", note=begun[0].note))
    return paragraph(sentence(" ").join(lines), "sub") if lines else NOTHING


def _no_curves(findings: Findings, segment: Row) -> Block:
    lead = paragraph(f"{segment.term}: too few customers at risk for curves.", "note")
    return lead + _remarks(findings, segment)
