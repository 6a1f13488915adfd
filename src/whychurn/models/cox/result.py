"""`CoxFit`: what `fit_cox` returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.columns import Floats, Integers, read_query_times
from whychurn.models.concordance import ConcordanceResult, concordance_of_arrays
from whychurn.models.covariates import standardised_matrix
from whychurn.models.cox import residuals as kernels
from whychurn.models.cox.likelihood import CoxData, SlotTerms, derivatives, slot_terms
from whychurn.models.cox.prediction import baseline_frame, predict_frame, predict_path_frame
from whychurn.models.cox.proportionality import proportionality_statistics, time_transform
from whychurn.models.cox.rows import Rows, expand, plain_start
from whychurn.models.design import Design
from whychurn.models.merge_rows import MergedRows
from whychurn.models.riskset import RiskSets, place_rows
from whychurn.models.standardise import Scaling
from whychurn.models.threads import one_blas_thread
from whychurn.models.wald import WaldTest, ratio_table, wald_test

RESIDUAL_KINDS = ("martingale", "deviance", "score", "dfbeta", "schoenfeld", "scaled_schoenfeld")


@dataclass(frozen=True, slots=True, repr=False)
class CoxFit:
    """A fitted Cox model. p columns, n rows.

    Attributes
    ----------
    params
        Log hazard ratios by column name, shape (p,).
    std_errors
        Model-based standard errors, shape (p,).
    robust_std_errors
        Sandwich standard errors by cluster (or row); None unless asked for.
    covariance
        Covariance that tests and intervals use: robust where there is a cluster, else model-based.
    naive_covariance
        Inverse information at the optimum.
    log_likelihood, null_log_likelihood
        Log partial likelihood at the optimum and at zero.
    n, n_events, iterations
        Rows, events, Newton steps.
    term_slices
        Column names of each term.
    strata, stratum_labels
        Stratifying columns and the labels of their combinations.
    offset
        Column of the offset, which predictions read too.
    tests
        Tests of proportional hazards, by transform, once they were asked for.
    """

    params: pd.Series
    std_errors: pd.Series
    robust_std_errors: pd.Series | None
    covariance: pd.DataFrame
    naive_covariance: pd.DataFrame
    log_likelihood: float
    null_log_likelihood: float
    n: int
    n_events: int
    iterations: int
    ties: str
    term_slices: dict[str, tuple[str, ...]]
    strata: tuple[str, ...]
    stratum_labels: tuple[str, ...]
    offset: str | None
    design: Design = field(repr=False)
    scaling: Scaling = field(repr=False)
    data: CoxData = field(repr=False)
    slot_terms: SlotTerms = field(repr=False)
    rows: Rows = field(repr=False)
    merged: MergedRows | None = field(repr=False)
    clusters: Integers | None = field(repr=False)
    index: pd.Index = field(repr=False)
    tests: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        """Return a line, not the arrays."""
        return (
            f"CoxFit({len(self.params)} coefficients, {self.n_events:,} events in {self.n:,} rows, {self.ties} ties; "
            "see .tidy())"
        )

    @property
    def score_statistic(self) -> float:
        """Score chi-square of all columns together, p degrees of freedom."""
        if not len(self.params):
            return 0.0
        score, information = derivatives(self.data, slot_terms(self.data, np.zeros(len(self.params))))
        return float(score @ np.linalg.solve(information, score))

    def row_level(self) -> tuple[CoxData, SlotTerms]:
        """Return data and slot sums over the rows of the frame, n of them, where the fit worked on fewer."""
        merged, rows = self.merged, self.rows
        if merged is None:
            return self.data, self.slot_terms
        sets, terms = self.row_level_sums()
        covariates = standardised_matrix(self.data.covariates.take(merged.kind))
        return CoxData(covariates, rows.weights, rows.offset, sets, self.data.efron), terms

    def row_level_sums(self) -> tuple[RiskSets, SlotTerms]:
        """Return the rows of the frame placed on slots, and the slot sums with their risks, without their design."""
        merged, rows = self.merged, self.rows
        if merged is None:
            return self.data.sets, self.slot_terms
        sets = place_rows(rows.start, rows.stop, rows.event, rows.stratum)
        risk = (self.slot_terms.risk / self.data.weights)[merged.kind] * rows.weights
        # Rows outside every risk set may have been joined to others.
        risk[sets.idle] = rows.weights[sets.idle]
        return sets, replace(self.slot_terms, risk=risk)

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row per column of the design.

        Returns
        -------
        DataFrame with term, level, reference, column, estimate (log hazard ratio), std_error, hazard_ratio,
        conf_low, conf_high (of the hazard ratio), statistic (z) and p_value.
        """
        return ratio_table(self.params, self.covariance, self.design, conf_level, ratio="hazard_ratio")

    def wald_test(self, term: str | Sequence[str]) -> WaldTest:
        """Test jointly that every coefficient of a term (or of several terms) is zero."""
        return wald_test(self.params, self.covariance, self.term_slices, term)

    def test_proportional_hazards(self, transform: str = "km") -> pd.DataFrame:
        """Return the Grambsch-Therneau score test of each term and, as ``GLOBAL``, of all together.

        Parameters
        ----------
        transform
            Time scale on which an effect may drift: "km", "identity", "log" or "rank".

        Returns
        -------
        DataFrame with term, statistic, df and p_value.
        """
        if transform not in self.tests:
            self.tests[transform] = self._proportionality(transform)
        return self.tests[transform].copy()

    def _proportionality(self, transform: str) -> pd.DataFrame:
        sets = self.data.sets
        times = sets.times[sets.deaths > 0]
        scale = time_transform(transform, plain_start(self.rows), self.rows.stop, self.rows.event, times)
        transformed = np.zeros(sets.slots)
        transformed[sets.deaths > 0] = scale
        place = {name: number for number, name in enumerate(self.params.index)}
        groups = [[place[name] for name in names] for names in self.term_slices.values()]
        with one_blas_thread(self.n):
            found = proportionality_statistics(self.data, self.slot_terms, transformed, [*groups, list(place.values())])
        return pd.DataFrame(found, columns=["statistic", "df", "p_value"]).assign(term=[*self.term_slices, "GLOBAL"])[
            ["term", "statistic", "df", "p_value"]
        ]

    def residuals(self, kind: str) -> pd.Series | pd.DataFrame:
        """Return residuals by row of the frame (or by event for the Schoenfeld kinds).

        Parameters
        ----------
        kind
            "martingale" or "deviance": Series, shape (n,). "score" or "dfbeta" (change of each coefficient
            when the row is left out, to first order): DataFrame, shape (n, p). "schoenfeld" or
            "scaled_schoenfeld" (a smooth of which estimates the coefficient over time): DataFrame, shape
            (events, p), ordered by stratum and time, with the time as index level "time". As in R, only
            dfbeta carries the case weight.
        """
        if kind not in RESIDUAL_KINDS:
            raise FitError(f"kind is one of {', '.join(RESIDUAL_KINDS)}, not {kind!r}.")
        data, terms = self.row_level()
        spread, names = self.scaling.spread, self.params.index
        if kind == "martingale":
            return pd.Series(kernels.martingale_residuals(data, terms), self.index, name=kind)
        if kind == "deviance":
            return pd.Series(kernels.deviance_residuals(data, terms), self.index, name=kind)
        if kind == "score":
            return pd.DataFrame(kernels.score_residuals(data, terms) * spread, self.index, names)
        if kind == "dfbeta":
            scores = kernels.score_residuals(data, terms) * spread * data.weights[:, None]
            return pd.DataFrame(scores @ self.naive_covariance.to_numpy(), self.index, names)
        found = kernels.schoenfeld_residuals(data, terms) * spread
        if kind == "scaled_schoenfeld":
            found = found @ self.naive_covariance.to_numpy() * self.n_events + self.params.to_numpy()
        rows = data.sets.event_rows
        index = pd.MultiIndex.from_arrays([self.index[rows], self.rows.stop[rows]], names=["row", "time"])
        return pd.DataFrame(found, index, names)

    def linear_predictor(self) -> pd.Series:
        """Return the fitted log relative hazard of each row, up to a constant, shape (n,)."""
        eta = self.data.covariates.product(self.params.to_numpy() * self.scaling.spread) + self.data.offset
        return pd.Series(expand(eta, self.merged), self.index, name="linear_predictor")

    def baseline_cumulative_hazard(self, times: Sequence[float] | Floats) -> pd.DataFrame:
        """Return the cumulative hazard at `times` of a subject whose covariates are all zero.

        With Efron ties the increments are Efron's, consistent with the fit.

        Returns
        -------
        DataFrame with stratum, time and cumulative_hazard.
        """
        return baseline_frame(self, read_query_times(times))

    def predict_survival(
        self, newdata: pd.DataFrame, times: Sequence[float] | Floats, conf_level: float | None = 0.95
    ) -> pd.DataFrame:
        """Return the survival curve of each row of `newdata`, its covariates held fixed.

        Parameters
        ----------
        newdata
            Must hold the columns of the terms, of the strata and of the offset.
        times
            In the unit of the fit. Past the last time anybody of the stratum was seen everything is NaN.
        conf_level
            Level of the log-log interval; None skips the standard errors (their columns stay, empty).

        Returns
        -------
        DataFrame with row, time, cumulative_hazard, survival, std_error, conf_low and conf_high, row by row.
        """
        return predict_frame(self, newdata, read_query_times(times), conf_level)

    def predict_survival_path(
        self,
        newdata: pd.DataFrame,
        path: str,
        start: str,
        stop: str,
        times: Sequence[float] | Floats,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Return survival along paths of changing covariates, from the beginning of each path.

        Parameters
        ----------
        newdata
            Rows ``(start, stop]`` with the covariates in force, several per path.
        path, start, stop
            Columns with the path's label and its intervals.
        times, conf_level
            As in `predict_survival`. Past the end of a path everything is NaN.

        Returns
        -------
        DataFrame with path, time, cumulative_hazard, survival, std_error, conf_low and conf_high.
        """
        return predict_path_frame(self, newdata, path, start, stop, read_query_times(times), conf_level)

    def concordance(self) -> ConcordanceResult:
        """Return Harrell's concordance of the linear predictor with survival, strata kept apart."""
        return concordance_of_arrays(
            start=plain_start(self.rows),
            stop=self.rows.stop,
            event=self.rows.event,
            score=-self.linear_predictor().to_numpy(),
            weights=self.rows.weights,
            stratum=self.rows.stratum,
            clusters=self.clusters,
        )

    def likelihood_ratio_test(self) -> WaldTest:
        """Test all coefficients together by twice the gain in log-likelihood over the null model."""
        statistic = 2.0 * (self.log_likelihood - self.null_log_likelihood)
        df = len(self.params)
        return WaldTest(statistic, df, float(stats.chi2.sf(statistic, df)) if df else float("nan"))
