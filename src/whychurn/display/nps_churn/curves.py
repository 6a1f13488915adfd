"""Leaving after the first answer, by what the answer was: curves with customers at risk, and the same in numbers."""

from __future__ import annotations

import math

import pandas as pd
from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.curves import FEWEST_AT_RISK, NARROW, WIDE, survival_svg
from whychurn.display.nps_churn.words import DETRACTOR, MANY, PROMOTER, missing, outcome_of
from whychurn.display.numbers import format_number
from whychurn.display.small_multiples import nice_top
from whychurn.display.wording import first_row, first_upper, number, p_text, with_interval
from whychurn.findings import Findings, Row

FIRST, EVERY = "First answer", "Every answer until the next"
HORIZONS = (365.0, 180.0, 90.0)
CLEAR = 0.05


def nps_churn_curves(findings: Findings) -> Block:
    """Return the curves of leaving after the first answer, titled by what they show."""
    if missing(findings):
        return Block(Markup(""))
    outcome = outcome_of(findings)
    every = findings.where(term=FIRST, outcome=outcome)
    drawn = every.where(estimand="incidence")
    if not any(row.estimated for row in drawn.rows()):
        note = drawn.rows()[0].note if len(drawn) else ""
        return paragraph(f"There are no curves of leaving after an answer. {note}", "note")
    title = _title(every)
    named = _named(every)
    curves = named.where(estimand="incidence")
    longest = named.where(estimand="n_at_risk").table["time"].max()
    shown = Findings(named.table[named.table["time"] <= longest].reset_index(drop=True), named.provenance)
    table_ = curves.table[(curves.table["denominator"] >= FEWEST_AT_RISK) & (curves.table["time"] <= longest)]
    top = nice_top(1.02 * float(table_[["estimate", "conf_high"]].max().max()))
    alt = f"{title.striptags()}. {_in_words(every)}"
    wide, narrow = (
        survival_svg(shown, alt, layout, "days", "incidence", top, "Days since the first answer")
        for layout in (WIDE, NARROW)
    )
    how = (
        "Share that has left of its own accord, other ways of leaving competing (Aalen-Johansen)"
        if outcome != "churn"
        else "Share that has left (one less Kaplan-Meier; no causes of leaving compete)"
    )
    remark = sentence(
        "{how}. Time runs from each customer’s first valid answer to leaving or to the end of the window. Bands: interval at each point. A "
        "curve ends where fewer than ten are at risk.",
        how=how,
    )
    return figure(wide, narrow, title, paragraph(remark, "sub")) + folded(
        "Leaving after an answer, in numbers and tests", _numbers(findings, outcome), _tests(every), _means(findings)
    )


def _named(every: Findings) -> Findings:
    """Return the curves under the names that the picture shows, detractors first."""
    order = {band: place for place, band in enumerate(MANY)}
    table_ = every.table[every.table["level"].isin(order)]
    table_ = table_.assign(place=table_["level"].map(order)).sort_values(["place", "time"], kind="stable")
    names = table_["level"].map(MANY).map(first_upper)
    return Findings(table_.drop(columns="place").assign(level=names).reset_index(drop=True), every.provenance)


def _at(every: Findings, time: float) -> dict[str, Row]:
    rows = every.where(estimand="incidence", time=time).rows()
    return {row.level: row for row in rows if row.estimated}


def _title(every: Findings) -> Markup:
    for horizon in HORIZONS:
        at = _at(every, horizon)
        if DETRACTOR in at and PROMOTER in at:
            low, high, trend = at[DETRACTOR], at[PROMOTER], first_row(every, estimand="logrank_trend")
            known = trend is not None and not math.isnan(trend.p_value)
            clear = trend is not None and trend.p_value < CLEAR
            rises = trend is not None and trend.estimate > 0
            tail = "" if clear and rises else ": no clear trend" if not clear else ": fewer, not more"
            return sentence(
                "Within {days} days of their first answer, {d} of detractors have left and {p} of promoters{tail}{test}",
                days=number(low, "number0", "time"),
                d=number(low, "percent1"),
                p=number(high, "percent1"),
                tail=tail,
                test=sentence(" (trend: {p})", p=p_text(trend, "p_value")) if known and trend is not None else "",
            )
    return sentence(
        "Leaving after the first answer: detractors and promoters were not both followed long enough to compare"
    )


