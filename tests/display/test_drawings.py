"""Figures: words for those who cannot see them, no two ids alike, labels apart, counts as a brute-force recount."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whychurn import display
from whychurn.display.blocks import Column, paragraph, say, table
from whychurn.display.curves import NARROW, WIDE, spread, survival_svg
from whychurn.display.forest import Scale
from whychurn.errors import FindingsError
from whychurn.findings import Findings

pytestmark = pytest.mark.xdist_group("telco findings")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_labels_are_apart_inside_and_in_order(values):
    gap = 0.08
    placed = spread(values, gap, 0.0, 1.0)
    order = np.argsort(values, kind="stable")
    steps = np.diff(np.array(placed)[order])
    assert (steps >= gap - 1e-9).all()
    if gap * (len(values) - 1) <= 1:
        assert min(placed) >= -1e-9
        assert max(placed) <= 1 + 1e-9


def test_labels_that_do_not_collide_stay_where_they_are():
    assert spread([0.1, 0.9, 0.5], 0.05, 0, 1) == pytest.approx([0.1, 0.9, 0.5])


def test_at_risk_is_a_plain_recount(telco_findings, telco_panel):
    rows = telco_panel.intervals
    counts = telco_findings("segments").where(estimand="n_at_risk", term="Contract")
    for row in counts.rows():
        inside = rows[rows["contract"] == row.level]
        assert row.estimate == (inside["stop"] >= max(row.time, 1e-9)).sum()
    left = telco_findings("segments").where(estimand="n_events", term="Contract")
    censored = telco_findings("segments").where(estimand="n_censored", term="Contract")
    for row in left.rows():
        inside = rows[(rows["contract"] == row.level) & (rows["stop"] <= row.time)]
        assert row.estimate == inside["event"].sum()
        assert censored.one(level=row.level, time=row.time).estimate == (inside["event"] == 0).sum()


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_curves_are_drawn_with_words_and_the_pages_colours(telco_findings, layout):
    curves = telco_findings("segments").where(term="Contract")
    svg = str(survival_svg(curves, "Curves by contract & more", layout, "months"))
    assert svg.startswith("<svg")
    assert 'role="img" aria-label="Curves by contract &amp; more"' in svg
    assert "var(--c1,#0072b2)" in svg
    for level in ("Month-to-month", "One year", "Two year"):
        assert level in svg
    assert "<style" not in svg
    assert "http://www.w3.org" in svg  # namespaces only
    assert not re.search(r'(href|src)="http', svg)


@pytest.mark.filterwarnings("error")
def test_curves_of_customers_who_came_today_are_drawn_without_a_complaint(telco_findings):
    curves = telco_findings("segments").where(term="Contract")
    today = curves.table[curves.table["time"].isna() | (curves.table["time"] == 0)]
    assert (today["estimand"] == "survival").any()
    assert "Two year" in str(survival_svg(Findings(today, curves.provenance), "Curves", WIDE, "months"))


def test_the_same_findings_give_the_same_bytes(telco_findings):
    curves = telco_findings("segments").where(term="Contract")
    first, second = (str(survival_svg(curves, "Curves", WIDE, "months")) for _ in range(2))
    assert first == second


def test_a_picture_without_words_is_refused(telco_findings):
    with pytest.raises(FindingsError, match="says what it shows"):
        survival_svg(telco_findings("segments").where(term="Contract"), "  ", WIDE, "months")


def test_ids_are_unique_over_a_whole_page(telco_findings):
    html = str(display.survival_figures(telco_findings("segments")).markup)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids)) > 100


def test_curve_ends_where_too_few_are_at_risk():
    rows = []
    for time, at_risk in ((0, 100), (5, 40), (10, 3)):
        rows.append({"analysis": "x", "term": "T", "level": "L", "estimand": "survival", "time": time, "estimate": 0.9 - time / 20,
                     "conf_low": 0.3, "conf_high": 1.0, "denominator": at_risk})  # fmt: skip
        rows.append(
            {"analysis": "x", "term": "T", "level": "L", "estimand": "n_at_risk", "time": time, "estimate": at_risk}
        )
    from matplotlib.figure import Figure

    from whychurn.display.curves import _draw

    ax = Figure().add_subplot()
    last = _draw(ax, Findings.from_rows(rows).where(estimand="survival").table, "#0072b2", 0)
    assert last == pytest.approx(0.65)


def test_strings_are_escaped_and_markup_is_not():
    assert str(paragraph("<b>x</b>").markup) == "<p>&lt;b&gt;x&lt;/b&gt;</p>"
    assert str(say("<b>{x}</b>", x="<i>")) == "<b>&lt;i&gt;</b>"


def test_tables_have_scopes_and_a_name():
    html = str(table("What", [Column("A", "a"), Column("B", "b", number=True)], [{"a": "x", "b": "1"}]).markup)
    assert '<th scope="col" class="n">B' in html
    assert '<th scope="row" class="">x</th>' in html
    assert 'data-l="B"' in html
    name = re.search(r'aria-labelledby="([^"]+)"', html).group(1)
    assert f'<p class="caption" id="{name}">What</p>' in html


def test_scale_holds_every_interval():
    rows = Findings.from_rows(
        [
            {
                "analysis": "x",
                "term": "T",
                "estimand": "hazard_ratio",
                "estimate": 30.0,
                "conf_low": 4.0,
                "conf_high": 60.0,
            }
        ]
    ).rows()
    scale = Scale.around(rows)
    assert 0 < scale.x(4.0) < scale.x(60.0) < 300
    assert scale.x(1.0) < scale.x(4.0)
