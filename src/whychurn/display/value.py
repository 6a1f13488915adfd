"""What a customer is worth: one sentence, the curve beside the usual formula, segments, profit, compounding, keeping."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.value_figures import NARROW, WIDE, Line, dots_svg, lines_svg
from whychurn.display.wording import first_row, interval, money_style, number, with_interval
from whychurn.findings import Findings, Row

DISCOUNTED = "discounted at the study's yearly rate"
BECAUSE = {
    "horizon": "it also counts what may come after that",
    "tenure": "it takes leaving to be as likely at every age",
    "revenue": "it takes everybody to pay the average at every age",
    "discount": "it counts later money like money today",
    "service": "it leaves out what serving a customer costs",
    "acquisition": "it leaves out what winning a customer costs",
}
STEPS = {
    "horizon": "Stop at the horizon",
    "tenure": "Leaving as observed at each age",
    "revenue": "Revenue as observed at each age",
    "discount": "Discount later money",
    "service": "Take off the cost of serving",
    "acquisition": "Take off the cost of winning",
}


def value_summary(findings: Findings) -> Block:
    """State the lifetime up to the horizon with its interval, and the usual formula beside it."""
    worth = _worth(findings)
    if worth is None or not worth.estimated:
        months = first_row(findings, estimand="expected_months")
        note = worth.note if worth is not None else _note(findings, "lifetime_value")
        if months is None:
            return finding(note)
        return finding(
            sentence(
                "A new customer stays {m} of the first {h} months ({i}). {note}",
                m=number(months, "number1"), h=number(months, "number0", "time"), i=interval(months, "number1"), note=note,
            )
        )  # fmt: skip
    money, called = money_style(findings), _called(findings)
    after = {"lifetime value": ", after costs", "lifetime gross profit": ", at the declared margin"}.get(
        called, " in revenue"
    )
    head = sentence(
        "A new customer brings an estimated {v} ({i}) in its first {h} months{after}",
        v=number(worth, money), i=interval(worth, money), h=number(worth, "number0", "time"), after=after,
    )  # fmt: skip
    usual = first_row(findings, estimand="usual_value")
    if usual is None or not usual.estimated:
        return finding(sentence("{head}.", head=head)) + paragraph(_note(findings, "usual_value"), "sub")
    biggest = max(findings.where(estimand="step").rows(), key=lambda row: abs(row.estimate))
    return finding(
        sentence(
            "{head}; the usual formula says {u}, mostly because {why}.",
            head=head, u=number(usual, money), why=BECAUSE[biggest.level],
        )
    )  # fmt: skip


def value_curve(findings: Findings) -> Block:
    """Draw what has come in by each month of a customer's life beside the usual formula."""
    rows = findings.where(estimand="cumulative_value").rows()
    if not rows:
        return Block(Markup(""))
    money, worth = money_style(findings), rows[-1]
    usual = findings.where(estimand="usual_cumulative").rows()
    lines = [Line(f"{_called(findings).capitalize()}, with interval", rows)]
    lines += [Line("Usual formula, to the same month", usual, dashed=True)] if usual else []
    back = first_row(findings, estimand="payback_month")
    if back is not None and back.estimated:
        title = sentence(
            "A new customer has paid for itself after {m} months on average and has brought {v} by month {h}",
            m=number(back, "number1"), v=number(worth, money), h=number(worth, "number0", "time"),
        )  # fmt: skip
    else:
        title = sentence(
            "A new customer has brought {v} by month {h} on average",
            v=number(worth, money), h=number(worth, "number0", "time"),
        )  # fmt: skip
    alt = (
        "Value of a new customer by age in months, with interval, beside the usual formula without discount and costs."
    )
    svg = [lines_svg(lines, alt, layout, money, "months as a customer") for layout in (WIDE, NARROW)]
    return figure(svg[0], svg[1], title) + folded("Who is still there at each age, and what they pay", _ages(findings))


def _ages(findings: Findings) -> Block:
    money = money_style(findings)
    cells = [
        {
            "age": number(row, "number0", "time"),
            "n": number(row, "count"),
            "s": number(findings.one(estimand="survival", time=row.time), "percent1"),
            "m": number(paid, money) if (paid := first_row(findings, estimand="mean_amount", time=row.time)) else "",
        }
        for row in findings.where(estimand="n_at_risk").rows()
    ]
    columns = [
        Column("Months", "age", css="cause"),
        Column("Customers observed", "n", number=True),
        Column("Still there", "s", number=True),
        Column("Pay per month", "m", number=True),
    ]
    return table("First stays by age", columns, cells, css="causes")


