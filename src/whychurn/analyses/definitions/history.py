"""All that happened to each account, under every definition of a study: what rates are counted from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.definitions.periods import Period
from whychurn.analyses.definitions.revenue import Money, Revenue
from whychurn.analyses.definitions.stays import Facts, Flags, Stays
from whychurn.panel import Panel
from whychurn.study import TableStudy
from whychurn.study.tables_schema import Definition

TERM, RENEWAL = "term_months", "days_to_renewal"
#: Contracts of so many months and more are yearly ones.
YEARLY = 12
_DAYS_PER_MONTH = 30.4375


@dataclass(frozen=True)
class Contracts:
    """Contracts in force when a period begins, shape (G,) each; false for who is no customer then.

    Attributes
    ----------
    first_year : numpy.ndarray of bool
        A yearly contract in its first 365 days.
    fixed : numpy.ndarray of bool
        A contract of more than a month that does not come up for renewal in the period.
    """

    first_year: Flags
    fixed: Flags


@dataclass
class History:
    """What happened to each account under each definition of leaving.

    Attributes
    ----------
    accounts : numpy.ndarray of str, shape (G,)
        Every account that was at risk under any definition, sorted.
    stays : dict of str to Stays
        By name of the definition, the study's own first.
    revenue : Revenue or None
        Under the study's own definition; None where no revenue is recorded.
    definitions : dict of str to Definition
        As the study declares them, its own first.
    own : str
        Name of the study's own definition.
    """

    accounts: NDArray[np.object_]
    stays: dict[str, Stays]
    revenue: Revenue | None
    definitions: dict[str, Definition]
    own: str
    panel: Panel = field(repr=False)
    study: TableStudy = field(repr=False)
    _facts: dict[tuple[str, Period], Facts] = field(default_factory=dict, repr=False)
    _money: dict[Period, Money] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, panel: Panel, study: TableStudy) -> History:
        """Read the history of a study of tables."""
        spells = panel.tables["definition_spells"]
        accounts = np.sort(spells["account_id"].unique().astype(object))
        declared = {each.name: each for each in (study.definition, *study.definitions)}
        stays = {name: Stays.of(spells[spells["definition"] == name], accounts) for name in declared}
        own, paid = panel.accounts, panel.accounts["amount"]
        revenue = None
        if paid.notna().any():
            revenue = Revenue(own, Stays.of(own, accounts), panel.tables["movements"])
        return cls(accounts, stays, revenue, declared, study.definition.name, panel, study)

    def facts(self, source: str, period: Period) -> Facts:
        """Return what happened in a period under one of the study's definitions."""
        key = (source, period)
        if key not in self._facts:
            self._facts[key] = self.stays[source].within(period.starts_on, period.ends_on)
        return self._facts[key]

    def money(self, period: Period) -> Money:
        """Return what was paid in a period. There must be revenue."""
        if period not in self._money:
            assert self.revenue is not None
            self._money[period] = self.revenue.within(period.starts_on, period.ends_on)
        return self._money[period]

    @property
    def has_terms(self) -> bool:
        """Whether contracts and their renewals are recorded."""
        recorded = self.panel.recorded
        return recorded is not None and {TERM, RENEWAL} <= set(recorded.columns)

    def contracts(self, period: Period) -> Contracts:
        """Return the contracts in force when a period begins. They must be recorded."""
        day = np.datetime64(max(period.starts_on - timedelta(days=1), self.study.observed_from), "D")
        rows = self._contract_rows
        now = rows[(rows["from_day"].to_numpy() <= day) & (day < rows["to_day"].to_numpy())]
        begin, end = np.datetime64(period.starts_on, "D"), np.datetime64(period.ends_on, "D")
        term = now[TERM].to_numpy(dtype=float)
        renewal = _days(now["renews_on"].to_numpy())
        # A renewal that passed since it was looked up comes again after another term.
        again = np.nan_to_num(np.round(term * _DAYS_PER_MONTH)).astype("timedelta64[D]")
        renewal = np.where(renewal < begin, renewal + again, renewal)
        young = begin - _days(now["started_on"].to_numpy()) < np.timedelta64(365, "D")
        at = np.searchsorted(self.accounts, now["account_id"].to_numpy(dtype=object))
        first_year, fixed = np.zeros((2, len(self.accounts)), dtype=bool)
        first_year[at] = (term >= YEARLY) & young
        fixed[at] = (term > 1) & ~((renewal >= begin) & (renewal < end))
        return Contracts(first_year, fixed)

    @cached_property
    def _contract_rows(self) -> pd.DataFrame:
        """Rows at risk with days and contract."""
        assert self.panel.recorded is not None
        rows = self.panel.recorded.read(["account_id", "start", "stop", "start_on", "cut_off", TERM, RENEWAL])
        start, cut = (_days(pd.to_datetime(rows[name]).to_numpy()) for name in ("start_on", "cut_off"))
        return pd.DataFrame(
            {
                "account_id": rows["account_id"],
                "from_day": start,
                "to_day": start + _spans(rows["stop"] - rows["start"]),
                "started_on": start - _spans(rows["start"]),
                "renews_on": cut + _spans(rows[RENEWAL]),
                TERM: rows[TERM],
            }
        )


def _days(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype("datetime64[D]")


def _spans(days: pd.Series) -> NDArray[Any]:
    """Return numbers of days as spans of time; a missing number is no span."""
    numbers = days.to_numpy(dtype=float)
    missing = np.isnan(numbers)
    spans = np.where(missing, 0.0, np.round(numbers)).astype(np.int64).astype("timedelta64[D]")
    spans[missing] = np.timedelta64("NaT", "D")
    return spans
