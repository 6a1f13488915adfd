from __future__ import annotations

import csv
import json
import re
import shutil
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest
import synthetic_report as synthetic
from synthetic_report import LOAD, PARAMETERS, write_notebook

from whychurn.errors import NotebookError, StudyError, WhychurnError
from whychurn.reports import build, preflight
from whychurn.reports.reading import read_html
from whychurn.reports.results import fingerprint_of, seal_of

pytestmark = pytest.mark.xdist_group("synthetic report")


def read(home: Path, name: str) -> str:
    return (home / "reports" / "demo" / name).read_text(encoding="utf-8")


@pytest.fixture
def results(built) -> dict:
    return json.loads(read(built, "results.json"))


def test_a_report_holds_pages_tables_record_and_executed_notebooks(built):
    there = {path.relative_to(built / "reports/demo").as_posix() for path in built.rglob("reports/demo/**/*.*")}
    assert there == {
        "index.html", "01_shares.html", "02_tenure.html", "results.json", "rerun.json", "tables/shares.csv",
        "tables/tenure.csv", "notebooks/01_shares.ipynb", "notebooks/02_tenure.ipynb",
    }  # fmt: skip
    assert [path.name for path in (built / "reports").iterdir()] == ["demo"]


def test_every_finding_is_in_the_record_once(results):
    findings = results["findings"]
    assert len(findings) == 8
    assert len({record["id"] for record in findings}) == 8
    assert {record["page"] for record in findings} == {"01_shares", "02_tenure"}
    assert all(record["tolerance"] in results["tolerances"] for record in findings)
    assert "note" not in findings[0]


def test_every_printed_number_is_in_the_record_with_its_place(built, results):
    for name in ("index", "01_shares", "02_tenure"):
        said = read_html(read(built, f"{name}.html")).printed
        listed = [number for number in results["printed"] if number["page"] == name]
        assert [number["position"] for number in listed] == list(range(1, len(said) + 1))
        assert [number["text"] for number in listed] == [number["text"] for number in said]
    assert {number["finding"] for number in results["printed"]} >= {"provenance.n_accounts", "provenance.n_excluded"}


def test_fingerprint_seal_and_versions_are_those_of_the_content(built, results):
    assert results["fingerprint"] == fingerprint_of(results["findings"], results["printed"])
    assert results["seal"] == seal_of(results)
    assert set(results["manifest"]) == {
        "01_shares.html", "02_tenure.html", "index.html", "tables/shares.csv", "tables/tenure.csv",
    }  # fmt: skip
    assert results["data"][0]["file"] == "customers.csv"
    assert {"python", "pandas", "numpy"} <= set(results["versions"])
    for name in ("index", "01_shares", "02_tenure"):
        assert read_html(read(built, f"{name}.html")).fingerprint == results["fingerprint"][:16]


def test_the_record_has_no_clock(results):
    text = json.dumps(results)
    assert not re.search(r"\d\d:\d\d:\d\d", text)


