"""Ratios by segment: unadjusted, total and direct; step by step over the tiers; and between any two levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from scipy.stats import norm

from whychurn.analyses.adjustment import DIRECT, KINDS, TOTAL
from whychurn.analyses.common import OUTCOME, ratio_row
from whychurn.analyses.contrasts import Contrast, Effect
from whychurn.analyses.hazards import EXPLAINED, ph_verdict, proportionality
from whychurn.analyses.industry_curves import ANALYSIS
from whychurn.analyses.industry_models import SegmentModels
from whychurn.analyses.industry_rows import Segment, smallness
from whychurn.models import adjust_p_values
from whychurn.study import Study

#: Group of the rows that compare any two levels.
ALL_PAIRS = "all pairs"
#: Kind of the ratios that hold one tier more equal at a time.
STEPWISE = "stepwise"
OWN_MODEL = (
    "Not estimated here: causes of its own group would stand beside it in the model that all segments share. "
    "See the page on hazards."
)


def ratio_rows(
    models: SegmentModels, segments: Sequence[Segment], outcomes: Sequence[str], study: Study
) -> list[dict[str, Any]]:
    """Return every level's ratios against the reference, of all kinds and outcomes, with their joint tests.

    P-values of levels are adjusted within a segment by Holm, those of joint tests over segments by Benjamini-Hochberg.
    """
    out: list[dict[str, Any]] = []
    for outcome in outcomes:
        for kind in KINDS:
            tests = []
            for segment in segments:
                if kind == DIRECT and not models.shares_the_direct_model(segment.candidate):
                    tests.append(_base(segment, outcome, kind) | {"estimand": "joint_test", "note": OWN_MODEL})
                    continue
                effect = models.effect(segment.candidate, kind, outcome)
                out += _level_rows(effect, segment, outcome, kind, study)
                tests.append(_joint_row(effect, segment, outcome, kind))
            adjusted = adjust_p_values([test.get("p_value", math.nan) for test in tests], method="bh")
            family = f"{kind} effects of {len(tests)} segments, {outcome} (Benjamini-Hochberg)"
            out += [test | {"p_adjusted": p, "family": family} for test, p in zip(tests, adjusted, strict=True)]
    return out


def _base(segment: Segment, outcome: str, kind: str) -> dict[str, Any]:
    return {
        "analysis": ANALYSIS,
        "outcome": outcome,
        "method": "Cox, Efron ties" + ("" if outcome == OUTCOME else ", other departures censored"),
        "term": segment.label,
        "effect_kind": kind,
        "definition": EXPLAINED.get(kind, ""),
    }


def _level_rows(effect: Effect, segment: Segment, outcome: str, kind: str, study: Study) -> list[dict[str, Any]]:
    base = _base(segment, outcome, kind) | {"adjusted_for": ", ".join(effect.adjusted_for), "declared": "in advance"}
    adjusted = adjust_p_values([contrast.p_value for contrast in effect.contrasts], method="holm")
    family = f"levels of {segment.label} against the reference, {kind}, {outcome} (Holm)"
    rows = [
        ratio_row(
            contrast,
            study.confidence_level,
            **base,
            note=smallness(contrast.level, segment),
            p_adjusted=float(p_adjusted),
            family=family,
        )
        for contrast, p_adjusted in zip(effect.contrasts, adjusted, strict=True)
    ]
    for level in segment.pooled:
        n, events = segment.counts[level]
        rows.append(
            base
            | {
                "estimand": "hazard_ratio",
                "level": level,
                "reference": segment.candidate.reference,
                "unit": "ratio",
                "n_accounts": n,
                "n_events": events,
                "note": smallness(level, segment),
            }
        )
    return rows


def _joint_row(effect: Effect, segment: Segment, outcome: str, kind: str) -> dict[str, Any]:
    return _base(segment, outcome, kind) | {
        "adjusted_for": ", ".join(effect.adjusted_for),
        "declared": "in advance",
        "estimand": "joint_test",
        "statistic": effect.statistic,
        "df": effect.df,
        "p_value": effect.p_value,
        "note": effect.note,
        "definition": "Wald test of all levels together",
    }


def pair_rows(
    models: SegmentModels, segment: Segment, outcomes: Sequence[str], headline: str, study: Study
) -> list[dict[str, Any]]:
    """Return the total and direct ratio of every pair of levels, the widest total ratio on the headline outcome first.

    Which pair is worth a look is seen only after looking, so intervals are widened to hold for all pairs at once
    (Bonferroni), and p-values are adjusted over all pairs (Holm 1979, Scand. J. Statist. 6:65).
    """
    pairs = widest_first(models, segment, headline)
    out: list[dict[str, Any]] = []
    for outcome in outcomes:
        for kind in (TOTAL, DIRECT):
            if kind == DIRECT and not models.shares_the_direct_model(segment.candidate):
                continue
            effect = models.effect(segment.candidate, kind, outcome)
            found = models.levels(effect, outcome)
            if found is None:
                continue
            contrasts = [found.contrast(*pair) for pair in pairs if set(pair) <= set(found.levels)]
            adjusted = adjust_p_values([contrast.p_value for contrast in contrasts], method="holm")
            n = len(contrasts)
            base = _base(segment, outcome, kind) | {
                "adjusted_for": ", ".join(effect.adjusted_for),
                "group": ALL_PAIRS,
                "family": f"{n} pairs of {segment.label}, {kind}, {outcome} (Holm)",
                "declared": "found",
                "definition": f"{EXPLAINED[kind]}; interval widened to hold for all {n} pairs at once (Bonferroni)",
            }
            for contrast, p_adjusted in zip(contrasts, adjusted, strict=True):
                out.append(_simultaneous(contrast, n, study, p_adjusted=float(p_adjusted), **base))
    return out


def widest_first(models: SegmentModels, segment: Segment, headline: str) -> list[tuple[str, str]]:
    """Return all pairs of levels by their total ratio on the headline outcome, the faster level in front."""
    found = models.levels(models.effect(segment.candidate, TOTAL, headline), headline)
    return [] if found is None else found.pairs


def _simultaneous(contrast: Contrast, n_pairs: int, study: Study, **base: Any) -> dict[str, Any]:
    row = ratio_row(contrast, study.confidence_level, **base)
    if contrast.std_error > 0:
        z = norm.isf((1 - study.confidence_level) / (2 * n_pairs))
        row["conf_low"] = math.exp(contrast.log_hr - z * contrast.std_error)
        row["conf_high"] = math.exp(contrast.log_hr + z * contrast.std_error)
    return row


def step_rows(models: SegmentModels, segment: Segment, headline: str, study: Study) -> list[dict[str, Any]]:
    """Return the ratios with one later tier more held equal at a time, between the total and the direct effect.

    They show beside which causes a ratio moves. It is no split of an effect into paths: that would take assumptions
    about those causes that nobody has tested.
    """
    candidate = segment.candidate
    later = models.tiers(candidate)
    if len(later) < 2 or not models.shares_the_direct_model(candidate):
        return []
    out: list[dict[str, Any]] = []
    pairs = widest_first(models, segment, headline)
    for tier in later[:-1]:
        effect = models.up_to_tier(candidate, tier, headline)
        name = study.tiers[tier - 1] if tier <= len(study.tiers) else f"Tier {tier}"
        base = _base(segment, headline, STEPWISE) | {
            "adjusted_for": ", ".join(effect.adjusted_for),
            "definition": f"hazard ratio adjusted for every other cause of the tiers up to “{name}”",
        }
        out += [
            ratio_row(contrast, study.confidence_level, **base, group=name, declared="in advance")
            for contrast in effect.contrasts
        ]
        found = models.levels(effect, headline)
        if found is not None and pairs and set(pairs[0]) <= set(found.levels):
            contrast = found.contrast(*pairs[0])
            out.append(
                _simultaneous(contrast, len(pairs), study, **base, group=f"{name}, {ALL_PAIRS}", declared="found")
            )
    return out


def proportional_rows(models: SegmentModels, segments: Sequence[Segment], headline: str) -> list[dict[str, Any]]:
    """Return whether each segment's total effect changes with the length of the stay (Grambsch & Therneau 1994)."""
    found: list[dict[str, Any]] = []
    for segment in segments:
        effect = models.effect(segment.candidate, TOTAL, headline)
        tested = effect.fit is not None and effect.rows is not None and segment.candidate.column in effect.rows.names
        values = proportionality(effect) if tested else {}
        found.append(
            _base(segment, headline, TOTAL)
            | {
                "method": "Grambsch-Therneau, Kaplan-Meier time",
                "estimand": "proportional_hazards",
                "declared": "in advance",
                "adjusted_for": ", ".join(effect.adjusted_for),
                "definition": "score test that the ratio is the same at every length of stay",
                **values,
            }
        )
    adjusted = adjust_p_values([row.get("p_value", math.nan) for row in found], method="bh")
    family = f"proportional-hazards tests of {len(found)} segments (Benjamini-Hochberg)"
    return [
        row | {"p_adjusted": float(p), "family": family, "grade": ph_verdict(float(p))}
        for row, p in zip(found, adjusted, strict=True)
    ]
