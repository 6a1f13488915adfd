"""Left within the horizon, by every declared cause and by every other measure, on the customers at the landmarks.

What was declared in advance and what was merely looked through are two families of tests. A measure found by looking
is found, to be confirmed, whatever its p.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.crosstab_rows import crossed, level_rows, tie_row
from whychurn.analyses.landmark_measures import as_groups, groups_of, other_measures, same_thing
from whychurn.analyses.landmark_renewal import RENEWAL, TERM
from whychurn.analyses.landmark_rows import (
    BOUND_TO_DATE,
    Landmarks,
    RecordedBeside,
    landmark_rows,
    share_between_dates,
)
from whychurn.findings import Findings
from whychurn.models import adjust_p_values
from whychurn.panel import Candidate, Panel
from whychurn.study import TableStudy

DECLARED, FOUND = "in advance", "found"
CONFIRM, NOTHING = "found, to be confirmed", "no clear tie"
#: A tie found by looking is worth confirming below this adjusted p.
WORTH_CONFIRMING = 0.05
BASE = ("account_id", "spell", "start", "stop", "start_on")
BOUND = "Nearly all customers share its value at any date, so it compares dates, not customers: no p is given."


def run(panel: Panel, study: TableStudy) -> Findings:
    """Tables of the declared causes, then of the other measures; p-values adjusted within each family."""
    measures = other_measures(panel)
    columns = [*BASE, *(cause.column for cause in panel.used), *(measure.column for measure in measures)]
    at = landmark_rows(RecordedBeside(panel, columns, (RENEWAL, TERM)), panel, study)
    rows = [_population(at, study)]
    if not len(at.frame):
        return Findings.from_rows(rows)
    rows += _family(at, [(cause, at.frame[cause.column]) for cause in at.causes], DECLARED, study)
    found, others = _looked_through(panel, at, measures)
    rows += _family(at, found, FOUND, study)
    rows += [_base(at, term=measure.label, declared=FOUND, estimand="not_crossed", note=why) for measure, why in others]
    return Findings.from_rows(rows)


def _looked_through(
    panel: Panel, at: Landmarks, measures: Sequence[Candidate]
) -> tuple[list[tuple[Candidate, pd.Series]], list[tuple[Candidate, str]]]:
    """Return the measures to be crossed with their values, and the others with why not."""
    group_of = {measure.name: measure.group for measure in panel.measures}
    crossable, others = [], []
    for measure in measures:
        grouped = as_groups(measure, at.frame[measure.column])
        if grouped is None:
            others.append((measure, "It does not vary among the customers at the landmarks."))
            continue
        related = {column for column, group in group_of.items() if group == measure.group}
        twin = same_thing(*grouped, at.causes, at.frame, related)
        if twin:
            others.append((measure, f"It says the same as {twin}, which is declared."))
        else:
            crossable.append(grouped)
    return crossable, others


def _base(at: Landmarks, **values: Any) -> dict[str, Any]:
    return {"analysis": "crosstabs", "outcome": at.outcome, "effect_kind": "unadjusted", "declared": DECLARED, **values}


def _population(at: Landmarks, study: TableStudy) -> dict[str, Any]:
    notes = [] if len(at.frame) else ["There is no customer at a landmark whose horizon lies within the window."]
    if at.n_unfollowed:
        notes.append(f"{at.n_unfollowed:,} rows are left out: those customers were not followed through the horizon.")
    return _base(
        at,
        method="landmarks",
        estimand="landmarks",
        unit="dates",
        estimate=len(at.dates),
        n_accounts=at.frame["account_id"].nunique(),
        n_events=int(at.frame["event"].sum()),
        numerator=int(at.frame["event"].sum()),
        denominator=len(at.frame),
        conf_level=study.confidence_level,
        definition=(
            "dates one horizon apart; a customer at a date is one person-period of a discrete-time survival model "
            "(Allison 1982)"
        ),
        note=" ".join(notes),
    )


def _family(
    at: Landmarks, crossable: Sequence[tuple[Candidate, pd.Series]], declared: str, study: TableStudy
) -> list[dict[str, Any]]:
    """Cross every candidate, and adjust the p-values of those that compare customers."""
    rows: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    owner, left, date = (at.frame[name] for name in ("account_id", "event", "date"))
    share = (
        f"left within {at.horizon} days / customers at the landmarks, at this level; one at two landmarks counts twice"
    )
    for candidate, values in crossable:
        # What a missing value means is declared of a cause; of other measures, customers without one say nothing.
        inside = values.notna() if declared == FOUND else pd.Series(True, index=values.index)
        groups, order = groups_of(candidate, values[inside])
        base = _base(at, term=candidate.label, declared=declared)
        result = crossed(groups, left[inside], study.seed)
        counted = owner[inside].groupby(groups.to_numpy()).nunique()
        customers = {str(level): int(n) for level, n in counted.items()}
        rows += level_rows(result, order, base, study.confidence_level, share, customers)
        test = tie_row(result, base, owner[inside].nunique(), int(left[inside].sum()))
        test |= {"denominator": int(inside.sum())}
        if share_between_dates(date[inside], groups) >= BOUND_TO_DATE:
            test |= {"p_value": math.nan, "note": BOUND}
        tests.append(test)
    adjusted = adjust_p_values([row["p_value"] for row in tests], method="bh") if tests else np.zeros(0)
    what = "declared causes" if declared == DECLARED else "measures looked through"
    family = f"crosstabs of {int((~np.isnan(adjusted)).sum())} {what}"
    for test, p in zip(tests, adjusted, strict=True):
        grade = "" if declared == DECLARED else CONFIRM if p < WORTH_CONFIRMING else NOTHING
        rows.append({**test, "p_adjusted": p, "family": family, "grade": grade})
    return rows
