"""Intervals of churn and retention hold the truth; one made of the scatter alone does not, where few customers pay most."""

import numpy as np
import pytest


def test_intervals_hold_the_truth_as_often_as_they_say():
    from validation.revenue import POPULATIONS, coverage

    for population in (POPULATIONS[1], POPULATIONS[4]):
        for row in coverage(population, 200, 400, seed=5):
            assert row["held"].value > 0.92, (population.name, row)
            assert row["held"].count + row["above"].count + row["below"].count == 400


def test_an_interval_from_scatter_alone_is_seen_to_fail():
    from validation.revenue import CONF_LEVEL, POPULATIONS, draw, rates, sums_of
    from whychurn.analyses.metrics.intervals import ratio_of_revenue

    rng = np.random.default_rng(5)
    truth = rates(*draw(POPULATIONS[1], 1_000_000, rng))["net retention"]["estimate"]
    held = 0
    for _ in range(400):
        owner, begin, end = draw(POPULATIONS[1], 100, rng)
        row = ratio_of_revenue(sums_of(owner, end, begin), CONF_LEVEL)
        held += row["conf_low"] <= truth <= row["conf_high"]
    assert held / 400 < 0.9


def test_the_truth_of_a_population_is_what_it_was_drawn_with():
    from validation.revenue import POPULATIONS, draw, rates

    found = rates(*draw(POPULATIONS[0], 400_000, np.random.default_rng(1)))
    assert found["customers lost"]["estimate"] == pytest.approx(0.12, abs=0.002)
    assert found["gross retention"]["estimate"] < 1 - found["revenue lost"]["estimate"]
