"""Concordance against a count of all pairs."""

import math

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError
from whychurn.models import concordance


def count_all_pairs(frame):
    """Look at every ordered pair (event, survivor); return C, its jackknife error and the counts."""
    n = len(frame)
    w, t, b, e, x, s = (frame[c].to_numpy() for c in ("w", "t", "b", "e", "x", "s"))
    agree, comparable = np.zeros((n, n)), np.zeros((n, n))
    counts = dict.fromkeys(["concordant", "discordant", "tied_x", "tied_y", "tied_xy"], 0.0)
    for i in range(n):
        for j in range(n):
            if i == j or s[i] != s[j] or not e[i]:
                continue
            mass = w[i] * w[j]
            if t[j] == t[i] and e[j]:
                if i < j:
                    counts["tied_xy" if x[i] == x[j] else "tied_y"] += mass
            elif b[j] < t[i] <= t[j]:
                comparable[i, j] = 1
                agree[i, j] = np.sign(x[j] - x[i])
                counts[{1: "concordant", -1: "discordant", 0: "tied_x"}[int(agree[i, j])]] += mass
    pairs = w @ comparable @ w
    somers = w @ agree @ w / pairs
    influence = w * ((agree + agree.T) @ w - somers * ((comparable + comparable.T) @ w)) / pairs
    return (somers + 1) / 2, math.sqrt(influence @ influence) / 2, counts


@pytest.mark.parametrize("seed", range(6))
def test_against_all_pairs(seed):
    random = np.random.default_rng(seed)
    n = 70
    frame = pd.DataFrame(
        {
            "b": random.integers(0, 5, n) * (seed % 2),
            "e": random.integers(0, 2, n),
            "x": random.integers(0, 2 + 8 * (seed % 3), n),
            "w": random.uniform(0.2, 3.0, n) if seed > 2 else np.ones(n),
            "s": random.integers(0, 1 + seed % 4, n),
        }
    )
    frame["t"] = frame["b"] + random.integers(1, 9, n)
    late = {"start": "b"} if seed % 2 else {}
    if not late:
        frame["b"] = -1
    found = concordance(frame, "x", "t", "e", weights="w", strata="s", **late)
    estimate, error, counts = count_all_pairs(frame)
    assert found.estimate == pytest.approx(estimate, abs=1e-12)
    assert found.std_error == pytest.approx(error, abs=1e-12)
    for name, count in counts.items():
        assert getattr(found, name) == pytest.approx(count, abs=1e-9)


def test_perfect_reversed_and_constant_scores():
    frame = pd.DataFrame({"t": [1, 2, 3, 4], "e": 1, "x": [1, 2, 3, 4], "k": 7})
    assert concordance(frame, "x", "t", "e").estimate == 1.0
    assert concordance(frame, "x", "t", "e", higher_is="riskier").estimate == 0.0
    assert concordance(frame, "k", "t", "e").estimate == 0.5


def test_nothing_to_compare_is_missing_not_an_error():
    frame = pd.DataFrame({"t": [1, 2], "e": 0, "x": [1, 2]})
    assert math.isnan(concordance(frame, "x", "t", "e").estimate)
    tied = concordance(frame.assign(t=1, e=1), "x", "t", "e")
    assert (math.isnan(tied.estimate), tied.tied_y) == (True, 1.0)
    with pytest.raises(FitError, match="longer"):
        concordance(frame, "x", "t", "e", higher_is="better")


def test_many_ranks_use_every_bit():
    random = np.random.default_rng(1)
    n = 70_000
    x = random.normal(size=n)
    frame = pd.DataFrame(
        {"x": x, "t": np.ceil(random.exponential(np.exp(0.5 * x)) * 50), "e": random.integers(0, 2, n)}
    )
    fast = concordance(frame, "x", "t", "e")
    # Ranks in reverse give the mirror image; the pairs are the same.
    mirror = concordance(frame.assign(x=-x), "x", "t", "e")
    assert fast.estimate + mirror.estimate == pytest.approx(1.0, abs=1e-12)
    assert fast.std_error == pytest.approx(mirror.std_error, rel=1e-9)
    assert fast.concordant == mirror.discordant
