"""``whychurn new`` for several tables: look at the files, decide what they decide, ask the rest in one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from whychurn.errors import SourceError, StudyError
from whychurn.sources.canon import TABLES
from whychurn.sources.connection import locked_connection, work_folder
from whychurn.sources.names import shown
from whychurn.sources.tables.draft import draft_tables
from whychurn.sources.tables.draft_summary import summary
from whychurn.sources.tables.guess import ENOUGH, Fit, fit_table
from whychurn.sources.tables.guess_names import NAME_HEAD, file_match
from whychurn.sources.tables.propose_answers import Questions, TableOptions
from whychurn.sources.tables.propose_choice import choose_tables, named_candidate
from whychurn.sources.tables.propose_columns import ColumnLook, look_at_columns
from whychurn.sources.tables.propose_dates import settle_dates
from whychurn.sources.tables.propose_details import Proposal, ProposedTable, look_closer, settle_actions
from whychurn.sources.tables.propose_files import Found, data_files, find_candidates, sheet_names
from whychurn.sources.tables.propose_missing import ask_for_columns


@dataclass(frozen=True)
class Proposed:
    """The text of a ``study.toml``, and what to say about it on the command line."""

    text: str
    summary: tuple[str, ...]


def looks_like_tables(folder: Path) -> bool:
    """Whether a folder holds several tables rather than one row per customer.

    That is so for a database, for several files of which one is named or made like a table other than accounts, and
    for a workbook of which two sheets are made like different tables.
    """
    files, inner, databases = data_files(folder)
    if databases:
        return True
    if len(files) == 1 and len(sheets_of(files[0])) > 1:
        return _sheets_are_tables(folder, files[0])
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


def sheets_of(file: Path) -> list[str]:
    """Return the names of the sheets of a workbook; none for what is no readable workbook."""
    if file.suffix.lower() != ".xlsx":
        return []
    try:
        return sheet_names(file)
    except SourceError:
        return []  # what is wrong with it is said by whoever reads it


def _sheets_are_tables(folder: Path, file: Path) -> bool:
    place = folder.resolve()
    work = work_folder(place)
    tables = set()
    with locked_connection([work, place]) as connection:
        for candidate in find_candidates(connection, place, work, [place / file.name], None).candidates:
            looks = look_at_columns(connection, candidate)
            fits = [fit_table(connection, candidate, looks, table, {}, None) for table in TABLES]
            best = max(fits, key=lambda fit: fit.score)
            if best.score >= ENOUGH and "account_id" not in best.missing:
                tables.add(best.table)
    return len(tables) > 1


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
    given = {table: named_candidate(found, name, table) for table, name in options.tables.items() if name}
    fits = choose_tables(connection, found, looks, given, options, questions)
    left = [one for one in found.candidates if one.label not in {fit.candidate.label for fit in fits.values()}]
    tables: dict[str, ProposedTable] = {}
    for table in TABLES:
        if table in fits:
            fit = fits[table]
            ask_for_columns(fit, looks[fit.candidate.label], questions)
            dates, notes = settle_dates(connection, fit, looks[fit.candidate.label], options, questions)
            tables[table] = ProposedTable(fit, tuple(looks[fit.candidate.label]), dates, tuple(notes))
    _require_dates(tables, options)
    if "usage" not in tables and (options.actions or options.other_actions):
        raise StudyError(
            "--action and --other-actions are about usage, which no file is. Say which: --table usage=FILE."
        )
    actions = settle_actions(connection, tables["usage"], options, questions) if "usage" in tables else None
    also = [f"{shown(label, 80)} could not be read: {reason}" for label, reason in found.unreadable]
    questions.raise_if_any(also)
    return look_closer(connection, folder, found, tables, left, actions)


def _require_dates(tables: Mapping[str, ProposedTable], options: TableOptions) -> None:
    """A format told for a column that is not there would otherwise pass in silence."""
    for place in options.date_formats:
        table, _, column = place.partition(".")
        if not place or (table in tables and column in _dates_of(tables[table])):
            continue
        if table not in tables:
            raise StudyError(f"--date-format: no file is the table {table}. Say which with --table {table}=FILE.")
        known = ", ".join(c.name for c in TABLES[table].columns if c.name in _dates_of(tables[table]))
        raise StudyError(f"--date-format: {table} has no column of dates {shown(column)}. It has: {known or 'none'}.")


def _dates_of(table: ProposedTable) -> set[str]:
    """Columns of dates, under the names of the contract and of the file."""
    kinds = {column.name: column.type for column in TABLES[table.fit.table].columns}
    pairs = [(name, theirs) for name, theirs in table.fit.columns.items() if kinds[name] in ("day", "time")]
    return {name for pair in pairs for name in pair}
