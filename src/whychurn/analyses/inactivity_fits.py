"""Models of silence in levels, beside what is held constant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from whychurn.analyses.comparable import infinite_levels
from whychurn.analyses.contrasts import Contrast
from whychurn.analyses.fits import fit_rows
from whychurn.analyses.inactivity_rows import LEVELS, SILENCE, UNSEEN, AtRisk, Floats, Ints, customers_by
from whychurn.analyses.risk_rows import CLUSTER
from whychurn.analyses.rows import ModelRows
from whychurn.errors import FitError
from whychurn.models import fit_cox
from whychurn.models.cox import CoxFit

NOBODY_ELSE = "No ratio: so early, nearly everybody is too new, and there is nobody to compare with."


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


def fit_levels(rows: AtRisk, level: Ints, labels: Sequence[str] = LEVELS, like: LevelFit | None = None) -> LevelFit:
    """Fit levels of silence as a category, the first as reference.

    Levels without a finite ratio leave with their rows, as do customers so new that nobody beside them is not.

    Parameters
    ----------
    rows : AtRisk
    level : array of int, shape (n,)
        Places in `labels`.
    labels : sequence of str
    like : LevelFit, optional
        A similar model of the same rows (see :func:`fit_beside`).
    """
    n_levels = len(labels)
    customers = customers_by(level, n_levels, rows.account)
    events = np.bincount(level[rows.left], minlength=n_levels)
    counts = [(int(n), int(left)) for n, left in zip(customers, events, strict=True)]
    present = [index for index in range(n_levels) if customers[index]]
    too_new = labels.index(UNSEEN[0])
    coded = rows.model_rows({SILENCE: level}, level != too_new)
    out = infinite_levels(coded.frame, SILENCE, n_levels)
    held = set(coded.frame[SILENCE])
    # Rows may be gone with an adjuster's level at which nobody left, or never at risk when somebody did.
    out |= {index: 0 for index in present if index not in (*held, *out, too_new)}
    limits = [_without_ratio(labels, index, counts, out[index]) for index in present if index in out and index]
    if too_new in present:
        limits.append(Contrast(UNSEEN[0], labels[0], math.nan, math.nan, *counts[too_new], NOBODY_ELSE))
    names = [labels[index] for index in present if index not in (0, too_new, *out)]
    if 0 in out or not names:
        reason = f"Those at {labels[0]!r} cannot be compared with others."
        reason = reason if customers[0] else f"Nobody was at {labels[0]!r}."
        unknown = _unknown(labels, names, counts, reason)
        return LevelFit((*limits, *unknown), (), reason if unknown else "There is no other level to compare with.")
    codes = coded.frame[SILENCE].to_numpy()
    kept = ~np.isin(codes, list(out))
    coded = replace(coded, frame=coded.frame[kept].reset_index(drop=True))
    coded.frame[SILENCE] = pd.Categorical(np.asarray(labels, dtype=object)[codes[kept]], [labels[0], *names])
    fit, note, coded = fit_beside(coded, [SILENCE], like)
    note = " ".join(part for part in (note, give_way(coded, rows)) if part)
    constant = tuple(candidate.label for candidate in rows.adjusters if candidate.column in coded.names)
    if fit is None:
        return LevelFit((*limits, *_unknown(labels, names, counts, note)), constant, note)
    columns = fit.term_slices[SILENCE]
    errors = np.sqrt(np.diag(fit.covariance.loc[list(columns), list(columns)]))
    found = [
        Contrast(name, labels[0], float(fit.params[column]), float(error), *counts[list(labels).index(name)])
        for name, column, error in zip(names, columns, errors, strict=True)
    ]
    return LevelFit((*found, *limits), constant, note, fit, coded)


def fit_beside(coded: ModelRows, own: Sequence[str], like: LevelFit | None) -> tuple[CoxFit | None, str, ModelRows]:
    """Fit own terms beside the adjusters, as :func:`whychurn.analyses.fits.fit_rows` does.

    Where a similar model of the same rows was fitted and no adjuster had to give way in it, the search begins at its
    coefficients, and adjusters are not tried again for what they tell. The optimum is the same.
    """
    if like is not None and like.fit is not None and like.rows is not None and like.rows.left == coded.left:
        try:
            start = "start" if (coded.frame["start"] > 0).any() else None
            cluster = CLUSTER if CLUSTER in coded.frame else None
            begin = {str(name): float(value) for name, value in like.fit.params.items()}
            terms = [*own, *coded.terms]
            fit = fit_cox(coded.frame, terms, time="stop", event="event", start=start, cluster=cluster, begin=begin)
        except FitError:
            return fit_rows(coded, own)
        return fit, "", coded
    return fit_rows(coded, own)


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


def _without_ratio(labels: Sequence[str], index: int, counts: Sequence[tuple[int, int]], limit: int) -> Contrast:
    n, events = counts[index]
    note = {
        -1: f"Nobody left among its {n:,} customers while others could be compared with them: no ratio (its limit is 0).",
        1: f"Whenever one of its {n:,} customers could be compared with others, nobody else left: no ratio (it has no upper limit).",
        0: f"None of its {n:,} customers was at risk beside others when somebody left: no ratio.",
    }[limit]
    return Contrast(labels[index], labels[0], math.nan, math.nan, n, events, note, limit=limit)


def _unknown(
    labels: Sequence[str], names: Sequence[str], counts: Sequence[tuple[int, int]], why: str
) -> list[Contrast]:
    return [Contrast(name, labels[0], math.nan, math.nan, *counts[labels.index(name)], why) for name in names]
