"""Customers at the landmarks, each with whether they left within the horizon, and the causes as models there see them.

The horizons of two landmarks never overlap, so that a customer at a landmark is one person-period of a discrete-time
survival model: given that the customer was still there, and given the measures, the periods of one customer count as
independent observations (Allison 1982, Sociological Methodology 13:61-98).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from whychurn.analyses.landmark_measures import groups_of
from whychurn.analyses.landmark_renewal import RENEWAL, with_renewal_ahead
from whychurn.panel import Candidate, Panel
from whychurn.panel.landmarks import horizon_days, landmark_frame
from whychurn.panel.panel import Rows
from whychurn.study import TableStudy

#: What recorded values are called beside those that models see.
RECORDED = "recorded "
#: So large a share of a cause's differences lies between the dates: nearly all customers share its value at any date.
BOUND_TO_DATE = 0.8
TENURE = Candidate("tenure_at_landmark", "Time as a customer", "category", 1, "calendar", role="adjustment")
DATE = Candidate("date", "Date of the landmark", "category", 1, "calendar", role="adjustment")


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Customers at landmarks.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per customer and landmark: what :func:`whychurn.panel.landmarks.landmark_frame` gives, with ``date``
        (text) and ``tenure_at_landmark``, and the renewal read as whether it falls within the horizon.
    causes : tuple of Candidate
        The declared causes in use, the renewal among them as it is read here.
    bound : tuple of str
        Columns of causes that nearly all customers share at any date: they compare dates, not customers.
    dates : tuple of str
        The landmarks with rows, earliest first.
    horizon : int
        In days.
    n_unfollowed : int
        Rows left out because the customer was not followed to the end of the horizon and is not known to have left.
    """

    frame: pd.DataFrame
    causes: tuple[Candidate, ...]
    bound: tuple[str, ...]
    dates: tuple[str, ...]
    horizon: int
    n_unfollowed: int

    @property
    def outcome(self) -> str:
        """What findings call the outcome."""
        return f"churn within {self.horizon} days"

    @property
    def terms(self) -> tuple[Candidate, ...]:
        """The causes that tell customers apart, and time as a customer."""
        own = [cause for cause in self.causes if cause.column not in self.bound and not cause.determined_by]
        return (*own, _with_levels(TENURE, self.frame))

    def date_term(self) -> Candidate:
        """The date as a term of its own."""
        return _with_levels(DATE, self.frame)


class RecordedBeside:
    """Some columns of the rows at risk as models see them, and some as recorded under a name of their own."""

    def __init__(self, panel: Panel, columns: Sequence[str], recorded: Sequence[str] = ()) -> None:
        self._coded, self._raw = panel.rows, panel.recorded or panel.rows
        held = [name for name in recorded if name in self._raw.columns]
        self.columns = (*dict.fromkeys(columns), *(f"{RECORDED}{name}" for name in held))

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return all columns, or those named."""
        wanted = list(self.columns if columns is None else columns)
        raw = [name.removeprefix(RECORDED) for name in wanted if name.startswith(RECORDED)]
        frame = self._coded.read([name for name in wanted if not name.startswith(RECORDED)])
        if raw:
            found = self._raw.read(raw)
            frame = frame.assign(**{f"{RECORDED}{name}": found[name].to_numpy() for name in raw})
        return frame[wanted]


def landmark_rows(rows: Rows, panel: Panel, study: TableStudy) -> Landmarks:
    """Return the customers at the landmarks.

    Parameters
    ----------
    rows : Rows
        ``account_id``, ``spell``, ``start``, ``stop``, ``start_on``, the causes in use, and what is to be carried
        besides; :data:`RECORDED` days to the renewal and term where they are to be used.
    panel : Panel
    study : TableStudy
    """
    horizon = horizon_days(study)
    frame = landmark_frame(rows, panel.accounts, study)
    known = (frame["followed_days"] >= horizon) | (frame["event"] == 1)
    frame = frame[known].reset_index(drop=True)
    frame["date"] = frame["landmark"].dt.strftime("%Y-%m-%d")
    frame[TENURE.column] = _tenure_bands(frame, horizon)
    causes = list(panel.used)
    for place, cause in enumerate(causes):
        if cause.column == RENEWAL and f"{RECORDED}{RENEWAL}" in frame:
            causes[place], frame = with_renewal_ahead(cause, frame, study, horizon, RECORDED)
    bound = tuple(
        cause.column
        for cause in causes
        if share_between_dates(frame["date"], groups_of(cause, frame[cause.column])[0]) >= BOUND_TO_DATE
    )
    return Landmarks(frame, tuple(causes), bound, tuple(sorted(frame["date"].unique())), horizon, int((~known).sum()))


def share_between_dates(dates: pd.Series, groups: pd.Series) -> float:
    """Return how much of the variety of groups lies between the dates, 0 to 1: Goodman and Kruskal's tau given the date."""
    if dates.nunique() < 2:
        return 0.0
    date, own = pd.factorize(dates)[0], pd.factorize(groups)[0]
    shape = (int(date.max()) + 1, int(own.max()) + 1)
    counts = np.bincount(date * shape[1] + own, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    per_date = counts.sum(axis=1)
    within = float((per_date - (counts**2).sum(axis=1) / per_date).sum() / counts.sum())
    overall = 1.0 - float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return 1.0 - within / overall if overall > 0 else 0.0


def _tenure_bands(frame: pd.DataFrame, horizon: int) -> pd.Series:
    """Cut the days as a customer at 1, 2, 4 and 8 horizons: hazards change fastest in the beginning."""
    days = frame["start"].to_numpy(dtype=float) + (frame["landmark"] - frame["start_on"]).dt.days.to_numpy(dtype=float)
    cuts = np.array([1, 2, 4, 8]) * horizon
    names = [f"under {cuts[0]} days", *(f"{low}-{high - 1} days" for low, high in itertools.pairwise(cuts))]
    names.append(f"{cuts[-1]} days or more")
    place = np.searchsorted(cuts, days, side="right")
    return pd.Series(np.array(names, dtype=object)[place], index=frame.index, dtype=object)


def _with_levels(term: Candidate, frame: pd.DataFrame) -> Candidate:
    counts = frame[term.column].value_counts()
    levels = sorted(counts.index, key=lambda level: (-int(counts[level]), str(level)))
    return replace(term, levels=tuple(levels), reference=levels[0] if levels else "")
