"""Weights that make up for customers whose fate within the horizon is unknown.

Source: Robins & Rotnitzky (1992); Graf et al. (1999), Statist. Med. 18:2529-2545.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Booleans, Floats, read_events, read_groups, read_stop
from whychurn.models.curve import step_value
from whychurn.models.distinct import distinct_codes
from whychurn.models.life_table import rows_by_group


def censoring_weights(
    time: Sequence[float] | Floats | pd.Series,
    event: Sequence[bool] | Floats | pd.Series,
    horizon: float,
    group: Sequence[Any] | pd.Series | None = None,
) -> Floats:
    """Return inverse-probability-of-censoring weights for "event within `horizon`", shape (n,).

    Rows with an event by the horizon, and rows followed to it, weigh ``1 / G(min(T, H)-)``, where G is the
    Kaplan-Meier estimate of staying uncensored, by group; rows censored before the horizon weigh zero. At
    equal times events come before censorings, so G counts as at risk only those without an event then.

    Parameters
    ----------
    time, event
        Observed time and whether it is an event, shape (n,).
    horizon
        H, in the unit of `time`.
    group
        Groups with a censoring curve each, shape (n,).

    Raises
    ------
    FitError
        Bad times, or a horizon that is not positive.
    """
    if not (np.isfinite(horizon) and horizon > 0):
        raise FitError(f"horizon is a positive number, not {horizon}.")
    frame = pd.DataFrame({"time": np.asarray(time), "event": np.asarray(event)})
    if not len(frame):
        return np.zeros(0)
    stop = read_stop(frame, "time")
    happened = read_events(frame, "event")
    groups = pd.Series("all", frame.index) if group is None else pd.Series(group).reset_index(drop=True)
    if len(groups) != len(frame):
        raise FitError(f"group has {len(groups):,} values for {len(frame):,} rows.")
    codes, labels = read_groups(groups.to_frame("group"), "group")
    known = happened | (stop >= horizon)
    weights = np.zeros(stop.size)
    for mine in rows_by_group(codes, len(labels)):
        moments, uncensored = censoring_curve(stop[mine], happened[mine])
        staying = step_value(moments, uncensored, 1.0, np.minimum(stop[mine], horizon), side="left")
        weights[mine] = np.where(known[mine], 1.0 / np.where(known[mine], staying, 1.0), 0.0)
    return weights


def censoring_curve(stop: Floats, event: Booleans) -> tuple[Floats, Floats]:
    """Return distinct times and the probability of being uncensored after each, shape (T,) each.

    Events at a time leave before its censorings: the censoring hazard at t is censorings at t over rows
    at risk at t less events at t.
    """
    times, place = distinct_codes(stop)
    leaving = np.bincount(place, minlength=times.size).astype(float)
    events = np.bincount(place[event], minlength=times.size).astype(float)
    at_risk = np.cumsum(leaving[::-1])[::-1] - events
    censored = leaving - events
    hazard = np.divide(censored, at_risk, out=np.zeros_like(censored), where=censored > 0)
    return times, np.asarray(np.cumprod(1.0 - hazard), dtype=np.float64)
