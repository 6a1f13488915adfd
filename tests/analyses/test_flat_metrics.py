"""Metrics of a file with one row per customer: telco figures found another way, and small files worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from scipy.stats import chi2, fisher_exact
from statsmodels.stats.proportion import proportion_confint

import whychurn as wc
from whychurn.analyses.flat_metrics.definitions import RATES
from whychurn.analyses.flat_metrics.rates import share_over, year_of_hazard
from whychurn.findings import FIRST_READING, SECOND_READING

MONTH = 365.25 / 12
TOML = """
[study]
name = "Small"
time_unit = "{unit}"
horizon = {horizon}
currency = "EUR"
[source]
file = "data.csv"
[columns]
account_id = "id"
tenure = "tenure"
churned = "churned"
churned_when = ["1"]
stayed_when = ["0"]
{amount}
[churn]
leavers_in_file = "{leavers}"
{churn}
{more}
"""


def panel_in(folder, frame, leavers="recent", churn="window = 1", unit="months", amount="fee", more="", horizon=12):
    """Return a small flat study and its panel, read through the real reader."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.assign(id=range(len(frame))).to_csv(folder / "data.csv", index=False)
    named = f'amount = "{amount}"\namount_name = "fee"' if amount else ""
    text = TOML.format(unit=unit, horizon=horizon, leavers=leavers, churn=churn, amount=named, more=more)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    study = wc.read_study(folder)
    return study, wc.build_panel(wc.open_sources(study, accept_risk="a test"), study)


def found_in(folder, frame, **settings):
    """Return the findings of a small flat study."""
    study, panel = panel_in(folder, frame, **settings)
    return wc.analyse("flat_metrics", panel, study)


def customers(n=400, seed=1):
    """Return customers whose hazard falls with tenure and rises with the fee."""
    random = np.random.default_rng(seed)
    dear = random.random(n) < 0.5
    leaves = random.weibull(0.7, n) * np.where(dear, 15, 40)
    followed = random.uniform(0, 60, n)
    return pd.DataFrame(
        {
            "tenure": np.ceil(np.minimum(leaves, followed)).astype(int),
            "churned": (leaves <= followed).astype(int),
            "fee": np.where(dear, 90.0, 30.0) + random.uniform(0, 9, n).round(2),
            "plan": np.where(dear, "large", "small"),
        }
    )


CAUSE = '[[causes]]\ncolumn = "plan"\ntype = "category"\n'


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    frame = customers()
    return frame, found_in(tmp_path_factory.mktemp("small") / "s", frame, more=CAUSE)


@pytest.fixture(scope="module")
def telco(telco_panel, telco_findings):
    file = telco_panel.tables["accounts_as_read"]
    frame = pd.DataFrame(
        {
            "tenure": file["tenure"].to_numpy(dtype=float),
            "left": file["churned"].to_numpy(dtype=int),
            "charge": file["amount"].to_numpy(dtype=float),
            "contract": file["contract"].astype(str).to_numpy(),
        }
    )
    return frame, telco_findings("flat_metrics")


def curve(start, stop, event, grid):
    """Return the product-limit curve on whole months, from its definition."""
    survival, out = 1.0, []
    for month in grid:
        at_risk = ((start < month) & (stop >= month)).sum()
        gone = ((stop == month) & (event == 1)).sum()
        survival *= 1 - (gone / at_risk if at_risk else 0)
        out.append(survival)
    return np.array(out)


pytestmark = pytest.mark.xdist_group("telco findings")


# --- The telco sample, found another way --------------------------------------------------------------------


def test_customers_and_money_lost_of_all_ever_in_the_file(telco):
    frame, found = telco
    row = found.one(estimand="churn_per_acquired")
    assert (row.numerator, row.denominator, round(row.estimate, 3)) == (1869, 7043, 0.265)
    assert (row.conf_low, row.conf_high) == pytest.approx(proportion_confint(1869, 7043, method="wilson"), rel=1e-9)
    assert "no period" in row.note
    money = found.one(estimand="mrr_lost_share")
    assert money.estimate == pytest.approx(frame.charge[frame.left == 1].sum() / frame.charge.sum(), rel=1e-12)
    assert money.conf_low < money.estimate < money.conf_high
    means = {row.level: row.estimate for row in found.where(estimand="mean_amount").rows()}
    assert means["left"] == pytest.approx(74.441332, abs=1e-6)
    assert means["still there"] == pytest.approx(61.265124, abs=1e-6)


