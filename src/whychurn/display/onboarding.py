"""Do the first ninety days decide? First uses, milestones and the weeks that follow."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.feature_usage import left_out, nothing, verdict_chip
from whychurn.display.first_use_curves import NARROW, WIDE, first_use_svg
from whychurn.display.forest import Scale, axis, mark
from whychurn.display.numbers import format_number, printed
from whychurn.display.wording import first_row, first_upper, interval, number, p_text, with_interval
from whychurn.findings import Findings, Row

#: First uses are compared on this day.
DAY = 90.0
SHOWN = (30.0, 90.0, 365.0)
UNTESTED = "not estimated"


def heads(findings: Findings) -> list[Row]:
    """Return for each milestone the ratio that its verdict goes by."""
    return [row for row in findings.where(estimand="hazard_ratio").rows() if row.family]


def onboarding_summary(findings: Findings) -> Block:
    """Say which milestones go with staying, or that none clearly does."""
    absent = left_out(findings)
    new = first_row(findings, estimand="n_new")
    if absent is not None:
        return absent
    rows = heads(findings)
    judged = [row for row in rows if row.estimated]
    assert new is not None  # every study with new customers counts them
    counted = sentence(
        "{n} customers came inside the window, {left} of them have left. A milestone is judged by what was known at its day, and "
        "leaving is counted only once the study's lag has passed, among those still there then. This is association: customers who mean to "
        "stay may take the trouble to meet milestones.",
        n=number(new, "count", "n_accounts"),
        left=number(new, "count", "n_events"),
    )
    if not judged:
        return finding("No milestone of the first ninety days could be held against later leaving.") + paragraph(
            counted, "sub"
        )
    clear = [row for row in judged if row.grade in ("protective", "risky")]
    text = _clear(clear) if clear else _unclear(judged)
    return finding(text) + paragraph(_detectable(findings, judged), "sub") + paragraph(counted, "sub")


def _clear(rows: Sequence[Row]) -> Markup:
    top = min(rows, key=lambda row: row.p_value)
    more = sentence(" So do {n} more.", n=printed(len(rows) - 1, "count"))
    return sentence(
        "New customers who met “{name}” later leave at {ratio} times the rate of those who did not (interval {i}, adjusted "
        "{p}).{more}",
        name=top.term,
        ratio=number(top, "ratio2"),
        i=interval(top, "ratio2"),
        p=p_text(top),
        more=more if len(rows) > 1 else "",
    )


def _unclear(rows: Sequence[Row]) -> Markup:
    top = min(rows, key=lambda row: row.p_value)
    return sentence(
        "The first ninety days do not clearly decide: for none of {n} milestones is there a difference in later leaving that "
        "chance would not explain. Closest comes “{name}”, with {ratio} times the rate (interval {i}, adjusted {p}).",
        n=printed(len(rows), "count"),
        name=top.term,
        ratio=number(top, "ratio2"),
        i=interval(top, "ratio2"),
        p=p_text(top),
    )


def _detectable(findings: Findings, rows: Sequence[Row]) -> Markup:
    least = first_row(findings, estimand="smallest_detectable")
    if least is None:
        return Markup("")
    return (
        sentence(
            "That none is clear is not that none matters: even the best-measured milestone would have had to bring the rate down to "
            "{ratio} times to be found four times out of five, before allowing for {n} tests.",
            ratio=number(least, "ratio2"),
            n=printed(len(rows), "count"),
        )
        if not any(row.grade in ("protective", "risky") for row in rows)
        else Markup("")
    )


def onboarding_first_use(findings: Findings) -> Block:
    """Return how soon new customers use each module."""
    rows = [row for row in findings.where(estimand="first_use").rows() if row.estimated]
    by_module: dict[str, list[Row]] = {}
    for row in rows:
        by_module.setdefault(row.term, []).append(row)
    if not by_module:
        missing = first_row(findings, estimand="first_use")
        return paragraph(missing.note, "note") if missing is not None else nothing()
    order = sorted(by_module, key=lambda name: -by_module[name][-1].estimate)
    drawn = {name: [row for row in by_module[name] if row.time <= 182] for name in order}
    drawn = {name: rows for name, rows in drawn.items() if rows}
    at = {name: next((row for row in by_module[name] if row.time == DAY), by_module[name][-1]) for name in order}
    quick, slow = at[order[0]], at[order[-1]]
    title = sentence(
        "By day {day}, {a} of new customers have used {quick}{rest}.",
        day=number(quick, "count", "time"),
        a=number(quick, "percent0"),
        quick=quick.term,
        rest=sentence(", and {b} {slow}", b=number(slow, "percent0"), slow=slow.term) if len(order) > 1 else "",
    )
    alt = "; ".join(f"{name} {format_number(at[name].estimate, 'percent0')} by day {at[name].time:g}" for name in order)
    wide, narrow = (
        first_use_svg(drawn, f"Share of new customers that have used each module. {alt}", layout)
        for layout in (WIDE, NARROW)
    )
    return figure(wide, narrow, title, paragraph(f"{first_upper(quick.definition)}.", "sub")) + folded(
        "The shares as a table", _first_use_table(findings, order)
    )


def _first_use_table(findings: Findings, order: Sequence[str]) -> Block:
    used = {(row.term, row.time): row for row in findings.where(estimand="first_use").rows()}
    left = {(row.term, row.time): row for row in findings.where(estimand="left_before_use").rows()}
    days = [day for day in SHOWN if any((name, day) in used for name in order)]
    cells = []
    for name in order:
        first = next(row for (term, _), row in used.items() if term == name)
        cell: dict[str, object] = {"module": name, "n": number(first, "count", "n_accounts"), "note": first.note}
        for day in days:
            cell[f"used{day:g}"] = with_interval(used[name, day], "percent0") if (name, day) in used else "–"
            cell[f"left{day:g}"] = number(left[name, day], "percent0") if (name, day) in left else "–"
        cells.append(cell)
    columns = [Column("Module", "module", css="cause"), Column("New customers", "n", number=True)]
    for day in days:
        columns.append(Column(f"Used it by day {day:g}", f"used{day:g}", number=True))
        columns.append(Column(f"Left before, by day {day:g}", f"left{day:g}", number=True))
    columns.append(Column("Note", "note", css="small"))
    return table("Share of new customers that used each module, and that left before they did", columns, cells)


def onboarding_milestones(findings: Findings) -> Block:
    """Return each milestone: who met it, and how leaving afterwards differs."""
    rows = heads(findings)
    if not rows:
        return nothing()
    met = {row.term: row for row in findings.where(estimand="milestone_met").rows()}
    alone = _by_milestone(findings, "unadjusted", rows[0].outcome)
    scale = Scale.around([row for row in rows if row.estimated])
    cells = [
        {
            "name": row.term,
            "share": number(met[row.term], "percent0"),
            "drawn": mark(row, scale),
            "ratio": with_interval(row, "ratio2"),
            "alone": with_interval(alone[row.term], "ratio2") if row.term in alone else "–",
            "p": number(row, "p", "p_adjusted"),
            "verdict": verdict_chip(row.grade),
            "left": number(row, "count", "numerator"),
            "note": row.note,
        }
        for row in rows
    ]
    columns = [
        Column("Milestone", "name", css="cause"),
        Column("Met it", "share", number=True),
        Column("Rate of leaving later, met against not met", "drawn", css="fig", under=axis(scale)),
        Column("Ratio (interval)", "ratio", number=True),
        Column("Alone", "alone", number=True),
        Column("adjusted p", "p", number=True),
        Column("Verdict", "verdict", css="grade"),
        Column("Left later", "left", number=True),
        Column("Note", "note", css="small"),
    ]
    if not any(row.note for row in rows):
        columns.pop()
    caption = "Milestones and later leaving: equally active customers with the same first uses of other modules, where these are measured"
    return table(caption, columns, cells) + _judged(findings, rows, met)


def _by_milestone(findings: Findings, kind: str, outcome: str) -> dict[str, Row]:
    rows = findings.where(estimand="hazard_ratio", effect_kind=kind, outcome=outcome).rows()
    return {row.term: row for row in rows}


def _judged(findings: Findings, rows: Sequence[Row], met: dict[str, Row]) -> Block:
    """Say on which day each milestone was judged and what is held equal, beside the ratios with less held equal."""
    total, any_leaving = _by_milestone(findings, "total", rows[0].outcome), _by_milestone(findings, "total", "churn")
    cells = [
        {
            "name": row.term,
            "what": first_upper(met[row.term].definition),
            "n": number(met[row.term], "count", "denominator"),
            "held": row.adjusted_for,
            "total": with_interval(total[row.term], "ratio2") if row.term in total else "–",
            "any": with_interval(any_leaving[row.term], "ratio2") if row.term in any_leaving else "–",
        }
        for row in rows
        if row.time > 0
    ]
    columns = [
        Column("Milestone", "name", css="cause"),
        Column("Judged", "what", css="small"),
        Column("Still there", "n", number=True),
        Column("Earlier causes equal", "total", number=True),
        Column("All leaving", "any", number=True),
        Column("Held equal above", "held", css="small"),
    ]
    caption = "When each milestone was judged, and the ratios with only earlier causes held equal"
    return (
        folded("When each was judged, and what is held equal", table(caption, columns, cells)) if cells else nothing()
    )


def onboarding_amounts(findings: Findings) -> Block:
    """Return how leaving differs by how much each module was used in the first weeks."""
    rows = findings.where(estimand="hazard_ratio_of_amount").rows()
    if not rows:
        return nothing()
    rows.sort(key=lambda row: row.estimate if row.estimated else 1e9)
    clear = [row for row in rows if row.grade == "protective"]
    known = [row for row in rows if row.estimated]
    if clear:
        text = sentence(
            "How much {name} is used in the first weeks goes with staying: {level} against none, {ratio} times the rate "
            "(interval {i}).",
            name=clear[0].term,
            level=clear[0].level,
            ratio=number(clear[0], "ratio2"),
            i=interval(clear[0], "ratio2"),
        )
    elif known:
        text = sentence(
            "Nor does how much a module is used in the first weeks clearly decide; lowest is {name}, with {ratio} times the rate "
            "(interval {i}).",
            name=known[0].term,
            ratio=number(known[0], "ratio2"),
            i=interval(known[0], "ratio2"),
        )
    else:
        return paragraph(rows[0].note, "note")
    scale = Scale.around(known)
    cells = [
        {
            "name": row.term,
            "level": row.level,
            "drawn": mark(row, scale),
            "ratio": with_interval(row, "ratio2"),
            "p": number(row, "p", "p_adjusted"),
            "verdict": verdict_chip(row.grade),
            "n": number(row, "count", "n_accounts"),
            "left": number(row, "count", "n_events"),
            "note": row.note,
        }
        for row in rows
    ]
    columns = [
        Column("Module", "name", css="cause"),
        Column("Usual amount", "level", number=True),
        Column("Rate of leaving later, against no use", "drawn", css="fig", under=axis(scale)),
        Column("Ratio (interval)", "ratio", number=True),
        Column("adjusted p", "p", number=True),
        Column("Verdict", "verdict", css="grade"),
        Column("Used it early", "n", number=True),
        Column("Left later", "left", number=True),
        Column("Note", "note", css="small"),
    ]
    if not any(row.note for row in rows):
        columns.pop()
    caption = sentence("{what}, all modules beside each other", what=rows[0].definition.capitalize())
    return finding(text) + table(caption, columns, cells)
