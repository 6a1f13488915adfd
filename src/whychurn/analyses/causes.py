"""Which causes matter most, and how sure are we? One ranked row per declared cause."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from whychurn.analyses.adjustment import DIRECT, TOTAL, UNADJUSTED
from whychurn.analyses.common import OUTCOME, ratio_row, share_interval
from whychurn.analyses.effects import Contrast, Effect, EffectBook
from whychurn.analyses.grades import INCONCLUSIVE, MODERATE, ORDER, RULES, STRONG, WEAK, Evidence, grade
from whychurn.analyses.hazards import EXPLAINED, ph_verdict, proportionality, windowed
from whychurn.errors import FitError
from whychurn.findings import Findings
from whychurn.models import adjust_p_values, attributable_fraction, e_value, smallest_detectable_hazard_ratio
from whychurn.panel import Candidate, Panel
from whychurn.study import Study

ANALYSIS = "causes"


@dataclass(frozen=True, slots=True)
class Cause:
    """One candidate with everything its row needs."""

    candidate: Candidate
    total: Effect
    unadjusted: Effect
    direct: Effect
    headline: Contrast | None
    conf_level: float
    p_adjusted: float
    grade: str
    share: Any = None
    note: str = ""


def run(panel: Panel, study: Study) -> Findings:
    """Grade every cause, put a share of churn and money on those with evidence, and rank them.

    Ranked by grade, then by the share of churn attributable. A cause without a sizeable effect and one the
    data cannot decide are results too: they are listed, without share or money.
    """
    book = EffectBook(panel.intervals, panel.used)
    second = second_reading(panel, study)
    totals = [book.effect(candidate, TOTAL) for candidate in panel.used]
    adjusted = adjust_p_values([effect.p_value for effect in totals], method="bh")
    halves = median_event_time(panel)
    causes = [
        _cause(book, second, effect, float(p), halves, study) for effect, p in zip(totals, adjusted, strict=True)
    ]  # fmt: skip
    causes.sort(key=_rank_key)
    family = f"total effects of {len(totals)} candidates"
    rows: list[dict[str, Any]] = []
    for rank, cause in enumerate(causes, start=1):
        rows += _rows(cause, rank, panel, study, family, book)
    rows += [_left_out_row(candidate) for candidate in panel.candidates if not candidate.used]
    rows += _total_rows(panel, study)
    rows += _rule_rows()
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


def _sign_under(
    second: EffectBook | None, candidate: Candidate, headline: Contrast, study: Study
) -> int | None:
    """Direction of the headline contrast under the second reading; 0 if its interval includes 1, None if not asked."""
    if second is None:
        return None
    contrast = second.effect(candidate, TOTAL).contrast(headline.level)
    if contrast is None or not contrast.std_error > 0:
        return contrast.limit if contrast else 0
    low, high = contrast.interval(study.confidence_level)
    return contrast.direction if low > 1 or high < 1 else 0


def _cause(
    book: EffectBook, second: EffectBook | None, total: Effect, p_adjusted: float, halves: float, study: Study
) -> Cause:
    candidate = total.candidate
    unadjusted, direct = book.effect(candidate, UNADJUSTED), book.effect(candidate, DIRECT)
    headline, conf_level, note = headline_contrast(total, study.confidence_level)
    if headline is None:
        notes = " ".join(part for part in (candidate.note, total.note) if part)
        return Cause(
            candidate, total, unadjusted, direct, None, conf_level, p_adjusted, INCONCLUSIVE, None, notes
        )
    before = unadjusted.contrast(headline.level)
    estimated = [
        contrast for contrast in total.contrasts if contrast is not headline and contrast.std_error > 0
    ]
    evidence = Evidence(
        intervals=(headline.interval(conf_level), *[c.interval(study.confidence_level) for c in estimated]),
        p_adjusted=p_adjusted,
        directions=_directions(book, candidate, headline, halves),
        sign_unadjusted=before.direction if before else 0,
        sign_adjusted=headline.direction,
        separable=not candidate.determined_by,
        second_reading=_sign_under(second, candidate, headline, study),
    )
    result = grade(evidence)
    if evidence.second_reading is not None and evidence.second_reading != evidence.sign_adjusted:
        note = f"{note} Not borne out if only recent leavers are in the file."
    if candidate.determined_by:
        note = f"{note} It is fixed by {', '.join(candidate.determined_by)}, so its own effect cannot be told from theirs."
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


def _share(book: EffectBook, effect: Effect, headline: Contrast, study: Study) -> tuple[Any, str]:
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


def _aliased(book: EffectBook, rows: Any, candidate: Candidate) -> np.ndarray:
    """Customers whose recorded level is another column's in disguise: the cause does not apply to them."""
    aliased = {merge.level for merge in candidate.merged}
    recorded = book.intervals.set_index(["account_id", "start"])[candidate.column]
    wanted = rows.frame.set_index(["account_id", "start"]).index
    return recorded.loc[wanted].isin(aliased).to_numpy()


