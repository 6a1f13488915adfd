"""Weights for answers by the inverse of the chance to answer, and means of answers so weighted.

Among all who were asked, a logistic regression says how likely each was to answer, from what was known of them
before. Weighted by the inverse, those who answered stand for those like them who did not. Whatever is not in the
regression is not corrected.

Standard errors are linearised, the estimated chances included: with the influence of the regression's coefficients
taken out they are mostly smaller than if the chances were known.

Source: Horvitz & Thompson (1952), J. Am. Statist. Assoc. 47:663; Robins, Rotnitzky & Zhao (1994), J. Am. Statist.
Assoc. 89:846 (estimated chances); Cole & Hernan (2008), Am. J. Epidemiol. 168:656 (stabilising, cutting).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import linalg, stats

from whychurn.errors import FitError
from whychurn.models.columns import Booleans, Floats, Integers, read_groups, read_numbers
from whychurn.models.design import apply_design
from whychurn.models.logistic import LogisticFit, fit_logistic
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """Means of answers, plain and weighted, and how far the weights move them.

    Attributes
    ----------
    raw, weighted, difference
        The plain mean, the weighted one, and weighted less plain.
    raw_error, weighted_error, difference_error
        Standard errors.
    n, n_effective
        Answers, and the square of the sum of weights over the sum of squares (Kish).
    """

    raw: float
    weighted: float
    difference: float
    raw_error: float
    weighted_error: float
    difference_error: float
    n: int
    n_effective: float

    def interval(self, which: str = "difference", conf_level: float = 0.95) -> tuple[float, float]:
        """Return the interval of "raw", "weighted" or "difference"."""
        half = normal_quantile(conf_level) * getattr(self, f"{which}_error")
        return getattr(self, which) - half, getattr(self, which) + half

    @property
    def p_value(self) -> float:
        """Of no difference between the weighted mean and the plain one."""
        if not self.difference_error > 0.0:
            return float("nan")
        return float(2.0 * stats.norm.sf(abs(self.difference / self.difference_error)))


@dataclass(frozen=True, slots=True)
class ResponseWeights:
    """Chances to answer and weights of answers; n rows, one per person asked.

    Attributes
    ----------
    probability
        Fitted chance to answer, shape (n,).
    weights
        Share that answered over the chance, cut at `cap`; 0 for those who did not answer, shape (n,).
    cap, n_trimmed
        The cut, and how many answers it met.
    fit
        The regression.
    """

    probability: Floats
    weights: Floats
    cap: float
    n_trimmed: int
    fit: LogisticFit
    answered: Booleans = field(repr=False)
    clusters: Integers | None = field(repr=False)
    #: What every row adds to the regression's coefficients, and the design with its constant, shape (n, q) each.
    influence: Floats = field(repr=False)
    design: Floats = field(repr=False)

    @property
    def n_effective(self) -> float:
        """The effective number of answers: the square of the sum of weights over the sum of their squares (Kish)."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())

    def mean(self, values: Sequence[float] | Floats, among: Booleans | None = None) -> WeightedMean:
        """Return the mean of a value that only those who answered have.

        Parameters
        ----------
        values
            Shape (n,); read where there is an answer only.
        among
            Whose answers to average, shape (n,); all by default. The chances stay those of the whole regression.

        Raises
        ------
        FitError
            Nobody among them answered, or a value is missing.
        """
        used = self.answered if among is None else self.answered & among
        n = int(used.sum())
        if not n:
            raise FitError("Nobody among them answered: there is no mean.")
        y = np.where(used, np.asarray(values, dtype=float), 0.0)
        if np.isnan(y).any():
            raise FitError("A value of an answer is missing.")
        mass = np.where(used, self.weights, 0.0)
        raw, weighted = float(y[used].mean()), float(mass @ y / mass.sum())
        plain = np.where(used, y - raw, 0.0) / n
        moved = mass * (y - weighted) / mass.sum()
        # How the mean moves with the regression's coefficients; weights that are cut do not move.
        p = self.probability
        tilt = np.where(self.weights < self.cap, -(1.0 - p), 0.0) * moved
        moved = moved + self.influence @ (self.design.T @ tilt)
        of_raw, of_weighted, of_both = (self._error(part) for part in (plain, moved, moved - plain))
        effective = float(mass.sum() ** 2 / (mass**2).sum())
        return WeightedMean(raw, weighted, weighted - raw, of_raw, of_weighted, of_both, n, effective)

    def _error(self, influence: Floats) -> float:
        """Return the standard error of a sum of influences, by cluster where there are clusters."""
        if self.clusters is None:
            return float(np.sqrt((influence**2).sum()))
        groups = int(self.clusters.max()) + 1
        summed = np.bincount(self.clusters, weights=influence, minlength=groups)
        return float(np.sqrt((summed**2).sum() * groups / (groups - 1.0)))


def fit_response_weights(
    frame: pd.DataFrame, terms: Sequence[str], answered: str, cluster: str | None = None, cap: float = 10.0
) -> ResponseWeights:
    """Fit the chance to answer and weight the answers by its inverse.

    Parameters
    ----------
    frame
        One row per person asked, n rows.
    terms
        What was known before asking, as in `fit_logistic`.
    answered
        Column that is 0 or 1.
    cluster
        Column of those asked together or repeatedly (the account); standard errors are then robust to it.
    cap
        Stabilised weights (their mean is about one) are cut here.

    Returns
    -------
    ResponseWeights

    Raises
    ------
    FitError
        As `fit_logistic`; all or nobody answered; a cap that is not above 1; fewer than two clusters.
    """
    if not cap > 1.0:
        raise FitError(f"cap is a weight above 1, not {cap!r}.")
    clusters = None if cluster is None else read_groups(frame, cluster)[0]
    kind = "HC0" if cluster is None else "cluster"
    fit = fit_logistic(frame, terms, answered, covariance=kind, cluster=cluster)
    chance = fit.predict(frame).to_numpy()
    gave = read_numbers(frame, answered) > 0.0
    full = np.where(gave, gave.mean() / chance, 0.0)
    weights = np.minimum(full, cap)
    x = np.column_stack([np.ones(len(frame)), apply_design(fit.design, frame)])
    information = x.T @ ((chance * (1.0 - chance))[:, None] * x)
    influence = linalg.solve(information, ((gave - chance)[:, None] * x).T, assume_a="pos").T
    return ResponseWeights(chance, weights, cap, int((full > cap).sum()), fit, gave, clusters, influence, x)
