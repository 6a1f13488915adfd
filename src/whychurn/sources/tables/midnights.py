"""Days that were exported as midnight in UTC: in a zone west of it, that is the evening before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from whychurn.sources.tables import times
from whychurn.sources.tables.sql import Bound
from whychurn.sources.tables.times import Zones
from whychurn.sources.tables.values import Reading
from whychurn.study import Table


def count_midnights(
    connection: duckdb.DuckDBPyConnection,
    readings: Sequence[Reading],
    kinds: Sequence[str],
    judged: str,
    table: Table,
    zones: Zones,
    bound: Bound,
) -> Mapping[str, tuple[int, int]]:
    """Count, in columns of days, the values that are instants, and those that are midnight in UTC but of another day here.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    readings : sequence of Reading
        Of the columns that are read.
    kinds : sequence of str
        Their SQL types.
    judged : str
        SQL of the file, with ``x{i}`` for the i-th column.
    table : Table
        How it is written.
    zones : Zones
    bound : Bound

    Returns
    -------
    Mapping of str to (int, int)
        Column of the contract -> instants, and midnights that moved; empty in UTC, where none can.
    """
    wanted: dict[str, str] = {}
    for i, (one, kind) in enumerate(zip(readings, kinds, strict=True)):
        if one.matched.column.type == "day" and (found := _instant(i, one, kind, table, zones, bound)):
            local, is_instant = found
            utc = f"(({local}) AT TIME ZONE {bound(zones.study)}) AT TIME ZONE 'UTC'"
            moved = f"{utc} = date_trunc('day', {utc}) AND CAST({utc} AS DATE) <> CAST(({local}) AS DATE)"
            wanted[one.matched.column.name] = (
                f"count({local}) FILTER ({is_instant}), count(*) FILTER (({is_instant}) AND {moved})"
            )
    if zones.study == "UTC" or not wanted:
        return {}
    counts = bound.run(connection, f"SELECT {', '.join(wanted.values())} FROM ({judged})")[0]
    return {name: (int(counts[2 * i]), int(counts[2 * i + 1])) for i, name in enumerate(wanted)}


def _instant(i: int, one: Reading, kind: str, table: Table, zones: Zones, bound: Bound) -> tuple[str, str] | None:
    """SQL of the time here, and of whether it was written as an instant; None where no value of the column can be one."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"x{i} AT TIME ZONE {bound(zones.study)}", f"x{i} IS NOT NULL AND isfinite(x{i})"
    if kind != "VARCHAR":
        return None
    written = table.formats.get(one.matched.column.name, table.date_format)
    local = times.from_text(one.text, written, zones, False, bound)
    if written == times.ISO:
        return local, one.offsets
    return (local, "true") if written in times.UNIX or "%z" in written else None
