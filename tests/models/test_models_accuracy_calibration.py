"""Calibration in the large, in spread, in bins and along a curve."""

import math

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError, NoEventsError, SeparationError
from whychurn.models import calibration, calibration_curve, smooth_calibration


def sample(n=3_000, seed=11, shift=0.0, stretch=1.0):
    random = np.random.default_rng(seed)
    logit = random.normal(-1.0, 1.2, n)
    chance = 1 / (1 + np.exp(-(shift + stretch * logit)))
    return pd.DataFrame(
        {
            "p": 1 / (1 + np.exp(-logit)),
            "y": (random.random(n) < chance).astype(int),
            "w": random.integers(1, 4, n).astype(float),
            "id": random.integers(0, 80, n),
        }
    )


def test_planted_miscalibration_is_found():
    right = calibration(sample(), "p", "y")
    for one, target in ((right.intercept, 0.0), (right.slope, 1.0), (right.ratio, 1.0)):
        assert one.conf_low < target < one.conf_high
    off = calibration(sample(shift=0.8), "p", "y")
    assert off.intercept.conf_low < 0.8 < off.intercept.conf_high
    assert off.ratio.conf_high < 1.0
    extreme = calibration(sample(stretch=0.5), "p", "y")
    assert extreme.slope.conf_low < 0.5 < extreme.slope.conf_high
    assert list(extreme.tidy()["measure"]) == ["intercept", "slope", "expected_over_observed"]


def test_in_the_large_by_hand():
    # All at even odds, three of four with the outcome: the intercept is log 3, its variance 1 / (4 * 3/16).
    found = calibration(pd.DataFrame({"p": [0.5] * 4, "y": [1, 1, 1, 0]}), "p", "y")
    assert found.intercept.estimate == pytest.approx(math.log(3), rel=1e-14)
    assert found.intercept.std_error == pytest.approx(math.sqrt(4 / 3))
    assert (found.expected, found.observed, found.ratio.estimate) == (2.0, 3.0, 2 / 3)
    assert math.isnan(found.slope.estimate)


def test_ratio_error_is_the_derivative():
    frame = sample(300)
    p, y = frame["p"].to_numpy(), frame["y"].to_numpy()
    influence = p / p.sum() - y / y.sum()
    error = math.sqrt(300 / 299 * influence @ influence)
    found = calibration(frame, "p", "y").ratio
    assert found.std_error == pytest.approx(found.estimate * error)
    assert found.conf_low == pytest.approx(found.estimate * math.exp(-1.959963984540054 * error))


def test_whole_weights_move_estimates_as_copies_do():
    frame = sample(400)
    copies = frame.loc[frame.index.repeat(frame["w"].astype(int))]
    weighted, repeated = calibration(frame, "p", "y", weights="w"), calibration(copies, "p", "y")
    for name in ("intercept", "slope", "ratio"):
        assert getattr(weighted, name).estimate == pytest.approx(getattr(repeated, name).estimate, rel=1e-9)
    assert weighted.covariance_type == "HC0"


def test_certain_predictions_need_clipping():
    frame = sample(200)
    frame.loc[:2, "p"] = [0.0, 1.0, 1.0]
    with pytest.raises(FitError, match=r"exactly 0 or 1 in 3 of 200 rows.*clip"):
        calibration(frame, "p", "y")
    assert np.isfinite(calibration(frame, "p", "y", clip=1e-4).slope.estimate)
    with pytest.raises(FitError, match="small probability"):
        calibration(frame, "p", "y", clip=0.7)
    # Bins take them as they are.
    table = calibration_curve(frame, "p", "y").tidy()
    assert (table["lowest"].min(), table["highest"].max()) == (0.0, 1.0)


def test_one_class_and_separation():
    frame = pd.DataFrame({"p": [0.1, 0.2, 0.7, 0.8], "y": [0, 0, 1, 1]})
    with pytest.raises(NoEventsError):
        calibration(frame.assign(y=0), "p", "y")
    with pytest.raises(FitError, match="All 4 rows"):
        calibration(frame.assign(y=1), "p", "y")
    with pytest.raises(SeparationError):
        calibration(frame, "p", "y")


def test_bins_by_hand():
    frame = pd.DataFrame({"p": [0.1, 0.1, 0.1, 0.3, 0.5, 0.9], "y": [0, 0, 1, 0, 1, 1]})
    table = calibration_curve(frame, "p", "y", bins=3).tidy()
    # Three rows tied at .1 stay together: they fill what two bins would hold.
    assert list(table["n"]) == [3, 1, 2]
    np.testing.assert_allclose(table["predicted"], [0.1, 0.3, 0.7])
    np.testing.assert_allclose(table["observed"], [1 / 3, 0, 1])
    # Wilson at 0 of 1: from 0 to z^2 / (1 + z^2).
    z2 = 1.959963984540054**2
    assert (table["conf_low"][1], table["conf_high"][1]) == (0.0, pytest.approx(z2 / (1 + z2)))
    assert len(calibration_curve(frame.assign(p=0.4), "p", "y").tidy()) == 1
    with pytest.raises(FitError, match="bins"):
        calibration_curve(frame, "p", "y", bins=0)


def test_effective_size_of_weighted_and_clustered_bins():
    frame = sample(600)
    plain = calibration_curve(frame, "p", "y", bins=2).tidy()
    one = calibration_curve(frame.assign(w=2.0), "p", "y", bins=2, weights="w").tidy()
    # Equal weights carry no less information, but for n - 1 in place of n.
    np.testing.assert_allclose(one["conf_low"], plain["conf_low"], rtol=1e-3)
    # Everybody twice, in one cluster with the twin: intervals as for one copy of each.
    twice = pd.concat([frame, frame], ignore_index=True)
    twice["id"] = np.tile(np.arange(600), 2)
    paired = calibration_curve(twice, "p", "y", bins=2, cluster="id").tidy()
    np.testing.assert_allclose(paired["conf_low"], plain["conf_low"], rtol=1e-3)
    # A bin without variation falls back on the weights.
    sure = pd.DataFrame({"p": [0.2, 0.2, 0.9], "y": [0, 0, 1], "w": [1.0, 3.0, 1.0]})
    found = calibration_curve(sure, "p", "y", bins=2, weights="w").tidy()
    z2 = 1.959963984540054**2
    assert found["conf_high"][0] == pytest.approx(z2 / (16 / 10 + z2))


def test_smooth_curve_follows_a_straight_truth():
    frame = sample(6_000)
    found = smooth_calibration(frame, "p", "y")
    table = found.tidy()
    inside = (table["conf_low"] <= table["predicted"]) & (table["predicted"] <= table["conf_high"])
    assert inside.mean() > 0.9
    assert found.mean_error < 0.02
    assert found.median_error <= found.ninetieth_error <= found.largest_error
    bent = smooth_calibration(sample(6_000, shift=1.0), "p", "y")
    assert bent.mean_error > 0.1
    assert np.all(np.diff(found.knots) > 0)
    with pytest.raises(FitError, match="too few distinct"):
        smooth_calibration(frame.assign(p=frame["p"].round(0) * 0.5 + 0.1), "p", "y")
    with pytest.raises(FitError, match="points"):
        smooth_calibration(frame, "p", "y", points=1)
