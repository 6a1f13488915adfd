"""Whether newer customers stay longer: the headline, curves, and ratios at the same age."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.curves import NARROW as CURVES_NARROW
from whychurn.display.curves import WIDE as CURVES_WIDE
from whychurn.display.curves import survival_svg
from whychurn.display.numbers import format_number
from whychurn.display.ratio_dots import NARROW, WIDE, Line, in_words, ratio_svg
from whychurn.display.wording import first_row, interval, number, p_text, with_interval
from whychurn.findings import Findings, Row

FASTER, SLOWER, SAME, TOO_FEW = "faster", "more slowly", "about as fast", "cannot be told yet"
BEFORE = "Customers before the window"
SIGN_UP, PERIOD, TREND = "Sign-up by ", "Calendar year", "Trend over sign-up"


def cohort_summary(findings: Findings) -> Block:
    """State whether newer customers stay longer, how sure that is, and who is followed."""
    return finding(_headline(findings)) + _followed(findings)


def main_term(findings: Findings) -> str:
    """Return the coarsest comparison of cohorts, "" where there is none."""
    row = next(
        (row for row in findings.rows() if str(row.term).startswith(SIGN_UP) and row.estimand == "hazard_ratio"), None
    )
    return "" if row is None else str(row.term)


def newest(findings: Findings, term: str) -> Row | None:
    """Return the ratio of the newest cohort of which something can be told, else of the newest."""
    rows = [row for row in findings.where(estimand="hazard_ratio", term=term).rows() if row.level not in ("", BEFORE)]
    told = [row for row in rows if row.grade != TOO_FEW]
    return told[-1] if told else rows[-1] if rows else None


def _headline(findings: Findings) -> Markup:
    followed = findings.one(estimand="customers_followed")
    if not followed.estimated:
        return sentence("{note}", note=followed.note)
    if not followed.estimate:
        return sentence("Nobody signed up in the window, so newer customers cannot be compared with older ones.")
    row = newest(findings, main_term(findings))
    if row is None:
        return sentence("There is one cohort of customers only, so newer ones cannot be compared with older ones yet.")
    if not row.estimated or row.grade == TOO_FEW:
        return sentence(
            "Whether customers who joined in {level} stay longer cannot be told yet: departures so far are {n}, and {m} among those of {reference}.",
            level=row.level,
            n=number(row, "count", "n_events"),
            m=number(row, "count", "denominator"),
            reference=row.reference,
        )
    parts = {
        "level": row.level,
        "reference": row.reference,
        "ratio": number(row, "ratio2"),
        "interval": interval(row, "ratio2"),
    }
    if row.grade in (FASTER, SLOWER):
        return sentence(
            "Customers who joined in {level} stay {what}: at the same age they leave {ratio} times as fast as those of {reference} "
            "(interval {interval}).",
            what="longer" if row.grade == SLOWER else "less long",
            **parts,
        )
    if row.grade == SAME:
        return sentence(
            "Newer customers stay about as long as older ones: those who joined in {level} leave {ratio} times as fast at the same age as "
            "those of {reference} (interval {interval}).",
            **parts,
        )
    return sentence(
        "Whether newer customers stay longer cannot be told yet: those who joined in {level} leave {ratio} times as fast at the same age "
        "as those of {reference}, and anything from {low} to {high} times fits.",
        low=number(row, "ratio2", "conf_low"),
        high=number(row, "ratio2", "conf_high"),
        **parts,
    )


def _followed(findings: Findings) -> Block:
    followed = findings.one(estimand="customers_followed")
    if not followed.estimated:
        return Block(Markup(""))
    before, back, returned = (
        first_row(findings, estimand=name) for name in ("customers_before", "customers_back", "returned")
    )
    parts = [
        sentence(
            "{n} customers signed up in the window and are followed from their first day.", n=number(followed, "count")
        )
    ]
    if before is not None and before.estimate:
        parts.append(
            sentence(
                "{n} were customers before it; they are seen from its first day only and compared at the age they had then.",
                n=number(before, "count"),
            )
        )
    if back is not None and back.estimate:
        parts.append(sentence("{n} more {what}: they are in no cohort.", n=number(back, "count"), what=back.definition))
    if returned is not None and returned.estimate:
        parts.append(
            sentence("{n} {what}. {note}", n=number(returned, "count"), what=returned.definition, note=returned.note)
        )
    return paragraph(sentence(" ").join(parts), "sub")


def cohort_curves(findings: Findings) -> Block:
    """Return the survival curves of the cohorts."""
    term = main_term(findings)
    curves = findings.where(term=term, estimand=["survival", "n_at_risk"])
    points = curves.where(estimand="survival").rows()
    if not points:
        return paragraph("No cohort is followed from sign-up, so there is no curve.", "note")
    age = _common_age(points)
    at = [row for row in points if row.time == age and age > 0]
    alt = "Share of customers that has not left, by sign-up" + (f". After {age:g} months: " if at else "") + "; ".join(
        f"{row.level} {format_number(row.estimate, 'percent0')}" for row in at
    )  # fmt: skip
    wide, narrow = (survival_svg(curves, alt + ".", layout, "months") for layout in (CURVES_WIDE, CURVES_NARROW))
    listed = sentence(", ").join(
        sentence("{level} {share}", level=row.level, share=number(row, "percent0")) for row in at
    )
    title = sentence("Share of customers that has not left, by sign-up: too few are followed to compare them")
    if at:
        title = sentence(
            "Not yet left after {age} months, by sign-up: {listed}", age=number(at[0], "number0", "time"), listed=listed
        )
    note = (
        "Time until a customer leaves for the first time (Kaplan-Meier), with the interval at each age. Customers not followed as "
        "long count for as long as they were. A curve ends where few are left to follow."
    )
    return figure(wide, narrow, title, paragraph(note, "sub"))


def _common_age(points: list[Row]) -> float:
    """Return the oldest age, a year at most, that all curves reach with some customers at risk."""
    last = {
        level: max((row.time for row in points if row.level == level and row.denominator >= 10), default=0.0)
        for level in {row.level for row in points}
    }
    return min(12.0, *last.values()) if len(last) > 1 else min(12.0, next(iter(last.values())))


def cohort_ratios(findings: Findings) -> Block:
    """Return the ratios of sign-up half-years, and of calendar years, at the same age."""
    terms = list(
        dict.fromkeys(
            row.term for row in findings.where(estimand="hazard_ratio").rows() if str(row.term).startswith(SIGN_UP)
        )
    )
    if not terms:
        return Block(Markup(""))
    rows = [row for row in findings.where(estimand="hazard_ratio", term=terms[-1]).rows() if row.level]
    lines = [Line("Already there" if row.level == BEFORE else str(row.level), (row,)) for row in rows]
    drawn = Block(Markup(""))
    if any(row.estimated for row in rows):
        reference = next(row.reference for row in rows if row.estimated)
        alt = f"How fast cohorts leave at the same age, against {reference}: {in_words(lines, ('ratio',))}."
        wide, narrow = (ratio_svg(lines, ("ratio",), alt, layout) for layout in (WIDE, NARROW))
        drawn = figure(wide, narrow, _ratio_title(findings, str(reference)), _said(findings))
    return drawn + folded("All comparisons at the same age", _table(findings, terms))


def _ratio_title(findings: Findings, reference: str) -> Markup:
    trend = findings.one(estimand="hazard_ratio", term=TREND)
    if not trend.estimated:
        return sentence("How fast each cohort leaves at the same age, against {reference}", reference=reference)
    parts = {"ratio": number(trend, "ratio2"), "interval": interval(trend, "ratio2"), "p": p_text(trend, "p_value")}
    if trend.conf_low > 1 or trend.conf_high < 1:
        return sentence(
            "With every later year of sign-up customers leave {ratio} times as fast at the same age (interval {interval}, {p})",
            **parts,
        )
    return sentence(
        "No clear trend over sign-up: per later year {ratio} times as fast at the same age (interval {interval}, {p})",
        **parts,
    )


def _said(findings: Findings) -> Block:
    parts = [
        sentence(
            "Against the first cohort. Every comparison is between customers of the same age, so that newer ones do not look "
            "loyal only because they have had little time to leave. Who was already there is compared only at the ages they had in "
            "the window."
        )
    ]
    test = first_row(findings, estimand="proportional_test", term=main_term(findings))
    if test is not None and test.p_value < 0.05:
        parts.append(
            sentence(
                "The ratios change with age ({p}): read each as an average over the ages seen.",
                p=p_text(test, "p_value"),
            )
        )
    return paragraph(sentence(" ").join(parts), "sub")


def _table(findings: Findings, terms: list[str]) -> Block:
    rows = [
        row
        for term in (*terms, PERIOD, TREND)
        for row in findings.where(estimand="hazard_ratio", term=term).rows()
        if row.level
    ]
    cells = [
        {
            "what": sentence("{term}: {level}", term=row.term, level=row.level),
            "against": row.reference,
            "ratio": with_interval(row, "ratio2"),
            "n": number(row, "count", "n_accounts"),
            "left": number(row, "count", "n_events"),
            "verdict": row.grade,
            "note": row.note,
        }
        for row in rows
    ]
    columns = [
        Column("Group", "what", css="cause"),
        Column("Against", "against"),
        Column("Times as fast", "ratio", number=True),
        Column("Customers", "n", number=True),
        Column("Left", "left", number=True),
        Column("They leave", "verdict"),
        Column("Note", "note", css="small"),
    ]
    return table("How fast customers leave for the first time, at the same age", columns, cells, css="causes")
