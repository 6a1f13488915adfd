"""What each account paid when a period began and ended, and what moved in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.definitions.stays import Numbers, Stays

KINDS = ("new", "expansion", "reactivation", "contraction", "churn")


@dataclass(frozen=True)
class Money:
    """Recurring revenue of each account in one period, in the study's currency per month, shape (G,) each.

    ``opening + new + expansion + reactivation - contraction - churn = closing``.
    """

    opening: Numbers
    closing: Numbers
    new: Numbers
    expansion: Numbers
    reactivation: Numbers
    contraction: Numbers
    churn: Numbers


class Revenue:
    """Recurring revenue from day to day, of the spells under the study's own definition.

    Parameters
    ----------
    spells : pandas.DataFrame, shape (n, 3 or more)
        ``account_id``, ``spell`` and ``amount``, the recurring revenue of the last day at risk.
    stays : Stays
        The same spells in the same order.
    movements : pandas.DataFrame
        ``account_id``, ``spell``, ``on``, ``kind``, ``mrr_before``, ``mrr_after``: each change of revenue.
    """

    def __init__(self, spells: pd.DataFrame, stays: Stays, movements: pd.DataFrame) -> None:
        place = pd.MultiIndex.from_frame(spells[["account_id", "spell"]])
        moved = movements.assign(place=place.get_indexer(pd.MultiIndex.from_frame(movements[["account_id", "spell"]])))
        moved = moved[moved["place"] >= 0].sort_values(["place", "on"], kind="stable")
        self._stays = stays
        self._place: NDArray[np.int64] = moved["place"].to_numpy(dtype=np.int64)
        self._on: NDArray[Any] = pd.to_datetime(moved["on"]).to_numpy().astype("datetime64[D]")
        self._kind = moved["kind"].to_numpy(dtype=object)
        self._before, self._after = (moved[name].to_numpy(dtype=float) for name in ("mrr_before", "mrr_after"))
        # What a spell paid before its first change; if it never changed, what it paid on its last day.
        self._first = np.nan_to_num(spells["amount"].to_numpy(dtype=float))
        firsts, rows = np.unique(self._place, return_index=True)
        self._first[firsts] = self._before[rows]

    def within(self, starts_on: date, ends_on: date) -> Money:
        """Return what each account paid at both ends and what moved from one day to the day before another."""
        begin, end = np.datetime64(starts_on, "D"), np.datetime64(ends_on, "D")
        inside = (self._on >= begin) & (self._on < end)
        change = np.abs(self._after - self._before)
        account = self._stays.account[self._place]
        moved = {
            kind: self._stays.summed(account, np.where(inside & (self._kind == kind), change, 0.0)) for kind in KINDS
        }
        return Money(opening=self._paid(starts_on), closing=self._paid(ends_on), **moved)

    def _paid(self, day: date) -> Numbers:
        """Return what each account paid on the day before."""
        level = self._first.copy()
        earlier = self._on < np.datetime64(day, "D")
        # Changes come in the order of time, so the last of a spell stays.
        level[self._place[earlier]] = self._after[earlier]
        return self._stays.summed(self._stays.account, np.where(self._stays.open_on(day), level, 0.0))
