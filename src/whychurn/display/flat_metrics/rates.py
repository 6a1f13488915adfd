"""How fast they leave: average rates, their conversions to a year, and what the survival curve says instead."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.flat_metrics.words import (
    HEADS,
    SERIES,
    YEAR,
    apart,
    if_reading,
    known,
    last_of,
    months_of,
    readings,
)
from whychurn.display.paired_bars import NARROW, WIDE, Pair, in_words, paired_svg
from whychurn.display.wording import first_row, first_upper, interval, number, with_interval
from whychurn.findings import FIRST_READING, SECOND_READING, Findings, Row

#: Nobody wins so many customers for each who stays: a window that needs them was not typical of the time before it.
IMPLAUSIBLE, FEW = 1000.0, 10.0
#: A share that would be printed as all, although some are left.
NEARLY_ALL = 0.9995


def flat_rates(findings: Findings) -> Block:
    """State the average rate, its conversion and the curve's answer, under each reading; and why they differ."""
    if not readings(findings):
        return paragraph("No customer has any time at risk, so there is no rate.", "note")
    return _evenly(findings) + _window(findings)


def _evenly(findings: Findings) -> Block:
    """Tell the average over all customer-months, as if everybody who ever left is in the file."""
    hazard, year = (known(findings, estimand=name, group=FIRST_READING) for name in ("hazard", "hazard_year"))
    if hazard is None or year is None:
        return Block(Markup(""))
    head = sentence(
        "On average {h} of customers leave per month{reading}; for a year that would be {y}",
        h=number(hazard, "percent2"),
        reading=if_reading(findings, FIRST_READING),
        y=number(year, "percent1"),
    )
    counts = sentence(
        "{n} departures in {m} customer-months: the interval of the rate is {i} (exact Poisson), of the year {y}. ",
        n=number(hazard, "count", "numerator"),
        m=number(hazard, "count", "denominator"),
        i=interval(hazard, "percent2"),
        y=interval(year, "percent1"),
    )
    return _beside_the_curve(findings, FIRST_READING, head, counts, year)


def _beside_the_curve(findings: Findings, reading: str, head: Markup, counts: Markup, year: Row) -> Block:
    curve = known(findings, estimand="left_by", group=reading, time=YEAR)
    if curve is None:
        row = first_row(findings, estimand="left_by", group=reading, time=YEAR)
        note = sentence("The curve does not say: {n}", n=row.note) if row is not None and row.note else Markup("")
        return finding(head + ".") + paragraph(counts + note)
    text = sentence(
        "{head}, but by the curve {c} of new customers are gone by then.", head=head, c=number(curve, "percent1")
    )
    if not apart(year, curve):
        text = sentence(
            "{head}, and by the curve {c} of new customers are gone by then.", head=head, c=number(curve, "percent1")
        )
    told = Markup("")
    if not math.isnan(curve.conf_low):
        told = sentence("The interval of the curve is {i}. ", i=interval(curve, "percent1"))
    return finding(text) + paragraph(counts + told + _why(findings, reading, year, curve))


def _why(findings: Findings, reading: str, year: Row, curve: Row) -> Markup:
    early, late = (
        known(findings, estimand="hazard_by_tenure", group=reading, level=level)
        for level in ("first 12 months", "later")
    )
    if early is None or late is None:
        return Markup("")
    parts = {"f": early.level, "a": number(early, "percent2"), "b": number(late, "percent2")}
    if not apart(early, late):
        return sentence("The rate is not clearly different in the {f} ({a} a month) and later ({b}).", **parts)
    side = "lower" if year.estimate < curve.estimate else "higher"
    return sentence(
        "Leaving depends on tenure: {a} a month in the {f}, {b} later. New customers go through the early months first; the "
        "average mixes in those who are past them, so that its conversion is {side} than the curve.",
        side=side,
        **parts,
    )


def _window(findings: Findings) -> Block:
    """Tell the share lost within the window, as if only those who left within it are in the file."""
    row, year = first_row(findings, estimand="window_churn"), known(findings, estimand="window_churn_year")
    if row is None:
        return Block(Markup(""))
    if not row.estimated or year is None:
        return paragraph(row.note, "note") if row.note else Block(Markup(""))
    head = sentence(
        "If only those who left within the last {w} are in the file, {s} of customers left within it; for a year that would be {y}",
        w=last_of(row),
        s=number(row, "percent1"),
        y=number(year, "percent1"),
    )
    counts = sentence(
        "{n} of {all} customers there when it began: the interval is {i}, for the year {y}. Nobody was watched for a year; that "
        "is a conversion. ",
        n=number(row, "count", "numerator"),
        all=number(row, "count", "denominator"),
        i=interval(row, "percent1"),
        y=interval(year, "percent1"),
    )
    return _beside_the_curve(findings, SECOND_READING, head, counts, year) + _plausible(findings)


