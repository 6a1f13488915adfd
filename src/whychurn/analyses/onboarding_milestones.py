"""Milestones of the first ninety days: who met them, as known at the cut-off that lies nearest to their day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.feature_rows import Module
from whychurn.analyses.onboarding_rows import NewCustomers, at_cut_off, recorded_throughout

EARLY, LATE = 30, 90
SEEN = ("0-6 days", "7-13 days", "14-29 days", "30+ days")
#: Kinds of milestones.
LOGIN, FIRST_USE, BREADTH, USERS = "login", "first use", "breadth", "users"
MANY_MODULES, SEVERAL_USERS = 3, 2


@dataclass(frozen=True)
class Milestone:
    """A milestone and who met it.

    Attributes
    ----------
    name : str
    kind : str
        :data:`LOGIN`, :data:`FIRST_USE`, :data:`BREADTH` or :data:`USERS`.
    day : int
        By which it is due, in days since sign-up.
    judged : int
        The cut-off at which it is judged.
    landmark : int
        The day from which leaving is counted: the lag after that cut-off.
    met : numpy.ndarray of float, shape (customers,)
        1, 0, or NaN for those who are not there any more, who could not meet it, or of whom it is not known.
    module : Module or None
    note : str
        Why it cannot be judged.
    """

    name: str
    kind: str
    day: int
    judged: int
    landmark: int
    met: np.ndarray
    module: Module | None = None
    note: str = ""


def milestones(new: NewCustomers) -> list[Milestone]:
    """Return the milestones that the measures allow."""
    return list(_milestones(new))


def _milestones(new: NewCustomers) -> Iterator[Milestone]:
    measures = new.measures
    if measures.recency:
        yield _judge(new, "First login within a week", LOGIN, 7)
    for module in measures.modules:
        for day in (EARLY, LATE):
            yield _judge(new, f"First use of {module.name} within {day} days", FIRST_USE, day, module)
    if len(measures.modules) >= MANY_MODULES:
        yield _judge(new, f"Three or more modules within {LATE} days", BREADTH, LATE)
    if measures.users:
        yield _judge(new, f"Two or more people active within {EARLY} days", USERS, EARLY)


def _judge(new: NewCustomers, name: str, kind: str, day: int, module: Module | None = None) -> Milestone:
    judged = new.judged_on(day)
    if judged is None:
        note = f"Rows of {new.interval_days:,} days lie too far apart to tell what happened by day {day:,}."
        return Milestone(name, kind, day, 0, 0, np.full(new.n, np.nan), module, note)
    met = _met(new, kind, judged, module)
    met[~recorded_throughout(new, judged, _window(new))] = np.nan
    if module is not None:
        met[~new.could_use(module)] = np.nan
    return Milestone(name, kind, day, judged, judged + new.lag_days, met, module)


def _window(new: NewCustomers) -> int:
    name = new.measures.windowed
    return int(name.split("_")[1 if name.startswith(("uses", "logins")) else 2]) if name else 1


def _met(new: NewCustomers, kind: str, judged: int, module: Module | None) -> np.ndarray:
    measures = new.measures
    if kind == LOGIN:
        recency = at_cut_off(new, judged, [measures.recency])[measures.recency]
        return np.where(recency.isin(SEEN), 1.0, np.where(recency == "never yet", 0.0, np.nan))
    if kind == USERS:
        users = at_cut_off(new, judged, [measures.users])[measures.users].to_numpy(dtype=float)
        return np.where(np.isnan(users), np.nan, users >= SEVERAL_USERS)
    names = [module.adopted] if module is not None else [m.adopted for m in measures.modules]
    adopted = at_cut_off(new, judged, names)[names].to_numpy(dtype=float)
    if kind == FIRST_USE:
        return adopted[:, 0]
    return np.where(np.isnan(adopted).any(axis=1), np.nan, adopted.sum(axis=1) >= MANY_MODULES)


def as_term(met: np.ndarray, customer: np.ndarray) -> pd.Categorical[Any]:
    """Return for each row whether its customer met a milestone, not met being the reference."""
    codes = np.where(np.isnan(met), -1, met).astype(np.int64)
    return pd.Categorical.from_codes(codes[customer], pd.Index(["not met", "met"]))
