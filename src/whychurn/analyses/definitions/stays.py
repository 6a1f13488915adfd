"""Who was a customer when a period began and ended, and who came, left and returned within it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]
_NEVER = np.datetime64("9999-12-31", "D")


@dataclass(frozen=True)
class Facts:
    """What happened to each account within one period, under one definition of leaving.

    A customer of the day before the period is an opening customer, as the opening revenue of a bridge is that of the
    day before: what closes one period opens the next.

    Attributes
    ----------
    opening, closing : numpy.ndarray of bool, shape (G,)
        Whether the account was a customer on the day before the period, and on its last day.
    lost, new, reactivated : numpy.ndarray, shape (G,)
        Departures, first beginnings and returns within the period. For each account
        ``opening + new + reactivated - lost = closing``.
    time : numpy.ndarray, shape (G,)
        Part of the period's days at risk, from 0 to 1.
    """

    opening: Flags
    closing: Flags
    lost: Numbers
    new: Numbers
    reactivated: Numbers
    time: Numbers

    def same_as(self, other: Facts) -> Flags:
        """Return for which accounts another definition tells the same story."""
        pairs = [(self.opening, other.opening), (self.closing, other.closing), (self.lost, other.lost)]
        pairs.append((self.new + self.reactivated, other.new + other.reactivated))
        same: Flags = np.logical_and.reduce([mine == theirs for mine, theirs in pairs])
        return same


@dataclass(frozen=True)
class Stays:
    """Spells under one definition of leaving.

    Attributes
    ----------
    account : numpy.ndarray of int, shape (n,)
        Place of the spell's account among all accounts.
    first : numpy.ndarray of bool, shape (n,)
        Whether it is the account's first spell ever.
    started_on, ended_on : numpy.ndarray of datetime64[D], shape (n,)
        First day with and first day without service (far in the future for those who are still there).
    n_accounts : int
        G, the number of all accounts.
    """

    account: NDArray[np.int64]
    first: Flags
    started_on: NDArray[Any]
    ended_on: NDArray[Any]
    n_accounts: int

    @classmethod
    def of(cls, spells: pd.DataFrame, accounts: ArrayLike) -> Stays:
        """Read a frame with ``account_id``, ``spell``, ``started_on`` and ``ended_on`` (empty: still a customer).

        Parameters
        ----------
        spells : pandas.DataFrame, shape (n, 4 or more)
            Spells of one account do not overlap.
        accounts : array-like of str, shape (G,)
            All accounts, sorted; every spell's account is one of them.
        """
        ended = _days(spells["ended_on"])
        return cls(
            np.searchsorted(np.asarray(accounts, dtype=object), spells["account_id"].to_numpy(dtype=object)),
            spells["spell"].to_numpy() == 1,
            _days(spells["started_on"]),
            np.where(np.isnat(ended), _NEVER, ended),
            len(np.asarray(accounts)),
        )

    def within(self, starts_on: date, ends_on: date) -> Facts:
        """Return what happened from one day to the day before another."""
        begin, end = np.datetime64(starts_on, "D"), np.datetime64(ends_on, "D")
        begins = (self.started_on >= begin) & (self.started_on < end)
        days = np.minimum(self.ended_on, end) - np.maximum(self.started_on, begin)
        return Facts(
            opening=self._sum((self.started_on < begin) & (self.ended_on >= begin)) > 0,
            closing=self._sum((self.started_on < end) & (self.ended_on >= end)) > 0,
            lost=self._sum((self.ended_on >= begin) & (self.ended_on < end) & (self.started_on < end)),
            new=self._sum(begins & self.first),
            reactivated=self._sum(begins & ~self.first),
            time=self._sum(np.maximum(days.astype(float), 0.0)) / float((end - begin).astype(int)),
        )

    def open_on(self, starts_on: date) -> Flags:
        """Return which spells were in service on the day before."""
        begin = np.datetime64(starts_on, "D")
        return (self.started_on < begin) & (self.ended_on >= begin)

    def _sum(self, values: ArrayLike) -> Numbers:
        return self.summed(self.account, values)

    def summed(self, account: NDArray[np.int64], values: ArrayLike) -> Numbers:
        """Return the sum of values by account, shape (G,)."""
        weights = np.asarray(values, dtype=float)
        return np.bincount(account, weights=weights, minlength=self.n_accounts).astype(float)


def _days(values: pd.Series) -> NDArray[Any]:
    return pd.to_datetime(values).to_numpy().astype("datetime64[D]")
