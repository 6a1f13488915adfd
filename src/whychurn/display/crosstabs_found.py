"""Measures that nobody declared, looked through for ties to leaving: found, and so to be confirmed."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.crosstabs import CLEAR, level_shares, tie_tests
from whychurn.display.numbers import printed
from whychurn.display.wording import number
from whychurn.findings import Findings, Row

#: What is said of any measure found by looking, and so many are shown outside the fold.
CONFIRM = "found, to be confirmed"
MOST_FOUND = 12


def crosstab_found(findings: Findings) -> Block:
    """Return what measures that the study did not declare say: found by looking, and so to be confirmed."""
    tests = tie_tests(findings, "found")
    if not tests:
        return paragraph("Nothing was looked through besides what the study declares.", "sub")
    known = [row for row in tests if not math.isnan(row.p_adjusted)]
    clear = [row for row in known if row.p_adjusted < CLEAR]
    text = sentence(
        "Of {n} measures that the study does not declare, {k} are tied to leaving after adjustment for {n} tests. They were found "
        "by looking, so each is {what}: declare it before the next year of data, then test it.",
        n=printed(len(known), "count"),
        k=printed(len(clear), "count"),
        what=CONFIRM,
    )
    none = sentence(
        "None of {n} measures that the study does not declare is clearly tied to leaving.",
        n=printed(len(known), "count"),
    )
    shown, rest = clear[:MOST_FOUND], [row for row in tests if row not in clear[:MOST_FOUND]]
    blocks = finding(text if clear else none)
    if shown:
        blocks += _found_table(findings, shown, "Measures found to go with leaving, strongest first")
    if rest:
        more = sentence("The other {n} measures", n=printed(len(rest), "count"))
        blocks += folded(more, _found_table(findings, rest, "The other measures looked through"))
    return blocks + _not_crossed(findings)


def _found_table(findings: Findings, tests: list[Row], caption: str) -> Block:
    cells = []
    for test in tests:
        shares = sorted(level_shares(findings, test), key=lambda row: -row.estimate)
        cells.append(
            {
                "term": test.term,
                "high": _share(shares[0]) if shares else "–",
                "low": _share(shares[-1]) if shares else "–",
                "v": number(test, "number3"),
                "p": number(test, "p", "p_adjusted"),
                "verdict": test.grade or test.note,
            }
        )
    columns = [
        Column("Measure", "term", css="cause"),
        Column("Most left at", "high"),
        Column("Fewest left at", "low"),
        Column("Cramer's V", "v", number=True),
        Column("adjusted p", "p", number=True),
        Column("Verdict", "verdict"),
    ]
    return table(caption, columns, cells)


def _share(row: Row) -> Markup:
    return sentence("{share} <small>{level}</small>", share=number(row, "percent1"), level=row.level)


def _not_crossed(findings: Findings) -> Block:
    rows = findings.where(estimand="not_crossed").rows()
    return bullets([f"{row.term}: not looked at. {row.note}" for row in rows], "sub") if rows else Block(Markup(""))
