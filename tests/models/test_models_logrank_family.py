"""Fleming-Harrington weights, case weights, trend and pairwise log-rank tests against a count row by row."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from whychurn.errors import FitError, NoEventsError
from whychurn.models import adjust_p_values, logrank_test, pairwise_logrank


def frame_of(seed, n=80, k=3):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"g": random.choice(list("abcd")[:k], n), "s": random.choice(["n", "s"], n)})
    frame["b"] = random.integers(0, 4, n)
    frame["t"] = frame["b"] + random.integers(1, 8, n)
    frame["e"] = random.integers(0, 2, n)
    frame["w"] = random.uniform(0.3, 2.0, n)
    return frame


def by_count(frame, rho, gamma, weights=None, strata=None):
    """Add up a G(rho, gamma) test time by time, looking at every row at risk."""
    labels = sorted(frame["g"].unique())
    difference, variance = np.zeros(len(labels)), np.zeros((len(labels), len(labels)))
    for _, part in frame.groupby(strata) if strata else [(0, frame)]:
        survival = 1.0
        for t in sorted(part.loc[part["e"] == 1, "t"].unique()):
            at_risk = part[(part["b"] < t) & (part["t"] >= t)]
            w = at_risk[weights].to_numpy() if weights else np.ones(len(at_risk))
            member = (at_risk["g"].to_numpy()[:, None] == np.array(labels)).astype(float)
            dies = ((at_risk["t"] == t) & (at_risk["e"] == 1)).to_numpy()
            share = w @ member / w.sum()
            x = w[:, None] * (member - share)
            n, d = len(at_risk), dies.sum()
            weight = survival**rho * (1 - survival) ** gamma
            difference += weight * x[dies].sum(axis=0)
            if n > 1:
                # d of n drawn without replacement, whose mean is zero.
                variance += weight**2 * d * (n - d) / (n - 1) * (x.T @ x) / n
            survival *= 1 - w[dies].sum() / w.sum()
    keep = slice(1, None)
    statistic = difference[keep] @ np.linalg.solve(variance[keep, keep], difference[keep])
    return difference, variance, statistic


@pytest.mark.parametrize(("rho", "gamma"), [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 2)])
@pytest.mark.parametrize("strata", [None, "s"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_the_family_by_count(rho, gamma, strata, weights):
    frame = frame_of(1)
    for rows in (frame, frame.assign(t=frame["t"] + 0.25)):
        found = logrank_test(rows, "t", "e", "g", start="b", strata=strata or (), rho=rho, gamma=gamma, weights=weights)
        difference, variance, statistic = by_count(rows, rho, gamma, weights, strata)
        np.testing.assert_allclose(found.observed - found.expected, difference, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(found.variance, variance, rtol=1e-9, atol=1e-11)
        assert found.statistic == pytest.approx(statistic, rel=1e-9)
        assert found.p_value == pytest.approx(stats.chi2.sf(statistic, 2))


def test_late_differences_are_seen_by_late_weights():
    early = pd.DataFrame({"t": np.tile(np.arange(1, 21), 2), "e": 1, "g": np.repeat(["a", "b"], 20)})
    # The same until 12; afterwards group b goes at once.
    early.loc[(early["g"] == "b") & (early["t"] > 12), "t"] = 13
    tests = {gamma: logrank_test(early, "t", "e", "g", gamma=gamma).statistic for gamma in (0, 1)}
    assert tests[1] > tests[0] > logrank_test(early, "t", "e", "g", rho=2).statistic


def test_weights_that_are_counts_are_copies():
    frame = frame_of(2).assign(w=lambda rows: np.resize([1, 2, 3], len(rows)))
    copies = frame.loc[frame.index.repeat(frame["w"])]
    found = logrank_test(frame, "t", "e", "g", start="b", weights="w", rho=0.5, gamma=0.5)
    expected = logrank_test(copies, "t", "e", "g", start="b", rho=0.5, gamma=0.5)
    np.testing.assert_allclose(found.variance, expected.variance)
    assert found.statistic == pytest.approx(expected.statistic)
    # The scale of weights that are no counts says nothing.
    by_scale = [logrank_test(frame.assign(w=frame["w"] * c), "t", "e", "g", weights="w").statistic for c in (0.3, 0.7)]
    assert by_scale[0] == pytest.approx(by_scale[1])


def test_trend_by_hand_and_by_score():
    # As in the example of the plain test: a goes at 1 and 2, b at 3. With two groups the trend is the test.
    two = logrank_test(pd.DataFrame({"t": [1, 2, 3], "e": 1, "g": ["a", "a", "b"]}), "t", "e", "g")
    assert two.trend().statistic == pytest.approx(two.statistic)
    assert two.trend().z == pytest.approx((1 - 11 / 6) / math.sqrt(17 / 36))
    found = logrank_test(frame_of(3), "t", "e", "g", start="b")
    excess, variance = (found.observed - found.expected).to_numpy(), found.variance.to_numpy()
    s = np.array([0.0, 2.0, 3.0])
    expected = (s @ excess) ** 2 / (s @ variance @ s)
    trend = found.trend([0, 2, 3])
    assert trend.statistic == pytest.approx(expected)
    assert trend.p_value == pytest.approx(stats.chi2.sf(expected, 1))
    # Only the relative places of the scores matter.
    assert found.trend({"c": 1e6 + 6, "a": 1e6, "b": 1e6 + 4}).z == pytest.approx(trend.z)
    assert found.trend([0, -2, -3]).z == pytest.approx(-trend.z)
    assert list(found.trend().scores) == [-1, 0, 1]


def test_trend_refusals():
    found = logrank_test(frame_of(3), "t", "e", "g")
    for scores, words in [
        ([1, 1, 1], "all equal"), ([1, 2], "3 finite numbers"), ([1, 2, math.nan], "finite"), ({"a": 1}, "No score"),
    ]:  # fmt: skip
        with pytest.raises(FitError, match=words):
            found.trend(scores)
    alone = logrank_test(frame_of(3).assign(g="a"), "t", "e", "g").trend()
    assert math.isnan(alone.statistic)
    assert math.isnan(alone.p_value)


@pytest.mark.parametrize("adjust", ["holm", "bh"])
def test_pairs_are_tests_of_their_own_rows(adjust):
    frame = frame_of(4, n=120, k=4)
    options = {"start": "b", "strata": "s", "rho": 1.0, "gamma": 0.5, "weights": "w"}
    found = pairwise_logrank(frame, "t", "e", "g", adjust=adjust, **options).tidy()
    assert len(found) == 6
    for row in found.itertuples():
        alone = logrank_test(frame[frame["g"].isin([row.group, row.reference])], "t", "e", "g", **options)
        assert row.statistic == pytest.approx(alone.statistic, rel=1e-9)
        assert row.p_value == pytest.approx(alone.p_value)
    np.testing.assert_allclose(found["p_adjusted"], adjust_p_values(found["p_value"], adjust))


def test_pairs_without_information():
    frame = frame_of(5)
    assert pairwise_logrank(frame.assign(g="a"), "t", "e", "g").table.empty
    # Two groups without events, beside one with: their own pair has nothing to compare.
    frame.loc[frame["g"] != "a", "e"] = 0
    table = pairwise_logrank(frame, "t", "e", "g", start="b").table.set_index(["group", "reference"])
    assert math.isnan(table.loc[("c", "b"), "p_value"])
    assert table["p_adjusted"].notna().sum() == 2


def test_family_refusals():
    frame = frame_of(6)
    for options, words in [
        ({"gamma": -1}, "gamma is a finite number"), ({"gamma": math.nan}, "gamma"), ({"rho": math.nan}, "rho"),
    ]:  # fmt: skip
        with pytest.raises(FitError, match=words):
            logrank_test(frame, "t", "e", "g", **options)
    with pytest.raises(FitError, match="adjust is one"):
        pairwise_logrank(frame, "t", "e", "g", adjust="bonferroni")
    with pytest.raises(NoEventsError):
        pairwise_logrank(frame.assign(e=0), "t", "e", "g")
    with pytest.raises(FitError, match="zero or negative"):
        logrank_test(frame.assign(w=0), "t", "e", "g", weights="w")
    # Everybody at risk at 1 goes; those who come later would weigh 1 / 0.
    emptied = pd.DataFrame({"b": [0, 0, 2, 2], "t": [1, 1, 3, 4], "e": 1, "g": list("abab")})
    with pytest.raises(FitError, match="without limit"):
        logrank_test(emptied, "t", "e", "g", start="b", rho=-1)


def test_many_strata_of_wide_times_are_sorted_instead():
    random = np.random.default_rng(7)
    frame = pd.DataFrame({"s": np.resize(range(40), 200), "g": random.choice(["a", "b"], 200)})
    frame["t"], frame["e"] = random.integers(1, 40, 200), random.integers(0, 2, 200)
    counted = logrank_test(frame, "t", "e", "g", strata="s")
    # The same order of times, too far apart to be counted.
    wide = logrank_test(frame.assign(t=frame["t"] * 100_000), "t", "e", "g", strata="s")
    assert wide.statistic == pytest.approx(counted.statistic, rel=1e-12)
    np.testing.assert_allclose(wide.variance, counted.variance)
