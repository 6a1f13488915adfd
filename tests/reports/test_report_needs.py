"""Which notebooks run: those whose needs the study meets. The others are named, recorded and never replaced."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import synthetic_report as synthetic
from synthetic_report import PARAMETERS, write_notebook
from synthetic_rooms import verify

from whychurn.errors import NotebookError
from whychurn.reports import build, notebooks
from whychurn.reports.lint import fix_notebook, lint_notebook
from whychurn.reports.needs import needs_in_words, problem_of
from whychurn.reports.notebooks import checkout, copy_notebooks, declared_needs

pytestmark = pytest.mark.xdist_group("synthetic report")
OWN = Path("data/demo/notebooks")


def declare(path: Path, needs: object) -> Path:
    content = json.loads(path.read_text(encoding="utf-8"))
    content["metadata"]["whychurn"] = {"needs": needs}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def study_has(home):
    """Let the study of the synthetic report be of a kind and have tables; undone before the stand-in itself is."""
    with pytest.MonkeyPatch.context() as patch:

        def say(kind: str, *tables: str) -> None:
            def inspect(study: object, accept_risk: str = "") -> object:
                return replace(synthetic.inspect_study(study, accept_risk), kind=kind, tables=tables)

            patch.setattr(build, "inspect_study", inspect)

        yield say


@pytest.fixture
def asking(home, without_kernels):
    """The synthetic report, whose second notebook asks for tickets and surveys in a study of tables."""
    declare(home / OWN / "02_tenure.ipynb", ["tables", "tickets", "surveys"])
    return home


def built_from(home: Path) -> tuple[dict, str]:
    build.build_report("data/demo", progress=False)
    report = home / "reports/demo"
    return json.loads((report / "results.json").read_text()), (report / "index.html").read_text()


def test_a_notebook_runs_when_the_study_has_what_it_needs(asking, study_has):
    study_has("tables", "accounts", "subscriptions", "tickets", "surveys")
    results, index = built_from(asking)
    assert set(results["notebooks"]) == {"01_shares", "02_tenure"}
    assert results["left_out"] == {}
    assert results["kind"] == "tables"
    assert "Not in this report" not in index


def test_a_notebook_is_left_out_and_said_so_in_plain_words(asking, study_has):
    study_has("tables", "accounts", "subscriptions", "surveys")
    results, index = built_from(asking)
    assert set(results["notebooks"]) == {"01_shares"}
    assert not (asking / "reports/demo/02_tenure.html").exists()
    assert results["left_out"]["02_tenure"]["missing"] == ["tickets"]
    assert results["left_out"]["02_tenure"]["needs"] == ["tables", "tickets", "surveys"]
    assert results["left_out"]["02_tenure"]["title"] == "How long they stay"
    assert "With the table tickets (support and satisfaction): “How long they stay”." in index
    assert '<a href="#left-out">Not in this report</a>' in index


def test_the_other_kind_of_study_is_named_in_words(asking):
    _, index = built_from(asking)
    assert (
        "With tables with dates: accounts and subscriptions at least, and the tables tickets and surveys (support and"
        in index
    )


def test_progress_says_what_is_left_out(asking, capsys):
    build.build_report("data/demo", progress=True)
    assert "02_tenure left out it needs tables with dates" in " ".join(capsys.readouterr().err.split())


def test_a_rerun_takes_the_same_set(asking):
    built_from(asking)
    again = verify("reports/demo")
    assert again.exit_code == 0, again.summary()
    assert not any("notebook" in change for change in again.environment)


def test_verify_notices_that_a_notebook_now_runs(asking):
    built_from(asking)
    declare(asking / OWN / "02_tenure.ipynb", [])
    found = verify("reports/demo")
    assert found.exit_code == 2
    assert "notebook 02_tenure was changed" in found.environment


def test_verify_notices_that_a_notebook_left_out_was_changed(asking):
    built_from(asking)
    path = asking / OWN / "02_tenure.ipynb"
    path.write_text(path.read_text().replace("Mean tenure by plan", "The mean tenure"))
    assert "notebook 02_tenure was changed" in verify("reports/demo").environment


def test_a_study_that_no_notebook_fits_is_an_error(asking):
    declare(asking / OWN / "01_shares.ipynb", ["usage"])
    with pytest.raises(NotebookError) as caught:
        build.build_report("data/demo", progress=False)
    assert str(caught.value) == (
        "None of the 2 notebooks fits the study 'Synthetic': 01_shares.ipynb needs the table usage; 02_tenure.ipynb "
        "needs tables with dates: accounts and subscriptions at least, and the tables tickets and surveys. Add what "
        "is missing to study.toml, or name a folder of notebooks that fit."
    )


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ("usage", "are no list of words"),
        ([1], "are no list of words"),
        (["usgae"], "'usgae', which no study can have"),
        (["usage", "usage"], "name something twice"),
        (["flat", "tables"], "both kinds of study at once"),
    ],
)
def test_needs_that_make_no_sense_are_an_error(home, needs, message):
    declare(home / OWN / "02_tenure.ipynb", needs)
    with pytest.raises(NotebookError, match=f"02_tenure.ipynb: .*{message}"):
        build.build_report("data/demo", progress=False)


@pytest.mark.parametrize("needs", [[], ["flat"], ["tables"], ["usage", "tickets"]])
def test_needs_that_make_sense(needs):
    assert problem_of(needs) == ""


def test_needs_are_said_as_a_phrase():
    assert needs_in_words(["usage"]) == "the table usage"
    assert needs_in_words(["usage", "tickets", "surveys"]) == "the tables usage, tickets and surveys"


# Lint, copies


@pytest.fixture
def notebook(tmp_path) -> Path:
    path = write_notebook(tmp_path / "01_a.ipynb", ("markdown", "# A title"), ("code", PARAMETERS, ("parameters",)))
    return declare(path, ["usage"])


def test_fixing_a_notebook_keeps_its_needs_and_nothing_else(notebook):
    content = json.loads(notebook.read_text())
    content["metadata"]["whychurn"]["mood"] = "good"
    content["metadata"]["toc"] = {}
    notebook.write_text(json.dumps(content))
    assert any("its metadata name more than" in problem for problem in lint_notebook(notebook))
    fix_notebook(notebook)
    assert lint_notebook(notebook) == []
    assert json.loads(notebook.read_text())["metadata"]["whychurn"] == {"needs": ["usage"]}


@pytest.mark.parametrize("needs", ["usage", ["usgae"], ["usage", "usage"]])
def test_lint_finds_needs_that_make_no_sense(notebook, needs):
    fix_notebook(declare(notebook, needs))
    assert len(lint_notebook(notebook)) == 1
    assert "(metadata whychurn.needs)" in lint_notebook(notebook)[0]


def test_metadata_that_are_no_table_are_found(notebook):
    content = json.loads(notebook.read_text())
    content["metadata"]["whychurn"] = "usage"
    notebook.write_text(json.dumps(content))
    fix_notebook(notebook)
    assert any("are no list of words" in problem for problem in lint_notebook(notebook))


def test_our_own_notebooks_say_what_they_need():
    root = checkout()
    paths = sorted((root / "notebooks").glob("*.ipynb")) if root else []
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert "needs" in content["metadata"]["whychurn"], path.name
        assert problem_of(declared_needs(content)) == "", path.name


def test_copies_of_our_notebooks_keep_their_needs(tmp_path):
    copied, _ = copy_notebooks(tmp_path)
    originals = {name: folder / name for _, folder in reversed(notebooks._homes()) for name in copied}
    for name in copied:
        ours, theirs = (json.loads(path.read_text()) for path in (originals[name], tmp_path / "notebooks" / name))
        assert ours["metadata"] == theirs["metadata"]


def test_stripping_outputs_with_the_usual_tool_keeps_the_needs(notebook):
    nbformat = pytest.importorskip("nbformat")
    nbstripout = pytest.importorskip("nbstripout")
    stripped = nbstripout.strip_output(
        nbformat.read(notebook, as_version=4), keep_output=False, keep_count=False, keep_id=True
    )
    assert stripped.metadata["whychurn"]["needs"] == ["usage"]


def test_a_flat_study_has_no_tables(tmp_path):
    from whychurn.reports import preflight

    shutil.copytree(
        Path(str(checkout())) / "data" / "telco", tmp_path / "telco", ignore=shutil.ignore_patterns("reports")
    )
    facts = preflight.inspect_study(tmp_path / "telco")
    assert (facts.kind, facts.tables) == ("flat", ())


def test_a_study_of_tables_is_met_by_what_its_tables_allow(tmp_path):
    from whychurn.sources.simulator import CompanySettings, write_company

    folder = tmp_path / "company"
    write_company(folder, CompanySettings(n_accounts=150, years=1, events=5_000))
    plan = build.make_plan(folder, "reports/company")
    assert plan.facts.kind == "tables"
    assert {"accounts", "subscriptions", "usage"} <= set(plan.facts.tables)
    assert {"01_causes", "02_data_quality"} <= {notebook.name for notebook in plan.notebooks}
    assert "06_churn_within" in [one.notebook.name for one in plan.left_out]
    assert all(one.missing for one in plan.left_out)
