"""scikit-survival."""

import numpy as np
from sksurv.compare import compare_survival
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.nonparametric import kaplan_meier_estimator
from sksurv.util import Surv

from benchmarks.store import Table
from benchmarks.work import Estimates, Work, chi_square_spread, curve_at


def cox(table: Table) -> Work:
    """`CoxPHSurvivalAnalysis` with Efron ties; it gives no standard errors."""
    x, y = table.matrix(), _response(table)
    return Work(lambda: CoxPHSurvivalAnalysis(ties="efron").fit(x, y), lambda fit: Estimates(fit.coef_))


def kaplan_meier(table: Table) -> Work:
    """`kaplan_meier_estimator` for each group in turn, with log-log limits."""
    time, event, group = table.columns["time"], table.columns["event"] > 0, table.columns["group"]
    groups = range(int(group.max()) + 1)

    def call() -> list[tuple[np.ndarray, ...]]:
        return [kaplan_meier_estimator(event[group == g], time[group == g], conf_type="log-log") for g in groups]

    return Work(call, lambda curves: Estimates(np.concatenate([curve_at(curve[0], curve[1]) for curve in curves])))


def logrank(table: Table) -> Work:
    """`compare_survival`."""
    y, group = _response(table), table.columns["group"]
    df = int(group.max())
    return Work(
        lambda: compare_survival(y, group), lambda found: Estimates(np.array([found[0]]), chi_square_spread(df))
    )


def _response(table: Table) -> np.ndarray:
    return Surv.from_arrays(table.columns["event"] > 0, table.columns["time"])
