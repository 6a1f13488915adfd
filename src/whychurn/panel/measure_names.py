"""Which modules and kinds of events get measures of their own, and what these are called."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import duckdb

from whychurn.errors import PanelError, some
from whychurn.study import TableStudy

#: Most modules, and kinds of events, that get measures of their own.
MOST = 40


def column_parts(names: Iterable[str]) -> Mapping[str, str]:
    """Return a part of a column name for each name, in the order given.

    Lower case, with ``_`` for whatever is neither letter nor digit; names that become the same get ``_2``, ``_3`` in
    alphabetical order.

    Examples
    --------
    >>> column_parts(["Time & Billing", "time-billing", "CRM"])
    {'Time & Billing': 'time_billing', 'time-billing': 'time_billing_2', 'CRM': 'crm'}
    """
    given = list(dict.fromkeys(names))
    parts: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(given):
        plain = re.sub(r"[\W_]+", "_", name.lower()) or "_"
        part, n = plain, 1
        while part in taken:
            n += 1
            part = f"{plain}_{n}"
        parts[name] = part
        taken.add(part)
    return {name: parts[name] for name in given}


def modules_of(connection: duckdb.DuckDBPyConnection, study: TableStudy, tables: Collection[str]) -> tuple[str, ...]:
    """Return the modules that get measures: as declared, else all that were ever used, in alphabetical order.

    Raises
    ------
    PanelError
        If there are more than 40.
    """
    if "usage" not in tables:
        return ()
    if study.measures.modules:
        return tuple(dict.fromkeys(study.measures.modules))
    sql = "SELECT DISTINCT module FROM usage WHERE action = 'use' AND module IS NOT NULL ORDER BY module"
    found = [str(name) for (name,) in connection.execute(sql).fetchall()]
    if len(found) > MOST:
        raise PanelError(
            f"The usage table names {len(found):,} modules ({some(found)}), and at most {MOST} can be measured one by "
            "one. List those that matter in [measures] modules of study.toml."
        )
    return tuple(found)


def event_kinds_of(connection: duckdb.DuckDBPyConnection, tables: Collection[str]) -> tuple[str, ...]:
    """Return the kinds of dated events, in alphabetical order.

    Raises
    ------
    PanelError
        If there are more than 40.
    """
    if "events" not in tables:
        return ()
    sql = "SELECT DISTINCT kind FROM events WHERE kind IS NOT NULL ORDER BY kind"
    found = [str(name) for (name,) in connection.execute(sql).fetchall()]
    if len(found) > MOST:
        raise PanelError(
            f"The events table has {len(found):,} kinds ({some(found)}), and at most {MOST} can be measured one by "
            "one. Give similar events the same kind."
        )
    return tuple(found)
