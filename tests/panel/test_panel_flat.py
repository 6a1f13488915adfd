from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import whychurn as wc
from whychurn.errors import PanelError
from whychurn.panel.candidates import MISSING_LEVEL, quantile_bands, resolve_candidate
from whychurn.study import Cause

STUDY = """
[study]
name = "Small"
time_unit = "months"
horizon = 6
[source]
file = "data.csv"
[columns]
account_id = "id"
tenure = "tenure"
churned = "churned"
churned_when = ["1"]
stayed_when = ["0"]
[churn]
leavers_in_file = "all"
[[causes]]
column = "plan"
type = "category"
reference = "pro"
"""


def panel_of(folder, frame):
    frame.to_csv(folder / "data.csv", index=False)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    study = wc.read_study(folder)
    return wc.build_panel(wc.open_sources(study, accept_risk="a test"), study)


def frame(n=60):
    plan = np.where(np.arange(n) % 3 == 0, "pro", "basic")
    return pd.DataFrame(
        {"id": range(n), "tenure": np.arange(n) % 20, "churned": (np.arange(n) % 4 == 0).astype(int), "plan": plan}
    )


def test_every_customer_is_an_account_and_those_at_risk_are_rows(tmp_path):
    panel = panel_of(tmp_path, frame())
    assert len(panel.accounts) == 60
    assert (panel.intervals["start"] == 0).all()
    assert (panel.intervals["stop"] > 0).all()
    assert len(panel.intervals) == (frame()["tenure"] > 0).sum()
    assert panel.intervals.loc[panel.intervals["event"] == 1, "cause"].eq("churn").all()
    assert panel.accounts["spell"].eq(1).all()


def test_ledger_adds_up_step_by_step(tmp_path):
    steps = [
        step for step in panel_of(tmp_path, frame()).ledger if step.step not in ("level merged", "column left out")
    ]
    for before, after in pairwise(steps):
        assert before.n_after == after.n_before, (before, after)


def test_nobody_at_risk_is_an_error_that_names_the_column(tmp_path):
    with pytest.raises(PanelError, match=r"All 60 customers have tenure 0.*'tenure'"):
        panel_of(tmp_path, frame().assign(tenure=0))


def test_provenance_names_data_study_and_versions(tmp_path):
    facts = panel_of(tmp_path, frame()).provenance
    assert facts["n_accounts"] == 60
    assert len(facts["files"][0]["sha256"]) == len(facts["study_sha256"]) == 64
    assert {"python", "numpy", "pandas"} <= set(facts["versions"])


def resolve(values, **cause):
    return resolve_candidate(Cause(column="x", **{"type": "category", **cause}), pd.Series(values))


def test_reference_comes_first_and_a_missing_value_is_a_level():
    candidate, values = resolve(["b", "a", None, "b"], reference="a")
    assert candidate.levels == ("a", "b", MISSING_LEVEL)
    assert list(values) == ["b", "a", MISSING_LEVEL, "b"]
    assert candidate.n_missing == 1


def test_a_reference_that_does_not_occur_is_replaced_and_said():
    candidate, _ = resolve(["b", "a", "b"], reference="z")
    assert candidate.reference == "b"
    assert "'z' does not occur" in candidate.note


def test_two_levels_leave_no_choice_of_contrast():
    candidate, _ = resolve(["b", "a", "b"], reference="a")
    assert (candidate.compare, candidate.compare_declared) == ("b", True)


def test_pooling_keeps_the_declared_levels():
    values = [f"c{i % 40}" for i in range(400)] + ["rare"]
    candidate, coded = resolve(values, reference="rare", compare="c39")
    assert {"rare", "c39"} <= set(candidate.levels)
    assert len(candidate.levels) == 12
    assert len(coded) == 401
    assert coded.value_counts().sum() == 401


def test_bands_cover_every_value_once_and_keep_their_order():
    values = pd.Series([*range(100), np.nan], dtype=float)
    bands = quantile_bands(values)
    assert bands.iloc[-1] == MISSING_LEVEL
    known = values.groupby(bands).agg(["min", "max", "size"]).drop(MISSING_LEVEL).sort_values("min")
    assert list(known["size"]) == [25, 25, 25, 25]
    assert (known["max"].to_numpy()[:-1] < known["min"].to_numpy()[1:]).all()
    assert list(known.index) == ["up to 24.75", "above 24.75, up to 49.5", "above 49.5, up to 74.25", "above 74.25"]


def test_bands_of_few_values_are_the_values():
    assert set(quantile_bands(pd.Series([1.0, 1.0, 1.0, 2.0]))) == {"1", "2"}


def test_an_identifier_declared_as_a_cause_is_left_out(tmp_path):
    data = frame().assign(plan=[f"customer {i:03d}" for i in range(60)])
    candidate = panel_of(tmp_path, data).candidate("plan")
    assert not candidate.used
    assert "as in an id" in candidate.reason
