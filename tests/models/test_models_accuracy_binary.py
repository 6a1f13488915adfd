"""Ranking and distance of predicted probabilities, what a ranking is worth, folds."""

import math

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError, NoEventsError
from whychurn.models import (
    accuracy_difference,
    auc,
    brier_score,
    cross_fitted_folds,
    lift_table,
    precision_recall_at,
    time_dependent_auc,
)


def sample(n=60, seed=0):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "p": random.uniform(size=n).round(1),
            "q": random.uniform(size=n).round(2),
            "y": random.integers(0, 2, n),
            "w": random.uniform(0.3, 3.0, n),
            "id": random.integers(0, 12, n),
        }
    )


def area_of(frame, weights):
    cases = frame["y"].to_numpy() == 1
    p = frame["p"].to_numpy()
    better = (p[cases, None] > p[None, ~cases]) + 0.5 * (p[cases, None] == p[None, ~cases])
    return weights[cases] @ better @ weights[~cases] / (weights[cases].sum() * weights[~cases].sum())


def jackknife(estimate, n):
    """Return the derivative of an estimate in each weight, numerically."""
    slopes = np.zeros(n)
    for i in range(n):
        up, down = np.ones(n), np.ones(n)
        up[i], down[i] = 1.0 + 1e-4, 1.0 - 1e-4
        slopes[i] = (estimate(up) - estimate(down)) / 2e-4
    return slopes


def test_auc_by_hand():
    # Cases .9, .4; controls .4, .1: wins 1, 1, 1/2, 1 of 4 pairs.
    frame = pd.DataFrame({"p": [0.9, 0.4, 0.4, 0.1], "y": [1, 1, 0, 0]})
    found = auc(frame, "p", "y")
    assert found.estimate == 3.5 / 4
    # Placements: cases 1 and 3/4, controls 3/4 and 1; each variance 1/32, over two rows.
    assert found.std_error == pytest.approx(math.sqrt(1 / 32))
    assert list(found.tidy().iloc[0][["n_cases", "n_controls"]]) == [2, 2]


def test_weighted_auc_and_its_errors():
    frame = sample()
    w = frame["w"].to_numpy()
    found = auc(frame, "p", "y", weights="w")
    assert found.estimate == pytest.approx(area_of(frame, w), abs=1e-14)
    influence = w * jackknife(lambda factor: area_of(frame, w * factor), 60) / w
    assert found.std_error == pytest.approx(math.sqrt(60 / 59 * influence @ influence), rel=1e-6)
    clustered = auc(frame, "p", "y", weights="w", cluster="id")
    sums = np.bincount(frame["id"], weights=influence)
    assert clustered.std_error == pytest.approx(math.sqrt(len(sums) / (len(sums) - 1) * sums @ sums), rel=1e-6)


def test_brier_by_hand():
    frame = pd.DataFrame({"p": [1.0, 0.5, 0.0, 0.5], "y": [1, 1, 0, 0]})
    found = brier_score(frame, "p", "y")
    assert (found.estimate, found.null, found.scaled) == (0.125, 0.25, 0.5)
    # Squares 0, 1/4, 0, 1/4: standard deviation over the root of four.
    assert found.std_error == pytest.approx(np.std([0, 0.25, 0, 0.25], ddof=1) / 2)
    assert found.tidy().shape == (1, 9)


def test_scaled_brier_error_is_the_derivative():
    frame = sample()
    p, y = frame["p"].to_numpy(), frame["y"].to_numpy()

    def scaled(w):
        share = w @ y / w.sum()
        return 1.0 - (w @ (y - p) ** 2 / w.sum()) / (share * (1 - share))

    slopes = jackknife(scaled, 60)
    assert brier_score(frame, "p", "y").scaled_std_error == pytest.approx(
        math.sqrt(60 / 59 * slopes @ slopes), rel=1e-6
    )


def test_certain_constant_and_perfect_predictions():
    frame = pd.DataFrame({"y": [0, 1, 1, 0], "sure": [0, 1, 1, 0], "flat": 0.5})
    assert (auc(frame, "sure", "y").estimate, brier_score(frame, "sure", "y").estimate) == (1.0, 0.0)
    flat = auc(frame, "flat", "y")
    assert (flat.estimate, flat.std_error) == (0.5, 0.0)
    assert brier_score(frame, "flat", "y").scaled == 0.0
    single = auc(frame.iloc[[0, 1]], "sure", "y")
    assert single.estimate == 1.0
    assert math.isnan(single.std_error)


def test_one_class_only():
    frame = pd.DataFrame({"y": [0, 0, 0], "p": [0.1, 0.2, 0.3], "w": [1.0, 0.0, 2.0]})
    with pytest.raises(NoEventsError, match="None of 3 rows"):
        auc(frame, "p", "y")
    with pytest.raises(FitError, match="All 3 rows"):
        auc(frame.assign(y=1), "p", "y")
    with pytest.raises(NoEventsError, match="None of 2 rows"):
        auc(frame, "p", "y", weights="w")
    found = brier_score(frame, "p", "y")
    assert found.estimate == pytest.approx(0.14 / 3)
    assert math.isnan(found.scaled)
    with pytest.raises(NoEventsError):
        lift_table(frame, "p", "y", groups=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": 1.2}, "no probability"),
        ({"p": float("nan")}, "missing or infinite"),
        ({"y": 2}, "neither 0 nor 1"),
        ({"w": -1.0}, "negative"),
        ({"w": 0.0}, "positive weight"),
    ],
)
def test_unreadable_rows(change, message):
    with pytest.raises(FitError, match=message):
        brier_score(sample().assign(**change), "p", "y", weights="w")


