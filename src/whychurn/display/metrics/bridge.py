"""From the revenue before twelve months to the revenue now, step by step; and how it grew and shrank."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.metrics.periods import unbroken
from whychurn.display.metrics.summary import LAST
from whychurn.display.wording import first_upper, money_style, number
from whychurn.findings import Findings, Row

STEPS = {
    "opening": "Before", "new": "New customers", "expansion": "Customers who pay more", "reactivation": "Customers who came back",
    "contraction": "Customers who pay less", "churn": "Customers who left", "closing": "After",
}  # fmt: skip
CLOSES = "closes"


def metrics_bridge(findings: Findings) -> Block:
    """Return the bridge of the last twelve months, those of each month folded, and whether all close to the cent."""
    steps = {row.level: row for row in findings.where(estimand="mrr", method=LAST).rows()}
    if not steps:
        return paragraph("There is no revenue to follow.", "note")
    style = money_style(findings)
    cells = [{"step": name, "amount": number(steps[level], style)} for level, name in STEPS.items() if level in steps]
    columns = [Column("Step", "step"), Column("A month", "amount", number=True)]
    grew = steps["closing"].estimate >= steps["opening"].estimate
    # What went is named as an amount: "took $5", not "took −$5".
    named = {name: number(steps[name], style, "numerator") for name in ("contraction", "churn")}
    head = sentence(
        "Recurring revenue {verb} from {opening} to {closing} a month: new customers brought {new}, returning ones {reactivation}; "
        "those who stayed pay {expansion} more and {contraction} less; those who left took {churn}.",
        verb="grew" if grew else "shrank",
        **{name: number(row, style) for name, row in steps.items()} | named,
    )
    bridge = table(sentence("The bridge of {period}", period=unbroken(steps["opening"].term)), columns, cells)
    return finding(head) + bridge + _closing(findings) + folded("Month by month", _months(findings, style))


def _closing(findings: Findings) -> Block:
    gaps = findings.where(estimand="bridge_gap").rows()
    if not gaps:
        return Block(Markup(""))
    wrong = [row for row in gaps if row.grade != CLOSES]
    if not wrong:
        text = sentence(
            "All {n} monthly bridges close to the cent, and the changes of single days add up to them.",
            n=number(gaps[0], "count", "denominator"),
        )
        return paragraph(text, "sub")
    text = sentence("; ").join(
        sentence("{what}: {k} months do not agree", what=first_upper(row.term), k=number(row, "count", "numerator"))
        for row in wrong
    )
    return paragraph(text, "note")


def _months(findings: Findings, style: str) -> Block:
    rows = findings.where(estimand="mrr", method="month").rows()
    cells: dict[str, dict[str, object]] = {}
    for row in rows:
        cells.setdefault(str(row.term), {"month": unbroken(row.term)})[row.level] = number(row, style)
    columns = [
        Column("Month", "month"),
        *(Column(name, level, number=True) for level, name in STEPS.items()),
    ]
    return table("Bridges of all months", columns, cells.values())


def metrics_changes(findings: Findings) -> Block:
    """Return how revenue of customers who stayed grew and shrank: users, editions, subscriptions, or price and use."""
    rows = findings.where(estimand="change_by_kind").rows()
    if not rows:
        return Block(Markup(""))
    style = money_style(findings)
    shares = {(row.level, row.group): row for row in findings.where(estimand="change_share").rows()}
    cells = [_change(row, shares.get((row.level, row.group)), style) for row in rows]
    columns = [
        Column("What changed", "what", css="cause"),
        Column("Direction", "way"),
        Column("A month", "amount", number=True),
        Column("Of all in this direction", "share", number=True),
        Column("Changes", "n", number=True),
    ]
    return folded("How customers who stayed came to pay more or less", table("By what changed with it", columns, cells))


def _change(row: Row, share: Row | None, style: str) -> dict[str, object]:
    return {
        "what": first_upper(row.level),
        "way": row.group,
        "amount": number(row, style),
        "share": number(share, "percent0") if share is not None and share.estimated else "",
        "n": number(row, "count", "n_events"),
    }
