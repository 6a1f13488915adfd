"""Which file is which table, and which column plays which part: judged by names, types, keys and references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from whychurn.sources.canon import REQUIRED, TABLES, CanonColumn
from whychurn.sources.shapes import MOSTLY
from whychurn.sources.tables.guess_actions import action_by_values, share_of_actions
from whychurn.sources.tables.guess_names import NAME_HEAD, file_match, name_match
from whychurn.sources.tables.propose_candidate import Candidate
from whychurn.sources.tables.propose_columns import ColumnLook, refers_to

#: A file is taken for a table from this score on.
ENOUGH = 45.0
#: Two files (or two tables for a file) that are this close cannot be told apart.
CLOSE = 12.0
#: Columns that hardly any other table has, and what finding one is worth.
TELLING = {
    "accounts": ("industry", "employees", "size_band", "region", "channel", "parent_account_id"),
    "subscriptions": ("ended_on", "mrr", "seats", "term_months", "renewal_on", "cancelled_on", "end_reason"),
    "usage": ("user_id", "module", "action", "count"),
    "tickets": ("ticket_id", "closed_at", "severity", "csat", "csat_at"),
    "surveys": ("score", "invited_at", "answered_at"),
    "interventions": ("play", "outcome", "contacted_on", "assigned_on"),
    "interactions": ("direction",),
    "events": (),
    "payments": ("due_on", "paid_on", "failed_on"),
    "costs": ("acquisition_cost", "service_cost"),
}
TELLS, HELPS = 14.0, 5.0


@dataclass(frozen=True)
class Fit:
    """A file as a table.

    Attributes
    ----------
    candidate : Candidate
    table : str
    columns : Mapping of str to str
        Canonical column -> column of the file.
    missing : tuple of str
        Required columns that were not found.
    doubts : Mapping of str to tuple of str
        Canonical column -> columns of the file between which nothing decides.
    score : float
    named : bool
        Whether the file's name says it is that table.
    """

    candidate: Candidate
    table: str
    columns: Mapping[str, str]
    missing: tuple[str, ...]
    doubts: Mapping[str, tuple[str, ...]]
    score: float
    named: bool


@dataclass(frozen=True)
class AccountKey:
    """The column by which other files name a customer; `shares` keeps what was found out about columns of others."""

    candidate: Candidate
    key: str
    shares: dict[tuple[str, str], float] = field(default_factory=dict)


def fit_table(
    connection: duckdb.DuckDBPyConnection,
    candidate: Candidate,
    looks: Sequence[ColumnLook],
    table: str,
    given: Mapping[str, str],
    accounts: AccountKey | None,
) -> Fit:
    """Judge a file as a table of the contract.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    candidate : Candidate
    looks : sequence of ColumnLook
    table : str
    given : Mapping of str to str
        Canonical column -> column, as told.
    accounts : AccountKey or None
        To find, or to confirm, the column that names the customer.
    """
    contract, by_name = TABLES[table], {look.name: look for look in looks}
    columns = {canonical: theirs for canonical, theirs in given.items() if theirs}
    shut = set(given)
    pairs = sorted(
        (
            (-_pair(table, column, look), index, place, column.name, look.name)
            for index, column in enumerate(contract.columns)
            for place, look in enumerate(looks)
            if column.name not in shut and look.name not in columns.values() and _pair(table, column, look) > 0
        ),
    )
    doubts: dict[str, tuple[str, ...]] = {}
    for _, _, _, canonical, theirs in pairs:
        if canonical not in columns and theirs not in columns.values():
            columns[canonical] = theirs
    if "account_id" not in shut and table != "accounts" and accounts is not None and accounts.candidate != candidate:
        _find_reference(connection, candidate, looks, columns, accounts, doubts, shut)
    required = [column.name for column in contract.columns if column.required]
    for canonical in required:
        if canonical not in columns and canonical not in doubts and contract.column(canonical).type in ("day", "time"):
            free = [look.name for look in looks if look.is_date and look.name not in columns.values()]
            if len(free) == 1:
                columns[canonical] = free[0]
            elif free:
                doubts[canonical] = tuple(free)
    if table == "subscriptions" and "subscription_id" not in shut:
        _borrow_key(candidate, by_name, columns)
    if table == "usage" and "action" not in shut and "action" not in columns:
        by_values = action_by_values(connection, candidate, looks, columns, shut)
        if by_values:
            columns = {canonical: theirs for canonical, theirs in columns.items() if theirs != by_values}
            columns["action"] = by_values
    missing = tuple(name for name in required if name not in columns)
    named = file_match(table, candidate.name)
    score = named + _evidence(candidate, by_name, table, columns, missing)
    if table == "usage" and "action" in columns:
        score += 20.0 * share_of_actions(connection, candidate, by_name[columns["action"]])
    return Fit(candidate, table, columns, missing, doubts, score, named >= NAME_HEAD)


def _pair(table: str, column: CanonColumn, look: ColumnLook) -> float:
    """How well a column of a file fits one of the contract; 0 if its values cannot be of that type."""
    match = name_match(table, column.name, look.name)
    if not match or not look.fits(column.type):
        return 0.0
    if column.name == "employees" and not look.is_number:
        return 0.0
    return match


def _find_reference(
    connection: duckdb.DuckDBPyConnection,
    candidate: Candidate,
    looks: Sequence[ColumnLook],
    columns: dict[str, str],
    accounts: AccountKey,
    doubts: dict[str, tuple[str, ...]],
    shut: set[str],
) -> None:
    """The customer is named by the column whose values are keys of the accounts, whatever it is called."""

    def share(look: ColumnLook) -> float:
        place = (candidate.label, look.key)
        if place not in accounts.shares:
            n, known = refers_to(connection, candidate, look.key, accounts.candidate, accounts.key)
            accounts.shares[place] = known / n if n else 0.0
        return accounts.shares[place]

    by_name = {look.name: look for look in looks}
    chosen = columns.get("account_id")
    if chosen is not None and share(by_name[chosen]) >= 0.5:
        return
    parts = {theirs: canonical for canonical, theirs in columns.items()}

    def held_by(part: str) -> list[str]:
        free = [look for look in looks if look.n and not look.is_date and look.name != chosen]
        held = [look for look in free if look.name not in parts or (parts[look.name] == part and part not in shut)]
        return [look.name for look in held if share(look) >= MOSTLY]

    # A file of one subscription per customer may call the customer's id just "id".
    fitting = held_by("user_id") or ([] if chosen else held_by("subscription_id"))
    if len(fitting) == 1:
        if fitting[0] in parts:
            del columns[parts[fitting[0]]]
        columns["account_id"] = fitting[0]
    elif fitting and chosen is None:
        doubts["account_id"] = tuple(fitting)


def _borrow_key(candidate: Candidate, looks: Mapping[str, ColumnLook], columns: dict[str, str]) -> None:
    """Where no customer stands twice, the customer's id tells subscriptions apart as well as one of their own."""
    customer = looks.get(columns.get("account_id", ""))
    if "subscription_id" in columns or customer is None or not customer.n:
        return
    if customer.n_distinct == customer.n == candidate.n_sample:
        columns["subscription_id"] = customer.name


