"""The Net Promoter Score, its intervals and its comparisons."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError
from whychurn.models import net_promoter_score, nps_coverage


def answers(promoters, passives, detractors, **columns):
    scores = [9, 10] * promoters + [7, 8] * passives + [0, 6] * detractors
    half = [*scores[: 2 * promoters : 2], *scores[2 * promoters : 2 * (promoters + passives) : 2]]
    half += scores[2 * (promoters + passives) :: 2]
    return pd.DataFrame({"score": half}).assign(**columns)


@pytest.fixture
def thousand():
    return answers(520, 310, 170)


def test_published_example(thousand):
    found = net_promoter_score(thousand, "score").tidy().iloc[0]
    assert found["estimate"] == pytest.approx(0.35)
    # By hand: (520.75 - 170.75) / 1003, and the variance of the shares so adjusted over 1003.
    assert found["adjusted_estimate"] == pytest.approx(350 / 1003)
    spread = 691.5 / 1003 - (350 / 1003) ** 2
    assert found["std_error"] == pytest.approx(math.sqrt(spread / 1003))
    assert (found["conf_low"], found["conf_high"]) == pytest.approx((0.302326, 0.395581), abs=5e-7)
    assert (found["promoters"], found["passives"], found["detractors"]) == pytest.approx((0.52, 0.31, 0.17))
    assert (found["n"], found["n_missing"], found["n_effective"], found["note"]) == (1000, 0, pytest.approx(1000), "")
    plain = net_promoter_score(thousand, "score", method="wald").tidy().iloc[0]
    assert plain["std_error"] == pytest.approx(0.0238222584991432, rel=1e-12)
    assert (plain["conf_low"], plain["conf_high"]) == pytest.approx((0.303309231311276, 0.396690768688724), rel=1e-8)
    assert plain["adjusted_estimate"] == found["adjusted_estimate"]


def test_coverage_of_five_answers_by_enumeration():
    # Every sequence of five answers, one by one.
    shares, z, held = {1: 0.98, 0: 0.01, -1: 0.01}, 1.959963984540054, 0.0
    for sequence in itertools.product(shares, repeat=5):
        up, down = (sequence.count(side) + 0.75 for side in (1, -1))
        centre = (up - down) / 8
        width = z * math.sqrt(((up + down) / 8 - centre**2) / 8)
        held += math.prod(shares[side] for side in sequence) * (abs(centre - 0.97) <= width)
    assert held == pytest.approx(0.904, abs=5e-4)
    assert nps_coverage(5, 0.98, 0.01, 0.01) == pytest.approx(held, abs=1e-12)
    assert nps_coverage(5, 0.98, 0.01, 0.01, method="wald") == pytest.approx(0.096, abs=5e-4)
    assert nps_coverage(200, 0.5, 0.3, 0.2) == pytest.approx(0.95, abs=0.002)
    for bad in ((0, 1, 0, 0), (5, 0.5, 0.5, 0.5), (5, 1.5, -0.5, 0)):
        with pytest.raises(FitError):
            nps_coverage(*bad)
    with pytest.raises(FitError, match="adjusted, wald"):
        nps_coverage(5, 1, 0, 0, method="score")


def test_segments_and_periods():
    frame = pd.concat(
        [
            answers(4, 2, 2, plan="pro", quarter="2024Q2"),
            answers(2, 2, 2, plan="pro", quarter="2024Q1"),
            answers(6, 0, 2, plan="basic", quarter="2024Q1"),
            answers(1, 1, 0, plan="basic", quarter="2024Q2").assign(score=[np.nan, 8.0]),
        ],
        ignore_index=True,
    )
    table = net_promoter_score(frame, "score", by="plan", over="quarter").tidy()
    assert table["segment"].tolist() == ["basic", "basic", "pro", "pro"]
    assert table["period"].tolist() == ["2024Q1", "2024Q2"] * 2
    np.testing.assert_allclose(table["estimate"], [0.5, 0.0, 0.0, 0.25])
    assert table["n"].tolist() == [8, 1, 6, 8]
    assert table["n_missing"].tolist() == [0, 1, 0, 0]
    assert table["note"].str.contains("rough").all()
    alone = net_promoter_score(frame[frame["plan"] == "basic"], "score", over="quarter").tidy()
    np.testing.assert_allclose(alone["conf_low"], table["conf_low"].iloc[:2])
    assert (net_promoter_score(frame, "score", over="quarter").tidy()["segment"] == "all").all()


def test_nobody_answered():
    frame = answers(3, 1, 1, plan=pd.Categorical(["a"] * 5, ["a", "b"]))
    result = net_promoter_score(frame, "score", by="plan")
    table = result.tidy().set_index("segment")
    assert table.loc["b", "note"] == "no answer"
    assert math.isnan(table.loc["b", "estimate"])
    assert table.loc["b", "n"] == 0
    difference = result.differences().iloc[0]
    assert math.isnan(difference["estimate"])
    assert math.isnan(difference["p_adjusted"])
    assert difference["note"] == "no answer on one side"
    silent = net_promoter_score(frame.assign(score=np.nan, a=1), "score", cluster="a").tidy().iloc[0]
    assert (silent["n"], silent["n_missing"], silent["note"]) == (0, 5, "no answer")


def test_everybody_agrees():
    # Five promoters: 5.75 - .75 of 8, not "100 +- 0"; limits stay within the scale.
    found = net_promoter_score(answers(5, 0, 0), "score").tidy().iloc[0]
    assert (found["estimate"], found["adjusted_estimate"]) == (1.0, 5 / 8)
    assert found["conf_high"] == 1.0
    assert found["conf_low"] == pytest.approx(5 / 8 - 1.959963984540054 * math.sqrt((6.5 / 8 - 25 / 64) / 8))
    plain = net_promoter_score(answers(5, 0, 0), "score", method="wald").tidy().iloc[0]
    assert (plain["conf_low"], plain["conf_high"], plain["std_error"]) == (1.0, 1.0, 0.0)


def test_differences_by_hand():
    frame = pd.concat([answers(40, 30, 30, plan="a"), answers(90, 60, 50, plan="b"), answers(5, 5, 5, plan="c")])
    frame = frame.reset_index(drop=True)
    plain = net_promoter_score(frame, "score", by="plan", method="wald").differences()
    assert list(zip(plain["segment"], plain["versus"], strict=True)) == [("b", "a"), ("c", "a"), ("c", "b")]
    first = plain.iloc[0]
    assert first["estimate"] == pytest.approx(0.2 - 0.1)
    assert first["std_error"] == pytest.approx(math.sqrt((0.7 - 0.01) / 100 + (0.7 - 0.04) / 200))
    assert first["conf_high"] - first["conf_low"] == pytest.approx(2 * 1.959963984540054 * first["std_error"])
    p = plain["p_value"].to_numpy()
    assert plain["p_adjusted"].min() == pytest.approx(3 * p.min())
    # Adjusted: 1.5 answers more on either side.
    result = net_promoter_score(frame, "score", by="plan")
    adjusted = result.differences(adjust="bh").iloc[0]
    centre = 40 / 201.5 - 10 / 101.5
    parts = [(140.75 / 201.5 - (40 / 201.5) ** 2) / 201.5, (70.75 / 101.5 - (10 / 101.5) ** 2) / 101.5]
    assert adjusted["estimate"] == pytest.approx(0.1)
    assert adjusted["std_error"] == pytest.approx(math.sqrt(sum(parts)))
    assert (adjusted["conf_low"] + adjusted["conf_high"]) / 2 == pytest.approx(centre)
    assert adjusted["statistic"] == pytest.approx(centre / math.sqrt(sum(parts)))
    with pytest.raises(FitError, match="only one period"):
        result.differences("periods")
    with pytest.raises(FitError, match="'segments' or 'periods'"):
        result.differences("plans")
    alone = net_promoter_score(frame, "score")
    assert alone.differences().empty


def test_differences_over_time():
    frame = pd.concat([answers(3 + k, 4, 3, month=k) for k in (2, 10, 1)], ignore_index=True)
    found = net_promoter_score(frame, "score", over="month", method="wald").differences("periods")
    assert list(zip(found["period"], found["versus"], strict=True)) == [("2", "1"), ("10", "2")]
    assert found["estimate"].tolist() == pytest.approx([2 / 12 - 1 / 11, 10 / 20 - 2 / 12])


def test_whole_number_weights_are_clusters_of_copies():
    frame = answers(12, 9, 8)
    frame["w"] = np.resize([1, 2, 3], len(frame))
    frame["person"] = np.arange(len(frame))
    weighted = net_promoter_score(frame, "score", weights="w", method="wald").tidy().iloc[0]
    copies = frame.loc[frame.index.repeat(frame["w"])].reset_index(drop=True)
    clustered = net_promoter_score(copies, "score", cluster="person", method="wald").tidy().iloc[0]
    assert weighted["estimate"] == pytest.approx(clustered["estimate"])
    assert weighted["std_error"] == pytest.approx(clustered["std_error"] * math.sqrt(28 / 29))
    # Equal weights of any size are none.
    equal = net_promoter_score(frame.assign(w=7.0), "score", weights="w").tidy().drop(columns="note")
    pd.testing.assert_frame_equal(equal, net_promoter_score(frame, "score").tidy().drop(columns="note"))
    # Unequal weights carry less.
    assert weighted["n_effective"] < 29


def test_linearised_variance_by_jackknife():
    frame = answers(40, 30, 30).assign(w=np.linspace(0.5, 4.0, 100))
    found = net_promoter_score(frame, "score", weights="w", method="wald").tidy().iloc[0]
    z = np.select([frame["score"] >= 9, frame["score"] <= 6], [1.0, -1.0], 0.0)
    w = frame["w"].to_numpy()
    left_out = np.array([np.delete(w, i) @ np.delete(z, i) / np.delete(w, i).sum() for i in range(100)])
    jackknife = math.sqrt(((left_out - left_out.mean()) ** 2).sum() * 99 / 100)
    assert found["std_error"] == pytest.approx(jackknife, rel=0.03)


def test_the_same_accounts_in_two_periods():
    # Everybody answers twice the same: the difference is nothing, and surely so.
    frame = answers(30, 20, 20)
    both = pd.concat([frame.assign(q=1), frame.assign(q=2)])
    both = both.assign(account=both.index).reset_index(drop=True)
    apart = net_promoter_score(both, "score", over="q", method="wald").differences("periods").iloc[0]
    assert apart["std_error"] > 0.1
    paired = (
        net_promoter_score(both, "score", over="q", cluster="account", method="wald").differences("periods").iloc[0]
    )
    assert paired["std_error"] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(FitError, match="at least two clusters"):
        net_promoter_score(both.assign(account=1), "score", cluster="account")


@pytest.mark.parametrize("bad", [11, -1, 7.5, np.inf])
def test_scores_that_are_none(thousand, bad):
    thousand["score"] = thousand["score"].astype(float)
    thousand.loc[[3, 17], "score"] = bad
    with pytest.raises(FitError, match=r"no whole number from 0 to 10 in 2 of 1,000 rows \(rows 3, 17\)"):
        net_promoter_score(thousand, "score")


def test_nps_refusals(thousand):
    with pytest.raises(FitError, match="no rows"):
        net_promoter_score(thousand.head(0), "score")
    with pytest.raises(FitError, match="No column 'nps'"):
        net_promoter_score(thousand, "nps")
    with pytest.raises(FitError, match="not numeric"):
        net_promoter_score(thousand.assign(score="nine"), "score")
    with pytest.raises(FitError, match="holds bool values"):
        net_promoter_score(thousand.assign(score=True), "score")
    with pytest.raises(FitError, match="adjusted, wald"):
        net_promoter_score(thousand, "score", method="score")
    with pytest.raises(FitError, match="'plan' is missing in 1,000"):
        net_promoter_score(thousand.assign(plan=None), "score", by="plan")
    with pytest.raises(FitError, match="conf_level"):
        net_promoter_score(thousand, "score", conf_level=95)
    for weight in (0.0, -1.0, np.nan):
        with pytest.raises(FitError, match="'w'"):
            net_promoter_score(thousand.assign(w=weight), "score", weights="w")
    # Who did not answer needs no weight; pandas' own missing values are missing.
    silent = thousand.assign(score=pd.array([pd.NA, *thousand["score"][1:]], "Int64"), w=[np.nan] + [1.0] * 999)
    found = net_promoter_score(silent, "score", weights="w").tidy().iloc[0]
    assert (found["n"], found["n_missing"]) == (999, 1)
