"""Does one odds ratio do for all cut points? Binary regressions at each cut, compared by a joint Wald test.

Without clusters the covariance between the regressions is Brant's, from the fitted probabilities; with clusters it is
the sandwich of their stacked scores, which asks nothing of the model. That sandwich rests on as many independent pieces
as there are clusters, so with clusters the statistic is held against F and not against chi-square: of many terms and some
hundred clusters chi-square would reject far too often.

Source: Brant (1990), Biometrics 46:1171-1178; Korn & Graubard (1990), Am. Statist. 44:270-276 (adjusted Wald test).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg, special, stats

from whychurn.errors import FitError
from whychurn.models.columns import Floats, Integers
from whychurn.models.covariates import matrix_covariates
from whychurn.models.design import Design, apply_design
from whychurn.models.logistic.likelihood import BinomialProblem
from whychurn.models.logistic.links import read_link
from whychurn.models.newton import maximise
from whychurn.models.wald import WaldTest, normal_quantile


@dataclass(frozen=True, slots=True)
class ParallelTest:
    """Binary regressions of standing above each cut point, and the tests that their slopes are the same.

    Attributes
    ----------
    slopes, std_errors
        Log odds ratios by column (rows) and cut point (columns), shape (p, c); NaN where there is no fit.
    overall
        All terms together; NaN where there is no test.
    by_term
        Term -> test.
    note
        Why there is no test, or "".
    """

    slopes: pd.DataFrame
    std_errors: pd.DataFrame
    overall: WaldTest
    by_term: dict[str, WaldTest]
    note: str

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Return one row per column and cut point: column, cut, estimate, std_error, odds_ratio, conf_low, conf_high."""
        z = normal_quantile(conf_level)
        long = [
            (name, cut, self.slopes.loc[name, cut], self.std_errors.loc[name, cut])
            for name in self.slopes.index
            for cut in self.slopes.columns
        ]
        table = pd.DataFrame(long, columns=["column", "cut", "estimate", "std_error"])
        return table.assign(
            odds_ratio=np.exp(table["estimate"]),
            conf_low=np.exp(table["estimate"] - z * table["std_error"]),
            conf_high=np.exp(table["estimate"] + z * table["std_error"]),
        )


def parallel_test(
    frame: pd.DataFrame,
    design: Design,
    place: Integers,
    levels: tuple[str, ...],
    weights: Floats,
    clusters: Integers | None,
) -> ParallelTest:
    """Return what `OrderedLogitFit.parallel_test` returns.

    Parameters
    ----------
    frame, design
        Rows of the fit and how they become columns.
    place
        Level of each row, shape (n,).
    levels
        Names of the levels.
    weights
        Shape (n,).
    clusters
        Code of each row's cluster, shape (n,), or None.
    """
    cuts = [f"{low}|{high}" for low, high in itertools.pairwise(levels)]
    columns = list(design.columns)
    nothing = WaldTest(np.nan, 0, np.nan)
    empty = pd.DataFrame(np.nan, columns, cuts)
    if len(cuts) < 2 or not columns:
        why = "There is one cut point only." if columns else "There are no terms."
        return ParallelTest(empty, empty, nothing, {}, why)
    x = np.column_stack([np.ones(len(frame)), apply_design(design, frame)])
    try:
        fitted = [_binary(x, (place > k).astype(float), weights, (cut, *columns)) for k, cut in enumerate(cuts)]
    except FitError as problem:
        return ParallelTest(empty, empty, nothing, {}, f"Not tested: {problem}")
    beta = np.concatenate([coefficients for coefficients, _ in fitted])
    covariance = _joint(x, place, weights, clusters, [chance for _, chance in fitted])
    p = x.shape[1]
    slopes = beta.reshape(len(cuts), p)[:, 1:].T
    errors = np.sqrt(np.diag(covariance)).reshape(len(cuts), p)[:, 1:].T
    of_term = {term: [1 + columns.index(name) for name in names] for term, names in design.term_slices.items()}
    every = [position for positions in of_term.values() for position in positions]
    free = None if clusters is None else int(clusters.max())
    return ParallelTest(
        pd.DataFrame(slopes, columns, cuts),
        pd.DataFrame(errors, columns, cuts),
        _equal(beta, covariance, every, p, len(cuts), free),
        {term: _equal(beta, covariance, positions, p, len(cuts), free) for term, positions in of_term.items()},
        "",
    )


