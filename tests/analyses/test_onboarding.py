"""First weeks and what follows: against the log by hand, against a fit of its own, and no time that must be survived."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from usage_companies import company, edited, findings, usage_panel

import whychurn as wc
from whychurn.analyses.onboarding_effects import AfterLandmark
from whychurn.analyses.onboarding_first_use import first_uses
from whychurn.analyses.onboarding_milestones import FIRST_USE, LOGIN, milestones
from whychurn.analyses.onboarding_rows import Measures, NewCustomers, new_customers, recorded_throughout
from whychurn.models import fit_cox

pytestmark = pytest.mark.xdist_group("companies")


@pytest.fixture(scope="module")
def found():
    return findings("onboarding")


@pytest.fixture(scope="module")
def new():
    study, panel = usage_panel()
    return new_customers(panel, study, Measures.of(panel))


def module_of(new, name):
    return next(m for m in new.measures.modules if m.name == name)


def test_new_customers_are_first_spells_from_their_first_day(new, found):
    _, panel = usage_panel()
    spells = panel.accounts[(panel.accounts["entry"] == 0) & (panel.accounts["spell"] == 1)]
    assert new.n == len(spells) == found.one(estimand="n_new").estimate
    assert new.rows.groupby("customer")["start"].min().eq(0).all()
    assert np.array_equal(
        new.rows.groupby("customer")["account_id"].first().to_numpy(), spells["account_id"].to_numpy()
    )


def test_milestones_are_judged_at_the_nearest_cut_off(new):
    assert [new.judged_on(day) for day in (7, 30, 90)] == [7, 28, 91]
    monthly = replace(new, interval_days=30, lag_days=14)
    assert [monthly.judged_on(day) for day in (7, 30, 90)] == [None, None, 76]
    assert replace(new, lag_days=10).judged_on(30) == 32


def first_days(new, action, module=None):
    """Day of the first record of each new customer since it came, from the log itself."""
    usage = company().frames["usage"]
    usage = usage[usage["action"] == action]
    if module:
        usage = usage[usage["module"] == module]
    owner = new.rows.groupby("customer")["account_id"].first()
    began = pd.Series(new.started_on, index=owner.to_numpy())
    days = (pd.to_datetime(usage["at"]).dt.normalize() - usage["account_id"].map(began)).dt.days
    first = days[days >= 0].groupby(usage["account_id"]).min()
    return owner.map(first).to_numpy(dtype=float)


@pytest.mark.parametrize(("day", "judged"), [(30, 28), (90, 91)])
def test_first_uses_are_those_of_the_log(new, day, judged):
    milestone = next(
        m for m in milestones(new) if m.kind == FIRST_USE and m.module.name == "reporting" and m.day == day
    )
    assert (milestone.judged, milestone.landmark) == (judged, judged + 14)
    first = first_days(new, "use", "reporting")
    known = ~np.isnan(milestone.met)
    # Measures stand still between notice and the end: such customers are left to the panel's own tests.
    staying = known & ~(new.ended & (new.followed < judged + 45))
    assert staying.sum() > 50
    assert np.array_equal(milestone.met[staying] == 1, (first < judged)[staying])


def test_first_logins_are_those_of_the_log(new):
    milestone = next(m for m in milestones(new) if m.kind == LOGIN)
    known = ~np.isnan(milestone.met) & ~new.ended
    assert np.array_equal(milestone.met[known] == 1, (first_days(new, "login") < 7)[known])


def test_only_customers_still_there_at_the_landmark_count_and_only_leaving_after_it(new, found):
    name = "First use of reporting within 90 days"
    share = found.one(term=name, estimand="milestone_met")
    assert share.time == 105
    there = new.followed > 105
    assert share.denominator == (there & recorded_throughout(new, 91, 28)).sum()
    row = found.one(term=name, estimand="hazard_ratio", effect_kind="total", outcome="voluntary")
    assert row.numerator <= new.ended[there].sum()
    after = AfterLandmark(new, 0.95)
    rows = after.models(105, there).frame
    assert rows["start"].min() == 105 and set(rows["customer"]) == set(np.flatnonzero(there))


def test_what_happens_after_the_landmark_changes_no_milestone(new):
    study, panel = usage_panel()

    def edit(frame):
        late = frame["start"] >= 112
        return frame.assign(adopted_reporting=frame["adopted_reporting"].where(~late, 1.0))

    changed = new_customers(edited(panel, edit), study, new.measures)
    for before, after in zip(milestones(new), milestones(changed), strict=True):
        assert np.array_equal(before.met, after.met, equal_nan=True)


def test_unadjusted_ratio_is_a_landmark_cox_model(new, found):
    name = "Two or more people active within 30 days"
    milestone = next(m for m in milestones(new) if m.name == name)
    frame = pd.DataFrame(
        {
            "met": milestone.met,
            "start": 42.0,
            "stop": new.followed,
            "id": new.rows.drop_duplicates("customer", keep="last")["cluster"].to_numpy(),
            "left": new.ended.astype(int),
        }
    )
    cause = new.rows.drop_duplicates("customer", keep="last")["cause"].to_numpy()
    frame["left"] &= cause == "voluntary"
    frame = frame[frame["met"].notna()]
    fit = fit_cox(frame, ["met"], time="stop", event="left", start="start", cluster="id")
    row = found.one(term=name, estimand="hazard_ratio", effect_kind="unadjusted")
    assert np.log(row.estimate) == pytest.approx(fit.params["met"])
    assert row.std_error == pytest.approx(fit.robust_std_errors["met"])


def test_verdicts_are_adjusted_over_all_milestones(found):
    heads = [row for row in found.where(estimand="hazard_ratio").rows() if row.family]
    assert len(heads) == len(found.where(estimand="milestone_met"))
    assert {row.family for row in heads} == {f"{len(heads)} milestones"}
    assert all(row.p_adjusted >= row.p_value for row in heads if row.estimated)
    assert {row.effect_kind for row in heads if row.term != "First login within a week"} == {"direct"}


def test_early_use_points_the_way_it_was_planted_and_nothing_else_gets_a_verdict(found):
    rows = {row.term: row for row in found.where(estimand="hazard_ratio_of_amount").rows()}
    assert rows["reporting"].estimate < 1
    assert not [name for name, row in rows.items() if name != "reporting" and row.grade in ("protective", "risky")]


# --- Time to first use ------------------------------------------------------------------------------------------


def waits(adopted, ended, interval=7, lag=14):
    """New customers with one list each of what rows say of a module: 0, 1, or NaN where it was not recorded."""
    rows = []
    for customer, values in enumerate(adopted):
        for place, value in enumerate(values):
            start = place * interval
            event = int(ended[customer] and place == len(values) - 1)
            rows.append((customer, start, start + interval, start - lag, value, event))
    frame = pd.DataFrame(rows, columns=["customer", "start", "stop", "cut_off", "raw adopted_x", "event"])
    _, panel = usage_panel()
    module = replace(Measures.of(panel).modules[0], name="x", adopted="adopted_x")
    new = NewCustomers(
        rows=frame,
        started_on=np.full(len(adopted), np.datetime64("2024-01-01")),
        ended=np.array(ended),
        followed=np.array([7.0 * len(values) for values in adopted]),
        adjusters=(),
        measures=Measures((module,), "", "", ""),
        first_seen={module: np.datetime64("2024-01-01")},
        begun=np.datetime64("2024-01-01"),
        interval_days=interval,
        lag_days=lag,
    )
    return first_uses(new, module)


def test_a_wait_ends_with_use_with_leaving_or_where_nothing_more_is_known():
    found = waits(
        [
            [0, 0, 0, 0, 1, 1],  # used in the second week: known at cut-off 14
            [0, 0, 0, 0, 0],  # left on day 35
            [0, 0, 0, 0, 0],  # still there: known to wait until cut-off 14
            [0, 0, 0, 0, np.nan, 1],  # recording had a gap after cut-off 7
            [0, 0, 0, np.nan, 1],  # nothing known since the first day: no wait
            [0, 0],  # nothing known yet
        ],
        [False, True, False, False, False, False],
    )
    assert found.to_dict("list") == {
        "customer": [0, 1, 2, 3], "time": [14.0, 35.0, 14.0, 7.0], "ended": ["used", "left", "", ""],
    }  # fmt: skip


def test_curves_rise_from_the_share_that_used_it_in_the_first_week(new, found):
    rows = found.where(term="reporting", estimand="first_use").rows()
    values = [row.estimate for row in rows]
    assert values == sorted(values) and rows[0].time == 7
    first = first_days(new, "use", "reporting")
    assert values[0] == pytest.approx((first[new.followed > 21] < 7).mean(), abs=0.02)
    by_year = {row.estimand: row.estimate for row in found.where(term="reporting", time=365).rows()}
    assert 0 < by_year["left_before_use"] < 1 - by_year["first_use"]


def test_who_came_before_a_module_is_not_held_against_it(new):
    insights, reporting = module_of(new, "insights"), module_of(new, "reporting")
    assert new.late(insights) and not new.late(reporting)
    assert (new.started_on[new.could_use(insights)] >= new.first_seen[insights]).all()
    assert new.could_use(reporting).all()


# --- What must not break it -------------------------------------------------------------------------------------


def test_too_few_new_customers_are_a_note():
    study, panel = usage_panel()
    found = wc.analyse("onboarding", edited(panel, lambda frame: frame, accounts=30), study)
    assert "Only" in found.one(estimand="left_out").note
    assert found.one(estimand="n_new").estimate < 30


def test_a_milestone_that_everyone_met_is_a_note_and_no_departures_are_too():
    study, panel = usage_panel()

    def edit(frame):
        return frame.assign(adopted_mobile=1.0, event=0, cause="")

    found = wc.analyse("onboarding", edited(panel, edit, accounts=100), study)
    rows = [row for row in found.where(estimand="hazard_ratio").rows() if row.family]
    assert not any(row.estimated for row in rows) and all(row.note for row in rows)
    assert "Everyone" in found.one(term="First use of mobile within 30 days", estimand="hazard_ratio").note
    assert found.one(term="First use of mobile within 30 days", estimand="milestone_met").estimate == 1
    assert not found.where(estimand="smallest_detectable").rows()
