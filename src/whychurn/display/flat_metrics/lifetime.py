"""What a new customer brings in revenue up to a horizon, and why the usual formula says something else."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.flat_metrics.words import HEADS, if_reading, known, readings
from whychurn.display.value import BECAUSE, DISCOUNTED, STEPS
from whychurn.display.wording import first_row, interval, money_style, number, or_dash, with_interval
from whychurn.findings import FIRST_READING, Findings, Row

UNDISCOUNTED = "not discounted"


def flat_lifetime(findings: Findings) -> Block:
    """State the lifetime revenue under each reading, the usual formula beside it, and the steps between the two."""
    found = {group: worth for group in readings(findings) if (worth := _worth(findings, group)) is not None}
    if not found:
        return _without(findings)
    first = next(iter(found))
    parts = [finding(_headline(findings, first, found[first]))]
    parts += [paragraph(_headline(findings, group, worth)) for group, worth in found.items() if group != first]
    parts += [_walk(findings, list(found)), _horizons(findings, list(found)), _assumed(findings, found[first])]
    return Block(Markup("").join(part.markup for part in parts))


def _worth(findings: Findings, group: str) -> Row | None:
    horizon = known(findings, estimand="lifetime_horizon", group=group)
    if horizon is None:
        return None
    return known(findings, estimand="lifetime_revenue", group=group, level=DISCOUNTED, time=horizon.estimate)


def _without(findings: Findings) -> Block:
    """Say how long customers stay where nothing can be said in money, and why."""
    row = first_row(findings, estimand="lifetime_revenue")
    note = paragraph(row.note, "note") if row is not None and row.note else Block(Markup(""))
    for group in readings(findings):
        horizon = known(findings, estimand="lifetime_horizon", group=group)
        months = (
            known(findings, estimand="expected_months", group=group, time=horizon.estimate)
            if horizon is not None
            else None
        )
        if months is None:
            continue
        text = sentence(
            "A new customer stays {m} of the first {h} months on average ({i}){reading}.",
            m=number(months, "number1"), h=number(months, "number0", "time"), i=interval(months, "number1"),
            reading=if_reading(findings, group),
        )  # fmt: skip
        note = (finding(text) if group == FIRST_READING else paragraph(text)) + note
    return note


def _headline(findings: Findings, group: str, worth: Row) -> Markup:
    money = money_style(findings)
    usual, ratio = (known(findings, estimand=name, group=group) for name in ("usual_value", "usual_ratio"))
    head = sentence(
        "A new customer brings an estimated {v} ({i}) {what} in its first {h} months{reading}",
        v=number(worth, money), i=interval(worth, money), h=number(worth, "number0", "time"),
        what="of gross profit" if _called(findings) == "lifetime gross profit" else "in revenue",
        reading=if_reading(findings, group),
    )  # fmt: skip
    if usual is None:
        row = first_row(findings, estimand="usual_value", group=group)
        return sentence("{head}. {note}", head=head, note=row.note if row is not None else "")
    steps = findings.where(estimand="step", group=group).rows()
    higher = usual.estimate >= worth.estimate
    moved = [row for row in steps if (row.estimate < 0) == higher] or steps
    biggest = max(moved, key=lambda row: abs(row.estimate))
    how = sentence(", {r} times as much", r=number(ratio, "times")) if ratio is not None else Markup("")
    return sentence(
        "{head}; the usual formula says {u}{how}, mostly because {why}.",
        head=head, u=number(usual, money), how=how, why=BECAUSE[biggest.level],
    )  # fmt: skip


def _called(findings: Findings) -> str:
    row = first_row(findings, estimand="called")
    return str(row.level) if row is not None else "lifetime revenue"


def _walk(findings: Findings, groups: list[str]) -> Block:
    """Lay the steps from the usual formula to the estimate side by side for each reading."""
    money, several = money_style(findings), len(groups) > 1
    at = {(group, row.level): row for group in groups for row in findings.where(estimand="step", group=group).rows()}
    usual = {group: known(findings, estimand="usual_value", group=group) for group in groups}
    if not at:
        return Block(Markup(""))
    names = list(dict.fromkeys(level for _, level in at))
    lines: list[tuple[str, dict[str, Markup]]] = [
        (
            "Amount per customer-month",
            {group: _cents(known(findings, estimand="arpa", group=group)) for group in groups},
        ),
        (
            "divided by the hazard per month",
            {group: or_dash(known(findings, estimand="hazard", group=group), "percent2") for group in groups},
        ),
        ("is the usual formula", {group: _whole(usual[group], money) for group in groups}),
        *((STEPS[name], {group: or_dash(at.get((group, name)), money) for group in groups}) for name in names),
        ("The estimate", {group: _whole(_worth(findings, group), money) for group in groups}),
    ]
    cells = [{"what": what, **values} for what, values in lines]
    columns = [Column("Step", "what", css="cause")]
    columns += [Column(HEADS[group] if several else "Amount", group, number=True) for group in groups]
    return table("From the usual formula to the estimate, one change at a time", columns, cells, css="causes")


def _whole(row: Row | None, money: str) -> Markup:
    return with_interval(row, money) if row is not None else Markup("–")


def _cents(row: Row | None) -> Markup:
    return number(row, "number2") if row is not None else Markup("–")


def _horizons(findings: Findings, groups: list[str]) -> Block:
    """Fold the months, the revenue and the discounted revenue up to several horizons away."""
    money, several = money_style(findings), len(groups) > 1
    cells = []
    for group in groups:
        for months in findings.where(estimand="expected_months", group=group).rows():
            at = {"group": group, "time": months.time, "estimand": "lifetime_revenue"}
            amounts = [known(findings, level=level, **at) for level in (UNDISCOUNTED, DISCOUNTED)]
            plain, discounted = (with_interval(row, money) if row is not None else Markup("–") for row in amounts)
            cells.append(
                {
                    "h": number(months, "number0", "time"),
                    "months": with_interval(months, "number1"),
                    "plain": plain,
                    "discounted": discounted,
                    "n": number(months, "count", "denominator"),
                    "reading": HEADS[group] if several else "",
                }
            )
    columns = [
        Column("First months", "h", css="cause"),
        Column("Months stayed (interval)", "months", number=True),
        Column("Revenue, not discounted", "plain", number=True),
        Column("Revenue, discounted", "discounted", number=True),
        Column("Observed then", "n", number=True),
    ]
    columns += [Column("Reading", "reading", css="small")] if several else []
    return folded(
        "Shorter horizons, not discounted and discounted", table("Lifetimes by horizon", columns, cells, css="causes")
    )


def _assumed(findings: Findings, worth: Row) -> Block:
    rate = first_row(findings, estimand="discount_rate")
    called = _called(findings)
    head = (
        "It is called lifetime revenue because the file holds no costs."
        if called == "lifetime revenue"
        else "Amounts are taken at the declared gross margin; no other cost is in the file."
    )
    text = sentence(
        "{head} It is the area under the survival curve to that horizon, each tenure weighted with the mean amount of those still "
        "customers at it, later money discounted at {r} a year ([value] in study.toml). Amounts are as last recorded: what a "
        "customer paid before is not in the file. An estimate if new customers are like those in it, no promise.",
        head=head,
        r=or_dash(rate, "percent0"),
    )
    short = first_row(findings, estimand="lifetime_horizon")
    notes = [row.note for row in (short, worth) if row is not None and row.note]
    return paragraph(text, "sub") + (paragraph(" ".join(notes), "note") if notes else Block(Markup("")))
