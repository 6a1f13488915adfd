"""The format of every column of dates: as told, as its values decide, or a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from whychurn.errors import StudyError, some
from whychurn.sources.canon import TABLES
from whychurn.sources.names import counted, shown
from whychurn.sources.tables.date_formats import DOUBTFUL, DateFormat
from whychurn.sources.tables.guess import Fit
from whychurn.sources.tables.propose_answers import Questions, TableOptions
from whychurn.sources.tables.propose_columns import ColumnLook, with_all_dates
from whychurn.sources.tables.sql import Bound
from whychurn.sources.tables.times import ISO, UNIX, Zones, format_problem, from_text

NO_ZONE = Zones("UTC", "UTC")


@dataclass(frozen=True, slots=True)
class Dates:
    """A column of dates and how it is to be read.

    Attributes
    ----------
    format : str
        As in ``study.toml``.
    n, n_misfits : int
        Values, and those that the format does not fit.
    first, last : date or None
        Of those up to today.
    n_future : int
        Values after today.
    states_zone, clock : bool
        Whether values state an offset from UTC, and a time of day.
    """

    format: str
    n: int = 0
    n_misfits: int = 0
    first: date | None = None
    last: date | None = None
    n_future: int = 0
    states_zone: bool = False
    clock: bool = False


def settle_dates(
    connection: duckdb.DuckDBPyConnection,
    fit: Fit,
    looks: Sequence[ColumnLook],
    options: TableOptions,
    questions: Questions,
) -> tuple[dict[str, Dates], list[str]]:
    """Return how the dates of a table are to be read, by canonical column, and what should be checked.

    Raises
    ------
    StudyError
        If a format that was told fits less than half of the values.
    """
    by_name = {look.name: look for look in looks}
    settled: dict[str, Dates] = {}
    notes: list[str] = []
    for column in TABLES[fit.table].columns:
        if column.type not in ("day", "time") or column.name not in fit.columns:
            continue
        look = with_all_dates(connection, fit.candidate, by_name[fit.columns[column.name]])
        place = f"{fit.table}.{column.name}"
        told = options.date_formats.get(place) or options.date_formats.get(f"{fit.table}.{look.name}")
        written = told or _decided(look.dates, options.date_formats.get("", ""))
        if not look.n:
            settled[column.name] = Dates(ISO)
            continue
        if not look.is_date and not told:
            raise StudyError(
                f"--column {place}: {counted(look.dates.n_other or look.n, 'value')} of {look.n:,} in "
                f"{shown(look.name)} are no dates. If they are, say how they are written: --date-format {place}=FORMAT."
            )
        if not written:
            choice = look.dates.choices[0] if look.dates.choices else _commonest(look.dates)
            questions.ask(_question(fit, look, place), "--date-format", f"{place}={choice}")
            continue
        if problem := format_problem(connection, written):
            raise StudyError(f"--date-format: {shown(written)} {problem}.")
        dates = _bounds(connection, fit, look, written)
        if told and dates.n_misfits > dates.n / 2:
            raise StudyError(
                f"--date-format {place}={written}: {dates.n_misfits:,} of {dates.n:,} values of {shown(look.name)} in "
                f"{shown(fit.candidate.label)} do not fit it, such as {some(map(shown, look.dates.examples or ['']))}."
            )
        settled[column.name] = dates
        notes += _notes(column.name, look, dates)
    return settled, notes


def _decided(dates: DateFormat, general: str) -> str:
    """The format that the values decide; where they do not, the one told for all dates in doubt."""
    if dates.format:
        return dates.format
    if not general:
        return ""
    # Told "%d/%m/%Y" for all, a column with a time of day behind it is read with that.
    return next((choice for choice in dates.choices if choice.startswith(general)), general)


def _commonest(dates: DateFormat) -> str:
    return next((name for name, _ in dates.counts if name != DOUBTFUL), "FORMAT")


def _question(fit: Fit, look: ColumnLook, place: str) -> str:
    dates, where = look.dates, f"{shown(look.name)} in {shown(fit.candidate.label)}"
    option = f"--date-format {place}=FORMAT"
    examples = some(map(shown, dates.examples))
    if dates.choices and dates.both_orders[0]:
        day, month = dates.both_orders
        first, last = dates.choices[:2]
        return (
            f"{where} mixes formats: {counted(day, 'value')} can only be {first}, {counted(month, 'value')} only {last}, "
            f"of {dates.n:,}. Correct the file, or say which to read (others are set aside) with {option}."
        )
    if dates.choices and len(dates.counts) == 1:
        return (
            f"How are the dates of {where} written: {' or '.join(shown(choice) for choice in dates.choices)}? Such as "
            f"{examples}: no value above 12 decides what is the day and what the month. Say it with {option}, or "
            "--date-format FORMAT for all dates in doubt."
        )
    counts = "; ".join(f"{name} {n:,}" for name, n in dates.counts)
    return (
        f"{where} mixes formats: {counts} of {dates.n:,} values, such as {examples}. A column has one format: correct "
        f"the file, or say which to read (others are set aside) with {option}."
    )


def _bounds(connection: duckdb.DuckDBPyConnection, fit: Fit, look: ColumnLook, written: str) -> Dates:
    """Read the dates as the study will; of a large file, all rows only of the column by which it is dated."""
    whole = fit.candidate.whole or fit.columns.get(TABLES[fit.table].at) == look.name
    bound = Bound()
    day = from_text(look.key, written, NO_ZONE, True, bound)
    today = bound(date.today())
    rows = bound.run(
        connection,
        f"SELECT count(k), count(d), min(d) FILTER (d <= CAST({today} AS DATE)), "
        f"max(d) FILTER (d <= CAST({today} AS DATE)), count(*) FILTER (d > CAST({today} AS DATE)) "
        f"FROM (SELECT {look.key} AS k, {day} AS d FROM {fit.candidate.relation if whole else fit.candidate.sample})",
    )
    n, fits, first, last, future = rows[0]
    states_zone = look.dates.offsets or written in UNIX
    return Dates(written, n, n - fits, first, last, future, states_zone, look.dates.clock)


def _notes(canonical: str, look: ColumnLook, dates: Dates) -> list[str]:
    notes = []
    if dates.format in UNIX:
        notes.append(
            f"{shown(look.name)} holds whole numbers that read as {dates.format} from {dates.first} to {dates.last}."
        )
    if dates.n_misfits:
        others = [f"{name} {n:,}" for name, n in look.dates.counts if name not in (dates.format, DOUBTFUL)]
        how = f" ({'; '.join(others)})" if others else ""
        them = "is" if dates.n_misfits == 1 else "are"
        notes.append(
            f"{counted(dates.n_misfits, 'value')} of {dates.n:,} in {shown(look.name)} {them} not written as "
            f"{dates.format}{how}, and cannot be read."
        )
    if look.dates.two_digit_years and "%y" in dates.format:
        notes.append(f"{shown(look.name)} has years of two digits; 00 to 68 are read as 2000 to 2068.")
    if dates.n_future and canonical not in ("ended_on", "renewal_on", "due_on"):
        notes.append(f"{counted(dates.n_future, 'value')} in {shown(look.name)} lie after today.")
    return notes
