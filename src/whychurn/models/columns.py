"""Read columns of a frame as arrays, refusing what no estimator should see.

Every public fit reads its columns through these functions, so a missing column, a missing value, a
negative time or a weight of zero meets the same words everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.errors import FitError, some

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Booleans: TypeAlias = NDArray[np.bool_]

# Whole-number labels that span at most this are counted.
_SHORT_RUN = 1 << 16
_SAME_TIME = 1e-10


def require_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise `FitError` naming the columns that are absent and those that are there."""
    if not isinstance(frame, pd.DataFrame):
        raise FitError(f"A pandas DataFrame is wanted, not {type(frame).__name__}.")
    unnamed = [name for name in names if not isinstance(name, str)]
    if unnamed:
        raise FitError(
            f"Columns are named by text, not {some(map(repr, unnamed))}: rename them, e.g. with astype(str)."
        )
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise FitError(
            f"No column {some(repr(name) for name in absent)}. Available columns: {some(frame.columns, most=30)}."
        )
    repeated = [name for name in names if (frame.columns == name).sum() > 1]
    if repeated:
        raise FitError(f"The frame has several columns called {repeated[0]!r}; give each its own name.")


def read_numbers(frame: pd.DataFrame, name: str) -> Floats:
    """Return a finite float column, shape (n,).

    Raises
    ------
    FitError
        The column is absent, not numeric, missing somewhere or infinite somewhere.
    """
    require_columns(frame, [name])
    column = frame[name]
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        raise FitError(f"Column {name!r} holds dates or durations; give it as a number of days or months.")
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        values = column.to_numpy(dtype=np.float64)
    else:
        try:
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as problem:
            seen = some(repr(value) for value in column.dropna().unique()[:4])
            raise FitError(f"Column {name!r} is not numeric: it holds {seen}.") from problem
    # A finite sum says in one pass that every value is; only otherwise are the rows looked at one by one.
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum()
    if not np.isfinite(total):
        refuse_rows(frame, ~np.isfinite(values), f"Column {name!r} is missing or infinite")
    return values


def read_events(frame: pd.DataFrame, name: str) -> Booleans:
    """Return an event column coded 0/1 or False/True as booleans, shape (n,)."""
    require_columns(frame, [name])
    dtype = frame[name].dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biu" and len(frame):
        coded: np.ndarray = frame[name].to_numpy()
        if dtype.kind == "b" or (coded.min() >= 0 and coded.max() <= 1):
            return coded.astype(bool)
    try:
        values = read_numbers(frame, name)
    except FitError as problem:
        raise FitError(f"{problem} An event is 1 or 0, True or False: {_recoded(frame, name)}") from problem
    bad = (values != 0) & (values != 1)
    if bad.any():
        raise FitError(
            f"Event column {name!r} is neither 0 nor 1 (False nor True) in {int(bad.sum()):,} of {len(frame):,} rows "
            f"(rows {some(frame.index[bad])}; it holds {some(f'{value:g}' for value in np.unique(values)[:5])}). Correct "
            f"these rows or recode the column: {_recoded(frame, name)}"
        )
    return values == 1


def _recoded(frame: pd.DataFrame, name: str) -> str:
    """Show how an event column is made from what is there."""
    values = frame[name].dropna()
    likely = max(values.unique().tolist(), key=str, default=1)
    return f"write e.g. frame.assign(event=frame[{name!r}] == {likely!r})."


def read_query_times(times: Any, what: str = "times") -> Floats:
    """Return the times that a curve is asked for as an array, shape (m,).

    Raises
    ------
    FitError
        None, or one that is missing, infinite or no number.
    """
    try:
        asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
    except (TypeError, ValueError) as problem:
        raise FitError(f"{what} are numbers, not {times!r}.") from problem
    if asked.ndim != 1 or not asked.size or not np.isfinite(asked).all():
        raise FitError(f"{what} are finite numbers, at least one; not {times!r}.")
    return asked


def read_clusters(frame: pd.DataFrame, name: str) -> Integers:
    """Return the cluster code of each row, shape (n,).

    Raises
    ------
    FitError
        Fewer than two clusters: nothing could tell how much they differ.
    """
    codes, labels = read_groups(frame, name)
    if len(labels) < 2:
        raise FitError(f"A cluster-robust standard error needs at least two clusters; {name!r} has {len(labels)}.")
    return codes


def read_stop(frame: pd.DataFrame, time: str) -> Floats:
    """Return the time at which each row stops, shape (n,), made equal where only rounding tells times apart.

    Raises
    ------
    FitError
        Negative times.
    """
    stop = read_numbers(frame, time)
    if stop.size and stop.min() < 0:
        refuse_rows(frame, stop < 0, f"Time column {time!r} is negative")
    return tie_times(stop)[0]


def read_times(frame: pd.DataFrame, time: str, start: str | None = None) -> tuple[Floats, Floats]:
    """Return `(start, stop)` of every row, each shape (n,); rows without `start` enter at minus infinity.

    A row covers ``(start, stop]``. Without a start column, a row is at risk at its own event time
    whatever that is, including time zero, so entry must lie before every time. Times that differ by rounding
    only (0.1 + 0.2 and 0.3) are made equal, see `tie_times`.

    Raises
    ------
    FitError
        Negative times, or a stop at or before its start.
    """
    stop = read_stop(frame, time)
    if start is None:
        return np.full(stop.size, -np.inf), stop
    entry = read_numbers(frame, start)
    refuse_rows(frame, entry < 0, f"Start column {start!r} is negative")
    stop, entry = tie_times(stop, entry)
    refuse_rows(frame, stop <= entry, f"A row must cover time: {time!r} is not after {start!r}")
    return entry, stop


