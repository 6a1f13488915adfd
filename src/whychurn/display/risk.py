"""Who leaves within the horizon: risks by level, adjusted differences, and what a naive count would say."""

from __future__ import annotations

from whychurn.display.blocks import Block, Column, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import bar
from whychurn.display.numbers import format_number
from whychurn.display.wording import against, horizon_text, interval, number, with_interval
from whychurn.findings import Findings


def risk_summary(findings: Findings) -> Block:
    """State the risk of leaving within the horizon and how far a count of followed customers would be off."""
    overall = findings.one(term="Everyone", estimand="risk")
    if not overall.estimated:
        return finding(overall.note)
    text = sentence(
        "{risk} of customers leave within {horizon} (interval {interval}).",
        risk=number(overall, "percent1"),
        horizon=horizon_text(findings),
        interval=interval(overall, "percent1"),
    )
    return finding(text) + _pooled(findings) + _naive(findings)


def _pooled(findings: Findings) -> Block:
    """Say why this risk is not one minus the survival curve of all customers."""
    rows = findings.where(estimand="pooled_risk").rows()
    if not rows or not rows[0].estimated:
        return Block(sentence(""))
    text = sentence(
        "One survival curve for everyone gives {pooled}. It takes all customers as followed alike; here, how long they "
        "could be followed differs by group, and is modelled within group.",
        pooled=number(rows[0], "percent1"),
    )
    return paragraph(text, "sub")


def _naive(findings: Findings) -> Block:
    """Name the group for which counting only followed customers is furthest off."""
    honest = {(row.term, row.level): row for row in findings.where(estimand="risk").rows() if row.estimated}
    naive = [row for row in findings.where(estimand="naive_risk").rows() if (row.term, row.level) in honest]
    if not naive:
        return Block(sentence(""))
    worst = max(naive, key=lambda row: abs(row.estimate - honest[(row.term, row.level)].estimate))
    text = sentence(
        "Counting only customers followed that long would be wrong: for {name} it says {naive} where the risk is {risk}. "
        "It forgets those who joined recently and stayed.",
        name="all customers" if worst.term == "Everyone" else _name(worst.term, worst.level),
        naive=number(worst, "percent1"),
        risk=number(honest[(worst.term, worst.level)], "percent1"),
    )
    return paragraph(text, "sub")


def risk_levels(findings: Findings) -> Block:
    """Return the risk at every level of every candidate, unadjusted."""
    rows = [row for row in findings.where(estimand="risk").rows() if row.term != "Everyone"]
    if not rows:
        return paragraph("Every declared cause is a number; their differences in risk are below.", "sub")
    naive = {(row.term, row.level): row for row in findings.where(estimand="naive_risk").rows()}
    top = max([row.conf_high for row in rows if row.conf_high == row.conf_high], default=1.0)
    cells = []
    for row in rows:
        drawn = ""
        if row.estimated and row.conf_high == row.conf_high:
            label = f"{row.term} {row.level}: {format_number(row.estimate, 'percent1')}"
            drawn = bar(row.estimate, row.conf_low, row.conf_high, top, label)
        cells.append(
            {
                "term": f"{row.term}: {row.level}",
                "risk": with_interval(row, "percent1"),
                "bar": drawn,
                "n": number(row, "count", "n_accounts"),
                "left": number(row, "count", "n_events"),
                "naive": number(naive[(row.term, row.level)], "percent1") if (row.term, row.level) in naive else "–",
                "note": row.note,
            }
        )
    columns = [
        Column("Group", "term", css="cause"),
        Column("Risk (interval)", "risk", number=True),
        Column("Drawn", "bar", css="fig"),
        Column("Followed only (wrong)", "naive", number=True),
        Column("Customers", "n", number=True),
        Column("Left in time", "left", number=True),
        Column("Note", "note", css="small"),
    ]
    caption = sentence(
        "Risk of leaving within {h}, weighted for customers not followed that long", h=horizon_text(findings)
    )
    return table(caption, columns, cells)


def risk_differences(findings: Findings) -> Block:
    """Return the adjusted differences in risk, largest first, with their odds ratios."""
    rows = findings.where(estimand="risk_difference").rows()
    odds = {(row.term, row.level): row for row in findings.where(estimand="odds_ratio").rows()}
    rows.sort(key=lambda row: -abs(row.estimate) if row.estimated else 1.0)
    cells = [
        {
            "term": sentence("{t} <small>{a}</small>", t=_name(row.term, row.level), a=against(row)),
            "difference": with_interval(row, "points1"),
            "odds": with_interval(odds[(row.term, row.level)], "ratio2") if (row.term, row.level) in odds else "–",
            "p": number(row, "p", "p_value"),
            "note": row.note,
        }
        for row in rows
    ]
    columns = [
        Column("Cause", "term", css="cause"),
        Column("Risk difference, points", "difference", number=True),
        Column("Odds ratio", "odds", number=True),
        Column("p, unadjusted", "p", number=True),
        Column("Note", "note", css="small"),
    ]
    caption = sentence(
        "Difference in the risk of leaving within {h} if the customers that a cause applies to were all at this level instead "
        "of the reference; groups in which nobody left are not in the model",
        h=horizon_text(findings),
    )
    return table(caption, columns, cells)


def _name(term: str, level: str) -> str:
    return f"{term}: {level}" if level else term
