"""Profit, what retention adds up to, and what winning and keeping cost."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.metrics.periods import unbroken
from whychurn.display.value_figures import NARROW, WIDE, Line, lines_svg
from whychurn.display.wording import first_row, interval, money_style, note_of, number, with_interval
from whychurn.findings import Findings, Row


def value_profit(findings: Findings) -> Block:
    """Draw the last year's profit by retention, with the point where it is zero."""
    profit = first_row(findings, estimand="profit")
    if profit is None or not profit.estimated:
        return paragraph(note_of(findings, "profit"), "note")
    money, rows = money_style(findings), findings.where(estimand="profit_at_retention").rows()
    zero, kept = first_row(findings, estimand="zero_retention"), findings.one(estimand="retention")
    n, new = findings.one(estimand="average_customers"), findings.one(estimand="new_customers")
    parts = {name: findings.one(estimand=f"year_{name}") for name in ("arpa", "service", "acquisition")}
    text = sentence(
        "Last {m} months: {n} customers on average × {m} months × ({a} − {s} a month) less {w} new customers × {k} to win each = "
        "{p}, before all other costs.{unknown}",
        m=number(profit, "number0", "time"), n=number(n, "number0"), a=number(parts["arpa"], money),
        s=number(parts["service"], money), w=number(new, "count"), k=number(parts["acquisition"], money),
        p=number(profit, money),
        unknown="" if all(part.estimated for part in parts.values()) else " What is not recorded (–) counts as zero.",
    )  # fmt: skip
    if not any(parts[name].estimated for name in ("service", "acquisition")):
        text = sentence(
            "Last {m} months: {n} customers on average × {m} months × {a} a month = {p}. No cost is recorded, so this is revenue "
            "and nothing is said of profit.",
            m=number(profit, "number0", "time"), n=number(n, "number0"), a=number(parts["arpa"], money), p=number(profit, money),
        )  # fmt: skip
    if not rows:
        return paragraph(text) + paragraph(zero.note if zero else "", "note")
    if zero is not None and zero.estimated:
        title = sentence(
            "Profit from customers would have been zero at a retention of {z}; it was {r}",
            z=number(zero, "percent1"), r=number(kept, "percent1"),
        )  # fmt: skip
    else:
        title = sentence("{note} Retention was {r}", note=zero.note if zero else "", r=number(kept, "percent1"))
    marks = [(kept.estimate, profit.estimate, "as it was")]
    marks += [(zero.estimate, 0.0, "zero")] if zero is not None and zero.estimated else []
    alt = "Profit from customers over the period by the share of opening customers kept, with the actual point marked."
    svg = [
        lines_svg([Line("Profit", rows)], alt, layout, money, "opening customers kept", "percent0", marks)
        for layout in (WIDE, NARROW)
    ]
    long_run = findings.one(estimand="long_run_zero")
    after: Markup | str = long_run.note
    if long_run.estimated:
        after = sentence(
            "If last year's figures went on for ever, a yearly retention below {z} would lose money.",
            z=number(long_run, "percent1"),
        )
    return figure(svg[0], svg[1], title, paragraph(text, "sub") + paragraph(after, "sub")) + _months(findings, money)


def _months(findings: Findings, money: str) -> Block:
    cells = [
        {
            "month": unbroken(str(row.level)),
            "n": number(row, "number0", "numerator"),
            "new": number(row, "count", "denominator"),
            "profit": number(row, money),
        }
        for row in findings.where(estimand="month_profit").rows()
    ]
    columns = [
        Column("Month", "month", css="cause"),
        Column("Customers on average", "n", number=True),
        Column("New", "new", number=True),
        Column("Profit", "profit", number=True),
    ]
    return folded("Month by month", table("Profit from customers by month", columns, cells, css="causes"))


