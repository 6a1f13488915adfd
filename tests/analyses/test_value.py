"""What a customer is worth, from ledgers whose numbers are computed by hand."""

from __future__ import annotations

import math
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import whychurn as wc
from whychurn.analyses.rates import MONTH
from whychurn.analyses.value import run
from whychurn.analyses.value.compounding import customers_after, monthly
from whychurn.analyses.value.keeping import crossing
from whychurn.findings import Findings
from whychurn.sources.from_frames import sources_from_frames

sys.path.insert(0, str(Path(__file__).parent))
from companies import company, company_panel, company_study, settings_of

pytestmark = pytest.mark.xdist_group("companies")
TEXT = """
[study]
name = "Ledger"
kind = "tables"
horizon = 30
observed_from = {begins}
observed_to = {ends}
lag_days = 7
currency = "USD"
[tables.accounts]
file = "accounts.csv"
[tables.subscriptions]
file = "subscriptions.csv"
{more}
"""
COSTS = '[tables.costs]\nfile = "costs.csv"\n'


def ledger(folder, rows, costs=None, more="", begins=date(2024, 1, 1), ends=date(2025, 1, 1)):
    """Findings of subscriptions (account, first day, end or None, mrr) and costs (account, period, winning, serving)."""
    subs = pd.DataFrame(rows, columns=["account_id", "started_on", "ended_on", "mrr"])
    subs.insert(0, "subscription_id", [f"s{place}" for place in range(len(subs))])
    frames = {"accounts": pd.DataFrame({"account_id": subs["account_id"].unique()}), "subscriptions": subs}
    if costs is not None:
        frames["costs"] = pd.DataFrame(costs, columns=["account_id", "period", "acquisition_cost", "service_cost"])
        more += COSTS
    for name in frames:
        (folder / f"{name}.csv").touch()
    (folder / "study.toml").write_text(TEXT.format(begins=begins, ends=ends, more=more), encoding="utf-8")
    study = wc.read_study(folder)
    return run(wc.build_panel(sources_from_frames(study, frames, folder), study), study)


def started(n, day=date(2024, 1, 1), end=None, mrr=100.0, prefix="a"):
    return [(f"{prefix}{place}", day, end, mrr) for place in range(n)]


def value(found: Findings, estimand, **more):
    return found.one(estimand=estimand, **more).estimate


def test_nobody_leaves_an_annuity_of_what_the_data_reach(tmp_path):
    found = ledger(tmp_path, started(30), more="[value]\nhorizon_months = 36\n")
    # 366 days hold 12 whole months of 30.4375 days.
    assert found.one(estimand="horizon").estimate == 12
    assert "no further" in found.one(estimand="horizon").note
    assert value(found, "expected_months") == pytest.approx(12)
    flat = found.one(estimand="lifetime_value", level="not discounted")
    assert flat.estimate == pytest.approx(1200)
    force = math.log(1.1) / 12
    now = found.one(estimand="lifetime_value", level="discounted at the study's yearly rate")
    assert now.estimate == pytest.approx(100 * (1 - 1 / 1.1) / force)
    assert found.one(estimand="called").level == "lifetime revenue"
    assert "Nobody left" in found.one(estimand="usual_value").note
    assert "no customers at the beginning" in found.one(estimand="gain_revenue").note


def test_half_leave_after_a_hundred_days(tmp_path):
    rows = [*started(25), *started(25, end=date(2024, 4, 10), mrr=300.0, prefix="b")]
    found = ledger(tmp_path, rows)
    days = 12 * MONTH
    # Mean of 100 and 300 for 100 days, then half of them at 100.
    assert value(found, "expected_months") == pytest.approx((100 + 0.5 * (days - 100)) / MONTH)
    flat = found.one(estimand="lifetime_value", level="not discounted").estimate
    assert flat == pytest.approx((200 * 100 + 0.5 * 100 * (days - 100)) / MONTH)
    # The usual formula is revenue per departure: 25 x 366 x 100 + 25 x 100 x 300, per month, by 25.
    assert value(found, "usual_value") == pytest.approx((366 * 100 + 100 * 300) / MONTH)
    steps = found.where(estimand="step").rows()
    assert [row.level for row in steps] == ["horizon", "tenure", "revenue", "discount"]
    end = found.one(estimand="lifetime_value", level="discounted at the study's yearly rate").estimate
    assert value(found, "usual_value") + sum(row.estimate for row in steps) == pytest.approx(end)


def monthly_costs(accounts, months, winning, serving):
    return [
        (account, date(2024, month, 1), winning if month == months[0] else 0.0, serving)
        for account in accounts
        for month in months
    ]