def value_walk(findings: Findings) -> Block:
    """Walk from the usual formula to the estimate, each step with its number."""
    usual = first_row(findings, estimand="usual_value")
    if usual is None or not usual.estimated:
        return Block(Markup(""))
    money, steps = money_style(findings), findings.where(estimand="step").rows()
    arpa, churn = findings.one(estimand="arpa"), findings.one(estimand="monthly_churn")
    cells = [
        {"what": "The usual formula", "step": "", "now": with_interval(usual, money)},
        *(
            {"what": STEPS[row.level], "step": number(row, money), "now": number(row, money, "numerator")}
            for row in steps
        ),
    ]
    columns = [Column("Step", "what", css="cause"), Column("Changes it by", "step", number=True)]
    columns.append(Column("Then it is", "now", number=True))
    words = sentence(
        "The usual formula is revenue per customer and month ({a}) divided by monthly churn ({c}), of the same customers and "
        "days. Each row changes one thing; the last is the estimate above.",
        a=number(arpa, money), c=number(churn, "percent1"),
    )  # fmt: skip
    biggest = max(steps, key=lambda row: abs(row.estimate))
    title = sentence(
        "Most of the difference to the usual formula is one step: {s} ({d})",
        s=STEPS[biggest.level].lower(), d=number(biggest, money),
    )  # fmt: skip
    return table(title, columns, cells, css="causes") + paragraph(words, "sub")


def value_segments(findings: Findings) -> Block:
    """Draw the lifetime of each level of what customers are and bought."""
    rows = findings.where(estimand="segment_value").rows()
    known = [row for row in rows if row.estimated]
    left_out = [row for row in rows if not row.estimated]
    if not known or known[0].unit == "months":
        notes = dict.fromkeys(row.note for row in left_out)
        return paragraph(" ".join(notes) if notes else "No lifetimes by segment in money.", "note")
    money, tests = money_style(findings), findings.where(estimand="segment_test").rows()
    groups = [(term, [row for row in known if row.term == term]) for term in dict.fromkeys(row.term for row in known)]
    clear = {row.term for row in tests if row.p_adjusted < 0.05}
    top = max((row for row in known if row.term in clear), key=lambda row: row.estimate, default=None)
    if top is None:
        title = sentence("No segment can be told apart from the others by what a customer brings")
    else:
        low = min((row for row in known if row.term == top.term), key=lambda row: row.estimate)
        title = sentence(
            "{term}: a customer of “{a}” brings {x}, one of “{b}” {y}, in the first {h} months",
            term=top.term, a=top.level, x=number(top, money), b=low.level, y=number(low, money),
            h=number(top, "number0", "time"),
        )  # fmt: skip
    middle = first_row(findings, estimand="cumulative_value", time=top.time if top else known[0].time) or known[0]
    alt = "Lifetime by segment with intervals; the broken line is all customers. Widely different values stand on a scale of multiples."
    svg = [dots_svg(groups, alt, layout, money, middle) for layout in (WIDE, NARROW)]
    cells = [
        {
            "level": sentence("{t}: {n}", t=row.term, n=row.level),
            "value": with_interval(row, money),
            "n": number(row, "count", "n_accounts"),
            "e": number(row, "count", "n_events"),
            "note": row.note,
        }
        for row in rows
    ]
    columns = [
        Column("Segment", "level", css="cause"),
        Column("Value (interval)", "value", number=True),
        Column("Customers", "n", number=True),
        Column("Left by then", "e", number=True),
        Column("Note", "note", css="small"),
    ]
    differing = ", ".join(row.term for row in tests if row.term in clear) or "none"
    words = (
        "Levels are those of a customer's first day observed. Differences are differences between customers: nothing says "
        f"that moving a customer to another level would change what it brings. Differ beyond chance: {differing}."
    )
    return (
        figure(svg[0], svg[1], title, paragraph(words, "sub"))
        + folded("All segments with numbers", table("Lifetimes by segment", columns, cells, css="causes"))
    )  # fmt: skip


