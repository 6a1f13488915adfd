"""What each column of a table holds, for the page of ``whychurn check`` and for reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from whychurn.sources.canon import CanonColumn
from whychurn.sources.contract import ColumnProfile
from whychurn.sources.names import quoted
from whychurn.sources.rejects import LONGEST_VALUE

MOST_SHOWN = 5
#: Above this many rows, different values are counted to within a few percent.
COUNT_ALL_BELOW = 1_000_000
#: Texts with more different values than this are comments or names, whose most common values say nothing.
MOST_LEVELS = 1_000


def profile(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: str,
    columns: Sequence[CanonColumn],
    kinds: Mapping[str, str],
    rows: int,
) -> tuple[ColumnProfile, ...]:
    """Return a profile of each column; its role is the name of the table.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    source : str
        SQL of the table.
    table : str
    columns : sequence of CanonColumn
    kinds : Mapping of str to str
        Column -> SQL type.
    rows : int
    """
    distinct = "count(DISTINCT {0})" if rows <= COUNT_ALL_BELOW else "approx_count_distinct({0})"
    wanted = []
    for column in columns:
        key = quoted(column.name)
        wanted += [f"count({key})", distinct.format(key)]
        number = kinds[column.name] in ("DOUBLE", "BIGINT")
        wanted += [f"CAST({part}({key}) AS DOUBLE)" if number else "NULL" for part in ("min", "avg", "max")]
    found = connection.execute(f"SELECT {', '.join(wanted)} FROM {source}").fetchall()[0]
    profiles = []
    for i, column in enumerate(columns):
        present, n_distinct, low, mean, high = found[5 * i : 5 * i + 5]
        missing = rows - int(present)
        if kinds[column.name] in ("DOUBLE", "BIGINT"):
            numbers = [float("nan") if value is None else float(value) for value in (low, mean, high)]
            profiles.append(ColumnProfile(column.name, table, "number", missing, int(n_distinct), (), *numbers))
            continue
        top: tuple[tuple[str, int], ...] = ()
        if column.type == "text" and 0 < n_distinct <= MOST_LEVELS:
            key = quoted(column.name)
            most = connection.execute(
                f"SELECT left(level, {LONGEST_VALUE}), n FROM (SELECT {key} AS level, count(*) AS n FROM {source} "
                f"WHERE {key} IS NOT NULL GROUP BY 1) ORDER BY n DESC, level LIMIT {MOST_SHOWN}"
            ).fetchall()
            top = tuple((str(level), int(n)) for level, n in most)
        profiles.append(ColumnProfile(column.name, table, "category", missing, int(n_distinct), top))
    return tuple(profiles)
