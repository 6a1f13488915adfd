from __future__ import annotations

import json
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from whychurn.cli import main
from whychurn.errors import NotebookError
from whychurn.reports import build, notebooks, verify
from whychurn.reports.compare import Moved


def verification(**changes):
    empty = {"report": "r", "data": (), "edited": (), "moved": (), "environment": ()}
    return verify.Verification(**{**empty, "n_findings": 8, "n_printed": 9, "n_pages": 3, **changes})


@pytest.fixture
def study(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "study.toml").write_text("")
    return Path("acme")


def test_help_is_quick_and_loads_nothing_heavy():
    started = time.perf_counter()
    code = "import sys; from whychurn.cli import main; main(['--help']); print('pandas' in sys.modules, 'nbconvert' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert time.perf_counter() - started < 5  # 0.3 s on an idle machine
    assert said.splitlines()[-1] == "False False"
    for name in ("new", "check", "report", "verify"):
        assert f"  {name} " in said


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("whychurn ")


@pytest.mark.parametrize(
    "arguments", [["reprot"], ["report"], ["report", "acme", "--workers", "0"], ["verify"], ["--no"]]
)
def test_usage_errors_exit_64_so_that_they_are_never_a_verdict(study, capsys, arguments):
    assert main(arguments) == 64
    assert "Error" in capsys.readouterr().err


def test_report_passes_its_options_on(study, monkeypatch):
    seen = {}
    monkeypatch.setattr(build, "build_report", lambda folder, **named: seen.update(folder=folder, **named))
    assert main(["report", "acme", "--out", "o", "--accept-risk", "a pilot", "--workers", "1"]) == 0
    assert seen == {"folder": Path("acme"), "out": Path("o"), "accept_risk": "a pilot", "workers": 1}


@pytest.mark.parametrize("command", ["report", "check"])
def test_without_study_file_the_way_to_one_is_shown(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    assert main([command, "."]) == 1
    assert capsys.readouterr().err == "Error: There is no study.toml. Propose one with: whychurn new .\n"


def test_a_users_mistake_is_a_message_and_with_debug_a_traceback(study, monkeypatch, capsys):
    def fail(*arguments, **named):
        raise NotebookError("Notebook 01_x, cell 3: KeyError: 'tenure'")

    monkeypatch.setattr(build, "build_report", fail)
    assert main(["report", "acme"]) == 1
    assert capsys.readouterr() == ("", "Error: Notebook 01_x, cell 3: KeyError: 'tenure'\n")
    with pytest.raises(NotebookError):
        main(["--debug", "report", "acme"])


def test_an_interruption_is_no_verdict_either(study, monkeypatch, capsys):
    def interrupt(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "build_report", interrupt)
    assert main(["report", "acme"]) == 130
    assert "what was there before is unchanged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("found", "code", "line"),
    [
        ({}, 0, "r: reproduced. 8 findings and 9 printed numbers on 3 pages agree with the rerun."),
        ({"environment": ("numpy: 1 → 2",)}, 0, "  numpy: 1 → 2"),
        ({"moved": (Moved("x, estimate", "1", "2", ()),)}, 2, "  x, estimate: 1 → 2"),
        ({"data": ("study.toml differs",), "edited": ("x",)}, 3, "r: the data changed. Compared: 8 findings and"),
        ({"edited": ("index.html is missing",)}, 4, "  index.html is missing"),
    ],
)
def test_verify_prints_the_verdict_and_exits_with_it(study, monkeypatch, capsys, found, code, line):
    monkeypatch.setattr(verify, "verify_report", lambda path, **named: verification(**found))
    assert main(["verify", "r"]) == code
    assert line in capsys.readouterr().out


@pytest.mark.parametrize(("flags", "trusted"), [([], False), (["--trust-notebooks"], True)])
def test_notebooks_are_trusted_only_when_the_user_says_so(study, monkeypatch, flags, trusted):
    seen = {}
    monkeypatch.setattr(verify, "verify_report", lambda path, **named: seen.update(named) or verification())
    assert main(["verify", "r", *flags]) == 0
    assert seen["trust_notebooks"] is trusted


def test_verify_of_another_folder_exits_1(study, capsys):
    assert main(["verify", "acme"]) == 1
    assert "is not a report" in capsys.readouterr().err


@pytest.fixture
def sources(monkeypatch):
    module = types.ModuleType("whychurn.sources")
    module.asked = []

    def propose_study(folder, **named):
        module.asked.append((folder, named))
        return folder / "study.toml"

    module.propose_study = propose_study
    module.check_study = lambda path: types.SimpleNamespace(exit_code=1, as_json=lambda: {"grade": "refuse"})
    module.print_check = lambda result, console: console.print("a page")
    monkeypatch.setitem(sys.modules, "whychurn.sources", module)
    return module


def test_new_passes_the_columns_on(study, sources, capsys):
    assert main(["new", "acme", "--tenure", "months", "--churned", "left", "--churned-when", "yes"]) == 0
    assert sources.asked == [
        (Path("acme"), {"file": None, "tenure": "months", "churned": "left", "churned_when": "yes"})
    ]
    assert "Wrote acme/study.toml" in capsys.readouterr().out


def test_check_exits_with_its_verdict(study, sources, capsys):
    assert main(["check", "acme"]) == 1
    assert capsys.readouterr().out == "a page\n"
    assert main(["check", "acme", "--json"]) == 1
    assert '"grade": "refuse"' in capsys.readouterr().out


def test_notebooks_are_copied_and_never_overwritten(study, sources, monkeypatch, tmp_path, capsys):
    ours = tmp_path / "ours"
    ours.mkdir()
    for name in ("01_a.ipynb", "02_b.ipynb", "draft.ipynb"):
        cell = {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"]},
            "source": ['study = "../data/telco"\n', 'accept_risk = ""'],
        }
        (ours / name).write_text(json.dumps({"cells": [cell]}))
    (study / "notebooks").mkdir()
    (study / "notebooks" / "01_a.ipynb").write_text("mine")
    monkeypatch.setattr(notebooks, "checkout", lambda: None)
    monkeypatch.setattr(notebooks, "_PACKAGED", ours)
    assert main(["new", "acme", "--notebooks"]) == 0
    said = capsys.readouterr().out
    assert "acme/notebooks: 1." in said and "Left as they are there: 01_a.ipynb." in said
    assert (study / "notebooks" / "01_a.ipynb").read_text() == "mine"
    (copied,) = json.loads((study / "notebooks" / "02_b.ipynb").read_text())["cells"]
    assert copied["source"] == ['study = ".."\n', 'accept_risk = ""']  # opened there, it finds its study one folder up
    assert sources.asked == []  # there is a study.toml already, and it is not proposed again
