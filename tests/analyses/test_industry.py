"""Industry and segments: curves against counts by hand, ratios against plain fits, and companies that break naive code."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from builders import build, cause, simulate
from companies import company_panel
from industry_companies import answered, never_ended, small_company, with_causes
from scipy.stats import norm

import whychurn as wc
from whychurn.analyses import industry
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.industry_plan import FEWEST_AT_RISK, plan_curves
from whychurn.analyses.industry_rows import RiskPieces, segments_of
from whychurn.analyses.industry_tests import difference_rows
from whychurn.analyses.risk_rows import of_cause, risk_rows
from whychurn.findings import Findings

pytestmark = pytest.mark.xdist_group("companies")


@pytest.fixture
def demo():
    return answered()


# --- Counts and curves --------------------------------------------------------------------------------------


def test_segments_are_the_causes_that_never_change_and_the_industry_is_first(demo):
    _, panel, found = demo
    segments = found.where(estimand="segment").rows()
    assert [row.term for row in segments] == ["Industry", "Number of employees", "Region", "How the customer was won"]
    assert segments[0].level == "Medical devices"
    assert segments[0].reference == "Software"
    moved = panel.rows.read(["account_id", "spell", "plan"]).groupby(["account_id", "spell"])["plan"].nunique()
    assert moved.max() > 1  # the plan is a cause too, and no segment


def test_curve_is_a_product_over_departures_counted_by_hand(demo):
    _, panel, found = demo
    mine = panel.accounts[panel.accounts["industry"] == "Retail"]
    entry, end = mine["entry"].to_numpy(), mine["entry"].to_numpy() + followed(mine)
    survival, horizon = 1.0, 366
    for day in np.unique(end[(mine["event"] == 1).to_numpy() & (end <= horizon)]):
        at_risk = ((entry < day) & (end >= day)).sum()
        survival *= 1 - ((mine["event"] == 1).to_numpy() & (end == day)).sum() / at_risk
    row = found.one(estimand="survival", term="Industry", level="Retail", time=horizon)
    assert row.estimate == pytest.approx(survival, rel=1e-9)
    assert row.denominator == ((entry < horizon) & (end >= horizon)).sum()
    left = found.one(estimand="n_events", term="Industry", level="Retail", time=horizon)
    assert left.estimate == ((mine["event"] == 1).to_numpy() & (end <= horizon)).sum()
    censored = found.one(estimand="n_censored", term="Industry", level="Retail", time=horizon)
    assert censored.estimate == ((mine["event"] == 0).to_numpy() & (end <= horizon)).sum()


def followed(accounts):
    return (accounts["followed_to"] - accounts["entered_on"]).dt.days.to_numpy()


def test_customers_are_counted_once_however_often_they_came_back(demo):
    _, panel, found = demo
    accounts = panel.accounts
    assert len(accounts) > accounts["account_id"].nunique()
    stays = found.one(estimand="stays")
    assert (stays.estimate, stays.n_accounts) == (len(accounts), accounts["account_id"].nunique())
    for level, mine in accounts.groupby("industry"):
        row = found.where(estimand="survival", term="Industry", level=level).rows()[0]
        assert row.n_accounts == mine["account_id"].nunique()
        assert row.n_events == mine["event"].sum()


def test_those_who_stay_and_those_who_left_by_any_cause_are_all(demo):
    _, _, found = demo
    for horizon in found.where(estimand="horizon", term="Industry").rows():
        for level in ("Software", "Medical devices"):
            here = found.one(estimand="survival", term="Industry", level=level, time=horizon.time)
            gone = found.where(estimand="incidence", term="Industry", level=level, time=horizon.time).table
            assert here.estimate + gone["estimate"].sum() == pytest.approx(1, abs=1e-9)


def test_horizons_are_whole_years_and_hold_their_anniversaries(demo):
    _, _, found = demo
    rows = found.where(estimand="horizon", term="Industry").rows()
    assert (rows[0].estimate, rows[0].time, rows[0].unit) == (1, 366, "years")
    assert all(row.time <= 1096 for row in rows)


def test_mean_stay_is_the_area_under_the_curve(demo):
    _, panel, found = demo
    mean = found.one(estimand="restricted_mean", term="Industry", level="Finance", time=366)
    mine = panel.accounts[panel.accounts["industry"] == "Finance"]
    entry, end, left = mine["entry"].to_numpy(), mine["entry"].to_numpy() + followed(mine), mine["event"].to_numpy()
    height, area = 1.0, 0.0
    for day in range(366):
        area += height
        at_risk = ((entry < day + 1) & (end >= day + 1)).sum()
        height *= 1 - (left[end == day + 1].sum() / at_risk if at_risk else 0)
    assert mean.estimate == pytest.approx(area, rel=1e-9)
    gap = found.one(estimand="restricted_mean_difference", term="Industry", level="Finance", time=366)
    other = found.one(estimand="restricted_mean", term="Industry", level="Software", time=366)
    assert gap.reference == "Software"
    assert gap.estimate == pytest.approx(mean.estimate - other.estimate, abs=1e-9)


# --- Ratios -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["unadjusted", "total", "direct"])
def test_joined_rows_give_the_ratios_of_the_rows_as_they_are(demo, kind):
    study, panel, found = demo
    book = EffectBook(of_cause(risk_rows(panel, study), "voluntary"), panel.used)
    plain = book.effect(panel.candidate("industry"), kind)
    assert len(plain.contrasts) == 5
    for contrast in plain.contrasts:
        row = found.one(estimand="hazard_ratio", term="Industry", outcome="voluntary churn", effect_kind=kind,
                        level=contrast.level, group="")  # fmt: skip
        assert np.log(row.estimate) == pytest.approx(contrast.log_hr, abs=1e-6)
        assert row.std_error == pytest.approx(contrast.std_error, rel=1e-5)
        assert row.n_events == contrast.n_events


def test_any_two_levels_as_if_one_were_the_reference(demo):
    study, panel, found = demo
    other = replace(panel.candidate("industry"), reference="Finance",
                    levels=("Finance", *[x for x in panel.candidate("industry").levels if x != "Finance"]))  # fmt: skip
    used = [other if c.column == "industry" else c for c in panel.used]
    contrast = (
        EffectBook(of_cause(risk_rows(panel, study), "voluntary"), used)
        .effect(other, "total")
        .contrast("Medical devices")
    )
    pairs = found.where(estimand="hazard_ratio", outcome="voluntary churn", effect_kind="total", group="all pairs")
    assert len(pairs) == 15
    row = pairs.one(level="Medical devices", reference="Finance")
    assert np.log(row.estimate) == pytest.approx(contrast.log_hr, abs=1e-6)
    assert row.std_error == pytest.approx(contrast.std_error, rel=1e-5)
    # Wide enough for all fifteen at once, and said to be found by looking.
    z = norm.isf(0.025 / 15)
    assert np.log(row.conf_high / row.estimate) == pytest.approx(z * row.std_error, rel=1e-9)
    assert row.declared == "found"
    assert min(pairs.table["p_adjusted"] - pairs.table["p_value"]) >= 0


def test_the_widest_pair_comes_first_with_the_faster_level_in_front(demo):
    _, _, found = demo
    pairs = found.where(
        estimand="hazard_ratio", outcome="voluntary churn", effect_kind="total", group="all pairs"
    ).rows()
    ratios = [row.estimate for row in pairs]
    assert min(ratios) >= 1
    assert ratios == sorted(ratios, reverse=True)


def test_planted_effects_lie_within_three_standard_errors(demo):
    _, _, found = demo
    for level, truth in (("Medical devices", 0.45), ("Finance", -0.40)):
        row = found.one(estimand="hazard_ratio", outcome="voluntary churn", effect_kind="direct", level=level, group="")
        assert abs(np.log(row.estimate) - truth) < 3 * row.std_error


def test_ratios_held_equal_tier_by_tier_stop_before_the_direct_one(demo):
    _, _, found = demo
    steps = found.where(
        estimand="hazard_ratio", effect_kind="stepwise", level="Medical devices", reference="Software"
    ).rows()
    assert [row.group for row in steps] == ["What they bought", "How they use it"]
    assert "Plan" in steps[0].adjusted_for
    assert "Open tickets" not in steps[1].adjusted_for


# --- Money and time -----------------------------------------------------------------------------------------


def test_revenue_of_levels_adds_up_to_that_of_all(demo):
    study, panel, found = demo
    for name in ("amount_now", "amount_of_leavers"):
        levels = found.where(estimand=name, term="Industry").table["estimate"].sum()
        assert levels == pytest.approx(found.one(estimand=name, term="Everyone").estimate)
    accounts = panel.accounts
    here = accounts[(accounts["industry"] == "Finance") & (accounts["event"] == 0)]
    assert found.one(estimand="amount_now", term="Industry", level="Finance").estimate == pytest.approx(
        here["amount"].sum()
    )
    gone = accounts[(accounts["industry"] == "Finance") & (accounts["event"] == 1)]["amount"].sum()
    lost = found.one(estimand="amount_of_leavers", term="Industry", level="Finance").estimate
    assert lost == pytest.approx(gone / (study.window_days / 365.25))


def test_shares_of_time_are_those_of_the_rows(demo):
    _, panel, found = demo
    rows = panel.rows.read(["start", "stop", "industry", "plan"])
    days = rows["stop"] - rows["start"]
    mine = rows["industry"] == "Logistics"
    share = days[mine & (rows["plan"] == "Starter")].sum() / days[mine].sum()
    assert found.one(estimand="time_share", level="Logistics", group="Plan: Starter").estimate == pytest.approx(share)


# --- Where curves begin -------------------------------------------------------------------------------------


def late_spells(n=60):
    """Half the customers enter on day 100 of their stay; three were there from the beginning, and one left at once."""
    early = pd.DataFrame({"start": 0.0, "stop": [5.0, 400.0, 400.0], "event": [1, 0, 0]})
    rng = np.random.default_rng(3)
    late = pd.DataFrame({"start": 100.0, "stop": rng.integers(150, 900, n).astype(float)})
    late["event"] = rng.integers(0, 2, n)
    spells = pd.concat([early, late], ignore_index=True)
    return spells.assign(account_id=[f"a{i}" for i in range(len(spells))], spell=1, cause="voluntary", amount=1.0)


class Pieces:
    """Stays that never change."""

    def constant(self, column):
        return True


def test_a_few_early_customers_do_not_decide_a_curve(demo):
    study, panel, _ = demo
    spells = pd.concat([late_spells().assign(industry=level) for level in ("Software", "Finance")], ignore_index=True)
    candidate = replace(panel.candidate("industry"), levels=("Software", "Finance"), compare="Finance")
    segments = segments_of(Pieces(), spells, [candidate])
    everyone, plans = plan_curves(spells, segments, study)
    assert everyone.since == 100
    assert plans[0].since == 100
    from whychurn.analyses.industry_curves import staying_rows

    rows = (
        Findings.from_rows(staying_rows(spells, segments[0].groups, "Industry", plans[0], 20, study))
        .where(estimand="survival")
        .rows()
    )
    assert min(row.time for row in rows) == 100
    assert rows[0].estimate == 1  # not two thirds, because one of three left on day 5
    assert "fewer than ten" in rows[0].note
    at_risk = [row.denominator for row in rows if row.time <= plans[0].ends["Finance"]]
    assert min(at_risk) >= FEWEST_AT_RISK


def test_gray_where_all_are_seen_from_the_beginning_else_the_log_rank_test(demo):
    study, panel, found = demo
    methods = set(found.where(estimand="levels_differ", outcome="voluntary churn").table["method"])
    assert methods == {"log-rank, other departures censored"}
    spells = RiskPieces(risk_rows(panel, study)).stays
    fresh = spells[spells["start"] == 0].reset_index(drop=True)
    segments = segments_of(Pieces(), fresh, panel.used[:1])
    rows = difference_rows(fresh, segments, ["voluntary", "involuntary"])
    assert [row["method"] for row in rows] == ["log-rank", "Gray's test"]
    assert 0 <= rows[1]["p_value"] <= 1


# --- Companies that break naive code ------------------------------------------------------------------------


def test_a_segment_without_departures_is_a_note():
    quiet = set(never_ended()[:25])
    _, _, found = small_company(lambda a: a["industry"].where(~a["account_id"].isin(quiet), "Quiet"))
    row = found.one(estimand="hazard_ratio", outcome="voluntary churn", effect_kind="total", level="Quiet", group="")
    assert not row.estimated
    assert "0 of 25 customers left" in row.note
    assert found.where(estimand="hazard_ratio", outcome="voluntary churn", effect_kind="total", level="Medical devices")
    curve = found.where(estimand="survival", level="Quiet").table
    assert len(curve)
    assert (curve["estimate"] == 1).all()
    assert found.one(estimand="churn_rate", outcome="churn", level="Quiet").estimate == 0


def test_small_groups_are_counted_together_and_keep_their_rows():
    def rare(accounts):
        names = accounts["industry"].to_numpy(dtype=object)
        for place in range(9):
            names[place] = ("Shoes", "Ships", "Wax")[place % 3]
        return names

    _, panel, found = small_company(rare)
    ratios = found.where(estimand="hazard_ratio", outcome="churn", effect_kind="total", term="Industry", group="")
    shoes = ratios.one(level="Shoes")
    assert not shoes.estimated
    assert "small groups together" in shoes.note
    assert shoes.n_accounts == panel.accounts.loc[panel.accounts["industry"] == "Shoes", "account_id"].nunique()
    assert any("small groups together" in row.level for row in ratios.rows())
    assert "No curve" in found.one(estimand="median", level="Shoes").note
    assert found.one(estimand="customers_now", level="Shoes").estimate <= 3


def test_two_hundred_industries_are_pooled_by_the_panel():
    _, panel, found = small_company(lambda accounts: [f"trade {i % 150}" for i in range(len(accounts))])
    assert len(panel.candidate("industry").levels) <= 12
    assert found.where(estimand="segment", term="Industry")


def test_forty_customers():
    def cut(frames):
        kept = set(frames["accounts"]["account_id"].iloc[:40])
        for name, frame in frames.items():
            if "account_id" in frame and name != "events":
                frames[name] = frame[frame["account_id"].isin(kept)].reset_index(drop=True)

    _, _, found = small_company(edit=cut)
    assert found.one(estimand="stays").n_accounts <= 40
    assert found.where(estimand="hazard_ratio", effect_kind="total")


def test_nobody_left():
    def stay(frames):
        frames["subscriptions"] = frames["subscriptions"].assign(ended_on=pd.NaT, cancelled_on=pd.NaT, end_reason=None)

    _, _, found = small_company(edit=stay)
    assert found.one(estimand="stays").n_events == 0
    ratios = found.where(estimand="hazard_ratio").table
    assert ratios["estimate"].isna().all()
    assert (found.where(estimand="survival").table["estimate"] == 1).all()


def test_an_industry_that_separates_perfectly():
    safe = set(never_ended())
    _, _, found = small_company(lambda a: np.where(a["account_id"].isin(safe), "Safe", "Doomed"))
    rows = found.where(estimand="hazard_ratio", term="Industry", effect_kind="total", group="").rows()
    assert rows
    assert not any(row.estimated for row in rows)
    assert all("Nobody" in row.note for row in rows)
    assert found.one(estimand="levels_differ", term="Industry", outcome="churn").p_value < 0.001


def test_departures_without_recorded_causes_are_compared_all_together():
    def silent(frames):
        frames["subscriptions"] = frames["subscriptions"].assign(end_reason=None)

    _, _, found = small_company(edit=silent, columns=("industry", "plan"))
    assert {row.outcome for row in found.where(estimand="segment").rows()} == {"churn"}
    assert not found.where(outcome="voluntary churn")


def test_a_study_in_which_nothing_stays_the_same():
    study, panel = company_panel()
    found = wc.analyse("industry", with_causes(panel, ("plan", "open_tickets")), study)
    assert "No declared cause stays the same" in found.one(estimand="nothing").note


def test_a_file_with_one_row_per_customer_is_not_its_business(tmp_path):
    study, panel = build(tmp_path, simulate(300, {"a": 0.5}, seed=1), cause("a", reference="0"))
    assert "studies of tables" in wc.analyse("industry", panel, study).one(estimand="nothing").note


def test_a_number_that_never_changes_is_compared_in_bands():
    study, panel = company_panel()
    number = replace(panel.candidate("size_band"), column="employees", label="Employees", kind="number", levels=(),
                     reference="", compare="", per=100.0)  # fmt: skip
    few = with_causes(panel, ("industry", "plan"))
    panel = replace(few, candidates=(*few.candidates, number))
    found = industry.run(panel, study)
    ratio = found.one(estimand="hazard_ratio", term="Employees", outcome="churn", effect_kind="total")
    assert ratio.level == "per 100 more"
    assert len(found.where(estimand="customers_now", term="Employees")) == 4
