"""Logistic regression and average risks."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from whychurn.errors import FitError, NoEventsError, SeparationError, SingularDesignError
from whychurn.models import fit_logistic


@pytest.fixture
def frame():
    random = np.random.default_rng(6)
    n = 500
    frame = pd.DataFrame(
        {
            "plan": random.choice(["basic", "pro", "team"], n),
            "x": random.normal(size=n),
            "vip": random.integers(0, 2, n),
        }
    )
    eta = -0.5 + 0.8 * frame["x"] + 0.7 * (frame["plan"] == "pro") - 0.6 * frame["vip"]
    frame["y"] = (random.random(n) < special.expit(eta)).astype(int)
    return frame


def test_two_by_two_table_by_hand():
    # Odds 6/4 with and 3/7 without: log odds ratio log(3.5), variance 1/6 + 1/4 + 1/3 + 1/7.
    frame = pd.DataFrame({"a": [1] * 10 + [0] * 10, "y": [1] * 6 + [0] * 4 + [1] * 3 + [0] * 7})
    fit = fit_logistic(frame, ["a"], "y", covariance="model")
    assert fit.params["a"] == pytest.approx(np.log(3.5))
    assert fit.std_errors["a"] == pytest.approx(np.sqrt(1 / 6 + 1 / 4 + 1 / 3 + 1 / 7))
    effect = fit.average_marginal_effects("a").iloc[0]
    assert (effect["level"], effect["reference"]) == ("1", "0")
    assert effect["estimate"] == pytest.approx(0.3)
    # The delta method gives back the binomial variances of the two shares.
    assert effect["std_error"] == pytest.approx(np.sqrt(0.6 * 0.4 / 10 + 0.3 * 0.7 / 10))
    np.testing.assert_allclose(fit.standardised_risk("a")["estimate"], [0.3, 0.6])


def test_intercept_only_is_the_share(frame):
    fit = fit_logistic(frame, [], "y")
    assert fit.predict(frame).iloc[0] == pytest.approx(frame["y"].mean())
    assert fit.log_likelihood == pytest.approx(fit.null_log_likelihood)
    share = frame["y"].mean()
    assert fit.std_errors["Intercept"] == pytest.approx((len(frame) * share * (1 - share)) ** -0.5)


def test_risks_set_the_whole_factor(frame):
    fit = fit_logistic(frame, ["plan", "x", "vip"], "y")
    risks = fit.standardised_risk("plan").set_index("level")
    for level in ("basic", "pro", "team"):
        assert risks.loc[level, "estimate"] == pytest.approx(fit.predict(frame.assign(plan=level)).mean())
    effects = fit.average_marginal_effects("plan").set_index("level")["estimate"]
    assert effects["pro"] == pytest.approx(risks.loc["pro", "estimate"] - risks.loc["basic", "estimate"])
    assert ((risks["conf_low"] < risks["estimate"]) & (risks["estimate"] < risks["conf_high"])).all()
    assert risks["is_reference"].tolist() == [True, False, False]
    other = fit.standardised_risk("plan", population=frame[frame["vip"] == 1])
    assert other["estimate"].iloc[0] == pytest.approx(fit.predict(frame[frame["vip"] == 1].assign(plan="basic")).mean())


def test_error_of_a_risk_by_simulation_of_the_coefficients(frame):
    fit = fit_logistic(frame, ["plan", "x"], "y", covariance="model")
    row = fit.standardised_risk("plan").iloc[1]
    random = np.random.default_rng(0)
    draws = random.multivariate_normal(fit.params, fit.covariance, 4000)
    x = np.column_stack([np.ones(len(frame)), np.ones(len(frame)), np.zeros(len(frame)), frame["x"]])
    assert special.expit(draws @ x.T).mean(axis=1).std() == pytest.approx(row["std_error"], rel=0.05)


def test_slope_of_a_curved_term(frame):
    # With x and x squared in the model, the average derivative follows the chain rule.
    fit = fit_logistic(frame, ["x", "I(x**2)", "plan"], "y")
    p = fit.predict(frame)
    expected = (p * (1 - p) * (fit.params["x"] + 2 * fit.params["I(x ** 2)"] * frame["x"])).mean()
    assert fit.average_marginal_effects("x")["estimate"].item() == pytest.approx(expected, rel=1e-7)
    with pytest.raises(FitError, match="not a factor"):
        fit.standardised_risk("x")
    with pytest.raises(FitError, match="not a column"):
        fit.average_marginal_effects("I(x**2)")
    with pytest.raises(FitError, match="No term 'seats'"):
        fit.average_marginal_effects("seats")


def test_whole_number_weights_are_copies(frame):
    frame["w"] = np.resize([1, 2, 3], len(frame))
    copies = frame.loc[frame.index.repeat(frame["w"])].reset_index(drop=True)
    weighted = fit_logistic(frame, ["plan", "x"], "y", weights="w", covariance="model")
    replicated = fit_logistic(copies, ["plan", "x"], "y", covariance="model")
    np.testing.assert_allclose(weighted.params, replicated.params, rtol=1e-10)
    np.testing.assert_allclose(weighted.covariance, replicated.covariance, rtol=1e-10)
    # Copies of a row are one cluster: HC0 of the weighted fit, up to G / (G - 1).
    copies["id"] = np.repeat(np.arange(len(frame)), frame["w"])
    clustered = fit_logistic(copies, ["plan", "x"], "y", covariance="cluster", cluster="id")
    robust = fit_logistic(frame, ["plan", "x"], "y", weights="w").covariance
    n = len(frame)
    np.testing.assert_allclose(clustered.covariance, robust * n / (n - 1), rtol=1e-9)


def test_rows_of_weight_zero_do_not_enter(frame):
    frame["w"] = (frame.index % 4 > 0).astype(float)
    kept = fit_logistic(frame[frame["w"] > 0], ["plan", "x"], "y")
    fit = fit_logistic(frame, ["plan", "x"], "y", weights="w")
    np.testing.assert_allclose(fit.covariance, kept.covariance, rtol=1e-12)
    assert (fit.n, fit.n_given) == (375, 500)
    with pytest.raises(FitError, match="negative"):
        fit_logistic(frame.assign(w=-1.0), ["x"], "y", weights="w")


def test_units_of_a_covariate(frame):
    base = fit_logistic(frame, ["x", "plan"], "y")
    moved = fit_logistic(frame.assign(x=frame["x"] * 1e6 + 2e9), ["x", "plan"], "y")
    assert moved.params["x"] * 1e6 == pytest.approx(base.params["x"], rel=1e-6)
    assert moved.std_errors["plan[T.pro]"] == pytest.approx(base.std_errors["plan[T.pro]"], rel=1e-6)


def test_logistic_refusals(frame):
    with pytest.raises(NoEventsError, match="None of 500 rows"):
        fit_logistic(frame.assign(y=0), ["x"], "y")
    with pytest.raises(SeparationError, match="All 500 rows"):
        fit_logistic(frame.assign(y=1), ["x"], "y")
    with pytest.raises(SeparationError, match=r"'plan\[T.pro\]' goes to plus infinity \(nothing but events"):
        fit_logistic(frame.assign(y=frame["y"].where(frame["plan"] != "pro", 1)), ["plan", "x"], "y")
    with pytest.raises(SeparationError, match="no event at the reference level 'basic'"):
        fit_logistic(frame.assign(y=frame["y"].where(frame["plan"] != "basic", 0)), ["plan", "x"], "y")
    with pytest.raises(SeparationError, match="'x' goes to plus infinity"):
        fit_logistic(frame.assign(y=(frame["x"] > 0).astype(int)), ["x", "plan"], "y")
    with pytest.raises(SingularDesignError, match="'twice' is aliased with 'x'"):
        fit_logistic(frame.assign(twice=2 * frame["x"] + 1), ["x", "twice"], "y")
    with pytest.raises(SingularDesignError, match="'k' is constant over these rows: it is aliased with the intercept"):
        fit_logistic(frame.assign(k=3.5), ["k"], "y")
    with pytest.raises(FitError, match="model, HC0, HC1, HC3, cluster"):
        fit_logistic(frame, ["x"], "y", covariance="HC2")
    with pytest.raises(FitError, match="cluster column together"):
        fit_logistic(frame, ["x"], "y", covariance="cluster")
    with pytest.raises(FitError, match="at least two clusters"):
        fit_logistic(frame.assign(g=1), ["x"], "y", covariance="cluster", cluster="g")
