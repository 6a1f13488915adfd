"""Which column of an unknown file plays which part: decided only where the name and the values agree."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from whychurn.errors import StudyError, some
from whychurn.sources.grammar import what_to_do
from whychurn.sources.names import counted, shown, suggestion, tokens
from whychurn.sources.shapes import FEW_VALUES, MOSTLY, as_numbers, date_like, odd_cells

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
NOT_CHURN = {"score", "reason", "category", "date", "risk", "probability"}
YES_NO = {"yes", "no", "y", "n", "true", "false", "t", "f", "1", "0"}
ID_WORDS = {
    "id", "uuid", "guid", "rownames", "key", "customerid", "accountid", "userid", "clientid", "kundennr",
    "kundennummer", "kundenid", "customernumber", "accountnumber", "customerno", "accountno",
}  # fmt: skip
#: A name made of these alone is an id; beside other words they are not ("account length").
ID_PARTS = {
    "kunde", "kunden", "nr", "nummer", "customer", "client", "account", "no", "num", "number", "user", "member",
    "subscriber",
}  # fmt: skip
NEARLY_UNIQUE = 0.95
UNITS = {
    "day": "days", "days": "days", "week": "weeks", "weeks": "weeks", "month": "months", "months": "months",
    "year": "years", "years": "years", "yrs": "years", "mths": "months",
}  # fmt: skip


class OpenQuestion(StudyError):
    """What a file does not say: the question, the option that answers it, and a likely answer ("" if none is)."""

    def __init__(self, question: str, option: str, guess: str = "") -> None:
        super().__init__(question)
        self.option, self.guess = option, guess


def find_id(frame: pd.DataFrame, text: pd.DataFrame) -> str | None:
    """Return the column that identifies a customer.

    Rows that repeat another in every column do not count. A column that is different everywhere is taken if it is
    named like an id or stands first in the file; one named like an id also if it is different nearly everywhere, so
    that the rows which share an id can be reported.

    Parameters
    ----------
    frame, text : pandas.DataFrame
        The file typed, and as text.
    """
    rows = text[~text.duplicated()] if len(text) else text
    likely: list[tuple[int, int, str]] = []
    for position, name in enumerate(text.columns):
        values = rows[name]
        distinct, n = values.nunique(), len(values)
        if n < 2 or distinct < NEARLY_UNIQUE * n:
            continue
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        if numeric and not bool((frame[name].dropna() % 1 == 0).all()):
            continue
        named = named_like_an_id(name)
        if distinct == n and (named or position == 0):
            likely.append((0 if named else 2, position, str(name)))
        elif named:
            likely.append((1, position, str(name)))
    return min(likely)[2] if likely else None


def named_like_an_id(name: str) -> bool:
    """Whether a column's name is that of an identifier; "account length" and "number of calls" are not."""
    words = set(tokens(name))
    return bool(words & ID_WORDS) or ("number" in words and bool(words & {"account", "customer"})) or words <= ID_PARTS


def find_tenure(frame: pd.DataFrame, text: pd.DataFrame, decimal: str, taken: Sequence[str], asked: str | None) -> str:
    """Return the column of tenure: nine in ten of its values, at least, are numbers from 0 up.

    Raises
    ------
    OpenQuestion
        If the names do not decide; candidates are listed.
    StudyError
        If the one asked for is not there, or does not count time.
    """
    if asked is not None:
        name = _existing(frame, asked, "--tenure")
        if problem := _not_time(name, text[name], decimal):
            raise StudyError(f"--tenure: {problem}")
        return name
    free = [str(name) for name in frame.columns if name not in taken]
    problems = {name: _not_time(name, text[name], decimal) for name in free if _tenure_score(name) >= 4}
    numbers = [name for name in free if not problems.get(name, "" if _counts_time(frame[name], text[name]) else "no")]
    scored = sorted(((_tenure_score(name), name) for name in numbers), key=lambda pair: -pair[0])
    if scored and scored[0][0] >= 4 and (len(scored) == 1 or scored[1][0] < scored[0][0]):
        return scored[0][1]
    likely = [name for score, name in scored if score] or numbers
    dates = [name for name in frame.columns if date_like(frame[name])]
    parts = ["Which column counts how long a customer has been (or was) a customer?"]
    parts += [f"By its name {problem}" for problem in problems.values() if problem]
    if likely:
        parts.append(f"Candidates: {_listed(likely)}.")
    elif not any(problems.values()):
        parts.append("No column of the file is made of numbers from 0 up.")
    if dates and not [name for score, name in scored if score]:
        are = "looks like a date" if len(dates) == 1 else "look like dates"
        parts.append(f"{_listed(dates)} {are}: compute the tenure from {'it' if len(dates) == 1 else 'them'}.")
    parts.append("Say it with --tenure COLUMN.")
    raise OpenQuestion(" ".join(parts), "--tenure", likely[0] if likely else "")


