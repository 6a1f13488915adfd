"""Who is over-represented among those who left."""

from __future__ import annotations

import math

from whychurn.display.blocks import Block, Column, finding, paragraph, section, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import bar
from whychurn.display.numbers import format_number, printed
from whychurn.display.wording import number, p_text, with_interval
from whychurn.findings import Findings, Row


def crosstab_summary(findings: Findings) -> Block:
    """Name the candidate most strongly tied to churn, and how many show no tie."""
    tests = _tests(findings)
    known = [row for row in tests if row.estimated and not math.isnan(row.p_adjusted)]
    if not known:
        return finding("No table could be tested.")
    top = known[0]
    shares = sorted(findings.where(estimand="churn_share", term=top.term).rows(), key=lambda row: -row.estimate)
    unclear = sum(row.p_adjusted >= 0.05 for row in known)
    if top.p_adjusted >= 0.05:
        return finding("For no candidate is there a clear tie to leaving.")
    text = sentence(
        "{term} separates leavers from stayers most: {high} of “{high_level}” left, {low} of “{low_level}” "
        "(Cramer's V {v}, {p}).",
        term=top.term,
        high=number(shares[0], "percent1"),
        high_level=shares[0].level,
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
    return finding(text + rest)


def crosstab_tests(findings: Findings) -> Block:
    """Return all tests, strongest tie first."""
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
        for row in _tests(findings)
    ]
    columns = [
        Column("Candidate", "term"),
        Column("Cramer's V", "v", number=True),
        Column("Chi-square", "chi", number=True),
        Column("df", "df", number=True),
        Column("p", "p", number=True),
        Column("adjusted p", "adjusted", number=True),
        Column("Test", "method"),
    ]
    caption = "Strength of the tie between each candidate and leaving (0 none, 1 complete), bias-corrected"
    return table(caption, columns, cells)


def crosstab_tables(findings: Findings) -> Block:
    """Return one table per candidate: how many there are, how many left, and what stands out."""
    shares = findings.where(estimand="churn_share")
    top = max([row.conf_high for row in shares.rows()], default=1.0)
    blocks = Block(sentence(""))
    for test in _tests(findings):
        rows = shares.where(term=test.term).rows()
        residuals = {row.level: row for row in findings.where(estimand="adjusted_residual", term=test.term).rows()}
        blocks += section(test.term, _one(test, rows, residuals, top))
    return blocks


def _tests(findings: Findings) -> list[Row]:
    rows = findings.where(estimand="cramers_v").rows()
    return sorted(rows, key=lambda row: -(row.estimate if row.estimated else -1))


def _one(test: Row, rows: list[Row], residuals: dict[str, Row], top: float) -> Block:
    cells = []
    for row in rows:
        residual = residuals.get(row.level)
        stands_out = residual is not None and residual.estimate > 2
        label = f"{row.level}: {format_number(row.estimate, 'percent1')} left"
        cells.append(
            {
                "level": row.level,
                "n": number(row, "count", "denominator"),
                "left": number(row, "count", "numerator"),
                "share": with_interval(row, "percent1"),
                "bar": bar(row.estimate, row.conf_low, row.conf_high, top, label, "c2" if stands_out else "c1"),
                "residual": number(residual, "number1") if residual is not None else "–",
            }
        )
    columns = [
        Column(str(test.term), "level"),
        Column("Customers", "n", number=True),
        Column("Left", "left", number=True),
        Column("Share that left", "share", number=True),
        Column("Drawn", "bar", css="fig"),
        Column("Adjusted residual", "residual", number=True),
    ]
    high = max(rows, key=lambda row: row.estimate)
    low = min(rows, key=lambda row: row.estimate)
    title = sentence(
        "{h} of “{hl}” left, {l} of “{ll}” ({p})",
        h=number(high, "percent1"),
        hl=high.level,
        l=number(low, "percent1"),
        ll=low.level,
        p=p_text(test),
    )
    return paragraph(title, "finding") + table(f"Churn by {test.term}, all accounts", columns, cells)
