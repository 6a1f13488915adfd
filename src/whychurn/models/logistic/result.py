"""`LogisticFit`: what `fit_logistic` returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Booleans, Floats
from whychurn.models.design import Design
from whychurn.models.logistic.links import read_link
from whychurn.models.logistic.standardisation import RiskModel, marginal_effects, standardised_risks
from whychurn.models.wald import WaldTest, ratio_table, wald_test


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """A fitted binary regression. p coefficients, the intercept first; n rows.

    Attributes
    ----------
    params, std_errors
        Log odds ratios (log hazard ratios with link "cloglog") by column name and their standard errors of the
        kind asked for, shape (p,).
    covariance, covariance_type
        Covariance by column name, and its kind.
    log_likelihood, null_log_likelihood
        Weighted log-likelihood at the optimum and with an intercept (and the offset) only.
    n, n_given, n_events, iterations
        Rows of positive weight, rows given, outcomes, Newton steps.
    term_slices
        Column names of each term.
    link, offset
        Name of the link, and of the offset column if any.
    """

    params: pd.Series
    std_errors: pd.Series
    covariance: pd.DataFrame
    covariance_type: str
    log_likelihood: float
    null_log_likelihood: float
    n: int
    n_given: int
    n_events: int
    iterations: int
    term_slices: dict[str, tuple[str, ...]]
    design: Design = field(repr=False)
    frame: pd.DataFrame = field(repr=False)
    weights: Floats = field(repr=False)
    link: str = "logit"
    offset: str | None = None

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row per coefficient.

        Returns
        -------
        DataFrame with term, level, column, reference, estimate (log odds ratio), std_error, odds_ratio
        (hazard_ratio with link "cloglog"), conf_low, conf_high (of the ratio), statistic (z) and p_value.
        """
        return ratio_table(self.params, self.covariance, self.design, conf_level, ratio=read_link(self.link).ratio)

    def wald_test(self, term: str | list[str]) -> WaldTest:
        """Test jointly that every coefficient of a term (or of several terms) is zero."""
        return wald_test(self.params, self.covariance, self.term_slices, term)

    def predict(self, newdata: pd.DataFrame) -> pd.Series:
        """Return the probability of the outcome for each row of `newdata`, shape (m,)."""
        model = self._model()
        risk = model.link.mean(model.predictor(newdata, model.matrix(newdata))) if len(newdata) else np.zeros(0)
        return pd.Series(risk, newdata.index, name="probability")

    def standardised_risk(
        self,
        term: str,
        conf_level: float = 0.95,
        population: pd.DataFrame | None = None,
        among: Booleans | pd.Series | None = None,
    ) -> pd.DataFrame:
        """Return the average risk if everybody had each level of a factor in turn (g-computation).

        Parameters
        ----------
        term
            A factor, or a numeric column of zeros and ones: a term, or a column that the terms read.
        population
            Rows to average over, each once; by default the rows of the fit with their weights.
        among
            Which rows of the fit to average over instead, with their weights, shape (n,). A Series is matched by its
            index, whatever its order.

        Returns
        -------
        DataFrame with term, level, estimate, std_error (delta method), conf_low, conf_high (on the logit
        scale, so within 0 to 1) and is_reference.
        """
        rows, mass = self._population(population, among)
        return standardised_risks(self._model(), rows, mass, term, conf_level)

    def average_marginal_effects(
        self,
        term: str,
        conf_level: float = 0.95,
        population: pd.DataFrame | None = None,
        among: Booleans | pd.Series | None = None,
    ) -> pd.DataFrame:
        """Return differences in average risk: each level against the reference, or per unit of a number.

        For a factor (or a column of zeros and ones) every row is set to the level and to the reference, and the
        average risks compared. For a numeric column it is the average derivative of the risk. Interactions,
        powers and splines of the column move with it. `term` is a term or a column that the terms read;
        `population` and `among` as in `standardised_risk`. Errors are by the delta method from the covariance
        of this fit; the rows are taken as given.

        Returns
        -------
        DataFrame with term, level, reference, estimate (risk difference), std_error, conf_low, conf_high,
        statistic, p_value.
        """
        rows, mass = self._population(population, among)
        return marginal_effects(self._model(), rows, mass, term, conf_level)

    def _model(self) -> RiskModel:
        return RiskModel(
            self.design,
            self.params.to_numpy(),
            self.covariance.to_numpy(),
            read_link(self.link),
            self.frame,
            self.offset,
        )

    def _population(
        self, population: pd.DataFrame | None, among: Booleans | pd.Series | None
    ) -> tuple[pd.DataFrame, Floats]:
        if among is not None:
            chosen = self._mask(among)
            return self.frame[chosen], self.weights[chosen]
        if population is None:
            return self.frame, self.weights
        return population, np.ones(len(population))

    def _mask(self, among: Booleans | pd.Series) -> Booleans:
        """Return which rows of the fit are meant, shape (n,); a Series says so by its index."""
        own = self.frame.index
        if isinstance(among, pd.Series) and not among.index.equals(own):
            if not (own.is_unique and among.index.is_unique and own.sort_values().equals(among.index.sort_values())):
                raise FitError(
                    f"The index of among is not that of the {self.n:,} rows of the fit: give it the same index, or an array "
                    "in the order of those rows."
                )
            among = among.reindex(own)
        given = np.asarray(among)
        coded = given.shape == (self.n,) and bool(pd.Series(given).isin([0, 1]).all())
        if not coded or not given.astype(bool).any():
            raise FitError(
                f"among says of each of the {self.n:,} rows of the fit whether it counts (True or False); some must."
            )
        return given.astype(bool)