def test_costs_payback_and_ratio_by_hand(tmp_path):
    accounts = [f"a{place}" for place in range(30)]
    found = ledger(tmp_path, started(30), monthly_costs(accounts, range(1, 13), 160.0, 20.0))
    assert found.one(estimand="called").level == "lifetime value"
    assert value(found, "acquisition_cost") == 160
    # 12 x 20 in a year of 366 days, per average year of 365.25.
    assert value(found, "keeping_cost") == pytest.approx(240 * 365.25 / 366)
    assert value(found, "cost_ratio") == pytest.approx(160 / (240 * 365.25 / 366))
    served = 240 * MONTH / 366
    assert value(found, "payback_simple") == pytest.approx(160 / (100 - served))
    back = found.one(estimand="payback_month")
    assert back.estimate == pytest.approx(2.0, abs=0.05) and back.conf_low <= back.estimate
    flat = {row.estimand: row.estimate for row in found.where(level="not discounted").rows()}
    assert flat["lifetime_revenue"] == pytest.approx(1200)
    assert flat["lifetime_value"] == pytest.approx(
        flat["lifetime_revenue"] - flat["lifetime_service_cost"] - flat["acquisition_cost_upfront"]
    )


def test_the_profit_identity_and_its_zero_by_hand(tmp_path):
    """40 customers before the year, 10 of whom leave half-way; 20 come at half-time; each costs 2000 to win."""
    half = date(2024, 7, 1)
    rows = [
        *started(30, date(2023, 1, 1)),
        *started(10, date(2023, 1, 1), end=half, prefix="b"),
        *started(20, half, prefix="c"),
    ]
    costs = [(f"c{place}", half, 2000.0, None) for place in range(20)]
    found = ledger(tmp_path, rows, costs)
    customers = 30 + 10 * 182 / 366 + 20 * 184 / 366
    assert value(found, "average_customers") == pytest.approx(customers)
    profit = customers * 12 * 100 - 20 * 2000
    assert value(found, "profit") == pytest.approx(profit)
    retention = found.one(estimand="retention")
    assert (retention.numerator, retention.denominator) == (30, 40)
    # Each customer kept more is half a year more: 40 x 12 x 100 / 2 per unit of retention.
    zero = found.one(estimand="zero_retention")
    assert zero.estimate == pytest.approx(0.75 - profit / (40 * 12 * 100 / 2))
    # In the long run: zero where monthly churn is 100 / 2000.
    assert value(found, "long_run_zero") == pytest.approx((1 - 100 / 2000) ** 12)
    assert sum(row.estimate for row in found.where(estimand="month_profit").rows()) == pytest.approx(profit)
    line = found.where(estimand="profit_at_retention").rows()
    at = {round(row.time, 2): row.estimate for row in line}
    assert at[0.75] == pytest.approx(profit)
    assert value(found, "stand_still_customers") == pytest.approx(10 / 12)
    assert value(found, "won_per_month") == pytest.approx(20 / 12)


def test_compounding_has_closed_forms(tmp_path):
    assert customers_after(100, 10, 0.1, [0, 5, 60]) == pytest.approx([100, 100, 100])
    assert customers_after(100, 0, 0.5, [2])[0] == 25
    assert customers_after(100, 3, 0.0, [10])[0] == 130
    assert monthly(0.5) == pytest.approx(1 - 0.5 ** (1 / 12))
    rows = [*started(15, date(2023, 1, 1)), *started(5, date(2023, 1, 1), end=date(2024, 7, 1), prefix="b"),
            *started(12, date(2024, 7, 1), prefix="c")]  # fmt: skip
    found = ledger(tmp_path, rows)
    # 75% a year; 27 customers at the end, one new a month.
    now, more = monthly(0.75), monthly(0.80)
    for month in (10, 20, 60):
        gain = customers_after(27, 1, more, [month])[0] - customers_after(27, 1, now, [month])[0]
        assert value(found, "gain_revenue", time=float(month)) == pytest.approx(100 * gain)
    gains = [row.estimate for row in found.where(estimand="gain_revenue").rows()]
    assert gains == sorted(gains)
    assert value(found, "steady_state", time=1.0) == pytest.approx(100 * 1 / now)
    assert value(found, "steady_state", time=0.5) == pytest.approx(2 * value(found, "steady_state", time=1.0))
    assert not found.where(estimand="gain_profit").rows(), "without costs there is no profit"
    assert "No costs" in found.one(estimand="zero_retention").note


def test_who_leaves_and_returns_within_the_year_is_kept_and_not_won_again(tmp_path):
    """All 20 are there at both ends, 5 of them after half a year away; 6 were gone before and 4 of them come back."""
    rows = [*started(15, date(2023, 1, 1)), *started(5, date(2023, 1, 1), end=date(2024, 2, 1), prefix="b"),
            *started(5, date(2024, 8, 1), prefix="b"), *started(6, date(2022, 1, 1), end=date(2023, 6, 1), prefix="c"),
            *started(4, date(2024, 5, 1), prefix="c"), *started(8, date(2024, 7, 1), prefix="d")]  # fmt: skip
    found = ledger(tmp_path, rows)
    assert value(found, "yearly_retention", level="retention as it is") == 1
    new = found.one(estimand="new_per_month")
    assert (new.numerator, new.denominator, new.estimate) == (12, 12, 1)
    # Nobody is lost: in a year those of today and twelve more.
    assert value(found, "recurring_revenue", level="retention as it is", time=12.0) == pytest.approx(100 * (32 + 12))


