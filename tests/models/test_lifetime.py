"""Lifetimes: by hand, from closed forms, beside the restricted mean, and their intervals under resampling."""

import math

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError
from whychurn.models import discounted_lifetime, last_well_known, restricted_mean


def one(frame, horizon, **options):
    table = discounted_lifetime(frame, "t", "e", horizon, **options).table
    return table[table["part"] == table["part"].iloc[-1]].iloc[-1]


@pytest.fixture
def customers():
    """300 customers, some of whom enter late, in two groups."""
    random = np.random.default_rng(7)
    n = 300
    leaves, censored = random.exponential(20, n).round(1) + 0.1, random.uniform(5, 60, n).round(1) + 0.05
    entry = np.where(random.random(n) < 0.5, random.uniform(0, 10, n).round(1), 0.0)
    stop = np.minimum(leaves, censored)
    frame = pd.DataFrame({"t": stop, "e": leaves <= censored, "s": entry, "g": np.resize(["a", "b"], n)})
    return frame[stop > entry].reset_index(drop=True)


def test_without_rate_and_amount_it_is_the_restricted_mean(customers):
    for tau in (3.0, 10.0, 24.0):
        late = restricted_mean(customers, "t", "e", tau, start="s", group="g").means
        found = discounted_lifetime(customers, "t", "e", tau, entry="s", group="g").tidy()
        assert found["estimate"].to_numpy() == pytest.approx(late["estimate"].to_numpy(), rel=1e-12)
        # Under late entry the jackknife and Greenwood's formula differ by a little; without, not at all.
        assert found["std_error"].to_numpy() == pytest.approx(late["std_error"].to_numpy(), rel=0.03)
        prompt = restricted_mean(customers, "t", "e", tau, group="g").means
        found = discounted_lifetime(customers, "t", "e", tau, group="g").tidy()
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            assert found[name].to_numpy() == pytest.approx(prompt[name].to_numpy(), rel=1e-12)
        assert list(found["n"]) == list(prompt["n"])


def test_leaving_on_the_first_day_counts():
    frame = pd.DataFrame({"t": [0.0, 0.0, 4.0, 4.0], "e": [1, 0, 0, 1]})
    assert one(frame, 4)["estimate"] == pytest.approx(3.0)
    assert one(frame, 4)["estimate"] == restricted_mean(frame, "t", "e", 4).means["estimate"].iloc[0]
    assert one(frame, 4)["std_error"] == pytest.approx(restricted_mean(frame, "t", "e", 4).means["std_error"].iloc[0])


def test_nobody_leaving_is_an_annuity():
    frame = pd.DataFrame({"t": [40.0, 50.0], "e": [0, 0], "m": [30.0, 50.0]})
    row = one(frame, 36, rate=0.10, year=12, amount="m")
    force = math.log(1.10) / 12
    assert row["estimate"] == pytest.approx(40 * (1 - 1.1**-3) / force, rel=1e-12)
    # Only what they pay differs: half the difference either way, (30 - 50) / 2 / sqrt(2) as a standard error.
    assert row["std_error"] == pytest.approx(row["estimate"] / 40 * math.sqrt(2 * 5.0**2), rel=1e-12)


def test_a_constant_hazard_has_a_closed_form():
    """The exact steps of a constant hazard h: the integral is amount x (1 - exp(-(h + force) H)) / (h + force)."""
    n, hazard, horizon = 20_000, 0.03, 36.0
    times = -np.log1p(-(np.arange(n) + 0.5) / n) / hazard
    frame = pd.DataFrame({"t": times, "e": 1, "m": 100.0})
    force = math.log(1.10) / 12
    row = one(frame, horizon, rate=0.10, year=12, amount="m")
    total = hazard + force
    assert row["estimate"] == pytest.approx(100 * (1 - math.exp(-total * horizon)) / total, rel=1e-4)
    # Sampling variance of a customer's own discounted amount, from its first two moments.
    first = (1 - math.exp(-total * horizon)) / total
    second = 2 / force * ((1 - math.exp(-total * horizon)) / total - (1 - math.exp(-(hazard + 2 * force) * horizon)) / (hazard + 2 * force))  # fmt: skip
    assert row["std_error"] == pytest.approx(100 * math.sqrt((second - first**2) / n), rel=1e-3)


def test_two_customers_by_hand():
    """A pays 10 a month, 20 from month 2, and stays 4 months; B pays 30 and leaves after 3.

    Mean amounts: 20 to month 2, 25 to month 3, then A's 20 with half of the customers: 40 + 25 + 10 = 75.
    """
    frame = pd.DataFrame(
        {"id": ["A", "A", "B"], "s": [0, 2, 0], "t": [2, 4, 3], "e": [0, 0, 1], "m": [10.0, 20, 30], "k": [5, None, 9]}
    )
    options = {"entry": "s", "amount": "m", "cluster": "id"}
    table = discounted_lifetime(frame, "t", "e", [2, 3, 4], **options).table
    assert list(table["estimate"]) == pytest.approx([40, 65, 75])
    assert list(table["survival"]) == pytest.approx([1, 0.5, 0.5])
    assert list(table["n_at_risk"]) == [2, 2, 1]
    assert list(table["n_events"]) == [0, 1, 1]
    assert set(table["n"]) == {2}
    # What A does up to month 2: (10 - 20) / 2 in each of two months; B the opposite.
    assert table["std_error"].iloc[0] == pytest.approx(math.sqrt(2 * 10.0**2))
    # 40 percent of it is margin, and winning them cost 5 and 9.
    row = one(frame, 4, **options | {"amount": {"m": 0.4}, "upfront": {"k": -1}})
    assert row["part"] == "total"
    assert row["estimate"] == pytest.approx(0.4 * 75 - 7)
    # Amounts per year, times in months.
    assert one(frame, 4, **options, amount_per=12)["estimate"] == pytest.approx(75 / 12)


