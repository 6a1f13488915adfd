"""Snapshots of all customers at fixed dates, each with what happened to them within the horizon after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from whychurn.panel.panel import Rows
from whychurn.study import TableStudy

#: So many columns are read at a time: the rows of all dates are few beside all rows.
_COLUMNS_AT_A_TIME = 8


def landmark_days(study: TableStudy) -> list[date]:
    """Return the landmarks, earliest first: whole horizons before the last day of the window, not before its first.

    So the horizon after each of them, which begins on the day after, lies wholly inside the window.

    Examples
    --------
    With a horizon of 90 days and a window from 2024-01-01 up to, not including, 2024-12-31 they are 2024-01-05,
    2024-04-04, 2024-07-03 and 2024-10-01.
    """
    step = timedelta(days=horizon_days(study))
    days = []
    day = study.observed_to - timedelta(days=1) - step
    while day >= study.observed_from:
        days.append(day)
        day -= step
    return days[::-1]


def horizon_days(study: TableStudy) -> int:
    """Return the horizon in whole days, at least one."""
    return max(1, round(study.horizon))


def landmark_frame(rows: Rows, accounts: pd.DataFrame, study: TableStudy) -> pd.DataFrame:
    """Return the rows at risk that hold the landmarks.

    Parameters
    ----------
    rows : Rows
        With ``account_id``, ``spell``, ``start``, ``stop`` and ``start_on``.
    accounts : pandas.DataFrame
        One row per spell: ``account_id``, ``spell``, ``ended_on``, ``followed_to``, ``event``, ``cause``.
    study : TableStudy

    Returns
    -------
    pandas.DataFrame
        ``landmark`` (date), ``account_id``, ``spell``, ``start`` (days since the spell began, at the row's first day),
        ``start_on``, ``followed_days`` (days from the landmark until follow-up or the horizon ends), ``event`` (1 if
        the spell ended after the landmark and no later than the horizon), ``cause``, then what the row that holds the
        landmark has besides: measures, attributes, amount. In the order of landmark, account and spell.
    """
    base = rows.read(["account_id", "spell", "start", "stop", "start_on"])
    start_on = pd.to_datetime(base["start_on"])
    length = (base["stop"] - base["start"]).to_numpy(dtype=float)
    horizon = horizon_days(study)
    landmarks = landmark_days(study)
    found = []
    for landmark in landmarks:
        since = (pd.Timestamp(landmark) - start_on).dt.days.to_numpy()
        found.append(np.flatnonzero((since >= 0) & (since < length)))
    place = np.concatenate(found) if found else np.array([], dtype=np.int64)
    out = pd.DataFrame({"landmark": np.repeat(pd.to_datetime(landmarks), [len(places) for places in found])})
    for name in ("account_id", "spell", "start", "start_on"):
        out[name] = base[name].to_numpy()[place]
    del base
    spells = accounts[["account_id", "spell", "ended_on", "followed_to", "event", "cause"]]
    ends = out[["account_id", "spell"]].merge(spells, on=["account_id", "spell"], how="left", validate="m:1")
    until = (pd.to_datetime(ends["followed_to"]) - out["landmark"]).dt.days
    out["followed_days"] = until.clip(upper=horizon).astype(float)
    out["event"] = ((ends["event"] == 1) & (until <= horizon)).astype(int)
    out["cause"] = ends["cause"].where(out["event"] == 1, "")
    carried = [name for name in rows.columns if name not in out]
    parts = [rows.read(some).iloc[place].reset_index(drop=True) for some in _batches(carried)]
    return pd.concat([out, *parts], axis=1) if parts else out


def _batches(names: Sequence[str]) -> Iterator[list[str]]:
    for begin in range(0, len(names), _COLUMNS_AT_A_TIME):
        yield list(names[begin : begin + _COLUMNS_AT_A_TIME])
