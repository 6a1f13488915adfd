"""Nelson-Aalen estimates of the cumulative hazard by group, with the tie correction of Fleming and Harrington.

Source: Nelson (1972), Technometrics 14:945; Aalen (1978), Ann. Statist. 6:701; Fleming & Harrington (1984),
Commun. Statist. 13:2469, for ties; limits as in Klein & Moeschberger (2003), section 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Floats, read_query_times, tally
from whychurn.models.curve import Rows, influence_variance, step_value
from whychurn.models.curve_input import read_curve_input
from whychurn.models.life_table import LifeTable
from whychurn.models.wald import normal_quantile

TIES = ("aalen", "fleming-harrington")
CONF_TYPES = ("log", "plain")


@dataclass(frozen=True, slots=True)
class HazardSteps:
    """The estimate of one group at its distinct times, shape (T,) each: counts, estimate, variance and limits."""

    table: LifeTable
    increments: Floats
    cumulative: Floats
    variance: Floats
    conf_low: Floats
    conf_high: Floats
    begin: float


@dataclass(frozen=True, slots=True)
class NelsonAalenFit:
    """Nelson-Aalen estimates of all groups.

    Attributes
    ----------
    groups
        Group labels, in sorted or category order.
    n, n_events
        Rows and (weighted) events behind each curve, indexed by group.
    ties, conf_level, conf_type
        As asked for.
    skipped, notes
        As in `KaplanMeierFit`.
    """

    groups: tuple[str, ...]
    n: pd.Series
    n_events: pd.Series
    ties: str
    conf_level: float
    conf_type: str
    curves: tuple[HazardSteps, ...] = field(repr=False)
    skipped: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def curve(self) -> pd.DataFrame:
        """The estimate at every distinct time of each group.

        Columns: group, time, n_at_risk (just before), n_events, n_censored (at it), cumulative_hazard,
        std_error, conf_low, conf_high, survival (``exp(-cumulative_hazard)``).
        """
        blocks = []
        for label, steps in zip(self.groups, self.curves, strict=True):
            table = steps.table
            counts = {"n_at_risk": table.at_risk, "n_events": table.events, "n_censored": table.censored}
            shown = {"group": label, "time": table.time, **counts}
            blocks.append(pd.DataFrame(shown | _estimates(steps, None)))
        return pd.concat(blocks, ignore_index=True)

    def at(self, times: Sequence[float] | Floats) -> pd.DataFrame:
        """Return the estimates at given times, in the unit of the fit; sorted on the way.

        Returns
        -------
        DataFrame with group, time, cumulative_hazard, std_error, conf_low, conf_high, survival. Past the last
        observed time of a group, and before the time on which it is conditional, NaN.
        """
        wanted = np.sort(read_query_times(times))
        blocks = [
            pd.DataFrame({"group": label, "time": wanted} | _estimates(steps, wanted))
            for label, steps in zip(self.groups, self.curves, strict=True)
        ]
        return pd.concat(blocks, ignore_index=True)

    def tidy(self) -> pd.DataFrame:
        """Return `curve`."""
        return self.curve


def fit_nelson_aalen(
    frame: pd.DataFrame,
    time: str,
    event: str,
    start: str | None = None,
    group: str | Sequence[str] | None = None,
    weights: str | None = None,
    ties: str = "aalen",
    conf_level: float = 0.95,
    conf_type: str = "log",
    cluster: str | None = None,
    robust: bool | None = None,
    conditional_on: float | None = None,
    min_at_risk: float | None = None,
) -> NelsonAalenFit:
    """Estimate the cumulative hazard of each group.

    Parameters
    ----------
    frame, time, event, start, group, weights, cluster, robust, conditional_on, min_at_risk
        As in `fit_kaplan_meier`. A conditional estimate begins at zero there.
    ties
        "aalen": d events among n at risk add ``d / n``. "fleming-harrington": they add
        ``1/n + 1/(n-1) + ... + 1/(n-d+1)``, as if they had happened one after the other; with weights the mean
        weight of the d leaves the risk set each time. (R's survfit: ctype = 1 and 2.)
    conf_level, conf_type
        Pointwise limits: "log" (default; the same as "log-log" limits of survival) or "plain", not below zero.
        Before the first event they are (0, 0).

    Returns
    -------
    NelsonAalenFit
        Its variance is the sum of ``d / n^2`` or, with the tie correction, of ``1/n^2 + ... + 1/(n-d+1)^2``;
        with weights that are no counts, or clusters, the infinitesimal jackknife's. All as in R.

    Raises
    ------
    FitError
        As `fit_kaplan_meier`; an unknown `ties`.
    """
    if ties not in TIES:
        raise FitError(f"ties is one of {', '.join(TIES)}, not {ties!r}.")
    if conf_type not in CONF_TYPES:
        raise FitError(f"conf_type is one of {', '.join(CONF_TYPES)}, not {conf_type!r}.")
    z = normal_quantile(conf_level)
    read = read_curve_input(frame, time, event, start, group, weights, cluster, robust, conditional_on, min_at_risk)
    curves = [
        _hazard_steps(table, rows, float(begin), ties, z, conf_type)
        for table, rows, begin in zip(read.tables, read.rows, read.begins, strict=True)
    ]
    return NelsonAalenFit(
        groups=read.groups,
        n=read.n,
        n_events=pd.Series([float(steps.table.events.sum()) for steps in curves], read.groups, name="n_events"),
        ties=ties,
        conf_level=conf_level,
        conf_type=conf_type,
        curves=tuple(curves),
        skipped=read.skipped,
        notes=read.notes,
    )


def cumulative_hazard_limits(cumulative: Floats, error: Floats, z: float, conf_type: str) -> tuple[Floats, Floats]:
    """Return lower and upper limits of a cumulative hazard on the given scale, not below zero."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if conf_type == "plain":
            low, high = np.maximum(cumulative - z * error, 0.0), cumulative + z * error
        else:
            factor = np.exp(z * error / cumulative)
            low, high = cumulative / factor, cumulative * factor
    none = cumulative == 0.0
    return np.where(none, 0.0, low), np.where(none, 0.0, high)


def hazard_increments(table: LifeTable, ties: str = "aalen") -> tuple[Floats, Floats, Floats]:
    """Return what every time adds to the cumulative hazard and to its variance, and a dying row's influence.

    Returns
    -------
    Increments and variance increments, shape (T,), and `own` as in `influence_variance`.
    """
    events, at_risk, tied = table.events, table.at_risk, table.tied
    some = events > 0
    if ties == "aalen":
        own = np.divide(1.0, at_risk, out=np.zeros_like(at_risk), where=some)
        return events * own, events * own**2, own
    # One term for every event: the j-th of d leaves when j of the same mean weight are gone already.
    counts = np.where(some, tied, 0.0).astype(np.int64)
    place = np.repeat(np.arange(counts.size), counts)
    before = np.arange(place.size) - np.repeat(np.cumsum(counts) - counts, counts)
    mean = np.divide(events, tied, out=np.zeros_like(events), where=some)
    share = 1.0 / counts[place]
    left = at_risk[place] - before * mean[place]
    return (
        tally(place, mean[place] / left, counts.size),
        tally(place, mean[place] / left**2, counts.size),
        tally(place, share / left + mean[place] * before * share / left**2, counts.size),
    )


def _hazard_steps(
    table: LifeTable, rows: Rows | None, begin: float, ties: str, z: float, conf_type: str
) -> HazardSteps:
    increments, spread, own = hazard_increments(table, ties)
    variance = np.cumsum(spread) if rows is None else influence_variance(table.time, spread, own, rows)
    cumulative = np.cumsum(increments)
    low, high = cumulative_hazard_limits(cumulative, np.sqrt(variance), z, conf_type)
    return HazardSteps(table, increments, cumulative, variance, low, high, begin)


def _estimates(steps: HazardSteps, times: Floats | None) -> dict[str, Floats]:
    found = {
        "cumulative_hazard": steps.cumulative,
        "std_error": np.sqrt(steps.variance),
        "conf_low": steps.conf_low,
        "conf_high": steps.conf_high,
    }
    if times is not None:
        last = steps.table.time[-1]
        unknown = (times > last) | ((times < steps.begin) & (steps.begin > 0))
        found = {
            name: np.where(unknown, np.nan, step_value(steps.table.time, values, 0.0, times))
            for name, values in found.items()
        }
    return found | {"survival": np.exp(-found["cumulative_hazard"])}
