"""The page on the first ninety days: every number has its finding, and no effect is said to be none."""

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
PARTS = ("onboarding_summary", "onboarding_first_use", "onboarding_milestones", "onboarding_amounts")
USERS = "Two or more people active within 30 days"


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings("onboarding")


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts or PARTS))


def with_verdict(found: Findings, verdict: str) -> Findings:
    table = found.table.copy()
    heads = (table["estimand"] == "hazard_ratio") & (table["family"] != "")
    table.loc[heads, "grade"] = "unclear"
    at = heads & (table["term"] == USERS)
    values = {
        "estimate": 0.5,
        "conf_low": 0.3,
        "conf_high": 0.8,
        "p_value": 1e-5,
        "p_adjusted": 0.001,
        "grade": verdict,
    }
    for name, value in values.items():
        table.loc[at, name] = value
    return Findings(table, found.provenance)


def test_no_number_stands_without_its_finding(found):
    html = "".join(str(getattr(display, name)(found).markup) for name in PARTS)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 60
    assert sources <= known
    assert [svg for svg in re.findall(r"<svg[^>]*>", html) if not re.search(r'aria-label="[^"]{5,}"', svg)] == []


def test_a_milestone_with_a_verdict_is_the_headline(found):
    text = said(with_verdict(found, "protective"), "onboarding_summary")
    assert text.startswith(f"New customers who met “{USERS}” later leave at 0.50 times the rate of those who did not")
    assert "four times out of five" not in text


def test_no_clear_milestone_is_not_said_to_be_no_effect(found):
    text = said(with_verdict(found, "unclear"), "onboarding_summary")
    assert text.startswith("The first ninety days do not clearly decide: for none of")
    assert "That none is clear is not that none matters" in text and "four times out of five" in text


def test_the_curves_are_a_figure_in_two_widths_under_a_computed_sentence(found):
    html = str(display.onboarding_first_use(found).markup)
    assert (html.count('class="wide"'), html.count('class="narrow"')) == (1, 1)
    assert re.search(r"By day 90, \d+% of new customers have used \w+, and \d+% \w+\.", text_of(html))


def test_each_milestone_says_when_it_was_judged(found):
    text = said(found, "onboarding_milestones")
    assert "As known on day 28 of new customers still there on day 42" in text
    assert "As known on day 91 of new customers still there on day 105" in text


def test_a_milestone_that_everyone_met_keeps_its_row_and_its_note(found):
    table = found.table.copy()
    at = (table["estimand"] == "hazard_ratio") & (table["term"] == USERS)
    table.loc[at, ["estimate", "conf_low", "conf_high", "std_error", "p_value", "p_adjusted"]] = float("nan")
    table.loc[at, "note"] = "Everyone of whom it is known met it."
    text = said(Findings(table, found.provenance), "onboarding_milestones")
    assert "Everyone of whom it is known met it." in text


def test_too_few_new_customers_are_said_once():
    rows = [
        {"analysis": "onboarding", "term": "New customers", "estimand": "n_new", "estimate": 3},
        {"analysis": "onboarding", "term": "First ninety days", "estimand": "left_out", "note": "Only 3 came."},
    ]
    assert said(Findings.from_rows(rows)) == "Only 3 came."


def test_names_from_the_data_are_escaped(found):
    table = found.table.assign(
        term=found.table["term"].str.replace("reporting", "<b>x", regex=False),
        adjusted_for=found.table["adjusted_for"].str.replace("reporting", "<b>x", regex=False),
    )
    html = "".join(str(getattr(display, name)(Findings(table, found.provenance)).markup) for name in PARTS)
    assert "<b>x" not in html and "&lt;b&gt;x" in html
