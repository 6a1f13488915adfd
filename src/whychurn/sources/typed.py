"""From text to types, in the engine: a declared type is obeyed, an undeclared one follows from all values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from whychurn.sources.connection import first_row
from whychurn.sources.grammar import SPACE, number_pattern
from whychurn.sources.names import literal, quoted
from whychurn.study import FlatStudy


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """One column of the file and what became of its values.

    Attributes
    ----------
    name : str
        As in the file.
    key : str
        Name of its text in the engine (``c0``, ``c1``, …).
    kind : {"number", "category"}
    declared : bool
        Whether the study declares the kind.
    n_present : int
        Values that are not null.
    n_unreadable : int
        Values of a declared number that are no numbers.
    n_numbers : int
        Values that are numbers; 0 for a declared category, where nobody looked.
    """

    name: str
    key: str
    kind: str
    declared: bool
    n_present: int
    n_unreadable: int
    n_numbers: int


def clean_text(connection: duckdb.DuckDBPyConnection, width: int, null_values: Sequence[str]) -> None:
    """Make ``clean``: the rows of ``raw`` with null where a value, spaces aside, is one of `null_values`.

    An empty text is always null. Other text is kept to the letter, so that "Yes" and "yes " stay visible.
    """
    nulls = sorted({"", *(value.strip(SPACE) for value in null_values)})
    names = ", ".join(f"$null{i}" for i in range(len(nulls)))
    columns = ", ".join(
        f"CASE WHEN trim(c{i}, $space) IN ({names}) THEN NULL ELSE c{i} END AS c{i}" for i in range(width)
    )
    connection.execute(
        f"CREATE TEMP TABLE clean AS SELECT record, {columns} FROM raw ORDER BY record",
        {"space": SPACE} | {f"null{i}": value for i, value in enumerate(nulls)},
    )


def count_null_texts(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], null_values: Sequence[str]
) -> tuple[tuple[str, str, int], ...]:
    """Return (column, text, cells of ``raw`` that hold it) for every declared null text that is not empty."""
    texts = sorted({value.strip(SPACE) for value in null_values} - {""})
    if not texts:
        return ()
    counts = ", ".join(
        f"count(*) FILTER (trim(c{i}, $space) = $null{j})" for i in range(len(names)) for j in range(len(texts))
    )
    bound = {"space": SPACE} | {f"null{j}": value for j, value in enumerate(texts)}
    found = connection.execute(f"SELECT {counts} FROM raw", bound).fetchall()[0]
    pairs = [(name, value) for name in names for value in texts]
    return tuple((name, value, int(n)) for (name, value), n in zip(pairs, found, strict=True) if n)


def number_of(key: str, decimal: str) -> str:
    """Return SQL for the number that a text spells, null where it spells none.

    The engine's own cast also takes ``1_000``, ``inf`` and ``nan``; here a number is digits, a decimal mark as
    declared, and an exponent.
    """
    return spelt_number(f"trim({key}, {literal(SPACE)})", decimal)


def spelt_number(text: str, decimal: str) -> str:
    """Return the same as :func:`number_of` for text (as SQL) that has no spaces around it."""
    pattern = literal(number_pattern(decimal))
    point = f"replace({text}, ',', '.')" if decimal == "," else text
    cast = f"TRY_CAST({point} AS DOUBLE)"
    return f"CASE WHEN regexp_full_match({text}, {pattern}) AND isfinite({cast}) THEN {cast} END"


def read_columns(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], declared: Mapping[str, str], decimal: str
) -> tuple[ReadColumn, ...]:
    """Decide how each column of ``clean`` is read.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    names : sequence of str
        Of the file; the i-th is ``c{i}``.
    declared : Mapping of str to str
        Name -> "number" or "category".
    decimal : str
        "." or ",".

    Returns
    -------
    tuple of ReadColumn
        An undeclared column is a number if it has values and all of them are numbers.
    """
    # A declared category is text whatever it holds, so its values need not be tried as numbers.
    counts = []
    for i, name in enumerate(names):
        is_text = declared.get(name) == "category"
        counts += [f"count(c{i})", "0" if is_text else f"count({number_of(f'c{i}', decimal)})"]
    found = first_row(connection, f"SELECT {', '.join(counts)} FROM clean")
    columns = []
    for i, name in enumerate(names):
        present, numbers = int(found[2 * i]), int(found[2 * i + 1])
        kind = declared.get(name) or ("number" if present and numbers == present else "category")
        unreadable = present - numbers if kind == "number" else 0
        columns.append(ReadColumn(name, f"c{i}", kind, name in declared, present, unreadable, numbers))
    return tuple(columns)


def typed_expression(column: ReadColumn, study: FlatStudy, values: dict[str, str]) -> str:
    """Return SQL for a column's typed values; codes are replaced by their meanings, bound in `values`."""
    if column.kind == "number":
        return number_of(column.key, study.source.decimal)
    levels = next((cause.levels for cause in study.causes if cause.column == column.name), {})
    if not levels:
        return column.key
    cases = []
    for index, (code, meaning) in enumerate(levels.items()):
        names = f"{column.key}_code{index}", f"{column.key}_name{index}"
        values[names[0]], values[names[1]] = code, meaning
        cases.append(f"WHEN ${names[0]} THEN ${names[1]}")
    return f"CASE {column.key} {' '.join(cases)} ELSE {column.key} END"


def selected(expression: str, name: str) -> str:
    """Return SQL for an expression under a column name."""
    return f"{expression} AS {quoted(name)}"
