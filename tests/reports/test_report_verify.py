from __future__ import annotations

import json
import re
import shutil

import pytest
from forgery import REPORT, change, refresh
from synthetic_rooms import verify

from whychurn.errors import NotebookError, SourceError, VerifyError
from whychurn.reports import build
from whychurn.reports.reading import read_html
from whychurn.reports.shell import Link, facts_of, frame

pytestmark = pytest.mark.xdist_group("synthetic report")


def test_an_untouched_report_is_reproduced_by_real_kernels(home):
    found = verify(REPORT)
    assert (found.exit_code, found.outcome) == (0, "reproduced")
    assert (found.data, found.edited, found.moved) == ((), (), ())
    assert found.summary().startswith("reports/demo: reproduced. 8 findings and 96 printed numbers on 3 pages")


def test_it_is_reproduced_from_another_place(home, without_kernels, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert verify(home / REPORT / "index.html").exit_code == 0
    shutil.move(home / "data", tmp_path / "moved")
    with pytest.raises(VerifyError, match="name its folder with --study"):
        verify(home / REPORT)
    assert verify(home / REPORT, study=tmp_path / "moved" / "demo").exit_code == 0


# The data


def test_a_changed_data_row_is_found_and_what_moved_is_listed(home):
    change(home / "data/demo/customers.csv", "1,One year,14,No", "1,One year,15,Yes")
    found = verify(REPORT, workers=1)
    assert (found.exit_code, found.outcome) == (3, "the data changed")
    assert re.fullmatch(r"customers\.csv differs \(\w{12} → \w{12}\)", found.data[0])
    assert found.edited == ()
    moved = "\n".join(str(one) for one in found.moved)
    assert "shares / plan / One year / share left, estimate: 0.4 → 0.45" in moved
    assert "shares / plan / One year / share left, n_events: 8 → 9" in moved
    assert "tenure / =tenure / One year / mean tenure, estimate: 31 → 31.05" in moved


def test_digits_of_fingerprints_are_no_numbers_that_move():
    def page(sha256):
        facts = facts_of({"files": [{"file": "customers.csv", "sha256": sha256, "rows": 80}]}, "Demo", "reports/demo")
        return read_html(
            frame(
                "<h1>Why</h1>",
                name="index",
                title="Why",
                pages=[Link("index", "index.html", "Why")],
                headings=(),
                facts=facts,
            )
        )

    one, other = page("ab6655" * 11), page("5" * 66)
    assert "ab6655ab6655" in one.text
    assert one.digits == other.digits
    assert read_html("<p><code>12ab6655cd12</code> of <code>123456789012</code></p>").digits == ["123456789012"]


def test_a_row_less_is_counted(home, without_kernels):
    path = home / "data/demo/customers.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    found = verify(REPORT)
    assert found.exit_code == 3
    assert "80 → 79 rows" in found.data[0]


def test_a_changed_study_file_is_found(home, without_kernels):
    change(home / "data/demo/study.toml", "Synthetic", "Synthetics")
    found = verify(REPORT)
    assert (found.exit_code, found.data) == (3, ("study.toml differs",))


def test_data_that_cannot_be_opened_are_changed_data(home, monkeypatch):
    def refuse(study, accept_risk=""):
        raise SourceError("customers.csv is empty.")

    monkeypatch.setattr(build, "inspect_study", refuse)
    found = verify(REPORT)
    assert found.exit_code == 3
    assert "customers.csv is empty." in found.summary()


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
    found = verify(REPORT)
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
    found = verify(REPORT)
    assert found.exit_code == 2
    assert [str(one) for one in found.moved] == [
        "tenure / =tenure / One year / mean tenure: 31, gone in the rerun",
        "tenure / =tenure / Three years / mean tenure: new in the rerun (31)",
    ]


def test_a_changed_notebook_explains_changed_digits(home, without_kernels):
    change(home / "data/demo/notebooks/02_tenure.ipynb", "Mean tenure", "The mean tenure")
    altered(without_kernels, lambda text: text.replace("Mean tenure by plan.", "Mean tenure of 80."))
    found = verify(REPORT)
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
    found = verify(REPORT)
    assert found.exit_code == 2
    assert "the rerun stopped: Notebook 01_shares, cell 4: no luck" in found.summary()


def test_the_order_is_data_then_edit_then_number_and_all_are_reported(home, without_kernels):
    altered(without_kernels, lambda text: text.replace('"estimate": 31.0', '"estimate": 32.0'))
    change(REPORT / "01_shares.html", ">60.0%</data>", ">50.0%</data>")
    assert verify(REPORT).exit_code == 4
    change(home / "data/demo/study.toml", "Synthetic", "Synthetics")
    found = verify(REPORT)
    assert found.exit_code == 3
    said = found.summary()
    assert (
        said.index("The data changed: 1") < said.index("Edited since it was built") < said.index("Moved in the rerun")
    )


def test_environment_differences_alone_are_no_failure(home, without_kernels):
    refresh(lambda results: results["versions"].update(numpy="1.0.0"))
    found = verify(REPORT)
    assert found.exit_code == 0
    assert any(line.startswith("numpy: 1.0.0 → ") for line in found.environment)
    assert "numpy: 1.0.0" in found.summary()


def test_only_the_first_twenty_are_listed_with_the_count(home, without_kernels):
    altered(without_kernels, lambda text: re.sub(r'"n_accounts": 20\.0', '"n_accounts": 21.0', text))
    found = verify(REPORT)
    many = type(found)("r", (), (), found.moved * 30, (), 1, 1, 1)
    lines = many.summary().splitlines()
    assert lines[1] == f"Moved in the rerun: {len(many.moved):,}"
    assert lines[-1] == f"  and {len(many.moved) - 20:,} more"
    assert len(lines) == 23


# What cannot be verified


def test_another_folder_is_not_a_report(tmp_path):
    with pytest.raises(VerifyError, match=r"is not a report: it holds no results\.json"):
        verify(tmp_path)


@pytest.mark.parametrize("content", ["not json", "[]", "{}", '{"schema": "other"}'])
def test_an_unreadable_record_is_said_to_be_one(tmp_path, content):
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(VerifyError):
        verify(tmp_path)


def test_a_missing_rerun_file_asks_for_the_study(home, without_kernels):
    (REPORT / "rerun.json").unlink()
    with pytest.raises(VerifyError, match="--study"):
        verify(REPORT)
    assert verify(REPORT, study="data/demo").exit_code == 0
