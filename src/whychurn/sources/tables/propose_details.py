"""What a proposed study of tables needs to know of the rows: doubts, actions, reasons, attributes, the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from whychurn.errors import StudyError, some
from whychurn.sources.canon import ACTIONS, TABLES
from whychurn.sources.grammar import number_pattern
from whychurn.sources.names import counted, shown
from whychurn.sources.tables.guess import Fit
from whychurn.sources.tables.guess_words import meaning_of_action
from whychurn.sources.tables.propose_answers import IGNORE, Questions, TableOptions
from whychurn.sources.tables.propose_candidate import Candidate
from whychurn.sources.tables.propose_columns import ColumnLook, key_counts, refers_to
from whychurn.sources.tables.propose_dates import Dates
from whychurn.sources.tables.propose_files import Found
from whychurn.sources.tables.propose_missing import look_alikes
from whychurn.sources.tables.propose_window import Window, propose_window

MOST_ACTIONS = 200


@dataclass(frozen=True)
class ProposedTable:
    """A file as a table: what its columns are, how its dates are written, what to check.

    `look_alikes` are columns of the contract that a column's name stands for, but not its values.
    """

    fit: Fit
    looks: tuple[ColumnLook, ...]
    dates: Mapping[str, Dates]
    notes: tuple[str, ...] = ()
    look_alikes: tuple[str, ...] = ()

    @property
    def candidate(self) -> Candidate:
        """The file."""
        return self.fit.candidate

    def look(self, canonical: str) -> ColumnLook | None:
        """Return the column that plays a part, None if there is none."""
        name = self.fit.columns.get(canonical)
        return next((look for look in self.looks if look.name == name), None)

    @property
    def decided(self) -> bool:
        """Whether the values themselves decide how the dates of every column are written."""
        formats = {look.name: look.dates.format for look in self.looks}
        return all(formats[self.fit.columns[name]] == one.format for name, one in self.dates.items() if one.n)

    @property
    def unused(self) -> tuple[str, ...]:
        """Columns of the file that play no part."""
        return tuple(name for name in self.candidate.names if name not in self.fit.columns.values())


@dataclass(frozen=True)
class Actions:
    """What the actions of the usage log mean; `counts` are by action of the contract."""

    values: Mapping[str, tuple[str, ...]]
    other: str
    counts: Mapping[str, int]
    ignored: tuple[str, ...] = ()
    as_they_are: bool = False


@dataclass(frozen=True)
class Attribute:
    """An attribute of accounts: `levels` with counts, the most common first; `low`, `high`, `spread` of a number."""

    name: str
    column: str
    is_number: bool
    n_distinct: int
    levels: tuple[tuple[str, int], ...]
    low: float = 0.0
    high: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True)
class Proposal:
    """Everything that goes into a proposed ``study.toml``."""

    folder: Path
    database: str
    tables: Mapping[str, ProposedTable]
    window: Window
    actions: Actions | None
    reasons: tuple[tuple[str, int], ...]
    attributes: tuple[Attribute, ...]
    plans: tuple[tuple[str, int], ...]
    modules: tuple[tuple[str, int], ...]
    kinds: tuple[tuple[str, int], ...]
    unused: tuple[tuple[str, str], ...]
    zone_doubt: bool


def values_of(
    connection: duckdb.DuckDBPyConnection, table: ProposedTable, canonical: str, most: int = 1000
) -> tuple[tuple[str, int], ...]:
    """Return the values of a column with their counts, the most common first; () where there is no such column."""
    look = table.look(canonical)
    return _levels(connection, table.candidate, look.key, most) if look is not None else ()


def _levels(
    connection: duckdb.DuckDBPyConnection, candidate: Candidate, key: str, most: int
) -> tuple[tuple[str, int], ...]:
    rows = connection.execute(
        f"SELECT trim({key}) AS v, count(*) FROM {candidate.relation} WHERE {key} IS NOT NULL AND trim({key}) <> '' "
        f"GROUP BY v ORDER BY count(*) DESC, v LIMIT {most}"
    ).fetchall()
    return tuple((str(value), int(n)) for value, n in rows)


def settle_actions(
    connection: duckdb.DuckDBPyConnection, usage: ProposedTable, options: TableOptions, questions: Questions
) -> Actions:
    """Decide what the actions of the usage log mean: as told, as the words say, or a question."""
    found = values_of(connection, usage, "action", MOST_ACTIONS + 1)
    absent = [value for value in options.actions if value not in dict(found)]
    if (options.actions or options.other_actions) and "action" not in usage.fit.columns:
        raise StudyError(
            f"--action: no column of {shown(usage.candidate.label)} is known to say what was done. Name it with "
            f"--column usage.action=COLUMN. Columns not used: {some(map(shown, usage.unused), 12) or 'none'}."
        )
    if absent:
        raise StudyError(
            f"--action: {shown(absent[0])} does not occur. Actions: {some((shown(value) for value, _ in found), 12)}."
        )
    if not found:
        return Actions({}, "use", {"use": usage.candidate.n_rows})
    meaning = {value: options.actions.get(value) or meaning_of_action(value) for value, _ in found}
    unknown = [(value, n) for value, n in found if not meaning[value]]
    if unknown and not options.other_actions:
        listed = some((f"{shown(value, 40)} ({n:,})" for value, n in unknown), 10)
        questions.ask(
            f"What do these actions of {shown(usage.candidate.label)} mean: {listed}? Say --other-actions use (each is a "
            f"use of the product) or --other-actions ignore, and for single ones --action VALUE=login, use, failed or "
            "ignore.",
            "--other-actions", "use",
        )  # fmt: skip
    for value, _ in unknown:
        meaning[value] = options.other_actions or "use"
    counts = {name: sum(n for value, n in found if meaning[value] == name) for name in ACTIONS}
    values = {name: tuple(value for value, _ in found if meaning[value] == name) for name in ACTIONS}
    ignored = tuple(value for value, _ in found if meaning[value] == IGNORE)
    plain = set(meaning) <= set(ACTIONS) and all(value == name for value, name in meaning.items())
    return Actions(
        {name: listed for name, listed in values.items() if listed}, options.other_actions or IGNORE, counts, ignored,
        plain,
    )  # fmt: skip


def look_closer(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    found: Found,
    tables: Mapping[str, ProposedTable],
    left: Sequence[Candidate],
    actions: Actions | None,
) -> Proposal:
    """Look at the rows of tables whose columns are settled.

    Raises
    ------
    StudyError
        If the dates span no window.
    """
    accounts, subscriptions = tables["accounts"], tables["subscriptions"]
    checked = {name: _with_doubts(connection, name, table, accounts) for name, table in tables.items()}
    window = propose_window({name: table.dates for name, table in tables.items()})
    unused = [(one.label, f"{counted(one.n_rows, 'row')}; no table of the contract") for one in left]
    unused += [(label, f"could not be read: {reason}") for label, reason in found.unreadable]
    clocks = [dates for table in tables.values() for dates in table.dates.values() if dates.clock]
    return Proposal(
        folder=folder,
        database=found.database if any(table.candidate.table for table in tables.values()) else "",
        tables=checked,
        window=window,
        actions=actions,
        reasons=values_of(connection, subscriptions, "end_reason", 2000),
        attributes=_attributes(connection, accounts, subscriptions),
        plans=values_of(connection, subscriptions, "plan", 60),
        modules=values_of(connection, tables["usage"], "module", 200) if "usage" in tables else (),
        kinds=values_of(connection, tables["events"], "kind", 60) if "events" in tables else (),
        unused=tuple(unused),
        zone_doubt=any(not dates.states_zone for dates in clocks),
    )


def _with_doubts(
    connection: duckdb.DuckDBPyConnection, name: str, table: ProposedTable, accounts: ProposedTable
) -> ProposedTable:
    """Add what does not hold for keys and references."""
    notes, candidate = list(table.notes), table.candidate
    key = table.look(TABLES[name].key)
    if key is not None:
        n, _, shared = key_counts(connection, candidate, key.key)
        rows = candidate.n_rows if candidate.whole else candidate.n_sample
        if shared:
            what = "stands in several rows that differ" if shared == 1 else "stand in several rows each that differ"
            notes.append(f"{counted(shared, 'value')} of the key {shown(key.name)} {what}.")
        if (absent := rows - key.n) > 0 and candidate.n_sample == rows:
            notes.append(f"{counted(absent, 'row')} without {shown(key.name)}.")
    customer, known = table.look("account_id"), accounts.look("account_id")
    if name != "accounts" and customer is not None and known is not None:
        n, there = refers_to(connection, candidate, customer.key, accounts.candidate, known.key)
        if there < n:
            where = "" if candidate.n_sample == candidate.n_rows else " of a sample"
            notes.append(f"{n - there:,} of {counted(n, 'row')}{where} name a customer that accounts does not have.")
    if name == "subscriptions" and table.fit.columns["subscription_id"] == table.fit.columns["account_id"]:
        notes.append(
            "no column numbers the subscriptions, and no customer stands twice: the customer's id serves as theirs."
        )
        if table.candidate == accounts.candidate:
            notes.append(f"{shown(candidate.label)} serves as accounts and as subscriptions.")
    alike = look_alikes(connection, table.fit, table.looks)
    return replace(table, notes=(*notes, *alike.values()), look_alikes=tuple(alike))


def _attributes(
    connection: duckdb.DuckDBPyConnection, accounts: ProposedTable, subscriptions: ProposedTable
) -> tuple[Attribute, ...]:
    canonical = {theirs: name for name, theirs in accounts.fit.columns.items()}
    # What a shared file says of subscriptions is dated there, and some of it is known only when they end.
    bought = set(subscriptions.fit.columns.values()) if subscriptions.candidate == accounts.candidate else set()
    out = []
    for look in accounts.looks:
        name = canonical.get(look.name, look.name)
        if (
            look.is_date
            or not look.n
            or look.name in bought
            or name in ("account_id", "started_on", "parent_account_id", "churned")
        ):
            continue
        levels = _levels(connection, accounts.candidate, look.key, 60)
        if not look.is_number:
            out.append(Attribute(name, look.name, False, look.n_distinct, levels))
            continue
        pattern = number_pattern(accounts.candidate.decimal)
        point = f"replace(trim({look.key}), ',', '.')" if accounts.candidate.decimal == "," else f"trim({look.key})"
        spread = connection.execute(
            f"SELECT stddev_pop(try_cast({point} AS DOUBLE)) FROM {accounts.candidate.sample} "
            f"WHERE regexp_full_match(trim({look.key}), $pattern)",
            {"pattern": pattern},
        ).fetchall()[0][0]
        out.append(Attribute(name, look.name, True, look.n_distinct, levels, look.low, look.high, float(spread or 0.0)))
    return tuple(out)
