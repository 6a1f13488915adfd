"""Tests by segment: do its levels leave alike, all together and two by two?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.industry_curves import ANALYSIS, outcome_of
from whychurn.analyses.industry_rows import Segment
from whychurn.analyses.risk_rows import VOLUNTARY, n_customers, of_cause
from whychurn.errors import FitError
from whychurn.models import adjust_p_values, gray_test, logrank_test, pairwise_logrank


def outcomes_of(causes: Sequence[str]) -> list[str]:
    """Return the outcomes compared: leaving by any cause, and by voluntary decision where others compete with it."""
    return [OUTCOME, *([outcome_of(VOLUNTARY)] if VOLUNTARY in causes and len(causes) > 1 else [])]


def difference_rows(spells: pd.DataFrame, segments: Sequence[Segment], causes: Sequence[str]) -> list[dict[str, Any]]:
    """Return one test per segment that its levels differ, for all leaving and for voluntary leaving.

    Gray's test has no form for late entry; where customers enter late, voluntary leaving is compared by the log-rank
    test of its hazards, other departures censored. P-values are adjusted over segments by Benjamini-Hochberg.
    """
    out = []
    for outcome in outcomes_of(causes):
        tests = [_test(spells, segment, outcome) for segment in segments]
        adjusted = adjust_p_values([row.get("p_value", np.nan) for row in tests], method="bh")
        family = f"{len(tests)} segments, {outcome} (Benjamini-Hochberg)"
        out += [row | {"p_adjusted": p, "family": family} for row, p in zip(tests, adjusted, strict=True)]
    return out


def _test(spells: pd.DataFrame, segment: Segment, outcome: str) -> dict[str, Any]:
    gray = outcome != OUTCOME and not (spells["start"] > 0).any()
    alone = outcome != OUTCOME and not gray
    frame = (of_cause(spells, VOLUNTARY) if alone else spells).assign(group=segment.pooled_groups.to_numpy())
    row: dict[str, Any] = {
        "analysis": ANALYSIS,
        "outcome": outcome,
        "method": "Gray's test" if gray else "log-rank, other departures censored" if alone else "log-rank",
        "term": segment.label,
        "estimand": "levels_differ",
        "n_accounts": n_customers(spells),
        "n_events": int(frame["event"].sum()),
        "effect_kind": "unadjusted",
        "declared": "in advance",
        "definition": "test that all levels leave alike; small levels count together",
    }
    try:
        if gray:
            frame = frame.assign(cause=frame["cause"].where(frame["event"] == 1, ""))
            table = gray_test(frame, "stop", "cause", "group", censored="").tests.set_index("cause").loc[VOLUNTARY]
            return row | {"statistic": table["statistic"], "df": table["df"], "p_value": table["p_value"]}
        test = logrank_test(frame, "stop", "event", "group", start="start")
    except FitError as problem:
        return row | {"note": f"Not tested: {problem}"}
    return row | {"statistic": test.statistic, "df": test.df, "p_value": test.p_value}


def pair_difference_rows(spells: pd.DataFrame, segment: Segment, causes: Sequence[str]) -> list[dict[str, Any]]:
    """Return the log-rank test of every pair of levels, by Holm's adjustment, for all and for voluntary leaving."""
    out = []
    groups = segment.pooled_groups
    for outcome in outcomes_of(causes):
        frame = (spells if outcome == OUTCOME else of_cause(spells, VOLUNTARY)).assign(group=groups.to_numpy())
        try:
            table = pairwise_logrank(frame, "stop", "event", "group", start="start").table
        except FitError:
            continue
        known = int(table["p_value"].notna().sum())
        out += [
            {
                "analysis": ANALYSIS,
                "outcome": outcome,
                "method": "log-rank" + ("" if outcome == OUTCOME else ", other departures censored"),
                "term": segment.label,
                "level": pair.group,
                "reference": pair.reference,
                "estimand": "pair_differs",
                "statistic": pair.statistic,
                "df": pair.df,
                "p_value": pair.p_value,
                "p_adjusted": pair.p_adjusted,
                "family": f"{known} pairs of {segment.label}, {outcome} (Holm)",
                "effect_kind": "unadjusted",
                "declared": "found",
            }
            for pair in table.itertuples()
        ]
    return out