def test_hazard_and_its_conversion(telco):
    frame, found = telco
    months = frame.tenure.sum()
    row = found.one(estimand="hazard", group=FIRST_READING)
    assert (row.numerator, row.denominator) == (1869, months)
    assert row.estimate == pytest.approx(1869 / months, rel=1e-12)
    assert row.conf_low == pytest.approx(chi2.ppf(0.025, 2 * 1869) / 2 / months, rel=1e-12)
    assert row.conf_high == pytest.approx(chi2.ppf(0.975, 2 * 1870) / 2 / months, rel=1e-12)
    year = found.one(estimand="hazard_year")
    assert year.estimate == pytest.approx(1 - math.exp(-12 * 1869 / months), rel=1e-12)


def test_share_of_the_window_and_its_conversion(telco):
    frame, found = telco
    there = frame.tenure >= 1
    row = found.one(estimand="window_churn")
    assert (row.numerator, row.denominator) == (1869, there.sum()) == (1869, 7032)
    year = found.one(estimand="window_churn_year")
    assert year.estimate == pytest.approx(1 - (1 - 1869 / 7032) ** 12, rel=1e-12)
    assert year.conf_low < year.estimate < year.conf_high


def test_leaving_within_a_year_as_lifelines_has_it(telco):
    frame, found = telco
    ever = frame[frame.tenure > 0]
    fit = KaplanMeierFitter().fit(ever.tenure, ever.left)
    row = found.one(estimand="left_by", group=FIRST_READING, time=12.0)
    assert row.estimate == pytest.approx(1 - float(fit.predict(12)), rel=1e-9)
    assert round(row.estimate, 4) == 0.1568
    assert row.conf_low < row.estimate < row.conf_high


def test_leaving_within_a_year_if_only_recent_leavers_are_there(telco):
    frame, found = telco
    ever = frame[frame.tenure > 0]
    by_hand = curve(ever.tenure - 1, ever.tenure, ever.left, range(1, 13))
    row = found.one(estimand="left_by", group=SECOND_READING, time=12.0)
    assert 1 - row.estimate == pytest.approx(by_hand[-1], rel=1e-9)
    assert row.denominator == ((ever.tenure - 1 < 12) & (ever.tenure >= 12)).sum()


@pytest.mark.parametrize(("group", "window"), [(FIRST_READING, 1e9), (SECOND_READING, 1.0)])
def test_lifetime_revenue_by_an_own_sum(telco, group, window):
    frame, found = telco
    ever = frame[frame.tenure > 0]
    start = (ever.tenure - window).clip(lower=0)
    there = np.concatenate([[1.0], curve(start, ever.tenure, ever.left, range(1, 36))])
    mean = np.array([ever.charge[(start <= month) & (ever.tenure > month)].mean() for month in range(36)])
    force = math.log(1.1) / 12
    weight = (np.exp(-force * np.arange(36)) - np.exp(-force * np.arange(1, 37))) / force
    at = {"group": group, "time": 36.0}
    assert found.one(estimand="expected_months", **at).estimate == pytest.approx(there.sum(), rel=1e-9)
    plain, discounted = (
        found.one(estimand="lifetime_revenue", level=level, **at)
        for level in ("not discounted", "discounted at the study's yearly rate")
    )
    assert plain.estimate == pytest.approx((there * mean).sum(), rel=1e-9)
    assert discounted.estimate == pytest.approx((there * mean * weight).sum(), rel=1e-9)
    assert discounted.conf_low < discounted.estimate < discounted.conf_high
    assert discounted.estimate < plain.estimate


@pytest.mark.parametrize("group", [FIRST_READING, SECOND_READING])
def test_the_steps_lead_from_the_usual_formula_to_the_estimate(telco, group):
    _, found = telco
    usual = found.one(estimand="usual_value", group=group)
    steps = found.where(estimand="step", group=group).rows()
    worth = found.one(
        estimand="lifetime_revenue", group=group, time=36.0, level="discounted at the study's yearly rate"
    )
    assert usual.estimate + sum(step.estimate for step in steps) == pytest.approx(worth.estimate, rel=1e-9)
    ratio = found.one(estimand="usual_ratio", group=group)
    assert ratio.estimate == pytest.approx(usual.estimate / worth.estimate, rel=1e-9)


