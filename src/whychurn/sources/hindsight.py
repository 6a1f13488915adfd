"""Columns that are known only once a customer has left: by name, or because their values give the outcome away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.sources.contract import KnownAfter
from whychurn.sources.names import shown, tokens

WORDS = {
    "churn", "churned", "attrition", "attrited", "cancel", "cancelled", "canceled", "cancellation", "exit", "exited",
    "leaving", "left", "terminated", "termination", "deactivated", "deactivation", "unsubscribed", "winback", "final",
    "retention", "refund",
}  # fmt: skip
ENDS = {"end", "ended", "closed", "closing", "closure", "stopped", "expired"}
TIMES = {"on", "at", "date", "day", "time", "reason", "month", "year"}
#: A reason is one for leaving unless the name says what else it is for.
OTHER_REASONS = {
    "call", "contact", "ticket", "complaint", "visit", "order", "purchase", "signup", "sign", "join", "joining",
    "acquisition", "subscription", "upgrade",
}  # fmt: skip
FEWEST_VALUES = 10
MOST_LEVELS = 50
#: Levels give churn away if predicting by level errs for at most this share of all rows ...
MOST_WRONG = 0.02
#: ... and of the rarer outcome, without which always guessing the common one would do.
MOST_WRONG_OF_RARER = 0.1

Bools = NDArray[np.bool_]


def known_after_columns(
    frame: pd.DataFrame, columns: Sequence[str], names: Sequence[str] | None = None
) -> tuple[KnownAfter, ...]:
    """Return columns that betray the outcome.

    Two kinds of evidence count: the values and the name (``churn_reason``, ``cancelled_on``, ``end_date``).
    Values are evidence where at least ten leavers, and half of them, have one, while fewer than one in a hundred of
    those who stayed has; where the levels reproduce churn (see :func:`reproduces_churn`); and where every leaver's
    number lies above, or below, that of everyone who stayed.

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
        if why := _given_away(frame[name], churned):
            found.append(KnownAfter(name, why, by_value=True))
        elif named_afterwards(called):
            found.append(KnownAfter(name, "its name says that it is about leaving"))
    return tuple(found)


def _given_away(values: pd.Series, churned: Bools) -> str:
    present = values.notna().to_numpy()
    left, stayed = present[churned], present[~churned]
    if left.sum() >= FEWEST_VALUES and left.mean() >= 0.5 and len(stayed) and stayed.mean() < 0.01:
        return "hardly anyone but leavers has a value in it"
    if side := _separates(values, churned):
        return f"its values are {side} for every leaver than for anyone who stayed"
    return reproduces_churn(values, churned)


def _separates(values: pd.Series, churned: Bools) -> str:
    """Whether numbers of leavers all lie on one side of the others': "higher", "lower" or ""."""
    if not pd.api.types.is_numeric_dtype(values):
        return ""
    numbers = values.to_numpy(dtype=float)
    known = np.isfinite(numbers)
    left, stayed = numbers[known & churned], numbers[known & ~churned]
    # What hardly anyone has a value for can come apart by chance.
    if min(len(left), len(stayed)) < FEWEST_VALUES or known.mean() < 0.5:
        return ""
    return "higher" if left.min() > stayed.max() else "lower" if left.max() < stayed.min() else ""


def reproduces_churn(values: pd.Series, churned: Bools) -> str:
    """Return why the levels of a column are churn under another name, "" if they are not.

    Each row is predicted by the majority of the *other* rows of its level (no value is a level too), so that a level
    with a single row predicts nothing. That must err for 2% of the rows at most, and for no more rows than a tenth of
    the rarer outcome. A column with more than 50 levels is judged by one level against all others: free text for
    leavers, one and the same text for all who stayed.

    Parameters
    ----------
    values : pandas.Series
    churned : ndarray of bool, shape (rows,)
    """
    rarer = int(min(churned.sum(), (~churned).sum()))
    if rarer < FEWEST_VALUES:
        return ""
    most_wrong = min(MOST_WRONG * len(churned), MOST_WRONG_OF_RARER * rarer)
    codes, levels = pd.factorize(values, use_na_sentinel=False)
    if len(levels) < 2:
        return ""
    left = np.bincount(codes[churned], minlength=len(levels))
    stayed = np.bincount(codes[~churned], minlength=len(levels))
    if len(levels) <= MOST_LEVELS:
        wrong = np.where(left - 1 > stayed, 0, left) + np.where(stayed - 1 > left, 0, stayed)
        if wrong.sum() > most_wrong:
            return ""
        share = 1 - (np.minimum(left, stayed).sum() / len(churned))
        return f"its levels say who left for {_percent(share)} of the customers"
    for own, other, who in ((stayed, left, "all who stayed"), (left, stayed, "all who left")):
        level = int(own.argmax())
        if own.sum() - own[level] + other[level] <= most_wrong:
            value = levels[level]
            what = "no value" if pd.isna(value) else shown(f"{value:g}" if isinstance(value, float) else value, 30)
            return f"{what} stands there for nearly {who}, and for hardly anyone else"
    return ""


def _percent(share: float) -> str:
    return "100%" if share == 1 else f"{min(100 * share, 99.9):.1f}%"


def named_afterwards(name: str) -> bool:
    """Whether a column's name says that it is filled when a customer leaves."""
    words = set(tokens(name))
    reason = "reason" in words and not words & OTHER_REASONS
    return bool(words & WORDS) or bool(words & ENDS and words & TIMES) or reason
