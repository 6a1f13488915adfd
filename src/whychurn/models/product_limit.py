"""Kaplan-Meier curves of one or several groups, with R's conventions for limits and quantiles.

Source: Kaplan & Meier (1958), J. Am. Statist. Assoc. 53:457-481; Greenwood (1926); limits as in
Kalbfleisch & Prentice (2002), section 1.4; quantile limits of Brookmeyer & Crowley (1982), Biometrics 38.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from whychurn.errors import FitError, some
from whychurn.models.columns import (
    Floats,
    read_events,
    read_groups,
    read_times,
    read_weights,
)
from whychurn.models.curve import Steps, product_limit_steps, step_value
from whychurn.models.wald import normal_quantile

CONF_TYPES = ("log-log", "log", "logit", "plain")
# R's tolerance for "the curve runs exactly along this level".
_LEVEL_TOLERANCE = float(np.sqrt(np.finfo(float).eps))


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """One group: its steps, its limits at every step, and the entry times behind the numbers at risk."""

    steps: Steps
    conf_low: Floats
    conf_high: Floats
    entry: Floats
    entry_weight: Floats


@dataclass(frozen=True, slots=True)
class KaplanMeierFit:
    """Kaplan-Meier estimates of all groups.

    Attributes
    ----------
    groups
        Group labels, in sorted or category order.
    n, n_events
        Rows and (weighted) events per group, indexed by group.
    conf_level, conf_type
        Level and scale of the limits.
    """

    groups: tuple[str, ...]
    n: pd.Series
    n_events: pd.Series
    conf_level: float
    conf_type: str
    curves: tuple[GroupCurve, ...] = field(repr=False)

    @property
    def curve(self) -> pd.DataFrame:
        """The estimate at every distinct time of each group.

        Columns: group, time, n_at_risk (just before), n_events, n_censored (at it), survival, std_error (of
        survival), conf_low, conf_high, cumulative_hazard (Nelson-Aalen).
        """
        blocks = []
        for label, group in zip(self.groups, self.curves, strict=True):
            steps = group.steps
            hazard = np.divide(steps.events, steps.at_risk, out=np.zeros_like(steps.events), where=steps.events > 0)
            blocks.append(
                pd.DataFrame(
                    {
                        "group": label,
                        "time": steps.time,
                        "n_at_risk": steps.at_risk,
                        "n_events": steps.events,
                        "n_censored": steps.censored,
                        "survival": steps.survival,
                        "std_error": standard_error(steps.survival, steps.log_variance),
                        "conf_low": group.conf_low,
                        "conf_high": group.conf_high,
                        "cumulative_hazard": np.cumsum(hazard),
                    }
                )
            )
        return pd.concat(blocks, ignore_index=True)

    def at(self, times: Sequence[float] | Floats) -> pd.DataFrame:
        """Return the estimates at given times.

        Parameters
        ----------
        times
            In the unit of the fit; sorted on the way.

        Returns
        -------
        DataFrame with group, time, n_at_risk (rows with ``start < t <= stop``), n_events and n_censored
        (since the time before, the first since the beginning), survival, std_error, conf_low, conf_high.
        Past the last observed time of a group nothing is known: survival and limits are NaN there, unless
        everybody had the event.
        """
        wanted = np.sort(np.asarray(times, dtype=float))
        return pd.concat(
            [_at(label, group, wanted) for label, group in zip(self.groups, self.curves, strict=True)],
            ignore_index=True,
        )

    def quantile(self, p: float | Sequence[float] = 0.5) -> pd.DataFrame:
        """Return the times by which a share `p` has had the event, with limits.

        Where the curve runs exactly along ``1 - p`` the middle of that stretch is returned, as R does. A
        quantile or limit that the curve never reaches is NaN.

        Returns
        -------
        DataFrame with group, p, time, conf_low, conf_high.
        """
        shares = np.atleast_1d(np.asarray(p, dtype=float))
        if not ((shares > 0) & (shares < 1)).all():
            raise FitError(f"p is a share between 0 and 1, not {some(shares)}.")
        rows = []
        for label, group in zip(self.groups, self.curves, strict=True):
            begin = min(0.0, group.steps.time[0])
            for share in shares:
                found = [
                    crossing_time(begin, group.steps.time, values, float(share))
                    for values in (group.steps.survival, group.conf_low, group.conf_high)
                ]
                rows.append((label, float(share), *found))
        return pd.DataFrame(rows, columns=["group", "p", "time", "conf_low", "conf_high"])

    def tidy(self) -> pd.DataFrame:
        """Return `curve`."""
        return self.curve


def fit_kaplan_meier(
    frame: pd.DataFrame,
    time: str,
    event: str,
    start: str | None = None,
    group: str | Sequence[str] | None = None,
    weights: str | None = None,
    conf_level: float = 0.95,
    conf_type: str = "log-log",
) -> KaplanMeierFit:
    """Estimate the survival curve of each group.

    Parameters
    ----------
    frame
        One row per subject, or per interval ``(start, stop]``.
    time, event, start
        As in `fit_cox`. With `start`, rows count as at risk after it only (left truncation).
    group
        Column, or columns to cross.
    weights
        Column of positive case weights. Whole numbers count rows; otherwise standard errors are robust
        (infinitesimal jackknife), as in R.
    conf_level, conf_type
        Pointwise limits: "log-log" (default), "log", "logit" or "plain". Before the first event they are
        (1, 1), and NaN once nobody is left.

    Raises
    ------
    FitError
        Unreadable columns or rows, or an unknown `conf_type`.
    """
    if conf_type not in CONF_TYPES:
        raise FitError(f"conf_type is one of {', '.join(CONF_TYPES)}, not {conf_type!r}.")
    if not len(frame):
        raise FitError("The frame has no rows.")
    z = normal_quantile(conf_level)
    begin, stop = read_times(frame, time, start)
    happened = read_events(frame, event)
    mass = read_weights(frame, weights)
    codes, labels = read_groups(frame, group)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(labels) + 1))
    curves = []
    for code in range(len(labels)):
        rows = order[bounds[code] : bounds[code + 1]]
        steps = product_limit_steps(begin[rows], stop[rows], happened[rows], mass[rows])
        low, high = survival_limits(steps.survival, steps.log_variance, z, conf_type)
        sorted_entry = np.argsort(begin[rows], kind="stable")
        curves.append(GroupCurve(steps, low, high, begin[rows][sorted_entry], mass[rows][sorted_entry]))
    return KaplanMeierFit(
        groups=labels,
        n=pd.Series(np.bincount(codes, minlength=len(labels)), labels, name="n"),
        n_events=pd.Series([float(curve.steps.events.sum()) for curve in curves], labels, name="n_events"),
        conf_level=conf_level,
        conf_type=conf_type,
        curves=tuple(curves),
    )


def standard_error(survival: Floats, log_variance: Floats) -> Floats:
    """Return Greenwood's standard error of survival; NaN where nobody is left."""
    with np.errstate(invalid="ignore"):
        return survival * np.sqrt(log_variance)


