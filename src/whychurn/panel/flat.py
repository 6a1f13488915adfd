"""The panel of a flat study: one row per customer, tenure instead of dates."""

from __future__ import annotations

import pandas as pd

from whychurn.errors import PanelError
from whychurn.panel.candidates import Candidate, resolve_candidate
from whychurn.panel.detected import with_detections, without_duplicates
from whychurn.sources import Detections, LedgerStep
from whychurn.study import FlatStudy


def flat_candidates(
    file: pd.DataFrame, study: FlatStudy, detections: Detections
) -> tuple[tuple[Candidate, ...], dict[str, pd.Series]]:
    """Resolve every declared cause against the file and against what the detectors found.

    Returns
    -------
    candidates : tuple of Candidate
        In the order of the study.
    values : dict of str to pandas.Series
        Each candidate's values, as models see them.
    """
    candidates, values = [], {}
    for cause in study.causes:
        candidate, values[cause.column] = resolve_candidate(cause, file[cause.column])
        candidates.append(with_detections(candidate, cause, detections))
    return tuple(without_duplicates(candidates, detections)), values


def flat_intervals(accounts: pd.DataFrame, study: FlatStudy) -> tuple[pd.DataFrame, LedgerStep]:
    """One row at risk over ``(0, tenure]`` per customer with any time at risk.

    Raises
    ------
    PanelError
        If no customer has a tenure above zero.
    """
    at_risk = accounts["duration"] > 0
    if not at_risk.any():
        raise PanelError(
            f"All {len(accounts):,} customers have tenure 0, so nobody was ever at risk of leaving. "
            f"Check which column holds tenure (now {study.columns.tenure!r})."
        )
    left_out = accounts.loc[~at_risk]
    rows = accounts.loc[at_risk].reset_index(drop=True)
    intervals = rows.drop(columns=["duration", "event"])
    intervals.insert(2, "start", 0.0)
    intervals.insert(3, "stop", rows["duration"])
    intervals.insert(4, "event", rows["event"])
    intervals.insert(5, "cause", rows["event"].map({1: "churn", 0: ""}))
    left = int(left_out["event"].sum())
    note = "They stay among the accounts, so crosstabs count them."
    step = LedgerStep(
        step="time at risk",
        table="intervals",
        rule=f"{len(left_out):,} customers with tenure 0 have no time at risk yet and are not in the intervals.",
        n_before=len(accounts),
        n_after=len(rows),
        n_affected=len(left_out),
        examples=tuple(left_out["account_id"].head(3)),
        note=f"{note} {left:,} of them left." if len(left_out) and left else note if len(left_out) else "",
    )
    return intervals, step
