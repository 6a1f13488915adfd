"""Accuracy on customers not seen: nothing of them leaks, the numbers are a plain recount, and what fails says why."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from builders import build, cause, simulate

import whychurn as wc
from whychurn.analyses.accuracy import POOLED, REACH
from whychurn.analyses.accuracy_rows import scored_rows
from whychurn.analyses.predictions import in_sample, out_of_fold
from whychurn.models import censoring_weights, cross_fitted_folds

pytestmark = pytest.mark.xdist_group("telco findings")
HORIZON = 12.0


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    frame = simulate(500, {"a": 1.0, "b": 0.4}, seed=21)
    frame["seats"] = np.random.default_rng(22).integers(1, 60, len(frame))
    causes = cause("a", reference="0") + cause("b", reference="0") + cause("seats", "number", per=10)
    return build(tmp_path_factory.mktemp("small"), frame, causes)


def rows_of(panel):
    return panel.intervals.reset_index(drop=True)


def test_what_happened_to_a_customer_never_reaches_the_prediction_of_that_customer(small):
    study, panel = small
    rows = rows_of(panel)
    fold = cross_fitted_folds(rows["account_id"], 5, study.seed)
    before = out_of_fold(rows, panel.used, HORIZON, 5, study.seed).risk
    changed = rows.assign(
        event=np.where(fold == 2, 1 - rows["event"], rows["event"]), stop=np.where(fold == 2, 1.0, rows["stop"])
    )
    after = out_of_fold(changed, panel.used, HORIZON, 5, study.seed).risk
    assert (after[fold == 2] == before[fold == 2]).all()
    assert (after[fold != 2] != before[fold != 2]).any()


def test_the_order_of_rows_does_not_matter(small):
    _study, panel = small
    rows = rows_of(panel)
    shuffled = rows.sample(frac=1, random_state=3).reset_index(drop=True)
    first = pd.Series(out_of_fold(rows, panel.used, HORIZON, 5, 7).risk, rows["account_id"])
    second = pd.Series(out_of_fold(shuffled, panel.used, HORIZON, 5, 7).risk, shuffled["account_id"])
    assert np.allclose(first, second.loc[first.index], rtol=0, atol=1e-9)


def test_another_seed_deals_other_folds(small):
    _study, panel = small
    rows = rows_of(panel)
    assert (
        out_of_fold(rows, panel.used, HORIZON, 5, 1).risk != out_of_fold(rows, panel.used, HORIZON, 5, 2).risk
    ).any()


def test_measures_are_a_plain_recount(small):
    study, panel = small
    found = wc.analyse("accuracy", panel, study)
    rows = rows_of(panel)
    scored = scored_rows(rows, out_of_fold(rows, panel.used, HORIZON, 5, study.seed).risk, study)
    weight = censoring_weights(scored["stop"], scored["event"], HORIZON, group=scored["band"])
    risk, left = scored["risk"].to_numpy(), scored["left_within"].to_numpy()
    cases, controls = np.flatnonzero(left == 1), np.flatnonzero((left == 0) & (weight > 0))
    right = (risk[cases, None] > risk[controls]) + 0.5 * (risk[cases, None] == risk[controls])
    area = weight[cases] @ right @ weight[controls] / weight[cases].sum() / weight[controls].sum()
    assert found.one(estimand="auc").estimate == pytest.approx(area, rel=1e-12)
    brier = (weight * (left - risk) ** 2).sum() / len(scored)
    assert found.one(estimand="brier").estimate == pytest.approx(brier, rel=1e-12)
    share = (weight * left).sum() / len(scored)
    null = (weight * (left - share) ** 2).sum() / len(scored)
    assert found.one(estimand="scaled_brier").estimate == pytest.approx(1 - brier / null, rel=1e-12)
    order = np.argsort(-risk)[:100]
    captured = (weight * left)[order].sum() / (weight * left).sum()
    assert found.one(estimand="churn_captured", level="20%").estimate == pytest.approx(captured, abs=0.01)  # ties


def test_one_assumption_on_follow_up_makes_all_numbers_agree(telco_findings):
    found = telco_findings("accuracy")
    bands = found.where(estimand="observed_risk").table
    assert len(bands) == 10
    average = (bands["estimate"] * bands["n_accounts"]).sum() / bands["n_accounts"].sum()
    assert found.one(estimand="average_risk").estimate == pytest.approx(average, rel=1e-12)
    top = found.one(estimand="churn_rate", level="10%")
    # The tenth ends among equal risks: one customer more or less.
    assert top.estimate == pytest.approx(found.one(estimand="observed_risk", level="10 (highest)").estimate, abs=0.002)
    captured = top.estimate * top.n_accounts / top.denominator / average
    assert found.one(estimand="churn_captured", level="10%").estimate == pytest.approx(captured, abs=0.002)
    assert found.one(estimand="lift", level="10%").estimate == pytest.approx(top.estimate / average, rel=1e-9)


def test_telco_as_r_finds_it(telco_findings):
    """R 4.2.2: coxph per fold, survfit by band, survival::concordance, riskRegression::Score with one curve."""
    found = telco_findings("accuracy")
    for estimand, value in [
        ("concordance", 0.8638909825),
        ("auc", 0.8764336654),
        ("brier", 0.0999617135),
        ("scaled_brier", 0.2885613431),
        ("average_risk", 0.1691018900),
    ]:
        assert found.one(estimand=estimand).estimate == pytest.approx(value, abs=2e-9), estimand
    assert found.one(estimand="concordance").std_error == pytest.approx(0.0034016528, abs=2e-9)
    pooled = found.one(estimand="auc_other_censoring", group="one censoring curve for everyone")
    assert pooled.estimate == pytest.approx(0.902045566, abs=2e-9)
    assert pooled.std_error == pytest.approx(0.004161439825, abs=2e-9)
    top = found.one(estimand="observed_risk", level="10 (highest)")
    assert [top.estimate, top.conf_low, top.conf_high] == pytest.approx(
        [0.60863435967, 0.567725691272, 0.6498228245], abs=2e-9
    )


def test_telco_says_how_far_the_number_reaches(telco_findings):
    note = telco_findings("accuracy").one(estimand="reach").note
    assert note.startswith(REACH)
    assert "All leavers are taken to be in the file." in note


def test_it_runs_twice_alike(small):
    study, panel = small
    first, second = (wc.analyse("accuracy", panel, study).table for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_noise_is_found_to_be_noise_only_out_of_fold(tmp_path):
    names = [f"x{index}" for index in range(15)]
    frame = simulate(300, dict.fromkeys(names, 0.0), seed=31)
    study, panel = build(tmp_path, frame, "".join(cause(name, reference="0") for name in names))
    found = wc.analyse("accuracy", panel, study)
    unseen, seen = found.one(estimand="auc"), found.one(estimand="auc_in_sample")
    assert unseen.conf_low < 0.5
    assert seen.estimate > 0.6 > unseen.estimate
    assert found.one(estimand="calibration_slope").estimate < 0.5


def test_nobody_like_them_left_is_a_risk_of_zero_and_an_unseen_level_is_no_risk(small):
    _study, panel = small
    rows = rows_of(panel)
    plan = np.where(rows["event"] == 0, "safe", "other").astype(object)
    plan[::2] = "other"
    plan[1] = "seen nowhere else"
    candidate = replace(panel.used[0], column="plan", levels=("other", "safe", "seen nowhere else"), reference="other")
    found = out_of_fold(rows.assign(plan=plan), [candidate, *panel.used], HORIZON, 5, 1)
    assert (found.risk[plan == "safe"] == 0).all()
    assert np.isnan(found.risk[1])
    assert np.isnan(found.risk).sum() == 1
    assert "1 of 500 customers" in found.notes[0]


def test_a_level_whose_only_leaver_is_held_out_counts_as_one_without_leavers(small):
    _study, panel = small
    rows = rows_of(panel)
    fold = cross_fitted_folds(rows["account_id"], 5, 1)
    leaver = int(np.flatnonzero(rows["event"] == 1)[0])
    plan = np.where((rows["event"] == 0) & (np.arange(len(rows)) % 3 == 0), "calm", "other").astype(object)
    plan[leaver] = "calm"
    candidate = replace(panel.used[0], column="plan", levels=("other", "calm"), reference="other")
    found = out_of_fold(rows.assign(plan=plan), [candidate, *panel.used], HORIZON, 5, 1)
    calm, with_leaver = plan == "calm", fold == fold[leaver]
    assert found.n_fitted == 5
    assert (found.risk[calm & with_leaver] == 0).all()
    assert (found.risk[calm & ~with_leaver] > 0).all()


def test_a_number_that_separates_is_named_as_the_study_names_it(tmp_path):
    frame = simulate(600, {"a": 0.5}, seed=5)
    frame["score"] = np.where(frame["churned"] == 1, 5.0, 1.0) - frame["tenure"] * 1e-6
    study, panel = build(tmp_path, frame, cause("score", "number", keep="to see what happens", label="Health score"))
    note = wc.analyse("accuracy", panel, study).one(estimand="folds_fitted").note
    assert note.startswith("5 of 5 folds (600 customers) were not predicted")
    assert "Health score" in note
    assert "v0" not in note


def test_too_few_customers_or_leavers_are_said(small):
    study, panel = small
    few = panel.with_intervals(panel.intervals.iloc[:4])
    notes = [row.note for row in wc.analyse("accuracy", few, study).rows()]
    assert any("4 customers are too few for 5 folds" in note for note in notes)
    loyal = panel.intervals.assign(event=(np.arange(len(panel.intervals)) < 9).astype(int), stop=6.0)
    found = wc.analyse("accuracy", panel.with_intervals(loyal), study)
    assert "Only 9 of 500 customers" in found.one(estimand="auc").note
    assert not found.where(estimand="observed_risk").rows()


def test_a_horizon_that_nobody_reached(small):
    study, panel = small
    found = wc.analyse("accuracy", panel, replace(study, horizon=90.0))
    assert not found.one(estimand="auc").estimated
    assert "No row is followed beyond time 90" in found.one(estimand="auc").note
    assert found.one(estimand="concordance").estimated


def test_everybody_left_by_the_horizon(small):
    study, panel = small
    gone = panel.intervals.assign(event=1, stop=np.minimum(panel.intervals["stop"], 11))
    found = wc.analyse("accuracy", panel.with_intervals(gone), study)
    assert "Nobody stayed beyond the horizon" in found.one(estimand="auc").note


def test_a_band_that_nobody_followed_to_the_horizon_falls_back_to_one_curve(small):
    study, panel = small
    recent = panel.intervals["a"] == "1"
    rows = panel.intervals.assign(
        event=np.where(recent & (panel.intervals["stop"] > 6), 0, panel.intervals["event"]),
        stop=np.where(recent, np.minimum(panel.intervals["stop"], 6), panel.intervals["stop"]),
    )
    found = wc.analyse("accuracy", panel.with_intervals(rows), study)
    assert found.one(estimand="auc").note == POOLED
    assert found.one(estimand="auc").estimated
    assert not found.one(estimand="observed_risk", level="5 (highest)").estimated
    assert not found.where(estimand="auc_other_censoring").rows()


def test_rows_that_enter_late_are_refused(small):
    study, panel = small
    late = panel.with_intervals(panel.intervals.assign(start=0.5, stop=panel.intervals["stop"] + 1))
    assert "followed from sign-up" in wc.analyse("accuracy", late, study).one(estimand="auc").note


def test_in_sample_is_one_model_for_everyone(small):
    _study, panel = small
    rows = rows_of(panel)
    found = in_sample(rows, panel.used, HORIZON)
    like = rows.groupby(["a", "b", "seats"])
    assert (pd.Series(found.risk).groupby(like.ngroup()).nunique() == 1).all()