def value_compounding(findings: Findings) -> Block:
    """Draw recurring revenue at today's retention and at five points more, and say what halving churn does."""
    gains = {row.time: row for row in findings.where(estimand="gain_revenue").rows() if row.estimated}
    if not gains:
        return paragraph(note_of(findings, "gain_revenue"), "note")
    money, first, last = money_style(findings), min(gains), max(gains)
    now, more = "retention as it is", "five points more"
    better = first_row(findings, estimand="yearly_retention", level=more)
    capped = better is not None and bool(better.note)
    names = {more: "All customers stay" if capped else more.capitalize(), now: now.capitalize()}
    lines = [
        Line(name, findings.where(estimand="recurring_revenue", level=level).rows(), dashed=level == now)
        for level, name in names.items()
    ]
    title = sentence(
        "{what} {a} of monthly revenue by month {f} and {b} by month {l}",
        what="If all customers stayed, that would add" if capped else "Five points more yearly retention would add",
        a=number(gains[first], money), f=number(gains[first], "number0", "time"), b=number(gains[last], money),
        l=number(gains[last], "number0", "time"),
    )  # fmt: skip
    marks = [(row.time, row.numerator, "") for row in gains.values()]
    alt = "Monthly recurring revenue over sixty months at two retentions; months ten, twenty and sixty are marked."
    svg = [lines_svg(lines, alt, layout, money, "months from now", marks=marks) for layout in (WIDE, NARROW)]
    cells = []
    for time, row in gains.items():
        share = findings.one(estimand="gain_revenue_share", time=time)
        profit, part = (first_row(findings, estimand=name, time=time) for name in ("gain_profit", "gain_profit_share"))
        cells.append(
            {
                "month": sentence("Month {m}", m=number(row, "number0", "time")),
                "revenue": sentence("{a} ({s})", a=number(row, money), s=number(share, "percent1")),
                "profit": sentence("{a} ({s})", a=number(profit, money), s=number(part, "percent1"))
                if profit is not None and part is not None
                else "",
            }
        )
    columns = [
        Column("From now", "month", css="cause"),
        Column("More revenue a month", "revenue", number=True),
        *([Column("More profit a month", "profit", number=True)] if any(cell["profit"] for cell in cells) else []),
    ]
    steady = {row.time: row for row in findings.where(estimand="steady_state").rows() if row.estimated}
    text: Markup | str = note_of(findings, "steady_state")
    if steady:
        text = sentence(
            "If nothing else changed, recurring revenue would settle at {a} a month at today's churn ({c} a month), and at {b}, twice "
            "as much, at half of it.",
            c=number(steady[1.0], "percent1", "numerator"), a=number(steady[1.0], money), b=number(steady[0.5], money),
        )  # fmt: skip
    quoted = findings.one(estimand="quoted", level="profit from five points more retention")
    context = sentence(
        "Often quoted: {i} more profit. {context} {note}",
        i=interval(quoted, "percent0"),
        context=quoted.definition,
        note=quoted.note,
    )
    caption = (
        "What it adds, against retention as it is" if capped else "What five points add, against retention as it is"
    )
    below = _held(findings) + paragraph(text) + table(caption, columns, cells, css="causes") + paragraph(context, "sub")
    return figure(svg[0], svg[1], title, below)


def _held(findings: Findings) -> Block:
    """Say at which retentions and how many new customers a month revenue is carried forward."""
    now, more = (
        first_row(findings, estimand="yearly_retention", level=level)
        for level in ("retention as it is", "five points more")
    )
    new = first_row(findings, estimand="new_per_month")
    kept = first_row(findings, estimand="retention")
    if now is None or more is None or new is None or kept is None:
        return Block(Markup(""))
    text = sentence(
        "Carried forward, not foreseen: {r} of customers kept a year ({k} of {o} in the last {t} months) against {m}, {n} new "
        "customers a month as then, each paying what customers pay on average now. {note}",
        k=number(kept, "count", "numerator"), o=number(kept, "count", "denominator"), t=number(kept, "number0", "time"),
        r=number(now, "percent1"), m=number(more, "percent1"), n=number(new, "number1"), note=more.note,
    )  # fmt: skip
    return paragraph(text, "sub")


