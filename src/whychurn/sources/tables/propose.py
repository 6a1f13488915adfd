"""``whychurn new`` for several tables: look at the files, decide what they decide, ask the rest in one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from whychurn.errors import StudyError, some
from whychurn.sources.canon import REQUIRED, TABLES
from whychurn.sources.connection import locked_connection, work_folder
from whychurn.sources.names import counted, shown, suggestion
from whychurn.sources.tables.draft import draft_tables, summary
from whychurn.sources.tables.guess import (
    AccountKey,
    Fit,
    alternatives,
    assign,
    choose_accounts,
    fit_table,
    unfound,
)
from whychurn.sources.tables.guess_names import NAME_HEAD, file_match, name_match
from whychurn.sources.tables.propose_answers import Questions, TableOptions
from whychurn.sources.tables.propose_candidate import Candidate
from whychurn.sources.tables.propose_columns import ColumnLook, look_at_columns
from whychurn.sources.tables.propose_dates import settle_dates
from whychurn.sources.tables.propose_details import Proposal, ProposedTable, look_closer, settle_actions
from whychurn.sources.tables.propose_files import Found, data_files, find_candidates


@dataclass(frozen=True)
class Proposed:
    """The text of a ``study.toml``, and what to say about it on the command line."""

    text: str
    summary: tuple[str, ...]


def looks_like_tables(folder: Path) -> bool:
    """Whether a folder holds several tables rather than one row per customer.

    That is so for a database, and for several files of which one is named or made like a table other than accounts.
    """
    files, inner, databases = data_files(folder)
    if databases:
        return True
    if len(files) < 2:
        return False
    if any(file_match(table, file.stem) >= NAME_HEAD for file in files for table in TABLES if table != "accounts"):
        return True
    place = folder.resolve()
    files, inner, _ = data_files(place)
    work = work_folder(place)
    with locked_connection([work, place]) as connection:
        found = find_candidates(connection, place, work, [*files, *inner], None)
        for candidate in found.candidates:
            looks = look_at_columns(connection, candidate)
            fits = (fit_table(connection, candidate, looks, table, {}, None) for table in TABLES)
            if any(fit.table != "accounts" and not fit.missing and _dated(fit, looks) for fit in fits):
                return True
    return False


def _dated(fit: Fit, looks: Sequence[ColumnLook]) -> bool:
    by_name = {look.name: look for look in looks}
    return any(by_name[name].is_date for name in fit.columns.values())


def propose_tables(folder: Path, options: TableOptions, database: str = "", force: bool = False) -> Proposed:
    """Propose a study for a folder of several tables.

    Parameters
    ----------
    folder : Path
    options : TableOptions
    database : str
        Which database of the folder, where there are several.
    force : bool
        Whether the kind of study was stated, to be repeated in an example command.

    Raises
    ------
    StudyError
        With every question that the files leave open, and a command that answers them.
    SourceError
        If the folder cannot be used at all.
    """
    place = folder.resolve()
    files, inner, databases = data_files(place)
    if database:
        databases = [file for file in databases if file.name == database]
        if not databases:
            raise StudyError(f"--file: there is no database {shown(database)} in {folder}.")
    if len(databases) > 1:
        names = ", ".join(shown(file.name) for file in databases[:8])
        raise StudyError(f"{folder} holds {len(databases)} databases: {names}. Say which with --file NAME.")
    if not (files or inner or databases):
        raise StudyError(f"{folder} holds no data file.")
    work = work_folder(place)
    with locked_connection([work, place]) as connection:
        found = find_candidates(connection, place, work, [*files, *inner], databases[0] if databases else None)
        questions = Questions(folder, options, force)
        proposal = _look(connection, place, found, options, questions)
    return Proposed(draft_tables(proposal), tuple(summary(proposal)))


def _look(
    connection: duckdb.DuckDBPyConnection, folder: Path, found: Found, options: TableOptions, questions: Questions
) -> Proposal:
    looks = {candidate.label: look_at_columns(connection, candidate) for candidate in found.candidates}
    given = {table: _candidate(found, name, table) for table, name in options.tables.items() if name}
    fits = _tables(connection, found, looks, given, options, questions)
    left = [one for one in found.candidates if one.label not in {fit.candidate.label for fit in fits.values()}]
    tables: dict[str, ProposedTable] = {}
    for table in TABLES:
        if table in fits:
            fit = fits[table]
            _ask_for_columns(fit, looks[fit.candidate.label], questions)
            dates, notes = settle_dates(connection, fit, looks[fit.candidate.label], options, questions)
            tables[table] = ProposedTable(fit, tuple(looks[fit.candidate.label]), dates, tuple(notes))
    actions = settle_actions(connection, tables["usage"], options, questions) if "usage" in tables else None
    also = [f"{shown(label, 80)} could not be read: {reason}" for label, reason in found.unreadable]
    questions.raise_if_any(also)
    return look_closer(connection, folder, found, tables, left, actions)


def _candidate(found: Found, name: str, table: str) -> Candidate:
    """The file that was named for a table: by its whole name, else by its stem or the name of its sheet or table."""
    for known in (lambda one: one.label, lambda one: one.name, lambda one: one.file[0] if one.file else one.table):
        fitting = [one for one in found.candidates if known(one) == name]
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


def _tables(
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

    def fit(candidate: Candidate, table: str, accounts: AccountKey | None) -> Fit:
        chosen = options.columns.get(table, {})
        if candidate.label in said or len(found.candidates) == 1:
            _require_columns(candidate, table, chosen)
        known = {name: theirs for name, theirs in chosen.items() if not theirs or theirs in candidate.names}
        return fit_table(connection, candidate, looks[candidate.label], table, known, accounts)

    if "accounts" in given:
        accounts: Fit | None = fit(given["accounts"], "accounts", None)
        rivals: tuple[Fit, ...] = ()
    else:
        first = [fit(candidate, table, None) for candidate in free for table in TABLES]
        accounts, rivals = choose_accounts(_only_best(first))
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
            taken[table] = fit(candidate, table, key)
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
    for table in unfound(taken):
        if table != "accounts":
            _ask_for_table(table, found, questions)
    for table, columns in options.columns.items():
        if table not in taken:
            raise StudyError(f"--column: no file is the table {table}. Say which with --table {table}=FILE.")
        _require_columns(taken[table].candidate, table, columns)
    return {table: taken[table] for table in TABLES if table in taken}


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
        f"Files: {listed}. Say it with --table {table}=FILE."
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


def _ask_for_columns(fit: Fit, looks: Sequence[ColumnLook], questions: Questions) -> None:
    """Ask for columns that must be there, and for the end of subscriptions, without which nobody ever leaves."""
    needed = list(fit.missing)
    if fit.table == "subscriptions" and not {"ended_on", "cancelled_on"} & set(fit.columns):
        needed.append("ended_on")
    for canonical in needed:
        column = TABLES[fit.table].column(canonical)
        option = f"--column {fit.table}.{canonical}=COLUMN"
        candidates = fit.doubts.get(canonical, ())
        by_name = [look for look in looks if name_match(fit.table, canonical, look.name) >= 60]
        parts = [f"Which column of {shown(fit.candidate.label)} is {fit.table}.{canonical} ({column.description})?"]
        parts += [
            f"By its name {shown(look.name)}, but {counted(look.dates.n_other or look.n, 'value')} of {look.n:,} "
            f"{'is' if (look.dates.n_other or look.n) == 1 else 'are'} no dates."
            for look in by_name
            if column.type in ("day", "time") and not look.is_date
        ]
        if not candidates and fit.table in REQUIRED and canonical == TABLES[fit.table].key:
            unique = [look.name for look in looks if look.n and look.n_distinct == look.n == fit.candidate.n_sample]
            candidates = tuple(name for name in unique if name not in fit.columns.values())
            if not candidates:
                parts.append("No column is different in every row; number the rows in a column of their own.")
        if not candidates and column.type in ("day", "time"):
            used = set(fit.columns.values())
            candidates = tuple(look.name for look in looks if look.is_date and look.name not in used)
            if not candidates and not by_name:
                parts.append("No other column holds dates.")
        if candidates:
            parts.append(f"Candidates: {some(map(shown, candidates), 8)}.")
        parts.append(f"Columns: {some((shown(name, 40) for name in fit.candidate.names), 12)}.")
        parts.append(f"Say it with {option}.")
        answer = ("--column", f"{fit.table}.{canonical}={candidates[0]}") if candidates else ()
        questions.ask(" ".join(parts), *answer)
