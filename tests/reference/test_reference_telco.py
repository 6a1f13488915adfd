"""Published numbers of the Telco churn data (modeldata::wa_churn), each checked in R beforehand."""

import numpy as np
import pytest

from whychurn.models import censoring_weights, crosstab, fit_cox, fit_kaplan_meier, fit_logistic, logrank_test


@pytest.fixture
def fibre_or_dsl_monthly(telco):
    """Month-to-month customers with internet."""
    return telco[(telco["contract"] == "Month-to-month") & (telco["internet_service"] != "No")]


def test_the_data_are_the_ones_meant(data, telco):
    assert (len(data("telco")), len(telco), telco["ev"].sum()) == (7043, 7032, 1869)


def test_survival_by_contract(telco):
    found = fit_kaplan_meier(telco, "tenure", "ev", group="contract").at([12, 24, 60])
    expected = [
        *(0.70309664, 0.58591547, 0.29715813),
        *(0.99080820, 0.97827238, 0.83182608),
        *(1.0, 1.0, 0.98619955),
    ]
    np.testing.assert_allclose(found["survival"], expected, atol=5e-9)


def test_logrank_by_contract(telco):
    assert logrank_test(telco, "tenure", "ev", "contract").statistic == pytest.approx(2352.87253826, abs=5e-9)


@pytest.mark.parametrize(
    ("column", "statistic"),
    [
        ("female", 0.53),
        ("senior_citizen", 109.49),
        ("partner", 423.54),
        ("dependents", 232.70),
        ("phone_service", 0.43),
        ("multiple_lines", 30.97),
        ("internet_service", 520.12),
        ("online_security", 1013.86),
        ("online_backup", 821.34),
        ("device_protection", 763.51),
        ("tech_support", 989.56),
        ("streaming_tv", 368.31),
        ("streaming_movies", 378.43),
        ("paperless_billing", 189.51),
        ("payment_method", 865.24),
    ],
)
def test_logrank_by_column(column, statistic, telco):
    assert logrank_test(telco, "tenure", "ev", column).statistic == pytest.approx(statistic, abs=0.00501)


def test_contract_against_churn(data):
    found = crosstab(data("telco"), "contract", "churn")
    assert found.statistic == pytest.approx(1184.597, abs=5e-4)
    assert found.df == 2
    assert found.counts.to_numpy().sum() == 7043


def test_monthly_customers(telco, fibre_or_dsl_monthly):
    monthly = telco[telco["contract"] == "Month-to-month"]
    assert fit_kaplan_meier(monthly, "tenure", "ev").quantile(0.5)["time"].item() == 35
    fit = fit_kaplan_meier(fibre_or_dsl_monthly, "tenure", "ev")
    assert (fit.n.item(), fit.n_events.item()) == (3351, 1556)
    assert fit.quantile(0.5)["time"].item() == 34
    assert fit.at([12])["survival"].item() == pytest.approx(0.695031, abs=5e-7)


def test_cox_model_of_monthly_customers(fibre_or_dsl_monthly):
    terms = [
        "dependents",
        "C(internet_service, contr.treatment(base='Fiber optic'))",
        "online_backup",
        "tech_support",
    ]
    fit = fit_cox(fibre_or_dsl_monthly, terms, "tenure", "ev")
    expected = [0.71989, 0.80467, 0.45996, 0.52773]
    np.testing.assert_allclose(fit.tidy()["hazard_ratio"], expected, atol=5e-6)
    assert list(fit.tidy()["level"]) == ["", "DSL", "Yes", "Yes"]
    assert list(fit.tidy()["reference"]) == ["", "Fiber optic", "No", "No"]


def test_churn_within_a_year_despite_censoring(telco):
    telco["y"] = ((telco["ev"] == 1) & (telco["tenure"] <= 12)).astype(int)
    # With one censoring curve for all, the weighted share is 1 - KM(12), exactly.
    telco["w"] = censoring_weights(telco["tenure"], telco["ev"], 12)
    pooled = fit_logistic(telco, [], "y", weights="w").predict(telco).iloc[0]
    kaplan_meier = 1 - fit_kaplan_meier(telco, "tenure", "ev").at([12])["survival"].item()
    assert pooled == pytest.approx(0.15680045, abs=5e-9)
    assert pooled == pytest.approx(kaplan_meier, abs=1e-12)
    # Within contract; nobody on a two-year contract left within the year, so it cannot be in the model.
    telco["w"] = censoring_weights(telco["tenure"], telco["ev"], 12, telco["contract"])
    shorter = telco[telco["contract"] != "Two year"]
    risks = fit_logistic(shorter, ["contract"], "y", weights="w").standardised_risk("contract")
    np.testing.assert_allclose(risks["estimate"], [0.29690336, 0.00919180], atol=5e-9)
    # The naive share among those followed for the year or gone is far too high.
    monthly = telco[telco["contract"] == "Month-to-month"]
    followed = monthly[(monthly["tenure"] >= 12) | (monthly["ev"] == 1)]
    assert followed["y"].mean() == pytest.approx(0.3462, abs=5e-5)
