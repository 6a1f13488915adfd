"""The page on metrics of a flat file: every number has its finding, and every sentence follows the findings."""

import re

import pandas as pd
import pytest
from as_read import text_of

from whychurn import display
from whychurn.findings import FIRST_READING, SECOND_READING, Findings

pytestmark = pytest.mark.xdist_group("telco findings")
PARTS = (
    "flat_summary", "flat_definitions", "flat_rates", "flat_leaving", "flat_lifetime", "flat_groups", "flat_lacking",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(telco_findings) -> Findings:
    return telco_findings("flat_metrics")


def without(found: Findings, **where: object) -> Findings:
    """Return findings without the rows that meet all conditions."""
    drop = pd.Series(True, index=found.table.index)
    for name, value in where.items():
        drop &= found.table[name].isin(value) if isinstance(value, list) else found.table[name] == value
    return Findings(found.table[~drop], found.provenance)


def changed(found: Findings, values: dict[str, object], **where: object) -> Findings:
    """Return findings with some columns of some rows changed."""
    table = found.table.copy()
    place = (table[list(where)] == list(where.values())).all(axis=1)
    assert place.any(), where
    for name, value in values.items():
        table.loc[place, name] = value
    return Findings(table, found.provenance)


def moved(value: float) -> dict[str, object]:
    return {"estimate": value, "conf_low": value, "conf_high": value}


def one_reading_of(found: Findings, leavers: str = "all") -> Findings:
    """Return what a study gives that rules the second reading out."""
    rows = without(found, group=SECOND_READING)
    return Findings(rows.table, {**found.provenance, "leavers_in_file": leavers, "window": 0.0})


def test_no_number_stands_without_its_finding(found):
    html = "".join(str(getattr(display, name)(found).markup) for name in PARTS)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 250
    assert sources <= known


def test_the_headline_has_customers_and_money_and_no_period(found):
    text = text_of(display.flat_summary(found), drawings=False)
    assert "1,869 of 7,043 customers in the file have left, 26.5%, and with them 30.5% of the recurring revenue" in text
    assert "cannot be held against a monthly or a yearly rate" in text
    assert "74.44 USD" in text
    assert "part of the revenue that left is larger than that of the customers" in text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"estimate": -2.0, "conf_low": -3.0, "conf_high": -1.0}, "left is smaller than that of the customers"),
        ({"estimate": 0.5, "conf_low": -1.0, "conf_high": 2.0}, "no clear difference"),
    ],
)
def test_what_leavers_paid_follows_the_interval(found, values, words):
    assert words in text_of(display.flat_summary(changed(found, values, estimand="amount_difference")), drawings=False)


def test_why_one_says_this_and_another_that(found):
    text = text_of(display.flat_definitions(found), drawings=False)
    assert "The same 1,869 departures are 26.5% of everybody in the file, 0.82% per month" in text
    assert "26.6% of those there at the beginning of the last month" in text
    for formula in ("left / all in the file", "left / customer-months", "1 - exp(-12 x hazard per month)", "1 - S(t)"):
        assert formula in text
    assert "227,990" in text
    assert "$456,117" in text
    one = text_of(display.flat_definitions(one_reading_of(found)), drawings=False)
    assert "last month" not in one
    assert "there is one reading only" in one


def test_departures_that_are_not_all_of_the_window_are_counted(found):
    fewer = changed(found, {"numerator": 1800.0}, estimand="window_churn")
    text = text_of(display.flat_definitions(fewer), drawings=False)
    assert "the beginning of the last month, of whom 1,800 left: what they are divided by differs most" in text
    nobody = changed(found, {"numerator": 0.0, **moved(0.0)}, estimand="churn_per_acquired")
    assert "Nobody in the file has left" in text_of(display.flat_definitions(nobody), drawings=False)


def test_a_longer_window_is_named_and_converted_to_a_month(found):
    longer = found
    for estimand in ("window_churn", "window_churn_month", "window_churn_year"):
        longer = changed(longer, {"time": 3.0}, estimand=estimand)
    text = text_of(display.flat_definitions(longer), drawings=False)
    assert "The same for a month" in text
    assert "the beginning of the last 3 months" in text
    assert "The same for a month" not in text_of(display.flat_definitions(found), drawings=False)


def test_the_rate_and_the_curve_and_why(found):
    text = text_of(display.flat_rates(found), drawings=False)
    assert "for a year that would be 9.4%, but by the curve 15.7% of new customers are gone by then" in text
    assert "1.51% a month in the first 12 months, 0.52% later" in text
    assert text.count("its conversion is lower than the curve") == 2
    rising = changed(found, moved(0.9), estimand="hazard_year")
    assert "its conversion is higher than the curve" in text_of(display.flat_rates(rising), drawings=False)
    same = changed(found, moved(0.008), estimand="hazard_by_tenure")
    assert "The rate is not clearly different" in text_of(display.flat_rates(same), drawings=False)
    close = changed(found, {"estimate": 0.157, "conf_low": 0.15, "conf_high": 0.16}, estimand="hazard_year")
    assert "and by the curve 15.7%" in text_of(display.flat_rates(close), drawings=False)


