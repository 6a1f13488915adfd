"""Ratios of the first segment: total beside direct for every level, and between any two levels."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import Scale, axis, colour_of, mark
from whychurn.display.industry_base import (
    ALL_PAIRS,
    ALPHA,
    CHURN,
    LEAVES,
    NOTHING,
    VOLUNTARY,
    clear,
    empty,
    log_ratio,
    ratio,
    segments,
    spread_out,
)
from whychurn.display.numbers import printed
from whychurn.display.wording import listed, number, p_text, with_interval
from whychurn.findings import Findings, Row

CALLED = {VOLUNTARY: "of their own accord", CHURN: "by any cause"}


def industry_forest(findings: Findings) -> Block:
    """Return every level's total and direct ratio against the reference, on one scale."""
    if empty(findings) is not None:
        return NOTHING
    first = segments(findings)[0]
    totals = findings.where(
        estimand="hazard_ratio", term=first.term, outcome=first.outcome, effect_kind="total", group=""
    ).rows()
    if not totals:
        return paragraph("No ratio could be estimated.", "note")
    totals.sort(key=lambda row: -log_ratio(row) if row.estimated else 99.0)
    directs = {row.level: ratio(findings, row, "direct") for row in totals}
    every = [row for row in [*totals, *directs.values()] if row is not None and row.estimated]
    scale = Scale.around(every)
    cells = []
    for row in totals:
        direct = directs[row.level]
        drawn = mark(row, scale, "c1")
        drawn += mark(direct, scale, "c2") if direct is not None else Markup("")
        cells.append(
            {
                "level": _pair(row),
                "forest": drawn,
                "total": with_interval(row, "ratio2"),
                "direct": spread_out(direct, "ratio2"),
                "n": number(row, "count", "n_accounts"),
                "left": number(row, "count", "n_events"),
                "note": row.note,
            }
        )
    legend = sentence(
        '<small><span style="color:{a}">●</span> total <span style="color:{b}">●</span> direct</small>',
        a=colour_of("c1"),
        b=colour_of("c2"),
    )
    columns = [
        Column(first.term, "level", css="cause"),
        Column("Ratio, log scale", "forest", css="fig", under=legend + axis(scale)),
        Column("Total (interval)", "total", number=True),
        Column("Direct (interval)", "direct", number=True),
        Column("Customers", "n", number=True),
        Column("Left", "left", number=True),
        Column("Note", "note"),
    ]
    columns = columns if any(row.note for row in totals) else columns[:-1]
    note = _forest_note(findings, first, totals[0])
    return table(_forest_title(first, totals), columns, cells) + note + _further_ratios(findings, first, totals)


def _pair(row: Row) -> Markup:
    if not row.reference:
        return sentence("{level}", level=row.level)
    return sentence("{level} <small>against {reference}</small>", level=row.level, reference=row.reference)


def _further_ratios(findings: Findings, segment: Row, totals: list[Row]) -> Block:
    """Return, folded, the ratios that nothing is held equal in, and those of leaving by any cause."""
    kinds = {"unadjusted": "Unadjusted", "total": "Total", "direct": "Direct"}
    outcomes = list(dict.fromkeys((segment.outcome, CHURN)))
    wanted = [
        (outcome, kind) for outcome in outcomes for kind in kinds if (outcome, kind) != (segment.outcome, "total")
    ]
    wanted = [pair for pair in wanted if pair != (segment.outcome, "direct")]
    cells = [
        {"level": _pair(row)}
        | {f"{outcome} {kind}": spread_out(ratio(findings, row, kind, outcome), "ratio2") for outcome, kind in wanted}
        for row in totals
    ]
    columns = [
        Column(segment.term, "level"),
        *[
            Column(
                kinds[kind],
                f"{outcome} {kind}",
                number=True,
                under=sentence("<br><small>{o}</small>", o=CALLED[outcome]),
            )
            for outcome, kind in wanted
        ],
    ]
    inner = table("Ratios with intervals", columns, cells)
    return folded("Without anything held equal, and for leaving by any cause", inner)


def _forest_title(segment: Row, totals: list[Row]) -> Markup:
    """Say which levels differ clearly from the reference, allowing for the number of levels (Holm)."""
    known = [row for row in totals if row.estimated and row.p_adjusted < ALPHA]
    faster = [row.level for row in known if row.estimate > 1]
    slower = [row.level for row in known if row.estimate < 1]
    if not known:
        return sentence(
            "No level of {term} differs clearly from the reference in how fast customers {leaves}",
            term=segment.term,
            leaves=LEAVES[segment.outcome],
        )
    words = " and ".join(
        f"{pace} in {_quoted(levels)}" for levels, pace in ((faster, "faster"), (slower, "more slowly")) if levels
    )
    return sentence(
        "Customers {leaves} {words} than in “{reference}”",
        leaves=LEAVES[segment.outcome],
        words=words,
        reference=known[0].reference,
    )


