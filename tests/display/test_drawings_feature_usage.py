"""The page on modules: every number has its finding, sentences follow the verdicts, nothing missing breaks it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import as_read
import pytest
from as_read import text_of

from whychurn import display
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from usage_companies import findings

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "feature_summary", "feature_forest", "feature_table", "feature_doses", "feature_unused", "feature_adoption",
    "feature_behaviours", "feature_naive",
)  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings("feature_usage")


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts or PARTS))


def changed(found: Findings, **columns: object) -> Findings:
    """Findings in which the verdict on reporting is another."""
    table = found.table.copy()
    at = (table["term"] == "reporting") & (table["estimand"] == "hazard_ratio") & (table["effect_kind"] == "total")
    for name, value in columns.items():
        table.loc[at, name] = value
    return Findings(table, found.provenance)


def test_no_number_stands_without_its_finding(found):
    html = "".join(str(getattr(display, name)(found).markup) for name in PARTS)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 100
    assert sources <= known
    assert [svg for svg in re.findall(r"<svg[^>]*>", html) if not re.search(r'aria-label="[^"]{5,}"', svg)] == []


def test_the_headline_names_what_protects_and_what_does_not(found):
    text = said(found, "feature_summary")
    assert re.match(
        r"Customers who use reporting as much as is usual \(\d+ uses\) leave at 0\.\d\d times the rate", text
    )
    assert "the data cannot tell" in text
    assert "This is association" in text and "cause" not in text.lower().replace("causes", "")


def test_without_a_protective_module_the_sentences_are_others(found):
    none = changed(found, grade="unclear")
    assert said(none, "feature_summary").startswith("Among equally active customers, none of 7 modules clearly goes")
    assert "with all else equal none clearly does" in said(none, "feature_forest")
    unused = Findings(none.table[~none.table["estimand"].isin(["not_using"])], none.provenance)
    assert (
        said(unused, "feature_unused") == "No module has the verdict protective, so there is none to win customers for."
    )
    risky = changed(found, grade="risky", estimate=1.5, conf_low=1.2, conf_high=1.9)
    assert "Those who use reporting leave faster." in said(risky, "feature_summary")


def test_the_naive_table_is_held_against_what_was_known(found):
    text = said(found, "feature_naive")
    assert re.match(
        r"A flat table of lifetime totals would call [4-7] of 7 modules protective; by what was known at the time, 1 is",
        text,
    )
    assert "Most misleading is" in text


def test_the_list_of_customers_to_win_comes_with_revenue_and_plans(found):
    text = said(found, "feature_unused")
    row = found.one(estimand="not_using", term="reporting", group="")
    assert text.startswith(f"{row.numerator:,.0f} of {row.denominator:,.0f} current customers")
    assert "Enterprise" in text and "Starter" in text and "$" in text


def test_figures_come_in_two_widths_under_a_computed_sentence(found):
    html = str(display.feature_forest(found).markup) + str(display.feature_doses(found).markup)
    assert (html.count('class="wide"'), html.count('class="narrow"')) == (2, 2)
    assert re.search(r"uses of reporting, customers leave at .* times the rate of those with none", text_of(html))


def test_names_from_the_data_are_escaped(found):
    table = found.table.assign(term=found.table["term"].replace("reporting", "<b>x"))
    html = "".join(str(getattr(display, name)(Findings(table, found.provenance)).markup) for name in PARTS)
    assert "<b>x" not in html and "&lt;b&gt;x" in html


def test_a_study_without_usage_says_so_once():
    row = {"analysis": "feature_usage", "term": "All modules", "estimand": "left_out", "note": "No module is measured."}
    assert (
        said(Findings.from_rows([row])).replace(
            "No module has a verdict that would call for a look at how much it is used.", ""
        )
        == "No module is measured."
    )


def test_ratios_that_could_not_be_estimated_leave_a_page_that_says_why(found):
    table = found.table.copy()
    ratios = table["estimand"].isin(["hazard_ratio", "log_hazard_ratio", "joint_test", "trend_test"])
    empty = ["estimate", "conf_low", "conf_high", "std_error", "p_value", "p_adjusted", "statistic"]
    table.loc[ratios, empty] = float("nan")
    table.loc[ratios, "grade"] = table.loc[ratios, "grade"].where(table.loc[ratios, "grade"] == "", "not estimated")
    table.loc[ratios, "note"] = "Nobody left."
    text = said(Findings(table[table["estimand"] != "not_using"], found.provenance))
    assert text.startswith("Of no module can it be told whether it goes with staying.") and "Nobody left." in text
