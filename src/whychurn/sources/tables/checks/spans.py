"""From when to when each account had a subscription: what most checks hold other tables against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from whychurn.sources.connection import first_row
from whychurn.sources.tables.ends import end_of_service
from whychurn.study import TableStudy

SPANS = "checked_spans"


@dataclass(frozen=True, slots=True)
class Population:
    """Who is studied, counted simply: accounts with service in the window, and those whose last end lies in it."""

    accounts: int
    subscriptions: int
    leavers: int


@contextmanager
def account_spans(connection: duckdb.DuckDBPyConnection, study: TableStudy) -> Iterator[None]:
    """Hold a temporary table of ``account_id``, ``first_on`` and ``last_on`` (null while active) for a while.

    Subscriptions without a day of service are left out, as in the panel.
    """
    end = end_of_service(study.definition)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {SPANS} AS SELECT account_id, min(started_on) AS first_on, "
        f"CASE WHEN bool_or({end} IS NULL) THEN NULL ELSE max({end}) END AS last_on "
        f"FROM subscriptions WHERE {end} IS NULL OR {end} > started_on GROUP BY account_id"
    )
    try:
        yield
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {SPANS}")


def count_population(connection: duckdb.DuckDBPyConnection, study: TableStudy) -> Population:
    """Return how many accounts are studied and how many of them left, by the ends of their subscriptions alone.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the typed tables.
    study : TableStudy
    """
    with account_spans(connection, study):
        return population_of(connection, study)


def population_of(connection: duckdb.DuckDBPyConnection, study: TableStudy) -> Population:
    """As :func:`count_population`, where the spans are there already."""
    window = {"begin": study.observed_from, "end": study.observed_to}
    accounts, leavers = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE last_on < $end) FROM {SPANS} "
        "WHERE first_on < $end AND (last_on IS NULL OR last_on > $begin)",
        window,
    ).fetchall()[0]
    (subscriptions,) = first_row(connection, "SELECT count(*) FROM subscriptions")
    return Population(int(accounts), int(subscriptions), int(leavers))
