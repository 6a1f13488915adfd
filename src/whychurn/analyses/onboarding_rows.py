"""Customers who came inside the window: their rows from the first day, and the day by which something is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.analyses.adjusted import adjusters_of
from whychurn.analyses.feature_rows import Module, base_rows, measured, modules_of, raw_name
from whychurn.panel import Candidate, Panel
from whychurn.study import TableStudy

#: With fewer new customers nothing is said about them.
FEWEST = 30
#: A module that nobody used for so many days after recording began was not there yet: whoever came before could not use it.
LATE_AFTER = 90


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures of the first weeks; "" for those that there are not."""

    modules: tuple[Module, ...]
    recency: str
    logins: str
    users: str

    @classmethod
    def of(cls, panel: Panel) -> Measures:
        """Return those that a panel has, in windows of about four weeks."""
        four_weeks = {measure.window for measure in panel.measures if measure.window >= 28}
        window = min(four_weeks, default=0)
        return cls(
            modules=tuple(module for module in modules_of(panel) if module.adopted),
            recency=measured(panel, "login", "login_recency"),
            logins=measured(panel, "login", rf"logins_{window}"),
            users=measured(panel, "seats", rf"active_users_{window}"),
        )

    @property
    def columns(self) -> list[str]:
        """Their names."""
        listed = [name for m in self.modules for name in (m.uses, m.adopted)]
        return [*listed, *(name for name in (self.recency, self.logins, self.users) if name)]

    @property
    def windowed(self) -> str:
        """A measure that is there only if usage was recorded throughout its window, "" if there is none."""
        return self.modules[0].uses if self.modules else self.logins or self.users


@dataclass(frozen=True)
class NewCustomers:
    """Rows at risk of customers from their first day.

    Attributes
    ----------
    rows : pandas.DataFrame
        Base columns, adjusters, measures as recorded, ``customer`` (0, 1, ...) and ``cut_off`` (days since the first day:
        what is known on a row happened before it). In the order of customer and time.
    started_on : numpy.ndarray of datetime64
        By customer.
    ended : numpy.ndarray of bool
        By customer: whether it left.
    followed : numpy.ndarray of float
        By customer: days until it left or follow-up ended.
    adjusters : tuple of Candidate
    measures : Measures
    first_seen : Mapping of Module to datetime64
        Day by which anybody, new or not, had used a module; NaT if never.
    begun : datetime64
        First day of usage that any row knows of.
    interval_days, lag_days : int
    """

    rows: pd.DataFrame
    started_on: np.ndarray
    ended: np.ndarray
    followed: np.ndarray
    adjusters: tuple[Candidate, ...]
    measures: Measures
    first_seen: dict[Module, np.datetime64]
    begun: np.datetime64
    interval_days: int
    lag_days: int

    @property
    def n(self) -> int:
        """How many they are."""
        return len(self.started_on)

    def judged_on(self, day: int) -> int | None:
        """Return the cut-off nearest to a day since sign-up, None if rows lie too far apart to tell that day.

        Examples
        --------
        With weekly rows and a lag of 14 days: 7 for day 7, 28 for day 30, 91 for day 90.
        """
        first = -self.lag_days + self.interval_days * (self.lag_days // self.interval_days + 1)
        steps = max(0, round((day - first) / self.interval_days))
        near = first + self.interval_days * steps
        return near if abs(near - day) <= max(3, day / 5) else None

    def late(self, module: Module) -> bool:
        """Whether a module came later than recording."""
        seen = self.first_seen[module]
        return bool(seen - self.begun > np.timedelta64(LATE_AFTER, "D"))  # never, if nobody ever used it

    def could_use(self, module: Module) -> np.ndarray:
        """Return which customers came when the module was there already, shape (customers,)."""
        if not self.late(module):
            return np.ones(self.n, dtype=bool)
        return self.started_on >= self.first_seen[module]


def new_customers(panel: Panel, study: TableStudy, measures: Measures) -> NewCustomers:
    """Return the first spells that began inside the window.

    A return after leaving is none: who returns knows the product.
    """
    spells = panel.accounts[["account_id", "spell", "started_on", "event", "duration", "entry"]]
    adjusters = adjusters_of(panel)
    rows = base_rows(panel, study, adjusters)
    assert panel.recorded is not None  # studies of tables have it
    raw = panel.recorded.read([*measures.columns, "cut_off"])
    owner = (~rows.duplicated(["account_id", "spell"])).to_numpy().cumsum() - 1
    new = ((spells["entry"] == 0) & (spells["spell"] == 1)).to_numpy()
    chosen = new[owner]
    cut_offs = raw["cut_off"].to_numpy().astype("datetime64[D]")
    seen = {m: _earliest(cut_offs[raw[m.adopted].to_numpy(dtype=float) == 1]) for m in measures.modules}
    recorded = _recorded(raw, measures)
    kept = rows[chosen].reset_index(drop=True)
    for name in measures.columns:
        kept[raw_name(name)] = raw[name].to_numpy()[chosen]
    kept["customer"] = np.cumsum(new)[owner[chosen]] - 1
    kept["cut_off"] = kept["start"].to_numpy(dtype=int) - study.lag_days
    return NewCustomers(
        rows=kept,
        started_on=pd.to_datetime(spells["started_on"]).to_numpy().astype("datetime64[D]")[new],
        ended=(spells["event"] == 1).to_numpy()[new],
        followed=spells["duration"].to_numpy(dtype=float)[new],
        adjusters=adjusters,
        measures=measures,
        first_seen=seen,
        begun=_earliest(cut_offs[recorded]),
        interval_days=study.interval_days,
        lag_days=study.lag_days,
    )


def _earliest(days: np.ndarray) -> np.datetime64:
    return np.datetime64(days.min() if len(days) else "NaT", "D")


def _recorded(raw: pd.DataFrame, measures: Measures) -> np.ndarray:
    if not measures.windowed:
        return np.ones(len(raw), dtype=bool)
    return raw[measures.windowed].notna().to_numpy()


def at_cut_off(new: NewCustomers, day: int, columns: Sequence[str]) -> pd.DataFrame:
    """Return measures as known of each customer by a cut-off; rows without a value for those no longer at risk.

    Returns
    -------
    pandas.DataFrame
        One row per customer: ``there`` (whether the row of this cut-off exists) and the measures.
    """
    rows = new.rows[new.rows["cut_off"] == day].set_index("customer")
    out = rows[[raw_name(name) for name in columns]].set_axis(list(columns), axis=1).reindex(range(new.n))
    return out.assign(there=np.isin(np.arange(new.n), rows.index))


def recorded_throughout(new: NewCustomers, day: int, window: int) -> np.ndarray:
    """Return of which customers usage was recorded from the first day up to a cut-off, shape (customers,).

    Windows that follow on each other, back from the cut-off, must all be known: who did nothing and of whom nothing was
    recorded are told apart, without a look at which of the two did it.
    """
    known = np.ones(new.n, dtype=bool)
    if not new.measures.windowed:
        return known
    while day > 0:
        known &= at_cut_off(new, day, [new.measures.windowed])[new.measures.windowed].notna().to_numpy()
        day -= window
    return known
