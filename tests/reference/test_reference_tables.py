"""Contingency tables, multiple testing and logistic regression against R (base, vcd, sandwich)."""

import numpy as np
import pytest

from whychurn.models import adjust_p_values, crosstab, fit_logistic

TERMS = ["contract", "internet_service", "monthly_charges", "tenure", "senior_citizen", "paperless_billing"]
SPREAD = (
    ".001,.008,.039,.041,.042,.06,.074,.205,.212,.216,.222,.251,.269,.275,.34,.341,.384,.569,.594,.696,.762,"
    ".94,.942,.975,.986"
)


def test_crosstab(case, data, close):
    r = case("crosstab_telco")
    found = crosstab(data("telco"), "contract", "churn")
    close(found.statistic, r["chisq"])
    assert found.df == r["df"] == 2
    # exp(-592) magnifies the rounding of its statistic a thousandfold.
    close(found.p_value, r["p"], tolerance=1e-10)
    close(found.likelihood_ratio, r["lr"])
    close(found.cramers_v, r["cramer"])
    close(found.cramers_v_corrected, r["cramer_bc"])
    close(found.expected, r["expected"])
    close(found.adjusted_residuals, r["adjres"])
    assert found.counts.to_numpy().tolist() == r["table"]
    assert list(found.counts.index) == r["rows"]
    assert found.exact_method == ""


@pytest.mark.parametrize(("method", "key"), [("bh", "BH"), ("by", "BY"), ("holm", "holm")])
def test_adjusted_p_values(method, key, case, close):
    close(adjust_p_values([float(p) for p in SPREAD.split(",")], method), case("fdr")[key])


KINDS = {"model": "se", "HC0": "HC0", "HC1": "HC1", "HC3": "HC3", "cluster": "cluster_HC0_cadj"}


@pytest.fixture
def clustered(telco):
    # The clusters of R's case are payment methods crossed with internet services.
    return telco.assign(clid=telco["payment_method"] + telco["internet_service"])


@pytest.mark.parametrize("kind", list(KINDS))
def test_logistic_covariances(kind, case, clustered, close):
    r = case("logit_telco")
    fit = fit_logistic(clustered, TERMS, "ev", covariance=kind, cluster="clid" if kind == "cluster" else None)
    close(fit.params, list(r["coef"].values()), scale=np.array(list(r["se"].values())))
    # glm() stops at a deviance change of 1e-8: its standard errors are 1e-10 to 1e-8 off.
    close(fit.std_errors, list(r[KINDS[kind]].values()), tolerance=1e-7 if kind == "cluster" else 1e-8)
    close(fit.log_likelihood, r["loglik"])


def test_average_marginal_effects(case, telco, close):
    r = case("logit_telco")["AME"]
    fit = fit_logistic(telco, TERMS, "ev", covariance="model")
    for term in ("tenure", "monthly_charges"):
        found = fit.average_marginal_effects(term).iloc[0]
        close(found["estimate"], r[term]["est"], scale=r[term]["se"])
        close(found["std_error"], r[term]["se"], tolerance=1e-7)
    contracts = fit.average_marginal_effects("contract")
    close(contracts["estimate"], [r["one_year"]["est"], r["two_year"]["est"]])
    close(contracts["std_error"], [r["one_year"]["se"], r["two_year"]["se"]])
    assert list(contracts["reference"].unique()) == ["Month-to-month"]


def test_predictions(case, telco, close):
    fit = fit_logistic(telco, TERMS, "ev")
    close(((fit.predict(telco) - telco["ev"]) ** 2).mean(), case("logit_telco")["brier"])
