"""Kaplan-Meier, restricted mean and log-rank: examples by hand, late entry, empty groups."""

import math

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError, NoEventsError
from whychurn.models import fit_kaplan_meier, logrank_test, restricted_mean


@pytest.fixture
def five():
    return pd.DataFrame({"t": [1, 2, 3, 3, 5], "e": [1, 0, 1, 1, 0]})


def test_curve_by_hand(five):
    # 5 at risk, one event: 4/5. At 3, three are left and two go: 4/5 * 1/3.
    curve = fit_kaplan_meier(five, "t", "e").curve
    np.testing.assert_allclose(curve["survival"], [0.8, 0.8, 4 / 15, 4 / 15])
    assert list(curve["n_at_risk"]) == [5, 4, 3, 1]
    assert list(curve["n_events"]) == [1, 0, 2, 0]
    assert list(curve["n_censored"]) == [0, 1, 0, 1]
    # Greenwood: 1 / (5 * 4), then + 2 / (3 * 1).
    error = [0.8 * math.sqrt(1 / 20)] * 2 + [4 / 15 * math.sqrt(1 / 20 + 2 / 3)] * 2
    np.testing.assert_allclose(curve["std_error"], error)


def test_between_and_beyond_the_steps(five):
    found = fit_kaplan_meier(five, "t", "e").at([4, 0, 2.5, 5, 6])
    assert list(found["time"]) == [0, 2.5, 4, 5, 6]
    assert list(found["n_at_risk"]) == [5, 3, 1, 1, 0]
    assert list(found["n_events"]) == [0, 1, 2, 0, 0]
    assert list(found["n_censored"]) == [0, 1, 0, 1, 0]
    # Nothing is known past 5, where the last one was censored.
    np.testing.assert_allclose(found["survival"], [1, 0.8, 4 / 15, 4 / 15, np.nan])
    assert (found["conf_low"].iloc[0], found["conf_high"].iloc[0]) == (1.0, 1.0)


def test_everybody_gone_stays_zero():
    found = fit_kaplan_meier(pd.DataFrame({"t": [1, 2], "e": 1}), "t", "e").at([2, 9])
    assert list(found["survival"]) == [0.0, 0.0]
    assert found[["std_error", "conf_low", "conf_high"]].isna().all().all()


def test_late_entry_by_hand():
    # At 2: rows 1-3 at risk, S = 2/3. At 3: row 4 starts at 3, so it is not yet there: 2/3 * 1/2. At 5: none left.
    frame = pd.DataFrame({"start": [0, 0, 1, 3], "stop": [2, 4, 3, 5], "e": [1, 0, 1, 1]})
    fit = fit_kaplan_meier(frame, "stop", "e", start="start")
    np.testing.assert_allclose(fit.curve["survival"], [2 / 3, 1 / 3, 1 / 3, 0])
    assert list(fit.curve["n_at_risk"]) == [3, 2, 2, 1]
    assert list(fit.at([0, 1, 1.5, 3, 3.5])["n_at_risk"]) == [2, 2, 3, 2, 2]


def test_recount_of_numbers_at_risk():
    random = np.random.default_rng(8)
    frame = pd.DataFrame({"start": random.integers(0, 9, 200), "g": random.choice(list("ab"), 200)})
    frame["stop"] = frame["start"] + random.integers(1, 9, 200)
    frame["e"] = random.integers(0, 2, 200)
    times = np.arange(1.0, 18.0, 0.5)
    found = fit_kaplan_meier(frame, "stop", "e", start="start", group="g").at(times)
    for _, row in found.iterrows():
        rows = frame[frame["g"] == row["group"]]
        assert row["n_at_risk"] == ((rows["start"] < row["time"]) & (rows["stop"] >= row["time"])).sum()


def test_quantiles(five):
    fit = fit_kaplan_meier(five, "t", "e")
    found = fit.quantile([0.2, 0.5, 0.9])
    # The curve runs along 0.8 from 1 to 3: the middle of that stretch, as in R.
    np.testing.assert_allclose(found["time"], [2.0, 3.0, np.nan])
    with pytest.raises(FitError, match="between 0 and 1"):
        fit.quantile(1.5)


def test_group_without_events_stays_a_row(five):
    five["g"] = pd.Categorical(["a", "b", "a", "a", "b"], categories=["b", "a", "never"])
    fit = fit_kaplan_meier(five, "t", "e", group="g")
    assert fit.groups == ("b", "a")
    assert list(fit.n_events) == [0, 3]
    assert np.isnan(fit.quantile()["time"].iloc[0])
    assert (fit.at([2]).query("group == 'b'")["survival"] == 1).all()


def test_crossed_groups(five):
    five = five.assign(a=list("xxyyy"), b=[1, 2, 1, 2, 2])
    assert fit_kaplan_meier(five, "t", "e", group=["a", "b"]).groups == (
        "a=x, b=1", "a=x, b=2", "a=y, b=1", "a=y, b=2",
    )  # fmt: skip


