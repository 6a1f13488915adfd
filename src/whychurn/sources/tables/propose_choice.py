"""Which file is which table of the study: as told, as the files say, or a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import duckdb

from whychurn.errors import StudyError, some
from whychurn.sources.canon import TABLES
from whychurn.sources.names import shown, suggestion
from whychurn.sources.tables.guess import (
    ENOUGH,
    AccountKey,
    Fit,
    alternatives,
    assign,
    choose_accounts,
    fit_table,
    unfound,
)
from whychurn.sources.tables.propose_answers import Questions, TableOptions
from whychurn.sources.tables.propose_candidate import Candidate
from whychurn.sources.tables.propose_columns import ColumnLook
from whychurn.sources.tables.propose_files import Found


def named_candidate(found: Found, name: str, table: str) -> Candidate:
    """The file that was named for a table: by its whole name, else by its stem or the name of its sheet or table."""
    for known in (lambda one: one.label, lambda one: one.name, lambda one: one.file[0] if one.file else one.table):
        wanted = (name, name.removeprefix("main.")) if found.database else (name,)
        fitting = [one for one in found.candidates if known(one) in wanted]
        if len(fitting) == 1:
            return fitting[0]
    labels = [one.label for one in found.candidates]
    reasons = dict(found.unreadable)
    if name in reasons:
        raise StudyError(f"--table {table}: {shown(name)} cannot be read: {reasons[name]}")
    raise StudyError(
        f"--table {table}: there is no file or table {shown(name)}.{suggestion(name, labels)} "
        f"There are: {some(map(shown, labels), 12)}."
    )


def choose_tables(
    connection: duckdb.DuckDBPyConnection,
    found: Found,
    looks: Mapping[str, Sequence[ColumnLook]],
    given: Mapping[str, Candidate],
    options: TableOptions,
    questions: Questions,
) -> dict[str, Fit]:
    """Decide which file is which table."""
    said = {candidate.label for candidate in given.values()}
    free = [candidate for candidate in found.candidates if candidate.label not in said]

    def fit(
        candidate: Candidate, table: str, accounts: AccountKey | None, known: Mapping[str, str] | None = None
    ) -> Fit:
        chosen = {**(known or {}), **options.columns.get(table, {})}
        if candidate.label in said or len(found.candidates) == 1:
            _require_columns(candidate, table, chosen)
            _require_once(table, chosen)
        known = {name: theirs for name, theirs in chosen.items() if not theirs or theirs in candidate.names}
        return fit_table(connection, candidate, looks[candidate.label], table, known, accounts)

    if "accounts" in given:
        accounts: Fit | None = fit(given["accounts"], "accounts", None)
        rivals: tuple[Fit, ...] = ()
    else:
        first = [fit(candidate, table, None) for candidate in free for table in TABLES]
        accounts, rivals = choose_accounts(_only_best(first))
        if accounts is None and not rivals:
            accounts = _both_in_one(first)
    if rivals:
        names = [one.candidate.label for one in rivals]
        questions.ask(
            f"Which file is the table accounts, one row per customer: {some(map(shown, names), 8)}? "
            "Say it with --table accounts=FILE.",
            "--table", f"accounts={names[0]}",
        )  # fmt: skip
    elif accounts is None:
        _ask_for_table("accounts", found, questions)
    taken: dict[str, Fit] = {}
    key = None
    if accounts is not None:
        taken["accounts"] = accounts
        if "account_id" in accounts.columns:
            key = AccountKey(accounts.candidate, accounts.candidate.key(accounts.columns["account_id"]))
    for table, candidate in given.items():
        if table != "accounts":
            taken[table] = (
                _beside_accounts(fit, accounts)
                if table == "subscriptions" and accounts is not None and candidate == accounts.candidate
                else None
            ) or fit(candidate, table, key)
    used = {one.candidate.label for one in taken.values()} | {one.candidate.label for one in rivals}
    open_tables = [table for table in TABLES if table not in taken and options.tables.get(table) != ""]
    others = [
        fit(candidate, table, key)
        for candidate in free
        if candidate.label not in used
        for table in open_tables
        if table != "accounts"
    ]
    chosen, claims = assign(others)
    for table, rivals in claims.items():
        names = [one.candidate.label for one in rivals]
        questions.ask(
            f"Which file is the table {table} ({TABLES[table].unlocks}): {some(map(shown, names), 8)}? "
            f"Say it with --table {table}=FILE; a table may also be several files of one kind in a folder of their own.",
            "--table", f"{table}={names[0]}",
        )  # fmt: skip
    for one in chosen.values():
        also = alternatives(one, others, {**taken, **chosen})
        if also and one.table not in claims:
            label = one.candidate.label
            questions.ask(
                f"Is {shown(label)} the table {one.table}, or {' or '.join(also)}? "
                f"Say it with --table {one.table}={label}, for example.",
                "--table", f"{one.table}={label}",
            )  # fmt: skip
    taken |= chosen
    if "subscriptions" in open_tables and "subscriptions" not in taken and accounts is not None:
        beside = _beside_accounts(fit, accounts)
        if beside is not None:
            taken["subscriptions"] = beside
    for table in unfound(taken):
        if table != "accounts":
            _ask_for_table(table, found, questions)
    for table, columns in options.columns.items():
        if table not in taken:
            raise StudyError(f"--column: no file is the table {table}. Say which with --table {table}=FILE.")
        _require_columns(taken[table].candidate, table, columns)
        _require_once(table, columns)
    return {table: taken[table] for table in TABLES if table in taken}


def _both_in_one(fits: Sequence[Fit]) -> Fit | None:
    """The accounts table where the only file of subscriptions has one row per customer and serves as both."""
    own = [one for one in fits if one.table == "subscriptions" and one.score >= ENOUGH and _one_row_each(one)]
    if len(own) != 1:
        return None
    both = next(one for one in fits if one.table == "accounts" and one.candidate == own[0].candidate)
    return replace(both, columns={**both.columns, "account_id": own[0].columns["subscription_id"]}, missing=())


def _one_row_each(fit: Fit) -> bool:
    """Whether a file names customers once each, with the days on which their service began and ended."""
    # Where nothing but "id" names anyone, it is the customer's as much as the subscription's.
    key = fit.columns.get("subscription_id")
    alone = fit.missing == ("account_id",) and not fit.doubts
    shared = not fit.missing and key == fit.columns["account_id"]
    return key is not None and (alone or shared) and bool({"ended_on", "cancelled_on"} & set(fit.columns))


def _beside_accounts(fit: Callable[..., Fit], accounts: Fit) -> Fit | None:
    """The file of accounts as subscriptions, too, if it holds the days on which service began and ended."""
    if "account_id" not in accounts.columns:
        return None
    customer = accounts.columns["account_id"]
    beside = fit(accounts.candidate, "subscriptions", None, {"account_id": customer})
    return beside if _one_row_each(beside) else None


def _only_best(fits: Sequence[Fit]) -> list[Fit]:
    """Of files that fit another table much better than accounts, do not think as accounts."""
    best: dict[str, float] = {}
    for fit in fits:
        best[fit.candidate.label] = max(best.get(fit.candidate.label, 0.0), fit.score)
    return [fit for fit in fits if fit.table == "accounts" and fit.score >= best[fit.candidate.label]]


def _ask_for_table(table: str, found: Found, questions: Questions) -> None:
    labels = [one.label for one in found.candidates]
    listed = some(map(shown, labels), 12) if labels else "none that can be read"
    questions.ask(
        f"Which file is the table {table} ({TABLES[table].unlocks})? It needs {_needs(table)}. "
        f"Files: {listed}. Say it with --table {table}=FILE.",
        without=f"the table {table}",
    )


def _needs(table: str) -> str:
    return " and ".join(f"{one.description} ({one.name})" for one in TABLES[table].columns if one.required)


def _require_columns(candidate: Candidate, table: str, chosen: Mapping[str, str]) -> None:
    for canonical, theirs in chosen.items():
        if theirs and theirs not in candidate.names:
            raise StudyError(
                f"--column {table}.{canonical}: {shown(candidate.label)} has no column {shown(theirs)}."
                f"{suggestion(theirs, candidate.names)} Columns: {some(map(shown, candidate.names), 30)}."
            )


def _require_once(table: str, chosen: Mapping[str, str]) -> None:
    """One column cannot be two things, save that a customer's id may tell subscriptions apart as well."""
    seen: dict[str, str] = {}
    for canonical, theirs in chosen.items():
        first = seen.setdefault(theirs, canonical)
        if theirs and first != canonical and {first, canonical} != {"account_id", "subscription_id"}:
            raise StudyError(
                f"--column: {shown(theirs)} is said to be {table}.{first} and {table}.{canonical}. One column cannot be both."
            )
