"""The last twelve months, or the whole window where it is shorter: who was there, who came, what they paid and cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from whychurn.analyses.rates import MONTH
from whychurn.analyses.value.ledger import Ledger
from whychurn.panel import Panel


@dataclass(frozen=True, slots=True)
class LastYear:
    """What happened between `begins` and `ends` (exclusive).

    Attributes
    ----------
    months : float
        Its length.
    opening, lost, closing, won, returned, left : float
        Customers at the beginning, those of them gone at the end, at the end, won for the first time, come back, and
        departures.
    joined : float
        Customers who were none at the beginning and came, or came back, by the end. Whoever was there at the beginning,
        left and returned is kept: retention counts it already.
    mrr_closing, mrr_new, mrr_down, mrr_up : float
        Monthly recurring revenue at the end, won with new customers, lost (with leavers and smaller contracts), and
        gained by larger contracts and returns.
    customers : float
        On average.
    arpa, service : float
        Revenue (x gross margin) and cost of service per customer and month; NaN where not recorded.
    acquisition : float
        Recorded cost per new customer; NaN where not recorded.
    """

    begins: date
    ends: date
    months: float
    opening: float
    lost: float
    closing: float
    won: float
    returned: float
    left: float
    joined: float
    mrr_closing: float
    mrr_new: float
    mrr_down: float
    mrr_up: float
    customers: float
    arpa: float
    service: float
    acquisition: float

    @property
    def retention(self) -> float:
        """Share of opening customers that are still, or again, customers at the end."""
        return 1 - self.lost / self.opening if self.opening else float("nan")

    @property
    def yearly_retention(self) -> float:
        """The same per year."""
        return float(self.retention ** (12 / self.months))

    @property
    def per_customer(self) -> float:
        """What a customer leaves per month after its cost of service."""
        return self.arpa - (self.service if self.service == self.service else 0.0)

    @property
    def winning(self) -> float:
        """Cost per new customer, zero where not recorded."""
        return self.acquisition if self.acquisition == self.acquisition else 0.0

    @property
    def profit(self) -> float:
        """Return customers x (revenue - service) - new customers x cost of winning them."""
        return self.customers * self.months * self.per_customer - self.won * self.winning


def last_year(ledger: Ledger, panel: Panel) -> LastYear:
    """Sum the last year of a ledger."""
    sums = panel.tables.sums("last year").iloc[-1]  # type: ignore[attr-defined]
    begins, ends = pd.Timestamp(sums["starts_on"]), pd.Timestamp(sums["ends_on"])
    return LastYear(
        begins=begins.date(),
        ends=ends.date(),
        joined=float(joined_between(ledger.spells, begins, ends)),
        months=months_between(begins, ends),
        mrr_down=float(sums["mrr_churn"] + sums["mrr_contraction"]),
        mrr_up=float(sums["mrr_expansion"] + sums["mrr_reactivation"]),
        **{name: float(sums[name]) for name in ("opening", "lost", "closing", "won", "returned", "left")},
        **{name: float(sums[name]) for name in ("mrr_closing", "mrr_new")},
        **means_between(ledger, begins, ends),
    )


def joined_between(spells: pd.DataFrame, begins: pd.Timestamp, ends: pd.Timestamp) -> int:
    """Return how many customers came or came back within a period who were none on the day before it."""
    there = (spells["started_on"] < begins) & ~(spells["ended_on"] < begins)
    came = (spells["started_on"] >= begins) & (spells["started_on"] < ends)
    return len(set(spells.loc[came, "account_id"]) - set(spells.loc[there, "account_id"]))


def months_between(begins: pd.Timestamp, ends: pd.Timestamp) -> float:
    """Return whole calendar months where the days agree, else days in average months."""
    if begins.day == ends.day:
        return float(12 * (ends.year - begins.year) + ends.month - begins.month)
    return (ends - begins).days / MONTH


def means_between(ledger: Ledger, begins: pd.Timestamp, ends: pd.Timestamp) -> dict[str, float]:
    """Return average customers, revenue and cost of service per customer-month, and cost per new customer."""
    rows = ledger.between(begins, ends)
    days = float(rows["days"].sum())

    def mean(name: str) -> float:
        known = rows[rows[name].notna()]
        lived = float(known["days"].sum())
        return float((known[name] * known["days"]).sum()) / lived if lived else float("nan")

    new = ledger.spells[ledger.spells["is_new"]]
    costs = new["acquisition"].where((new["started_on"] >= begins) & (new["started_on"] < ends))
    known = costs if costs.notna().any() else new["acquisition"]
    return {
        "customers": days / (ends - begins).days,
        "arpa": mean("mrr") * ledger.margin,
        "service": mean("service"),
        "acquisition": float(known.mean()) if known.notna().any() else float("nan"),
    }
