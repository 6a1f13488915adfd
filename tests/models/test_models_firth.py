"""Firth's penalised logistic regression."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from whychurn.errors import ConvergenceError, FitError, SingularDesignError
from whychurn.models import fit_firth, fit_logistic
from whychurn.models.logistic.penalised_likelihood import PenalisedProblem, climb
from whychurn.models.logistic.profile import profile_limit


def cells(a, b, c, d):
    """Return rows with a of a + b outcomes where x is one, c of c + d where it is zero."""
    return pd.DataFrame({"x": [1] * (a + b) + [0] * (c + d), "y": [1] * a + [0] * b + [1] * c + [0] * d})


@pytest.mark.parametrize("table", [(6, 4, 3, 7), (10, 0, 3, 7), (0, 10, 0, 10), (5, 0, 0, 5), (1, 0, 0, 1)])
def test_half_a_customer_in_every_cell(table):
    # A saturated table: the estimate is the log odds of the counts with half added, whatever is empty.
    a, b, c, d = (count + 0.5 for count in table)
    fit = fit_firth(cells(*table), ["x"], "y")
    np.testing.assert_allclose(fit.params, [np.log(c / d), np.log(a / b) - np.log(c / d)], rtol=1e-9, atol=1e-9)
    # The information of a saturated table is n p (1 - p) in each row of it.
    p, q = a / (a + b), c / (c + d)
    variance = 1 / ((a + b - 1) * p * (1 - p)) + 1 / ((c + d - 1) * q * (1 - q))
    assert fit.std_errors["x"] == pytest.approx(np.sqrt(variance))
    assert fit.n_events == table[0] + table[2]


def test_profile_of_a_single_share_by_hand():
    # l*(p) = (k + 1/2) log p + (n - k + 1/2) log(1 - p) up to a constant: limits where it has fallen by 1.92.
    k, n = 0, 12
    table = fit_firth(pd.DataFrame({"y": [0] * n}), [], "y").tidy(0.95)
    assert table["estimate"].item() == pytest.approx(np.log(0.5 / 12.5))

    def value(odds):
        p = odds / (1 + odds)
        return (k + 0.5) * np.log(p) + (n - k + 0.5) * np.log1p(-p)

    fall = stats.chi2.ppf(0.95, 1) / 2
    for limit in ("conf_low", "conf_high"):
        assert value(0.5 / 12.5) - value(table[limit].item()) == pytest.approx(fall, rel=1e-8)
    # The test of odds of one.
    assert table["statistic"].item() == pytest.approx(2 * (value(0.5 / 12.5) - value(1.0)))


@pytest.fixture
def separated():
    random = np.random.default_rng(12)
    n = 90
    frame = pd.DataFrame({"x": random.normal(size=n), "plan": random.choice(["basic", "pro", "team"], n)})
    frame["y"] = (random.random(n) < 0.2 + 0.3 * (frame["x"] > 0)).astype(int)
    frame.loc[frame["plan"] == "team", "y"] = 0
    return frame


def test_separated_data(separated):
    fit = fit_firth(separated, ["x", "plan"], "y")
    table = fit.tidy().set_index("column")
    team = table.loc["plan[T.team]"]
    assert np.isfinite(table[["estimate", "std_error", "conf_low", "conf_high", "statistic"]]).all().all()
    assert team["odds_ratio"] < 0.2
    assert 0.0 < team["conf_low"] < team["odds_ratio"] < team["conf_high"] < 1.0
    assert (team["term"], team["level"], team["reference"]) == ("plan", "team", "basic")
    assert (table["note"] == "").all()
    # Limits and tests are of one likelihood: the limit excludes one exactly if the test rejects.
    at_p = fit.tidy(1.0 - team["p_value"]).set_index("column").loc["plan[T.team]"]
    assert at_p["conf_high"] == pytest.approx(1.0, abs=1e-6)


def test_penalised_ratio_tests(separated):
    fit = fit_firth(separated, ["x", "plan"], "y")
    table = fit.tidy().set_index("column")
    assert fit.penalised_lr_test("x").statistic == pytest.approx(table.loc["x", "statistic"])
    joint, everything = fit.penalised_lr_test("plan"), fit.penalised_lr_test()
    assert (joint.df, everything.df) == (2, 3)
    assert everything.statistic > joint.statistic > table.loc["plan[T.team]", "statistic"] - 1e-9
    assert joint.p_value == pytest.approx(stats.chi2.sf(joint.statistic, 2))
    # The joint test does not depend on which level is the reference.
    other = separated.assign(plan=pd.Categorical(separated["plan"], ["team", "pro", "basic"]))
    assert fit_firth(other, ["x", "plan"], "y").penalised_lr_test("plan").statistic == pytest.approx(joint.statistic)
    with pytest.raises(FitError, match="No term 'seats'"):
        fit.penalised_lr_test("seats")
    with pytest.raises(FitError, match="intercept only"):
        fit_firth(separated, [], "y").penalised_lr_test()


def test_weights_count_rows(separated):
    separated["k"] = np.resize([1, 2, 3], len(separated))
    copies = separated.loc[separated.index.repeat(separated["k"])].reset_index(drop=True)
    weighted = fit_firth(separated.assign(z=1), ["x", "plan"], "y", weights="k")
    replicated = fit_firth(copies, ["x", "plan"], "y")
    np.testing.assert_allclose(weighted.params, replicated.params, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(weighted.covariance, replicated.covariance, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(weighted.tidy()["conf_low"], replicated.tidy()["conf_low"], rtol=1e-7)
    assert (weighted.n, weighted.n_given) == (90, 90)
    none = fit_firth(separated.assign(k=(separated.index > 9).astype(int)), ["x"], "y", weights="k")
    assert (none.n, none.n_given) == (80, 90)


def test_it_tends_to_the_ordinary_fit():
    # The penalty is worth half a row: with many rows it vanishes like 1 / n.
    random = np.random.default_rng(4)
    frame = pd.DataFrame({"x": random.normal(size=400)})
    frame["y"] = (random.random(400) < 1 / (1 + np.exp(1 - frame["x"]))).astype(int)
    gaps = []
    for copies in (1, 10):
        many = pd.concat([frame] * copies, ignore_index=True)
        gaps.append(fit_firth(many, ["x"], "y").params["x"] - fit_logistic(many, ["x"], "y").params["x"])
    # Bias of maximum likelihood is away from zero.
    assert gaps[0] < 0.0
    assert gaps[1] == pytest.approx(gaps[0] / 10, rel=0.02)


def test_units_and_order_change_nothing(separated):
    base = fit_firth(separated, ["x", "plan"], "y").tidy()
    moved = separated.assign(x=separated["x"] * 1e4 + 2e6).sample(frac=1, random_state=3)
    found = fit_firth(moved, ["x", "plan"], "y").tidy()
    for name in ("conf_low", "odds_ratio", "conf_high"):
        assert np.log(found[name].iloc[1]) * 1e4 == pytest.approx(np.log(base[name].iloc[1]), rel=1e-6)
    np.testing.assert_allclose(found["statistic"].iloc[1:], base["statistic"].iloc[1:], rtol=1e-7)
    np.testing.assert_allclose(found["estimate"].iloc[2:], base["estimate"].iloc[2:], rtol=1e-8)


def test_offset_moves_the_intercept_only(separated):
    plain = fit_firth(separated, ["x"], "y")
    moved = fit_firth(separated.assign(o=-1.3), ["x"], "y", offset="o")
    np.testing.assert_allclose(moved.params - plain.params, [1.3, 0.0], atol=1e-8)
    np.testing.assert_allclose(moved.tidy()["conf_low"], plain.tidy()["conf_low"] * [np.exp(1.3), 1.0], rtol=1e-7)
    np.testing.assert_allclose(moved.predict(separated.assign(o=-1.3)), plain.predict(separated), rtol=1e-7)


def test_predictions_add_up(separated):
    fit = fit_firth(separated, ["x", "plan"], "y")
    assert fit.predict(separated).sum() == pytest.approx(separated["y"].sum(), abs=1e-8)
    weighted = fit_firth(separated.assign(k=np.resize([1, 4], 90)), ["x", "plan"], "y", weights="k")
    assert np.resize([1, 4], 90) @ weighted.predict(separated) == pytest.approx(
        np.resize([1, 4], 90) @ separated["y"], abs=1e-8
    )
    # Without any outcome there is nothing to add up to: the share is that of half an outcome.
    none = fit_firth(separated.assign(y=0), [], "y")
    assert none.predict(separated.head(2)).tolist() == pytest.approx([0.5 / 91] * 2)


def test_a_limit_out_of_reach_is_infinite_and_said(separated):
    # A level so near one that no normal quantile exists for it.
    table = fit_firth(separated.head(12), ["x"], "y").tidy(1.0 - 1e-16)
    assert np.isfinite(table["estimate"]).all()
    assert (table["conf_low"] == 0.0).all()
    assert (table["conf_high"] == np.inf).all()
    assert table["note"].str.startswith("no lower and no upper limit").all()
    # One outcome of four, p = 1.5 / 5: the likelihood falls by 1.5 (downwards) or 3.5 (upwards) per unit far out.
    problem = PenalisedProblem(np.ones((1, 1)), np.array([1.0]), np.array([4.0]), np.zeros(1))
    optimum, _, _ = climb(problem, np.zeros(1))
    peak = 1.5 * np.log(0.3) + 3.5 * np.log(0.7)
    assert profile_limit(problem, optimum, np.ones(1), 40.0) == pytest.approx((40.0**2 / 2 - peak) / 3.5)
    assert profile_limit(problem, optimum, np.ones(1), -20.0) == pytest.approx(-(20.0**2 / 2 - peak) / 1.5)
    # Where the information underflows, a limit is infinite.
    assert profile_limit(problem, optimum, np.ones(1), 100.0) == np.inf
    assert profile_limit(problem, optimum, np.ones(1), -100.0) == -np.inf


def test_firth_refusals(separated):
    for bad, words in (
        ({"x": np.nan}, "'x' is missing"),
        ({"x": np.inf}, "infinite"),
        ({"y": 2}, "neither 0 nor 1"),
        ({"k": -1.0}, "negative"),
        ({"k": np.nan}, "missing"),
    ):
        frame = separated.assign(k=1.0).assign(**bad)
        with pytest.raises(FitError, match=words):
            fit_firth(frame, ["x"], "y", weights="k")
    for empty in (separated.head(0).assign(k=1.0), separated.assign(k=0.0)):
        with pytest.raises(FitError, match="no row of positive weight"):
            fit_firth(empty, ["x"], "y", weights="k")
    with pytest.raises(SingularDesignError, match="'k' is constant over these rows"):
        fit_firth(separated.assign(k=2.0), ["x", "k"], "y")
    with pytest.raises(SingularDesignError, match="'twice' is aliased with 'x'"):
        fit_firth(separated.assign(twice=2 * separated["x"]), ["x", "twice"], "y")
    wide = pd.DataFrame(np.random.default_rng(1).normal(size=(4, 6))).add_prefix("c").assign(y=[0, 1, 0, 1])
    with pytest.raises(SingularDesignError, match="linear combination"):
        fit_firth(wide, [f"c{place}" for place in range(6)], "y")
    with pytest.raises(ConvergenceError, match="within reach of floating point"):
        fit_firth(separated.assign(o=1e9), ["x"], "y", offset="o")
    for bad_level in (0.0, 1.0, 95):
        with pytest.raises(FitError, match="conf_level"):
            fit_firth(separated, ["x"], "y").tidy(bad_level)