def tie_times(*times: Floats) -> list[Floats]:
    """Make times equal that differ by rounding only.

    Times computed from dates or by multiplication differ in their last bits (0.1 + 0.2 and 0.3), and ties would be
    lost by that. Times closer than a ten-billionth of themselves are one; each run of them takes the value of its
    first. R's survival joins whatever is within 1.5e-8 of the mean time, which would join most times of a
    sample that spans many orders of magnitude, and some of any large continuous one.
    """
    if all(np.array_equal(np.floor(values), values) for values in times):
        return list(times)
    distinct = np.unique(np.concatenate(times))
    close = np.diff(distinct) <= _SAME_TIME * np.abs(distinct[1:])
    if not close.any():
        return list(times)
    first = np.concatenate(([True], ~close))
    value = distinct[np.flatnonzero(first)][np.cumsum(first) - 1]
    return [value[np.searchsorted(distinct, values)] for values in times]


def read_weights(frame: pd.DataFrame, name: str | None, zero_allowed: bool = False) -> Floats:
    """Return case weights, shape (n,); ones without a column. Negative weights are refused, zeros too.

    `zero_allowed` lets zeros pass for fits that set such rows aside themselves.
    """
    if name is None:
        return np.ones(len(frame))
    values = read_numbers(frame, name)
    if zero_allowed:
        refuse_rows(frame, values < 0, f"Weight column {name!r} is negative")
        return values
    refuse_rows(frame, values <= 0, f"Weight column {name!r} is zero or negative (leave such rows out instead)")
    return values


def tally(places: Integers, values: Floats, count: int = 0) -> Floats:
    """Return the sum of `values` at each place 0, 1, ..., shape (at least `count`,)."""
    return np.bincount(places, weights=values, minlength=count).astype(np.float64, copy=False)


def read_groups(frame: pd.DataFrame, names: str | Sequence[str] | None) -> tuple[Integers, tuple[str, ...]]:
    """Return the group code of each row, shape (n,), and the sorted labels.

    Several columns are crossed; their labels are joined with ``", "`` as ``name=value``. A single column
    keeps its values as labels (category order is respected, unused categories are dropped). No column at
    all means one group called ``"all"``.
    """
    if names is not None and not isinstance(names, (str, list, tuple)):
        raise FitError(f"Columns are named by text, not {names!r}: rename them, e.g. with astype(str).")
    listed = [names] if isinstance(names, str) else list(names or ())
    if not listed:
        return np.zeros(len(frame), dtype=np.int64), ("all",)
    require_columns(frame, listed)
    if len(listed) == 1:
        codes, labels = _factorize(frame, listed[0])
        texts = tuple(str(label) for label in labels)
        if len(set(texts)) < len(texts):
            twin = next(text for text in texts if texts.count(text) > 1)
            kinds = " and ".join(sorted({type(label).__name__ for label in labels if str(label) == twin}))
            raise FitError(f"Column {listed[0]!r} holds {twin} as {kinds}: make them one, e.g. with astype(str).")
        return codes, texts
    combined = np.zeros(len(frame), dtype=np.int64)
    levels: list[list[Any]] = []
    for name in listed:
        codes, labels = _factorize(frame, name)
        combined = combined * len(labels) + codes
        levels.append(labels)
    used, codes = np.unique(combined, return_inverse=True)
    return codes.astype(np.int64), tuple(_crossed_label(int(code), listed, levels) for code in used)


def refuse_rows(frame: pd.DataFrame, bad: Booleans, problem: str) -> None:
    """Raise `FitError` when any row is bad, with the count and at most three row labels."""
    if bad.any():
        rows = frame.index[bad]
        raise FitError(
            f"{problem} in {int(bad.sum()):,} of {len(frame):,} rows (rows {some(rows)}). "
            "Correct or leave out these rows and say so."
        )


def _factorize(frame: pd.DataFrame, name: str) -> tuple[Integers, list[Any]]:
    """Return codes and sorted labels of one column; every row has a label."""
    column = frame[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _category_codes(frame, name)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu" and len(column):
        values = column.to_numpy()
        low, span = int(values.min()), int(values.max()) - int(values.min()) + 1
        # A short run of whole numbers is counted, not hashed: the label is a place in a table.
        if span <= _SHORT_RUN and low < np.iinfo(np.int64).max - span:
            place = np.subtract(values, low, dtype=np.int64, casting="unsafe")
            present = np.bincount(place, minlength=span) > 0
            if not present.all():
                place = (np.cumsum(present) - 1)[place]
            return place, [int(number) + low for number in np.flatnonzero(present)]
    try:
        found, labels = pd.factorize(column, sort=True)
    except TypeError as problem:
        raise FitError(f"Column {name!r} holds values that are no labels: {problem}.") from problem
    if found.size and found.min() < 0:
        refuse_rows(frame, found < 0, f"Column {name!r} is missing")
    return found.astype(np.int64, copy=False), list(labels)


def _category_codes(frame: pd.DataFrame, name: str) -> tuple[Integers, list[Any]]:
    codes = frame[name].cat.codes.to_numpy()
    categories = frame[name].cat.categories
    if codes.size and codes.min() < 0:
        refuse_rows(frame, codes < 0, f"Column {name!r} is missing")
    wide = codes.astype(np.int64)
    used = np.bincount(wide, minlength=len(categories)) > 0
    if not used.all():
        wide = (np.cumsum(used) - 1)[wide]
    return wide, list(categories[used])


def _crossed_label(code: int, names: Sequence[str], levels: Sequence[Sequence[Any]]) -> str:
    parts = []
    for name, labels in zip(reversed(names), reversed(levels), strict=True):
        code, position = divmod(code, len(labels))
        parts.append(f"{name}={labels[position]}")
    return ", ".join(reversed(parts))
