from __future__ import annotations

import re

import pytest
from forgery import REPORT, change, refresh
from synthetic_rooms import verify

from whychurn.reports import environment
from whychurn.reports.reading import read_html
from whychurn.reports.rerun import _drawn
from whychurn.reports.tables import tables_of

pytestmark = pytest.mark.xdist_group("synthetic report")


# The pages


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize(
    ("page", "old", "new", "said"),
    [
        ("01_shares", ">60.0%</data>", ">50.0%</data>", "50.0% where its value reads 60.0%"),
        ("01_shares", ">60.0%</text>", ">50.0%</text>", "says 50.0% where the rerun says 60.0%"),
        ("index", ": share left 60.0%", ": share left 50.0%", "says 50.0% where the rerun says 60.0%"),
        ("02_tenure", ">57.0</td>", ">58.0</td>", "says 58.0 where the rerun says 57.0"),
        ("02_tenure", "<p>Mean tenure by plan.</p>", "<p>Up by 9% now.</p>", "says 9% where the rerun says nothing"),
        ("01_shares", "80</data> customers", "81</data> customers", "81 where its value reads 80"),
    ],
)
def test_a_hand_edited_digit_is_found(home, without_kernels, page, old, new, said, careful):
    change(REPORT / f"{page}.html", old, new)
    if careful:
        refresh()
    found = verify(REPORT)
    assert (found.exit_code, found.outcome) == (4, "a page or record was edited")
    assert found.moved == ()
    assert said in "\n".join(found.edited)
    assert (f"{page}.html is not as it was built" in found.edited) is not careful


def test_an_edit_of_text_value_and_manifest_is_held_against_the_record(home, without_kernels):
    old = re.search(r'<data value="0.6" .*?>60.0%</data>', (REPORT / "01_shares.html").read_text()).group()
    change(REPORT / "01_shares.html", old, old.replace("0.6", "0.5").replace("60.0", "50.0"))
    refresh()
    found = verify(REPORT)
    assert found.exit_code == 4
    assert "50.0% where results.json lists 60.0%" in "\n".join(found.edited)


@pytest.mark.parametrize("value", ["six", "nan", ""])
def test_a_value_that_is_no_number_is_an_edit(home, without_kernels, value):
    change(REPORT / "01_shares.html", 'value="0.6"', f'value="{value}"')
    assert verify(REPORT).exit_code == 4


def test_pages_added_and_taken_away_are_found(home, without_kernels):
    (REPORT / "03_new.html").write_text("<p>hello</p>")
    (REPORT / "02_tenure.html").unlink()
    found = verify(REPORT)
    assert found.exit_code == 4
    assert {"02_tenure.html is missing", "03_new.html was added"} <= set(found.edited)


def test_an_edited_table_is_found_even_with_a_fresh_manifest(home, without_kernels):
    change(REPORT / "tables/tenure.csv", "31", "33")
    refresh()
    found = verify(REPORT)
    assert (found.exit_code, found.edited) == (4, ("tables/tenure.csv does not say what results.json says",))


def test_drawings_and_scripts_are_held_against_the_rerun_by_the_same_program(home, without_kernels, monkeypatch):
    monkeypatch.setattr(environment, "commit", lambda: "f" * 40)
    refresh(lambda results: results.update(commit="f" * 40))
    assert verify(REPORT).exit_code == 0
    change(REPORT / "01_shares.html", '<rect x="170" y="8" width="', '<rect x="170" y="8" width="9')
    change(REPORT / "02_tenure.html", "--ink:#1b1f24", "--ink:#fff")
    refresh()
    assert verify(REPORT).edited == (
        "page 01_shares: a drawing is not what the rerun draws",
        "page 02_tenure: its scripts or styles are not those of this version",
    )


def test_names_inside_a_drawing_are_no_numbers():
    page = '<svg><g style="clip-path: url(#p125727e10e7157)"><path d="M 1 2.5" clip-path="url(#p1e999)"/></g></svg>'
    reading = read_html(page)
    assert reading.drawn == ["1", "2.5"]
    assert _drawn("one", reading, read_html(page.replace("10e7157", "10e7158"))) == []
    assert _drawn("one", reading, read_html(page.replace("2.5", "2.9"))) != []


# The record


def test_an_edited_digit_in_the_record_is_found(home, without_kernels):
    change(REPORT / "results.json", '"estimate": 0.6,', '"estimate": 0.7,')
    found = verify(REPORT)
    assert found.exit_code == 4
    assert any("seal" in edit for edit in found.edited)
    assert any("60.0% where its finding records 0.7 (estimate)" in edit for edit in found.edited)
    assert str(found.moved[0]) == "shares / plan / Month to month / share left, estimate: 0.7 → 0.6"


def test_a_resealed_record_does_not_fit_its_fingerprint_or_the_pages(home, without_kernels):
    def raise_estimate(results):
        results["findings"][1]["estimate"] = 0.7

    refresh(raise_estimate)
    found = verify(REPORT)
    assert found.exit_code == 4
    assert "results.json: the fingerprint does not fit the numbers it lists" in found.edited


def test_a_perfect_forgery_is_a_number_that_moved(home, without_kernels):
    def lower(results):
        results["findings"][1]["n_events"] = 11
        for name, text in tables_of(results["findings"]).items():
            (REPORT / "tables" / name).write_text(text)

    refresh(lower, fingerprint=True)
    found = verify(REPORT)
    assert (found.exit_code, found.edited) == (2, ())
    assert str(found.moved[0]) == "shares / plan / Month to month / share left, n_events: 11 → 12"
