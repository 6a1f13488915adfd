"""The page on churn and revenue: every number has its finding; customers and money stand side by side."""

import re
import sys
from pathlib import Path

import pytest

import whychurn as wc
from whychurn import display
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


def text_of(block: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", str(block.markup)))


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
    assert "negative net churn: what stays grows by more" in text_of(display.metrics_summary(grown))
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
