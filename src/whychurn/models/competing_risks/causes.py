"""Read a column that says how a row ended: still under observation, or by which cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whychurn.errors import FitError, NoEventsError, some
from whychurn.models.columns import Integers, refuse_rows, require_columns


@dataclass(frozen=True, slots=True)
class Causes:
    """How rows end.

    Attributes
    ----------
    codes
        0 for a censored row, 1, 2, ... for the causes, shape (n,).
    labels
        Names of the causes, length k; in sorted or category order.
    """

    codes: Integers
    labels: tuple[str, ...]

    def code_of(self, cause: Any) -> int:
        """Return the code of a cause given by its value or label.

        Raises
        ------
        FitError
            No row has that cause.
        """
        label = _label(cause)
        if label not in self.labels:
            raise FitError(f"No row has the cause {cause!r}. Causes found: {some(self.labels, most=20)}.")
        return self.labels.index(label) + 1


def read_causes(frame: pd.DataFrame, name: str, censored: Any) -> Causes:
    """Return the cause of each row.

    Parameters
    ----------
    name
        Text, categorical, Boolean or whole-number column.
    censored
        The value of rows that had no event. None states that there are no such rows.

    Raises
    ------
    FitError
        Missing values, fractions, more than 100 causes, or a censoring value that the column does not know:
        a misspelt one would otherwise become a cause.
    NoEventsError
        Every row is censored.
    """
    require_columns(frame, [name])
    column = frame[name]
    missing = column.isna().to_numpy()
    if missing.any():
        # Rows that are missing a cause are mostly those still there: leaving them out would bias every incidence.
        raise FitError(
            f"Cause column {name!r} is missing in {int(missing.sum()):,} of {len(frame):,} rows (rows "
            f"{some(frame.index[missing])}). Where that means that nothing has happened yet, fill it with a word for it "
            f"and name that word, as frame.assign({name}=frame[{name!r}].fillna('still there')), censored='still there'."
        )
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype=float)
        refuse_rows(frame, ~np.isfinite(values) | (values != np.round(values)), f"Cause column {name!r} is no code")
    if isinstance(column.dtype, pd.CategoricalDtype):
        declared = [_label(level) for level in column.cat.categories]
        places = np.array(column.cat.codes, dtype=np.int64)
    else:
        places, levels = pd.factorize(column, sort=True)
        declared = [_label(level) for level in levels]
    waiting = None if censored is None else _label(censored)
    if waiting is not None and waiting not in declared:
        raise FitError(
            f"No row of {name!r} holds the censoring value {censored!r}. Values found: {some(declared, most=20)}. Name "
            "the one that means no event yet (censored=...), or say censored=None where every row ends in an event."
        )
    used = np.bincount(places, minlength=len(declared)) > 0
    kept = [place for place, label in enumerate(declared) if used[place] and label != waiting]
    if not kept:
        raise NoEventsError(f"None of {len(frame):,} rows ends in an event: all hold {censored!r} in {name!r}.")
    if len(kept) > 100:
        raise FitError(f"Column {name!r} holds {len(kept):,} causes; it looks like an identifier or a time.")
    lookup = np.zeros(len(declared), dtype=np.int64)
    lookup[kept] = np.arange(1, len(kept) + 1)
    return Causes(lookup[places], tuple(declared[place] for place in kept))


def _label(value: Any) -> str:
    """Write 1, 1.0 and True for the same code alike where the column is numeric."""
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
