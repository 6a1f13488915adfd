"""How the recorded values of a candidate become the values that models see, for any part of the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.errors import PanelError
from whychurn.panel.candidates import MISSING_LEVEL, Candidate, band_names, categorised, declared_bands
from whychurn.panel.levels import as_objects, distinct_of, read_categories, recoded
from whychurn.panel.panel import Rows
from whychurn.sources.names import counted, shown
from whychurn.study import Cause
from whychurn.study.schema import text_of

Coding = Callable[[pd.Series], pd.Series]


@dataclass(frozen=True)
class CodedRows:
    """Rows whose candidate columns are as models see them.

    Attributes
    ----------
    rows : Rows
        As recorded.
    codings : Mapping of str to Coding
        Candidate column -> what turns its recorded values into those that models see: categories or numbers.
    absent : tuple of str
        Candidate columns that the rows do not have; they are read as missing throughout.
    kept : Mapping of str to pandas.Series
        Coded columns that are small enough to have been kept.
    """

    rows: Rows
    codings: Mapping[str, Coding]
    absent: tuple[str, ...] = ()
    kept: Mapping[str, pd.Series] = field(default_factory=dict, repr=False, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in order."""
        return (*self.rows.columns, *self.absent)

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return all columns, or those named; levels are texts."""
        frame = self.read_categories(self.columns if columns is None else columns)
        for name in frame.columns[frame.dtypes == "category"]:
            frame[name] = as_objects(frame[name])
        return frame

    def read_categories(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return columns with the levels of candidates as categories: less to hold, and nothing to compare as text."""
        wanted = list(columns)
        own = [name for name in wanted if name not in self.absent and name not in self.kept]
        read = read_categories(self.rows, own or [self.rows.columns[0]])
        made: dict[str, Any] = {}
        for name in dict.fromkeys(wanted):
            if name in self.kept:
                made[name] = self.kept[name].copy()
            elif name in self.absent:
                made[name] = MISSING_LEVEL
            else:
                made[name] = self.codings[name](read[name]) if name in self.codings else read[name]
        return pd.DataFrame(made, index=read.index, copy=False)


def code_candidate(cause: Cause, values: pd.Series) -> tuple[Candidate, Coding]:
    """Hold a declared cause against all its values, and return how to code any of them.

    Parameters
    ----------
    cause : Cause
    values : pandas.Series
        One value per row at risk: text with None, or floats with NaN.

    Raises
    ------
    PanelError
        If a number is declared and the column holds text.
    """
    candidate, coding, _ = coded_cause(cause, values)
    return candidate, (lambda part: coding(part).astype(object)) if candidate.kind == "category" else coding


def coded_cause(cause: Cause, values: pd.Series) -> tuple[Candidate, Coding, pd.Series]:
    """Do what :func:`code_candidate` does, with levels as categories, and return the values as models see them besides."""
    if cause.type == "number":
        values = _numbers(cause, values)
        candidate, resolved = categorised(cause, values, rows="rows at risk")
        if cause.bands:
            names = band_names(values, cause)
            return candidate, lambda part: declared_bands(_numbers(cause, part), cause, names), resolved
        if candidate.kind == "number":
            return candidate, lambda part: _numbers(cause, part), resolved
        return candidate, _bands(values, resolved, cause.missing or MISSING_LEVEL), resolved
    texts = _texts(cause, values)
    candidate, resolved = categorised(cause, texts, rows="rows at risk")
    levels = _pairs(texts, resolved)
    return candidate, lambda part: _levels(_texts(cause, part), levels), resolved


def _numbers(cause: Cause, values: pd.Series) -> pd.Series:
    if values.dtype == np.float64:
        return values
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    broken = values[numbers.isna() & values.notna()]
    if len(broken):
        examples = ", ".join(shown(value) for value in broken.drop_duplicates().head(3))
        raise PanelError(
            f"The cause {cause.column} is declared as a number, but {counted(len(broken), 'row')} hold text, such as "
            f'{examples}. Declare it with type = "category".'
        )
    return numbers


def _texts(cause: Cause, values: pd.Series) -> pd.Series:
    """Return values as the texts a file would hold, renamed as the study says; no value where there is none."""
    codes, distinct = distinct_of(values)
    named = [str(text_of(value.item() if isinstance(value, np.generic) else value)) for value in distinct]
    # The last place stands for no value, which has code -1.
    return recoded(codes, [*(cause.levels.get(text, text) for text in named), None], values.index)


def _pairs(texts: pd.Series, resolved: pd.Series) -> dict[str | None, str]:
    """Return the level of each text, and of None where a value is missing."""
    codes, names = texts.cat.codes.to_numpy(), [*texts.cat.categories, None]
    levels = resolved.cat.categories[resolved.cat.codes.to_numpy()[_first_rows(codes, len(names))]]
    pairs = dict(zip(names, levels, strict=True))
    if codes.min(initial=0) >= 0:
        del pairs[None]
    return pairs


def _first_rows(codes: NDArray[Any], places: int) -> NDArray[np.int64]:
    """Return a row with each code, the last of them -1; any row for a code that none has."""
    found = np.zeros(places, dtype=np.int64)
    found[codes] = np.arange(len(codes))
    return found


def _levels(texts: pd.Series, levels: Mapping[str | None, str]) -> pd.Series:
    names = [*(levels[text] for text in texts.cat.categories), levels.get(None, MISSING_LEVEL)]
    return recoded(texts.cat.codes.to_numpy(), names, texts.index)


def _bands(values: pd.Series, bands: pd.Series, missing: str) -> Coding:
    """Bands lie in order, so the largest value of each says where it ends."""
    limits = values.groupby(bands, observed=True).max().dropna().sort_values()
    ends, names = limits.to_numpy(), [*map(str, limits.index), missing]

    def coding(part: pd.Series) -> pd.Series:
        numbers = pd.to_numeric(part).to_numpy(dtype=float)
        place = np.minimum(np.searchsorted(ends, numbers, side="left"), len(ends) - 1)
        place[np.isnan(numbers)] = len(ends)
        return recoded(place, names, part.index)

    return coding
