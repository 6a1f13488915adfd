"""Discrete-time hazards: spells cut into bands of time, and their regression.

Source: Prentice & Gloeckler (1978), Biometrics 34:57-67; Allison (1982), Sociological Methodology 13:61-98;
Singer & Willett (2003), Applied Longitudinal Data Analysis, chapter 11.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.arguments import is_number, read_list
from whychurn.models.columns import Floats, Integers, read_events, read_times, refuse_rows
from whychurn.models.formula import parse_terms, variables_of
from whychurn.models.logistic.fitting import fit_logistic
from whychurn.models.logistic.result import LogisticFit

# More rows than this is a slip of the unit of time.
_MOST_ROWS = 200_000_000
# Ends this close to the end of a band (in bands) lie on it: 1.1 / 0.1 is no whole number in floating point.
_SNAP = 1e-9
NEW_COLUMNS = ("band", "exposure", "log_at_risk")


def person_periods(
    frame: pd.DataFrame,
    time: str,
    event: str,
    start: str | None = None,
    width: float | None = None,
    cuts: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Cut spells ``(start, stop]`` into one row per band of time.

    Parameters
    ----------
    frame
        One row per spell, n rows; further columns are repeated. A band is ``(low, high]``.
    time, event
        End of the spell, and whether it ended with the event (0/1).
    start
        Entry (late entry, or start-stop rows); all from zero without it.
    width
        Bands of equal width, from zero.
    cuts
        Instead of `width`: ends of the bands, increasing and positive (a leading zero is allowed); a last band
        without an end takes what lies beyond.

    Returns
    -------
    DataFrame in the order of the spells and of time, with the index of `frame` repeated, and

    ``start`` (or the name given) and `time`
        The part of the band that the row covers.
    `event`
        One in the row in which the event falls, zero before.
    band
        Ordered category such as "(0, 3]"; only bands that occur.
    exposure
        Time observed in the band: the rows of a spell add up to it, exactly.
    log_at_risk
        Logarithm of the part of its band in which the row could have had its event: from entry to the end of the
        band, or to the end of the spell where it was censored within the band. An offset for the cloglog link
        that makes such incomplete rows exact if the hazard is constant within bands. Missing for an event in a
        band without an end.

    Raises
    ------
    FitError
        Unreadable rows, bad bands, a column in the way, or absurdly many rows.
    """
    if (width is None) == (cuts is None):
        raise FitError("Give either width or cuts.")
    opening = "start" if start is None else start
    taken = [name for name in (*NEW_COLUMNS, opening) if name in frame.columns and name != start]
    if taken:
        raise FitError(f"Column {taken[0]!r} would be overwritten: rename it first.")
    begin, stop = read_times(frame, time, start)
    if start is None:
        begin = np.zeros(stop.size)
        refuse_rows(frame, stop <= 0.0, f"A spell must cover time: {time!r} is zero")
    happened = read_events(frame, event)
    first, last, edges = _bands(begin, stop, width, cuts)
    counts = last - first + 1
    if counts.sum() > _MOST_ROWS:
        raise FitError(f"That would make {int(counts.sum()):,} rows. Take wider bands.")
    spell = np.repeat(np.arange(stop.size), counts)
    band = np.arange(spell.size) - np.repeat(np.cumsum(counts) - counts, counts) + first[spell]
    final = band == last[spell]
    low = np.maximum(edges(band), begin[spell])
    high = np.where(final, stop[spell], edges(band + 1))
    failed = final & happened[spell]
    with np.errstate(divide="ignore", invalid="ignore"):
        at_risk = np.log(np.where(failed, edges(band + 1), high) - low)
    out = frame.iloc[spell].copy()
    out[opening], out[time], out[event] = low, high, failed.astype(np.int64)
    out["band"] = _labelled(band, edges)
    out["exposure"] = high - low
    out["log_at_risk"] = np.where(np.isfinite(at_risk), at_risk, np.nan)
    return out


