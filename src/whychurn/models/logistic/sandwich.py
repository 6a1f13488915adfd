"""Model-based and robust covariances of a binary regression.

The sandwiches are our own: statsmodels returns HC0 where HC1 or HC3 is asked for of a binomial model.

Source: White (1980), Econometrica 48:817-838; MacKinnon & White (1985), J. Econometrics 29:305-325; Zeileis
(2006), J. Statist. Softw. 16(9) (for generalised linear models).
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from whychurn.errors import FitError
from whychurn.models.columns import Floats, Integers
from whychurn.models.covariates import Covariates
from whychurn.models.logistic.likelihood import BinomialProblem, BinomialState, bordered_sums
from whychurn.models.newton import Optimum

COVARIANCES = ("model", "HC0", "HC1", "HC3", "cluster")


def covariance_of(
    problem: BinomialProblem, optimum: Optimum[BinomialState], kind: str, clusters: Integers | None
) -> Floats:
    """Return the covariance of the standardised coefficients, shape (p, p).

    Parameters
    ----------
    kind
        One of `COVARIANCES`.
    clusters
        Cluster code of each row, shape (n,), for "cluster".
    """
    eta, link = optimum.state.eta, problem.link
    expected = link.expected_information(eta) * problem.weights
    # At the optimum itself: Newton's own inverse may be that of the step before. Where the observed information is
    # not the expected one, the expected one is reported, as everywhere.
    canonical = link.name == "logit"
    information = (
        problem.derivatives(optimum.state) if canonical else bordered_sums(problem.covariates, expected, expected)
    )[1]
    bread = linalg.inv(information)
    if kind == "model":
        return bread
    score = link.score(problem.y, eta)[0] * problem.weights
    n, p = problem.covariates.shape[0], bread.shape[0]
    if kind == "cluster":
        assert clusters is not None
        return _clustered(problem.covariates, score, clusters, bread)
    if kind == "HC3":
        score /= 1.0 - expected * quadratic_forms(problem.covariates, bread)
    meat = bordered_sums(problem.covariates, score, score**2)[1]
    return (n / (n - p) if kind == "HC1" else 1.0) * bread @ meat @ bread


def quadratic_forms(covariates: Covariates, matrix: Floats) -> Floats:
    """Return ``x' matrix x`` of every row with its constant, shape (n,)."""
    out = np.empty(covariates.shape[0])
    for low, high, block in covariates.blocks():
        out[low:high] = matrix[0, 0] + 2.0 * (matrix[0, 1:] @ block)
        out[low:high] += np.einsum("ij,ij->j", matrix[1:, 1:] @ block, block)
    return out


def _clustered(covariates: Covariates, score: Floats, clusters: Integers, bread: Floats) -> Floats:
    groups = int(clusters.max()) + 1
    if groups < 2:
        raise FitError("A cluster-robust covariance needs at least two clusters.")
    summed = np.zeros((groups, bread.shape[0]))
    for low, high, block in covariates.blocks():
        # The scores of a block, summed over runs of rows of one cluster: rows often come cluster by cluster.
        codes, own = clusters[low:high], score[low:high]
        starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
        runs = np.empty((starts.size, bread.shape[0]))
        runs[:, 0] = np.add.reduceat(own, starts)
        runs[:, 1:] = np.add.reduceat(block * own, starts, axis=1).T
        np.add.at(summed, codes[starts], runs)
    influence = summed @ bread
    return influence.T @ influence * (groups / (groups - 1.0))
