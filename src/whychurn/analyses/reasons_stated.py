"""Reasons as they were given: how many, what left with them, what the company could have done, and when."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.share_differences import Share
from whychurn.errors import FitError
from whychurn.models import crosstab
from whychurn.panel import Panel
from whychurn.study import TableStudy

BASE: dict[str, Any] = {"analysis": "reasons", "outcome": OUTCOME, "method": "count", "declared": "in advance"}
MAPPED, UNMAPPED, ABSENT = "explained by the study", "not explained by the study", "none recorded"
CONTROLLABLE, NOT_CONTROLLABLE, NOT_SAID = "controllable", "not controllable", "not said"
#: So many reasons are listed one by one, and so many over time; rarer ones are counted together.
MOST_LISTED, MOST_OVER_TIME = 20, 6
OTHERS = "all others"
#: The window is looked at year by year, or half by half where it is shorter than this many days.
FEWEST_DAYS_FOR_YEARS = 730


def departures(panel: Panel) -> pd.DataFrame:
    """Return who left: ``account_id``, ``spell``, ``ended_on``, ``reason``, ``cause``, ``control``, ``kind``, ``mrr_lost``."""
    left = panel.tables["reasons"].copy()
    left["reason"] = left["reason"].fillna("").astype(str).str.strip()
    left["kind"] = MAPPED
    left.loc[left["cause"] == "unknown", "kind"] = UNMAPPED
    left.loc[left["reason"] == "", "kind"] = ABSENT
    control = left["controllable"].map({True: CONTROLLABLE, False: NOT_CONTROLLABLE})
    left["control"] = control.where(control.notna(), NOT_SAID).astype(str)
    return left.reset_index(drop=True)


def stated_rows(left: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield what was said, missing reasons first."""
    level = study.confidence_level
    for kind in (MAPPED, UNMAPPED, ABSENT):
        n = int((left["kind"] == kind).sum())
        yield _share(n, len(left), level) | {"estimand": "reasons_recorded", "term": "Departures", "level": kind}
    said = left[left["kind"] != ABSENT]
    amounts = float(said["mrr_lost"].sum())
    for reason, group in _listed(said):
        base = {"term": reason, "group": _only(group["cause"]), "grade": _only(group["control"])}
        yield (
            _share(len(group), len(said), level)
            | base
            | {
                "estimand": "stated_share",
                "definition": "departures for this reason per departure with a reason",
            }
        )
        yield _amount(group, amounts, study) | base | {"estimand": "amount_lost"}
        yield _part(group, amounts) | base | {"estimand": "amount_share"}
    yield from _controllable(left, study)
    yield from _over_time(said, study)


def _controllable(left: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Of all departures, and of all that left with them, what the study says the company could have changed."""
    total = float(left["mrr_lost"].sum())
    for control in (CONTROLLABLE, NOT_CONTROLLABLE, NOT_SAID):
        group = left[left["control"] == control]
        base = {"term": "Could the company have changed it?", "level": control}
        yield _share(len(group), len(left), study.confidence_level) | base | {"estimand": "controllable_share"}
        yield _amount(group, total, study) | base | {"estimand": "controllable_amount"}
        yield _part(group, total) | base | {"estimand": "controllable_amount_share"}


def _over_time(said: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Shares of reasons by calendar year or half-year, and one test of whether they changed."""
    ended = pd.to_datetime(said["ended_on"])
    period = ended.dt.year.astype(str)
    if study.window_days < FEWEST_DAYS_FOR_YEARS:
        period += " half " + ((ended.dt.month - 1) // 6 + 1).astype(str)
    counts = said["reason"].value_counts()
    most = sorted(counts.index, key=lambda reason: (-counts[reason], reason))[:MOST_OVER_TIME]
    frame = pd.DataFrame({"period": period, "reason": said["reason"].where(said["reason"].isin(most), OTHERS)})
    shown = [*most, OTHERS] if (frame["reason"] == OTHERS).any() else most
    for place, (name, group) in enumerate(frame.groupby("period", sort=True)):
        for reason in shown:
            n = int((group["reason"] == reason).sum())
            yield _share(n, len(group), study.confidence_level) | {
                "estimand": "period_share",
                "term": reason,
                "group": str(name),
                "time": float(place),
                "definition": "departures for this reason per departure with a reason, in the period",
            }
    yield BASE | {"estimand": "period_test", "term": "Reasons over time"} | _test(frame, study)


def _test(frame: pd.DataFrame, study: TableStudy) -> dict[str, Any]:
    if frame["period"].nunique() < 2 or frame["reason"].nunique() < 2:
        return {"note": "There is one period, or one reason, only."}
    try:
        found = crosstab(frame, "reason", "period", seed=study.seed)
    except FitError as problem:
        return {"note": str(problem)}
    simulated = bool(found.exact_method)
    return {
        "method": found.exact_method or "chi-square",
        "statistic": found.statistic,
        "df": found.df,
        "p_value": found.p_value_exact if simulated else found.p_value,
        "n_events": len(frame),
        "note": found.note,
    }


def _listed(said: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield reasons with their departures, the most frequent first; rarer ones together."""
    counts = said["reason"].value_counts()
    order = sorted(counts.index, key=lambda reason: (-counts[reason], reason))
    listed, rare = (order, []) if len(order) <= MOST_LISTED else (order[: MOST_LISTED - 1], order[MOST_LISTED - 1 :])
    for reason in listed:
        yield reason, said[said["reason"] == reason]
    if rare:
        yield f"{len(rare):,} rarer reasons", said[said["reason"].isin(rare)]


def _share(count: int, total: int, conf_level: float) -> dict[str, Any]:
    share = Share.of(count, total, conf_level)
    note = "" if total else "No departure has a reason."
    return BASE | share.row() | {"unit": "share", "conf_level": conf_level, "n_events": count, "note": note}


def _amount(group: pd.DataFrame, total: float, study: TableStudy) -> dict[str, Any]:
    unknown = int(group["mrr_lost"].isna().sum())
    return BASE | {
        "unit": study.currency,
        "estimate": math.nan if len(group) and unknown == len(group) else float(group["mrr_lost"].sum()),
        "denominator": total,
        "n_events": len(group),
        "definition": f"{study.amount_name} of the last day at risk, summed",
        "note": f"The amount of {unknown:,} is not known." if unknown else "",
    }


def _part(group: pd.DataFrame, total: float) -> dict[str, Any]:
    """Return what part of all that was lost, whose amount is known, left with a group."""
    lost = float(group["mrr_lost"].sum())
    row = BASE | {"unit": "share", "numerator": lost, "denominator": total, "n_events": len(group)}
    return row | ({"estimate": lost / total} if total > 0 else {"note": "No amount is known."})


def _only(values: pd.Series) -> str:
    distinct = values.unique()
    return str(distinct[0]) if len(distinct) == 1 else "several"
