"""How long do customers stay, and which groups leave sooner? Kaplan-Meier and log-rank per candidate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import OUTCOME, grouped_values
from whychurn.analyses.risk_rows import n_customers
from whychurn.findings import Findings
from whychurn.models import adjust_p_values, fit_kaplan_meier, logrank_test
from whychurn.panel import Panel
from whychurn.study import Study

EVERYONE = "Everyone"
#: A curve is recorded at every time of churn up to this many, else on an even grid.
MOST_TIMES = 120


def run(panel: Panel, study: Study) -> Findings:
    """Kaplan-Meier curves, at-risk counts, medians and log-rank tests for every candidate in use.

    Levels are shown as recorded; numbers are cut into quartile bands. P-values are adjusted over the
    candidates by Benjamini-Hochberg.
    """
    rows = panel.intervals.assign(everyone="all customers")
    times = curve_times(rows, study)
    out = [*curve_rows(rows, pd.Series("all customers", rows.index), ["all customers"], EVERYONE, times, study)]
    tests: list[dict[str, Any]] = []
    for candidate in panel.used:
        groups, order = grouped_values(candidate, rows)
        out += curve_rows(rows, groups, order, candidate.label, times, study)
        tests.append(logrank_row(rows, groups, candidate.label, len(panel.used)))
    adjusted = adjust_p_values([row.get("p_value", np.nan) for row in tests], method="bh")
    out += [{**row, "p_adjusted": p} for row, p in zip(tests, adjusted, strict=True)]
    return Findings.from_rows(out)


def curve_times(rows: pd.DataFrame, study: Study) -> np.ndarray:
    """Return the times at which curves are recorded: all times of churn, or an even grid if there are many."""
    events = np.unique(rows.loc[rows["event"] == 1, "stop"].to_numpy(dtype=float))
    last = float(rows["stop"].max())
    if len(events) > MOST_TIMES:
        events = np.linspace(0, last, MOST_TIMES + 1)[1:]
    return np.unique(np.concatenate([[0.0], events, [float(study.horizon)], risk_times(last)]))


def risk_times(last: float) -> np.ndarray:
    """Return six or so round times for the table of customers at risk."""
    for step in (1, 2, 3, 6, 12, 24, 30, 60, 90, 180, 365, 730):
        if last / step <= 7:
            return np.arange(0, last + step / 2, step, dtype=float)
    return np.linspace(0, last, 7)


def curve_rows(
    rows: pd.DataFrame,
    groups: pd.Series,
    order: list[str],
    term: str,
    times: np.ndarray,
    study: Study,
    analysis: str = "segments",
    since: float = 0.0,
    counted_at: Sequence[float] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the findings of one set of curves: survival, counts at risk, medians.

    Parameters
    ----------
    rows : pandas.DataFrame
        One per stay: ``account_id``, ``start``, ``stop``, ``event``.
    groups : pandas.Series
        Level of each row.
    order : list of str
        Levels as shown; each is followed past `since`.
    term : str
    times : numpy.ndarray
        At which curves are recorded.
    study : Study
    analysis : str
        For which the findings are.
    since : float
        Curves are those of customers still there then (0: of all).
    counted_at : sequence of float, optional
        Times among `times` at which customers are counted; six or so round ones by default.
    """
    frame = rows[["account_id", "start", "stop", "event"]].assign(group=groups.to_numpy())
    start = "start" if (frame["start"] > 0).any() else None
    fit = fit_kaplan_meier(
        frame,
        "stop",
        "event",
        start=start,
        group="group",
        conf_level=study.confidence_level,
        conditional_on=since or None,
    )
    last_time = frame.groupby("group")["stop"].max()
    size = frame.groupby("group").agg(n=("account_id", "nunique"), events=("event", "sum"))
    at_risk_times = risk_times(float(rows["stop"].max())) if counted_at is None else list(counted_at)
    medians = {str(row["group"]): row for row in fit.quantile(0.5).to_dict("records")}
    at = fit.at(times)
    for level in order:
        base = {
            "analysis": analysis,
            "outcome": OUTCOME,
            "method": "Kaplan-Meier",
            "term": term,
            "level": level,
            "n_accounts": int(size["n"][level]),
            "n_events": int(size["events"][level]),
            "declared": "in advance",
            "effect_kind": "unadjusted",
        }
        curve = at[(at["group"] == level) & (at["time"] >= since) & (at["time"] <= last_time[level])]
        for point in curve.itertuples():
            yield base | {
                "time": point.time,
                "estimand": "survival",
                "unit": "share",
                "estimate": point.survival,
                "std_error": point.std_error,
                "conf_low": point.conf_low,
                "conf_high": point.conf_high,
                "conf_level": study.confidence_level,
                "denominator": point.n_at_risk,
                "definition": "share still a customer after this tenure",
            }
        own = at[at["group"] == level]
        shown = own["time"].isin(at_risk_times)
        for name in ("n_at_risk", "n_events", "n_censored"):
            values = own[name] if name == "n_at_risk" else own[name].cumsum()
            for time, value in zip(own.loc[shown, "time"], values[shown], strict=True):
                yield base | {"time": time, "estimand": name, "unit": "customers", "estimate": value}
        yield base | median_row(medians[level], study)


def median_row(median: Mapping[Any, Any], study: Study) -> dict[str, Any]:
    """Return the median tenure of one curve; a median that is not reached is an empty estimate with a note."""
    reached = not np.isnan(median["time"])
    row = {
        "estimand": "median",
        "unit": study.time_unit,
        "estimate": median["time"],
        "conf_low": median["conf_low"],
        "conf_high": median["conf_high"],
        "conf_level": study.confidence_level,
        "definition": "tenure by which half have left",
    }
    return row if reached else row | {"note": "Not reached: more than half are still customers at the longest tenure."}


def logrank_row(rows: pd.DataFrame, groups: pd.Series, term: str, n_tests: int) -> dict[str, Any]:
    """Return the log-rank test of one candidate over its levels as recorded."""
    frame = rows[["start", "stop", "event"]].assign(group=groups.to_numpy())
    base = {
        "analysis": "segments",
        "outcome": OUTCOME,
        "method": "log-rank",
        "term": term,
        "estimand": "logrank",
        "n_accounts": n_customers(rows),
        "n_events": int(frame["event"].sum()),
        "declared": "in advance",
        "family": f"log-rank tests of {n_tests} candidates",
        "effect_kind": "unadjusted",
    }
    start = "start" if (frame["start"] > 0).any() else None
    test = logrank_test(frame, "stop", "event", "group", start=start)
    return base | {"statistic": test.statistic, "df": test.df, "p_value": test.p_value}
