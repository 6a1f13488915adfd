"""The risk of leaving within the horizon that a Cox model of weekly rows gives customers at a landmark.

Everything is held as it was at the landmark, but for what the calendar settles: how long the customer has been one, and
how far off the renewal is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.fits import fit_rows
from whychurn.analyses.landmark_coding import coded_like
from whychurn.analyses.landmark_renewal import RENEWAL, RenewalPath, days_ahead, term_days
from whychurn.analyses.landmark_rows import RECORDED
from whychurn.analyses.rows import ModelRows, model_rows
from whychurn.models.cox import CoxFit
from whychurn.models.design import apply_design
from whychurn.panel import Candidate
from whychurn.study import TableStudy

Floats = NDArray[np.float64]
#: The baseline hazard is averaged over so many events.
EVENTS_AVERAGED = 50


@dataclass(frozen=True, slots=True)
class CoxForecast:
    """A Cox model of the past, and what it says of customers at later landmarks.

    Attributes
    ----------
    fit : CoxFit or None
    rows : ModelRows
    risk : numpy.ndarray
        Of each customer at a later landmark, shape (n,).
    note : str
        Why there is no fit, or "".
    """

    fit: CoxFit | None
    rows: ModelRows
    risk: Floats
    note: str


def past_rows(rows: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Return the rows at risk that had ended by a day, so that nothing later is in them."""
    ends = pd.to_datetime(rows["start_on"]) + pd.to_timedelta(rows["stop"] - rows["start"], unit="D")
    return rows[(ends <= until).to_numpy()]


def cox_forecast(
    past: pd.DataFrame, later: pd.DataFrame, causes: Sequence[Candidate], horizon: int, study: TableStudy
) -> CoxForecast:
    """Fit a Cox model to rows of the past and predict customers at later landmarks.

    Parameters
    ----------
    past : pandas.DataFrame
        Rows at risk with the causes as declared.
    later : pandas.DataFrame
        Rows of landmarks, likewise, with the recorded days to the renewal if that is among the causes.
    causes : sequence of Candidate
    horizon : int
        In days.
    study : TableStudy
    """
    fit, note, rows = fit_rows(model_rows(past, causes))
    if fit is None:
        return CoxForecast(None, rows, np.full(len(later), np.nan), note)
    held = [cause for cause in causes if cause.column in rows.names]
    coded = coded_like(later, held, rows)
    complete = coded.notna().all(axis=1).to_numpy()
    eta = np.full(len(later), np.nan)
    eta[complete] = apply_design(fit.design, coded[complete]) @ fit.params.to_numpy()
    begin: Floats = (
        later["start"].to_numpy(dtype=np.float64) + (later["landmark"] - later["start_on"]).dt.days.to_numpy()
    )
    moves = _renewal_moves(past, later, held, rows, fit, study)
    multiple = np.zeros(len(later))
    for step in range(0, horizon, study.interval_days):
        multiple += min(study.interval_days, horizon - step) * np.exp(eta + moves(step))
    return CoxForecast(fit, rows, -np.expm1(-baseline_rate(fit, begin, float(horizon)) * multiple), "")


def baseline_rate(fit: CoxFit, begin: Floats, horizon: float) -> Floats:
    """Return the baseline hazard per day over the horizon, averaged over a stretch of tenure with enough events.

    The baseline steps at every event; where few customers were at risk a single step would decide the risk of all of that
    tenure. Beyond the longest tenure seen, the last stretch stands in.

    Parameters
    ----------
    fit : CoxFit
    begin : numpy.ndarray
        Tenure at the landmark in days, shape (n,).
    horizon : float
    """
    events = np.sort(fit.rows.stop[fit.rows.event.astype(bool)])
    end, n = float(fit.rows.stop.max()), min(EVENTS_AVERAGED, len(events))
    first = np.clip(np.searchsorted(events, begin + horizon / 2) - n // 2, 0, len(events) - n)
    # The first step of the stretch belongs to it: it begins at the event before.
    low = np.minimum(np.where(first > 0, events[first - 1], 0.0), begin)
    high = np.minimum(np.maximum(events[first + n - 1], begin + horizon), end)
    times = np.unique(np.concatenate([low, high]))
    found = fit.baseline_cumulative_hazard(times)["cumulative_hazard"].to_numpy(dtype=np.float64)
    rise = found[np.searchsorted(times, high)] - found[np.searchsorted(times, low)]
    return np.asarray(rise / np.maximum(high - low, 1.0), dtype=np.float64)


def _renewal_moves(
    past: pd.DataFrame,
    later: pd.DataFrame,
    held: Sequence[Candidate],
    rows: ModelRows,
    fit: CoxFit,
    study: TableStudy,
) -> Callable[[int], Floats | float]:
    """Return how the linear predictor differs, so many days after the landmark, from what it was there."""
    cause = next((each for each in held if each.column == RENEWAL), None)
    if cause is None or f"{RECORDED}{RENEWAL}" not in later:
        return lambda step: 0.0
    ahead, term = days_ahead(later, study, RECORDED), term_days(later, RECORDED)
    name = rows.names[RENEWAL]
    path = RenewalPath(past[f"{RECORDED}{RENEWAL}"], past[RENEWAL])

    def part(values: NDArray[Any]) -> Floats:
        if cause.kind == "number":
            return np.asarray(values, dtype=float) / cause.per * float(fit.params[name])
        columns = dict(zip(rows.levels(RENEWAL)[1:], fit.term_slices[name], strict=True))
        own = {level: float(fit.params[column]) for level, column in columns.items()}
        return np.array([own.get(value, 0.0) for value in values])

    at_landmark = part(later[RENEWAL].to_numpy())

    def moves(step: int) -> Floats:
        # The measure on a row that begins so many days after the landmark.
        days = ahead - step
        days = np.where(days + study.lag_days < 0, days + term, days) + study.lag_days + 1
        values = days if cause.kind == "number" else path.levels(days)
        known = ~np.isnan(days)
        shift = np.zeros(len(days))
        shift[known] = part(values[known]) - at_landmark[known]
        return shift

    return moves