def test_whole_number_weights_are_counts(five):
    five["w"] = [1, 2, 3, 1, 2]
    weighted = fit_kaplan_meier(five, "t", "e", weights="w").curve
    copied = fit_kaplan_meier(five.loc[five.index.repeat(five["w"])], "t", "e").curve
    pd.testing.assert_frame_equal(weighted, copied)


def test_robust_error_of_equal_weights_needs_no_scale(five):
    # Weights of 0.5 for all carry no information: the same curve and the same error as weights of 1.5.
    errors = [fit_kaplan_meier(five.assign(w=w), "t", "e", weights="w").curve["std_error"] for w in (0.5, 1.5)]
    np.testing.assert_allclose(*errors)


def test_curve_refusals(five):
    with pytest.raises(FitError, match="log-log, log, logit, plain"):
        fit_kaplan_meier(five, "t", "e", conf_type="arcsin")
    with pytest.raises(FitError, match="no rows"):
        fit_kaplan_meier(five.iloc[:0], "t", "e")


def test_restricted_mean_by_hand():
    # Events at 1 and 3: S is 1 up to 1, 1/2 up to 3. Area 1 + 1/2 * 2; variance 1^2 * 1 / (2 * 1).
    frame = pd.DataFrame({"t": [1, 3], "e": 1})
    row = restricted_mean(frame, "t", "e", tau=3).means.iloc[0]
    assert (row["estimate"], row["std_error"]) == (2.0, pytest.approx(math.sqrt(0.5)))
    # Past the last event everybody is gone: the mean no longer grows.
    assert restricted_mean(frame, "t", "e", tau=10).means["estimate"].item() == 2.0


def test_restricted_mean_beyond_follow_up_is_a_note(five):
    five["g"] = ["a", "b", "a", "a", "b"]
    found = restricted_mean(five, "t", "e", tau=6, group="g")
    assert found.means["note"].tolist() == ["", "followed to 5 only, short of 6"]
    assert np.isnan(found.means["estimate"].iloc[1])
    assert np.isnan(found.differences["estimate"].item())
    with pytest.raises(FitError, match="positive"):
        restricted_mean(five, "t", "e", tau=-1)


def test_restricted_means_are_the_area_under_the_curve():
    random = np.random.default_rng(5)
    frame = pd.DataFrame({"t": random.integers(1, 30, 300), "e": random.integers(0, 2, 300)})
    curve = fit_kaplan_meier(frame, "t", "e").at(np.arange(0, 24))["survival"]
    assert restricted_mean(frame, "t", "e", tau=24).means["estimate"].item() == pytest.approx(curve.sum())


def test_logrank_by_hand():
    # Group a goes at 1 and 2, group b at 3. Expected in a: 2/3 + 1/2; variance 2/9 + 1/4.
    frame = pd.DataFrame({"t": [1, 2, 3], "e": 1, "g": ["a", "a", "b"]})
    found = logrank_test(frame, "t", "e", "g")
    assert found.statistic == pytest.approx((2 - 7 / 6) ** 2 / (17 / 36))
    assert found.df == 1
    np.testing.assert_allclose(found.expected, [7 / 6, 11 / 6])
    np.testing.assert_allclose(found.tidy()["ratio"], [12 / 7, 6 / 11])


def test_logrank_without_anything_to_compare(five):
    alone = logrank_test(five.assign(g="a"), "t", "e", "g")
    assert (alone.df, math.isnan(alone.statistic), math.isnan(alone.p_value)) == (0, True, True)
    # Groups that never meet in a risk set: no information either.
    apart = logrank_test(five.assign(g=["a", "a", "b", "b", "b"]), "t", "e", "g", strata="g")
    assert math.isnan(apart.p_value)
    with pytest.raises(NoEventsError):
        logrank_test(five.assign(e=0, g="a"), "t", "e", "g")
    with pytest.raises(FitError, match="rho"):
        logrank_test(five.assign(g="a"), "t", "e", "g", rho=math.inf)


def test_logrank_is_the_score_test_of_a_cox_model_without_ties():
    from whychurn.models import fit_cox

    random = np.random.default_rng(9)
    n = 150
    frame = pd.DataFrame({"g": np.resize(list("abc"), n), "t": random.permutation(n) + 1.0, "s": np.resize([1, 2], n)})
    frame["e"] = random.integers(0, 2, n)
    frame["b"] = frame["t"] * random.uniform(0, 0.9, n)
    found = logrank_test(frame, "t", "e", "g", start="b", strata="s")
    fit = fit_cox(frame, ["g"], "t", "e", start="b", strata="s")
    assert found.statistic == pytest.approx(fit.score_statistic, rel=1e-12)
