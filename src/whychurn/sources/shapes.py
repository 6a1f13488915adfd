"""What texts look like: dates, codes, numbers with a few cells that are none."""

from __future__ import annotations

import math
import re

import pandas as pd

from whychurn.sources.grammar import SPACE, number_pattern
from whychurn.sources.names import tokens

#: Of the values that are not missing, this share must be numbers (dates) for a column to be meant as such.
MOSTLY = 0.9
#: A column of numbers with odd cells holds more different numbers than this; below, it is a set of codes.
FEW_VALUES = 6
CODE_WORDS = {"zip", "zipcode", "plz", "postal", "postcode", "postleitzahl", "code"}
DATE = (
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{1,2}[- .][A-Za-z]{3,9}[- .,]+\d{2,4}"
    r"|\d{4}-\d{2})([T ]\d{1,2}:\d{2}.*)?"
)
SAMPLE = 1000


def as_numbers(text: pd.Series, decimal: str) -> pd.Series:
    """Return the numbers that texts spell by the rules of :mod:`whychurn.sources.grammar`, NaN for others."""
    stripped = text.astype("string").str.strip(SPACE)
    spelt = stripped.where(stripped.str.fullmatch(number_pattern(decimal)).fillna(False).astype(bool))
    point = spelt.str.replace(",", ".", regex=False) if decimal == "," else spelt
    return pd.to_numeric(point.astype(object), errors="coerce").astype(float)


def date_like(values: pd.Series) -> bool:
    """Whether a column of text holds dates, or months with their year, nearly everywhere."""
    if values.dtype != object:
        return False
    known = values.dropna().unique()[:SAMPLE]
    fits = sum(bool(re.fullmatch(DATE, str(value).strip(SPACE))) for value in known)
    return len(known) > 2 and fits >= MOSTLY * len(known)


def code_like(name: str, text: pd.Series) -> bool:
    """Whether digits are a code and no number: by the column's name, or because some begin with a zero."""
    if set(tokens(name)) & CODE_WORDS:
        return True
    return bool(text.dropna().astype(str).str.strip(SPACE).str.fullmatch(r"0[0-9]+").any())


def odd_cells(text: pd.Series, numbers: pd.Series, least: float | None = None) -> list[str]:
    """Return the texts of a column that are no numbers (or lie below `least`), in the order of the file."""
    odd = text.notna() & numbers.isna()
    if least is not None:
        odd |= numbers < least
    return [str(value) for value in text[odd]]


def often(n: int, rows: int) -> bool:
    """Whether a text read as missing occurs so often that it may be a value: ten cells, and 1% of the rows."""
    return n >= 10 and n >= 0.01 * rows


def round_number(spread: float) -> float:
    """Return the nearest of 1, 2, 5, 10, … to a typical difference, so that a ratio is easy to say."""
    if not spread > 0 or not math.isfinite(spread):
        return 1.0
    power = 10.0 ** math.floor(math.log10(spread))
    return float(min((power * step for step in (1, 2, 5, 10)), key=lambda size: abs(math.log(size / spread))))