def test_empty_frame_and_single_cluster():
    with pytest.raises(FitError, match="None of 0 rows"):
        auc(sample().iloc[:0], "p", "y")
    with pytest.raises(FitError, match="at least two clusters; 'id' has 1"):
        auc(sample().assign(id=1), "p", "y", cluster="id")


def test_difference_of_two_predictions():
    frame = sample(200)
    first, second = (auc(frame, name, "y", weights="w", cluster="id") for name in "pq")
    found = accuracy_difference(first, second).iloc[0]
    assert found["estimate"] == first.estimate - second.estimate
    assert found["std_error"] == pytest.approx(np.linalg.norm(first.contributions - second.contributions))
    assert accuracy_difference(first, first).iloc[0]["p_value"] == 1.0
    with pytest.raises(FitError, match="like with like"):
        accuracy_difference(first, brier_score(frame, "p", "y"))
    with pytest.raises(FitError, match="same rows"):
        accuracy_difference(first, auc(frame.iloc[:50], "p", "y"))
    frame["t"] = np.arange(200) % 10 + 1
    at = [time_dependent_auc(frame, name, "t", "y", [3, 6]) for name in "pq"]
    assert list(accuracy_difference(*at)["time"]) == [3, 6]


def test_lift_and_gain_by_hand():
    frame = pd.DataFrame({"p": [9, 8, 8, 8, 1, 0], "y": [1, 1, 0, 0, 1, 0]})
    table = lift_table(frame, "p", "y", groups=3).tidy()
    # Two rows per group. The three rows tied at 8 hold one event, so each counts for a third.
    np.testing.assert_allclose(table["events"], [4 / 3, 2 / 3, 1])
    np.testing.assert_allclose(table["lift"], [4 / 3, 2 / 3, 1])
    np.testing.assert_allclose(table["captured"], [4 / 9, 2 / 3, 1])
    np.testing.assert_allclose(table["predicted"], [8.5, 8, 0.5])
    np.testing.assert_allclose(table["cumulative_lift"].iloc[-1], 1)
    with pytest.raises(FitError, match="between 1 and"):
        lift_table(frame, "p", "y", groups=7)


def test_precision_and_recall_by_hand():
    frame = pd.DataFrame({"p": [0.9, 0.8, 0.7, 0.2, 0.1], "y": [1, 0, 1, 0, 1], "w": [1, 2, 1, 0, 2]})
    table = precision_recall_at(frame, "p", "y", [1, 3, 5]).tidy()
    np.testing.assert_allclose(table["precision"], [1, 2 / 3, 3 / 5])
    np.testing.assert_allclose(table["recall"], [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(table["threshold"], [0.9, 0.7, 0.1])
    np.testing.assert_allclose(table["lift"], [5 / 3, 10 / 9, 1])
    # Wilson for 2 of 3.
    z, p = 1.959963984540054, 2 / 3
    spread = z * math.sqrt(p * (1 - p) / 3 + z * z / 36)
    assert table["precision_low"][1] == pytest.approx((p + z * z / 6 - spread) / (1 + z * z / 3))
    weighted = precision_recall_at(frame, "p", "y", 3, weights="w").tidy().iloc[0]
    assert (weighted["precision"], weighted["recall"]) == (2 / 4, 2 / 4)
    for bad in (0, 6, 1.5, []):
        with pytest.raises(FitError, match="whole numbers"):
            precision_recall_at(frame, "p", "y", bad)


def test_capacity_where_every_outcome_is_unknown():
    frame = pd.DataFrame({"p": [0.9, 0.8, 0.1], "y": [np.nan, 1, 0], "w": [0, 1, 1]})
    table = precision_recall_at(frame, "p", "y", [1, 2], weights="w").tidy()
    assert math.isnan(table["precision"][0])
    assert (table["recall"][0], table["precision"][1]) == (0.0, 1.0)


def test_folds():
    assert np.array_equal(np.bincount(cross_fitted_folds(23, 5)), [5, 5, 5, 4, 4])
    labels = pd.Series(np.repeat(list("abcdefgh"), [1, 2, 3, 4, 5, 6, 7, 8]))
    folds = cross_fitted_folds(labels, 3, seed=7)
    assert (pd.Series(folds).groupby(labels).nunique() == 1).all()
    # 8, 7, 6 first, then 5 to the 6, 4 to the 7, 3 to the 8, and the rest to whoever has fewest.
    assert sorted(np.bincount(folds)) == [11, 12, 13]
    order = np.random.default_rng(1).permutation(len(labels))
    assert np.array_equal(cross_fitted_folds(labels.iloc[order], 3, seed=7), folds[order])
    assert not np.array_equal(cross_fitted_folds(23, 5, seed=1), cross_fitted_folds(23, 5, seed=2))
    with pytest.raises(FitError, match="8 clusters for 9 folds"):
        cross_fitted_folds(labels, 9)
    with pytest.raises(FitError, match="at least 2"):
        cross_fitted_folds(10, 1)
    with pytest.raises(FitError, match="0 rows"):
        cross_fitted_folds(0)
