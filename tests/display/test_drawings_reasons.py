"""The page on reasons: every number has its finding, sentences follow the verdicts, nothing missing breaks it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import as_read
import pytest
from as_read import text_of

from whychurn import display
from whychurn.display.paired_bars import NARROW, WIDE, Pair, paired_svg
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from said_companies import CAUSES, findings, no_reasons, nobody_leaves, of_small

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "reasons_summary", "stated_and_measured", "comparison_table", "signs_table", "blind_spots", "reasons_table",
    "reasons_controllable", "reasons_over_time",
)  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings("reasons")


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts or PARTS))


def graded(found: Findings, grades: dict[str, str]) -> Findings:
    """Findings whose verdicts are others; reasons not named cannot be told."""
    table = found.table.copy()
    verdicts = table["estimand"] == "agreement"
    table.loc[verdicts, "grade"] = table.loc[verdicts, "term"].map(grades).fillna("cannot tell")
    table.loc[verdicts & table["term"].isin(grades), ["estimate", "conf_low", "conf_high"]] = [0.2, 0.1, 0.3]
    return Findings(table, found.provenance)


def test_no_number_stands_without_its_finding(found):
    html = "".join(str(getattr(display, name)(found).markup) for name in PARTS)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 60 and sources <= known


def test_how_many_said_nothing_stands_before_what_was_said(found):
    text = said(found, "reasons_summary")
    absent = found.one(estimand="reasons_recorded", level="none recorded")
    assert f"Of {absent.denominator:.0f} departures, {absent.numerator:.0f} (" in text


def test_the_headline_lists_reasons_by_verdict(found):
    text = said(
        graded(
            found,
            {
                "poor support": "agree",
                "too expensive": "stated more than measured",
                "missing features": "measured more than stated",
            },
        ),
        "reasons_summary",
    )
    assert text.startswith(
        "Measured more often than said: “missing features”; said more often than measured: “too expensive”; "
        "said about as often as measured: “poor support”."
    )
    only = said(graded(found, {"poor support": "agree"}), "reasons_summary")
    assert only.startswith("Said about as often as measured: “poor support”.")
    assert said(graded(found, {}), "reasons_summary").startswith("What was said and what was measured cannot be told")


def test_the_title_of_the_pairs_is_the_widest_gap(found):
    more = graded(found, {"too expensive": "stated more than measured"})
    assert "“too expensive” is said by" in said(more, "stated_and_measured")
    assert "but only" in said(more, "stated_and_measured")
    other = graded(found, {"missing features": "measured more than stated"})
    assert "“missing features” is said by" in said(other, "stated_and_measured")
    assert "but only" not in said(other, "stated_and_measured")
    assert "What was said is what was measured" in said(graded(found, {"poor support": "agree"}), "stated_and_measured")


def test_a_reason_that_all_of_a_kind_give_is_left_out_of_the_figure(found):
    html = str(display.stated_and_measured(found).markup)
    assert "Left out: “payment failed”" in text_of(html)
    assert "payment failed: said" not in html


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_shares_below_zero_and_missing_ones_are_drawn(found, layout):
    stated = found.one(estimand="stated_of_cause", term="poor support")
    below = type(stated)({**stated.values, "estimate": -0.1, "conf_low": -0.3, "conf_high": 0.05})
    svg = str(
        paired_svg([Pair("A <b>", stated, below), Pair("B", stated, None)], ("said", "measured"), "Words", layout)
    )
    assert "A &lt;b&gt;" in svg and "nan" not in svg.lower()


def test_reasons_of_customers_are_escaped(found):
    table = found.table.copy()
    table.loc[table["term"] == "poor support", "term"] = "<script>alert(1)</script>"
    html = "".join(str(getattr(display, name)(Findings(table, found.provenance)).markup) for name in PARTS)
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_nobody_said_could_be_changed_is_said(found):
    table = found.table.copy()
    at = table["estimand"] == "controllable_share"
    table.loc[at & (table["level"] != "not said"), ["numerator", "estimate", "conf_low"]] = 0.0
    text = said(Findings(table, found.provenance), "reasons_controllable")
    assert "does not say which reasons the company could change" in text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (nobody_leaves, "Nobody left in the window"),
        (no_reasons, "No reason is recorded for any of"),
        (None, "No reason can be held against a measured cause"),
    ],
    ids=["nobody left", "no reasons", "nothing mapped"],
)
def test_what_is_missing_is_said_and_breaks_nothing(change, sentence):
    text = said(of_small("reasons", CAUSES, change))
    assert text.startswith(sentence)
    assert "nan" not in text.lower().replace("finance", "")
