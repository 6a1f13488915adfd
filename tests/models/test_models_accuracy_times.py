"""Accuracy at times under censoring: all pairs and sums written out, numerical derivatives, a case by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError, NoEventsError
from whychurn.models import (
    censoring_weights,
    fit_kaplan_meier,
    time_dependent_auc,
    time_dependent_brier,
    uno_concordance,
)
from whychurn.models.accuracy.censored import read_followed
from whychurn.models.censoring import censoring_curve

TIMES = [3.0, 6.0]


def sample(n=80, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=n).round(1)
    fate, leave = random.exponential(6 * np.exp(-0.7 * x)), random.exponential(9, n)
    return pd.DataFrame(
        {
            "x": x,
            "a": 1 - np.exp(-0.5 * np.exp(x)),
            "b": 1 - np.exp(-1.1 * np.exp(0.8 * x)),
            "t": np.ceil(np.minimum(fate, leave)).clip(max=12),
            "e": ((fate <= leave) & (fate <= 12)).astype(int),
            "w": random.uniform(0.4, 2.5, n),
            "g": random.choice(["n", "s"], n),
            "id": random.integers(0, 15, n),
        }
    )


def staying(frame, weights, upto, strict):
    """Return G(upto-) or G(upto) with events before censorings at ties, group by group."""
    result = np.ones(len(frame))
    for i, (group, limit) in enumerate(zip(frame["g"], upto, strict=True)):
        mine = (frame["g"] == group).to_numpy()
        t, e, w = frame["t"].to_numpy()[mine], frame["e"].to_numpy()[mine], weights[mine]
        for u in np.unique(t):
            if u < limit or (u == limit and not strict):
                at_risk = w[(t > u) | ((t == u) & (e == 0))].sum()
                if at_risk > 0:
                    result[i] *= 1 - w[(t == u) & (e == 0)].sum() / at_risk
    return result


def inverse(frame, weights, at, known):
    """Return cases, controls and 1 / G, written out."""
    t, e = frame["t"].to_numpy(), frame["e"].to_numpy() == 1
    cases = e & (t <= at)
    controls = (t > at) | (known & (t == at) & ~e)
    own, fixed = staying(frame, weights, t, True), staying(frame, weights, np.full(len(t), at), known)
    return cases, controls, np.where(cases, 1 / own, np.where(controls, 1 / fixed, 0.0))


def all_pairs(frame, weights, known):
    """Return AUC at both times, Brier at both, null Brier at both, and Uno's C up to 6, by double sums."""
    found = []
    t, e, x = frame["t"].to_numpy(), frame["e"].to_numpy() == 1, frame["x"].to_numpy()
    for at in TIMES:
        cases, controls, ipcw = inverse(frame, weights, at, known)
        w = weights * ipcw
        better = np.sign(x[:, None] - x[None, :]) / 2 + 0.5
        pairs = np.outer(w * cases, w * controls)
        found.append((pairs * better).sum() / pairs.sum())
    for at, column in zip(TIMES, "ab", strict=True):
        cases, _, ipcw = inverse(frame, weights, at, known)
        found.append(weights @ (ipcw * (cases - frame[column].to_numpy()) ** 2) / weights.sum())
    for at in TIMES:
        cases, _, ipcw = inverse(frame, weights, at, known)
        share = weights @ (ipcw * cases) / weights.sum()
        found.append(weights @ (ipcw * (cases - share) ** 2) / weights.sum())
    factor = weights * e * (t <= 6) / staying(frame, weights, t, True) ** 2
    outlives = (t[None, :] > t[:, None]) | ((t[None, :] == t[:, None]) & ~e[None, :])
    pairs = factor[:, None] * weights[None, :] * outlives
    found.append((pairs * (np.sign(x[:, None] - x[None, :]) / 2 + 0.5)).sum() / pairs.sum())
    return np.array(found)


def ours(frame, **options):
    at = {} if "known" not in options else {"censored_at_time": options.pop("known")}
    area = time_dependent_auc(frame, "x", "t", "e", TIMES, **at, **options)
    score = time_dependent_brier(frame, ["a", "b"], "t", "e", TIMES, **at, **options)
    uno = uno_concordance(frame, "x", "t", "e", tau=6, higher_is="riskier", **options)
    null = np.linalg.norm(score.null_contributions, axis=0)
    return (
        np.array([*area.estimate, *score.estimate, *score.null, uno.estimate]),
        np.array([*area.std_error, *score.std_error, *null, uno.std_error]),
    )


@pytest.mark.parametrize("known", ["unknown", "known"])
@pytest.mark.parametrize("seed", range(3))
def test_against_all_pairs(seed, known):
    frame = sample(seed=seed)
    weights = frame["w"].to_numpy()
    estimates, _ = ours(frame, weights="w", group="g", known=known)
    np.testing.assert_allclose(estimates, all_pairs(frame, weights, known == "known"), rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"weights": "w", "group": "g"}, {"weights": "w", "cluster": "id"}])
