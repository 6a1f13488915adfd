"""The ranking against simulated truth, and how the headline contrast is chosen."""

import numpy as np
import pytest
from builders import build, cause, simulate

import whychurn as wc
from whychurn.analyses.causes import headline_contrast
from whychurn.analyses.effects import EffectBook


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
    headline, level, note = headline_contrast(effect, 0.95)
    assert headline.level == "loud"
    assert level == pytest.approx(0.975)
    assert "widened" in note


def test_declared_contrast_stands_even_if_another_is_clearer(tmp_path):
    frame = simulate(1500, {"a": 0.9}, seed=13)
    rng = np.random.default_rng(14)
    frame["plan"] = np.where(frame["a"] == 1, "loud", rng.choice(["quiet", "mid"], len(frame)))
    _, panel = build(tmp_path, frame, cause("plan", reference="quiet", compare="mid"))
    effect = EffectBook(panel.intervals, panel.used).effect(panel.candidate("plan"), "total")
    headline, level, _ = headline_contrast(effect, 0.95)
    assert (headline.level, level) == ("mid", 0.95)


def test_an_effect_that_rests_on_missing_leavers_is_weak_at_most(telco_findings):
    causes = telco_findings("causes")
    for row in causes.where(estimand="rank").rows():
        if "Not borne out" in row.note:
            assert row.grade not in ("strong", "moderate")