def survival_limits(survival: Floats, log_variance: Floats, z: float, conf_type: str) -> tuple[Floats, Floats]:
    """Return lower and upper limits of a survival curve on the given scale, within [0, 1]."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        error = np.sqrt(log_variance)
        if conf_type == "plain":
            half = z * error * survival
            low, high = np.maximum(survival - half, 0.0), np.minimum(survival + half, 1.0)
        elif conf_type == "log":
            low, high = survival * np.exp(-z * error), np.minimum(survival * np.exp(z * error), 1.0)
        elif conf_type == "log-log":
            hazard = -np.log(survival)
            low = np.exp(-hazard * np.exp(z * error / hazard))
            high = np.exp(-hazard * np.exp(-z * error / hazard))
        else:
            odds = survival / (1.0 - survival)
            width = z * error * (1.0 + odds)
            low, high = (1.0 - 1.0 / (1.0 + odds * np.exp(side * width)) for side in (-1.0, 1.0))
    unknown = survival == 0.0
    certain = log_variance == 0.0
    low, high = np.where(certain, 1.0, low), np.where(certain, 1.0, high)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def crossing_time(begin: float, time: Floats, survival: Floats, p: float) -> float:
    """Return when a curve falls to ``1 - p``: R's rule with the midpoint of a flat stretch."""
    x = np.concatenate(([begin], time))
    y = np.concatenate(([0.0], 1.0 - survival))
    last = x[-1]
    known = ~np.isnan(y)
    ends_known = bool(known[-1])
    x, y = x[known], y[known]
    _, first = np.unique(y, return_index=True)
    first = np.sort(first)
    x, y = x[first], y[first]
    final = y[-1]
    # Limits need not be monotone; like R, look the level up among the sorted values.
    order = np.argsort(y, kind="stable")
    x, y = x[order], y[order]
    early = int(np.searchsorted(y + _LEVEL_TOLERANCE, p, side="left"))
    late = int(np.searchsorted(y - _LEVEL_TOLERANCE, p, side="left"))
    if early == x.size:
        return float("nan")
    if ends_known and abs(p - final) < _LEVEL_TOLERANCE:
        return float((x[early] + last) / 2.0)
    return float((x[early] + x[late]) / 2.0) if late < x.size else float("nan")


def _at(label: str, group: GroupCurve, times: Floats) -> pd.DataFrame:
    steps = group.steps
    place = np.searchsorted(steps.time, times, side="right")
    past = (times > steps.time[-1]) & (steps.survival[-1] > 0.0)

    def value(values: Floats, before: float) -> Floats:
        return np.where(past, np.nan, step_value(steps.time, values, before, times))

    def since_last(values: Floats) -> Floats:
        return np.diff(np.concatenate(([0.0], values)).cumsum()[place], prepend=0.0)

    return pd.DataFrame(
        {
            "group": label,
            "time": times,
            "n_at_risk": _number_at_risk(group, times),
            "n_events": since_last(steps.events),
            "n_censored": since_last(steps.censored),
            "survival": value(steps.survival, 1.0),
            "std_error": value(standard_error(steps.survival, steps.log_variance), 0.0),
            "conf_low": value(group.conf_low, 1.0),
            "conf_high": value(group.conf_high, 1.0),
        }
    )


def _number_at_risk(group: GroupCurve, times: Floats) -> Floats:
    """Count rows with ``start < t <= stop``; at the very beginning, those that start there."""
    entered = np.concatenate(([0.0], np.cumsum(group.entry_weight)))
    first = int(np.searchsorted(group.entry, group.entry[0], side="right"))
    inside = np.maximum(np.searchsorted(group.entry, times, side="left"), first)
    gone = np.concatenate(([0.0], np.cumsum(group.steps.events + group.steps.censored)))
    return entered[inside] - gone[np.searchsorted(group.steps.time, times, side="left")]
