"""Are there dates that cannot be meant: long past, far ahead, or after the window?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from whychurn.sources.canon import TABLES
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import counted, quoted
from whychurn.sources.tables.checks.evidence import Evidence, agreeing, percent

#: Before it no subscription business kept such records; from 2100 on a date stands for "never".
EARLIEST = date(1990, 1, 1)
NEVER = date(2100, 1, 1)


def check_calendar(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about every date column of every table, one pass each."""
    for table in TABLES:
        if evidence.has(table):
            yield from _table(evidence, table)


def _table(evidence: Evidence, table: str) -> Iterator[IntegrityFinding]:
    contract = TABLES[table]
    columns = [column.name for column in contract.columns if column.type in ("day", "time")]
    parts = ["count(*)"]
    for name in columns:
        held = quoted(name)
        parts += [f"count(*) FILTER (WHERE {held} < $early)", f"count(*) FILTER (WHERE {held} >= $never)",
                  f"min({held})", f"max({held})"]  # fmt: skip
    after = f"count(*) FILTER (WHERE {quoted(contract.at)} >= $end AND {quoted(contract.at)} < $never)"
    answer = evidence.rows(
        f"SELECT {', '.join([*parts, after])} FROM {table}", early=EARLIEST, never=NEVER, end=evidence.study.observed_to
    )[0]
    n = answer[0]
    for position, name in enumerate(columns):
        early, never, first, last = answer[1 + 4 * position : 5 + 4 * position]
        if early:
            yield _too_early(evidence, table, name, int(early), first)
        if never:
            yield _never(evidence, table, name, int(never), last)
    if answer[-1]:
        yield IntegrityFinding(
            code="after-the-window", severity="note", table=table, column=contract.at, count=answer[-1],
            problem=f"{answer[-1]:,} of {n:,} records of {table} ({percent(answer[-1], n)}) {agreeing(answer[-1], 'are dated')} "
            f"{evidence.study.observed_to} or later.",
            consequence="The window ends before; they are not used.",
            action="Set observed_to later if the records are complete until then.",
        )  # fmt: skip


def _too_early(evidence: Evidence, table: str, name: str, n: int, first: date | datetime) -> IntegrityFinding:
    examples = _examples(evidence, table, f"{quoted(name)} < $limit", EARLIEST)
    return IntegrityFinding(
        code="implausible-dates", severity="caveat", table=table, column=name, count=n, rows=examples,
        problem=f"{counted(n, 'date')} in {table}.{name} {agreeing(n, 'lie before')} {EARLIEST.year}; the first is {first:%Y-%m-%d} ({_rows(examples)}).",
        consequence="Such a date usually stands for “not known”; taken at its word, it makes a customer very old or "
        "a record very early.",
        action=_fix(table),
    )  # fmt: skip


def _never(evidence: Evidence, table: str, name: str, n: int, last: date | datetime) -> IntegrityFinding:
    if (table, name) == ("subscriptions", "ended_on"):
        consequence = "Such a subscription counts as active, which is most likely what is meant."
    else:
        consequence = (
            "Such a date usually stands for “never”; taken at its word, it stretches whatever is measured by it."
        )
    examples = _examples(evidence, table, f"{quoted(name)} >= $limit", NEVER)
    return IntegrityFinding(
        code="placeholder-dates", severity="caveat", table=table, column=name, count=n, rows=examples,
        problem=f"{counted(n, 'date')} in {table}.{name} {agreeing(n, 'lie in')} {NEVER.year} or later; the last is {last:%Y-%m-%d} ({_rows(examples)}).",
        consequence=consequence, action=_fix(table),
    )  # fmt: skip


def _fix(table: str) -> str:
    return f"Leave it empty, or add it, as it stands in the file, to null_values under [tables.{table}]."


def _rows(examples: tuple[str, ...]) -> str:
    return f"row{'' if len(examples) == 1 else 's'} {', '.join(examples)}"


def _examples(evidence: Evidence, table: str, condition: str, limit: date) -> tuple[str, ...]:
    rows = evidence.rows(f"SELECT min(row_number, 3) FROM {table} WHERE {condition}", limit=limit)[0][0]
    return tuple(map(str, rows or ()))
