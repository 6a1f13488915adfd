"""What the levels of a segment are worth: customers and revenue today, and what left in a year."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.industry_base import (
    ALL,
    CHURN,
    EVERYONE,
    NOTHING,
    empty,
    level_name,
    rows_by_level,
    segments,
)
from whychurn.display.wording import (
    money_style,
    number,
    with_interval,
)
from whychurn.findings import Findings, Row


def industry_worth(findings: Findings) -> Block:
    """Return revenue by level of the first segment: what is there, and what left in a year."""
    if empty(findings) is not None:
        return NOTHING
    first = segments(findings)[0]
    return _worth_sentence(findings, first) + worth_table(findings, first)


def _worth_sentence(findings: Findings, segment: Row) -> Block:
    shares = findings.where(estimand="amount_share_of_leavers", term=segment.term).rows()
    if not shares:
        return paragraph("There are no amounts, so nothing can be said about revenue.", "note")
    top = max(shares, key=lambda row: row.estimate)
    lost = findings.where(estimand="amount_of_leavers", term=segment.term, level=top.level).rows()[0]
    whole = findings.where(estimand="amount_share_of_leavers", term=EVERYONE).rows()
    money = money_style(findings)
    compared = (
        sentence(", against {share} over all customers", share=number(whole[0], "percent1")) if whole else sentence("")
    )
    text = sentence(
        "“{level}” loses most for its size: in a year {lost} of monthly revenue left with its customers, {share} of what "
        "it pays{compared}.",
        level=top.level,
        lost=number(lost, money),
        share=number(top, "percent1"),
        compared=compared,
    )
    return finding(text)


def worth_table(findings: Findings, segment: Row) -> Block:
    """Return customers and revenue of today, and what left in a year, by level of a segment."""
    money = money_style(findings)
    now = rows_by_level(findings, estimand="customers_now", term=segment.term)
    found = {
        name: rows_by_level(findings, estimand=name, term=segment.term)
        | rows_by_level(findings, estimand=name, term=EVERYONE)
        for name in ("amount_now", "amount_of_leavers", "amount_share_of_leavers")
    }
    now |= rows_by_level(findings, estimand="customers_now", term=EVERYONE)
    rates = rows_by_level(findings, estimand="churn_rate", term=segment.term, outcome=CHURN)
    rates |= rows_by_level(findings, estimand="churn_rate", term=EVERYONE, outcome=CHURN)
    own = rows_by_level(findings, estimand="churn_rate", term=segment.term, outcome=segment.outcome)
    own |= rows_by_level(findings, estimand="churn_rate", term=EVERYONE, outcome=segment.outcome)
    order = sorted((level for level in now if level != ALL), key=lambda level: -rates[level].estimate)
    cells = []
    for level in [*order, ALL]:
        amount = found["amount_now"].get(level)
        cells.append(
            {
                "level": level_name(level),
                "now": number(now[level], "count"),
                "amount": number(amount, money) if amount is not None and amount.estimated else "–",
                "rate": with_interval(rates[level], "number1"),
                "own": with_interval(own[level], "number1"),
                "lost": _amount(found["amount_of_leavers"].get(level), money),
                "share": _amount(found["amount_share_of_leavers"].get(level), "percent1"),
                "note": (amount.note if amount is not None else "") or rates[level].note,
            }
        )
    columns = [
        Column(segment.term, "level"),
        Column("Customers now", "now", number=True),
        Column("Monthly revenue now", "amount", number=True),
        Column("Left per 100 customer-years", "rate", number=True),
        Column("… of their own accord", "own", number=True),
        Column("Monthly revenue lost per year", "lost", number=True),
        Column("… of what it pays", "share", number=True),
        Column("Note", "note", css="small"),
    ]
    hidden = {"own"} if segment.outcome == CHURN else set()
    hidden |= set() if any(cell["note"] for cell in cells) else {"note"}
    columns = [column for column in columns if column.key not in hidden]
    return table(f"Customers, revenue and what left, by {segment.term[:1].lower() + segment.term[1:]}", columns, cells)


def _amount(row: Row | None, style: str) -> Markup | str:
    return number(row, style) if row is not None and row.estimated else "–"
