"""For what reasons customers and revenue were lost, and what in the data makes that doubtful."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.paired_bars import NARROW, WIDE, Pair, in_words, paired_svg
from whychurn.display.wording import first_upper, interval_or_dash, money_style, number, or_dash
from whychurn.findings import Findings, Row

REASON, CONTROL, DOWNGRADED = "reason", "control", "downgraded"
SERIES = ("of customers", "of revenue")


def metrics_reasons(findings: Findings) -> Block:
    """Draw what part of customers and of revenue was lost for each reason, side by side."""
    customers = findings.where(estimand="reason_customers", group=REASON).rows()
    if not customers:
        return paragraph("Nobody was lost in the last twelve months.", "note")
    money = {(row.group, row.term): row for row in findings.where(estimand="reason_mrr").rows()}
    shrunk = findings.where(estimand="reason_customers", group=DOWNGRADED).rows()
    pairs = [
        Pair(first_upper(row.term), row, _known(money.get((row.group, row.term)))) for row in [*customers, *shrunk]
    ]
    alt = f"Lost in the last twelve months. {in_words(pairs, SERIES)}"
    wide, narrow = (paired_svg(pairs, SERIES, alt, layout) for layout in (WIDE, NARROW))
    text = (
        "Share of the customers, and of the revenue, of twelve months ago that is gone, by the reason recorded. Losing ten small "
        "customers and losing one large one look alike in only one of the two. Whoever stays and pays less is counted last."
    )
    return figure(
        wide, narrow, _title(customers, money), paragraph(text, "sub") + _control(findings) + _table(findings)
    )


def _known(row: Row | None) -> Row | None:
    return row if row is not None and row.estimated else None


def _title(customers: list[Row], money: dict[tuple[str, str], Row]) -> Markup:
    most = max(customers, key=lambda row: row.estimate)
    amounts = [row for row in (_known(money.get((row.group, row.term))) for row in customers) if row is not None]
    dearest = max(amounts, key=lambda row: row.estimate, default=None)
    if dearest is None:
        return sentence("Most customers are lost to “{reason}”: {s}", reason=most.term, s=number(most, "percent1"))
    if dearest.term == most.term:
        return sentence(
            "“{reason}” costs the most customers ({s}) and the most revenue ({m})",
            reason=most.term,
            s=number(most, "percent1"),
            m=number(dearest, "percent1"),
        )
    return sentence(
        "Most customers are lost to “{reason}” ({s}), most revenue to “{other}” ({m})",
        reason=most.term,
        s=number(most, "percent1"),
        other=dearest.term,
        m=number(dearest, "percent1"),
    )


def _control(findings: Findings) -> Block:
    rows = findings.where(estimand="reason_mrr", group=CONTROL).rows()
    known = [row for row in rows if row.estimated]
    if not known:
        return Block(Markup(""))
    parts = sentence("; ").join(sentence("{what} {s}", what=row.term, s=number(row, "percent1")) for row in known)
    return paragraph(sentence("Of the revenue, by whether the company could have changed it: {parts}.", parts=parts))


def _table(findings: Findings) -> Block:
    style = money_style(findings)
    money = {(row.group, row.term): row for row in findings.where(estimand="reason_mrr").rows()}
    amounts = {(row.group, row.term): row for row in findings.where(estimand="reason_amount").rows()}
    cells = []
    for row in findings.where(estimand="reason_customers").rows():
        key = (row.group, row.term)
        amount = amounts.get(key)
        cells.append(
            {
                "reason": sentence("{reason} <small>{group}</small>", reason=first_upper(row.term), group=row.group),
                "n": number(row, "count", "numerator"),
                "customers": interval_or_dash(row, "percent1"),
                "money": interval_or_dash(money.get(key), "percent1"),
                "amount": or_dash(amount, style),
                "control": row.grade,
            }
        )
    columns = [
        Column("Reason", "reason", css="cause"),
        Column("Customers", "n", number=True),
        Column("Of customers", "customers", number=True),
        Column("Of revenue", "money", number=True),
        Column("A month", "amount", number=True),
        Column("Control", "control", css="small"),
    ]
    return folded("Every reason, kind of leaving, and control", table("Lost in twelve months", columns, cells))


def metrics_doubts(findings: Findings) -> Block:
    """Say what in the data makes these figures doubtful."""
    rows = findings.where(estimand="doubt").rows()
    notes = [paragraph(row.note, "note") for row in rows if row.note]
    return Block(Markup("").join(block.markup for block in notes))
