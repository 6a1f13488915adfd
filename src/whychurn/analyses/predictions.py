"""Risk of leaving by a time, of customers that the model has not seen: a Cox model per fold, fitted to all others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.analyses.rows import ModelRows, model_rows
from whychurn.errors import FitError
from whychurn.models import cross_fitted_folds, fit_cox
from whychurn.panel import Candidate

#: Digits that a predicted risk keeps: equal customers are tied whatever the last bits of their fold's fit.
DIGITS = 12


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predicted risks, n rows.

    Attributes
    ----------
    risk
        Probability of leaving by the time, shape (n,); NaN where no model could say.
    n_fitted
        How many models could be fitted.
    notes
        Why the others could not, and who could not be predicted.
    """

    risk: np.ndarray
    n_fitted: int
    notes: tuple[str, ...]


def out_of_fold(
    rows: pd.DataFrame, candidates: Sequence[Candidate], horizon: float, folds: int, seed: int
) -> Predictions:
    """Predict every customer by a model fitted to the customers of all other folds.

    Levels are merged, and levels without leavers set aside, within each fold: what decides that is who left among
    the customers fitted, never the customer predicted. (Which columns are causes is settled before, in the panel.)

    Parameters
    ----------
    rows
        Panel rows, one per customer, followed from sign-up.
    candidates
        The terms of the model.
    horizon
        Time by which a customer leaves or not, in the unit of the rows.
    folds, seed
        As in :func:`whychurn.models.cross_fitted_folds`; an account stays in one fold.
    """
    risk = np.full(len(rows), np.nan)
    if rows["account_id"].nunique() < folds:
        return Predictions(risk, 0, (f"Nobody was predicted: {len(rows):,} customers are too few for {folds} folds.",))
    fold = cross_fitted_folds(rows["account_id"], folds, seed)
    failed: dict[str, list[int]] = {}
    for number in range(folds):
        held_out = fold == number
        try:
            risk[held_out] = _predicted(rows, candidates, ~held_out, horizon)[held_out]
        except FitError as problem:
            failed.setdefault(str(problem), []).append(number)
    notes = [
        f"{len(numbers)} of {folds} folds ({int(np.isin(fold, numbers).sum()):,} customers) were not predicted: {problem}"
        for problem, numbers in failed.items()
    ]
    fitted = ~np.isin(fold, [number for numbers in failed.values() for number in numbers])
    unknown = int(np.isnan(risk[fitted]).sum())
    if unknown:
        reason = "they are at a level that the other folds do not hold, or a number is missing"
        notes.append(f"Not predicted: {unknown:,} of {len(rows):,} customers; {reason}.")
    return Predictions(risk, np.unique(fold[fitted]).size, tuple(notes))


def in_sample(rows: pd.DataFrame, candidates: Sequence[Candidate], horizon: float) -> Predictions:
    """Predict every customer by the model fitted to all of them: what a measure of accuracy must not rest on."""
    everyone = np.ones(len(rows), dtype=bool)
    try:
        return Predictions(_predicted(rows, candidates, everyone, horizon), 1, ())
    except FitError as problem:
        return Predictions(np.full(len(rows), np.nan), 0, (f"Not predicted: {problem}",))


def _predicted(rows: pd.DataFrame, candidates: Sequence[Candidate], learning: np.ndarray, horizon: float) -> np.ndarray:
    """Fit to the rows that are `learning` and return the risk of all rows, shape (n,)."""
    # Events of the other rows are hidden, so that coding all rows at once learns nothing from them.
    coded = model_rows(rows.assign(event=np.where(learning, rows["event"], 0)), candidates)
    place = coded.frame["row"].to_numpy()
    try:
        fit = fit_cox(coded.frame[learning[place]], coded.terms, time="stop", event="event")
    except FitError as problem:
        raise FitError(_in_the_studys_words(str(problem), coded, candidates)) from problem
    # Where those learned from were not seen to the horizon, what happened until then is all there is; whether that
    # carries a measure is decided from everybody's follow-up.
    seen = min(horizon, float(fit.rows.stop.max()))
    curve = fit.predict_survival(coded.frame, [seen], conf_level=None)
    risk = np.full(len(rows), np.nan)
    risk[_without_leavers(rows, candidates, learning)] = 0.0
    risk[place] = np.round(-np.expm1(-curve["cumulative_hazard"].to_numpy()), DIGITS)
    return risk


def _in_the_studys_words(text: str, coded: ModelRows, candidates: Sequence[Candidate]) -> str:
    """Return a message with the neutral names of terms replaced by the study's labels."""
    labels = {coded.names[each.column]: each.label for each in candidates if each.column in coded.names}
    return re.sub(r"\bv\d+\b", lambda found: labels.get(found.group(), found.group()), text)


def _without_leavers(rows: pd.DataFrame, candidates: Sequence[Candidate], learning: np.ndarray) -> np.ndarray:
    """Tell which rows the model can speak of though it does not hold them: nobody like them left, so their risk is 0.

    A level at which nobody left has a coefficient of minus infinity, and the limit of its risk is 0. A level that was
    never seen, and a missing number, say nothing.
    """
    known = np.ones(len(rows), dtype=bool)
    for candidate in candidates:
        values = rows[candidate.column]
        known &= (values.notna() if candidate.kind == "number" else values.isin(values[learning])).to_numpy()
    return known
