"""Edges of contingency tables and of multiple testing."""

import math

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError
from whychurn.models import adjust_p_values, crosstab


def rows_of(table):
    return pd.DataFrame(
        [(i, j) for i, line in enumerate(table) for j, count in enumerate(line) for _ in range(count)],
        columns=["row", "column"],
    )


def test_error_of_a_simulated_p_value():
    frame = rows_of([[3, 0], [1, 2], [0, 2]])
    found = crosstab(frame, "row", "column", seed=1)
    p = found.p_value_exact
    assert found.monte_carlo_error == pytest.approx(math.sqrt(p * (1 - p) / 9_999))
    more = crosstab(frame, "row", "column", seed=1, draws=40_000)
    assert more.exact_method.startswith("Monte Carlo, 40,000")
    assert abs(more.p_value_exact - p) < 4 * found.monte_carlo_error
    # Over many seeds the p-values scatter as much as is said.
    spread = np.std([crosstab(frame, "row", "column", seed=seed, draws=400).p_value_exact for seed in range(60)])
    assert spread == pytest.approx(math.sqrt(p * (1 - p) / 400), rel=0.25)
    assert crosstab(rows_of([[3, 1], [1, 3]]), "row", "column").monte_carlo_error == 0.0
    assert math.isnan(crosstab(rows_of([[30, 10], [10, 30]]), "row", "column").monte_carlo_error)
    with pytest.raises(FitError, match="at least one, not 0"):
        crosstab(frame, "row", "column", draws=0)


def test_edges_of_a_table():
    with pytest.raises(FitError, match="no rows"):
        crosstab(rows_of([[0]]), "row", "column")
    # Categories nobody is in are no rows of the table.
    frame = rows_of([[8, 9], [7, 10]])
    frame["row"] = pd.Categorical(frame["row"], [0, 1, 2])
    assert crosstab(frame, "row", "column").counts.shape == (2, 2)
    # Independence to the last digit: no effect at all.
    level = crosstab(rows_of([[10, 20], [20, 40]]), "row", "column")
    assert (level.statistic, level.cramers_v, level.cramers_v_corrected) == pytest.approx((0.0, 0.0, 0.0))
    assert level.p_value == pytest.approx(1.0)
    # Perfect association.
    perfect = crosstab(rows_of([[20, 0], [0, 20]]), "row", "column")
    assert (perfect.cramers_v, perfect.cramers_v_corrected) == pytest.approx((1.0, 1.0))
    # One customer.
    single = crosstab(rows_of([[1]]), "row", "column")
    assert math.isnan(single.cramers_v)
    assert "one row only" in single.note


def test_margins_do_not_care_about_order():
    frame = rows_of([[12, 5, 3], [4, 9, 8], [7, 7, 7]])
    turned = crosstab(frame.sample(frac=1, random_state=2), "column", "row")
    straight = crosstab(frame, "row", "column")
    assert turned.statistic == pytest.approx(straight.statistic)
    np.testing.assert_allclose(turned.adjusted_residuals, straight.adjusted_residuals.T)
    assert turned.cramers_v_corrected == pytest.approx(straight.cramers_v_corrected)


@pytest.mark.parametrize("method", ["bh", "by", "holm"])
def test_a_family_with_holes(method):
    p = [0.01, None, 0.04, float("nan"), 0.04, 1.0, 0.0]
    adjusted = adjust_p_values(p, method)
    known = [0, 2, 4, 5, 6]
    assert np.isnan(adjusted[[1, 3]]).all()
    np.testing.assert_allclose(adjusted[known], adjust_p_values([p[i] for i in known], method))
    assert adjusted[2] == adjusted[4]
    assert adjusted[6] == 0.0
    assert adjusted[5] == 1.0
    assert (adjusted[known] >= np.array([p[i] for i in known], dtype=float)).all()
    masked = pd.array([0.01, pd.NA, 0.04, pd.NA, 0.04, 1.0, 0.0], "Float64")
    np.testing.assert_allclose(adjust_p_values(pd.Series(masked), method), adjusted)
    assert adjust_p_values([], method).shape == (0,)
    assert adjust_p_values(pd.Series(dtype=float), method).shape == (0,)
    assert adjust_p_values([0.3], method) == pytest.approx([0.3])


def test_what_is_no_family():
    with pytest.raises(FitError, match="shape"):
        adjust_p_values(np.full((2, 2), 0.1))
    with pytest.raises(FitError, match="p-values are numbers"):
        adjust_p_values(["small"])
    with pytest.raises(FitError, match="outside 0 to 1"):
        adjust_p_values([0.2, np.inf])
