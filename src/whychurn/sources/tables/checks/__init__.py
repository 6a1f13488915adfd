"""Do a company's tables agree with one another, and can they carry an answer?

One module per kind of question; each yields findings whose codes and thresholds stand in ``docs/verdict.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

import duckdb

from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.tables.checks.activity_checks import check_activity
from whychurn.sources.tables.checks.calendar_checks import check_calendar
from whychurn.sources.tables.checks.columns_checks import check_columns
from whychurn.sources.tables.checks.declaration_checks import check_declarations
from whychurn.sources.tables.checks.enough_checks import check_enough
from whychurn.sources.tables.checks.events_checks import check_events
from whychurn.sources.tables.checks.evidence import Evidence
from whychurn.sources.tables.checks.history_checks import check_history
from whychurn.sources.tables.checks.register_checks import check_register
from whychurn.sources.tables.checks.spans import Population, account_spans, count_population
from whychurn.sources.tables.checks.spelling_checks import check_spelling
from whychurn.sources.tables.checks.subscriptions_checks import check_subscriptions
from whychurn.sources.tables.checks.terms_checks import check_terms
from whychurn.sources.tables.checks.tracking_checks import check_tracking
from whychurn.study import TableStudy

__all__ = ["Population", "check_tables", "count_population"]

_CHECKS: tuple[Callable[[Evidence], Iterator[IntegrityFinding]], ...] = (
    check_enough,
    check_history,
    check_register,
    check_subscriptions,
    check_terms,
    check_activity,
    check_events,
    check_calendar,
    check_tracking,
    check_spelling,
    check_columns,
    check_declarations,
)


def check_tables(
    connection: duckdb.DuckDBPyConnection,
    study: TableStudy,
    tables: Mapping[str, int],
    tracked_from: Mapping[str, date],
) -> tuple[IntegrityFinding, ...]:
    """Return every finding about the tables of a study, in the order of the checks.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds every table of the contract, typed; nothing in it is changed.
    study : TableStudy
    tables : Mapping of str to int
        Table -> rows, of those the company has.
    tracked_from : Mapping of str to datetime.date
        First day each log was recorded, as declared or found.
    """
    evidence = Evidence(connection, study, tables, tracked_from)
    with account_spans(connection, study):
        return tuple(finding for check in _CHECKS for finding in check(evidence))
