"""Which column of an unknown file plays which part: decided only where the name and the values agree."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from whychurn.errors import StudyError
from whychurn.sources.names import shown, suggestion, tokens

MEANS_LEFT = {
    "yes", "y", "true", "t", "1", "left", "churn", "churned", "cancelled", "canceled", "exited", "closed", "lost",
    "gone", "inactive", "terminated", "attrited", "attrited customer", "former",
}  # fmt: skip
MEANS_STAYED = {
    "no", "n", "false", "f", "0", "stayed", "active", "current", "open", "retained", "existing", "existing customer",
    "not churned",
}  # fmt: skip
CHURN_WORDS = {
    "churn", "churned", "attrition", "attrited", "left", "exited", "cancelled", "canceled", "lost",
}  # fmt: skip
UNITS = {
    "day": "days", "days": "days", "week": "weeks", "weeks": "weeks", "month": "months", "months": "months",
    "year": "years", "years": "years", "yrs": "years", "mths": "months",
}  # fmt: skip


def find_id(frame: pd.DataFrame) -> str | None:
    """Return the column that identifies a row: different everywhere, and named like an id or first in the file."""
    for position, name in enumerate(frame.columns):
        values = frame[name]
        if values.isna().any() or values.nunique() < len(values) or len(values) < 2:
            continue
        words = tokens(name)
        named = bool({"id", "uuid", "guid", "rownames", "key", "customerid", "accountid", "userid"} & set(words))
        named = named or {"number", "account"} <= set(words) or {"number", "customer"} <= set(words)
        numbered = pd.api.types.is_numeric_dtype(values) and position == 0 and bool((values % 1 == 0).all())
        if named or (position == 0 and values.dtype == object) or numbered:
            return str(name)
    return None


def find_tenure(frame: pd.DataFrame, taken: Sequence[str], asked: str | None) -> str:
    """Return the column of tenure.

    Raises
    ------
    StudyError
        If the one asked for is not there, or the names do not decide; candidates are listed.
    """
    if asked is not None:
        name = _existing(frame, asked, "--tenure")
        if not _counts_time(frame[name]):
            raise StudyError(f"--tenure: {shown(name)} holds no numbers from 0 up, or hardly any different ones.")
        return name
    numbers = [name for name in frame.columns if name not in taken and _counts_time(frame[name])]
    scored = sorted(((_tenure_score(name), name) for name in numbers), key=lambda pair: -pair[0])
    if scored and scored[0][0] >= 4 and (len(scored) == 1 or scored[1][0] < scored[0][0]):
        return scored[0][1]
    likely = [name for score, name in scored if score] or numbers
    raise StudyError(
        "Which column counts how long a customer has been (or was) a customer? "
        + (f"Candidates: {_listed(likely)}. " if likely else "No column of the file holds numbers from 0 up. ")
        + "Say it with --tenure COLUMN."
    )


def find_churned(frame: pd.DataFrame, taken: Sequence[str], asked: str | None) -> str:
    """Return the column that says who left.

    Raises
    ------
    StudyError
        If the one asked for is not there or has not two values, or the names do not decide.
    """
    if asked is not None:
        return _existing(frame, asked, "--churned")
    named = [name for name in frame.columns if name not in taken and _churn_named(name)]
    two_valued = [name for name in named if frame[name].nunique() == 2]
    if len(two_valued) == 1:
        return two_valued[0]
    others = [name for name in frame.columns if name not in taken and frame[name].nunique() == 2]
    likely = two_valued or named or others
    raise StudyError(
        "Which column says whether a customer left? "
        + (f"Candidates: {_listed(likely)}. " if likely else "No column of the file has two values. ")
        + "Say it with --churned COLUMN."
    )


def churn_values(
    frame: pd.DataFrame, text: pd.Series, name: str, asked: str | Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return the values that mean "left" and those that mean "still here".

    Parameters
    ----------
    frame : pandas.DataFrame
    text : pandas.Series
        The column as text.
    name : str
    asked : str or sequence of str, optional
        Values that mean "left".

    Raises
    ------
    StudyError
        If it is not plain which value means "left".
    """
    levels = [str(level) for level in text.dropna().value_counts().index]
    if asked:
        left = [asked] if isinstance(asked, str) else list(asked)
        absent = [value for value in left if value not in levels]
        stayed = [level for level in levels if level not in left]
        if absent or not stayed:
            raise StudyError(
                f"--churned-when: {_listed(absent or left)}; the values of {shown(name)} are {_listed(levels)}."
            )
        return left, stayed
    left = [level for level in levels if level.strip().casefold() in MEANS_LEFT]
    stayed = [level for level in levels if level.strip().casefold() in MEANS_STAYED]
    # In a column named "active", "yes" means the opposite: the name must be about leaving.
    if len(levels) == 2 and len(left) == len(stayed) == 1 and (_churn_named(name) or not _yes_no(levels)):
        return left, stayed
    raise StudyError(
        f"Which value of {shown(name)} means that the customer left? Its values are {_listed(levels)}. "
        "Say it with --churned-when VALUE."
    )


def find_amount(frame: pd.DataFrame, taken: Sequence[str], unit: str) -> str | None:
    """Return the recurring amount per time unit if one column, by its name, is that."""
    words_of = {name: set(tokens(name)) for name in frame.columns}
    period = {
        "months": {"monthly", "mrr"},
        "years": {"yearly", "annual", "arr"},
        "weeks": {"weekly"},
        "days": {"daily"},
    }
    found = [
        name
        for name in frame.columns
        if name not in taken
        and pd.api.types.is_numeric_dtype(frame[name])
        and words_of[name] & period[unit]
        and words_of[name] & {"charge", "charges", "fee", "fees", "price", "amount", "revenue", "mrr", "arr", "spend"}
    ]
    return found[0] if len(found) == 1 else None


def time_unit(name: str) -> str:
    """Return the unit that a column's name states, or ""."""
    found = {UNITS[word] for word in tokens(name) if word in UNITS}
    return found.pop() if len(found) == 1 else ""


def _tenure_score(name: str) -> int:
    words = set(tokens(name))
    if "tenure" in words:
        return 10
    if {"account", "length"} <= words or ({"length", "stay"} <= words):
        return 8
    since = words & {
        "active",
        "since",
        "as",
        "with",
        "on",
        "member",
        "customer",
        "subscribed",
        "subscription",
        "relationship",
    }
    if words & set(UNITS) and since:
        return 6
    return 4 if words & {"lifetime", "duration", "seniority"} or words <= set(UNITS) else 0


def _counts_time(values: pd.Series) -> bool:
    known = values.dropna()
    return pd.api.types.is_numeric_dtype(values) and known.nunique() > 2 and bool((known >= 0).all())


def _churn_named(name: str) -> bool:
    words = tokens(name)
    return bool(set(words) & CHURN_WORDS) and not set(words) & {
        "score",
        "reason",
        "category",
        "date",
        "risk",
        "probability",
    }


def _yes_no(levels: Sequence[str]) -> bool:
    return {level.strip().casefold() for level in levels} <= {
        "yes",
        "no",
        "y",
        "n",
        "true",
        "false",
        "t",
        "f",
        "1",
        "0",
    }


def _existing(frame: pd.DataFrame, name: str, option: str) -> str:
    if name in frame.columns:
        return name
    known = [str(column) for column in frame.columns]
    raise StudyError(
        f"{option}: there is no column {shown(name)}.{suggestion(name, known)} Columns: {_listed(known, 30)}."
    )


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(shown(name, 40) for name in names[:most]) + (" …" if len(names) > most else "")