def _in_words(every: Findings) -> str:
    parts = []
    for horizon in HORIZONS[::-1]:
        at = _at(every, horizon)
        said = ", ".join(f"{MANY[band]} {format_number(at[band].estimate, 'percent1')}" for band in MANY if band in at)
        if said:
            parts.append(f"After {horizon:g} days: {said}")
    return "; ".join(parts) + "."


def _numbers(findings: Findings, outcome: str) -> Block:
    """Return the share that left within each horizon, after the first answer and after any."""
    cells = []
    for term in (FIRST, EVERY):
        rows = findings.where(term=term, outcome=outcome, estimand="incidence").table
        for horizon in HORIZONS[::-1]:
            at = Findings(rows[rows["time"] == horizon].reset_index(drop=True), findings.provenance).rows()
            if at:
                by = {row.level: row for row in at}
                cells.append(
                    {"which": term, "days": number(at[0], "number0", "time")}
                    | {band: with_interval(by[band], "percent1") if band in by else "–" for band in MANY}
                )
    columns = [
        Column("Time runs from", "which", css="cause"),
        Column("Days", "days", number=True),
        *[Column(first_upper(name), band, number=True) for band, name in MANY.items()],
    ]
    by_cause = _by_cause(findings, outcome)
    note = paragraph(
        "“Every answer until the next” counts each answer until the customer’s next one. A customer’s last answer is no fair start: "
        "which one was the last depends on how long they stayed.",
        "sub",
    )
    return table("Share that had left so by this day after an answer, with intervals", columns, cells) + note + by_cause


def _by_cause(findings: Findings, outcome: str) -> Block:
    """Return the other ways of leaving at the longest horizon, which compete with the one drawn."""
    rows = findings.where(term=FIRST, estimand="incidence").table
    others = rows[(rows["outcome"] != outcome) & rows["estimate"].notna()]
    if others.empty:
        return Block(Markup(""))
    horizon = float(others["time"].max())
    here = Findings(others[others["time"] == horizon].reset_index(drop=True), findings.provenance).rows()
    by: dict[str, dict[str, object]] = {}
    for row in here:
        by.setdefault(row.outcome, {})[row.level] = with_interval(row, "percent1")
    cells = [{"cause": name.removesuffix(" churn"), **levels} for name, levels in by.items()]
    columns = [
        Column("Cause of leaving", "cause", css="cause"),
        *[Column(first_upper(name), band, number=True) for band, name in MANY.items()],
    ]
    caption = sentence(
        "Other ways of leaving within {days} days of the first answer", days=number(here[0], "number0", "time")
    )
    return table(caption, columns, cells)


def _tests(every: Findings) -> Block:
    names = {"logrank": "Hazards differ (log-rank)", "logrank_trend": "Hazard rises from promoters to detractors"}
    names["gray"] = "Shares that left differ (Gray)"
    cells = []
    for estimand, name in names.items():
        row = first_row(every, estimand=estimand)
        if row is not None:
            known = not math.isnan(row.p_value)
            cells.append(
                {
                    "test": name,
                    "chi": number(row, "number2", "statistic"),
                    "df": number(row, "number0", "df"),
                    "p": number(row, "p", "p_value") if known else row.note,
                }
            )
    columns = [Column("Test", "test"), Column("Chi-square", "chi", number=True), Column("df", "df", number=True)]
    return (
        table("Tests of the curves", [*columns, Column("p", "p", number=True)], cells) if cells else Block(Markup(""))
    )


def _means(findings: Findings) -> Block:
    """Say by how many days the stays of detractors and promoters differ, whatever the cause of leaving."""
    rows = findings.where(term=FIRST, estimand="restricted_mean_difference").table
    here: pd.DataFrame = rows[(rows["level"] == DETRACTOR) & rows["estimate"].notna()]
    if here.empty:
        return Block(Markup(""))
    row = Findings(here.reset_index(drop=True), findings.provenance).rows()[0]
    text = sentence(
        "Mean days stayed in the {days} days after the first answer, detractors less promoters: {d} ({low} to {high}), whatever the cause "
        "of leaving.",
        days=number(row, "number0", "time"),
        d=number(row, "number1"),
        low=number(row, "number1", "conf_low"),
        high=number(row, "number1", "conf_high"),
    )
    return paragraph(text)
