"""Restricted mean survival time: the average time in service within the first `tau`.

Source: Irwin (1949), J. Hyg. 47:188; variance as in Klein & Moeschberger (2003), eq. 4.5.2. (The variance
of min(T, tau) that some packages report is not the variance of this estimate.) Ratios are compared on the log
scale, as in Royston & Parmar (2013), BMC Med. Res. Methodol. 13:152.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError, some
from whychurn.models.arguments import is_number
from whychurn.models.curve import Steps, steps_of_table
from whychurn.models.curve_input import read_curve_input
from whychurn.models.multiplicity import METHODS, adjust_p_values
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class RestrictedMeanResult:
    """Restricted means by group, their differences and ratios.

    Attributes
    ----------
    tau, begins
        The means are taken from `begins` (zero unless conditional) to the horizon `tau`, in the unit of time.
    adjust
        How `p_adjusted` corrects for the number of pairs.
    means
        group, estimate, std_error, conf_low, conf_high, n, n_events, note.
    differences
        For each pair of groups: group, reference, estimate (group less reference), std_error, conf_low,
        conf_high, statistic (z), p_value, p_adjusted.
    ratios
        The same for group over reference; std_error and statistic are those of the log ratio.
    """

    tau: float
    conf_level: float
    means: pd.DataFrame
    differences: pd.DataFrame
    ratios: pd.DataFrame
    begins: float = 0.0
    adjust: str = "holm"

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
    adjust: str = "holm",
    reference: str | None = None,
    conditional_on: float | None = None,
) -> RestrictedMeanResult:
    """Estimate the area under each group's Kaplan-Meier curve up to `tau`, and compare the groups.

    Parameters
    ----------
    frame, time, event, start, group
        As in `fit_kaplan_meier`.
    tau
        Horizon. A group followed less long than `tau` with survivors left has no restricted mean there:
        its row holds NaN and a note, and so do its comparisons.
    adjust
        "holm" (default), "bh" or "by": correction of the p-values for the number of pairs compared; differences
        and ratios are two readings of one family, each corrected by itself.
    reference
        Label of the one group that the others are compared with; None compares each with every earlier group.
    conditional_on
        A time s: the mean time in service between s and `tau` of those still there at s. Under late entry a curve
        may be unknown, or rest on a handful, before the first have entered.

    Returns
    -------
    RestrictedMeanResult

    Raises
    ------
    FitError
        `tau` is not a positive number past `conditional_on`, `reference` is no group, or rows are unreadable.
    """
    if not (is_number(tau) and tau > 0):
        raise FitError(f"tau is a positive number in the unit of {time!r}, not {tau!r}.")
    if conditional_on is not None and is_number(conditional_on) and tau <= conditional_on:
        raise FitError(f"tau = {tau:g} is not after conditional_on = {conditional_on:g}: there is no time to average.")
    if adjust not in METHODS:
        raise FitError(f"adjust is one of {', '.join(METHODS)}, not {adjust!r}.")
    z = normal_quantile(conf_level)
    read = read_curve_input(frame, time, event, start, group, conditional_on=conditional_on)
    if reference is not None and reference not in read.groups:
        raise FitError(f"reference {reference!r} is no group; there are {some(read.groups, most=30)}.")
    begins = float(read.begins[0])
    rows = []
    for label, table in zip(read.groups, read.tables, strict=True):
        steps = steps_of_table(table)
        estimate, error = mean_up_to(steps, tau, begins)
        note = "" if np.isfinite(estimate) else f"followed to {steps.time[-1]:g} only, short of {tau:g}"
        if np.isfinite(table.entry[0]) and table.entry[0] > begins and not note:
            note = f"nobody is at risk before {table.entry[0]:g}: taken as without events there"
        limits = (estimate - z * error, estimate + z * error)
        rows.append((label, estimate, error, *limits, int(read.n[label]), int(table.events.sum()), note))
    names = ["group", "estimate", "std_error", "conf_low", "conf_high", "n", "n_events", "note"]
    means = pd.DataFrame(rows, columns=names)
    differences, ratios = _comparisons(means, z, adjust, reference)
    return RestrictedMeanResult(float(tau), conf_level, means, differences, ratios, begins, adjust)


def mean_up_to(steps: Steps, tau: float, begins: float = 0.0) -> tuple[float, float]:
    """Return the area under a curve from `begins` to `tau` and its standard error; NaN past the last time."""
    if tau > steps.time[-1] and steps.survival[-1] > 0.0:
        return float("nan"), float("nan")
    inside = (steps.time <= tau) & (steps.events > 0)
    time = steps.time[inside]
    heights = np.concatenate(([1.0], steps.survival[inside]))
    areas = heights * np.diff(np.concatenate(([begins], time, [tau])))
    # Area still ahead after each event time; what lies ahead of everybody's end is zero.
    ahead = np.cumsum(areas[::-1])[::-1][1:]
    n, d = steps.at_risk[inside], steps.events[inside]
    factor = np.divide(d, n * (n - d), out=np.zeros_like(d), where=(ahead > 0) & (n > d))
    return float(areas.sum()), float(np.sqrt(np.sum(ahead**2 * factor)))


def _comparisons(
    means: pd.DataFrame, z: float, adjust: str, reference: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    labels = list(means["group"])
    if reference is None:
        pairs = [(later, earlier) for later in range(1, len(labels)) for earlier in range(later)]
    else:
        pairs = [(place, labels.index(reference)) for place in range(len(labels)) if labels[place] != reference]
    a, b = (means.iloc[[pair[side] for pair in pairs]].reset_index(drop=True) for side in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = a["estimate"].to_numpy() - b["estimate"].to_numpy()
        error = np.hypot(a["std_error"].to_numpy(), b["std_error"].to_numpy())
        log_ratio = np.log(a["estimate"].to_numpy() / b["estimate"].to_numpy())
        relative = [side["std_error"].to_numpy() / side["estimate"].to_numpy() for side in (a, b)]
        log_error = np.hypot(*relative)
    tables = []
    for found, spread in ((difference, error), (log_ratio, log_error)):
        statistic = np.divide(found, spread, out=np.full(spread.shape, np.nan), where=spread > 0)
        p_value = 2.0 * stats.norm.sf(np.abs(statistic))
        tables.append(
            pd.DataFrame(
                {
                    "group": a["group"],
                    "reference": b["group"],
                    "estimate": found,
                    "std_error": spread,
                    "conf_low": found - z * spread,
                    "conf_high": found + z * spread,
                    "statistic": statistic,
                    "p_value": p_value,
                    "p_adjusted": adjust_p_values(p_value, adjust),
                }
            )
        )
    shown = ["estimate", "conf_low", "conf_high"]
    tables[1][shown] = np.exp(tables[1][shown])
    return tables[0], tables[1]
