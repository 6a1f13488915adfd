"""The page on the data of a study of tables, and the first page of a report without causes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from as_read import text_of

import whychurn as wc
from whychurn import display
from whychurn.display.coverage import NARROW, WIDE, Strip, coverage_svg
from whychurn.display.foundation import render_foundation
from whychurn.display.leadership import render_index
from whychurn.display.left_out import render_left_out
from whychurn.display.quality_tables import table_quality
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from quality_panel import small_panel, small_study

pytestmark = pytest.mark.xdist_group("telco findings")
PARTS = (
    "quality_summary",
    "readings",
    "naive_damage",
    "quality_ledger",
    "quality_findings",
    "missing_values",
)
PAGES = [
    {
        "name": "02_data_quality",
        "title": "Can these data carry an answer?",
        "href": "02_data_quality.html",
        "summary": "All.",
    }
]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Findings:
    study = small_study(tmp_path_factory.mktemp("drawn") / "small")
    return wc.analyse("data_quality", small_panel(), study)


def page(found: Findings) -> str:
    return "".join(str(block.markup) for block in (getattr(display, name)(found) for name in PARTS) if block)


def test_no_number_stands_without_its_finding(found):
    known = {row.id for row in found.rows()} | {"provenance"}
    html = page(found) + str(render_index(found, PAGES))
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 60
    assert sources <= known


def test_every_drawing_is_in_words(found):
    html = page(found)
    assert html.count("<svg") > 10
    assert [svg for svg in re.findall(r"<svg[^>]*>", html) if not re.search(r'aria-label="[^"]{5,}"', svg)] == []


def test_a_figure_comes_in_two_widths_under_a_computed_sentence(found):
    html = str(table_quality(found).markup)
    assert (html.count('class="wide"'), html.count('class="narrow"')) == (1, 1)
    assert (
        "“tickets” is recorded over the whole window; “usage” only since 2024-03-01; there are gaps in “usage”"
        in text_of(html)
    )


def test_what_is_said_of_the_customers(found):
    said = text_of(table_quality(found).markup)
    assert "40 of 120 spells ended in leaving: 57.0 per hundred customer-years (interval 40.7–77.6)" in said
    assert "50% involuntary, 50% voluntary" in said
    assert "10 customers have more than one" in said
    assert "€8,000; of those who left, on their last day: €2,000" in said


def test_departures_and_those_who_left_at_least_once_are_told_apart(found):
    assert "110 customers, of whom 40 left." in text_of(display.quality_summary(found).markup)
    table = found.table.copy()
    table.loc[table["estimand"] == "n_customers_left", "estimate"] = 35
    again = Findings(table, found.provenance)
    said = text_of(display.quality_summary(again).markup)
    assert said.count("110 customers left 40 times; 35 of them at least once.") == 1
    first = text_of(render_index(again, PAGES))
    assert "Times a customer left4035 customers at least once · " in first
    assert "Times a customer left" not in text_of(render_index(found, PAGES))


def test_who_counts_in_a_month_is_written_below_the_figure(found):
    said = text_of(table_quality(found).markup)
    assert "Customers: whoever was a customer at any moment of the month, those whose first day without service" in said
    assert "Customers who left: those whose first day without service lies in the month" in said


def test_how_the_interval_was_found_is_said(found):
    said = text_of(table_quality(found).markup)
    assert "The interval is exact Poisson." in said
    assert (
        "Of “As declared” the interval is exact Poisson. Of “Any break” the interval is clustered by customer" in said
    )
    one = Findings(found.table[found.table["term"] != "Any break"], found.provenance)
    assert "clustered" not in text_of(table_quality(one).markup)


def test_a_month_without_records_is_pointed_at(found):
    said = text_of(table_quality(found).markup)
    assert "“tickets”, 2024-09: 0.06 records per customer, where 1.50 are usual." in said
    assert "declare the gap (not_tracked)" in said


def test_follow_up_speaks_of_lasting_attributes_only(found):
    said = text_of(table_quality(found).markup)
    assert "Customers were followed alike whatever their Region." in said
    assert "Causes that change over time, as at entry" in said


def test_follow_up_that_differs_is_the_headline(found):
    lasting = found.table.assign(note=found.table["note"].replace("as at entry", ""))
    said = text_of(table_quality(Findings(lasting, found.provenance)).markup)
    assert "Follow-up differs by Plan: “pro” could be followed for 366 days on average, “basic” for 230." in said


def test_definitions_stand_side_by_side(found):
    said = text_of(table_quality(found).markup)
    assert (
        "Churn is 57.0 per hundred customer-years as the study defines it, and 102.3 under the other definition."
        in said
    )
    one = Findings(found.table[found.table["term"] != "Any break"], found.provenance)
    assert "under one definition, “As declared”: 57.0" in text_of(table_quality(one).markup)


def test_late_entry_answers_which_leavers_there_are(found):
    said = text_of(display.readings(found).markup)
    assert "All who left from 2024-01-01 to 2024-12-31 are in the tables" in said
    assert "33.3% of the spells began before the window" in said
    assert "fewer than 50 spells are at risk" in said


def test_how_the_future_is_kept_out(found):
    said = text_of(display.naive_damage(found).markup)
    assert "ends 14 days before the 7 days it is held against" in said
    assert "40 of 3,720 rows lie after the customer had given notice" in said


def test_measures_with_gaps_come_first_and_the_dictionary_is_folded(found):
    html = str(display.missing_values(found).markup)
    assert (
        "1 of 4 measures are unknown on more than a quarter of 3,720 rows at risk. Most of that was not recorded."
        in (text_of(html))
    )
    assert "Under notice: notice had been given before the spell had a row" in text_of(html)
    assert html.count("<details>") == 2
    dictionary = html[html.index("Data dictionary") :]
    for name in ("logins_28", "days_since_login", "open_tickets", "plan"):
        assert f"<code>{name}</code>" in dictionary


def test_steps_of_the_ledger_that_did_nothing_are_folded(found):
    html = str(display.quality_ledger(found).markup)
    shown, folded = html.split("<details>")
    assert "Records of unknown customers are set aside." in shown
    assert "Everything in the file." in folded
    assert "further steps that concerned no row" in text_of(folded)


def test_the_gravest_caveat_comes_first(found):
    rows = []
    for index, (severity, count) in enumerate([("caveat", 2), ("caveat", 900), ("refuse", 1)], start=1):
        text = f"Problem {index}."
        rows.append({"estimand": "reason", "term": "These data", "level": f"{index:02d}", "note": text})
        rows.append({"estimand": "integrity", "term": "t", "level": f"{index:02d}", "group": severity,
                     "estimate": count, "definition": text})  # fmt: skip
    kept = found.table[~found.table["estimand"].isin(["reason", "integrity", "integrity_example"])]
    new = Findings.from_rows([{"analysis": "data_quality", **row} for row in rows])
    said = text_of(render_index(Findings.concat([Findings(kept, found.provenance), new]), PAGES))
    assert said.index("Problem 3.") < said.index("Problem 2.") < said.index("Problem 1.")


def test_findings_show_where_to_look(found):
    said = text_of(display.quality_findings(found).markup)
    assert "4 customers are active after they left. Such as a1, a2." in said
    assert said.index("Caveat") < said.index("Note")


def test_what_a_customer_wrote_is_escaped(found):
    hostile = found.table.copy()
    for name in ("term", "level", "note", "definition", "group"):
        hostile[name] = hostile[name].where(~hostile["estimand"].isin(["leavers", "reason"]), "<b>&x</b>")
    hostile = hostile.drop_duplicates(["estimand", "term", "level", "reference", "group", "time"])
    assert "<b>&x" not in page(Findings(hostile, found.provenance))
    assert "<b>&x" not in str(render_index(Findings(hostile, found.provenance), PAGES))


def test_a_flat_study_gets_none_of_it(telco_findings):
    flat = telco_findings("data_quality")
    assert table_quality(flat) is None
    assert "7,043 customers, of whom 1,869 left." in text_of(display.quality_summary(flat).markup)
    assert "the earlier leaver first" in text_of(display.naive_damage(flat).markup)
    assert "Table</th>" not in str(display.quality_ledger(flat).markup)


@pytest.mark.parametrize("layout", [WIDE, NARROW])
@pytest.mark.parametrize("months", [1, 5, 14, 60, 130])
def test_any_number_of_months_can_be_drawn(layout, months):
    names = tuple(f"{2015 + month // 12}-{month % 12 + 1:02d}" for month in range(months))
    strip = Strip("Records", names, tuple(float(month) for month in range(months)), {names[0]: 1.0}, names[-1:])
    svg = str(coverage_svg([strip], "Records by month & more", layout))
    assert 'aria-label="Records by month &amp; more"' in svg
    assert 1 <= len(re.findall(r">\d{4}-\d\d<", svg)) <= layout.ticks + 1


# The first page of a report without causes


@pytest.mark.parametrize(
    ("grade", "title"),
    [
        ("sound", "The data of Small tables can carry an answer"),
        ("usable with caveats", "The data of Small tables can carry an answer, with caveats"),
        ("refuse", "By their own checks the data of Small tables cannot carry an answer"),
    ],
)
def test_the_title_is_the_verdict(found, grade, title):
    table = found.table.copy()
    table.loc[table["estimand"] == "verdict", "grade"] = grade
    assert f"<h1>{title}</h1>" in str(render_index(Findings(table, found.provenance), PAGES))


def test_the_first_page_says_size_caveats_and_what_is_lacking(found):
    html = str(render_index(found, PAGES))
    said = text_of(html)
    assert "Observed from 2024-01-01 to 2024-12-31, 366 days." in said
    assert "110120 spells · 70 customer-years" in said
    assert "50% of those who left are involuntary leavers" in said
    assert "“usage” is recorded only since 2024-03-01" in said
    assert "churn is 57.0 to 102.3 per hundred customer-years, by definition" in said
    assert "interventions: which attempts to save a customer work" in said
    assert 'id="sure"' in html
    assert '<a href="02_data_quality.html">What was found and what was done</a>' in html


def test_many_caveats_are_cut_and_counted(found):
    table = found.table.copy()
    reasons = [
        {
            "analysis": "data_quality",
            "estimand": "reason",
            "term": "These data",
            "level": f"{n:02d}",
            "note": f"Caveat {n}.",
        }
        for n in range(1, 10)
    ]
    more = Findings.concat(
        [Findings(table[table["estimand"] != "reason"], found.provenance), Findings.from_rows(reasons)]
    )
    said = text_of(render_index(more, PAGES))
    assert "Caveat 6." in said
    assert "Caveat 7." not in said
    assert "And 3 more." in said


def test_nothing_recorded_is_no_error():
    empty = Findings.from_rows([], {"study": "Bare <study>"})
    html = str(render_index(empty, []))
    assert "<h1>What is known of Bare &lt;study&gt;</h1>" in html
    assert "No page of this report examined the data." in html
    assert str(render_foundation(Findings.from_rows([]), []))


def test_every_finding_may_be_absent(found):
    on_it = (
        "verdict reason window n_customers n_spells customer_years churn_rate share_of_leavers leavers amount_current"
    )
    for estimand in [
        *on_it.split(),
        "entered_late",
        "table_held",
        "definition_rate",
        "follow_up_ratio",
        "table_missing",
    ]:
        rest = Findings(found.table[found.table["estimand"] != estimand], found.provenance)
        assert "<h1>" in str(render_index(rest, PAGES)), estimand


def test_a_flat_study_without_causes_has_a_first_page_too(telco_findings):
    said = text_of(render_index(telco_findings("data_quality"), PAGES))
    assert "can carry an answer, with caveats" in said
    assert "7,043" in said and "1,869" in said


def test_pages_left_out_are_grouped_by_what_they_need():
    pages = [
        {"name": "10_a", "title": "A & b", "needs": "the table usage", "unlocks": "inactivity"},
        {"name": "11_b", "title": "C", "needs": "the table usage", "unlocks": "inactivity"},
        {"name": "12_c", "title": "", "needs": "a file", "unlocks": ""},
    ]
    html = str(render_left_out(pages))
    assert "<li>With the table usage (inactivity): “A &amp; b”, “C”.</li>" in html
    assert "<li>With a file: “12_c”.</li>" in html
    assert str(render_left_out([])) == ""