def _binary(x: Floats, y: Floats, weights: Floats, names: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Fit one binary regression; return its coefficients, shape (p,), and probabilities, shape (n,)."""
    scaling, covariates = matrix_covariates(x[:, 1:].copy(), weights)
    problem = BinomialProblem(covariates, y, weights, None, read_link("logit"), names)
    share = float(weights @ y / weights.sum())
    begin = np.zeros(len(names))
    begin[0] = np.log(share / (1.0 - share))
    optimum = maximise(problem, dict, begin)
    slopes = optimum.beta[1:] / scaling.spread
    beta = np.concatenate([[optimum.beta[0] - slopes @ scaling.centre], slopes])
    return beta, np.asarray(special.expit(optimum.state.eta))


def _joint(x: Floats, place: Integers, weights: Floats, clusters: Integers | None, chances: list[Floats]) -> Floats:
    """Return the covariance of all binary regressions together, shape (c p, c p)."""
    breads = [linalg.inv(x.T @ ((weights * chance * (1.0 - chance))[:, None] * x)) for chance in chances]
    bread = linalg.block_diag(*breads)
    if clusters is None:
        blocks = list(_model_blocks(x, weights, chances))
        p = x.shape[1]
        meat = np.zeros_like(bread)
        for one, other, block in blocks:
            rows, own = slice(one * p, (one + 1) * p), slice(other * p, (other + 1) * p)
            meat[rows, own] = block
            meat[own, rows] = block.T
        return np.asarray(bread @ meat @ bread)
    stacked = np.concatenate(
        [(weights * ((place > k) - chance))[:, None] * x for k, chance in enumerate(chances)], axis=1
    )
    groups = int(clusters.max()) + 1
    summed = np.zeros((groups, stacked.shape[1]))
    np.add.at(summed, clusters, stacked)
    influence = summed @ bread
    return np.asarray(influence.T @ influence * (groups / (groups - 1.0)))


def _model_blocks(x: Floats, weights: Floats, chances: list[Floats]) -> Iterator[tuple[int, int, Floats]]:
    """Yield the covariance of the scores at two cut points: standing above the higher implies the lower."""
    for one, lower in enumerate(chances):
        for other in range(one, len(chances)):
            shared = weights * chances[other] * (1.0 - lower)
            yield one, other, x.T @ (shared[:, None] * x)


def _equal(
    beta: Floats, covariance: Floats, positions: list[int], p: int, cuts: int, free: int | None = None
) -> WaldTest:
    """Test that coefficients at some positions are the same in every regression; `free` is clusters less one."""
    rows = []
    for k in range(1, cuts):
        for position in positions:
            row = np.zeros(cuts * p)
            row[position], row[k * p + position] = 1.0, -1.0
            rows.append(row)
    difference = np.array(rows)
    apart, block = difference @ beta, difference @ covariance @ difference.T
    scale = np.sqrt(np.diag(block))
    # With fewer clusters than differences the sandwich is singular: its rank is then what can be tested.
    solved, _, rank, _ = np.linalg.lstsq(block / np.outer(scale, scale), apart / scale, rcond=1e-10)
    statistic = float(apart / scale @ solved)
    if free is None:
        return WaldTest(statistic, int(rank), float(stats.chi2.sf(statistic, int(rank))))
    left = free - int(rank) + 1
    return WaldTest(statistic, int(rank), float(stats.f.sf(statistic * left / (free * rank), int(rank), left)))
