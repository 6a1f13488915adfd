"""The catalogue of named rates: what each says, as a formula, and which tools state churn that way.

Conventions of tools are as read in their documentation; they change from version to version.
"""

from __future__ import annotations

import numpy as np

from whychurn.analyses.definitions import counting
from whychurn.analyses.definitions.counting import BASE, MONEY, NET, OTHER_BASE, Counted, NamedRate
from whychurn.analyses.definitions.history import History
from whychurn.analyses.definitions.periods import Period
from whychurn.study import TableStudy
from whychurn.study.tables_schema import Definition

HOUSE = "Opening customers lost"
COUNTING, LEAVING, REVENUE = (
    "How customers are counted",
    "When a customer counts as gone",
    "Revenue in place of customers",
)
SURVIVAL = "Survival curve"


def named_rates(study: TableStudy) -> tuple[NamedRate, ...]:
    """Return every named rate of a study, the house's own first."""
    own = study.definition.name
    return (*_by_counting(own), *_by_definition(study), *_by_revenue(own), _per_won(own))


def _by_counting(own: str) -> tuple[NamedRate, ...]:
    def rate(name: str, text: str, formula: str, count: counting.Count | None, tools: str, share: bool) -> NamedRate:
        return NamedRate(name, COUNTING, text, formula, own, count, tools, share=share)

    return (
        rate(
            HOUSE,
            "Of the customers of the day before the period, those who are none on its last day. Customers won in the "
            "period are left out; leaving and returning within it is not seen.",
            "gone at the end / opening", counting.opening_lost(own), "fight-churn (the book’s SQL)", True,
        ),
        rate(
            "All departures",
            "Every departure in the period, also of customers won in it, per opening customer.",
            "departures / opening", counting.departures,
            "Stripe, Maxio and Recharge count who signs up and leaves in one month", False,
        ),
        rate(
            "Without new customers’ departures",
            "Departures, but not of customers won in the same calendar period.",
            "departures of older customers / opening", counting.without_won, "ProfitWell (Paddle)", False,
        ),
        rate(
            "One minus retention",
            "What is left after retention = (closing − new) / opening. A customer who returns makes up for one who left; one "
            "who is won and lost within the period counts as lost.",
            "1 − (closing − new) / opening", counting.one_minus_retention, "textbook formula of retention", False,
        ),
        rate(
            "Trailing days",
            "Customers of 30 days before the end (365 for a year) who are none at the end, whatever the calendar says.",
            "gone now / active 30 days ago", counting.trailing, "Baremetrics; later versions also count who comes and leaves within the window", True,
        ),
        rate(
            "New customers below the line",
            "Of all who were a customer at any time of the period, those who are none at its end.",
            "gone at the end / anybody who was a customer in the period", counting.with_won_below, "Stripe, as its users quote it", True,
        ),
        rate(
            "Average of both ends",
            "Every departure, per average of opening and closing customers.",
            "departures / ((opening + closing) / 2)", counting.average_below, "", False,
        ),
        rate(
            "Per time at risk",
            "Every departure, per customer followed for the whole period; who came or left within it counts for the days "
            "that it was there.",
            "departures / customer time at risk", counting.per_time_at_risk, "epidemiology’s incidence rate", False,
        ),
        rate(
            SURVIVAL,
            "The probability of having left by the end, from the product-limit curve over the days of the period; new "
            "customers enter on the day they come.",
            "1 − S(end of the period)", None, "survival analysis (Kaplan-Meier)", False,
        ),
        rate(
            "Yearly contracts hidden at first",
            "Opening customers lost, without those in the first 365 days of a yearly contract.",
            "gone at the end / opening, first contract years left out", counting.first_years_hidden, "Baremetrics", True,
        ),
        rate(
            "Only who could leave",
            "Opening customers lost, of those on monthly terms, those whose contract came up for renewal in the period, "
            "and those who left before theirs did.",
            "gone at the end / opening with a contract that could end", counting.could_end, "", True,
        ),
        rate(
            "Paying customers only",
            "Of opening customers who pay something, those who pay nothing at the end: moving to a free plan counts.",
            "paying nothing at the end / paying at the start", counting.paying_lost,
            "ChartMogul, where a free plan is set to count as cancelled (by default it is active)", True,
        ),
    )  # fmt: skip


#: Kinds of definition that a study may declare: heading, what it means, whose convention.
_KINDS = {
    "recognise": (
        "Notice counts at once", "is gone on the day of notice, not at the end of its term",
        "ChartMogul lets you choose the day; ProfitWell counts at the end of the cycle",
    ),
    "allowed_gap_days": (
        "Any break counts", "is gone after any break, even if it returns soon",
        "fight-churn bridges gaps up to a parameter; Maxio calls a return within 90 days a reactivation",
    ),
    "delinquent_after_days": (
        "Overdue counts as gone", "is gone when a bill is long overdue, even if still served",
        "Baremetrics after 30 days; ProfitWell states it apart; ChartMogul keeps past-due customers unless told otherwise",
    ),
    "inactive_after_days": (
        "Silence counts as gone", "is gone after so many days without use, whatever the contract says",
        "usage churn of product analytics",
    ),
}  # fmt: skip


