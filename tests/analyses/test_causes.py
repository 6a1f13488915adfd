"""The ranking against simulated truth, and how the headline contrast is chosen."""

import re

import numpy as np
import pytest
from builders import build, cause, simulate
from markupsafe import Markup

import whychurn as wc
from whychurn.analyses.cause_evidence import GONE, _two_readings, headline_of
from whychurn.analyses.contrasts import Contrast
from whychurn.analyses.effects import EffectBook
from whychurn.display.causes import headline
from whychurn.display.leadership import render_index


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    frame = simulate(4000, {"big": 1.1, "small": 0.35, "none": 0.0}, seed=11)
    rng = np.random.default_rng(12)
    frame["fee"] = rng.integers(10, 50, len(frame))
    causes = "".join(cause(name, reference="0", compare="1") for name in ("none", "small", "big"))
    study, panel = build(tmp_path_factory.mktemp("ranked"), frame, causes, amount="fee")
    return wc.analyse("causes", panel, study)


def test_the_planted_cause_ranks_first_and_the_null_has_no_share(ranked):
    ranks = sorted(ranked.where(estimand="rank").rows(), key=lambda row: row.estimate)
    assert ranks[0].term == "Big"
    assert ranks[0].grade == "strong"
    null = ranked.one(estimand="rank", term="None")
    assert null.grade in ("no sizeable effect", "inconclusive")
    assert not ranked.where(estimand="attributable_share", term="None")
    assert ranked.one(estimand="smallest_detectable", term="None").estimate > 1


def test_money_and_share_agree_with_the_counterfactual(ranked):
    share = ranked.one(estimand="attributable_share", term="Big")
    # Half are exposed at exp(1.1) = 3.0 times the hazard: without it, their 2/3 of excess events would not have come.
    assert 0.35 < share.estimate < 0.6
    assert share.conf_low < share.estimate < share.conf_high
    money = ranked.one(estimand="amount_at_stake", term="Big")
    total = ranked.one(estimand="amount_of_leavers")
    assert money.estimate == pytest.approx(share.estimate * total.estimate, rel=0.1)
    assert "not per year" in money.definition


def test_undeclared_contrast_is_the_clearest_with_a_widened_interval(tmp_path):
    frame = simulate(1500, {"a": 0.9}, seed=13)
    rng = np.random.default_rng(14)
    frame["plan"] = np.where(frame["a"] == 1, "loud", rng.choice(["quiet", "mid"], len(frame)))
    _, panel = build(tmp_path, frame, cause("plan", reference="quiet"))
    effect = EffectBook(panel.intervals, panel.used).effect(panel.candidate("plan"), "total")
    headline = headline_of(effect, 0.95)
    assert headline.contrast.level == "loud"
    assert headline.conf_level == pytest.approx(0.975)
    assert "widened" in headline.note


def test_declared_contrast_stands_even_if_another_is_clearer(tmp_path):
    frame = simulate(1500, {"a": 0.9}, seed=13)
    rng = np.random.default_rng(14)
    frame["plan"] = np.where(frame["a"] == 1, "loud", rng.choice(["quiet", "mid"], len(frame)))
    _, panel = build(tmp_path, frame, cause("plan", reference="quiet", compare="mid"))
    effect = EffectBook(panel.intervals, panel.used).effect(panel.candidate("plan"), "total")
    headline = headline_of(effect, 0.95)
    assert (headline.contrast.level, headline.conf_level) == ("mid", 0.95)


def rank_of(folder, frame, causes, **more):
    study, panel = build(folder, frame, causes, **more)
    return wc.analyse("causes", panel, study)


def test_a_declared_comparison_without_leavers_keeps_its_place(tmp_path):
    frame = simulate(1200, {"a": 0.4}, seed=21)
    plan = np.random.default_rng(22).choice(["basic", "pro", "gold"], len(frame))
    frame["plan"] = plan
    frame.loc[plan == "gold", "churned"] = 0
    found = rank_of(tmp_path, frame, cause("plan", reference="basic", compare="gold") + cause("a", reference="0"))
    row = found.one(estimand="rank", term="Plan")
    assert (row.level, row.grade) == ("gold", "moderate")
    assert row.p_adjusted < 0.001
    ratio = found.one(estimand="hazard_ratio", term="Plan", effect_kind="total")
    assert not ratio.estimated
    assert "Nobody left" in ratio.note


def test_two_levels_of_which_one_has_no_leavers(tmp_path):
    frame = simulate(800, {"a": 0.4}, seed=23)
    frame.loc[frame["a"] == 0, "churned"] = 0
    found = rank_of(tmp_path, frame, cause("a", reference="0"))
    row = found.one(estimand="rank", term="A")
    assert (row.level, row.grade) == ("1", "moderate")
    assert "no upper limit" in found.one(estimand="hazard_ratio", term="A", effect_kind="total").note


def test_an_effect_that_turns_round_over_tenure_is_not_called_small(tmp_path):
    rng = np.random.default_rng(24)
    n = 6000
    a = rng.integers(0, 2, n)
    early, late = np.where(a == 1, 0.02, 0.05), np.where(a == 1, 0.05, 0.02)
    first = rng.exponential(1 / early)
    leaves = np.where(first < 12, first, 12 + rng.exponential(1 / late))
    followed = rng.uniform(1, 48, n)
    frame = simulate(n, {"b": 0.0}, seed=25).assign(
        a=a, tenure=np.ceil(np.minimum(leaves, followed)).astype(int), churned=(leaves <= followed).astype(int)
    )
    found = rank_of(tmp_path, frame, cause("a", reference="0"))
    row = found.one(estimand="rank", term="A")
    assert row.grade in ("weak", "inconclusive")
    assert "one way early" in row.note
    assert not found.where(estimand="attributable_share", term="A")


