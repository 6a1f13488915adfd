"""What silence says of the weeks ahead: how early it warns, how many leave, and the limit the data would choose."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, figure, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.inactivity import HEADING, WITHOUT, unbroken
from whychurn.display.inactivity_figures import NARROW, WIDE, lags_svg
from whychurn.display.numbers import format_number
from whychurn.display.wording import first_row, interval, number, p_text, times_as_fast, with_interval
from whychurn.findings import Findings, Row

_SHORT = {"Time since the last login": "login", "Time since the last use": "use"}


def inactivity_lags(findings: Findings) -> Block:
    """Return how the ratio after long silence shrinks when silence is known longer before."""
    rows = findings.where(estimand="hazard_ratio_at_lag").rows()
    notes = [row.note for row in rows if not row.estimated]
    clocks = [(term, [row for row in rows if row.term == term and row.estimated]) for term in WITHOUT]
    clocks = [(term, found) for term, found in clocks if found]
    if not clocks:
        return paragraph(sentence("The ratio cannot be followed over lags. {notes}", notes=" ".join(dict.fromkeys(notes))), "note")  # fmt: skip
    own = first_row(findings, estimand="lag_days")
    alt = "Hazard ratio after long silence, by how long before it was known. " + " ".join(
        f"{HEADING[term]}: "
        + ", ".join(f"{format_number(row.estimate, 'ratio2')} at {row.time:.0f} days" for row in found)
        + "."
        for term, found in clocks
    )
    drawn = [(_SHORT.get(term, term), found) for term, found in clocks]
    wide, narrow = (lags_svg(drawn, own.estimate if own else 0.0, alt, layout) for layout in (WIDE, NARROW))
    after = paragraph(
        sentence(
            "Ratio of {level} of silence against {reference}, with interval, earlier causes equal. A warning that only the "
            "last days give comes too late to act on, and may be no more than the decision itself.",
            level=clocks[0][1][0].level,
            reference=clocks[0][1][0].reference,
        ),
        "sub",
    )
    shorter = [row for row in rows if not row.estimated and row.term == clocks[0][0]]
    for note in dict.fromkeys(row.note for row in shorter):
        days = [number(row, "number0", "time") for row in shorter if row.note == note]
        after += paragraph(
            sentence("Known {days} days before: {note}", days=Markup(" or ").join(days), note=note), "sub"
        )
    return figure(wide, narrow, _lag_title(clocks), after)


def _lag_title(clocks: list[tuple[str, list[Row]]]) -> Markup:
    clauses = []
    for term, found in clocks:
        first, last = found[0], found[-1]
        if first is last:
            clauses.append(sentence("{without}, {ratio} times", without=WITHOUT[term], ratio=number(first, "times")))
            continue
        clauses.append(
            sentence(
                "{without}, from {first} times at {near} days to {last} times at {far}",
                without=WITHOUT[term],
                first=number(first, "times"),
                near=number(first, "number0", "time"),
                last=number(last, "times"),
                far=number(last, "number0", "time"),
            )
        )
    ends = [found[-1] for _, found in clocks if len(found) > 1]
    opening = "How strong the warning is, by how long before it is read"
    if ends and all(row.conf_low > 1 for row in ends):
        opening = "The warning is there weeks before, though weaker the earlier it is read"
        if all(found[-1].estimate >= found[0].estimate for _, found in clocks):
            opening = "The warning is there weeks before, and no weaker"
    elif ends and not any(row.conf_low > 1 for row in ends):
        opening = "The warning is gone when it is read weeks before"
    return sentence("{opening}: {clauses}", opening=opening, clauses=Markup("; ").join(clauses))


def inactivity_outlook(findings: Findings) -> Block:
    """Return which share of customers leaves within so many days, by how long they have been silent."""
    rows = findings.where(estimand="leaving_within").rows()
    if not rows:
        return paragraph("Nobody could be followed through silence.", "note")
    block = _outlook_finding(rows)
    for term in dict.fromkeys(row.term for row in rows):
        mine = [row for row in rows if row.term == term]
        horizons = list(dict.fromkeys(row.time for row in mine))
        cells = []
        for level in dict.fromkeys(row.level for row in mine):
            at = {row.time: row for row in mine if row.level == level}
            if not any(row.estimated for row in at.values()):
                continue
            cell: dict[str, Any] = {"level": unbroken(level)}
            for horizon, row in at.items():
                cell[f"share{horizon:g}"] = with_interval(row, "percent1")
                cell[f"left{horizon:g}"] = number(row, "count", "n_events")
            first = at[horizons[0]]
            cell["n"] = number(first, "count", "n_accounts")
            cells.append(cell)
        columns = [Column("Silence", "level"), Column("Customers", "n", number=True)]
        for horizon in horizons:
            columns.append(Column(f"Leave within {horizon:g} days", f"share{horizon:g}", number=True))
            columns.append(Column("Departures", f"left{horizon:g}", number=True))
        if cells:
            block += table(
                sentence("{heading}: share that leaves, with interval", heading=HEADING[term]), columns, cells
            )
    note = (
        "Every week of every customer is one look; looks without the whole time ahead inside the window are not counted, "
        "whatever came of them. Intervals allow for looks at one customer repeating each other. One departure can follow looks at several "
        "levels. Nothing is held equal here: this is what to expect, not why."
    )
    return block + paragraph(note, "sub")


def _outlook_finding(rows: list[Row]) -> Block:
    lines = []
    for term in dict.fromkeys(row.term for row in rows):
        mine = {(row.level, row.time): row for row in rows if row.term == term and row.estimated}
        levels = list(dict.fromkeys(level for level, _ in mine if level[:1].isdigit()))
        times = sorted({time for _, time in mine})
        ends = [mine.get((level, time)) for level in (levels[-1:] + levels[:1]) for time in (times[:1] + times[-1:])]
        if len(levels) < 2 or len(times) < 2 or any(row is None for row in ends):
            continue
        long_soon, long_late, short_soon, short_late = (row for row in ends if row is not None)
        lines.append(
            sentence(
                "Of customers after {long} {without}, {a} leave within {soon} days and {b} within {late}; after {short}, {c} and {d}.",
                long=unbroken(long_soon.level), without=WITHOUT[term], a=number(long_soon, "percent1"), b=number(long_late, "percent1"),
                soon=number(long_soon, "number0", "time"), late=number(long_late, "number0", "time"),
                short=unbroken(short_soon.level), c=number(short_soon, "percent1"), d=number(short_late, "percent1"),
            )
        )  # fmt: skip
    if not lines:
        return finding("The window is too short, or silence too rare, to say how many silent customers leave in time.")
    return finding(lines[0]) + (paragraph(Markup(" ").join(lines[1:])) if lines[1:] else Block(Markup("")))


def inactivity_silent_first(findings: Findings) -> Block:
    """Return how many of those who left had fallen silent, beside how common silence is, and how early."""
    leavers = findings.where(estimand="silent_share_of_leavers").rows()
    known = [row for row in leavers if row.estimated]
    if not known:
        notes = " ".join(dict.fromkeys(row.note for row in leavers))
        return paragraph(
            sentence("Whether those who left had fallen silent first cannot be told. {notes}", notes=notes), "note"
        )
    time = {(row.term, row.level): row for row in findings.where(estimand="silent_share_of_time").rows()}
    lead = {
        (row.term, row.group, row.level): row for row in findings.where(estimand="lead_days").rows() if row.estimated
    }
    cells = []
    for row in known:
        base = time.get((row.term, row.level))
        quartiles = [lead.get((row.term, row.level, name)) for name in ("lower quartile", "median", "upper quartile")]
        cells.append(
            {
                "what": sentence("{level} {without}", level=unbroken(row.level), without=WITHOUT[row.term]),
                "leavers": with_interval(row, "percent1"),
                "time": "–" if base is None else number(base, "percent1"),
                "median": "–" if quartiles[1] is None else number(quartiles[1], "number0"),
                "middle": "–"
                if quartiles[0] is None or quartiles[2] is None
                else sentence(
                    "{low}–{high}", low=number(quartiles[0], "number0"), high=number(quartiles[2], "number0")
                ),
            }
        )
    columns = [
        Column("Silent for", "what"),
        Column("Of those who left", "leavers", number=True),
        Column("Of all customer-time", "time", number=True),
        Column("Days of warning, median", "median", number=True),
        Column("Middle half", "middle", number=True),
    ]
    caption = "Who fell silent before leaving, how common such silence is, and how long before leaving it was reached"
    note = "Silence as known before the last row at risk; who came back after that, or fell silent only then, is not looked at."
    return finding(_silent_title(known, time)) + table(caption, columns, cells) + paragraph(note, "sub")


def _silent_title(known: list[Row], time: dict[tuple[str, str], Row]) -> Markup:
    first = known[0]
    base = time.get((first.term, first.level))
    share = sentence("{share} of those who left had been {level} {without}", share=number(first, "percent0"), level=unbroken(first.level), without=WITHOUT[first.term])  # fmt: skip
    if base is not None:
        share += sentence("; of all customer-time, {time} was as silent", time=number(base, "percent0"))
    if all(row.conf_high < 0.5 for row in known):
        share += sentence(". Most of those who leave do not fall silent first")
    return share + sentence(".")


def inactivity_thresholds(findings: Findings) -> Block:
    """Return the limit the data would choose, those as good, and what customers show who had no part in choosing it."""
    found = findings.where(estimand="threshold").rows()
    if not found:
        return paragraph("There is no limit for the data to choose.", "note")
    lines, notes = [], []
    for row in found:
        if not row.estimated:
            notes.append(sentence("{heading}: {note}", heading=HEADING[row.term], note=row.note))
            continue
        lines.append(_threshold_line(findings, row))
    block = finding(_threshold_title(findings, [row for row in found if row.estimated]))
    block += bullets([*lines, *notes])
    text = (
        "Found by looking, so it ranks below the limits declared in advance, and the curve above says more than any limit. A "
        "limit chosen by the data has no honest interval; shown instead is what does about as well (within one standard error of "
        "the best gain among held-out customers), and the ratio among customers whose limit was chosen without them."
    )
    return block + paragraph(text, "sub")


def _threshold_title(findings: Findings, found: list[Row]) -> Markup:
    if not found:
        return sentence("The data choose no limit of silence.")
    declared = findings.where(estimand="threshold_gain", level="declared").rows()
    terms = {row.term for row in found}
    as_good = [row for row in declared if row.term in terms and row.grade]
    asked = [row for row in declared if row.term in terms]
    if asked and len(as_good) == len(asked):
        return sentence("The limits declared in advance do as well as any the data would choose.")
    if not as_good:
        return sentence("The data would choose other limits than those declared in advance.")
    return sentence("Some of the limits declared in advance do as well as the best the data would choose.")


def _threshold_line(findings: Findings, row: Row) -> Markup:
    mine = findings.where(term=row.term)
    ends = {each.level: each for each in mine.where(estimand="threshold_as_good").rows()}
    folds = {each.level: each for each in mine.where(estimand="threshold_by_fold").rows()}
    ratio = first_row(mine, estimand="held_out_ratio")
    text = sentence(
        "{heading}: {best} days predicts best, {span} {first} to {last} about as well (without a fifth of the customers, "
        "{least} to {most} days are chosen). That no limit matters is {p}.",
        heading=HEADING[row.term],
        best=number(row, "number0"),
        span="anything from" if ends["first"].numerator == ends["first"].denominator else "others from",
        first=number(ends["first"], "number0"),
        last=number(ends["last"], "number0"),
        least=number(folds["smallest"], "number0"),
        most=number(folds["largest"], "number0"),
        p=sentence("ruled out ({p})", p=p_text(row, "p_value"))
        if row.p_value < 0.05
        else sentence("not ruled out ({p})", p=p_text(row, "p_value")),
    )
    if ratio is None or not ratio.estimated:
        return text + sentence(" Among held-out customers no ratio could be estimated.")
    held = " Customers at or above a limit chosen without them leave {times} (interval {interval}) as those below it."
    return text + sentence(held, times=times_as_fast(ratio), interval=interval(ratio, "times"))