def test_a_payback_between_two_points():
    line = [{"time": 0.0, "v": -10.0}, {"time": 1.0, "v": -2.0}, {"time": 2.0, "v": 6.0}]
    assert crossing(line, "v") == 1.25
    assert math.isnan(crossing(line[:2], "v"))
    assert crossing(line[2:], "v") == 2.0


def test_costs_of_the_whole_company_are_shared_out(tmp_path):
    costs = [(None, date(2024, 1, 1), 3000.0, 600.0), (None, date(2024, 2, 1), 0.0, 300.0)]
    found = ledger(tmp_path, started(30), costs)
    assert value(found, "acquisition_cost") == pytest.approx(100)
    # 900 for 30 customers in 60 days.
    assert value(found, "keeping_cost") == pytest.approx(900 / 30 / 60 * 365.25)


def test_a_customer_without_a_record_when_it_began_has_no_recorded_cost(tmp_path):
    costs = [("a0", date(2024, 1, 1), 90.0, None), ("a1", date(2024, 2, 1), 0.0, None)]
    found = ledger(tmp_path, started(30), costs)
    assert value(found, "acquisition_cost") == 90
    recorded = found.one(estimand="acquisition_recorded")
    assert (recorded.estimate, recorded.denominator) == (1, 30)


def test_revenue_by_age_counts_expansion(tmp_path):
    rows = [(f"a{i}", date(2024, 1, 1), date(2024, 7, 1), 100.0) for i in range(30)]
    rows += [(f"a{i}", date(2024, 7, 1), None, 200.0) for i in range(30)]
    found = ledger(tmp_path, rows)
    days = 12 * MONTH
    flat = found.one(estimand="lifetime_value", level="not discounted").estimate
    assert flat == pytest.approx((182 * 100 + (days - 182) * 200) / MONTH)


def test_free_customers_and_missing_amounts(tmp_path):
    (tmp_path / "free").mkdir()
    free = ledger(tmp_path / "free", started(30, mrr=0.0))
    assert free.one(estimand="lifetime_value", level="not discounted").estimate == 0
    (tmp_path / "none").mkdir()
    none = ledger(tmp_path / "none", started(30, mrr=None))
    assert "No subscription has an amount" in none.one(estimand="lifetime_value").note
    assert value(none, "expected_months") == pytest.approx(12)


def test_a_gross_margin_stands_in_for_costs(tmp_path):
    found = ledger(tmp_path, started(30), more="[value]\ngross_margin = 0.8\ndiscount_rate = 0\n")
    assert found.one(estimand="called").level == "lifetime gross profit"
    assert found.one(estimand="lifetime_value", level="not discounted").estimate == pytest.approx(960)
    assert found.one(
        estimand="lifetime_value", level="discounted at the study's yearly rate"
    ).estimate == pytest.approx(960)


def test_too_little_is_said(tmp_path):
    month = ledger(tmp_path, started(30, date(2024, 1, 1)), ends=date(2024, 1, 29))
    assert "at every age up to one month" in month.one(estimand="lifetime_value").note
    (tmp_path / "few").mkdir()
    few = ledger(tmp_path / "few", started(3))
    assert "3 customers began" in few.one(estimand="lifetime_value").note
    (tmp_path / "old").mkdir()
    old = ledger(tmp_path / "old", started(40, date(2020, 1, 1)))
    assert "0 customers began" in old.one(estimand="lifetime_value").note


def test_a_simulated_company(tmp_path):
    study, panel = company_panel()
    found = run(panel, study)
    worth = found.one(estimand="lifetime_value", level="discounted at the study's yearly rate")
    assert worth.conf_low < worth.estimate < worth.conf_high
    assert worth.n_accounts == panel.accounts.loc[panel.accounts["spell"] == 1, "account_id"].nunique()
    steps = sum(row.estimate for row in found.where(estimand="step").rows())
    assert value(found, "usual_value") + steps == pytest.approx(worth.estimate)
    curve = found.where(estimand="cumulative_value").rows()
    assert curve[-1].estimate == pytest.approx(worth.estimate)
    assert curve[0].estimate == pytest.approx(-value(found, "acquisition_cost"))
    tests = found.where(estimand="segment_test").rows()
    assert tests and all(row.p_adjusted >= row.p_value for row in tests)


def test_without_costs_it_is_revenue():
    study, panel = company_study(company().frames, settings_of(), without=["costs"])
    found = run(panel, study)
    assert found.one(estimand="called").level == "lifetime revenue"
    assert not found.where(estimand="acquisition_cost").rows()[0].estimated
