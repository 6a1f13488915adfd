"""Customers who could be asked to speak up."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.wording import amount_name, first_row, money_style, number
from whychurn.findings import Findings

_CELLS = ("advocate_score", "advocate_uses", "advocate_modules", "advocate_amount")


def promoter_advocates(findings: Findings) -> Block:
    """Count advocates, say by which rule, and list the first of them."""
    row = first_row(findings, estimand="advocates")
    if row is None:
        return Block(Markup(""))
    if not row.estimated:
        return paragraph(sentence("There is no list of advocates. {note}", note=row.note), "note")
    amount, style = findings.one(estimand="advocates_amount"), money_style(findings)
    head = sentence(
        "{n} of {all} customers who would recommend us use the product often and widely and have no quarrel with us: ask them to speak "
        "for us. They pay "
        "{amount} of {total} {name}.",
        n=number(row, "count"),
        all=number(row, "count", "denominator"),
        amount=number(amount, style),
        total=number(amount, style, "denominator"),
        name=amount_name(findings),
    )
    if row.estimate == 0:
        head = sentence(
            "None of {all} customers who would recommend us uses the product often and widely and has no quarrel with us.",
            all=number(row, "count", "denominator"),
        )
    above, modules = (findings.one(estimand=name) for name in ("advocate_uses_above", "advocate_modules_from"))
    rule = sentence(
        "The rule: {rule}. Half of all customers use it more than {uses} times, and {modules} modules or more.",
        rule=row.definition, uses=number(above, "number0"), modules=number(modules, "number0"),
    )  # fmt: skip
    cells: list[dict[str, object]] = []
    for first in findings.where(estimand=_CELLS[0]).rows():
        own = {name: findings.one(estimand=name, term=first.term) for name in _CELLS}
        cells.append(
            {
                "account": first.term,
                "advocate_score": number(own["advocate_score"], "number0"),
                "advocate_uses": number(own["advocate_uses"], "number0"),
                "advocate_modules": number(own["advocate_modules"], "number0"),
                "advocate_amount": number(own["advocate_amount"], style)
                if not math.isnan(own["advocate_amount"].estimate)
                else "",
            }
        )
    shown: Block = Block(Markup(""))
    if cells:
        columns = [
            Column("Customer", "account", css="cause"),
            Column("Last answer", "advocate_score", number=True),
            Column("Uses", "advocate_uses", number=True),
            Column("Modules", "advocate_modules", number=True),
            Column("Pays", "advocate_amount", number=True),
        ]
        shown = table(
            f"The heaviest users among them, and the {amount_name(findings)} they pay", columns, cells, css="causes"
        )
    return finding(head) + paragraph(sentence("{rule} {spared}", rule=rule, spared=_spared(findings)), "sub") + shown


def _spared(findings: Findings) -> Markup:
    """Say who is not asked although they recommend and use much."""
    rows = [row for row in findings.where(estimand="advocates_not_asked").rows() if row.estimate > 0]
    if not rows:
        return Markup("")
    parts = [sentence("{n} where {why}", n=number(row, "count"), why=row.level) for row in rows]
    return sentence("Not among them, although they use it as much: {parts}.", parts=sentence(", ").join(parts))
