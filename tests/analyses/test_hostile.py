"""Data that break naive code. Every analysis must answer or say why not, and every page must draw what it says."""

import re

import numpy as np
import pytest
from builders import build, cause, simulate
from table_pages import TABLE_PAGES

import whychurn as wc
from whychurn import display
from whychurn.analyses import ANALYSES
from whychurn.display.leadership import render_index
from whychurn.findings import Findings

PAGES = {
    "data_quality": ("quality_summary", "readings", "naive_damage", "quality_ledger", "quality_findings", "missing_values"),
    "segments": ("survival_summary", "survival_tests", "survival_figures"),
    "crosstabs": ("crosstab_summary", "crosstab_tests", "crosstab_tables"),
    "hazards": ("hazard_summary", "hazard_forest", "hazard_comparison", "proportional_summary", "proportional_table",
                "period_table", "window_comparison", "outcome_comparison"),
    "flat_metrics": ("flat_summary", "flat_definitions", "flat_rates", "flat_leaving", "flat_lifetime", "flat_groups",
                     "flat_lacking"),
    "churn_within": ("risk_summary", "risk_levels", "risk_differences"),
    "focus": ("focus_sections",),
    "second_opinion": ("opinion_summary", "opinion_table", "opinion_curves", "opinion_differences"),
    "accuracy": ("accuracy_summary", "calibration_figure", "calibration_table", "capacity_table", "accuracy_measures"),
    "causes": ("cause_summary", "cause_table", "grade_rules", "cause_details", "cause_left_out", "causal_order"),
    "planner": ("plan_summary", "plan_table"),
}  # fmt: skip


def everything(study, panel):
    """Run every analysis and draw every page; return all findings and all HTML."""
    parts, html = [], []
    for name in PAGES:
        found = wc.analyse(name, panel, study)
        parts.append(found)
        html += [str(getattr(display, draw)(found).markup) for draw in PAGES[name]]
    findings = Findings.concat(parts)
    pages = [{"name": f"01_{name}", "title": name, "href": f"01_{name}.html", "summary": ""} for name in PAGES]
    html.append(str(render_index(findings, pages)))
    assert "&lt;d" not in "".join(html)  # markup escaped twice would show as text
    return findings, "".join(html)


def test_every_analysis_and_every_drawing_is_listed_here():
    assert set(PAGES) | set(TABLE_PAGES) == set(ANALYSES)
    drawn = {name for names in (*PAGES.values(), *TABLE_PAGES.values()) for name in names}
    assert drawn | {"survival_figure"} == set(display.__all__)


def test_one_group_only(tmp_path):
    frame = simulate(400, {"a": 0.5}, seed=1).assign(plan="only")
    study, panel = build(tmp_path, frame, cause("plan"))
    findings, html = everything(study, panel)
    left = findings.one(analysis="causes", estimand="left_out", term="Plan")
    assert "same value" in left.note
    assert "No declared cause is tied to churn clearly enough" in html


def test_no_declared_cause_at_all(tmp_path):
    study, panel = build(tmp_path, simulate(400, {"a": 0.5}, seed=1), "")
    _, html = everything(study, panel)
    assert "No declared cause" in html


def test_thirty_customers_against_the_verdict(tmp_path):
    frame = simulate(30, {"a": 1.0}, seed=2, base=0.05)
    study, panel = build(tmp_path, frame, cause("a", reference="0"), accept_risk="a pilot")
    findings, html = everything(study, panel)
    assert findings.one(analysis="causes", estimand="rank", term="A").grade != "strong"
    assert "a pilot" in html


def test_three_hundred_levels_are_pooled_and_said(tmp_path):
    frame = simulate(1500, {"a": 0.5}, seed=3)
    frame["city"] = [f"city {value}" for value in np.random.default_rng(4).integers(0, 300, len(frame))]
    study, panel = build(tmp_path, frame, cause("city"))
    candidate = panel.candidate("city")
    assert len(candidate.levels) == 12
    assert "rarer levels" in candidate.note
    findings, _ = everything(study, panel)
    shares = findings.where(analysis="crosstabs", estimand="churn_share", term="City").table
    assert shares["denominator"].sum() == 1500


