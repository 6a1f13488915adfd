"""How measures are computed from the state of a bucket: the kinds that several measures share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whychurn.panel.measure_state import Coded, State
from whychurn.panel.measure_usage import USE

Compute = Callable[[State], NDArray[Any] | Coded]
Numbers = Callable[[State], NDArray[Any]]


def sum_of(action: int, days: int) -> Numbers:
    """Sum of counts of an action in a trailing window."""
    return lambda s: s.tracked(s.usage.total(action, s.intervals(days)), "usage", days)


def peak(days: int) -> Numbers:
    """Uses at peak hours."""
    return lambda s: s.tracked(s.usage.total(USE, s.intervals(days), peak=True), "usage", days)


def people(days: int) -> Numbers:
    """Different people with a login or a use."""
    return lambda s: s.tracked(s.usage.active_users(s.intervals(days)), "usage", days)


def module_uses(module: int, days: int) -> Numbers:
    """Uses of one module."""
    return lambda s: s.tracked(s.usage.module_total(module, s.intervals(days)), "usage", days)


def module_share(module: int, days: int) -> Numbers:
    """Share of uses that are of one module."""
    return lambda s: share(module_uses(module, days)(s), sum_of(USE, days)(s))


def module_days(module: int) -> Numbers:
    """Days since one module was used."""
    return lambda s: s.days_since(s.usage.module_latest(module))


def adopted(module: int) -> Numbers:
    """Whether a module was ever used."""
    return lambda s: s.adopted(s.usage.module_latest(module))


def happened(kind: int, days: int) -> Numbers:
    """Whether an event of a kind fell into the window."""
    return lambda s: s.happened(kind, days)


def modules_used(s: State, days: int, n_modules: int) -> NDArray[Any]:
    """Return how many modules were used."""
    used = np.zeros(len(s.grid.owner), dtype=np.int64)
    for module in range(n_modules):
        used += s.usage.module_total(module, s.intervals(days)) > 0
    return s.tracked(used, "usage", days)


def trend(s: State) -> NDArray[Any]:
    """Return the logarithm of recent against usual use."""
    w = s.windows
    recent = s.usage.total(USE, s.intervals(w.w4))
    usual = (s.usage.total(USE, s.intervals(w.w4 + w.w8)) - recent) / (w.w8 / w.w4)
    change = s.tracked(np.log((recent + 1) / (usual + 1)), "usage", w.w4 + w.w8)
    return np.where(s.grid.cut - (w.w4 + w.w8) >= s.grid.started, change, np.nan)


def nps_band(s: State) -> Coded:
    """Return the band of the last answer; none where nobody had been asked yet, as far as records go."""
    score = s.latest("surveys", "day", "score")
    codes = np.where(np.isnan(score), 3, np.where(score >= 9, 0, np.where(score >= 7, 1, 2)))
    codes = np.where(s.tracking["surveys"].begun(s.grid.cut), codes, -1)
    return Coded(codes, ("promoter", "passive", "detractor", "no answer yet"))


def share(part: Any, whole: Any) -> NDArray[Any]:
    """Return a part of a whole, NaN where the whole is nothing or not known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
