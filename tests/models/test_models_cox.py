"""The Cox core: examples derived by hand, brute force, predictions, and what it refuses."""

import math

import numpy as np
import pandas as pd
import pytest

import whychurn.models.cox.likelihood as likelihood
import whychurn.models.cox.moments as moments
from whychurn.errors import (
    FitError,
    NoEventsError,
    SeparationError,
    SingularDesignError,
)
from whychurn.models import fit_cox


def brute_force_log_likelihood(frame, beta, terms, ties, start="start", strata="s", weights="w", offset="o"):
    """Add up the partial likelihood event by event, as the textbooks write it."""
    eta = frame[terms].to_numpy() @ np.asarray(beta) + frame[offset].to_numpy()
    total = []
    for _, rows in frame.assign(eta=eta).groupby(strata):
        for time in rows.loc[rows["e"] == 1, "stop"].unique():
            at_risk = rows[(rows[start] < time) & (rows["stop"] >= time)]
            tied = at_risk[(at_risk["stop"] == time) & (at_risk["e"] == 1)]
            everybody = math.fsum(at_risk[weights] * np.exp(at_risk["eta"]))
            dying = math.fsum(tied[weights] * np.exp(tied["eta"]))
            d = len(tied)
            total += list(tied[weights] * tied["eta"])
            for place in range(d):
                share = place / d if ties == "efron" else 0.0
                total.append(-tied[weights].mean() * math.log(everybody - share * dying))
    return math.fsum(total)


@pytest.fixture
def spells():
    random = np.random.default_rng(11)
    n = 120
    frame = pd.DataFrame(
        {
            "x": random.normal(size=n),
            "z": random.integers(0, 2, n).astype(float),
            "start": random.integers(0, 6, n).astype(float),
            "s": random.choice(["north", "south"], n),
            "w": random.uniform(0.5, 2.0, n),
            "o": random.normal(scale=0.3, size=n),
            "e": random.integers(0, 2, n),
        }
    )
    frame["stop"] = frame["start"] + random.integers(1, 7, n)
    return frame


OPTIONS = {"time": "stop", "event": "e", "start": "start", "strata": "s", "weights": "w", "offset": "o"}


def test_three_subjects_by_hand():
    # Events at 1 (x=1), 2 (x=0), 3 (x=1). With u = exp(beta):
    #   L = u / (2u + 1) * 1 / (1 + u) * 1, so 1 = 2u / (2u + 1) + u / (1 + u), so 2 u^2 = 1.
    frame = pd.DataFrame({"t": [1, 2, 3], "e": [1, 1, 1], "x": [1, 0, 1]})
    fit = fit_cox(frame, ["x"], "t", "e")
    u = math.sqrt(0.5)
    assert fit.params["x"] == pytest.approx(math.log(u), abs=1e-12)
    assert fit.log_likelihood == pytest.approx(math.log(u / (2 * u + 1) / (1 + u)), abs=1e-12)
    assert fit.null_log_likelihood == pytest.approx(-math.log(6), abs=1e-12)
    information = 2 * u / (2 * u + 1) ** 2 + u / (1 + u) ** 2
    assert fit.std_errors["x"] == pytest.approx(information**-0.5, abs=1e-12)


@pytest.mark.parametrize(("ties", "ratio"), [("efron", math.sqrt(6)), ("breslow", 2.0)])
def test_tied_events_by_hand(ties, ratio):
    # Two events at 1 (x = 1 and 0), one subject (x=0) still there.
    #   Efron:   L = u / ((u + 2) (u + 2 - (u + 1) / 2)), so u^2 = 6.
    #   Breslow: L = u / (u + 2)^2, so u = 2.
    frame = pd.DataFrame({"t": [1, 1, 2], "e": [1, 1, 0], "x": [1, 0, 0]})
    fit = fit_cox(frame, ["x"], "t", "e", ties=ties)
    assert fit.tidy()["hazard_ratio"].item() == pytest.approx(ratio, abs=1e-11)


