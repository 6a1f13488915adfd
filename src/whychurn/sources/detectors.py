"""What a column is, judged by its values: a lifetime total, a sum of others, an alias, known only afterwards.

Works on typed frames with NumPy and pandas alone. Each detector is a function of its own; :func:`detect` runs
them in an order in which one finding spares the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from whychurn.sources.accumulation import accumulating_columns
from whychurn.sources.aliases import aliased_levels, duplicate_columns
from whychurn.sources.contract import Detections
from whychurn.sources.determination import determined_columns
from whychurn.sources.hindsight import known_after_columns
from whychurn.sources.identifiers import identifier_columns
from whychurn.study import FlatStudy

__all__ = [
    "accumulating_columns",
    "aliased_levels",
    "detect",
    "determined_columns",
    "duplicate_columns",
    "identifier_columns",
    "known_after_columns",
]
#: Detectors that compare columns with one another look at this many rows at most, evenly spread.
MOST_ROWS = 100_000


def detect(frame: pd.DataFrame, study: FlatStudy) -> Detections:
    """Run every detector on the declared causes (all columns of the file where none is declared).

    Parameters
    ----------
    frame : pandas.DataFrame
        The accounts, as :meth:`whychurn.sources.Sources.frame` returns them.
    study : FlatStudy
    """
    own = {"account_id", "tenure", "churned", "amount", "row_number"} - {study.columns.amount}
    columns = [cause.column for cause in study.causes] or [name for name in frame.columns if name not in own]
    columns = [name for name in columns if name in frame.columns]
    references = {cause.column: cause.reference for cause in study.causes if cause.reference is not None}
    return detect_columns(frame, columns, references)


def detect_columns(
    frame: pd.DataFrame,
    columns: Sequence[str],
    references: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
) -> Detections:
    """Run every detector on these columns of a frame with ``tenure`` and ``churned``.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : sequence of str
    references : Mapping of str to str, optional
        Declared reference levels.
    names : sequence of str, optional
        What the columns are called in the file, where the frame has other names for them.
    """
    identifiers = identifier_columns(frame, columns)
    known_after = known_after_columns(frame, columns, names)
    accumulating = accumulating_columns(frame, columns)
    set_apart = {*identifiers, *(late.column for late in known_after), *(total.column for total in accumulating)}
    rest = [name for name in columns if name not in set_apart]
    duplicates = duplicate_columns(frame, rest)
    later = {pair[0] for pair in duplicates}
    rest = [name for name in rest if name not in later]
    return Detections(
        accumulating=accumulating,
        determined=determined_columns(evenly(frame), rest),
        aliased=aliased_levels(frame, rest, references or {}),
        duplicates=duplicates,
        known_after=known_after,
        identifiers=identifiers,
    )


def evenly(frame: pd.DataFrame, most: int = MOST_ROWS) -> pd.DataFrame:
    """Return at most about `most` rows, evenly spread over the file: the same rows every time."""
    return frame if len(frame) <= most else frame.iloc[:: -(-len(frame) // most)]
