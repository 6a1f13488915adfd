"""From a column of a file, text or typed, to a column of the contract: SQL for the value and for why there is none."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from whychurn.sources.canon import CanonColumn
from whychurn.sources.grammar import SPACE
from whychurn.sources.names import literal
from whychurn.sources.tables import times
from whychurn.sources.tables.columns import Matched
from whychurn.sources.tables.sql import Bound
from whychurn.sources.tables.times import Zones
from whychurn.sources.typed import spelt_number
from whychurn.study import Table

WHOLE = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
)  # fmt: skip
REAL = ("FLOAT", "DOUBLE")
DATED = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")
LARGEST_COUNT = 9_000_000_000_000_000
_SPACES = "[ \\t\\r\\n\u00a0\u202f]"


@dataclass(frozen=True, slots=True)
class Reading:
    """How one column is read.

    Attributes
    ----------
    matched : Matched
    given : str
        SQL of the file's value, null where it is a text that means: no value; over the file's own columns.
    text : str
        SQL of that value as text, for messages; over ``x{i}``.
    value : str
        SQL of the typed value, over ``x{i}``.
    wrong : str
        SQL of whether there is a value but none that can be used, over ``x{i}`` and ``v{i}``; "" if there never is.
    reason : str
        SQL of why, over ``x{i}``.
    offsets : str
        SQL of whether the text has an offset of its own, over ``x{i}``; "" where that makes no difference.
    """

    matched: Matched
    given: str
    text: str
    value: str
    wrong: str
    reason: str
    offsets: str = ""


def read_as(
    i: int, matched: Matched, source: str, kind: str, table: Table, zones: Zones, bound: Bound, excel: bool = False
) -> Reading:
    """Return how the i-th column is read.

    Parameters
    ----------
    i : int
    matched : Matched
    source : str
        SQL of the column in the file.
    kind : str
        Its SQL type; ``VARCHAR`` for files of text.
    table : Table
        How the table is written.
    zones : Zones
    bound : Bound
    excel : bool
        Whether cells that are dates were written as text in ISO form, whatever the format of those that are text.
    """
    plain = kind if kind in (*WHOLE, *REAL, *DATED) or kind.startswith("DECIMAL") else "VARCHAR"
    column = matched.column
    source = source if plain == kind else f"CAST({source} AS VARCHAR)"
    given = _given(source, plain, table.null_values, column.type == "text" and column.name != "action", bound)
    x, v = f"x{i}", f"v{i}"
    text = _as_text(x, plain, zones, bound)
    missing = f"({x} IS NOT NULL AND {v} IS NULL)"
    if column.type == "id":
        return Reading(matched, given, text, text, "", "''")
    if column.type == "text":
        return Reading(matched, given, text, text, "", "''")
    if column.type in ("day", "time"):
        return _dated(i, matched, given, text, plain, table, zones, bound, excel)
    number = f"CAST({x} AS DOUBLE)" if plain != "VARCHAR" and plain not in DATED else spelt_number(text, table.decimal)
    value = f"CAST({number} AS BIGINT)" if column.type == "count" else number
    checks = _checks(column, number, plain)
    if checks:
        value = f"CASE WHEN {' AND '.join(check for check, _ in checks)} THEN {value} END"
    whens = "".join(f"WHEN NOT {check} THEN {bound(why)} " for check, why in checks)
    reason = f"CASE WHEN {number} IS NULL THEN {bound('is not a number')} {whens}ELSE {bound('is not a number')} END"
    safe = not checks and plain != "VARCHAR" and plain not in DATED
    return Reading(matched, given, text, value, "" if safe else missing, reason)


def _dated(
    i: int, matched: Matched, given: str, text: str, plain: str, table: Table, zones: Zones, bound: Bound, excel: bool
) -> Reading:
    x, v, day = f"x{i}", f"v{i}", matched.column.type == "day"
    written = table.formats.get(matched.column.name, table.date_format)
    typed = times.from_type(x, plain, zones, day, bound)
    if typed is not None:
        reason = bound(f"is no date from {times.EARLIEST} on")
        return Reading(matched, given, text, typed[0], f"coalesce({typed[1]}, false)", reason)
    value = times.from_text(text, written, zones, day, bound)
    if excel and written != times.ISO:
        value = f"coalesce({times.from_text(text, times.ISO, zones, day, bound)}, {value})"
    wrong = f"({x} IS NOT NULL AND {v} IS NULL)"
    offsets = f"regexp_full_match({text}, {literal(times.ENDS_IN_OFFSET)})" if written == times.ISO else ""
    reason = bound(f"is not {times.expected(written)}, from {times.EARLIEST[:4]} on")
    return Reading(matched, given, text, value, wrong, reason, offsets)


def _given(source: str, kind: str, null_values: Sequence[str], as_written: bool, bound: Bound) -> str:
    """The file's value, or null where it is a text (or a number) that means: no value.

    Spaces around a text are kept only where the text itself is wanted, `as_written`.
    """
    if kind == "VARCHAR":
        nulls = sorted({value.strip(SPACE) for value in null_values} - {""})
        # Few values are odd in any way, which one pattern sees sooner than several comparisons.
        odd = bound(f"^{_SPACES}|{_SPACES}$|^(?:{'|'.join(map(re.escape, nulls))})?$")
        bare = f"trim({source}, {literal(SPACE)})"
        missing = f"{bare} IN ({', '.join(map(bound, ['', *nulls]))})"
        return (
            f"CASE WHEN regexp_matches({source}, {odd}) THEN "
            f"CASE WHEN {missing} THEN NULL ELSE {source if as_written else bare} END ELSE {source} END"
        )
    wrong = [f"isnan({source})"] if kind in REAL else []
    numbers = [number for number in map(_number, null_values) if number is not None]
    if numbers and kind not in DATED:
        wrong.append(f"CAST({source} AS DOUBLE) IN ({', '.join(map(bound, numbers))})")
    return f"CASE WHEN {' OR '.join(wrong)} THEN NULL ELSE {source} END" if wrong else source


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _as_text(x: str, kind: str, zones: Zones, bound: Bound) -> str:
    """A typed value as a text file would hold it: whole numbers without ``.0``, instants in the study's zone."""
    if kind == "VARCHAR":
        return x
    if kind in REAL:
        whole = f"{x} = trunc({x}) AND abs({x}) < 1e15"
        return f"CASE WHEN {whole} THEN CAST(CAST({x} AS BIGINT) AS VARCHAR) ELSE CAST({x} AS VARCHAR) END"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CAST({x} AT TIME ZONE {bound(zones.study)} AS VARCHAR)"
    return f"CAST({x} AS VARCHAR)"


def _checks(column: CanonColumn, number: str, kind: str) -> list[tuple[str, str]]:
    """What a number must satisfy, in SQL, and what is said where it does not."""
    checks = []
    if kind in REAL:
        checks.append((f"isfinite({number})", "is not a finite number"))
    if column.type == "count":
        checks.append((f"{number} = trunc({number})", "is not a whole number"))
        checks.append((f"abs({number}) < {LARGEST_COUNT}", "is too large"))
    low, high = column.low, column.high
    if math.isfinite(low) and math.isfinite(high):
        checks.append((f"({number} BETWEEN {low!r} AND {high!r})", f"is not between {low:g} and {high:g}"))
    elif math.isfinite(low):
        checks.append((f"{number} >= {low!r}", f"is below {low:g}"))
    elif math.isfinite(high):
        checks.append((f"{number} <= {high!r}", f"is above {high:g}"))
    return checks
