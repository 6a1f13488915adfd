"""The caller's rows, and which of them a Cox likelihood cannot tell apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula
from formulaic.errors import FormulaicError
from numpy.typing import NDArray

from whychurn.models.columns import Booleans, Floats, Integers
from whychurn.models.distinct import distinct_codes
from whychurn.models.formula import quoted, variables_of
from whychurn.models.merge_rows import MergedRows, few_values, looks_discrete, merge_equal_rows
from whychurn.models.plain_design import read_factor, read_number

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


def merge_rows(frame: pd.DataFrame, terms: Sequence[str], rows: Rows) -> MergedRows | None:
    """Find equal rows where the terms read few distinct values; None where merging would not pay."""
    if len(frame) < MERGE_FROM:
        return None
    names = _stateless_variables(frame, terms)
    columns = None if names is None else _codes(frame, names)
    return None if columns is None else merge_equal_rows(_keys(columns, rows), len(frame))


def _keys(columns: list[NDArray[Any]], rows: Rows) -> Iterator[NDArray[Any]]:
    yield from columns
    yield rows.event
    yield rows.stratum
    yield distinct_codes(rows.stop)[1]
    if rows.start is not None:
        yield distinct_codes(rows.start)[1]
    if rows.offset.any():
        yield distinct_codes(rows.offset)[1]


def _codes(frame: pd.DataFrame, names: Sequence[str]) -> list[NDArray[Any]] | None:
    plain = [frame[name].to_numpy() for name in names if isinstance(frame[name].dtype, np.dtype)]
    if not all(looks_discrete(values) for values in plain if values.dtype.kind in "iuf"):
        return None
    found = []
    for name in names:
        number = read_number(frame[name])
        codes = read_factor(frame[name]) if number is None else few_values(number)
        if codes is None:
            return None
        found.append(codes)
    return found


def _stateless_variables(frame: pd.DataFrame, terms: Sequence[str]) -> tuple[str, ...] | None:
    """Return the columns that the terms read, or None where a term depends on how often values occur.

    A spline places its knots at quantiles and a scaling at the mean, of the rows it is shown; plain columns and
    contrasts of factors take each row by itself.
    """
    names: dict[str, None] = {}
    try:
        for term in terms:
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