def _rank_key(cause: Cause) -> tuple[float, ...]:
    share = abs(cause.share.share) if cause.share is not None else 0.0
    z = abs(cause.headline.log_hr / cause.headline.std_error) if cause.headline is not None else 0.0
    return (ORDER.index(cause.grade), -share, -z)


def _rows(
    cause: Cause, rank: int, panel: Panel, study: Study, family: str, book: EffectBook
) -> list[dict[str, Any]]:
    candidate, headline = cause.candidate, cause.headline
    base: dict[str, Any] = {
        "analysis": ANALYSIS, "outcome": OUTCOME, "term": candidate.label, "declared": "in advance",
        "level": headline.level if headline else "", "reference": headline.reference if headline else candidate.reference,
    }  # fmt: skip
    cox = base | {"method": "Cox, Efron ties"}
    rows = [base | {"estimand": "rank", "estimate": rank, "grade": cause.grade, "note": cause.note,
                    "method": "grade, then share of churn", "statistic": cause.total.statistic, "df": cause.total.df,
                    "p_value": cause.total.p_value, "p_adjusted": cause.p_adjusted, "family": family,
                    "unit": "actionable" if candidate.actionable else "given",
                    "definition": "declared contrast" if candidate.compare_declared else "contrast chosen by the data"}]  # fmt: skip
    for kind, effect in ((TOTAL, cause.total), (UNADJUSTED, cause.unadjusted), (DIRECT, cause.direct)):
        contrast = effect.contrast(headline.level) if headline else None
        if contrast is None:
            continue
        level = cause.conf_level if kind == TOTAL else study.confidence_level
        definition = EXPLAINED[kind]
        rows.append(ratio_row(contrast, level, **(cox | {
            "effect_kind": kind, "adjusted_for": ", ".join(effect.adjusted_for), "definition": definition,
            "level": headline.level, "reference": contrast.reference,
            "grade": cause.grade if kind == TOTAL else "", "p_adjusted": cause.p_adjusted if kind == TOTAL else math.nan,
            "family": family if kind == TOTAL else "",
        })))  # fmt: skip
    if headline is not None:
        rows += _size_rows(cause, base, panel, study)
        rows += _strength_rows(cause, cox, book)
    return rows


def _size_rows(cause: Cause, base: dict[str, Any], panel: Panel, study: Study) -> list[dict[str, Any]]:
    """How many customers are exposed, how many of them are still here, and what share of churn goes with it."""
    candidate, accounts = cause.candidate, panel.accounts
    rows: list[dict[str, Any]] = []
    if candidate.kind == "category":
        exposed = (
            accounts[accounts[candidate.column].astype(str) == cause.headline.level]
            if cause.headline
            else accounts
        )
        current = exposed[exposed["event"] == 0]
        rows.append(
            base
            | {
                "method": "count",
                "estimand": "prevalence",
                "unit": "share",
                "estimate": len(exposed) / len(accounts),
                "numerator": len(exposed),
                "denominator": len(accounts),
            }
        )
        rows.append(
            base
            | {
                "method": "count",
                "estimand": "current_exposed",
                "unit": "customers",
                "estimate": len(current),
                "definition": "customers at this level who have not left",
            }
        )
        if accounts["amount"].notna().all():
            rows.append(base | {"method": "sum", "estimand": "current_exposed_amount", "unit": "amount",
                                "estimate": float(current["amount"].sum())})  # fmt: skip
    if cause.share is not None:
        share = cause.share
        shared = base | {"method": "hazard increments, multiplier bootstrap", "effect_kind": TOTAL,
                         "conf_level": study.confidence_level}  # fmt: skip
        rows.append(shared | {
            "estimand": "attributable_share", "unit": "share", "estimate": share.share, "std_error": share.std_error,
            "std_error_scale": "share", "conf_low": share.conf_low, "conf_high": share.conf_high, "grade": cause.grade,
            "definition": "churn in the window beyond what the reference level would have had, as a share of all churn; "
                          "shares of several causes may add up to more than one",
        })  # fmt: skip
        if share.money is not None and not math.isnan(share.money):
            rows.append(shared | {
                "estimand": "amount_at_stake", "unit": "amount", "estimate": share.money, "conf_low": share.money_low,
                "conf_high": share.money_high, "grade": cause.grade,
                "definition": f"{panel.provenance['amount_name']} of leavers in the file that go with this cause; not per year",
            })  # fmt: skip
    return rows


