"""Customers and money lost of everybody ever in the file, in sentences."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, finding, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.display.flat_metrics.words import known, paid
from whychurn.display.wording import first_row, interval, money_style, number
from whychurn.findings import Findings, Row


def flat_summary(findings: Findings) -> Block:
    """State what part of customers and of revenue left, that this is no rate over time, and what leavers paid."""
    lost = first_row(findings, estimand="churn_per_acquired")
    if lost is None or not lost.estimated:
        return finding(lost.note if lost is not None and lost.note else "There are no customers in the file.")
    money = known(findings, estimand="mrr_lost_share")
    head = sentence(
        "{gone} of {all} customers in the file have left, {share}{money}.",
        gone=number(lost, "count", "numerator"),
        all=number(lost, "count", "denominator"),
        share=number(lost, "percent1"),
        money=sentence(", and with them {m} of the recurring revenue", m=number(money, "percent1")) if money else "",
    )
    return finding(head) + paragraph(_period(lost, money)) + _amounts(findings, money)


def _period(lost: Row, money: Row | None) -> Markup:
    return sentence(
        "{note} The interval is {i} for customers{m}.",
        note=lost.note,
        i=interval(lost, "percent1"),
        m=sentence(" and {i} for revenue", i=interval(money, "percent1")) if money is not None else "",
    )


def _amounts(findings: Findings, money: Row | None) -> Block:
    if money is None:
        row = first_row(findings, estimand="mrr_lost_share")
        return paragraph(row.note, "note") if row is not None and row.note else Block(Markup(""))
    style = money_style(findings)
    every, gone = (findings.one(estimand="mrr", level=level) for level in ("all", "left"))
    text = sentence(
        "Of {all} of recurring revenue a month, each customer’s as last recorded, {gone} went with those who left. {paid}",
        all=number(every, style),
        gone=number(gone, style),
        paid=_who_paid(findings),
    )
    return paragraph(text) + (paragraph(money.note, "note") if money.note else Block(Markup("")))


def _who_paid(findings: Findings) -> Markup:
    left, there = (known(findings, estimand="mean_amount", level=level) for level in ("left", "still there"))
    apart = known(findings, estimand="amount_difference")
    if left is None or there is None or apart is None:
        one, who = (left, "Those who left paid") if left is not None else (there, "Those still there pay")
        return (
            sentence("{who} {a} a month on average.", who=who, a=paid(one, findings)) if one is not None else Markup("")
        )
    told = sentence(
        "Those who left paid {a} a month on average, those still there pay {b}: ",
        a=paid(left, findings),
        b=paid(there, findings),
    )
    if not (apart.conf_low > 0 or apart.conf_high < 0):
        return told + "no clear difference."
    part = "larger" if apart.estimate > 0 else "smaller"
    return told + sentence(
        "a difference of {d}, so that the part of the revenue that left is {part} than that of the customers.",
        d=sentence("{d} ({i})", d=number(apart, "number2"), i=interval(apart, "number2")),
        part=part,
    )
