"""The column of a log that says what was done: by its name, else by its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from whychurn.sources.tables.guess_words import meaning_of_action
from whychurn.sources.tables.propose_candidate import Candidate
from whychurn.sources.tables.propose_columns import ColumnLook

#: A log has no more kinds of actions than this, and names each of them many times.
MOST_KINDS = 200
#: The share of values whose words must say what was done, for a column to be taken whatever it is called.
ENOUGH_KNOWN = 0.5


def share_of_actions(connection: duckdb.DuckDBPyConnection, candidate: Candidate, look: ColumnLook) -> float:
    """Return the share of values that are, by their words, a login, a use or a failure."""
    return _known(connection, candidate, look)[0]


def action_by_values(
    connection: duckdb.DuckDBPyConnection,
    candidate: Candidate,
    looks: Sequence[ColumnLook],
    columns: Mapping[str, str],
    shut: set[str],
) -> str:
    """Return the column whose values are actions, "" if there is none.

    Columns that play no part are looked at first, then the one taken for the module. Words of use alone are not
    enough: tickets are open, too. There must be logins, or failures beside uses.
    """
    parts = {theirs: canonical for canonical, theirs in columns.items()}
    for allowed in ("", "module"):
        if allowed in shut:
            continue
        known = {
            look.name: _known(connection, candidate, look)
            for look in looks
            if parts.get(look.name, "") == allowed
            and look.n
            and not look.is_date
            and not look.is_number
            and look.n_distinct <= min(MOST_KINDS, look.n / 2)
        }
        telling = {
            name: share
            for name, (share, kinds) in known.items()
            if share >= ENOUGH_KNOWN and ("login" in kinds or {"use", "failed"} <= kinds)
        }
        if telling:
            return max(telling, key=lambda name: telling[name])
    return ""


def _known(
    connection: duckdb.DuckDBPyConnection, candidate: Candidate, look: ColumnLook
) -> tuple[float, frozenset[str]]:
    """The share of values whose meaning the words say, and which meanings there are."""
    rows = connection.execute(
        f"SELECT trim({look.key}), count(*) FROM {candidate.sample} WHERE {look.key} IS NOT NULL GROUP BY 1 "
        "ORDER BY 2 DESC LIMIT 100"
    ).fetchall()
    meant = [(meaning_of_action(str(value)), n) for value, n in rows]
    known = sum(n for meaning, n in meant if meaning not in ("", "ignore"))
    return (float(known / look.n) if look.n else 0.0), frozenset(meaning for meaning, _ in meant)
