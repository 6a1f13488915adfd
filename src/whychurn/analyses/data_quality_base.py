"""What the parts of the data-quality analysis share: the template of a row, rates, months."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.common import OUTCOME

BASE: dict[str, Any] = {"analysis": "data_quality", "outcome": OUTCOME}
#: Term of findings about all customers.
EVERYONE = "Everyone"


def spells_at_risk(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return account, entered_on, followed_to (timestamps), days at risk and event of every spell."""
    entered = pd.to_datetime(accounts["entered_on"])
    days = accounts["duration"].astype(float) - accounts["entry"].astype(float)
    return pd.DataFrame(
        {
            "account_id": accounts["account_id"],
            "entered_on": entered,
            "followed_to": entered + pd.to_timedelta(days, unit="D"),
            "days": days,
            "event": accounts["event"].astype(int),
        }
    )


def entry_rows(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows at risk are the first of their spell.

    A spell begins at risk on the window's first day or on its own, so one of the two does not rise where the next
    spell follows; within a spell both do. That spares reading the customers of many millions of rows.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``start`` and ``start_on``, in the order of account, spell and time.
    """
    first = np.ones(len(rows), dtype=bool)
    tenure = rows["start"].to_numpy()
    day = pd.to_datetime(rows["start_on"]).to_numpy()
    first[1:] = ~((tenure[1:] > tenure[:-1]) & (day[1:] > day[:-1]))
    return first


def months_between(first: Any, last: Any) -> pd.PeriodIndex:
    """Return the months from that of `first` to that of the day before `last`."""
    end = pd.Timestamp(last) - pd.Timedelta(days=1)
    return pd.period_range(pd.Timestamp(first), max(end, pd.Timestamp(first)), freq="M")