def test_contract_against_all_other_customers(telco):
    frame, found = telco
    inside = frame.contract == "Month-to-month"
    row = found.one(estimand="segment_churn", term="Contract", level="Month-to-month")
    assert (row.numerator, row.denominator) == (1655, 3875) == (frame.left[inside].sum(), inside.sum())
    money = found.one(estimand="segment_mrr_lost_share", term="Contract", level="Month-to-month")
    assert money.estimate == pytest.approx(
        (frame.charge * frame.left)[inside].sum() / frame.charge[inside].sum(), rel=1e-12
    )
    test = found.one(estimand="segment_difference", term="Contract", level="One year")
    rest = frame.contract != "One year"
    assert test.estimate == pytest.approx(frame.left[~rest].mean() - frame.left[rest].mean(), rel=1e-12)
    assert test.p_value == pytest.approx(fisher_exact(pd.crosstab(rest, frame.left).to_numpy()).pvalue, rel=1e-6)
    hazard = found.one(estimand="segment_hazard", term="Contract", level="Two year")
    two = frame.contract == "Two year"
    assert hazard.estimate == pytest.approx(frame.left[two].sum() / frame.tenure[two].sum(), rel=1e-12)


def test_customers_without_internet_are_compared_once(telco):
    _, found = telco
    repeated = found.where(estimand="segment_repeated", level="No internet service").rows()
    assert {row.term for row in repeated} >= {"Online security", "Streaming TV"}
    assert "Internet service" in repeated[0].note
    assert not found.where(estimand="segment_difference", level="No internet service").rows()
    levels = found.where(estimand="segment_difference").rows()
    own = {(row.term, row.p_value) for row in levels}
    assert {row.family for row in levels} == {f"{len(own)} comparisons of levels with all other customers"}


# --- Small files ---------------------------------------------------------------------------------------------


def test_the_usual_formula_has_the_interval_of_the_jackknife(small):
    frame, found = small
    row = found.one(estimand="usual_value", group=FIRST_READING)
    paid, left = (frame.fee * frame.tenure).to_numpy(), frame.churned.to_numpy()
    assert row.estimate == pytest.approx(paid.sum() / left.sum(), rel=1e-12)
    without = np.log((paid.sum() - paid) / (left.sum() - left))
    n = len(frame)
    jackknife = math.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    assert row.std_error == pytest.approx(jackknife, rel=0.02)


def test_days_and_months_say_the_same(small, tmp_path):
    frame, found = small
    days = frame.assign(tenure=frame.tenure * MONTH, fee=frame.fee / MONTH)
    other = found_in(tmp_path / "d", days, churn=f"window = {MONTH}", unit="days", horizon=365.25, more=CAUSE)
    one, two = (
        each.table.set_index(["estimand", "term", "level", "group", "time"])["estimate"] for each in (found, other)
    )
    assert list(one.index.to_frame().fillna(-1).itertuples(index=False)) == list(
        two.index.to_frame().fillna(-1).itertuples(index=False)
    )
    assert two.to_numpy() == pytest.approx(one.to_numpy(), rel=1e-6, nan_ok=True)


def test_weeks_and_years_are_told_in_months(tmp_path):
    frame = pd.DataFrame({"tenure": [1, 2, 3] * 20, "churned": [1, 0, 0] * 20, "fee": 120.0})
    for unit, per_year in (("weeks", 365.25 / 7), ("years", 1.0)):
        found = found_in(tmp_path / unit, frame, unit=unit)
        hazard = found.one(estimand="hazard", group=FIRST_READING)
        assert hazard.denominator == pytest.approx(120 * 12 / per_year)
        assert found.one(estimand="mrr", level="all").estimate == pytest.approx(60 * 120 * per_year / 12)


def test_a_window_of_three_months_is_converted_both_ways(tmp_path):
    frame = pd.DataFrame({"tenure": [2] * 5 + [10] * 95, "churned": [1] * 5 + [1] * 19 + [0] * 76, "fee": 10.0})
    found = found_in(tmp_path / "w", frame, churn="window = 3")
    row = found.one(estimand="window_churn")
    assert (row.numerator, row.denominator, row.time) == (19, 95, 3.0)
    assert "5 who left after a stay shorter" in row.note
    assert found.one(estimand="window_churn_month").estimate == pytest.approx(1 - 0.8 ** (1 / 3))
    assert found.one(estimand="window_churn_year").estimate == pytest.approx(1 - 0.8**4)
    hazard = found.one(estimand="hazard", group=SECOND_READING)
    assert hazard.denominator == 95 * 3 + 5 * 2


def test_customers_who_would_have_been_won(tmp_path):
    # In the month watched half of those in their first month left, nobody in their second.
    frame = pd.DataFrame({"tenure": [1] * 40 + [2] * 30, "churned": [1] * 20 + [0] * 20 + [0] * 30, "fee": 10.0})
    found = found_in(tmp_path / "h", frame)
    row = found.one(estimand="won_per_present")
    assert (row.estimate, row.denominator) == (2.0, 50)


