"""`FineGrayFit`: what `fit_fine_gray` returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Floats, Integers, read_groups, read_query_times
from whychurn.models.competing_risks.subdistribution import State, SubdistributionData, moments
from whychurn.models.design import Design, apply_design
from whychurn.models.standardise import Scaling
from whychurn.models.wald import WaldTest, normal_quantile, ratio_table, wald_test


@dataclass(frozen=True, slots=True)
class FineGrayFit:
    """A fitted Fine-Gray model. p columns, n rows.

    Attributes
    ----------
    params
        Log subdistribution hazard ratios by column name, shape (p,).
    std_errors
        Those that R prints as se(coef): model-based for "finegray", the same as `robust_std_errors` for "crr".
    robust_std_errors, covariance
        The sandwich: by subject for "finegray", Fine and Gray's own for "crr". Tests and intervals use it.
    naive_covariance
        Inverse information at the optimum, which takes weights for subjects.
    log_likelihood, null_log_likelihood
        Log weighted partial likelihood at the optimum and at zero (no likelihood: do not compare models by it).
    cause, method, ties
        What was fitted.
    n, n_events, n_competing, iterations
        Rows, events of the cause, of its competitors, Newton steps.
    """

    params: pd.Series
    std_errors: pd.Series
    robust_std_errors: pd.Series
    covariance: pd.DataFrame
    naive_covariance: pd.DataFrame
    log_likelihood: float
    null_log_likelihood: float
    cause: str
    method: str
    ties: str
    n: int
    n_events: int
    n_competing: int
    iterations: int
    term_slices: dict[str, tuple[str, ...]]
    strata: tuple[str, ...]
    stratum_labels: tuple[str, ...]
    design: Design = field(repr=False)
    scaling: Scaling = field(repr=False)
    data: SubdistributionData = field(repr=False)
    state: State = field(repr=False)
    last_times: Floats = field(repr=False)

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row per column of the design.

        Returns
        -------
        DataFrame with cause, term, level, column, reference, estimate (log subdistribution hazard ratio), std_error,
        subdistribution_hazard_ratio, conf_low, conf_high (of the ratio), statistic (z) and p_value.
        """
        ratio = "subdistribution_hazard_ratio"
        table = ratio_table(self.params, self.covariance, self.design, conf_level, ratio=ratio)
        table.insert(0, "cause", self.cause)
        return table

    def wald_test(self, term: str | Sequence[str]) -> WaldTest:
        """Test jointly that every coefficient of a term (or of several terms) is zero."""
        return wald_test(self.params, self.covariance, self.term_slices, term)

    def predict_incidence(
        self, newdata: pd.DataFrame, times: Sequence[float] | Floats, conf_level: float = 0.95
    ) -> pd.DataFrame:
        """Return the cumulative incidence of the cause for each row of `newdata`, its covariates held fixed.

        Parameters
        ----------
        newdata
            Must hold the columns of the terms, and those of the strata.
        times
            In the unit of the fit. Past the last time of the stratum the incidence is unknown (NaN).
        conf_level
            Level of the limits, symmetric for ``log(-log(1 - incidence))``.

        Returns
        -------
        DataFrame with row, time, incidence, std_error, conf_low and conf_high, row by row. Standard errors are those
        of R's survfit for "finegray", which take the weights as known; cmprsk has none for "crr", and there they
        and the limits are NaN.
        """
        when = read_query_times(times)
        z = normal_quantile(conf_level)
        stratum = self._stratum_codes(newdata)
        x = (apply_design(self.design, newdata) - self.scaling.centre) / self.scaling.spread
        relative = np.exp(x @ (self.params.to_numpy() * self.scaling.spread) - self.state.shift)
        covariance = self.covariance.to_numpy() * np.outer(self.scaling.spread, self.scaling.spread)
        hazard, error = np.empty((len(newdata), when.size)), np.empty((len(newdata), when.size))
        pull, tied = moments(self.data, self.state)
        drift = self.state.a[:, None] * pull - self.state.b[:, None] * tied
        for code in np.unique(stratum):
            mine = stratum == code
            low, high = self.data.sets.bounds[code], self.data.sets.bounds[code + 1] - 1
            place = np.searchsorted(self.data.sets.times[low:high], when, side="right")
            known = np.where(when > self.last_times[code], np.nan, 1.0)
            reached, spread, lever = (
                np.concatenate((np.zeros((1, *part.shape[1:])), np.cumsum(part[low:high], axis=0)))[place]
                for part in (self.state.a1, self.state.a, drift)
            )
            moved = lever[None, :, :] - reached[None, :, None] * x[mine][:, None, :]
            by_params = np.einsum("rtj,jk,rtk->rt", moved, covariance, moved)
            hazard[mine] = relative[mine][:, None] * reached * known
            error[mine] = relative[mine][:, None] * np.sqrt(spread + by_params) * known
        if self.method == "crr":
            error[:] = np.nan
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            width = np.exp(np.where((hazard > 0.0) | np.isnan(error), z * error / hazard, 0.0))
        found = {
            "incidence": -np.expm1(-hazard),
            "std_error": np.exp(-hazard) * error,
            "conf_low": -np.expm1(-hazard / width),
            "conf_high": -np.expm1(-hazard * width),
        }
        rows = np.repeat(newdata.index.to_numpy(), when.size)
        columns = {name: values.ravel() for name, values in found.items()}
        return pd.DataFrame({"row": rows, "time": np.tile(when, len(newdata)), **columns})

    def _stratum_codes(self, newdata: pd.DataFrame) -> Integers:
        if not self.strata:
            return np.zeros(len(newdata), dtype=np.int64)
        codes, labels = read_groups(newdata, self.strata)
        known = {label: code for code, label in enumerate(self.stratum_labels)}
        unseen = [label for label in labels if label not in known]
        if unseen:
            raise FitError(f"Stratum {unseen[0]!r} was not fitted. Strata fitted: {', '.join(known)}.")
        return np.array([known[label] for label in labels], dtype=np.int64)[codes]
