"""Silence and leaving: against planted truth, against fits and counts made another way, and what must not break it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from silence_companies import PLANTED, company, findings, silence_panel
from usage_companies import edited

from whychurn.analyses import inactivity
from whychurn.analyses.adjusted import adjusters_of
from whychurn.analyses.adjustment import DIRECT, adjustment_set
from whychurn.analyses.common import clustered_share
from whychurn.analyses.comparable import infinite_levels
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.inactivity_curve import Curve, average_slope, fit_curve, knots_for, spline
from whychurn.analyses.inactivity_fits import LevelFit, fit_levels
from whychurn.analyses.inactivity_lags import lags_of, shifted
from whychurn.analyses.inactivity_outlook import lead_days
from whychurn.analyses.inactivity_rows import (
    LEVELS,
    LOGIN,
    NEVER,
    TOO_NEW,
    UNRECORDED,
    USE,
    of_voluntary,
    read_at_risk,
    read_silence,
    unadjusted,
)
from whychurn.analyses.inactivity_tests import (
    CANNOT_TELL,
    DOES_NOT_HOLD,
    HOLDS,
    RISE,
    RISK,
    Part,
    Statement,
    judged,
    verdict,
)
from whychurn.analyses.inactivity_threshold import _maximise, _risk_sets, find_threshold
from whychurn.analyses.risk_rows import of_cause, recorded, risk_rows
from whychurn.findings import Findings
from whychurn.models import fit_cox
from whychurn.models.design import apply_design
from whychurn.panel import Candidate, Panel
from whychurn.panel.panel import FrameRows

pytestmark = pytest.mark.xdist_group("companies")
ALL, VOLUNTARY = "churn", "voluntary churn"


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings()


@pytest.fixture(scope="module")
def at_risk():
    study, panel = silence_panel()
    return read_at_risk(panel, study, adjusters_of(panel, ("login", "use")))


@pytest.fixture(scope="module")
def login():
    return read_silence(silence_panel()[1], LOGIN)


def band(found, level, outcome=ALL, kind="total", clock=LOGIN):
    return found.one(term=clock.term, estimand="hazard_ratio", level=level, outcome=outcome, effect_kind=kind)


# --- Against what was planted -------------------------------------------------------------------------------


def test_planted_effects_of_silence_are_found_in_voluntary_leaving(found):
    for level, truth in PLANTED.items():
        row = band(found, level, VOLUNTARY)
        assert abs(math.log(row.estimate) - truth) < 2.5 * row.std_error
    assert band(found, "30+ days", VOLUNTARY).conf_low > 2


def test_other_departures_dilute_the_ratio(found):
    assert 1 < band(found, "30+ days").estimate < band(found, "30+ days", VOLUNTARY).estimate


def test_the_statement_about_logins_holds(found):
    row = found.one(term=LOGIN.term, estimand="verdict")
    assert row.grade == HOLDS
    assert row.p_value < row.p_adjusted < 1e-6
    ratio = found.one(term=LOGIN.term, estimand="declared_ratio", outcome=ALL)
    assert (ratio.estimate, ratio.level, ratio.declared) == (band(found, "30+ days").estimate, "30+ days", "in advance")
    assert (
        found.one(term=USE.term, estimand="verdict").p_adjusted == found.one(term=USE.term, estimand="verdict").p_value
    )


def test_a_threshold_found_is_called_found_and_stands_up_among_others(found):
    rows = found.where(term=LOGIN.term, declared="found")
    assert set(rows.table["estimand"]) == {
        "threshold", "threshold_as_good", "threshold_by_fold", "threshold_gain", "held_out_ratio",
    }  # fmt: skip
    ends = {row.level: row.estimate for row in rows.where(estimand="threshold_as_good").rows()}
    best = rows.one(estimand="threshold")
    assert ends["first"] <= best.estimate <= ends["last"]
    assert math.isnan(best.conf_low)
    assert best.p_value == 1 / 500
    assert rows.one(estimand="held_out_ratio").conf_low > 1.5
    assert (rows.where(estimand="threshold_gain").table["estimate"].max()) > 0


# --- Against the same numbers made another way --------------------------------------------------------------


def own_candidate(column: str) -> Candidate:
    levels = tuple(level for level in LEVELS if level != "too new")
    return Candidate(column, "Silence", "category", 9, "silence", levels=levels, reference=levels[0])


def rows_with_silence(silence):
    study, panel = silence_panel()
    rows = risk_rows(panel, study)
    rows["silence_level"] = np.asarray(LEVELS, dtype=object)[silence.level]
    return panel, rows[silence.level != TOO_NEW].reset_index(drop=True)


def test_bands_are_a_plain_cox_model_of_all_rows_beside_the_earlier_tiers(found, login):
    panel, rows = rows_with_silence(login)
    adjusters = adjusters_of(panel, ("login", "use"))
    assert [one.column for one in adjusters] == ["industry", "plan", "term_months", "days_to_renewal"]
    own = own_candidate("silence_level")
    effect = EffectBook(rows, (own, *adjusters)).effect(own, DIRECT)
    for level in LEVELS[1:4]:
        row, contrast = band(found, level), effect.contrast(level)
        assert math.log(row.estimate) == pytest.approx(contrast.log_hr, abs=1e-6)
        assert row.std_error == pytest.approx(contrast.std_error, rel=1e-5)
        at = rows["silence_level"] == level
        assert (row.n_accounts, row.n_events) == (rows.loc[at, "account_id"].nunique(), rows.loc[at, "event"].sum())
    assert band(found, "30+ days").adjusted_for == ", ".join(one.label for one in adjusters)


def test_the_curve_is_the_natural_spline_of_formulaic_with_the_same_knots(at_risk, login):
    rows = unadjusted(at_risk)
    curve = fit_curve(rows, login, knots_for(login, rows))
    assert curve.knots == (3.0, 10.0, 21.0, 45.0)
    frame = at_risk.frame.assign(day=np.clip(np.nan_to_num(login.days), 2, 90), level=login.level)
    frame = frame[login.seen]
    term = "cr(day, knots=[10, 21], lower_bound=3, upper_bound=45, constraints='center', extrapolation='extend')"
    grid = pd.DataFrame({"day": [2.0, 5.0, 14.0, 30.0, 44.0]})
    fit = fit_cox(frame, [term], time="stop", event="event", start="start", cluster="cluster")
    design = apply_design(fit.design, grid)
    expected = (design - design[0]) @ fit.params.to_numpy()
    # Those without a number of days are in neither model.
    alone = fit_curve(rows, replace(login, level=np.where(login.seen, login.level, TOO_NEW)), curve.knots)
    log_hr, error = alone.at(grid["day"].to_numpy())
    assert log_hr == pytest.approx(expected, abs=1e-6)
    spread = design - design[0]
    variance = np.einsum("ij,jk,ik->i", spread, fit.covariance.to_numpy(), spread)
    assert error == pytest.approx(np.sqrt(variance), abs=1e-6)


def test_the_spline_is_flat_straight_and_smooth_where_it_should_be():
    knots = (3.0, 10.0, 21.0, 45.0)
    assert not spline(np.array([0.0, 1.0, 2.0]), knots).any()
    assert (spline(np.array([90.0]), knots) == spline(np.array([400.0]), knots)).all()
    beyond = spline(np.array([45.0, 60.0, 75.0, 90.0]), knots)
    assert np.diff(beyond, n=2, axis=0) == pytest.approx(0.0, abs=1e-9)
    steps = spline(np.arange(2.0, 60.0, 0.001), knots)
    assert np.abs(np.diff(steps, n=2, axis=0)).max() < 1e-6
    assert spline(np.array([7.0]), ()).tolist() == [[5.0]]


def test_the_average_slope_of_a_straight_curve_is_its_slope(at_risk, login):
    straight = Curve((), np.array([0.02]), np.array([[0.0001]]), None, None, (), "", 90)
    estimate, error = average_slope(straight, at_risk, login, 14)
    assert (estimate, error) == (pytest.approx(0.14), pytest.approx(0.07))


def test_silence_is_what_the_usage_log_says(at_risk, login):
    study, _ = silence_panel()
    usage = company().frames["usage"]
    logins = usage.loc[usage["action"] == "login", ["account_id", "at"]]
    by_account = {name: np.sort(part.dt.normalize().to_numpy()) for name, part in logins.groupby("account_id")["at"]}
    cut = pd.to_datetime(at_risk.frame["start_on"]) - pd.Timedelta(days=study.lag_days)
    checked = 0
    for place in range(0, len(cut), 97):
        if not login.seen[place]:
            continue
        days = by_account[at_risk.frame["account_id"].iloc[place]]
        before = days[days < np.datetime64(cut.iloc[place])]
        since = (cut.iloc[place] - pd.Timestamp(before[-1])).days - 1
        # Under notice a row shows what was known when notice was given.
        assert login.days[place] <= since
        checked += login.days[place] == since
    assert checked > 200


def test_levels_that_are_no_number_of_days_stay_apart(login):
    assert np.isnan(login.days[login.level >= TOO_NEW]).all()
    assert not np.isnan(login.days[login.level < TOO_NEW]).any()
    assert (np.bincount(login.level, minlength=len(LEVELS))[[TOO_NEW, NEVER, UNRECORDED]] > 0).all()


def test_shares_of_time_add_up_and_unrecorded_silence_is_counted(found):
    for clock in (LOGIN, USE):
        rows = found.where(term=clock.term, estimand="time_share")
        assert rows.table["estimate"].sum() == pytest.approx(1.0)
        assert "not counted as silent" in rows.one(level="not recorded").note
        assert rows.table["n_events"].sum() == silence_panel()[1].rows.read(["event"])["event"].sum()
        seen = rows.where(level=list(LEVELS[:4])).table["estimate"].sum()
        assert found.where(term=clock.term, estimand="time_share_week").table["estimate"].sum() == pytest.approx(seen)


def test_the_share_that_leaves_counts_nobody_twice_and_no_censored_as_staying(found, at_risk, login):
    study, panel = silence_panel()
    spells = panel.accounts.set_index(["account_id", "spell"])
    for horizon in (30, 90):
        last = pd.Timestamp(study.observed_to) - pd.Timedelta(days=1 + horizon)
        looks, left, accounts, departures = 0, 0, set(), set()
        for row, level in zip(at_risk.frame.itertuples(), login.level, strict=True):
            if level != 3 or row.start_on > last:
                continue
            spell = spells.loc[(row.account_id, row.spell)]
            gone = spell["event"] == 1 and (spell["ended_on"] - row.start_on).days <= horizon
            looks, left = looks + 1, left + gone
            accounts.add(row.account_id)
            departures |= {(row.account_id, row.spell)} if gone else set()
        found_row = found.one(term=LOGIN.term, estimand="leaving_within", level="30+ days", time=float(horizon))
        assert (found_row.denominator, found_row.numerator) == (looks, left)
        assert (found_row.n_accounts, found_row.n_events) == (len(accounts), len(departures))
        assert found_row.conf_low < found_row.estimate == left / looks < found_row.conf_high


def test_wilson_at_the_effective_number():
    hit = np.array([1] * 6 + [0] * 34)
    low, high, effective = clustered_share(hit, np.arange(40), 0.95)
    assert effective == pytest.approx(39)
    wilson = binomtest(6, 40).proportion_ci(0.95, method="wilson")
    assert (low, high) == (pytest.approx(wilson.low, abs=0.003), pytest.approx(wilson.high, abs=0.003))
    twice = clustered_share(np.repeat(hit, 5), np.repeat(np.arange(40), 5), 0.95)
    assert twice == pytest.approx((low, high, effective))
    none = clustered_share(np.zeros(50), np.repeat(np.arange(10), 5), 0.95)
    assert none[0] == 0
    assert none[1] == pytest.approx(binomtest(0, 10).proportion_ci(0.95, method="wilson").high)


def test_those_who_left_silent_and_how_early(found, at_risk, login):
    study, panel = silence_panel()
    gone = at_risk.frame.assign(days=login.days, level=login.level)[at_risk.left]
    known = gone[gone["level"] != UNRECORDED]
    row = found.one(term=LOGIN.term, estimand="silent_share_of_leavers", level="30+ days")
    assert (row.numerator, row.denominator) == ((known["days"] >= 30).sum(), len(known))
    ends = panel.accounts.set_index(["account_id", "spell"])["ended_on"]
    lead = []
    for one in known[known["days"] >= 30].itertuples():
        cut = one.start_on - pd.Timedelta(days=study.lag_days)
        reached = cut - pd.Timedelta(days=one.days - 30)
        lead.append((ends[(one.account_id, one.spell)] - reached).days)
    assert sorted(lead) == sorted(lead_days(at_risk, login, study, 30))
    median = found.one(term=LOGIN.term, estimand="lead_days", group="30+ days", level="median")
    assert median.estimate == np.median(lead)
    assert min(lead) > study.lag_days


def test_a_longer_lag_is_an_earlier_row_of_the_same_spell(at_risk, login):
    back = 3
    level = shifted(login, at_risk, back)
    frame = at_risk.frame.assign(now=login.level, then=level)
    for _, part in list(frame.groupby(["account_id", "spell"]))[:40]:
        assert (part["then"].to_numpy()[:back] == len(LEVELS)).all()
        assert part["then"].to_numpy()[back:].tolist() == part["now"].to_numpy()[:-back].tolist()
    assert shifted(login, at_risk, 0) is login.level


@pytest.mark.parametrize(
    ("lag", "interval", "expected"),
    [
        (14, 7, [(0, -1), (7, -1), (14, 0), (28, 2), (42, 4)]),
        (0, 7, [(0, 0), (7, 1), (14, 2), (28, 4), (42, 6)]),
        (14, 30, [(0, -1), (7, -1), (14, 0), (42, 1)]),
        (10, 7, [(0, -1), (7, -1), (10, 0), (14, 1), (28, 3), (42, 5)]),
    ],
)
def test_lags_are_whole_intervals_and_none_is_shorter_than_the_study(lag, interval, expected):
    study = replace(silence_panel()[0], lag_days=lag, interval_days=interval)
    assert lags_of(study) == expected


def test_shorter_lags_are_named_and_not_made_up(found):
    rows = {row.time: row for row in found.where(term=LOGIN.term, estimand="hazard_ratio_at_lag").rows()}
    assert sorted(rows) == [0, 7, 14, 28, 42]
    for lag in (0, 7):
        assert not rows[lag].estimated
        assert "would compare them by what became of them" in rows[lag].note
    assert rows[14].estimate == band(found, "30+ days").estimate
    assert rows[28].estimated


def test_the_likelihood_of_a_threshold_is_breslows(at_risk, login):
    rows = unadjusted(at_risk)
    use = login.seen
    day = np.minimum(np.nan_to_num(login.days), 90).astype(np.int64)
    sets = _risk_sets(rows, use, day, np.zeros(len(day), dtype=np.int64), np.ones(len(day)))
    grid = np.array([14, 30])
    beta = _maximise(*sets.beyond(grid), sets.departures)
    for place, limit in enumerate(grid):
        frame = at_risk.frame.assign(beyond=(day >= limit).astype(float))[use]
        fit = fit_cox(frame, ["beyond"], time="stop", event="event", start="start", ties="breslow")
        assert beta[place] == pytest.approx(fit.params["beyond"], abs=1e-6)


def test_no_threshold_is_found_where_silence_says_nothing(at_risk, login):
    rng = np.random.default_rng(5)
    rows = unadjusted(at_risk)
    order = np.flatnonzero(login.seen)
    days, level = login.days.copy(), login.level.copy()
    mixed = rng.permutation(order)
    days[order], level[order] = login.days[mixed], login.level[mixed]
    nothing = replace(login, days=days, level=level)
    found = find_threshold(rows, nothing, np.zeros(len(days)), 1, LevelFit((), (), ""))
    assert found.p_value > 0.05


# --- Verdicts -----------------------------------------------------------------------------------------------


def statement(*parts: tuple[str, float, float]) -> Statement:
    made = tuple(Part(name, "30+ days", "0-6 days", value, error, 9, 9, (), "") for name, value, error in parts)
    return Statement("S", "T", made)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(RISK, 1.0, 0.2)], HOLDS),
        ([(RISK, 0.15, 0.07)], CANNOT_TELL),  # p is .03 alone and .06 over two statements
        ([(RISK, 0.02, 0.05)], DOES_NOT_HOLD),
        ([(RISK, -0.8, 0.2)], DOES_NOT_HOLD),
        ([(RISK, 0.2, 0.3)], CANNOT_TELL),
        ([(RISK, math.nan, math.nan)], CANNOT_TELL),
        ([(RISK, 1.0, 0.2), (RISE, 0.1, 0.02)], HOLDS),
        ([(RISK, 1.0, 0.2), (RISE, 0.0, 0.01)], DOES_NOT_HOLD),
        ([(RISK, 1.0, 0.2), (RISE, 0.03, 0.03)], CANNOT_TELL),
        ([(RISK, 1.0, 0.2), (RISE, -0.2, 0.02)], DOES_NOT_HOLD),
    ],
)
def test_verdicts_follow_from_the_numbers(parts, expected):
    one, _ = judged([statement(*parts), statement((RISK, 0.0, 1.0))])
    assert verdict(one, 0.95) == expected


# --- Levels without a finite ratio --------------------------------------------------------------------------


def test_levels_are_told_apart_by_who_left_beside_whom():
    frame = pd.DataFrame(
        [
            (0, 10, 1, 0), (0, 10, 0, 1), (0, 10, 0, 2), (0, 12, 0, 0), (0, 12, 1, 1), (0, 12, 0, 2),
            (20, 30, 1, 3), (20, 30, 0, 3), (0, 5, 0, 0), (0, 5, 1, 4), (0, 5, 0, 1),
        ],
        columns=["start", "stop", "event", "level"],
    )  # fmt: skip
    # 2: nobody left; 3: nobody else was there; 4: only they left while others were.
    assert infinite_levels(frame, "level", 6) == {2: -1, 3: 0, 4: 1}


# --- What must not break it ---------------------------------------------------------------------------------


def run_on(panel: Panel) -> Findings:
    return inactivity.run(panel, silence_panel()[0])


def without(panel: Panel, *columns: str) -> Panel:
    kept = [name for name in panel.recorded.columns if name not in columns]
    return replace(panel, recorded=FrameRows(panel.recorded.read(kept)))


def test_a_study_without_one_clock_answers_by_the_other():
    _, panel = silence_panel()
    found = run_on(without(panel, LOGIN.days, LOGIN.recency))
    assert found.one(estimand="not_measured", term=LOGIN.term).note.startswith("Not recorded")
    assert len(found.where(estimand="verdict")) == 1
    assert found.one(
        term=USE.term, estimand="hazard_ratio", level="30+ days", outcome=ALL, effect_kind="total"
    ).estimated


def test_a_study_without_usage_says_so():
    _, panel = silence_panel()
    found = run_on(without(panel, LOGIN.days, LOGIN.recency, USE.days, USE.recency))
    assert len(found.where(estimand="not_measured")) == 2
    assert not len(found.where(estimand="hazard_ratio"))


def test_forty_accounts_give_findings_or_reasons():
    found = run_on(edited(silence_panel()[1], lambda rows: rows, accounts=40))
    for row in found.rows():
        assert row.estimated or row.note or row.estimand in ("joint_test", "verdict")
    assert set(found.where(estimand="verdict").table["grade"]) <= {HOLDS, DOES_NOT_HOLD, CANNOT_TELL}


def test_nobody_left():
    found = run_on(edited(silence_panel()[1], lambda rows: rows.assign(event=0, cause="")))
    assert set(found.where(estimand="verdict").table["grade"]) == {CANNOT_TELL}
    assert not found.where(estimand="hazard_ratio").table["estimate"].notna().any()
    assert found.where(estimand="hazard_ratio").table["note"].str.len().min() > 0
    assert (found.where(estimand="leaving_within").table["estimate"].dropna() == 0).all()


def test_silence_that_never_varies():
    _, panel = silence_panel()
    constant = panel.recorded.read().assign(**{LOGIN.days: 3.0, LOGIN.recency: "0-6 days"})
    found = run_on(replace(panel, recorded=FrameRows(constant)))
    row = found.one(term=LOGIN.term, estimand="hazard_ratio", outcome=ALL, effect_kind="total")
    assert not row.estimated
    assert row.note == "There is no other level to compare with."
    assert found.one(term=LOGIN.term, estimand="verdict").grade == CANNOT_TELL


def test_no_declared_cause_means_nothing_is_held_constant():
    _, panel = silence_panel()
    found = run_on(replace(panel, candidates=()))
    total, unadjusted = (band(found, "30+ days", kind=kind) for kind in ("total", "unadjusted"))
    assert (total.estimate, total.adjusted_for) == (pytest.approx(unadjusted.estimate), "")


def test_only_leavers_were_silent():
    """Perfect separation: silence of 30 days exactly on the rows that end in leaving."""
    _, panel = silence_panel()

    def split(frame: pd.DataFrame) -> pd.DataFrame:
        left = frame["event"] == 1
        return frame.assign(**{LOGIN.days: np.where(left, 40.0, 1.0), LOGIN.recency: np.where(left, "30+ days", "0-6 days")})  # fmt: skip

    found = run_on(edited(panel, split))
    row = band(found, "30+ days")
    assert not row.estimated
    assert "nobody else left" in row.note
    assert found.one(term=LOGIN.term, estimand="verdict").grade == CANNOT_TELL


def test_direct_effects_of_silence_are_those_planted(at_risk, login):
    """Beside all other groups of causes, in the model of the simulator."""
    study, panel = silence_panel()
    recency = panel.candidate("login_recency")
    rows = of_voluntary(read_at_risk(panel, study, adjustment_set(recency, panel.used, DIRECT)))
    fit = fit_levels(rows, login.level)
    for level, truth in PLANTED.items():
        contrast = fit.contrast(level)
        assert abs(contrast.log_hr - truth) < 2.5 * contrast.std_error
    by_hand = of_cause(at_risk.frame, "voluntary")["event"].sum()
    assert rows.left.sum() == by_hand
    assert len(recorded(panel, ["days_since_login"])) == len(at_risk.frame)
