"""For what reasons customers and revenue were lost; renewals; failed charges; a month's rate beside a year's."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.metrics.summary import LAST, last_year
from whychurn.display.paired_bars import NARROW, WIDE, Pair, in_words, paired_svg
from whychurn.display.wording import first_row, first_upper, interval, money_style, number, or_dash, with_interval
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
                "customers": with_interval(row, "percent1") if row.estimated else "–",
                "money": with_interval(money[key], "percent1") if key in money and money[key].estimated else "–",
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
        Column("For the company", "control", css="small"),
    ]
    return folded("Every reason, kind of leaving, and control", table("Lost in twelve months", columns, cells))


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


def metrics_conversion(findings: Findings) -> Block:
    """Set a month's rate, raised to a year, beside the year observed and beside a new customer's first year."""
    month, made = first_row(findings, estimand="monthly_churn"), first_row(findings, estimand="converted_churn")
    year, first = last_year(findings, "customer_churn"), first_row(findings, estimand="first_year_churn")
    if month is None or made is None or year is None or not made.estimated:
        return paragraph("There are too few months to set a monthly rate beside a yearly one.", "note")
    text = sentence(
        "A month’s churn of {m} would be {c} a year, if every month met the same customers; observed were {y}.",
        m=number(month, "percent2"),
        c=number(made, "percent1"),
        y=number(year, "percent1"),
    )
    more = sentence(
        " A new customer’s chance to leave within a year, from the survival curve, is {f} (interval {i}).",
        f=number(first, "percent1"),
        i=interval(first, "percent1"),
    ) if first is not None and first.estimated else Markup("")  # fmt: skip
    why = sentence(
        "The first is a conversion, not an observation: it counts customers won within the year, who leave sooner.{more} The curve "
        "is about new customers, the yearly rate about those there when the year began, most of them older.",
        more=more,
    )
    return finding(text) + paragraph(why, "sub") + _ages(findings)


def _ages(findings: Findings) -> Block:
    rows = findings.where(estimand="churn_by_age").rows()
    if not rows:
        return Block(Markup(""))
    cells: dict[str, dict[str, object]] = {}
    for row in rows:
        cells.setdefault(str(row.level), {"age": first_upper(row.level)})[row.term] = (
            with_interval(row, "percent1") if row.estimated else "–"
        )
    columns = [
        Column("Customer for", "age"),
        *(Column(str(y), str(y), number=True) for y in dict.fromkeys(r.term for r in rows)),
    ]
    return folded(
        "By calendar year and by how long customers had been there",
        table("Customers lost in the year", columns, cells.values()),
    )


def metrics_doubts(findings: Findings) -> Block:
    """Say what in the data makes these figures doubtful."""
    rows = findings.where(estimand="doubt").rows()
    notes = [paragraph(row.note, "note") for row in rows if row.note]
    return Block(Markup("").join(block.markup for block in notes))