def value_profit(findings: Findings) -> Block:
    """Draw the last year's profit by retention, with the point where it is zero."""
    profit = first_row(findings, estimand="profit")
    if profit is None or not profit.estimated:
        return paragraph(_note(findings, "profit"), "note")
    money, rows = money_style(findings), findings.where(estimand="profit_at_retention").rows()
    zero, kept = first_row(findings, estimand="zero_retention"), findings.one(estimand="retention")
    n, new = findings.one(estimand="average_customers"), findings.one(estimand="new_customers")
    parts = {name: findings.one(estimand=f"year_{name}") for name in ("arpa", "service", "acquisition")}
    text = sentence(
        "Last {m} months: {n} customers on average × ({a} − {s} a month) less {w} new customers × {k} to win each = {p}, before "
        "all other costs. What is not recorded (–) counts as zero.",
        m=number(profit, "number0", "time"), n=number(n, "number0"), a=number(parts["arpa"], money),
        s=number(parts["service"], money), w=number(new, "count"), k=number(parts["acquisition"], money),
        p=number(profit, money),
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
            "At last year's figures, and for ever, a yearly retention below {z} would lose money.",
            z=number(long_run, "percent1"),
        )
    return figure(svg[0], svg[1], title, paragraph(text, "sub") + paragraph(after, "sub")) + _months(findings, money)


def _months(findings: Findings, money: str) -> Block:
    cells = [
        {
            "month": row.level,
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
        return paragraph(_note(findings, "gain_revenue"), "note")
    money, first, last = money_style(findings), min(gains), max(gains)
    now = "retention as it is"
    lines = [
        Line(level.capitalize(), findings.where(estimand="recurring_revenue", level=level).rows(), dashed=level == now)
        for level in ("five points more", now)
    ]
    title = sentence(
        "Five points more yearly retention add {a} of monthly revenue by month {f}, but {b} by month {l}",
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
                "month": number(row, "number0", "time"),
                "revenue": sentence("{a} ({s})", a=number(row, money), s=number(share, "percent1")),
                "profit": sentence("{a} ({s})", a=number(profit, money), s=number(part, "percent1"))
                if profit is not None and part is not None
                else "",
            }
        )
    columns = [
        Column("Month", "month", css="cause"),
        Column("More revenue a month", "revenue", number=True),
        Column("More profit a month", "profit", number=True),
    ]
    steady = {row.time: row for row in findings.where(estimand="steady_state").rows() if row.estimated}
    text: Markup | str = _note(findings, "steady_state")
    if steady:
        text = sentence(
            "At today's churn ({c} a month) recurring revenue settles at {a} in the end; at half of it, at {b}: twice as much.",
            c=number(steady[1.0], "percent1", "numerator"), a=number(steady[1.0], money), b=number(steady[0.5], money),
        )  # fmt: skip
    quoted = findings.one(estimand="quoted", level="profit from five points more retention")
    context = sentence("Often quoted: {i} more profit. {note}", i=interval(quoted, "percent0"), note=quoted.note)
    below = paragraph(text) + table("What five points add", columns, cells, css="causes") + paragraph(context, "sub")
    return figure(svg[0], svg[1], title, below)


def value_keeping(findings: Findings) -> Block:
    """Return what winning and keeping cost, payback, and how many customers make up for those who leave."""
    money = money_style(findings)
    labels = {
        "acquisition_cost": ("Winning a customer", money),
        "keeping_cost": ("Serving a customer for a year", money),
        "cost_ratio": ("Winning against a year of serving", "ratio2"),
        "payback_simple": ("Months until paid for, by the last year's averages", "number1"),
        "payback_month": ("Months until paid for, leavers and discount included", "number1"),
        "won_per_month": ("New customers a month", "number1"),
        "stand_still_customers": ("New customers a month needed to stand still", "number1"),
        "stand_still_revenue": ("The same, to keep recurring revenue", "number1"),
        "stand_still_cost": ("What standing still costs a year", money),
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
        "Often quoted: winning costs {r} times as much as keeping; a good yearly churn is {c}. {a} {b}",
        r=interval(ratio, "number0"), c=interval(churn, "percent0"), a=ratio.note, b=churn.note,
    )  # fmt: skip
    return finding(title) + table("The economics of keeping", columns, cells, css="causes") + paragraph(context, "sub")


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


def _worth(findings: Findings) -> Row | None:
    return first_row(findings, estimand="lifetime_value", level=DISCOUNTED) or first_row(
        findings, estimand="lifetime_value"
    )


def _called(findings: Findings) -> str:
    row = first_row(findings, estimand="called")
    return str(row.level) if row is not None else "lifetime revenue"


def _note(findings: Findings, estimand: str) -> str:
    row = first_row(findings, estimand=estimand)
    return str(row.note) if row is not None else ""
