"""Cohorts by sign-up: a triangle by hand, sums that meet the bridge, and companies of which little can be told."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
from companies import company_panel

import whychurn as wc
from whychurn import display
from whychurn.analyses.cohorts.calendar import unit_of_triangle
from whychurn.analyses.cohorts.triangles import ALL, BEFORE, SURVIVORS

sys.path.insert(0, str(Path(__file__).parents[1] / "panel"))
from table_ledgers import ledger_sources, subscriptions, table_study

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "cohort_summary", "cohort_customers", "cohort_months", "cohort_revenue", "cohort_curves", "cohort_ratios",
    "cohort_periods", "cohort_layers",
)  # fmt: skip

# Days of 2024: 31 is 1 February, 305 is 1 November, 335 is 1 December. The window ends on day 365.
LEDGER = subscriptions(
    # January
    ("a", 0, None, None, None, 100),
    ("b", 5, 20, None, None, 50),  # a break of 20 days is none
    ("b", 40, None, None, None, 50),
    ("c", 10, 70, None, "too expensive", 50),  # gone within two months, back after 45 days
    ("c", 115, None, None, None, 80),
    ("d", 0, None, None, None, 0),  # a free plan is a customer that pays nothing
    # February
    ("e", 31, 100, None, None, 40),  # 40, then 90 from day 100
    ("e", 100, None, None, None, 90),
    ("f", 40, 300, None, "closed down", 60),
    # before the window
    ("g", -100, 50, None, "too expensive", 10),
    ("h", -10, None, None, None, 30),
    # 1 November and 1 December: ages not reached
    ("i", 305, None, None, None, 20),
    ("j", 335, None, None, None, 20),
)


def analysed(folder, subs, churn="allowed_gap_days = 30"):
    study = table_study(folder, churn)
    panel = wc.build_panel(ledger_sources(study, subs, folder), study)
    return wc.analyse("cohorts", panel, study), panel


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return analysed(tmp_path_factory.mktemp("cohorts"), LEDGER)


def cells(found, estimand, level, unit="month", term="Cohorts"):
    rows = found.where(estimand=estimand, level=level, group=unit, term=term).rows()
    return {int(row.time): row.estimate for row in rows if row.estimated}


def test_customers_by_hand(ledger):
    found, _ = ledger
    sizes = {
        row.level: row.estimate for row in found.where(estimand="cohort_size", group="month", term="Cohorts").rows()
    }
    assert list(sizes.values()) == [4, 2, 1, 1]
    january, february = list(sizes)[:2]
    kept = cells(found, "customers_kept", january)
    # c left on day 70, which is its 60th: at one month all are there, at two months c (10 March) is gone
    assert kept[1] == 1
    assert kept[2] == kept[3] == 0.75
    # c is back on 25 April
    assert kept[6] == kept[9] == 1
    row = found.one(estimand="customers_kept", level=january, group="month", time=3, term="Cohorts")
    assert (row.numerator, row.denominator) == (3, 4)
    assert row.conf_low < 0.75 < row.conf_high
    late = cells(found, "customers_kept", february)
    assert late[6] == 1 and late[9] == 0.5  # f left on 27 October, its ninth month is 10 November


def test_revenue_by_hand(ledger):
    found, _ = ledger
    unit = found.where(estimand="cohort_mrr").rows()[0].group
    kept = cells(found, "revenue_kept", ALL, unit)
    gross = cells(found, "revenue_kept_gross", ALL, unit)
    # At three months six have the age: 100 + 50 + 0 + 0 + 90 + 60 of 100 + 50 + 50 + 0 + 40 + 60; growth is capped in gross.
    assert kept[3] == pytest.approx(300 / 300)
    assert gross[3] == pytest.approx(250 / 300)
    assert all(gross[age] <= kept[age] + 1e-12 for age in gross)


def test_ages_not_reached_are_no_low_retention(ledger):
    found, _ = ledger
    for row in found.where(estimand="customers_kept", group="month", term="Cohorts").rows():
        if row.grade == "reached by a part":
            assert not row.estimated and "have reached this age" in row.note
    november, december = [
        row.level for row in found.where(estimand="cohort_size", group="month", term="Cohorts").rows()
    ][2:]
    assert set(cells(found, "customers_kept", november)) == {1}
    assert not cells(found, "customers_kept", december)


def test_who_was_there_before_is_followed_from_the_windows_first_day(ledger):
    found, _ = ledger
    assert found.one(estimand="customers_before").estimate == 2
    assert found.one(estimand="customers_followed").estimate == 8
    assert found.one(estimand="returned").estimate == 1
    unit = found.one(estimand="cohort_unit").level
    before = cells(found, "customers_kept", BEFORE, unit, SURVIVORS)
    assert before and set(before.values()) == {0.5}
    rows = found.where(estimand="customers_kept", level=BEFORE, term=SURVIVORS).rows()
    assert all("not since sign-up" in row.note for row in rows)


def test_cohorts_add_up_to_the_bridge(ledger):
    found, panel = ledger
    sums = panel.tables.sums("month")
    for estimand, column in (("layer_customers", "closing"), ("layer_mrr", "mrr_closing")):
        table = found.where(estimand=estimand).table.groupby("time")["estimate"].sum()
        assert list(table) == pytest.approx(list(sums[column]), abs=1e-9)
    assert found.one(estimand="gap_customers").estimate == found.one(estimand="gap_mrr").estimate == 0


def test_cohorts_add_up_to_the_bridge_in_any_ledger(tmp_path):
    draw = random.Random(4)
    rows = []
    for account in range(60):
        day = draw.randint(-200, 300)
        for _ in range(draw.randint(1, 4)):
            length = draw.randint(1, 120)
            rows.append((f"a{account}", day, day + length, None, None, draw.choice((10.1, 19.99, 0, 300))))
            day += length + draw.randint(-20, 60)
    found, _ = analysed(tmp_path, subscriptions(*rows))
    assert found.one(estimand="gap_customers").estimate == found.one(estimand="gap_mrr").estimate == 0


@pytest.mark.parametrize(
    "subs",
    [
        subscriptions(*((f"a{i}", i % 28, None) for i in range(40))),
        subscriptions(
            *(
                (f"a{i}", 3 * i, 3 * i + 30 if i < 5 else None, None, "too expensive" if i < 5 else None)
                for i in range(40)
            )
        ),
        subscriptions(*((f"a{i}", -50, 30 + i, None, "too expensive") for i in range(40))),
        subscriptions(*((f"a{i}", 10 + i, None, None, None, None) for i in range(40))),
        subscriptions(*((f"a{i}", 350, None) for i in range(40))),
    ],
    ids=["one cohort, nobody leaves", "five leave", "all came before the window", "no revenue", "all came last week"],
)
def test_companies_of_which_little_can_be_told_still_have_a_page(tmp_path, subs):
    found, _ = analysed(tmp_path, subs)
    page = "".join(str(getattr(display, part)(found).markup) for part in PARTS)
    assert len(page) > 500
    assert "nan" not in page.lower().replace("financ", "")


def test_the_rule_by_which_cohorts_are_cut_holds_for_the_unit_it_led_to():
    few, many = (np.datetime64("2024-01-01") + np.arange(0, 600, step) for step in (30, 1))
    assert unit_of_triangle(few)[0] == "year" and "fewer than 30 customers" in unit_of_triangle(few)[1]
    unit, why = unit_of_triangle(many)
    assert unit == "month" and "half have 30 customers or more" in why


def test_newer_cohorts_of_the_simulated_company_stay_as_long():
    """Nothing is planted on the day of sign-up: the interval of the trend holds 1."""
    study, panel = company_panel()
    trend = wc.analyse("cohorts", panel, study).one(estimand="hazard_ratio", term="Trend over sign-up")
    assert trend.conf_low < 1 < trend.conf_high
