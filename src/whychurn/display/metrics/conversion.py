"""A month's rate beside a year's and a new customer's first year, and whom each of them is about."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.metrics.summary import last_year
from whychurn.display.wording import first_row, first_upper, interval, interval_or_dash, number
from whychurn.findings import Findings, Row

YOUNG, OLD = "in their first year", "longer than a year"
#: Grade of a period of which the window holds a part only.
PARTIAL = "partial"


def metrics_conversion(findings: Findings) -> Block:
    """Set a month's rate, raised to a year, beside the year observed and beside a new customer's first year."""
    month, made = first_row(findings, estimand="monthly_churn"), first_row(findings, estimand="converted_churn")
    year = last_year(findings, "customer_churn")
    if month is None or made is None or year is None or year.grade == PARTIAL or not made.estimated:
        return paragraph("There are too few months to set a monthly rate beside a yearly one.", "note")
    text = sentence(
        "A month’s churn of {m} would be {c} a year, if every month met the same customers; observed were {y}.",
        m=number(month, "percent2"),
        c=number(made, "percent1"),
        y=number(year, "percent1"),
    )
    return finding(text) + paragraph(_why(findings, year), "sub") + _ages(findings)


def _why(findings: Findings, year: Row) -> Markup:
    """Say whom each rate is about; how customers in their first year compare with the others is as it was found."""
    parts = [
        Markup(
            "The first is a conversion, not an observation: whoever is a customer when a month begins counts in it."
        ),
        sentence(
            "The yearly rate is about the {n} who were there when the year began.",
            n=number(year, "count", "denominator"),
        ),
        *_young(findings),
    ]
    passed = _known(findings, "came_and_went")
    if passed is not None:
        text = "Stays that began and ended within the year are not in it: {n}."
        parts.append(sentence(text, n=number(passed, "count")))
    first = _known(findings, "first_year_churn")
    if first is not None:
        text = "A new customer’s chance to leave within a year, from the survival curve of the whole window, is {f} (interval {i})."
        parts.append(sentence(text, f=number(first, "percent1"), i=interval(first, "percent1")))
    return Markup(" ").join(parts)


def _young(findings: Findings) -> Iterator[Markup]:
    """Yield how many of them were in their first year, and whether more or fewer of these left."""
    share = _known(findings, "in_first_year")
    if share is not None:
        text = "Of them {share} had come, or come back, less than a year before."
        yield sentence(text, share=number(share, "percent0"))
    young, old = (_known(findings, "churn_by_first_year", level=level) for level in (YOUNG, OLD))
    apart = _known(findings, "first_year_difference")
    if young is not None and old is not None and apart is not None:
        text = "Of these {young} left, of those there for longer {old}: {verdict}."
        yield sentence(text, young=number(young, "percent1"), old=number(old, "percent1"), verdict=_verdict(apart))


def _known(findings: Findings, estimand: str, **more: str) -> Row | None:
    row = first_row(findings, estimand=estimand, **more)
    return row if row is not None and row.estimated else None


def _verdict(apart: Row) -> Markup:
    """Return in words whether a difference is one, with its interval."""
    if apart.conf_low <= 0 <= apart.conf_high:
        text = "no clear difference ({d} points, interval {low} to {high})"
    else:
        text = (
            "clearly more ({d} points, interval {low} to {high})"
            if apart.estimate > 0
            else "clearly fewer ({d} points, interval {low} to {high})"
        )
    shown = {"d": "estimate", "low": "conf_low", "high": "conf_high"}
    return sentence(text, **{name: number(apart, "points1", column) for name, column in shown.items()})


def _ages(findings: Findings) -> Block:
    rows = findings.where(estimand="churn_by_age").rows()
    if not rows:
        return Block(Markup(""))
    cells: dict[str, dict[str, object]] = {}
    for row in rows:
        cells.setdefault(str(row.level), {"age": first_upper(row.level)})[row.term] = interval_or_dash(row, "percent1")
    columns = [
        Column("Customer for", "age"),
        *(Column(str(y), str(y), number=True) for y in dict.fromkeys(r.term for r in rows)),
    ]
    return folded(
        "By calendar year and by how long customers had been there",
        table("Customers lost in the year", columns, cells.values()),
    )
