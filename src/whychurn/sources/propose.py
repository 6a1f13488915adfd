"""``whychurn new``: look at a data file and propose a ``study.toml`` for it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from whychurn.errors import StudyError
from whychurn.sources.connection import locked_connection, work_folder
from whychurn.sources.draft import draft_study
from whychurn.sources.names import shown
from whychurn.sources.reading import read_file
from whychurn.sources.roles import churn_values, find_amount, find_churned, find_id, find_tenure, time_unit
from whychurn.sources.sniff import sniff
from whychurn.sources.typed import ReadColumn, clean_text, number_of, read_columns, selected
from whychurn.study import FILE_NAME, SUFFIXES, Source, read_study


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
        Every column of the file, numbers as floats, under its own name; then ``tenure`` and ``churned`` under
        names that no column of the file can have.
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
    account_id: str | None
    amount: str | None
    tenure: str
    churned: str
    churned_when: list[str]
    stayed_when: list[str]
    unit: str


def propose_study(
    folder: str | Path,
    file: str | None = None,
    tenure: str | None = None,
    churned: str | None = None,
    churned_when: str | Sequence[str] | None = None,
) -> Path:
    """Write a commented ``study.toml`` for the data file in a folder; an existing one is never touched.

    Parameters
    ----------
    folder : str or Path
        Where the data file lies, or the data file itself.
    file : str, optional
        Which file, where the folder holds several.
    tenure, churned : str, optional
        Columns, where their names do not decide.
    churned_when : str or sequence of str, optional
        Values that mean "left", where that is not plain.

    Returns
    -------
    Path
        Of the new ``study.toml``.

    Raises
    ------
    StudyError
        If there already is one, or if the file, the columns of tenure and churn, or the value that means
        "left" cannot be decided. Candidates and the option to give are named; nothing is guessed.
    SourceError
        If the data file cannot be read.
    """
    place = Path(folder)
    if place.is_file() and file is None:
        place, file = place.parent, place.name
    if not place.is_dir():
        raise StudyError(f"There is no folder {place}. Make it, and put the data file into it.")
    target = place / FILE_NAME
    if target.exists() or target.is_symlink():
        raise StudyError(f"{target} is already there and is left alone. Edit it, or move it away first.")
    proposal = _look(place, _which_file(place, file), tenure, churned, churned_when)
    _write_new(target, draft_study(proposal))
    return target


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
        raise StudyError(f"{folder} holds {len(files)} data files: {names}. Say which with --file NAME.")
    return files[0]


def _look(
    folder: Path,
    file: Path,
    tenure: str | None,
    churned: str | None,
    churned_when: str | Sequence[str] | None,
) -> Proposal:
    source, sure = _described(folder, file)
    frame, text, sha256 = _read(folder, file, source)
    account_id = find_id(frame)
    churned = find_churned(frame, [account_id] if account_id else [], churned)
    taken = [name for name in (account_id, churned) if name]
    tenure = find_tenure(frame, taken, tenure)
    if tenure == churned:
        raise StudyError(f"--tenure and --churned both name {shown(tenure)}.")
    if tenure == account_id:
        account_id = None
    left, stayed = churn_values(frame, text[churned], churned, churned_when)
    unit = time_unit(tenure)
    amount = find_amount(frame, [*taken, tenure], unit or "months")
    return Proposal(folder, source, sure, sha256, frame, account_id, amount, tenure, churned, left, stayed, unit)


def _described(folder: Path, file: Path) -> tuple[Source, bool]:
    name = file.relative_to(folder).as_posix()
    if file.suffix.lower() in (".parquet", ".xlsx"):
        return Source(file=name), True
    found = sniff(file)
    decimal = "," if found.decimal == "," else "."
    return Source(file=name, encoding=found.encoding, delimiter=found.delimiter, decimal=decimal), found.sure  # type: ignore[arg-type]


def _read(folder: Path, file: Path, source: Source) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the file typed, the file as text, and its SHA-256."""
    work = work_folder(folder.resolve())
    with locked_connection([work, folder.resolve()]) as connection:
        read = read_file(connection, file.resolve(), source, "accounts", {}, work)
        clean_text(connection, len(read.raw.names), source.null_values)
        columns = read_columns(connection, read.raw.names, {}, source.decimal)

        def fetch(expressions: Sequence[str]) -> pd.DataFrame:
            frame = connection.execute(f"SELECT {', '.join(expressions)} FROM clean ORDER BY record").df()
            return frame.set_axis(read.raw.names, axis=1)

        def typed(column: ReadColumn) -> str:
            return number_of(column.key, source.decimal) if column.kind == "number" else column.key

        frame = fetch([selected(typed(column), column.key) for column in columns])
        text = fetch([column.key for column in columns])
    for name in frame.columns:
        if frame[name].dtype == object:
            frame[name] = frame[name].where(frame[name].notna(), None)
    return frame, text, read.fingerprint.sha256


def _write_new(target: Path, text: str) -> None:
    """Write the file under its name in one step, and only if nothing has that name."""
    part = target.with_name(f".{target.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        read_study(part)
        os.link(part, target)
    except FileExistsError:
        raise StudyError(f"{target} is already there and is left alone.") from None
    finally:
        part.unlink(missing_ok=True)
