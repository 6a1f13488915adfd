"""Recurrent events against R's survival 3.5-3."""

import numpy as np

from whychurn.models import fit_cox, gap_times, mean_cumulative_function, mean_cumulative_test

ROWS = {"time": "tstop", "event": "status", "subject": "id", "start": "tstart"}


def test_mean_cumulative_function(case, data, close):
    r = case("mcf_cgd")
    found = mean_cumulative_function(data("cgd"), **ROWS, group="treat").at([100, 200, 300])
    close(found["mean_events"], r["mean"], tolerance=1e-12)
    close(found["std_error"], r["se"], tolerance=1e-12)


def test_equal_rates(case, data, close):
    found = mean_cumulative_test(data("cgd"), **ROWS, group="treat")
    close([found.statistic, found.p_value], case("mcf_cgd")["score"])


def test_gap_clock(case, data, close):
    r = case("cox_cgd_gap")
    frame = data("cgd")
    rows = gap_times(frame, "id", "tstart", "tstop", "status")
    assert rows["spell"].tolist() == frame["enum"].tolist()
    fit = fit_cox(rows, ["treat"], "gap_stop", "status", start="gap_start", strata="spell", cluster="id")
    close(fit.params, [r["coef"]] if np.isscalar(r["coef"]) else r["coef"], scale=fit.std_errors.to_numpy())
    close(fit.robust_std_errors, r["robust_se"])


def test_total_clock(case, data, close):
    r = case("cox_cgd_AG")
    rows = gap_times(data("cgd"), "id", "tstart", "tstop", "status")
    terms = ["C(treat, contr.treatment(base='placebo'))", "C(inherit, contr.treatment(base='X-linked'))", "steroids"]
    fit = fit_cox(rows, terms, "total_stop", "status", start="total_start", cluster="id")
    # Stored with coxph's default stop.
    close(fit.params, list(r["coef"].values()), scale=fit.std_errors.to_numpy(), tolerance=1e-7)
    close(fit.robust_std_errors, list(r["robust_se"].values()), tolerance=1e-7)
