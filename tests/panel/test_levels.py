"""Texts as categories: the same levels, counts and codings as text by text."""

import numpy as np
import pandas as pd
import pytest
from table_ledgers import ledger_sources, table_study
from test_panel_tables import ACCOUNTS, CAUSES, ledger

import whychurn as wc
from whychurn.analyses.risk_rows import risk_rows
from whychurn.panel import aliases
from whychurn.panel.aliases import LevelCodes, with_aliases
from whychurn.panel.candidates import MISSING_LEVEL, Candidate, categorised, resolve_candidate
from whychurn.panel.coding import code_candidate, coded_cause
from whychurn.panel.levels import as_objects, as_texts, read_categories, recoded
from whychurn.study import Cause


@pytest.fixture
def panel(tmp_path):
    study = table_study(tmp_path, more=CAUSES, tables=())
    with ledger_sources(study, ledger(), tmp_path, accounts=ACCOUNTS) as sources:
        yield wc.build_panel(sources, study), study


def test_columns_read_as_categories_are_the_columns_read_as_text(panel):
    built, _ = panel
    for rows in (built.rows, built.recorded):
        plain, coded = rows.read(), read_categories(rows, rows.columns)
        assert list(plain) == list(coded)
        assert not (plain.dtypes == "category").any()
        assert (coded.dtypes == "category").sum() >= 3
        for name in plain:
            found = as_objects(coded[name]) if coded[name].dtype == "category" else coded[name]
            pd.testing.assert_series_equal(found, plain[name])
    assert {*built.rows.read(["plan"])["plan"]} == {"basic", "pro", MISSING_LEVEL}
    assert {*built.recorded.read(["plan"])["plan"]} == {"basic", "pro", None}


def test_rows_handed_out_are_nobody_elses(panel):
    built, _ = panel
    first = built.rows.read_categories(["plan", "industry"])
    first.loc[:, "plan"] = "pro"
    assert len({*built.rows.read_categories(["plan"])["plan"]}) == 3


def test_texts_that_are_equal_only_as_numbers_stay_apart():
    values = pd.Series([1, True, 1.0, "1", None, "x"], dtype=object)
    assert list(as_texts(values, "none")) == ["1", "True", "1.0", "1", "none", "x"]
    candidate, _ = resolve_candidate(Cause(column="x", type="category"), values)
    assert set(candidate.levels) == {"1", "True", "1.0", "x", MISSING_LEVEL}


@pytest.mark.parametrize("dtype", ["object", "category", "string"])
def test_a_category_resolves_alike_in_every_form(dtype):
    random = np.random.default_rng(7)
    texts = pd.Series(random.choice([f"level {n:02}" for n in range(20)], 800, p=np.arange(1, 21) / 210))
    texts[random.random(800) < 0.1] = None
    cause = Cause(column="x", type="category", reference="level 03", missing="unknown", levels={"level 19": "top"})
    expected = resolve_candidate(cause, texts.replace({"level 19": "top"}))
    candidate, coding, coded = coded_cause(cause, texts.astype(dtype))
    assert candidate.levels == expected[0].levels and candidate.n_missing == expected[0].n_missing
    assert candidate.note == expected[0].note.replace("customers", "rows at risk")
    assert list(coded) == list(expected[1]) == list(coding(texts.astype(dtype)))
    assert list(coding(texts.iloc[5:9].astype(dtype))) == list(expected[1].iloc[5:9])
    assert code_candidate(cause, texts.astype(dtype))[1](texts).dtype == object
    # Level by level, counted one by one.
    counted = expected[1].value_counts()
    order = sorted(counted.index, key=lambda level: (-counted[level], level))
    assert [level for level in candidate.levels[1:] if not level.startswith("Other")] == [
        level for level in order if level != "level 03" and not level.startswith("Other")
    ]


def test_bands_of_one_name_are_one_level():
    cause = Cause(column="x", type="number", bands=(1, 5), levels={"0": "few", "1-4": "few"}, missing="unknown")
    candidate, coded = categorised(cause, pd.Series([0.0, 3.0, 7.0, np.nan, 7.0, 0.0]))
    assert list(coded) == ["few", "few", "5+", "unknown", "5+", "few"]
    assert candidate.levels == ("few", "5+", "unknown")


def test_recoded_counts_negative_places_from_the_end():
    found = recoded(np.array([0, 1, 2, -1, -2]), ["a", "b", "a", None], pd.RangeIndex(5))
    assert list(found.astype(object).where(found.notna(), None)) == ["a", "b", "a", None, "a"]
    assert list(found.cat.categories) == ["a", "b"]


def test_counts_that_rule_out_equal_levels_never_hide_one(monkeypatch):
    random = np.random.default_rng(5)
    one = random.choice(["a", "b", "c"], 3000, p=[0.5, 0.48, 0.02])
    other = np.where(random.random(3000) < 0.004, "z", one)
    third = np.where(one == "c", "yes", random.choice(["yes", "no"], 3000, p=[0.005, 0.995]))
    frame = pd.DataFrame({"one": one, "other": other, "third": third})
    candidates = [
        Candidate(name, name, "category", 1, name, levels=tuple(sorted(set(frame[name]))), reference=min(frame[name]))
        for name in frame
    ]
    codes = {name: LevelCodes.of(frame[name]) for name in frame}
    found = with_aliases(candidates, codes)
    monkeypatch.setattr(LevelCodes, "_may_share_rows_with", lambda *_: True)
    assert found == with_aliases(candidates, codes)
    assert any(candidate.merged for candidate in found) or aliases.SAME > 0.99


def test_risk_rows_are_those_of_the_panel(panel):
    built, study = panel
    rows, coded = (
        risk_rows(built, study, ["employees", "plan"]),
        risk_rows(built, study, ["employees"], categories=True),
    )
    assert list(rows) == [*coded] and not (rows.dtypes == "category").any()
    for candidate in built.used:
        assert list(rows[candidate.column]) == list(built.rows.read([candidate.column])[candidate.column])
        assert list(rows[candidate.column]) == list(coded[candidate.column])
        assert (coded[candidate.column].dtype == "category") == (candidate.kind == "category")
