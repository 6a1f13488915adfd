"""What measures need to be recorded: a column without a single value must not be read as "never" or zero."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import duckdb

from whychurn.errors import PanelError
from whychurn.panel.measure import Measure
from whychurn.sources.canon import TABLES
from whychurn.sources.names import quoted
from whychurn.study import TableStudy


def measurable(
    connection: duckdb.DuckDBPyConnection, tables: Collection[str], measures: Iterable[Measure]
) -> tuple[Measure, ...]:
    """Return the measures for which the company records what they need.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of the contract.
    tables : collection of str
        Those that the company has.
    measures : iterable of Measure
    """
    having = [measure for measure in measures if all(table in tables for table in measure.needs)]
    there = recorded(connection, {value for measure in having for value in measure.values})
    return tuple(measure for measure in having if there.issuperset(measure.values))


def recorded(connection: duckdb.DuckDBPyConnection, values: Iterable[str]) -> frozenset[str]:
    """Return those of the values (written as in :attr:`Measure.values`) that are recorded at least once.

    One query per table, which looks for the first record that has each and reads no further.
    """
    found: set[str] = set()
    wanted = sorted(set(values))
    for table in TABLES:
        mine = [value for value in wanted if _table_of(value) == table]
        if mine:
            looks = (f"EXISTS (SELECT 1 FROM {quoted(table)} WHERE {_condition(value)})" for value in mine)
            answers = connection.execute(f"SELECT {', '.join(looks)}").fetchall()[0]
            found.update(value for value, there in zip(mine, answers, strict=True) if there)
    return frozenset(found)


def in_words(value: str) -> str:
    """Return what a value is, for readers.

    Examples
    --------
    >>> in_words("tickets.closed_at"), in_words("usage:login|use")
    ('the column closed_at of tickets', 'actions named login or use in usage')
    """
    table, names = _table_of(value), " or ".join(_names(value))
    return f"actions named {names} in {table}" if ":" in value else f"the column {names} of {table}"


def reason_left_out(connection: duckdb.DuckDBPyConnection, tables: Collection[str], measure: Measure) -> str:
    """Return why the company's tables do not allow a measure; empty if they do."""
    lacking = [name for name in TABLES if name in measure.needs and name not in tables]
    if lacking:
        words = f"the table {lacking[0]}" if len(lacking) == 1 else f"the tables {_and(lacking)}"
        return f"it needs {words}, which the study does not have"
    there = recorded(connection, measure.values)
    absent = [value for value in measure.values if value not in there]
    if not absent:
        return ""
    return f"it needs {_and([in_words(value) for value in absent])}, which the study does not have"


def refuse_unrecorded(connection: duckdb.DuckDBPyConnection, study: TableStudy) -> None:
    """Refuse definitions of leaving that rest on what is recorded nowhere.

    Raises
    ------
    PanelError
        If one counts overdue customers as gone and no payment was ever made, or silent ones and nothing was ever used:
        everybody, or nobody, would be gone.
    """
    for definition in (study.definition, *study.definitions):
        for setting, value, fix in _RESTS_ON:
            if getattr(definition, setting) is not None and not recorded(connection, [value]):
                raise PanelError(
                    f"The definition “{definition.name}” has {setting}, which needs {in_words(value)}, and the study does "
                    f"not have that: nobody could tell who is gone. {fix}, or take {setting} out of "
                    f"{'[churn]' if definition is study.definition else 'that part of [[definitions]]'}."
                )


#: Settings of a definition, the value that each rests on, and how to provide it.
_RESTS_ON = (
    ("delinquent_after_days", "payments.paid_on", "Give payments the day on which each was paid"),
    ("inactive_after_days", "usage:use", "Say in actions of [tables.usage] which actions are use"),
)


#: Which records of usage are read for a column: a value on others alone would leave the measures at zero.
_ON = {
    "usage.module": "action = 'use'",
    "usage.user_id": "action IN ('login', 'use')",
    "usage.value": "action IN ('login', 'use', 'failed')",
}


def _table_of(value: str) -> str:
    return value.replace(":", ".").partition(".")[0]


def _names(value: str) -> Sequence[str]:
    return value.replace(":", ".").partition(".")[2].split("|")


def _condition(value: str) -> str:
    if ":" in value:
        return " OR ".join(f"action = '{name}'" for name in _names(value))
    there = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in _names(value))
    return f"({there}) AND {_ON[value]}" if value in _ON else there


def _and(parts: Sequence[str]) -> str:
    return " and ".join(parts)
