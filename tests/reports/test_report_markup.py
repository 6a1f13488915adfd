from __future__ import annotations

import pytest

from whychurn.findings import Findings
from whychurn.reports.markup import finish
from whychurn.reports.reading import read_html
from whychurn.reports.recording import record
from whychurn.reports.shell import Link, facts_of, frame
from whychurn.reports.tables import tables_of


def test_everything_else_is_copied_as_it_is():
    html = (
        '<p title="a &amp; b">x &lt; y &#8211; z</p><svg viewBox="0 0 1 1"><linearGradient id="g"/><path d="M0"/></svg>'
        "<br><pre>1 < 2</pre>"
    )
    assert finish(html)[0].replace("1 < 2", "") == html.replace("1 < 2", "")


def test_anchors_are_unique_and_keep_given_ones():
    html, headings = finish('<h2>One</h2><h2 id="own">One</h2><h3>One</h3><h2>12</h2><p id="two">x</p><h2>Two</h2>')
    assert [heading.anchor for heading in headings] == ["one", "own", "one-2", "section", "two-2"]
    assert html.count("id=") == 6
    assert finish("<h2>Main</h2>", ("main",))[1][0].anchor == "main-2"


def test_a_table_that_stands_in_a_region_is_not_wrapped_again():
    inside = '<div class="scroll" role="region" tabindex="0" aria-label="x"><table class="data"><tr><td>1</td></tr></table></div>'
    html, _ = finish(inside + "<table><tr><td>2</td></tr></table>")
    assert html.startswith(inside)
    assert html.count("scroll") == 2


def test_regions_have_different_names():
    table = "<table><caption>Same</caption><tr><td>1</td></tr></table>"
    html, _ = finish(table + table)
    assert 'aria-label="Same">' in html
    assert 'aria-label="Same (part 2)">' in html


def test_header_cells_get_the_scope_of_their_place():
    html, _ = finish("<table><thead><tr><th></th><th>a</th></tr></thead><tbody><tr><th>b</th></tr></tbody></table>")
    assert '<td></td><th scope="col">a</th>' in html
    assert '<th scope="row">b</th>' in html


def test_digits_are_read_without_the_punctuation_around_them():
    said = read_html("<p>“70.35”, (−3.1%) to <0.001; 2024-01-31, 1,234.5. At 10:30/7 v2.0!</p>".replace("<0", "&lt;0"))
    assert said.digits == ["70.35", "−3.1%", "<0.001", "2024", "-01", "-31", "1,234.5", "10:30/7", "2.0"]


def test_a_reading_separates_traceable_numbers_other_digits_and_drawings():
    reading = read_html(
        '<style>p{margin:9px}</style><p style="width:31%">In <data value="3.0" data-format="count" data-finding="f.estimate">'
        '3</data> of 12 cases</p><svg aria-label="up 7"><rect x="1.5" width="20"/><text>40%</text></svg>'
        "<code data-fingerprint>abc123</code>"
    )
    assert reading.printed == [{"text": "3", "value": "3.0", "format": "count", "finding": "f.estimate"}]
    assert reading.digits == ["12", "7", "40%"]
    assert reading.drawn == ["31", "1.5", "20"]
    assert reading.fingerprint == "abc123"
    assert "margin" in reading.programs


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", " =", "  +", "\u00a0@", " \t-"])
def test_formulas_are_neutralised(start):
    text = tables_of([{"id": "a", "analysis": "x", "note": f"{start}x"}])["x.csv"]
    assert text == f"id,analysis,note\na,x,'{start}x\n"


def test_negative_numbers_stay_numbers():
    text = tables_of([{"id": "a", "analysis": "x y", "estimate": -0.5, "n_accounts": 20.0, "note": "-1"}])
    assert text == {"x-y.csv": "id,analysis,estimate,n_accounts,note\na,x y,-0.5,20,-1\n"}


def test_the_frame_tolerates_missing_facts():
    facts = facts_of({}, "A study", "reports/x")
    html = frame(
        "<h1>T</h1>", name="index", title="T", pages=[Link("index", "index.html", "S")], headings=[], facts=facts
    )
    assert "whychurn verify reports/x" in html
    assert "customers" not in html[html.index("<body") :]
    facts = facts_of({"verdict": {"grade": "sound"}, "as_of": "2025-12-31"}, "A <study>", "r")
    html = frame("", name="index", title="T", pages=[Link("index", "index.html", "S")], headings=[], facts=facts)
    assert '<a class="chip good" href="index.html#sure">sound</a>' in html
    assert "A &lt;study&gt;" in html
    assert "as of 2025-12-31" in html


def framed(provenance: dict) -> str:
    facts = facts_of(provenance, "A study", "r")
    html = frame("", name="index", title="T", pages=[Link("index", "index.html", "S")], headings=[], facts=facts)
    return html[html.index("<body") :]


def test_the_footer_says_none_where_no_row_was_excluded():
    assert "<dt>Excluded</dt><dd>none</dd>" in framed({"n_excluded": 0})
    assert "</data> rows, each with its reason in the report</dd>" in framed({"n_excluded": 11})
    assert "Excluded" not in framed({})


def test_a_date_that_is_not_recorded_is_said_so_at_both_ends():
    html = framed({"as_of": "not recorded"})
    assert "<span>date not recorded</span>" in html
    assert "<dt>As of</dt><dd>not recorded</dd>" in html
    assert "as of not recorded" not in html.lower()
    html = framed({"as_of": "2025-12-31"})
    assert "<span>as of 2025-12-31</span>" in html and "<dt>As of</dt><dd>2025-12-31</dd>" in html
    html = framed({"as_of": None})
    assert "date" not in html.replace("<data", "") and "As of" not in html


def test_record_returns_what_it_was_given_and_refuses_anything_else():
    findings = Findings.from_rows([])
    assert record(findings) is findings
    with pytest.raises(TypeError, match="record takes Findings, not list"):
        record([])  # type: ignore[arg-type]
