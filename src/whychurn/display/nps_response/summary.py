"""How many answer, and what that does to the score, in one sentence; and which invitations count."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.wording import first_row, first_upper, interval, number, p_text
from whychurn.findings import Findings, Row

CLEAR = 0.05
ALL_SENT, ALL_GIVEN = "All invitations", "All answers"


def missing_note(findings: Findings) -> str:
    """Return why there is nothing to show; "" where there is something."""
    row = findings.where(estimand="invitations").rows()[0]
    return "" if row.estimated else str(row.note)


def response_summary(findings: Findings) -> Block:
    """State how many answer, and how far the score moves where those who do not are stood for."""
    note = missing_note(findings)
    if note:
        return finding(note)
    rate = findings.one(estimand="response_rate", term=ALL_SENT)
    if not rate.estimated:
        return finding(rate.note) + _counted(findings)
    head = sentence("{rate} of invitations are answered ({i}); {shift}", rate=number(rate, "percent0"), i=interval(rate, "percent0"),
                    shift=_shift(findings))  # fmt: skip
    return finding(head) + _counted(findings)


def _shift(findings: Findings) -> Markup:
    row = first_row(findings, estimand="nps_shift", term=ALL_GIVEN)
    if row is None:
        plain = findings.one(estimand="nps", term=ALL_GIVEN, level="weighted")
        note = str(plain.note)
        return sentence("what the others would have said cannot be estimated. {note}", note=first_upper(note))
    raw, weighted = (scores(findings, level) for level in ("as answered", "weighted"))
    parts = {"raw": number(raw, "nps"), "weighted": number(weighted, "nps"), "i": interval(row, "points1")}
    if not row.p_value < CLEAR:
        text = "weighting for who does not moves the Net Promoter Score from {raw} to {weighted}, no more than chance might ({i} points)."
        return sentence(text, **parts)
    side = "less" if row.estimate < 0 else "more"
    text = (
        "weighted for who does not, the Net Promoter Score is {weighted} instead of {raw} ({i} points): as far as records tell, those who "
        "keep silent would recommend us " + side + "."
    )
    return sentence(text, **parts)


def scores(findings: Findings, level: str, term: str = ALL_GIVEN, group: str = "") -> Row:
    """Return a score, as answered or weighted."""
    return findings.one(estimand="nps", term=term, level=level, group=group)


def _counted(findings: Findings) -> Block:
    sent = findings.one(estimand="invitations", level="counted")
    days = findings.one(estimand="days_to_answer")
    rate = findings.one(estimand="response_rate", term=ALL_SENT)
    text = sentence(
        "{answered} of {n} invitations to {accounts} customers were answered within {days} days, by when nearly all answers come; "
        "{late} came later and count as none. {out} of {all} invitations do not count.",
        answered=number(rate, "count", "numerator"),
        n=number(rate, "count", "denominator"),
        accounts=number(rate, "count", "n_accounts"),
        days=number(days, "number0"),
        late=number(days, "count", "numerator"),
        out=_excluded(findings),
        all=number(sent, "count", "denominator"),
    )
    rows = [row for row in findings.where(estimand="invitations").rows() if row.level != "counted"]
    cells = [{"why": first_upper(row.level), "n": number(row, "count")} for row in rows]
    columns = [Column("Why", "why"), Column("Invitations", "n", number=True)]
    return paragraph(text) + folded(
        "Invitations that do not count", table("Each is counted under the first reason that holds", columns, cells)
    )


def _excluded(findings: Findings) -> Markup | str:
    rows = [row for row in findings.where(estimand="invitations").rows() if row.level != "counted" and row.estimate > 0]
    if not rows:
        return "None"
    parts = [sentence("{n} ({why})", n=number(row, "count"), why=row.level) for row in rows]
    return sentence(", ").join(parts)


def p_or_note(row: Row) -> Markup | str:
    """Return the adjusted p of a test, or why there is none."""
    return p_text(row) if row.p_adjusted == row.p_adjusted else str(row.note)
