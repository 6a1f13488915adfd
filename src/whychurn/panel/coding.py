"""How the recorded values of a candidate become the values that models see, for any part of the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.errors import PanelError
from whychurn.panel.candidates import MISSING_LEVEL, Candidate, band_names, declared_bands, resolve_candidate
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
        Candidate column -> what turns its recorded values into those that models see.
    absent : tuple of str
        Candidate columns that the rows do not have; they are read as missing throughout.
    """

    rows: Rows
    codings: Mapping[str, Coding]
    absent: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in order."""
        return (*self.rows.columns, *self.absent)

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return all columns, or those named."""
        wanted = None if columns is None else list(columns)
        frame = self.rows.read(None if wanted is None else [name for name in wanted if name not in self.absent])
        frame = frame.copy(deep=False)
        for name, coding in self.codings.items():
            if name in frame:
                frame[name] = coding(frame[name])
        for name in self.absent if wanted is None else [name for name in self.absent if name in wanted]:
            frame[name] = MISSING_LEVEL
        return frame if wanted is None else frame[wanted]


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
    if cause.type == "number":
        values = _numbers(cause, values)
        candidate, resolved = resolve_candidate(cause, values, rows="rows at risk")
        if cause.bands:
            names = band_names(values, cause)
            return candidate, lambda part: declared_bands(_numbers(cause, part), cause, names)
        if candidate.kind == "number":
            return candidate, lambda part: _numbers(cause, part)
        return candidate, _bands(values, resolved, cause.missing or MISSING_LEVEL)
    texts = _texts(cause, values)
    candidate, resolved = resolve_candidate(cause, texts, rows="rows at risk")
    levels = _pairs(texts, resolved)
    return candidate, lambda part: _levels(_texts(cause, part), levels)


def _numbers(cause: Cause, values: pd.Series) -> pd.Series:
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
    """Return values as the texts a file would hold, renamed as the study says; None where there is none."""
    codes, distinct = pd.factorize(values)
    named = [str(text_of(value.item() if isinstance(value, np.generic) else value)) for value in distinct]
    # The last place stands for no value, which has code -1.
    lookup = np.array([*(cause.levels.get(text, text) for text in named), None], dtype=object)
    return pd.Series(lookup[codes], index=values.index, dtype=object)


def _pairs(texts: pd.Series, resolved: pd.Series) -> dict[str | None, str]:
    first = ~texts.duplicated()
    return dict(zip(texts[first], resolved[first], strict=True))


def _levels(texts: pd.Series, levels: Mapping[str | None, str]) -> pd.Series:
    codes, distinct = pd.factorize(texts)
    lookup = np.array([*(levels[text] for text in distinct), levels.get(None, MISSING_LEVEL)], dtype=object)
    return pd.Series(lookup[codes], index=texts.index, dtype=object)


def _bands(values: pd.Series, bands: pd.Series, missing: str) -> Coding:
    """Bands lie in order, so the largest value of each says where it ends."""
    limits = values.groupby(bands).max().dropna().sort_values()
    ends, names = limits.to_numpy(), np.array([*limits.index, missing], dtype=object)

    def coding(part: pd.Series) -> pd.Series:
        numbers = pd.to_numeric(part).to_numpy(dtype=float)
        place = np.minimum(np.searchsorted(ends, numbers, side="left"), len(ends) - 1)
        place[np.isnan(numbers)] = len(ends)
        return pd.Series(names[place], index=part.index, dtype=object)

    return coding
