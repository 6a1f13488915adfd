"""whychurn's own public verbs, as a user calls them: from a data frame."""

import numba
import numpy as np

from benchmarks.store import Table
from benchmarks.work import CURVE_DAYS, Estimates, Work, chi_square_spread
from whychurn import models

# Every library is imported before its clock starts. numba imports most of itself at the first compiled call, so one
# is made here; loading (or making) our own machine code stays on the clock.
numba.njit(lambda x: x)(0.0)


def cox(table: Table) -> Work:
    """Cox regression with Efron ties, with late entry where there is a start."""
    frame = table.frame()
    terms = table.names("covariate", "factor")
    start = "start" if "start" in table.roles else None
    return Work(lambda: models.fit_cox(frame, terms, "time", "event", start=start), _coefficients)


def ph_test(table: Table) -> Work:
    """Score test of proportional hazards; the fit before it is not timed."""
    fit = models.fit_cox(table.frame(), table.names("covariate"), "time", "event")
    return Work(
        lambda: fit.test_proportional_hazards("km"),
        lambda found: Estimates(found["statistic"].to_numpy()[:-1], chi_square_spread(found["df"].to_numpy()[:-1])),
    )


def kaplan_meier(table: Table) -> Work:
    """Kaplan-Meier curves by group, with limits at every step."""
    frame = table.frame("time", "event", "group")

    def read(fit: models.KaplanMeierFit) -> Estimates:
        points = fit.at(CURVE_DAYS)
        return Estimates(points["survival"].to_numpy(), points["std_error"].to_numpy())

    return Work(lambda: models.fit_kaplan_meier(frame, "time", "event", group="group"), read)


def logrank(table: Table) -> Work:
    """Log-rank test of the groups."""
    frame = table.frame("time", "event", "group")
    return Work(
        lambda: models.logrank_test(frame, "time", "event", "group"),
        lambda found: Estimates(np.array([found.statistic]), chi_square_spread(found.df)),
    )


def concordance(table: Table) -> Work:
    """Harrell's C with its standard error."""
    frame = table.frame("time", "event", "score")
    return Work(
        lambda: models.concordance(frame, "score", "time", "event"),
        lambda found: Estimates(np.array([found.estimate]), np.array([found.std_error])),
    )


def logit(table: Table) -> Work:
    """Logistic regression with the model-based covariance."""
    frame = table.frame()
    terms = table.names("covariate")
    return Work(lambda: models.fit_logistic(frame, terms, "outcome", covariance="model"), _coefficients)


def _coefficients(fit: models.CoxFit | models.LogisticFit) -> Estimates:
    return Estimates(fit.params.to_numpy(), fit.std_errors.to_numpy())
