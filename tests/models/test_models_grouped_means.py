"""Means and shares by group: by hand, by jackknife, and where nothing varies."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from whychurn.errors import FitError
from whychurn.models.grouped_means import grouped_means


def frame_of(n=60, seed=4):
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(n // 3), 3)
    value = rng.normal(0, 1, n // 3)[owner] + rng.normal(0, 1, n)
    return pd.DataFrame({"value": value, "yes": (value > 0).astype(int), "owner": owner, "side": np.where(owner % 2, "b", "a")})  # fmt: skip


def test_independent_shares_have_wilsons_interval():
    found = grouped_means(pd.DataFrame({"yes": [1] * 30 + [0] * 9}), "yes", share=True).table.iloc[0]
    low, high = binomtest(30, 39).proportion_ci(0.95, method="wilson")
    # n / (n - 1) of the variance leaves 38 of 39 values.
    assert found["n_effective"] == pytest.approx(38)
    assert (found["conf_low"], found["conf_high"]) == (pytest.approx(low, abs=0.003), pytest.approx(high, abs=0.003))


def test_copies_of_one_value_count_once():
    once = pd.DataFrame({"yes": [1, 0, 1, 1, 0, 1, 0, 1], "owner": range(8)})
    copies = once.loc[once.index.repeat(5)].reset_index(drop=True)
    one = grouped_means(once, "yes", cluster="owner", share=True).table
    many = grouped_means(copies, "yes", cluster="owner", share=True).table
    assert many["n"].tolist() == [40] and many["n_clusters"].tolist() == [8]
    for name in ("estimate", "std_error", "n_effective", "conf_low", "conf_high"):
        assert many[name].iloc[0] == pytest.approx(one[name].iloc[0])
    assert "8 clusters" in many["note"].iloc[0]


@pytest.mark.parametrize("name", ["value", "yes"])
def test_errors_of_means_and_differences_by_jackknife(name):
    frame = frame_of(300)
    found = grouped_means(frame, name, by="side", cluster="owner")

    def both(part):
        means = part.groupby("side")[name].mean()
        return means["a"], means["a"] - means["b"]

    owners = frame["owner"].unique()
    left_out = np.array([both(frame[frame["owner"] != owner]) for owner in owners])
    errors = np.sqrt(((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0) * (len(owners) - 1) / len(owners))
    assert found.table["std_error"].iloc[0] == pytest.approx(errors[0], rel=0.03)
    gap = found.against_rest.iloc[0]
    assert gap["estimate"] == pytest.approx(both(frame)[1]) and gap["std_error"] == pytest.approx(errors[1], rel=0.03)
    assert gap["p_value"] == pytest.approx(math.erfc(abs(gap["statistic"]) / math.sqrt(2)))
    assert found.against_rest["estimate"].iloc[1] == pytest.approx(-gap["estimate"])


def test_the_same_customers_on_both_sides_are_compared_as_such():
    frame = frame_of(60).assign(side=np.tile(["a", "b", "c"], 20))
    frame["value"] = frame["owner"].astype(float)
    paired = grouped_means(frame, "value", by="side", cluster="owner").against_rest
    assert paired["estimate"].abs().max() < 1e-12 and paired["note"].str.contains("no spread").all()
    apart = grouped_means(frame, "value", by="side").against_rest
    assert apart["std_error"].min() > 1


def test_where_nothing_varies():
    frame = pd.DataFrame({"yes": [1] * 6, "owner": [0, 0, 0, 1, 1, 2]})
    share = grouped_means(frame, "yes", cluster="owner", share=True).table.iloc[0]
    low = binomtest(3, 3).proportion_ci(0.95, method="wilson").low
    assert (share["n_effective"], share["conf_high"]) == (3, 1.0) and share["conf_low"] == pytest.approx(low)
    mean = grouped_means(frame, "yes", cluster="owner").table.iloc[0]
    assert mean["estimate"] == 1 and math.isnan(mean["std_error"]) and math.isnan(mean["conf_low"])
    alone = grouped_means(frame.head(1), "yes", cluster="owner", share=True)
    assert alone.table["n"].tolist() == [1] and alone.against_rest["note"].tolist() == ["there are no others"]


def test_grouped_means_refusals():
    with pytest.raises(FitError, match="no rows"):
        grouped_means(pd.DataFrame({"yes": []}), "yes")
    with pytest.raises(FitError, match="neither 0 nor 1 in 1 of 2"):
        grouped_means(pd.DataFrame({"yes": [0, 2]}), "yes", share=True)
    with pytest.raises(FitError, match="missing or infinite"):
        grouped_means(pd.DataFrame({"yes": [0, np.nan]}), "yes")
