"""The ledger of spells: who is left out, and what a reader must know of those who stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import duckdb

from whychurn.sources import LedgerStep
from whychurn.sources.names import counted, quoted
from whychurn.study import TableStudy
from whychurn.study.tables_schema import Definition


def spell_ledger(
    connection: duckdb.DuckDBPyConnection, study: TableStudy, definition: Definition, into: str, service: str
) -> tuple[LedgerStep, ...]:
    """Count what :func:`whychurn.panel.spells.make_spells` left out, while its working tables are still there."""
    counts = _Counts(connection)
    kept, everything = quoted(f"{service}_subscriptions"), quoted(f"{into}_all")
    window = {"begin": study.observed_from, "end": study.observed_to}
    n_subscriptions = counts.one("SELECT count(*) FROM subscriptions")
    n_kept = counts.one(f"SELECT count(*) FROM {kept}")
    n_accounts = counts.one("SELECT count(*) FROM accounts")
    n_all = counts.one(f"SELECT count(*) FROM {everything}")
    before = counts.where(everything, "ended_on <= $begin", {"begin": study.observed_from})
    after = counts.where(everything, "started_on >= $end", {"end": study.observed_to})
    never = counts.where("accounts", f"account_id NOT IN (SELECT account_id FROM {kept})")
    n_at_risk = n_all - before[0] - after[0]
    return (
        _step(
            "subscriptions without a day of service", "subscriptions",
            f"A subscription that ends on or before its first day ({definition.recognise}) gives no service.",
            n_subscriptions, n_subscriptions - n_kept,
            counts.examples(f"SELECT subscription_id FROM subscriptions ANTI JOIN {kept} USING (subscription_id)"),
        ),
        _step(
            "accounts without service", "accounts",
            "An account without a subscription that gives service was never a customer.",
            n_accounts, never[0], never[1],
        ),
        LedgerStep(
            step="subscriptions joined into spells", table="spells",
            rule=_rule(definition),
            n_before=n_kept, n_after=n_all, n_affected=n_kept,
            note=_joined_note(counts, kept, n_all, study, definition, quoted(service)),
        ),
        _step(
            "spells over before the window", "spells",
            f"A spell that ended on or before {study.observed_from} was not at risk in the window.", n_all, *before,
        ),
        _step(
            "spells that begin after the window", "spells",
            f"A spell that starts on or after {study.observed_to} was not at risk in the window.",
            n_all - before[0], *after,
        ),
        LedgerStep(
            step="spells at risk", table="spells",
            rule=f"Spells with a day of service from {study.observed_from} up to, not including, {study.observed_to}.",
            n_before=n_at_risk, n_after=n_at_risk, n_affected=0,
            note=_risk_note(counts, quoted(into), definition, window),
        ),
    )  # fmt: skip


class _Counts:
    """Counts and examples of a connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def one(self, sql: str, values: Mapping[str, Any] | None = None) -> int:
        return int(self.connection.execute(sql, values or {}).fetchall()[0][0])

    def examples(self, sql: str) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in self.connection.execute(f"{sql} ORDER BY 1 LIMIT 3").fetchall())

    def where(self, table: str, condition: str, values: Mapping[str, Any] | None = None) -> tuple[int, tuple[str, ...]]:
        found = self.connection.execute(
            f"SELECT count(*) OVER (), account_id FROM {table} WHERE {condition} ORDER BY 2 LIMIT 3", values or {}
        ).fetchall()
        return (int(found[0][0]), tuple(str(row[1]) for row in found)) if found else (0, ())


def _step(
    step: str, table: str, rule: str, n_before: int, n_out: int, examples: Sequence[str] = (), note: str = ""
) -> LedgerStep:
    return LedgerStep(step, table, rule, n_before, n_before - n_out, n_out, tuple(examples), note)


def _rule(definition: Definition) -> str:
    day = "its term ends" if definition.recognise == "term end" else "it is cancelled, or ends if that is sooner"
    parts = [
        f"{definition.name}: a subscription gives service until {day}.",
        f"Periods of service at most {counted(definition.allowed_gap_days, 'day')} apart are one spell.",
    ]
    if definition.delinquent_after_days is not None:
        days = counted(definition.delinquent_after_days, "day")
        parts.append(f"Days from {days} after a bill was due, until it or a later one is paid, are no service.")
    if definition.inactive_after_days is not None:
        parts.append(f"Days after {definition.inactive_after_days:,} days without use are no service.")
    return " ".join(parts)


def _joined_note(
    counts: _Counts, kept: str, n_all: int, study: TableStudy, definition: Definition, service: str
) -> str:
    overlapping = counts.one(f"""
        SELECT count(DISTINCT account_id) FROM (
            SELECT account_id, started_on < max(coalesce(ended_on, DATE '9999-12-31')) OVER (
                PARTITION BY account_id ORDER BY started_on, subscription_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS overlapping FROM {kept}
        ) WHERE overlapping
    """)
    bridged = counts.one(
        f"""
        SELECT count(*) FROM (
            SELECT started_on - lag(ended_on) OVER (PARTITION BY account_id ORDER BY started_on) AS gap FROM {service}
        ) WHERE gap BETWEEN 1 AND $most
        """,
        {"most": definition.allowed_gap_days},
    )
    notes = []
    if overlapping:
        notes.append(f"{counted(overlapping, 'account')} had several subscriptions at a time: one spell each.")
    if bridged:
        notes.append(f"{counted(bridged, 'gap')} without service counted as service, being short enough.")
    gaps = study.tables["usage"].not_tracked if "usage" in study.tables else ()
    if definition.inactive_after_days is not None and gaps:
        long = counted(len(gaps), "gap")
        notes.append(f"Use was not recorded in {long}; those days are not counted as days without use.")
    return " ".join(notes) if n_all else "There is no spell."


def _risk_note(counts: _Counts, spells: str, definition: Definition, window: Mapping[str, Any]) -> str:
    late = counts.one(f"SELECT count(*) FROM {spells} WHERE entered_on > started_on")
    returns = counts.one(f"SELECT count(*) FROM {spells} WHERE spell > 1 AND entered_on = started_on")
    since = window["end"] - timedelta(days=definition.allowed_gap_days)
    recent = counts.one(f"SELECT count(*) FROM {spells} WHERE ended_on >= $since", {"since": since})
    notes = []
    if late:
        notes.append(f"{counted(late, 'spell')} began before the window and {_are(late)} at risk from its first day.")
    if returns:
        notes.append(f"{counted(returns, 'return')} after a longer gap opened a new spell.")
    if recent:
        days = counted(definition.allowed_gap_days, "day")
        notes.append(f"{counted(recent, 'spell')} ended at most {days} before {window['end']} and may yet go on.")
    return " ".join(notes)


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
