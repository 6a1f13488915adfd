"""Texts of hundreds of thousands of rows as categories: compared and renamed level by level, not row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from whychurn.panel.panel import Rows


def read_categories(rows: Rows, columns: Sequence[str]) -> pd.DataFrame:
    """Read columns, texts as categories where the rows can tell their levels without looking at every text."""
    read = getattr(rows, "read_categories", rows.read)
    frame = read(columns)
    assert isinstance(frame, pd.DataFrame)
    return frame


def as_objects(values: pd.Series) -> pd.Series:
    """Return a category as texts, None where there is no value."""
    lookup = np.array([*values.cat.categories, None], dtype=object)
    return pd.Series(lookup[values.cat.codes.to_numpy()], values.index, dtype=object, name=values.name)


def as_texts(values: pd.Series, missing: str) -> pd.Series:
    """Return values as categories named by their text; those that are missing have a name of their own."""
    if values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) not in ("string", "empty"):
        # 1, 1.0 and True are equal, but not as texts.
        texts = values.where(values.notna(), missing).map(str)
        return texts.astype("category")
    codes, distinct = distinct_of(values)
    # The last place stands for no value, which has code -1.
    return recoded(codes, [*map(str, distinct), missing], values.index)


def recoded(codes: NDArray[Any], texts: Sequence[str | None], index: pd.Index) -> pd.Series:
    """Return a category of texts, some of which may be equal, by the place of each row's text among them.

    Places count from the end where they are negative; a text that is None is no value.
    """
    levels = list(dict.fromkeys(text for text in texts if text is not None))
    places = {level: place for place, level in enumerate(levels)}
    lookup = np.array([-1 if text is None else places[text] for text in texts])
    narrow = lookup.astype(np.int8 if len(levels) < 1 << 7 else np.int32)
    return pd.Series(pd.Categorical.from_codes(narrow[codes], pd.Index(levels, dtype=object)), index)


def distinct_of(values: pd.Series) -> tuple[NDArray[Any], list[Any]]:
    """Return the place of each row's value among the distinct ones, -1 where there is none, and those values."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy(), list(values.cat.categories)
    codes, found = pd.factorize(values)
    return codes, list(found)
