"""Turn terms ("age", "C(plan)", "plan:age") into a design matrix whose columns know their term and level.

Formulas are formulaic's, evaluated against the frame alone (never against the caller's variables). An
intercept is always part of the formula so that factors are coded against a reference; the fits that need
no intercept (Cox) drop the column afterwards.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec

from whychurn.errors import FitError, SingularDesignError, some
from whychurn.models.columns import Booleans, Floats, refuse_rows, require_columns
from whychurn.models.formula import in_frame_order, parse_terms, plain_columns, plain_message, quoted, variables_of


@dataclass(frozen=True, slots=True)
class Factor:
    """A categorical part of a term: the column it is made of, its levels and the reference among them."""

    column: str
    levels: tuple[Any, ...]
    reference: Any


@dataclass(frozen=True, slots=True)
class KnownSpec:
    """A specification at hand."""

    spec: ModelSpec

    def __call__(self) -> ModelSpec:
        """Return it."""
        return self.spec


@dataclass(frozen=True, slots=True)
class Design:
    """How terms become columns; fitted once, applied to any frame.

    Attributes
    ----------
    columns
        Names of the design columns, intercept excluded, in order.
    term_slices
        Columns of each term, under the text the caller gave.
    column_levels
        Level (or joined levels of an interaction) shown by each column; empty for numeric columns.
    factors
        For each term that is a single factor: its column, levels and reference.
    encoded
        Every factor that the terms read, those within interactions included.
    variables
        Columns of the frame that the terms read.
    reads
        The same, term by term.
    spec_of
        Returns formulaic's fitted specification, which a design of plain columns makes only when it is asked for.
    plain
        Whether every term is a column, so that rows are read without formulaic.
    """

    columns: tuple[str, ...]
    term_slices: dict[str, tuple[str, ...]]
    column_levels: dict[str, str]
    factors: dict[str, Factor]
    encoded: tuple[Factor, ...]
    variables: tuple[str, ...]
    reads: dict[str, tuple[str, ...]]
    spec_of: Callable[[], ModelSpec]
    plain: bool = False

    @property
    def spec(self) -> ModelSpec:
        """formulaic's fitted specification."""
        return self.spec_of()

    def term_of(self, column: str) -> str:
        """Return the term that a column belongs to."""
        return next(term for term, columns in self.term_slices.items() if column in columns)


def build_design(frame: pd.DataFrame, terms: Sequence[str]) -> tuple[Design, Floats]:
    """Return the design of `terms` on `frame` and its matrix, shape (n, p), without intercept.

    Parameters
    ----------
    frame
        One row per observation.
    terms
        Column names (string, category and Boolean columns included) or formulaic terms. A name that is a
        column is taken as that column even if it holds spaces or signs.

    Raises
    ------
    FitError
        A term cannot be read, names an unknown column, or meets missing or infinite values.
    SingularDesignError
        A factor with one level only.
    """
    if isinstance(terms, str) or not isinstance(terms, Sequence):
        raise FitError(f"terms is a list of terms; write [{terms!r}]." if terms else "terms is a list of terms, or [].")
    if len(set(terms)) < len(terms):
        raise FitError(f"A term is given twice: {some(sorted(t for t in set(terms) if list(terms).count(t) > 1))}.")
    owners = parse_terms(frame, terms)
    texts = " + ".join(quoted(frame, term) for term in terms)
    try:
        spec = Formula(f"1 + {texts}" if texts else "1")
        reads = {factor: variables_of(factor) for part in spec for factor in part.factors}
        variables = in_frame_order(frame, {name for names in reads.values() for name in names})
        prepared = plain_columns(frame, variables)
        fitted, matrix = _materialise(spec, prepared)
    except FitError:
        raise
    except Exception as problem:  # a term is code: whatever it raises is an answer to the caller
        raise FitError(
            f"The terms {list(terms)} cannot be read: {plain_message(problem)}. "
            f"Available columns: {some(frame.columns, most=30)}."
        ) from problem
    design = _describe(fitted, owners, variables, reads)
    _refuse_one_level(design, prepared)
    _refuse_infinite(frame, matrix, design.columns)
    return design, matrix


def apply_design(design: Design, frame: pd.DataFrame) -> Floats:
    """Return the matrix of a fitted design on new rows, shape (m, p), without intercept.

    Raises
    ------
    FitError
        A column is absent, a value is missing, or a level was not seen when fitting.
    """
    require_columns(frame, design.variables)
    for factor in design.encoded:
        refuse_unseen(frame, factor)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            prepared = plain_columns(frame, design.variables)
            matrix = _columns_of(design, prepared) if design.plain else _materialise(design.spec, prepared)[1]
    except FitError:
        raise
    except Exception as problem:  # a term is code, as above
        raise FitError(f"These rows do not fit the model's terms: {plain_message(problem)}.") from problem
    _refuse_infinite(frame, matrix, design.columns)
    return matrix


def refuse_unseen(frame: pd.DataFrame, factor: Factor) -> None:
    """Raise `FitError` naming levels that a fit has not seen."""
    known = frame[factor.column].isin(list(factor.levels)).to_numpy()
    if not known.all():
        unseen = frame.loc[~known, factor.column].drop_duplicates()
        raise FitError(
            f"Column {factor.column!r} holds {some(repr(v) for v in unseen)}, unseen when fitting. "
            f"Levels fitted: {some(factor.levels, most=20)}."
        )


