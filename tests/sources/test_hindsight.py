"""Columns that give churn away by their values, and strong causes that do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import MakeStudy
from flat_files import rows, text

from whychurn.sources import example, inspect_sources, propose_study
from whychurn.sources.detectors import detect_columns
from whychurn.sources.hindsight import known_after_columns, named_afterwards
from whychurn.study import read_study

CAUSE = '[[causes]]\ncolumn = "{}"\ntype = "{}"\n{}\n'
LEFT = np.arange(400) < 120


def found(values: object, left: np.ndarray = LEFT) -> list[str]:
    frame = pd.DataFrame({"x": values, "churned": left})
    return [late.why for late in known_after_columns(frame, ["x"])]


def flipped(n: int) -> np.ndarray:
    """Churn with `n` rows the other way round."""
    other = LEFT.copy()
    other[:: 400 // n][:n] ^= True
    return other


LEAKS = {
    "one text for all who stayed": np.where(LEFT, np.resize(["price", "moved", "rival"], 400), "still with us"),
    "two codes": LEFT.astype(float),
    "a few errors": np.where(flipped(7), "closed", "open"),
    "missing is a level": pd.Series(np.where(LEFT, None, "ok"), dtype=object),
    "a number that separates": np.where(LEFT, 5.5, 1.5) + np.linspace(0, 3, 400),
    "lower for leavers": np.where(LEFT, -9.5, 1.5) + np.linspace(0, 3, 400),
    "free text for leavers": [f"said {i}" if left else "-" for i, left in enumerate(LEFT)],
    "zero for all who stayed": np.where(LEFT, np.arange(400.0) - 60.5, 0.0),
}


@pytest.mark.parametrize("name", LEAKS)
def test_values_that_give_churn_away(name: str) -> None:
    assert found(LEAKS[name])


CAUSES = {
    "a tenth wrong": np.where(flipped(40), "a", "b"),
    "small levels without leavers": np.where(LEFT, "a", np.where(np.arange(400) > 380, "rare", "a")),
    "small levels of leavers": np.where(np.arange(400) < 40, "gone", "a"),
    "many small levels": np.array([f"v{i % 200}" for i in range(400)]),
    "a strong number": np.where(LEFT, 1.0, 0.0) + np.random.default_rng(1).normal(size=400),
    "one value each": np.array([f"v{i}" for i in range(400)]),
    "nothing": np.full(400, "a"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_causes_that_are_merely_strong(name: str) -> None:
    assert not found(CAUSES[name])


def test_rare_churn_is_not_predicted_by_guessing_that_all_stay() -> None:
    rare = np.arange(400) < 12
    assert not found(np.where(np.arange(400) % 2, "a", "b"), rare)
    assert not found(np.where(np.arange(400) < 8, "a", "b"), rare)
    assert found(np.where(np.arange(400) < 11, "a", "b"), rare)


def test_few_rows_come_apart_by_chance() -> None:
    assert not found(np.arange(40.0), np.arange(40) < 8)


def test_a_random_number_is_never_flagged() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        left = rng.random(100) < 0.3
        assert not found(rng.normal(size=100), left)
        assert not found(rng.integers(0, 45, 100).astype(str), left)


def test_the_example_has_no_such_column(tmp_path: Path) -> None:
    example.write_example("modeldata/wa_churn", tmp_path / "customers.csv")
    propose_study(tmp_path)
    with inspect_sources(read_study(tmp_path)) as sources:
        assert sources.detections.known_after == ()


def test_a_leak_explains_nothing_about_other_columns() -> None:
    frame = pd.DataFrame({"reason": LEAKS["one text for all who stayed"], "churned": LEFT, "tenure": 1.0})
    frame["state"] = np.where(LEFT, "x", np.resize(["y", "z"], 400))
    frame["offer"] = np.where(LEFT & (np.arange(400) % 3 == 0), "p", np.resize(["q", "r"], 400))
    detected = detect_columns(frame, ["reason", "state", "offer"])
    assert [late.column for late in detected.known_after] == ["reason", "state"]
    assert (detected.aliased, detected.determined, detected.duplicates) == ((), (), ())


@pytest.mark.parametrize("name", ["final_bill", "retention_offer", "Refund", "winback", "reason", "ReasonCode"])
def test_names_that_are_about_leaving(name: str) -> None:
    assert named_afterwards(name)


@pytest.mark.parametrize("name", ["call_reason", "reason_for_purchase", "finally", "reasonable"])
def test_names_that_are_not(name: str) -> None:
    assert not named_afterwards(name)


def leaking() -> str:
    body = [[*row[:3], "moved" if row[2] == "yes" else "still with us", row[3]] for row in rows()]
    return text(body, "id,tenure,churned,remark,plan")


def test_a_leak_is_a_caveat_and_left_out(make_study: MakeStudy) -> None:
    study = make_study(leaking(), causes=CAUSE.format("remark", "category", "") + CAUSE.format("plan", "category", ""))
    with inspect_sources(study) as sources:
        (late,) = sources.detections.known_after
        (told,) = [one for one in sources.integrity if one.code == "known-only-after-leaving"]
    assert (late.column, late.by_value) == ("remark", True)
    assert "its levels say who left for 100% of the customers" in told.problem
    assert (told.severity, told.column) == ("caveat", "remark")
    assert "It is left out." in told.action


def test_a_leak_is_commented_out_by_new(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(leaking())
    proposal = propose_study(tmp_path).read_text()
    assert "# - “remark”: it is known only after leaving: its levels say who left" in proposal
    assert [cause.column for cause in read_study(tmp_path).causes] == ["plan"]