def _evidence(
    candidate: Candidate,
    looks: Mapping[str, ColumnLook],
    table: str,
    columns: Mapping[str, str],
    missing: Sequence[str],
) -> float:
    """What columns, keys and numbers of rows say for a table."""
    contract, score = TABLES[table], 0.0
    borrowed = contract.key != "account_id" and columns.get(contract.key) == columns.get("account_id")
    for canonical, theirs in columns.items():
        if borrowed and canonical == contract.key:
            continue
        strength = max(name_match(table, canonical, theirs), 20.0) / 100
        score += strength * (TELLS if canonical in TELLING[table] else HELPS)
    score -= 15.0 * len(missing)
    customer, key = looks.get(columns.get("account_id", "")), looks.get(columns.get(contract.key, ""))
    if contract.key and key is not None and key.n and not borrowed:
        score += 10.0 if key.n_distinct >= MOSTLY * key.n else -30.0
    if customer is not None and customer.n:
        rows_per_customer = candidate.n_sample / max(customer.n_distinct, 1)
        if table == "usage":
            score += 10.0 if rows_per_customer > 5 else 0.0
        if table in ("events", "costs") and customer.n < candidate.n_sample:
            score += 15.0
        if table == "events" and rows_per_customer > 10:
            score -= 10.0
    if table == "surveys" and (answer := looks.get(columns.get("score", ""))) is not None:
        score += 5.0 if answer.low >= 0 and answer.high <= 10 else -20.0
    return score


def choose_accounts(fits: Sequence[Fit]) -> tuple[Fit | None, tuple[Fit, ...]]:
    """Return the accounts table, or None and the files between which nothing decides."""
    return _best(sorted((fit for fit in fits if fit.table == "accounts"), key=lambda fit: -fit.score))


def _best(ranked: Sequence[Fit]) -> tuple[Fit | None, tuple[Fit, ...]]:
    good = [fit for fit in ranked if fit.score >= ENOUGH]
    if not good:
        return None, ()
    close = tuple(fit for fit in good if fit.score > good[0].score - CLOSE)
    return (good[0], ()) if len(close) == 1 else (None, close)


def assign(fits: Sequence[Fit]) -> tuple[dict[str, Fit], dict[str, tuple[Fit, ...]]]:
    """Give every table its file, the surest pairs first.

    Returns
    -------
    dict of str to Fit
        Table -> file.
    dict of str to tuple of Fit
        Table -> files that fit it about as well.
    """
    taken: dict[str, Fit] = {}
    used: set[str] = set()
    ranked = sorted(
        (fit for fit in fits if fit.score >= ENOUGH),
        key=lambda fit: (-fit.score, list(TABLES).index(fit.table), fit.candidate.label),
    )
    for fit in ranked:
        if fit.table not in taken and fit.candidate.label not in used:
            taken[fit.table] = fit
            used.add(fit.candidate.label)
    claims: dict[str, tuple[Fit, ...]] = {}
    for table, fit in taken.items():
        rivals = [
            other
            for other in ranked
            if other.table == table and other.candidate.label not in used and other.score > fit.score - CLOSE
        ]
        if rivals:
            claims[table] = (fit, *rivals)
    return taken, claims


def alternatives(fit: Fit, fits: Sequence[Fit], taken: Mapping[str, Fit]) -> tuple[str, ...]:
    """Return free tables that the same file fits about as well."""
    return tuple(
        other.table
        for other in fits
        if other.candidate == fit.candidate
        and other.table != fit.table
        and other.table not in taken
        and other.score >= ENOUGH
        and other.score > fit.score - CLOSE
    )


def unfound(taken: Mapping[str, Fit]) -> list[str]:
    """Return the required tables that have no file."""
    return [table for table in REQUIRED if table not in taken]
