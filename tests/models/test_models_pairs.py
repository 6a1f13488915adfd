"""Counts of comparable pairs: the compiled sweep against its NumPy twin, on everything that can be tied."""

from dataclasses import fields

import numpy as np
import pytest

from whychurn.models import pairs


def rows(seed, n=400):
    random = np.random.default_rng(seed)
    start = np.full(n, -np.inf)
    stop = random.integers(1, 12, n).astype(float)
    if seed % 2:
        start = random.integers(0, 9, n).astype(float)
        stop = start + random.integers(1, 6, n)
    if seed % 3 == 2:
        # Times that are no whole numbers and hardly tied.
        stop = stop + random.uniform(0.0, 0.9, n)
    return {
        "start": start,
        "stop": stop,
        "event": random.random(n) < 0.5,
        "score": random.normal(size=n).round(seed % 4),
        "weights": np.ones(n) if seed < 3 else random.uniform(0.2, 3.0, n),
        "stratum": random.integers(0, (1, 3, 150)[seed % 3], n),
        "event_factor": None if seed % 4 else random.uniform(1.0, 4.0, n),
    }


@pytest.mark.parametrize("seed", range(12))
def test_compiled_sweep_counts_as_its_twin(seed, monkeypatch):
    given = rows(seed)
    plain = pairs.count_pairs(**given)
    monkeypatch.setattr(pairs, "COMPILED_FROM", 1)
    swept = pairs.count_pairs(**given)
    for field in fields(plain):
        ours, theirs = getattr(swept, field.name), getattr(plain, field.name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-9, err_msg=field.name)
    if seed < 3 and given["event_factor"] is None:
        # Unit weights: whole numbers, so not one digit may differ.
        assert [swept.concordant, swept.discordant, swept.tied_x] == [plain.concordant, plain.discordant, plain.tied_x]


@pytest.mark.parametrize("compiled_from", [1, 10**9])
def test_six_rows_by_hand(compiled_from, monkeypatch):
    monkeypatch.setattr(pairs, "COMPILED_FROM", compiled_from)
    # Time 1: rows 0, 1 have events, tied with each other; 2 is censored then and outlives them; 3 enters at 1.
    # Time 2: row 4 has its event, outlived by 5 (equal score) and by 3.
    found = pairs.count_pairs(
        start=np.array([0.0, 0, 0, 1, 0, 0]),
        stop=np.array([1.0, 1, 1, 3, 2, 4]),
        event=np.array([True, True, False, False, True, False]),
        score=np.array([1.0, 2, 2, 0, 5, 5]),
        weights=np.ones(6),
        stratum=np.zeros(6, dtype=np.int64),
    )
    # Row 0 (score 1) against 2, 4, 5: three concordant. Row 1 (2) against them: tied, two concordant.
    # Row 4 (5) against 3 and 5: discordant, tied.
    assert (found.concordant, found.discordant, found.tied_x) == (5.0, 1.0, 2.0)
    assert (found.tied_y, found.tied_xy) == (1.0, 0.0)
    np.testing.assert_array_equal(found.event_balance, [3, 2, 0, 0, -1, 0])
    np.testing.assert_array_equal(found.event_count, [3, 3, 0, 0, 2, 0])
    np.testing.assert_array_equal(found.survivor_balance, [0, 0, 1, -1, 2, 2])
    np.testing.assert_array_equal(found.survivor_count, [0, 0, 2, 1, 2, 3])


def test_many_small_strata_need_no_table(monkeypatch):
    random = np.random.default_rng(4)
    n = 20_000
    given = {
        "start": random.uniform(0, 5, n),
        "event": random.random(n) < 0.5,
        "score": random.normal(size=n).round(1),
        "weights": np.ones(n),
        "stratum": np.arange(n) // 4,
    }
    given["stop"] = given["start"] + random.exponential(5, n)
    whole = pairs.count_pairs(**given)
    some = given["stratum"] < 30
    parts = [pairs.count_pairs(**{name: values[mine] for name, values in given.items()}) for mine in (some, ~some)]
    assert whole.concordant == parts[0].concordant + parts[1].concordant
    assert whole.tied_x == parts[0].tied_x + parts[1].tied_x
    monkeypatch.setattr(pairs, "COMPILED_FROM", 1)
    swept = pairs.count_pairs(**given)
    np.testing.assert_allclose(swept.survivor_balance, whole.survivor_balance)
    assert swept.discordant == whole.discordant
