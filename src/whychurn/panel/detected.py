"""Candidates in the light of what the detectors found."""

from __future__ import annotations

from dataclasses import replace

from whychurn.panel.candidates import Candidate, MergedLevel
from whychurn.sources import Detections
from whychurn.study import Cause


def with_detections(candidate: Candidate, cause: Cause, detections: Detections) -> Candidate:
    """Leave a candidate out that knows the outcome or stands for tenure, unless the study keeps it; note merged levels."""
    if candidate.used and not cause.keep:
        for found in detections.accumulating:
            if found.column == candidate.column:
                reason = "it accumulates with tenure, so it measures how long a customer stayed, not why one leaves"
                return replace(candidate, used=False, reason=reason)
        for known in detections.known_after:
            if known.column == candidate.column:
                return replace(candidate, used=False, reason="it is known only after a customer has left")
        if candidate.column in detections.identifiers:
            return replace(candidate, used=False, reason="nearly every customer has a value of their own, as in an id")
    determined = next((d for d in detections.determined if d.column == candidate.column), None)
    merged = tuple(
        MergedLevel(found.level, found.into, found.because_column, found.because_level)
        for found in detections.aliased
        if found.column == candidate.column and found.level in candidate.levels and found.into in candidate.levels
    )
    return replace(candidate, merged=merged, determined_by=determined.by if determined else ())


def without_duplicates(candidates: list[Candidate], detections: Detections) -> list[Candidate]:
    """Of columns that say exactly the same, the first declared stays."""
    seen: set[str] = set()
    twins = {frozenset(pair) for pair in detections.duplicates}
    kept = []
    for candidate in candidates:
        twin = next((other for other in seen if frozenset((other, candidate.column)) in twins), None)
        if candidate.used and twin is not None:
            candidate = replace(candidate, used=False, reason=f"it repeats {twin} value for value")
        if candidate.used:
            seen.add(candidate.column)
        kept.append(candidate)
    return kept
