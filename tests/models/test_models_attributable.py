"""Attributable share and money: definition, influence, interval."""

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError
from whychurn.models import attributable_fraction, fit_cox


def make(n, seed=0, effect=0.9):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "idle": random.integers(0, 2, n),
            "size": random.normal(size=n),
            "id": np.arange(n) // 2,
            "mrr": random.uniform(50, 150, n),
            "w": random.uniform(0.5, 2.0, n),
            "region": random.choice(["n", "s"], n),
            "start": random.integers(0, 3, n).astype(float),
        }
    )
    hazard = 0.05 * np.exp(effect * frame["idle"] + 0.3 * frame["size"])
    time = np.ceil(random.exponential(1 / hazard))
    frame["stop"] = frame["start"] + np.minimum(time, 12)
    frame["e"] = (time <= 12).astype(int)
    return frame


FIT = {"time": "stop", "event": "e", "start": "start"}


def test_definition():
    # Martingale residuals are events less expected events; expected events scale with exp(-beta) once unexposed.
    frame = make(300)
    fit = fit_cox(frame, ["idle", "size"], **FIT)
    found = attributable_fraction(fit, frame, frame.assign(idle=0), money="mrr", observed_years=2.0)
    expected = frame["e"] - fit.residuals("martingale")
    spared = expected * (1 - np.exp(-fit.params["idle"] * frame["idle"]))
    assert found.share == pytest.approx(spared.sum() / expected.sum(), abs=1e-12)
    assert found.events == pytest.approx(found.share * fit.n_events)
    beyond = frame["e"] * (1 - np.exp(-fit.params["idle"] * frame["idle"]))
    assert found.money == pytest.approx((frame["mrr"] * beyond).sum() / 2.0)
    assert found.conf_low < found.share < found.conf_high
    assert found.money_low < found.money < found.money_high


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_error_is_the_sum_of_squared_influences(ties):
    # The influence of each row is the numerical derivative by its weight, model refitted and all.
    frame = make(40, seed=3)
    options = FIT | {"ties": ties, "weights": "w", "strata": "region"}

    def estimate(rows):
        fit = fit_cox(rows, ["idle", "size"], **options)
        return attributable_fraction(fit, rows, rows.assign(idle=0), money="mrr", draws=50)

    found, step, slopes = estimate(frame), 1e-4, []
    for row in frame.index:
        up, down = (estimate(frame.assign(w=frame["w"] * (1 + side * step * (frame.index == row)))) for side in (1, -1))
        slopes.append(((up.share - down.share) / (2 * step), (up.money - down.money) / (2 * step)))
    share, money = np.sqrt((np.array(slopes) ** 2).sum(axis=0))
    assert found.std_error == pytest.approx(share, rel=1e-6)
    assert found.money_std_error == pytest.approx(money, rel=1e-6)


@pytest.mark.parametrize(("stays", "leaves"), [(100.0, 5.0), (5.0, 100.0)])
def test_money_at_stake_never_exceeds_the_money_that_left(stays, leaves):
    # The amount is no term of the model: those who stay may pay twenty times as much, or a twentieth.
    frame = make(800, seed=4)
    frame["mrr"] = np.where(frame["e"] == 1, leaves, stays)
    fit = fit_cox(frame, ["idle"], **FIT)
    found = attributable_fraction(fit, frame, frame.assign(idle=0), money="mrr")
    left = frame.loc[frame["e"] == 1, "mrr"].sum()
    assert 0 < found.money < left
    assert found.money / left == pytest.approx(found.share, rel=0.05)


def test_interval_matches_its_error_and_its_seed():
    frame = make(2000, seed=1)
    fit = fit_cox(frame, ["idle", "size"], cluster="id", **FIT)
    found = attributable_fraction(fit, frame, frame.assign(idle=0), draws=4000, seed=5)
    half = (found.conf_high - found.conf_low) / 2
    assert half == pytest.approx(1.96 * found.std_error, rel=0.06)
    again = attributable_fraction(fit, frame, frame.assign(idle=0), draws=4000, seed=5)
    assert (again.conf_low, again.conf_high) == (found.conf_low, found.conf_high)


def test_copies_in_a_cluster_add_nothing():
    frame = make(400, seed=2)
    twice = pd.concat([frame.assign(id=range(400))] * 2, ignore_index=True)
    once = fit_cox(frame, ["idle"], ties="breslow", **FIT)
    doubled = fit_cox(twice, ["idle"], cluster="id", ties="breslow", **FIT)
    a = attributable_fraction(once, frame, frame.assign(idle=0))
    b = attributable_fraction(doubled, twice, twice.assign(idle=0))
    assert b.share == pytest.approx(a.share, abs=1e-10)
    assert b.std_error == pytest.approx(a.std_error, rel=1e-9)


def test_coverage_of_the_interval():
    # 200 small companies: the limiting share under this design is found from one very large one.
    big = make(60_000, seed=99)
    fit = fit_cox(big, ["idle", "size"], **FIT)
    truth = attributable_fraction(fit, big, big.assign(idle=0), draws=50).share
    hits = 0
    for seed in range(200):
        frame = make(250, seed=1000 + seed)
        fit = fit_cox(frame, ["idle", "size"], **FIT)
        found = attributable_fraction(fit, frame, frame.assign(idle=0), seed=seed)
        hits += found.conf_low <= truth <= found.conf_high
    # 95% of 200 is 190; four Monte-Carlo standard errors are 12.
    assert 178 <= hits <= 200


def test_no_change_and_protection():
    frame = make(300, effect=-0.9)
    fit = fit_cox(frame, ["idle", "size"], **FIT)
    nothing = attributable_fraction(fit, frame, frame, money="mrr")
    assert (nothing.share, nothing.conf_low, nothing.money) == pytest.approx((0, 0, 0), abs=1e-12)
    assert attributable_fraction(fit, frame, frame.assign(idle=0)).share < 0


def test_rows_must_be_those_of_the_fit():
    frame = make(100)
    fit = fit_cox(frame, ["idle"], **FIT)
    with pytest.raises(FitError, match="100 rows, but frame has 99"):
        attributable_fraction(fit, frame.iloc[1:], frame.iloc[1:])
    with pytest.raises(FitError, match="in their order"):
        attributable_fraction(fit, frame.assign(idle=1 - frame["idle"]), frame)
    with pytest.raises(FitError, match="draws"):
        attributable_fraction(fit, frame, frame, draws=3)
