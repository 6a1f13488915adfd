"""scikit-learn: coefficients only, so a reference for speed."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.store import Table
from benchmarks.work import Estimates, Work


def logit(table: Table) -> Work:
    """`LogisticRegression` without penalty, by the solver that its manual advises for many rows and few columns."""
    x, y = table.matrix(), table.columns["outcome"]
    return Work(
        lambda: LogisticRegression(C=np.inf, solver="newton-cholesky").fit(x, y),
        lambda fit: Estimates(np.concatenate((fit.intercept_, fit.coef_[0]))),
    )
