"""What a proposed study of tables needs to know of the rows: doubts, actions, reasons, attributes, the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
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

#: What a log records as having happened; what is due or planned says nothing about how far it reaches.
HAPPENED: Mapping[str, tuple[str, ...]] = {
    "usage": ("at",),
    "tickets": ("opened_at", "closed_at", "csat_at"),
    "surveys": ("answered_at", "invited_at"),
    "interactions": ("at",),
    "interventions": ("assigned_on", "contacted_on"),
    "payments": ("paid_on", "failed_on"),
}
REGISTERED = {"accounts": ("started_on",), "subscriptions": ("started_on", "cancelled_on", "ended_on")}
MOST_ACTIONS = 200
#: A study has two intervals of seven days at least.
SHORTEST = 14


@dataclass(frozen=True)
class ProposedTable:
    """A file as a table: what its columns are, how its dates are written, what to check."""

    fit: Fit
    looks: tuple[ColumnLook, ...]
    dates: Mapping[str, Dates]
    notes: tuple[str, ...] = ()

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
    observed_from: date
    observed_to: date
    window: tuple[str, str]
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
    begin, end, window = _window(checked)
    unused = [(one.label, f"{counted(one.n_rows, 'row')}; no table of the contract") for one in left]
    unused += [(label, f"could not be read: {reason}") for label, reason in found.unreadable]
    clocks = [dates for table in tables.values() for dates in table.dates.values() if dates.clock]
    return Proposal(
        folder=folder,
        database=found.database if any(table.candidate.table for table in tables.values()) else "",
        tables=checked,
        observed_from=begin,
        observed_to=end,
        window=window,
        actions=actions,
        reasons=values_of(connection, subscriptions, "end_reason", 2000),
        attributes=_attributes(connection, accounts),
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
    for look in table.looks:
        column = next((c for c in TABLES[name].columns if c.name == look.name), None)
        if column is not None and look.name not in table.fit.columns.values() and column.name not in table.fit.columns:
            notes.append(
                f"the column {shown(look.name)} is called like one of the contract, but its values are not of that kind."
            )
    return replace(table, notes=tuple(notes))


def _window(tables: Mapping[str, ProposedTable]) -> tuple[date, date, tuple[str, str]]:
    """Propose the window, with a sentence on how each end was chosen."""

    def days(names: Mapping[str, tuple[str, ...]]) -> list[tuple[date, date, str]]:
        return [
            (dates.first, dates.last, name)
            for name, columns in names.items()
            if name in tables
            for column, dates in tables[name].dates.items()
            if column in columns and dates.first is not None and dates.last is not None
        ]

    logs, registers = days(HAPPENED), days(REGISTERED)
    started = min((first for first, _, name in registers if name == "subscriptions"), default=None)
    if not registers or started is None:
        raise StudyError("No subscription has a first day up to today: there is nothing to observe.")
    used = [(first, last) for first, last, name in logs if name == "usage"]
    if used and (used[0][1] - max(started, used[0][0])).days < SHORTEST:
        used = []
    begin, begin_note = started, "the first subscription"
    if used and used[0][0] > started:
        begin, begin_note = used[0][0], "the first record in usage"
    # Without usage, what is logged may be rare: then what subscriptions record says how far the files reach.
    last, source = max((last, name) for _, last, name in (logs if used else logs + registers))
    end_note = f"the day after the last record in {source}" + ("" if source in HAPPENED else " up to today")
    end = last + timedelta(days=1)
    if (end - begin).days < SHORTEST:
        raise StudyError(
            f"The dates span {(end - begin).days} days, {begin} to {end}; two weeks are the least. Check how the dates "
            "are written (--date-format)."
        )
    return begin, end, (begin_note, end_note)


def _attributes(connection: duckdb.DuckDBPyConnection, accounts: ProposedTable) -> tuple[Attribute, ...]:
    canonical = {theirs: name for name, theirs in accounts.fit.columns.items()}
    out = []
    for look in accounts.looks:
        name = canonical.get(look.name, look.name)
        if look.is_date or not look.n or name in ("account_id", "started_on", "parent_account_id", "churned"):
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
