"""A month's rate as a year's, the year as it was, and the chance that a new customer leaves within a year."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.metrics.base import (
    BASE,
    LAST,
    MONTH,
    SHARE,
    cells_of,
    customer_sums,
    last_year,
    lost_by,
    owned_sums,
    share_of_customers,
    sums,
    there_before,
    years_since,
)
from whychurn.analyses.metrics.intervals import Sums
from whychurn.analyses.risk_rows import CLUSTER, owned
from whychurn.analyses.share_differences import Share, difference
from whychurn.errors import FitError
from whychurn.models import fit_kaplan_meier
from whychurn.panel import Panel
from whychurn.study import TableStudy

MONTHS, DAYS = 12, 365.0
YOUNG, OLD = "in their first year", "longer than a year"
NOBODY_THERE = "Nobody was a customer for so long when the twelve months began."
TOO_SHORT = "Nobody has been followed through the first year."


def conversion_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the pooled monthly rate, what it comes to in a year, the survival curve's answer, and who is in their first year."""
    months = sums(panel, MONTH)
    months = months[months["whole"]].tail(MONTHS)
    # Who left in one month is not there to leave in the next, so months add up as if they were independent.
    pooled = sum((customer_sums(cell) for cell in cells_of(months)), Sums(0, 0, 0, 0, 0, 0))
    lost, opening, rate = pooled.part, pooled.whole, share_of_customers(pooled, study.confidence_level)
    base = BASE | {"method": MONTH, "unit": SHARE, "conf_level": study.confidence_level, "n_events": lost}
    base |= {"term": f"{len(months)} months"}
    words = "sum of customers lost in each of the last twelve whole months, per sum of the customers each opened with"
    nothing = {} if opening else {"note": "No whole month has customers."}
    yield base | {"estimand": "monthly_churn", "definition": words} | rate | nothing
    yearly: dict[str, Any] = {}
    if opening:
        yearly = {
            name: year_of(rate[name]) for name in ("estimate", "conf_low", "conf_high") if name in rate
        }  # fmt: skip
    words = "a conversion, not an observation: 1 - (1 - monthly rate)^12, as if everybody faced the same rate in every month"
    yield base | {"estimand": "converted_churn", "definition": words} | yearly | nothing
    yield _first_year(panel, study)
    yield from _new_customers(panel, study)


def year_of(monthly: float) -> float:
    """Return the yearly rate that a monthly one comes to if it stays the same.

    Examples
    --------
    >>> round(year_of(0.02), 4)
    0.2153
    """
    return 1 - (1 - monthly) ** MONTHS


def _first_year(panel: Panel, study: TableStudy) -> dict[str, Any]:
    """Return 1 - S(365): Kaplan-Meier over all stays, those from before the window entering late."""
    stays = panel.accounts
    row = BASE | {
        "estimand": "first_year_churn", "method": "Kaplan-Meier", "term": "new customers", "time": DAYS, "unit": SHARE,
        "definition": "1 - S(365 days): chance that a new customer has left within a year, at the rates of the whole window",
        "n_accounts": int(stays["account_id"].nunique()), "n_events": int(stays["event"].sum()),
        "conf_level": study.confidence_level,
    }  # fmt: skip
    frame = pd.DataFrame({"start": stays["entry"].clip(lower=0.0), "stop": stays["duration"], "event": stays["event"]})
    frame[CLUSTER] = pd.factorize(owned(panel, stays["account_id"]))[0]
    frame = frame[frame["stop"] > frame["start"]].astype(float)
    if frame.empty or not ((frame["start"] < DAYS) & (frame["stop"] > DAYS)).any():
        return row | {"note": TOO_SHORT}
    try:
        fit = fit_kaplan_meier(
            frame, "stop", "event", start="start", conf_level=study.confidence_level, cluster=_cluster(frame)
        )
        point = fit.at([DAYS]).iloc[0]
    except FitError as problem:
        return row | {"note": str(problem)}
    values = {name: float(point[name]) for name in ("survival", "conf_low", "conf_high")}
    if pd.isna(values["survival"]):
        return row | {"note": TOO_SHORT}
    out = row | {"estimate": 1 - values["survival"]}
    if not (pd.isna(values["conf_low"]) or pd.isna(values["conf_high"])):
        out |= {"conf_low": 1 - values["conf_high"], "conf_high": 1 - values["conf_low"]}
    return out


def _cluster(frame: pd.DataFrame) -> str | None:
    """Return what stays are clustered by: nothing where each is of another owner."""
    return CLUSTER if frame[CLUSTER].duplicated().any() else None


def _new_customers(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield who of the opening customers was in the first year, how many of them and of the others left, and who came and went."""
    cell = last_year(panel)
    stays, day = panel.accounts, pd.Timestamp(cell.starts_on)
    there = stays[there_before(stays, day)]
    young = (years_since(there, day) < 1).to_numpy()
    lost = lost_by(stays, there, pd.Timestamp(cell.ends_on)).to_numpy()
    base = BASE | {"method": LAST, "term": "opening customers", "conf_level": study.confidence_level}
    words = "opening customers of the last twelve months who came, or came back, less than a year before"
    share = share_of_customers(owned_sums(panel, there["account_id"], young), study.confidence_level)
    yield base | {"estimand": "in_first_year", "unit": SHARE, "definition": words} | share
    words = (
        "opening customers of the last twelve months who are none at its end, by whether they were in their first year"
    )
    of: dict[str, Share] = {}
    for name, at in ((YOUNG, young), (OLD, ~young)):
        rate = share_of_customers(owned_sums(panel, there["account_id"][at], lost[at]), study.confidence_level)
        of[name] = Share(*(rate.get(column, math.nan) for column in ("estimate", "conf_low", "conf_high")))
        row = {"estimand": "churn_by_first_year", "level": name, "unit": SHARE, "definition": words}
        yield base | row | rate | ({} if of[name].known else {"note": NOBODY_THERE})
    row = {"estimand": "first_year_difference", "level": YOUNG, "reference": OLD, "unit": SHARE}
    apart = difference(of[YOUNG], of[OLD])
    yield (
        base
        | row
        | (
            {"estimate": apart.estimate, "conf_low": apart.conf_low, "conf_high": apart.conf_high}
            if apart.known
            else {"note": NOBODY_THERE}
        )
    )
    words = "stays that began and ended within the last twelve months: the monthly figures know them, the yearly one does not"
    yield BASE | {
        "estimand": "came_and_went", "method": LAST, "term": "stays", "unit": "stays", "definition": words,
        "estimate": float(cell.won_and_left),
    }  # fmt: skip
