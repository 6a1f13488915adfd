"""The PyPI package survival, a port of R's package of that name to Rust."""

from __future__ import annotations

from typing import Any

import numpy as np
import survival

from benchmarks.store import Table
from benchmarks.work import Estimates, Work, chi_square_spread, curve_at


def cox(table: Table) -> Work:
    """`coxph` with Efron ties."""
    frame, formula = table.frame(), _formula(table)
    return Work(
        lambda: survival.coxph(formula, frame, ties="efron"),
        lambda fit: Estimates(np.asarray(fit.coefficients), np.sqrt(np.diag(np.asarray(fit.var)))),
    )


def ph_test(table: Table) -> Work:
    """`cox_zph`; the fit before it is not timed."""
    fit = survival.coxph(_formula(table), table.frame(), ties="efron")
    terms = len(table.names("covariate"))

    def read(found: Any) -> Estimates:
        rows = found.table[:terms]
        df = np.array([row["df"] for row in rows])
        return Estimates(np.array([row["chisq"] for row in rows]), chi_square_spread(df))

    return Work(lambda: survival.cox_zph(fit, "km"), read)


def kaplan_meier(table: Table) -> Work:
    """`survfit` by group."""
    frame = table.frame("time", "event", "group")

    def read(fit: Any) -> Estimates:
        time, curve = np.asarray(fit.time), np.asarray(fit.surv)
        ends = np.cumsum(list(fit.strata.values()))
        pieces = [slice(start, end) for start, end in zip(np.append(0, ends[:-1]), ends, strict=True)]
        return Estimates(np.concatenate([curve_at(time[piece], curve[piece]) for piece in pieces]))

    return Work(lambda: survival.survfit("Surv(time, event) ~ group", frame, conf_type="log-log"), read)


def logrank(table: Table) -> Work:
    """`survdiff`."""
    frame = table.frame("time", "event", "group")
    return Work(
        lambda: survival.survdiff("Surv(time, event) ~ group", frame),
        lambda found: Estimates(np.array([found.chisq]), chi_square_spread(found.df)),
    )


def concordance(table: Table) -> Work:
    """`concordance` with its standard error."""
    frame = table.frame("time", "event", "score")
    return Work(
        lambda: survival.concordance("Surv(time, event) ~ score", data=frame),
        lambda found: Estimates(np.atleast_1d(found.concordance), np.sqrt(np.atleast_1d(found.var)).ravel()),
    )


def _formula(table: Table) -> str:
    response = "start, time, event" if "start" in table.roles else "time, event"
    return f"Surv({response}) ~ {' + '.join(table.names('covariate', 'factor'))}"