def test_errors_are_the_numerical_jackknife(options):
    # The derivative in each row's weight, by central differences through the whole estimator.
    frame = sample(50)
    base = frame["w"].to_numpy() if "weights" in options else np.ones(50)
    slopes = np.zeros((50, 7))
    for i in range(50):
        for sign in (1, -1):
            w = base.copy()
            w[i] *= 1 + sign * 1e-4
            moved, _ = ours(frame.assign(w=w), **{**options, "weights": "w"})
            slopes[i] += sign * moved / 2e-4
    if "cluster" in options:
        slopes = pd.DataFrame(slopes).groupby(frame["id"].to_numpy()).sum().to_numpy()
    size = len(slopes)
    expected = np.sqrt((slopes**2).sum(axis=0))
    # The concordance follows R, without the factor for estimating the mean.
    expected[:-1] *= math.sqrt(size / (size - 1))
    np.testing.assert_allclose(ours(frame, **options)[1], expected, rtol=1e-5)


def test_five_customers_by_hand():
    # Event at 1, censored at 1 and 2, event at 2, followed to 3. At time 1 the event leaves first: of the four
    # at risk of censoring one goes, G = 3/4; at time 2 two are at risk once the event has left, G = 3/8.
    frame = pd.DataFrame({"t": [1, 1, 2, 2, 3], "e": [1, 0, 1, 0, 0], "p": [0.8, 0.3, 0.5, 0.4, 0.5]})
    score = time_dependent_brier(frame, "p", "t", "e", 2)
    # (.2^2 + .5^2 / (3/4) + .5^2 / (3/8)) / 5
    assert score.estimate[0] == pytest.approx((0.04 + 0.25 / 0.75 + 0.25 / 0.375) / 5)
    area = time_dependent_auc(frame, "p", "t", "e", 2)
    # Cases .8 (weight 1) and .5 (4/3) against .5: a win and a tie.
    assert area.estimate[0] == pytest.approx((1 + 4 / 3 / 2) / (1 + 4 / 3))
    assert (area.n_cases[0], area.n_controls[0]) == (2, 1)
    # With the row censored at 2 known to have survived, two controls weigh 4/3 each.
    known = time_dependent_auc(frame, "p", "t", "e", 2, censored_at_time="known")
    assert known.estimate[0] == pytest.approx((2 + 4 / 3 * 1.5) / (2 * (1 + 4 / 3)))


def test_agrees_with_the_weights_of_the_horizon():
    frame = sample(200)
    _, followed = read_followed(frame, "t", "e", "g", None, None)
    at = followed.at(6.0, "known")
    np.testing.assert_allclose(at.inverse, censoring_weights(frame["t"], frame["e"], 6.0, frame["g"]), rtol=1e-14)
    curve = followed.curves[0]
    times, uncensored = censoring_curve(followed.stop[curve.rows], followed.event[curve.rows])
    np.testing.assert_array_equal(curve.times, times)
    np.testing.assert_allclose(curve.staying[1:], uncensored, rtol=1e-14)


@pytest.mark.parametrize("known", ["unknown", "known"])
def test_null_score_is_that_of_kaplan_meier(known):
    frame = sample(200)
    survival = fit_kaplan_meier(frame, "t", "e").at(TIMES)["survival"].to_numpy()
    found = time_dependent_brier(frame, ["a", "b"], "t", "e", TIMES, censored_at_time=known)
    np.testing.assert_allclose(found.null, survival * (1 - survival), rtol=1e-12)


def test_without_censoring_nothing_is_special():
    frame = sample(100).assign(e=1)
    area, score = time_dependent_auc(frame, "x", "t", "e", 4), time_dependent_brier(frame, "a", "t", "e", 4)
    plain = frame.assign(y=(frame["t"] <= 4).astype(int))
    from whychurn.models import auc, brier_score

    assert area.estimate[0] == pytest.approx(auc(plain, "x", "y").estimate, rel=1e-14)
    expected = brier_score(plain, "a", "y")
    assert (score.estimate[0], score.std_error[0]) == pytest.approx((expected.estimate, expected.std_error), rel=1e-12)
    assert score.tidy()["scaled_std_error"][0] == pytest.approx(expected.scaled_std_error, rel=1e-12)


def test_risk_and_survival_are_two_words_for_one_thing():
    frame = sample()
    frame["s"] = 1 - frame["a"]
    for function in (time_dependent_auc, time_dependent_brier):
        risk, survival = function(frame, "a", "t", "e", 3), function(frame, "s", "t", "e", 3, predicted="survival")
        np.testing.assert_allclose(risk.estimate, survival.estimate, rtol=1e-14)
    with pytest.raises(FitError, match="predicted is one of 'risk', 'survival'"):
        time_dependent_auc(frame, "a", "t", "e", 3, predicted="hazard")


