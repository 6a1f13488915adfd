"""Which causes matter most, and how sure are we? One ranked row per declared cause."""

from __future__ import annotations

import math
from typing import Any

from whychurn.analyses.adjustment import DIRECT, TOTAL, UNADJUSTED
from whychurn.analyses.cause_evidence import Setting, headline_of, p_value_of, setting_of, weigh
from whychurn.analyses.cause_rows import Cause, cause_rows
from whychurn.analyses.cause_share import attributable_to
from whychurn.analyses.cause_totals import left_out_row, rule_rows, tier_rows, total_rows
from whychurn.analyses.contrasts import Effect
from whychurn.analyses.grades import (
    FEWEST_EVENTS_PER_COEFFICIENT,
    INCONCLUSIVE,
    MODERATE,
    ORDER,
    STRONG,
    WEAK,
    Evidence,
    grade,
    reverses,
)
from whychurn.analyses.hazards import CHANGES, proportional_verdicts
from whychurn.analyses.once import once_per_panel
from whychurn.analyses.rank_limits import rank_limits, units_of
from whychurn.analyses.risk_rows import n_customers, time_shares
from whychurn.findings import Findings
from whychurn.models import adjust_p_values
from whychurn.panel import Panel
from whychurn.study import Study


def run(panel: Panel, study: Study) -> Findings:
    """Grade every cause, put a share of churn and money on those with evidence, and rank them.

    Ranked by grade, then by the share of churn attributable. A cause without a sizeable effect and one the
    data cannot decide are results too: they are listed, without share or money.
    """
    causes = graded_causes(panel, study)
    setting = setting_of(panel, study)
    family = f"total effects of {len(causes)} candidates"
    rows: list[dict[str, Any]] = []
    for rank, (cause, limits) in enumerate(zip(causes, rank_limits(causes, study), strict=True), start=1):
        rows += cause_rows(cause, rank, limits, panel, study, family)
    rows += [left_out_row(candidate) for candidate in panel.candidates if not candidate.used]
    rows += total_rows(setting.book.intervals, panel, study)
    rows += rule_rows(by_calendar=setting.halves is not None)
    rows += tier_rows(panel)
    return Findings.from_rows(rows)


@once_per_panel
def graded_causes(panel: Panel, study: Study) -> tuple[Cause, ...]:
    """Return every declared cause that is ranked, graded and in rank order."""
    setting = setting_of(panel, study)
    totals = [setting.book.effect(candidate, TOTAL) for candidate in panel.ranked]
    adjusted = adjust_p_values([p_value_of(effect, study.confidence_level) for effect in totals], method="bh")
    proportional = proportional_verdicts(setting.book, panel.ranked)
    causes = [
        _cause(setting, effect, float(p), proportional[effect.candidate.column], study)
        for effect, p in zip(totals, adjusted, strict=True)
    ]
    return tuple(sorted(causes, key=_rank_key))


def _cause(setting: Setting, total: Effect, p_adjusted: float, proportional: dict[str, Any], study: Study) -> Cause:
    candidate = total.candidate
    unadjusted, direct = (setting.book.effect(candidate, kind) for kind in (UNADJUSTED, DIRECT))
    headline = headline_of(total, setting.conf_level)
    if headline is None:
        said = " ".join(part for part in (candidate.note, total.note) if part)
        return Cause(candidate, total, unadjusted, direct, proportional, p_adjusted=p_adjusted, note=said)
    evidence, reading = weigh(setting, total, headline, p_adjusted, proportional["grade"] == CHANGES)
    result = grade(evidence)
    notes = [candidate.note, headline.note, reading, *_reasons(evidence, result, candidate.determined_by)]
    share = second_share = second = None
    if setting.second is not None:
        other = setting.second.effect(candidate, TOTAL)
        second = other.contrast(headline.contrast.level)
    if result in (STRONG, MODERATE, WEAK) and not reverses(evidence.periods):
        share, problem = attributable_to(total, headline.contrast, study)
        notes.append(problem)
        if share is not None and second is not None:
            second_share = attributable_to(other, second, study)[0]
    return Cause(
        candidate,
        total,
        unadjusted,
        direct,
        proportional,
        headline=headline.contrast,
        conf_level=headline.conf_level,
        p_adjusted=p_adjusted,
        grade=result,
        share=share,
        units=units_of(total) if share is not None else None,
        second=second,
        second_share=second_share,
        n_customers=n_customers(setting.book.intervals),
        time_share=time_shares(setting.book.intervals, candidate) if candidate.kind == "category" else {},
        note=" ".join(part for part in (*notes, total.note) if part),
    )


def _reasons(evidence: Evidence, result: str, determined_by: tuple[str, ...]) -> list[str]:
    """Say why a grade is lower than the p-value alone would suggest."""
    reasons = []
    if determined_by:
        reasons.append(f"It is fixed by {', '.join(determined_by)}, so its own effect cannot be told from theirs.")
    if reverses(evidence.periods):
        reasons.append("It points one way early and the other way late, so no single share is given.")
    elif result == INCONCLUSIVE and evidence.changes_with_tenure and evidence.separable and evidence.p_adjusted < 0.2:
        reasons.append("Small on average, but not at every tenure.")
    if result == INCONCLUSIVE and evidence.p_headline >= 0.2 > evidence.p_adjusted and evidence.separable:
        reasons.append("Its levels differ, but not the two that are compared.")
    if evidence.events_per_coefficient < FEWEST_EVENTS_PER_COEFFICIENT:
        reasons.append(f"Only {evidence.events_per_coefficient:.1f} leavers per coefficient of its model.")
    return reasons


def _rank_key(cause: Cause) -> tuple[float, ...]:
    """Grade first, then share of churn; what goes with less churn comes after what goes with more."""
    share = cause.share.share if cause.share is not None else -math.inf
    known = cause.headline is not None and cause.headline.std_error > 0
    z = abs(cause.headline.log_hr / cause.headline.std_error) if cause.headline is not None and known else 0.0
    return (ORDER.index(cause.grade), -share, -z)
