"""The range of rates that one set of data gives, in a sentence; and what a month and a year have to do with each other."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, finding, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.display.definitions.found import BASE, MONTH, NET, OTHER_BASE, YEAR, ends, house, nothing, rates
from whychurn.display.wording import first_row, interval, number, with_interval
from whychurn.findings import Findings, Row


def definitions_summary(findings: Findings) -> Block:
    """State the lowest and the highest rate of the last month, and the house's own."""
    absent = nothing(findings)
    if absent:
        return finding(absent)
    own = house(findings)
    if not own.estimated:
        return finding(sentence("There is no churn rate for {month}: {note}", month=own.reference, note=own.note))
    low, high = ends(rates(findings, MONTH, BASE))
    if low.estimate == high.estimate:
        text = sentence("Every definition gives the same monthly churn: {own}.", own=number(own, "percent2"))
        return finding(text) + _own(findings, own)
    text = sentence(
        "The same data give monthly churn between {low} and {high}, depending on the definition; yours is {own}.",
        low=number(low, "percent2"),
        high=number(high, "percent2"),
        own=number(own, "percent2"),
    )
    named = sentence(
        "All for {month}. Lowest: {low}. Highest: {high}.",
        month=own.reference,
        low=_lower(low.term),
        high=_lower(high.term),
    )
    return finding(text) + paragraph(named + _of_customers(findings, low, high)) + _own(findings, own)


def _of_customers(findings: Findings, low: Row, high: Row) -> Markup:
    """Give the range of rates that count customers, where revenue is at one of its ends."""
    customers = [row for row in rates(findings, MONTH, BASE) if row.estimated and row.family == "customers"]
    if not customers or {low.family, high.family} == {"customers"}:
        return Markup("")
    least, most = ends(customers)
    if least.estimate == most.estimate:
        return sentence(" Counted in customers alone: {rate}.", rate=number(least, "percent2"))
    return sentence(
        " Counted in customers alone: from {low} to {high}.",
        low=number(least, "percent2"),
        high=number(most, "percent2"),
    )


def _own(findings: Findings, own: Row) -> Block:
    """Say what the house's rate counts, and of what it is the complement."""
    kept = first_row(findings, estimand="retention")
    text = sentence(
        "Yours: of {n} customers when {month} began, {gone} were gone at its end (interval {interval}).",
        interval=interval(own, "percent2"),
        n=number(own, "count", "denominator"),
        month=own.reference,
        gone=number(own, "count", "numerator"),
    )
    if kept is not None:
        text += sentence(
            " The other {k} are its retention, {r}. Churn and retention add up to 100% only if both are of one definition.",
            k=number(kept, "count", "numerator"),
            r=number(kept, "percent2"),
        )
    unsure = first_row(findings, estimand="may_return")
    if unsure is not None and unsure.numerator > 0:
        text += sentence(
            " Of those gone, {k} had been away for at most {gap} days when the records end. Who comes back within that time has "
            "not left by your definition, so this month’s rate may still fall.",
            k=number(unsure, "count", "numerator"),
            gap=number(unsure, "count", "df"),
        )
    return paragraph(text, "sub")


def definitions_year(findings: Findings) -> Block:
    """Set a year as it was beside twelve months like the mean one, and the benchmark beside both."""
    if nothing(findings):
        return Block(Markup(""))
    year, converted = first_row(findings, estimand="year"), first_row(findings, estimand="conversion")
    parts = Block(Markup(""))
    if year is not None and year.estimated and converted is not None:
        low, high = ends(rates(findings, YEAR, BASE))
        parts += finding(
            sentence(
                "In {year} you lost {y} of the customers it began with; twelve months at the mean monthly rate would come to {c}.",
                year=year.reference,
                y=number(year, "percent1"),
                c=number(converted, "percent1"),
            )
        )
        parts += paragraph(
            sentence(
                "The second is a conversion, {formula}, not an observation, of the mean over {months}. The two need not agree: the "
                "months also count customers who came after the year began, and whoever returns within the year is not gone at its "
                "end. {range}",
                months=converted.reference,
                formula=converted.method,
                range=_range(low, high),
            ),
            "sub",
        )
    elif converted is not None:
        text = "The records hold no complete calendar year. Twelve months at the mean monthly rate would come to {c}: a conversion, {formula}."
        parts += finding(sentence(text, c=number(converted, "percent1"), formula=converted.method))
    return parts + _per_years(findings) + _benchmark(findings)


def _range(low: Row, high: Row) -> Markup:
    if low.estimate == high.estimate:
        return sentence("All definitions give the same for the year.")
    return sentence(
        "Over all definitions the year’s churn lies between {low} and {high}.",
        low=number(low, "percent1"), high=number(high, "percent1"),
    )  # fmt: skip


def _per_years(findings: Findings) -> Block:
    row = first_row(findings, estimand="yearly_rate")
    if row is None or not row.estimated:
        return Block(Markup(""))
    text = sentence(
        "A rate that periods of any length can be compared by: {rate} departures per hundred customer-years in {month}.",
        rate=with_interval(row, "number1"),
        month=row.reference,
    )
    return paragraph(text, "sub")


def _benchmark(findings: Findings) -> Block:
    row = findings.one(estimand="benchmark")
    text = sentence(
        "Context, not a verdict on yours. {what}: {range}. {note}",
        what=row.term,
        range=interval(row, "percent0"),
        note=row.note,
    )
    return paragraph(text, "sub")


def definitions_left_out(findings: Findings) -> Block:
    """Name the rates that are no part of the range: those of another base, and those net of gains."""
    rows = [row for row in rates(findings, MONTH, OTHER_BASE, NET) if row.estimated]
    if not rows:
        return Block(Markup(""))
    named = sentence("; ").join(
        sentence("{name} {rate}", name=_lower(row.term), rate=number(row, "percent2")) for row in rows
    )
    return paragraph(
        sentence(
            "Not part of the range, because they set gains against losses or are not a share of opening customers: {named}.",
            named=named,
        ),
        "sub",
    )


def _lower(name: object) -> str:
    text = str(name)
    return text[:1].lower() + text[1:]
