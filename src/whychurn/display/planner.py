"""What it would take to lose fewer customers: the plan as a staircase of rates, and whether the target is in reach."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import bar
from whychurn.display.numbers import format_number
from whychurn.display.wording import amount_name, first_row, interval, money_style, number, with_interval
from whychurn.findings import Findings, Row


def plan_summary(findings: Findings) -> Block:
    """Say whether the causes that can be changed would bring churn down to the target."""
    ours = findings.where(analysis="planner")
    now, target = first_row(ours, estimand="rate_now"), first_row(ours, estimand="target")
    plan = first_row(ours, estimand="plan")
    if plan is None:
        return paragraph("No plan was computed.", "note")
    if now is None or target is None:
        return paragraph(plan.note, "note")
    aim = sentence(
        "from {now} to {target} lost customers a year of a hundred",
        now=number(now, "number1"),
        target=number(target, "number1"),
    )
    return finding(_verdict(ours, plan, aim)) + _method(ours, target)


def _verdict(findings: Findings, plan: Row, aim: Markup) -> Markup:
    after = first_row(findings, estimand="rate_after", level="All of them")
    if after is None:
        return sentence("Getting {aim}: {note}", aim=aim, note=plan.note)
    if plan.grade == "reachable":
        part = first_row(findings, estimand="part_needed")
        if part is None:
            return sentence(
                "Getting {aim}: {note}", aim=aim, note=plan.note or "the causes that can be changed suffice"
            )
        return sentence(
            "Getting {aim} is in reach, if these associations are causal: {part} of the customers in the states below would have "
            "to move (interval {i})",
            aim=aim,
            part=number(part, "percent0"),
            i=interval(part, "percent0"),
        )
    if plan.grade == "cannot tell":
        return sentence(
            "Whether these causes would get the company {aim} cannot be told: changing all of them would leave {after} (interval "
            "{i}), if these associations are causal",
            aim=aim,
            after=number(after, "number1"),
            i=interval(after, "number1"),
        )
    return sentence(
        "Getting {aim} is out of reach of these causes: even changing all of them would leave {after} (interval {i})",
        aim=aim,
        after=number(after, "number1"),
        i=interval(after, "number1"),
    )


def _method(findings: Findings, target: Row) -> Block:
    money = first_row(findings, estimand="amount_at_stake")
    worth = (
        sentence(
            " {sum} in {name} a year goes with these states (interval {i}).",
            sum=number(money, money_style(findings)),
            name=amount_name(findings),
            i=interval(money, money_style(findings)),
        )
        if money is not None
        else Markup("")
    )
    text = sentence(
        "{share} of churn would have to go ({declared}). Only causes with solid evidence that the company can change are here, "
        "all in one model, so that what one does through another counts once.{worth} Who stays longer may still leave later: this "
        "is churn of one year, not of ever.",
        share=number(target, "percent0", "numerator"),
        declared="the declared target" if target.declared == "in advance" else target.declared,
        worth=worth,
    )
    return paragraph(text, "sub")


def plan_table(findings: Findings) -> Block:
    """Return the moves, the one that brings most first, with the rate that is left after each."""
    ours = findings.where(analysis="planner")
    alone = {row.term: row for row in ours.where(estimand="share_alone").rows()}
    after = {row.term: row for row in ours.where(estimand="rate_after", level=[r.level for r in alone.values()]).rows()}
    now = first_row(ours, estimand="rate_now")
    if not alone or now is None:
        return paragraph("There is no cause that the company can change with evidence solid enough to plan on.", "sub")
    cells = []
    for term, row in alone.items():
        left = after.get(term)
        drawn: object = ""
        if left is not None and left.estimated:
            label = f"{format_number(left.estimate, 'number1')} lost a year of a hundred"
            drawn = bar(left.estimate, left.conf_low, left.conf_high, now.estimate, label)
        cells.append(
            {
                "term": sentence("{t}: {a} <small>to {b}</small>", t=term, a=row.level, b=row.reference),
                "alone": with_interval(row, "percent0"),
                "bar": drawn,
                "after": with_interval(left, "number1") if left is not None else Markup("–"),
            }
        )
    columns = [
        Column("Move customers from", "term", css="cause"),
        Column("Share of churn, alone", "alone", number=True),
        Column("Left after this and all above", "bar", css="fig"),
        Column("Lost a year, of a hundred", "after", number=True),
    ]
    caption = sentence(
        "From {now} lost customers a year of a hundred, one move after another", now=number(now, "number1")
    )
    return table(caption, columns, cells, css="causes")
