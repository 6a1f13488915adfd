"""Proportional-odds regression: against statsmodels, by hand, and where it cannot be fitted."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from whychurn.errors import FitError, SeparationError, SingularDesignError
from whychurn.models import fit_logistic, fit_ordered_logit

LEVELS = ("detractor", "passive", "promoter")


def frame_of(n=600, seed=5, levels=LEVELS, noise="logistic"):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": random.normal(3.0, 2.0, n).round(3),
            "z": random.normal(size=n).round(3),
            "g": random.choice(list("abc"), n),
            "id": random.integers(0, 90, n),
            "w": random.uniform(0.4, 2.5, n).round(3),
        }
    )
    eta = 0.6 * frame["x"] - 0.4 * frame["z"] + 0.7 * (frame["g"] == "b")
    drawn = random.logistic(size=n) if noise == "logistic" else random.normal(0, 1.7, n)
    edges = np.quantile(eta + drawn, np.linspace(0, 1, len(levels) + 1)[1:-1])
    frame["y"] = np.array(levels, dtype=object)[np.digitize(eta + drawn, edges)]
    return frame


def coded(frame):
    return np.column_stack([frame["x"], frame["z"], frame["g"] == "b", frame["g"] == "c"]).astype(float)


@pytest.mark.parametrize("levels", [LEVELS, tuple("12345")], ids=["three levels", "five levels"])
def test_coefficients_cut_points_and_errors_are_those_of_statsmodels(levels):
    frame = frame_of(levels=levels)
    ours = fit_ordered_logit(frame, ["x", "z", "g"], "y", levels)
    place = frame["y"].map({level: k for k, level in enumerate(levels)})
    model = OrderedModel(place.to_numpy(), coded(frame), distr="logit")
    theirs = model.fit(method="bfgs", disp=False, gtol=1e-7, maxiter=500)
    p = 4
    assert ours.params.to_numpy() == pytest.approx(theirs.params[:p], abs=2e-6)
    assert ours.cut_points.to_numpy() == pytest.approx(model.transform_threshold_params(theirs.params)[1:-1], abs=2e-6)
    assert ours.log_likelihood == pytest.approx(theirs.llf, abs=1e-8)
    # Its parameters of the cut points are not ours, so only the slopes' errors compare.
    assert ours.slopes_covariance.to_numpy() == pytest.approx(theirs.cov_params()[:p, :p], rel=1e-4, abs=1e-7)


def test_score_is_zero_and_information_its_derivative():
    """By differences of the log-likelihood itself, at a point that is no optimum."""
    from whychurn.models.ordinal.likelihood import OrderedProblem

    frame = frame_of(80, levels=tuple("1234"))
    place = frame["y"].astype(int).to_numpy() - 1
    problem = OrderedProblem(coded(frame), place, frame["w"].to_numpy(), 3, tuple("abcdefg"))
    at = np.array([-0.5, 0.3, 1.4, 0.2, -0.1, 0.4, 0.0])
    score, information = problem.derivatives(problem.evaluate(at))
    step = np.eye(7) * 1e-5

    def value(beta):
        return problem.log_likelihood(problem.evaluate(beta))

    numeric = [(value(at + move) - value(at - move)) / 2e-5 for move in step]
    assert score == pytest.approx(numeric, abs=1e-5)
    curves = [
        -(problem.derivatives(problem.evaluate(at + move))[0] - problem.derivatives(problem.evaluate(at - move))[0])
        / 2e-5
        for move in step
    ]
    assert information == pytest.approx(np.array(curves), abs=1e-5)


def test_two_levels_are_a_logistic_regression_in_every_covariance():
    frame = frame_of(levels=("no", "yes"))
    frame["yes"] = (frame["y"] == "yes").astype(int)
    for kind, cluster in (("model", None), ("HC0", None), ("cluster", "id")):
        ours = fit_ordered_logit(frame, ["x", "g"], "y", ("no", "yes"), weights="w", covariance=kind, cluster=cluster)
        theirs = fit_logistic(frame, ["x", "g"], "yes", weights="w", covariance=kind, cluster=cluster)
        assert ours.params.to_numpy() == pytest.approx(theirs.params.to_numpy()[1:], abs=1e-9)
        assert ours.slopes_covariance.to_numpy() == pytest.approx(theirs.covariance.to_numpy()[1:, 1:], rel=1e-6)
        effect, other = ours.average_marginal_effects("x"), theirs.average_marginal_effects("x")
        assert effect["estimate"][0] == pytest.approx(other["estimate"][0], abs=1e-9)
        assert effect["std_error"][0] == pytest.approx(other["std_error"][0], rel=1e-6)


def test_weights_are_copies_of_rows():
    frame = frame_of(200)
    frame["k"] = np.random.default_rng(1).integers(0, 4, 200)
    copied = frame.loc[frame.index.repeat(frame["k"])].reset_index(drop=True)
    one, other = (fit_ordered_logit(f, ["x", "z"], "y", LEVELS, weights=w) for f, w in ((frame, "k"), (copied, None)))
    assert one.params.to_numpy() == pytest.approx(other.params.to_numpy(), abs=1e-9)
    assert one.covariance.to_numpy() == pytest.approx(other.covariance.to_numpy(), rel=1e-7)


def test_effects_are_differences_of_predicted_chances():
    frame = frame_of()
    fit = fit_ordered_logit(frame, ["x", "z", "g"], "y", LEVELS)
    chances = fit.predict(frame)
    assert chances.to_numpy().sum(axis=1) == pytest.approx(1.0)
    moved = [fit.predict(frame.assign(g=level))["promoter"].mean() for level in "ab"]
    effects = fit.average_marginal_effects("g").set_index("level")
    assert effects.loc["b", "estimate"] == pytest.approx(moved[1] - moved[0], abs=1e-12)
    up, down = (fit.predict(frame.assign(x=frame["x"] + side))["promoter"].mean() for side in (1e-4, -1e-4))
    assert fit.average_marginal_effects("x")["estimate"][0] == pytest.approx((up - down) / 2e-4, abs=1e-7)
    either = fit.average_marginal_effects("x", "passive")["estimate"][0]
    up, down = (1 - fit.predict(frame.assign(x=frame["x"] + side))["detractor"].mean() for side in (1e-4, -1e-4))
    assert either == pytest.approx((up - down) / 2e-4, abs=1e-7)


def test_chances_with_a_value_set_are_averages_of_predictions():
    frame = frame_of()
    fit = fit_ordered_logit(frame, ["x", "g"], "y", LEVELS)
    chance, low, high = fit.average_chance("x", 2.0)
    assert chance == pytest.approx(fit.predict(frame.assign(x=2.0))["promoter"].mean(), abs=1e-12)
    assert low < chance < high
    either = fit.average_chance("g", "b", "passive")[0]
    assert either == pytest.approx(1 - fit.predict(frame.assign(g="b"))["detractor"].mean(), abs=1e-12)
    with pytest.raises(FitError, match="level is one of"):
        fit.average_chance("x", 2.0, "detractor")


def test_contrasts_use_the_covariance():
    fit = fit_ordered_logit(frame_of(), ["x", "z"], "y", LEVELS)
    estimate, error = fit.contrast({"x": 1.0, "z": -1.0})
    V = fit.slopes_covariance
    assert estimate == pytest.approx(fit.params["x"] - fit.params["z"])
    assert error**2 == pytest.approx(V.loc["x", "x"] + V.loc["z", "z"] - 2 * V.loc["x", "z"])
    with pytest.raises(FitError, match="No column"):
        fit.contrast({"nothing": 1.0})


def test_units_change_nothing():
    frame = frame_of()
    one = fit_ordered_logit(frame, ["x", "z"], "y", LEVELS)
    other = fit_ordered_logit(frame.assign(x=frame["x"] * 1e6 + 4e8), ["x", "z"], "y", LEVELS)
    assert other.params["x"] * 1e6 == pytest.approx(one.params["x"], rel=1e-7)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-8)


@pytest.mark.parametrize("clustered", [False, True])
def test_parallel_test_keeps_its_level_where_it_holds_and_finds_where_it_does_not(clustered):
    options = {"covariance": "cluster", "cluster": "id"} if clustered else {}
    values = [
        fit_ordered_logit(frame_of(300, seed), ["x", "z"], "y", LEVELS, **options).parallel_test().overall.p_value
        for seed in range(60)
    ]
    assert 0.25 < np.mean(values) < 0.75 and np.mean(np.array(values) < 0.05) < 0.16
    frame = frame_of(900)
    # Here z tells detractors from the rest, and nothing about promoters.
    frame.loc[(frame["y"] == "detractor"), "z"] += 1.0
    found = fit_ordered_logit(frame, ["x", "z"], "y", LEVELS, **options).parallel_test()
    assert found.by_term["z"].p_value < 1e-4 < found.by_term["x"].p_value
    assert found.slopes.loc["z"].abs().idxmax() == "detractor|passive"


def test_many_terms_of_few_clusters_do_not_reject_by_themselves():
    """One ratio does here. Of 20 differences and some hundred clusters, chi-square would reject two or three times too often."""
    names, by_f, by_chi_square = [f"n{k}" for k in range(20)], [], []
    for seed in range(40):
        frame = frame_of(300, seed)
        noise = np.random.default_rng(seed).normal(size=(len(frame), len(names)))
        frame = pd.concat([frame, pd.DataFrame(noise, columns=names)], axis=1)
        found = fit_ordered_logit(frame, names, "y", LEVELS, covariance="cluster", cluster="id").parallel_test().overall
        free = frame["id"].nunique() - 1
        left = free - found.df + 1
        assert found.p_value == pytest.approx(stats.f.sf(found.statistic * left / (free * found.df), found.df, left))
        by_f.append(found.p_value)
        by_chi_square.append(stats.chi2.sf(found.statistic, found.df))
    assert np.mean(np.array(by_f) < 0.05) <= 0.1 < np.mean(np.array(by_chi_square) < 0.05)


def test_parallel_slopes_are_those_of_separate_regressions():
    frame = frame_of()
    found = fit_ordered_logit(frame, ["x", "g"], "y", LEVELS, covariance="cluster", cluster="id").parallel_test()
    frame["above"] = (frame["y"] == "promoter").astype(int)
    alone = fit_logistic(frame, ["x", "g"], "above", covariance="cluster", cluster="id")
    assert found.slopes["passive|promoter"].to_numpy() == pytest.approx(alone.params.to_numpy()[1:], abs=1e-8)
    assert found.std_errors["passive|promoter"].to_numpy() == pytest.approx(alone.std_errors.to_numpy()[1:], rel=1e-7)
    assert set(found.tidy()["cut"]) == {"detractor|passive", "passive|promoter"}


def test_separated_columns_are_named():
    frame = frame_of(150)
    frame["sorted"] = frame["y"].map({level: float(k) for k, level in enumerate(LEVELS)})
    with pytest.raises(SeparationError, match="sorted"):
        fit_ordered_logit(frame, ["x", "sorted"], "y", LEVELS)
    with pytest.raises(SingularDesignError, match="constant"):
        fit_ordered_logit(frame.assign(c=1.0), ["x", "c"], "y", LEVELS)
    with pytest.raises(SingularDesignError, match="aliased"):
        fit_ordered_logit(frame.assign(twice=2 * frame["x"]), ["x", "twice"], "y", LEVELS)


def test_levels_without_rows_and_outcomes_that_cannot_be_ordered():
    frame = frame_of(levels=("detractor", "promoter"))
    fit = fit_ordered_logit(frame, ["x"], "y", LEVELS)
    assert fit.levels == ("detractor", "promoter")
    assert "one cut point" in fit.parallel_test().note
    with pytest.raises(FitError, match="fewer than two levels"):
        fit_ordered_logit(frame[frame["y"] == "promoter"], ["x"], "y", LEVELS)
    with pytest.raises(FitError, match="none of"):
        fit_ordered_logit(frame.assign(y="enthusiast"), ["x"], "y", LEVELS)
    with pytest.raises(FitError, match="cluster"):
        fit_ordered_logit(frame, ["x"], "y", LEVELS, covariance="cluster")
    with pytest.raises(FitError, match="two clusters"):
        fit_ordered_logit(frame.assign(id=1), ["x"], "y", LEVELS, covariance="cluster", cluster="id")


def test_no_terms_give_the_observed_shares():
    frame = frame_of()
    fit = fit_ordered_logit(frame, [], "y", LEVELS)
    shares = frame["y"].value_counts(normalize=True)
    assert fit.predict(frame.head(1)).iloc[0].to_dict() == pytest.approx({level: shares[level] for level in LEVELS})
    assert fit.log_likelihood == pytest.approx(fit.null_log_likelihood)


def test_cluster_errors_tell_the_truth_about_repeated_answers():
    """Ten copies of every row, as one cluster each, say no more than the rows did."""
    frame = frame_of(200)
    frame["own"] = np.arange(200)
    copied = pd.concat([frame] * 10, ignore_index=True)
    single = fit_ordered_logit(frame, ["x"], "y", LEVELS, covariance="cluster", cluster="own")
    many = fit_ordered_logit(copied, ["x"], "y", LEVELS, covariance="cluster", cluster="own")
    assert many.slopes_covariance.to_numpy() == pytest.approx(single.slopes_covariance.to_numpy(), rel=1e-7)
    naive = fit_ordered_logit(copied, ["x"], "y", LEVELS)
    assert naive.slopes_covariance.iloc[0, 0] < 0.2 * many.slopes_covariance.iloc[0, 0]
