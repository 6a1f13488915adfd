"""The page on silence: titles say what the numbers say, every number has its finding, and gaps are said in words."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import as_read
import pytest
from as_read import text_of

from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from silence_companies import findings

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "inactivity_summary", "inactivity_statements", "inactivity_curves", "inactivity_bands", "inactivity_lags",
    "inactivity_outlook", "inactivity_silent_first", "inactivity_thresholds",
)  # fmt: skip
LOGIN, USE = "Time since the last login", "Time since the last use"


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings()


def html_of(found: Findings, *parts: str) -> str:
    return as_read.html_of(found, parts or PARTS)


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts or PARTS), drawings=False)


def changed(found: Findings, values: dict[str, object], **where: object) -> Findings:
    table = found.table.copy()
    at = [all(row[name] == value for name, value in where.items()) for _, row in table.iterrows()]
    for name, value in values.items():
        table.loc[at, name] = value
    return Findings(table, found.provenance)


def test_the_summary_says_how_strong_the_warning_is(found):
    text = said(found, "inactivity_summary")
    assert text.startswith("Silence is a warning: after 30+ days without a login customers leave 3.8 times as fast")
    assert "and after 14+ days without use customers leave 1.9 times as fast" in text
    assert "as it was known 14 days ahead" in text
    assert "that it brings it about is not shown" in text


def test_a_warning_by_one_clock_or_none_is_called_that(found):
    use = {"conf_low": 0.9, "estimate": 1.1, "conf_high": 1.4}
    one = changed(found, use, estimand="declared_ratio", outcome="churn", term=USE, level="14+ days")
    assert said(one, "inactivity_summary").startswith("Silence is a warning by one clock only:")
    none = changed(one, use, estimand="declared_ratio", outcome="churn", term=LOGIN)
    assert said(none, "inactivity_summary").startswith("Silence is not shown to be a warning here:")


def test_verdicts_are_said_as_found(found):
    text = said(found, "inactivity_statements")
    assert "Not all that was expected before looking holds." in text
    assert "“No login for 30 days: more likely to leave”: holds (p &lt;0.001, adjusted by Holm’s method" in text
    assert "it keeps rising”: these data cannot tell" in text
    both = changed(found, {"grade": "holds"}, estimand="verdict")
    assert said(both, "inactivity_statements").startswith("What was expected before looking holds.")
    neither = changed(found, {"grade": "does not hold"}, estimand="verdict")
    assert said(neither, "inactivity_statements").startswith("What was expected before looking is not confirmed.")


def test_the_title_of_the_curves_follows_the_test_of_flatness(found):
    text = said(found, "inactivity_curves")
    assert re.match(
        r"Against 0-2 days of silence, customers leave \d\.\d times as fast .* after 30 days without a login", text
    )
    flat = changed(found, {"p_value": 0.4}, estimand="joint_test", term=USE, level="flat", outcome="churn")
    assert "there is no clear tie with days without use" in said(flat, "inactivity_curves")


def test_figures_come_in_two_widths_and_in_words(found):
    labels = re.findall(r'aria-label="([^"]+)"', html_of(found, "inactivity_curves", "inactivity_lags"))
    drawn = [label for label in labels if label.startswith("Hazard ratio")]
    assert len(drawn) == 4
    assert "Since the last login: " in drawn[0]
    assert re.search(r"\d\.\d\d at 30 days", drawn[0])
    assert "at 42 days" in drawn[2]


def test_shorter_lags_are_said_to_be_missing(found):
    text = said(found, "inactivity_lags")
    assert "Known 0 or 7 days before: Not computed" in text
    gone = found
    for clock in (LOGIN, USE):
        worst = {"conf_low": 0.5, "estimate": 0.9, "conf_high": 1.6}
        gone = changed(gone, worst, estimand="hazard_ratio_at_lag", term=clock, time=42.0)
    assert said(gone, "inactivity_lags").startswith("The warning is gone when it is read weeks before")


def test_what_to_expect_is_told_for_both_ends_of_silence(found):
    text = said(found, "inactivity_outlook")
    assert re.match(
        r"Of customers after 30\+ days without a login, \d\.\d% leave within 30 days and \d+\.\d% within 90", text
    )


def test_most_leavers_are_not_said_to_be_silent_or_not_unless_it_is_clear(found):
    assert "Most of those who leave do not fall silent first" not in said(found, "inactivity_silent_first")
    rare = changed(found, {"estimate": 0.2, "conf_low": 0.1, "conf_high": 0.3}, estimand="silent_share_of_leavers")
    assert "20% of those who left had been 14+ days" in said(rare, "inactivity_silent_first")
    assert "Most of those who leave do not fall silent first" in said(rare, "inactivity_silent_first")


def test_a_chosen_limit_is_never_given_an_interval(found):
    text = said(found, "inactivity_thresholds")
    assert "declared in advance" in text
    assert "has no honest interval" in text
    assert re.search(r"Customers at or above a limit chosen without them leave [12]\.\d times as fast", text)


def test_no_number_stands_without_its_finding(found):
    known = {row.id for row in found.rows()} | {"provenance"}
    html = html_of(found)
    sources = re.findall(r'data-finding="([^".]*)', html)
    assert len(sources) > 250
    assert set(sources) <= known
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", html, flags=re.S)
    assert "&lt;d" not in html
    assert "cause" not in said(found, "inactivity_curves", "inactivity_lags").replace("because", "").replace(
        "causes equal", ""
    )


def test_nothing_measured_is_said_on_every_part():
    rows = [{"analysis": "inactivity", "estimand": "not_measured", "term": LOGIN, "note": "No usage is recorded."}]
    empty = Findings.from_rows(rows)
    assert "No usage is recorded." in said(empty, "inactivity_summary")
    for name in PARTS:
        assert said(empty, name).strip()
