"""Is everybody followed alike? Time under observation, late entry and censoring by what was so at entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.data_quality_base import BASE, entry_rows, spells_at_risk
from whychurn.panel import Candidate, Panel
from whychurn.study import TableStudy

#: Groups are compared if they hold at least so many spells.
FEWEST = 20
#: Follow-up is called alike while the longest mean is at most so many times the shortest.
ALIKE = 1.25
#: Note of candidates that are measured anew on every row: their groups are those of the spell's first row.
AT_ENTRY = "as at entry"


def follow_up_rows(panel: Panel, study: TableStudy) -> list[dict[str, Any]]:
    """Return follow-up by level of every candidate that forms groups, and whether it is alike across them.

    The window is the same for all, so how long a spell *could* be followed, from entry to the last day, is known even
    of those who left. Groups differ in it when they came at different times. Groups are formed by attributes and by what
    was measured at entry, never by what was measured later: whoever is followed for longer has more time to get into
    a group. Those without a value at entry are listed, but not compared: most of them had just come.
    """
    spells = spells_at_risk(panel.accounts)
    possible = (pd.Timestamp(study.observed_to) - spells["entered_on"]).dt.days.astype(float)
    late = panel.accounts["entry"].astype(float) > 0
    frame = spells.assign(possible=possible, late=late).reset_index(drop=True)
    measured = {measure.name for measure in panel.measures}
    rows: list[dict[str, Any]] = []
    first = None
    for candidate in panel.candidates:
        if candidate.kind != "category" or len(candidate.levels) < 2 or candidate.column not in panel.accounts:
            continue
        if candidate.column in measured:
            if first is None:
                first = np.flatnonzero(entry_rows(panel.rows.read(["start", "start_on"])))
            values, note = panel.rows.read([candidate.column])[candidate.column].iloc[first], AT_ENTRY
        else:
            values, note = panel.accounts[candidate.column], ""
        rows += _of(candidate, frame, values.astype(str).reset_index(drop=True), note)
    return rows


def _of(candidate: Candidate, frame: pd.DataFrame, values: pd.Series, note: str) -> Iterator[dict[str, Any]]:
    known = [level for level in candidate.levels if (values == level).any()]
    levels = [*known, *sorted(set(values) - set(known))]
    means = {}
    for level in levels:
        group = frame[values == level]
        n, left = len(group), int(group["event"].sum())
        row = BASE | {"term": candidate.label, "level": level, "n_accounts": n, "n_events": left, "note": note}
        if n >= FEWEST and not (note and level == candidate.missing_level):
            means[level] = float(group["possible"].mean())
        yield row | {"estimand": "days_at_risk", "unit": "days", "estimate": float(group["days"].sum())}
        yield row | {
            "estimand": "possible_follow_up",
            "unit": "days",
            "estimate": float(group["possible"].mean()),
            "definition": "mean days from entry to the end of the window, whether or not the customer left before",
        }
        yield row | {
            "estimand": "censored_share",
            "unit": "share",
            "estimate": 1 - left / n,
            "numerator": n - left,
            "denominator": n,
            "definition": "spells that had not ended when the window did",
        }
        yield row | {
            "estimand": "entered_late",
            "unit": "share",
            "estimate": float(group["late"].mean()),
            "numerator": int(group["late"].sum()),
            "denominator": n,
            "definition": "spells that began before the window",
        }
    yield _verdict(candidate, means) | {"note": note}


def _verdict(candidate: Candidate, means: dict[str, float]) -> dict[str, Any]:
    row = BASE | {
        "estimand": "follow_up_ratio",
        "term": candidate.label,
        "unit": "ratio",
        "definition": f"longest mean possible follow-up / shortest, among groups of at least {FEWEST} spells; alike up to {ALIKE:g}",
    }
    if len(means) < 2 or min(means.values()) <= 0:
        return row | {"grade": "not compared"}
    longest, shortest = (pick(means, key=lambda level: (means[level], level)) for pick in (max, min))
    ratio = means[longest] / means[shortest]
    return row | {
        "estimate": ratio,
        "numerator": means[longest],
        "denominator": means[shortest],
        "level": longest,
        "reference": shortest,
        "grade": "alike" if ratio <= ALIKE else "differs",
    }
