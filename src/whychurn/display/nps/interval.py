"""How good the interval of a score is."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.wording import number
from whychurn.findings import Findings

ADJUSTED, PLAIN = "adjusted Wald", "plain Wald"


def nps_interval(findings: Findings) -> Block:
    """Return how often the interval holds the true score, few answers and extreme shares included, folded."""
    rows = findings.where(estimand="coverage").rows()
    if not rows:
        return Block(Markup(""))
    by_key = {(row.level, row.time, row.method): row for row in rows}
    cells = []
    for level, time in dict.fromkeys((row.level, row.time) for row in rows):
        adjusted, plain = by_key[level, time, ADJUSTED], by_key[level, time, PLAIN]
        cells.append(
            {
                "shares": level,
                "n": number(adjusted, "count", "denominator"),
                "adjusted": number(adjusted, "percent1"),
                "plain": number(plain, "percent1"),
            }
        )
    columns = [
        Column("True shares: promoters, passives, detractors", "shares"),
        Column("Answers", "n", number=True),
        Column("The interval used here holds the truth", "adjusted", number=True),
        Column("The plain interval does", "plain", number=True),
    ]
    text = sentence(
        "The interval adds three answers (three quarters of a promoter, three halves of a passive, three quarters of a detractor) "
        "before its width is found, and is centred on the score so adjusted; the score printed is the raw one. An interval of "
        "{level} should hold the true score in as many of all samples. Counted exactly over all outcomes, for independent answers; "
        "the plain interval claims far too much where nearly all answer alike.",
        level=number(rows[0], "percent0", "conf_level"),
    )
    caption = "How often the interval of a score holds the true one"
    return folded("How good is the interval of a score?", paragraph(text, "sub"), table(caption, columns, cells))
