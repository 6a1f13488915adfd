"""The Python library glum: generalised linear models at insurance scale."""

import numpy as np
from glum import GeneralizedLinearRegressor

from benchmarks.store import Table
from benchmarks.work import Estimates, Work


def logit(table: Table) -> Work:
    """Binomial model without penalty, with the model-based covariance."""
    x, y = table.matrix(), table.columns["outcome"].astype(float)

    def call() -> tuple[GeneralizedLinearRegressor, np.ndarray]:
        fit = GeneralizedLinearRegressor(family="binomial", alpha=0.0, gradient_tol=1e-6).fit(x, y)
        return fit, fit.covariance_matrix(x, y, robust=False, dispersion=1.0)

    def read(found: tuple[GeneralizedLinearRegressor, np.ndarray]) -> Estimates:
        fit, covariance = found
        # It multiplies by n / (n - p), which is for a dispersion that is estimated; a binomial one is not.
        n, p = len(y), len(covariance)
        values = np.concatenate(([fit.intercept_], fit.coef_))
        return Estimates(values, np.sqrt(np.diag(covariance) * (n - p) / n))

    return Work(call, read)
