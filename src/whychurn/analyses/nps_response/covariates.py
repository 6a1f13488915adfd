"""What was known of those invited before the invitation: terms of the model of answering, and segments."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.analyses.answer_terms import CodedTerms, TermCoder
from whychurn.analyses.last_known import last_known
from whychurn.panel import Candidate, Panel
from whychurn.panel.measure import Measure
from whychurn.study import TableStudy

#: So many answers (or invitations without, if they are fewer) for a column of the model.
ANSWERS_PER_COLUMN = 10
#: Measures that say how much a customer uses the product, the best first; their logarithm enters.
_ACTIVITY = (r"active_days_\d+", r"uses_\d+", r"logins_\d+")
_COUNTS = (r"modules_used_\d+", r"open_tickets")
#: Bands of active days in which response is shown.
ACTIVE_BANDS = ((0, "none"), (1, "1 to 4"), (5, "5 to 9"), (10, "10 to 19"), (20, "20 or more"))
#: A segment shows so many levels, the largest.
MOST_LEVELS = 12


@dataclass(frozen=True)
class Known:
    """What was known of those invited.

    Attributes
    ----------
    coded : CodedTerms
        Terms of models.
    numbers : dict of str to (label, pandas.Series)
        Measures as recorded, for the table of who answers: column -> label and values.
    segments : dict of str to pandas.Series
        Label -> level of each invitation; None where it is not among those shown.
    activity : Measure or None
        The measure that segments of activity are made of.
    """

    coded: CodedTerms
    numbers: dict[str, tuple[str, pd.Series]]
    segments: dict[str, pd.Series]
    activity: Measure | None


def known_of(panel: Panel, study: TableStudy, frame: pd.DataFrame) -> Known:
    """Read what was known of those invited, in the order of :attr:`Invitations.frame`."""
    activity = _first(panel, _ACTIVITY)
    found = [measure for pattern in _ACTIVITY if (measure := _first(panel, (pattern,))) is not None]
    counts = [measure for pattern in _COUNTS if (measure := _first(panel, (pattern,))) is not None]
    causes = [candidate for candidate in panel.used if not candidate.determined_by]
    raw = last_known(panel, study, frame, [m.name for m in (*found, *counts)], recorded=True)
    levels = last_known(panel, study, frame, [candidate.column for candidate in causes])
    coder = TermCoder(frame.index)
    for measure in found:
        values = pd.to_numeric(raw[measure.name])
        coder.number(measure.name, f"{measure.label} (logarithm)", np.log1p(values))
    for measure in counts:
        coder.number(measure.name, measure.label, raw[measure.name])
    coder.number("tenure", "Time as a customer (logarithm)", np.log1p(frame["days_since_start"]))
    used = {measure.name for measure in (*found, *counts)}
    for candidate in sorted(causes, key=_order):
        if candidate.column in used:
            continue
        if candidate.kind == "category":
            coder.category(candidate.column, candidate.label, levels[candidate.column], candidate.reference)
        else:
            coder.number(candidate.column, candidate.label, levels[candidate.column])
    fewest = int(min(frame["answered"].sum(), (1 - frame["answered"]).sum()))
    numbers = {measure.name: (measure.label, pd.to_numeric(raw[measure.name])) for measure in (*found, *counts)}
    numbers["tenure"] = ("Days as a customer", frame["days_since_start"].astype(float))
    return Known(
        coder.coded().within(max(fewest // ANSWERS_PER_COLUMN, 1)),
        numbers,
        dict(_segments(panel, levels, raw, activity)),
        activity,
    )


def _order(candidate: Candidate) -> int:
    """Put first what is most likely to matter for answering, so that it stays where answers are few."""
    first = ("last_csat", "plan")
    return first.index(candidate.column) if candidate.column in first else len(first) + candidate.tier


def _segments(
    panel: Panel, levels: pd.DataFrame, raw: pd.DataFrame, activity: Measure | None
) -> list[tuple[str, pd.Series]]:
    """Return activity in bands, the first declared attribute, and the plan."""
    out = []
    if activity is not None:
        values = pd.to_numeric(raw[activity.name]).to_numpy(dtype=float)
        names = np.array([name for _, name in ACTIVE_BANDS], dtype=object)
        band = names[np.digitize(np.nan_to_num(values), [low for low, _ in ACTIVE_BANDS[1:]])]
        out.append((activity.label, pd.Series(np.where(np.isnan(values), "not recorded", band), raw.index)))
    measures = {measure.name for measure in panel.measures}
    attributes = [c for c in panel.ranked if c.kind == "category" and c.column not in measures and not c.determined_by]
    plans = [c for c in panel.ranked if c.column == "plan" and c.kind == "category"]
    for candidate in (*attributes[:1], *plans):
        texts = levels[candidate.column].astype(object)
        most = texts.value_counts().index[:MOST_LEVELS]
        out.append((candidate.label, texts.where(texts.isin(most), None)))
    return out


def _first(panel: Panel, patterns: tuple[str, ...]) -> Measure | None:
    for pattern in patterns:
        for measure in panel.measures:
            if re.fullmatch(pattern, measure.name):
                return measure
    return None
