"""How many of the contracts that came up were renewed, and how many failed charges were recovered."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.metrics.summary import LAST
from whychurn.display.wording import first_row, first_upper, interval, number, or_dash, with_interval
from whychurn.findings import Findings


def metrics_renewals(findings: Findings) -> Block:
    """State how many of those due renewed, and how many failed charges were recovered."""
    return _renewed(findings) + _recovered(findings)


def _renewed(findings: Findings) -> Block:
    row = first_row(findings, estimand="renewal_customers", method=LAST)
    if row is None or not row.estimated:
        return paragraph(row.note if row is not None and row.note else "No contract came up for renewal.", "note")
    money = first_row(findings, estimand="renewal_mrr", method=LAST)
    text = sentence(
        "Of {n} contracts due in the last twelve months {share} renewed (interval {i}){money}.",
        n=number(row, "count", "denominator"),
        share=number(row, "percent0"),
        i=interval(row, "percent0"),
        money=sentence(", {m} of their revenue", m=number(money, "percent0"))
        if money is not None and money.estimated
        else "",
    )
    rows = findings.where(estimand="renewal_customers").rows()
    amounts = {(each.method, each.term): each for each in findings.where(estimand="renewal_mrr").rows()}
    cells = [
        {
            "when": each.term,
            "n": number(each, "count", "denominator"),
            "share": with_interval(each, "percent0") if each.estimated else "–",
            "money": or_dash(amounts.get((each.method, each.term)), "percent0"),
            "note": each.note,
        }
        for each in rows
    ]
    columns = [
        Column("Due", "when"),
        Column("Customers due", "n", number=True),
        Column("Renewed", "share", number=True),
        Column("Of their revenue", "money", number=True),
        Column("Note", "note", css="small"),
    ]
    note = paragraph(row.note, "sub") if row.note else Block(Markup(""))
    return finding(text) + note + folded("Renewals by quarter", table("Contracts due", columns, cells))


def _recovered(findings: Findings) -> Block:
    rows = findings.where(estimand="recovered", term="the whole window").rows()
    known = [row for row in rows if row.estimated]
    if not known:
        absent = first_row(findings, estimand="recovered") or first_row(findings, estimand="failed_charges")
        return paragraph(absent.note, "note") if absent is not None and absent.note else Block(Markup(""))
    last = known[-1]
    money = first_row(findings, estimand="recovered_amount", term=last.term, level=last.level)
    text = sentence(
        "Of {n} charges that failed {share} were paid {when} (interval {i}){money}.",
        n=number(last, "count", "denominator"),
        share=number(last, "percent0"),
        when=last.level,
        i=interval(last, "percent0"),
        money=sentence(", {m} of the amount", m=number(money, "percent0"))
        if money is not None and money.estimated
        else "",
    )
    cells = [
        {"when": first_upper(row.level), "share": with_interval(row, "percent0"), "note": row.note} for row in known
    ]
    columns = [
        Column("Paid", "when"),
        Column("Of failed charges", "share", number=True),
        Column("Note", "note", css="small"),
    ]
    return finding(text) + folded(
        "How soon failed charges were paid", table("Failed charges recovered", columns, cells)
    )
