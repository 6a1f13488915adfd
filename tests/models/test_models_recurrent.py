"""Recurrent events by hand, and on input that should be refused."""

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError, NoEventsError
from whychurn.models import fit_cox, fit_kaplan_meier, gap_times, mean_cumulative_function, mean_cumulative_test

# Customer a leaves at 1 and 3 and is back at once each time; b leaves at 2.
ROWS = pd.DataFrame(
    {
        "id": list("aaabb"),
        "start": [0, 1, 3, 0, 2],
        "stop": [1, 3, 4, 2, 4],
        "left": [1, 1, 0, 1, 0],
        "g": list("xxxyy"),
    }
)
CALL = {"time": "stop", "event": "left", "subject": "id", "start": "start"}


def test_mean_cumulative_function_by_hand():
    fit = mean_cumulative_function(ROWS, **CALL, conf_type="plain")
    found = fit.at([0.5, 1, 2, 3, 4])
    assert found["mean_events"].tolist() == [0, 0.5, 1, 1.5, 1.5]
    # Each event adds 1/2 - 1/4 to its customer and takes 1/4 from the other: 1/4, 0, 1/4 for a, less for b.
    assert found["std_error"].tolist() == pytest.approx([0, np.sqrt(1 / 8), 0, np.sqrt(1 / 8), np.sqrt(1 / 8)])
    assert found["poisson_std_error"].tolist() == pytest.approx([0, 0.5, np.sqrt(0.5), np.sqrt(0.75), np.sqrt(0.75)])
    assert found["conf_low"].tolist()[1] == 0
    assert fit.n_subjects.tolist() == [2]
    assert fit.n_events.tolist() == [3]
    assert fit.at([5])["mean_events"].isna().all()
    assert fit.tidy()["n_at_risk"].tolist() == [2, 2, 2, 2]


def test_a_customer_who_is_away_is_not_at_risk():
    rows = pd.DataFrame(
        {"id": [1, 1, 2], "start": [0, 4, 0], "stop": [2, 6, 6], "left": [1, 0, 0], "g": ["x", "x", "y"]}
    )
    fit = mean_cumulative_function(rows.assign(left=[1, 1, 1]), **CALL)
    assert fit.curve["n_at_risk"].tolist() == [2, 2]
    away = pd.concat([rows, pd.DataFrame({"id": [2], "start": [7], "stop": [8], "left": [1], "g": ["y"]})])
    assert mean_cumulative_function(away, **CALL).at([8])["mean_events"].tolist() == [1.5]


def test_one_event_each_is_nelson_aalen():
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"id": range(80), "stop": random.integers(1, 9, 80), "left": random.integers(0, 2, 80)})
    fit = mean_cumulative_function(frame, "stop", "left", "id")
    whole = fit_kaplan_meier(frame, "stop", "left").curve
    np.testing.assert_allclose(fit.curve["mean_events"], whole["cumulative_hazard"], rtol=1e-12)


def test_without_events_the_mean_is_zero():
    found = mean_cumulative_function(ROWS.assign(left=0), **CALL).curve
    assert (found[["mean_events", "std_error", "conf_low", "conf_high"]] == 0).all(axis=None)


def test_equal_rates_by_hand():
    # At each of the three events one customer of each group is at risk, so half an event is expected in each.
    found = mean_cumulative_test(ROWS, **CALL, group="g")
    assert found.observed.tolist() == [2, 1]
    assert found.expected.tolist() == [1.5, 1.5]
    # Customer a adds 1/2 - 1/2 + 1/2 to x less y, b the like: both 1/2 - 1/4 of what is shared, so 1/4 each.
    np.testing.assert_allclose(found.variance, [[1 / 8, -1 / 8], [-1 / 8, 1 / 8]])
    assert found.statistic == pytest.approx(0.5**2 / (1 / 8))
    assert found.df == 1
    assert found.tidy()["ratio"].tolist() == pytest.approx([2 / 1.5, 1 / 1.5])


def test_one_group_has_nothing_to_compare():
    found = mean_cumulative_test(ROWS.assign(g="all"), **CALL, group="g")
    assert np.isnan(found.statistic)
    assert np.isnan(found.p_value)
    assert found.df == 0


