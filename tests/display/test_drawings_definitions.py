"""The page on definitions: every number has its finding, the sentence follows the rates, nothing missing breaks it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import as_read
import numpy as np
import pytest
from as_read import text_of

from whychurn.display.definitions.dots import NARROW, WIDE, Line, dots_svg
from whychurn.display.definitions.waterfall import NARROW as NARROW_STEPS
from whychurn.display.definitions.waterfall import WIDE as WIDE_STEPS
from whychurn.display.definitions.waterfall import Step, waterfall_svg
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from said_companies import CAUSES, findings, nobody_leaves, of_small

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "definitions_summary", "definitions_lookup", "definitions_figure", "definitions_walk", "definitions_walks", "definitions_year",
    "definitions_table",
)  # fmt: skip
HOUSE = "Opening customers lost"


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings("definitions")


def html_of(found: Findings, *parts: str) -> str:
    return as_read.html_of(found, parts or PARTS)


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts or PARTS))


def with_rates(found: Findings, change) -> Findings:
    """Findings whose rates are others: `change` is given the table."""
    table = found.table.copy()
    change(table)
    return Findings(table, found.provenance)


def test_no_number_stands_without_its_finding(found):
    html = html_of(found)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 100 and sources <= known


def test_the_headline_is_the_lowest_the_highest_and_yours(found):
    rows = [row for row in found.where(estimand="rate", level="month", grade="of the base").rows() if row.estimated]
    low, high = (pick(rows, key=lambda row: row.estimate) for pick in (min, max))
    house = found.one(estimand="rate", level="month", term=HOUSE)
    text = said(found, "definitions_summary")
    assert text.startswith(
        f"The same data give monthly churn between {100 * low.estimate:.2f}% and {100 * high.estimate:.2f}%, depending on "
        f"the definition; yours is {100 * house.estimate:.2f}%."
    )
    assert (
        f"of {house.denominator:,.0f} customers when {house.reference} began, {house.numerator:.0f} were gone" in text
    )


def test_another_tools_rate_is_found_with_the_customers_that_make_the_difference(found):
    text = said(found, "definitions_lookup")
    walks = [row for row in found.where(estimand="walk", group="month").rows() if row.estimated]
    listed = [row for row in walks if row.n_accounts]
    assert listed and all(f"{row.term}" in text for row in listed)
    bases = {row.term: row.grade for row in found.where(estimand="rate", level="month").rows()}
    assert "Of another base: departures / (new + reactivated)." in text
    for row in (row for row in listed if bases[row.term] != "of another base"):
        steps = found.where(estimand="walk_step", term=row.term, group="month").rows()
        main = max(steps, key=lambda step: step.estimate * (1 if row.estimate > 0 else -1))
        assert f": {main.level} (" in text
    rates = [
        float(shown) for shown in re.findall(r"<td[^>]*>[^%<]*<[^>]*>(−?[\d.]+)%", html_of(found, "definitions_lookup"))
    ]
    assert rates == sorted(rates, reverse=True) and len(rates) >= len(listed)
    same = [row for row in walks if not row.n_accounts]
    assert text.count("The same as yours, customer by customer.") == len(same) > 0
    assert "ProfitWell" in text and "compare the lists of customers" in text


def test_the_benchmark_is_no_verdict(found):
    assert "Context, not a verdict on yours." in said(found, "definitions_year")


def test_a_range_that_ends_in_revenue_is_given_for_customers_alone(found):
    def revenue_lowest(table):
        rate = (table["estimand"] == "rate") & (table["level"] == "month")
        table.loc[rate & (table["term"] == "Gross revenue churn"), "estimate"] = 0.0001

    text = said(with_rates(found, revenue_lowest), "definitions_summary")
    rows = found.where(estimand="rate", level="month", grade="of the base", family="customers").rows()
    known = [100 * row.estimate for row in rows if row.estimated]
    assert f"Counted in customers alone: from {min(known):.2f}% to {max(known):.2f}%." in text


def test_rates_that_are_net_or_of_another_base_are_no_part_of_the_range(found):
    text = said(found, "definitions_figure")
    for row in found.where(estimand="rate", level="month", grade=["net of gains", "of another base"]).rows():
        shown = f"{100 * row.estimate:,.2f}%".replace("-", "−")
        assert f"{row.term[0].lower()}{row.term[1:]} {shown}" in text


def test_where_all_definitions_agree_that_is_said(found):
    def same(table):
        base = (table["estimand"] == "rate") & (table["grade"] == "of the base")
        table.loc[base, ["estimate", "conf_low", "conf_high"]] = [0.02, 0.01, 0.03]
        table.loc[table["estimand"] == "walk", "grade"] = ""

    changed = with_rates(found, same)
    assert said(changed, "definitions_summary").startswith("Every definition gives the same monthly churn: 2.00%.")
    assert "Every definition gives 2.00% for" in said(changed, "definitions_figure")
    assert "nothing to walk between" in said(changed, "definitions_walk")


def test_the_walk_names_both_rates_the_largest_step_and_closes_in_print(found):
    walk = found.one(estimand="walk", grade="headline", group="month")
    steps = found.where(estimand="walk_step", term=walk.term, group="month").rows()
    start, end = (found.one(estimand="rate", level="month", term=name) for name in (HOUSE, walk.term))
    text = said(found, "definitions_walk")
    assert f"From your {100 * start.estimate:.2f}% to the {100 * end.estimate:.2f}% of" in text
    assert f"the largest step is {steps[0].n_accounts:,.0f} customer" in text and steps[0].level in text
    printed = f"{100 * walk.estimate:+.2f}".replace("-", "−")
    assert printed in text
    examples = found.one(estimand="walk_examples", term=walk.term, group="month", level=steps[0].level).note
    assert examples in text


def test_the_year_is_told_from_its_conversion(found):
    text = said(found, "definitions_year")
    assert "conversion, 1 − (1 − monthly)^12, not an observation" in text
    assert "3–5%. Depends on size, industry, pricing" in text


def test_definitions_stand_with_formula_counts_and_tools(found):
    text = said(found, "definitions_table")
    house = found.one(estimand="rate", level="month", term=HOUSE)
    assert f"{house.numerator:.0f} of {house.denominator:,.0f}" in text
    for row in found.where(estimand="rate", level="month").rows():
        assert row.term in text and row.method in text
    assert "Baremetrics" in text and "changes with their versions" in text


def test_many_groups_are_drawn_as_few(found):
    walk = found.one(estimand="walk", grade="headline", group="month")

    def many(table):
        steps = table.index[(table["estimand"] == "walk_step") & (table["group"] == "year")][:9]
        table.loc[steps, ["term", "group"]] = [walk.term, "month"]
        table.loc[steps, "level"] = [f"group {i}" for i in range(9)]
        table.loc[steps, "time"] = np.arange(9.0) + 50

    text = html_of(with_rates(found, many), "definitions_walk")
    assert re.search(r"\d+ smaller groups", text)


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_missing_and_negative_rates_are_drawn(found, layout):
    row = found.one(estimand="rate", level="month", term=HOUSE)
    below = type(row)({**row.values, "estimate": -0.01, "conf_low": float("nan"), "conf_high": float("nan")})
    lines = [Line("Heading"), Line("A <b> $x$", row, None, own=True), Line("Below", below, below)]
    svg = str(dots_svg(lines, ("● a", "○ b"), row, "Words", layout))
    assert "A &lt;b&gt; $x$" in svg and "nan" not in svg.lower() and "−1.00%" in svg


@pytest.mark.parametrize("layout", [WIDE_STEPS, NARROW_STEPS])
def test_steps_go_up_and_down_also_below_zero(layout):
    steps = [Step("up & more", 0.01, "+1.00"), Step("down", -0.04, "−4.00")]
    svg = str(waterfall_svg(("Yours", 0.02), steps, ("Net", -0.01), "Words", layout))
    assert "up &amp; more" in svg and "nan" not in svg.lower() and "−1.00%" in svg
    # Nothing is marked where only labels stand.
    assert "2.0%" in svg and "4.0%" not in svg


def test_names_of_definitions_and_ids_are_escaped(found):
    def hostile(table):
        table["term"] = table["term"].replace("“Any break”", "“<script>alert(1)</script>”")
        table.loc[table["estimand"] == "walk_examples", "note"] = "<script>alert(2)</script>"

    html = html_of(with_rates(found, hostile))
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_what_is_missing_is_said_and_breaks_nothing(found):
    nothing = Findings.from_rows([{"analysis": "definitions", "estimand": "nothing", "note": "No complete month."}])
    assert said(nothing) == "No complete month." == "No complete month." + said(nothing, "definitions_lookup")

    def nobody(table):
        at = (table["estimand"] == "rate") & (table["level"] == "month")
        table.loc[at, ["estimate", "conf_low", "conf_high"]] = np.nan
        table.loc[at, "note"] = "Nothing to divide by."
        table.loc[table["estimand"].isin(["walk", "walk_step"]), ["estimate"]] = np.nan
        table.loc[table["estimand"] == "walk", "grade"] = ""

    text = said(with_rates(found, nobody))
    assert text.startswith("There is no churn rate for") and "nan" not in text.lower()


def test_a_company_that_nobody_left_and_that_records_little(found):
    small = of_small("definitions", CAUSES, nobody_leaves, without=["payments", "usage"])
    text = said(small)
    assert "yours is 0.00%" in text or "the same monthly churn: 0.00%" in text
    assert "The study declares no such [[definitions]]" in text
