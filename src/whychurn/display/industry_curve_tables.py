"""The numbers behind curves by segment: counts, mean stays, and shares who have left by each cause."""

from __future__ import annotations

from whychurn.display.blocks import Block, Column, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.industry_base import (
    ALL,
    EVERYONE,
    LEAVES,
    NOTHING,
    VOLUNTARY,
    horizon_words,
    horizons,
    level_name,
    spread_out,
)
from whychurn.display.wording import first_upper, number, p_text, unit, with_interval
from whychurn.findings import Findings, Row

#: What each cause of leaving is called.
CAUSES = {
    "voluntary churn": "of their own accord",
    "involuntary churn": "unpaid charges",
    "bankruptcy churn": "closed down",
    "unknown churn": "no cause recorded",
}


def count_table(findings: Findings, segment: Row) -> Block:
    """Return the customers behind the curves of a segment at the end of every year, and when half have left."""
    found = {
        name: {(row.level, row.time): row for row in findings.where(estimand=name, term=segment.term).rows()}
        for name in ("n_at_risk", "n_events", "n_censored", "survival")
    }
    cells = [
        {
            "level": row.level,
            "time": number(row, "number0", "time"),
            "risk": number(row, "count"),
            "left": number(found["n_events"][key], "count"),
            "censored": number(found["n_censored"][key], "count"),
            "share": spread_out(found["survival"].get(key), "percent1"),
        }
        for key, row in found["n_at_risk"].items()
    ]
    columns = [
        Column(segment.term, "level"),
        Column(first_upper(unit(findings)), "time", number=True),
        Column("At risk just before", "risk", number=True),
        Column("Left by then", "left", number=True),
        Column("Still customers when last seen", "censored", number=True),
        Column("Still customers", "share", number=True),
    ]
    medians = [
        row
        for row in findings.where(estimand="median", term=segment.term).rows()
        if not row.note.startswith("No curve")
    ]
    lines = [
        sentence(
            "Half of “{level}” have left by {m} {unit}.",
            level=row.level,
            m=with_interval(row, "number0"),
            unit=unit(findings),
        )
        if row.estimated
        else sentence("“{level}”: {note}", level=row.level, note=row.note)
        for row in medians
    ]
    caption = f"Customers at risk, left and still observed: {segment.term}"
    return table(caption, columns, cells) + paragraph(sentence(" ").join(lines), "sub")


def mean_table(findings: Findings, segment: Row) -> Block:
    """Return mean stays within each horizon, and their differences from the reference."""
    marks = horizons(findings, segment.term)
    if not marks:
        return NOTHING
    means = {(row.level, row.time): row for row in findings.where(estimand="restricted_mean", term=segment.term).rows()}
    gaps = {
        (row.level, row.time): row
        for row in findings.where(estimand="restricted_mean_difference", term=segment.term).rows()
    }
    reference = next((row.reference for row in gaps.values()), segment.reference)
    levels = sorted(
        dict.fromkeys(level for level, _ in means), key=lambda level: means[level, marks[-1].time].estimate or 0.0
    )
    cells = []
    for level in levels:
        cell: dict[str, object] = {"level": level}
        for mark in marks:
            gap = gaps.get((level, mark.time))
            cell[f"mean {mark.time}"] = spread_out(means.get((level, mark.time)), "number0")
            cell[f"gap {mark.time}"] = "reference" if level == reference else spread_out(gap, "number0")
            cell[f"p {mark.time}"] = number(gap, "p", "p_adjusted") if gap is not None else ""
        cells.append(cell)
    columns = [Column(segment.term, "level")]
    for mark in marks:
        under = sentence("<br><small>of {time}</small>", time=horizon_words(mark))
        columns += [
            Column("Mean days here", f"mean {mark.time}", number=True, under=under),
            Column("Against the reference", f"gap {mark.time}", number=True, under=under),
            Column("p", f"p {mark.time}", number=True, under=under),
        ]
    caption = (
        f"Mean days as a customer within the first years of a stay, by {segment.term[:1].lower() + segment.term[1:]}"
    )
    note = "Area under the curve (restricted mean), with intervals; p adjusted over the levels by Holm."
    return table(caption, columns, cells) + paragraph(note, "sub")


def cause_tables(findings: Findings, segment: Row) -> Block:
    """Return the share who have left by each cause, at each horizon."""
    marks = horizons(findings, segment.term)
    rows = [
        row
        for row in findings.where(estimand="incidence").rows()
        if row.term in (segment.term, EVERYONE) and row.time in {mark.time for mark in marks}
    ]
    at = {(row.level, row.outcome, row.time): row for row in rows}
    found = dict.fromkeys(row.outcome for row in rows)
    outcomes = [outcome for outcome in CAUSES if outcome in found] + [o for o in found if o not in CAUSES]
    last = marks[-1].time
    levels = sorted(
        dict.fromkeys(row.level for row in rows if row.level != ALL),
        key=lambda level: -(at[level, VOLUNTARY, last].estimate if (level, VOLUNTARY, last) in at else 0.0),
    )
    tables = NOTHING
    for mark in marks:
        cells = [
            {
                "level": level_name(level),
                **{o: spread_out(at.get((level, o, mark.time)), "percent1") for o in outcomes},
            }
            for level in [*levels, ALL]
        ]
        columns = [
            Column(segment.term, "level"),
            *[Column(first_upper(CAUSES.get(outcome, str(outcome))), outcome, number=True) for outcome in outcomes],
        ]
        caption = sentence("Have left after {time}, by cause of leaving, with intervals", time=horizon_words(mark))
        tables += table(caption, columns, cells)
    tests = findings.where(estimand="levels_differ", term=segment.term, outcome=VOLUNTARY).rows()
    words = (
        sentence(
            "Do levels differ in how customers {leaves}? {method}: {p}, adjusted over the segments.{why}",
            leaves=LEAVES[VOLUNTARY],
            method=first_upper(tests[0].method),
            p=p_text(tests[0]),
            why=""
            if tests[0].method.startswith("Gray")
            else " Gray’s test compares these shares directly but has no form for customers who enter late.",
        )
        if tests
        else sentence("")
    )
    return tables + paragraph(words, "sub")
