"""Customers and their stays as arrays: when each signed up, was there, and paid what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.cohorts.calendar import Days, Integers, as_days
from whychurn.analyses.risk_rows import owned
from whychurn.panel import Panel
from whychurn.study import TableStudy

Booleans = NDArray[np.bool_]
Floats = NDArray[np.float64]
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Histories:
    """S spells of A customers, in the order of account and spell.

    Attributes
    ----------
    account : shape (S,)
        Number of the customer of each spell, from 0.
    first : shape (S,)
        Whether it is the customer's first spell ever.
    started, entered, followed_to : shape (S,)
        First day of the spell, first day of it in the window, first day no longer followed.
    left : shape (S,)
        Whether the spell ended in the window.
    signed_up : shape (A,)
        First day as a customer, of spells seen here.
    followed : shape (A,)
        Whether a customer signed up in the window, so that it is followed from its first day.
    there_before : shape (A,)
        Whether it was a customer already on the day before the window, so that it is seen from the window's first day.
        Those in neither came back in the window from a time as a customer that ended before it.
    cluster : shape (A,)
        Number of the customer's parent, or of the customer.
    has_amounts : bool
        Whether any recurring revenue is recorded.
    begin, end : numpy.datetime64
        The window.
    """

    account: Integers
    first: Booleans
    started: Days
    entered: Days
    followed_to: Days
    left: Booleans
    signed_up: Days
    followed: Booleans
    there_before: Booleans
    cluster: Integers
    has_amounts: bool
    begin: np.datetime64
    end: np.datetime64
    _keys: Integers
    _levels: Floats

    @classmethod
    def of(cls, panel: Panel, study: TableStudy) -> Histories:
        """Read the spells and the changes of recurring revenue of a panel."""
        spells = panel.accounts.sort_values(["account_id", "spell"], kind="stable", ignore_index=True)
        begin, end = np.datetime64(study.observed_from, "D"), np.datetime64(study.observed_to, "D")
        account, _ = pd.factorize(spells["account_id"])
        opens = np.flatnonzero(np.diff(account, prepend=-1) > 0)
        started, entered = as_days(spells["started_on"]), as_days(spells["entered_on"])
        first = spells["spell"].to_numpy() == 1
        there_before = started[opens] < begin
        owner = owned(panel, spells["account_id"].iloc[opens])
        keys, levels = _revenue(panel, spells, entered)
        return cls(
            account=account.astype(np.int64),
            first=first,
            started=started,
            entered=entered,
            followed_to=as_days(spells["followed_to"]),
            left=spells["event"].to_numpy() == 1,
            signed_up=started[opens],
            followed=first[opens] & ~there_before,
            there_before=there_before,
            cluster=pd.factorize(owner)[0].astype(np.int64),
            has_amounts=bool((levels > 0).any() or spells["amount"].notna().any()),
            begin=begin,
            end=end,
            _keys=keys,
            _levels=levels,
        )

    @property
    def n(self) -> int:
        """How many customers there are."""
        return len(self.signed_up)

    def there_on(self, day: Days | np.datetime64) -> Booleans:
        """Return which spells go on on a day (one for all, or one per spell), shape (S,)."""
        return np.asarray((self.started <= day) & (self.followed_to > day))

    def of_customers(self, day: Days) -> tuple[Booleans, Floats]:
        """Return for each customer whether it was one on a day of its own, and what it paid then, shape (A,) each.

        `day` has shape (A,); whoever came back is a customer again. Days outside the window are not looked at.
        """
        at = day[self.account]
        there = np.flatnonzero(self.there_on(at) & (at < self.end) & (at >= self.begin))
        paid = self.mrr_on(there, at[there])
        mrr = np.bincount(self.account[there], paid, minlength=self.n).astype(np.float64)
        return np.bincount(self.account[there], minlength=self.n) > 0, mrr

    def mrr_on(self, spells: Integers, days: Days) -> Floats:
        """Return the recurring revenue of spells on a day each, which must be one of theirs in the window."""
        place = np.searchsorted(self._keys, _key(spells, days), side="right") - 1
        return self._levels[place]

    def count_rows(self, study: TableStudy) -> Iterator[dict[str, Any]]:
        """Yield how many customers are followed from sign-up, were there before, or came back from before."""
        returned = ~self.followed & ~self.there_before
        n_spells = np.bincount(self.account, minlength=self.n)
        base = {
            "analysis": "cohorts",
            "outcome": "churn",
            "term": "Customers",
            "unit": "customers",
            "declared": "in advance",
        }
        for estimand, of, definition, note in (
            ("customers_followed", self.followed, "customers who signed up in the window", ""),
            (
                "customers_before", self.there_before, "customers on the day before the window",
                "Seen from the window's first day only: those who left before it are not in the data.",
            ),
            (
                "customers_back", returned, "came back in the window from a time as a customer that ended before it",
                "In no cohort: when they signed up first is not among the stays seen here.",
            ),
        ):  # fmt: skip
            yield base | {
                "estimand": estimand,
                "estimate": int(of.sum()),
                "n_accounts": int(of.sum()),
                "n_events": int(self.left[of[self.account]].sum()),
                "definition": definition,
                "note": note,
            }
        gap = study.definition.allowed_gap_days
        yield base | {
            "estimand": "returned",
            "estimate": int((self.followed & (n_spells > 1)).sum()),
            "denominator": int(self.followed.sum()),
            "definition": f"signed up in the window, left, and came back after more than {gap:g} days",
            "note": "From their return on they count as customers again, in the cohort of their first sign-up. "
            f"A break of up to {gap:g} days is no leaving.",
        }


def _revenue(panel: Panel, spells: pd.DataFrame, entered: Days) -> tuple[Integers, Floats]:
    """Return from which day on each spell paid what, in order of spell and day.

    A spell's level at entry is what its first change in the window says was paid before, else its last amount; of a
    spell that begins in the window the first change is on its first day.
    """
    place = pd.MultiIndex.from_frame(spells[["account_id", "spell"]])
    changes = panel.tables["movements"]
    of = place.get_indexer(pd.MultiIndex.from_frame(changes[["account_id", "spell"]]))
    changes, of = changes[of >= 0], of[of >= 0]
    level = spells["amount"].fillna(0.0).to_numpy(dtype=float).copy()
    opening, where = np.unique(of, return_index=True)
    level[opening] = changes["mrr_before"].to_numpy(dtype=float)[where]
    keys = np.concatenate([_key(np.arange(len(spells)), entered), _key(of, as_days(changes["on"]))])
    values = np.concatenate([level, changes["mrr_after"].to_numpy(dtype=float)])
    # A change on the day of entry comes after the level at entry.
    order = np.argsort(keys, kind="stable")
    return keys[order], values[order]


def _key(spells: NDArray[Any], days: Days) -> Integers:
    return np.asarray(spells, dtype=np.int64) * 10_000_000 + days.astype("datetime64[D]").astype(np.int64) + 2_000_000
