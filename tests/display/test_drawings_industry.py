"""The industry page: sentences follow the findings, every number has one, and what cannot be said breaks nothing."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import as_read
import numpy as np
import pandas as pd
import pytest
from as_read import text_of

from whychurn.display.small_multiples import NARROW, WIDE, Panel, nice_top, panels_svg
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from industry_companies import answered, never_ended, small_company

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "industry_summary", "industry_staying", "industry_leaving", "industry_forest", "industry_why", "industry_pairs",
    "industry_worth", "industry_segments",
)  # fmt: skip


@pytest.fixture
def found() -> Findings:
    return answered()[2]


@cache
def whole_page() -> str:
    """The page of the company as simulated."""
    return html_of(answered()[2])


def html_of(found: Findings, *parts: str) -> str:
    return as_read.html_of(found, parts or PARTS)


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts or PARTS), drawings=False)


def changed(found: Findings, where: dict[str, object], **columns: object) -> Findings:
    """The same findings, some of them with other values."""
    table = found.table.copy()
    at = np.ones(len(table), dtype=bool)
    for name, value in where.items():
        at &= (table[name] == value).to_numpy()
    assert at.any()
    for name, value in columns.items():
        table.loc[at, name] = value
    return Findings(table, found.provenance)


RATIO = {"estimand": "hazard_ratio", "term": "Industry", "outcome": "voluntary churn", "level": "Medical devices"}


def with_ratios(found: Findings, total: float, direct: float) -> Findings:
    """Medical devices against software as a clear total ratio and a direct one."""
    out = changed(found, RATIO | {"reference": "Software", "effect_kind": "total", "group": ""},
                  estimate=total, conf_low=total / 1.2, conf_high=total * 1.2, p_value=0.001, p_adjusted=0.005)  # fmt: skip
    return changed(out, RATIO | {"reference": "Software", "effect_kind": "direct", "group": ""},
                   estimate=direct, conf_low=direct / 1.2, conf_high=direct * 1.2)  # fmt: skip


def test_every_number_on_the_page_has_its_finding(found):
    html = whole_page()
    values = {row.id: row for row in found.rows()}
    sources = re.findall(r'data value="([^"]+)" data-format="[^"]+" data-finding="([^"]*)"', html)
    assert len(sources) > 400
    for value, source in sources:
        if source:
            name, _, column = source.partition(".")
            assert float(value) == pytest.approx(getattr(values[name], column))
    assert not re.search(r"\bnan\b", text_of(html, drawings=False))
    assert "&lt;d" not in html


def test_ids_are_unique_over_the_page():
    ids = re.findall(r'\bid="([^"]+)"', whole_page())
    assert len(ids) == len(set(ids))


def test_the_declared_question_is_answered_first(found):
    text = said(with_ratios(found, 2.0, 1.5), "industry_summary")
    assert text.startswith(
        "Industry, “Medical devices” against “Software”: customers leave of their own accord 2.0 times as fast"
    )
    assert "number of employees, region" in text
    assert "calendar quarter equal" in text
    unclear = changed(found, RATIO | {"reference": "Software", "effect_kind": "total", "group": ""}, p_value=0.4)
    assert "no clear difference in how fast customers leave" in said(unclear, "industry_summary")


def test_the_pair_furthest_apart_is_said_to_have_been_picked(found):
    text = said(found, "industry_summary")
    assert "Furthest apart are" in text
    assert "picked after looking" in text
    assert "all 15 pairs" in text
    unclear = changed(found, {"group": "all pairs"}, p_adjusted=0.6)
    assert "but not clearly" in said(unclear, "industry_summary")
    assert said(unclear, "industry_pairs").startswith("0 of 15 pairs of levels differ clearly")


@pytest.mark.parametrize(
    ("total", "direct", "words"),
    [
        (2.0, 1.5, "part of the excess goes with"),
        (2.0, 1.98, "hardly any of the excess goes with what comes later"),
        (2.0, 2.6, "the excess is larger among customers equal in all else"),
        (2.0, 0.9, "the excess is gone or turned round"),
        (0.5, 0.7, "part of the advantage goes with"),
    ],
)
def test_total_beside_direct_in_words(found, total, direct, words):
    text = said(with_ratios(found, total, direct), "industry_why")
    assert words in text
    assert "cause" not in text.replace("causes", "").replace("every cause", "")  # never “caused by”


def test_no_words_about_a_difference_that_is_not_clear(found):
    unclear = changed(found, RATIO | {"reference": "Software", "effect_kind": "total", "group": ""}, p_value=0.4)
    assert "there is no clear total difference to look into" in said(unclear, "industry_why")


def test_the_tier_beside_which_the_difference_shrinks_is_named(found):
    out = with_ratios(found, 2.0, 1.5)
    for group, value in (("What they bought", 1.95), ("How they use it", 1.52)):
        out = changed(out, RATIO | {"reference": "Software", "effect_kind": "stepwise", "group": group},
                      estimate=value, conf_low=value / 1.2, conf_high=value * 1.2)  # fmt: skip
    text = said(out, "industry_why")
    assert "goes with “How they use it”" in text
    assert "… and in “How it goes with support and billing” (direct)" in text


def test_titles_of_figures_follow_the_test(found):
    clear = changed(found, {"estimand": "levels_differ", "term": "Industry"}, p_value=0.001, p_adjusted=0.002)
    unclear = changed(found, {"estimand": "levels_differ"}, p_value=0.5, p_adjusted=0.6)
    titles = [
        text_of(
            re.search(r"<figcaption>(.*?)</figcaption>", html_of(each, "industry_leaving"), flags=re.S)[1],
            drawings=False,
        )
        for each in (clear, unclear)
    ]
    assert re.fullmatch(
        r"After 2 years, \d+% of “[^”]+” have left of their own accord, \d+% of “[^”]+” \(p = 0.002\)", titles[0]
    )
    assert ": no clear difference (p = 0.600)" in titles[1]


def test_curves_of_other_segments_are_drawn_where_their_levels_differ(found):
    unclear = changed(found, {"estimand": "levels_differ"}, p_value=0.5, p_adjusted=0.6)
    assert "<figure" not in html_of(unclear, "industry_segments")
    clear = changed(unclear, {"estimand": "levels_differ", "term": "Region"}, p_value=0.001, p_adjusted=0.002)
    assert html_of(clear, "industry_segments").count("<figure") == 1


def test_ratios_that_change_with_the_length_of_a_stay_are_called_averages(found):
    out = changed(found, {"estimand": "proportional_hazards"}, grade="no sign of change")
    assert "The ratios change" not in said(out, "industry_segments", "industry_forest")
    for term, part in (("Region", "industry_segments"), ("Industry", "industry_forest")):
        out = changed(found, {"estimand": "proportional_hazards", "term": term}, grade="changes with tenure")
        assert "The ratios change with the length of a stay" in said(out, part)


def test_every_level_has_a_panel_with_its_own_name_and_counts(found):
    html = html_of(found, "industry_leaving")
    figures = re.findall(r"<svg.*?</svg>", html, flags=re.S)
    assert len(figures) == 2
    for svg in figures:
        assert 'role="img" aria-label="After' in svg
        for level in ("Software", "Retail", "Manufacturing", "Finance", "Logistics", "Medical devices"):
            assert svg.count(f"{level}</text>") == 1


def test_one_minus_kaplan_meier_is_not_printed_where_causes_compete(found):
    assert "Kaplan-Meier" not in said(found, "industry_leaving")
    assert "Aalen-Johansen" in said(found, "industry_leaving")


def test_causes_not_told_apart():
    def silent(frames):
        frames["subscriptions"] = frames["subscriptions"].assign(end_reason=None)

    _, _, found = small_company(edit=silent, columns=("industry", "plan"))
    text = said(found)
    assert "Departures are not told apart by cause" in text
    assert "accord" not in text


def test_small_groups_and_silent_levels_are_drawn_with_their_notes():
    quiet = set(never_ended()[:25])

    def rare(accounts):
        names = accounts["industry"].where(~accounts["account_id"].isin(quiet), "Quiet").to_numpy(dtype=object)
        for place, name in enumerate(("<b>Wax</b>", "Shoes", "Ships")):
            names[place] = name
        return names

    _, _, found = small_company(rare)
    html = html_of(found)
    text = text_of(html, drawings=False)
    assert "small groups together" in text
    assert "No curve: fewer than 20 customers." in text
    assert "<b>Wax</b>" not in html
    assert "&lt;b&gt;Wax" in html


def test_a_company_that_nobody_left():
    def stay(frames):
        frames["subscriptions"] = frames["subscriptions"].assign(ended_on=pd.NaT, cancelled_on=pd.NaT, end_reason=None)

    _, _, found = small_company(edit=stay, columns=("industry", "size_band", "plan"))
    text = said(found)
    assert "no ratio between its levels could be estimated" in text
    assert not re.search(r"\bnan\b", text)


def test_nothing_to_compare():
    nothing = Findings.from_rows(
        [{"analysis": "industry", "outcome": "churn", "estimand": "nothing", "note": "Why not."}]
    )
    assert said(nothing) == "Why not."


def curve(values: list[float], at_risk: list[int]) -> pd.DataFrame:
    time = [float(200 * index) for index in range(len(values))]
    return pd.DataFrame(
        {"time": time, "estimate": values, "conf_low": values, "conf_high": values, "denominator": at_risk}
    )


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_panels_follow_the_pages_colours_and_are_the_same_each_time(layout):
    own = curve([1, 0.8, 0.6, 0.2], [50, 40, 20, 3])
    panel = Panel(
        "A & B", "50 customers", own, own.rename(columns={"denominator": "n"})[["time", "estimate"]], marked=True
    )
    first, second = (str(panels_svg([panel], own, "Words", layout, "days", mark_at=400.0)) for _ in range(2))
    assert first == second
    assert "A &amp; B" in first
    assert "60%" in first
    assert "20%" not in re.sub(r"<g.*?ytick.*?</g>", "", first)  # three customers are too few to draw
    assert "var(--c2,#b3470a)" in first
    with pytest.raises(Exception, match="says what it shows"):
        panels_svg([panel], own, " ", layout, "days")


def test_axes_of_shares_end_at_a_round_number():
    assert [nice_top(value) for value in (0.01, 0.07, 0.33, 0.5, 0.97, 1.3)] == [0.02, 0.1, 0.4, 0.5, 1.0, 1.0]
