"""Average differences in risk, all terms of one model at once.

The same as ``average_marginal_effects`` of a fit, for models whose terms are plain columns: the linear predictor then
moves by one coefficient, and the design need not be built anew for every level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from whychurn.models import LogisticFit
from whychurn.models.design import apply_design

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RiskDifference:
    """The average difference in risk between a level and the reference, or per step, with its delta-method error."""

    estimate: float
    std_error: float


class RiskDifferences:
    """Average differences in risk over the rows of a fit.

    Parameters
    ----------
    fit : LogisticFit
        Whose terms are plain columns.
    frame : pandas.DataFrame
        The rows of the fit.
    """

    def __init__(self, fit: LogisticFit, frame: pd.DataFrame) -> None:
        self._params, self._covariance = fit.params.to_numpy(), fit.covariance.to_numpy()
        self._names = list(fit.params.index)
        self._slices = fit.term_slices
        self._x = np.column_stack([np.ones(len(frame)), apply_design(fit.design, frame)])
        self._eta = self._x @ self._params

    def of_levels(self, term: str, among: NDArray[np.bool_]) -> dict[str, RiskDifference]:
        """Return, by column of a factor, everybody among some rows at its level against everybody at the reference.

        Parameters
        ----------
        term : str
        among : numpy.ndarray
            Which rows are averaged over, shape (n,).
        """
        own = [self._names.index(column) for column in self._slices[term]]
        x, others = self._x[among], self._eta[among] - self._x[among][:, own] @ self._params[own]
        base, base_gradient = self._moved(x, others, own, None)
        out = {}
        for column, place in zip(self._slices[term], own, strict=True):
            risk, gradient = self._moved(x, others, own, place)
            out[column] = self._difference(risk - base, gradient - base_gradient)
        return out

    def _moved(self, x: Floats, others: Floats, own: list[int], to: int | None) -> tuple[float, Floats]:
        """Return the average risk with one column of a factor at one, its siblings at zero, and its gradient."""
        risk = expit(others + (self._params[to] if to is not None else 0.0))
        slope = risk * (1.0 - risk) / len(risk)
        gradient = slope @ x
        gradient[own] = 0.0
        if to is not None:
            gradient[to] = slope.sum()
        return float(risk.mean()), gradient

    def of_number(self, term: str) -> RiskDifference:
        """Return the average derivative of the risk by a number."""
        place = self._names.index(self._slices[term][0])
        risk = expit(self._eta)
        slope = risk * (1.0 - risk) / len(risk)
        beta = self._params[place]
        gradient = beta * ((slope * (1.0 - 2.0 * risk)) @ self._x)
        gradient[place] += slope.sum()
        return self._difference(float(beta * slope.sum()), gradient)

    def _difference(self, estimate: float, gradient: Floats) -> RiskDifference:
        return RiskDifference(estimate, math.sqrt(max(float(gradient @ self._covariance @ gradient), 0.0)))
