"""Coverage, false discoveries and ranks are counted rightly, and a broken estimator shows."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("validation")
SEEDS = (1001, 1002)


@pytest.fixture(scope="module")
def records():
    from validation.work import effects_record

    return [effects_record("default", seed) for seed in SEEDS]


def squares(records):
    """Squared distances from the truth in standard errors: about 1 on average if estimator and errors are right."""
    from validation.planted import TERMS
    from whychurn.sources.simulator import Effects

    found = []
    for record in records:
        for term in TERMS:
            pair = record["planted"][term.key]
            if pair is not None:
                found.append(((pair[0] - term.truth(Effects())) / pair[1]) ** 2)
    return np.array(found)


def test_estimates_lie_about_the_truth(records):
    found = squares(records)
    assert len(found) >= 0.95 * 25 * len(SEEDS)
    assert 0.6 < found.mean() < 1.5


@pytest.mark.parametrize("broken", ["errors", "estimates"])
def test_a_broken_estimator_is_caught(broken, monkeypatch):
    from validation import work

    class Broken(work.EffectBook):
        def effect(self, candidate, kind):
            effect = super().effect(candidate, kind)
            if broken == "errors":
                spoilt = [replace(c, std_error=0.5 * c.std_error) for c in effect.contrasts]
            else:
                spoilt = [replace(c, log_hr=c.log_hr + 0.5) for c in effect.contrasts]
            return replace(effect, contrasts=tuple(spoilt))

    monkeypatch.setattr(work, "EffectBook", Broken)
    found = squares([{**work.planted_record(drawn, work.with_logarithms(work.panel_rows(drawn)))}
                     for drawn in [work.draw_arm("default", SEEDS[0])]])  # fmt: skip
    assert found.mean() > 1.5


def test_the_record_holds_what_is_summed_up(records):
    for record in records:
        assert record["n_events"] > 150
        assert 0 < record["share"][2] < record["share"][0] < record["share"][3] or record["share"][0] < 0.08
        assert record["risk"][2] < record["risk"][0] < record["risk"][3]
        assert len(record["p_direct"]) == 20
        assert set(record["naive"]["cox"]) == set(record["naive"]["logistic"])


def test_lifetime_totals_mislead(records):
    """What is done in a long life looks as if it made life long: contacts and mobile use do nothing, tickets harm."""
    for name in ("tickets", "interactions"):
        for record in records:
            estimate, error = record["naive"]["cox"][name]
            assert estimate < -3 * error
    for record in records:
        estimate, error = record["planted"]["interactions_84=per 1 more"]
        assert abs(estimate) < 3 * error


def test_calibration_sees_what_is_wrong():
    from validation.summary import calibrate

    rng = np.random.default_rng(5)
    errors = rng.uniform(0.1, 0.3, 2000)
    estimates = 0.4 + errors * rng.normal(size=2000)
    right = calibrate([*zip(estimates, errors, strict=True), None, (math.nan, math.nan)], 0.4)
    assert (right.n, right.missing) == (2000, 2)
    low, high = right.coverage.limits
    assert low < 0.95 < high
    assert right.bias.limits[0] < 0 < right.bias.limits[1]
    assert right.spread == pytest.approx(right.std_error, rel=0.1)
    narrow = calibrate(list(zip(estimates, 0.8 * errors, strict=True)), 0.4)
    assert narrow.coverage.limits[1] < 0.95
    shifted = calibrate(list(zip(estimates + 0.05, errors, strict=True)), 0.4)
    assert shifted.bias.limits[0] > 0
    own = calibrate([(e, s, e - 10, e + 10) for e, s in zip(estimates, errors, strict=True)], 0.4)
    assert own.coverage.value == 1


def test_false_discoveries_by_hand():
    from validation.summary import discoveries

    families = [
        {"a": 0.01, "b": 0.04, "c": 0.9},  # a real, b false
        {"a": 0.2, "b": 0.3, "c": None},  # nothing found
        {"a": 0.001, "b": 0.5, "c": 0.6},  # a
    ]
    found = discoveries(families, ["b", "c"], 0.05)
    assert found.proportion.value == pytest.approx((0.5 + 0 + 0) / 3)
    assert (found.any_false.count, found.any_false.total) == (1, 3)
    assert found.power.value == pytest.approx(2 / 3)


def test_families_are_adjusted_within_a_company():
    from validation.summary import adjusted_families

    first, second = adjusted_families([{"p_direct": {"a": 0.01, "b": 0.04, "c": None}}, {"p_direct": {"a": 0.5}}])
    assert first["a"] == pytest.approx(0.02) and first["b"] == pytest.approx(0.04) and math.isnan(first["c"])
    assert second == {"a": 0.5}


def test_ranks_by_hand():
    from validation.summary import pairwise, ranks_first

    records = [
        {"table": {"a": {"rank": 1, "share": [0.1, 0, 0]}, "b": {"rank": 2, "share": [0.3, 0, 0]}, "c": {"rank": 3}}},
        {"table": {"a": {"rank": 2, "share": [0.2, 0, 0]}, "b": {"rank": 1, "share": [0.1, 0, 0]}, "c": {"rank": 3}}},
    ]
    assert ranks_first(records, "a").value == 0.5
    assert ranks_first(records, "b", by_share=True).count == 1
    assert pairwise(records, "a", "c").value == 1
    assert pairwise(records, "a", "b").value == 0.5
    # What has no share is below what has one.
    assert pairwise(records, "c", "a", by_share=True).value == 0


def test_significance_has_a_sign():
    from validation.summary import significant

    pairs = [(-1.0, 0.1), (1.0, 0.1), (0.1, 0.1), None, (math.nan, math.nan)]
    assert significant(pairs).count == 2 and significant(pairs, -1).count == 1 and significant(pairs).total == 3


def test_a_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    from validation import run, store

    asked = []
    monkeypatch.setitem(
        run.PARTS, "effects", lambda arm, seed: asked.append(seed) or {"arm": arm, "seed": seed, "x": 1}
    )
    run.run("effects", "default", range(1, 4), 1, tmp_path)
    with (tmp_path / "effects-default.jsonl").open("a") as file:
        file.write('{"seed": 9, "x"')  # cut short
    run.run("effects", "default", range(1, 6), 1, tmp_path)
    assert asked == [1, 2, 3, 4, 5]
    assert [record["seed"] for record in store.read("effects", "default", tmp_path)] == [1, 2, 3, 4, 5]
    monkeypatch.setattr(store, "code_digest", lambda: "other")
    run.run("effects", "default", range(1, 3), 1, tmp_path, again=True)
    assert asked[5:] == [1, 2]


def test_the_page_says_what_the_records_hold(records):
    from validation.page import page, rows_of_csv
    from validation.results import Results

    table = {"industry": {"rank": 1, "grade": "strong", "p_adjusted": 0.001, "share": [0.3, 0.2, 0.4]},
             "region": {"rank": 2, "grade": "weak", "p_adjusted": 0.04}}  # fmt: skip
    shares = {"industry": [0.3, 0.01], "region": [0.0, 0.0]}
    truth = {
        "shares": shares, "voluntary": shares, "industry_by_counting": [0.04, 0.01], "industry_by_tenure": [0.07, 0.01],
        "risk": {"Medical devices": [0.6, 0.01], "Software": [0.4, 0.01], "difference": [0.2, 0.01]},
    }  # fmt: skip
    declared = {"declared": {"industry": [0.4, 0.2], "region": None}}
    frames = [{"rows": records[0] | declared, "frames": records[0] | declared}]
    results = Results({"default": records}, {"default": [{"table": table}]}, frames, {"default": truth})
    text = page(results)
    assert "| Medical devices | 0.45 |" in text
    assert "before region with 0%" in text and not re.search(r"\bnan\b", text)
    # Both ways are the same records here, so nothing lies apart.
    assert "| Industry | +0.00 | 0.00 |" in text
    # Of the two causes found in the one table, the region is false.
    assert "| As planted | cause table | 1 | 5% | 50.0% |" in text
    rows = rows_of_csv(results)
    assert len(rows) == 26 and all(len(row) == len(rows[0]) for row in rows)
