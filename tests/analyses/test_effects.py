"""Effects against fits written out by hand, and the limits that empty levels are meant to be."""

import math

import numpy as np
import pandas as pd
import pytest
from builders import build, cause, simulate

from whychurn.analyses.effects import EffectBook
from whychurn.analyses.periods import split_at
from whychurn.analyses.rows import model_rows
from whychurn.models import fit_cox


@pytest.fixture(scope="module")
def two_causes(tmp_path_factory):
    frame = simulate(3000, {"a": 0.7, "b": -0.4}, seed=3)
    return build(tmp_path_factory.mktemp("two"), frame, cause("a", reference="0") + cause("b", reference="0", tier=2))


def test_unadjusted_and_direct_effects_equal_plain_fits(two_causes):
    _, panel = two_causes
    rows = panel.intervals.assign(a=panel.intervals["a"].astype(int), b=panel.intervals["b"].astype(int))
    book = EffectBook(panel.intervals, panel.used)
    both = fit_cox(rows, ["a", "b"], time="stop", event="event")
    alone = fit_cox(rows, ["a"], time="stop", event="event")
    a = panel.candidate("a")
    assert book.effect(a, "direct").contrast("1").log_hr == pytest.approx(both.params["a"], rel=1e-9)
    assert book.effect(a, "unadjusted").contrast("1").log_hr == pytest.approx(alone.params["a"], rel=1e-9)
    # b stands in a later tier: a's total effect does not adjust for it.
    assert book.effect(a, "total").contrast("1").log_hr == pytest.approx(alone.params["a"], rel=1e-9)


def test_simulated_effects_are_recovered(two_causes):
    _, panel = two_causes
    book = EffectBook(panel.intervals, panel.used)
    for name, truth in (("a", 0.7), ("b", -0.4)):
        contrast = book.effect(panel.candidate(name), "direct").contrast("1")
        assert abs(contrast.log_hr - truth) < 3 * contrast.std_error


def test_splitting_rows_changes_nothing(two_causes):
    _, panel = two_causes
    split, labels = split_at(panel.intervals, [6.0, 18.0])
    assert labels == ["up to 6", "6 to 18", "over 18"]
    assert split["event"].sum() == panel.intervals["event"].sum()
    assert (split["stop"] - split["start"]).sum() == panel.intervals["stop"].sum()
    before = EffectBook(panel.intervals, panel.used).effect(panel.candidate("a"), "direct").contrast("1")
    after = EffectBook(split, panel.used).effect(panel.candidate("a"), "direct").contrast("1")
    assert after.log_hr == pytest.approx(before.log_hr, rel=1e-8)
    assert after.std_error == pytest.approx(before.std_error, rel=1e-8)


def test_effect_by_period_equals_an_interaction_written_by_hand(two_causes):
    _, panel = two_causes
    split, _ = split_at(panel.intervals, [10.0])
    by_hand = split.assign(early=((split["a"] == "1") & (split["period"] == 0)).astype(int),
                           late=((split["a"] == "1") & (split["period"] == 1)).astype(int))  # fmt: skip
    fit = fit_cox(by_hand, ["early", "late"], time="stop", event="event", start="start")
    parts = EffectBook(panel.intervals, panel.used).by_period(panel.candidate("a"), [10.0], "total")
    assert parts[0][1].contrast("1").log_hr == pytest.approx(fit.params["early"], rel=1e-8)
    assert parts[1][1].contrast("1").log_hr == pytest.approx(fit.params["late"], rel=1e-8)


@pytest.fixture
def empty_level(tmp_path):
    frame = simulate(900, {"a": 0.5}, seed=5)
    rng = np.random.default_rng(6)
    frame["plan"] = rng.choice(["basic", "pro", "gold"], len(frame))
    frame.loc[frame["plan"] == "gold", "churned"] = 0
    return frame


