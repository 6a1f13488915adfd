"""Answers weighted by the inverse of the chance to answer: by hand, by brute force, and against the truth."""

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError, NoEventsError, SeparationError
from whychurn.models import fit_response_weights, net_promoter_interval, net_promoter_score


def asked(n=800, seed=1):
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    y = 0.5 * x + random.normal(size=n)
    answered = (random.random(n) < 1 / (1 + np.exp(0.2 - 0.9 * x))).astype(int)
    return pd.DataFrame({"x": x, "y": y, "answered": answered, "id": random.integers(0, n // 3, n)})


def test_two_groups_by_hand():
    """Of 10 busy customers 8 answer, of 10 quiet ones 2: the quiet answers then count four times as much."""
    frame = pd.DataFrame({"busy": [1] * 10 + [0] * 10, "answered": [1] * 8 + [0] * 2 + [1] * 2 + [0] * 8})
    frame["score"] = [1.0] * 6 + [-1.0] * 2 + [np.nan] * 2 + [1.0] + [-1.0] + [np.nan] * 8
    found = fit_response_weights(frame, ["busy"], "answered")
    assert found.probability == pytest.approx([0.8] * 10 + [0.2] * 10, abs=1e-9)
    assert found.weights[found.answered] == pytest.approx([0.5 / 0.8] * 8 + [0.5 / 0.2] * 2)
    mean = found.mean(frame["score"])
    assert (mean.raw, mean.n) == (pytest.approx(0.4), 10)
    # Half of all are busy, with mean 0.5, and half are quiet, with mean 0.
    assert mean.weighted == pytest.approx(0.25)
    assert mean.n_effective == pytest.approx((5 + 5) ** 2 / (8 * 0.625**2 + 2 * 2.5**2))
    assert found.n_trimmed == 0


def test_saturated_weights_have_the_error_of_a_stratified_mean():
    """With one chance per stratum, weighting is post-stratification, whose variance is known."""
    random = np.random.default_rng(3)
    group = random.integers(0, 3, 3000)
    answered = (random.random(3000) < np.array([0.2, 0.5, 0.8])[group]).astype(int)
    y = group + random.normal(size=3000)
    frame = pd.DataFrame({"g": group.astype(str), "answered": answered, "y": y})
    mean = fit_response_weights(frame, ["g"], "answered").mean(y)
    shares = np.bincount(group) / 3000
    inside = [y[(group == g) & (answered == 1)] for g in range(3)]
    centre = sum(shares * [part.mean() for part in inside])
    assert mean.weighted == pytest.approx(centre, abs=1e-9)
    variance = sum(shares**2 * [part.var() / len(part) for part in inside])
    variance += (shares @ [(part.mean() - centre) ** 2 for part in inside]) / 3000
    assert mean.weighted_error == pytest.approx(variance**0.5, rel=1e-6)


def test_errors_are_those_of_a_bootstrap_by_cluster():
    frame = asked(600)
    found = fit_response_weights(frame, ["x"], "answered", cluster="id").mean(frame["y"])
    random = np.random.default_rng(2)
    groups = [part for _, part in frame.groupby("id")]
    drawn = []
    for _ in range(250):
        sample = pd.concat([groups[place] for place in random.integers(0, len(groups), len(groups))])
        one = fit_response_weights(sample, ["x"], "answered").mean(sample["y"])
        drawn.append((one.raw, one.weighted, one.difference))
    spread = np.std(drawn, axis=0, ddof=1)
    assert (found.raw_error, found.weighted_error, found.difference_error) == pytest.approx(tuple(spread), rel=0.12)


def test_intervals_hold_the_truth_and_the_plain_mean_does_not():
    """Everybody's mean is 0; who answers has more of x, and of y with it."""
    held = raw = 0
    for seed in range(200):
        frame = asked(400, seed)
        mean = fit_response_weights(frame, ["x"], "answered", cluster="id").mean(frame["y"])
        low, high = mean.interval("weighted")
        held += low <= 0 <= high
        raw += mean.interval("raw")[0] > 0
    assert 0.90 <= held / 200 <= 0.985
    assert raw / 200 > 0.4


def test_the_weighted_score_is_that_of_net_promoter_score():
    frame = asked()
    frame["score"] = np.clip(np.round(7 + 1.5 * frame["y"]), 0, 10)
    found = fit_response_weights(frame, ["x"], "answered")
    answers = frame.assign(w=found.weights)[frame["answered"] == 1]
    theirs = net_promoter_score(answers, "score", weights="w").table.iloc[0]
    kinds = np.select([frame["score"] >= 9, frame["score"] <= 6], [1.0, -1.0], 0.0)
    assert found.mean(kinds).weighted == pytest.approx(theirs["estimate"])


def test_parts_add_up_and_large_weights_are_cut_and_counted():
    frame = asked()
    found = fit_response_weights(frame, ["x"], "answered", cap=1.5)
    assert found.n_trimmed == (found.weights == 1.5).sum() > 0
    uncut = fit_response_weights(frame, ["x"], "answered")
    assert found.n_effective > uncut.n_effective
    part = uncut.mean(frame["y"], among=(frame["x"] > 0).to_numpy())
    assert part.n == ((frame["x"] > 0) & (frame["answered"] == 1)).sum()
    assert part.weighted > uncut.mean(frame["y"]).weighted


def test_what_cannot_be_weighted_is_refused():
    frame = asked(100)
    with pytest.raises(SeparationError):
        fit_response_weights(frame.assign(answered=1), ["x"], "answered")
    with pytest.raises(NoEventsError):
        fit_response_weights(frame.assign(answered=0), ["x"], "answered")
    with pytest.raises(FitError, match="cap"):
        fit_response_weights(frame, ["x"], "answered", cap=0.5)
    with pytest.raises(FitError, match="Nobody"):
        fit_response_weights(frame, ["x"], "answered").mean(frame["y"], among=np.zeros(100, dtype=bool))
    with pytest.raises(FitError, match="missing"):
        fit_response_weights(frame, ["x"], "answered").mean(np.full(100, np.nan))


def test_the_interval_of_a_score_is_the_adjusted_one():
    assert net_promoter_interval(0.52, 0.17, 1000.0) == pytest.approx((0.302326, 0.395581), abs=5e-7)
