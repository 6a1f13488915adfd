"""docs/tables.md tells every measure, in the words of the registry."""

from pathlib import Path

import pytest

import whychurn as wc
from whychurn.panel.measures import registry

STUDY = """
[study]
name = "x"
kind = "tables"
observed_from = 2024-01-01
observed_to = 2025-01-01
lag_days = 14
horizon = 90
[tables.accounts]
file = "a.csv"
[tables.subscriptions]
file = "s.csv"
"""
TEXT = Path(__file__).resolve().parents[2] / "docs" / "tables.md"


def lines(folder) -> list[str]:
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    study = wc.read_study(folder)
    return [
        f"| `{measure.name}` | {measure.group} | {measure.unit or '–'} | {measure.description} |"
        for measure in registry(study, ("MODULE",), ("KIND",))
    ]


def test_the_guide_tells_every_measure(tmp_path):
    said = TEXT.read_text(encoding="utf-8").splitlines()
    missing = [line for line in lines(tmp_path) if line not in said]
    assert not missing, "\n".join(missing)


def test_the_guide_tells_no_measure_that_there_is_not(tmp_path):
    known = lines(tmp_path)
    after = TEXT.read_text(encoding="utf-8").split("| measure | group | unit | what it is |")[1]
    told = [line for line in after.splitlines()[2:] if line.startswith("| `")]
    assert told and told == known


@pytest.mark.parametrize("interval_days", [1, 10, 30])
def test_windows_are_whole_intervals(tmp_path, interval_days):
    text = STUDY.replace("lag_days", f"interval_days = {interval_days}\nlag_days")
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    names = [measure.name for measure in registry(wc.read_study(tmp_path), (), ())]
    windows = {int(part) for name in names for part in name.split("_") if part.isdigit()}
    assert windows and all(window % interval_days == 0 for window in windows)
    assert len(set(names)) == len(names)


def test_a_measure_says_how_far_it_looks_back_whatever_a_module_is_called(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    found = {measure.name: measure.window for measure in registry(wc.read_study(tmp_path), ("suite 84",), ("price",))}
    assert {name: found[name] for name in ("adopted_suite_84", "uses_28_suite_84", "open_tickets", "plan")} == {
        "adopted_suite_84": 0, "uses_28_suite_84": 28, "open_tickets": 0, "plan": 0,
    }  # fmt: skip
    assert (found["logins_7"], found["tickets_84"], found["event_84_price"], found["use_trend"]) == (7, 84, 84, 84)