def _by_definition(study: TableStudy) -> tuple[NamedRate, ...]:
    """Return the house's rate under each declared definition, and empty rows for kinds that none declares."""
    rates, seen = [], set()
    for definition in study.definitions:
        differs = differences(study.definition, definition)
        seen |= differs
        tools = "; ".join(_KINDS[key][2] for key in _KINDS if key in differs)
        rates.append(
            NamedRate(
                f"“{definition.name}”", LEAVING, f"Opening customers lost, where a customer {_meaning(definition)}.",
                "gone at the end / opening", definition.name, counting.opening_lost(definition.name), tools, share=True,
            )
        )  # fmt: skip
    rates += [
        NamedRate(
            heading, LEAVING, f"Opening customers lost, where a customer {meaning}.", "gone at the end / opening",
            study.definition.name, _absent(f"The study declares no such [[definitions]] ({key})."), tools, share=True,
        )
        for key, (heading, meaning, tools) in _KINDS.items()
        if key not in seen and not _own_is(study.definition, key)
    ]  # fmt: skip
    return tuple(rates)


def differences(one: Definition, other: Definition) -> set[str]:
    """Return the keys in which two definitions of leaving differ."""
    return {key for key in _KINDS if getattr(one, key) != getattr(other, key)}


def _own_is(own: Definition, key: str) -> bool:
    """Whether the study's own definition is already of that kind."""
    return {
        "recognise": own.recognise == "cancel date",
        "allowed_gap_days": own.allowed_gap_days == 0,
        "delinquent_after_days": own.delinquent_after_days is not None,
        "inactive_after_days": own.inactive_after_days is not None,
    }[key]


def _meaning(definition: Definition) -> str:
    parts = ["is gone on the day of notice" if definition.recognise == "cancel date" else "is gone when the term ends"]
    gap = definition.allowed_gap_days
    parts.append(f"a break of up to {gap:,} days is no leaving" if gap else "any break is leaving")
    if definition.delinquent_after_days is not None:
        parts.append(
            f"a bill {definition.delinquent_after_days:,} days overdue is leaving, until it or a later one is paid"
        )
    if definition.inactive_after_days is not None:
        parts.append(f"{definition.inactive_after_days:,} days without use are leaving")
    meaning = "; ".join(parts)
    if definition.recognise == "cancel date":
        meaning += ". A notice counts only if it is recorded while the term still runs"
    return meaning


def _absent(note: str) -> counting.Count:
    def count(_: History, __: Period) -> Counted | str:
        return note

    return count


def _by_revenue(own: str) -> tuple[NamedRate, ...]:
    def rate(name: str, text: str, formula: str, count: counting.Count, tools: str, kind: str = BASE) -> NamedRate:
        return NamedRate(name, REVENUE, text, formula, own, count, tools, unit=MONEY, kind=kind)

    lost = counting.revenue_lost
    return (
        rate(
            "Gross revenue churn",
            "Recurring revenue of departures and of downgrades, per opening revenue. Cancelling one of several "
            "subscriptions is a downgrade.",
            "(churn + contraction) / opening revenue", lost(lambda m: m.churn + m.contraction), "ChartMogul",
        ),
        rate(
            "Revenue of departures only",
            "Recurring revenue of departures, without downgrades, per opening revenue.",
            "churn / opening revenue", lost(lambda m: m.churn), "",
        ),
        rate(
            "One minus gross retention",
            "What opening customers pay less at the end than at the start; who pays more makes up for nobody.",
            "1 − Σ min(end, start) / opening revenue", lost(lambda m: m.opening - np.minimum(m.opening, m.closing)),
            "SaaS metrics standards (GRR); fight-churn’s revenue churn",
        ),
        rate(
            "Net revenue churn",
            "Departures and downgrades less upgrades: below zero where upgrades weigh more.",
            "(churn + contraction − expansion) / opening revenue", lost(lambda m: m.churn + m.contraction - m.expansion),
            "Baremetrics", NET,
        ),
        rate(
            "Net, less returns",
            "The same, less the revenue of customers who came back.",
            "(churn + contraction − expansion − reactivation) / opening revenue",
            lost(lambda m: m.churn + m.contraction - m.expansion - m.reactivation),
            "ChartMogul; Chargify (Maxio) states it with the opposite sign", NET,
        ),
    )  # fmt: skip


def _per_won(own: str) -> NamedRate:
    return NamedRate(
        "Departures per customer won", COUNTING,
        "Every departure per customer won in the same period, returns among them. It says nothing about how many customers "
        "there are: above 100%, more left than came.",
        "departures / (new + reactivated)", own, counting.per_won, "", kind=OTHER_BASE,
    )  # fmt: skip