def test_baseline_by_hand():
    # Breslow's increments at the estimate above: 1/(2u + 1), 1/(1 + u), 1/u for covariate zero.
    frame = pd.DataFrame({"t": [1, 2, 3], "e": [1, 1, 1], "x": [1, 0, 1]})
    fit = fit_cox(frame, ["x"], "t", "e")
    u = math.sqrt(0.5)
    steps = np.cumsum([1 / (2 * u + 1), 1 / (1 + u), 1 / u])
    found = fit.baseline_cumulative_hazard([0.5, 1, 2, 2.5, 3, 9])["cumulative_hazard"]
    np.testing.assert_allclose(found, [0, steps[0], steps[1], steps[1], steps[2], np.nan], atol=1e-12)
    survival = fit.predict_survival(pd.DataFrame({"x": [1]}), [0.5, 2])["survival"]
    np.testing.assert_allclose(survival, [1.0, math.exp(-steps[1] * u)], atol=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_against_brute_force(spells, ties):
    fit = fit_cox(spells, ["x", "z"], ties=ties, **OPTIONS)
    beta = fit.params.to_numpy()

    def value(change):
        return brute_force_log_likelihood(spells, beta + change, ["x", "z"], ties)

    assert fit.log_likelihood == pytest.approx(value(0.0), abs=1e-10)
    step = 1e-3
    axes = step * np.eye(2)
    slopes = [(value(axis) - value(-axis)) / (2 * step) for axis in axes]
    # The slope at the optimum is zero up to the third derivative times step squared.
    np.testing.assert_allclose(slopes, 0.0, atol=1e-4)
    curvature = [
        [(value(a + b) - value(a - b) - value(b - a) + value(-a - b)) / (4 * step**2) for a in axes] for b in axes
    ]
    np.testing.assert_allclose(-np.linalg.inv(curvature), fit.covariance, rtol=1e-4)


def test_wide_predictors_keep_their_digits(spells):
    # A relative risk of e^40 entering late would wipe out the risk sets before it if sums were subtracted.
    spells["o"] = np.linspace(-40, 0, len(spells))[np.argsort(np.argsort(spells["start"]))]
    fit = fit_cox(spells, ["x", "z"], **OPTIONS)
    expected = brute_force_log_likelihood(spells, fit.params.to_numpy(), ["x", "z"], "efron")
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-13)
    scores = fit.residuals("score").mul(spells["w"], axis=0).sum()
    np.testing.assert_allclose(scores, 0.0, atol=1e-8)


def test_both_ways_of_adding_agree(spells, monkeypatch):
    quick = fit_cox(spells, ["x", "z"], **OPTIONS)
    monkeypatch.setattr(likelihood, "_WIDE_RANGE", -1.0)
    careful = fit_cox(spells, ["x", "z"], **OPTIONS)
    np.testing.assert_allclose(careful.covariance, quick.covariance, rtol=1e-12)
    np.testing.assert_allclose(careful.residuals("score"), quick.residuals("score"), atol=1e-12)


def test_blocks_of_event_times_agree_with_one_block(spells, monkeypatch):
    whole = fit_cox(spells, ["x", "z"], **OPTIONS)
    monkeypatch.setattr(moments, "_BLOCK_NUMBERS", 6)
    cut = fit_cox(spells, ["x", "z"], **OPTIONS)
    np.testing.assert_allclose(cut.covariance, whole.covariance, rtol=1e-12)


def test_residuals_add_up(spells):
    fit = fit_cox(spells, ["x", "z"], cluster="s", **OPTIONS)
    w = spells["w"]
    assert (w * fit.residuals("martingale")).sum() == pytest.approx(0.0, abs=1e-10)
    np.testing.assert_allclose(fit.residuals("score").mul(w, axis=0).sum(), 0.0, atol=1e-9)
    schoenfeld = fit.residuals("schoenfeld")
    assert schoenfeld.index.names == ["row", "time"]
    assert len(schoenfeld) == fit.n_events
    by_cluster = fit.residuals("dfbeta").groupby(spells["s"]).sum()
    np.testing.assert_allclose(by_cluster.T @ by_cluster, fit.covariance, atol=1e-12)
    with pytest.raises(FitError, match="martingale, deviance"):
        fit.residuals("pearson")


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_dfbeta_is_the_derivative_by_the_weight(spells, ties):
    fit = fit_cox(spells, ["x", "z"], ties=ties, **OPTIONS)
    change, step = fit.residuals("dfbeta"), 1e-4
    for row in (3, 40, 77):
        up, down = (spells.assign(w=spells["w"] + side * step * (spells.index == row)) for side in (1, -1))
        slope = fit_cox(up, ["x", "z"], ties=ties, **OPTIONS).params
        slope = (slope - fit_cox(down, ["x", "z"], ties=ties, **OPTIONS).params) / (2 * step)
        np.testing.assert_allclose(slope * spells.loc[row, "w"], change.loc[row], atol=1e-7)


def test_tidy_and_wald(spells):
    spells["plan"] = np.resize(["basic", "pro", "team"], len(spells))
    fit = fit_cox(spells, ["x", "plan", "x:z"], "stop", "e", start="start")
    tidy = fit.tidy(conf_level=0.9)
    assert list(tidy["term"]) == ["x", "plan", "plan", "x:z"]
    assert list(tidy["level"]) == ["", "pro", "team", ""]
    assert list(tidy["reference"]) == ["", "basic", "basic", ""]
    np.testing.assert_allclose(np.log(tidy["hazard_ratio"]), tidy["estimate"])
    half = 1.6448536269514722 * tidy["std_error"]
    np.testing.assert_allclose(np.log(tidy["conf_low"]), tidy["estimate"] - half)
    joint = fit.wald_test("plan")
    block = fit.covariance.loc[list(fit.term_slices["plan"]), list(fit.term_slices["plan"])]
    beta = fit.params[list(fit.term_slices["plan"])]
    assert joint.statistic == pytest.approx(beta @ np.linalg.solve(block, beta))
    assert joint.df == 2
    assert fit.wald_test("x").p_value == pytest.approx(fit.tidy()["p_value"].iloc[0])
    with pytest.raises(FitError, match="No term 'nope'"):
        fit.wald_test("nope")


