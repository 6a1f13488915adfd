"""``whychurn check``: the page and the JSON."""

from __future__ import annotations

import io
import json

import pytest
from conftest import MakeStudy
from flat_files import rows, text
from rich.console import Console

from whychurn.sources import check_study, print_check
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.verdict import grade


def page(result: object, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_check(result, console)  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_page_of_a_usable_study(make_study: MakeStudy) -> None:
    body = rows(300, 120)
    body[4][1] = "x"
    study = make_study(text(body))
    result = check_study(study.folder)
    shown = page(result)
    assert result.exit_code == 0
    assert "299 customers, 119 left" in shown or "299 customers, 120 left" in shown
    assert "usable with caveats" in shown
    assert "rejects-accounts.csv" in shown
    assert "whychurn report" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert max(map(len, page(result, 200).splitlines())) <= 100
    assert page(result, 60)


def test_the_page_of_a_refused_study(make_study: MakeStudy) -> None:
    result = check_study(make_study(text(rows(10, 4))).folder)
    shown = page(result)
    assert result.exit_code == 1
    assert "reasons to refuse" in shown
    assert "--accept-risk" in shown


def test_problems_are_a_page_too_and_never_an_exception(make_study: MakeStudy) -> None:
    study = make_study(text(rows(), "id,tenure,chrned,plan"))
    result = check_study(study.folder)
    assert result.exit_code == 1
    assert "Did you mean “chrned”?" in " ".join(page(result).split())
    (study.folder / "study.toml").write_text("[study]\n")
    result = check_study(study.folder)
    assert result.exit_code == 1
    assert "study.name: is missing" in page(result)
    assert json.loads(result.as_json())["error"]


def test_markup_and_escapes_in_names_do_not_act(make_study: MakeStudy) -> None:
    body = [[*row[:3], "[red]x[/red]\x1b[31m"] if i else row for i, row in enumerate(rows())]
    shown = page(check_study(make_study(text(body)).folder))
    assert "[red]x[/red]" in shown
    assert "\x1b" not in shown


def test_json_has_everything_and_no_nan(make_study: MakeStudy) -> None:
    result = check_study(make_study(text(rows())).folder)
    content = json.loads(result.as_json(), parse_constant=pytest.fail)
    assert content["verdict"]["grade"] == "usable with caveats"
    assert content["n_customers"] == 60
    assert content["columns"][0]["mean"] is None
    assert content["fingerprints"][0]["rows"] == 60
    assert content["exit_code"] == 0


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ([], "sound"),
        (["note", "note"], "sound"),
        (["note", "caveat"], "usable with caveats"),
        (["note", "caveat", "refuse"], "refuse"),
    ],
)
def test_the_verdict_follows_the_worst_finding(severities: list[str], expected: str) -> None:
    findings = [IntegrityFinding("x", severity, "accounts", f"a {severity}.") for severity in severities]  # type: ignore[arg-type]
    verdict = grade(findings)
    assert verdict.grade == expected
    assert verdict.reasons == tuple(f"a {severity}." for severity in ("refuse", "caveat") if severity in severities)
