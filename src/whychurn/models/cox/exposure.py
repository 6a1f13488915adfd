"""What setting an exposure to its reference changes in the design of a fit's own rows.

Only the rows that change, and only the columns of the terms that read the exposure, are ever built.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Booleans, Floats, Integers, require_columns
from whychurn.models.covariates import Level
from whychurn.models.cox.prediction import standardised_rows
from whychurn.models.cox.result import CoxFit
from whychurn.models.cox.rows import expand
from whychurn.models.design import Factor, refuse_unseen
from whychurn.models.plain_design import read_number

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class ExposureChange:
    """Design of the reference less that of the rows as observed, on the scale of the fit's standardised design.

    Attributes
    ----------
    rows
        Rows that change, in order, shape (m,).
    columns
        Columns of the design that change, shape (q,).
    change
        By how much, shape (m, q).
    """

    rows: Integers
    columns: Integers
    change: Floats

    def predictor(self, beta: Floats) -> Floats:
        """Return the change of the linear predictor of `rows`, shape (m,)."""
        return self.change @ beta[self.columns]

    def weighted(self, weights: Floats, columns: int) -> Floats:
        """Return the sum of the changes, each times its row's weight, shape (columns,).

        Parameters
        ----------
        weights
            Of all rows of the fit, shape (n,).
        columns
            Number of columns of the design.
        """
        total = np.zeros(columns)
        total[self.columns] = weights[self.rows] @ self.change
        return total


def exposure_change(fit: CoxFit, frame: pd.DataFrame, reference_frame: pd.DataFrame) -> ExposureChange:
    """Compare the rows of a fit with the same rows once their exposure is at its reference.

    Raises
    ------
    FitError
        `frame` does not hold the rows of the fit in their order; a frame holds what the fit has not seen.
    """
    if not len(frame) == len(reference_frame) == fit.n:
        raise FitError(
            f"The model was fitted to {fit.n:,} rows, but frame has {len(frame):,} and reference_frame "
            f"{len(reference_frame):,}. Pass the rows of the fit, in order."
        )
    for given in (frame, reference_frame):
        require_columns(given, fit.design.variables)
    plain = _of_plain_columns(fit, frame, reference_frame)
    return _of_any_design(fit, frame, reference_frame) if plain is None else plain


def _of_any_design(fit: CoxFit, frame: pd.DataFrame, reference_frame: pd.DataFrame) -> ExposureChange:
    observed = standardised_rows(fit, frame)
    known = fit.data.covariates.take(slice(None) if fit.merged is None else fit.merged.kind)
    if not np.allclose(observed, known, rtol=_SAME, atol=_SAME):
        raise _other_rows()
    change = standardised_rows(fit, reference_frame) - known
    rows, columns = np.flatnonzero(change.any(axis=1)), np.flatnonzero(change.any(axis=0))
    return ExposureChange(rows, columns, change[np.ix_(rows, columns)])


def _of_plain_columns(fit: CoxFit, frame: pd.DataFrame, reference_frame: pd.DataFrame) -> ExposureChange | None:
    """Do the same term by term where every term is a column, without building a design."""
    covariates, design = fit.data.covariates, fit.design
    if covariates.matrix is not None or any(design.reads[term] != (term,) for term in design.term_slices):
        return None
    found: list[tuple[list[int], Booleans, Floats]] = []
    first = 0
    for term, names in design.term_slices.items():
        places = list(range(first, first + len(names)))
        first += len(names)
        read = _levels if term in design.factors else _numbers
        pair = read(fit, term, places, frame, reference_frame)
        if pair is None:
            return None
        changed, values = pair
        if changed.any():
            found.append((places, changed, values))
    rows = np.flatnonzero(np.logical_or.reduce([changed for _, changed, _ in found])) if found else np.empty(0, int)
    parts = [values[rows] for _, _, values in found]
    columns = np.array([place for places, _, _ in found for place in places], dtype=np.int64)
    change = np.column_stack(parts) if parts else np.zeros((0, 0))
    return ExposureChange(rows, columns, change * covariates.scale[columns])


def _levels(
    fit: CoxFit, term: str, places: list[int], frame: pd.DataFrame, reference_frame: pd.DataFrame
) -> tuple[Booleans, Floats] | None:
    factor, column = fit.design.factors[term], fit.data.covariates.owners[places[0]]
    if not isinstance(column, Level):
        return None
    known = expand(column.codes, fit.merged)
    observed, reference = (_codes_of(given, term, factor) for given in (frame, reference_frame))
    if not np.array_equal(observed, known):
        raise _other_rows()
    changed = reference != observed
    if not changed.any():
        return changed, np.zeros((0, 0))
    # A row at level k has a one in column k - 1, and none at the first level.
    coding = np.eye(len(factor.levels))[:, 1:]
    return changed, coding[reference] - coding[observed]


def _codes_of(frame: pd.DataFrame, term: str, factor: Factor) -> Integers:
    """Return the place of each row's level among those fitted, shape (n,)."""
    column = frame[term]
    if isinstance(column.dtype, pd.CategoricalDtype):
        places = {level: place for place, level in enumerate(factor.levels)}
        # The last place is for no value.
        lookup = np.array([*(places.get(level, -1) for level in column.cat.categories), -1], dtype=np.int64)
        codes = lookup[column.cat.codes.to_numpy()]
    else:
        codes = pd.Index(factor.levels).get_indexer(pd.Index(column))
    if codes.size and codes.min() < 0:
        refuse_unseen(frame, factor)
    return np.asarray(codes, dtype=np.int64)


def _numbers(
    fit: CoxFit, term: str, places: list[int], frame: pd.DataFrame, reference_frame: pd.DataFrame
) -> tuple[Booleans, Floats] | None:
    column = fit.data.covariates.owners[places[0]]
    observed, reference = (read_number(given[term]) for given in (frame, reference_frame))
    if isinstance(column, Level) or observed is None or reference is None:
        return None
    known = expand(column, fit.merged).astype(np.float64)
    scale = fit.data.covariates.scale[places[0]]
    if not np.allclose(observed * scale, known * scale, rtol=_SAME, atol=_SAME):
        raise _other_rows()
    change = reference.astype(np.float64) - known
    return change != 0.0, change[:, None]


def _other_rows() -> FitError:
    return FitError("frame does not hold the rows of the fit in their order.")