def test_null_model(spells):
    fit = fit_cox(spells, [], "stop", "e", start="start")
    assert fit.log_likelihood == fit.null_log_likelihood
    assert fit.tidy().empty
    assert fit.concordance().estimate == 0.5
    # The survival it predicts is the exponential of minus the cumulative hazard of everybody.
    found = fit.predict_survival(spells.iloc[:1], [3.0])
    hazard = fit.baseline_cumulative_hazard([3.0])["cumulative_hazard"].item()
    assert found["survival"].item() == pytest.approx(math.exp(-hazard))


def test_prediction_by_stratum_and_its_refusals(spells):
    fit = fit_cox(spells, ["x"], "stop", "e", start="start", strata="s")
    rows = spells.iloc[:4][["x", "s"]]
    found = fit.predict_survival(rows, [2.0, 5.0], conf_level=None)
    assert found["conf_low"].isna().all()
    assert list(found["row"]) == list(np.repeat(rows.index, 2))
    base = fit.baseline_cumulative_hazard([5.0]).set_index("stratum")["cumulative_hazard"]
    expected = base[rows["s"]].to_numpy() * np.exp(fit.params["x"] * rows["x"].to_numpy())
    np.testing.assert_allclose(found.loc[found["time"] == 5.0, "cumulative_hazard"], expected, rtol=1e-12)
    with pytest.raises(FitError, match="'west' was not fitted"):
        fit.predict_survival(rows.assign(s="west"), [1.0])
    with pytest.raises(FitError, match="No column 's'"):
        fit.predict_survival(rows.drop(columns="s"), [1.0])


@pytest.mark.parametrize("scale", [1e-6, 1e9])
def test_weights_of_any_size_converge(spells, scale):
    base = fit_cox(spells, ["x", "z"], **OPTIONS)
    scaled = fit_cox(spells.assign(w=spells["w"] * scale), ["x", "z"], **OPTIONS)
    np.testing.assert_allclose(scaled.params, base.params, rtol=1e-7)
    np.testing.assert_allclose(scaled.covariance * scale, base.covariance, rtol=1e-7)


def test_one_row_per_cluster_is_row_robust(spells):
    spells["id"] = np.arange(len(spells))
    clustered = fit_cox(spells, ["x", "z"], cluster="id", **OPTIONS)
    by_row = fit_cox(spells, ["x", "z"], robust=True, **OPTIONS)
    pd.testing.assert_series_equal(clustered.robust_std_errors, by_row.robust_std_errors)