def _plausible(findings: Findings) -> Block:
    """Say how many customers would have had to be won, had it always been like the window."""
    row = first_row(findings, estimand="won_per_present")
    if row is None:
        return Block(Markup(""))
    if not row.estimated:
        curve = first_row(findings, estimand="left_by", group=SECOND_READING, time=YEAR)
        told = curve is not None and curve.note == row.note
        return paragraph(row.note, "note") if row.note and not told else Block(Markup(""))
    text = sentence(
        "Had it always been like that, about {won} customers would have been won for each of the {n} who are still there{most}.",
        won=number(row, "number1" if row.estimate < FEW else "count"),
        n=number(row, "count", "denominator"),
        most=Markup("") if math.isnan(row.time) else sentence(" after at most {t}", t=months_of(row)),
    )
    if row.estimate >= IMPLAUSIBLE:
        text += Markup(
            " That cannot have been so: the window was no ordinary one, or leavers are over-represented in the file, or earlier "
            "leavers are in it after all. Whoever drew the file can say which."
        )
    return paragraph(text)


def flat_leaving(findings: Findings) -> Block:
    """Draw the chance to have left by some tenures under both readings, with a table."""
    rows = {group: findings.where(estimand="left_by", group=group).rows() for group in readings(findings)}
    found = {group: [row for row in each if row.estimated] for group, each in rows.items()}
    if not any(found.values()):
        return paragraph("Nobody was followed long enough to say who leaves by when.", "note")
    times = sorted({row.time for each in found.values() for row in each})
    at = {(group, row.time): row for group, each in found.items() for row in each}
    grid = _table(findings, times, at)
    if len(found) < 2:
        return grid
    pairs = [
        Pair(
            f"{time:g} month" + ("s" if time != 1 else ""),
            at.get((FIRST_READING, time)),
            at.get((SECOND_READING, time)),
        )
        for time in times
    ]
    alt = f"Chance to have left by some tenures under both readings. {in_words(pairs, SERIES)}"
    wide, narrow = (paired_svg(pairs, SERIES, alt, layout) for layout in (WIDE, NARROW))
    text = (
        "Chance that a new customer has left by that tenure, with its interval: as if all who ever left are in the file, and as "
        "if only those of the window are."
    )
    return figure(wide, narrow, _title(at, times), paragraph(text, "sub") + grid)


def _title(at: dict[tuple[str, float], Row], times: list[float]) -> Markup:
    both = [time for time in times if (FIRST_READING, time) in at and (SECOND_READING, time) in at]
    time = YEAR if YEAR in both else both[-1] if both else times[0]
    one, other = at.get((FIRST_READING, time)), at.get((SECOND_READING, time))
    if one is None or other is None:
        return sentence("Who leaves by when depends on which leavers are in the file")
    return sentence(
        "Within {t} of signing up {a} leave if all leavers are in the file, {b} if only recent ones are",
        t=months_of(one),
        a=number(one, "percent1"),
        b=_nearly(other),
    )


def _nearly(row: Row) -> Markup:
    return Markup("nearly all") if NEARLY_ALL <= row.estimate < 1 else number(row, "percent1")


def _table(findings: Findings, times: list[float], at: dict[tuple[str, float], Row]) -> Block:
    groups = readings(findings)
    cells = []
    for time in times:
        here = [row for group in groups if (row := at.get((group, time))) is not None]
        cell: dict[str, object] = {"t": months_of(here[0])}
        for group in groups:
            row = at.get((group, time))
            cell[group] = (
                "–" if row is None else _nearly(row) if row.estimate >= NEARLY_ALL else with_interval(row, "percent1")
            )
            cell[f"{group} n"] = number(row, "count", "denominator") if row is not None else "–"
        cells.append(cell)
    several = len(groups) > 1
    columns = [Column("Tenure", "t", css="cause")]
    for group in groups:
        columns += [
            Column(HEADS[group] if several else "Left by then (interval)", group, number=True),
            Column("Observed then", f"{group} n", number=True),
        ]
    notes = dict.fromkeys(row.note for row in at.values() if row.note)
    told = paragraph(first_upper(" ".join(notes)), "note") if notes else Block(Markup(""))
    return (
        table(
            "Chance to have left by then, by which leavers are in the file"
            if several
            else "Chance to have left by then",
            columns,
            cells,
            css="causes",
        )
        + told
    )
