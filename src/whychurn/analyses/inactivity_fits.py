"""Models of silence in levels, beside what is held constant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from whychurn.analyses.contrasts import Contrast
from whychurn.analyses.fits import fit_rows
from whychurn.analyses.inactivity_rows import LEVELS, SILENCE, AtRisk, Floats, Ints, customers_by
from whychurn.analyses.rows import ModelRows
from whychurn.models.cox import CoxFit


@dataclass(frozen=True, slots=True)
class LevelFit:
    """Levels of silence against the first of them.

    Attributes
    ----------
    contrasts : tuple of Contrast
        One per level that any row is at, but for the reference.
    adjusted_for : tuple of str
        Labels of the causes held constant.
    note : str
        What had to give way, or why there is no fit.
    fit : CoxFit or None
    rows : ModelRows or None
        As fitted.
    """

    contrasts: tuple[Contrast, ...]
    adjusted_for: tuple[str, ...]
    note: str
    fit: CoxFit | None = None
    rows: ModelRows | None = None

    def contrast(self, level: str) -> Contrast | None:
        """Return the contrast of a level, if any row is at it."""
        return next((contrast for contrast in self.contrasts if contrast.level == level), None)


def fit_levels(rows: AtRisk, level: Ints, labels: Sequence[str] = LEVELS) -> LevelFit:
    """Fit levels of silence as a category, the first as reference.

    Levels at which nobody left leave with their rows, which is the limit of the other coefficients.

    Parameters
    ----------
    rows : AtRisk
    level : array of int, shape (n,)
        Places in `labels`.
    labels : sequence of str
    """
    n_levels = len(labels)
    customers = customers_by(level, n_levels, rows.account)
    # Only departures that the model can hold: an adjuster's level at which nobody left takes its rows along.
    events = np.bincount(level[rows.left], minlength=n_levels)
    usable = rows.left & (rows.place[rows.stretch] >= 0)
    empty = np.bincount(level[usable], minlength=n_levels) == 0
    counts = [(int(n), int(left)) for n, left in zip(customers, events, strict=True)]
    present = [index for index in range(n_levels) if customers[index]]
    limits = [_without_events(labels, index, counts) for index in present if index and empty[index]]
    names = [labels[index] for index in present if index and not empty[index]]
    if empty[0] or not names:
        reason = f"Nobody left at {labels[0]!r}, so there is no ratio to state." if empty[0] else "Nobody left at any other level."  # fmt: skip
        return LevelFit((*limits, *_unknown(labels, present, empty, counts, reason)), (), reason)
    coded = rows.model_rows({SILENCE: level}, ~empty[level])
    categories = [labels[index] for index in present if not empty[index]]
    coded.frame[SILENCE] = pd.Categorical(np.asarray(labels, dtype=object)[coded.frame[SILENCE]], categories)
    fit, note, coded = fit_rows(coded, [SILENCE])
    note = " ".join(part for part in (note, give_way(coded, rows)) if part)
    constant = tuple(candidate.label for candidate in rows.adjusters if candidate.column in coded.names)
    if fit is None:
        return LevelFit((*limits, *_unknown(labels, present, empty, counts, note)), constant, note)
    columns = fit.term_slices[SILENCE]
    errors = np.sqrt(np.diag(fit.covariance.loc[list(columns), list(columns)]))
    found = [
        Contrast(name, labels[0], float(fit.params[column]), float(error), *counts[list(labels).index(name)])
        for name, column, error in zip(names, columns, errors, strict=True)
    ]
    return LevelFit((*found, *limits), constant, note, fit, coded)


def fit_without(rows: AtRisk) -> LevelFit:
    """Fit the adjusters alone."""
    if not rows.adjusters:
        return LevelFit((), (), "")
    fit, note, coded = fit_rows(rows.model_rows({}))
    return LevelFit((), (), note, fit, coded)


def give_way(coded: ModelRows, rows: AtRisk) -> str:
    """Return what had to give way among the adjusters of a model, in words."""
    label_of = {candidate.column: candidate.label for candidate in rows.adjusters}
    said = [f"{label_of.get(left.column, left.column)}{f' “{left.level}”' if left.level else ''}: {left.note}" for left in coded.left]  # fmt: skip
    if coded.n_incomplete:
        said.append(f"{coded.n_incomplete:,} stretches with a missing number are not in this model.")
    return " ".join(said)


def added_by_adjusters(rows: AtRisk, fitted: LevelFit) -> Floats:
    """Return what the adjusters of a model add to the log hazard of each row, shape (n,); 0 where there is no model."""
    total = np.zeros(len(rows.coded.frame))
    if fitted.fit is None or fitted.rows is None:
        return np.zeros(len(rows.frame))
    for name in fitted.rows.terms:
        values = rows.coded.frame[name]
        columns = fitted.fit.term_slices[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            levels = fitted.rows.frame[name].cat.categories[1:]
            by_level = dict(zip(levels, fitted.fit.params[list(columns)], strict=True))
            total += np.array([by_level.get(level, 0.0) for level in values.cat.categories])[values.cat.codes]
        else:
            total += values.to_numpy(dtype=float) * float(fitted.fit.params[columns[0]])
    # Only differences matter, and small numbers keep their digits.
    by_stretch = np.where(rows.place >= 0, (total - total.mean())[rows.place], 0.0)
    return np.asarray(by_stretch[rows.stretch], dtype=float)


def ratio_values(log_hr: float, std_error: float, conf_level: float) -> dict[str, Any]:
    """Return the columns of findings for a ratio with its Wald interval; none where there is no standard error."""
    if not (std_error > 0 and math.isfinite(std_error) and math.isfinite(log_hr)):
        return {}
    z = float(norm.ppf(0.5 + conf_level / 2))
    statistic = log_hr / std_error
    return {
        "estimate": math.exp(log_hr),
        "std_error": std_error,
        "std_error_scale": "log",
        "conf_low": math.exp(log_hr - z * std_error),
        "conf_high": math.exp(log_hr + z * std_error),
        "statistic": statistic,
        "df": 1,
        "p_value": float(2 * norm.sf(abs(statistic))),
    }


def _without_events(labels: Sequence[str], index: int, counts: Sequence[tuple[int, int]]) -> Contrast:
    n, events = counts[index]
    note = (
        f"Nobody left among its {n:,} customers, so its hazard ratio cannot be estimated (the limit is 0)."
        if not events
        else "Nobody left at it besides those who had to leave the model, so there is no ratio."
    )
    return Contrast(labels[index], labels[0], math.nan, math.nan, n, events, note, limit=0 if events else -1)


def _unknown(
    labels: Sequence[str], present: Sequence[int], empty: NDArray[np.bool_], counts: Sequence[tuple[int, int]], why: str
) -> list[Contrast]:
    return [
        Contrast(labels[index], labels[0], math.nan, math.nan, *counts[index], why)
        for index in present
        if index and not empty[index]
    ]
