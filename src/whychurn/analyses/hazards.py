"""How much faster do they leave, all else equal? Cox regression: unadjusted, total and direct effects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.adjustment import DIRECT, KINDS, TOTAL
from whychurn.analyses.common import OUTCOME, ratio_row
from whychurn.analyses.contrasts import Effect
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.grades import FEWEST_EVENTS_PER_COEFFICIENT
from whychurn.analyses.periods import period_cuts
from whychurn.analyses.risk_rows import INVOLUNTARY, VOLUNTARY, n_customers, of_cause, risk_rows
from whychurn.findings import SECOND_READING, Findings
from whychurn.models import adjust_p_values
from whychurn.panel import Candidate, Panel
from whychurn.study import Study, TableStudy

CHANGES, STEADY, UNTESTED = "changes with tenure", "no sign of change", "not tested"
#: Proportional hazards are called into question below this adjusted p.
PH_ALPHA = 0.05
EXPLAINED = {
    "unadjusted": "hazard ratio without adjustment",
    "total": "hazard ratio adjusted for earlier tiers and for other causes of the same tier",
    "direct": "hazard ratio adjusted for every other cause it can be told apart from",
}


def run(panel: Panel, study: Study) -> Findings:
    """Hazard ratios of every candidate, their proportional-hazards verdict, and effects by period where it fails.

    Efron's treatment of ties. P-values of one kind of effect are adjusted over the candidates by
    Benjamini-Hochberg; so are those of the proportional-hazards tests.
    """
    at_risk = risk_rows(panel, study, categories=True)
    book = EffectBook(at_risk, panel.used)
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        effects = [book.effect(candidate, kind) for candidate in panel.ranked]
        adjusted = adjust_p_values([effect.p_value for effect in effects], method="bh")
        for effect, p_adjusted in zip(effects, adjusted, strict=True):
            rows += _effect_rows(effect, kind, float(p_adjusted), study, len(effects))
    rows += _proportional_rows(book, panel, study)
    rows += _fit_rows(book, panel)
    rows += by_cause_rows(at_risk, panel, study)
    rows += _window_rows(panel, study)
    return Findings.from_rows(rows)


def _effect_rows(
    effect: Effect, kind: str, p_adjusted: float, study: Study, n_tests: int, group: str = ""
) -> list[dict[str, Any]]:
    base: dict[str, Any] = {
        "analysis": "hazards",
        "method": "Cox, Efron ties",
        "term": effect.candidate.label,
        "effect_kind": kind,
        "adjusted_for": ", ".join(effect.adjusted_for),
        "declared": "in advance",
        "group": group,
        "definition": EXPLAINED[kind],
    }
    rows = [ratio_row(contrast, study.confidence_level, **base) for contrast in effect.contrasts]
    joint = base | {
        "outcome": OUTCOME,
        "estimand": "joint_test",
        "statistic": effect.statistic,
        "df": effect.df,
        "p_value": effect.p_value,
        "p_adjusted": p_adjusted,
        "note": effect.note,
        "definition": "Wald test of all levels together",
        "family": f"{kind} effects of {n_tests} candidates" if not group else "",
    }
    return [*rows, joint]


def proportional_verdicts(book: EffectBook, candidates: Sequence[Candidate]) -> dict[str, dict[str, Any]]:
    """Test proportionality of every candidate in its own total-effect model, adjusted over the candidates.

    Returns
    -------
    dict
        By column: ``statistic``, ``df``, ``p_value``, ``p_adjusted`` (where tested) and the verdict as ``grade``.
    """
    found: dict[str, dict[str, Any]] = {}
    for candidate in candidates:
        effect = book.effect(candidate, TOTAL)
        tested = effect.fit is not None and effect.rows is not None and candidate.column in effect.rows.names
        found[candidate.column] = proportionality(effect) if tested else {}
    adjusted = adjust_p_values([row.get("p_value", math.nan) for row in found.values()], method="bh")
    for row, p_adjusted in zip(found.values(), adjusted, strict=True):
        row |= {"p_adjusted": float(p_adjusted), "grade": ph_verdict(float(p_adjusted))}
    return found


def _proportional_rows(book: EffectBook, panel: Panel, study: Study) -> list[dict[str, Any]]:
    """Test proportionality per candidate; where it fails, show the effect by period."""
    verdicts = proportional_verdicts(book, panel.ranked)
    cuts = period_cuts(book.intervals, study.churn.periods)
    rows: list[dict[str, Any]] = []
    for candidate in panel.ranked:
        verdict = verdicts[candidate.column]
        rows.append(
            {
                "analysis": "hazards",
                "outcome": OUTCOME,
                "method": "Grambsch-Therneau, Kaplan-Meier time",
                "term": candidate.label,
                "estimand": "proportional_hazards",
                "effect_kind": TOTAL,
                "adjusted_for": ", ".join(book.effect(candidate, TOTAL).adjusted_for),
                "declared": "in advance",
                "family": f"proportional-hazards tests of {len(panel.ranked)} candidates",
                **verdict,
            }
        )
        if verdict["grade"] == CHANGES and cuts:
            for label, effect in book.by_period(candidate, cuts, TOTAL):
                rows += [
                    each
                    for each in _effect_rows(effect, TOTAL, math.nan, study, 0, group=f"{label} {study.time_unit}")
                    if each["estimand"] == "hazard_ratio"
                ]
    return rows


def proportionality(effect: Effect) -> dict[str, float]:
    """Return the proportional-hazards test of the effect's own term: statistic, df, p_value."""
    assert effect.fit is not None and effect.rows is not None  # the caller has checked that there is a fit
    table = effect.fit.test_proportional_hazards(transform="km").set_index("term")
    name = effect.rows.names[effect.candidate.column]
    return {column: float(table[column][name]) for column in ("statistic", "df", "p_value")}