def test_amounts_that_were_not_recorded_are_left_out_of_their_mean():
    frame = pd.DataFrame({"t": [4.0, 4.0], "e": 0, "m": [10.0, np.nan]})
    assert one(frame, 4, amount="m")["estimate"] == pytest.approx(40)
    nothing = one(frame.assign(m=np.nan), 4, amount="m")
    assert math.isnan(nothing["estimate"])
    assert math.isnan(nothing["std_error"])
    # Unknown amounts past everybody's end are worth nothing.
    gone = pd.DataFrame({"t": [2.0, 3.0], "e": 1, "m": [10.0, 10.0]})
    assert one(gone, 6, amount="m")["estimate"] == pytest.approx(25)


def test_a_horizon_past_the_follow_up_is_not_known(customers):
    row = one(customers, 500, entry="s")
    assert math.isnan(row["estimate"])
    assert "followed to" in row["note"]


def test_intervals_hold_what_resampling_customers_shows():
    """Several rows per customer, amounts that change and go unrecorded, cost at the beginning, late entry."""
    random = np.random.default_rng(5)
    n = 250
    leaves, censored = random.exponential(20, n) + 0.1, random.uniform(5, 60, n)
    entry = np.where(random.random(n) < 0.5, random.uniform(0, 10, n), 0.0)
    stop = np.minimum(leaves, censored)
    whole = pd.DataFrame({"t": stop, "e": leaves <= censored, "s": entry, "m": random.exponential(1, n)})
    whole = whole[whole["t"] > whole["s"]].reset_index(drop=True).assign(id=lambda f: range(len(f)))
    cut = whole["s"] + (whole["t"] - whole["s"]) * random.uniform(0.1, 0.9, len(whole))
    first = whole.assign(t=cut, e=False, k=np.where(whole["s"] == 0, 5 + random.random(len(whole)), np.nan), c=0.3)
    later = whole.assign(s=cut, m=1.5 * whole["m"], c=np.where(random.random(len(whole)) < 0.7, 0.4, np.nan))
    rows = pd.concat([first, later], ignore_index=True)
    options = {"entry": "s", "rate": 0.1, "year": 12, "amount": {"m": 1, "c": -1}, "upfront": {"k": -1}}

    def estimate(frame, cluster):
        return discounted_lifetime(frame, "t", "e", [12, 30], cluster=cluster, **options).table

    found = estimate(rows, "id")
    drawn = []
    for _ in range(300):
        again = pd.DataFrame({"id": random.integers(0, len(whole), len(whole)), "draw": range(len(whole))})
        drawn.append(estimate(rows.merge(again, on="id"), "draw")["estimate"].to_numpy())
    assert found["std_error"].to_numpy() == pytest.approx(np.std(drawn, axis=0), rel=0.15)
    # Rows of one customer are not customers: without a cluster the error would come out smaller.
    apart = discounted_lifetime(rows, "t", "e", [12, 30], **options).table
    assert (apart["std_error"] < found["std_error"])[apart["part"] == "m"].all()


def test_one_customer_has_no_standard_error():
    frame = pd.DataFrame({"id": "A", "s": [0, 1], "t": [1, 3], "e": [0, 1]})
    row = one(frame, 3, entry="s", cluster="id")
    assert row["estimate"] == 3
    assert math.isnan(row["std_error"])
    assert "one customer" in row["note"]


def test_how_far_enough_customers_reach():
    frame = pd.DataFrame({"t": [1.0, 2, 5, 6], "s": [0.0, 0, 0, 3]})
    assert last_well_known(frame, "t", 3, "s") == 1
    assert last_well_known(frame, "t", 2, "s") == 2
    assert last_well_known(frame, "t", 1, "s") == 6
    assert last_well_known(frame, "t", 1, "s", latest=4) == 4
    assert last_well_known(frame.assign(s=[0.5] * 4), "t", 1, "s") == 0


def test_refusals(customers):
    for options, words in [
        ({"horizon": 0}, "positive numbers"),
        ({"horizon": 4, "rate": -0.1}, "rate is a number from 0"),
        ({"horizon": 4, "year": 0}, "year is a positive number"),
        ({"horizon": 4, "amount": {"t": None}}, "no number as its factor"),
        ({"horizon": 4, "amount": "absent"}, "No column"),
        ({"horizon": 4, "amount": "g"}, "no numbers"),
    ]:
        with pytest.raises(FitError, match=words):
            discounted_lifetime(customers, "t", "e", **options)
    with pytest.raises(FitError, match="no rows"):
        discounted_lifetime(customers.iloc[:0], "t", "e", 4)
