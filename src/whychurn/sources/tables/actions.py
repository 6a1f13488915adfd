"""What was done, in the contract's three words: login, use, failed."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from whychurn.sources.canon import ACTIONS
from whychurn.sources.contract import IntegrityFinding, LedgerStep
from whychurn.sources.names import counted, shown
from whychurn.sources.rejects import LONGEST_VALUE
from whychurn.sources.tables.sql import Bound
from whychurn.study import Table

MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class ActionRule:
    """How actions are read.

    Attributes
    ----------
    value : str
        SQL of the contract's word, null where the action is ignored.
    named : str
        SQL of whether the study (or the contract) names the action.
    """

    value: str
    named: str


def action_rule(key: str, table: Table, bound: Bound) -> ActionRule:
    """Return the rule for the action in the SQL `key`; "" where the table has no such column: every row is a use."""
    if not key:
        return ActionRule("'use'", "true")
    text = key
    declared: dict[str, tuple[str, ...]] = {str(action): values for action, values in table.actions.items()}
    meanings = {action: list(declared.get(action, ())) for action in ACTIONS}
    if not any(table.actions.values()):
        text, meanings = f"lower({key})", {action: [action] for action in ACTIONS}
    whens, every = "", []
    for action, written in meanings.items():
        if written:
            parameters = [bound(value.strip()) for value in written]
            every += parameters
            whens += f"WHEN {text} IN ({', '.join(parameters)}) THEN '{action}' "
    other = "'use'" if table.other_actions == "use" else "NULL"
    return ActionRule(f"CASE {whens}ELSE {other} END", f"coalesce({text} IN ({', '.join(every)}), false)")


def tell_actions(
    connection: duckdb.DuckDBPyConnection,
    key: str,
    written: str,
    rows: str,
    rule: ActionRule,
    table: Table,
    bound: Bound,
    n_rows: int,
) -> tuple[list[IntegrityFinding], list[LedgerStep]]:
    """Say which actions nobody named, and what became of them.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    key : str
        SQL of the action.
    written : str
        SQL of the rows as they were written, with the contract's actions.
    rows : str
        SQL of the same rows, with the company's actions.
    rule : ActionRule
    table : Table
    bound : Bound
    n_rows : int
        How many rows are kept.
    """
    if not key:
        return [], []
    # Unless it counts as use, an action that nobody named is null by now, which is quick to see; most tables have none.
    unnamed = f"SELECT count(*) - count(action) FROM ({written})"
    if table.other_actions != "use" and not bound.run(connection, unnamed)[0][0]:
        return [], []
    others = bound.run(
        connection,
        f"SELECT left(action, {LONGEST_VALUE}) AS action, n FROM (SELECT coalesce({key}, '') AS action, count(*) AS n "
        f"FROM ({rows}) WHERE NOT {rule.named} GROUP BY 1) AS found ORDER BY n DESC, found.action",
    )
    if not others:
        return [], []
    n = sum(int(count) for _, count in others)
    listed = ", ".join(
        f"{shown(action) if action else 'no value'} ({counted(int(count), 'row')})"
        for action, count in others[:MOST_LISTED]
    )
    more = f" and {len(others) - MOST_LISTED:,} more" if len(others) > MOST_LISTED else ""
    fate = "count as use" if table.other_actions == "use" else "are ignored"
    step = LedgerStep(
        "other actions", "usage", f"Actions that the study does not name {fate}.", n_rows, n_rows, n, note=listed + more
    )
    if table.other_actions:
        return [], [step]
    first = next((action for action, _ in others if action), "open")
    finding = IntegrityFinding(
        code="unnamed-actions", severity="caveat", table="usage", column="action", count=n,
        problem=f"{counted(n, 'row')} of usage ({n / n_rows:.1%}) {'has' if n == 1 else 'have'} an action that the study "
        f"does not name: {listed}{more}.",
        consequence="They are ignored: they count neither as a login nor as use nor as a failure.",
        action=f'Name them under [tables.usage], such as actions = {{ use = ["{first}"] }}, or write '
        'other_actions = "use" or "ignore" there.',
    )  # fmt: skip
    return [finding], [step]
