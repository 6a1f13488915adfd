"""One Cox model per cause, and the cumulative incidence that they imply together.

The hazard ratio of a cause says how a covariate moves the rate of that cause among those still there; customers gone
by another cause count as censored, which asks for nothing about their fate. What share leaves by the cause depends on
all causes: `CauseSpecificFit.predict_incidence`.

Source: Prentice et al. (1978), Biometrics 34:541-554; Putter, Fiocco & Geskus (2007), Statist. Med. 26:2389-2430.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from whychurn.errors import FitError, NoEventsError
from whychurn.models.columns import Floats, read_query_times, read_times
from whychurn.models.competing_risks.causes import read_causes
from whychurn.models.cox import CoxFit, fit_cox


@dataclass(frozen=True, slots=True)
class CauseSpecificFit:
    """Cox models of all causes.

    Attributes
    ----------
    causes
        Labels, in sorted or category order.
    fits
        The `CoxFit` of each cause.
    n_events
        Events by cause.
    """

    causes: tuple[str, ...]
    fits: dict[str, CoxFit]
    n_events: pd.Series
    event_times: Floats = field(repr=False)
    last_time: float = field(repr=False)

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row per cause and column of the design: cause, then the columns of `CoxFit.tidy`."""
        return pd.concat(
            [fit.tidy(conf_level).assign(cause=cause) for cause, fit in self.fits.items()], ignore_index=True
        ).pipe(lambda table: table[["cause", *table.columns.drop("cause")]])

    def predict_incidence(self, newdata: pd.DataFrame, times: Sequence[float] | Floats) -> pd.DataFrame:
        """Return the cumulative incidence of every cause for each row of `newdata`, its covariates held fixed.

        With the share still without an event, ``exp(-H)`` of all causes, the incidences add up to one: at each time
        the loss of that share is split by the hazards of the causes, as in R's survfit of a multi-state coxph.

        Parameters
        ----------
        newdata
            Must hold the columns of the terms, and those of the strata.
        times
            In the unit of the fit. Past the last time of the data the incidence is unknown (NaN).

        Returns
        -------
        DataFrame with row, cause, time, incidence and survival (without an event of any cause). Memory grows as rows
        times event times times causes.
        """
        when = read_query_times(times)
        steps = self.event_times
        shape = (len(newdata), steps.size)
        hazards = np.stack(
            [
                fit.predict_survival(newdata, steps, conf_level=None)["cumulative_hazard"].to_numpy().reshape(shape)
                for fit in self.fits.values()
            ]
        )
        increments = np.diff(hazards, axis=2, prepend=0.0)
        total = increments.sum(axis=0)
        survival = np.exp(-np.cumsum(total, axis=1))
        before = np.concatenate((np.ones((shape[0], 1)), survival[:, :-1]), axis=1)
        lost = before * -np.expm1(-total)
        shares = np.divide(increments, total, out=np.zeros_like(increments), where=total > 0)
        incidence = np.cumsum(lost * shares, axis=2)
        place = np.searchsorted(steps, when, side="right")
        unknown = when > self.last_time
        left = np.concatenate((np.ones((shape[0], 1)), survival), axis=1)[:, place]
        left[:, unknown] = np.nan
        blocks = []
        for number, cause in enumerate(self.causes):
            found = np.concatenate((np.zeros((shape[0], 1)), incidence[number]), axis=1)[:, place]
            found[:, unknown] = np.nan
            columns = {"incidence": found.ravel(), "survival": left.ravel()}
            rows = np.repeat(newdata.index.to_numpy(), when.size)
            blocks.append(pd.DataFrame({"row": rows, "cause": cause, "time": np.tile(when, shape[0]), **columns}))
        return pd.concat(blocks, ignore_index=True)


def fit_cause_specific(
    frame: pd.DataFrame,
    terms: Sequence[str],
    time: str,
    event: str,
    censored: Any = 0,
    start: str | None = None,
    strata: str | Sequence[str] = (),
    weights: str | None = None,
    cluster: str | None = None,
    ties: str = "efron",
) -> CauseSpecificFit:
    """Fit a Cox model for every cause, events of the others counting as censored.

    Parameters
    ----------
    frame, terms, time, start, strata, weights, cluster, ties
        As in `fit_cox`.
    event, censored
        As in `fit_aalen_johansen`.

    Returns
    -------
    CauseSpecificFit

    Raises
    ------
    FitError
        As in `fit_cox`; the message names the cause whose model failed.
    """
    if not len(frame):
        raise NoEventsError("The frame has no rows.")
    causes = read_causes(frame, event, censored)
    _, stop = read_times(frame, time, start)
    fits = {}
    for code, cause in enumerate(causes.labels, start=1):
        column = f"{event} is {cause}"
        while column in frame.columns:
            column += "'"
        own = frame.assign(**{column: causes.codes == code})
        try:
            fits[cause] = fit_cox(
                own,
                terms,
                time,
                column,
                start=start,
                strata=strata,
                weights=weights,
                cluster=cluster,
                ties=ties,
            )
        except FitError as problem:
            raise type(problem)(f"Cause {cause!r}: {problem}") from problem
    counts = np.bincount(causes.codes, minlength=len(causes.labels) + 1)[1:]
    return CauseSpecificFit(
        causes=causes.labels,
        fits=fits,
        n_events=pd.Series(counts, list(causes.labels), name="n_events"),
        event_times=np.unique(stop[causes.codes > 0]),
        last_time=float(stop.max()),
    )
