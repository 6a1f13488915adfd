"""Weights that make up for customers whose fate within the horizon is unknown.

Source: Robins & Rotnitzky (1992); Graf et al. (1999), Statist. Med. 18:2529-2545.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.arguments import is_number
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

    Returns
    -------
    Weights that add up to the rows of each group.

    Raises
    ------
    FitError
        Bad times, Series of different indexes, a horizon that is not positive, or one past the follow-up of a group:
        no row then stands for those censored last. (A group in which nobody is censored last is known to its end.)
    """
    if not (is_number(horizon) and horizon > 0):
        raise FitError(f"horizon is a positive number, not {horizon!r}.")
    _refuse_misaligned({"time": time, "event": event, "group": group})
    frame = pd.DataFrame({"time": np.asarray(time), "event": np.asarray(event)})
    if not len(frame):
        return np.zeros(0)
    stop = read_stop(frame, "time")
    happened = read_events(frame, "event")
    groups = pd.Series("all", frame.index) if group is None else pd.Series(group).reset_index(drop=True)
    codes, labels = read_groups(groups.to_frame("group"), "group")
    known = happened | (stop >= horizon)
    weights = np.zeros(stop.size)
    for label, mine in zip(labels, rows_by_group(codes, len(labels)), strict=True):
        moments, uncensored = censoring_curve(stop[mine], happened[mine])
        if moments[-1] < horizon and uncensored[-1] <= 0.0:
            whose = "" if group is None else f" of the group {label!r}"
            remedy = "" if group is None else ", or coarser groups"
            raise FitError(
                f"No row{whose} is followed to the horizon of {horizon:g} (the last one is censored at {moments[-1]:g}), "
                f"so no weight can stand for those censored. Choose a shorter horizon{remedy}."
            )
        staying = step_value(moments, uncensored, 1.0, np.minimum(stop[mine], horizon), side="left")
        weights[mine] = np.where(known[mine], 1.0 / np.where(known[mine], staying, 1.0), 0.0)
    return weights


def _refuse_misaligned(given: Mapping[str, Any]) -> None:
    """Refuse names in place of values, different lengths, and Series whose indexes differ."""
    for name, values in given.items():
        if isinstance(values, str):
            raise FitError(f"{name} is {values!r}: give the values, not the name of a column.")
    there = {name: values for name, values in given.items() if values is not None}
    for (one, first), (two, second) in combinations(there.items(), 2):
        if len(first) != len(second):
            raise FitError(f"{two} has {len(second):,} values for {len(first):,} rows of {one}.")
        if isinstance(first, pd.Series) and isinstance(second, pd.Series) and not first.index.equals(second.index):
            raise FitError(
                f"{one} and {two} have different indexes, so that their rows do not belong together: take both from one "
                "frame, or align them first."
            )


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
