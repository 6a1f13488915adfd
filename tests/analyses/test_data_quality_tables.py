"""What the data-quality page says of a study of tables: every number counted again by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from quality_panel import small_accounts, small_coverage, small_panel, small_rows, small_study
from scipy.stats import poisson

import whychurn as wc
from whychurn.analyses.data_quality_base import entry_rows
from whychurn.analyses.rates import rate_row
from whychurn.findings import Findings
from whychurn.panel import Candidate
from whychurn.panel.panel import FrameRows

pytestmark = pytest.mark.xdist_group("small tables")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return small_study(tmp_path_factory.mktemp("quality") / "small")


@pytest.fixture(scope="module")
def found(study) -> Findings:
    return wc.analyse("data_quality", small_panel(), study)


def test_customers_spells_and_leavers_are_counted_apart(found):
    assert found.one(estimand="n_customers").estimate == 110
    assert found.one(estimand="n_spells").estimate == 120
    assert found.one(estimand="n_several_spells").estimate == 10
    assert found.one(estimand="n_customers_left").estimate == 40
    verdict = found.one(estimand="verdict")
    assert (verdict.n_accounts, verdict.n_events, verdict.grade) == (110, 40, "usable with caveats")


def test_churn_is_leavers_per_time_at_risk_in_the_window(found):
    days = 40 * 366 + 40 * 184 + 40 * 91
    row = found.one(estimand="churn_rate")
    assert row.estimate == pytest.approx(100 * 40 / (days / 365.25))
    assert found.one(estimand="customer_years").estimate == pytest.approx(days / 365.25)


@pytest.mark.parametrize("events", [0, 1, 40])
def test_the_interval_of_a_rate_is_the_exact_poisson_one(events):
    row = rate_row([1] * events + [0] * 60, [36525.0 / (events + 60)] * (events + 60), 0.95)
    assert (row["numerator"], row["method"]) == (events, "exact Poisson")
    low, high = row["conf_low"], row["conf_high"]
    assert poisson.cdf(events, high) == pytest.approx(0.025)
    assert low == 0.0 if events == 0 else poisson.sf(events - 1, low) == pytest.approx(0.025)


def test_a_rate_without_time_at_risk_is_empty_with_a_note():
    for nobody in ([], [0.0]):
        assert "estimate" not in rate_row(nobody, nobody, 0.95)
        assert rate_row(nobody, nobody, 0.95)["note"] == "Nobody was at risk."


def test_the_interval_of_a_rate_has_customers_as_clusters_where_some_left_twice():
    row = rate_row([2, 0, 1, 0], [400.0, 365.0, 200.0, 365.0], 0.95)
    rate = 3 / 1330
    surplus = [2 - rate * 400, rate * 365, 1 - rate * 200, rate * 365]
    error = (sum(one * one for one in surplus) / 9 * 4 / 3) ** 0.5
    assert row["estimate"] == pytest.approx(100 * 365.25 * rate)
    assert row["conf_high"] / row["estimate"] == pytest.approx(math.exp(1.959964 * error), rel=1e-6)
    assert row["estimate"] / row["conf_low"] == pytest.approx(math.exp(1.959964 * error), rel=1e-6)
    assert row["method"] == "clustered by customer, as some left more than once"
    assert row["method"] in row["definition"]


def test_the_clustered_interval_is_that_of_a_robust_poisson_model():
    draw = np.random.default_rng(7)
    days = draw.integers(30, 1000, size=400).astype(float)
    left = draw.poisson(days / 900 * draw.gamma(0.5, 2, size=400))
    model = sm.GLM(left, np.ones(400), family=sm.families.Poisson(), offset=np.log(days / 36525))
    fitted = model.fit(cov_type="cluster", cov_kwds={"groups": np.arange(400)}, tol=1e-12)
    low, high = np.exp(np.asarray(fitted.conf_int())[0])
    row = rate_row(left, days, 0.95)
    # The model corrects for few clusters by G / (G - 1) x (n - 1) / (n - k), which is the same here.
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high), rel=1e-6)
    assert row["conf_high"] - row["conf_low"] > 1.2 * (
        np.subtract(*poisson_limits(int(left.sum()))[::-1]) * 36525 / days.sum()
    )


def poisson_limits(events: int) -> tuple[float, float]:
    row = rate_row([1] * events, [36525.0 / events] * events, 0.95)
    return row["conf_low"], row["conf_high"]


def test_one_customer_who_left_twice_has_a_rate_without_an_interval():
    row = rate_row([2], [365.25], 0.95)
    assert row["estimate"] == pytest.approx(200)
    assert math.isnan(row["conf_low"]) and math.isnan(row["conf_high"])


def test_leavers_by_cause_and_reason(found):
    shares = {row.level: row.estimate for row in found.where(estimand="share_of_leavers").rows()}
    assert shares == {"involuntary": 0.5, "voluntary": 0.5}
    reasons = {(row.group, row.level): (row.estimate, row.grade) for row in found.where(estimand="leavers").rows()}
    assert reasons == {("involuntary", "payment overdue"): (20, ""), ("voluntary", "price"): (20, "controllable")}


def test_money_of_those_who_stay_and_of_those_who_left(found):
    assert found.one(estimand="amount_current").estimate == 8000
    assert found.one(estimand="amount_lost").estimate == 2000


def test_unknown_money_is_said_and_no_money_at_all_is_silent(study):
    accounts = small_accounts()
    accounts.loc[accounts.index[:3], "amount"] = float("nan")
    some = wc.analyse("data_quality", small_panel(accounts=accounts), study)
    assert some.one(estimand="amount_current").estimate == 7700
    assert some.one(estimand="amount_current").note == "3 without a recorded amount count as nothing."
    none = wc.analyse("data_quality", small_panel(accounts=accounts.assign(amount=float("nan"))), study)
    assert len(none.where(estimand="amount_current")) == 0


def test_late_entry_is_spells_and_time_before_the_window(found):
    late = found.one(estimand="entered_late", term="Everyone")
    assert (late.numerator, late.denominator) == (40, 120)
    seen = found.one(estimand="time_observed")
    assert seen.denominator - seen.numerator == 40 * 100
    assert found.one(estimand="median_entry").estimate == 100


def test_spells_at_risk_by_tenure_are_a_plain_recount(found):
    accounts = small_accounts()
    rows = found.where(estimand="n_at_risk").rows()
    assert len(rows) > 10
    for row in rows:
        assert row.estimate == ((accounts["entry"] <= row.time) & (accounts["duration"] > row.time)).sum()


def test_customers_by_month_are_a_plain_recount(found):
    customers = {row.level: row.estimate for row in found.where(estimand="n_customers_in_month").rows()}
    leavers = {row.level: row.estimate for row in found.where(estimand="n_leavers_in_month").rows()}
    assert list(customers) == [str(month) for month in pd.period_range("2024-01", "2024-12", freq="M")]
    # Ten of those who leave on 1 July return on that day.
    assert [customers[f"2024-{month:02d}"] for month in (3, 4, 6, 7, 8)] == [40, 80, 80, 110, 80]
    assert {month for month, count in leavers.items() if count} == {"2024-07"}
    assert leavers["2024-07"] == 40


def test_no_month_has_more_leavers_than_customers(study):
    accounts = small_accounts()
    accounts = accounts[accounts["event"] == 1]  # all of them leave on the first day of July
    twice = accounts.head(3).assign(spell=2, entered_on=pd.Timestamp("2024-07-05"), duration=10, entry=0)
    everybody = pd.concat([accounts, twice], ignore_index=True)
    rows = FrameRows(small_rows(everybody.assign(started_on=everybody["entered_on"])))
    found = wc.analyse("data_quality", small_panel(accounts=everybody, rows=rows), study)
    customers, leavers = (
        {row.level: row.estimate for row in found.where(estimand=name).rows()}
        for name in ("n_customers_in_month", "n_leavers_in_month")
    )
    assert (customers["2024-07"], leavers["2024-07"]) == (40, 40)
    assert all(leavers[month] <= customers[month] for month in customers)
    assert found.one(estimand="n_customers_left").estimate == 40
    assert found.one(estimand="n_customers").n_events == 43


def test_what_was_not_recorded_is_a_share_of_the_months_days(found):
    shares = {row.level: row.estimate for row in found.where(estimand="recorded_share", term="usage").rows()}
    assert shares == {"2024-01": 0.0, "2024-02": 0.0, "2024-06": pytest.approx(20 / 30)}
    assert found.one(estimand="gap", term="usage").estimate == 10
    assert found.one(estimand="table_held", term="usage").grade == "begins after the window"
    assert found.one(estimand="table_held", term="tickets").declared == "first record"


def test_a_day_of_recording_that_the_reader_found_counts_more_than_a_month(study):
    panel = small_panel(provenance={"tracked_from": {"tickets": "2024-01-20"}})
    found = wc.analyse("data_quality", panel, study)
    assert found.one(estimand="table_held", term="tickets").note == "2024-01-20"
    assert found.one(estimand="recorded_share", term="tickets").estimate == pytest.approx(12 / 31)


def test_a_month_with_hardly_any_record_is_found(found, study):
    thin = found.where(estimand="thin_month").rows()
    assert [(row.term, row.level) for row in thin] == [("tickets", "2024-09")]
    assert (thin[0].estimate, thin[0].denominator) == (5 / 80, 1.5)
    even = small_coverage().assign(records=100)
    assert len(wc.analyse("data_quality", _with(coverage=even), study).where(estimand="thin_month")) == 0


def test_tables_that_are_not_there_say_what_they_would_unlock(found):
    rows = {row.term: row.definition for row in found.where(estimand="table_missing").rows()}
    assert set(rows) == {"surveys", "interventions", "interactions", "events", "costs"}
    assert rows["interventions"] == "which attempts to save a customer work"
    held = [row.term for row in found.where(estimand="table_held").rows()]
    assert held == ["accounts", "subscriptions", "usage", "tickets", "payments"]


def test_a_log_without_any_record_was_never_recorded(found):
    shares = found.where(estimand="recorded_share", term="payments").rows()
    assert len(shares) == 0  # the coverage does not list it, so nothing is claimed of its months
    assert found.one(estimand="table_held", term="payments").note == ""


def test_every_definition_stands_beside_the_studys_own(found):
    own, other = found.where(estimand="definition_rate").rows()
    assert (own.grade, own.n_events, other.n_events) == ("used by the study", 40, 70)
    assert (own.method, other.method) == ("exact Poisson", "clustered by customer, as some left more than once")
    assert own.estimate == found.one(estimand="churn_rate").estimate
    assert other.note == (
        "Gone from the day the term ends; every break counts; gone as well 60 days after a payment was due and not made."
    )


def test_follow_up_differs_where_groups_came_at_different_times(found):
    plan, region = (found.one(estimand="follow_up_ratio", term=term) for term in ("Plan", "Region"))
    assert (plan.grade, plan.level, plan.reference) == ("differs", "pro", "basic")
    assert (plan.numerator, plan.denominator) == (366, (184 + 275) / 2)
    assert (region.grade, region.estimate) == ("alike", 1.0)
    assert found.one(estimand="censored_share", term="Plan", level="basic").estimate == 0.5
    assert found.one(estimand="days_at_risk", term="Plan", level="pro").estimate == 40 * 366
    assert plan.note == "as at entry"  # a measure, not an attribute
    assert region.note == ""


def test_follow_up_is_compared_by_what_was_so_at_entry(study):
    accounts = small_accounts()
    rows = small_rows(accounts)
    last = ~rows.duplicated(["account_id", "spell", "start_on"], keep="last") & (rows["start_on"] > "2024-12-20")
    rows.loc[last, "plan"] = "changed"
    found = wc.analyse(
        "data_quality", small_panel(accounts=accounts.assign(plan="changed"), rows=FrameRows(rows)), study
    )
    plan = found.one(estimand="follow_up_ratio", term="Plan")
    assert (plan.level, plan.reference, plan.numerator) == ("pro", "basic", 366)
    assert {row.level for row in found.where(estimand="possible_follow_up", term="Plan").rows()} == {"basic", "pro"}


def test_those_without_a_value_at_entry_are_listed_but_not_compared(study):
    rows = small_rows(small_accounts())
    rows.loc[rows["account_id"].str.startswith("left"), "plan"] = "(missing)"
    found = wc.analyse("data_quality", small_panel(rows=FrameRows(rows)), study)
    plan = found.one(estimand="follow_up_ratio", term="Plan")
    assert (plan.level, plan.reference) == ("pro", "basic")
    assert found.one(estimand="possible_follow_up", term="Plan", level="(missing)").n_accounts == 30


def test_the_first_row_of_every_spell_is_found():
    rows = small_rows(small_accounts())
    sizes = (rows["start"].diff() != 7) | (rows["start_on"].diff() != pd.Timedelta(days=7))
    assert list(entry_rows(rows)) == list(sizes)
    assert entry_rows(rows).sum() == 120
    assert len(entry_rows(rows.head(0))) == 0


def test_small_groups_and_candidates_without_groups_are_not_compared(study):
    accounts = small_accounts().assign(few=["a"] * 10 + ["b"] * 110, number=1.0)
    candidates = (
        Candidate("few", "Few", "category", 1, "few", levels=("a", "b")),
        Candidate("number", "Number", "number", 1, "number"),
    )
    found = wc.analyse("data_quality", small_panel(accounts=accounts, candidates=candidates), study)
    assert [(row.term, row.grade) for row in found.where(estimand="follow_up_ratio").rows()] == [
        ("Few", "not compared")
    ]


def test_the_parts_of_every_measure_add_up_to_all_rows(found):
    n = len(small_rows(small_accounts()))
    parts = ("known_share", "not_tracked_share", "notice_share", "nothing_share")
    for name in ("logins_28", "days_since_login", "open_tickets", "plan"):
        assert sum(found.one(estimand=part, level=name).numerator for part in parts) == n


def test_why_a_measure_is_unknown(found):
    rows = small_rows(small_accounts())
    logins = {part: found.one(estimand=part, level="logins_28") for part in ("known_share", "not_tracked_share")}
    assert logins["known_share"].numerator == rows["logins_28"].notna().sum()
    assert logins["not_tracked_share"].numerator == rows["logins_28"].isna().sum()
    # Those under notice had earlier rows: it is not for the notice that nothing is known of them.
    assert found.one(estimand="notice_share", level="open_tickets").numerator == 0
    assert found.one(estimand="nothing_share", level="open_tickets").numerator == 40
    assert found.one(estimand="rows_under_notice").numerator == 40


def test_under_notice_from_the_first_row_on_nothing_is_known_of_what_stands_still(study):
    rows = small_rows(small_accounts())
    whole = (rows["account_id"] == "left20").to_numpy()
    part = (rows["account_id"] == "old03").to_numpy()
    later = part & (rows["start_on"] >= "2024-03-10").to_numpy()
    rows.loc[whole | later, "under_notice"] = 1
    rows.loc[whole, ["logins_28", "open_tickets"]] = float("nan")
    rows.loc[whole, "plan"] = None
    rows.loc[later, "logins_28"] = float("nan")
    found = wc.analyse("data_quality", small_panel(rows=FrameRows(rows)), study)
    assert found.one(estimand="notice_share", level="logins_28").numerator == whole.sum()
    assert found.one(estimand="notice_share", level="open_tickets").numerator == whole.sum()
    # A measure that does not stand still is unknown for reasons of its own.
    assert found.one(estimand="notice_share", level="plan").numerator == 0
    assert found.one(estimand="nothing_share", level="plan").numerator == whole.sum()
    # The row that is shown lies before recording began, although later rows would not.
    kept = rows["logins_28"].isna().to_numpy() & ~whole
    assert found.one(estimand="not_tracked_share", level="logins_28").numerator == kept.sum()


def test_never_seen_is_not_recorded_for_those_who_came_before_recording_began_or_before_a_gap(study):
    rows = small_rows(small_accounts()).assign(days_since_login=float("nan"))
    found = wc.analyse("data_quality", small_panel(rows=FrameRows(rows)), study)
    began = pd.to_datetime(rows["start_on"]) - pd.to_timedelta(rows["start"], unit="D")
    came = began.where(began < rows["cut_off"], rows["cut_off"] - pd.Timedelta(days=1))
    untold = (began < "2024-03-01") | ((came < "2024-06-20") & (rows["cut_off"] > "2024-06-10"))
    assert found.one(estimand="not_tracked_share", level="days_since_login").numerator == untold.sum()
    assert found.one(estimand="nothing_share", level="days_since_login").numerator > 0


def test_a_level_for_missing_values_counts_as_missing(study):
    rows = small_rows(small_accounts())
    rows.loc[rows.index[:7], "plan"] = "(missing)"
    found = wc.analyse("data_quality", small_panel(rows=FrameRows(rows)), study)
    assert found.one(estimand="nothing_share", level="plan").numerator == 7


def test_only_the_columns_asked_for_are_read(study):
    class Careful(FrameRows):
        def read(self, columns=None):
            assert columns is not None and len(columns) <= 12
            return super().read(columns)

    wc.analyse("data_quality", small_panel(rows=Careful(small_rows(small_accounts()))), study)


def test_attributes_are_counted_per_customer(found):
    rows = {row.level: row for row in found.where(estimand="missing_share").rows()}
    assert set(rows) == {"region", "industry"}  # plan is a measure
    assert (rows["industry"].numerator, rows["industry"].denominator) == (8, 110)
    assert (rows["region"].declared, rows["industry"].declared) == ("candidate", "")


def test_findings_keep_problem_consequence_and_examples(found):
    row = found.one(estimand="integrity", term="usage")
    assert (row.group, row.note) == ("caveat", "Their end may be wrong. Check their subscriptions.")
    assert [one.note for one in found.where(estimand="integrity_example").rows()] == ["a1", "a2"]
    assert found.one(estimand="integrity", level="02 empty-column").term == "tickets.severity"


def test_a_study_in_which_nobody_left_is_no_error(study):
    accounts = small_accounts().assign(event=0, cause="", reason="", ended_on=pd.NaT)
    found = wc.analyse("data_quality", small_panel(accounts=accounts), study)
    assert found.one(estimand="churn_rate").estimate == 0
    assert len(found.where(estimand="leavers")) == 0


def test_a_study_without_logs_measures_or_candidates_is_no_error(study):
    bare = replace(study, tables={name: study.tables[name] for name in ("accounts", "subscriptions")})
    empty = pd.DataFrame(columns=["table", "month", "records", "accounts", "accounts_at_risk"])
    found = wc.analyse("data_quality", _with(coverage=empty, measures=(), candidates=()), bare)
    assert len(found.where(estimand="n_records_in_month")) == 0
    assert len(found.where(estimand="known_share")) == 0


def _with(coverage: pd.DataFrame, **changes: object):
    panel = small_panel(**changes)
    return replace(panel, tables={**panel.tables, "coverage": coverage})