def fit_discrete_hazard(
    frame: pd.DataFrame,
    terms: Sequence[str],
    time: str,
    event: str,
    start: str | None = None,
    width: float | None = None,
    cuts: Sequence[float] | None = None,
    link: str = "cloglog",
    covariance: str = "model",
    cluster: str | None = None,
    weights: str | None = None,
) -> LogisticFit:
    """Fit a hazard per band of time: grouped proportional hazards (cloglog) or proportional odds of leaving (logit).

    The spells are cut by `person_periods`, and each band gets its own baseline (the term "band" is added). Rows
    that are observed for a part of their band count as the whole band; where that is many, call `person_periods`
    yourself and fit its rows by `fit_logistic` with ``link="cloglog"`` and ``offset="log_at_risk"``.

    Parameters
    ----------
    frame, time, event, start, width, cuts
        As in `person_periods`.
    terms, link, covariance, cluster, weights
        As in `fit_logistic`. The terms read neither the time nor the event, which the model explains.

    Returns
    -------
    LogisticFit

    Raises
    ------
    FitError
        As in `person_periods` and `fit_logistic`; a band without any event is a `SeparationError`: join it to
        its neighbour by `cuts`.
    """
    rows = person_periods(frame, time, event, start, width, cuts)
    _refuse_answers(rows, terms, time, event)
    baseline = ["band"] if len(rows["band"].cat.categories) > 1 else []
    return fit_logistic(
        rows, [*baseline, *terms], event, weights=weights, covariance=covariance, cluster=cluster, link=link
    )


def _refuse_answers(rows: pd.DataFrame, terms: Sequence[str], time: str, event: str) -> None:
    """Refuse terms that know how the row ends: a fit on them is perfect, and of no use."""
    answers = {
        time: "the time column",
        event: "the event column",
        "exposure": "the time observed in the band",
        "log_at_risk": "the time at risk in the band",
    }
    factors = [factor for part in parse_terms(rows, terms) for factor in part.factors]
    named = [name for factor in factors for name in variables_of(factor) if name in answers]
    if named:
        raise FitError(
            f"{named[0]!r} is {answers[named[0]]}: it is what the model explains, and cannot be a term. The band of time "
            "is in the model already."
        )


class _Edges:
    """Ends of the bands by number: band k is ``(edges(k), edges(k + 1)]``."""

    def __init__(self, width: float | None, ends: Floats | None) -> None:
        self.width, self.ends = width, ends

    def __call__(self, place: Integers) -> Floats:
        if self.width is not None:
            return np.asarray(place * self.width, dtype=np.float64)
        assert self.ends is not None
        return self.ends[place]


def _bands(
    begin: Floats, stop: Floats, width: float | None, cuts: Sequence[float] | None
) -> tuple[Integers, Integers, _Edges]:
    """Return the first and last band of each spell, shape (n,), and the ends of the bands."""
    if width is not None:
        if not (is_number(width) and width > 0):
            raise FitError(f"width is a positive number, not {width!r}.")
        entered, left = (_in_bands(values, width) for values in (begin, stop))
        if max(left.max(initial=0.0), 0.0) > _MOST_ROWS:
            raise FitError(f"That would make {left.max():,.0f} bands. Take wider bands.")
        first, last = np.floor(entered).astype(np.int64), np.ceil(left).astype(np.int64) - 1
        # A spell that is a hair long lies within the band of its end.
        return np.minimum(first, np.maximum(last, 0)), np.maximum(last, 0), _Edges(width, None)
    ends = read_list(() if cuts is None else cuts, "cuts")
    if ends.size and ends[0] == 0.0:
        ends = ends[1:]
    if not ends.size or not np.isfinite(ends).all() or ends[0] <= 0.0 or (np.diff(ends) <= 0.0).any():
        raise FitError(f"cuts are positive, finite and increasing numbers, not {cuts!r}.")
    first = np.searchsorted(ends, begin, side="right").astype(np.int64)
    last = np.searchsorted(ends, stop, side="left").astype(np.int64)
    return first, last, _Edges(None, np.concatenate([[0.0], ends, [np.inf]]))


def _in_bands(values: Floats, width: float) -> Floats:
    bands = values / width
    nearest = np.rint(bands)
    return np.where(np.abs(bands - nearest) <= _SNAP * np.maximum(nearest, 1.0), nearest, bands)


def _labelled(band: Integers, edges: _Edges) -> pd.Categorical[str]:
    used, codes = np.unique(band, return_inverse=True)
    lows, highs = edges(used), edges(used + 1)
    labels = [
        f"({low:.12g}, {high:.12g}]" if np.isfinite(high) else f"over {low:.12g}"
        for low, high in zip(lows, highs, strict=True)
    ]
    return pd.Categorical.from_codes(codes.astype(np.int64), pd.Index(labels), ordered=True)
