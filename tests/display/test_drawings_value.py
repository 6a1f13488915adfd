"""The page on value: every number has its finding, sentences follow the findings, nothing missing breaks it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from whychurn import display
from whychurn.analyses.value import run
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from companies import company, company_panel, company_study, settings_of

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "value_summary", "value_curve", "value_walk", "value_segments", "value_profit", "value_compounding", "value_keeping",
    "value_assumptions",
)  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Findings:
    study, panel = company_panel()
    return Findings(run(panel, study).table, panel.provenance)


def html(found: Findings, *parts: str) -> str:
    return "".join(str(getattr(display, name)(found).markup) for name in parts or PARTS)


def text(found: Findings, *parts: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<[^>]+>", "", html(found, *parts), flags=re.S))


def without(found: Findings, *estimands: str, **notes: str) -> Findings:
    table = found.table[~found.table["estimand"].isin(estimands)].copy()
    for estimand, note in notes.items():
        rows = table["estimand"] == estimand
        table.loc[rows, ["estimate", "conf_low", "conf_high"]] = float("nan")
        table.loc[rows, "note"] = note
    return Findings(table, found.provenance)


def test_no_number_stands_without_its_finding(found):
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html(found))) - {""}
    assert len(sources) > 60 and sources <= known
    assert "nan" not in text(found).lower().replace("finance", "")


def test_the_headline_names_the_largest_step(found):
    said = text(found, "value_summary")
    assert said.startswith("A new customer brings an estimated $")
    assert "after costs; the usual formula says $" in said
    steps = found.where(estimand="step").rows()
    table = found.table.copy()
    table.loc[(table["estimand"] == "step") & (table["level"] == "discount"), "estimate"] = -1e9
    assert max(steps, key=lambda row: abs(row.estimate)).level != "discount"
    assert "mostly because it counts later money like money today" in text(Findings(table), "value_summary")


def test_a_step_away_from_the_estimate_is_no_reason(found):
    """The formula is 10 below the estimate: one step of -50 away from it, and steps of 30 towards it."""
    table = found.table.copy()
    steps = table["estimand"] == "step"
    table.loc[steps, "estimate"] = 0.0
    for level, step in (("horizon", -50.0), ("tenure", 30.0), ("revenue", 29.0), ("discount", 1.0)):
        table.loc[steps & (table["level"] == level), "estimate"] = step
    changed = Findings(table)
    assert "above all because it takes leaving to be as likely at every age" in text(changed, "value_summary")
    assert "the largest step is: leaving as observed at each age" in text(changed, "value_walk")


def test_the_identity_is_printed_with_all_its_factors(found):
    said = text(found, "value_profit")
    assert re.search(r"customers on average × 12 months × \(\$[\d,]+ − \$[\d,]+ a month\) less", said)


def test_retention_that_cannot_rise_by_five_points_is_not_called_five_points(found):
    assert "Five points more yearly retention would add $" in text(found, "value_compounding")
    table = found.table.copy()
    more = (table["estimand"] == "yearly_retention") & (table["level"] == "five points more")
    table.loc[more, "note"] = "Retention cannot rise by five points: all customers staying is the most."
    said = text(Findings(table, found.provenance), "value_compounding")
    assert (
        "If all customers stayed, that would add $" in said
        and "ive points more" not in said
        and "five points add" not in said
    )


def test_what_is_often_quoted_is_context_and_no_verdict(found):
    said = text(found, "value_keeping")
    assert said.count("Context, not a finding of these data and no verdict on them.") == 1
    assert "a good yearly churn is 3–5% (depends on size" in said


def test_zero_profit_is_marked_where_there_is_one(found):
    table = found.table.copy()
    zero = table["estimand"] == "zero_retention"
    table.loc[zero, ["estimate", "note"]] = [0.4, ""]
    assert "would have been zero at a retention of 40.0%" in text(Findings(table), "value_profit")
    assert ">zero</text>" in html(Findings(table), "value_profit")


def test_unrecorded_costs_are_said_to_count_as_zero_only_where_there_are_any(found):
    assert "counts as zero" not in text(found, "value_profit")
    assert "What is not recorded (–) counts as zero." in text(without(found, year_service=""), "value_profit")


def test_more_needed_than_won_is_another_sentence(found):
    table = found.table.copy()
    table.loc[table["estimand"] == "stand_still_customers", "estimate"] = 1e4
    assert "would replace those who leave; there were" in text(Findings(table), "value_keeping")


def test_segments_that_cannot_be_told_apart(found):
    table = found.table.copy()
    table.loc[table["estimand"] == "segment_test", "p_adjusted"] = 0.5
    assert "No segment can be told apart" in text(Findings(table), "value_segments")
    assert "No lifetimes" in text(without(found, "segment_value"), "value_segments")


def test_what_is_missing_is_said(found):
    gone = without(found, "step", "usual_cumulative", usual_value="Nobody left in the window.")
    assert "Nobody left in the window." in text(gone, "value_summary")
    assert html(gone, "value_walk") == ""
    assert "$" in text(gone, "value_curve") or html(gone, "value_curve")
    none = without(found, "cumulative_value", "expected_months", lifetime_value="Too few customers began.")
    assert text(none, "value_summary") == "Too few customers began."
    assert html(none, "value_curve") == ""


def test_without_costs_the_page_speaks_of_revenue():
    study, panel = company_study(company().frames, settings_of(), without=["costs"])
    found = Findings(run(panel, study).table, panel.provenance)
    said = text(found)
    assert "months in revenue" in said and "after costs" not in said
    assert "No costs are recorded" in said
    assert "No cost is recorded, so this is revenue and nothing is said of profit." in said and "− –" not in said


def test_a_tiny_company_builds_the_page():
    frames = company().frames
    few = set(frames["accounts"]["account_id"].iloc[:12])
    frames = {
        name: frame[frame["account_id"].isin(few)] if "account_id" in frame and name != "events" else frame
        for name, frame in frames.items()
    }
    study, panel = company_study(frames, settings_of())
    found = Findings(run(panel, study).table, panel.provenance)
    assert "customers began in the window" in text(found)
