"""How long customers stay: the curves page, and the curves of a focus group."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, folded, paragraph, section, table
from whychurn.display.blocks import say as sentence
from whychurn.display.curves import NARROW, WIDE, survival_svg
from whychurn.display.numbers import format_number, printed
from whychurn.display.wording import TEST_COLUMNS, interval, number, p_text, tested, unit, with_interval
from whychurn.findings import Findings, Row

EVERYONE = "Everyone"


def survival_summary(findings: Findings) -> Block:
    """State how many are still customers at the horizon and when half have left."""
    everyone = findings.where(term=EVERYONE)
    horizon = float(findings.provenance["horizon"])
    at = everyone.one(estimand="survival", time=horizon)
    median = everyone.one(estimand="median")
    first = sentence(
        "After {time} {unit}, {share} of customers are still there (interval {interval}).",
        time=printed(horizon, "number0", "provenance", "horizon"),
        unit=unit(findings),
        share=number(at, "percent1"),
        interval=interval(at, "percent1"),
    )
    if median.estimated:
        second = sentence("Half have left by {median} {unit}.", median=number(median, "number0"), unit=unit(findings))
    else:
        second = sentence("More than half are still customers at the longest tenure in the file.")
    return finding(sentence("{first} {second}", first=first, second=second))


def survival_tests(findings: Findings) -> Block:
    """Return the log-rank tests of all candidates, strongest evidence first."""
    rows = sorted(findings.where(estimand="logrank").rows(), key=lambda row: -_per_df(row))
    cells = [{"term": row.term, **tested(row)} for row in rows]
    columns = [Column("Candidate", "term"), Column("Log-rank chi-square", "statistic", number=True), *TEST_COLUMNS]
    caption = sentence(
        "Do the curves differ? Log-rank test per candidate, levels as recorded; adjusted by Benjamini-Hochberg over {n} tests",
        n=printed(len(rows), "count"),
    )
    return table(caption, columns, cells)


def survival_figures(findings: Findings) -> Block:
    """Return the curves of every candidate, strongest evidence first, each titled by what it shows."""
    tests = sorted(findings.where(estimand="logrank").rows(), key=lambda row: -_per_df(row))
    blocks = Block(sentence(""))
    for test in tests:
        blocks += section(test.term, survival_figure(findings, str(test.term)))
    return blocks


def survival_figure(findings: Findings, term: str) -> Block:
    """Return the curves of one term with the counts under them."""
    curves = findings.where(term=term)
    title, alt = _title(findings, curves, term)
    time_unit = unit(findings)
    wide, narrow = (survival_svg(curves, alt, layout, time_unit) for layout in (WIDE, NARROW))
    return figure(
        wide, narrow, title, folded("At risk, left and censored, in numbers", _counts(curves, term, time_unit))
    )


def _per_df(row: Row) -> float:
    return row.statistic / row.df if row.df and row.df > 0 else 0.0


def _title(findings: Findings, curves: Findings, term: str) -> tuple[object, str]:
    """Return the finding as title and the same in plain words for those who cannot see the picture."""
    horizon = float(findings.provenance["horizon"])
    at = [row for row in curves.where(estimand="survival", time=horizon).rows() if row.estimated]
    tests = curves.where(estimand="logrank").rows()
    if not at:
        text = sentence("{term}: no group was followed to the horizon", term=term)
        return text, f"Kaplan-Meier curves by {term}."
    low, high = min(at, key=lambda row: row.estimate), max(at, key=lambda row: row.estimate)
    when = sentence(
        "After {time} {unit}", time=printed(horizon, "number0", "provenance", "horizon"), unit=unit(findings)
    )
    if low is high or not tests:
        only = sentence(
            "{when}, {share} of {level} are still customers",
            level=low.level,
            when=when,
            share=with_interval(low, "percent1"),
        )
        return (
            only,
            f"Kaplan-Meier curve, {low.level}: {format_number(low.estimate, 'percent0')} remain at the horizon.",
        )
    differs = tests[0].p_adjusted < 0.05
    claim = "{when}, {low} of “{low_level}” are still customers and {high} of “{high_level}” ({p})"
    if not differs:
        claim = (
            "{when}, {low} of “{low_level}” and {high} of “{high_level}” are still customers: no clear difference ({p})"
        )
    text = sentence(
        claim,
        term=term,
        low_level=low.level,
        high_level=high.level,
        low=number(low, "percent1"),
        high=number(high, "percent1"),
        when=when,
        p=p_text(tests[0]),
    )
    alt = "; ".join(f"{row.level} {format_number(row.estimate, 'percent0')}" for row in at)
    plain = f"Kaplan-Meier curves by {term} with intervals. Still customers after {horizon:g} {unit(findings)}: {alt}."
    return text, plain


def _counts(curves: Findings, term: str, time_unit: str) -> Block:
    at_risk = curves.where(estimand="n_at_risk").rows()
    left = {(row.level, row.time): row for row in curves.where(estimand="n_events").rows()}
    censored = {(row.level, row.time): row for row in curves.where(estimand="n_censored").rows()}
    survival = {(row.level, row.time): row for row in curves.where(estimand="survival").rows()}
    medians = {row.level: row for row in curves.where(estimand="median").rows()}
    cells = []
    for row in at_risk:
        key = (row.level, row.time)
        share = survival.get(key)
        cells.append(
            {
                "level": row.level,
                "time": number(row, "number0", "time"),
                "risk": number(row, "count"),
                "left": number(left[key], "count"),
                "censored": number(censored[key], "count"),
                "share": with_interval(share, "percent1") if share is not None else "–",
            }
        )
    columns = [
        Column(term, "level"),
        Column(time_unit.capitalize(), "time", number=True),
        Column("At risk just before", "risk", number=True),
        Column("Left by then", "left", number=True),
        Column("Censored by then", "censored", number=True),
        Column("Still customers", "share", number=True),
    ]
    lines = [_median_text(level, row, time_unit) for level, row in medians.items()]
    return table(f"Customers at risk, left and censored: {term}", columns, cells) + paragraph(
        sentence(" ").join(lines), "sub"
    )


def _median_text(level: str, row: Row, time_unit: str) -> Markup:
    if not row.estimated:
        return sentence("Median of {level}: not reached.", level=level)
    return sentence("Median of {level}: {m} {unit}.", level=level, m=with_interval(row, "number0"), unit=time_unit)
