"""Restricted mean survival time: the average time in service within the first `tau`.

Source: Irwin (1949), J. Hyg. 47:188; variance as in Klein & Moeschberger (2003), eq. 4.5.2. (The variance
of min(T, tau) that some packages report is not the variance of this estimate.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.columns import read_events, read_groups, read_times
from whychurn.models.curve import Steps, product_limit_steps
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class RestrictedMeanResult:
    """Restricted means by group and their differences.

    Attributes
    ----------
    tau
        Horizon, in the unit of time.
    means
        group, estimate, std_error, conf_low, conf_high, n, n_events, note.
    differences
        For each pair of groups: group, reference (an earlier group), estimate (group less reference),
        std_error, conf_low, conf_high, statistic (z), p_value.
    """

    tau: float
    conf_level: float
    means: pd.DataFrame
    differences: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return `means`."""
        return self.means


def restricted_mean(
    frame: pd.DataFrame,
    time: str,
    event: str,
    tau: float,
    group: str | Sequence[str] | None = None,
    start: str | None = None,
    conf_level: float = 0.95,
) -> RestrictedMeanResult:
    """Estimate the area under each group's Kaplan-Meier curve up to `tau`.

    Parameters
    ----------
    frame, time, event, start, group
        As in `fit_kaplan_meier`.
    tau
        Horizon. A group followed less long than `tau` with survivors left has no restricted mean there:
        its row holds NaN and a note.

    Raises
    ------
    FitError
        `tau` is not a positive number, or rows are unreadable.
    """
    if not (np.isfinite(tau) and tau > 0):
        raise FitError(f"tau is a positive number in the unit of {time!r}, not {tau}.")
    if not len(frame):
        raise FitError("The frame has no rows.")
    z = normal_quantile(conf_level)
    begin, stop = read_times(frame, time, start)
    happened, mass = read_events(frame, event), np.ones(len(frame))
    codes, labels = read_groups(frame, group)
    rows = []
    for code, label in enumerate(labels):
        mine = codes == code
        steps = product_limit_steps(begin[mine], stop[mine], happened[mine], mass[mine])
        estimate, error = mean_up_to(steps, tau)
        note = "" if np.isfinite(estimate) else f"followed to {steps.time[-1]:g} only, short of {tau:g}"
        rows.append(
            (
                label,
                estimate,
                error,
                estimate - z * error,
                estimate + z * error,
                int(mine.sum()),
                int(happened[mine].sum()),
                note,
            )
        )
    names = ["group", "estimate", "std_error", "conf_low", "conf_high", "n", "n_events", "note"]
    means = pd.DataFrame(rows, columns=names)
    return RestrictedMeanResult(float(tau), conf_level, means, _differences(means, z))


def mean_up_to(steps: Steps, tau: float) -> tuple[float, float]:
    """Return the area under a curve up to `tau` and its standard error; NaN past the last time."""
    if tau > steps.time[-1] and steps.survival[-1] > 0.0:
        return float("nan"), float("nan")
    inside = (steps.time <= tau) & (steps.events > 0)
    time = steps.time[inside]
    heights = np.concatenate(([1.0], steps.survival[inside]))
    areas = heights * np.diff(np.concatenate(([0.0], time, [tau])))
    # Area still ahead after each event time; what lies ahead of everybody's end is zero.
    ahead = np.cumsum(areas[::-1])[::-1][1:]
    n, d = steps.at_risk[inside], steps.events[inside]
    factor = np.divide(d, n * (n - d), out=np.zeros_like(d), where=ahead > 0)
    return float(areas.sum()), float(np.sqrt(np.sum(ahead**2 * factor)))


def _differences(means: pd.DataFrame, z: float) -> pd.DataFrame:
    rows = []
    for later in range(1, len(means)):
        for earlier in range(later):
            a, b = means.iloc[later], means.iloc[earlier]
            estimate = a["estimate"] - b["estimate"]
            error = float(np.hypot(a["std_error"], b["std_error"]))
            statistic = estimate / error if error > 0 else float("nan")
            rows.append(
                (
                    a["group"],
                    b["group"],
                    estimate,
                    error,
                    estimate - z * error,
                    estimate + z * error,
                    statistic,
                    float(2.0 * stats.norm.sf(abs(statistic))),
                )
            )
    names = ["group", "reference", "estimate", "std_error", "conf_low", "conf_high", "statistic", "p_value"]
    return pd.DataFrame(rows, columns=names)
