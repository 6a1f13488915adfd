"""`fit_firth`: logistic regression with Firth's penalty, for separated or sparse data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

from whychurn.errors import FitError, some
from whychurn.models.columns import Floats, read_numbers, tally
from whychurn.models.design import Design, apply_design
from whychurn.models.logistic.fitting import INTERCEPT, BinaryRows, read_binary_rows, to_caller_units
from whychurn.models.logistic.penalised_likelihood import PenalisedProblem, PenalisedState, climb
from whychurn.models.logistic.profile import likelihood_ratio, profile_limit
from whychurn.models.newton import refuse_aliased
from whychurn.models.plain_design import design_matrix
from whychurn.models.standardise import standardise
from whychurn.models.wald import WaldTest, normal_quantile, ratio_table


@dataclass(frozen=True, slots=True)
class FirthFit:
    """A logistic regression fitted by penalised likelihood. p coefficients, the intercept first.

    Attributes
    ----------
    params, std_errors
        Log odds ratios by column name, and standard errors from the inverse information, shape (p,). The
        profile limits of `tidy` do not use them: Wald intervals are poor where this fit is needed.
    covariance
        Inverse information at the estimate, by column name.
    penalised_log_likelihood
        Log-likelihood plus half the log determinant of the information, at the optimum.
    n, n_given, n_events, iterations
        Rows of positive weight, rows given, outcomes, steps.
    term_slices
        Column names of each term.
    offset
        Name of the offset column, if any.
    """

    params: pd.Series
    std_errors: pd.Series
    covariance: pd.DataFrame
    penalised_log_likelihood: float
    n: int
    n_given: int
    n_events: int
    iterations: int
    term_slices: dict[str, tuple[str, ...]]
    offset: str | None
    design: Design = field(repr=False)
    problem: PenalisedProblem = field(repr=False)
    optimum: PenalisedState = field(repr=False)
    back: Floats = field(repr=False)

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row per coefficient, with profile penalised-likelihood limits and tests.

        Returns
        -------
        DataFrame with term, level, reference, column, estimate (log odds ratio), std_error, odds_ratio,
        conf_low, conf_high (of the odds ratio; 0 or infinite where the profile never falls far enough, said
        in note), statistic (penalised likelihood ratio, chi-square of one degree of freedom), p_value, note.
        """
        z = normal_quantile(conf_level)
        table = ratio_table(self.params, self.covariance, self.design, conf_level, ratio="odds_ratio")
        limits = [[profile_limit(self.problem, self.optimum, c, side * z) for side in (-1.0, 1.0)] for c in self.back]
        ratios = [likelihood_ratio(self.problem, self.optimum, c[:, None]) for c in self.back]
        with np.errstate(over="ignore"):
            table["conf_low"], table["conf_high"] = np.exp(np.array(limits)).T
        table["statistic"] = ratios
        table["p_value"] = stats.chi2.sf(ratios, 1)
        table["note"] = [_note(low, high) for low, high in limits]
        return table

    def penalised_lr_test(self, term: str | list[str] | None = None) -> WaldTest:
        """Test jointly that every coefficient of a term, of several, or of all terms is zero.

        The statistic is twice the fall of the penalised log-likelihood, the penalty being that of the whole
        design (Heinze & Schemper 2002).
        """
        terms = list(self.term_slices) if term is None else [term] if isinstance(term, str) else list(term)
        unknown = [name for name in terms if name not in self.term_slices]
        if unknown:
            raise FitError(f"No term {some(map(repr, unknown))}. Terms fitted: {some(self.term_slices, most=30)}.")
        names = list(self.params.index)
        places = [names.index(column) for name in terms for column in self.term_slices[name]]
        if not places:
            raise FitError("There is no term to test: the model has an intercept only.")
        statistic = likelihood_ratio(self.problem, self.optimum, self.back[places].T)
        return WaldTest(statistic, len(places), float(stats.chi2.sf(statistic, len(places))))

    def predict(self, newdata: pd.DataFrame) -> pd.Series:
        """Return the probability of the outcome for each row of `newdata`, shape (m,).

        The penalty draws predicted probabilities towards a half. For predictions the intercept is therefore
        set so that, over the rows of the fit, they add up to the outcomes (FLIC; Puhr et al. 2017, Statist.
        Med. 36:2302-2317); with no outcome at all, or outcomes only, it stays as estimated.
        """
        eta = apply_design(self.design, newdata) @ self.params.to_numpy()[1:]
        if self.offset is not None:
            eta = eta + read_numbers(newdata, self.offset)
        return pd.Series(special.expit(self._intercept() + eta), newdata.index, name="probability")

    def _intercept(self) -> float:
        problem, estimate = self.problem, float(self.params.iloc[0])
        share = problem.events.sum() / problem.weights.sum()
        if not 0.0 < share < 1.0:
            return estimate
        eta = problem.x @ self.optimum.beta + problem.offset

        def missing(shift: float) -> float:
            return float(problem.events.sum() - problem.weights @ special.expit(eta + shift))

        widest = float(np.abs(eta).max()) + abs(float(special.logit(share))) + 1.0
        return estimate + float(optimize.brentq(missing, -widest, widest, xtol=1e-14, rtol=1e-14))


