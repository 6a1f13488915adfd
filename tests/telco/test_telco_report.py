"""The example report as its readers get it: built by the command line, opened in a real browser, rerun."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import checks
import pytest

pytestmark = pytest.mark.xdist_group("telco report")
PAGES = [
    "01_causes",
    "02_data_quality",
    "03_segments",
    "04_crosstabs",
    "05_hazards",
    "06_churn_within",
    "07_focus",
    "08_second_opinion",
    "09_accuracy",
    "24_flat_metrics",
]


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "120"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def whychurn(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(root, str(Path(sys.executable).with_name("whychurn")), *arguments)


@pytest.fixture(scope="module")
def telco_report(tmp_path_factory, root) -> Path:
    folder = tmp_path_factory.mktemp("first") / "telco"
    done = whychurn(root, "report", "data/telco", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


# `whychurn verify`, which also leaves the report that it builds for its comparison.
VERIFY = """
import shutil
import sys
from whychurn import cli
from whychurn.reports import rerun

_, report, kept = sys.argv
build_into = rerun.build_into


def build_and_keep(folder, *rest):
    build_into(folder, *rest)
    shutil.copytree(folder, kept)


rerun.build_into = build_and_keep
sys.exit(cli.main(["verify", report]))
"""


@pytest.fixture(scope="module")
def rerun(telco_report, tmp_path_factory, root) -> tuple[subprocess.CompletedProcess[str], Path]:
    """What verifying the report said, and the second report that it built in order to compare."""
    kept = tmp_path_factory.mktemp("second") / "telco"
    done = run(root, sys.executable, "-P", "-c", VERIFY, str(telco_report), str(kept))
    return done, kept


def text_of(page: Path) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_index_states_finding_size_certainty_and_doubt(telco_report):
    text = text_of(telco_report / "index.html")
    assert re.search(
        r"Month-to-month” leave 25 times as fast as those with “Two year”; that goes with 85% of churn", text
    )
    assert "1,869 of 7,043" in text
    assert "not per year" in text
    assert "usable with caveats" in text
    assert "What would change our mind" in text
    assert "not proof of cause" in text
    assert not re.search(r"\bcauses churn\b|\bbecause of\b", text)


def test_every_page_is_there_and_every_link_leads_somewhere(telco_report):
    assert sorted(page.stem for page in telco_report.glob("[0-9]*.html")) == PAGES
    for page in telco_report.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        ids = set(re.findall(r'\bid="([^"]+)"', html))
        for link in re.findall(r'<a [^>]*href="([^"]+)"', html):
            name, _, anchor = link.partition("#")
            assert not name or (telco_report / name).exists(), (page.name, link)
            assert not anchor or name or anchor in ids, (page.name, link)


def test_every_figure_has_words_and_every_table_scopes(telco_report):
    for page in telco_report.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        for svg in re.findall(r"<svg[^>]*>", html):
            assert re.search(r'aria-label="[^"]+"', svg) or 'aria-hidden="true"' in svg, (page.name, svg[:200])
        for head in re.findall(r"<th\b[^>]*>", html):
            assert "scope=" in head, (page.name, head)


def test_every_number_in_prose_is_recorded(telco_report):
    results = json.loads((telco_report / "results.json").read_text(encoding="utf-8"))
    printed = [entry for entry in results["printed"] if entry["page"] == "index"]
    assert len(printed) > 100
    assert len(results["findings"]) > 5000


def test_a_rerun_reproduces_it(rerun):
    done, _ = rerun
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reproduced" in done.stdout


def test_two_builds_are_the_same_bytes(telco_report, rerun):
    done, again = rerun
    assert again.is_dir(), done.stdout + done.stderr
    first, second = (
        {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in (".html", ".csv", ".json")}
        for folder in (telco_report, again)
    )
    assert Path("results.json") in second
    # rerun.json holds the way back to the study from the folder of a finished report, and the rerun is not finished.
    assert first - {Path("rerun.json")} == second
    for name in second:
        assert (telco_report / name).read_bytes() == (again / name).read_bytes(), name


@pytest.mark.browser
@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_in_a_browser(browser, telco_report, check):
    check(browser, telco_report)


@pytest.mark.browser
# The demo's report is held at the other two pairs, a small report at all of them.
@pytest.mark.parametrize(("width", "scheme", "code"), [(checks.LAPTOP, "light", True), (checks.PHONE, "dark", False)])
def test_axe_finds_nothing(browser, telco_report, width, scheme, code):
    checks.no_violations(browser, telco_report, width, scheme, code)
