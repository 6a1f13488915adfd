"""Modules and staying: against planted truth, against counts by hand, and what must not break it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from companies import company_study
from usage_companies import CAUSES, PLANTED, company, edited, findings, settings, usage_panel

import whychurn as wc
from whychurn import display
from whychurn.analyses.feature_bands import friction_bands, seat_bands, use_bands, use_edges, without_level
from whychurn.analyses.feature_fits import IRRELEVANT, PROTECTIVE, RISKY, UNCLEAR, UNTESTED, Estimate, verdict
from whychurn.analyses.feature_models import UsageModels, without_repeats
from whychurn.analyses.feature_naive import lifetime_totals
from whychurn.analyses.feature_rows import base_rows, modules_of, raw_name, usage_adjusters
from whychurn.analyses.risk_rows import of_cause, owned
from whychurn.models import fit_cox
from whychurn.panel import Candidate

pytestmark = pytest.mark.xdist_group("companies")
MODULES = ["api", "automation", "billing", "insights", "mobile", "projects", "reporting"]


@pytest.fixture(scope="module")
def found():
    return findings("feature_usage")


def ratio(found, module, kind="total", outcome="voluntary"):
    return found.one(term=module, estimand="hazard_ratio", effect_kind=kind, outcome=outcome, method="Cox, Efron ties")


# --- Against what was planted -------------------------------------------------------------------------------


def test_the_planted_module_protects_as_much_as_was_planted_and_no_other_does(found):
    row = found.one(term="reporting", estimand="log_hazard_ratio")
    assert abs(row.estimate - PLANTED) < 2.5 * row.std_error
    assert row.estimate + 1.96 * row.std_error < -0.4
    assert ratio(found, "reporting").grade == PROTECTIVE
    assert not [m for m in MODULES[:-1] if ratio(found, m).grade in (PROTECTIVE, RISKY)]


def test_alone_modules_without_any_effect_look_protective(found):
    look = [m for m in MODULES[:-1] if ratio(found, m, "unadjusted").conf_high < 1]
    assert len(look) >= 2
    assert all(ratio(found, m).conf_high > 1 for m in look)


def test_lifetime_totals_mislead_and_what_was_known_at_the_time_does_not(found):
    naive, right = (found.one(estimand="n_protective", effect_kind=kind).estimate for kind in ("naive", "total"))
    assert right == 1
    assert naive >= 4
    method = "Cox on one row per customer, lifetime totals"
    wrong = found.one(term="mobile", estimand="hazard_ratio", effect_kind="naive", method=method)
    assert wrong.conf_high < 1 < ratio(found, "mobile").conf_high


# --- Against a fit of its own -------------------------------------------------------------------------------


def test_a_module_alone_is_a_plain_cox_model_with_errors_by_customer(found):
    _, panel = usage_panel()
    rows = panel.recorded.read(["account_id", "start", "stop", "event", "cause", "uses_28_mobile"])
    rows = rows[rows["uses_28_mobile"].notna()].assign(x=lambda f: np.log1p(f["uses_28_mobile"]))
    rows = of_cause(rows, "voluntary")
    rows = rows.assign(owner=owned(panel, rows["account_id"]))
    assert rows["owner"].nunique() < rows["account_id"].nunique()
    fit = fit_cox(rows, ["x"], time="stop", event="event", start="start", cluster="owner")
    row = ratio(found, "mobile", "unadjusted")
    used = rows["uses_28_mobile"] > 0
    usual = rows.loc[used, "uses_28_mobile"].median()
    assert row.level == f"{usual:g} uses"
    assert math.log(row.estimate) == pytest.approx(fit.params["x"] * math.log1p(usual))
    assert row.std_error == pytest.approx(fit.robust_std_errors["x"] * math.log1p(usual))
    assert row.n_accounts == rows.loc[used, "account_id"].nunique()
    assert row.n_events == rows.loc[used, "event"].sum()


def test_all_modules_stand_in_one_model_beside_earlier_tiers_and_silence(found):
    assert ratio(found, "mobile").adjusted_for.startswith("Industry, Plan, Term months, Days to renewal, Login recency")
    assert "uses of reporting" in ratio(found, "mobile").adjusted_for
    assert ratio(found, "mobile").family == "7 modules"


def test_silence_is_held_equal_although_the_study_declares_nothing_about_it():
    _, panel = usage_panel()
    bare = replace(panel, candidates=tuple(c for c in panel.candidates if c.column != "login_recency"))
    adjusters, note = usage_adjusters(bare)
    assert [c.column for c in adjusters] == ["industry", "plan", "term_months", "days_to_renewal", "login_recency"]
    assert "last login is held equal" in note


def test_amounts_of_use_are_no_adjusters_whatever_their_tier():
    _, panel = usage_panel()
    total = Candidate("uses_28", "All uses", "number", tier=1, group="use")
    module = Candidate("uses_28_mobile", "Mobile", "number", tier=3, group="mobile")
    adjusters, _ = usage_adjusters(replace(panel, candidates=(*panel.candidates, total, module)))
    assert not {"uses_28", "uses_28_mobile"} & {c.column for c in adjusters}


# --- Counted by hand ----------------------------------------------------------------------------------------


def test_adoption_depth_and_recency_are_what_one_counts_by_hand(found):
    study, panel = usage_panel()
    columns = ["account_id", "spell", "start", "stop", "adopted_mobile", "days_since_use_mobile"]
    rows = panel.recorded.read([*columns, *[f"uses_28_{m}" for m in MODULES]])
    known = rows["uses_28_mobile"].notna()
    ever = rows[(rows["adopted_mobile"] == 1) & known]["account_id"].nunique()
    row = found.one(term="mobile", estimand="ever_used")
    assert (row.numerator, row.denominator) == (ever, rows[known]["account_id"].nunique())
    days = (rows["stop"] - rows["start"])[known]
    in_use = rows["uses_28_mobile"][known] > 0
    assert found.one(term="mobile", estimand="time_in_use").estimate == pytest.approx(days[in_use].sum() / days.sum())
    total = sum(rows[f"uses_28_{m}"].sum() for m in MODULES)
    share = found.one(term="mobile", estimand="share_of_use").estimate
    assert share == pytest.approx(rows["uses_28_mobile"].sum() / total)
    last = rows.drop_duplicates(["account_id", "spell"], keep="last").reset_index(drop=True)
    now = last[(panel.accounts["followed_to"] >= pd.Timestamp(study.observed_to)) & (panel.accounts["event"] == 0)]
    assert found.one(estimand="n_customers").estimate == len(now)
    assert found.one(term="mobile", estimand="using_now").numerator == (now["uses_28_mobile"] > 0).sum()
    assert found.one(term="mobile", estimand="days_since_use").estimate == now["days_since_use_mobile"].median()


def test_who_does_not_use_what_protects_is_counted_with_revenue_and_by_plan(found):
    study, panel = usage_panel()
    rows = panel.recorded.read(["account_id", "spell", "uses_28_reporting", "plan"])
    last = rows.drop_duplicates(["account_id", "spell"], keep="last").reset_index(drop=True)
    there = (panel.accounts["followed_to"] >= pd.Timestamp(study.observed_to)) & (panel.accounts["event"] == 0)
    idle = there & (last["uses_28_reporting"] == 0)
    row = found.one(estimand="not_using", term="reporting", group="")
    assert (row.numerator, row.denominator) == (idle.sum(), there.sum())
    revenue = found.one(estimand="revenue_not_using", term="reporting", group="")
    assert revenue.estimate == pytest.approx(panel.accounts.loc[idle, "amount"].sum())
    team = found.one(estimand="not_using", term="reporting", group="Team")
    assert team.numerator == (idle & (last["plan"] == "Team")).sum()
    assert {r.term for r in found.where(estimand="not_using").rows()} == {"reporting"}


def test_lifetime_totals_are_the_uses_in_the_log():
    study, panel = usage_panel()
    module = next(m for m in modules_of(panel) if m.name == "reporting")
    raw = panel.recorded.read(["account_id", "spell", "cut_off", module.uses])
    totals = lifetime_totals(raw.rename(columns={module.uses: raw_name(module.uses)}), [module], study.interval_days)
    usage = company().frames["usage"]
    usage = usage[(usage["module"] == "reporting") & (usage["action"] == "use")]
    uses = usage.groupby("account_id")
    last = raw.drop_duplicates(["account_id", "spell"], keep="last").reset_index(drop=True)
    gap = study.tables["usage"].not_tracked[0][0]
    checked = 0
    for place, account in panel.accounts.iterrows():
        # Those who came once, after the gap in recording, and are still there: nothing is missing or stands still.
        once = account["spell"] == 1 and not account["event"] and account["started_on"].date() > gap
        if not once or account["account_id"] not in uses.groups:
            continue
        own = uses.get_group(account["account_id"])
        before = own[pd.to_datetime(own["at"]) < last["cut_off"][place]]
        assert totals[place, 0] == before["count"].sum()
        checked += 1
    assert checked > 20


# --- Bands, verdicts, models --------------------------------------------------------------------------------


def test_more_reporting_goes_with_less_leaving_band_by_band(found):
    rows = found.where(term="reporting", method="Cox, Efron ties, in bands", effect_kind="total")
    ratios = [row.estimate for row in rows.where(estimand="hazard_ratio").rows()]
    assert len(ratios) >= 2 and ratios == sorted(ratios, reverse=True)
    trend = rows.one(estimand="trend_test")
    assert trend.statistic < 0 and trend.p_value < 0.01
    shares = [row.estimate for row in found.where(term="reporting", estimand="time_share").rows()]
    assert sum(shares) == pytest.approx(1)


def test_bands_of_uses_follow_the_rule_that_is_stated():
    assert use_edges(np.repeat([0, 2, 7, 20], 25))[0] == (1, 5, 10)
    edges, rule = use_edges(np.arange(3000.0))
    assert edges[0] == 1 and len(edges) == 3 and "thirds" in rule
    assert list(use_bands(np.array([0, 1, 4, 5, 9, 10, 99.0])).values) == [
        "0",
        "1-4",
        "1-4",
        "5-9",
        "5-9",
        "10+",
        "10+",
    ]
    assert list(use_bands(np.zeros(3)).values.categories) == ["0"]


def test_seats_and_failures_in_bands():
    seats = seat_bands(np.array([0, 0.01, 0.25, 0.5, 0.75, 1.5, np.nan]))
    expected = ["none", "under 25%", "25-49%", "50-74%", "75% or more", "75% or more", "not recorded"]
    assert list(seats.values) == expected and seats.values.categories[0] == "under 25%"
    failed = friction_bands(np.array([0, 0.04, 0.05, 0.1, np.nan]))
    assert list(failed.values) == ["none", "under 5%", "5-9%", "10% or more", "no actions"]
    assert list(without_level(failed, "no actions").values)[-1] == "none"


@pytest.mark.parametrize(
    ("low", "high", "p", "events", "expected"),
    [
        (0.85, 1.2, 0.001, 50, IRRELEVANT),
        (0.5, 0.79, 0.01, 50, PROTECTIVE),
        (1.3, 2.0, 0.01, 50, RISKY),
        (0.5, 0.99, 0.06, 50, UNCLEAR),
        (0.5, 0.79, 0.01, 4, UNCLEAR),
        (0.5, 2.0, math.nan, 50, UNCLEAR),
    ],
)
def test_verdicts_follow_the_rule(low, high, p, events, expected):
    row = {"estimate": math.sqrt(low * high), "conf_low": low, "conf_high": high}
    assert verdict(row, p, events) == expected


def test_what_was_not_estimated_has_no_verdict_and_an_absurd_interval_is_no_estimate():
    assert verdict(Estimate(math.nan, math.nan, "no").columns(0.95), 0.01, 50) == UNTESTED
    wide = Estimate(-3.0, 20.0).columns(0.95)
    assert "estimate" not in wide and "factor" in wide["note"]


def small_rows(n=400, seed=1):
    rng = np.random.default_rng(seed)
    stop = np.ceil(rng.exponential(20, n))
    frame = pd.DataFrame({"account_id": np.arange(n), "spell": 1, "start": 0.0, "stop": stop, "cluster": np.arange(n)})
    frame["event"] = (rng.random(n) < 0.7).astype(int)
    return frame.assign(
        cause=np.where(frame["event"] == 1, "voluntary", ""), amount=1.0, kind=rng.choice(["a", "b"], n)
    )


def test_trend_is_a_contrast_of_the_bands():
    frame = small_rows()
    bands = pd.Categorical(np.random.default_rng(2).choice(["0", "1", "2"], len(frame)), ["0", "1", "2"])
    fit = UsageModels(frame, ()).fit("", {"own_0": bands}, adjusted=False)
    direct = fit_cox(frame.assign(b=bands), ["b"], time="stop", event="event", cluster="cluster")
    second = list(direct.term_slices["b"])[1]
    z = direct.params[second] / direct.robust_std_errors[second]  # scores -1, 0, 1: the last against the first
    assert fit.trend("own_0", ["0", "1", "2"])["statistic"] == pytest.approx(z)


def test_terms_that_repeat_each_other_or_separate_give_way_with_a_note():
    frame = small_rows()
    x = np.random.default_rng(3).normal(size=len(frame))
    perfect = np.where(frame["event"] == 1, 0.0, 1.0)
    own = {"own_0": x, "own_1": 2 * x, "own_2": perfect, "own_3": np.ones(len(frame))}
    fit = UsageModels(frame, ()).fit("voluntary", own, adjusted=False)
    assert set(fit.left) == {"own_1", "own_2", "own_3"} and "does not vary" in fit.left["own_3"]
    assert fit.number("own_0").std_error > 0
    assert math.isnan(fit.number("own_1").log_hr) and fit.number("own_1").note


def test_a_band_without_leavers_is_a_note_and_leaves_the_others_alone():
    frame = small_rows()
    bands = pd.Categorical(
        np.where(frame["event"] == 1, "low", np.where(frame.index % 2, "none", "low")), ["low", "none"]
    )
    fit = UsageModels(frame, ()).fit("", {"own_0": bands, "own_1": frame["stop"].to_numpy() % 3}, adjusted=False)
    assert "Nobody left" in fit.level("own_0", "none").note
    assert fit.number("own_1").std_error > 0


def test_joining_rows_that_agree_changes_no_estimate():
    study, panel = usage_panel()
    adjusters = tuple(c for c in panel.used if c.column in ("plan", "term_months"))
    rows = base_rows(panel, study, adjusters)
    joined = without_repeats(rows, ["plan", "term_months"])
    assert len(joined) < len(rows) / 10
    assert joined["event"].sum() == rows["event"].sum()
    assert (joined["stop"] - joined["start"]).sum() == (rows["stop"] - rows["start"]).sum()
    fits = [
        UsageModels(frame, adjusters).fit(
            "voluntary", {"own_0": (frame["account_id"].str[-1].astype(int) % 2).to_numpy(float)}
        )
        for frame in (rows, joined)
    ]
    assert fits[0].number("own_0").log_hr == pytest.approx(fits[1].number("own_0").log_hr, abs=1e-10)
    assert fits[0].number("own_0").std_error == pytest.approx(fits[1].number("own_0").std_error, rel=1e-8)


# --- What must not break it ---------------------------------------------------------------------------------


def test_without_usage_there_is_a_note():
    frames = company().frames
    study, panel = company_study(
        {name: frames[name] for name in ("accounts", "subscriptions")},
        settings(),
        causes=CAUSES[: CAUSES.rindex("[[causes]]")],
        without=[name for name in frames if name not in ("accounts", "subscriptions")],
    )
    for analysis in ("feature_usage", "onboarding"):
        table = wc.analyse(analysis, panel, study).table
        assert list(table["estimand"]) == ["left_out"] and table["note"][0]


def nobody_left(frame):
    return frame.assign(event=0, cause="")


def test_without_departures_every_ratio_is_a_note():
    study, panel = usage_panel()
    found = wc.analyse("feature_usage", edited(panel, nobody_left, accounts=60), study)
    ratios = found.where(estimand="hazard_ratio").rows()
    assert ratios and not any(row.estimated for row in ratios)
    assert all(row.note for row in ratios)
    assert found.one(term="mobile", estimand="ever_used").estimated


def test_a_module_nobody_used_and_one_recorded_twice_are_notes():
    study, panel = usage_panel()

    def edit(frame):
        return frame.assign(uses_28_api=0.0, adopted_api=0.0, uses_28_billing=frame["uses_28_projects"])

    found = wc.analyse("feature_usage", edited(panel, edit, accounts=150), study)
    assert "Nobody used it" in ratio(found, "api").note
    twins = [ratio(found, "billing"), ratio(found, "projects")]
    assert sorted(row.estimated for row in twins) == [False, True]
    assert ratio(found, "reporting").estimated


def test_forty_accounts_make_no_crash_and_no_verdict():
    study, panel = usage_panel()
    found = wc.analyse("feature_usage", edited(panel, lambda frame: frame, accounts=40), study)
    assert {row.grade for row in found.where(effect_kind="total", estimand="hazard_ratio").rows()} <= {
        UNCLEAR, IRRELEVANT, UNTESTED, "",
    }  # fmt: skip
    assert not found.where(estimand="not_using").rows()


def test_without_reasons_all_leaving_counts_once_and_the_page_says_so():
    study, panel = usage_panel()

    def edit(frame):
        return frame.assign(cause=np.where(frame["event"] == 1, "unknown", ""))

    bare = edited(panel, edit, accounts=150)
    found = wc.analyse("feature_usage", bare, study)
    assert set(found.table["outcome"]) == {"churn", ""}
    text = str(display.feature_summary(found).markup)
    assert "as no reason tells the causes apart" in text
    assert "All leaving" not in str(display.feature_table(found).markup)
    early = wc.analyse("onboarding", bare, study)
    assert set(early.table["outcome"]) == {"churn", ""}
    assert display.onboarding_milestones(early).markup
