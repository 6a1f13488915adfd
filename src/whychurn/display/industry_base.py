"""What the drawings of the industry page share: which segments there are, what is asked, how levels are named."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import Block, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.display.wording import number, with_interval
from whychurn.findings import Findings, Row

CHURN, VOLUNTARY = "churn", "voluntary churn"
EVERYONE, ALL = "Everyone", "all customers"
ALL_PAIRS = "all pairs"
#: A difference below this p counts as clear.
ALPHA = 0.05
NOTHING = Block(Markup(""))
LEAVES = {CHURN: "leave", VOLUNTARY: "leave of their own accord"}


def segments(findings: Findings) -> list[Row]:
    """Return the segments in order: their label as term, the declared comparison as level, and the reference."""
    return sorted(findings.where(estimand="segment").rows(), key=lambda row: row.estimate)


def empty(findings: Findings) -> Block | None:
    """Return why there is nothing on this page, None where there is something."""
    rows = findings.where(estimand="nothing").rows()
    return paragraph(rows[0].note, "note") if rows else None


def ratio(findings: Findings, like: Row, kind: str, outcome: str = "") -> Row | None:
    """Return the ratio of another kind, or on another outcome, of the same pair and among the same group of pairs."""
    found = findings.where(
        estimand="hazard_ratio",
        term=like.term,
        outcome=outcome or like.outcome,
        effect_kind=kind,
        level=like.level,
        reference=like.reference,
        group=like.group,
    ).rows()
    return found[0] if found else None


def declared(findings: Findings, segment: Row) -> Row | None:
    """Return the total ratio that was declared in advance, None where none was."""
    found = findings.where(
        estimand="hazard_ratio", term=segment.term, outcome=segment.outcome, effect_kind="total", group=""
    ).rows()
    if segment.method == "number":
        return found[0] if found else None
    return next((row for row in found if segment.level and row.level == segment.level), None)


def widest(findings: Findings, segment: Row) -> Row | None:
    """Return the total ratio of the two levels furthest apart, the faster one in front; None where there is no pair."""
    rows = findings.where(
        estimand="hazard_ratio", term=segment.term, outcome=segment.outcome, effect_kind="total", group=ALL_PAIRS
    ).rows()
    known = [row for row in rows if row.estimated]
    return max(known, key=lambda row: row.estimate) if known else None


def asked(findings: Findings, segment: Row) -> Row | None:
    """Return the total ratio that was declared in advance; where none was, that of the levels furthest apart."""
    found = declared(findings, segment)
    return found if found is not None and found.estimated else widest(findings, segment) or found


def looked_at(findings: Findings, segment: Row) -> list[Row]:
    """Return the pairs that the page is about: the one declared, and the one furthest apart if that is another."""
    rows = [row for row in (asked(findings, segment), widest(findings, segment)) if row is not None and row.estimated]
    distinct: dict[frozenset[str], Row] = {}
    for row in rows:
        distinct.setdefault(frozenset((row.level, row.reference)), row)
    return list(distinct.values())


def clear(row: Row) -> bool:
    """Say whether a ratio is clearly other than one, allowing for the others of its family where it was not declared."""
    p = row.p_adjusted if row.group == ALL_PAIRS else row.p_value
    return bool(row.estimated and not math.isnan(p) and p < ALPHA)


def log_ratio(row: Row) -> float:
    """Return the logarithm of a ratio, zero where there is none."""
    return math.log(row.estimate) if row.estimated and row.estimate > 0 else 0.0


def against_text(row: Row) -> Markup:
    """Return "“A” against “B”", or the step of a number."""
    if not row.reference:
        return sentence("{level}", level=row.level)
    return sentence("“{level}” against “{reference}”", level=row.level, reference=row.reference)


def horizons(findings: Findings, term: str) -> list[Row]:
    """Return the lengths of stay at which the levels of a segment are compared, shortest first."""
    return sorted(findings.where(estimand="horizon", term=term).rows(), key=lambda row: row.time)


def horizon_words(horizon: Row) -> Markup:
    """Return "1 year", "3 years" or "300 days"."""
    word = horizon.unit.removesuffix("s") if horizon.estimate == 1 else horizon.unit
    return sentence("{n} {word}", n=number(horizon, "number0"), word=word)


def level_name(level: str) -> str:
    """Return a level as recorded; all customers together with a capital."""
    return "All customers" if level == ALL else level


def spread_out(row: Row | None, style: str) -> Markup | str:
    """Return "estimate (interval)" of a finding that may be absent."""
    return with_interval(row, style) if row is not None else "–"


def rows_by_level(findings: Findings, **conditions: object) -> dict[str, Row]:
    """Return findings by level."""
    return {row.level: row for row in findings.where(**conditions).rows()}
