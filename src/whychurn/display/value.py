"""What a customer is worth: one sentence, the curve beside the usual formula, segments, profit, compounding, keeping."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.value_figures import NARROW, WIDE, Line, dots_svg, lines_svg
from whychurn.display.wording import first_row, interval, money_style, note_of, number, with_interval
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
        note = worth.note if worth is not None else note_of(findings, "lifetime_value")
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
        return finding(sentence("{head}.", head=head)) + paragraph(note_of(findings, "usual_value"), "sub")
    step, most = _main_step(findings)
    return finding(
        sentence(
            "{head}; the usual formula says {u}, {part} because {why}.",
            head=head, u=number(usual, money), part="mostly" if most else "above all", why=BECAUSE[step.level],
        )
    )  # fmt: skip


def _main_step(findings: Findings) -> tuple[Row, bool]:
    """Return the largest step of those that lead to the estimate and not away from it, and whether it is most of all steps."""
    steps = findings.where(estimand="step").rows()
    way = sum(row.estimate for row in steps)
    step = max(steps, key=lambda row: row.estimate * (1 if way > 0 else -1))
    return step, 2 * abs(step.estimate) >= sum(abs(row.estimate) for row in steps)


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
    before = " The usual formula is drawn before discount and costs." if usual else ""
    words = (
        f"Of customers in their first stay, those who were there before the window from the age they had then.{before}"
    )
    return figure(svg[0], svg[1], title, paragraph(words, "sub")) + folded(
        "Who is still there at each age, and what they pay", _ages(findings)
    )


def _ages(findings: Findings) -> Block:
    money = money_style(findings)
    cells = [
        {
            "age": sentence("Month {m}", m=number(row, "number0", "time")),
            "n": number(row, "count"),
            "s": number(findings.one(estimand="survival", time=row.time), "percent1"),
            "m": number(paid, money) if (paid := first_row(findings, estimand="mean_amount", time=row.time)) else "",
        }
        for row in findings.where(estimand="n_at_risk").rows()
    ]
    columns = [
        Column("Age", "age", css="cause"),
        Column("Customers observed", "n", number=True),
        Column("Of new customers still there", "s", number=True),
        Column("Pay a month, on average", "m", number=True),
    ]
    return table("How many are observed at each age, and what those still there pay", columns, cells, css="causes")


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
            {"what": STEPS[row.level], "step": _signed(row, money), "now": number(row, money, "numerator")}
            for row in steps
        ),
    ]
    columns = [Column("Step", "what", css="cause"), Column("Changes it by", "step", number=True)]
    columns.append(Column("Then it is", "now", number=True))
    words = sentence(
        "The usual formula is revenue per customer and month ({a}) divided by monthly churn ({c}: {e} departures in {m} "
        "customer-months), of the same customers and days. Each row changes one thing; the last is the estimate above.",
        e=number(churn, "count", "numerator"), m=number(churn, "number0", "denominator"),
        a=number(arpa, money), c=number(churn, "percent1"),
    )  # fmt: skip
    step, most = _main_step(findings)
    title = sentence(
        "{part} the usual formula to the estimate {word}: {s} ({d})",
        part="Most of the way from" if most else "From", word="is one step" if most else "the largest step is",
        s=STEPS[step.level].lower(), d=number(step, money),
    )  # fmt: skip
    return table(title, columns, cells, css="causes") + paragraph(words, "sub")


def _signed(row: Row, money: str) -> Markup:
    return sentence("{plus}{step}", plus="+" if row.estimate > 0 else "", step=number(row, money))


def value_segments(findings: Findings) -> Block:
    """Draw the lifetime of each level of what customers are and bought."""
    rows = findings.where(estimand="segment_value").rows()
    known = [row for row in rows if row.estimated]
    left_out = [row for row in rows if not row.estimated]
    if not known or known[0].unit == "months":
        notes = [f"{row.term}, {row.level}: {row.note}" if row.level else str(row.note) for row in left_out]
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
        "The broken line is all customers. Levels are those of a customer's first day observed, each segment by itself, not "
        "adjusted for the others. Nothing says that moving a customer to another level would change what it "
        f"brings. Differ beyond chance (allowing for how many segments were looked at): {differing}."
    )
    caption = sentence(
        "Value of a new customer in the first {h} months, by segment", h=number(known[0], "number0", "time")
    )
    return (
        figure(svg[0], svg[1], title, paragraph(words, "sub"))
        + folded("All segments with numbers", table(caption, columns, cells, css="causes"))
    )  # fmt: skip


def _worth(findings: Findings) -> Row | None:
    return first_row(findings, estimand="lifetime_value", level=DISCOUNTED) or first_row(
        findings, estimand="lifetime_value"
    )


def _called(findings: Findings) -> str:
    row = first_row(findings, estimand="called")
    return str(row.level) if row is not None else "lifetime revenue"
