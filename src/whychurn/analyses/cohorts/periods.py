"""How fast customers leave by calendar year and by age: the two that a cohort runs through together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.cohorts.comparison import year_pieces
from whychurn.analyses.cohorts.histories import Histories
from whychurn.analyses.cohorts.triangles import BASE
from whychurn.analyses.rates import MONTH, YEAR, rate_row
from whychurn.study import TableStudy

#: Bands of age: name, from and up to (days, the upper end included).
BANDS = (
    ("0-3 months", 0.0, 3 * MONTH),
    ("3-6 months", 3 * MONTH, 6 * MONTH),
    ("6-12 months", 6 * MONTH, YEAR),
    ("1-2 years", YEAR, 2 * YEAR),
    ("2-3 years", 2 * YEAR, 3 * YEAR),
    ("3-5 years", 3 * YEAR, 5 * YEAR),
    ("5 years and more", 5 * YEAR, np.inf),
)
ANY = "all"
#: A rate of fewer departures than this says little.
FEW = 5
FEW_NOTE = f"Fewer than {FEW} departures: the rate says little."


def period_rows(histories: Histories, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield departures per 100 customer-years by calendar year and age, with both margins.

    Age is counted since the stay began; a customer who left and came back begins again.
    """
    day = np.timedelta64(1, "D")
    stays = pd.DataFrame(
        {
            "account": histories.account,
            "signed_up": histories.started,
            "start": (histories.entered - histories.started) / day,
            "stop": (histories.followed_to - histories.started) / day,
            "event": histories.left.astype(int),
        }
    )
    pieces = year_pieces(stays)
    years = np.unique(pieces["year"])
    start, stop, event = (pieces[name].to_numpy() for name in ("start", "stop", "event"))
    for band, low, high in (*BANDS, (ANY, 0.0, np.inf)):
        days = np.clip(np.minimum(stop, high) - np.maximum(start, low), 0.0, None)
        if not (days > 0).any():
            continue
        left = event * (stop > low) * (stop <= high)
        for year in (*years, ANY):
            inside = (days > 0) & ((pieces["year"].to_numpy() == year) if year != ANY else True)
            yield _cell(pieces["account"].to_numpy()[inside], left[inside], days[inside], (band, str(year)), study)


def _cell(
    account: np.ndarray[Any, Any],
    left: np.ndarray[Any, Any],
    days: np.ndarray[Any, Any],
    key: tuple[str, str],
    study: TableStudy,
) -> dict[str, Any]:
    code, who = pd.factorize(account)
    row = rate_row(np.bincount(code, left, len(who)), np.bincount(code, days, len(who)), study.confidence_level)
    few = FEW_NOTE if row["n_events"] < FEW and "note" not in row else row.get("note", "")
    return (
        BASE | row | {"term": "Age and calendar", "level": key[0], "group": key[1], "n_accounts": len(who), "note": few}
    )
