from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from whychurn.errors import NotebookError, SourceError, VerifyError
from whychurn.reports import build, environment
from whychurn.reports.results import fingerprint_of, manifest_of, seal_of
from whychurn.reports.tables import tables_of
from whychurn.reports.verify import verify_report

pytestmark = pytest.mark.xdist_group("synthetic report")

REPORT = Path("reports/demo")


def change(path: Path, old: str, new: str, count: int = 1) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def refresh(change_record=lambda results: None, fingerprint: bool = False) -> None:
    """Do what a careful forger does: make manifest and seal fit what is there."""
    path = REPORT / "results.json"
    results = json.loads(path.read_text(encoding="utf-8"))
    change_record(results)
    if fingerprint:
        old = results["fingerprint"]
        results["fingerprint"] = fingerprint_of(results["findings"], results["printed"])
        for page in REPORT.glob("*.html"):
            change(page, old[:16], results["fingerprint"][:16])
    results["manifest"] = manifest_of(REPORT)
    results["seal"] = seal_of(results)
    path.write_text(json.dumps(results), encoding="utf-8")


def test_an_untouched_report_is_reproduced_by_real_kernels(home):
    found = verify_report(REPORT)
    assert (found.exit_code, found.outcome) == (0, "reproduced")
    assert (found.data, found.edited, found.moved) == ((), (), ())
    assert found.summary().startswith("reports/demo: reproduced. 8 findings and 96 printed numbers on 3 pages")