def test_the_grade_of_a_number_does_not_depend_on_its_unit(tmp_path):
    rng = np.random.default_rng(26)
    frame = simulate(3000, {"a": 0.0}, seed=27)
    seats = rng.normal(100, 30, len(frame))
    leaves = rng.exponential(1 / (0.02 * np.exp((seats - 100) / 30 * 0.7)))
    followed = rng.uniform(1, 48, len(frame))
    frame = frame.assign(seats=seats.round(2), tenure=np.ceil(np.minimum(leaves, followed)).astype(int),
                         churned=(leaves <= followed).astype(int))  # fmt: skip
    grades = {
        per: rank_of(tmp_path / str(per), frame, cause("seats", "number", per=per))
        .one(estimand="rank", term="Seats")
        .grade
        for per in (1, 50)
    }
    assert grades == {1: "strong", 50: "strong"}


def test_few_leavers_per_coefficient_cap_the_grade(tmp_path):
    rng = np.random.default_rng(28)
    frame = simulate(300, {"big": 1.2}, seed=29, base=0.006)
    names = [f"x{i}" for i in range(14)]
    for name in names:
        frame[name] = rng.integers(0, 2, len(frame))
    found = rank_of(
        tmp_path, frame, cause("big", reference="0") + "".join(cause(n, reference="0") for n in names), accept_risk="t"
    )
    assert found.one(estimand="rank", term="Big").grade not in ("strong", "moderate")
    assert "leavers per coefficient" in found.one(estimand="rank", term="Big").note


def test_a_parent_of_merged_columns_gets_no_grade_for_an_arbitrary_number(tmp_path):
    rng = np.random.default_rng(30)
    frame = simulate(2000, {"a": 0.6}, seed=31)
    net = rng.choice(["Yes", "No"], len(frame), p=[0.7, 0.3])
    frame["net"] = net
    frame["guard"] = np.where(net == "No", "No net", np.where(frame["a"] == 1, "No", "Yes"))
    found = rank_of(tmp_path, frame, cause("net", reference="Yes") + cause("guard", reference="Yes", compare="No"))
    row = found.one(estimand="rank", term="Net")
    assert row.grade == "inconclusive"
    ratio = found.one(estimand="hazard_ratio", term="Net", effect_kind="total")
    assert "depends on counting these customers as" in ratio.note
    assert found.one(estimand="rank", term="Guard").grade in ("strong", "moderate")


def test_nobody_followed_to_the_horizon_gives_no_risk(tmp_path):
    frame = simulate(600, {"a": 0.5}, seed=32)
    study, panel = build(tmp_path, frame, cause("a", reference="0"), horizon=100, accept_risk="t")
    found = wc.analyse("churn_within", panel, study)
    everyone = found.one(term="Everyone", estimand="risk")
    assert not everyone.estimated
    assert "followed to the horizon" in everyone.note


def test_a_protective_contrast_reads_as_one_and_names_whom_to_turn_to(tmp_path):
    frame = simulate(2500, {"a": -0.8}, seed=33).assign(fee=10)
    frame["plan"] = frame["a"].map({0: "Starter", 1: "Pro"})
    study, panel = build(tmp_path, frame, cause("plan", reference="Starter"), amount="fee")
    found = wc.analyse("causes", panel, study)
    text = Markup(headline(found)).striptags()
    assert re.search(
        r"Customers with plan “Pro” leave at 0\.\d+ times the rate of those with “Starter”; without it there would",
        text,
    )
    assert "−" not in text
    pages = render_index(found, [])
    current = ((frame["plan"] == "Starter") & (frame["churned"] == 0)).sum()
    plays = Markup(str(pages).split('id="plays"')[1].split("</section>")[0]).striptags()
    assert f"Plan: Starter: {current:,} current customers" in plays
    assert "Try a move to “Plan: Pro”" in plays


def test_a_number_reads_as_a_step(tmp_path):
    rng = np.random.default_rng(34)
    frame = simulate(2500, {"b": 0.0}, seed=35)
    waits = rng.normal(5, 1, len(frame))
    leaves = rng.exponential(1 / (0.02 * np.exp(waits - 5)))
    followed = rng.uniform(1, 48, len(frame))
    frame = frame.assign(waits=waits.round(2), tenure=np.ceil(np.minimum(leaves, followed)).astype(int),
                         churned=(leaves <= followed).astype(int))  # fmt: skip
    found = rank_of(tmp_path, frame, cause("waits", "number", per=1))
    assert re.match(r"With 1 more of Waits, customers leave 2\.\d times as fast", Markup(headline(found)).striptags())


def test_the_second_reading_is_judged_at_the_level_of_the_study():
    first = Contrast("yes", "no", 0.5, 0.1, 100, 50)
    second = Contrast("yes", "no", 0.22, 0.1, 100, 50)  # z = 2.2: clear at 95%, not at 99%
    assert _two_readings(first, ((1.3, 2.0),), second, 0.95) == (1, "")
    assert _two_readings(first, ((1.3, 2.0),), second, 0.99) == (0, GONE)