def test_cells_that_a_spreadsheet_would_run_are_neutralised_and_numbers_stay_numbers(built):
    with (built / "reports/demo/tables/tenure.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["term"] for row in rows} == {"'=tenure"}
    assert "'=Trial <b>" in {row["group"] for row in rows}
    assert all(float(row["estimate"]) > 0 and row["n_accounts"].isdigit() for row in rows)


def test_a_page_shows_no_parameters_no_warning_and_no_path_of_this_machine(built):
    for name in ("index.html", "01_shares.html", "02_tenure.html"):
        html = read(built, name)
        assert "accept_risk" not in html
        assert "no reader sees" not in read_html(html).text.replace("'a warning that no reader sees'", "")
        assert str(built) not in html
        assert "findings</pre>" not in html
    assert "a printed line" in read(built, "02_tenure.html")


def test_a_page_has_title_navigation_contents_and_footer(built):
    html = read(built, "01_shares.html")
    assert '<html lang="en">' in html
    assert "<title>Who leaves · Synthetic &lt;telco&gt;</title>" in html
    assert 'href="01_shares.html" aria-current="page"' in html
    assert 'href="02_tenure.html"' in html
    assert '<a href="#the-same-in-a-table">The same in a table</a>' in html
    assert '<h3 id="the-same-in-a-table">' in html
    assert "default-src 'none'" in html
    footer = re.sub(r"<[^>]+>", "", html[html.index("<footer") :])
    assert "customers.csv" in footer and "80 rows" in footer and "11 rows" in footer
    assert "whychurn verify reports/demo" in footer


def test_anchors_do_not_contain_numbers_but_contents_keep_them_traceable(built):
    html = read(built, "01_shares.html")
    anchor = 'href="#customers-on-month-to-month-leave-most-often-of-them-left"'
    assert anchor in html
    assert re.search(anchor + r">[^<]*<data [^>]+>60\.0%</data>", html)


def test_silent_cells_lend_their_code_to_the_next_cell_that_shows_something(built):
    html = read(built, "01_shares.html")
    assert html.count('<details class="code">') == 5
    assert '<details class="code">' not in read(built, "index.html")


def test_tables_get_scopes_and_a_focusable_region(built):
    html = read(built, "02_tenure.html")
    assert "<style scoped" not in html
    assert not re.search(r"<th\b(?![^>]*scope=)", html)
    assert not re.search(r"<th\b[^>]*>\s*</th>", html)
    assert '<div class="scroll" role="region" tabindex="0" aria-label="A wide table"><table class="data">' in html
    assert 'aria-label="A wide table (part 2)"><table class="data frame">' in html


def test_customer_text_is_escaped_everywhere(built):
    for name in ("index.html", "01_shares.html", "02_tenure.html"):
        assert "<b>" not in read(built, name)


def test_executed_notebooks_do_not_tell_where_or_when_they_ran(built):
    content = json.loads(read(built, "notebooks/01_shares.ipynb"))
    assert "papermill" not in content["metadata"]
    assert str(built) not in json.dumps(content)


def test_two_builds_are_byte_identical(home, built):
    build.build_report("data/demo", progress=False, workers=1)
    for path in sorted((built / "reports/demo").rglob("*.*")):
        if path.suffix != ".ipynb":
            relative = path.relative_to(built)
            assert (home / relative).read_bytes() == path.read_bytes(), relative


def test_the_record_names_the_study_relative_to_the_report(built):
    rerun = json.loads(read(built, "rerun.json"))
    assert rerun == {"study": "../../data/demo", "notebooks": "study", "notebook_folder": "", "accept_risk": ""}


# Mistakes


def notebook(home: Path, *cells: tuple) -> Path:
    folder = home / "own"
    shutil.rmtree(folder, ignore_errors=True)
    title = ("markdown", "# A title")
    write_notebook(folder / "01_own.ipynb", title, ("code", PARAMETERS, ("parameters",)), *cells)
    return folder


def test_an_unknown_parameter_is_an_error(home):
    folder = home / "own"
    write_notebook(folder / "01_own.ipynb", ("markdown", "# A"), ("code", 'study = "x"\nrisky = ""', ("parameters",)))
    with pytest.raises(NotebookError, match=r"01_own\.ipynb does not know the parameter 'accept_risk'.*study, risky"):
        build.build_report("data/demo", notebooks=folder, progress=False)


@pytest.mark.parametrize("tags", [(), ("parameter",)])
def test_a_missing_parameters_tag_is_an_error(home, tags):
    folder = home / "own"
    write_notebook(folder / "01_own.ipynb", ("markdown", "# A"), ("code", PARAMETERS, tags))
    with pytest.raises(NotebookError, match="no cell tagged 'parameters'"):
        build.build_report("data/demo", notebooks=folder, progress=False)


@pytest.mark.parametrize("source", ["study = open('x')", "import os", "study ="])
def test_parameters_are_literals_only(home, source):
    folder = home / "own"
    write_notebook(folder / "01_own.ipynb", ("markdown", "# A"), ("code", source, ("parameters",)))
    with pytest.raises(NotebookError, match="cell 2: the parameters cell may hold only lines such as"):
        build.build_report("data/demo", notebooks=folder, progress=False)


def test_a_failing_cell_names_notebook_cell_and_last_line(home):
    folder = notebook(home, ("code", "fine = 1"), ("code", "{}['tenure']"))
    before = read(home, "results.json")
    with pytest.raises(NotebookError) as caught:
        build.build_report("data/demo", notebooks=folder, progress=False)
    assert str(caught.value) == "Notebook 01_own, cell 4: KeyError: 'tenure'"
    assert "Traceback" in "".join(caught.value.__notes__)
    assert read(home, "results.json") == before


def test_an_error_of_ours_shows_only_its_message(home):
    fails = "from whychurn.errors import SourceError\nraise SourceError('3 rows have no tenure; add them.')"
    with pytest.raises(NotebookError) as caught:
        build.build_report("data/demo", notebooks=notebook(home, ("code", fails)), progress=False)
    assert str(caught.value) == "3 rows have no tenure; add them."


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import pathlib\nprint(pathlib.Path.cwd())", "Page 01_own shows a path of this machine"),
        (
            "from IPython.display import display\ndisplay({'image/png': 'aGVsbG8='}, raw=True)",
            "cell 3 shows an image without a text alternative",
        ),
        (
            LOAD + "\nfound = pages.shares(frame)\npages.tiles(found)",
            "12 printed numbers come from findings that no notebook recorded: 01_own prints",
        ),
    ],
)
def test_a_page_that_must_not_be_handed_on_is_refused(home, monkeypatch, source, message):
    leadership = sys.modules["whychurn.display.leadership"]
    monkeypatch.setattr(leadership, "render_index", lambda findings, pages: "<h1>Why</h1>")
    with pytest.raises(NotebookError, match=message):
        build.build_report("data/demo", notebooks=notebook(home, ("code", source)), progress=False)