def test_it_is_reproduced_from_another_place(home, without_kernels, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert verify_report(home / REPORT / "index.html").exit_code == 0
    shutil.move(home / "data", tmp_path / "moved")
    with pytest.raises(VerifyError, match="name its folder with --study"):
        verify_report(home / REPORT)
    assert verify_report(home / REPORT, study=tmp_path / "moved" / "demo").exit_code == 0


# The data


def test_a_changed_data_row_is_found_and_what_moved_is_listed(home):
    change(home / "data/demo/customers.csv", "1,One year,14,No", "1,One year,15,Yes")
    found = verify_report(REPORT)
    assert (found.exit_code, found.outcome) == (3, "the data changed")
    assert re.fullmatch(r"customers\.csv differs \(\w{12} → \w{12}\)", found.data[0])
    assert found.edited == ()
    moved = "\n".join(str(one) for one in found.moved)
    assert "shares / plan / One year / share left, estimate: 0.4 → 0.45" in moved
    assert "shares / plan / One year / share left, n_events: 8 → 9" in moved
    assert "tenure / =tenure / One year / mean tenure, estimate: 31 → 31.05" in moved


def test_a_row_less_is_counted(home, without_kernels):
    path = home / "data/demo/customers.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    found = verify_report(REPORT)
    assert found.exit_code == 3
    assert "80 → 79 rows" in found.data[0]


def test_a_changed_study_file_is_found(home, without_kernels):
    change(home / "data/demo/study.toml", "Synthetic", "Synthetics")
    found = verify_report(REPORT)
    assert (found.exit_code, found.data) == (3, ("study.toml differs",))


def test_data_that_cannot_be_opened_are_changed_data(home, monkeypatch):
    def refuse(study, accept_risk=""):
        raise SourceError("customers.csv is empty.")

    monkeypatch.setattr(build, "inspect_study", refuse)
    found = verify_report(REPORT)
    assert found.exit_code == 3
    assert "customers.csv is empty." in found.summary()


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
    found = verify_report(REPORT)
    assert (found.exit_code, found.outcome) == (4, "a page or record was edited")
    assert found.moved == ()
    assert said in "\n".join(found.edited)
    assert (f"{page}.html is not as it was built" in found.edited) is not careful


def test_an_edit_of_text_value_and_manifest_is_held_against_the_record(home, without_kernels):
    old = re.search(r'<data value="0.6" .*?>60.0%</data>', (REPORT / "01_shares.html").read_text()).group()
    change(REPORT / "01_shares.html", old, old.replace("0.6", "0.5").replace("60.0", "50.0"))
    refresh()
    found = verify_report(REPORT)
    assert found.exit_code == 4
    assert "50.0% where results.json lists 60.0%" in "\n".join(found.edited)


@pytest.mark.parametrize("value", ["six", "nan", ""])
def test_a_value_that_is_no_number_is_an_edit(home, without_kernels, value):
    change(REPORT / "01_shares.html", 'value="0.6"', f'value="{value}"')
    assert verify_report(REPORT).exit_code == 4


def test_pages_added_and_taken_away_are_found(home, without_kernels):
    (REPORT / "03_new.html").write_text("<p>hello</p>")
    (REPORT / "02_tenure.html").unlink()
    found = verify_report(REPORT)
    assert found.exit_code == 4
    assert {"02_tenure.html is missing", "03_new.html was added"} <= set(found.edited)


def test_an_edited_table_is_found_even_with_a_fresh_manifest(home, without_kernels):
    change(REPORT / "tables/tenure.csv", "31", "33")
    refresh()
    found = verify_report(REPORT)
    assert (found.exit_code, found.edited) == (4, ("tables/tenure.csv does not say what results.json says",))


def test_drawings_and_scripts_are_held_against_the_rerun_by_the_same_program(home, without_kernels, monkeypatch):
    monkeypatch.setattr(environment, "commit", lambda: "f" * 40)
    refresh(lambda results: results.update(commit="f" * 40))
    assert verify_report(REPORT).exit_code == 0
    change(REPORT / "01_shares.html", '<rect x="170" y="8" width="', '<rect x="170" y="8" width="9')
    change(REPORT / "02_tenure.html", "--ink:#1b1f24", "--ink:#fff")
    refresh()
    assert verify_report(REPORT).edited == (
        "page 01_shares: a drawing is not what the rerun draws",
        "page 02_tenure: its scripts or styles are not those of this version",
    )


# The record


def test_an_edited_digit_in_the_record_is_found(home, without_kernels):
    change(REPORT / "results.json", '"estimate": 0.6,', '"estimate": 0.7,')
    found = verify_report(REPORT)
    assert found.exit_code == 4
    assert any("seal" in edit for edit in found.edited)
    assert any("60.0% where its finding records 0.7 (estimate)" in edit for edit in found.edited)
    assert str(found.moved[0]) == "shares / plan / Month to month / share left, estimate: 0.7 → 0.6"


def test_a_resealed_record_does_not_fit_its_fingerprint_or_the_pages(home, without_kernels):
    def raise_estimate(results):
        results["findings"][1]["estimate"] = 0.7

    refresh(raise_estimate)
    found = verify_report(REPORT)
    assert found.exit_code == 4
    assert "results.json: the fingerprint does not fit the numbers it lists" in found.edited


def test_a_perfect_forgery_is_a_number_that_moved(home, without_kernels):
    def lower(results):
        results["findings"][1]["n_events"] = 11
        for name, text in tables_of(results["findings"]).items():
            (REPORT / "tables" / name).write_text(text)

    refresh(lower, fingerprint=True)
    found = verify_report(REPORT)
    assert (found.exit_code, found.edited) == (2, ())
    assert str(found.moved[0]) == "shares / plan / Month to month / share left, n_events: 11 → 12"


# The rerun


def altered(monkeypatch, alter) -> None:
    """Let the executed notebooks of the rerun record something else."""
    settled = build.execute_notebooks

    def execute(notebooks, parameters, folder, workers=2, watch=None):
        done = settled(notebooks, parameters, folder, workers, watch)
        path = done["02_tenure"]
        path.write_text(alter(path.read_text(encoding="utf-8")), encoding="utf-8")
        return done

    monkeypatch.setattr(build, "execute_notebooks", execute)


@pytest.mark.parametrize(
    ("factor", "code"), [(1 + 1e-12, 0), (1 - 9e-10, 0), (1 + 1.2e-9, 2), (1.001, 2)]
)  # fmt: skip
def test_a_number_moves_when_it_leaves_its_tolerance(home, without_kernels, factor, code):
    altered(without_kernels, lambda text: text.replace('"estimate": 31.0', f'"estimate": {31.0 * factor!r}'))
    found = verify_report(REPORT)
    assert found.exit_code == code
    assert found.edited == ()
    assert len(found.moved) == (1 if code else 0)


def test_missing_and_new_findings_are_both_reported(home, without_kernels):
    altered(without_kernels, lambda text: text.replace('"group": "One year"', '"group": "Three years"'))
    # The id travels with the record, so give the renamed row its own.
    old = next(
        record["id"]
        for record in json.loads((REPORT / "results.json").read_text())["findings"]
        if record.get("group") == "One year"
    )
    altered(without_kernels, lambda text: text.replace(old, "0" * 12))
    found = verify_report(REPORT)
    assert found.exit_code == 2
    assert [str(one) for one in found.moved] == [
        "tenure / =tenure / One year / mean tenure: 31, gone in the rerun",
        "tenure / =tenure / Three years / mean tenure: new in the rerun (31)",
    ]


def test_a_changed_notebook_explains_changed_digits(home, without_kernels):
    change(home / "data/demo/notebooks/02_tenure.ipynb", "Mean tenure", "The mean tenure")
    altered(without_kernels, lambda text: text.replace("Mean tenure by plan.", "Mean tenure of 80."))
    found = verify_report(REPORT)
    assert found.exit_code == 2
    assert "notebook 02_tenure was changed" in found.environment
    assert {str(one) for one in found.moved} == {
        "page index, in the text: new in the rerun (80)",
        "page 02_tenure, in the text: new in the rerun (80)",
    }


def test_a_rerun_that_stops_is_not_reproduced(home, monkeypatch):
    def stop(*arguments, **named):
        raise NotebookError("Notebook 01_shares, cell 4: no luck")

    monkeypatch.setattr(build, "execute_notebooks", stop)
    found = verify_report(REPORT)
    assert found.exit_code == 2
    assert "the rerun stopped: Notebook 01_shares, cell 4: no luck" in found.summary()


def test_the_order_is_data_then_edit_then_number_and_all_are_reported(home, without_kernels):
    altered(without_kernels, lambda text: text.replace('"estimate": 31.0', '"estimate": 32.0'))
    change(REPORT / "01_shares.html", ">60.0%</data>", ">50.0%</data>")
    assert verify_report(REPORT).exit_code == 4
    change(home / "data/demo/study.toml", "Synthetic", "Synthetics")
    found = verify_report(REPORT)
    assert found.exit_code == 3
    said = found.summary()
    assert (
        said.index("The data changed: 1") < said.index("Edited since it was built") < said.index("Moved in the rerun")
    )


def test_environment_differences_alone_are_no_failure(home, without_kernels):
    refresh(lambda results: results["versions"].update(numpy="1.0.0"))
    found = verify_report(REPORT)
    assert found.exit_code == 0
    assert any(line.startswith("numpy: 1.0.0 → ") for line in found.environment)
    assert "numpy: 1.0.0" in found.summary()


def test_only_the_first_twenty_are_listed_with_the_count(home, without_kernels):
    altered(without_kernels, lambda text: re.sub(r'"n_accounts": 20\.0', '"n_accounts": 21.0', text))
    found = verify_report(REPORT)
    many = type(found)("r", (), (), found.moved * 30, (), 1, 1, 1)
    lines = many.summary().splitlines()
    assert lines[1] == f"Moved in the rerun: {len(many.moved):,}"
    assert lines[-1] == f"  and {len(many.moved) - 20:,} more"
    assert len(lines) == 23


# What cannot be verified


def test_another_folder_is_not_a_report(tmp_path):
    with pytest.raises(VerifyError, match=r"is not a report: it holds no results\.json"):
        verify_report(tmp_path)


@pytest.mark.parametrize("content", ["not json", "[]", "{}", '{"schema": "other"}'])
def test_an_unreadable_record_is_said_to_be_one(tmp_path, content):
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(VerifyError):
        verify_report(tmp_path)


def test_a_missing_rerun_file_asks_for_the_study(home, without_kernels):
    (REPORT / "rerun.json").unlink()
    with pytest.raises(VerifyError, match="--study"):
        verify_report(REPORT)
    assert verify_report(REPORT, study="data/demo").exit_code == 0