def test_a_handful_at_a_low_tenure_decides_nothing(tmp_path):
    frame = pd.DataFrame({"tenure": [1] * 4 + [30] * 96, "churned": [1] * 4 + [1] * 20 + [0] * 76, "fee": 10.0})
    found = found_in(tmp_path / "few", frame)
    row = found.one(estimand="left_by", group=SECOND_READING, time=12.0)
    assert not row.estimated
    assert "Fewer than 20 customers" in row.note
    assert "Fewer than 20 customers" in found.one(estimand="won_per_present").note  # the stayers are all past it
    assert found.one(estimand="left_by", group=FIRST_READING, time=12.0).estimate == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("leavers", "churn", "words"),
    [("all", "window = 1", "every customer who ever left"), ("unknown", "", "does not say over which time")],
)
def test_one_reading_where_there_is_no_window(tmp_path, leavers, churn, words):
    found = found_in(tmp_path / "one", customers(), leavers=leavers, churn=churn)
    row = found.one(estimand="window_churn")
    assert not row.estimated
    assert words in row.note
    assert not found.where(estimand=["hazard", "left_by", "lifetime_revenue"], group=SECOND_READING).rows()


def test_without_amounts_nothing_is_said_in_money(tmp_path):
    found = found_in(tmp_path / "poor", customers(), amount="", more=CAUSE)
    assert found.one(estimand="hazard", group=FIRST_READING).estimated
    assert found.one(estimand="expected_months", group=FIRST_READING, time=36.0).estimated
    for estimand in ("mrr_lost_share", "lifetime_revenue", "segment_mrr_lost_share", "segment_mrr_difference"):
        rows = found.where(estimand=estimand).rows()
        assert rows, estimand
        assert not any(row.estimated for row in rows), estimand
        assert all("columns.amount" in row.note for row in rows), estimand


def test_missing_amounts_are_counted_and_left_out_of_money(tmp_path):
    frame = customers()
    frame.loc[:39, "fee"] = np.nan
    found = found_in(tmp_path / "gaps", frame)
    money = found.one(estimand="mrr_lost_share")
    known = frame[frame.fee.notna()]
    assert money.estimate == pytest.approx((known.fee * known.churned).sum() / known.fee.sum())
    assert money.note.startswith("40 customers without an amount")
    arpa = found.one(estimand="arpa", group=FIRST_READING)
    assert arpa.estimate == pytest.approx((known.fee * known.tenure).sum() / known.tenure.sum())


def test_nobody_left(tmp_path):
    # The reader refuses such a file, so the panel is changed after it was read.
    study, panel = panel_in(tmp_path / "none", customers(), more=CAUSE)
    stayed = replace(panel, accounts=panel.accounts.assign(event=0)).with_intervals(panel.intervals.assign(event=0))
    found = wc.analyse("flat_metrics", stayed, study)
    row = found.one(estimand="churn_per_acquired")
    assert (row.estimate, row.conf_low) == (0.0, 0.0)
    assert row.conf_high > 0
    assert found.one(estimand="hazard", group=FIRST_READING).estimate == 0.0
    assert found.one(estimand="left_by", group=FIRST_READING, time=12.0).estimate == 0.0
    assert "divides by a churn of zero" in found.one(estimand="usual_value", group=FIRST_READING).note
    assert found.one(estimand="won_per_present").estimate == 1.0
    # A curve that has not fallen yet has no interval: one of no width would claim certainty.
    assert math.isnan(found.one(estimand="left_by", group=FIRST_READING, time=12.0).conf_high)
    assert math.isnan(found.one(estimand="expected_months", group=FIRST_READING, time=12.0).conf_high)


def test_everybody_left(tmp_path):
    found = found_in(tmp_path / "every", customers().assign(churned=1), more=CAUSE)
    assert found.one(estimand="churn_per_acquired").estimate == 1.0
    assert found.one(estimand="mrr_lost_share").estimate == 1.0
    assert "Nobody is still there" in found.one(estimand="won_per_present").note
    assert found.one(estimand="window_churn_year").estimate == 1.0
    assert "There are no such customers." in found.one(estimand="mean_amount", level="still there").note


def test_one_segment_is_none(tmp_path):
    found = found_in(tmp_path / "single", customers().assign(plan="only"), more=CAUSE)
    row = found.one(estimand="segment_churn")
    assert not row.estimated
    assert "No declared category" in row.note


