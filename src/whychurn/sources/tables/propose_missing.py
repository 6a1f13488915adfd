"""Columns that were not found: what is asked, and what is said of those that only look like them."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from whychurn.errors import some
from whychurn.sources.canon import REQUIRED, TABLES, CanonColumn
from whychurn.sources.grammar import SPACE, number_pattern
from whychurn.sources.names import counted, literal, shown
from whychurn.sources.tables.guess import Fit
from whychurn.sources.tables.guess_names import name_match
from whychurn.sources.tables.propose_answers import Questions
from whychurn.sources.tables.propose_columns import ColumnLook


def ask_for_columns(fit: Fit, looks: Sequence[ColumnLook], questions: Questions) -> None:
    """Ask for columns that must be there, and for the end of subscriptions, without which nobody ever leaves."""
    needed = list(fit.missing)
    proposed: set[str] = set()
    if fit.table == "subscriptions" and not {"ended_on", "cancelled_on"} & set(fit.columns):
        needed.append("ended_on")
    for canonical in needed:
        column = TABLES[fit.table].column(canonical)
        option = f"--column {fit.table}.{canonical}=COLUMN"
        candidates = tuple(fit.doubts.get(canonical, ()))
        by_name = [look for look in looks if name_match(fit.table, canonical, look.name) >= 60]
        parts = [f"Which column of {shown(fit.candidate.label)} is {fit.table}.{canonical} ({column.description})?"]
        parts += [
            f"By its name {shown(look.name)}, but {counted(look.dates.n_other or look.n, 'value')} of {look.n:,} "
            f"{'is' if (look.dates.n_other or look.n) == 1 else 'are'} no dates."
            for look in by_name
            if column.type in ("day", "time") and not look.is_date
        ]
        if not candidates and fit.table in REQUIRED and canonical == TABLES[fit.table].key:
            unique = [look.name for look in looks if look.n and look.n_distinct == look.n == fit.candidate.n_sample]
            candidates = tuple(name for name in unique if name not in fit.columns.values())
            if not candidates:
                parts.append("No column is different in every row; number the rows in a column of their own.")
        if not candidates and column.type in ("day", "time"):
            used = set(fit.columns.values())
            candidates = tuple(look.name for look in looks if look.is_date and look.name not in used)
            if not candidates and not by_name:
                parts.append("No other column holds dates.")
        if candidates:
            parts.append(f"Candidates: {some(map(shown, candidates), 8)}.")
        parts.append(f"Columns: {some((shown(name, 40) for name in fit.candidate.names), 12)}.")
        parts.append(f"Say it with {option}.")
        likely = next((name for name in candidates if name not in proposed), "")
        if likely:
            proposed.add(likely)
            questions.ask(" ".join(parts), "--column", f"{fit.table}.{canonical}={likely}")
        else:
            questions.ask(" ".join(parts), without=f"{fit.table}.{canonical}")


def look_alikes(connection: duckdb.DuckDBPyConnection, fit: Fit, looks: Sequence[ColumnLook]) -> dict[str, str]:
    """Return, for columns of the contract that were not found, what is wrong with the one that looks like them."""
    found: dict[str, tuple[float, ColumnLook]] = {}
    for look in looks:
        if look.name in fit.columns.values() or not look.n:
            continue
        matches = {
            column.name: name_match(fit.table, column.name, look.name)
            for column in TABLES[fit.table].columns
            if column.name not in fit.columns and not _fits(column, look)
        }
        best = max(matches, key=lambda name: matches[name], default="")
        if best and matches[best] > found.get(best, (0.0, look))[0]:
            found[best] = (matches[best], look)
    return {canonical: _unlike(connection, fit, canonical, look) for canonical, (_, look) in found.items()}


def _fits(column: CanonColumn, look: ColumnLook) -> bool:
    return look.fits(column.type) and (column.name != "employees" or look.is_number)


def _unlike(connection: duckdb.DuckDBPyConnection, fit: Fit, canonical: str, look: ColumnLook) -> str:
    kind = TABLES[fit.table].column(canonical).type
    begin = f"{canonical} is not recognised: the column {shown(look.name)} looks like it, but"
    if kind in ("id", "text") and look.is_date:
        return f"{begin} its values are dates."
    if kind in ("day", "time"):
        others = look.dates.n_other or look.n
        examples = _values(connection, fit, look, "TRUE")
        what, fix = "dates", f"If they are, say --column {fit.table}.{canonical}=… and how they are written."
    else:
        others = look.n - look.n_numbers
        value = f"trim({look.key}, '{SPACE}')"
        pattern = literal(number_pattern(fit.candidate.decimal))
        examples = _values(connection, fit, look, f"NOT regexp_full_match({value}, {pattern})")
        what, fix = "numbers", "Write them without signs and separators, such as 1250.50."
    return (
        f"{begin} {others:,} of its {counted(look.n, 'value')} {'is' if others == 1 else 'are'} no {what} "
        f"({some(map(shown, examples))}). {fix}"
    )


def _values(connection: duckdb.DuckDBPyConnection, fit: Fit, look: ColumnLook, which: str) -> list[str]:
    rows = connection.execute(
        f"SELECT {look.key} FROM {fit.candidate.sample} WHERE {look.key} IS NOT NULL AND {which} "
        f"GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 3"
    ).fetchall()
    return [str(value) for (value,) in rows]
