"""Leaving after an answer, by what the answer was: cumulative incidence, numbers at risk, tests, mean days stayed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.answers import BANDS, DETRACTOR, PROMOTER
from whychurn.analyses.common import OUTCOME
from whychurn.analyses.nps_churn.base import ANALYSIS, BASE, EVERY, FEWEST_AT_RISK, FIRST, VOLUNTARY_CHURN
from whychurn.analyses.risk_rows import VOLUNTARY
from whychurn.errors import FitError
from whychurn.models import fit_aalen_johansen, gray_test, logrank_test, restricted_mean

#: Days after the answer at which leaving is told.
HORIZONS = (90.0, 180.0, 365.0)
#: Curves are drawn up to so many days, and customers counted at these.
LONGEST, COUNTED = 730.0, (0.0, 90.0, 180.0, 270.0, 365.0, 545.0, 730.0)
_POINTS = 73
INCIDENCE = "share who had left by this day after the answer, other causes of leaving competing (Aalen-Johansen)"
_ONLY = "share who had left by this day after the answer (one less Kaplan-Meier: nothing competes)"


def curve_rows(first: pd.DataFrame, every: pd.DataFrame, outcome: str, conf_level: float) -> list[dict[str, Any]]:
    """Return curves, horizons, tests and means of leaving after an answer, by band.

    Parameters
    ----------
    first, every : pandas.DataFrame
        See :mod:`whychurn.analyses.nps_churn.follow_up`.
    outcome : str
        What the curves are about.
    conf_level : float
    """
    if not len(first) or not first["event"].any():
        note = "Nobody who had answered left afterwards." if len(first) else "There are no answers to follow."
        return [_base(FIRST, outcome) | {"estimand": "incidence", "note": note}]
    last = _last_day(first)
    marks = [mark for mark in COUNTED if mark <= last]
    times = np.unique(np.concatenate([np.linspace(0.0, last, _POINTS).round(), marks, HORIZONS]))
    out = _incidence_rows(first, FIRST, times, outcome, conf_level)
    out += _at_risk_rows(first, marks, outcome)
    out += _incidence_rows(every, EVERY, np.array(HORIZONS), outcome, conf_level)
    return out + _test_rows(first, outcome) + _mean_rows(first, conf_level)


def _base(term: str, outcome: str) -> dict[str, Any]:
    return BASE | {"outcome": outcome, "term": term, "effect_kind": "unadjusted"}


def _last_day(first: pd.DataFrame) -> float:
    """Return how far curves go: while two bands have enough customers at risk, or the only one has."""
    ends = []
    for _, times in first.groupby("band")["time"]:
        longest = np.sort(times.to_numpy())[::-1]
        ends.append(longest[min(FEWEST_AT_RISK, len(longest)) - 1])
    ends = sorted(ends, reverse=True)
    return float(max(min(ends[min(1, len(ends) - 1)], LONGEST), 1.0))


def _sizes(frame: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Return customers and departures of each band."""
    by = frame.groupby("band").agg(n=("account_id", "nunique"), events=("event", "sum"))
    return {str(band): (int(row.n), int(row.events)) for band, row in by.iterrows()}


def _incidence_rows(
    frame: pd.DataFrame, term: str, times: np.ndarray, outcome: str, conf_level: float
) -> list[dict[str, Any]]:
    """Return the share that left, of all causes at the horizons and of the outcome at every time."""
    if not frame["event"].any():
        return []
    known = frame.assign(end=frame["cause"].where(frame["cause"] != "", "unknown").where(frame["event"] == 1, ""))
    if outcome == OUTCOME:
        known["end"] = np.where(known["event"] == 1, OUTCOME, "")
    going_on = "" if (known["end"] == "").any() else None
    fit = fit_aalen_johansen(known, "time", "end", censored=going_on, group="band", conf_level=conf_level)
    sizes = _sizes(frame)
    out = []
    for point in fit.at(times).to_dict("records"):
        band, time = str(point["group"]), float(point["time"])
        name = OUTCOME if outcome == OUTCOME else f"{point['cause']} churn"
        if name != outcome and time not in HORIZONS:
            continue
        row = _base(term, name) | {
            "method": "Aalen-Johansen" if outcome != OUTCOME else "Kaplan-Meier",
            "level": band, "time": time, "estimand": "incidence", "unit": "share",
            "n_accounts": sizes[band][0], "n_events": sizes[band][1], "denominator": float(point["n_at_risk"]),
            "definition": INCIDENCE if outcome != OUTCOME else _ONLY,
        }  # fmt: skip
        if not point["n_at_risk"] >= FEWEST_AT_RISK:
            if time in HORIZONS:
                out.append(row | {"note": f"Fewer than {FEWEST_AT_RISK} were still followed by then."})
            continue
        row |= {"estimate": point["incidence"], "std_error": point["std_error"], "std_error_scale": "identity"}
        if point["incidence"] > 0 or time == 0:
            row |= {"conf_low": point["conf_low"], "conf_high": point["conf_high"], "conf_level": conf_level}
        else:
            row["note"] = "Nobody had left so by then, so there is no interval."
        out.append(row)
    return out


