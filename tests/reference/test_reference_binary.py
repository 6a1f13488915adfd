"""Complementary log-log, Firth's penalty, marginal effects and the Net Promoter Score against R."""

import numpy as np
import pytest
from scipy import optimize, special

from whychurn.models import fit_firth, fit_logistic

TERMS = ["contract", "internet_service", "monthly_charges", "tenure", "senior_citizen", "paperless_billing"]
FIRTHMODELS_LOW = [-1.56528165, 0.0269197171, -0.0939371111, -0.50211132, -7.96204467]
FIRTHMODELS_HIGH = [-0.175784519, 0.87110553, 1.5418099, 1.15121428, -0.994606146]
KINDS = {"model": "se", "HC0": "HC0", "HC1": "HC1", "HC3": "HC3", "cluster": "cluster"}


@pytest.mark.parametrize("kind", list(KINDS))
def test_complementary_log_log(kind, case, telco, close):
    r = case("cloglog_telco")
    frame = telco.assign(clid=telco["payment_method"] + telco["internet_service"])
    cluster = "clid" if kind == "cluster" else None
    fit = fit_logistic(frame, TERMS, "ev", covariance=kind, cluster=cluster, link="cloglog")
    errors = list(r[KINDS[kind]].values())
    close(fit.params, list(r["coef"].values()), scale=np.array(errors))
    close(fit.std_errors, errors)
    close(fit.log_likelihood, r["loglik"])
    close(fit.null_log_likelihood, r["null_loglik"])


def test_firth_on_telco(case, telco, close):
    r = case("firth_telco")
    fit = fit_firth(telco, TERMS, "ev")
    errors = list(r["se"].values())
    close(fit.params, list(r["coef"].values()), scale=np.array(errors))
    close(fit.std_errors, errors)


@pytest.mark.parametrize("kind", ["plain", "offset", "weighted"])
def test_firth_on_separated_data(kind, case, data, close):
    r = case(f"firth_separated_{kind}")
    frame = data("separated")
    # Nobody of plan "team" has the outcome: an ordinary fit does not exist.
    assert not frame.loc[frame["plan"] == "team", "y"].any()
    options = {"plain": {}, "offset": {"offset": "o"}, "weighted": {"weights": "k"}}[kind]
    fit = fit_firth(frame, ["x", "z", "plan"], "y", **options)
    errors = list(r["se"].values())
    close(fit.params, list(r["coef"].values()), scale=np.array(errors))
    close(fit.std_errors, errors)
    close(fit.penalised_log_likelihood, r["penalised_loglik"])


def test_profile_limits_by_brute_force(data):
    """Hold each coefficient at its limit and maximise the penalised likelihood by a general optimiser."""
    frame = data("separated")
    fit = fit_firth(frame, ["x", "z", "plan"], "y")
    x = np.column_stack([np.ones(len(frame)), frame[["x", "z"]], frame["plan"] == "pro", frame["plan"] == "team"])
    x, y = x.astype(float), frame["y"].to_numpy(dtype=float)

    def loss(beta):
        eta = x @ beta
        spread = special.expit(eta) * special.expit(-eta)
        logdet = np.linalg.slogdet(x.T @ (spread[:, None] * x))[1]
        return -(y @ eta - np.logaddexp(0.0, eta).sum() + 0.5 * logdet)

    assert -loss(fit.params.to_numpy()) == pytest.approx(fit.penalised_log_likelihood, rel=1e-12)
    table = fit.tidy()
    for place, limit in ((0, "conf_high"), (4, "conf_low")):
        held = np.log(table[limit].iloc[place])
        others = np.arange(5) != place

        def profile(free, held=held, place=place, others=others):
            beta = np.empty(5)
            beta[place], beta[others] = held, free
            return loss(beta)

        found = optimize.minimize(profile, fit.params.to_numpy()[others], method="BFGS", options={"gtol": 1e-7})
        fall = 2.0 * (found.fun + fit.penalised_log_likelihood)
        assert fall == pytest.approx(3.841458820694124, abs=1e-6)
    # The same with the coefficient at zero is the test.
    held, others = 0.0, np.arange(5) != 4
    found = optimize.minimize(
        lambda free: loss(np.insert(free, 4, 0.0)), fit.params.to_numpy()[others], method="BFGS", options={"gtol": 1e-7}
    )
    assert table["statistic"].iloc[4] == pytest.approx(2.0 * (found.fun + fit.penalised_log_likelihood), abs=1e-6)


def test_profile_limits_of_another_implementation(data):
    # firthmodels 0.8.2, method "pl", for y ~ x + z + plan on data/separated.csv; its own tolerance is 1e-9.
    table = fit_firth(data("separated"), ["x", "z", "plan"], "y").tidy()
    np.testing.assert_allclose(np.log(table["conf_low"]), FIRTHMODELS_LOW, atol=2e-6)
    np.testing.assert_allclose(np.log(table["conf_high"]), FIRTHMODELS_HIGH, atol=2e-6)


def test_marginal_effects_with_interactions(case, telco, close):
    r = case("ame_telco")
    terms = ["contract*tenure", "senior_citizen", "I(monthly_charges**2)", "monthly_charges"]
    fit = fit_logistic(telco, terms, "ev", covariance="model")
    levels = fit.average_marginal_effects("contract")
    assert list(levels["level"]) == ["One year", "Two year"]
    # An effect near zero is compared on the scale of its error.
    for row in levels.itertuples():
        close(row.estimate, r[row.level]["est"], scale=r[row.level]["se"])
        close(row.std_error, r[row.level]["se"])
    for name in ("tenure", "monthly_charges"):
        found = fit.average_marginal_effects(name).iloc[0]
        close(found["estimate"], r[name]["est"], scale=r[name]["se"])
        close(found["std_error"], r[name]["se"])
