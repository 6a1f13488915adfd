from __future__ import annotations

import json
from pathlib import Path

import pytest
from synthetic_report import PARAMETERS, write_notebook

from whychurn.reports.lint import cell_ids, fix_notebook, lint_notebook, main
from whychurn.reports.notebooks import checkout


def problems(folder: Path, *cells: tuple) -> list[str]:
    title = ("markdown", "# A title")
    path = write_notebook(folder / "01_a.ipynb", title, ("code", PARAMETERS, ("parameters",)), *cells)
    fix_notebook(path)
    return lint_notebook(path)


def test_a_thin_notebook_passes(tmp_path):
    assert problems(tmp_path, ("code", "import whychurn as wc\npanel = wc.build_panel(study)")) == []


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("def f():\n    pass", "def in line 1"),
        ("class A:\n    pass", "class in line 1"),
        ("for x in y:\n    pass", "for in line 1"),
        ("while x:\n    pass", "while in line 1"),
        ("if x:\n    pass", "if in line 1"),
        ("y = 1\nx = 2 if y else 3", "if in line 2"),
        ("try:\n    pass\nfinally:\n    pass", "try in line 1"),
        ("with x:\n    pass", "with in line 1"),
        ("f = lambda x: x", "lambda in line 1"),
        ("[x for x in y]", "a comprehension in line 1"),
        ("sum(x for x in y)", "a comprehension in line 1"),
        ("C = 1", "a variable named C"),
        ("import x as C", "a variable named C"),
        ("\n".join("abcdefg"), "7 lines of code; at most 6"),
        ("wc.show('31% leave')", "typed number in a text: '31% leave'"),
        ("wc.show(f'about {x} of 12')", "typed number in a text"),
        ("x =", "not plain Python"),
    ],
)
def test_what_code_cells_may_not_hold(tmp_path, source, word):
    found = problems(tmp_path, ("code", source))
    assert len(found) == 1
    assert found[0].startswith("01_a.ipynb, cell 3: ")
    assert word in found[0]


@pytest.mark.parametrize("source", ["x = 12", "wc.analyse('p95_latency')", "wc.read('data/telco2')", "x.y['a1']"])
def test_numbers_and_names_in_code_are_fine(tmp_path, source):
    assert problems(tmp_path, ("code", source)) == []


@pytest.mark.parametrize("source", ["Churn is 14.2% a year.", "## The 3 causes", "After ３ months"])
def test_typed_numbers_in_prose_are_found(tmp_path, source):
    found = problems(tmp_path, ("markdown", source))
    assert len(found) == 1
    assert "typed number in prose" in found[0]


@pytest.mark.parametrize(
    "source",
    [
        "See `x[12]` and 02_retention.ipynb.",
        "See 02_retention and [page 3](03_x.html).",
        "1. first\n2. second",
        "```\n12\n```",
        "<https://example.org/12>",
        "No number at all.",
    ],
)
def test_digits_that_are_no_typed_numbers_pass(tmp_path, source):
    assert problems(tmp_path, ("markdown", source)) == []


def test_state_is_found_and_can_be_fixed(tmp_path, capsys):
    path = write_notebook(
        tmp_path / "01_a.ipynb", ("markdown", "# A title"), ("code", PARAMETERS, ("parameters",)), ("code", "x")
    )
    content = json.loads(path.read_text())
    content["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "9"}]
    content["cells"][2]["execution_count"] = 4
    content["metadata"]["language_info"] = {"version": "3.11.7"}
    path.write_text(json.dumps(content))
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "it holds outputs" in said and "execution count" in said and "metadata" in said and "its id is" in said
    assert main(["--fix", str(tmp_path)]) == 0
    before = path.read_bytes()
    assert main(["--fix", str(path)]) == 0
    assert path.read_bytes() == before


def test_parameters_and_title_are_required(tmp_path):
    path = write_notebook(tmp_path / "01_a.ipynb", ("code", "x"))
    fix_notebook(path)
    assert [problem.split(": ", 1)[1][:28] for problem in lint_notebook(path)] == [
        "the first cell is not a titl",
        "Notebook 01_a.ipynb has no c",
    ]


def test_equal_cells_get_different_ids():
    cells = [{"cell_type": "code", "source": "x"}, {"cell_type": "code", "source": ["x"]}]
    first, second = cell_ids(cells)
    assert second == f"{first}-2"


def test_a_file_that_is_no_notebook(tmp_path):
    (tmp_path / "01_a.ipynb").write_text("[]")
    assert "cannot be read as a notebook" in lint_notebook(tmp_path / "01_a.ipynb")[0]
    assert main([str(tmp_path / "empty")]) == 1


def test_our_own_notebooks_keep_the_rules():
    root = checkout()
    paths = sorted((root / "notebooks").glob("*.ipynb")) if root else []
    assert [problem for path in paths for problem in lint_notebook(path)] == []