def test_clocks_by_hand():
    # In service 2-5 (left), away, 7-8 and on with a new price to 10 (left), back at once until 12.
    rows = pd.DataFrame(
        {
            "id": [1, 2, 1, 1, 1],
            "start": [8, 0, 2, 10, 7],
            "stop": [10, 3, 5, 12, 8],
            "left": [1, 0, 1, 0, 0],
        },
        index=list("vwxyz"),
    )
    found = gap_times(rows, "id", "start", "stop", "left")
    assert found.index.tolist() == list("vwxyz")
    assert found["spell"].tolist() == [2, 1, 1, 3, 2]
    assert found[["total_start", "total_stop"]].to_numpy().tolist() == [[6, 8], [0, 3], [0, 3], [8, 10], [5, 6]]
    assert found[["service_start", "service_stop"]].to_numpy().tolist() == [[4, 6], [0, 3], [0, 3], [6, 8], [3, 4]]
    assert found[["gap_start", "gap_stop"]].to_numpy().tolist() == [[1, 3], [0, 3], [0, 3], [0, 2], [0, 1]]
    assert found["time_away"].tolist() == [2, 0, 0, 0, 2]
    assert found["left"].tolist() == rows["left"].tolist()


def test_every_clock_can_be_fitted():
    random = np.random.default_rng(11)
    rows = []
    for customer in range(80):
        now, price = 0.0, random.normal()
        for _ in range(random.integers(1, 4)):
            stop = now + random.integers(1, 8)
            rows.append((customer, price, now, stop, random.integers(0, 2)))
            now = stop + random.integers(0, 3)
    frame = pd.DataFrame(rows, columns=["id", "price", "start", "stop", "left"])
    clocks = gap_times(frame, "id", "start", "stop", "left")
    fits = {
        clock: fit_cox(clocks, ["price"], f"{clock}_stop", "left", start=f"{clock}_start", cluster="id")
        for clock in ("total", "service", "gap")
    }
    assert len({round(float(fit.params.iloc[0]), 6) for fit in fits.values()}) == 3
    lengths = frame["stop"] - frame["start"]
    for clock in fits:
        np.testing.assert_allclose(clocks[f"{clock}_stop"] - clocks[f"{clock}_start"], lengths)


REFUSED = {
    "no rows": (ROWS.iloc[:0], {}, "no rows"),
    "overlapping rows": (ROWS.assign(stop=[2, 3, 4, 2, 4]), {}, "overlaps the row before it of the same 'id'"),
    "no event code": (ROWS.assign(left=2), {}, "neither 0 nor 1"),
    "a missing subject": (ROWS.assign(id=["a", None, "a", "b", "b"]), {}, "Column 'id' is missing"),
    "a negative start": (ROWS.assign(start=-1), {}, "negative"),
    "an infinite stop": (ROWS.assign(stop=np.inf), {}, "missing or infinite"),
    "rows without time": (ROWS.assign(stop=ROWS["start"]), {}, "must cover time"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused_by_all(name):
    frame, options, message = REFUSED[name]
    with pytest.raises(FitError, match=message):
        mean_cumulative_function(frame, **CALL, **options)
    with pytest.raises(FitError, match=message):
        mean_cumulative_test(frame, **CALL, group="g")
    with pytest.raises(FitError, match=message):
        gap_times(frame, "id", "start", "stop", "left")


def test_refused_by_one():
    with pytest.raises(FitError, match="give a start column"):
        mean_cumulative_function(ROWS, "stop", "left", "id")
    with pytest.raises(FitError, match="conf_type is one of log, plain"):
        mean_cumulative_function(ROWS, **CALL, conf_type="log-log")
    with pytest.raises(FitError, match="zero or negative"):
        mean_cumulative_function(ROWS.assign(w=0), **CALL, weights="w")
    with pytest.raises(FitError, match="already has a column 'spell'"):
        gap_times(ROWS.assign(spell=1), "id", "start", "stop", "left")
    with pytest.raises(NoEventsError, match="None of 5 rows has an event in 'left'"):
        mean_cumulative_test(ROWS.assign(left=0), **CALL, group="g")
