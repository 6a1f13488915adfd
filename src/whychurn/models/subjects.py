"""Rows that belong to one subject: they may touch, but not overlap."""

from __future__ import annotations

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Booleans, Floats, Integers, read_groups, refuse_rows


def read_subjects(frame: pd.DataFrame, name: str | None, start: Floats, stop: Floats) -> Integers:
    """Return the subject code of each row, shape (n,); without a column every row is a subject of its own.

    Raises
    ------
    FitError
        Rows of one subject overlap (several rows of one subject without a start do so by definition).
    """
    if name is None:
        return np.arange(len(frame))
    codes, _ = read_groups(frame, name)
    order, follows = in_sequence(codes, start)
    overlapping = np.zeros(len(frame), dtype=bool)
    overlapping[order[1:]] = follows[1:] & (start[order][1:] < stop[order][:-1])
    if overlapping.any() and np.isinf(start).any():
        raise FitError(
            f"Column {name!r} repeats although every row begins at the beginning: give a start column, or one row "
            f"per subject ({int(overlapping.sum()):,} of {len(frame):,} rows repeat)."
        )
    refuse_rows(frame, overlapping, f"A row overlaps the row before it of the same {name!r}")
    return codes


def in_sequence(subject: Integers, start: Floats) -> tuple[Integers, Booleans]:
    """Return the row order by subject and start, and whether each ordered row follows one of its own subject."""
    order = np.lexsort((start, subject))
    owner = subject[order]
    return order, np.concatenate(([False], owner[1:] == owner[:-1]))[: owner.size]
