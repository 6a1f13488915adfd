"""Which causes matter most, and how sure are we? One ranked row per declared cause."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from whychurn.analyses.adjustment import DIRECT, TOTAL, UNADJUSTED
from whychurn.analyses.cause_rows import Cause, cause_rows, left_out_row, rule_rows, total_rows
from whychurn.analyses.effects import Contrast, Effect, EffectBook
from whychurn.analyses.grades import INCONCLUSIVE, MODERATE, ORDER, STRONG, WEAK, Evidence, grade
from whychurn.analyses.hazards import windowed
from whychurn.analyses.rows import ModelRows
from whychurn.errors import FitError
from whychurn.findings import Findings
from whychurn.models import adjust_p_values, attributable_fraction
from whychurn.models.cox import AttributableFraction
from whychurn.panel import Candidate, Panel
from whychurn.study import Study


def run(panel: Panel, study: Study) -> Findings:
    """Grade every cause, put a share of churn and money on those with evidence, and rank them.

    Ranked by grade, then by the share of churn attributable. A cause without a sizeable effect and one the
    data cannot decide are results too: they are listed, without share or money.
    """
    book = EffectBook(panel.intervals, panel.used)
    second = second_reading(panel, study)
    totals = [book.effect(candidate, TOTAL) for candidate in panel.used]
    adjusted = adjust_p_values([effect.p_value for effect in totals], method="bh")
    halves, refused = median_event_time(panel), panel.verdict.grade == "refuse"
    causes = [
        _cause(book, second, effect, float(p), halves, study, refused)
        for effect, p in zip(totals, adjusted, strict=True)
    ]
    causes.sort(key=_rank_key)
    family = f"total effects of {len(totals)} candidates"
    rows: list[dict[str, Any]] = []
    for rank, cause in enumerate(causes, start=1):
        rows += cause_rows(cause, rank, panel, study, family)
    rows += [left_out_row(candidate) for candidate in panel.candidates if not candidate.used]
    rows += total_rows(panel, study)
    rows += rule_rows()
    return Findings.from_rows(rows)


def median_event_time(panel: Panel) -> float:
    """Return the tenure by which half of all leavers had left: it parts the early from the late half."""
    events = panel.intervals.loc[panel.intervals["event"] == 1, "stop"]
    return float(np.median(events)) if len(events) else math.nan


def second_reading(panel: Panel, study: Study) -> EffectBook | None:
    """Return the effects if only recent leavers are in the file, where the study says that this may be so."""
    if not study.churn.window or study.churn.leavers_in_file == "all":
        return None
    return EffectBook(windowed(panel, float(study.churn.window)), panel.used)


def _sign_under(second: EffectBook | None, candidate: Candidate, headline: Contrast, study: Study) -> int | None:
    """Direction of the headline contrast under the second reading; 0 if its interval includes 1, None if not asked."""
    if second is None:
        return None
    contrast = second.effect(candidate, TOTAL).contrast(headline.level)
    if contrast is None or not contrast.std_error > 0:
        return contrast.limit if contrast else 0
    low, high = contrast.interval(study.confidence_level)
    return contrast.direction if low > 1 or high < 1 else 0


def _cause(
    book: EffectBook,
    second: EffectBook | None,
    total: Effect,
    p_adjusted: float,
    halves: float,
    study: Study,
    refused: bool,
) -> Cause:
    candidate = total.candidate
    unadjusted, direct = book.effect(candidate, UNADJUSTED), book.effect(candidate, DIRECT)
    headline, conf_level, note = headline_contrast(total, study.confidence_level)
    if headline is None:
        notes = " ".join(part for part in (candidate.note, total.note) if part)
        return Cause(candidate, total, unadjusted, direct, None, conf_level, p_adjusted, INCONCLUSIVE, None, notes)
    before = unadjusted.contrast(headline.level)
    estimated = [contrast for contrast in total.contrasts if contrast is not headline and contrast.std_error > 0]
    evidence = Evidence(
        intervals=(headline.interval(conf_level), *[c.interval(study.confidence_level) for c in estimated]),
        p_adjusted=p_adjusted,
        directions=_directions(book, candidate, headline, halves),
        sign_unadjusted=before.direction if before else 0,
        sign_adjusted=headline.direction,
        separable=not candidate.determined_by,
        second_reading=_sign_under(second, candidate, headline, study),
        data_refused=refused,
    )
    result = grade(evidence)
    if evidence.second_reading is not None and evidence.second_reading != evidence.sign_adjusted:
        note = f"{note} Not borne out if only recent leavers are in the file."
    if candidate.determined_by:
        note = (
            f"{note} It is fixed by {', '.join(candidate.determined_by)}, so its own effect cannot be told from theirs."
        )
    share = None
    if result in (STRONG, MODERATE, WEAK):
        share, problem = _share(book, total, headline, study)
        note = f"{note} {problem}"
    notes = " ".join(part.strip() for part in (candidate.note, note, total.note) if part.strip())
    return Cause(candidate, total, unadjusted, direct, headline, conf_level, p_adjusted, result, share, notes)


def headline_contrast(effect: Effect, conf_level: float) -> tuple[Contrast | None, float, str]:
    """Return the contrast that stands for a cause, the level of its interval, and what to say about it.

    The declared comparison, if there is one. Otherwise the contrast with the largest z, its interval widened
    for having been chosen among several (Bonferroni).
    """
    estimated = [contrast for contrast in effect.contrasts if contrast.std_error > 0]
    if not estimated:
        return None, conf_level, ""
    declared = next((c for c in estimated if c.level == effect.candidate.compare), None)
    if declared is not None or len(estimated) == 1:
        return declared or estimated[0], conf_level, ""
    chosen = max(estimated, key=lambda c: abs(c.log_hr / c.std_error))
    widened = 1 - (1 - conf_level) / len(estimated)
    note = f"Chosen as the clearest of {len(estimated)} contrasts; its interval is widened for that choice."
    return chosen, widened, note


def _directions(book: EffectBook, candidate: Candidate, headline: Contrast, halves: float) -> tuple[int, ...]:
    if math.isnan(halves):
        return ()
    signs = []
    for _, effect in book.by_period(candidate, (halves,), TOTAL):
        contrast = effect.contrast(headline.level)
        signs.append(contrast.direction if contrast else 0)
    return tuple(signs)


def _share(
    book: EffectBook, effect: Effect, headline: Contrast, study: Study
) -> tuple[AttributableFraction | None, str]:
    """Share of churn beyond what the reference would have had, for the customers at the headline level."""
    candidate, rows = effect.candidate, effect.rows
    if rows is None or effect.fit is None:
        return None, ""
    name = rows.names[candidate.column]
    reference = rows.frame.copy()
    if candidate.kind == "number":
        if candidate.reference == "":
            return None, "No share: the study declares no value that would count as not exposed."
        reference[name] = float(candidate.reference) / candidate.per
    else:
        exposed = (rows.frame[name] == headline.level) & ~_aliased(book, rows, candidate)
        reference.loc[exposed, name] = headline.reference
    money = "amount" if rows.frame["amount"].notna().all() else None
    try:
        result = attributable_fraction(
            effect.fit, rows.frame, reference, money=money, seed=study.seed, conf_level=study.confidence_level
        )
    except FitError as problem:
        return None, f"No share: {problem}"
    return result, ""


def _aliased(book: EffectBook, rows: ModelRows, candidate: Candidate) -> np.ndarray:
    """Customers whose recorded level is another column's in disguise: the cause does not apply to them."""
    aliased = {merge.level for merge in candidate.merged}
    recorded = book.intervals.set_index(["account_id", "start"])[candidate.column]
    wanted = rows.frame.set_index(["account_id", "start"]).index
    return recorded.loc[wanted].isin(aliased).to_numpy()


def _rank_key(cause: Cause) -> tuple[float, ...]:
    share = abs(cause.share.share) if cause.share is not None else 0.0
    z = abs(cause.headline.log_hr / cause.headline.std_error) if cause.headline is not None else 0.0
    return (ORDER.index(cause.grade), -share, -z)
