"""The page on what customers say: every number has its finding, sentences follow the findings, nothing missing breaks it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import as_read
import numpy as np
import pytest
from as_read import text_of

from whychurn import display
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from answer_ledgers import accounts, at, of_frames, service, surveys
from said_companies import CAUSES, findings, of_small

import whychurn as wc

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "nps_summary", "nps_excluded", "nps_over_time", "nps_segments", "nps_heatmap", "csat_summary", "csat_over_time",
    "comment_topics", "nps_interval",
)  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings("nps")


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts or PARTS), drawings=False)


def changed(found: Findings, where: dict[str, object], values: dict[str, object]) -> Findings:
    """Findings with some rows other than they are."""
    table = found.table.copy()
    rows = np.logical_and.reduce([(table[name] == value).to_numpy() for name, value in where.items()])
    assert rows.any()
    for name, value in values.items():
        table.loc[rows, name] = value
    return Findings(table, found.provenance)


def test_no_number_stands_without_its_finding(found):
    html = "".join(str(getattr(display, name)(found).markup) for name in PARTS)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 200 and sources <= known


def test_the_headline_is_the_score_with_interval_answers_and_who_answered(found):
    row = found.one(estimand="nps", term="All answers")
    text = said(found, "nps_summary")
    assert text.startswith(f"The Net Promoter Score is −{abs(100 * row.estimate):.0f} (interval −")
    assert f"of {row.denominator:,.0f} persons who answered" in text and "invitations were answered" in text
    assert "the others may think otherwise" in text


def test_only_answers_in_the_file_is_a_caution(found):
    note = "Every row of surveys is answered: who was asked and did not answer is not in the data."
    only = changed(found, {"estimand": "answered_share"}, {"estimate": np.nan, "conf_low": np.nan, "conf_high": np.nan, "note": note})  # fmt: skip
    assert f"{note} How far the score speaks for all customers cannot be told" in said(only, "nps_summary")


@pytest.mark.parametrize(
    ("estimate", "p", "sentence"), [(0.1, 0.01, "The score rose to"), (-0.1, 0.01, "The score fell to"), (0.1, 0.2, "The score did not clearly change")]
)  # fmt: skip
def test_time_is_told_by_the_last_two_years(found, estimate, p, sentence):
    last = found.where(estimand="nps_year_change").rows()[-1]
    values = {"estimate": estimate, "conf_low": estimate - 0.05, "conf_high": estimate + 0.05, "p_adjusted": p}
    text = said(changed(found, {"estimand": "nps_year_change", "level": last.level}, values), "nps_over_time")
    assert text.startswith(sentence)


def test_a_month_that_differs_is_named(found):
    month = found.where(estimand="nps_period_change").rows()[3]
    odd = changed(found, {"estimand": "nps_period_change", "level": month.level}, {"p_adjusted": 0.001})
    assert f"It differs clearly from the {month.term.removeprefix('By ')} before in {month.level}" in said(odd, "nps_over_time")  # fmt: skip


@pytest.mark.parametrize(("estimate", "words"), [(0.21, "scores above all others: +21.0 points"), (-0.21, "scores below all others: −21.0 points")])  # fmt: skip
def test_the_group_furthest_away_is_named_only_if_it_is_clear(found, estimate, words):
    assert said(found, "nps_segments").startswith("No group’s score differs clearly from that of all others")
    values = {"estimate": estimate, "conf_low": estimate - 0.1, "conf_high": estimate + 0.1, "p_adjusted": 0.001}
    far = changed(found, {"estimand": "nps_against_rest", "level": "Finance"}, values)
    assert said(far, "nps_segments").startswith(f"“Finance” (Industry) {words}")


def test_the_heatmap_names_what_is_clear_and_folds_what_is_not(found):
    values = {"p_adjusted": 0.001}
    clear = changed(found, {"estimand": "cramers_v", "term": "Module used most in 4 weeks"}, values)
    html = str(display.nps_heatmap(clear).markup)
    shown, _, folded = html.partition("<details>")
    assert text_of(shown, drawings=False).startswith("Promoters stand out most at “")
    # The tie is with the answer here, not with leaving.
    assert "tie between each grouping and the answer" in text_of(folded, drawings=False) and "leaving" not in text_of(
        html, drawings=False
    )
    assert "“reporting”" in text_of(shown, drawings=False) and "Module used most in 4 weeks: promoters" in text_of(
        shown, drawings=False
    )
    assert "Region: promoters" not in text_of(shown, drawings=False) and "Region: promoters" in text_of(
        folded, drawings=False
    )
    nothing = changed(found, {"estimand": "cramers_v"}, {"p_adjusted": 0.5})
    assert said(nothing, "nps_heatmap").startswith("No grouping is clearly tied to the answer")


def test_comments_are_titled_by_the_topic_that_divides_most(found):
    text = said(found, "comment_topics")
    assert re.match(r"“[\w ]+” divides most: mentioned in \d+% of comments by \w+s and \d+% of those by \w+s", text)
    even = changed(found, {"estimand": "mention_tie"}, {"p_adjusted": 0.9})
    assert said(even, "comment_topics").startswith("No topic is mentioned clearly more")


def test_coverage_is_folded_and_holds_the_worst_case(found):
    assert str(display.nps_interval(found).markup).startswith("<details>")
    assert "98%, 1%, 1%590.4%9.6%" in said(found, "nps_interval").replace(" 5 ", "5")


def test_figures_name_every_period_and_group_in_words(found):
    for part, estimand in (("nps_over_time", "nps_period"), ("nps_segments", "nps")):
        labels = " ".join(re.findall(r'aria-label="([^"]*)"', str(getattr(display, part)(found).markup)))
        levels = [row.level for row in found.where(estimand=estimand).rows() if row.level]
        assert len(levels) > 10 and all(str(level) in labels for level in levels)


def test_studies_without_answers_or_ratings_say_so_and_no_more():
    nothing = of_small("nps", CAUSES, without=("surveys", "tickets"))
    assert said(nothing) == (
        "Nobody was asked whether they would recommend the company: the study has no surveys.The study has no tickets."
    )


def test_a_handful_of_answers_draws_the_whole_page(tmp_path):
    frames = {
        "accounts": accounts(["<b>A</b>", "$5 & $6", "B"]),
        "subscriptions": service(3),
        "surveys": surveys(
            ("a0", "", at(50), 10, "<script>"), ("a1", "", at(90), 3, None), ("a2", "", at(300), 8, None)
        ),
    }
    study, panel = of_frames(tmp_path, frames)
    found = wc.analyse("nps", panel, study)
    html = "".join(str(getattr(display, name)(found).markup) for name in PARTS)
    assert "<script>" not in html and "<b>A</b>" not in html and "$5 &amp; $6" in html
    assert (
        "The study lists no words to count comments by" in html and "3 answers: the interval is rough" in html.lower()
    )
