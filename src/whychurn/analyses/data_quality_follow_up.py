"""Is everybody followed alike? Time under observation, late entry and censoring by every candidate with groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.data_quality_base import BASE, spells_at_risk
from whychurn.panel import Candidate, Panel
from whychurn.study import TableStudy

#: Groups are compared if they hold at least so many spells.
FEWEST = 20
#: Follow-up is called alike while the longest mean is at most so many times the shortest.
ALIKE = 1.25
#: Note of candidates that are measured anew on every row: their groups are those of the last row.
CHANGING = "as on the last row"


def follow_up_rows(panel: Panel, study: TableStudy) -> list[dict[str, Any]]:
    """Return follow-up by level of every candidate that forms groups, and whether it is alike across them.

    The window is the same for all, so how long a spell *could* be followed, from entry to the last day, is known even
    of those who left. Groups differ in it when they came at different times.
    """
    spells = spells_at_risk(panel.accounts)
    possible = (pd.Timestamp(study.observed_to) - spells["entered_on"]).dt.days.astype(float)
    frame = spells.assign(possible=possible, late=panel.accounts["entry"].astype(float) > 0)
    measured = {measure.name for measure in panel.measures}
    rows: list[dict[str, Any]] = []
    for candidate in panel.candidates:
        if candidate.kind == "category" and len(candidate.levels) > 1 and candidate.column in panel.accounts:
            changing = CHANGING if candidate.column in measured else ""
            rows += _of(candidate, frame, panel.accounts[candidate.column].astype(str), changing)
    return rows


def _of(candidate: Candidate, frame: pd.DataFrame, values: pd.Series, changing: str) -> Iterator[dict[str, Any]]:
    known = [level for level in candidate.levels if (values == level).any()]
    levels = [*known, *sorted(set(values) - set(known))]
    means = {}
    for level in levels:
        group = frame[values == level]
        n, left = len(group), int(group["event"].sum())
        row = BASE | {"term": candidate.label, "level": level, "n_accounts": n, "n_events": left, "note": changing}
        if n >= FEWEST:
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
    yield _verdict(candidate, means) | {"note": changing}


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
