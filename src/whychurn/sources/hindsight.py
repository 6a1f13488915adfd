"""Columns that are known only once a customer has left: by name, or because only leavers have a value."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from whychurn.sources.contract import KnownAfter
from whychurn.sources.names import tokens

WORDS = {
    "churn", "churned", "attrition", "attrited", "cancel", "cancelled", "canceled", "cancellation", "exit", "exited",
    "leaving", "left", "terminated", "termination", "deactivated", "deactivation", "unsubscribed", "winback",
}  # fmt: skip
ENDS = {"end", "ended", "closed", "closing", "closure", "stopped", "expired"}
TIMES = {"on", "at", "date", "day", "time", "reason", "month", "year"}
FEWEST_VALUES = 10


def known_after_columns(
    frame: pd.DataFrame, columns: Sequence[str], names: Sequence[str] | None = None
) -> tuple[KnownAfter, ...]:
    """Return columns that betray the outcome.

    Two kinds of evidence count: the name (``churn_reason``, ``cancelled_on``, ``end_date``), and the values: at
    least ten leavers, and half of them, have one, while fewer than one in a hundred of those who stayed has.

    Parameters
    ----------
    frame : pandas.DataFrame
        With a boolean column ``churned``.
    columns : sequence of str
    names : sequence of str, optional
        What the columns are called in the file; default: the same.
    """
    churned = frame["churned"].to_numpy(dtype=bool)
    found = []
    for name, called in zip(columns, names or columns, strict=True):
        present = frame[name].notna().to_numpy()
        left, stayed = present[churned], present[~churned]
        if left.sum() >= FEWEST_VALUES and left.mean() >= 0.5 and len(stayed) and stayed.mean() < 0.01:
            found.append(KnownAfter(name, "hardly anyone but leavers has a value in it"))
        elif named_afterwards(called):
            found.append(KnownAfter(name, "its name says that it is about leaving"))
    return tuple(found)


def named_afterwards(name: str) -> bool:
    """Whether a column's name says that it is filled when a customer leaves."""
    words = set(tokens(name))
    return bool(words & WORDS) or bool(words & ENDS and words & TIMES)
