"""Who uses which module, who does not use what goes with staying, and how widely and smoothly the product is used."""

from __future__ import annotations

from whychurn.display.blocks import Block, Column, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.feature_usage import PROTECTIVE, equal_rows, nothing, verdict_chip
from whychurn.display.forest import Scale, axis, mark
from whychurn.display.wording import amount_name, first_row, first_upper, listed, money_style, number, with_interval
from whychurn.findings import Findings, Row

BREADTH, SEATS, FRICTION = "Modules in use", "Seats in use", "Actions that failed"
MEANING = {
    BREADTH: "modules used at least once in the window",
    SEATS: "people active in the window per paid seat",
    FRICTION: "share of actions in the window that failed",
}


def feature_adoption(findings: Findings) -> Block:
    """Return how widely, how much and how lately each module is used."""
    ever = findings.where(estimand="ever_used").rows()
    if not ever:
        return nothing()
    parts = {
        name: {row.term: row for row in findings.where(estimand=name).rows()}
        for name in ("using_now", "time_in_use", "share_of_use", "usual_amount", "days_since_use")
    }
    ever.sort(key=lambda row: -row.estimate if row.estimated else 1.0)
    cells = [
        {
            "module": row.term,
            "ever": number(row, "percent0"),
            "now": number(parts["using_now"][row.term], "percent0"),
            "time": number(parts["time_in_use"][row.term], "percent0"),
            "share": number(parts["share_of_use"][row.term], "percent0"),
            "amount": number(parts["usual_amount"][row.term], "number0"),
            "days": number(parts["days_since_use"][row.term], "number0"),
        }
        for row in ever
    ]
    columns = [
        Column("Module", "module", css="cause"),
        Column("Ever used", "ever", number=True),
        Column("In use now", "now", number=True),
        Column("Share of customer-time", "time", number=True),
        Column("Share of all uses", "share", number=True),
        Column("Uses while in use", "amount", number=True),
        Column("Days since last use", "days", number=True),
    ]
    known = [row for row in ever if row.estimated]
    top, low = (known[0], known[-1]) if known else (ever[0], ever[0])
    text = sentence(
        "{most} is the module that most customers have used ({a}), {least} the one that fewest have ({b}).",
        most=first_upper(top.term),
        a=number(top, "percent0"),
        least=low.term,
        b=number(low, "percent0"),
    )
    current = findings.one(estimand="n_customers")
    note = sentence(
        "In use now: of {known} current customers whose usage is known. {uses}; {days}. {defined}.",
        known=number(current, "count", "numerator"),
        uses=f"Uses while in use: {parts['usual_amount'][top.term].definition}",
        days=f"days since the last use: {parts['days_since_use'][top.term].definition}",
        defined=f"Ever used: {top.definition}",
    )
    return (
        paragraph(text) + table("Adoption, depth and recency of each module", columns, cells) + paragraph(note, "sub")
    )


def feature_unused(findings: Findings) -> Block:
    """Name the customers who do not use a module that goes with staying: how many, what they pay, on which plan."""
    rows = findings.where(estimand="not_using", group="").rows()
    if not equal_rows(findings):
        return nothing()
    if not rows:
        return finding("No module has the verdict protective, so there is none to win customers for.")
    block = nothing()
    for row in rows:
        block = block + _unused(findings, row)
    note = (
        "Not using it goes with leaving sooner. Whether they would stay longer if they came to use it, only trying it with "
        "some of them would show."
    )
    return block + paragraph(note, "sub")


