"""The freshest of what was known before a day, beside records of customers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.answers import places_of, taken_at
from whychurn.panel import Panel
from whychurn.study import TableStudy


def last_known(
    panel: Panel, study: TableStudy, frame: pd.DataFrame, columns: Sequence[str], recorded: bool = False
) -> pd.DataFrame:
    """Put beside records what the last row at risk knows whose cut-off lies on the day of each, or before it.

    A row at risk knows what was known ``lag_days`` before it began, so that leaving cannot show in it. Where the
    question is not leaving but what somebody answered on a day, the row that holds the day is older than it need
    be by the whole lag. This takes the row that began a lag later: it knows nothing of the day itself, and is one
    interval old at most. Of customers who were gone by then it takes the last row they have, which is older.

    Parameters
    ----------
    panel : Panel
        Of a study of tables.
    study : TableStudy
    frame : pandas.DataFrame
        With ``account_id``, ``spell`` and ``days_since_start``.
    columns : sequence of str
        Of the rows at risk.
    recorded : bool
        Whether values are wanted as recorded (numbers as numbers) instead of as models see them (levels, bands).

    Returns
    -------
    pandas.DataFrame
        The columns, for the same rows in the same order: no value where nobody was at risk on the day.
    """
    return taken_at(panel, last_places(panel, study, frame), frame.index, columns, recorded)


def last_places(panel: Panel, study: TableStudy, frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return the numbers of these rows at risk, -1 where nobody was at risk on the day."""
    place = places_of(panel, frame)
    rows = panel.rows.read(["account_id", "spell", "start"])
    if not len(rows) or not len(frame):
        return place
    start = rows["start"].to_numpy(dtype=np.int64)
    account, spell = rows["account_id"].to_numpy(), rows["spell"].to_numpy()
    ends = np.ones(len(rows), dtype=bool)
    ends[:-1] = (account[1:] != account[:-1]) | (spell[1:] != spell[:-1])
    # The last row of each row's spell.
    last = np.flatnonzero(ends)[np.cumsum(np.concatenate([[False], ends[:-1]]))]
    at = np.maximum(place, 0)
    age = frame["days_since_start"].to_numpy(dtype=np.int64) - (start[at] - study.lag_days)
    return np.where(place >= 0, np.minimum(at + age // study.interval_days, last[at]), -1)