def value_keeping(findings: Findings) -> Block:
    """Return what winning and keeping cost, payback, and how many customers make up for those who leave."""
    money = money_style(findings)
    labels = {
        "acquisition_cost": ("Winning a customer, whole window", money),
        "keeping_cost": ("Serving a customer for a year, whole window", money),
        "cost_ratio": ("Winning, in years of serving", "ratio2"),
        "payback_simple": ("Months until paid for, by the last year's averages", "number1"),
        "payback_month": ("Months until paid for, leavers and discount included", "number1"),
        "won_per_month": ("New customers a month, last year", "number1"),
        "stand_still_customers": ("New customers a month needed to keep their number", "number1"),
        "stand_still_revenue": ("New customers a month needed to keep recurring revenue", "number1"),
        "stand_still_cost": ("What winning those who keep the number costs a year", money),
        "interventions_per_year": ("Attempts to save, per customer and year", "number2"),
    }
    cells = [
        {"what": label, "value": with_interval(row, style), "note": row.note}
        for name, (label, style) in labels.items()
        if (row := first_row(findings, estimand=name)) is not None
    ]
    if not cells:
        return Block(Markup(""))
    need, won = findings.one(estimand="stand_still_customers"), findings.one(estimand="won_per_month")
    title = sentence(
        "Of {w} new customers a month, {n} only replace those who leave",
        w=number(won, "number1"), n=number(need, "number1"),
    )  # fmt: skip
    if need.estimate > won.estimate:
        title = sentence(
            "{n} new customers a month would replace those who leave; there were {w}",
            w=number(won, "number1"), n=number(need, "number1"),
        )  # fmt: skip
    columns = [Column("What", "what", css="cause"), Column("Value (interval)", "value", number=True)]
    columns.append(Column("Note", "note", css="small"))
    ratio = findings.one(estimand="quoted", level="cost of winning against cost of keeping")
    churn = findings.one(estimand="quoted", level="yearly churn of a good subscription business")
    context = sentence(
        "Often quoted: winning costs {r} times as much as keeping ({a}); a good yearly churn is {c} ({b}). {context}",
        r=interval(ratio, "number0"), c=interval(churn, "percent0"), a=_inside(ratio), b=_inside(churn),
        context=churn.definition,
    )  # fmt: skip
    return finding(title) + table("The economics of keeping", columns, cells, css="causes") + paragraph(context, "sub")


def _inside(row: Row) -> str:
    """Return a note as it stands within brackets."""
    text = str(row.note).rstrip(".")
    return text[:1].lower() + text[1:]


def value_assumptions(findings: Findings) -> Block:
    """List in plain words what all of this takes for granted."""
    items: list[Markup | str] = [
        "Estimates given assumptions, never a promise: customers to come are taken to be like those of the window, and ages "
        "are joined from customers who came at different times.",
        "Lifetimes are of first stays. What customers bring who leave and come back later is not in them.",
        "Compounding and steady states hold churn, acquisition, revenue per customer and the mix of customers constant.",
        "Revenue is recurring revenue as agreed, not what was paid. Costs are those in the table costs, nothing else.",
    ]
    horizon, rate = first_row(findings, estimand="horizon"), first_row(findings, estimand="discount_rate")
    if horizon is not None and rate is not None:
        items.insert(
            1,
            sentence(
                "Looked ahead {h} of {asked} months; later money is discounted at {r} a year ([value] in study.toml). {note}",
                h=number(horizon, "number0"), asked=number(horizon, "number0", "numerator"), r=number(rate, "percent1"),
                note=horizon.note,
            ),
        )  # fmt: skip
    won = first_row(findings, estimand="acquisition_recorded")
    if won is not None:
        items.append(
            sentence(
                "A cost of winning is recorded for {n} of {of} new customers by the month they began; the others are taken to "
                "cost the same.", n=number(won, "count"), of=number(won, "count", "denominator"),
            )
        )  # fmt: skip
    called = first_row(findings, estimand="called")
    if called is not None and called.note:
        items.append(called.note)
    return bullets(items)