def test_a_value_of_the_data_that_is_a_path_of_this_machine_blocks_no_report(home):
    value = f"{tempfile.gettempdir()}/it's <b> of {Path.cwd()}/March"
    data = home / "data/demo/customers.csv"
    data.write_text(data.read_text().replace("One year", value))
    build.build_report("data/demo", progress=False)
    assert value in read_html(read(home, "01_shares.html")).text


@pytest.mark.parametrize(
    ("page", "recorded", "refused"),
    [
        ("see {cwd}/study.toml", "", True),
        ("see {cwd}/study.toml", "a value: /elsewhere/study.toml", True),
        ("see {cwd}/study.toml", "a value: {cwd}/other.toml", True),
        ("“{cwd}/long-na…” (12 rows)", "{cwd}/long-name", False),
        ("{cwd}/a; {cwd}/b", "{cwd}/a", True),
        ("ends in {cwd}/a.", "{cwd}/a", False),
    ],
)
def test_only_paths_that_no_finding_recorded_are_ours(page, recorded, refused):
    page, recorded = (text.format(cwd=Path.cwd()) for text in (page, recorded))
    with pytest.raises(NotebookError, match="path of this machine") if refused else nullcontext():
        build._require_portable("01_own", read_html(f"<p>{page}</p>"), recorded)


def test_two_values_for_one_finding_are_refused(home, without_kernels):
    from whychurn.reports.page import Page
    from whychurn.reports.results import merged_records

    def page(name: str, estimate: float) -> Page:
        record = {"id": "a", "analysis": "shares", "term": "plan", "estimate": estimate}
        return Page(name, name, "", "", (), (record,), {}, ())

    assert len(merged_records([page("one", 0.5), page("two", 0.5)])) == 1
    with pytest.raises(NotebookError, match="one and two recorded different values for the finding shares / plan"):
        merged_records([page("one", 0.5), page("two", 0.6)])


def test_a_folder_without_notebooks_is_an_error(home):
    with pytest.raises(NotebookError, match="holds no numbered notebook"):
        build.build_report("data/demo", notebooks=home / "data", progress=False)


def test_a_notebook_without_title_is_an_error(home, tmp_path):
    write_notebook(tmp_path / "01_own.ipynb", ("code", "1"))
    from whychurn.reports.page import read_page

    with pytest.raises(NotebookError, match="does not begin with a title"):
        read_page(tmp_path / "01_own.ipynb")


def test_a_folder_without_study_says_how_to_begin(tmp_path):
    with pytest.raises(StudyError, match="Propose one with: whychurn new"):
        preflight.inspect_study(tmp_path)


def test_nobodys_files_are_overwritten(home):
    (home / "mine").mkdir()
    (home / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(WhychurnError, match="is not a report"):
        build.build_report("data/demo", out="mine", progress=False)
    assert (home / "mine" / "letter.txt").read_text() == "dear"


def test_progress_is_plain_off_a_terminal(home, without_kernels, capsys):
    build.build_report("data/demo", out="elsewhere/r", progress=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[:2] == [
        "reading data/demo",
        "notebooks: the study's own, in data/demo/notebooks",
    ]
    assert "1 warning in the notebooks" in said.err
    assert said.err.splitlines()[-1] == "done: open elsewhere/r/index.html"


def test_synthetic_index_is_the_real_signature():
    assert synthetic.render_index.__code__.co_varnames[:2] == ("findings", "pages")
