"""Rates by band, steps after marks and the smoothed hazard: by hand, and against integrals done numerically."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from whychurn.errors import FitError
from whychurn.models import fit_nelson_aalen, hazard_by_time, smooth_hazard
from whychurn.models.smoothed_hazard import boundary_factors, kernel_mass


@pytest.fixture
def four():
    return pd.DataFrame({"b": [0, 1, 0, 2.5], "t": [2, 3, 4, 5], "e": [1, 0, 1, 1]})


def test_rates_by_hand(four):
    # In (0, 2]: 2 + 1 + 2 + 0; in (2, 5]: 0 + 1 + 2 + 2.5.
    found = hazard_by_time(four, "t", "e", [0, 2, 5], start="b").rates
    assert list(found["time_at_risk"]) == [5.0, 5.5]
    assert list(found["n_events"]) == [1, 2]
    np.testing.assert_allclose(found["rate"], [1 / 5, 2 / 5.5])
    # Garwood's limits by definition: half of 5% in each tail of the Poisson distribution.
    row = found.iloc[1]
    assert stats.poisson.sf(1, row["conf_low"] * 5.5) == pytest.approx(0.025)
    assert stats.poisson.cdf(2, row["conf_high"] * 5.5) == pytest.approx(0.025)
    left = hazard_by_time(four, "t", "e", [0, 2, 5], start="b", closed="left")
    # The events at 2 and 5 begin a band; the last band ends before 5.
    assert list(left.rates["n_events"]) == [0, 2]
    assert list(left.rates["time_at_risk"]) == [5.0, 5.5]
    assert left.outside["n_events"].item() == 1


def test_rates_without_events_or_without_anybody(four):
    found = hazard_by_time(four.assign(e=0), "t", "e", [0, 5, 9], start="b").rates
    assert (found["rate"].iloc[0], found["conf_low"].iloc[0]) == (0.0, 0.0)
    assert found["conf_high"].iloc[0] == pytest.approx(-math.log(0.025) / 10.5)
    assert found.iloc[1][["rate", "conf_low", "conf_high"]].isna().all()
    # A customer lost at time zero was at risk for no time, and is counted.
    at_once = hazard_by_time(pd.DataFrame({"t": [0, 2], "e": [1, 0]}), "t", "e", [0, 1, 2]).rates
    assert list(at_once["n_events"]) == [1, 0]


def test_bands_recounted_row_by_row():
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"b": random.uniform(0, 5, 200), "g": random.choice(["x", "y"], 200)})
    frame["t"], frame["e"] = frame["b"] + random.uniform(0.1, 6, 200), random.integers(0, 2, 200)
    edges = [1.0, 2.5, 3, 8]
    for row in hazard_by_time(frame, "t", "e", edges, start="b", group="g").rates.itertuples():
        mine = frame[frame["g"] == row.group]
        lived = (mine["t"].clip(upper=row.ends) - mine["b"].clip(lower=row.begins)).clip(lower=0)
        assert row.time_at_risk == pytest.approx(lived.sum())
        assert row.n_events == ((mine["e"] == 1) & (mine["t"] > row.begins) & (mine["t"] <= row.ends)).sum()


def test_step_after_a_mark():
    # Ten at risk; one leaves in month 12, four in month 13, none in month 14.
    frame = pd.DataFrame({"t": [12, 13, 13, 13, 13, 20, 20, 20, 20, 20], "e": [1] * 5 + [0] * 5})
    row = hazard_by_time(frame, "t", "e", [0, 20], marks=[12]).marks.iloc[0]
    assert (row["begins"], row["ends"], row["n_events"], row["time_at_risk"]) == (12, 13, 4, 9)
    assert (row["neighbour_events"], row["neighbour_time_at_risk"]) == (1, 15)
    assert row["ratio"] == pytest.approx((4 / 9) / (1 / 15))
    assert row["p_value"] == pytest.approx(stats.binomtest(4, 5, 9 / 24).pvalue)
    # Booked on the renewal date itself: month 12 begins at the mark.
    booked = hazard_by_time(frame, "t", "e", [0, 20], marks=[12], closed="left").marks.iloc[0]
    assert (booked["n_events"], booked["neighbour_events"]) == (1, 4)
    assert hazard_by_time(frame, "t", "e", [0, 20]).marks.empty
    nothing = hazard_by_time(frame, "t", "e", [0, 20], marks=[3, 0]).marks
    assert nothing["ratio"].isna().all()
    assert list(nothing["mark"]) == [0, 3]
    only = hazard_by_time(frame.assign(e=frame["t"] == 13), "t", "e", [0, 20], marks=[12]).marks.iloc[0]
    assert only["ratio"] == math.inf == only["ratio_high"]


def test_rate_refusals(four):
    for options, words in [
        ({"bands": [0]}, "two or more"), ({"bands": [0, 2, 2]}, "increasing"), ({"bands": [-1, 2]}, "from zero"),
        ({"bands": [0, math.inf]}, "finite"), ({"marks": [3, 4]}, "less than two steps"), ({"marks": [-1]}, "zero or"),
        ({"closed": "both"}, "closed is one"), ({"step": 0}, "step is a positive"), ({"conf_level": 1}, "conf_level"),
    ]:  # fmt: skip
        with pytest.raises(FitError, match=words):
            hazard_by_time(four, "t", "e", **{"bands": [0, 2]} | options)
    with pytest.raises(FitError, match="no rows"):
        hazard_by_time(four.iloc[:0], "t", "e", [0, 2])


@pytest.mark.parametrize("q", [0.0, 0.2, 0.7, 1.0])
def test_boundary_kernels_integrate_to_one_about_zero(q):
    a, b = boundary_factors(q)

    def kernel(x):
        return 0.75 * (1 - x * x) * (a + b * x)

    assert integrate.quad(kernel, -1, q)[0] == pytest.approx(1)
    assert integrate.quad(lambda x: x * kernel(x), -1, q)[0] == pytest.approx(0, abs=1e-12)
    assert kernel_mass(np.array([-0.5]), np.array([5.0]), q)[0] == pytest.approx(integrate.quad(kernel, -0.5, q)[0])


def test_smoothed_hazard_of_exact_times_by_hand():
    # Jumps 1/4 at 2.5, 1/3 at 3.5, 1/2 at 6.5; followed to 10. With bandwidth 3 the time 5 lies inside.
    frame = pd.DataFrame({"t": [2.5, 3.5, 6.5, 10], "e": [1, 1, 1, 0]})
    row = smooth_hazard(frame, "t", "e", 3, at=[5]).curve.iloc[0]
    kernel = 0.75 * (1 - ((5 - np.array([2.5, 3.5, 6.5])) / 3) ** 2) / 3
    assert row["hazard"] == pytest.approx(kernel @ [1 / 4, 1 / 3, 1 / 2])
    assert row["std_error"] == pytest.approx(math.sqrt(kernel**2 @ [1 / 16, 1 / 9, 1 / 4]))
    assert row["conf_high"] == pytest.approx(
        row["hazard"] * math.exp(1.959963984540054 * row["std_error"] / row["hazard"])
    )
    assert not row["at_boundary"]
    # At 1 the kernel reaches back to 0 only: q = 1/3.
    a, b = boundary_factors(1 / 3)
    x = (1 - np.array([2.5, 3.5])) / 3
    expected = 0.75 * (1 - x**2) * (a + b * x) / 3 @ [1 / 4, 1 / 3]
    assert smooth_hazard(frame, "t", "e", 3, at=[1]).curve["hazard"].item() == pytest.approx(expected)
    # Seen from the end it is the mirror image.
    a, b = boundary_factors(2 / 3)
    expected = 0.75 * (1 - 0.5**2) * (a - b * 0.5) / 3 / 2
    assert smooth_hazard(frame, "t", "e", 3, at=[8]).curve["hazard"].item() == pytest.approx(expected)
    # A one-sided kernel weighs what is far off negatively; a hazard is not negative.
    assert smooth_hazard(frame, "t", "e", 3, at=[9]).curve["hazard"].item() == 0.0
    outside = smooth_hazard(frame, "t", "e", 3, at=[-1, 11]).curve
    assert outside["hazard"].isna().all()


@pytest.mark.parametrize("closed", ["right", "left"])
def test_a_constant_hazard_by_month_stays_constant(closed):
    # A tenth of those at risk leaves every month: the smooth of whole months has no ripple and no bend at the ends.
    left, rows = 10_000.0, []
    for month in range(1, 25):
        rows.append((month, 1, left * 0.1))
        left *= 0.9
    rows.append((24, 0, left))
    frame = pd.DataFrame(rows, columns=["t", "e", "n"])
    frame = frame.loc[frame.index.repeat((frame["n"] * 1e-2).round().astype(int))].assign(n=1)
    found = smooth_hazard(frame, "t", "e", 2.5, closed=closed)
    increments = np.diff(fit_nelson_aalen(frame, "t", "e").curve["cumulative_hazard"], prepend=0)
    assert found.step == 1
    assert "steps of 1" in found.notes[0]
    curve = found.curve[found.curve["time"] >= (1 if closed == "left" else 0)]
    assert curve["hazard"].iloc[10:].between(increments.min(), increments.max()).all()


def test_whole_times_are_spread_over_their_step():
    # One event at 5 of 4 at risk: a hazard of 1/4 over (4, 5].
    frame = pd.DataFrame({"t": [5, 10, 10, 10], "e": [1, 0, 0, 0]})
    expected = integrate.quad(lambda u: 0.75 * (1 - ((4 - u) / 2) ** 2) / 2, 4, 5)[0] / 4
    assert smooth_hazard(frame, "t", "e", 2, at=[4]).curve["hazard"].item() == pytest.approx(expected)
    found = smooth_hazard(frame, "t", "e", 2, at=[4], step=0).curve["hazard"].item()
    assert found == pytest.approx(0.75 * (1 - 0.25) / 2 / 4)


def test_marks_are_left_out_of_the_smooth():
    random = np.random.default_rng(8)
    t = np.minimum(np.ceil(random.exponential(20, 3000)), 36)
    frame = pd.DataFrame({"t": t, "e": (t < 36).astype(int)})
    spike = frame.copy()
    # At month 13 every second customer leaves as well.
    leaves = (spike["t"] > 13) & (random.uniform(size=3000) < 0.5)
    spike.loc[leaves, ["t", "e"]] = [13, 1]
    smooth = smooth_hazard(spike, "t", "e", 4, at=[12.5], marks=[12], ties="fleming-harrington")
    assert smooth.curve["hazard"].item() == pytest.approx(0.05, rel=0.15)
    assert smooth_hazard(spike, "t", "e", 4, at=[12.5]).curve["hazard"].item() > 0.1
    assert smooth.marks["ratio"].item() > 8
    expected = hazard_by_time(spike, "t", "e", [0, 1], marks=[12]).marks
    pd.testing.assert_frame_equal(smooth.marks, expected)


def test_smooth_refusals():
    frame = pd.DataFrame({"t": [1, 2, 3, 8], "e": [1, 1, 0, 0]})
    for options, words in [
        ({"bandwidth": 0}, "bandwidth is a positive"), ({"bandwidth": 5}, "more than half"),
        ({"bandwidth": 0.5}, "less than the step"), ({"ties": "x"}, "ties is one"), ({"closed": "x"}, "closed is one"),
        ({"step": -1}, "step is zero"), ({"marks": [2.5]}, "between the steps"),
        ({"step": 0, "marks": [2]}, "need a mark_length"), ({"min_at_risk": 9}, "never has 9"),
    ]:  # fmt: skip
        with pytest.raises(FitError, match=words):
            smooth_hazard(frame, "t", "e", **{"bandwidth": 2} | options)
    none = smooth_hazard(frame.assign(e=0), "t", "e", 2).curve
    assert (none["hazard"] == 0).all()
    assert none["conf_low"].isna().all()