def test_level_without_events_leaves_exactly_the_limit(empty_level, tmp_path):
    _, panel = build(tmp_path, empty_level, cause("plan", reference="basic") + cause("a", reference="0"))
    effect = EffectBook(panel.intervals, panel.used).effect(panel.candidate("plan"), "direct")
    gold = effect.contrast("gold")
    assert math.isnan(gold.log_hr)
    assert gold.limit == -1
    assert "Nobody left" in gold.note
    # One gold customer made to leave last of all gives a finite fit; as gold's rows grow lighter, pro tends to ours.
    pro = effect.contrast("pro").log_hr
    rows = panel.intervals[panel.intervals["plan"] != "gold"]
    plain = fit_cox(
        rows.assign(pro=(rows["plan"] == "pro").astype(int), a=rows["a"].astype(int)),
        ["pro", "a"],
        time="stop",
        event="event",
    )
    assert pro == pytest.approx(plain.params["pro"], rel=1e-9)


def test_reference_without_events_is_replaced_and_said(empty_level, tmp_path):
    _, panel = build(tmp_path, empty_level, cause("plan", reference="gold") + cause("a", reference="0"))
    effect = EffectBook(panel.intervals, panel.used).effect(panel.candidate("plan"), "direct")
    assert "is the reference here" in effect.note
    assert {contrast.reference for contrast in effect.contrasts} <= {"basic", "pro"}


def test_period_in_which_nobody_at_the_reference_left(tmp_path):
    frame = simulate(1500, {"a": 0.8}, seed=8)
    early = (frame["a"] == 0) & (frame["tenure"] <= 6)
    frame.loc[early, "churned"] = 0
    _, panel = build(tmp_path, frame, cause("a", reference="0"))
    parts = EffectBook(panel.intervals, panel.used).by_period(panel.candidate("a"), [6.0], "total")
    first = parts[0][1].contrast("1")
    assert math.isnan(first.log_hr)
    assert first.direction == 1
    assert "no ratio to state" in first.note
    late = panel.intervals[panel.intervals["stop"] > 6]
    plain = fit_cox(late.assign(a=late["a"].astype(int), start=6.0), ["a"], time="stop", event="event", start="start")
    assert parts[1][1].contrast("1").log_hr == pytest.approx(plain.params["a"], rel=1e-8)


def test_merging_an_aliased_level_leaves_the_other_contrasts_alone(telco_panel):
    # Merged into "No" or into "Yes": online security itself must not move, internet service absorbs the rest.
    book = EffectBook(telco_panel.intervals, telco_panel.used)
    ours = book.effect(telco_panel.candidate("online_security"), "direct").contrast("No").log_hr
    chosen = [c for c in telco_panel.used if not c.determined_by]
    coded = model_rows(telco_panel.intervals, chosen)
    name = coded.names["online_security"]
    other = coded.frame.copy()
    recorded = telco_panel.intervals["online_security"].to_numpy()
    other[name] = pd.Categorical(np.where(recorded == "No internet service", "Yes", recorded), ["Yes", "No"])
    fit = fit_cox(other, coded.terms, time="stop", event="event")
    assert float(fit.params[fit.term_slices[name][0]]) == pytest.approx(ours, rel=1e-7)


def test_missing_numbers_are_counted_not_silently_lost(tmp_path):
    frame = simulate(800, {"a": 0.5}, seed=9)
    frame["seats"] = np.random.default_rng(1).normal(50, 10, len(frame)).round(1)
    frame.loc[frame.index[:20], "seats"] = np.nan
    _, panel = build(tmp_path, frame, cause("a", reference="0") + cause("seats", "number"))
    effect = EffectBook(panel.intervals, panel.used).effect(panel.candidate("seats"), "direct")
    assert effect.rows.n_incomplete == 20
    assert "20 rows with a missing number" in effect.note


def test_a_constant_number_is_left_out_with_its_reason(tmp_path):
    frame = simulate(300, {"a": 0.5}, seed=9).assign(seats=7)
    _, panel = build(tmp_path, frame, cause("a", reference="0") + cause("seats", "number"))
    seats = panel.candidate("seats")
    assert not seats.used
    assert "same value" in seats.reason