def level_hints(frame: pd.DataFrame, design: Design, happened: Booleans) -> dict[str, str]:
    """Note, by column, the factor levels without any event, or with nothing but events.

    Those are the usual causes of an infinite coefficient; a fit that diverges quotes the note.
    """
    hints: dict[str, str] = {}
    for term, factor in design.factors.items():
        codes, labels = pd.factorize(frame[factor.column])
        rows = np.bincount(codes, minlength=len(labels))
        shares = dict(
            zip(map(str, labels), np.bincount(codes, weights=happened, minlength=len(labels)) / rows, strict=True)
        )
        words = {0.0: "no event", 1.0: "nothing but events"}
        extreme = {level: words[share] for level, share in shares.items() if share in words}
        reference = str(factor.reference)
        for column in design.term_slices[term]:
            level = design.column_levels[column]
            if level in extreme:
                hints[column] = f"{extreme[level]} at level {level!r} of {factor.column!r}"
            elif reference in extreme:
                hints[column] = f"{extreme[reference]} at the reference level {reference!r} of {factor.column!r}"
    return hints


def _materialise(spec: Formula | ModelSpec, prepared: pd.DataFrame) -> tuple[ModelSpec, Floats]:
    if prepared.shape[1] == 0:
        prepared = pd.DataFrame({"__row__": np.zeros(len(prepared))})
    model = spec.get_model_matrix(prepared, context={}, na_action="raise", output="numpy")
    matrix = np.asarray(model, dtype=np.float64)
    return model.model_spec, np.ascontiguousarray(matrix[:, 1:])


def _columns_of(design: Design, prepared: pd.DataFrame) -> Floats:
    """Return the matrix of a design of plain columns: numbers, and a column for every level but the first."""
    matrix, place = np.empty((len(prepared), len(design.columns))), 0
    for term in design.term_slices:
        factor, values = design.factors.get(term), prepared[term]
        if factor is None:
            matrix[:, place] = values.to_numpy(dtype=np.float64)
            place += 1
            continue
        for level in factor.levels[1:]:
            matrix[:, place] = (values == level).to_numpy()
            place += 1
    return matrix


def _describe(
    spec: ModelSpec,
    owners: dict[Any, str],
    variables: tuple[str, ...],
    reads: dict[Any, tuple[str, ...]],
) -> Design:
    names = list(spec.column_names)
    slices: dict[str, list[str]] = {term: [] for term in owners.values()}
    levels: dict[str, str] = {}
    factors: dict[str, Factor] = {}
    for part in spec.terms:
        if part.degree == 0:
            continue
        owner = owners[part]
        columns = [str(names[place]) for place in spec.term_indices[part]]
        slices[owner] += columns
        encoded = [factor for factor in part.factors if factor in spec.factor_contrasts]
        for column in columns:
            levels[column] = _levels_shown(column, part, spec.factor_contrasts)
        # A term such as "plan*region" is made of several factors and has no reference of its own.
        if len(part.factors) == 1 and encoded and sum(whose == owner for whose in owners.values()) == 1:
            factors[owner] = _factor(spec, encoded[0], reads[encoded[0]])
    ordered = tuple(str(name) for name in names[1:])
    read_by: dict[str, tuple[str, ...]] = {}
    for part in spec.terms:
        if part.degree:
            own = [name for factor in part.factors for name in reads[factor]]
            read_by[owners[part]] = tuple(dict.fromkeys([*read_by.get(owners[part], ()), *own]))
    every = tuple(_factor(spec, factor, reads[factor]) for factor in spec.factor_contrasts)
    return Design(
        ordered, {t: tuple(c) for t, c in slices.items()}, levels, factors, every, variables, read_by, KnownSpec(spec)
    )


def _levels_shown(column: str, part: Any, contrasts: Mapping[Any, Any]) -> str:
    """Read the levels off a column name such as "plan[T.pro]:region[T.north]"; joined by colons.

    The known levels are looked for, not brackets: a level may be called "[10, 50)".
    """
    shown, rest = [], column
    for factor in part.factors:
        rest = rest.removeprefix(str(factor))
        state = contrasts.get(factor)
        names = [str(level) for level in state.levels] if state else []
        forms = {form: name for name in names for form in (f"[T.{name}]", f"[{name}]")}
        fitting = [form for form in forms if rest.startswith(form)]
        if fitting:
            longest = max(fitting, key=len)
            shown.append(forms[longest])
            rest = rest.removeprefix(longest)
        elif rest.startswith("["):
            # A column of a spline or polynomial: its number is no level.
            rest = rest.partition("]")[2]
        rest = rest.removeprefix(":")
    return ":".join(shown)


def _factor(spec: ModelSpec, factor: Any, reads: tuple[str, ...]) -> Factor:
    state = spec.factor_contrasts[factor]
    base = getattr(state.contrasts, "base", None)
    levels = tuple(state.levels)
    return Factor(reads[0] if reads else str(factor), levels, base if base in levels else levels[0])


def _refuse_one_level(design: Design, prepared: pd.DataFrame) -> None:
    for term, columns in design.term_slices.items():
        if not columns:
            factor = design.factors.get(term)
            value = f" (only {factor.levels[0]!r})" if factor else ""
            raise SingularDesignError(
                f"Term {term!r} has one level only{value}: it is aliased with the constant. "
                f"Leave it out of this model of {len(prepared):,} rows."
            )


def _refuse_infinite(frame: pd.DataFrame, matrix: Floats, columns: Sequence[str]) -> None:
    finite = np.isfinite(matrix)
    if not finite.all():
        worst = [name for place, name in enumerate(columns) if not finite[:, place].all()]
        refuse_rows(frame, np.asarray(~finite.all(axis=1)), f"Design column {some(worst)} is missing or infinite")
