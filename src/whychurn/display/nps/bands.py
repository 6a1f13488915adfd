"""Promoters, passives and detractors by group: what stands out, and every table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.crosstabs import crosstab_tests, tie_tests
from whychurn.display.heatmap import heatmap, signed
from whychurn.display.numbers import printed
from whychurn.display.wording import number, p_text, with_interval
from whychurn.findings import Findings, Row

CLEAR = 0.05
SHOWN = ("promoter", "detractor")
BANDS = ("detractor", "passive", "promoter")
ROWS = "Grouping, and who of it"
MEANING = "above zero, more of these answers than if group and answer had nothing to do with each other; below, fewer."


def nps_heatmap(findings: Findings) -> Block:
    """Return the adjusted residuals of promoters and detractors where the tie is clear; the rest is folded."""
    tests = tie_tests(findings)
    if not tests:
        return Block(Markup(""))
    clear = [test for test in tests if test.p_adjusted < CLEAR]
    shown = [(_name(test, band), _residuals(findings, test, band)) for test in clear for band in SHOWN]
    caption = _title(findings, clear)
    accounts = printed(tests[0].n_accounts, "count", tests[0].id, "n_accounts")
    known = sum(not math.isnan(test.p_adjusted) for test in tests)
    text = sentence(
        "The latest answer of each of {accounts} customers, by what was known of them before it; what they used, and how long they "
        "had been silent, as of the study’s lag before that. {clear} of {n} groupings are clearly tied to the answer (adjusted for "
        "{n} tests after Benjamini and Hochberg). A tie is no cause.",
        accounts=accounts,
        clear=printed(len(clear), "count"),
        n=printed(known, "count"),
    )
    drawn = heatmap(caption, shown, MEANING, ROWS) if shown else finding(caption)
    return drawn + paragraph(text, "sub") + _folded(findings, tests, clear)


def _folded(findings: Findings, tests: Sequence[Row], clear: Sequence[Row]) -> Block:
    others = [test for test in tests if test not in clear]
    blocks = Block(Markup(""))
    if others:
        rest = [(_name(test, band), _residuals(findings, test, band)) for test in others for band in SHOWN]
        caption = sentence("Groupings without a clear tie to the answer: what stands out here may be chance")
        blocks += folded("Groupings without a clear tie", heatmap(caption, rest, MEANING, ROWS))
    tables = [_table(findings, test) for test in tests]
    return blocks + folded("Every table, and the tests", crosstab_tests(findings, "Grouping", "the answer"), *tables)


def _name(test: Row, band: str) -> Markup:
    p = sentence("no test") if math.isnan(test.p_adjusted) else sentence("adjusted {p}", p=p_text(test))
    return sentence("{term}: {band}s <small>{p}</small>", term=test.term, band=band, p=p)


def _residuals(findings: Findings, test: Row, band: str) -> list[Row]:
    return findings.where(estimand="adjusted_residual", term=test.term, group=band).rows()


def _title(findings: Findings, clear: Sequence[Row]) -> Markup:
    """Name the group in which promoters are most over-represented, and the one with most too many detractors."""
    most: list[Markup] = []
    for band in SHOWN:
        rows = [row for test in clear for row in _residuals(findings, test, band) if row.estimated and row.estimate > 2]
        if rows:
            top = max(rows, key=lambda row: row.estimate)
            most.append(
                sentence(
                    "{band}s{out} at “{level}” ({term}; {value} standard errors from chance)",
                    band=band if most else band.capitalize(), out="" if most else " stand out most", level=top.level, term=top.term, value=signed(top),
                )
            )  # fmt: skip
    if not most:
        return sentence("No grouping is clearly tied to the answer: what stands out may be chance")
    return sentence(", ").join(most)


def _table(findings: Findings, test: Row) -> Block:
    shares = {(row.level, row.group): row for row in findings.where(estimand="cell_share", term=test.term).rows()}
    residuals = {
        (row.level, row.group): row for row in findings.where(estimand="adjusted_residual", term=test.term).rows()
    }
    cells = [
        {
            "level": level,
            "n": number(shares[level, BANDS[0]], "count", "denominator"),
            **{
                band: sentence(
                    "{share} <small>{residual}</small>",
                    share=with_interval(shares[level, band], "percent0"),
                    residual=_signed(residuals[level, band]),
                )
                for band in BANDS
            },
        }
        for level in dict.fromkeys(level for level, _ in shares)
    ]
    columns = [
        Column(str(test.term), "level"),
        Column("Customers", "n", number=True),
        *(Column(f"{band.capitalize()}s", band, number=True) for band in BANDS),
    ]
    return table(f"Answers by {test.term}: shares with interval, and adjusted residuals", columns, cells)


def _signed(row: Row) -> Markup:
    return signed(row) if row.estimated else Markup("–")
