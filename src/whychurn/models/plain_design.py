"""Designs of plain columns, described by formulaic on a few rows and read in place on all of them.

Most designs are a list of columns. formulaic would copy them several times; here it sees one row per level of
each factor, which tells it (and us) all there is to know: names, levels, reference.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from whychurn.models.columns import Floats
from whychurn.models.covariates import Column, Covariates, Level, column_covariates, matrix_covariates
from whychurn.models.design import Design, Factor, build_design
from whychurn.models.formula import NUMBERS
from whychurn.models.standardise import Scaling

# Up to so many levels are looked for one by one.
_FEW_LEVELS = 16


def build_covariates(frame: pd.DataFrame, terms: Sequence[str], weights: Floats) -> tuple[Design, Scaling, Covariates]:
    """Return the design of `terms` on `frame`, and its standardised covariates.

    Parameters
    ----------
    frame, terms
        As in `build_design`, whose refusals apply.
    weights
        Case weights, shape (n,).
    """
    plain = plain_design(frame, terms)
    if plain is None:
        design, x = build_design(frame, terms)
        return design, *matrix_covariates(x, weights)
    design, columns = plain
    return design, *column_covariates(columns, len(frame), weights)


def design_matrix(frame: pd.DataFrame, terms: Sequence[str]) -> tuple[Design, Floats]:
    """Return what `build_design` returns, without formulaic's copies where the terms are plain columns."""
    plain = plain_design(frame, terms)
    if plain is None:
        return build_design(frame, terms)
    design, columns = plain
    x = np.empty((len(frame), len(columns)))
    for place, column in enumerate(columns):
        x[:, place] = column.codes == column.level if isinstance(column, Level) else column
    return design, x


def plain_design(frame: pd.DataFrame, terms: Sequence[str]) -> tuple[Design, list[Column]] | None:
    """Return the design of plain columns and where they are read, or None where `build_design` must look.

    That is so for formulas, and for anything that must be refused: it knows the words.
    """
    if isinstance(terms, str) or not terms or not all(term in frame.columns for term in terms):
        return None
    if len(set(terms)) < len(terms) or not frame.columns.is_unique:
        return None
    numbers: dict[str, np.ndarray] = {}
    codes: dict[str, np.ndarray] = {}
    firsts = [np.arange(min(2, len(frame)))]
    for term in terms:
        read = read_number(frame[term])
        if read is not None:
            numbers[term] = read
            continue
        if pd.api.types.is_numeric_dtype(frame[term].dtype):
            return None
        coded = read_factor(frame[term])
        if coded is None:
            return None
        codes[term] = coded
        firsts.append(first_rows(coded))
    wanted = [name for name in frame.columns if name in set(terms)]
    sample = frame[wanted].iloc[np.unique(np.concatenate(firsts))]
    design = _described(sample, terms) or build_design(sample, terms)[0]
    columns: list[Column] = []
    for term in terms:
        if term in numbers:
            columns.append(numbers[term])
        else:
            # Treatment contrasts: a column for every level but the first.
            columns += [Level(codes[term], place) for place in range(1, len(design.factors[term].levels))]
    return (design, columns) if len(columns) == len(design.columns) else None


@dataclass(frozen=True, slots=True)
class SpecOfSample:
    """formulaic's specification of plain columns, from a few rows that hold every level."""

    sample: pd.DataFrame
    terms: tuple[str, ...]

    def __call__(self) -> ModelSpec:
        """Have formulaic make it."""
        return build_design(self.sample, self.terms)[0].spec


def _described(sample: pd.DataFrame, terms: Sequence[str]) -> Design | None:
    """Describe categories and numbers of simple names as formulaic would, or return None for anything else.

    Parameters
    ----------
    sample
        Rows that hold every level, in the columns `terms`.
    """
    columns: list[str] = []
    slices: dict[str, tuple[str, ...]] = {}
    levels_of: dict[str, str] = {}
    factors: dict[str, Factor] = {}
    reads: dict[Any, tuple[str, ...]] = {term: (term,) for term in terms}
    for term in terms:
        kind = sample[term].dtype
        if not re.fullmatch(r"[A-Za-z_]\w*", term, flags=re.ASCII) or keyword.iskeyword(term):
            return None
        if isinstance(kind, pd.CategoricalDtype):
            levels = tuple(sample[term].cat.remove_unused_categories().cat.categories)
            factors[term] = Factor(term, levels, levels[0])
            own = {f"{term}[T.{level}]": str(level) for level in levels[1:]}
            if len(own) < len(levels) - 1:
                return None
        elif isinstance(kind, np.dtype) and kind.kind in "iuf":
            own = {term: ""}
        else:
            return None
        slices[term] = tuple(own)
        columns += own
        levels_of |= own
    variables = tuple(name for name in sample.columns if name in slices)
    later = SpecOfSample(sample, tuple(terms))
    return Design(
        tuple(columns), slices, levels_of, factors, tuple(factors.values()), variables, reads, later, plain=True
    )


def first_rows(codes: np.ndarray) -> np.ndarray:
    """Return the first row of each code 0, 1, ... that occurs, without sorting the rows."""
    levels = int(codes.max()) + 1
    if levels <= _FEW_LEVELS:
        found = [(codes == level).argmax() for level in range(levels)]
        return np.array([row for level, row in enumerate(found) if codes[row] == level], dtype=np.int64)
    first = np.full(levels, -1, dtype=np.int64)
    # Written from the last row to the first, so that the first stays.
    first[codes[::-1]] = np.arange(codes.size - 1, -1, -1)
    return first[first >= 0]


def read_number(column: pd.Series) -> np.ndarray | None:
    """Return a numeric or Boolean column without copying it, or None if it is none or not finite."""
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(kind):
        return None
    if not isinstance(kind, np.dtype):
        if column.isna().any():
            return None
        kind = np.dtype(np.float64)
    if kind.kind not in "biuf" or not kind.isnative:
        return None
    values = column.to_numpy(dtype=kind)
    with np.errstate(over="ignore", invalid="ignore"):
        return values if np.isfinite(values.sum(dtype=np.float64)) else None


def read_factor(column: pd.Series) -> np.ndarray | None:
    """Return the level code of each row in formulaic's order of levels, or None if it is no factor of two levels."""
    labels: Any
    if isinstance(column.dtype, pd.CategoricalDtype):
        found = column.cat.codes.to_numpy()
        if not found.size or found.min() < 0:
            return None
        used = np.flatnonzero(np.bincount(found, minlength=len(column.cat.categories)))
        if used.size < 2:
            return None
        if used.size == len(column.cat.categories):
            return found
        renumber = np.zeros(len(column.cat.categories), dtype=found.dtype)
        renumber[used] = np.arange(used.size)
        return renumber[found]
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        return None
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=False) in NUMBERS:
        return None
    try:
        found, labels = pd.factorize(column, sort=True)
    except TypeError:
        return None
    if len(labels) < 2 or (found < 0).any():
        return None
    return found.astype(np.int16) if len(labels) < 1 << 15 else found
