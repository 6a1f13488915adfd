"""The data of a study of tables: who is in it, who left, and what that hangs on."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, paragraph, section, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import bar
from whychurn.display.numbers import format_number
from whychurn.display.quality_coverage import coverage
from whychurn.display.quality_follow_up import follow_up
from whychurn.display.wording import amount_name, first_upper, interval, listed, money_style, number, with_interval
from whychurn.findings import Findings, Row


def table_quality(findings: Findings) -> Block | None:
    """Return what there is to say of a study of tables besides its verdict; None for a flat study."""
    if not findings.where(estimand="n_customers").rows():
        return None
    parts = [
        section("Who is in the study, and who left", population(findings), level=2),
        section("When was what recorded?", coverage(findings), level=2),
        section("What counts as leaving?", definitions(findings), level=2),
        section("Is everybody followed alike?", follow_up(findings), level=2),
    ]
    return Block(Markup("").join(part.markup for part in parts))


def everybody(row: Row) -> Markup:
    """Say how many customers there are and how many of them left, where nobody left twice."""
    counts = {"n": number(row, "count", "n_accounts"), "left": number(row, "count", "n_events")}
    return sentence("{n} customers, of whom {left} left.", **counts)


def times_left(findings: Findings) -> Markup:
    """Say how often customers left and how many did, where some did so more than once."""
    customers = findings.one(estimand="n_customers")
    left = findings.where(estimand="n_customers_left").rows()
    if not left or left[0].estimate == customers.n_events:
        return everybody(customers)
    return sentence(
        "{n} customers left {left} times; {once} of them at least once.",
        n=number(customers, "count"),
        left=number(customers, "count", "n_events"),
        once=number(left[0], "count"),
    )


def population(findings: Findings) -> Block:
    """Return churn per time at risk, leavers by cause and reason, and what they paid."""
    rate = findings.one(estimand="churn_rate")
    customers, spells = findings.one(estimand="n_customers"), findings.one(estimand="n_spells")
    years, again = findings.one(estimand="customer_years"), findings.one(estimand="n_several_spells")
    blocks = finding(
        sentence(
            "{left} of {spells} spells ended in leaving: {rate} per hundred customer-years (interval {i}){by}.",
            left=number(customers, "count", "n_events"),
            spells=number(spells, "count"),
            rate=number(rate, "number1"),
            i=interval(rate, "number1"),
            by=_by_cause(findings),
        )
    )
    blocks += paragraph(
        sentence(
            "{customers} customers were at risk for {years} customer-years. A spell is an uninterrupted time as a "
            "customer; {again} customers have more than one.",
            customers=number(customers, "count"),
            years=number(years, "count"),
            again=number(again, "count"),
        ),
        "sub",
    )
    if rate.estimated:
        blocks += paragraph(sentence("The interval is {method}.", method=rate.method), "sub")
    money = money_sentence(findings)
    if money:
        blocks += paragraph(money, "sub")
    rows = findings.where(estimand="leavers").rows()
    return blocks + reasons_table(rows) if rows else blocks + paragraph("Nobody left within the window.", "note")


def _by_cause(findings: Findings) -> Markup:
    shares = findings.where(estimand="share_of_leavers").rows()
    said = [sentence("{share} {cause}", share=number(row, "percent0"), cause=row.level) for row in shares]
    return sentence(", {parts}", parts=Markup(", ").join(said)) if said else Markup("")


def money_sentence(findings: Findings) -> Markup:
    """Say what current customers pay and what leavers paid; "" where nothing is known."""
    current = findings.where(estimand="amount_current").rows()
    lost = findings.where(estimand="amount_lost").rows()
    if not current or not lost:
        return Markup("")
    style = money_style(findings)
    notes = " ".join(dict.fromkeys(row.note for row in (*current, *lost) if row.note))
    return sentence(
        "{name} of those still customers at the end of the window: {now}; of those who left, on their last day: {lost}. "
        "{notes}",
        name=first_upper(amount_name(findings)),
        now=number(current[0], style),
        lost=number(lost[0], style),
        notes=notes,
    )


def reasons_table(rows: Sequence[Row]) -> Block:
    """Return leavers by cause and reason."""
    most = max(row.numerator / row.denominator for row in rows)
    cells = [
        {
            "reason": row.level,
            "cause": row.group,
            "n": number(row, "count"),
            "picture": bar(
                row.numerator / row.denominator,
                row.numerator / row.denominator,
                row.numerator / row.denominator,
                most,
                f"{format_number(row.estimate, 'count')} of {format_number(row.denominator, 'count')}",
            ),
            "said": row.grade or "control not said",
        }
        for row in rows
    ]
    columns = [
        Column("Reason", "reason", css="cause"),
        Column("Cause", "cause"),
        Column("Share of leavers", "picture", css="fig"),
        Column("Left", "n", number=True),
        Column("For the company", "said", css="small"),
    ]
    return table("Who left, by cause and reason as recorded", columns, cells)


def definitions(findings: Findings) -> Block:
    """Return churn under every declared definition of leaving."""
    rows = findings.where(estimand="definition_rate").rows()
    if not rows:
        return paragraph("No definition of leaving was computed.", "note")
    own, others = rows[0], [row for row in rows[1:] if row.estimated]
    if not others:
        return finding(
            sentence(
                "Customers count as gone under one definition, “{name}”: {rate} per hundred customer-years.",
                name=own.term,
                rate=number(own, "number1"),
            )
        ) + paragraph(
            "Whether the answer hangs on it is not known. Put others beside it with [[definitions]] in study.toml.",
            "sub",
        )
    low, high = (pick(others, key=lambda row: row.estimate) for pick in (min, max))
    span = (
        sentence("{a}", a=number(low, "number1"))
        if low.id == high.id
        else sentence("between {a} and {b}", a=number(low, "number1"), b=number(high, "number1"))
    )
    text = sentence(
        "Churn is {own} per hundred customer-years as the study defines it, and {span} under {others}.",
        own=number(own, "number1"),
        span=span,
        others="the other definition" if len(others) == 1 else "the others",
    )
    most = max(row.conf_high for row in rows if row.estimated)
    cells = [
        {
            "name": sentence(
                "{name}<small>{own}{what}</small>",
                name=row.term,
                own=f"{first_upper(row.grade)}. " if row.grade else "",
                what=row.note,
            ),
            "picture": _rate_picture(row, most),
            "n": number(row, "count", "n_accounts"),
            "left": number(row, "count", "n_events"),
            "years": number(row, "count", "denominator"),
            "rate": with_interval(row, "number1"),
        }
        for row in rows
    ]
    columns = [
        Column("Definition", "name", css="cause"),
        Column("Churn per hundred customer-years", "picture", css="fig"),
        Column("Rate (interval)", "rate", number=True),
        Column("Left", "left", number=True),
        Column("Customers", "n", number=True),
        Column("Customer-years", "years", number=True),
    ]
    shown = table("Churn under each definition of leaving", columns, cells)
    return finding(text) + shown + paragraph(_methods(rows), "sub")


def _methods(rows: Sequence[Row]) -> str:
    """Say how the intervals of rates were found, and of which where they differ."""
    by_method: dict[str, list[str]] = {}
    for row in rows:
        if row.estimated:
            by_method.setdefault(row.method, []).append(f"“{row.term}”")
    if len(by_method) == 1:
        return f"Intervals are {next(iter(by_method))}."
    return " ".join(f"Of {listed(names)} the interval is {method}." for method, names in by_method.items())


def _rate_picture(row: Row, most: float) -> Markup:
    if not row.estimated:
        return Markup("")
    said = " ".join(
        f"{word} {format_number(value, 'number1')}"
        for word, value in (("rate", row.estimate), ("from", row.conf_low), ("to", row.conf_high))
    )
    return bar(row.estimate, row.conf_low, row.conf_high, most, said)