def test_integrated_score_by_hand():
    found = time_dependent_brier(sample(), ["a", "b"], "t", "e", TIMES)
    first, second = found.estimate
    assert found.integrated("step").estimate == pytest.approx(first * 3 / 6)
    whole = found.integrated()
    assert whole.estimate == pytest.approx((first / 2 * 3 + (first + second) / 2 * 3) / 6)
    parts = found.contributions @ [0.5, 0.25]
    assert whole.std_error == pytest.approx(math.sqrt(parts @ parts))
    assert whole.scaled == pytest.approx(1 - whole.estimate / whole.null)
    assert list(whole.tidy()["until"]) == [6.0]
    with pytest.raises(FitError, match="rule"):
        found.integrated("spline")


def test_nobody_followed_that_far():
    frame = pd.DataFrame({"t": [1, 2, 4, 4], "e": [1, 1, 0, 0], "p": [0.9, 0.6, 0.2, 0.3]})
    with pytest.raises(FitError, match=r"beyond time 4 .*censored_at_time=\"known\""):
        time_dependent_brier(frame, "p", "t", "e", 4)
    assert time_dependent_auc(frame, "p", "t", "e", 4, censored_at_time="known").estimate[0] == 1.0
    with pytest.raises(FitError, match="Choose an earlier time"):
        time_dependent_brier(frame, "p", "t", "e", 5, censored_at_time="known")
    with pytest.raises(FitError, match="of the group 'b'"):
        time_dependent_brier(frame.assign(g=["a", "b", "a", "b"]).assign(t=[1, 2, 9, 4]), "p", "t", "e", 4, group="g")
    # Once everybody has had the event, the outcome is known for good.
    gone = frame.assign(e=1)
    assert time_dependent_brier(gone, "p", "t", "e", 9).null[0] == 0.0
    assert math.isnan(time_dependent_brier(gone, "p", "t", "e", 9).tidy()["scaled"][0])
    assert math.isnan(time_dependent_auc(gone, "p", "t", "e", 9).estimate[0])


def test_times_without_cases_and_no_events_at_all():
    frame = pd.DataFrame({"t": [2, 3, 5, 6], "e": [1, 1, 0, 0], "p": [0.9, 0.6, 0.2, 0.3]})
    found = time_dependent_auc(frame, "p", "t", "e", [1, 2.5]).tidy()
    assert math.isnan(found["estimate"][0])
    assert list(found["n_cases"]) == [0, 1]
    assert found["estimate"][1] == 1.0
    early = time_dependent_brier(frame, "p", "t", "e", 1)
    assert early.estimate[0] == pytest.approx((0.81 + 0.36 + 0.04 + 0.09) / 4)
    with pytest.raises(NoEventsError, match="by time 1"):
        time_dependent_auc(frame, "p", "t", "e", 1)
    with pytest.raises(NoEventsError):
        uno_concordance(frame.assign(e=0), "p", "t", "e")
    with pytest.raises(NoEventsError, match="by time 1"):
        uno_concordance(frame, "p", "t", "e", tau=1)
    # One event after everybody else has left: no pair.
    assert math.isnan(uno_concordance(frame.assign(e=[0, 0, 0, 1]), "p", "t", "e").estimate)


@pytest.mark.parametrize(
    ("change", "times", "message"),
    [
        ({}, [6, 3], "increase"),
        ({}, [0], "positive"),
        ({}, [], "at least one"),
        ({}, [float("nan")], "positive"),
        ({}, ["soon"], "numbers"),
        ({"a": 1.5}, [3], "no probability"),
        ({"t": -1.0}, [3], "negative"),
        ({"t": float("inf")}, [3], "missing or infinite"),
        ({"e": 3}, [3], "neither 0 nor 1"),
        ({"w": 0.0}, [3], "positive weight"),
        ({"g": None}, [3], "missing"),
    ],
)
def test_unreadable_input(change, times, message):
    frame = sample().assign(**change)
    with pytest.raises(FitError, match=message):
        time_dependent_brier(frame, "a", "t", "e", times, weights="w", group="g")


def test_unreadable_choices():
    frame = sample()
    with pytest.raises(FitError, match="no rows"):
        time_dependent_auc(frame.iloc[:0], "a", "t", "e", 3)
    with pytest.raises(FitError, match="1 prediction columns for 2 times"):
        time_dependent_brier(frame, ["a"], "t", "e", TIMES)
    with pytest.raises(FitError, match="censored_at_time"):
        time_dependent_brier(frame, "a", "t", "e", 3, censored_at_time="maybe")
    with pytest.raises(FitError, match="tau"):
        uno_concordance(frame, "x", "t", "e", tau=-1)
    with pytest.raises(FitError, match="higher_is"):
        uno_concordance(frame, "x", "t", "e", higher_is="better")


def test_rows_of_weight_zero_do_not_exist():
    frame = sample()
    frame["w"] = np.where(frame["id"] < 3, 0.0, 1.0)
    left = frame[frame["id"] >= 3]
    for ours_, theirs in zip(ours(frame, weights="w"), ours(left), strict=True):
        np.testing.assert_allclose(ours_, theirs, rtol=1e-13)
