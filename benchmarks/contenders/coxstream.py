"""The Python library coxstream: right-censored Cox models in one pass per step, in C."""

from coxstream import CoxStream

from benchmarks.store import Table
from benchmarks.work import Estimates, Work


def cox(table: Table) -> Work:
    """`CoxStream.fit` from arrays."""
    x, time, event = table.matrix(), table.columns["time"], table.columns["event"]
    return Work(lambda: CoxStream().fit(time, event, x), lambda fit: Estimates(fit.coef_, fit.standard_errors_))
