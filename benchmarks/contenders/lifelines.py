"""The Python library lifelines."""

from __future__ import annotations

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, CoxTimeVaryingFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test, proportional_hazard_test
from lifelines.utils import concordance_index

from benchmarks.store import Table
from benchmarks.work import CURVE_DAYS, Estimates, Work, chi_square_spread


def cox(table: Table) -> Work:
    """`CoxPHFitter`, or `CoxTimeVaryingFitter` on start-stop rows; both with Efron ties."""
    frame = _frame(table)
    if "start" in table.roles:
        frame["id"] = np.arange(len(frame))
        columns = {"id_col": "id", "event_col": "event", "start_col": "start", "stop_col": "time"}
        return Work(lambda: CoxTimeVaryingFitter().fit(frame, **columns), _coefficients)
    return Work(lambda: CoxPHFitter().fit(frame, "time", "event"), _coefficients)


def ph_test(table: Table) -> Work:
    """`proportional_hazard_test`; the fit before it is not timed."""
    frame = _frame(table)
    fit = CoxPHFitter().fit(frame, "time", "event")
    return Work(
        lambda: proportional_hazard_test(fit, frame, time_transform="km"),
        lambda found: Estimates(np.asarray(found.test_statistic), chi_square_spread(np.ones(len(frame.columns) - 2))),
    )


def kaplan_meier(table: Table) -> Work:
    """`KaplanMeierFitter` for each group in turn."""
    time, event, group = (table.columns[name] for name in ("time", "event", "group"))
    groups = range(int(group.max()) + 1)

    def call() -> list[KaplanMeierFitter]:
        return [KaplanMeierFitter().fit(time[group == g], event[group == g]) for g in groups]

    return Work(
        call,
        lambda fits: Estimates(np.concatenate([fit.survival_function_at_times(CURVE_DAYS).to_numpy() for fit in fits])),
    )


def logrank(table: Table) -> Work:
    """`multivariate_logrank_test`."""
    time, event, group = (table.columns[name] for name in ("time", "event", "group"))
    return Work(
        lambda: multivariate_logrank_test(time, group, event),
        lambda found: Estimates(np.array([found.test_statistic]), chi_square_spread(found.degrees_of_freedom)),
    )


def concordance(table: Table) -> Work:
    """`concordance_index`, which gives no standard error."""
    time, event, score = (table.columns[name] for name in ("time", "event", "score"))
    return Work(lambda: concordance_index(time, score, event), lambda found: Estimates(np.array([found])))


def _frame(table: Table) -> pd.DataFrame:
    frame = pd.DataFrame(table.matrix(), columns=table.matrix_names())
    for name in table.names("time", "event", "start"):
        frame[name] = table.columns[name]
    return frame


def _coefficients(fit: CoxPHFitter) -> Estimates:
    return Estimates(fit.params_.to_numpy(), fit.standard_errors_.to_numpy())
