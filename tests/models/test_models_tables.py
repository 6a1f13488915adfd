"""Contingency tables, multiple testing, sensitivity and censoring weights."""

import math

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError
from whychurn.models import (
    adjust_p_values,
    censoring_weights,
    crosstab,
    e_value,
    fit_kaplan_meier,
    smallest_detectable_hazard_ratio,
)


def rows_of(table):
    return pd.DataFrame(
        [(f"r{i}", f"c{j}") for i, line in enumerate(table) for j, count in enumerate(line) for _ in range(count)],
        columns=["row", "column"],
    )


def test_lady_tasting_tea():
    # Fisher (1935): 4 cups of each kind, 3 guessed right; the two-sided p-value is 34/70.
    found = crosstab(rows_of([[3, 1], [1, 3]]), "row", "column")
    assert found.p_value_exact == pytest.approx(34 / 70)
    assert found.exact_method == "Fisher's exact test"
    assert found.statistic == pytest.approx(2.0)
    assert found.cramers_v == pytest.approx(0.5)
    assert "4 of 4 expected counts" in found.note


def test_simulated_p_value_is_seeded_and_close_to_exact():
    # All 3 x 2 tables with margins (3, 3, 2) and (4, 4), by their multivariate hypergeometric chance.
    frame = rows_of([[3, 0], [1, 2], [0, 2]])
    found = crosstab(frame, "row", "column", seed=4)
    chances = {}
    for a in range(4):
        for b in range(4):
            c = 4 - a - b
            if 0 <= c <= 2:
                first = np.array([a, b, c])
                table = np.column_stack([first, np.array([3, 3, 2]) - first])
                expected = table.sum(axis=1)[:, None] * np.array([4, 4]) / 8
                statistic = ((table - expected) ** 2 / expected).sum()
                chances[a, b, c] = (statistic, math.comb(3, a) * math.comb(3, b) * math.comb(2, c) / math.comb(8, 4))
    exact = sum(chance for statistic, chance in chances.values() if statistic >= found.statistic - 1e-9)
    assert found.p_value_exact == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 9999))
    assert crosstab(frame, "row", "column", seed=4).p_value_exact == found.p_value_exact
    assert "Monte Carlo" in found.exact_method
    # Never zero: the table seen counts as one of the draws.
    assert crosstab(rows_of([[9, 0, 0], [0, 9, 0], [0, 0, 4]]), "row", "column").p_value_exact == 1 / 10_000


def test_table_by_hand():
    # Margins 30, 30 and 40, 20: expected 20, 10 everywhere; chi-square = 4 * 25 / (20, 10).
    found = crosstab(rows_of([[25, 5], [15, 15]]), "row", "column")
    assert found.statistic == pytest.approx(2 * 25 / 20 + 2 * 25 / 10)
    np.testing.assert_allclose(found.row_shares, [[25 / 30, 5 / 30], [0.5, 0.5]])
    np.testing.assert_allclose(found.adjusted_residuals.iloc[0, 0], math.sqrt(found.statistic))
    assert math.isnan(found.p_value_exact)
    assert found.tidy().shape == (4, 6)


@pytest.mark.parametrize("column", ["row", "column"])
def test_one_row_or_column_is_a_note(column):
    found = crosstab(rows_of([[5, 5], [3, 8]]).assign(**{column: "only"}), "row", "column")
    assert math.isnan(found.statistic)
    assert math.isnan(found.p_value)
    assert found.df == 0
    assert f"one {column} only" in found.note


def test_missing_cells_are_refused():
    frame = rows_of([[5, 5], [3, 8]])
    frame.loc[2, "row"] = None
    with pytest.raises(FitError, match="'row' is missing in 1 of 21 rows"):
        crosstab(frame, "row", "column")


