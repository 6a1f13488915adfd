"""The page on engagement: every number has its finding, sentences follow the verdicts, nothing missing breaks it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import as_read
import numpy as np
import pytest
from as_read import text_of

from whychurn import display
from whychurn.display.ratio_dots import NARROW, WIDE, Line, ratio_svg
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from said_companies import findings, no_reasons, nobody_leaves, of_small

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "engagement_summary", "decline_figure", "decline_table", "support_table", "tickets_and_use", "cells_table",
    "rating_and_tickets", "calls_figure", "calls_table",
)  # fmt: skip
CAUSES = """
[[causes]]
column = "plan"
type = "category"
tier = 2
"""


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings("engagement")


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts or PARTS))


def changed(found: Findings, conditions: dict[str, object], **columns: object) -> Findings:
    """Findings in which some rows are otherwise."""
    table = found.table.copy()
    at = np.logical_and.reduce([table[name] == value for name, value in conditions.items()])
    assert at.any(), conditions
    for name, value in columns.items():
        table.loc[at, name] = value
    return Findings(table, found.provenance)


def verdict(found: Findings, term: str, grade: str) -> Findings:
    return changed(found, {"estimand": "verdict", "term": term}, grade=grade)


def test_no_number_stands_without_its_finding(found):
    html = "".join(str(getattr(display, name)(found).markup) for name in PARTS)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 50 and sources <= known


def test_figures_say_in_words_what_they_show_in_both_widths(found):
    html = str(display.tickets_and_use(found).markup)
    assert html.count('role="img"') == 2
    row = found.one(
        outcome="voluntary churn", term="Tickets and use", level="no tickets, low use",
        effect_kind="total", estimand="hazard_ratio",
    )  # fmt: skip
    assert f"adjusted for what comes before use {row.estimate:.2f}" in html


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_ratios_beyond_the_scale_stay_on_the_page(found, layout):
    row = found.where(estimand="hazard_ratio", group="decline").rows()[0]
    wild = type(row)({**row.values, "estimate": 900.0, "conf_low": 1e-6, "conf_high": 1e9})
    svg = str(ratio_svg([Line("Wild & wide", (row, wild))], ("alone", "adjusted"), "In words", layout))
    assert "Wild &amp; wide" in svg and "NaN" not in svg


@pytest.mark.parametrize(
    ("grade", "sentence"),
    [
        ("warns beyond low use", "Customers whose use has halved against their own usual leave of their own will"),
        ("may warn beyond low use", "a sign too weak to stand for itself"),
        ("no more than low use", "Falling use warns no more than low use does"),
        ("the reverse", "falling use does not warn"),
        ("no sign", "shows no clear tie to leaving"),
    ],
)
def test_the_title_on_falling_use_follows_the_verdict(found, grade, sentence):
    assert sentence in said(verdict(found, "Trend of use", grade), "decline_figure")


@pytest.mark.parametrize(
    ("grade", "sentence"),
    [
        ("protective, hidden", "beside customers equally at risk"),
        ("explained", "no clearer than customers equally at risk"),
        ("harmful all the same", "as others who look equally at risk"),
        ("protective", "of customers equally at risk, and"),
        ("no sign", "shows no clear tie to leaving"),
    ],
)
def test_the_title_on_calls_follows_the_verdict(found, grade, sentence):
    assert sentence in said(verdict(found, "Attempts to save in twelve weeks", grade), "calls_figure")


def test_who_gets_called_is_said_either_way(found):
    at = {"estimand": "expected_ratio", "term": "Attempts to save in twelve weeks", "outcome": "voluntary churn"}
    assert "Those at risk get called" in said(changed(found, at, estimate=1.6), "calls_figure")
    assert "The safer ones get called" in said(changed(found, at, estimate=0.6), "calls_figure")
    assert "about as likely to leave" in said(changed(found, at, estimate=1.0), "calls_figure")


def test_tickets_and_use_in_words(found):
    assert "No tickets is good news only with high use" in said(
        verdict(found, "Few tickets and low use", "gave up"), "tickets_and_use"
    )
    assert "do not clearly" in said(verdict(found, "Few tickets and low use", "not seen"), "tickets_and_use")
    more = verdict(found, "Tickets and use", "more than multiplied")
    assert "with more than the two would make multiplied" in said(more, "tickets_and_use")


def test_the_headline_names_signs_that_stand_after_p_is_adjusted(found):
    about = {"family": found.where(estimand="hazard_ratio", outcome="voluntary churn").table["family"].max()}
    none = changed(found, about, p_adjusted=0.5)
    assert said(none, "engagement_summary").startswith("Neither support nor satisfaction nor falling use")
    one = changed(
        none, {**about, "term": "Last rating of support"}, p_adjusted=0.001, conf_low=1.2, estimate=1.9, conf_high=3.0
    )
    text = said(one, "engagement_summary")
    assert "What warns of leaving, all else equal: last rating of support “1 or 2 of 5” (1.9 times as fast" in text
    assert "Not clearly:" in text and "trend of use" in text


@pytest.mark.parametrize(
    "made",
    [
        {"without": ["usage"]},
        {"without": ["tickets", "interventions", "interactions"]},
        {"change": nobody_leaves},
        {"change": no_reasons},
    ],
    ids=["no usage", "no tickets", "nobody left", "no reasons"],
)
def test_what_is_missing_is_said_and_breaks_nothing(made):
    found = of_small("engagement", CAUSES, **made)
    text = said(found)
    assert "nan" not in text.lower().replace("finance", "")
    if made.get("without") == ["usage"]:
        assert "Not recorded here: trend of use, level of use" in text
    if made.get("change") is nobody_leaves:
        assert text.startswith("Nobody left in the window")
    if made.get("change") is no_reasons:
        assert "the study cannot tell who left of their own will" in text
