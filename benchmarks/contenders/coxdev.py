"""The Python library coxdev: likelihood, gradient and information in C++; the Newton steps around it are ours."""

import numpy as np
from coxdev import CoxDeviance

from benchmarks.store import Table
from benchmarks.work import Estimates, Work


def cox(table: Table) -> Work:
    """Newton's method from zero until the squared step, in standard errors, is below 1e-10."""
    x, time, event = table.matrix(), table.columns["time"], table.columns["event"]
    start = table.columns.get("start")

    def call() -> tuple[np.ndarray, np.ndarray]:
        model = CoxDeviance(event=time, status=event, start=start, tie_breaking="efron")
        beta = np.zeros(x.shape[1])
        for _ in range(25):
            eta = x @ beta
            gradient = x.T @ (-0.5 * model(eta).gradient)
            information = x.T @ (model.information(eta) @ x)
            step = np.linalg.solve(information, gradient)
            beta = beta + step
            if step @ gradient < 1e-10:
                break
        return beta, np.linalg.inv(information)

    return Work(call, lambda found: Estimates(found[0], np.sqrt(np.diag(found[1]))))


def concordance(table: Table) -> Work:
    """`c_index`, which gives no standard error; it wants a risk, hence the sign."""
    time, event, score = (table.columns[name] for name in ("time", "event", "score"))
    return Work(
        lambda: CoxDeviance(event=time, status=event).c_index(-score), lambda found: Estimates(np.array([found]))
    )
