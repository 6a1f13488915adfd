"""``whychurn new``: look at a data file and propose a ``study.toml`` for it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from whychurn.errors import SourceError, StudyError, some
from whychurn.sources.connection import locked_connection, work_folder
from whychurn.sources.draft import draft_study
from whychurn.sources.names import shown
from whychurn.sources.questions import Answers
from whychurn.sources.reading import read_file
from whychurn.sources.roles import churn_values, find_amount, find_churned, find_id, find_tenure, time_unit
from whychurn.sources.shapes import FEW_VALUES, MOSTLY, as_numbers, code_like
from whychurn.sources.sniff import sniff
from whychurn.sources.tables.propose import looks_like_tables, propose_tables, sheets_of
from whychurn.sources.tables.propose_answers import TableOptions
from whychurn.sources.tables.propose_files import DATABASES
from whychurn.sources.typed import ReadColumn, clean_text, count_null_texts, number_of, read_columns, selected
from whychurn.study import FILE_NAME, SUFFIXES, Source, read_study

KINDS = ("flat", "tables")


@dataclass(frozen=True)
class Proposal:
    """What goes into a proposed study.

    Attributes
    ----------
    folder : Path
    source : Source
    sure_encoding : bool
    sha256 : str
    frame : pandas.DataFrame
        Every column of the file under its own name, numbers as floats: also where up to one cell in ten is none.
    text : pandas.DataFrame
        The same as text, None where there is no value.
    null_texts : tuple of (str, str, int)
        Column, text that was read as missing, cells.
    account_id, amount : str or None
    tenure, churned : str
    churned_when, stayed_when : list of str
    unit : str
        "" where the file does not say.
    """

    folder: Path
    source: Source
    sure_encoding: bool
    sha256: str
    frame: pd.DataFrame
    text: pd.DataFrame
    null_texts: tuple[tuple[str, str, int], ...]
    account_id: str | None
    amount: str | None
    tenure: str
    churned: str
    churned_when: list[str]
    stayed_when: list[str]
    unit: str


@dataclass(frozen=True)
class Written:
    """A new ``study.toml``, and what to say about it: which file became what, and what was assumed."""

    path: Path
    summary: tuple[str, ...] = ()


def propose_study(
    folder: str | Path,
    file: str | None = None,
    tenure: str | None = None,
    churned: str | None = None,
    churned_when: str | Sequence[str] | None = None,
    kind: str = "",
    options: TableOptions | None = None,
) -> Path:
    """Write a commented ``study.toml`` for the data in a folder; an existing one is never touched.

    Parameters
    ----------
    folder : str or Path
        Where the data lie, or the data file itself.
    file : str, optional
        Which file, where the folder holds several; it is then one row per customer, unless it is a database.
    tenure, churned : str, optional
        Columns of a single file, where their names do not decide.
    churned_when : str or sequence of str, optional
        Values that mean "left", where that is not plain.
    kind : str
        "flat" (one row per customer) or "tables"; "" if the files are to decide.
    options : TableOptions, optional
        Answers about several tables.

    Returns
    -------
    Path
        Of the new ``study.toml``.

    Raises
    ------
    StudyError
        If there already is one, or if files and columns, the way dates are written, or the value that means "left"
        cannot be decided. Candidates and the option to give are named; nothing is guessed.
    SourceError
        If a data file cannot be read.
    """
    return write_proposal(folder, file, tenure, churned, churned_when, kind, options).path


def write_proposal(
    folder: str | Path,
    file: str | None = None,
    tenure: str | None = None,
    churned: str | None = None,
    churned_when: str | Sequence[str] | None = None,
    kind: str = "",
    options: TableOptions | None = None,
) -> Written:
    """Do what :func:`propose_study` does, and return a summary beside the path."""
    if kind not in ("", *KINDS):
        raise StudyError(f"--kind: {kind!r} is neither flat nor tables.")
    place = Path(folder)
    if place.is_file() and file is None:
        place, file = place.parent, place.name
    if not place.is_dir():
        raise StudyError(f"There is no folder {place}. Make it, and put the data file into it.")
    target = place / FILE_NAME
    if target.exists() or target.is_symlink():
        raise StudyError(f"{target} is already there and is left alone. Edit it, or move it away first.")
    database = file if file is not None and Path(file).suffix.lower() in DATABASES else ""
    if kind == "tables" and file is not None and not database:
        raise StudyError("--file names the only file of a flat study. Of tables, say --table NAME=FILE.")
    answered = options is not None and options != TableOptions()
    flat_only = any(answer is not None for answer in (tenure, churned, churned_when))
    if kind != "flat" and (
        kind == "tables" or database or (file is None and not flat_only and (answered or looks_like_tables(place)))
    ):
        if flat_only:
            raise StudyError("--tenure, --churned and --churned-when are about one row per customer, not about tables.")
        proposed = propose_tables(place, options or TableOptions(), database, force=kind == "tables")
        _write_new(target, proposed.text)
        return Written(target, proposed.summary)
    if answered:
        raise StudyError("--table, --column, --date-format and --action are about several tables. Add --kind tables.")
    chosen = _which_file(place, file)
    sheets = _about_sheets(chosen)
    try:
        proposal = _look(place, chosen, tenure, churned, churned_when)
    except StudyError as error:
        raise StudyError("\n".join([*sheets, str(error)])) from None
    except SourceError as error:
        raise SourceError("\n".join([*sheets, str(error)]), error.problems) from None
    _write_new(target, draft_study(proposal))
    return Written(target, tuple(sheets))


def _about_sheets(file: Path) -> list[str]:
    """Say which sheet of a workbook is read as the only table, where it has several."""
    sheets = sheets_of(file)
    if len(sheets) < 2:
        return []
    names = some(map(shown, sheets), 8)
    return [
        f"{shown(file.name)} has {len(sheets)} sheets ({names}); only the first, {shown(sheets[0])}, is read, as one row per "
        "customer. If they are several tables, say --kind tables."
    ]


def _which_file(folder: Path, asked: str | None) -> Path:
    if asked is not None:
        file = folder / asked
        if not file.is_file():
            raise StudyError(f"--file: there is no file {asked!r} in {folder}.")
        if not file.resolve().is_relative_to(folder.resolve()):
            raise StudyError(f"--file: {asked!r} lies outside {folder}. Copy it into the folder first.")
        if file.suffix.lower() not in SUFFIXES:
            raise StudyError(f"--file: {asked!r} is of a kind that cannot be read. Expected {', '.join(SUFFIXES)}.")
        return file
    files = sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and file.suffix.lower() in SUFFIXES and not file.name.startswith((".", "~$"))
    )
    if not files:
        raise StudyError(f"{folder} holds no data file. Expected {', '.join(SUFFIXES)}.")
    if len(files) > 1:
        names = ", ".join(shown(file.name) for file in files[:8])
        raise StudyError(
            f"{folder} holds {len(files)} data files: {names}. Say which with --file NAME, or --kind tables if they "
            "belong together."
        )
    return files[0]


def _look(
    folder: Path,
    file: Path,
    tenure: str | None,
    churned: str | None,
    churned_when: str | Sequence[str] | None,
) -> Proposal:
    source, sure = _described(folder, file)
    frame, text, nulls, sha256 = _read(folder, file, source)
    account_id = find_id(frame, text)
    answers = Answers(folder, file.name, {"--tenure": tenure, "--churned": churned, "--churned-when": churned_when})
    taken = [account_id] if account_id else []
    churned = answers.ask(lambda: find_churned(frame, text, taken, churned))
    taken += [churned] if churned else []
    tenure = answers.ask(lambda: find_tenure(frame, text, source.decimal, taken, tenure))
    if tenure and tenure == churned:
        raise StudyError(f"--tenure and --churned both name {shown(tenure)}.")
    values = answers.ask(lambda: churn_values(text[churned], churned, churned_when)) if churned else None
    if churned is None or tenure is None or values is None:
        raise answers.open_questions(text)
    account_id = None if tenure == account_id else account_id
    frame[tenure] = as_numbers(text[tenure], source.decimal)
    unit = time_unit(tenure)
    amount = find_amount(frame, [*taken, tenure], unit or "months")
    return Proposal(
        folder, source, sure, sha256, frame, text, nulls, account_id, amount, tenure, churned, *values, unit
    )


def _described(folder: Path, file: Path) -> tuple[Source, bool]:
    name = file.relative_to(folder).as_posix()
    if file.suffix.lower() in (".parquet", ".xlsx"):
        return Source(file=name), True
    found = sniff(file)
    decimal = "," if found.decimal == "," else "."
    return Source(file=name, encoding=found.encoding, delimiter=found.delimiter, decimal=decimal), found.sure  # type: ignore[arg-type]


def _read(
    folder: Path, file: Path, source: Source
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[tuple[str, str, int], ...], str]:
    """Return the file typed, the file as text, texts read as missing, and its SHA-256."""
    work = work_folder(folder.resolve())
    with locked_connection([work, folder.resolve()]) as connection:
        read = read_file(connection, file.resolve(), source, "accounts", {}, work)
        names = read.raw.names
        nulls = count_null_texts(connection, names, source.null_values)
        clean_text(connection, len(names), source.null_values)
        columns = read_columns(connection, names, {}, source.decimal)

        def fetch(expressions: Sequence[str]) -> pd.DataFrame:
            frame = connection.execute(f"SELECT {', '.join(expressions)} FROM clean ORDER BY record").df()
            return frame.set_axis(names, axis=1)

        text = fetch([column.key for column in columns])
        frame = fetch(
            [
                selected(
                    number_of(column.key, source.decimal) if meant_as_number(column, text[column.name]) else column.key,
                    column.key,
                )
                for column in columns
            ]
        )
    for table in (frame, text):
        for name in table.columns:
            if table[name].dtype == object:
                table[name] = table[name].where(table[name].notna(), None)
    for column in columns:
        # Half numbers, half few-valued codes: only a good many different numbers are meant as numbers.
        if (
            column.kind != "number"
            and frame[column.name].dtype != object
            and frame[column.name].nunique() <= FEW_VALUES
        ):
            frame[column.name] = text[column.name]
    return frame, text, nulls, read.fingerprint.sha256


def meant_as_number(column: ReadColumn, text: pd.Series) -> bool:
    """Whether a column is meant as a number: nine in ten of its values are, and they are no codes."""
    mostly = column.n_numbers > 0 and column.n_numbers >= MOSTLY * column.n_present
    return mostly and not code_like(column.name, text)


def _write_new(target: Path, text: str) -> None:
    """Write the file under its name in one step, and only if nothing has that name."""
    part = target.with_name(f".{target.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        try:
            read_study(part)
        except StudyError as error:
            told = str(error).replace(str(part), "The study that these options make")
            raise StudyError(f"{told}\nNothing was written. Check what the options say.") from None
        os.link(part, target)
    except FileExistsError:
        raise StudyError(f"{target} is already there and is left alone.") from None
    finally:
        part.unlink(missing_ok=True)
