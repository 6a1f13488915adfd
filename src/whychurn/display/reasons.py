"""Reasons given for leaving: how many, what left with them, what the company could have changed, and when."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import bar
from whychurn.display.numbers import format_number
from whychurn.display.wording import (
    amount_name,
    first_row,
    first_upper,
    interval,
    money_style,
    number,
    p_text,
    with_interval,
)
from whychurn.findings import Findings, Row

AGREE, STATED_MORE, MEASURED_MORE = "agree", "stated more than measured", "measured more than stated"
ABSENT, UNMAPPED = "none recorded", "not explained by the study"


def reasons_summary(findings: Findings) -> Block:
    """State where what was said and what was measured part, after how many said anything at all."""
    absent = _nothing(findings)
    if absent is not None:
        return finding(absent)
    verdicts = findings.where(estimand="agreement").rows()
    by_grade = {grade: [row for row in verdicts if row.grade == grade] for grade in (STATED_MORE, MEASURED_MORE, AGREE)}
    if not verdicts:
        head = sentence(
            "No reason can be held against a measured cause: the study names none that would show it (measured_by)."
        )
    elif any(by_grade.values()):
        parts = [
            sentence("{what} {names}", what=what, names=quoted(by_grade[grade]))
            for grade, what in (
                (MEASURED_MORE, "Measured more often than said:"),
                (STATED_MORE, "said more often than measured:"),
                (AGREE, "said about as often as measured:"),
            )
            if by_grade[grade]
        ]
        joined = sentence("; ").join(parts)
        head = sentence("{first}.", first=Markup(first_upper(str(joined))))
    else:
        head = sentence(
            "What was said and what was measured cannot be told apart for any reason: the intervals are too wide."
        )
    return finding(head) + _recorded(findings)


def _nothing(findings: Findings) -> Markup | str | None:
    """Return the sentence where there is no reason to speak of."""
    rows = findings.where(estimand="reasons_recorded").rows()
    if len(rows) == 1:
        return str(rows[0].note)
    absent = next(row for row in rows if row.level == ABSENT)
    if absent.numerator < absent.denominator:
        return None
    return sentence(
        "No reason is recorded for any of {n} departures: why customers say they leave is not known.",
        n=number(absent, "count", "denominator"),
    )


def _recorded(findings: Findings) -> Block:
    rows = {row.level: row for row in findings.where(estimand="reasons_recorded").rows()}
    absent, unmapped = rows[ABSENT], rows[UNMAPPED]
    text = sentence(
        "Of {n} departures, {absent} ({a}) have no reason recorded and {unmapped} ({u}) one that the study does not explain. Whether "
        "these customers left of their own will is not known, and they are in no comparison below.",
        n=number(absent, "count", "denominator"),
        absent=number(absent, "count", "numerator"),
        a=number(absent, "percent1"),
        unmapped=number(unmapped, "count", "numerator"),
        u=number(unmapped, "percent1"),
    )
    return paragraph(text)


def reasons_table(findings: Findings) -> Block:
    """Return the reasons with how many gave them and what left with them, the most frequent first."""
    rows = findings.where(estimand="stated_share").rows()
    if not rows:
        return Block(Markup(""))
    style, most = money_style(findings), max(row.conf_high for row in rows)
    cells = []
    for row in rows:
        money = findings.one(estimand="amount_lost", term=row.term)
        part = findings.one(estimand="amount_share", term=row.term)
        cells.append(
            {
                "reason": row.term,
                "cause": row.group,
                "picture": bar(
                    row.estimate, row.conf_low, row.conf_high, most, format_number(row.estimate, "percent0")
                ),
                "share": with_interval(row, "percent1"),
                "n": number(row, "count", "numerator"),
                "money": number(money, style),
                "part": number(part, "percent0"),
                "control": row.grade,
                "note": money.note,
            }
        )
    columns = [
        Column("Reason", "reason", css="cause"),
        Column("Share of departures with a reason", "picture", css="fig"),
        Column("Share (interval)", "share", number=True),
        Column("Left", "n", number=True),
        Column(f"{first_upper(amount_name(findings))} lost", "money", number=True),
        Column("Of it", "part", number=True),
        Column("Leaving counts as", "cause"),
        Column("For the company", "control", css="small"),
    ]
    if any(cell["note"] for cell in cells):
        columns.append(Column("Note", "note", css="small"))
    return finding(_top(findings, rows)) + table("What customers gave as their reason", columns, cells)


def _top(findings: Findings, rows: Sequence[Row]) -> Markup:
    """Name the most frequent reason and the one that took the most money, which need not be the same."""
    named = [row for row in rows if row.group != "unknown"] or list(rows)
    top = named[0]
    amounts = [row for row in findings.where(estimand="amount_lost").rows() if row.estimated and row.group != "unknown"]
    dearest = max(amounts, key=lambda row: row.estimate, default=None)
    text = sentence("“{top}” is given most often, by {s}", top=top.term, s=number(top, "percent0"))
    if dearest is None:
        return sentence("{text}.", text=text)
    money = number(dearest, money_style(findings))
    if dearest.term == top.term:
        return sentence(
            "{text}, and took the most {name}: {money}.", text=text, name=amount_name(findings), money=money
        )
    return sentence(
        "{text}; the most {name} left with “{other}”: {money}.",
        text=text, name=amount_name(findings), other=dearest.term, money=money,
    )  # fmt: skip


def reasons_controllable(findings: Findings) -> Block:
    """Say what part of departures, and of what left with them, the study says the company could have changed."""
    shares = {row.level: row for row in findings.where(estimand="controllable_share").rows()}
    amounts = {row.level: row for row in findings.where(estimand="controllable_amount").rows()}
    parts = {row.level: row for row in findings.where(estimand="controllable_amount_share").rows()}
    if not shares:
        return Block(Markup(""))
    said = [row for level, row in shares.items() if level != "not said" and row.numerator > 0]
    if not said:
        return paragraph(
            "The study does not say which reasons the company could change (controllable in [[reasons]]).", "note"
        )
    could = shares["controllable"]
    head = sentence(
        "The company could have changed {s} of departures ({i}), by the reasons given and what the study says of them.",
        s=number(could, "percent0"),
        i=interval(could, "percent0"),
    )
    style = money_style(findings)
    cells = [
        {
            "level": first_upper(level),
            "n": number(row, "count", "numerator"),
            "share": with_interval(row, "percent1"),
            "money": number(amounts[level], style),
            "part": number(parts[level], "percent0"),
        }
        for level, row in shares.items()
    ]
    columns = [
        Column("For the company", "level", css="cause"),
        Column("Departures", "n", number=True),
        Column("Share (interval)", "share", number=True),
        Column(f"{first_upper(amount_name(findings))} lost", "money", number=True),
        Column("Of it", "part", number=True),
    ]
    return finding(head) + table("Could the company have changed it?", columns, cells, css="causes")


def reasons_over_time(findings: Findings) -> Block:
    """Return the shares of reasons by year, and whether they changed."""
    rows = findings.where(estimand="period_share").rows()
    test = first_row(findings, estimand="period_test")
    if not rows or test is None:
        return Block(Markup(""))
    periods = list(dict.fromkeys(row.group for row in rows))
    by_key = {(row.term, row.group): row for row in rows}
    cells = [
        {"reason": term, **{period: with_interval(by_key[term, period], "percent0") for period in periods}}
        for term in dict.fromkeys(row.term for row in rows)
    ]
    columns = [Column("Reason", "reason", css="cause"), *[Column(p, p, number=True) for p in periods]]
    known = test.p_value == test.p_value
    if not known:
        head = sentence("Whether reasons changed over time cannot be told. {note}", note=test.note)
    elif test.p_value < 0.05:
        head = sentence("The mix of reasons changed over time ({p}).", p=p_text(test, "p_value"))
    else:
        head = sentence("There is no sign that the mix of reasons changed over time ({p}).", p=p_text(test, "p_value"))
    return finding(head) + table(
        "Reasons by the time of leaving, of departures with a reason", columns, cells, css="causes"
    )


def quoted(rows: Sequence[Row]) -> Markup:
    """Return reasons in quotation marks, with commas between."""
    return sentence(", ").join(sentence("“{term}”", term=row.term) for row in rows)
