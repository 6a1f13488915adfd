"""Answers to surveys: the truth is what the simulator draws from, records are counted rightly, broken weights show."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("validation")


def record(raw=0.1, weighted=0.02, truth=0.0, lead="reporting", grade="holds", also=False):
    modules = {"reporting": [0.5, 0.1, 1e-5], "mobile": [0.4 if also else 0.0, 0.1, 0.001 if also else 1.0]}
    gap = 0.5
    if lead != "reporting":
        modules["mobile"][0], gap, grade = 0.9, -0.4, "another is ahead"
    return {
        "n_invited": 800, "n_answered": 400, "truth": truth, "raw": [raw, 0.05, raw - 0.1, raw + 0.1],
        "weighted": [weighted, 0.05, weighted - 0.1, weighted + 0.1], "shift": [weighted - raw, 0.01, 0.001],
        "modules": modules, "contrasts": {"mobile": [gap, 0.1, 0.001]}, "term": "reporting", "grade": grade,
        "exact": [0.5, 0.1], "one_ratio": 0.4,
    }  # fmt: skip


def test_the_truth_is_the_mean_of_scores_drawn_from_the_simulators_formula():
    import pandas as pd

    from validation.surveys import expected

    known = pd.DataFrame({"uses_28_reporting": [0, 7, 30], "open_tickets": [0, 1, 0], "last_csat": [0, 2, 5]})
    mean = 6.6 + 0.7 * np.log1p(known["uses_28_reporting"]) - 0.7 * known["open_tickets"] - 1.6 * np.array([0, 1, 0])
    scores = np.clip(np.round(mean.to_numpy() + np.random.default_rng(3).normal(0, 1.7, (200_000, 3))), 0, 10)
    drawn = (scores >= 9).mean(axis=0) - (scores <= 6).mean(axis=0)
    assert expected(known) == pytest.approx(drawn, abs=0.006)


def test_counts_of_the_section_by_hand():
    from validation import survey_page

    records = [
        record(), record(weighted=0.2), record(grade="ahead of some"), record(lead="mobile"),
        record(also=True, grade="ahead of all, but not alone"),
    ]  # fmt: skip
    text = "\n".join(survey_page.surveys(records))
    # Four of five scores fell, and four of five came nearer.
    assert len(re.findall(r"80\.0% \(28\.4% to 99\.5%\)", text)) >= 2
    assert re.search(r"largest coefficient of 2 modules in\s+80\.0%", text)
    assert re.search(r"is made in 40\.0%", text)
    assert re.search(r"as well, in 40\.0%", text)
    raw = next(line for line in text.splitlines() if line.startswith("| as answered"))
    assert "+10.0" in raw and "| 10.0 |" in raw and "100.0%" in raw
    assert survey_page.in_one_line(records).startswith("**Answers to surveys (5 companies):**")
    rows = survey_page.survey_rows_of_csv(records)
    assert [row[1] for row in rows] == [
        "reporting, against its own mean",
        "mobile",
        "score, as answered",
        "score, weighted",
    ]
    assert not survey_page.survey_rows_of_csv([]) and not list(survey_page.surveys([]))


def test_a_company_is_measured_the_whole_way_and_broken_weights_show(monkeypatch):
    from validation import surveys
    from whychurn.analyses.nps_response import weighting

    one = surveys.surveys_record("default", 5)
    assert one["raw"][0] - one["truth"] > 0 and one["weighted"][0] < one["raw"][0]
    assert one["truth_answered"] > one["truth"]
    assert set(one["modules"]) >= {"reporting", "mobile", "billing"} and one["modules"]["reporting"][0] > 0.2

    def upside_down(*args, **options):
        found = fit(*args, **options)
        return replace(found, weights=np.where(found.answered, found.probability / found.answered.mean(), 0.0))

    fit = weighting.fit_response_weights
    monkeypatch.setattr(weighting, "fit_response_weights", upside_down)
    broken = surveys.surveys_record("default", 5)
    assert broken["weighted"][0] > broken["raw"][0] and surveys.closer([broken]) == [False]
    assert broken["raw"] == one["raw"] and broken["truth"] == one["truth"]