def test_a_window_that_cannot_have_been_typical(found):
    assert "That cannot have been so" in text_of(display.flat_rates(found), drawings=False)
    mild = text_of(display.flat_rates(changed(found, {"estimate": 1.4}, estimand="won_per_present")), drawings=False)
    assert "about 1.4 customers would have been won" in mild
    assert "cannot have been so" not in mild
    few = changed(found, {"time": 30.0}, estimand="won_per_present")
    assert "still there after at most 30 months" in text_of(display.flat_rates(few), drawings=False)


def test_without_a_window_the_page_says_why(found):
    table = one_reading_of(found, "unknown").table
    note = {"analysis": "flat_metrics", "estimand": "window_churn", "group": SECOND_READING, "note": "No window."}
    alone = Findings(pd.concat([table, Findings.from_rows([note]).table]), one_reading_of(found).provenance)
    text = text_of(display.flat_rates(alone), drawings=False)
    assert "No window." in text
    assert ", if " not in text
    assert "if all leavers" not in text_of(display.flat_leaving(alone), drawings=False)


def test_nearly_all_is_not_all(found):
    text = text_of(display.flat_leaving(found), drawings=False)
    assert "nearly all" in text
    assert "100.0%" not in text
    assert "Within 12 months of signing up 15.7% leave if all leavers are in the file, 99.9%" in text


def test_lifetimes_say_which_is_higher_by_how_much_and_why(found):
    text = text_of(display.flat_lifetime(found), drawings=False)
    assert "$1,800 ($1,772–$1,828) in revenue in its first 36 months" in text
    assert "the usual formula says $8,590, 4.8 times as much, mostly because it also counts what may come" in text
    assert "the usual formula says $244, 2.6 times as much, mostly because it takes leaving to be as likely" in text
    assert "holds no costs" in text
    assert "10% a year" in text


def test_a_lower_usual_formula_is_explained_by_a_step_upwards(found):
    lower = changed(found, {"estimate": 100.0, "conf_low": 90.0, "conf_high": 110.0}, estimand="usual_value")
    lower = changed(lower, {"estimate": 5000.0}, estimand="step", level="revenue")
    assert "takes everybody to pay the average at every age" in text_of(display.flat_lifetime(lower), drawings=False)


def test_without_money_the_months_are_told(found):
    money = ["lifetime_revenue", "usual_value", "usual_ratio", "arpa", "step", "mrr_lost_share", "mean_amount", "mrr"]
    poor = without(found, estimand=[*money, "segment_mrr_lost_share", "segment_part_of_lost", "segment_mrr_difference"])
    poor = without(poor, estimand="amount_difference")
    text = text_of(display.flat_lifetime(poor), drawings=False)
    assert "A new customer stays 29.8 of the first 36 months on average" in text
    assert "$" not in "".join(text_of(getattr(display, name)(poor), drawings=False) for name in PARTS)
    assert str(display.flat_groups(poor).markup).count("<figure") == 1


def test_groups_have_customers_and_money_side_by_side(found):
    block = display.flat_groups(found)
    text = text_of(block, drawings=False)
    assert "“Month-to-month” (Contract) differs most from all other customers: +36.0 points of churn" in text
    assert "Contract: 87% of all revenue lost was that of “Month-to-month”" in text
    assert "28 of 30 comparisons" in text
    assert "Not listed a second time" in text
    assert str(block.markup).count("<figure") == 4


def test_no_clear_group_is_said(found):
    flat = changed(found, {"p_value": 0.5, "p_adjusted": 0.5}, estimand="segment_difference")
    assert "No group has lost clearly more or fewer" in text_of(display.flat_groups(flat), drawings=False)


def test_what_is_lacking_points_to_tables(found):
    text = text_of(display.flat_lacking(found), drawings=False)
    for words in ("NRR, GRR", "Cohorts", "Renewal rates", "subscriptions", "docs/tables.md"):
        assert words in text


def test_an_empty_page_says_so():
    nothing = Findings.from_rows([{"analysis": "flat_metrics", "estimand": "churn_per_acquired", "note": "Not here."}])
    assert "Not here." in text_of(display.flat_summary(nothing), drawings=False)
    for name in PARTS:
        assert "nan" not in text_of(getattr(display, name)(nothing), drawings=False)


def test_the_first_reading_is_the_one_in_front(found):
    text = text_of(display.flat_lifetime(found), drawings=False)
    assert text.index(FIRST_READING) < text.index(SECOND_READING)
