"""The renewal as a landmark sees it: its day is known in advance, so what counts is whether it falls within the horizon.

Rows at risk are a week long, and a cause may be declared as "the renewal is due this week". Held for a whole horizon
that says something else. The day itself, worked out from the contract, is known at the landmark.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.panel import Candidate
from whychurn.study import TableStudy

#: The measures: days to the renewal, months of the term.
RENEWAL, TERM = "days_to_renewal", "term_months"
DAYS_PER_MONTH = 365.25 / 12
LATER = "later"
#: What the cause is called, as the study declared it, beside how it is read here.
_DECLARED = f"declared {RENEWAL}"

Floats = NDArray[np.float64]


def days_ahead(frame: pd.DataFrame, study: TableStudy, recorded: str) -> Floats:
    """Return the days from each landmark to the next renewal after it, shape (n,); NaN where there is none.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of landmarks with the recorded days to the renewal, and months of the term if they are known.
    study : TableStudy
    recorded : str
        What the names of recorded columns begin with.
    """
    days = frame[f"{recorded}{RENEWAL}"].to_numpy(dtype=float)
    # The measure counts from the day before the cut-off, or from the first day of service.
    since = np.minimum(float(study.lag_days + 1), frame["start"].to_numpy(dtype=float))
    into_row = (frame["landmark"] - frame["start_on"]).dt.days.to_numpy(dtype=float)
    return _next_after(days - since - into_row, term_days(frame, recorded))


def term_days(frame: pd.DataFrame, recorded: str) -> Floats:
    """Return the length of the term in days, shape (n,); NaN where it is not known."""
    if f"{recorded}{TERM}" not in frame:
        return np.full(len(frame), np.nan)
    months = pd.to_numeric(frame[f"{recorded}{TERM}"], errors="coerce").to_numpy(dtype=float)
    return np.asarray(np.where(months >= 1, np.round(months * DAYS_PER_MONTH), np.nan))


def _next_after(days: Floats, term: Floats) -> Floats:
    """Add whole terms to renewals that have passed; of unknown terms they stay in the past."""
    with np.errstate(invalid="ignore"):
        terms = np.where(days <= 0, np.floor(-days / term) + 1, 0.0)
    return np.where((days <= 0) & ~np.isnan(term), days + terms * term, days)


def with_renewal_ahead(
    cause: Candidate, frame: pd.DataFrame, study: TableStudy, horizon: int, recorded: str
) -> tuple[Candidate, pd.DataFrame]:
    """Return the cause and the rows with the renewal read as within the horizon, later, or none.

    Rows without a renewal keep the level that the study gives them.
    """
    days = days_ahead(frame, study, recorded)
    within = f"within the next {horizon} days"
    none = cause.missing_level
    values: Any = np.where(np.isnan(days), none, np.where((days > 0) & (days <= horizon), within, LATER))
    coded = pd.Series(values, index=frame.index, dtype=object)
    levels = tuple(level for level in (LATER, within, none) if (coded == level).any())
    merged = tuple(replace(merge, into=LATER) for merge in cause.merged if merge.level == none)
    note = "At a landmark, what counts of a renewal is whether it falls within the horizon."
    read = replace(
        cause,
        kind="category",
        levels=levels,
        reference=LATER,
        compare=within,
        merged=merged,
        note=f"{cause.note} {note}".strip(),
    )
    return read, frame.assign(**{_DECLARED: frame[cause.column], cause.column: coded})


def as_declared(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows of landmarks with the renewal as the study declared it."""
    return frame.assign(**{RENEWAL: frame[_DECLARED]}) if _DECLARED in frame else frame


class RenewalPath:
    """How a declared renewal cause moves as the days go by, for a model of weekly rows.

    Parameters
    ----------
    recorded, coded : pandas.Series
        Days to the renewal on rows at risk, and the level that the study makes of them.
    """

    def __init__(self, recorded: pd.Series, coded: pd.Series) -> None:
        pairs = pd.DataFrame({"days": pd.to_numeric(recorded, errors="coerce").to_numpy(), "level": coded.to_numpy()})
        first = pairs.dropna(subset=["days"]).drop_duplicates("days").sort_values("days")
        self._days, self._levels = first["days"].to_numpy(dtype=float), first["level"].to_numpy(dtype=object)

    def levels(self, days: Floats) -> NDArray[Any]:
        """Return the level at each number of days to the renewal, shape (n,); None where there is no renewal."""
        out = np.full(len(days), None, dtype=object)
        known = ~np.isnan(days)
        if len(self._days):
            place = np.clip(np.searchsorted(self._days, days[known], side="right") - 1, 0, len(self._days) - 1)
            out[known] = self._levels[place]
        return out
