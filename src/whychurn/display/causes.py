"""The ranked causes: one row each, what a leader gets in five seconds and a statistician can take apart."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import Scale, axis, mark
from whychurn.display.numbers import printed
from whychurn.display.wording import (
    against,
    amount_name,
    chip,
    first_upper,
    money_style,
    number,
    times_as_fast,
    with_interval,
)
from whychurn.findings import SECOND_READING, Findings, Row

OVER_TENURE = {"changes with tenure": "changes", "no sign of change": "steady"}
WITH_EVIDENCE = ("strong", "moderate", "weak")


@dataclass(frozen=True, slots=True)
class RankedCause:
    """Everything the findings say about one cause; parts that could not be estimated are None."""

    rank: Row
    total: Row | None
    unadjusted: Row | None
    direct: Row | None
    share: Row | None
    second_share: Row | None
    money: Row | None
    prevalence: Row | None
    exposed: Row | None
    exposed_amount: Row | None
    unexposed: Row | None
    unexposed_amount: Row | None
    detectable: Row | None
    e_value: Row | None
    second_e_value: Row | None
    proportional: Row | None
    said: str = ""
    said_of_reference: str = ""
    action: str = ""

    @property
    def grade(self) -> str:
        """The evidence grade."""
        return str(self.rank.grade)

    @property
    def is_number(self) -> bool:
        """Whether the cause is a number, whose ratio is stated per step."""
        return self.rank.reference == "" and str(self.rank.level).startswith("per ")

    @property
    def name(self) -> str:
        """The cause at its headline level."""
        return f"{self.rank.term}: {self.rank.level}" if self.rank.level else str(self.rank.term)


def ranked_causes(findings: Findings) -> list[RankedCause]:
    """Return the causes in rank order."""
    ours = findings.where(analysis="causes")
    ranks = sorted(ours.where(estimand="rank").rows(), key=lambda row: row.estimate)
    out = []
    for rank in ranks:
        mine = ours.where(term=rank.term).rows()

        def pick(estimand: str, mine: list[Row] = mine, **more: str) -> Row | None:
            asked = {"estimand": estimand, **more}.items()
            return next((row for row in mine if all(row.values[name] == value for name, value in asked)), None)

        out.append(
            RankedCause(
                rank,
                pick("hazard_ratio", effect_kind="total"),
                pick("hazard_ratio", effect_kind="unadjusted"),
                pick("hazard_ratio", effect_kind="direct"),
                pick("attributable_share", group=""),
                pick("attributable_share", group=SECOND_READING),
                pick("amount_at_stake", group=""),
                pick("prevalence"),
                pick("current_exposed"),
                pick("current_exposed_amount"),
                pick("current_reference"),
                pick("current_reference_amount"),
                pick("smallest_detectable"),
                pick("e_value", group=""),
                pick("e_value", group=SECOND_READING),
                pick("proportional_hazards"),
                *_in_words(findings, rank),
            )
        )
    return out


def _in_words(findings: Findings, rank: Row) -> tuple[str, str, str]:
    """Return how the study speaks of customers at the level, and at the reference, and what it would do about them."""
    words = findings.provenance.get("words", {}).get(rank.term, {})
    action = str(findings.provenance.get("actions", {}).get(rank.term, ""))
    return str(words.get(rank.level, "")), str(words.get(rank.reference, "")), action


def has_dates(findings: Findings) -> bool:
    """Whether the study has tables with dates, so that amounts are per year and measures changed over time."""
    return "observed_from" in findings.provenance


def cause_summary(findings: Findings) -> Block:
    """State the top cause, or that there is none."""
    return finding(headline(findings))


def headline(findings: Findings) -> Markup:
    """Return the one sentence of the study: the top cause with its number, or that no cause stands out."""
    causes = ranked_causes(findings)
    top = causes[0] if causes else None
    if top is None or top.grade not in WITH_EVIDENCE or top.total is None:
        return Markup("No declared cause is tied to churn clearly enough to act on")
    text = _claim(top)
    if top.share is None:
        return text
    if top.share.estimate < 0:
        more = printed(-top.share.estimate, "percent0", top.share.id)
        return sentence("{text}; without it there would have been {more} more churn", text=text, more=more)
    return sentence("{text}; that goes with {share} of churn", text=text, share=number(top.share, "percent0"))


def _claim(cause: RankedCause) -> Markup:
    """Say the headline ratio of a cause as a sentence without its full stop."""
    if cause.total is None or not cause.total.estimated:
        ends = "nobody has left" if "limit is 0" in (cause.total.note if cause.total else "") else "customers leave"
        other = (
            "among the others some have"
            if ends == "nobody has left"
            else f"of those with “{cause.rank.reference}” nobody has"
        )
        return sentence("Of customers with {name} {ends}; {other}", name=_spoken(cause.rank), ends=ends, other=other)
    if cause.is_number:
        slower = "as fast" if cause.total.estimate >= 1 else "as fast, that is more slowly"
        ratio = number(cause.total, "times")
        return sentence("With {step} of {term}, customers leave {ratio} times {slower}", step=str(cause.rank.level).removeprefix("per "),
                        term=cause.rank.term, ratio=ratio, slower=slower)  # fmt: skip
    return sentence(
        "Customers {name} leave {times} {than} those {reference}",
        name=cause.said or f"with {_spoken(cause.rank)}",
        times=times_as_fast(cause.total),
        than="as" if cause.total.estimate >= 1 else "of",
        reference=cause.said_of_reference or f"with “{cause.rank.reference}”",
    )


def _spoken(row: Row) -> str:
    return f"{row.term.lower() if row.term[1:].islower() else row.term} “{row.level}”"


def cause_table(findings: Findings, most: int = 0) -> Block:
    """Return the ranked table: ratio with interval drawn, share of churn, amount, evidence.

    Parameters
    ----------
    findings : Findings
        Holding the analysis ``causes``.
    most : int
        Show only that many rows; 0 shows all.
    """
    causes = ranked_causes(findings)
    shown = causes[:most] if most else causes
    style = money_style(findings)
    scale = Scale.around(cause.total for cause in shown if cause.total is not None and cause.total.estimated)
    dated = has_dates(findings)
    cells = [_cells(cause, scale, style, dated) for cause in shown]
    columns = [
        Column("Cause", "cause", css="cause"),
        Column("Churn speed (hazard ratio)", "forest", css="fig", under=axis(scale)),
        Column("Ratio", "ratio", number=True),
        Column("Share of churn", "share", number=True),
        Column(f"{first_upper(amount_name(findings))} at stake{' per year' if dated else ''}", "money", number=True),
        Column("Evidence", "grade", css="grade"),
    ]
    if not any(cause.money for cause in causes):
        columns.pop(4)
    caption = "Hazard ratios with intervals, adjusted for what comes before or beside each cause; ranked by share of churn within evidence"
    return table(caption, columns, cells, css="causes")


def _cells(cause: RankedCause, scale: Scale, style: str, dated: bool) -> dict[str, Markup]:
    dash = Markup('<span class="missing">–</span>')
    small = against(cause.rank)
    exposed = Markup("")
    if cause.exposed and dated:
        exposed = sentence(" · {n} customers now", n=number(cause.exposed, "count"))
    elif cause.prevalence:
        exposed = sentence(" · {n} customers", n=number(cause.prevalence, "count", "numerator"))
    css = "soft"
    if cause.grade in WITH_EVIDENCE and cause.total is not None:
        css = "c2" if cause.total.estimate > 1 else "c3"
    return {
        "cause": sentence("{name} <small>{against}{exposed}</small>", name=cause.name, against=small, exposed=exposed),
        "forest": mark(cause.total, scale, css) if cause.total is not None else dash,
        "ratio": with_interval(cause.total, "ratio2") if cause.total is not None else dash,
        "share": with_interval(cause.share, "percent0") if cause.share is not None else dash,
        "money": number(cause.money, style) if cause.money is not None else dash,
        "grade": chip(cause.grade),
    }


def cause_details(findings: Findings) -> Block:
    """Return the statistician's table: all three effects, adjusted p, detectable effect, E-value, verdicts."""
    cells = []
    for cause in ranked_causes(findings):
        cells.append(
            {
                "cause": sentence("{n} <small>{a}</small>", n=cause.name, a=against(cause.rank)),
                "rank": with_interval(cause.rank, "count"),
                "unadjusted": _or_dash(cause.unadjusted),
                "total": _or_dash(cause.total),
                "direct": _or_dash(cause.direct),
                "p": number(cause.rank, "p", "p_adjusted"),
                "detectable": number(cause.detectable, "ratio2") if cause.detectable else "–",
                "e": sentence(
                    "{a} / {b}", a=number(cause.e_value, "number1"), b=number(cause.e_value, "number1", "numerator")
                )
                if cause.e_value
                else "–",
                "ph": OVER_TENURE.get(cause.proportional.grade, "–") if cause.proportional else "–",
            }
        )
    columns = [
        Column("Cause", "cause", css="cause"),
        Column("Rank", "rank", number=True),
        Column("Unadjusted", "unadjusted", number=True),
        Column("Total", "total", number=True),
        Column("Direct", "direct", number=True),
        Column("Adjusted p", "p", number=True),
        Column("Detectable", "detectable", number=True),
        Column("E-value / its limit", "e", number=True),
        Column("Over tenure", "ph"),
    ]
    said = [
        sentence("<b>{name}</b>: {note}", name=cause.name, note=cause.rank.note)
        for cause in ranked_causes(findings)
        if cause.rank.note
    ]
    shown = table("Every declared cause: effects with intervals, and how far they can be trusted", columns, cells)
    return shown + (paragraph("What to know besides:", "sub") + bullets(said) if said else Block(Markup("")))


def _or_dash(row: Row | None) -> Markup:
    return with_interval(row, "ratio2") if row is not None else Markup("–")


def cause_left_out(findings: Findings) -> Block:
    """Return the declared causes that are in no model, and why."""
    rows = findings.where(analysis="causes", estimand="left_out").rows()
    if not rows:
        return paragraph("No declared cause is left out.", "sub")
    return bullets(sentence("<b>{term}</b>: {why}.", term=row.term, why=row.note) for row in rows)


def grade_rules(findings: Findings) -> Block:
    """Return the rules behind the grades, as the analysis printed them."""
    rows = findings.where(analysis="causes", estimand="rule").rows()
    return bullets(sentence("{chip} {rule}", chip=chip(row.grade), rule=row.definition) for row in rows)
