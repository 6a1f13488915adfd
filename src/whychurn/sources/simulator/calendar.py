"""Days and seconds counted from the first day observed, as dates and as texts of a CSV."""

from __future__ import annotations

import numpy as np

from whychurn.sources.simulator.settings import CompanySettings


def add_months(settings: CompanySettings, day: np.ndarray, months: int | np.ndarray) -> np.ndarray:
    """Return the same day of the month some months later; after the 28th, the 28th.

    Parameters
    ----------
    settings : CompanySettings
    day : ndarray of int
        Relative to the first day observed.
    months : int or ndarray of int
    """
    dates = settings.origin + day
    month = dates.astype("datetime64[M]")
    of_month = (dates - month.astype("datetime64[D]")).astype(int)
    later = np.where(np.asarray(months) == 0, of_month, np.minimum(of_month, 27))
    return ((month + months).astype("datetime64[D]") + later - settings.origin).astype(int)


def dates(settings: CompanySettings, day: np.ndarray, missing: np.ndarray | None = None) -> np.ndarray:
    """Return days as ISO texts; None where missing."""
    return _texts(
        settings.origin + np.where(missing, 0, day) if missing is not None else settings.origin + day, missing
    )


def times(settings: CompanySettings, second: np.ndarray, missing: np.ndarray | None = None) -> np.ndarray:
    """Return seconds as texts such as ``2024-01-31 09:30:00``; None where missing."""
    known = np.where(missing, 0, second) if missing is not None else second
    return _texts(settings.origin.astype("datetime64[s]") + known, missing, " ")


def _texts(values: np.ndarray, missing: np.ndarray | None, between: str = "") -> np.ndarray:
    out = np.datetime_as_string(values).astype(object)
    if between:
        out = np.array([text.replace("T", between) for text in out], dtype=object)
    if missing is not None:
        out[missing] = None
    return out
