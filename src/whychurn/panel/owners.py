"""Who belongs together: accounts under one parent decide together, and are one cluster in every standard error."""

from __future__ import annotations

import duckdb
import pandas as pd

#: Parents of parents are followed this far; what goes on longer is a circle.
_STEPS = 20


def owners(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return the topmost parent of every account that has one.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the table ``accounts``.

    Returns
    -------
    pandas.DataFrame
        ``account_id``, ``owner``. Accounts of a circle have the first of its names as owner. A parent that is no
        account of its own still holds its accounts together.
    """
    return connection.execute(f"""
        WITH RECURSIVE parents AS (
            SELECT DISTINCT ON (account_id) account_id, parent_account_id AS parent FROM accounts
            WHERE parent_account_id IS NOT NULL AND parent_account_id <> account_id
        ),
        up AS (
            SELECT account_id, parent AS owner, 1 AS step FROM parents
            UNION ALL
            SELECT up.account_id, parents.parent, step + 1 FROM up JOIN parents ON parents.account_id = up.owner
            WHERE step < {_STEPS}
        )
        SELECT account_id,
            CASE WHEN max(step) = {_STEPS} THEN min(owner) ELSE last(owner ORDER BY step) END AS owner
        FROM up GROUP BY account_id ORDER BY account_id
    """).df()
