"""Do those who answer stay longer? From a landmark on, at which everybody is known to have answered or not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.answer_terms import CodedTerms, fit_what_can_be
from whychurn.analyses.nps_response.covariates import ANSWERS_PER_COLUMN, Known
from whychurn.analyses.nps_response.invitations import Invitations
from whychurn.errors import FitError
from whychurn.models import fit_cox, fit_kaplan_meier
from whychurn.models.wald import normal_quantile
from whychurn.study import TableStudy

BASE: dict[str, Any] = {"analysis": "nps_response", "outcome": "churn", "declared": "in advance"}
ANSWERED, NOT = "answered", "did not answer"
#: Followed for so many horizons from the landmark on, and a curve has so many points.
HORIZONS, POINTS = 2, 31
_WITHOUT = CodedTerms(pd.DataFrame(), (), ())


def leaving_rows(sent: Invitations, known: Known, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield curves of staying, shares that left within the horizon, and hazard ratios."""
    frame, place = from_landmark(sent, study)
    for name in (ANSWERED, NOT):
        part = frame[frame["group"] == name]
        yield BASE | {
            "estimand": "at_landmark", "level": name, "method": "count", "unit": "invitations",
            "estimate": float(len(part)), "denominator": float(len(frame)), "n_events": int(part["left"].sum()),
            "n_accounts": int(part["account_id"].nunique()), "definition": _definition(sent.days_to_answer),
        }  # fmt: skip
    yield from _curves(frame, study, sent.days_to_answer)
    coded = CodedTerms(known.coded.frame.iloc[place].reset_index(drop=True), known.coded.terms, ())
    few = max(int(frame["left"].sum()) // ANSWERS_PER_COLUMN, 1)
    for kind, terms in (("unadjusted", _WITHOUT), ("adjusted", coded.within(few))):
        yield _ratio(frame, terms, kind, study, sent.days_to_answer)


def from_landmark(sent: Invitations, study: TableStudy) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the invitations of those still there when the usual time to answer was over, followed from then on.

    Returns
    -------
    frame : pandas.DataFrame
        ``account_id``, ``cluster``, ``group``, ``gave`` (1 for answered), ``days`` followed, ``left``.
    place : numpy.ndarray
        Their places among the invitations.
    """
    rows = sent.frame
    landmark = rows["day"] + pd.Timedelta(days=sent.days_to_answer)
    after = (rows["ends_on"] - landmark).dt.days
    place = np.flatnonzero((after > 0).to_numpy())
    most = HORIZONS * float(study.horizon)
    kept = rows.iloc[place].reset_index(drop=True)
    days = after.to_numpy(dtype=float)[place]
    frame = pd.DataFrame({
        "account_id": kept["account_id"],
        "cluster": kept["cluster"],
        "gave": kept["answered"],
        "group": np.where(kept["answered"] == 1, ANSWERED, NOT),
        "days": np.minimum(days, most),
        "left": ((kept["event"] == 1).to_numpy() & (days <= most)).astype(int),
    })  # fmt: skip
    return frame, place


def _definition(days: int) -> str:
    return (
        f"customers still there {days} days after the invitation, by whether they had answered by then; leaving counts "
        "from that day on"
    )


def _curves(frame: pd.DataFrame, study: TableStudy, days: int) -> Iterator[dict[str, Any]]:
    horizon = float(study.horizon)
    if not len(frame):
        return
    try:
        fit = fit_kaplan_meier(
            frame, "days", "left", group="group", conf_level=study.confidence_level, cluster="cluster"
        )
    except FitError as problem:
        yield BASE | {"estimand": "left_within", "method": "Kaplan-Meier", "note": str(problem)}
        return
    grid = np.unique(np.append(np.linspace(0, HORIZONS * horizon, POINTS).round(), horizon))
    events = frame[frame["days"] <= horizon].groupby("group")["left"].sum()
    listed: list[Any] = list(fit.at(grid).itertuples())
    for row in listed:
        if math.isnan(row.survival):
            continue
        made = BASE | {
            "level": row.group, "method": "Kaplan-Meier", "time": float(row.time), "conf_level": study.confidence_level,
            "denominator": float(row.n_at_risk), "definition": _definition(days),
        }  # fmt: skip
        limits = _limits(1.0 - row.survival, 1.0 - row.conf_high, 1.0 - row.conf_low)
        yield made | {"estimand": "left_by", "unit": "share"} | limits
        if row.time == horizon:
            n_events = int(events.get(row.group, 0))
            yield made | {"estimand": "left_within", "unit": "share", "n_events": n_events} | limits


def _limits(estimate: float, low: float, high: float) -> dict[str, float]:
    known = not (math.isnan(low) or math.isnan(high))
    return {"estimate": estimate} | (
        {"conf_low": min(low, estimate), "conf_high": max(high, estimate)} if known else {}
    )


def _ratio(frame: pd.DataFrame, coded: CodedTerms, kind: str, study: TableStudy, days: int) -> dict[str, Any]:
    rows = frame.join(coded.frame) if coded.terms else frame
    row = BASE | {
        "estimand": "hazard_ratio", "method": "Cox", "level": ANSWERED, "reference": NOT, "unit": "ratio",
        "effect_kind": kind, "conf_level": study.confidence_level, "n_events": int(frame["left"].sum()),
        "n_accounts": int(frame["account_id"].nunique()), "definition": _definition(days),
    }  # fmt: skip
    if frame["left"].sum() == 0 or frame["gave"].nunique() < 2 or frame["cluster"].nunique() < 2:
        return row | {"note": "Nobody left, or all answered, or nobody: there is nothing to compare."}
    fit, left, note = fit_what_can_be(
        lambda names: fit_cox(rows, ["gave", *names], time="days", event="left", cluster="cluster"), coded
    )
    row |= {"adjusted_for": ", ".join(term.label for term in left.terms)}
    if fit is None:
        return row | {"note": note}
    own = fit.tidy(study.confidence_level).iloc[0]
    z = normal_quantile(study.confidence_level)
    log, error = float(own["estimate"]), float(own["std_error"])
    return row | {
        "estimate": math.exp(log), "std_error": error, "std_error_scale": "log", "conf_low": math.exp(log - z * error),
        "conf_high": math.exp(log + z * error), "statistic": log / error, "df": 1, "p_value": float(own["p_value"]),
    }  # fmt: skip