def test_adjusting_ignores_tests_that_could_not_be_made():
    # Holm by hand: 3 * .01, then 2 * .02, then the maximum so far against .5.
    np.testing.assert_allclose(adjust_p_values([0.02, np.nan, 0.01, 0.5], "holm"), [0.04, np.nan, 0.03, 0.5])
    assert np.isnan(adjust_p_values([np.nan])).all()
    assert adjust_p_values([]).size == 0
    with pytest.raises(FitError, match="outside 0 to 1"):
        adjust_p_values([1.2])
    with pytest.raises(FitError, match="bh, by, holm"):
        adjust_p_values([0.1], "bonferroni")


def test_e_values_of_the_paper():
    # VanderWeele & Ding (2017): risk ratio 3.9 with lower limit 1.8.
    found = e_value(3.9, 1.8, common_outcome=False)
    assert found.estimate == pytest.approx(7.26, abs=0.005)
    assert found.conf_limit == pytest.approx(3.0, abs=0.005)
    # A protective effect is its inverse; a limit beyond one needs no confounding at all.
    inverse = e_value(1 / 3.9, 1 / 1.8, common_outcome=False)
    assert (inverse.estimate, inverse.conf_limit) == pytest.approx((found.estimate, found.conf_limit))
    assert e_value(1 / 3.9, 1.1, common_outcome=False).conf_limit == 1.0
    assert e_value(1.0, 1.0).estimate == pytest.approx(1.0)
    # Common outcome: (1 - .5^sqrt(2)) / (1 - .5^sqrt(1/2)) = 1.6105..., then RR + sqrt(RR (RR - 1)).
    ratio = (1 - 0.5 ** math.sqrt(2)) / (1 - 0.5 ** math.sqrt(0.5))
    assert e_value(2.0, 1.5).estimate == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)))
    with pytest.raises(FitError, match="positive"):
        e_value(0.0, 1.0)


def test_smallest_detectable_hazard_ratio():
    # Schoenfeld: 66 events, half exposed, detect a hazard ratio of 2 with 80% power.
    assert smallest_detectable_hazard_ratio(2 / math.sqrt(66)) == pytest.approx(1.993, abs=0.001)
    for bad in ({"std_error": 0.0}, {"std_error": 1.0, "power": 1.0}, {"std_error": 1.0, "alpha": 0.0}):
        with pytest.raises(FitError):
            smallest_detectable_hazard_ratio(**bad)


def test_censoring_weights_by_hand():
    # Censorings at 1 (of 4 still there after the event at 1) and at 3; horizon 4.
    #   G(1-) = 1; G(2-) = 3/4; G(4-) = 3/4 * 1/2.
    time, event = [1, 1, 2, 3, 4], [1, 0, 1, 0, 1]
    np.testing.assert_allclose(censoring_weights(time, event, 4), [1, 0, 4 / 3, 0, 8 / 3])
    # Followed to the horizon counts as known, whatever comes later.
    np.testing.assert_allclose(censoring_weights(time, event, 1), [1, 1, 1, 1, 1])
    grouped = censoring_weights(time * 2, event * 2, 4, ["a"] * 5 + ["b"] * 5)
    np.testing.assert_allclose(grouped, np.tile([1, 0, 4 / 3, 0, 8 / 3], 2))


def test_weighted_share_is_kaplan_meier():
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"t": random.integers(1, 12, 400), "e": random.integers(0, 2, 400)})
    weights = censoring_weights(frame["t"], frame["e"], 7)
    share = weights @ ((frame["e"] == 1) & (frame["t"] <= 7)) / weights.sum()
    # The weights of everybody known sum to n, so the share is one less survival.
    assert weights.sum() == pytest.approx(len(frame))
    assert share == pytest.approx(1 - fit_kaplan_meier(frame, "t", "e").at([7])["survival"].item())


def test_censoring_weight_refusals():
    with pytest.raises(FitError, match="horizon"):
        censoring_weights([1], [1], 0)
    with pytest.raises(FitError, match="group has 2 values for 1 rows"):
        censoring_weights([1], [1], 1, ["a", "b"])
    assert censoring_weights([], [], 3).size == 0
