"""Who leaves within the horizon at landmarks: who counts, what is estimated, and that nothing later is known earlier."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import companies
import numpy as np
import pandas as pd
import pytest
from builders import build, cause

import whychurn as wc
from whychurn.analyses.landmark_cox import baseline_rate, past_rows
from whychurn.analyses.landmark_effects import RiskDifferences
from whychurn.analyses.landmark_fit import fit_landmarks
from whychurn.analyses.landmark_forecasts import LATER, LOGISTIC, forecast_rows, split_of
from whychurn.analyses.landmark_renewal import RenewalPath, days_ahead
from whychurn.analyses.landmark_rows import RECORDED, Landmarks, landmark_rows, share_between_dates
from whychurn.analyses.risk_rows import recorded, risk_rows
from whychurn.findings import Findings
from whychurn.models import FirthFit, LogisticFit, fit_cox
from whychurn.panel import Candidate
from whychurn.panel.panel import FrameRows

pytestmark = pytest.mark.xdist_group("companies")
FEW_CAUSES = """
[[causes]]
column = "industry"
type = "category"
reference = "Software"
[[causes]]
column = "plan"
type = "category"
tier = 2
reference = "Team"
[[causes]]
column = "term_months"
type = "category"
tier = 2
reference = "1"
[[causes]]
column = "days_to_renewal"
label = "Renewal"
type = "number"
tier = 2
bands = [15, 22]
levels = { "0-14" = "just passed", "15-21" = "due this week", "22+" = "later" }
missing = "monthly term"
reference = "later"
"""


@cache
def few() -> tuple[wc.Study, wc.Panel]:
    company = companies.company()
    return companies.company_study(company.frames, companies.settings_of(), causes=FEW_CAUSES)


@cache
def rows_and_landmarks() -> tuple[pd.DataFrame, Landmarks]:
    study, panel = few()
    rows = risk_rows(panel, study)
    values = recorded(panel, ["days_to_renewal", "term_months"])
    rows = rows.assign(**{f"{RECORDED}{name}": values[name].to_numpy() for name in values})
    return rows, landmark_rows(FrameRows(rows), panel, study)


@cache
def findings() -> Findings:
    study, panel = few()
    return wc.analyse("landmarks", panel, study)


def test_who_is_there_and_who_leaves_is_counted_from_spells():
    _, panel = few()
    _, at = rows_and_landmarks()
    spells = panel.accounts
    for date, inside in at.frame.groupby("date"):
        day = pd.Timestamp(date)
        # There on the day: came by then, and service went on after it.
        there = (spells["entered_on"] <= day) & (spells["followed_to"] > day)
        left = there & (spells["event"] == 1) & ((spells["ended_on"] - day).dt.days <= 90)
        assert len(inside) == there.sum(), date
        assert inside["event"].sum() == left.sum(), date
    row = findings().one(estimand="left_within", term="Everyone")
    assert row.denominator == len(at.frame)
    assert row.n_accounts == at.frame["account_id"].nunique() < row.denominator
    assert row.conf_low < row.estimate < row.conf_high


def test_horizons_do_not_overlap():
    _, at = rows_and_landmarks()
    days = pd.to_datetime(pd.Series(at.dates))
    assert (days.diff().dropna().dt.days == 90).all()
    per_spell = at.frame.groupby(["account_id", "spell"])["event"].sum()
    assert per_spell.max() == 1  # a spell ends once


def test_a_renewal_within_the_horizon_is_that_of_the_contract():
    _, at = rows_and_landmarks()
    subs = companies.company().frames["subscriptions"].copy()
    for name in ("started_on", "ended_on", "renewal_on"):
        subs[name] = pd.to_datetime(subs[name])
    day = subs["renewal_on"].dt.strftime("%m-%d")
    subs = subs.assign(day=day.fillna(""), yearly=subs["term_months"] == 12)
    one_day = subs.groupby("account_id").agg(yearly=("yearly", "all"), days=("day", "nunique"))
    kept = one_day.index[one_day["yearly"] & (one_day["days"] == 1)]
    yearly = subs[subs["account_id"].isin(kept) & (subs["day"] != "")].groupby("account_id").first()
    frame = at.frame[at.frame["account_id"].isin(yearly.index)]
    assert len(frame) > 150
    seen = set()
    for row in frame.iloc[::3].itertuples():
        renewal = yearly.loc[row.account_id, "renewal_on"]
        while renewal > row.landmark:
            renewal -= pd.DateOffset(years=1)
        while renewal <= row.landmark:
            renewal += pd.DateOffset(years=1)
        # A leap day or the length of a month apart at most.
        days = (renewal - row.landmark).days
        if abs(days - 90) > 3:
            assert row.days_to_renewal == ("within the next 90 days" if days <= 90 else "later")
            seen.add(row.days_to_renewal)
    assert len(seen) == 2


def test_days_ahead_by_hand():
    frame = pd.DataFrame(
        {
            "landmark": pd.to_datetime(["2024-03-05", "2024-03-05", "2024-03-05", "2024-03-05"]),
            "start_on": pd.to_datetime(["2024-03-01", "2024-03-01", "2024-03-01", "2024-03-01"]),
            "start": [400, 0, 400, 400],
            f"{RECORDED}days_to_renewal": [50.0, 50.0, 10.0, np.nan],
            f"{RECORDED}term_months": [12, 12, 12, 1],
        }
    )
    # Counted from 15 days before the row (lag of 14), or from the first day of service; the landmark is 4 days into it.
    ahead = days_ahead(frame, SimpleNamespace(lag_days=14), RECORDED)
    assert ahead.tolist()[:3] == [50 - 15 - 4, 50 - 0 - 4, 10 - 15 - 4 + 365]
    assert np.isnan(ahead[3])


def test_a_renewal_path_reads_levels_off_the_days():
    path = RenewalPath(pd.Series([1.0, 14, 15, 21, 22, 300, np.nan]), pd.Series(["p", "p", "w", "w", "l", "l", "m"]))
    assert path.levels(np.array([3.0, 15.0, 20.0, 22.0, 500.0, np.nan])).tolist() == ["p", "w", "w", "l", "l", None]


def test_what_all_share_at_a_date_is_bound_to_it():
    dates = pd.Series(["a"] * 50 + ["b"] * 50)
    assert share_between_dates(dates, pd.Series(["x"] * 50 + ["y"] * 50)) == 1.0
    assert share_between_dates(dates, pd.Series(["x", "y"] * 50)) == 0.0
    study, panel = companies.company_panel()
    at = landmark_rows(FrameRows(risk_rows(panel, study)), panel, study)
    assert set(at.bound) >= {"quarter", "event_84_price_change"}
    assert "industry" not in at.bound


def test_differences_are_those_of_the_fit_itself():
    rng = np.random.default_rng(5)
    n = 900
    frame = pd.DataFrame({"v0": rng.choice(["a", "b", "c"], n), "v1": rng.normal(size=n), "cluster": np.arange(n) // 3})
    frame["v0"] = pd.Categorical(frame["v0"], ["a", "b", "c"])
    frame["event"] = (rng.random(n) < 0.15 + 0.2 * (frame["v0"] == "b") + 0.03 * frame["v1"]).astype(int)
    fit = wc.models.fit_logistic(frame, ["v0", "v1"], "event", covariance="cluster", cluster="cluster")
    mine, among = RiskDifferences(fit, frame), (frame["v1"] > -0.5).to_numpy()
    theirs = fit.average_marginal_effects("v0", among=among)
    own = mine.of_levels("v0", among)
    for (_, found), row in zip(own.items(), theirs.itertuples(), strict=True):
        assert found.estimate == pytest.approx(row.estimate, rel=1e-9)
        assert found.std_error == pytest.approx(row.std_error, rel=1e-9)
    slope = fit.average_marginal_effects("v1").iloc[0]
    assert mine.of_number("v1").estimate == pytest.approx(slope["estimate"], rel=1e-6)
    assert mine.of_number("v1").std_error == pytest.approx(slope["std_error"], rel=1e-5)


def test_the_earlier_model_does_not_know_what_came_later():
    study, panel = few()
    rows, at = rows_and_landmarks()
    split = split_of(at)
    base = {"analysis": "landmarks", "conf_level": 0.95}
    later = (at.frame["date"] >= f"{split.day:%Y-%m-%d}").to_numpy()
    turned = at.frame.assign(event=np.where(later, 1 - at.frame["event"], at.frame["event"]))
    ends = pd.to_datetime(rows["start_on"]) + pd.to_timedelta(rows["stop"] - rows["start"], unit="D")
    rows_turned = rows.assign(event=np.where(ends > split.day, 0, rows["event"]))
    first, second = (
        Findings.from_rows(forecast_rows(one, those, panel, base, study))
        for one, those in ((at, rows), (replace(at, frame=turned), rows_turned))
    )
    for estimand in ("mean_risk", "odds_ratio_past", "hazard_ratio_past", "rank_correlation"):
        before, after = (each.where(estimand=estimand).table["estimate"].to_numpy() for each in (first, second))
        assert len(before), estimand
        assert np.array_equal(before, after), estimand
    assert first.one(estimand="auc", method=LOGISTIC, group=LATER).estimate != pytest.approx(
        second.one(estimand="auc", method=LOGISTIC, group=LATER).estimate
    )


def test_past_rows_have_ended():
    rows = pd.DataFrame(
        {"start_on": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-08"]), "start": [0, 0, 0], "stop": [7, 7, 7]}
    )
    assert past_rows(rows, pd.Timestamp("2024-01-08")).index.tolist() == [0]


def test_the_split_is_by_time():
    at = Landmarks(pd.DataFrame(), (), (), (), 90, 0)
    for n, fitted in ((12, 8), (3, 2), (4, 3)):
        dates = tuple(f"2024-01-{day:02d}" for day in range(1, n + 1))
        frame = pd.DataFrame({"date": dates, "event": 0})
        split = split_of(replace(at, frame=frame, dates=dates))
        assert split.earlier["date"].tolist() == list(dates[:fitted])
        assert split.later["date"].tolist() == list(dates[fitted:])
    assert split_of(replace(at, frame=frame.head(2), dates=dates[:2])) is None


def test_a_constant_hazard_is_found_at_any_tenure():
    rng = np.random.default_rng(0)
    n, rate = 4_000, 0.001
    leaves, followed = rng.exponential(1 / rate, n), rng.uniform(50, 2_000, n)
    frame = pd.DataFrame({"stop": np.minimum(leaves, followed), "event": leaves <= followed, "x": rng.normal(size=n)})
    fit = fit_cox(frame, ["x"], time="stop", event="event")
    found = baseline_rate(fit, np.array([0.0, 300.0, 1_500.0, 1_950.0, 5_000.0]), 90.0)
    assert found == pytest.approx(np.full(5, rate), rel=0.45)
    # A stretch with many events is that of the baseline itself.
    rise = fit.baseline_cumulative_hazard([0.0, 90.0])["cumulative_hazard"].diff().iloc[-1]
    assert found[0] == pytest.approx(rise / 90, rel=0.02)


def test_effects_and_their_intervals():
    found = findings()
    renewal = found.one(estimand="odds_ratio", term="Renewal")
    assert renewal.level == "within the next 90 days"
    assert renewal.conf_low > 1  # most yearly contracts end at a renewal
    points = found.one(estimand="risk_difference", term="Renewal", level=renewal.level)
    assert 0 < points.conf_low < points.estimate < points.conf_high < 0.5
    tests = found.where(estimand="joint_test", declared="in advance").table
    assert len(tests) == 4
    assert set(tests["family"]) == {"logistic at landmarks, 4 declared causes"}
    assert (tests["p_adjusted"] >= tests["p_value"]).all()
    held = found.where(estimand="joint_test", declared="").table
    assert set(held["term"]) == {"Time as a customer", "Date of the landmark"}
    assert held["p_adjusted"].isna().all()


def test_out_of_time_beside_in_sample_and_naive():
    found = findings()
    split = found.one(estimand="split")
    assert (split.numerator, split.denominator) == (8, 12)
    later, earlier = (
        found.one(estimand="auc", method=LOGISTIC, group=group) for group in (LATER, "landmarks of the fit")
    )
    assert earlier.estimate > 0.6
    assert later.conf_low < later.estimate < later.conf_high
    assert found.one(estimand="calibration_slope", group="landmarks of the fit").estimate == pytest.approx(1, abs=0.05)
    assert found.one(estimand="brier_skill", method="earlier rate for everybody").estimate == pytest.approx(0)
    assert found.where(method="rule of silence").rows()
    bands = found.where(estimand="observed_risk").table
    assert bands["n_events"].sum() == later.n_events
    assert bands["denominator"].sum() == later.denominator
    assert found.one(estimand="bands_agreeing").denominator == len(bands)


def test_both_models_of_the_past_are_compared_level_by_level():
    found = findings()
    odds, hazards = (found.where(estimand=name).table for name in ("odds_ratio_past", "hazard_ratio_past"))
    assert odds[["term", "level", "reference"]].equals(hazards[["term", "level", "reference"]])
    same = found.one(estimand="same_sign")
    alike = ((odds["estimate"] > 1) == (hazards["estimate"] > 1)).sum()
    assert (same.numerator, same.denominator) == (alike, len(odds))
    assert "Renewal" not in set(odds["term"])
    ranks = found.one(estimand="rank_correlation")
    assert 0.5 < ranks.estimate < 1  # the two read the same causes


def test_one_landmark_cannot_be_split():
    company = companies.company()
    study, panel = companies.company_study(
        company.frames, companies.settings_of(), causes=FEW_CAUSES, edit={"horizon = 90": "horizon = 700"}
    )
    found = wc.analyse("landmarks", panel, study)
    assert "one landmark with customers" in found.one(estimand="split").note
    assert found.where(estimand="odds_ratio").rows()
    assert not found.where(estimand="auc").rows()


def test_forty_accounts_are_too_few_and_said_to_be():
    company = companies.company(40, 8_000)
    study, panel = companies.company_study(company.frames, companies.settings_of(40, 8_000), without=["usage"])
    found = wc.analyse("landmarks", panel, study)
    model = found.one(estimand="events_per_coefficient")
    assert not model.estimated
    assert "too few for a regression" in model.note
    assert found.one(estimand="left_within", term="Everyone").estimated


def test_nobody_leaves():
    company = companies.company(40, 8_000)
    subs = company.frames["subscriptions"].assign(ended_on=pd.NaT, cancelled_on=pd.NaT, end_reason=None)
    frames = {"accounts": company.frames["accounts"].drop(columns="churned"), "subscriptions": subs}
    study, panel = companies.company_study(
        frames,
        companies.settings_of(40, 8_000),
        causes=FEW_CAUSES,
        without=[name for name in company.frames if name not in frames],
    )
    found = wc.analyse("landmarks", panel, study)
    everyone = found.one(estimand="left_within", term="Everyone")
    assert everyone.estimate == everyone.n_events == 0
    assert not found.where(estimand="odds_ratio").rows()
    assert "Only 0 customers left in time" in found.one(estimand="events_per_coefficient").note


def small_landmarks(n: int = 400) -> tuple[pd.DataFrame, list[Candidate]]:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.choice(["x", "y", "z"], n), "b": rng.choice(["u", "w"], n)})
    frame["event"] = (rng.random(n) < np.where(frame["a"] == "y", 0.3, 0.1)).astype(int)
    frame["account_id"] = frame["cluster"] = np.arange(n)
    return frame, [category("a", "x", "y", "z"), category("b", "u", "w")]


def category(column: str, *levels: str) -> Candidate:
    return Candidate(column, column.upper(), "category", 1, column, levels, levels[0])


def test_a_level_without_leavers_and_a_repeated_cause_give_way():
    frame, terms = small_landmarks()
    frame.loc[frame["a"] == "z", "event"] = 0
    frame["c"] = np.where(frame["b"] == "w", "1", "0")
    twin = category("c", "0", "1")
    made = fit_landmarks(frame, [*terms, twin])
    assert isinstance(made.fit, LogisticFit)
    notes = {(left.column, left.level): left.note for left in made.rows.left}
    assert "Nobody left" in notes["a", "z"]
    assert "cannot be told apart" in notes["c", "1"]
    # Rows at the level that had to leave are predicted as at the reference.
    risk = made.predict(frame)
    same = frame.assign(a=frame["a"].replace("z", "x"))
    assert np.array_equal(risk, made.predict(same))


def test_separation_meets_a_penalty_or_gives_way():
    frame, terms = small_landmarks()
    frame["c"] = np.where((frame["a"] == "z") & (frame["event"] == 1), "1", "0")
    frame.loc[frame.index[(frame["event"] == 1)][:1], "c"] = "0"
    twin = category("c", "0", "1")
    made = fit_landmarks(frame, [*terms, twin])
    assert isinstance(made.fit, FirthFit)
    assert "Firth" in made.note
    assert np.isfinite(made.predict(frame)).all()
    many = pd.concat(
        [frame.assign(account_id=frame["account_id"] + 400 * k, cluster=frame["cluster"] + 400 * k) for k in range(6)]
    )
    made = fit_landmarks(many.reset_index(drop=True), [*terms, twin])
    assert isinstance(made.fit, LogisticFit)
    assert any("no limit" in left.note for left in made.rows.left)


def test_the_reference_stays_first_when_a_level_gives_way():
    frame, _ = small_landmarks()
    frame["d"] = np.where(frame["a"] == "x", "zero", np.where(frame["a"] == "y", "one", "two"))
    made = fit_landmarks(frame, [category("a", "x", "y", "z"), category("d", "zero", "one", "two")])
    for column in made.rows.names:
        assert made.rows.levels(column)[0] == made.rows.references[column]
    assert {left.column for left in made.rows.left} == {"d"}


def test_a_flat_study_has_no_landmarks(tmp_path):
    frame = pd.DataFrame({"id": range(60), "tenure": range(1, 61), "churned": [0, 1] * 30, "a": ["x", "y", "z"] * 20})
    study, panel = build(tmp_path, frame, cause("a"))
    assert "no landmarks" in wc.analyse("landmarks", panel, study).rows()[0].note