def _strength_rows(cause: Cause, base: dict[str, Any], book: EffectBook) -> list[dict[str, Any]]:
    headline, effect = cause.headline, cause.total
    assert headline is not None  # the caller has checked
    low, high = headline.interval(cause.conf_level)
    near = min(max(1.0, low), high)
    rows = [
        base | {"estimand": "smallest_detectable", "unit": "ratio", "effect_kind": TOTAL,
                "estimate": smallest_detectable_hazard_ratio(headline.std_error),
                "definition": "smallest hazard ratio above 1 that these data would show four times in five"},
    ]  # fmt: skip
    strength = e_value(math.exp(headline.log_hr), near)
    rows.append(base | {
        "estimand": "e_value", "unit": "ratio", "effect_kind": TOTAL, "estimate": strength.estimate, "numerator": strength.conf_limit,
        "definition": "how strongly something unmeasured would have to be tied to both cause and churn to explain "
                      "the estimate away (VanderWeele and Ding 2017)",
    })  # fmt: skip
    if effect.fit is not None and effect.rows is not None and cause.candidate.column in effect.rows.names:
        test = proportionality(effect)
        rows.append(base | {
            "estimand": "proportional_hazards", "effect_kind": TOTAL, "method": "Grambsch-Therneau, Kaplan-Meier time",
            "statistic": test["statistic"], "df": test["df"], "p_value": test["p_value"],
            "grade": ph_verdict(float(test["p_value"])),
        })  # fmt: skip
    return rows


def _left_out_row(candidate: Candidate) -> dict[str, Any]:
    return {
        "analysis": ANALYSIS, "outcome": OUTCOME, "term": candidate.label, "estimand": "left_out",
        "note": candidate.reason, "declared": "in advance", "grade": "left out",
    }  # fmt: skip


def _rule_rows() -> list[dict[str, Any]]:
    """The rules behind the grades, so that a page prints what was applied."""
    return [
        {"analysis": ANALYSIS, "outcome": OUTCOME, "term": "Evidence grades", "level": name, "estimand": "rule",
         "grade": name, "definition": rule}
        for name, rule in RULES.items()
    ]  # fmt: skip


def _total_rows(panel: Panel, study: Study) -> list[dict[str, Any]]:
    """What all causes are held against: customers, leavers and the amount that left with them."""
    accounts = panel.accounts
    left = accounts[accounts["event"] == 1]
    base: dict[str, Any] = {"analysis": ANALYSIS, "outcome": OUTCOME, "term": "Everyone", "n_accounts": len(accounts),
                            "n_events": len(left)}  # fmt: skip
    low, high = share_interval(len(left), len(accounts), study.confidence_level)
    rows = [base | {
        "estimand": "churn_share", "method": "count", "unit": "share", "estimate": len(left) / len(accounts),
        "numerator": len(left), "denominator": len(accounts), "conf_low": low, "conf_high": high,
        "conf_level": study.confidence_level, "definition": "customers recorded as left / customers in the file",
    }]  # fmt: skip
    if accounts["amount"].notna().all() and len(accounts):
        lost, total = float(left["amount"].sum()), float(accounts["amount"].sum())
        rows.append(base | {
            "estimand": "amount_of_leavers", "method": "sum", "unit": "amount", "estimate": lost, "numerator": lost,
            "denominator": total, "definition": f"{panel.provenance['amount_name']} of leavers in the file; not per year",
        })  # fmt: skip
        if total > 0:
            rows.append(base | {"estimand": "amount_share_of_leavers", "method": "sum", "unit": "share",
                                "estimate": lost / total, "numerator": lost, "denominator": total})  # fmt: skip
    return rows
