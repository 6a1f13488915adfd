"""The caller's rows, and which of them a Cox likelihood cannot tell apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula
from formulaic.errors import FormulaicError
from numpy.typing import NDArray

from whychurn.models.columns import Booleans, Floats, Integers
from whychurn.models.cox.joined_rows import join_rows, joined_sets
from whychurn.models.distinct import distinct_codes
from whychurn.models.formula import quoted, variables_of
from whychurn.models.merge_rows import (
    MergedRows,
    equal_often,
    few_values,
    looks_discrete,
    merge_equal_rows,
    merged_sum,
    sampled,
)
from whychurn.models.plain_design import read_factor, read_number
from whychurn.models.riskset import RiskSets, place_rows

# Below this, a fit takes milliseconds anyway.
MERGE_FROM = 20_000


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows as given, shape (n,) each: interval (no `start`: from the beginning), outcome, stratum, weights."""

    start: Floats | None
    stop: Floats
    event: Booleans
    stratum: Integers
    weights: Floats
    offset: Floats


@dataclass(frozen=True, slots=True)
class FittedRows:
    """What a fit works on: the rows as given, or fewer that the likelihood cannot tell from them; m of them.

    Attributes
    ----------
    merged
        Which rows are one; None where they are as given. ``counts`` are runs of joined rows.
    sets
        Placed on slots.
    weights, offset
        Shape (m,).
    owners, kinds, shares
        Cluster of each run of joined rows, the kind it is of, its case weight; shape (runs,) each. Without clusters
        no owners.
    """

    merged: MergedRows | None
    sets: RiskSets
    weights: Floats
    offset: Floats
    owners: Integers | None
    kinds: Integers
    shares: Floats


def fitted_rows(frame: pd.DataFrame, names: Sequence[str] | None, rows: Rows, clusters: Integers | None) -> FittedRows:
    """Place rows on slots, join those that follow each other unchanged, and merge equal ones where that pays.

    Parameters
    ----------
    frame
        n rows.
    names
        Columns that the terms read; None where terms depend on how often values occur.
    rows
        The same rows.
    clusters
        Shape (n,): joined rows are of one cluster.
    """
    sets = place_rows(rows.start, rows.stop, rows.event, rows.stratum)
    n = len(frame)
    everyone = np.arange(n)
    plain = FittedRows(None, sets, rows.weights, rows.offset, clusters, everyone, rows.weights)
    if names is None or n < MERGE_FROM:
        return plain
    joined = None
    if sets.late_entry:
        held: list[NDArray[Any]] = [] if clusters is None else [clusters]
        # Ones and zeros that are no column but broadcast agree anyway.
        held += [values for values in (rows.weights, rows.offset) if values.strides[0]]
        joined = join_rows(sets, chain(held, (_comparable(frame[name]) for name in names)))
    first, run = (everyone, everyone) if joined is None else (joined.first, joined.run)
    placed = sets if joined is None else joined_sets(sets, joined)
    owners, shares = None if clusters is None else clusters[first], rows.weights[first]
    equal = _equal_rows(frame, names, first, placed, rows.offset[first])
    if equal is None:
        if joined is None:
            return plain
        merged = MergedRows(first, run, np.ones(first.size, dtype=np.int64))
        return FittedRows(merged, placed, shares, rows.offset[first], owners, np.arange(first.size), shares)
    kept = equal.first
    merged = MergedRows(first[kept], equal.kind[run], equal.counts)
    chosen = replace(
        placed, entry=placed.entry[kept], exit=placed.exit[kept], event=placed.event[kept], stratum=placed.stratum[kept]
    )
    return FittedRows(merged, chosen, merged_sum(equal, shares), rows.offset[first[kept]], owners, equal.kind, shares)


