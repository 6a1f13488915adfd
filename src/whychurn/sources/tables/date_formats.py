"""How a column of dates is written: decided by what its values rule out, never by habit."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import duckdb

from whychurn.sources.grammar import SPACE
from whychurn.sources.names import quoted
from whychurn.sources.shapes import MOSTLY
from whychurn.sources.tables.times import DATE, ISO, OFFSET, TIME

#: Values of which nobody can say what is the day and what the month.
DOUBTFUL = "day and month in doubt"
UNIX_SECONDS, UNIX_MILLISECONDS = "unix seconds", "unix milliseconds"
#: Years 1980 to 2100 as Unix seconds.
EARLIEST, LATEST = 315_532_800, 4_102_444_800
MANY_SHAPES = 500
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_CLOCK = (
    r"(?P<gap>[T ]+)(?P<hour>\d{1,2}):\d{2}(?P<seconds>:\d{2}(?P<fraction>\.\d{1,9})?)?(?P<noon> ?[AaPp][Mm])?"
    r"(?P<zone> ?(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2}))?"
)
_ISO = re.compile(rf"{DATE}({TIME}({OFFSET})?)?")
_YEAR_FIRST = re.compile(rf"\d{{4}}(?P<mark>[-/.])\d{{1,2}}(?P=mark)\d{{1,2}}({_CLOCK})?")
_YEAR_LAST = re.compile(rf"\d{{1,2}}(?P<mark>[-/.])\d{{1,2}}(?P=mark)(?P<year>\d{{4}}|\d{{2}})({_CLOCK})?")
_DAY_NAME = re.compile(
    rf"\d{{1,2}}(?P<mark>[- ])(?P<month>({_MONTHS})[a-z]*)(?P=mark)(?P<year>\d{{4}}|\d{{2}})({_CLOCK})?", re.I
)
_NAME_DAY = re.compile(rf"(?P<month>({_MONTHS})[a-z]*) \d{{1,2}}(?P<comma>,?) (?P<year>\d{{4}})({_CLOCK})?", re.I)
_COMPACT = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True, slots=True)
class Shape:
    """Values that look alike: digits replaced by nines.

    Attributes
    ----------
    example : str
    n : int
    n_first, n_second : int
        Values whose first (second) number is above 12, so that it is no month.
    low, high : str
        Smallest and largest value as text.
    """

    example: str
    n: int
    n_first: int
    n_second: int
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class DateFormat:
    """What the values of a column say about how its dates are written.

    Attributes
    ----------
    format : str
        As in ``study.toml``; "" where it cannot be told, or where the column holds no dates.
    counts : tuple of (str, int)
        Values by format, the most common first.
    choices : tuple of str
        Formats between which nothing decides.
    examples : tuple of str
    n, n_other : int
        Values, and those that are written like no date.
    offsets : bool
        Whether values state an offset from UTC.
    clock : bool
        Whether values state a time of day.
    two_digit_years : bool
    """

    format: str
    counts: tuple[tuple[str, int], ...] = ()
    choices: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    n: int = 0
    n_other: int = 0
    offsets: bool = False
    clock: bool = False
    two_digit_years: bool = False
    both_orders: tuple[int, int] = (0, 0)

    @property
    def is_date(self) -> bool:
        """Whether nine in ten values, at least, are dates."""
        return self.n > 0 and self.n_other <= (1 - MOSTLY) * self.n

    @property
    def n_misfits(self) -> int:
        """How many values the format does not fit."""
        return self.n - dict(self.counts).get(self.format, 0)


def look_at_dates(connection: duckdb.DuckDBPyConnection, relation: str, column: str, as_time: bool) -> DateFormat:
    """Recognise the format of the dates in a column of text.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    relation, column : str
        Missing values are nulls.
    as_time : bool
        Whether the column's name is that of a date: only then are whole numbers dates (20240131, Unix times).
    """
    shapes = column_shapes(connection, relation, column)
    return recognise(shapes, as_time)


def column_shapes(connection: duckdb.DuckDBPyConnection, relation: str, column: str) -> list[Shape]:
    """Return the shapes of a column's values, the most common first, at most 500."""
    value = f"trim({quoted(column)}, '{SPACE}')"
    rows = connection.execute(
        rf"""
        SELECT min(v), count(*),
            count(*) FILTER (try_cast(regexp_extract(v, '^(\d{{1,2}})\D', 1) AS INTEGER) > 12),
            count(*) FILTER (try_cast(regexp_extract(v, '^\d{{1,2}}\D(\d{{1,2}})\D', 1) AS INTEGER) > 12), max(v)
        FROM (SELECT {value} AS v FROM {relation} WHERE {quoted(column)} IS NOT NULL)
        GROUP BY regexp_replace(v, '[0-9]', '9', 'g') ORDER BY count(*) DESC, min(v) LIMIT {MANY_SHAPES}
        """
    ).fetchall()
    return [Shape(low, n, n_first, n_second, low, high) for low, n, n_first, n_second, high in rows]


