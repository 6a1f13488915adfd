"""Read terms and the columns they need: formulaic's grammar, our refusals."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula
from formulaic.transforms import TRANSFORMS

from whychurn.errors import FitError, some
from whychurn.models.columns import refuse_rows, require_columns

#: What pandas calls an object column of numbers.
NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean"}


def quoted(frame: pd.DataFrame, term: str) -> str:
    """Quote a term that is a column name, so that "days since login" is one variable."""
    return f"`{term}`" if term in frame.columns else f"({term})"


def parse_terms(frame: pd.DataFrame, terms: Sequence[str]) -> dict[Any, str]:
    """Map every formulaic term to the first user term that asks for it."""
    owners: dict[Any, str] = {}
    for term in terms:
        if not isinstance(term, str):
            raise FitError(f"A term is text, not {term!r}; name columns by text, e.g. with rename(columns=str).")
        _refuse_arithmetic(frame, term)
        if term in frame.columns and re.fullmatch(r"[\d.]+", term):
            raise FitError(f"A column called {term!r} reads as a number in a formula: give it a name with a letter.")
        try:
            parts = list(Formula(f"0 + {quoted(frame, term)}"))
        except Exception as problem:  # formulaic's, or Python's about the code in a term
            raise FitError(
                f"The term {term!r} cannot be read: {plain_message(problem)}. Available columns: "
                f"{some(frame.columns, most=30)}."
            ) from problem
        for part in parts:
            owners.setdefault(part, term)
    return owners


def _refuse_arithmetic(frame: pd.DataFrame, term: str) -> None:
    """Refuse signs that a formula reads otherwise than arithmetic: a square would silently be the column itself."""
    if term in frame.columns:
        return
    outside = re.sub(r"`[^`]*`", "x", term)
    while "(" in outside and outside != (outside := re.sub(r"[\w.]*\([^()]*\)", "x", outside)):
        pass
    # "~" and "|" belong to whole formulas; a number alone is an intercept.
    found = re.search(r"\*\*|\^|/|-|~|\||%in%", outside)
    if found or re.fullmatch(r"[\d.\s]+", outside):
        raise FitError(
            f"The term {term!r} would not be read as arithmetic. Write I(...) around it (as in I(x**2)); terms are "
            "joined by ':' (interaction) and '*' (with main effects), and others are left out of the list."
        )


def variables_of(factor: Any) -> tuple[str, ...]:
    """Return the frame columns a formulaic factor reads (formulaic's own list cuts "a.b" to "a")."""
    text = str(factor.expr)
    if factor.eval_method.value == "lookup":
        return (text,)
    if factor.eval_method.value == "literal":
        return ()
    quoted = re.findall(r"`([^`]+)`", text)
    tree = ast.parse(re.sub(r"`[^`]+`", "None", text), mode="eval")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    plain = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        and id(node) not in called
        and node.id not in TRANSFORMS
        and not hasattr(builtins, node.id)
    ]
    return tuple(dict.fromkeys([*quoted, *plain]))


def in_frame_order(frame: pd.DataFrame, variables: Iterable[str]) -> tuple[str, ...]:
    """Check that the variables are columns of the frame and sort them by position."""
    listed = sorted(variables)
    require_columns(frame, listed)
    position = {name: place for place, name in enumerate(frame.columns)}
    return tuple(sorted(listed, key=lambda name: position[name]))


def plain_columns(frame: pd.DataFrame, variables: Sequence[str]) -> pd.DataFrame:
    """Copy the needed columns in plain dtypes: no missing values, no unused categories."""
    plain: dict[str, Any] = {}
    for name in variables:
        column = frame[name]
        refuse_rows(frame, column.isna().to_numpy(), f"Column {name!r} is missing")
        if isinstance(column.dtype, pd.CategoricalDtype):
            plain[name] = column.cat.remove_unused_categories()
        elif pd.api.types.is_bool_dtype(column):
            plain[name] = column.to_numpy(dtype=bool)
        elif pd.api.types.is_integer_dtype(column):
            plain[name] = column.to_numpy(dtype=np.int64)
        elif pd.api.types.is_complex_dtype(column):
            raise FitError(f"Column {name!r} holds complex numbers.")
        elif pd.api.types.is_numeric_dtype(column):
            plain[name] = column.to_numpy(dtype=np.float64)
        elif pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
            raise FitError(f"Column {name!r} holds dates; give it as a number of days or months.")
        elif pd.api.types.infer_dtype(column, skipna=False) in NUMBERS:
            # Numbers that a reader left as objects are numbers; numbers written as text stay labels.
            plain[name] = column.to_numpy(dtype=np.float64)
        else:
            plain[name] = column.astype(object)
    return pd.DataFrame(plain, index=frame.index)


def plain_message(problem: BaseException) -> str:
    """Strip formulaic's terminal colours and keep the first line."""
    lines = re.sub(r"\x1b\[[0-9;]*m|[⧚⧛]", "", str(problem)).strip().splitlines()
    return (lines[0] if lines else type(problem).__name__).rstrip(".")
