"""Who was a customer from when to when, what it paid, and what it cost: the rows behind every number of the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from whychurn.analyses.rates import MONTH
from whychurn.analyses.risk_rows import owned
from whychurn.analyses.value.base import GROSS_PROFIT, LIFETIME_REVENUE, LIFETIME_VALUE
from whychurn.analyses.value.costs import place_costs
from whychurn.analyses.value.stretches import cut_stretches
from whychurn.panel import Panel
from whychurn.study import TableStudy


@dataclass(frozen=True, slots=True)
class Ledger:
    """Stays, and the stretches of them over which revenue and month are the same.

    Attributes
    ----------
    spells : pandas.DataFrame
        One row per stay: ``account_id``, ``spell``, ``owner`` (whose rows belong together), ``started_on``,
        ``entered_on``, ``ended_on``, ``followed_to``, ``entry``, ``duration``, ``event``, ``amount``, ``is_new``
        (first stay, begun in the window), ``acquisition`` (NaN where not recorded).
    rows : pandas.DataFrame
        One row per stretch: ``place`` (row of `spells`), ``account_id``, ``owner``, ``first_stay``, ``from_day``,
        ``to_day``, ``days``, ``month``, ``entry`` and ``duration`` (age at its two ends in days), ``event``, ``mrr``,
        ``service`` (per month; NaN where not recorded), ``acquisition`` (on the first stretch of a new customer).
    margin : float
        Share of revenue that is counted: 1, or the study's gross margin where no costs of service are recorded.
    has_amounts, has_service, has_acquisition : bool
    notes : tuple of str
        What of the costs could not be placed.
    """

    spells: pd.DataFrame
    rows: pd.DataFrame
    margin: float
    has_amounts: bool
    has_service: bool
    has_acquisition: bool
    notes: tuple[str, ...]

    @property
    def has_costs(self) -> bool:
        """Whether any cost is recorded."""
        return self.has_service or self.has_acquisition

    @property
    def called(self) -> str:
        """What the worth of a customer is called."""
        if self.has_costs:
            return LIFETIME_VALUE
        return GROSS_PROFIT if self.margin < 1 else LIFETIME_REVENUE

    @property
    def first_stays(self) -> pd.DataFrame:
        """Stretches of customers in their first stay: what a new customer may expect to look like."""
        return self.rows[self.rows["first_stay"]]

    def between(self, begin: date, end: date) -> pd.DataFrame:
        """Return stretches cut to a period, with the ``days`` that fall in it."""
        low, high = pd.Timestamp(begin), pd.Timestamp(end)
        rows = self.rows[(self.rows["from_day"] < high) & (self.rows["to_day"] > low)]
        days = (
            rows["to_day"].where(rows["to_day"] < high, high) - rows["from_day"].where(rows["from_day"] > low, low)
        ).dt.days
        return rows.assign(days=days.astype(float))


def read_ledger(panel: Panel, study: TableStudy) -> Ledger:
    """Lay out stays and stretches, with revenue and costs."""
    names = [
        "account_id", "spell", "started_on", "entered_on", "ended_on", "followed_to", "entry", "duration", "event", "amount",
    ]  # fmt: skip
    spells = panel.accounts[names].reset_index(drop=True)
    for name in ("started_on", "entered_on", "ended_on", "followed_to"):
        spells[name] = pd.to_datetime(spells[name]).astype("datetime64[s]")
    spells = spells.assign(
        owner=owned(panel, spells["account_id"]).to_numpy(),
        is_new=(spells["spell"] == 1) & (spells["entry"] == 0),
    )
    moves = panel.tables["movements"].assign(on=lambda m: pd.to_datetime(m["on"]).astype("datetime64[s]"))
    stretches = cut_stretches(spells, moves)
    costs = place_costs(panel.tables["costs"], spells, stretches)
    spells["acquisition"] = float("nan") if costs.acquisition is None else costs.acquisition
    place = stretches["place"].to_numpy()
    last = ~stretches["place"].duplicated(keep="last")
    opens = ~stretches["place"].duplicated()
    begun = pd.Series(spells["started_on"].to_numpy()[place])
    rows = stretches.assign(
        account_id=spells["account_id"].to_numpy()[place],
        owner=spells["owner"].to_numpy()[place],
        first_stay=(spells["spell"] == 1).to_numpy()[place],
        days=(stretches["to_day"] - stretches["from_day"]).dt.days.astype(float),
        entry=(stretches["from_day"] - begun).dt.days.astype(float),
        duration=(stretches["to_day"] - begun).dt.days.astype(float),
        event=spells["event"].to_numpy()[place] * last.to_numpy(),
        service=float("nan") if costs.service is None else costs.service,
        acquisition=pd.Series(spells["acquisition"].to_numpy()[place]).where(opens),
    )
    declared = study.value.gross_margin
    return Ledger(
        spells=spells,
        rows=rows,
        margin=declared if declared is not None and costs.service is None else 1.0,
        has_amounts=bool(spells["amount"].notna().any()),
        has_service=costs.service is not None and bool(costs.service.notna().any()),
        has_acquisition=costs.acquisition is not None and bool(costs.acquisition.notna().any()),
        notes=costs.notes,
    )


def months(days: float) -> float:
    """Return days in average months."""
    return days / MONTH
