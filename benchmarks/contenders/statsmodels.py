"""The Python library statsmodels."""

import numpy as np
import statsmodels.api as sm

from benchmarks.store import Table
from benchmarks.work import Estimates, Work, chi_square_spread


def cox(table: Table) -> Work:
    """`PHReg` with Efron ties, with `entry` where there is a start."""
    x, time, event = table.matrix(), table.columns["time"], table.columns["event"]
    model = sm.PHReg
    entry = table.columns.get("start")
    return Work(
        lambda: model(time, x, status=event, entry=entry, ties="efron").fit(),
        lambda fit: Estimates(fit.params, fit.bse),
    )


def logrank(table: Table) -> Work:
    """`survdiff`."""
    time, event, group = (table.columns[name] for name in ("time", "event", "group"))
    df = int(group.max())
    return Work(
        lambda: sm.duration.survdiff(time, event, group),
        lambda found: Estimates(np.array([found[0]]), chi_square_spread(df)),
    )


def logit(table: Table) -> Work:
    """`Logit` by Newton's method."""
    x, y = sm.add_constant(table.matrix()), table.columns["outcome"]
    return Work(lambda: sm.Logit(y, x).fit(disp=0), lambda fit: Estimates(fit.params, fit.bse))
