"""What holds inside a declared group? The same curves and hazard ratios, within one subpopulation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from whychurn.analyses.common import OUTCOME, ratio_row
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.hazards import second_reading
from whychurn.analyses.segments import curve_rows, curve_times
from whychurn.findings import SECOND_READING, Findings
from whychurn.panel import Candidate, Panel
from whychurn.study import Focus, Study


def run(panel: Panel, study: Study) -> Findings:
    """Kaplan-Meier and one Cox model with the listed causes, for every focus group of the study."""
    rows: list[dict[str, Any]] = []
    for focus in study.focus:
        rows += _focus_rows(panel, study, focus)
    return Findings.from_rows(rows)


def _focus_rows(panel: Panel, study: Study, focus: Focus) -> list[dict[str, Any]]:
    inside = focus_intervals(panel, focus)
    base: dict[str, Any] = {
        "analysis": "focus",
        "outcome": OUTCOME,
        "term": focus.name,
        "declared": "in advance",
    }
    if inside.empty or inside["event"].sum() == 0:
        note = f"{len(inside):,} customers belong to this group and none of them left; there is nothing to estimate."
        return [base | {"estimand": "survival", "note": note, "n_accounts": len(inside), "n_events": 0}]
    groups = pd.Series(focus.name, index=inside.index)
    rows = list(curve_rows(inside, groups, [focus.name], focus.name, curve_times(inside, study), study, "focus"))
    candidates = focus_candidates(panel, focus)
    books = {"": EffectBook(inside, candidates)}
    recent = second_reading(inside, study)
    if recent is not None:
        books[SECOND_READING] = EffectBook(recent, candidates)
    for reading, book in books.items():
        for candidate in candidates:
            # The listed causes stand side by side whatever their tiers: that is what a focus declares.
            effect = book.effect(candidate, "direct")
            shared = {
                "analysis": "focus",
                "method": "Cox, Efron ties" + (", delayed entry" if reading else ""),
                "term": candidate.label,
                "effect_kind": "direct",
                "group": f"{focus.name}, {reading}" if reading else focus.name,
                "declared": "in advance",
                "adjusted_for": ", ".join(effect.adjusted_for),
                "definition": "hazard ratio within the group",
                "note": effect.note,
            }
            rows += [ratio_row(contrast, study.confidence_level, **shared) for contrast in effect.contrasts]
    return rows


def focus_intervals(panel: Panel, focus: Focus) -> pd.DataFrame:
    """Return the rows at risk of the customers that belong to the group."""
    keep = pd.Series(True, index=panel.intervals.index)
    for column, levels in focus.where.items():
        keep &= panel.intervals[column].astype(str).isin([str(level) for level in levels])
    return panel.intervals[keep].reset_index(drop=True)


def focus_candidates(panel: Panel, focus: Focus) -> list[Candidate]:
    """Return the listed causes, each its own group, with the references the focus declares."""
    chosen = []
    for column in focus.causes:
        candidate = panel.candidate(column)
        reference = focus.references.get(column, candidate.reference)
        if candidate.kind == "category" and reference in candidate.levels:
            levels = (reference, *[level for level in candidate.levels if level != reference])
            candidate = replace(candidate, reference=reference, levels=levels)
        chosen.append(replace(candidate, group=column))
    return chosen
