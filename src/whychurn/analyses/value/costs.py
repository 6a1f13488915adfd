"""Recorded costs placed on the time and on the customers they were for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.analyses.rates import MONTH
from whychurn.analyses.value.stretches import month_number, month_start


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs in the company's currency.

    Attributes
    ----------
    service : pandas.Series or None
        Cost of serving, per average month, during each stretch; NaN where none was recorded. None without any.
    acquisition : pandas.Series or None
        What winning each spell's customer cost; NaN where it was not recorded or the spell began before the window.
    notes : tuple of str
        What could not be placed.
    """

    service: pd.Series | None
    acquisition: pd.Series | None
    notes: tuple[str, ...] = ()


def place_costs(costs: pd.DataFrame, spells: pd.DataFrame, stretches: pd.DataFrame) -> Costs:
    """Spread costs of service over the days they were for, and sum costs of winning by customer.

    A record belongs to the calendar month of its ``period``; without an account it is the whole company's and is spread
    over all customer-days of the month, or over the customers won in it.

    Parameters
    ----------
    costs : pandas.DataFrame
        As ``panel.tables["costs"]``.
    spells : pandas.DataFrame
        As in :func:`cut_stretches`, with ``started_on``, ``ended_on`` and ``is_new`` (began in the window, first stay).
    stretches : pandas.DataFrame
        From :func:`cut_stretches`.
    """
    costs = costs.assign(month=month_number(costs["period"]), whole=costs["account_id"].isna())
    notes: list[str] = []
    service = _service(costs, spells, stretches, notes) if costs["service_cost"].notna().any() else None
    acquisition = _acquisition(costs, spells) if costs["acquisition_cost"].notna().any() else None
    return Costs(service, acquisition, tuple(notes))


def _service(costs: pd.DataFrame, spells: pd.DataFrame, stretches: pd.DataFrame, notes: list[str]) -> pd.Series:
    recorded = costs[costs["service_cost"].notna()]
    undated = int(recorded["month"].isna().sum())
    if undated:
        notes.append(f"{undated:,} costs of service have no period and are not counted.")
    served = _days_served(spells, stretches)
    own = recorded[~recorded["whole"]].groupby(["account_id", "month"])["service_cost"].sum()
    per_account = served.groupby(["account_id", "month"])["days"].sum()
    own_rate = own / per_account.reindex(own.index) * MONTH
    lost = float(own[per_account.reindex(own.index).isna().to_numpy()].sum())
    if lost:
        notes.append(
            f"{lost / float(own.sum()):.1%} of the costs of service fall in months without service; not counted."
        )
    shared = recorded[recorded["whole"]].groupby("month")["service_cost"].sum()
    shared_rate = shared / served.groupby("month")["days"].sum().reindex(shared.index) * MONTH
    # Months of records may be floats (some are undated); equal numbers still match.
    keys = pd.MultiIndex.from_arrays([spells["account_id"].to_numpy()[stretches["place"]], stretches["month"]])
    mine = pd.Series(own_rate.reindex(keys).to_numpy(), stretches.index, dtype=float)
    ours = pd.Series(shared_rate.reindex(stretches["month"]).to_numpy(), stretches.index, dtype=float)
    return mine.add(ours, fill_value=0.0)


def _days_served(spells: pd.DataFrame, stretches: pd.DataFrame) -> pd.DataFrame:
    """Return the days of service of each account and calendar month, those outside the window included."""
    pairs = stretches[["place", "month"]].drop_duplicates()
    begin, end = month_start(pairs["month"]), month_start(pairs["month"] + 1)
    started = spells["started_on"].to_numpy()[pairs["place"]]
    ended = spells["ended_on"].to_numpy()[pairs["place"]]
    low = np.maximum(begin.to_numpy(), started)
    high = np.where(np.isnat(ended), end.to_numpy(), np.minimum(end.to_numpy(), ended))
    days = (high - low) / np.timedelta64(1, "D")
    account = spells["account_id"].to_numpy()[pairs["place"]]
    return pd.DataFrame({"account_id": account, "month": pairs["month"].to_numpy(), "days": days})


def _acquisition(costs: pd.DataFrame, spells: pd.DataFrame) -> pd.Series:
    """Return what winning each new customer cost.

    A customer without a record by the month it began has no recorded cost: later records that say zero are about
    later months.
    """
    recorded = costs[costs["acquisition_cost"].notna()]
    begins = month_number(spells["started_on"]).where(spells["is_new"])
    own = recorded[~recorded["whole"]]
    sums = own.groupby("account_id")["acquisition_cost"].sum()
    earliest = own["month"].fillna(-np.inf).groupby(own["account_id"]).min()
    known = spells["account_id"].map(earliest) <= begins
    mine = spells["account_id"].map(sums).where(known).astype(float)
    shared = recorded[recorded["whole"] & recorded["month"].notna()]
    won = begins.isin(shared["month"])
    within = shared[shared["month"].isin(_months_of(spells))]
    ours = pd.Series(np.nan, spells.index)
    if won.any():
        ours = ours.mask(won, float(within["acquisition_cost"].sum()) / int(won.sum()))
    return mine.add(ours, fill_value=0.0).where(spells["is_new"])


def _months_of(spells: pd.DataFrame) -> range:
    """Return the months of the window as far as customers were followed."""
    first = month_number(spells["entered_on"]).min()
    last = month_number(spells["followed_to"] - pd.Timedelta(days=1)).max()
    return range(int(first), int(last) + 1)
