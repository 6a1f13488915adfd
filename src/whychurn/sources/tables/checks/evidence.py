"""What every check is given, and how a rule about single rows becomes a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from whychurn.sources.contract import IntegrityFinding, Severity
from whychurn.study import TableStudy

#: Up to this share of the rows concerned a slip is a note, above it a caveat.
FEW = 0.01
#: As above, for what is missing rather than wrong.
SOME = 0.05
_SINGULAR = {
    "have": "has",
    "were": "was",
    "are": "is",
    "renew": "renews",
    "give": "gives",
    "lie": "lies",
    "name": "names",
}


@dataclass(frozen=True)
class Evidence:
    """The typed tables and what the study says about them.

    Attributes
    ----------
    connection : duckdb.DuckDBPyConnection
    study : TableStudy
    tables : Mapping of str to int
        Table -> rows, of those the company has.
    tracked_from : Mapping of str to datetime.date
        First day each log was recorded, as declared or found.
    """

    connection: duckdb.DuckDBPyConnection
    study: TableStudy
    tables: Mapping[str, int]
    tracked_from: Mapping[str, date]

    def has(self, table: str) -> bool:
        """Whether the company has rows of this table."""
        return self.tables.get(table, 0) > 0

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query; values are bound by name."""
        return self.connection.execute(sql, values or None).fetchall()


@dataclass(frozen=True, slots=True)
class RowRule:
    """A condition that no row should fulfil.

    Attributes
    ----------
    code, column : str
    noun, verdict : str
        The problem reads "12 of 900 NOUN (1.3%) VERDICT".
    condition : str
        SQL, true where the row is wrong.
    consequence, action : str
    of : str
        SQL, true where the row could be wrong: what the share is of.
    """

    code: str
    column: str
    noun: str
    verdict: str
    condition: str
    consequence: str
    action: str
    of: str = "true"


def apply_rules(
    evidence: Evidence,
    table: str,
    rules: Sequence[RowRule],
    source: str = "",
    example: str = "account_id",
    **values: Any,
) -> Iterator[IntegrityFinding]:
    """Yield a finding per rule that some row breaks: a note up to 1% of the rows it could concern, else a caveat.

    All rules share one scan.

    Parameters
    ----------
    evidence : Evidence
    table : str
    rules : sequence of RowRule
    source : str
        SQL after FROM, default the table.
    example : str
        SQL for what a row is shown by.
    **values
        Bound in conditions by name.
    """
    parts = [
        f"count(*) FILTER (WHERE {rule.of}), count(*) FILTER (WHERE ({rule.of}) AND ({rule.condition})), "
        f"min(DISTINCT {example}, 3) FILTER (WHERE ({rule.of}) AND ({rule.condition}))"
        for rule in rules
    ]
    answer = evidence.rows(f"SELECT {', '.join(parts)} FROM {source or table}", **values)[0]
    for position, rule in enumerate(rules):
        of, n, examples = answer[3 * position : 3 * position + 3]
        if n:
            yield IntegrityFinding(
                code=rule.code, severity=few_or_many(n, of), table=table, column=rule.column, count=n,
                rows=tuple(map(str, examples)),
                problem=f"{n:,} of {of:,} {rule.noun} ({percent(n, of)}) {agreeing(n, rule.verdict)}{such_as(examples)}.",
                consequence=rule.consequence, action=rule.action,
            )  # fmt: skip


def few_or_many(n: int, of: int, few: float = FEW) -> Severity:
    """Return "note" up to a share of `few`, "caveat" above it."""
    return "note" if n <= few * of else "caveat"


def agreeing(n: int, verdict: str) -> str:
    """Return a verdict on `n` rows with its verb in the singular where there is one row."""
    verb, _, rest = verdict.partition(" ")
    return f"{_SINGULAR.get(verb, verb)} {rest}" if n == 1 else verdict


def percent(n: float, of: float) -> str:
    """Return a share as text; a small one never reads as none: ``<0.1%``."""
    share = n / of if of else 0.0
    return "<0.1%" if 0 < share < 0.001 else f"{share:.1%}"


def such_as(examples: Iterable[object] | None) -> str:
    """Return `` (such as A, B, C)`` for up to three different examples, or "" without any."""
    different = list(dict.fromkeys(str(example) for example in examples or ()))[:3]
    return f" (such as {', '.join(different)})" if different else ""
