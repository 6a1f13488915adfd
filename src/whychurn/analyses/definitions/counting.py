"""Named rates: what each counts of every account in a period, above the line and below it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whychurn.analyses.definitions.history import History
from whychurn.analyses.definitions.periods import Period
from whychurn.analyses.definitions.stays import Numbers

#: Whether a rate is of what the period began with, of something else, or reduced by what was gained.
BASE, OTHER_BASE, NET = "of the base", "of another base", "net of gains"
CUSTOMERS, MONEY = "customers", "revenue"
#: Sums of revenue up to this are the last bits of nothing.
NOTHING = 1e-6


@dataclass(frozen=True)
class Counted:
    """What a rate counts of each account, shape (G,): the rate is the one's sum over the other's."""

    numerator: Numbers
    denominator: Numbers

    @property
    def totals(self) -> tuple[float, float]:
        """Sums above and below the line."""
        return math.fsum(self.numerator), math.fsum(self.denominator)

    @property
    def rate(self) -> float:
        """Numerator over denominator, NaN over nothing."""
        above, below = self.totals
        return above / below if below > NOTHING else math.nan


#: Returns what is counted, or why nothing can be.
Count = Callable[[History, Period], Counted | str]


@dataclass(frozen=True)
class NamedRate:
    """One way to state churn.

    Attributes
    ----------
    name, text, formula, tools : str
        What it is called, what it counts, as a formula, and whose convention it is.
    family : str
        Under which heading it is listed.
    source : str
        Name of the definition of leaving that it counts under.
    unit : str
        :data:`CUSTOMERS` or :data:`MONEY`: what is counted.
    kind : str
        :data:`BASE`, :data:`OTHER_BASE` or :data:`NET`.
    count : Count or None
        None where the rate is no quotient of sums over accounts.
    share : bool
        Whether it is a share of customers, each counted once at most: then it has a Wilson interval.
    """

    name: str
    family: str
    text: str
    formula: str
    source: str
    count: Count | None
    tools: str = ""
    unit: str = CUSTOMERS
    kind: str = BASE
    share: bool = False


def opening_lost(source: str) -> Count:
    """Opening customers that are none at the end (customers won in the period are nowhere in it)."""

    def count(history: History, period: Period) -> Counted:
        facts = history.facts(source, period)
        return _of(facts.opening & ~facts.closing, facts.opening)

    return count


def departures(history: History, period: Period) -> Counted:
    """Every departure, of new customers too and twice if it happens twice, per opening customer."""
    facts = history.facts(history.own, period)
    return _of(facts.lost, facts.opening)


def without_won(history: History, period: Period) -> Counted:
    """Departures of customers who did not come for the first time in the same period."""
    facts = history.facts(history.own, period)
    return _of(np.where(facts.new > 0, 0.0, facts.lost), facts.opening)


def one_minus_retention(history: History, period: Period) -> Counted:
    """Opening less those at the end who are not new: who returns makes up for one who left."""
    facts = history.facts(history.own, period)
    return _of(facts.opening.astype(float) - facts.closing + facts.new, facts.opening)


def trailing(history: History, period: Period) -> Counted:
    """Customers of so many days before the end that are none at the end."""
    facts = history.facts(history.own, period.trailing())
    return _of(facts.opening & ~facts.closing, facts.opening)


def with_won_below(history: History, period: Period) -> Counted:
    """Of all who were a customer at any time of the period, those that are none at the end."""
    facts = history.facts(history.own, period)
    anyone = facts.opening | (facts.new > 0) | (facts.reactivated > 0)
    return _of(anyone & ~facts.closing, anyone)


def average_below(history: History, period: Period) -> Counted:
    """Departures per average of opening and closing customers."""
    facts = history.facts(history.own, period)
    return _of(facts.lost, (facts.opening.astype(float) + facts.closing) / 2)


def per_time_at_risk(history: History, period: Period) -> Counted:
    """Departures per customer at risk for the whole period; who came or left within it counts in part."""
    facts = history.facts(history.own, period)
    return _of(facts.lost, facts.time)


def first_years_hidden(history: History, period: Period) -> Counted | str:
    """Opening customers lost, of those who are not in the first year of a yearly contract."""
    if not history.has_terms:
        return "Needs subscriptions.term_months and subscriptions.renewal_on."
    facts, hidden = history.facts(history.own, period), history.contracts(period).first_year
    base = facts.opening & ~hidden
    return _of(base & ~facts.closing, base)


def could_end(history: History, period: Period) -> Counted | str:
    """Opening customers lost, of those whose contract could end in the period, or did."""
    if not history.has_terms:
        return "Needs subscriptions.term_months and subscriptions.renewal_on."
    facts, fixed = history.facts(history.own, period), history.contracts(period).fixed
    base = facts.opening & ~(fixed & facts.closing)
    return _of(base & ~facts.closing, base)


def paying_lost(history: History, period: Period) -> Counted | str:
    """Opening customers who pay something, of those the ones who pay nothing at the end."""
    if history.revenue is None:
        return NO_REVENUE
    money = history.money(period)
    paying = money.opening > 0
    return _of(paying & ~(money.closing > 0), paying)


def per_won(history: History, period: Period) -> Counted:
    """Departures per customer won in the same period, returns among them."""
    facts = history.facts(history.own, period)
    return _of(facts.lost, facts.new + facts.reactivated)


NO_REVENUE = "Needs subscriptions.mrr, the recurring revenue per month."


def revenue_lost(above: Callable[..., NDArray[np.float64]]) -> Count:
    """Return a rate of opening revenue; `above` says of :class:`~.revenue.Money` what counts as lost."""

    def count(history: History, period: Period) -> Counted | str:
        if history.revenue is None:
            return NO_REVENUE
        money = history.money(period)
        if math.fsum(money.opening) < -NOTHING:
            return "Opening revenue is below zero, so there is no rate of it."
        return Counted(above(money), money.opening)

    return count


def _of(above: object, below: object) -> Counted:
    return Counted(np.asarray(above, dtype=float), np.asarray(below, dtype=float))