def fit_firth(
    frame: pd.DataFrame,
    terms: Sequence[str],
    outcome: str,
    weights: str | None = None,
    offset: str | None = None,
) -> FirthFit:
    """Fit a logistic regression by Firth's penalised likelihood.

    Estimates are finite for any data, separated or not, even without any outcome, and their bias is of second
    order. In a saturated table it adds half a customer to every cell.

    Parameters
    ----------
    frame, terms, outcome, offset
        As in `fit_logistic`.
    weights
        Column of weights, zero or more, that count rows (a weight of two is two equal rows).

    Returns
    -------
    FirthFit

    Raises
    ------
    FitError
        Unreadable columns or rows, or none at all.
    SingularDesignError
        A column is constant or a linear combination of others.
    ConvergenceError
        Covariates so extreme that the information vanishes.

    Notes
    -----
    Source: Firth (1993), Biometrika 80:27-38; Heinze & Schemper (2002), Statist. Med. 21:2409-2419.
    """
    rows = read_binary_rows(frame, outcome, weights, offset, refuse_one_outcome=False)
    design, x = design_matrix(rows.frame, terms)
    scaling, scaled = standardise(x, rows.weights, overwrite=True)
    problem = _kinds_of_rows(scaled, rows)
    names = (INTERCEPT, *design.columns)
    zero = np.zeros(len(names))
    moderate = problem.x.T @ (problem.weights[:, None] * problem.x) / 4.0
    refuse_aliased(moderate, names, "over these rows", "the intercept")
    optimum, _, iterations = climb(problem, zero)
    back = to_caller_units(scaling)
    covariance = back @ np.linalg.inv(optimum.information) @ back.T
    return FirthFit(
        params=pd.Series(back @ optimum.beta, names),
        std_errors=pd.Series(np.sqrt(np.diag(covariance)), names),
        covariance=pd.DataFrame(covariance, names, names),
        # The determinant in the units of the caller.
        penalised_log_likelihood=optimum.value + float(np.log(scaling.spread).sum()),
        n=len(rows.frame),
        n_given=len(frame),
        n_events=int(rows.happened.sum()),
        iterations=iterations,
        term_slices=dict(design.term_slices),
        offset=offset,
        design=design,
        problem=problem,
        optimum=optimum,
        back=back,
    )


def _kinds_of_rows(scaled: Floats, rows: BinaryRows) -> PenalisedProblem:
    """Join equal rows: the likelihood, its penalty and its profile only see how many there are."""
    n = scaled.shape[0]
    known = np.zeros(n) if rows.offset is None else rows.offset
    full = np.column_stack([np.ones(n), scaled])
    _, first, kind = np.unique(np.column_stack([scaled, known]), axis=0, return_index=True, return_inverse=True)
    kind = kind.reshape(-1)
    return PenalisedProblem(
        np.ascontiguousarray(full[first]),
        tally(kind, rows.weights * rows.y, first.size),
        tally(kind, rows.weights, first.size),
        known[first],
    )


def _note(low: float, high: float) -> str:
    sides = [name for name, limit in (("lower", low), ("upper", high)) if not np.isfinite(limit)]
    if not sides:
        return ""
    return f"no {' and no '.join(sides)} limit: the penalised likelihood does not fall far enough"
