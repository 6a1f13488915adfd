"""How long a silence is a warning: the statements made in advance, the curve of days, the bands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.inactivity_figures import NARROW, WIDE, ClockCurves, curves_svg
from whychurn.display.numbers import format_number
from whychurn.display.wording import first_row, interval, number, p_text, times_as_fast, with_interval
from whychurn.findings import Findings, Row

ALL, VOLUNTARY = "churn", "voluntary churn"
#: A clock's term, and how one says that nothing happened by it.
WITHOUT = {"Time since the last login": "without a login", "Time since the last use": "without use"}
HEADING = {"Time since the last login": "Since the last login", "Time since the last use": "Since the last use"}
CLEAR = 0.05
#: Days at which the table tells the curve, and the figure's title.
_TOLD, _HEADLINE = (3, 7, 14, 21, 30, 45, 60, 90), 30


def inactivity_summary(findings: Findings) -> Block:
    """Say whether silence is a warning, how strong, and how it is counted."""
    missing = [row.note for row in findings.where(estimand="not_measured").rows()]
    risks = [row for row in _risks(findings) if row.estimated]
    if not risks:
        block = finding("What silence says about leaving cannot be told here.")
        notes = [*missing, *(row.note for row in _risks(findings)), *(row.note for row in _parts(findings, "hazard_ratio", ALL))]  # fmt: skip
        return block + bullets([note for note in dict.fromkeys(notes) if note], "sub")
    clear = [row for row in risks if row.conf_low > 1]
    opening = "Silence is a warning" if len(clear) == len(risks) else "Silence is a warning by one clock only"
    if not clear:
        opening = "Silence is not shown to be a warning here"
    text = sentence("{opening}: {ratios}.", opening=opening, ratios=_and([_ratio_clause(row) for row in risks]))
    block = finding(text) + paragraph(_how(findings, risks[0]), "sub")
    return block + bullets(missing, "sub") if missing else block


def _ratio_clause(row: Row) -> Markup:
    return sentence(
        "after {level} {without} customers leave {times} (interval {interval}) as after {reference}",
        level=unbroken(row.level),
        without=WITHOUT.get(row.term, ""),
        times=times_as_fast(row),
        interval=interval(row, "times"),
        reference=unbroken(row.reference),
    )


def unbroken(level: str) -> Markup:
    """Return a level that stays on one line."""
    return sentence('<span style="white-space:nowrap">{level}</span>', level=level)


def _how(findings: Findings, row: Row) -> Markup:
    lag = first_row(findings, estimand="lag_days")
    held = row.adjusted_for or "nothing: no declared cause comes earlier"
    return sentence(
        "Silence is counted in full days, as it was known {lag} days ahead: what customers did after that is left "
        "out, because it may already follow from their decision. Held equal: {held}. All leaving counts, for whatever "
        "reason, unless a column says voluntary. Silence goes with leaving; that it brings it about is not shown.",
        lag="some" if lag is None else number(lag, "number0"),
        held=held,
    )


def inactivity_statements(findings: Findings) -> Block:
    """Return the statements made before looking, each with its verdict and the numbers it rests on."""
    verdicts = findings.where(estimand="verdict").rows()
    if not verdicts:
        return paragraph("Neither statement made in advance can be tested without days of silence.", "note")
    lines = [_verdict_line(row) for row in verdicts]
    beside = {(row.group, row.level): row for row in _parts(findings, "declared_ratio", VOLUNTARY)}
    cells = []
    for row in _parts(findings, "declared_ratio", ALL):
        other = beside.get((row.group, row.level))
        cells.append(
            {
                "statement": row.group,
                "what": sentence(
                    "{level} against {reference}", level=unbroken(row.level), reference=unbroken(row.reference)
                )
                if row.unit == "ratio"
                else sentence("{level}, at {reference}", level=row.level, reference=unbroken(row.reference)),
                "ratio": with_interval(row, "ratio2"),
                "p": number(row, "p", "p_value"),
                "voluntary": "–" if other is None else with_interval(other, "ratio2"),
                "left": number(row, "count", "n_events"),
                "verdict": row.grade,
                "note": row.note,
            }
        )
    columns = [
        Column("Statement", "statement", css="cause"),
        Column("What is compared", "what"),
        Column("Ratio (interval)", "ratio", number=True),
        Column("p", "p", number=True),
        Column("Voluntary only", "voluntary", number=True),
        Column("Left in silence", "left", number=True),
        Column("This part", "verdict"),
        Column("Note", "note", css="small"),
    ]
    columns = [column for column in columns if column.key not in ("voluntary", "note") or filled(cells, column.key)]
    rules = verdicts[0].definition
    caption = "The numbers behind the verdicts: hazard ratios, earlier causes equal"
    return (
        finding(_together(verdicts))
        + bullets(lines)
        + table(caption, columns, cells)
        + paragraph(
            sentence(
                "How the verdicts are reached: {rules}. Left in silence: departures after the longer silence.",
                rules=rules,
            ),
            "sub",
        )
    )


def _together(verdicts: Sequence[Row]) -> Markup:
    holding = [row for row in verdicts if row.grade == "holds"]
    if len(holding) == len(verdicts):
        return sentence("What was expected before looking holds.")
    return sentence("Not all that was expected before looking holds." if holding else "What was expected before looking is not confirmed.")  # fmt: skip


def _verdict_line(row: Row) -> Markup:
    words = {"holds": "holds", "does not hold": "does not hold", "cannot tell": "these data cannot tell"}
    p = sentence(" ({p}, adjusted by Holm’s method for both statements)", p=p_text(row)) if row.p_adjusted >= 0 else ""  # fmt: skip
    return sentence("“{statement}”: <strong>{verdict}</strong>{p}.", statement=row.group, verdict=words.get(row.grade, row.grade), p=p)  # fmt: skip


def inactivity_curves(findings: Findings) -> Block:
    """Return the hazard as a curve of the days of silence, by each clock."""
    curves = [curve for term in recorded_clocks(findings) if (curve := _curves(findings, term)).adjusted]
    if not curves:
        notes = [row.note for row in findings.where(estimand="joint_test", effect_kind="total", outcome=ALL).rows()]
        return paragraph(sentence("No curve could be drawn. {notes}", notes=" ".join(dict.fromkeys(notes))), "note")
    alt = "Hazard ratio by days of silence. " + " ".join(_in_words(curve) for curve in curves)
    wide, narrow = (curves_svg(curves, alt, layout) for layout in (WIDE, NARROW))
    tests = findings.where(estimand="joint_test", effect_kind="total", outcome=ALL, level="flat").rows()
    definition = tests[0].definition.partition("; ")[2] if tests else ""
    after = paragraph(
        sentence(
            "A ratio of two means leaving twice as fast. Reference: {reference} of silence. The ribbon is the interval at each "
            "day; grey lines mark the limits declared in advance. {definition}.",
            reference=curves[0].adjusted[0].reference,
            definition=definition[:1].upper() + definition[1:],
        ),
        "sub",
    ) + folded("The curves in numbers", *[_curve_table(curve) for curve in curves])
    return figure(wide, narrow, _curve_title(findings, curves), after)


def _curves(findings: Findings, term: str) -> ClockCurves:
    rows = findings.where(term=term, estimand="hazard_ratio_at_days")
    shares = findings.where(term=term, estimand="time_share_week").rows()
    return ClockCurves(
        HEADING.get(term, term),
        rows.where(outcome=ALL, effect_kind="total").rows(),
        rows.where(outcome=ALL, effect_kind="unadjusted").rows(),
        rows.where(outcome=VOLUNTARY, effect_kind="total").rows(),
        shares,
    )


def _curve_title(findings: Findings, curves: Sequence[ClockCurves]) -> Markup:
    clauses = []
    for curve in curves:
        row = _at_headline(curve)
        flat = first_row(findings, estimand="joint_test", term=row.term, outcome=ALL, effect_kind="total", level="flat")
        without = WITHOUT.get(row.term, "")
        if flat is None or not flat.p_value < CLEAR:
            clauses.append(sentence("there is no clear tie with days {without}", without=without))
        else:
            clauses.append(
                sentence(
                    "customers leave {times} (interval {interval}) after {days} days {without}",
                    times=times_as_fast(row),
                    interval=interval(row, "times"),
                    days=number(row, "number0", "time"),
                    without=without,
                )
            )
    return sentence("Against {reference} of silence, {clauses}", reference=unbroken(curves[0].adjusted[0].reference), clauses=_and(clauses))  # fmt: skip


def _at_headline(curve: ClockCurves) -> Row:
    return next((row for row in curve.adjusted if row.time == _HEADLINE), curve.adjusted[-1])


def _in_words(curve: ClockCurves) -> str:
    told = [row for row in curve.adjusted if row.time in _TOLD] or [curve.adjusted[-1]]
    return f"{curve.heading}: " + ", ".join(f"{format_number(row.estimate, 'ratio2')} at {row.time:.0f} days" for row in told) + "."  # fmt: skip


def _curve_table(curve: ClockCurves) -> Block:
    by_day = [{row.time: row for row in rows} for rows in (curve.adjusted, curve.voluntary, curve.unadjusted)]
    cells = []
    for day in (row.time for row in curve.adjusted if row.time in _TOLD):
        adjusted, voluntary, unadjusted = (rows.get(day) for rows in by_day)
        assert adjusted is not None  # the days are its own
        cells.append(
            {
                "day": number(adjusted, "number0", "time"),
                "adjusted": with_interval(adjusted, "ratio2"),
                "voluntary": "–" if voluntary is None else with_interval(voluntary, "ratio2"),
                "unadjusted": "–" if unadjusted is None else with_interval(unadjusted, "ratio2"),
            }
        )
    columns = [
        Column("Days", "day", number=True),
        Column("All leaving, adjusted", "adjusted", number=True),
        Column("Voluntary only, adjusted", "voluntary", number=True),
        Column("All leaving, unadjusted", "unadjusted", number=True),
    ]
    reference = curve.adjusted[0].reference
    return table(sentence("{heading}: hazard ratio against {reference}, with interval", heading=curve.heading, reference=reference), columns, cells)  # fmt: skip


def filled(cells: Iterable[dict[str, Any]], key: str) -> bool:
    """Return whether a column of a table says anything."""
    return any(cell[key] not in ("", "–", "reference") for cell in cells)


def recorded_clocks(findings: Findings) -> list[str]:
    """Return the clocks that are recorded, in order."""
    return list(dict.fromkeys(row.term for row in findings.where(estimand="time_share").rows()))


def _parts(findings: Findings, estimand: str, outcome: str) -> list[Row]:
    return findings.where(estimand=estimand, outcome=outcome, effect_kind="total").rows()


def _risks(findings: Findings) -> list[Row]:
    return [row for row in _parts(findings, "declared_ratio", ALL) if row.unit == "ratio"]


def _and(parts: Sequence[Markup]) -> Markup:
    return Markup(", and ").join(parts)