def _quoted(levels: list[str]) -> str:
    return ", ".join(f"“{level}”" for level in levels)


def _forest_note(findings: Findings, segment: Row, total: Row) -> Block:
    direct = findings.where(
        estimand="joint_test", term=segment.term, outcome=segment.outcome, effect_kind="direct"
    ).rows()
    tests = findings.where(estimand="proportional_hazards", term=segment.term).rows()
    parts = [
        sentence("Total: {set} equal.", set=_names(total.adjusted_for))
        if total.adjusted_for
        else sentence("Total: nothing else is held equal, as nothing of the same or an earlier tier is declared."),
    ]
    if direct and direct[0].adjusted_for:
        parts.append(
            sentence("Direct: {n} other causes equal.", n=printed(len(direct[0].adjusted_for.split(", ")), "count"))
        )
    elif direct and direct[0].note:
        parts.append(sentence("Direct: {note}", note=direct[0].note))
    if tests and tests[0].grade != "not tested":
        changes = tests[0].grade == "changes with tenure"
        words = (
            "The ratios change with the length of a stay, so each is an average over it ({p})."
            if changes
            else "There is no sign that the ratios change with the length of a stay ({p})."
        )
        parts.append(sentence(words, p=p_text(tests[0])))
    return paragraph(sentence(" ").join(parts), "sub")


def _names(adjusted_for: str) -> str:
    return listed(name[:1].lower() + name[1:] for name in adjusted_for.split(", "))


def industry_pairs(findings: Findings) -> Block:
    """Return every pair of levels of the first segment, furthest apart first."""
    if empty(findings) is not None:
        return NOTHING
    first = segments(findings)[0]
    totals = _pairs(findings, first, first.outcome, "total")
    if not totals:
        return paragraph("There are no two levels whose ratio could be estimated.", "sub")
    direct, whole = _pairs(findings, first, first.outcome, "direct"), _pairs(findings, first, CHURN, "total")
    tests = {
        frozenset((row.level, row.reference)): row
        for row in findings.where(estimand="pair_differs", term=first.term, outcome=first.outcome).rows()
    }
    scale = Scale.around(totals.values())
    cells = []
    for key, row in totals.items():
        curve = tests.get(frozenset(key))
        cells.append(
            {
                "pair": _pair(row),
                "forest": mark(row, scale, "c2" if clear(row) else "soft"),
                "total": with_interval(row, "ratio2"),
                "p": number(row, "p", "p_adjusted"),
                "direct": spread_out(direct.get(key), "ratio2"),
                "any": spread_out(whole.get(key), "ratio2"),
                "curve": number(curve, "p", "p_adjusted") if curve is not None else "–",
            }
        )
    columns = [
        Column("Pair", "pair", css="cause"),
        Column("Total ratio, log scale", "forest", css="fig", under=axis(scale)),
        Column("Total (interval)", "total", number=True),
        Column("p, all pairs", "p", number=True),
        Column("Direct (interval)", "direct", number=True),
        Column("Leaving by any cause, total", "any", number=True),
        Column("Curves: p, all pairs", "curve", number=True),
    ]
    if first.outcome == CHURN:
        columns = [column for column in columns if column.key != "any"]
    caption = sentence(
        "{k} of {n} pairs of levels differ clearly in how fast customers {leaves}",
        k=printed(sum(clear(row) for row in totals.values()), "count"),
        n=printed(len(totals), "count"),
        leaves=LEAVES[first.outcome],
    )
    note = (
        "Every pair, the faster level in front. Intervals are widened to hold for all pairs at once (Bonferroni), "
        "p-values adjusted over all pairs (Holm), so whichever pair catches the eye has paid for it. “Curves” is the "
        "log-rank test of the two, nothing held equal."
    )
    return table(caption, columns, cells) + paragraph(note, "sub")


def _pairs(findings: Findings, segment: Row, outcome: str, kind: str) -> dict[tuple[str, str], Row]:
    rows = findings.where(
        estimand="hazard_ratio", term=segment.term, outcome=outcome, effect_kind=kind, group=ALL_PAIRS
    ).rows()
    return {(row.level, row.reference): row for row in rows}
