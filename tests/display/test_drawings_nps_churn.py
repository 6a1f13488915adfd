"""The page on score and leaving: numbers have findings, titles follow them both ways, pictures say what they show, gaps are told."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import as_read
import numpy as np
import pytest
from as_read import text_of

from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from said_companies import CAUSES, findings, nobody_leaves, of_small

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "nps_churn_summary", "nps_churn_curves", "nps_churn_ratios", "nps_churn_change", "nps_churn_foresight", "nps_churn_leavers",
)  # fmt: skip
OUTCOME = "voluntary churn"
LEFT = "leave of their own accord"


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings("nps_churn")


def drawn(found: Findings, *parts: str) -> str:
    return as_read.html_of(found, parts or PARTS)


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts or PARTS), drawings=False)


def spoken(html: str) -> list[str]:
    """What pictures say to those who cannot see them, each once."""
    return list(dict.fromkeys(re.findall(r'<svg[^>]*aria-label="([^"]*)"', html)))


def changed(found: Findings, where: dict[str, object], values: dict[str, object]) -> Findings:
    """Findings with some rows other than they are."""
    table = found.table.copy()
    rows = np.logical_and.reduce([(table[name] == value).to_numpy() for name, value in where.items()])
    assert rows.any()
    for name, value in values.items():
        table.loc[rows, name] = value
    return Findings(table, found.provenance)


def without(found: Findings, **where: object) -> Findings:
    table = found.table
    gone = np.logical_and.reduce([(table[name] == value).to_numpy() for name, value in where.items()])
    assert gone.any()
    return Findings(table[~gone].reset_index(drop=True), found.provenance)


def ratio(found: Findings, term: str, level: str, crude: tuple, direct: tuple) -> Findings:
    """Ratios of a term, alone and with all else the same, as (estimate, low, high)."""
    for kind, values in (("unadjusted", crude), ("direct", direct)):
        where = {"estimand": "hazard_ratio", "term": term, "level": level, "effect_kind": kind, "outcome": OUTCOME}
        found = changed(found, where, dict(zip(("estimate", "conf_low", "conf_high"), values, strict=True)))
    return found


def test_no_number_stands_without_its_finding(found):
    html = drawn(found)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 60 and sources <= known


@pytest.mark.parametrize(
    ("verdict", "crude", "direct", "headline", "title"),
    [
        ("carries the news", (2.0, 1.5, 2.6), (1.1, 0.8, 1.5),
         f"The score carries the news, it does not make it: detractors {LEFT} 2.0 times as fast as promoters (1.50–2.60), but where use, tickets and contract are the same, nothing clear is left",
         "with all else the same, nothing clear is left (1.1 times as fast, 0.80–1.50)"),
        ("foretells beyond all else", (2.0, 1.5, 2.6), (1.8, 1.3, 2.4),
         f"A low score foretells leaving beyond all else that is known: where use, tickets and contract are the same, detractors {LEFT} 1.8 times as fast as promoters (1.30–2.40)",
         f"With all else the same, detractors still {LEFT} 1.8 times as fast"),
        ("may foretell beyond all else", (2.0, 1.5, 2.6), (1.4, 1.01, 1.9), "which is not clear among the questions asked",
         f"With all else the same, detractors may still {LEFT} faster: 1.4 times as fast"),
        ("the reverse", (0.6, 0.4, 0.9), (0.5, 0.3, 0.8),
         f"A low score does not foretell leaving: where use, tickets and contract are the same, detractors {LEFT} at 0.50 times the rate of promoters",
         f"With all else the same, detractors {LEFT} at 0.50 times the rate of promoters (0.30–0.80)"),
        ("no tie", (1.0, 0.9, 1.1), (1.0, 0.9, 1.1), f"The score does not foretell leaving: detractors {LEFT}",
         f"Detractors {LEFT} about as fast as promoters, alone"),
        ("no clear tie", (1.2, 0.7, 2.0), (1.3, 0.7, 2.2), f"Nothing shows that the score foretells leaving: detractors {LEFT} 1.2 times as fast as promoters (0.70–2.00)",
         f"Detractors do not clearly {LEFT} faster than promoters"),
        ("not estimated", (1.2, 0.7, 2.0), (1.3, 0.7, 2.2), "Whether the score foretells leaving cannot be told", "cannot be compared"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 32 else "",
)  # fmt: skip
def test_headline_and_title_follow_the_verdict(found, verdict, crude, direct, headline, title):
    other = changed(found, {"estimand": "verdict", "term": "Score"}, {"level": verdict})
    other = ratio(other, "Score", "detractor", crude, direct)
    assert said(other, "nps_churn_summary").startswith(headline) or headline in said(other, "nps_churn_summary")
    assert title in said(other, "nps_churn_ratios")


def test_promoters_among_leavers_stand_beside_all_customers_time(found):
    share = found.one(estimand="last_answer", level="promoter")
    everyone = found.one(estimand="time_share", level="promoter")
    text = said(found, "nps_churn_summary")
    words = f"{100 * share.estimate:.0f}% of those who left and had answered had been promoters when last asked"
    assert f"{words} ({100 * everyone.estimate:.0f}% of all customers’ time)." in text
    assert f"{words}." in said(without(found, estimand="time_share"), "nps_churn_summary")


@pytest.mark.parametrize(
    ("verdict", "values", "sentence", "title"),
    [
        ("no clear tie", (1.9, 1.4, 2.6), f"All else the same, customers whose score fell by 2 points or more {LEFT} 1.9 times as fast",
         "A falling score goes with leaving 1.9 times as fast; a low rating of support goes with leaving"),
        ("no clear tie", (0.5, 0.3, 0.8), f"All else the same, customers whose score fell by 2 points or more {LEFT} at 0.50 times the rate",
         "A falling score goes with leaving at 0.50 times the rate; a low rating of support goes with leaving"),
        ("no clear tie", (1.1, 0.7, 1.7), "Nor does a falling score say more", "A falling score shows no clear tie to leaving (1.1 times as fast); a low rating of support does: "),
        ("foretells beyond all else", (1.1, 0.7, 1.7), "A falling score shows no clear tie", "A falling score shows no clear tie to leaving"),
    ],
)  # fmt: skip
def test_a_falling_score_is_told_both_ways(found, verdict, values, sentence, title):
    other = changed(found, {"estimand": "verdict", "term": "Score"}, {"level": verdict})
    other = ratio(other, "Change of score", "fell by 2 points or more", values, values)
    assert sentence in said(other, "nps_churn_summary") and said(other, "nps_churn_change").startswith(title)


@pytest.mark.parametrize(
    ("values", "sentence", "title"),
    [
        ((2.0, 1.6, 2.5), "The last rating of support does tell: 1 or 2 of 5 goes with leaving 2.0 times as fast (1.60–2.50)", "a low rating of support does: 2.0 times as fast"),
        ((1.2, 0.8, 1.8), "The last rating of support shows no clear tie", "a low rating of support shows no clear tie (1.2 times as fast)"),
    ],
)  # fmt: skip
def test_the_rating_stands_beside_it_both_ways(found, values, sentence, title):
    other = ratio(found, "Rating of support", "1 or 2 of 5", values, values)
    assert sentence in said(other, "nps_churn_summary") and title in said(other, "nps_churn_change")


def test_falls_tell_how_many_are_of_one_person(found):
    row = found.one(estimand="falls")
    assert f"Scores that fell so: {row.estimate:.0f}, of which {row.numerator:.0f} between two answers of the same person." in said(found, "nps_churn_change")  # fmt: skip


@pytest.mark.parametrize(
    ("z", "p", "tail"),
    [(2.5, 0.01, " of promoters (trend: p = 0.010)"), (-2.5, 0.01, " of promoters: fewer, not more (trend"), (2.5, 0.4, " of promoters: no clear trend (trend: p = 0.400)")],
)  # fmt: skip
def test_curves_are_titled_by_the_trend(found, z, p, tail):
    where = {"estimand": "logrank_trend", "term": "First answer"}
    text = said(changed(found, where, {"estimate": z, "p_value": p}), "nps_churn_curves")
    low, high = (
        found.one(estimand="incidence", term="First answer", outcome=OUTCOME, level=band, time=365.0).estimate
        for band in ("detractor", "promoter")
    )
    assert text.startswith(
        f"Within 365 days of their first answer, {100 * low:.1f}% of detractors have left and {100 * high:.1f}%"
    )
    assert tail in text


def test_curves_fall_back_to_a_shorter_time_and_to_none(found):
    shorter = without(found, estimand="incidence", term="First answer", outcome=OUTCOME, level="promoter", time=365.0)
    assert said(shorter, "nps_churn_curves").startswith("Within 180 days of their first answer")
    alone = without(found, estimand="incidence", term="First answer", level="promoter")
    assert "detractors and promoters were not both followed long enough to compare" in said(alone, "nps_churn_curves")


def test_curves_say_what_they_show_and_how_many_are_left(found):
    html = drawn(found, "nps_churn_curves")
    (words,) = spoken(html)
    at = {
        band: found.one(estimand="incidence", term="First answer", outcome=OUTCOME, level=band, time=180.0).estimate
        for band in ("detractor", "passive", "promoter")
    }
    assert "After 180 days: " + ", ".join(f"{band}s {100 * value:.1f}%" for band, value in at.items()) in words
    figure = html[: html.index("</figure>")]
    assert figure.count("<svg") == 2 and "Customers at risk" in figure
    # The legend's names, and the customers under each at day 0.
    for band in at:
        assert band.capitalize() + "s" in figure
        assert f"{found.one(estimand='n_at_risk', level=band, time=0.0).estimate:.0f}" in figure
    assert "other ways of leaving competing (Aalen-Johansen)" in said(found, "nps_churn_curves")
    assert "Other ways of leaving within 365 days" in said(found, "nps_churn_curves")


def test_ratios_say_what_they_show_and_list_every_step(found):
    html = drawn(found, "nps_churn_ratios")
    assert html[: html.index("</figure>")].count("<svg") == 2
    (words,) = spoken(html)
    crude, direct = (
        found.one(estimand="hazard_ratio", term="Score", level="detractor", effect_kind=kind, outcome=OUTCOME, group="")
        for kind in ("unadjusted", "direct")
    )
    for name, row in (("alone", crude), ("all else the same", direct)):
        assert f"{name} {row.estimate:.2f} ({row.conf_low:.2f} to {row.conf_high:.2f})" in words
    text = said(found, "nps_churn_ratios")
    assert "The same, whatever the cause of leaving" in text and "Same kind of customer and contract" in text
    assert "known 14 days before each row at risk" in text and "Evidence of a tie" in text
    # The rating is graded on the page of causes, where it stands among its like.
    assert "see the page of causes" in text


@pytest.mark.parametrize(
    ("low", "sentence"),
    [(-0.01, "Knowing the score adds nothing clear to foresight"), (0.01, "Knowing the score adds to foresight")],
)
def test_foresight_is_titled_by_the_difference(found, low, sentence):
    other = changed(found, {"estimand": "auc_difference"}, {"estimate": 0.02, "conf_low": low, "conf_high": 0.05})
    text = said(other, "nps_churn_foresight")
    assert text.startswith(sentence) and "a coin 50" in text
    n = found.one(estimand="auc_difference").n_events
    assert f"fitted to earlier dates, tested on later ones ({n:.0f} departures)" in text
    assert {f"{100 * row.estimate:.0f}%" for row in found.where(estimand="auc").rows()} == set(spoken(drawn(other, "nps_churn_foresight")))  # fmt: skip


def test_leavers_had_said_what_they_had_said(found):
    silent, days = found.one(estimand="no_answer"), found.one(estimand="days_before_leaving")
    text = said(found, "nps_churn_leavers")
    assert text.startswith(f"{100 * silent.estimate:.0f}% of those who left had never given an answer that counts; ")
    assert f"the others had last answered {days.estimate:.0f} days before they left (median, interval " in text
    few = changed(found, {"estimand": "days_before_leaving"}, {"conf_low": np.nan, "conf_high": np.nan})
    assert "days before they left (median)." in said(few, "nps_churn_leavers")
    soon = found.one(estimand="answered_within_lag")
    assert f"{soon.numerator:.0f} of {soon.denominator:.0f} last answers came within 14 days of leaving" in text
    assert "–" in said(without(found, estimand="time_share"), "nps_churn_leavers")


def test_answers_that_do_not_count_are_listed_where_there_are_any(found):
    assert "Answers that do not count" not in said(found, "nps_churn_summary")
    late = changed(found, {"estimand": "excluded", "level": "after the customer had left"}, {"estimate": 7.0})
    text = said(late, "nps_churn_summary")
    assert "; 7 that came on the day of leaving or after it do not." in text
    assert "Answers that do not count, under the first reason that holds" in text


def test_names_out_of_the_data_are_escaped(found):
    evil = "<script>x</script>"
    table = found.table.replace({name: {"1 or 2 of 5": evil, "detractor": evil} for name in ("level", "reference")})
    table["adjusted_for"] = table["adjusted_for"].where(table["adjusted_for"] == "", evil)
    html = drawn(Findings(table, found.provenance))
    assert evil not in html and "&lt;script&gt;" in html


def silent(frames):
    frames["surveys"] = frames["surveys"].assign(answered_at=None, score=None)


def all_alike(frames):
    frames["surveys"] = frames["surveys"].assign(
        score=frames["surveys"]["score"].where(frames["surveys"]["score"].isna(), 9)
    )


def three_answers(frames):
    frames["surveys"] = frames["surveys"][frames["surveys"]["score"].notna()].head(3).reset_index(drop=True)


@pytest.mark.parametrize(
    ("change", "lacking", "words"),
    [
        (None, ["surveys"], "The study records no answers to “would you recommend us”"),
        (silent, [], "The study records no answers to “would you recommend us”"),
        (nobody_leaves, [], "Whether the score foretells leaving cannot be told. Nobody left in the window."),
        (all_alike, [], "Whether the score foretells leaving cannot be told"),
        (three_answers, [], "3 answers of"),
        (None, ["tickets"], "answers of"),
        (None, ["usage"], "answers of"),
    ],
    ids=["no surveys", "nobody answers", "nobody leaves", "all alike", "three answers", "no tickets", "no usage"],
)
def test_what_is_missing_is_said_and_breaks_nothing(change, lacking, words):
    text = said(of_small("nps_churn", CAUSES, change, without=lacking))
    assert words in text and not re.search(r"\bnan\b", text)
