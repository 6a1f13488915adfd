"""Satisfaction with support: ratings of tickets that count, over time and by group."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.answers import (
    AFTER_CHURN,
    AFTER_WINDOW,
    BEFORE_START,
    BEFORE_WINDOW,
    NOT_AT_RISK,
    kept_by,
)
from whychurn.analyses.nps.groups import Grouping
from whychurn.analyses.nps.periods import periods_of
from whychurn.analyses.nps.scores import FEWEST_TESTED, KIND, NOT_TESTED, SAME_TEST, adjusted, tests_twice
from whychurn.analyses.risk_rows import owned
from whychurn.models.grouped_means import GroupedMeans, grouped_means
from whychurn.panel import Panel
from whychurn.study import TableStudy

BASE: dict[str, Any] = {
    "analysis": "nps", "outcome": "satisfaction with support", "effect_kind": "unadjusted", "declared": "in advance",
}  # fmt: skip
LOW, HIGH, SATISFIED = 1, 5, 4
OFF_SCALE = "rating is no whole number from 1 to 5"
NO_RATING_DAY = "day of the rating not known"
NO_TICKETS, NOT_RATED = "The study has no tickets.", "No ticket was rated."
OTHER_SCALE = "Ratings are on another scale than 1 to 5, so that there is no share of satisfied ones."
NONE_COUNTS = "No rating counts."
#: Above this share of ratings off the scale, it is another scale.
MOST_OFF = 0.05
SHARE = "ratings of 4 or 5 / ratings"


@dataclass(frozen=True)
class Ratings:
    """Ratings that count (one row per rated ticket), why others do not, how many were given, and why there is none."""

    frame: pd.DataFrame
    excluded: tuple[tuple[str, int], ...]
    n_rated: int
    note: str = ""


def valid_ratings(panel: Panel, study: TableStudy) -> Ratings:
    """Return the ratings that count: on the scale, given in the window, while the account was a customer.

    A rating is placed by the day it was given, or by the closing of its ticket where that day is not recorded.
    """
    if "tickets" not in study.tables:
        return Ratings(pd.DataFrame(), (), 0, NO_TICKETS)
    tickets = panel.tables["tickets"]
    rated = tickets[tickets["csat"].notna()]
    if rated.empty:
        return Ratings(pd.DataFrame(), (), 0, NOT_RATED)
    csat = rated["csat"].to_numpy(dtype=float)
    off = (csat < LOW) | (csat > HIGH) | (csat != np.floor(csat))
    if off.mean() > MOST_OFF:
        return Ratings(pd.DataFrame(), ((OFF_SCALE, int(off.sum())),), len(rated), OTHER_SCALE)
    given = rated["csat_at"].where(rated["csat_at"].notna(), rated["closed_at"])
    frame = pd.DataFrame({"account_id": rated["account_id"], "csat": csat, "day": given.dt.normalize()}, rated.index)
    placed = placed_in_spells(panel, frame)
    day, missing = placed["day"], placed["day"].isna()
    begin, end = pd.Timestamp(study.observed_from), pd.Timestamp(study.observed_to)
    tests = (
        (OFF_SCALE, pd.Series(off, rated.index)),
        (NO_RATING_DAY, missing),
        (BEFORE_WINDOW, day < begin),
        (AFTER_WINDOW, day >= end),
        (BEFORE_START, placed["spell"].isna()),
        (AFTER_CHURN, day >= placed["ended_on"]),
        (NOT_AT_RISK, ~((day >= placed["entered_on"]) & (day < placed["followed_to"]))),
    )
    counts, excluded = kept_by(tests, len(placed))
    kept = placed.loc[counts].sort_values(["account_id", "day"], kind="stable").reset_index(drop=True)
    kept["days_since_start"] = (kept["day"] - kept["started_on"]).dt.days
    kept["spell"] = kept["spell"].astype(np.int64)
    kept["cluster"] = owned(panel, kept["account_id"])
    kept["satisfied"] = (kept["csat"] >= SATISFIED).astype(float)
    columns = ["account_id", "cluster", "spell", "day", "days_since_start", "csat", "satisfied"]
    return Ratings(kept[columns], tuple(excluded), len(rated), "" if len(kept) else NONE_COUNTS)


def placed_in_spells(panel: Panel, frame: pd.DataFrame) -> pd.DataFrame:
    """Return records (``account_id``, ``day``) with the spell at risk that began last by that day, in the same order."""
    columns = ["account_id", "spell", "started_on", "entered_on", "ended_on", "followed_to"]
    spells = panel.accounts[columns].sort_values("started_on", kind="stable")
    dated = frame.assign(place=np.arange(len(frame)))[frame["day"].notna()].sort_values("day", kind="stable")
    unit = spells["started_on"].dtype
    found = pd.merge_asof(
        dated.astype({"day": unit}), spells, left_on="day", right_on="started_on", by="account_id", direction="backward"
    )
    out = found.set_index("place").reindex(np.arange(len(frame)))
    return out.set_axis(frame.index)


def rating_rows(frame: pd.DataFrame, groupings: Sequence[Grouping], study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield share of satisfied ratings and mean rating: of all, by period, by segment; each segment against the rest."""
    yield from _rows(frame, None, ("all",), study, {"term": "All ratings"})[1]
    periods = periods_of(frame["day"], frame["account_id"])
    dated = frame.assign(period=periods.values)
    yield from _rows(dated, "period", periods.labels, study, {"term": f"By {periods.unit}", "group": "period"})[1]
    tests: list[dict[str, Any]] = []
    for grouping in groupings:
        if len(grouping.levels) < 2:
            continue
        base = {"term": grouping.label, "group": KIND[grouping.segment]}
        shares, rows = _rows(frame, grouping.column, grouping.levels, study, base)
        yield from rows
        counts = shares.table.set_index("group")["n"]
        rest = shares.against_rest.set_index("group").to_dict("index")
        for level in grouping.levels:
            enough = min(counts[level], len(frame) - counts[level]) >= FEWEST_TESTED
            why = "" if enough else NOT_TESTED.replace("answers", "ratings")
            why = SAME_TEST if tests_twice(grouping, level) else why
            tests.append(_against_rest(rest[level], why, study) | base | {"level": level})
    yield from adjusted(tests, "satisfaction of {n} groups, each against all others")


