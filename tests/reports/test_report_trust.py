"""Notebooks are code: what of a report that was handed over runs here, and what does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from forgery import REPORT, change, refresh
from synthetic_report import make_notebooks, make_study

from whychurn.errors import VerifyError
from whychurn.reports import build, notebooks
from whychurn.reports.verify import verify_report

pytestmark = pytest.mark.xdist_group("synthetic report")

STUDY = Path("data/demo")


@pytest.fixture
def ran(home, without_kernels) -> list[str]:
    """Names of the notebooks that would have been executed."""
    names: list[str] = []
    settled = build.execute_notebooks

    def execute(given, *rest, **named):
        names.extend(notebook.name for notebook in given)
        return settled(given, *rest, **named)

    without_kernels.setattr(build, "execute_notebooks", execute)
    return names


def ours(monkeypatch, home: Path) -> None:
    """Let the synthetic notebooks be those that come with whychurn."""
    monkeypatch.setattr(notebooks, "checkout", lambda: None)
    monkeypatch.setattr(notebooks, "_PACKAGED", make_notebooks(home / "packaged"))


def redirect(**changes: str) -> None:
    rerun = json.loads((REPORT / "rerun.json").read_text())
    (REPORT / "rerun.json").write_text(json.dumps({**rerun, **changes}))


def slip_in(folder: Path) -> None:
    change(folder / "01_shares.ipynb", "pages.tiles(shares)", "open('owned', 'w'); pages.tiles(shares)")


def test_a_changed_notebook_in_a_folder_that_the_report_chose_is_not_executed(home):
    make_study(home / "sent")
    slip_in(make_notebooks(home / "sent/notebooks"))
    redirect(study="../../sent")
    with pytest.raises(VerifyError) as caught:
        verify_report(REPORT)
    assert not (home / "owned").exists()
    said = str(caught.value)
    assert said.startswith("Nothing was run: the report asks for notebooks in sent/notebooks")
    assert "not as the report was built: 01_shares)" in said
    assert "Notebooks are code" in said and "--trust-notebooks" in said


def test_a_record_that_was_forged_to_fit_changes_nothing(ran):
    slip_in(STUDY / "notebooks")
    now = notebooks.read_notebooks(notebooks.NotebookFolder("study", STUDY / "notebooks"), {})
    refresh(lambda results: results.update(notebooks={one.name: one.sha256 for one in now}))
    with pytest.raises(VerifyError, match=r"\(01_shares, 02_tenure\).*--trust-notebooks \(or name .* with --study\)"):
        verify_report(REPORT)
    assert ran == []


def test_the_studys_own_notebooks_run_when_they_are_trusted(ran):
    assert verify_report(REPORT, trust_notebooks=True).exit_code == 0
    assert ran == ["01_shares", "02_tenure"]


def test_naming_the_study_trusts_the_notebooks_of_the_record_and_no_others(ran):
    assert verify_report(REPORT, study=STUDY).exit_code == 0
    assert ran == ["01_shares", "02_tenure"]
    ran.clear()
    slip_in(STUDY / "notebooks")
    with pytest.raises(
        VerifyError, match=r"not those the report was built from \(01_shares\)\. Build the report again"
    ):
        verify_report(REPORT, study=STUDY)
    assert ran == []
    assert "notebook 01_shares was changed" in verify_report(REPORT, study=STUDY, trust_notebooks=True).environment


def test_a_notebook_that_the_record_does_not_know_is_a_changed_one(ran):
    shutil.copy(STUDY / "notebooks/02_tenure.ipynb", STUDY / "notebooks/03_more.ipynb")
    with pytest.raises(VerifyError, match=r"\(03_more\)"):
        verify_report(REPORT, study=STUDY)
    refresh(lambda results: results.pop("notebooks"))
    with pytest.raises(VerifyError, match=r"\(01_shares, 02_tenure, 03_more\)"):
        verify_report(REPORT, study=STUDY)
    assert ran == []


def test_naming_the_study_does_not_trust_another_folder_that_the_report_names(ran):
    shutil.copytree(STUDY / "notebooks", "sent")
    redirect(notebooks="given", notebook_folder="../../sent")
    with pytest.raises(VerifyError, match=r"asks for notebooks in sent .*add --trust-notebooks\.$"):
        verify_report(REPORT, study=STUDY)
    assert ran == []
    assert verify_report(REPORT, trust_notebooks=True).exit_code == 0


def test_unchanged_copies_of_whychurns_notebooks_need_no_trust(ran, home, monkeypatch):
    ours(monkeypatch, home)
    assert verify_report(REPORT).exit_code == 0
    (home / "packaged/01_shares.ipynb").unlink()
    with pytest.raises(VerifyError, match=r"\(01_shares\)"):
        verify_report(REPORT)


def test_copies_are_compared_with_their_metadata_and_not_by_their_cells_alone(ran, home, monkeypatch):
    ours(monkeypatch, home)
    change(STUDY / "notebooks/01_shares.ipynb", '"tags": [', '"tags": ["skip-execution", ')
    with pytest.raises(VerifyError, match=r"\(01_shares\)"):
        verify_report(REPORT)
    assert ran == []


def test_whychurns_notebooks_run_whatever_the_record_says_of_them(ran, home, monkeypatch, capsys):
    ours(monkeypatch, home)
    shutil.rmtree(STUDY / "notebooks")
    refresh(lambda results: results["notebooks"].update({"01_shares": "0" * 64}))
    found = verify_report(REPORT, progress=True)
    assert (found.exit_code, found.environment[-1]) == (0, "notebook 01_shares was changed")
    assert "notebooks: whychurn's\n" in capsys.readouterr().err


def test_it_is_said_whose_notebooks_run(ran, capsys):
    verify_report(REPORT, study=STUDY, progress=True)
    assert "notebooks: the study's own, in data/demo/notebooks\n" in capsys.readouterr().err
