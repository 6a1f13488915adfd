"""The registry of measures: what a row at risk knows. A new measure is one entry here."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import duckdb

from whychurn.panel.measure import Measure
from whychurn.panel.measure_kinds import (
    adopted,
    happened,
    module_days,
    module_share,
    module_uses,
    modules_used,
    nps_band,
    peak,
    people,
    share,
    sum_of,
    trend,
)
from whychurn.panel.measure_names import column_parts, event_kinds_of, modules_of
from whychurn.panel.measure_needs import measurable
from whychurn.panel.measure_time import Windows, windows_of
from whychurn.panel.measure_usage import FAILED, LOGIN, USE
from whychurn.study import TableStudy


def measures_of(
    connection: duckdb.DuckDBPyConnection, study: TableStudy, tables: Collection[str]
) -> tuple[Measure, ...]:
    """Return the measures that a company's records allow, with windows, modules and kinds of events written out.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of the contract.
    study : TableStudy
    tables : collection of str
        Those that the company has.

    Raises
    ------
    PanelError
        If there are too many modules or kinds of events.
    """
    modules, kinds = modules_of(connection, study, tables), event_kinds_of(connection, tables)
    return measurable(connection, tables, registry(study, modules, kinds))


def registry(study: TableStudy, modules: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[Measure, ...]:
    """Return all measures, given the modules and the kinds of events."""
    windows = windows_of(study)
    return (
        *_logins(windows),
        *_use(windows, study),
        *_modules(windows, modules),
        *_seats(windows),
        *_friction(windows),
        *_support(windows),
        *_surveys(),
        *_contacts(windows),
        *_events(windows, kinds),
        *_payments(windows),
        *_contract(),
        *_calendar(),
    )


_USAGE = ("usage",)
_LOGIN, _USED, _FAILED, _PRESENT = ("usage:login",), ("usage:use",), ("usage:failed",), ("usage:login|use",)
_BANDS = (
    "bands of full days; “never yet” where there was none since the customer came, “too new” where the customer had "
    "not come yet at the cut-off"
)


def _logins(w: Windows) -> Iterator[Measure]:
    yield Measure(
        "days_since_login", "Days since last login", "days", "Full days between the last login and the cut-off.",
        "login", _USAGE, lambda s: s.days_since(s.usage.latest(LOGIN)), values=_LOGIN, whole=True,
    )  # fmt: skip
    yield Measure(
        "login_recency", "Last login", "", f"Days since the last login in {_BANDS}.",
        "login", _USAGE, lambda s: s.recency(s.usage.latest(LOGIN)), "category", values=_LOGIN,
    )  # fmt: skip
    for days in w.distinct(w.w1, w.w4, w.w8):
        yield Measure(
            f"logins_{days}", f"Logins in {days} days", "logins", f"Logins in the {days} days before the cut-off.",
            "login", _USAGE, sum_of(LOGIN, days), values=_LOGIN, whole=True, window=days,
        )  # fmt: skip


def _use(w: Windows, study: TableStudy) -> Iterator[Measure]:
    yield Measure(
        "days_since_use", "Days since last use", "days", "Full days between the last use and the cut-off.",
        "use", _USAGE, lambda s: s.days_since(s.usage.latest(USE)), values=_USED, whole=True,
    )  # fmt: skip
    yield Measure(
        "use_recency", "Last use", "", f"Days since the last use in {_BANDS}.",
        "use", _USAGE, lambda s: s.recency(s.usage.latest(USE)), "category", values=_USED,
    )  # fmt: skip
    days = w.w4
    for length in w.distinct(w.w4, w.w8):
        yield Measure(
            f"uses_{length}", f"Uses in {length} days", "uses", f"Uses in the {length} days before the cut-off.",
            "use", _USAGE, sum_of(USE, length), values=_USED, whole=True, window=length,
        )  # fmt: skip
    yield Measure(
        f"active_days_{days}", f"Active days in {days} days", "days",
        f"Different days with a login or a use in the {days} days before the cut-off.",
        "use", _USAGE, lambda s: s.tracked(s.usage.active_days(s.intervals(days)), "usage", days),
        values=_PRESENT, whole=True, window=days,
    )  # fmt: skip
    yield Measure(
        "use_trend", "Trend of use", "log ratio",
        f"Logarithm of uses in {days} days against the usual number in the {w.w8} days before them; 0 is no change.",
        "use", _USAGE, trend, values=_USED, window=days + w.w8,
    )  # fmt: skip
    (first, last), weekdays = study.measures.peak_hours, "/".join(map(str, sorted(set(study.measures.peak_days))))
    when = f"between {first}:00 and {last}:00 on weekdays {weekdays} (1 is Monday)"
    yield Measure(
        f"peak_uses_{days}", f"Uses at peak hours in {days} days", "uses", f"Uses {when}.",
        "use", _USAGE, peak(days), values=_USED, reads=frozenset({"peak"}), whole=True, window=days,
    )  # fmt: skip
    yield Measure(
        f"peak_share_{days}", f"Share of use at peak hours in {days} days", "", f"Share of uses that fall {when}.",
        "use", _USAGE, lambda s: share(peak(days)(s), sum_of(USE, days)(s)),
        values=_USED, reads=frozenset({"peak"}), window=days,
    )  # fmt: skip
    yield Measure(
        f"volume_{days}", f"Business volume in {days} days", "", "Sum of the values recorded with logins and uses.",
        "use", _USAGE, lambda s: s.tracked(s.usage.volume(s.intervals(days)), "usage", days),
        values=("usage.value",), reads=frozenset({"value"}), window=days,
    )  # fmt: skip


def _modules(w: Windows, modules: tuple[str, ...]) -> Iterator[Measure]:
    days, values, reads = w.w4, (*_USED, "usage.module"), frozenset({"module"})
    if modules:
        yield Measure(
            f"modules_used_{days}", f"Modules used in {days} days", "modules", f"Different modules in {days} days.",
            "modules", _USAGE, lambda s: modules_used(s, days, len(modules)), values=values, reads=reads, whole=True,
            window=days,
        )  # fmt: skip
    for place, (module, part) in enumerate(column_parts(modules).items()):
        yield Measure(
            f"uses_{days}_{part}", f"Uses of {module} in {days} days", "uses", f"Uses of {module} in {days} days.",
            "modules", _USAGE, module_uses(place, days), values=values, reads=reads, whole=True, window=days,
        )  # fmt: skip
        yield Measure(
            f"adopted_{part}", f"Has used {module}", "", f"1 where {module} was ever used before the cut-off, else 0.",
            "modules", _USAGE, adopted(place), values=values, reads=reads, whole=True,
        )  # fmt: skip
        yield Measure(
            f"share_{days}_{part}", f"Share of {module} in {days} days", "", f"Share of uses that were of {module}.",
            "modules", _USAGE, module_share(place, days), values=values, reads=reads, window=days,
        )  # fmt: skip
        yield Measure(
            f"days_since_use_{part}", f"Days since last use of {module}", "days",
            f"Full days between the last use of {module} and the cut-off.",
            "modules", _USAGE, module_days(place), values=values, reads=reads, whole=True,
        )  # fmt: skip


def _seats(w: Windows) -> Iterator[Measure]:
    days, values, reads = w.w4, (*_PRESENT, "usage.user_id"), frozenset({"user"})
    yield Measure(
        f"active_users_{days}", f"Active users in {days} days", "users",
        f"Different people with a login or a use in the {days} days before the cut-off.",
        "seats", _USAGE, people(days), values=values, reads=reads, whole=True, window=days,
    )  # fmt: skip
    yield Measure(
        f"seat_adoption_{days}", f"Seats in use in {days} days", "",
        f"Active users of {days} days per paid seat.",
        "seats", (*_USAGE, "subscriptions"), lambda s: share(people(days)(s), s.contract("seats")),
        values=(*values, "subscriptions.seats"), reads=reads, window=days,
    )  # fmt: skip


def _friction(w: Windows) -> Iterator[Measure]:
    days = w.w4
    failed = sum_of(FAILED, days)
    yield Measure(
        f"failed_{days}", f"Failed actions in {days} days", "failures", f"Actions that failed in {days} days.",
        "friction", _USAGE, failed, values=_FAILED, whole=True, window=days,
    )  # fmt: skip
    yield Measure(
        f"failed_share_{days}", f"Share of actions that failed in {days} days", "",
        "Failed actions per failed action or use.",
        "friction", _USAGE, lambda s: share(failed(s), failed(s) + sum_of(USE, days)(s)),
        values=(*_USED, *_FAILED), window=days,
    )  # fmt: skip


def _support(w: Windows) -> Iterator[Measure]:
    yield Measure(
        "open_tickets", "Open tickets", "tickets", "Tickets opened and not closed before the cut-off.",
        "support", ("tickets",), lambda s: s.standing("tickets", "opened", "closed"),
        values=("tickets.closed_at",), whole=True,
    )  # fmt: skip
    yield Measure(
        f"tickets_{w.w12}", f"Tickets in {w.w12} days", "tickets", f"Tickets opened in {w.w12} days.",
        "support", ("tickets",), lambda s: s.counted("tickets", "opened", w.w12), whole=True, window=w.w12,
    )  # fmt: skip
    yield Measure(
        "last_csat", "Last satisfaction with support", "", "Satisfaction with the last ticket that was rated.",
        "support", ("tickets",), lambda s: s.latest("ratings", "day", "csat"),
        values=("tickets.csat", "tickets.csat_at|closed_at"),
    )  # fmt: skip


def _surveys() -> Iterator[Measure]:
    values = ("surveys.score", "surveys.answered_at")
    yield Measure(
        "last_nps", "Last NPS answer", "points", "Last answer to “would you recommend us”, a whole number from 0 to 10.",
        "surveys", ("surveys",), lambda s: s.latest("surveys", "day", "score"), values=values,
    )  # fmt: skip
    yield Measure(
        "nps_band", "NPS group", "", "Promoter (9 or 10), passive (7 or 8), detractor, or no answer yet.",
        "surveys", ("surveys",), nps_band, "category", values=values,
    )  # fmt: skip


def _contacts(w: Windows) -> Iterator[Measure]:
    days = w.w12
    yield Measure(
        f"interactions_{days}", f"Contacts in {days} days", "contacts", f"Contacts in {days} days.",
        "contacts", ("interactions",), lambda s: s.counted("interactions", "day", days), whole=True, window=days,
    )  # fmt: skip
    yield Measure(
        f"interventions_{days}", f"Interventions in {days} days", "interventions", f"Assigned in {days} days.",
        "contacts", ("interventions",), lambda s: s.counted("interventions", "day", days), whole=True, window=days,
    )  # fmt: skip


def _events(w: Windows, kinds: tuple[str, ...]) -> Iterator[Measure]:
    days = w.w12
    for place, (kind, part) in enumerate(column_parts(kinds).items()):
        yield Measure(
            f"event_{days}_{part}", f"{kind} in {days} days", "",
            f"1 where “{kind}” happened to the customer, or to all, in {days} days; else 0.",
            "events", ("events",), happened(place, days), whole=True, window=days,
        )  # fmt: skip


def _payments(w: Windows) -> Iterator[Measure]:
    days, needs = w.w12, ("payments",)
    yield Measure(
        f"failed_payments_{days}", f"Failed payments in {days} days", "payments", f"Charges that failed in {days} days.",
        "payments", needs, lambda s: s.counted("failed_payments", "day", days, "payments"),
        values=("payments.failed_on",), whole=True, window=days,
    )  # fmt: skip
    yield Measure(
        "overdue_payments", "Overdue payments", "payments", "Payments due and not paid before the cut-off.",
        "payments", needs, lambda s: s.standing("payments", "due", "paid"),
        values=("payments.paid_on",), whole=True,
    )  # fmt: skip


def _contract() -> Iterator[Measure]:
    needs = ("subscriptions",)
    yield Measure(
        "mrr", "Monthly recurring revenue", "per month", "Sum over the subscriptions in force.",
        "contract", needs, lambda s: s.contract("mrr"), values=("subscriptions.mrr",),
    )  # fmt: skip
    yield Measure(
        "seats", "Paid seats", "seats", "Sum over the subscriptions in force.",
        "contract", needs, lambda s: s.contract("seats"), values=("subscriptions.seats",),
    )  # fmt: skip
    yield Measure(
        "plan", "Plan", "", "Plan of the subscription in force with the largest recurring revenue.",
        "contract", needs, lambda s: s.plan(), "category", values=("subscriptions.plan",),
    )  # fmt: skip
    yield Measure(
        "n_subscriptions", "Subscriptions", "subscriptions", "Subscriptions in force.",
        "contract", needs, lambda s: s.contract("n"), whole=True,
    )  # fmt: skip
    yield Measure(
        "term_months", "Length of term", "months", "Longest term of the subscriptions in force.",
        "contract", needs, lambda s: s.contract("term"), values=("subscriptions.term_months",),
    )  # fmt: skip
    yield Measure(
        "days_to_renewal", "Days to renewal", "days", "Days to the next renewal of a subscription in force.",
        "contract", needs, lambda s: s.contract("renewal"),
        values=("subscriptions.renewal_on", "subscriptions.term_months"), whole=True,
    )  # fmt: skip


def _calendar() -> Iterator[Measure]:
    yield Measure(
        "quarter", "Quarter", "", "Quarter of the row's first day.", "calendar", (), lambda s: s.quarter(), "category"
    )
    yield Measure(
        "tenure_days", "Days as a customer", "days", "Days from the first day of service to the row's first day.",
        "calendar", (), lambda s: s.grid.tenure, whole=True,
    )  # fmt: skip
