"""What the score adds to foresight, and what customers who left had said."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import bar
from whychurn.display.nps_churn.words import MANY, missing
from whychurn.display.numbers import format_number
from whychurn.display.wording import first_row, first_upper, interval, number, with_interval
from whychurn.findings import Findings, Row

ALONE, WITHOUT, WITH = "the score alone", "all else, without the score", "all else and the score"
NOTHING = Block(Markup(""))
ZERO = 0.0


def nps_churn_foresight(findings: Findings) -> Block:
    """State what knowing the score adds to telling who leaves within the horizon."""
    if missing(findings):
        return NOTHING
    rows = {row.level: row for row in findings.where(estimand="auc").rows() if row.estimated}
    gap = first_row(findings, estimand="auc_difference")
    if gap is None or len(rows) < 3:
        row = first_row(findings, estimand="auc")
        note = row.note if row is not None else "Nobody left."
        return paragraph(f"Whether the score helps to tell who leaves could not be measured. {note}", "note")
    parts = {
        "days": number(gap, "number0", "time"), "without": number(rows[WITHOUT], "percent1-bare"),
        "with_": number(rows[WITH], "percent1-bare"), "alone": number(rows[ALONE], "percent1-bare"),
        "low": number(gap, "points1", "conf_low"), "high": number(gap, "points1", "conf_high"),
    }  # fmt: skip
    said = (
        "Knowing the score adds nothing clear to foresight"
        if gap.conf_low <= 0
        else "Knowing the score adds to foresight"
    )
    text = sentence(
        said
        + ": of 100 pairs of a leaver and a stayer, a model ranks {without} rightly without it and {with_} with it (difference {low} to {high}); "
        "the score alone ranks {alone}, a coin 50.",
        **parts,
    )
    cells = [
        {
            "model": first_upper(level),
            "picture": bar(row.estimate, row.conf_low, row.conf_high, 1.0, format_number(row.estimate, "percent0")),
            "auc": with_interval(row, "percent1"),
        }
        for level, row in rows.items()
    ]
    columns = [
        Column("What the model knows", "model", css="cause"),
        Column("Pairs ranked rightly", "picture", css="fig"),
        Column("Pairs (interval)", "auc", number=True),
    ]
    caption = sentence(
        "Telling who leaves within {days} days: fitted to earlier dates, tested on later ones ({n} departures)",
        days=number(gap, "number0", "time"),
        n=number(gap, "count", "n_events"),
    )
    return finding(text) + table(caption, columns, cells, css="causes")


def nps_churn_leavers(findings: Findings) -> Block:
    """State what those who left had said when last asked, and how long before leaving that was."""
    if missing(findings):
        return NOTHING
    rows = {row.level: row for row in findings.where(estimand="last_answer").rows() if row.estimated}
    silent = first_row(findings, estimand="no_answer")
    if not rows or silent is None:
        note = next((row.note for row in findings.where(estimand="last_answer").rows()), "")
        return paragraph(f"Of customers who left, no last answer is known. {note}", "note")
    everyone = {row.level: row for row in findings.where(estimand="time_share").rows()}
    cells = [_line(band, rows[band], everyone.get(band)) for band in MANY if band in rows]
    columns = [
        Column("Last answer", "band", css="cause"),
        Column("Of those who left", "picture", css="fig"),
        Column("Share (interval)", "share", number=True),
        Column("Left", "n", number=True),
        Column("Of all customers’ time", "all", number=True),
    ]
    caption = "Last answer of those who left and had answered, beside all customers"
    return finding(_waiting(findings, silent)) + table(caption, columns, cells, css="causes") + _soon(findings)


def _line(band: str, row: Row, everyone: Row | None) -> dict[str, object]:
    return {
        "band": first_upper(MANY[band]),
        "picture": bar(row.estimate, row.conf_low, row.conf_high, 1.0, format_number(row.estimate, "percent0")),
        "share": with_interval(row, "percent1"),
        "n": number(row, "count", "numerator"),
        "all": number(everyone, "percent1") if everyone is not None else "–",
    }


def _waiting(findings: Findings, silent: Row) -> Markup:
    days = first_row(findings, estimand="days_before_leaving")
    first = sentence(
        "{share} of those who left had never given an answer that counts", share=number(silent, "percent0")
    )
    if days is None or not days.estimated:
        return sentence("{first}.", first=first)
    return sentence(
        "{first}; the others had last answered {d} days before they left (median{i}).",
        first=first,
        d=number(days, "number0"),
        i=sentence(", interval {i}", i=interval(days, "number0")) if days.conf_low > ZERO else "",
    )


def _soon(findings: Findings) -> Block:
    row = first_row(findings, estimand="answered_within_lag")
    if row is None or not row.estimated:
        return NOTHING
    text = sentence(
        "{n} of {of} last answers came within {days} days of leaving, when the decision may have been made. The curves count them; the "
        "ratios do not, for they look no later than that.",
        n=number(row, "count", "numerator"),
        of=number(row, "count", "denominator"),
        days=number(row, "number0", "time"),
    )
    return paragraph(text, "sub")