def _equal_rows(
    frame: pd.DataFrame, names: Sequence[str], first: Integers, sets: RiskSets, offset: Floats
) -> MergedRows | None:
    """Find equal rows among the rows `first`, which are placed as `sets` say."""
    plain = [frame[name].to_numpy() for name in names if isinstance(frame[name].dtype, np.dtype)]
    if not all(looks_discrete(values) for values in plain if values.dtype.kind in "iuf"):
        return None
    if not _may_pay(frame, names, first, sets):
        return None
    try:
        return merge_equal_rows(_keys(frame, names, first, sets, offset), first.size)
    except _ManyValues:
        return None


def _may_pay(frame: pd.DataFrame, names: Sequence[str], first: Integers, sets: RiskSets) -> bool:
    """Tell from a sample, before any column is read whole, whether rows may be equal often enough."""
    rows = sampled(first.size)
    keys: list[NDArray[Any]] = [sets.exit[rows], sets.entry[rows]]
    keys += [
        frame[name].cat.codes.to_numpy()[first[rows]]
        for name in names
        if isinstance(frame[name].dtype, pd.CategoricalDtype)
    ]
    return equal_often(keys, first.size)


class _ManyValues(Exception):
    """A column has too many distinct values to merge rows by, or values that are missing."""


def _keys(
    frame: pd.DataFrame, names: Sequence[str], first: Integers, sets: RiskSets, offset: Floats
) -> Iterator[NDArray[Any]]:
    """Yield what rows must agree in to be equal: where no event happens between two times, they are one."""
    for name in names:
        number = read_number(frame[name])
        codes = read_factor(frame[name]) if number is None else few_values(number)
        if codes is None:
            raise _ManyValues
        yield codes if first.size == codes.size else codes[first]
    yield sets.event
    yield sets.stratum
    yield sets.exit
    if sets.late_entry:
        yield sets.entry
    if offset.any():
        yield distinct_codes(offset)[1]


def _comparable(column: pd.Series) -> NDArray[Any]:
    """Return values that differ where the column does, shape (n,); a missing value differs from itself."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy()
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else pd.factorize(column)[0]


def stateless_variables(frame: pd.DataFrame, terms: Sequence[str]) -> tuple[str, ...] | None:
    """Return the columns that the terms read, or None where a term depends on how often values occur.

    A spline places its knots at quantiles and a scaling at the mean, of the rows it is shown; plain columns and
    contrasts of factors take each row by itself.
    """
    names: dict[str, None] = {}
    try:
        for term in terms:
            if term in frame.columns:
                names[term] = None
                continue
            for part in Formula(f"0 + {quoted(frame, term)}"):
                for factor in part.factors:
                    if factor.eval_method.value == "python" and not _codes_one_column(str(factor.expr), frame):
                        return None
                    names |= dict.fromkeys(variables_of(factor))
    except (FormulaicError, SyntaxError, TypeError):
        # The design will say what is wrong with it.
        return None
    return tuple(names) if all(name in frame.columns for name in names) and frame.columns.is_unique else None


def _codes_one_column(expression: str, frame: pd.DataFrame) -> bool:
    """Tell whether code in a term is a contrast of one bare column, such as ``C(plan, contr.treatment(base='a'))``."""
    call = ast.parse(re.sub(r"`[^`]*`", "quoted__", expression).strip(), mode="eval").body
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "C" and call.args):
        return False
    options = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    names = {node.id for option in options for node in ast.walk(option) if isinstance(node, ast.Name)}
    return isinstance(call.args[0], ast.Name) and not names & {"quoted__", *map(str, frame.columns)}


def expand(values: NDArray[Any], merged: MergedRows | None) -> NDArray[Any]:
    """Return values of kinds of rows as values of rows."""
    return values if merged is None else values[merged.kind]


def plain_start(rows: Rows) -> Floats:
    """Return the start of every row, minus infinity where all are followed from the beginning, shape (n,)."""
    return np.broadcast_to(-np.inf, rows.stop.shape) if rows.start is None else rows.start
