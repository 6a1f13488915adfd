"""How many of the contracts that came up were renewed, and how many failed charges were recovered."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.metrics.periods import unbroken
from whychurn.display.metrics.summary import LAST
from whychurn.display.wording import (
    first_row,
    first_upper,
    interval,
    interval_or_dash,
    money_style,
    number,
    or_dash,
    with_interval,
)
from whychurn.findings import Findings, Row


def metrics_renewals(findings: Findings) -> Block:
    """State how many of those due renewed, and how many failed charges were recovered."""
    return _renewed(findings) + _recovered(findings)


def _renewed(findings: Findings) -> Block:
    row = first_row(findings, estimand="renewal_customers", method=LAST)
    if row is None or not row.estimated:
        text = row.note if row is not None and row.note else "No contract came up for renewal."
        return paragraph(text, "note") + _untold(findings)
    money = first_row(findings, estimand="renewal_mrr", method=LAST)
    text = sentence(
        "Of {n} contracts due from {period}, {share} were renewed (interval {i}){money}.",
        n=number(row, "count", "denominator"),
        period=unbroken(row.level),
        share=number(row, "percent0"),
        i=interval(row, "percent0"),
        money=sentence(", and {m} of their revenue", m=number(money, "percent0"))
        if money is not None and money.estimated
        else "",
    )
    note = paragraph(row.note, "sub") if row.note else Block(Markup(""))
    rows = findings.where(estimand="renewal_customers").rows()
    lengths, quarters = ([each for each in rows if (each.method == LAST) is last] for last in (True, False))
    tables = [_table(findings, *part) for part in (("Length", lengths), ("Due in", quarters)) if part[1]]
    means = paragraph(first_upper(row.definition) + ".", "sub")
    more = folded("Renewals by length of the contract and by quarter", means, *tables)
    return finding(text) + note + _untold(findings) + more


def _table(findings: Findings, head: str, rows: list[Row]) -> Block:
    amounts = {(each.method, each.term): each for each in findings.where(estimand="renewal_mrr").rows()}
    cells = []
    for row in rows:
        cells.append(
            {
                "when": first_upper(row.term),
                "n": number(row, "count", "denominator"),
                "share": interval_or_dash(row, "percent0"),
                "money": interval_or_dash(amounts.get((row.method, row.term)), "percent0"),
                "note": row.note,
            }
        )
    columns = [
        Column(head, "when"),
        Column("Contracts due", "n", number=True),
        Column("Renewed", "share", number=True),
        Column("Of their revenue", "money", number=True),
        Column("Note", "note", css="small"),
    ]
    caption = (
        sentence("Contracts due {period}", period=unbroken(rows[0].level))
        if rows[0].level
        else "Contracts due by quarter"
    )
    return table(caption, columns, cells)


def _untold(findings: Findings) -> Block:
    """Say how many contracts can never count as due, and of which length they are."""
    rows = [
        row for row in findings.where(estimand="contracts_without_renewal").rows() if row.estimated and row.numerator
    ]
    if not rows:
        return Block(Markup(""))
    every, *lengths = rows
    parts = Markup(", ").join(sentence("{name} {part}", name=row.term, part=_part(row)) for row in lengths)
    text = sentence(
        "Contracts without a day of renewal, or without a length, never count as due: {part} in force in these months{more}.",
        part=_part(every),
        more=sentence(" ({parts})", parts=parts) if parts else "",
    )
    return paragraph(text, "note")


def _part(row: Row) -> Markup:
    return sentence("{k} of {n}", k=number(row, "count", "numerator"), n=number(row, "count", "denominator"))


def _recovered(findings: Findings) -> Block:
    rows = findings.where(estimand="recovered", term="the whole window").rows()
    known = [row for row in rows if row.estimated]
    if not known:
        absent = first_row(findings, estimand="recovered") or first_row(findings, estimand="failed_charges")
        return paragraph(absent.note, "note") if absent is not None and absent.note else Block(Markup(""))
    last = known[-1]
    money = first_row(findings, estimand="recovered_amount", term=last.term, level=last.level)
    text = sentence(
        "Of {n} charges that failed, {share} were paid {when} (interval {i}){money}.",
        n=number(last, "count", "denominator"),
        share=number(last, "percent0"),
        when=last.level,
        i=interval(last, "percent0"),
        money=sentence(", and {m} of the amount", m=number(money, "percent0"))
        if money is not None and money.estimated
        else "",
    )
    style = money_style(findings)

    def amount(row: Row, estimand: str) -> Markup:
        return or_dash(first_row(findings, estimand=estimand, term=row.term, level=row.level), style)

    cells = [
        {
            "when": first_upper(row.level),
            "share": with_interval(row, "percent0"),
            "failed": amount(row, "amount_failed"),
            "paid": amount(row, "amount_recovered"),
            "note": row.note,
        }
        for row in known
    ]
    columns = [
        Column("Paid", "when"),
        Column("Of failed charges", "share", number=True),
        Column("Amount failed", "failed", number=True),
        Column("Amount paid", "paid", number=True),
        Column("Note", "note", css="small"),
    ]
    means = paragraph(first_upper(last.definition) + ".", "sub")
    return finding(text) + folded(
        "How soon failed charges were paid", means, table("Failed charges recovered", columns, cells)
    )