def _rows(
    frame: pd.DataFrame, by: str | None, levels: Sequence[str], study: TableStudy, base: dict[str, Any]
) -> tuple[GroupedMeans, list[dict[str, Any]]]:
    """Return the shares, and the findings of share and mean of every level."""
    conf_level = study.confidence_level
    shares = grouped_means(frame, "satisfied", by, "cluster", share=True, conf_level=conf_level)
    means = grouped_means(frame, "csat", by, "cluster", conf_level=conf_level)
    accounts = frame.groupby(by)["account_id"].nunique() if by else {"all": frame["account_id"].nunique()}
    tables = (
        (
            "csat_share",
            shares.table.set_index("group"),
            "Wilson, effective number of ratings by account",
            "share",
            SHARE,
        ),
        ("csat_mean", means.table.set_index("group"), "mean, variance by account", "1 to 5", "mean rating"),
    )
    rows: list[dict[str, Any]] = []
    for estimand, table, method, unit, definition in tables:
        for place, level in enumerate(levels):
            row = BASE | base | {"method": method, "estimand": estimand, "unit": unit, "definition": definition}
            row |= {"level": level} | ({"time": float(place)} if base.get("group") == "period" else {})
            if level not in table.index:
                rows.append(row | {"denominator": 0, "note": "no rating"})
                continue
            found = table.loc[level]
            row |= {name: found[name] for name in ("estimate", "std_error", "conf_low", "conf_high", "note")}
            rows.append(
                row
                | {
                    "numerator": round(found["estimate"] * found["n"]),
                    "denominator": found["n"],
                    "n_accounts": int(accounts[level]),
                    "conf_level": conf_level,
                }
            )
    return shares, rows


def _against_rest(row: Mapping[Any, Any], untested: str, study: TableStudy) -> dict[str, Any]:
    fixed = BASE | {
        "method": "difference of shares, variance by account",
        "estimand": "csat_against_rest",
        "reference": "all others",
        "unit": "share",
    }
    if untested or math.isnan(row["statistic"]):
        return fixed | {"note": untested or row["note"]}
    names = ("estimate", "std_error", "conf_low", "conf_high", "statistic", "p_value")
    return fixed | {name: row[name] for name in names} | {"conf_level": study.confidence_level, "df": 1}