def _unused(findings: Findings, row: Row) -> Block:
    style = money_style(findings)
    revenue = first_row(findings, estimand="revenue_not_using", term=row.term, group="")
    never = first_row(findings, estimand="never_used", term=row.term, group="")
    assert revenue is not None and never is not None  # the analysis makes the three together
    text = sentence(
        "{n} of {all} current customers ({share}) do not use {module}; {never} of them were never seen using it. They stand for "
        "{money} of {amount}.",
        n=number(row, "count", "numerator"),
        all=number(row, "count", "denominator"),
        share=number(row, "percent0"),
        module=row.term,
        never=number(never, "count", "numerator"),
        money=number(revenue, style),
        amount=amount_name(findings),
    )
    plans = [each for each in findings.where(estimand="not_using", term=row.term).rows() if each.group]
    if not plans:
        return finding(text)
    by_plan = {
        name: {each.group: each for each in findings.where(estimand=name, term=row.term).rows()}
        for name in ("revenue_not_using", "never_used")
    }
    cells = [
        {
            "plan": each.group,
            "n": number(each, "count", "numerator"),
            "of": number(each, "count", "denominator"),
            "share": number(each, "percent0"),
            "never": number(by_plan["never_used"][each.group], "count", "numerator"),
            "money": number(by_plan["revenue_not_using"][each.group], style),
        }
        for each in plans
    ]
    columns = [
        Column("Plan", "plan", css="cause"),
        Column("Not using it", "n", number=True),
        Column("Current customers", "of", number=True),
        Column("Share", "share", number=True),
        Column("Never seen using it", "never", number=True),
        Column(f"Their {amount_name(findings)}", "money", number=True),
    ]
    caption = sentence("Current customers without a use of {m} in the window, by plan", m=row.term)
    return finding(text) + table(caption, columns, cells)


def feature_behaviours(findings: Findings) -> Block:
    """Return breadth, seats in use and failed actions: the verdicts, and the ratios in bands."""
    tests = [row for row in findings.where(estimand="joint_test").rows() if row.term in MEANING]
    if not tests:
        return nothing()
    clear = [row for row in tests if row.grade in (PROTECTIVE, "risky")]
    missing = [row for row in tests if row.grade == "not estimated"]
    judged = [row for row in tests if row not in missing]
    if clear:
        text = f"{listed([row.term for row in clear])}: a clear difference once the use of every module is held equal."
    elif judged:
        names = listed([row.term.lower() for row in judged])
        text = f"Once the use of every module is held equal, no clear difference is left by {names}."
    else:
        text = "Breadth of use, seats and failures cannot be judged."
    block = finding(text)
    for row in judged:
        block = block + _behaviour(findings, row)
    return block + paragraph(" ".join(f"{row.term}: {row.note}" for row in missing), "sub") if missing else block


def _behaviour(findings: Findings, test: Row) -> Block:
    of_term = findings.where(term=test.term, method=test.method)
    shares = of_term.where(estimand="time_share").rows()
    total, alone = (
        {row.level: row for row in of_term.where(estimand="hazard_ratio", effect_kind=kind).rows()}
        for kind in ("total", "unadjusted")
    )
    scale = Scale.around([row for row in total.values() if row.estimated])
    cells = []
    for share in shares:
        row = total.get(share.level)
        cells.append(
            {
                "band": share.level,
                "share": number(share, "percent0"),
                "drawn": mark(row, scale) if row is not None else "",
                "equal": with_interval(row, "ratio2") if row is not None else "reference",
                "alone": with_interval(alone[share.level], "ratio2") if share.level in alone else "reference",
                "n": number(share, "count", "n_accounts"),
                "left": number(share, "count", "n_events"),
            }
        )
    columns = [
        Column(test.term, "band", css="cause"),
        Column("All else equal, log scale", "drawn", css="fig", under=axis(scale)),
        Column("Ratio (interval)", "equal", number=True),
        Column("Alone", "alone", number=True),
        Column("Share of customer-time", "share", number=True),
        Column("Customers", "n", number=True),
        Column("Left", "left", number=True),
    ]
    caption = sentence(
        "{term} ({meaning}): {verdict}", term=test.term, meaning=MEANING[test.term], verdict=verdict_chip(test.grade)
    )
    note = sentence(
        "All bands together: adjusted p {p}. {notes}", p=number(test, "p", "p_adjusted"), notes=_notes(total)
    )
    return table(caption, columns, cells) + paragraph(note, "sub")


def _notes(rows: dict[str, Row]) -> str:
    return " ".join(f"“{level}”: {row.note}" for level, row in rows.items() if row.note)