def _at_risk_rows(first: pd.DataFrame, marks: list[float], outcome: str) -> list[dict[str, Any]]:
    out = []
    for band in BANDS:
        times = first.loc[first["band"] == band, "time"].to_numpy()
        if len(times):
            out += [
                _base(FIRST, outcome)
                | {"level": band, "time": mark, "estimand": "n_at_risk", "estimate": float((times >= mark).sum())}
                for mark in marks
            ]
    return out


def _test_rows(first: pd.DataFrame, outcome: str) -> list[dict[str, Any]]:
    """Return the log-rank test of leaving, its trend from promoters to detractors, and Gray's test of the incidence."""
    own = (first["event"] == 1) & ((first["cause"] == VOLUNTARY) if outcome == VOLUNTARY_CHURN else True)
    present = [band for band in BANDS[::-1] if (first["band"] == band).any()]
    base = _base(FIRST, outcome) | {"n_accounts": int(first["account_id"].nunique()), "n_events": int(own.sum())}
    kinds = {"logrank": "log-rank test", "logrank_trend": "log-rank test for trend"}
    if outcome == VOLUNTARY_CHURN:
        kinds["gray"] = "Gray's test"
    if len(present) < 2 or not own.any():
        note = "Only one group answered." if len(present) < 2 else "Nobody left so after an answer."
        return [base | {"method": name, "estimand": kind, "note": note} for kind, name in kinds.items()]
    frame = first.assign(own=own.astype(int), group=pd.Categorical(first["band"], present))
    test = logrank_test(frame, "time", "own", "group")
    trend = test.trend()
    out = [
        base | {"method": kinds["logrank"], "estimand": "logrank", "definition": "do the hazards of the groups differ"}
        | _tested(test.statistic, test.df, test.p_value),
        base | {"method": kinds["logrank_trend"], "estimand": "logrank_trend"}
        | {"definition": "does the hazard rise from promoters over passives to detractors (estimate: z, above 0 if so)"}
        | _tested(trend.statistic, 1, trend.p_value)
        | ({"estimate": trend.z} if math.isfinite(trend.z) else {}),
    ]  # fmt: skip
    if "gray" in kinds:
        kind = np.where(own, "own", np.where(first["event"] == 1, "other", ""))
        going_on = "" if (kind == "").any() else None
        tests = gray_test(frame.assign(kind=kind), "time", "kind", "group", censored=going_on).tests
        found = tests[tests["cause"] == "own"].iloc[0]
        row = base | {"method": kinds["gray"], "estimand": "gray", "definition": "do the cumulative incidences differ"}
        out.append(row | _tested(found["statistic"], found["df"], found["p_value"]))
    return out


def _tested(statistic: float, df: float, p_value: float) -> dict[str, float]:
    return {"statistic": float(statistic), "df": float(df), "p_value": float(p_value)} if df else {}


def _mean_rows(first: pd.DataFrame, conf_level: float) -> list[dict[str, Any]]:
    """Return mean days stayed within the longest horizon that all groups were followed to, whatever the cause of leaving."""
    base = _base(FIRST, OUTCOME) | {"method": "area under the Kaplan-Meier curve", "unit": "days"}
    enough = first.groupby("band")["time"].agg(lambda times: np.sort(times)[-min(FEWEST_AT_RISK, len(times))])
    horizon = next((mark for mark in HORIZONS[::-1] if (enough >= mark).all()), None)
    if horizon is None:
        note = f"Not every group was followed for {HORIZONS[0]:g} days."
        return [base | {"estimand": "restricted_mean_difference", "level": DETRACTOR, "note": note}]
    reference = PROMOTER if (first["band"] == PROMOTER).any() else str(first["band"].mode()[0])
    try:
        found = restricted_mean(
            first, "time", "event", horizon, group="band", conf_level=conf_level, reference=reference
        )
    except FitError as problem:
        return [base | {"estimand": "restricted_mean_difference", "level": DETRACTOR, "note": str(problem)}]
    sizes = _sizes(first)
    definition = f"mean days as a customer in the {horizon:g} days after the first answer"
    base |= {"time": horizon, "conf_level": conf_level, "definition": definition, "analysis": ANALYSIS}
    out = []
    for mean in found.means.to_dict("records"):
        row = base | {"level": mean["group"], "estimand": "restricted_mean", "note": mean["note"]}
        row |= {name: mean[name] for name in ("estimate", "std_error", "conf_low", "conf_high")}
        out.append(row | {"n_accounts": sizes[mean["group"]][0], "n_events": int(mean["n_events"])})
    for pair in found.differences.to_dict("records"):
        row = base | {"level": pair["group"], "estimand": "restricted_mean_difference"}
        row |= {str(name): value for name, value in pair.items() if name != "group"}
        out.append(row | {"family": f"mean days against {reference} at day {horizon:g} (Holm)"})
    return out
