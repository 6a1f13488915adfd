"""Curves by segment: how long customers stay, by which cause they leave, and tests that levels differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.industry_plan import FEWEST_AT_RISK, CurvePlan, year_end
from whychurn.analyses.industry_rows import Segment, smallness
from whychurn.analyses.rates import YEAR
from whychurn.analyses.risk_rows import VOLUNTARY
from whychurn.analyses.segments import curve_rows
from whychurn.models import (
    fit_aalen_johansen,
    restricted_mean,
)
from whychurn.study import TableStudy

ANALYSIS = "industry"
EVERYONE = "Everyone"
#: The causes of leaving, in the order shown; others that data may hold follow.
UNKNOWN = "unknown"
CAUSES = (VOLUNTARY, "involuntary", "bankruptcy", UNKNOWN)
#: Curves of the first segment and of the others are recorded at so many times.
TIMES_FIRST, TIMES_OTHER = 72, 48
INCIDENCE = "share who have left by this cause, causes competing (Aalen-Johansen)"


def causes_of(rows: pd.DataFrame) -> list[str]:
    """Return the causes by which customers left, in the order shown."""
    found = set(rows.loc[rows["event"] == 1, "cause"])
    return [cause for cause in CAUSES if cause in found] + sorted(found - set(CAUSES))


def outcome_of(cause: str) -> str:
    """Return the name of leaving by one cause alone."""
    return f"{cause} churn"


def staying_rows(
    spells: pd.DataFrame, groups: pd.Series, term: str, plan: CurvePlan, n_times: int, study: TableStudy
) -> list[dict[str, Any]]:
    """Return curves of staying by level, whatever the cause of leaving, with counts and medians."""
    shown = groups.isin(plan.levels).to_numpy()
    if not plan.levels:
        return []
    rows = curve_rows(
        spells[shown],
        groups[shown],
        list(plan.levels),
        term,
        _times(plan, n_times),
        study,
        ANALYSIS,
        plan.since,
        _counted_at(plan),
    )
    return [row | _begun(row, plan) | _median_known(row, plan) for row in rows]


def _median_known(row: dict[str, Any], plan: CurvePlan) -> dict[str, Any]:
    """Return what empties a median that only the thin end of a curve reaches."""
    if row["estimand"] != "median" or not row["estimate"] > plan.ends[row["level"]]:
        return {}
    note = f"Not reached while {FEWEST_AT_RISK} or more are at risk (to day {plan.ends[row['level']]:g})."
    return {"estimate": np.nan, "conf_low": np.nan, "conf_high": np.nan, "note": note}


def horizon_rows(term: str, plan: CurvePlan, study: TableStudy) -> list[dict[str, Any]]:
    """Return the lengths of stay at which levels are compared, in years where they are whole years."""
    out = []
    for horizon in plan.horizons:
        years = round(horizon / YEAR)
        whole = years > 0 and year_end(years) == horizon
        out.append(
            {
                "analysis": ANALYSIS,
                "outcome": OUTCOME,
                "term": term,
                "time": horizon,
                "estimand": "horizon",
                "estimate": years if whole else horizon,
                "unit": "years" if whole else study.time_unit,
                "definition": "length of stay at which levels are compared; a year ends with its anniversary",
            }
        )
    return out


def incidence_rows(
    spells: pd.DataFrame,
    groups: pd.Series,
    term: str,
    plan: CurvePlan,
    n_times: int,
    study: TableStudy,
) -> list[dict[str, Any]]:
    """Return the cumulative incidence of leaving by cause at the horizons, of voluntary leaving at more times."""
    causes = causes_of(spells)
    if not plan.levels or not causes:
        return []
    shown = groups.isin(plan.levels).to_numpy() & (spells["stop"] > plan.since).to_numpy()
    frame = spells[shown].assign(
        group=groups[shown].to_numpy(),
        start=spells.loc[shown, "start"].clip(lower=plan.since),
        cause=spells.loc[shown, "cause"].where(spells.loc[shown, "event"] == 1, ""),
    )
    if not (frame["event"] == 1).any():
        return []
    fit = fit_aalen_johansen(
        frame, "stop", "cause", censored="", start="start", group="group", conf_level=study.confidence_level
    )
    times = _times(plan, n_times) if n_times else np.array(plan.horizons)
    if not len(times):
        return []
    size = frame.groupby("group").agg(n=("account_id", "nunique"))["n"]
    out = []
    for point in fit.at(times).to_dict("records"):
        level, cause, time = str(point["group"]), str(point["cause"]), float(point["time"])
        at_horizon, thin = time in plan.horizons, time > plan.ends[level]
        if not at_horizon and (cause != VOLUNTARY or thin):
            continue
        row: dict[str, Any] = {
            "analysis": ANALYSIS,
            "outcome": outcome_of(cause),
            "method": "Aalen-Johansen",
            "term": term,
            "level": level,
            "time": time,
            "estimand": "incidence",
            "unit": "share",
            "effect_kind": "unadjusted",
            "declared": "in advance",
            "definition": INCIDENCE,
            "n_accounts": int(size[level]),
            "denominator": point["n_at_risk"],
        }
        if thin:
            out.append(row | {"note": "Too few at risk by then."})
            continue
        row["estimate"] = point["incidence"]
        row |= {name: point[name] for name in ("std_error", "conf_low", "conf_high")}
        row["conf_level"] = study.confidence_level
        out.append(row | _begun(row, plan))
    return out


def mean_rows(spells: pd.DataFrame, segment: Segment, plan: CurvePlan, study: TableStudy) -> list[dict[str, Any]]:
    """Return restricted mean stays at each horizon, and their differences from the reference."""
    groups = segment.groups
    out: list[dict[str, Any]] = []
    for horizon in plan.horizons:
        levels = plan.supported(horizon)
        reference = segment.candidate.reference
        if reference not in levels:
            reference = max(levels, key=lambda level: segment.counts[level][0])
        shown = groups.isin(levels).to_numpy()
        found = restricted_mean(
            spells[shown].assign(group=groups[shown].to_numpy()),
            "stop",
            "event",
            horizon,
            group="group",
            start="start",
            conf_level=study.confidence_level,
            reference=reference,
            conditional_on=plan.since or None,
        )
        base: dict[str, Any] = {
            "analysis": ANALYSIS,
            "outcome": OUTCOME,
            "method": "area under the Kaplan-Meier curve",
            "term": segment.label,
            "time": horizon,
            "unit": study.time_unit,
            "conf_level": study.confidence_level,
            "effect_kind": "unadjusted",
            "declared": "in advance",
        }
        for mean in found.means.to_dict("records"):
            row = base | {
                "level": mean["group"],
                "estimand": "restricted_mean",
                **{name: mean[name] for name in ("estimate", "std_error", "conf_low", "conf_high", "n_events", "note")},
                "n_accounts": segment.counts[str(mean["group"])][0],
                "definition": f"mean days as a customer between day {plan.since:g} and day {horizon:g}",
            }
            out.append(row | _begun(row, plan))
        for level in (level for level in segment.order if level not in levels):
            note = f"Too few at risk on day {horizon:g}, or no curve."
            out.append(base | {"level": level, "estimand": "restricted_mean", "note": note})
        for pair in found.differences.to_dict("records"):
            row = base | {
                "level": pair["group"],
                "estimand": "restricted_mean_difference",
                **{str(name): value for name, value in pair.items() if name != "group"},
                "family": f"restricted means of {segment.label} against {reference} at day {horizon:g} (Holm)",
                "definition": f"difference in mean days as a customer between day {plan.since:g} and day {horizon:g}",
            }
            out.append(row | _begun(row, plan))
    return out


def no_curve_rows(segment: Segment, plan: CurvePlan) -> list[dict[str, Any]]:
    """Return the levels without a curve, with why there is none."""
    return [
        {
            "analysis": ANALYSIS,
            "outcome": OUTCOME,
            "method": "Kaplan-Meier",
            "term": segment.label,
            "level": level,
            "estimand": "median",
            "effect_kind": "unadjusted",
            "n_accounts": segment.counts[level][0],
            "n_events": segment.counts[level][1],
            "declared": "in advance",
            "note": " ".join(part for part in (why, smallness(level, segment)) if part),
        }
        for level, why in plan.left_out.items()
    ]


def _times(plan: CurvePlan, n: int) -> np.ndarray:
    """Return an even grid over the days that curves cover, with the horizons and the days of counting."""
    grid = np.linspace(plan.since, plan.last, n + 1)
    return np.unique(np.concatenate([np.round(grid), [plan.since], plan.horizons, _counted_at(plan)]))


def _counted_at(plan: CurvePlan) -> list[float]:
    """Return the days at which customers are counted: at the beginning, and at the end of every year or quarter."""
    last = plan.last
    years = [year_end(years) for years in range(1, int(last // 365) + 1)]
    marks = years if len(years) > 1 else list(np.arange(90.0, last, 90.0))
    return [plan.since, *[mark for mark in marks if plan.since < mark <= last]]


def _begun(row: dict[str, Any], plan: CurvePlan) -> dict[str, str]:
    """Return the note of a curve that does not begin with the stay."""
    if not plan.since:
        return {}
    note = f"Of customers still there on day {plan.since:g}: before that, fewer than ten of some group were under observation."
    return {"note": " ".join(part for part in (str(row.get("note", "")), note) if part)}
