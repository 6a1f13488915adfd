"""Hazard by tenure as occurrence/exposure rates: events over time at risk in bands, and just after marks.

Source: Breslow & Day (1987), Statistical Methods in Cancer Research II, chapter 2; exact limits of Garwood (1936),
Biometrika 28:437; comparison of two Poisson rates given their total, Przyborowski & Wilenski (1940), Biometrika 31:313.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError, some
from whychurn.models.arguments import is_number, read_list
from whychurn.models.columns import (
    Booleans,
    Floats,
    Integers,
    read_events,
    read_groups,
    read_stop,
    read_times,
    tally,
)
from whychurn.models.wald import normal_quantile

CLOSED = ("right", "left")
# Times closer than this share of the narrowest band are one.
_SAME_MOMENT = 1e-9
_RATE_COLUMNS = ["time_at_risk", "n_events", "rate", "conf_low", "conf_high"]
_MARK_COLUMNS = [
    *("group", "mark", "begins", "ends", *_RATE_COLUMNS),
    *("neighbour_time_at_risk", "neighbour_events", "neighbour_rate", "ratio", "ratio_low", "ratio_high", "p_value"),
]


@dataclass(frozen=True, slots=True)
class HazardRates:
    """Rates by band and, with marks, just after each mark.

    Attributes
    ----------
    rates
        group, begins, ends (of the band), time_at_risk, n_events, rate (events per unit of time), conf_low,
        conf_high. A band in which nobody was at risk has NaN for its rate and limits.
    marks
        group, mark, begins, ends (of the step that follows it), time_at_risk, n_events, rate, conf_low, conf_high,
        neighbour_time_at_risk, neighbour_events, neighbour_rate (the steps before and after that one together),
        ratio, ratio_low, ratio_high, p_value (exact, of equal rates). Empty without marks.
    outside
        group, n_events of no band.
    conf_level, closed
        As asked for.
    """

    rates: pd.DataFrame
    marks: pd.DataFrame
    outside: pd.DataFrame
    conf_level: float
    closed: str

    def tidy(self) -> pd.DataFrame:
        """Return `rates`."""
        return self.rates


def hazard_by_time(
    frame: pd.DataFrame,
    time: str,
    event: str,
    bands: Sequence[float] | Floats,
    start: str | None = None,
    group: str | Sequence[str] | None = None,
    marks: Sequence[float] | Floats = (),
    step: float = 1.0,
    closed: str = "right",
    conf_level: float = 0.95,
) -> HazardRates:
    """Estimate the rate of events per unit of time at risk in bands of time.

    Parameters
    ----------
    frame, time, event, start, group
        As in `fit_kaplan_meier`; without `start` rows are at risk from zero.
    bands
        Edges in increasing order, at least two.
    marks
        Times such as renewals, whose following step is set against the step before and the step after it. Marks
        are at least two steps apart, so that neighbours are no marks themselves.
    step
        Length of a step, in the unit of time: the precision with which times are recorded.
    closed
        To which band an event exactly on an edge counts: "right" (default), to the one that ends there, as rows
        cover ``(start, stop]``; "left", to the one that begins there. For cancellations booked on the renewal
        date itself, "left" puts them into the step that follows the mark. With "right" an event at the first
        edge counts to the first band if that begins at zero (there is no time before).
    conf_level
        Of the exact Poisson limits.

    Returns
    -------
    HazardRates

    Raises
    ------
    FitError
        Unreadable columns or rows, edges that do not increase, marks too close together or before zero.
    """
    if not len(frame):
        raise FitError("The frame has no rows.")
    if closed not in CLOSED:
        raise FitError(f"closed is one of {', '.join(CLOSED)}, not {closed!r}.")
    normal_quantile(conf_level)
    edges = _edges(bands)
    moments = np.sort(read_list(marks, "marks"))
    if not (is_number(step) and step > 0):
        raise FitError(f"step is a positive number in the unit of {time!r}, not {step!r}.")
    if moments.size and not (np.isfinite(moments).all() and moments[0] >= 0):
        raise FitError(f"marks are finite times of zero or later, not {some(moments)}.")
    if (np.diff(moments) < 2 * step * (1 - 1e-9)).any():
        raise FitError(f"Two marks are less than two steps of {step:g} apart, so one would be the other's neighbour.")
    begin, stop = (None, read_stop(frame, time)) if start is None else read_times(frame, time, start)
    happened = read_events(frame, event)
    codes, labels = read_groups(frame, group)
    k = len(labels)
    # One row of the table per group and band.
    counts, exposure = band_sums(codes, k, begin, stop, happened, edges, closed)
    rates = pd.DataFrame(
        {
            "group": np.repeat(np.array(labels, dtype=object), edges.size - 1),
            "begins": np.tile(edges[:-1], k),
            "ends": np.tile(edges[1:], k),
            **rate_columns(counts.ravel(), exposure.ravel(), conf_level),
        }
    )
    outside = np.bincount(codes[happened], minlength=k) - counts.sum(axis=1).astype(np.int64)
    rows = []
    for mark in moments:
        around = mark + step * np.arange(-1.0, 3.0)
        if around[0] < -1e-9 * step:
            around = np.array([0.0, *around[around > 0]])
        d, e = band_sums(codes, k, begin, stop, happened, around, closed)
        place = int(np.searchsorted(around, mark + 0.5 * step)) - 1
        rows += [
            {"group": label, "mark": mark, "begins": around[place], "ends": around[place + 1]}
            | _against_neighbours(d[code], e[code], place, conf_level)
            for code, label in enumerate(labels)
        ]
    return HazardRates(
        rates=rates,
        marks=pd.DataFrame(rows, columns=_MARK_COLUMNS),
        outside=pd.DataFrame({"group": labels, "n_events": outside}),
        conf_level=conf_level,
        closed=closed,
    )


def band_sums(
    codes: Integers, k: int, start: Floats | None, stop: Floats, event: Booleans, edges: Floats, closed: str
) -> tuple[Floats, Floats]:
    """Return events and time at risk by group and band, shape (k, B) each, B + 1 edges."""
    bands = edges.size - 1
    time = _time_lived(codes, k, stop, edges)
    time -= _time_lived(codes, k, np.zeros(stop.size) if start is None else start, edges)
    died = stop[event]
    # An edge such as 0.1 + 0.2 misses the time 0.3 in the last digit only: it is the same moment.
    slack = _SAME_MOMENT * np.diff(edges).min()
    if closed == "right":
        place = np.searchsorted(edges, died - slack, side="left") - 1
    else:
        place = np.searchsorted(edges, died + slack, side="right") - 1
    if closed == "right" and edges[0] == 0.0:
        place = np.where(died == 0.0, 0, place)
    inside = (place >= 0) & (place < bands)
    slot = codes[event][inside] * bands + place[inside]
    events = np.bincount(slot, minlength=k * bands).reshape(k, bands).astype(np.float64)
    return events, np.maximum(time, 0.0)


def rate_columns(events: Floats, time: Floats, conf_level: float) -> dict[str, Floats]:
    """Return time at risk, events, their ratio and its exact Poisson limits as columns."""
    tail = (1.0 - conf_level) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(events > 0, stats.chi2.ppf(tail, 2.0 * events), 0.0) / 2.0
        high = stats.chi2.isf(tail, 2.0 * events + 2.0) / 2.0
        known = np.where(time > 0, time, np.nan)
        values = (time, events, events / known, low / known, high / known)
        return dict(zip(_RATE_COLUMNS, values, strict=True))


def _edges(bands: Sequence[float] | Floats) -> Floats:
    edges = read_list(bands, "bands")
    if edges.size < 2 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any() or edges[0] < 0:
        raise FitError(f"bands are two or more finite edges from zero on, in increasing order, not {some(edges)}.")
    return edges


def _time_lived(codes: Integers, k: int, until: Floats, edges: Floats) -> Floats:
    """Return the time from zero to `until` that falls into each band, summed by group, shape (k, B)."""
    bands = edges.size - 1
    # Slot 0 lies before the first band, slot B + 1 after the last.
    place = np.searchsorted(edges, until, side="right")
    slot = codes * (bands + 2) + place
    reached = np.bincount(slot, minlength=k * (bands + 2)).reshape(k, bands + 2)
    part = until - np.concatenate(([0.0], edges))[place]
    partial = tally(slot, part, k * (bands + 2)).reshape(k, bands + 2)[:, 1:-1]
    through = np.cumsum(reached[:, ::-1], axis=1)[:, ::-1][:, 2:]
    return np.asarray(partial + through * np.diff(edges), dtype=np.float64)


def _against_neighbours(events: Floats, time: Floats, place: int, conf_level: float) -> dict[str, float]:
    """Return the rate of one step beside that of the others, and their exact ratio."""
    own_events, own_time = int(events[place]), float(time[place])
    near_events, near_time = int(events.sum()) - own_events, float(time.sum()) - own_time
    columns = rate_columns(np.array([float(own_events)]), np.array([own_time]), conf_level)
    found = {name: float(values[0]) for name, values in columns.items()}
    found |= {
        "neighbour_time_at_risk": near_time,
        "neighbour_events": float(near_events),
        "neighbour_rate": near_events / near_time if near_time > 0 else float("nan"),
    }
    nothing = dict.fromkeys(("ratio", "ratio_low", "ratio_high", "p_value"), float("nan"))
    if own_events + near_events == 0 or own_time <= 0 or near_time <= 0:
        return found | nothing
    # Given their total, the events of the step are binomial.
    test = stats.binomtest(own_events, own_events + near_events, own_time / (own_time + near_time))
    limits = test.proportion_ci(conf_level, method="exact")
    scale = near_time / own_time
    return found | {
        "ratio": own_events / near_events * scale if near_events else float("inf"),
        "ratio_low": limits.low / (1.0 - limits.low) * scale,
        "ratio_high": limits.high / (1.0 - limits.high) * scale if limits.high < 1.0 else float("inf"),
        "p_value": float(test.pvalue),
    }