def test_perfect_separation(tmp_path):
    frame = simulate(600, {"a": 0.5}, seed=5)
    frame["fate"] = np.where(frame["churned"] == 1, "doomed", "safe")
    study, panel = build(
        tmp_path, frame, cause("fate", reference="doomed", keep="to see what happens") + cause("a", reference="0")
    )
    findings, _ = everything(study, panel)
    row = findings.where(analysis="hazards", estimand="hazard_ratio", term="Fate", effect_kind="total").rows()[0]
    assert not row.estimated
    assert "Nobody left" in row.note


def test_a_number_that_separates(tmp_path):
    frame = simulate(600, {"a": 0.5}, seed=5)
    frame["score"] = np.where(frame["churned"] == 1, 5.0, 1.0) - frame["tenure"] * 1e-6
    study, panel = build(
        tmp_path, frame, cause("score", "number", keep="to see what happens") + cause("a", reference="0")
    )
    findings, _ = everything(study, panel)
    notes = " ".join(row.note for row in findings.where(term="Score").rows())
    assert "Not estimated" in notes


def test_two_columns_that_say_the_same(tmp_path):
    frame = simulate(600, {"a": 0.5}, seed=6)
    frame["twin"] = frame["a"].map({0: "no", 1: "yes"})
    study, panel = build(tmp_path, frame, cause("a", reference="0") + cause("twin"))
    findings, _ = everything(study, panel)
    assert findings.one(analysis="hazards", estimand="hazard_ratio", term="A", effect_kind="direct").estimated


def test_sum_of_three_columns_cannot_be_told_apart_and_says_so(tmp_path):
    frame = simulate(900, {"a": 0.5, "b": 0.2}, seed=7)
    frame["x"] = np.random.default_rng(1).integers(0, 9, len(frame))
    frame["total"] = frame["a"] + frame["b"] + frame["x"]
    causes = cause("a", "number") + cause("b", "number") + cause("x", "number") + cause("total", "number")
    study, panel = build(tmp_path, frame, causes)
    findings, _ = everything(study, panel)
    assert findings.where(analysis="causes", estimand="rank")


def test_everybody_left(tmp_path):
    frame = simulate(400, {"a": 0.5}, seed=8).assign(churned=1)
    study, panel = build(tmp_path, frame, cause("a", reference="0"), churn="", accept_risk="all left")
    everything(study, panel)


def test_nobody_left_within_the_horizon(tmp_path):
    frame = simulate(600, {"a": 0.5}, seed=9)
    frame["tenure"] += 20
    study, panel = build(tmp_path, frame, cause("a", reference="0"), horizon=6)
    findings, html = everything(study, panel)
    assert "too few for a regression" in " ".join(row.note for row in findings.where(analysis="churn_within").rows())
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)


def test_names_that_attack_a_page_or_a_spreadsheet(tmp_path):
    frame = simulate(600, {"a": 0.5}, seed=10)
    frame["plan"] = frame["a"].map({0: "<script>alert(1)</script>", 1: '=HYPERLINK("http://x","y")'})
    frame = frame.rename(columns={"a": 'a<img src=x onerror="1">'})
    causes = cause("plan") + '[[causes]]\ncolumn = \'a<img src=x onerror="1">\'\ntype = "category"\n'
    study, panel = build(tmp_path, frame, causes)
    _, html = everything(study, panel)
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("unit_of_time", [1, 30])
def test_continuous_time_and_missing_values(tmp_path, unit_of_time):
    frame = simulate(700, {"a": 0.5}, seed=11)
    rng = np.random.default_rng(12)
    frame["tenure"] = (frame["tenure"] * unit_of_time + rng.uniform(0, 1, len(frame))).round(4)
    frame["region"] = rng.choice(["north", "south", None], len(frame))
    frame["seats"] = np.where(rng.uniform(size=len(frame)) < 0.2, np.nan, rng.integers(1, 90, len(frame)))
    study, panel = build(tmp_path, frame, cause("region") + cause("seats", "number"))
    findings, _ = everything(study, panel)
    levels = {row.level for row in findings.where(analysis="crosstabs", term="Region", estimand="churn_share").rows()}
    assert "(missing)" in levels
    assert panel.candidate("seats").kind == "category"
    assert "in bands" in panel.candidate("seats").note


def test_no_traceable_number_is_lost_between_findings_and_page(tmp_path):
    study, panel = build(tmp_path, simulate(600, {"a": 0.6}, seed=13), cause("a", reference="0"))
    findings, html = everything(study, panel)
    known = {row.id for row in findings.rows()} | {"provenance"}
    sources = re.findall(r'data-finding="([^".]+)\.', html)
    assert len(sources) > 100
    assert set(sources) <= known
