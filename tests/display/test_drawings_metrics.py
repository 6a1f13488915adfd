"""The page on churn and revenue: every number has its finding; customers and money stand side by side."""

import re
import sys
from pathlib import Path

import pytest
from as_read import text_of

import whychurn as wc
from whychurn import display
from whychurn.display.metrics.periods import unbroken
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from companies import company_panel

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "metrics_summary", "metrics_rates", "metrics_doubts", "metrics_months", "metrics_retention", "metrics_bridge",
    "metrics_changes", "metrics_segments", "metrics_reasons", "metrics_renewals", "metrics_conversion",
)  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Findings:
    study, panel = company_panel()
    return wc.analyse("metrics", panel, study)


def changed(found: Findings, value: float, **where: str) -> Findings:
    table = found.table.copy()
    place = (table[list(where)] == list(where.values())).all(axis=1)
    table.loc[place, ["estimate", "conf_low", "conf_high"]] = value
    return Findings(table, found.provenance)


def test_no_number_stands_without_its_finding(found):
    html = "".join(str(getattr(display, name)(found).markup) for name in PARTS)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 300 and sources <= known


def test_the_headline_has_customers_and_money(found):
    lost, money = (found.one(estimand=name, method="last year") for name in ("customer_churn", "mrr_churn"))
    text = text_of(display.metrics_summary(found))
    assert f"{100 * lost.estimate:.1f}% of customers left and took {100 * money.estimate:.1f}% of the revenue" in text


def test_the_sign_of_net_churn_is_put_in_words(found):
    grown = changed(
        changed(found, 1.2, estimand="nrr", method="last year"), -0.2, estimand="net_churn", method="last year"
    )
    assert "negative net churn: what the others pay more is more than what leaves" in text_of(
        display.metrics_summary(grown)
    )
    assert "more than make up for it" in text_of(display.metrics_summary(grown))
    assert "positive net churn" in text_of(display.metrics_summary(found))


def test_a_bridge_that_does_not_close_is_told(found):
    assert "close to the cent" in text_of(display.metrics_bridge(found))
    table = found.table.copy()
    place = table["estimand"] == "bridge_gap"
    table.loc[place, "grade"] = "does not close"
    table.loc[place, "numerator"] = 2
    assert "2 months do not agree" in text_of(display.metrics_bridge(Findings(table, found.provenance)))


def test_who_leaves_sooner_is_as_it_was_found(found):
    clearly_more = moved(found, 0.08, 0.02, 0.14)
    text = text_of(display.metrics_conversion(clearly_more))
    assert "clearly more (+8.0 points, interval +2.0 to +14.0)" in text
    text = text_of(display.metrics_conversion(moved(found, -0.08, -0.14, -0.02)))
    assert "clearly fewer (−8.0 points, interval −14.0 to −2.0)" in text
    assert "no clear difference" in text_of(display.metrics_conversion(moved(found, 0.01, -0.03, 0.05)))


def moved(found: Findings, estimate: float, low: float, high: float) -> Findings:
    """Findings in which customers in their first year left so much more than the others."""
    table = found.table.copy()
    table.loc[table["estimand"] == "first_year_difference", ["estimate", "conf_low", "conf_high"]] = estimate, low, high
    return Findings(table, found.provenance)


def test_who_the_yearly_rate_is_about_is_told_with_its_numbers(found):
    text = text_of(display.metrics_conversion(found))
    year, young = found.one(estimand="customer_churn", method="last year"), found.one(estimand="in_first_year")
    assert f"about the {year.denominator:,.0f} who were there when the year began" in text
    assert f"Of them {100 * young.estimate:.0f}% had come" in text
    assert f"within the year are not in it: {found.one(estimand='came_and_went').estimate:.0f}." in text
    without = found.table[~found.table["estimand"].isin(["in_first_year", "first_year_difference", "came_and_went"])]
    assert "had come" not in text_of(display.metrics_conversion(Findings(without, found.provenance)))


def test_contracts_that_never_come_up_are_told_with_their_number(found):
    every = found.one(estimand="contracts_without_renewal", term="all terms")
    assert every.numerator > 0
    text = text_of(display.metrics_renewals(found))
    assert f"never count as due: {every.numerator:,.0f} of {every.denominator:,.0f} in force" in text
    assert "(1-month contracts " in text and "Customers due" not in text
    table = found.table.copy()
    table.loc[table["estimand"] == "contracts_without_renewal", ["estimate", "numerator"]] = 0
    assert "never count" not in text_of(display.metrics_renewals(Findings(table, found.provenance)))


