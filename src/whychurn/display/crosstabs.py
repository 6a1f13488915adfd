"""Who is over-represented among those who left."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, paragraph, section, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import bar
from whychurn.display.heatmap import heatmap, signed
from whychurn.display.numbers import format_number, printed
from whychurn.display.wording import first_row, horizon_text, number, p_text, with_interval
from whychurn.findings import Findings, Row

#: A tie is clear below this adjusted p.
CLEAR = 0.05


def crosstab_summary(findings: Findings) -> Block:
    """Name the candidate most strongly tied to churn, how many show no tie, and who is counted."""
    tests = tie_tests(findings)
    known = [row for row in tests if row.estimated and not math.isnan(row.p_adjusted)]
    if not known:
        return finding("No table could be tested.") + _who_counts(findings)
    top = known[0]
    shares = sorted(level_shares(findings, top), key=lambda row: -row.estimate)
    unclear = sum(row.p_adjusted >= CLEAR for row in known)
    if top.p_adjusted >= CLEAR:
        return finding("For no candidate is there a clear tie to leaving.") + _who_counts(findings)
    text = sentence(
        "{term} separates leavers from stayers most: {high} of “{high_level}” left{when}, {low} of “{low_level}” "
        "(Cramer's V {v}, {p}).",
        term=top.term,
        high=number(shares[0], "percent1"),
        high_level=shares[0].level,
        when=_when(findings),
        low=number(shares[-1], "percent1"),
        low_level=shares[-1].level,
        v=number(top, "number2"),
        p=p_text(top),
    )
    rest = (
        sentence(
            " For {n} of {all} candidates there is no clear tie.",
            n=printed(unclear, "count"),
            all=printed(len(known), "count"),
        )
        if unclear
        else sentence("")
    )
    return finding(text + rest) + _who_counts(findings)


def _landmarks(findings: Findings) -> Row | None:
    """Return who was counted at landmarks; None in a study of one file."""
    return first_row(findings, estimand="landmarks")


def _when(findings: Findings) -> Markup:
    return Markup("") if _landmarks(findings) is None else sentence(" within {h}", h=horizon_text(findings))


def _who_counts(findings: Findings) -> Block:
    """Say whom the tables count, and what follows for the tests."""
    at = _landmarks(findings)
    reading = sentence(
        "The adjusted residual says how far a group’s share lies from what it would be if group and leaving had nothing to do "
        "with each other. A tie is no cause: who is in a group differs in other ways too."
    )
    if at is None:
        every = sentence("Every account counts here, including those without any time at risk yet. {r}", r=reading)
        return paragraph(every, "sub")
    if not at.denominator:
        return paragraph(at.note, "note")
    text = sentence(
        "Counted are the customers there were on each of {dates} dates (landmarks), {h} apart: {n} in all from {customers} "
        "customers, of whom {left} left within {h} of a date. No stretch of time is counted twice, so the dates of one "
        "customer stand for separate periods at risk: {definition}. {r} {note}",
        dates=number(at, "count"),
        h=horizon_text(findings),
        n=number(at, "count", "denominator"),
        customers=number(at, "count", "n_accounts"),
        left=number(at, "count", "numerator"),
        definition=at.definition,
        r=reading,
        note=at.note,
    )
    return paragraph(text, "sub")


def crosstab_heatmap(findings: Findings) -> Block:
    """Return the adjusted residuals of every level of every declared candidate, titled by what stands out most."""
    tests = [row for row in tie_tests(findings) if row.estimated]
    residuals = {test.term: findings.where(estimand="adjusted_residual", term=test.term).rows() for test in tests}
    if not tests:
        return paragraph("There is no table to draw.", "sub")
    names = [
        (sentence("{term} <small>{p}</small>", term=test.term, p=_adjusted(test)), residuals[test.term])
        for test in tests
    ]
    return heatmap(_what_stands_out(tests, residuals), names)


def _adjusted(test: Row) -> Markup:
    if math.isnan(test.p_adjusted):
        return sentence("no test")
    return sentence("adjusted {p}", p=p_text(test))


def _what_stands_out(tests: list[Row], residuals: dict[str, list[Row]]) -> Markup:
    """Name the levels furthest from chance among the candidates with a clear tie."""
    clear = [test for test in tests if test.p_adjusted < CLEAR]
    rows = [row for test in clear for row in residuals[test.term] if row.estimated]
    if not rows:
        return sentence("No candidate is clearly tied to leaving: what stands out here may be chance")
    high, low = max(rows, key=lambda row: row.estimate), min(rows, key=lambda row: row.estimate)
    return sentence(
        "Leavers are most over-represented at “{hl}” ({ht}; {h} standard errors from chance) and most under-represented at "
        "“{ll}” ({lt}; {l})",
        hl=high.level,
        ht=high.term,
        h=signed(high),
        ll=low.level,
        lt=low.term,
        l=signed(low),
    )


def crosstab_tests(findings: Findings, what: str = "Candidate", outcome: str = "leaving") -> Block:
    """Return all tests of what was declared, strongest tie first; `what` is tied, or not, to the outcome."""
    tests = tie_tests(findings)
    cells = [
        {
            "term": row.term,
            "v": number(row, "number3"),
            "chi": number(row, "number2", "statistic"),
            "df": number(row, "number0", "df"),
            "p": number(row, "p", "p_value"),
            "adjusted": number(row, "p", "p_adjusted"),
            "method": row.method if not row.note else f"{row.method}. {row.note}",
        }
        for row in tests
    ]
    columns = [
        Column(what, "term"),
        Column("Cramer's V", "v", number=True),
        Column("Chi-square", "chi", number=True),
        Column("df", "df", number=True),
        Column("p", "p", number=True),
        Column("adjusted p", "adjusted", number=True),
        Column("Test", "method"),
    ]
    caption = f"Strength of the tie between each {what.lower()} and {outcome} (0 none, 1 complete), bias-corrected"
    return table(caption, columns, cells) + _family(tests)


def _family(tests: list[Row]) -> Block:
    """Say how many tests the p-values are adjusted for."""
    counted = [row for row in tests if not math.isnan(row.p_adjusted)]
    if not counted:
        return Block(Markup(""))
    text = sentence(
        "Adjusted for {n} tests (Benjamini and Hochberg), so that of the ties called clear about one in twenty is chance.",
        n=printed(len(counted), "count"),
    )
    return paragraph(text, "sub")


def crosstab_tables(findings: Findings) -> Block:
    """Return one table per declared candidate: how many there are, how many left, and what stands out."""
    tests = tie_tests(findings)
    declared = [row for test in tests for row in level_shares(findings, test)]
    top = max([row.conf_high for row in declared], default=1.0)
    blocks = Block(sentence(""))
    for test in tests:
        residuals = {row.level: row for row in findings.where(estimand="adjusted_residual", term=test.term).rows()}
        blocks += section(test.term, _one(test, level_shares(findings, test), residuals, top, findings))
    return blocks


def tie_tests(findings: Findings, declared: str = "in advance") -> list[Row]:
    """Return the tests of what was declared in advance, or found by looking, strongest tie first."""
    rows = findings.where(estimand="cramers_v", declared=declared).rows()
    return sorted(rows, key=lambda row: -(row.estimate if row.estimated else -1))


def level_shares(findings: Findings, test: Row) -> list[Row]:
    """Return the shares that left at every level of what was tested."""
    return findings.where(estimand="churn_share", term=test.term).rows()


def _one(test: Row, rows: list[Row], residuals: dict[str, Row], top: float, findings: Findings) -> Block:
    cells = []
    for row in rows:
        residual = residuals.get(row.level)
        stands_out = residual is not None and residual.estimate > 2
        label = f"{row.level}: {format_number(row.estimate, 'percent1')} left"
        cells.append(
            {
                "level": row.level,
                "n": number(row, "count", "denominator"),
                "customers": number(row, "count", "n_accounts"),
                "left": number(row, "count", "numerator"),
                "share": with_interval(row, "percent1"),
                "bar": bar(row.estimate, row.conf_low, row.conf_high, top, label, "c2" if stands_out else "c1"),
                "residual": number(residual, "number1") if residual is not None else "–",
            }
        )
    at = _landmarks(findings)
    columns = [
        Column(str(test.term), "level"),
        Column("Customers" if at is None else "Customers at dates", "n", number=True),
        *([] if at is None else [Column("Different customers", "customers", number=True)]),
        Column("Left", "left", number=True),
        Column("Share that left", "share", number=True),
        Column("Drawn", "bar", css="fig"),
        Column("Adjusted residual", "residual", number=True),
    ]
    caption = (
        f"Churn by {test.term}, all accounts"
        if at is None
        else sentence(
            "Left within {h}, by {term}, customers at {n} dates",
            h=horizon_text(findings),
            term=test.term,
            n=number(at, "count"),
        )
    )
    high = max(rows, key=lambda row: row.estimate)
    low = min(rows, key=lambda row: row.estimate)
    title = sentence(
        "{h} of “{hl}” left{when}, {l} of “{ll}” ({p})",
        when=_when(findings),
        h=number(high, "percent1"),
        hl=high.level,
        l=number(low, "percent1"),
        ll=low.level,
        p=p_text(test) if not math.isnan(test.p_adjusted) else "no test",
    )
    note = paragraph(test.note, "sub") if at is not None and test.note else Block(Markup(""))
    return paragraph(title, "finding") + table(caption, columns, cells) + note
