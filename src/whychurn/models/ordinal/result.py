"""`OrderedLogitFit`: what `fit_ordered_logit` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import special

from whychurn.errors import FitError
from whychurn.models.columns import Floats, Integers
from whychurn.models.design import Design, apply_design
from whychurn.models.logistic.links import read_link
from whychurn.models.logistic.standardisation import RiskModel, marginal_effects
from whychurn.models.ordinal.parallel import ParallelTest, parallel_test
from whychurn.models.wald import WaldTest, normal_quantile, ratio_table, wald_test

COVARIANCES = ("model", "HC0", "cluster")


@dataclass(frozen=True, slots=True)
class OrderedLogitFit:
    """A fitted proportional-odds regression. p slopes, c cut points between c + 1 levels, n rows.

    Attributes
    ----------
    params
        Log odds ratios of standing above any cut point, by column name, shape (p,).
    cut_points
        Log odds of standing at or below each cut point where all columns are zero, shape (c,).
    covariance, covariance_type
        Of cut points and slopes, by name, shape (c + p, c + p), and its kind.
    levels
        The levels that occur, from the lowest to the highest.
    log_likelihood, null_log_likelihood
        At the optimum, and with cut points only.
    n, n_clusters, iterations
        Rows of positive weight, clusters (0 where there are none), Newton steps.
    """

    params: pd.Series
    cut_points: pd.Series
    covariance: pd.DataFrame
    covariance_type: str
    levels: tuple[str, ...]
    log_likelihood: float
    null_log_likelihood: float
    n: int
    n_clusters: int
    iterations: int
    design: Design = field(repr=False)
    frame: pd.DataFrame = field(repr=False)
    place: Integers = field(repr=False)
    weights: Floats = field(repr=False)
    clusters: Integers | None = field(repr=False)

    @property
    def slopes_covariance(self) -> pd.DataFrame:
        """Covariance of the slopes, shape (p, p)."""
        return self.covariance.loc[list(self.params.index), list(self.params.index)]

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row per slope: as `LogisticFit.tidy`, the ratio being that of the odds of standing above any cut."""
        return ratio_table(self.params, self.slopes_covariance, self.design, conf_level, ratio="odds_ratio")

    def wald_test(self, term: str | list[str]) -> WaldTest:
        """Test jointly that every slope of a term (or of several terms) is zero."""
        return wald_test(self.params, self.slopes_covariance, self.design.term_slices, term)

    def contrast(self, weights: Mapping[str, float]) -> tuple[float, float]:
        """Return a weighted sum of slopes and its standard error.

        Parameters
        ----------
        weights
            Column name -> weight, such as ``{"reporting": 1, "mobile": -1}``.
        """
        unknown = [name for name in weights if name not in self.params.index]
        if unknown:
            raise FitError(f"No column {unknown[0]!r}; there are {', '.join(map(str, self.params.index))}.")
        names, values = list(weights), np.array(list(weights.values()), dtype=float)
        block = self.covariance.loc[names, names].to_numpy()
        return float(values @ self.params[names].to_numpy()), float(np.sqrt(max(values @ block @ values, 0.0)))

    def predict(self, newdata: pd.DataFrame) -> pd.DataFrame:
        """Return the probability of each level for each row of `newdata`, shape (m, c + 1)."""
        eta = (
            apply_design(self.design, newdata) @ self.params.to_numpy() if len(self.params) else np.zeros(len(newdata))
        )
        below = special.expit(self.cut_points.to_numpy()[None, :] - eta[:, None])
        edges = np.column_stack([np.zeros(len(newdata)), below, np.ones(len(newdata))])
        return pd.DataFrame(np.diff(edges, axis=1), newdata.index, list(self.levels))

    def average_marginal_effects(self, term: str, level: str | None = None, conf_level: float = 0.95) -> pd.DataFrame:
        """Return differences in the average chance of standing at `level` or above it.

        Parameters
        ----------
        term
            As in `LogisticFit.average_marginal_effects`: a factor is set to each level against its reference, a number
            moved by a small step (the average derivative).
        level
            By default the highest level.
        conf_level
            Of the intervals, by the delta method.

        Returns
        -------
        DataFrame with term, level, reference, estimate, std_error, conf_low, conf_high, statistic, p_value.
        """
        return marginal_effects(self._above(level), self.frame, self.weights, term, conf_level)

    def average_chance(
        self, column: str, value: float | str, level: str | None = None, conf_level: float = 0.95
    ) -> tuple[float, float, float]:
        """Return the average chance of standing at `level` or above it, had every row this value, and its interval.

        Parameters
        ----------
        column
            That the terms read.
        value
            What it is set to.
        level
            By default the highest level.
        conf_level
            Of the interval (delta method, on the logit scale).
        """
        model = self._above(level)
        chance, gradient = model.average_risk(self.frame, self.weights / self.weights.sum(), column, value)
        error = float(np.sqrt(max(float(gradient @ model.covariance @ gradient), 0.0)))
        half = normal_quantile(conf_level) * error / (chance * (1.0 - chance))
        low, high = (float(special.expit(special.logit(chance) + side * half)) for side in (-1.0, 1.0))
        return chance, low, high

    def _above(self, level: str | None) -> RiskModel:
        """Standing at a level or above it is a binary regression whose intercept is minus the cut point below."""
        wanted = self.levels[-1] if level is None else level
        if wanted not in self.levels[1:]:
            raise FitError(f"level is one of {', '.join(self.levels[1:])}, not {level!r}.")
        cut = f"{self.levels[self.levels.index(wanted) - 1]}|{wanted}"
        names = [cut, *self.params.index]
        signs = np.array([-1.0, *np.ones(len(self.params))])
        return RiskModel(
            self.design,
            signs * np.array([self.cut_points[cut], *self.params]),
            self.covariance.loc[names, names].to_numpy() * np.outer(signs, signs),
            read_link("logit"),
            self.frame,
            None,
        )

    def parallel_test(self) -> ParallelTest:
        """Test whether one slope does for all cut points: binary regressions at each, compared (Brant 1990)."""
        return parallel_test(self.frame, self.design, self.place, self.levels, self.weights, self.clusters)