def test_net_and_gross_retention_are_drawn_together(found):
    block = display.metrics_retention(found)
    svg = re.findall(r"<svg.*?</svg>", str(block.markup), re.S)
    assert len(svg) == 2 and all(">net<" in one and ">gross<" in one for one in svg)
    for estimand in ("nrr", "grr"):
        last = found.where(estimand=estimand, method="rolling year").rows()[-1]
        assert all(f">{100 * last.estimate:.0f}%<" in one for one in svg), estimand


def test_a_line_across_a_month_is_named_for_what_it_is(found):
    svg = "".join(re.findall(r"<svg.*?</svg>", str(display.metrics_months(found).markup), re.S))
    assert "last 12" in svg and "all:" not in svg


def test_customers_and_revenue_of_groups_stand_side_by_side(found):
    svg = re.findall(r"<svg.*?</svg>", str(display.metrics_segments(found).markup), re.S)
    assert all("customers lost" in one and "revenue lost" in one for one in svg)
    names = text_of(display.metrics_segments(found))
    assert "12-month contracts" in names and "1-month contracts" in names


def test_what_revenue_says_of_groups_is_told_whichever_way_it_goes(found):
    estimands = [f"segment_{name}_difference" for name in ("mrr", "grr", "nrr")]
    table = found.table.copy()
    made = table["estimand"].isin(estimands) & table["p_adjusted"].notna()
    table.loc[made, "p_adjusted"] = 0.5
    none = text_of(display.metrics_segments(Findings(table, found.provenance)))
    assert "No group differs clearly in revenue lost, gross retention or net retention." in none
    first = table.index[made & (table["estimand"] == "segment_mrr_difference")][0]
    table.loc[first, ["estimate", "p_adjusted"]] = 0.25, 0.001
    one = text_of(display.metrics_segments(Findings(table, found.provenance)))
    assert f"In revenue lost “{table.loc[first, 'level']}”" in one and "+25.0 points (p = 0.001)" in one
    assert "No group differs clearly in gross retention or net retention." in one


def test_without_revenue_groups_are_drawn_by_customers_alone(found):
    without = found.table[~found.table["estimand"].isin(["mrr_churn", "segment_mrr_churn"])]
    svg = re.findall(r"<svg.*?</svg>", str(display.metrics_segments(Findings(without, found.provenance)).markup), re.S)
    assert len(svg) == 2 and not any("revenue lost" in one for one in svg)


def test_the_sentence_of_the_bridge_names_every_step_as_an_amount(found):
    text = text_of(display.metrics_bridge(found)).split("The bridge of")[0]
    steps = {row.level: row.estimate for row in found.where(estimand="mrr", method="last year").rows()}
    assert "\N{MINUS SIGN}" not in text
    for step, amount in steps.items():
        assert f"${abs(amount):,.0f}" in text, step


def test_a_calendar_year_that_is_the_last_twelve_months_is_listed_once(found):
    rows = found.where(estimand="customer_churn", method="year").rows()
    last = found.one(estimand="customer_churn", method="last year")
    page = str(display.metrics_rates(found).markup)
    assert last.term == f"{rows[-1].term}-01-01 to {rows[-1].term}-12-31" and last.term not in text_of(
        display.metrics_rates(found)
    )
    assert f">{rows[-1].term}</th>" in page


def test_failed_charges_are_told_in_money_too(found):
    where = {"term": "the whole window", "level": "within 30 days"}
    failed, paid = (found.one(estimand=name, **where).estimate for name in ("amount_failed", "amount_recovered"))
    text = text_of(display.metrics_renewals(found))
    assert 0 < paid < failed and f"${failed:,.0f}" in text and f"${paid:,.0f}" in text


def test_dates_of_periods_are_not_broken_in_two():
    page = str(unbroken("2025-01-01 to 2025-12-31 <b>"))
    assert re.findall(r"nowrap\">([^<]+)<", page) == ["2025-01-01", "2025-12-31"] and page.endswith(" &lt;b&gt;")
    assert str(unbroken("2025 Q1")) == "2025 Q1"
