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
from whychurn.models.arguments import read_list
from whychurn.models.columns import Booleans, Floats, read_query_times
from whychurn.models.curve import Steps, step_value, steps_of_table
from whychurn.models.curve_input import read_curve_input
from whychurn.models.survival_limits import CONF_TYPES, crossing_time, standard_error, survival_limits
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """One group: its steps, its limits at every step, and the entry times behind the numbers at risk.

    `entry` holds the distinct entry times in order, `entry_weight` how many enter after each, `begin` where the
    curve begins (the time on which it is conditional).
    """

    steps: Steps
    conf_low: Floats
    conf_high: Floats
    entry: Floats
    entry_weight: Floats
    begin: float = 0.0


@dataclass(frozen=True, slots=True)
class KaplanMeierFit:
    """Kaplan-Meier estimates of all groups.

    Attributes
    ----------
    groups
        Group labels, in sorted or category order.
    n, n_events
        Rows and (weighted) events behind each curve, indexed by group.
    conf_level, conf_type
        Level and scale of the limits.
    skipped
        group, begins (the time on which its curve is conditional, 0 where it is not), n_skipped and
        n_events_skipped (rows that ended by then and are in no curve).
    notes
        Sentences for the reader: what was left out, and curves that fell to zero while others were still to enter.
    """

    groups: tuple[str, ...]
    n: pd.Series
    n_events: pd.Series
    conf_level: float
    conf_type: str
    curves: tuple[GroupCurve, ...] = field(repr=False)
    skipped: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    notes: tuple[str, ...] = ()

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
        everybody had the event. Before the time on which a curve is conditional everything is NaN.
        """
        wanted = np.sort(read_query_times(times))
        return pd.concat(
            [_at(label, group, wanted) for label, group in zip(self.groups, self.curves, strict=True)],
            ignore_index=True,
        )

    def quantile(self, p: float | Sequence[float] = 0.5) -> pd.DataFrame:
        """Return the times by which a share `p` has had the event, with limits.

        Where the curve runs exactly along ``1 - p`` the middle of that stretch is returned, as R does. A
        quantile or limit that the curve never reaches is NaN. Of a conditional curve, `p` is a share of those
        still there at its beginning.

        Returns
        -------
        DataFrame with group, p, time, conf_low, conf_high.
        """
        shares = read_list(p, "p")
        if not shares.size or not ((shares > 0) & (shares < 1)).all():
            raise FitError(f"p is a share between 0 and 1, not {some(shares)}.")
        rows = []
        for label, group in zip(self.groups, self.curves, strict=True):
            begin = min(group.begin, group.steps.time[0])
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
    cluster: str | None = None,
    robust: bool | None = None,
    conditional_on: float | None = None,
    min_at_risk: float | None = None,
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
    cluster
        Column of units within which rows depend on each other; standard errors are then robust to it.
    robust
        True or False insists on the jackknife's or Greenwood's variance.
    conditional_on
        A time s: the curves are those of ``S(t | T > s)``. Rows that ended by s are left out, events at s
        among them (R's ``survfit(start.time = s)`` keeps those, being conditional on ``T >= s``).
    min_at_risk
        Floor of the (weighted) risk set under late entry, where the first few at risk can send a curve to zero:
        each curve is conditional on staying past the last event time, of those before its risk set
        peaks, with fewer at risk. Groups may begin at different times (see `skipped`): to compare them,
        give the latest as `conditional_on`.

    Returns
    -------
    KaplanMeierFit

    Raises
    ------
    FitError
        Unreadable columns or rows, an unknown `conf_type`, a group of one cluster, never as large as `min_at_risk`, or not
        followed past `conditional_on`.
    """
    if conf_type not in CONF_TYPES:
        raise FitError(f"conf_type is one of {', '.join(CONF_TYPES)}, not {conf_type!r}.")
    z = normal_quantile(conf_level)
    read = read_curve_input(frame, time, event, start, group, weights, cluster, robust, conditional_on, min_at_risk)
    curves = []
    for table, rows, begin in zip(read.tables, read.rows, read.begins, strict=True):
        steps = steps_of_table(table, rows)
        low, high = survival_limits(steps.survival, steps.log_variance, z, conf_type)
        curves.append(GroupCurve(steps, low, high, table.entry, table.entering, float(begin)))
    return KaplanMeierFit(
        groups=read.groups,
        n=read.n,
        n_events=pd.Series([float(curve.steps.events.sum()) for curve in curves], read.groups, name="n_events"),
        conf_level=conf_level,
        conf_type=conf_type,
        curves=tuple(curves),
        skipped=read.skipped,
        notes=read.notes,
    )


def _at(label: str, group: GroupCurve, times: Floats) -> pd.DataFrame:
    steps = group.steps
    place = np.searchsorted(steps.time, times, side="right")
    unknown = ((times > steps.time[-1]) & (steps.survival[-1] > 0.0)) | _ahead(group, times)

    def value(values: Floats, before: float) -> Floats:
        return np.where(unknown, np.nan, step_value(steps.time, values, before, times))

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
    inside = np.maximum(np.searchsorted(group.entry, times, side="left"), 1)
    gone = np.concatenate(([0.0], np.cumsum(group.steps.events + group.steps.censored)))
    counts = entered[inside] - gone[np.searchsorted(group.steps.time, times, side="left")]
    return np.where(_ahead(group, times), np.nan, counts)


def _ahead(group: GroupCurve, times: Floats) -> Booleans:
    """Say which times lie before the time on which the curve is conditional."""
    return (times < group.begin) & (group.begin > 0)