class TestRefusals:
    @pytest.fixture
    def frame(self):
        random = np.random.default_rng(2)
        n = 90
        return pd.DataFrame(
            {
                "t": random.integers(1, 12, n).astype(float),
                "e": random.integers(0, 2, n),
                "x": random.normal(size=n),
                "y": random.normal(size=n),
                "plan": np.resize(["basic", "pro", "team"], n),
            }
        )

    def test_no_events(self, frame):
        with pytest.raises(NoEventsError, match="None of 90 rows"):
            fit_cox(frame.assign(e=0), ["x"], "t", "e")
        with pytest.raises(NoEventsError):
            fit_cox(frame.iloc[:0], ["x"], "t", "e")

    def test_constant_column(self, frame):
        with pytest.raises(SingularDesignError, match=r"'year' is constant .* baseline hazard"):
            fit_cox(frame.assign(year=2024.0), ["x", "year"], "t", "e")

    def test_constant_within_strata(self, frame):
        with pytest.raises(SingularDesignError, match=r"'plan\[T.pro\]' .* its stratum \(plan\)"):
            fit_cox(frame, ["x", "plan"], "t", "e", strata="plan")

    def test_alias_is_named_with_its_partners(self, frame):
        frame["sum"] = frame["x"] + 2 * frame["y"] + 7
        with pytest.raises(SingularDesignError, match="'sum' is aliased with 'x', 'y'"):
            fit_cox(frame.assign(plan_size=1.0 * (frame["plan"] == "pro")), ["x", "y", "sum"], "t", "e")

    def test_more_columns_than_rows(self):
        random = np.random.default_rng(0)
        frame = pd.DataFrame(random.normal(size=(6, 9)), columns=[f"v{i}" for i in range(9)])
        with pytest.raises(SingularDesignError, match="'v5' is aliased with 'v0'"):
            fit_cox(frame.assign(t=range(1, 7), e=1), list(frame.columns), "t", "e")

    def test_one_level(self, frame):
        with pytest.raises(SingularDesignError, match="only 'basic'"):
            fit_cox(frame.assign(plan="basic"), ["plan"], "t", "e")

    def test_level_without_events(self, frame):
        frame.loc[frame["plan"] == "pro", "e"] = 0
        with pytest.raises(SeparationError, match=r"'plan\[T.pro\]' goes to minus infinity \(no event at level 'pro'"):
            fit_cox(frame, ["x", "plan"], "t", "e")

    def test_reference_without_events(self, frame):
        frame.loc[frame["plan"] == "basic", "e"] = 0
        with pytest.raises(SeparationError, match="reference level 'basic'"):
            fit_cox(frame, ["x", "plan"], "t", "e")

    def test_monotone_number(self, frame):
        with pytest.raises(SeparationError, match="'x' goes to minus infinity") as caught:
            fit_cox(frame.assign(x=frame["t"], e=1), ["x", "y"], "t", "e")
        assert "'y'" not in str(caught.value)

    def test_extreme_but_finite_values_are_no_separation(self, frame):
        # One wild covariate value has enormous leverage; the optimum is finite and found.
        frame.loc[frame.index[frame["e"] == 0][0], "x"] = 1e4
        assert np.isfinite(fit_cox(frame, ["x"], "t", "e").params["x"])

    def test_large_true_effect_is_no_separation(self):
        random = np.random.default_rng(4)
        x = random.normal(size=3000)
        frame = pd.DataFrame({"x": x, "t": random.exponential(np.exp(-8 * x)), "e": 1})
        assert fit_cox(frame, ["x"], "t", "e").params["x"] == pytest.approx(8.0, abs=0.4)

    @pytest.mark.parametrize(
        ("change", "options", "message"),
        [
            ({"x": np.nan}, {}, "Column 'x' is missing in 1 of 90 rows"),
            ({"x": np.inf}, {}, "missing or infinite in 1 of 90 rows"),
            ({"t": -1.0}, {}, "Time column 't' is negative"),
            ({"t": np.nan}, {}, "Column 't' is missing or infinite"),
            ({"begin": 50.0}, {"start": "begin"}, "'t' is not after 'begin'"),
            ({"w": 0.0}, {"weights": "w"}, "zero or negative"),
            ({"w": -1.0}, {"weights": "w"}, "zero or negative"),
            ({"e": 2}, {}, "neither 0 nor 1"),
            ({"plan": None}, {}, "Column 'plan' is missing"),
            ({"plan": None}, {"strata": "plan", "terms": ["x"]}, "Column 'plan' is missing"),
        ],
    )
    def test_bad_rows_are_named(self, frame, change, options, message):
        frame = frame.assign(begin=0.0, w=1.0)
        for column, value in change.items():
            frame.loc[7, column] = value
        terms = options.pop("terms", ["x", "plan"])
        with pytest.raises(FitError, match=message) as caught:
            fit_cox(frame, terms, "t", "e", **options)
        assert "rows 7" in str(caught.value)

    def test_missing_column_lists_what_is_there(self, frame):
        with pytest.raises(FitError, match=r"No column 'seats'\. Available columns: t, e, x, y, plan"):
            fit_cox(frame, ["seats"], "t", "e")
        with pytest.raises(FitError, match="No column 'tenure'"):
            fit_cox(frame, ["x"], "tenure", "e")

    def test_bad_options(self, frame):
        with pytest.raises(FitError, match="'efron' or 'breslow'"):
            fit_cox(frame, ["x"], "t", "e", ties="exact")
        with pytest.raises(FitError, match="conf_level"):
            fit_cox(frame, ["x"], "t", "e").tidy(conf_level=95)
        with pytest.raises(FitError, match="above zero"):
            fit_cox(frame.assign(t=frame["t"] - 1), ["x"], "t", "e").test_proportional_hazards("log")
        with pytest.raises(FitError, match="km, identity, log, rank"):
            fit_cox(frame, ["x"], "t", "e").test_proportional_hazards("sqrt")

    def test_all_tied_is_fitted_and_has_no_drift_to_test(self, frame):
        fit = fit_cox(frame.assign(t=5.0), ["x"], "t", "e")
        assert np.isfinite(fit.params["x"])
        assert fit.test_proportional_hazards()["statistic"].isna().all()

    def test_time_zero_counts_without_start(self):
        frame = pd.DataFrame({"t": [0, 0, 1, 2], "e": [1, 0, 1, 0], "x": [1.0, 0.0, 0.0, 1.0]})
        assert fit_cox(frame, ["x"], "t", "e").n_events == 2