def find_churned(frame: pd.DataFrame, text: pd.DataFrame, taken: Sequence[str], asked: str | None) -> str:
    """Return the column that says who left.

    Raises
    ------
    OpenQuestion
        If the names do not decide; candidates are listed, with their values where they have more than two.
    StudyError
        If the one asked for is not there.
    """
    if asked is not None:
        return _existing(frame, asked, "--churned")
    levels = {str(name): text[name].nunique() for name in frame.columns if name not in taken}
    named = [name for name in levels if _churn_named(name)]
    two_valued = [name for name in named if levels[name] == 2]
    if len(two_valued) == 1:
        return two_valued[0]
    likely = two_valued or [name for name in named if levels[name] <= FEW_VALUES]
    likely = likely or [name for name in levels if levels[name] == 2]
    if likely:
        listed = f"Candidates: {_listed(likely)}."
        listed += "".join(f" {_values_of(text[name])}" for name in likely[:8] if levels[name] > 2)
    else:
        likely = [name for name in levels if 2 < levels[name] <= FEW_VALUES]
        listed = "No column of the file has two values."
        if likely:
            few = "; ".join(_values_of(text[name]).removesuffix(".") for name in likely[:8])
            listed += f" Columns with few values: {few}{' …' if len(likely) > 8 else ''}."
    question = f"Which column says whether a customer left? {listed} Say it with --churned COLUMN."
    raise OpenQuestion(question, "--churned", likely[0] if likely else "")


def _values_of(values: pd.Series) -> str:
    levels = [str(level) for level in values.dropna().value_counts().index]
    return f"{shown(values.name, 40)} has the values {_listed(levels)}."


def churn_values(text: pd.Series, name: str, asked: str | Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the values that mean "left" and those that mean "still here".

    Parameters
    ----------
    text : pandas.Series
        The column as text.
    name : str
    asked : str or sequence of str, optional
        Values that mean "left".

    Raises
    ------
    OpenQuestion
        If it is not plain which value means "left".
    StudyError
        If a value asked for does not occur, or no value is left for those who stayed.
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
    guess = left[0] if left else next((level for level in reversed(levels) if level not in stayed), "")
    raise OpenQuestion(
        f"Which value of {shown(name)} means that the customer left? Its values are {_listed(levels)}. "
        "Say it with --churned-when VALUE.",
        "--churned-when",
        guess,
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
        "active", "since", "as", "with", "on", "member", "customer", "subscribed", "subscription", "relationship",
    }  # fmt: skip
    if words & set(UNITS) and since:
        return 6
    return 4 if words & {"lifetime", "duration", "seniority"} or words <= set(UNITS) else 0


def _counts_time(numbers: pd.Series, text: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(numbers):
        return False
    good = numbers[numbers >= 0]
    return good.nunique() > 2 and len(good) >= MOSTLY * int(text.notna().sum())


def _not_time(name: str, text: pd.Series, decimal: str) -> str:
    """Say why a column cannot be the tenure, "" if it can."""
    numbers = as_numbers(text, decimal)
    if _counts_time(numbers, text):
        return ""
    known, odd = int(text.notna().sum()), odd_cells(text, numbers, least=0)
    if len(odd) > (1 - MOSTLY) * known:
        if date_like(text.astype(object)):
            return f"{shown(name)} looks like a date; compute the tenure from it."
        examples = list(dict.fromkeys(odd))
        listed = f"such as {some(map(shown, examples))}"
        if len(odd) == known:
            return f"{shown(name)} holds no numbers from 0 up; its values are {listed}. {what_to_do(odd[:50], decimal)}"
        return (
            f"{len(odd):,} of {known:,} values of {shown(name)} are not numbers from 0 up, {listed}. "
            f"{what_to_do(odd[:50], decimal)}"
        )
    if not known:
        return f"{shown(name)} has no values."
    return f"{shown(name)} holds only {counted(int(numbers.nunique()), 'different number')}."


def _churn_named(name: str) -> bool:
    words = tokens(name)
    return bool(set(words) & CHURN_WORDS) and not set(words) & NOT_CHURN


def _yes_no(levels: Sequence[str]) -> bool:
    return {level.strip().casefold() for level in levels} <= YES_NO


def _existing(frame: pd.DataFrame, name: str, option: str) -> str:
    if name in frame.columns:
        return name
    known = [str(column) for column in frame.columns]
    raise StudyError(
        f"{option}: there is no column {shown(name)}.{suggestion(name, known)} Columns: {_listed(known, 30)}."
    )


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(shown(name, 40) for name in names[:most]) + (" …" if len(names) > most else "")
