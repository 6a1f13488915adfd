"""How fast they leave: per customer-month, in the window of recorded leavers, and what either comes to in a year."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.flat_metrics.base import BASE, MONTHS, NO_TIME, Reading, in_months
from whychurn.analyses.flat_metrics.definitions import definition_of
from whychurn.analyses.share_differences import Share
from whychurn.findings import FIRST_READING, SECOND_READING
from whychurn.models import hazard_by_time
from whychurn.study import FlatStudy

RULED_OUT = "The study says that every customer who ever left is in the file (churn.leavers_in_file), so there is no window of leavers."
NO_WINDOW = "The study does not say over which time leavers were recorded (churn.window in study.toml), so there is no rate per month."
FIRST_YEAR, LATER = "first 12 months", "later"
EXACT = "exact Poisson"


def rate_rows(customers: pd.DataFrame, readings: list[Reading], study: FlatStudy) -> Iterator[dict[str, Any]]:
    """Yield hazards under each reading, the share lost within the window, and conversions to a year."""
    for reading in readings:
        yield from _hazards(reading, customers, study)
    yield from _window(customers, study)


def converted(estimate: float, low: float, high: float, by: Callable[[float], float]) -> dict[str, float]:
    """Return an estimate and its limits through a rising function."""
    return {"estimate": by(estimate), "conf_low": by(low), "conf_high": by(high)}


def year_of_hazard(hazard: float) -> float:
    """Return the share that leaves within a year at a constant hazard per month.

    Examples
    --------
    >>> round(year_of_hazard(0.02), 4)
    0.2134
    """
    return -math.expm1(-MONTHS * hazard)


def share_over(share: float, ratio: float) -> float:
    """Return the share lost over `ratio` times as long, every part of it losing alike.

    Examples
    --------
    >>> round(share_over(0.02, 12), 4)
    0.2153
    """
    return 1.0 - (1.0 - share) ** ratio


def _hazards(reading: Reading, customers: pd.DataFrame, study: FlatStudy) -> Iterator[dict[str, Any]]:
    rows, level = reading.rows, study.confidence_level
    last = float(rows["stop"].max())
    whole = hazard_by_time(rows, "stop", "event", [0.0, last], start="start", conf_level=level).rates
    base = BASE | {"group": reading.name, "method": EXACT, "conf_level": level, "n_accounts": len(rows)}
    row = base | _rate(next(whole.itertuples()))
    yield row | {"estimand": "hazard", "definition": definition_of("hazard"), "note": _left_out(customers)}
    if reading.name == FIRST_READING:
        # Under the second reading the share of the window is what is converted.
        yield (
            row
            | {"estimand": "hazard_year", "unit": "share", "definition": definition_of("hazard_year")}
            | _of_year(row)
        )
    if last > MONTHS:
        parts = hazard_by_time(rows, "stop", "event", [0.0, MONTHS, last], start="start", conf_level=level).rates
        part: Any
        for name, part in zip((FIRST_YEAR, LATER), parts.itertuples(), strict=True):
            yield (
                base
                | _rate(part)
                | {"estimand": "hazard_by_tenure", "level": name, "definition": definition_of("hazard")}
            )


def _of_year(row: dict[str, Any]) -> dict[str, float]:
    if "estimate" not in row:
        return {}
    return converted(row["estimate"], row["conf_low"], row["conf_high"], year_of_hazard)


def _rate(found: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"unit": "per customer-month", "numerator": found.n_events, "denominator": found.time_at_risk}
    row |= {"n_events": found.n_events}
    if not found.time_at_risk > 0:
        return row | {"note": NO_TIME}
    return row | {"estimate": found.rate, "conf_low": found.conf_low, "conf_high": found.conf_high}


def _left_out(customers: pd.DataFrame) -> str:
    gone = int(customers.loc[customers["months"] <= 0, "event"].sum())
    return f"{gone:,} who left at tenure 0 have no time at risk and are in no figure of time." if gone else ""


def _window(customers: pd.DataFrame, study: FlatStudy) -> Iterator[dict[str, Any]]:
    """Yield the share lost within the window, per month, and per year by conversion."""
    base = BASE | {"group": SECOND_READING, "method": "count", "unit": "share", "conf_level": study.confidence_level}
    if not study.churn.window or study.churn.leavers_in_file == "all":
        note = RULED_OUT if study.churn.leavers_in_file == "all" else NO_WINDOW
        yield base | {"estimand": "window_churn", "note": note, "definition": definition_of("window_churn")}
        return
    months = in_months(float(study.churn.window), study)
    # Whoever has stayed for the whole window was there when it began; of shorter stays that left nobody can tell.
    there = customers["duration"] >= float(study.churn.window)
    share = Share.of(int(customers.loc[there, "event"].sum()), int(there.sum()), study.confidence_level)
    unsure = int(customers.loc[~there, "event"].sum())
    note = (
        f"{unsure:,} who left after a stay shorter than the window are not counted: they may have come within it."
        if unsure
        else ""
    )
    counts = {
        "numerator": share.count,
        "denominator": share.total,
        "time": months,
        "n_events": share.count,
        "note": note,
    }
    yield base | counts | {"estimand": "window_churn", "definition": definition_of("window_churn")} | share.row()
    for estimand, over in (("window_churn_month", 1.0), ("window_churn_year", MONTHS)):
        values = {}
        if share.known:
            longer = functools.partial(share_over, ratio=over / months)
            values = converted(share.estimate, share.conf_low, share.conf_high, longer)
        yield base | counts | {"estimand": estimand, "definition": definition_of(estimand)} | values