def test_a_horizon_close_to_a_listed_one_is_not_listed_twice(tmp_path):
    frame = customers().assign(tenure=lambda rows: rows.tenure * 30)
    for horizon, there in ((90, False), (120, True)):
        found = found_in(tmp_path / str(horizon), frame, unit="days", horizon=horizon, churn="window = 30")
        times = {row.time for row in found.where(estimand="left_by", group=FIRST_READING).rows()}
        assert (horizon / MONTH in times) == there
        assert 3.0 in times


def test_two_levels_are_one_comparison(small):
    _, found = small
    tests = found.where(estimand="segment_difference").rows()
    assert len(tests) == 2
    assert tests[0].estimate == pytest.approx(-tests[1].estimate)
    assert {row.p_adjusted for row in tests} == {tests[0].p_value}
    assert tests[0].family == "1 comparison of levels with all other customers"


def test_a_small_group_is_shown_and_not_compared(tmp_path):
    frame = customers()
    frame.loc[:9, "plan"] = "rare"
    found = found_in(tmp_path / "rare", frame, more=CAUSE)
    assert found.one(estimand="segment_churn", level="rare").denominator == 10
    test = found.one(estimand="segment_difference", level="rare")
    assert not test.estimated
    assert "Fewer than 30" in test.note


def test_value_settings_of_a_flat_study(small, tmp_path):
    frame, found = small
    value = "[value]\ndiscount_rate = 0\nhorizon_months = 24\ngross_margin = 0.5\n"
    other = found_in(tmp_path / "v", frame, more=CAUSE + value)
    assert other.one(estimand="called").level == "lifetime gross profit"
    worth = other.one(
        estimand="lifetime_revenue", group=FIRST_READING, time=24.0, level="discounted at the study's yearly rate"
    )
    plain = found.one(estimand="lifetime_revenue", group=FIRST_READING, time=24.0, level="not discounted")
    assert worth.estimate == pytest.approx(plain.estimate / 2, rel=1e-12)
    usual = found.one(estimand="usual_value", group=FIRST_READING)
    assert other.one(estimand="usual_value", group=FIRST_READING).estimate == pytest.approx(usual.estimate / 2)


def test_too_few_customers_for_a_lifetime(tmp_path):
    found = found_in(tmp_path / "tiny", customers(12))
    row = found.one(estimand="lifetime_revenue", group=FIRST_READING)
    assert not row.estimated
    assert "at least 20 customers" in row.note


def test_leaving_at_tenure_zero_is_told(tmp_path):
    frame = customers()
    frame.loc[:2, ["tenure", "churned"]] = [0, 1]
    found = found_in(tmp_path / "zero", frame)
    assert "3 who left at tenure 0" in found.one(estimand="hazard", group=FIRST_READING).note
    assert found.one(estimand="churn_per_acquired").denominator == len(frame)


def test_what_the_file_cannot_say_names_what_would(small):
    _, found = small
    rows = found.where(estimand="not_in_a_flat_file").rows()
    terms = " ".join(row.term for row in rows)
    for metric in ("NRR", "GRR", "Expansion", "Cohorts", "bridge", "Renewal"):
        assert metric in terms
    assert all(row.note and ":" in row.definition for row in rows)


def test_every_rate_has_its_definition(small):
    _, found = small
    for estimand, (words, formula) in RATES.items():
        assert ": " not in words + formula
        rows = [row for row in found.where(estimand=estimand).rows() if row.estimated]
        assert rows, estimand
        assert all(row.definition == f"{words}: {formula}" for row in rows)
        assert all(row.conf_low <= row.estimate <= row.conf_high for row in rows if row.estimate < 1)


def test_conversions_by_hand():
    assert year_of_hazard(0.02) == pytest.approx(1 - math.exp(-0.24))
    assert share_over(0.02, 12) == pytest.approx(1 - 0.98**12)
    assert share_over(1.0, 12) == 1.0


def test_another_kind_of_study_is_told_where_to_look(telco_panel, telco_study):
    class Tables:
        confidence_level = telco_study.confidence_level

    rows = wc.analyse("flat_metrics", telco_panel, Tables()).rows()
    assert len(rows) == 1
    assert "a study of tables" in rows[0].note


def test_another_confidence_level_widens_every_interval(telco_panel, telco_study, telco_findings):
    wide = wc.analyse("flat_metrics", telco_panel, replace(telco_study, confidence_level=0.99)).table
    keys = ["estimand", "term", "level", "group", "time"]
    both = telco_findings("flat_metrics").table.merge(wide, on=keys, suffixes=("", "_wide")).dropna(subset=["conf_low"])
    assert len(both) > 150
    width, wider = both.conf_high - both.conf_low, both.conf_high_wide - both.conf_low_wide
    assert (wider > width).all()