def recognise(shapes: list[Shape], as_time: bool) -> DateFormat:
    """Judge shapes; see :func:`look_at_dates`."""
    total = sum(shape.n for shape in shapes)
    counts: Counter[str] = Counter()
    doubtful: list[tuple[Shape, str]] = []
    examples: list[str] = []
    offsets = clock = short = False
    for shape in shapes:
        found = _plain_format(shape, as_time)
        last = _YEAR_LAST.fullmatch(shape.example)
        if last is not None:
            rest = last["mark"] + ("%Y" if len(last["year"]) == 4 else "%y") + _clock_format(last)
            doubtful.append((shape, rest))
            short |= len(last["year"]) == 2
        elif not found:
            continue
        else:
            counts[found] += shape.n
        examples += [shape.low] + ([shape.high] if shape.high != shape.low else [])
        offsets |= bool(re.search(r":\d{2}(\.\d+)? ?(Z|UTC|[+-]\d{2}:?(\d{2})?)$", shape.example))
        clock |= ":" in shape.example or found in (UNIX_SECONDS, UNIX_MILLISECONDS)
        short |= found.endswith("%y") or "%y " in found
    day_first, month_first = (sum(getattr(shape, key) for shape, _ in doubtful) for key in ("n_first", "n_second"))
    orders = [("%d", "%m"), ("%m", "%d")]
    if bool(day_first) != bool(month_first):
        orders = orders[:1] if day_first else orders[1:]
    choices: list[str] = []
    for shape, rest in doubtful:
        mark = rest[0]
        named = [f"{first}{mark}{second}{rest}" for first, second in orders]
        if len(named) == 1:
            counts[named[0]] += shape.n
        else:
            counts[DOUBTFUL] += shape.n
            choices += [name for name in named if name not in choices]
    common = counts.most_common()
    decided = common[0][0] if common and common[0][1] >= MOSTLY * counts.total() else ""
    return DateFormat(
        format="" if decided == DOUBTFUL else decided,
        counts=tuple(common),
        choices=tuple(choices),
        examples=tuple(dict.fromkeys(examples))[:6],
        n=total,
        n_other=total - counts.total(),
        offsets=offsets,
        clock=clock,
        two_digit_years=short,
        both_orders=(day_first, month_first) if len(orders) > 1 else (0, 0),
    )


def _plain_format(shape: Shape, as_time: bool) -> str:
    """The format of a shape that leaves no doubt, "" if there is none."""
    text = shape.example
    if _ISO.fullmatch(text):
        return ISO
    if found := _YEAR_FIRST.fullmatch(text):
        return f"%Y{found['mark']}%m{found['mark']}%d{_clock_format(found)}"
    if found := _DAY_NAME.fullmatch(text):
        year = "%Y" if len(found["year"]) == 4 else "%y"
        return f"%d{found['mark']}{_month_format(found)}{found['mark']}{year}{_clock_format(found)}"
    if found := _NAME_DAY.fullmatch(text):
        return f"{_month_format(found)} %d{found['comma']} %Y{_clock_format(found)}"
    if as_time and re.fullmatch(r"\d{4}-\d{2}", text):
        return "%Y-%m"
    if as_time and text.isdigit():
        if len(text) == 8 and _COMPACT.fullmatch(shape.low) and _COMPACT.fullmatch(shape.high):
            return "%Y%m%d"
        low, high = int(shape.low), int(shape.high)
        if low >= EARLIEST and high <= LATEST:
            return UNIX_SECONDS
        if low >= EARLIEST * 1000 and high <= LATEST * 1000:
            return UNIX_MILLISECONDS
    return ""


def _month_format(found: re.Match[str]) -> str:
    return "%b" if len(found["month"]) == 3 else "%B"


def _clock_format(found: re.Match[str]) -> str:
    """The part of a format that reads the time of day."""
    if not found["hour"]:
        return ""
    out = found["gap"] + ("%I:%M" if found["noon"] else "%H:%M")
    out += ":%S" if found["seconds"] else ""
    out += ".%f" if found["fraction"] else ""
    if found["noon"]:
        out += " %p" if found["noon"].startswith(" ") else "%p"
    if found["zone"]:
        out += " %z" if found["zone"].startswith(" ") else "%z"
    return out
