"""Competing risks against R's survival 3.5-3 and cmprsk 2.2-11."""

import numpy as np
import pandas as pd
import pytest

from whychurn.models import fit_aalen_johansen, fit_cause_specific, fit_fine_gray, gray_test

NEW = pd.DataFrame({"age": [60, 80], "male": [0, 1], "sex": ["F", "M"]})


@pytest.fixture
def mgus(data):
    frame = data("mgus2")
    return frame.assign(male=(frame["sex"] == "M").astype(int))


def test_aalen_johansen(case, mgus, close):
    r = case("aj_mgus2")
    fit = fit_aalen_johansen(mgus, "etime", "event", group="sex", conf_type="log")
    states = {name: number for number, name in enumerate(["free", "1", "2"])}
    tables = [fit.at([60, 120, 240]).rename(columns={"incidence": "estimate"})]
    tables.append(fit.event_free([60, 120, 240]).rename(columns={"survival": "estimate"}).assign(cause="free"))
    found = pd.concat(tables).sort_values(["group", "time", "cause"], key=lambda c: c.map(states).fillna(c))
    pairs = {"estimate": "pstate", "std_error": "std.err", "conf_low": "lower", "conf_high": "upper"}
    for ours, theirs in pairs.items():
        close(found[ours].to_numpy().reshape(6, 3), r[theirs], tolerance=1e-12)
    assert fit.n_events.loc["F"].tolist() == [59, 370]


@pytest.mark.parametrize("conf_type", ["log-log", "logit", "plain"])
def test_limits(conf_type, case, mgus, close):
    fit = fit_aalen_johansen(mgus, "etime", "event", conf_type=conf_type)
    free, causes = fit.event_free([60, 240]), fit.at([60, 240])
    for ours, theirs in {"conf_low": "lower", "conf_high": "upper"}.items():
        close(np.concatenate((free[ours], causes[ours])), case("aj_mgus2_limits")[conf_type][theirs], tolerance=1e-12)


def test_time_lost(case, mgus, close):
    r = case("aj_mgus2_rmean_se")
    found = fit_aalen_johansen(mgus, "etime", "event", group="sex").restricted_time_lost(240)
    means = found.means.sort_values(["cause", "group"])
    close(means["estimate"], r["rmean"][2:], tolerance=1e-12)
    close(means["estimate"], case("aj_mgus2_rmean")["rmean"][2:], tolerance=1e-12)
    close(means["std_error"], r["se"][2:], tolerance=1e-10)
    gap = found.differences.set_index("cause").loc["1"]
    assert gap["estimate"] == pytest.approx(r["rmean"][3] - r["rmean"][2])
    assert gap["std_error"] == pytest.approx(np.hypot(r["se"][2], r["se"][3]))


def test_gray(case, mgus, close):
    r = case("gray_mgus2")
    tests = gray_test(mgus, "etime", "event", "sex").tests
    close(tests["statistic"], r["tests"]["stat"])
    close(tests["p_value"], r["tests"]["p"])
    assert tests["df"].tolist() == r["tests"]["df"]
    found = fit_aalen_johansen(mgus, "etime", "event", group="sex").at([60, 120, 240])
    close(found.sort_values("cause", kind="stable")["incidence"].to_numpy().reshape(4, 3), r["est"])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_fine_gray_by_weighted_rows(ties, case, mgus, close):
    r = case(f"finegray_mgus2_by_subject_{ties}")
    fit = fit_fine_gray(mgus, ["age", "male"], "etime", "event", cause=1, method="finegray", ties=ties)
    close(fit.params, r["coef"], scale=np.array(r["se"]))
    close(fit.std_errors, r["se"])
    close(fit.robust_std_errors, r["robust_se"])
    close([fit.null_log_likelihood, fit.log_likelihood], r["loglik"], tolerance=1e-12)
    curves = fit.predict_incidence(NEW, [60, 240])
    close(curves["incidence"], r["incidence"])
    close(curves["std_error"], r["incidence_se"])


@pytest.mark.parametrize("name", ["finegray_mgus2", "finegray_mgus2_breslow"])
def test_fine_gray_with_a_factor(name, case, mgus, close):
    # These cases come from coxph with its default stop, up to 4e-8 standard errors off the optimum. Their robust
    # errors take the weighted rows of one subject for independent; ours go by subject and are tested above.
    r = case(name)
    ties = "breslow" if "breslow" in name else "efron"
    fit = fit_fine_gray(mgus, ["age", "sex"], "etime", "event", cause=1, method="finegray", ties=ties)
    close(fit.params, list(r["coef"].values()), scale=np.array(list(r["se"].values())), tolerance=1e-7)
    close(fit.std_errors, list(r["se"].values()))
    assert fit.tidy()["level"].tolist() == ["", "M"]


@pytest.mark.parametrize(
    ("name", "options"), [("crr_mgus2_exact", {}), ("crr_mgus2_censoring_groups", {"censoring_strata": "sex"})]
)
def test_crr(name, options, case, mgus, close):
    r = case(name)
    fit = fit_fine_gray(mgus, ["age", "male"], "etime", "event", cause=1, method="crr", **options)
    variance = np.array(r["var"]).reshape(2, 2)
    errors = np.sqrt(np.diag(variance))
    close(fit.params, r["coef"], scale=errors)
    close(fit.covariance, variance, scale=np.outer(errors, errors))
    close(fit.std_errors, errors)
    close([fit.null_log_likelihood, fit.log_likelihood], r["loglik"], tolerance=1e-12)
    close(fit.predict_incidence(NEW, [60, 240])["incidence"], r["incidence"])


def test_crr_at_its_default_stop(case, mgus, close):
    # crr stops at a score of 1e-6, 5e-8 standard errors off the optimum.
    r = case("crr_mgus2")
    fit = fit_fine_gray(mgus, ["age", "sex"], "etime", "event", cause=1, method="crr")
    close(fit.params, list(r["coef"].values()), scale=np.array(list(r["se"].values())), tolerance=1e-7)
    close(fit.std_errors, list(r["se"].values()))


def test_cause_specific(case, mgus, close):
    table = fit_cause_specific(mgus, ["age", "sex"], "etime", "event").tidy()
    for cause in ("1", "2"):
        r = case(f"cox_mgus2_cause{cause}")
        mine = table[table["cause"] == cause]
        errors = np.array(list(r["se"].values()))
        # coxph's default stop, as in the Cox cases themselves.
        close(mine["estimate"], list(r["coef"].values()), scale=errors, tolerance=1e-7)
        close(mine["std_error"], errors, tolerance=1e-7)


def test_incidence_from_the_hazards_of_all_causes(case, mgus, close):
    # Breslow's ties: with Efron's, survfit of this version's multi-state coxph departs from its own one-cause fits.
    fit = fit_cause_specific(mgus, ["age", "male"], "etime", "event", ties="breslow")
    found = fit.predict_incidence(NEW, [60, 240])
    free = found.loc[found["cause"] == "1", "survival"]
    close(np.concatenate((free, found["incidence"])), case("multistate_mgus2")["pstate"])
    assert (found.groupby(["row", "time"])["incidence"].sum() + free.to_numpy()).to_numpy() == pytest.approx(1.0)
