"""A study with one row per customer that holds a recommendation score: the pages are left out, and it is said why."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from builders import build, cause

import whychurn as wc
from whychurn import display
from whychurn.analyses.answers import ONE_ROW
from whychurn.display.left_out import render_left_out
from whychurn.reports.needs import split
from whychurn.reports.notebooks import find_folder, read_notebooks
from whychurn.reports.preflight import inspect_study

PAGES = {"17_nps", "18_promoters", "19_nps_churn"}
SUMMARIES = {
    "nps": "nps_summary", "promoters": "promoters_summary", "nps_response": "response_summary", "nps_churn": "nps_churn_summary",
}  # fmt: skip


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    random = np.random.default_rng(2)
    n = 200
    frame = pd.DataFrame({
        "id": [f"c{i}" for i in range(n)], "tenure": random.integers(1, 60, n), "churned": (random.random(n) < 0.4).astype(int),
        "plan": random.choice(["Basic", "Pro"], n), "nps": random.integers(0, 11, n),
    })  # fmt: skip
    return build(tmp_path_factory.mktemp("flat"), frame, cause("plan") + cause("nps", "number"))


@pytest.mark.parametrize("analysis", SUMMARIES)
def test_an_analysis_says_that_answers_without_dates_tell_nothing(flat, analysis):
    study, panel = flat
    found = wc.analyse(analysis, panel, study)
    assert [row.note for row in found.rows()] == [ONE_ROW]
    html = str(getattr(display, SUMMARIES[analysis])(found).markup)
    assert ONE_ROW in re.sub(r"<[^>]+>", "", html)


def test_the_report_names_the_pages_it_lacks_and_what_they_would_need(flat, root):
    study, _ = flat
    run, left = split(
        read_notebooks(find_folder(study.folder, root / "notebooks"), {"study": str(study.folder), "accept_risk": ""}),
        inspect_study(study),
    )
    ours = [page for page in left if page.notebook.name in PAGES]
    assert {page.notebook.name for page in ours} == PAGES and not PAGES & {page.name for page in run}
    said = str(render_left_out([page.listed() for page in ours]))
    assert "accounts and subscriptions at least, and the table surveys (NPS: who answers" in said
    assert all(f"“{page.notebook.title}”" in said for page in ours)