def ph_verdict(p_adjusted: float) -> str:
    """Return the verdict in words: a single hazard ratio is an average where the effect changes with tenure."""
    if np.isnan(p_adjusted):
        return UNTESTED
    return CHANGES if p_adjusted < PH_ALPHA else STEADY


def _fit_rows(book: EffectBook, panel: Panel) -> list[dict[str, Any]]:
    """How well the full model tells leavers from stayers, and how many events carry each coefficient."""
    plain = next((candidate for candidate in panel.used if not candidate.determined_by), None)
    effect = book.effect(plain, DIRECT) if plain is not None else None
    if plain is None or effect is None or effect.fit is None:
        return []
    fit = effect.fit
    base = {
        "analysis": "hazards",
        "outcome": OUTCOME,
        "method": "Cox, Efron ties",
        "term": "All causes together",
        "n_accounts": n_customers(effect.rows.frame) if effect.rows is not None else fit.n,
        "n_events": fit.n_events,
        "effect_kind": DIRECT,
        "adjusted_for": ", ".join((plain.label, *effect.adjusted_for)),
    }
    c = fit.concordance()
    p = len(fit.params)
    per_term = fit.n_events / p
    enough = per_term >= FEWEST_EVENTS_PER_COEFFICIENT
    note = "" if enough else "Fewer than five events per coefficient: adjusted estimates are unstable."
    return [
        base
        | {
            "estimand": "concordance",
            "estimate": c.estimate,
            "std_error": c.std_error,
            "unit": "0.5 to 1",
            "definition": "chance that of two customers the one predicted to leave sooner does (Harrell)",
        },
        base
        | {
            "estimand": "events_per_coefficient",
            "estimate": per_term,
            "numerator": fit.n_events,
            "denominator": p,
            "note": note,
        },
    ]


def _window_rows(panel: Panel, study: Study) -> list[dict[str, Any]]:
    """Total effects if the file holds only leavers of the last window: each customer at risk in that window alone."""
    rows = second_reading(panel.intervals, study)
    if rows is None:
        return []
    book = EffectBook(rows, panel.used)
    out = []
    for candidate in panel.ranked:
        effect = book.effect(candidate, TOTAL)
        base = {
            "analysis": "hazards",
            "method": "Cox, Efron ties, delayed entry",
            "term": candidate.label,
            "effect_kind": TOTAL,
            "adjusted_for": ", ".join(effect.adjusted_for),
            "declared": "in advance",
            "group": SECOND_READING,
            "definition": EXPLAINED[TOTAL],
            "note": effect.note,
        }
        out += [ratio_row(contrast, study.confidence_level, **base) for contrast in effect.contrasts]
    return out


def by_cause_rows(at_risk: pd.DataFrame, panel: Panel, study: Study) -> list[dict[str, Any]]:
    """Total effects on leaving for one cause of leaving alone, every other departure censored (cause-specific).

    Only where the causes of leaving are recorded and differ; an effect on one cause alone is diluted among all.
    """
    if not isinstance(study, TableStudy):
        return []
    left = at_risk.loc[at_risk["event"] == 1, "cause"].value_counts()
    out: list[dict[str, Any]] = []
    for cause in (VOLUNTARY, INVOLUNTARY):
        if not 0 < left.get(cause, 0) < left.sum():
            continue
        book = EffectBook(of_cause(at_risk, cause), panel.used)
        for candidate in panel.ranked:
            effect = book.effect(candidate, TOTAL)
            base: dict[str, Any] = {
                "analysis": "hazards",
                "outcome": f"{cause} churn",
                "method": "Cox, Efron ties, cause-specific",
                "term": candidate.label,
                "effect_kind": TOTAL,
                "adjusted_for": ", ".join(effect.adjusted_for),
                "declared": "in advance",
                "definition": f"hazard ratio of leaving by a cause recorded as {cause}; other departures end follow-up",
                "note": effect.note,
            }
            out += [ratio_row(contrast, study.confidence_level, **base) for contrast in effect.contrasts]
    return out


def second_reading(rows: pd.DataFrame, study: Study) -> pd.DataFrame | None:
    """Return the rows at risk if only recent leavers are in the file, or None where the study rules that out.

    Customers are then under observation only in the last window of their tenure.
    """
    if not study.churn.window or study.churn.leavers_in_file == "all":
        return None
    return rows.assign(start=(rows["stop"] - study.churn.window).clip(lower=0.0))
