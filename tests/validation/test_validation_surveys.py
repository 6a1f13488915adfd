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
        "exact": [0.5, 0.1], "one_ratio": 0.4, "redrawn": redrawn(),
    }  # fmt: skip


def redrawn(simulator=18, model=18, few=18, larger=20, plain=18):
    """Of 20 intervals so many hold zero; of ten tests two reject."""
    held = {"simulator": simulator, "model": model, "few": few, "larger": larger}
    return {key: {"n": 20, "held": n, "plain": plain, "tests": 10, "rejected": 2} for key, n in held.items()}


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


def test_the_test_of_one_ratio_and_what_makes_intervals_narrow_are_told():
    from validation import survey_page

    records = [record() | {"one_ratio": p} for p in (0.01, 0.2, 0.3, None)]
    text = "\n".join(survey_page.surveys(records))
    assert re.search(r"rejects at 5% in 33\.3% \([^)]*\) of the 3 companies in which it can be made", text)
    assert "the test rejects in 20.0%" in text
    assert "| drawn by the simulator’s formula, the page’s terms | 90.0%" in text
    assert "clustering is not the reason" in text and "matters no more than chance might" in text
    assert "Fewer terms do not help. More customers do" in text


def test_what_is_out_of_date_is_blamed_only_where_it_shows():
    from validation import survey_page

    late = [record() | {"exact": [0.6, 0.1]} for _ in range(3)]
    assert "rather too small than too large" in "\n".join(survey_page.surveys(late))
    assert "costs nothing that shows here" in "\n".join(survey_page.surveys([record() for _ in range(3)]))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"plain": 20}, "clustering is part of the reason"),
        ({"model": 20}, "the page’s model is part of the reason"),
        ({"few": 20}, "Fewer terms help."),
        ({"larger": 18}, "so the reason has not been found"),
    ],
)
def test_reasons_follow_from_the_differences(counts, sentence):
    from validation.redrawn_page import why_short

    records = [record() | {"redrawn": redrawn(**counts)} for _ in range(3)]
    assert sentence in "\n".join(why_short(records))
    assert not list(why_short([record() | {"redrawn": None}]))


def test_what_single_modules_fall_below_is_told_by_chance_or_not():
    from validation.redrawn_page import why_short

    assert "no fewer than chance allows" in "\n".join(why_short([record() for _ in range(3)]))
    missed = [record() for _ in range(3)]
    for one in missed:
        one["modules"]["mobile"] = [0.5, 0.1, 0.001]
    assert "part of the reason has not been found" in "\n".join(why_short(missed))


def test_the_section_is_made_anew_and_nothing_else_is(tmp_path):
    from validation.command import main
    from validation.rewriting import with_surveys
    from validation.store import append

    page = "# Page\n\n- **Other:** 1\n- **Answers to surveys (9 companies):** stale\n\n## Answers to surveys\n\nstale\n\n### Stale\n\n## Again\n\nlast\n"
    place, cache = tmp_path / "page.md", tmp_path / "cache"
    place.write_text(page, encoding="utf-8")
    place.with_suffix(".csv").write_text("arm,effect\ndefault,Finance\nanswers to surveys,stale\n", encoding="utf-8")
    append("surveys", "default", [record() | {"seed": seed} for seed in range(3)], cache)
    assert main(["--only-write", "--cache", str(cache), "--write", str(place)]) == 0
    text = place.read_text(encoding="utf-8")
    assert text.startswith("# Page\n\n- **Other:** 1\n- **Answers to surveys (3 companies):**") and text.endswith(
        "\n\n## Again\n\nlast\n"
    )
    assert "stale" not in text and "### Whose use goes with recommending" in text
    rows = place.with_suffix(".csv").read_text(encoding="utf-8").splitlines()
    assert rows[:2] == ["arm,effect", "default,Finance"] and len(rows) == 6 and "stale" not in "".join(rows)
    with pytest.raises(ValueError, match="no section"):
        with_surveys("# Page\n", [record()])


def test_answers_are_drawn_again_under_each_condition():
    import pandas as pd

    from validation.redrawn import CASES, DRAWS, redrawn

    random = np.random.default_rng(4)
    frame = pd.DataFrame(random.normal(2, 1, (300, 3)), columns=["v0", "v1", "v2"]).assign(cluster=np.arange(300) // 2)
    felt = 6.6 + 0.5 * frame["v0"].to_numpy()
    found = redrawn(frame, ["v0", "v1", "v2"], {"a": "v0", "b": "v1"}, "a", (felt, felt), (6.5, 8.5), 1.7, 1)
    assert set(found) == {case.key for case in CASES}
    for counts in found.values():
        assert counts["n"] == counts["tests"] == DRAWS
        assert counts["held"] >= DRAWS - 3 and counts["rejected"] <= 3


def test_a_company_is_measured_the_whole_way_and_broken_weights_show(monkeypatch):
    from validation import surveys
    from whychurn.analyses.nps_response import weighting

    one = surveys.surveys_record("default", 5)
    assert one["raw"][0] - one["truth"] > 0 and one["weighted"][0] < one["raw"][0]
    assert one["truth_answered"] > one["truth"]
    assert one["term"] == "reporting" and one["redrawn"]["simulator"]["n"] == 60
    assert set(one["modules"]) >= {"reporting", "mobile", "billing"} and one["modules"]["reporting"][0] > 0.2

    def upside_down(*args, **options):
        found = fit(*args, **options)
        return replace(found, weights=np.where(found.answered, found.probability / found.answered.mean(), 0.0))

    fit = weighting.fit_response_weights
    monkeypatch.setattr(weighting, "fit_response_weights", upside_down)
    broken = surveys.surveys_record("default", 5)
    assert broken["weighted"][0] > broken["raw"][0] and surveys.closer([broken]) == [False]
    assert broken["raw"] == one["raw"] and broken["truth"] == one["truth"]
