"""lifelines and statsmodels as second opinions, on what they get right."""

import warnings

import numpy as np
import pandas as pd
import pytest

from whychurn.models import (
    fit_cox,
    fit_kaplan_meier,
    fit_logistic,
    logrank_test,
)


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(21)
    n = 600
    frame = pd.DataFrame(
        {"x": random.normal(size=n), "z": random.integers(0, 2, n), "g": random.choice(list("abc"), n)}
    )
    time = random.exponential(20 * np.exp(-0.5 * frame["x"] + 0.4 * frame["z"]))
    frame["t"] = np.ceil(np.minimum(time, 24))
    frame["e"] = (time <= 24).astype(int)
    return frame


def test_cox_right_censored_lifelines(frame):
    from lifelines import CoxPHFitter

    ours = fit_cox(frame, ["x", "z"], "t", "e")
    theirs = CoxPHFitter().fit(frame[["x", "z", "t", "e"]], "t", "e")
    np.testing.assert_allclose(ours.params, theirs.params_, rtol=1e-5)
    np.testing.assert_allclose(ours.std_errors, theirs.standard_errors_, rtol=1e-5)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood_)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_right_censored_statsmodels(frame, ties):
    from statsmodels.duration.hazard_regression import PHReg

    ours = fit_cox(frame, ["x", "z"], "t", "e", ties=ties, strata="g")
    strata = pd.factorize(frame["g"])[0]
    theirs = PHReg(frame["t"], frame[["x", "z"]], status=frame["e"], ties=ties, strata=strata).fit()
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-6)
    np.testing.assert_allclose(ours.std_errors, theirs.bse, rtol=1e-6)


def test_kaplan_meier_lifelines(frame):
    from lifelines import KaplanMeierFitter

    theirs = KaplanMeierFitter().fit(frame["t"], frame["e"])
    ours = fit_kaplan_meier(frame, "t", "e").curve
    np.testing.assert_allclose(ours["survival"], theirs.survival_function_.iloc[1:, 0])
    limits = theirs.confidence_interval_survival_function_.iloc[1:]
    np.testing.assert_allclose(ours[["conf_low", "conf_high"]], limits, rtol=1e-9)


def test_logrank_two_libraries(frame):
    from lifelines.statistics import multivariate_logrank_test
    from statsmodels.duration.survfunc import survdiff

    ours = logrank_test(frame, "t", "e", "g")
    assert ours.statistic == pytest.approx(multivariate_logrank_test(frame["t"], frame["g"], frame["e"]).test_statistic)
    assert ours.statistic == pytest.approx(survdiff(frame["t"], frame["e"], frame["g"])[0])
    stratified = logrank_test(frame, "t", "e", "g", strata="z")
    assert stratified.statistic == pytest.approx(survdiff(frame["t"], frame["e"], frame["g"], strata=frame["z"])[0])


def test_logistic_statsmodels(frame):
    import statsmodels.formula.api as smf

    theirs = smf.logit("e ~ x + z + C(g)", frame).fit(disp=0)
    ours = fit_logistic(frame, ["x", "z", "g"], "e", covariance="model")
    assert ours.params["g[T.b]"] == pytest.approx(theirs.params["C(g)[T.b]"], rel=1e-7)
    assert ours.std_errors["x"] == pytest.approx(theirs.bse["x"], rel=1e-7)
    assert ours.log_likelihood == pytest.approx(theirs.llf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        robust = smf.logit("e ~ x + z + C(g)", frame).fit(disp=0, cov_type="HC0")
    assert fit_logistic(frame, ["x", "z", "g"], "e").std_errors["z"] == pytest.approx(robust.bse["z"], rel=1e-7)
