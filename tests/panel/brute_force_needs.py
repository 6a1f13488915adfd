"""Which measures a company cannot have, because what they rest on was never recorded."""

from __future__ import annotations

import re
from collections.abc import Callable

from world import Record, World


def having(*columns: str) -> Callable[[Record], bool]:
    """Records with a value in any of the columns."""
    return lambda record: any(record.get(column) is not None for column in columns)


def doing(*actions: str, column: str = "action") -> Callable[[Record], bool]:
    """Records of any of the actions, with a value in a column."""
    return lambda record: record["action"] in actions and record[column] is not None


#: Patterns of measures' names, and of which records of which table there must be one at least.
NEEDS: tuple[tuple[str, str, Callable[[Record], bool]], ...] = (
    (r"days_since_login|login_recency|logins_\d+", "usage", doing("login")),
    (r"active_(days|users)_\d+|seat_adoption_\d+", "usage", doing("login", "use")),
    (r"use_recency|use_trend|peak_\w+|failed_share_\d+", "usage", doing("use")),
    (r"(days_since_use|uses_|adopted_|share_|modules_used_).*", "usage", doing("use")),
    (r"(days_since_use_|uses_\d+_|adopted_|share_|modules_used_).+", "usage", doing("use", column="module")),
    (r"failed_(share_)?\d+", "usage", doing("failed")),
    (r"active_users_\d+|seat_adoption_\d+", "usage", doing("login", "use", column="user_id")),
    (r"volume_\d+", "usage", doing("login", "use", "failed", column="value")),
    (r"seats|seat_adoption_\d+", "subscriptions", having("seats")),
    (r"open_tickets", "tickets", having("closed_at")),
    (r"last_csat", "tickets", having("csat")),
    (r"last_csat", "tickets", having("csat_at", "closed_at")),
    (r"last_nps|nps_band", "surveys", having("score")),
    (r"last_nps|nps_band", "surveys", having("answered_at")),
    (r"failed_payments_\d+", "payments", having("failed_on")),
    (r"overdue_payments", "payments", having("paid_on")),
    (r"mrr", "subscriptions", having("mrr")),
    (r"plan", "subscriptions", having("plan")),
    (r"term_months|days_to_renewal", "subscriptions", having("term_months")),
    (r"days_to_renewal", "subscriptions", having("renewal_on")),
)


def unmeasurable(world: World, names: list[str]) -> set[str]:
    """Names of measures that rest on what the company never recorded: they do not exist."""
    lacking = [pattern for pattern, table, fits in NEEDS if not any(map(fits, world.tables.get(table, [])))]
    return {name for name in names if any(re.fullmatch(pattern, name) for pattern in lacking)}
