"""What each column of a file looks like."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from whychurn.sources.connection import first_row
from whychurn.sources.grammar import SPACE, number_pattern
from whychurn.sources.shapes import MOSTLY
from whychurn.sources.tables.date_formats import DateFormat, look_at_dates
from whychurn.sources.tables.guess_names import named_like_a_time
from whychurn.sources.tables.propose_candidate import Candidate

#: Digits with a mark of dates or times between them, eight digits or more, or a month by its name.
PERHAPS_A_DATE = r"(?i).*\d[-/.: ]+\d.*|\d{8,13}|.*\d[- ][a-z]{3}.*|[a-z]{3,9} \d.*"


@dataclass(frozen=True)
class ColumnLook:
    """A column in the sample of its file.

    Attributes
    ----------
    name, key : str
        In the file, and in the engine.
    n, n_distinct : int
        Values, and different ones.
    n_numbers : int
        Values that are numbers by the grammar.
    low, high : float
        Smallest and largest of those; nan if there are none.
    dates : DateFormat
    """

    name: str
    key: str
    n: int
    n_distinct: int
    n_numbers: int
    low: float
    high: float
    dates: DateFormat

    @property
    def is_number(self) -> bool:
        """Whether nine in ten values are numbers."""
        return self.n > 0 and self.n_numbers >= MOSTLY * self.n

    @property
    def is_date(self) -> bool:
        """Whether nine in ten values are dates."""
        return self.dates.is_date

    def fits(self, kind: str) -> bool:
        """Whether the values can be of a type of the contract; a column without values can be anything."""
        if not self.n:
            return True
        if kind in ("day", "time"):
            return self.is_date
        if kind in ("count", "number", "score"):
            return self.is_number
        return not self.is_date


def look_at_columns(connection: duckdb.DuckDBPyConnection, candidate: Candidate) -> tuple[ColumnLook, ...]:
    """Look at every column in the sample of a file."""
    number = number_pattern(candidate.decimal)
    keys = [f"c{i}" for i in range(len(candidate.names))]
    inner, outer = [], []
    for key in keys:
        value = f"trim({key}, '{SPACE}')"
        point = f"replace({value}, ',', '.')" if candidate.decimal == "," else value
        inner += [
            key,
            f"CASE WHEN regexp_full_match({value}, $number) THEN try_cast({point} AS DOUBLE) END AS {key}_number",
            f"regexp_full_match({value}, $date) AS {key}_date",
        ]
        outer += [
            f"count({key})", f"count(DISTINCT {key})", f"count({key}_number)", f"min({key}_number)",
            f"max({key}_number)", f"count(*) FILTER ({key}_date)",
        ]  # fmt: skip
    row = connection.execute(
        f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {candidate.sample})",
        {"number": number, "date": PERHAPS_A_DATE},
    ).fetchall()[0]
    looks = []
    for i, name in enumerate(candidate.names):
        n, distinct, numbers, low, high, perhaps = row[6 * i : 6 * i + 6]
        as_time = named_like_a_time(name)
        dates = DateFormat("", n=n, n_other=n)
        if n and perhaps >= MOSTLY * n and (as_time or numbers < MOSTLY * n):
            dates = look_at_dates(connection, candidate.sample, keys[i], as_time)
        low, high = (float("nan"), float("nan")) if low is None else (low, high)
        looks.append(ColumnLook(name, keys[i], n, distinct, numbers, low, high, dates))
    return tuple(looks)


def with_all_dates(connection: duckdb.DuckDBPyConnection, candidate: Candidate, look: ColumnLook) -> ColumnLook:
    """Look at the dates of all rows, where the file is not too large: one value can decide what is day and month."""
    if not candidate.whole or candidate.sample == candidate.relation:
        return look
    return replace(look, dates=look_at_dates(connection, candidate.relation, look.key, named_like_a_time(look.name)))


def key_counts(connection: duckdb.DuckDBPyConnection, candidate: Candidate, key: str) -> tuple[int, int, int]:
    """Return values of a column, different ones, and how many of those stand in several rows that differ.

    Of a large file the sample is looked at.
    """
    relation = candidate.relation if candidate.whole else candidate.sample
    return first_row(
        connection,
        f"""
        SELECT coalesce(sum(n), 0), count(*), count(*) FILTER (n > 1)
        FROM (SELECT k, count(*) AS n FROM (SELECT DISTINCT *, {key} AS k FROM {relation} WHERE {key} IS NOT NULL)
        GROUP BY k)
        """,
    )[:3]  # type: ignore[return-value]


def refers_to(
    connection: duckdb.DuckDBPyConnection, candidate: Candidate, key: str, other: Candidate, other_key: str
) -> tuple[int, int]:
    """Return how many values a column has in the sample, and how many of them the key of another file holds."""
    return first_row(
        connection,
        f"SELECT count({key}), count(*) FILTER ({key} IS NOT NULL AND trim({key}) IN "
        f"(SELECT trim({other_key}) FROM {other.relation})) FROM {candidate.sample}",
    )[:2]  # type: ignore[return-value]
