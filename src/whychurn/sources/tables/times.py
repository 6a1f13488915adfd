"""Days and times: from text by a declared format, or from the types of a typed file, into the study's time zone.

Nothing is guessed. A text with an offset is an instant and is converted; a text without one is a local time of the
table's time zone; a date alone is that day, whatever the zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb

from whychurn.sources.names import literal
from whychurn.sources.tables.sql import Bound

ISO, UNIX = "iso", {"unix seconds": 1_000_000, "unix milliseconds": 1_000}
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME = r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
OFFSET = r" ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)"
#: An offset at the end of a time, for counting texts that have one.
ENDS_IN_OFFSET = rf".*[0-9]{OFFSET}"
#: No customer signed up before; years such as 24 or 1 come from slips and placeholders.
EARLIEST = "1900-01-01"
LATEST_UNIX = 7_258_118_400_000_000  # 2200-01-01, in microseconds
EARLIEST_UNIX = -2_208_988_800_000_000
_TIME_OF_DAY = re.compile(r"%-?[HIklMSfgnpcXT]")
_LITERAL_ZONE = re.compile(r"(?:%-?[MSfgHIp]) ?(Z|UTC|GMT|[+-]00:?00)$")
#: Letters or digits after a time that could only be a zone or an offset.
_LIKE_A_ZONE = re.compile(r"(?<![%A-Za-z-])[A-Z]{2,5}\b|[+-][0-9]{2}")


@dataclass(frozen=True, slots=True)
class Zones:
    """Time zone of the study, and that of times without an offset in one table."""

    study: str
    table: str


def format_problem(connection: duckdb.DuckDBPyConnection, written: str) -> str:
    """Say what is wrong with a declared format, "" if nothing is."""
    if written == ISO or written in UNIX:
        return ""
    if "%" not in written:
        return 'is no format: write "iso", "unix seconds", "unix milliseconds", or one such as "%d.%m.%Y %H:%M"'
    if "%Z" in written:
        return "has %Z, but names of zones such as CST mean several zones; use %z for offsets, or set time_zone"
    year, month = re.search(r"%-?[YycxG]", written), re.search(r"%-?[mbBcxjUWV]", written)
    if not year or not month:
        lacking = [part for part, there in (("year (%Y)", year), ("month (%m)", month)) if not there]
        return f"has no {' and no '.join(lacking)}"
    try:
        connection.execute("SELECT try_strptime('', $format)", {"format": written}).fetchall()
    except duckdb.Error as error:
        return f"cannot be used ({str(error).splitlines()[0].split(':', 1)[-1].strip()})"
    tail = re.split(r"%-?[MSfgHIp]", written)[-1]
    if _TIME_OF_DAY.search(written) and _LIKE_A_ZONE.search(tail) and not _literal_zone(written):
        return f"ends in {tail.strip()!r}, which would be read over; use %z for offsets, or set time_zone"
    return ""


def expected(written: str) -> str:
    """Return what a value should have looked like, for messages."""
    if written == ISO:
        return "a date as YYYY-MM-DD, with or without a time"
    return f"a time in {written}" if written in UNIX else f"a date as {written}"


def from_text(key: str, written: str, zones: Zones, day: bool, bound: Bound) -> str:
    """Return SQL for the DATE or naive TIMESTAMP (of the study's zone) that a text spells, null where it spells none.

    Parameters
    ----------
    key : str
        SQL of the text, without spaces around it.
    written : str
        The declared format.
    zones : Zones
    day : bool
        Whether a DATE is wanted.
    bound : Bound
    """
    if written == ISO:
        found = _iso(key, zones, day, bound)
    elif written in UNIX:
        found = _unix(key, UNIX[written], zones, bound)
    else:
        found = _strptime(key, written, zones, day, bound)
    found = f"CASE WHEN ({found}) >= TIMESTAMP '{EARLIEST}' THEN ({found}) END"
    return f"CAST({found} AS DATE)" if day else found


def from_type(key: str, kind: str, zones: Zones, day: bool, bound: Bound) -> tuple[str, str] | None:
    """Return SQL for the value and for whether it makes no sense, of a column that is a date or time by type.

    None if it is neither.
    """
    if kind == "DATE":
        wrong = f"(NOT isfinite({key}) OR {key} < DATE '{EARLIEST}')"
        return f"CASE WHEN NOT {wrong} THEN {key if day else f'CAST({key} AS TIMESTAMP)'} END", wrong
    if kind == "TIMESTAMP WITH TIME ZONE":
        wrong = f"(NOT isfinite({key}) OR {key} < TIMESTAMPTZ '{EARLIEST} 00:00:00+00')"
        value = f"({key} AT TIME ZONE {bound(zones.study)})"
    elif kind in ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
        naive = key if kind == "TIMESTAMP" else f"CAST({key} AS TIMESTAMP)"
        wrong = f"(NOT isfinite({naive}) OR {naive} < TIMESTAMP '{EARLIEST}')"
        value = _local(naive, zones, day, bound)
    else:
        return None
    return f"CASE WHEN NOT {wrong} THEN {f'CAST({value} AS DATE)' if day else value} END", wrong


def _local(time: str, zones: Zones, day: bool, bound: Bound) -> str:
    """A local time of the table's zone in the study's zone. Where days are wanted, midnight is how a day was written."""
    if zones.table == zones.study:
        return time
    moved = f"(({time} AT TIME ZONE {bound(zones.table)}) AT TIME ZONE {bound(zones.study)})"
    return f"CASE WHEN {time} = date_trunc('day', {time}) THEN {time} ELSE {moved} END" if day else moved


def _iso(text: str, zones: Zones, day: bool, bound: Bound) -> str:
    stamp = f"TRY_CAST({text} AS TIMESTAMP)"
    plain = rf"regexp_replace(regexp_replace({text}, ' ?(Z|UTC)$', '+00:00'), ' ([+-][0-9:]+)$', '\1')"
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(DATE)}) THEN {stamp} "
        f"WHEN regexp_full_match({text}, {literal(DATE + TIME)}) THEN {_local(stamp, zones, day, bound)} "
        f"WHEN regexp_full_match({text}, {literal(DATE + TIME + OFFSET)}) "
        f"THEN TRY_CAST({plain} AS TIMESTAMPTZ) AT TIME ZONE {bound(zones.study)} END"
    )


def _unix(text: str, factor: int, zones: Zones, bound: Bound) -> str:
    number = f"TRY_CAST(TRY_CAST({text} AS DECIMAL(30, 6)) * {factor} AS BIGINT)"
    instant = f"(make_timestamp({number}) AT TIME ZONE 'UTC') AT TIME ZONE {bound(zones.study)}"
    return (
        f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]{{1,16}}(\\.[0-9]{{1,9}})?') "
        f"AND {number} BETWEEN {EARLIEST_UNIX} AND {LATEST_UNIX} THEN {instant} END"
    )


def _strptime(text: str, written: str, zones: Zones, day: bool, bound: Bound) -> str:
    if "%z" in written:
        numeric = f"regexp_replace({text}, ' ?Z$', '+00:00')" if written.endswith("%z") else text
        written = re.sub(r" %z$", "%z", written)
        numeric = rf"regexp_replace({numeric}, ' ([+-][0-9:]+)$', '\1')" if written.endswith("%z") else numeric
        return f"try_strptime({numeric}, {bound(written)}) AT TIME ZONE {bound(zones.study)}"
    read = f"try_strptime({text}, {bound(written)})"
    if not _TIME_OF_DAY.search(written):
        return read
    if _literal_zone(written):
        return f"({read} AT TIME ZONE 'UTC') AT TIME ZONE {bound(zones.study)}"
    return _local(read, zones, day, bound)


def _literal_zone(written: str) -> bool:
    """Whether a format ends in the letters of UTC, which then are an offset, not decoration."""
    return bool(_LITERAL_ZONE.search(written))
