"""Terms become columns that know their term, level and reference."""

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError
from whychurn.models.design import apply_design, build_design
from whychurn.models.plain_design import design_matrix, plain_design


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "plan": ["a", "b", "c", "a", "b", "c"],
            "days since login (weeks)": [1, 2, 3, 4, 5, 7],
            "ph.ecog": [0, 1, 2, 0, 1, 1],
            "Größe €": ["u", "v", "u", "v", "u", "v"],
            "flag": [True, False, True, False, True, True],
            "tier": pd.Categorical(list("xyxyxy"), categories=["y", "x", "unused"]),
            "age": [1.0, 2, 3, 4, 5, 6],
        }
    )


def test_names_with_spaces_dots_and_signs(frame):
    terms = ["days since login (weeks)", "ph.ecog", "Größe €", "C(`ph.ecog`)", "`days since login (weeks)`:age"]
    design, x = build_design(frame, terms)
    assert list(design.term_slices) == terms
    assert design.columns[0] == "days since login (weeks)"
    assert design.term_slices["Größe €"] == ("Größe €[T.v]",)
    assert design.term_slices["C(`ph.ecog`)"] == ("C(`ph.ecog`)[T.1]", "C(`ph.ecog`)[T.2]")
    np.testing.assert_array_equal(x[:, -1], frame["age"] * frame["days since login (weeks)"])
    assert design.factors["C(`ph.ecog`)"].column == "ph.ecog"


def test_factors_know_their_reference(frame):
    design, _ = build_design(frame, ["C(plan, contr.treatment(base='b'))", "tier", "flag"])
    factor = design.factors["C(plan, contr.treatment(base='b'))"]
    assert (factor.column, factor.levels, factor.reference) == ("plan", ("a", "b", "c"), "b")
    # Category order decides the reference; categories without rows make no column.
    assert design.factors["tier"].reference == "y"
    assert design.term_slices["tier"] == ("tier[T.x]",)
    assert "flag" not in design.factors
    assert list(design.column_levels.values()) == ["a", "c", "x", ""]


def test_interactions_keep_their_levels(frame):
    design, _ = build_design(frame, ["plan", "Größe €", "plan:`Größe €`"])
    columns = design.term_slices["plan:`Größe €`"]
    assert [design.column_levels[column] for column in columns] == ["b:v", "c:v"]
    crossed, _ = build_design(frame, ["plan*age"])
    assert len(crossed.term_slices["plan*age"]) == 5


def test_levels_may_hold_brackets():
    frame = pd.DataFrame({"size": ["[0, 10)", "[10, 50)", "50+ [T.x]"] * 2, "y": range(6)})
    design, _ = build_design(frame, ["size"])
    assert design.factors["size"].reference == "50+ [T.x]"
    assert [design.column_levels[column] for column in design.columns] == ["[0, 10)", "[10, 50)"]


def test_applying_to_new_rows(frame):
    design, x = build_design(frame, ["plan", "np.log(age)", "flag"])
    np.testing.assert_array_equal(apply_design(design, frame.iloc[::-1]), x[::-1])
    # One row only still finds its column.
    np.testing.assert_array_equal(apply_design(design, frame.iloc[[2]]), x[[2]])
    with pytest.raises(FitError, match=r"'z', unseen when fitting\. Levels fitted: a, b, c"):
        apply_design(design, frame.assign(plan="z"))
    with pytest.raises(FitError, match="No column 'age'"):
        apply_design(design, frame.drop(columns="age"))


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (["age +"], "The term 'age \\+' cannot be read"),
        (["age", "age"], "given twice: age"),
        (["C(nope)"], "No column 'nope'"),
        ("age", r"write \['age'\]"),
    ],
)
def test_bad_terms(frame, terms, message):
    with pytest.raises(FitError, match=message):
        build_design(frame, terms)


def test_the_callers_variables_are_not_seen(frame):
    plan_size = 3.0  # noqa: F841 (must not be found)
    with pytest.raises(FitError, match="plan_size"):
        build_design(frame, ["plan_size"])
    C = 5  # noqa: F841 (a variable of this name breaks formulas that look at the caller)
    assert build_design(frame, ["C(plan)"])[1].shape == (6, 2)


def test_dates_are_refused(frame):
    with pytest.raises(FitError, match="dates"):
        build_design(frame.assign(day=pd.Timestamp("2024-01-01")), ["day"])


def test_nullable_and_text_columns(frame):
    frame["seats"] = pd.array([1, 2, 3, 4, 5, 6], dtype="Int64")
    frame["vip"] = pd.array([True, False, True, True, False, False], dtype="boolean")
    frame["region"] = pd.array(["n", "s"] * 3, dtype="string")
    design, x = build_design(frame, ["seats", "vip", "region"])
    assert x.dtype == np.float64
    assert design.columns == ("seats", "vip", "region[T.s]")
    with pytest.raises(FitError, match="missing"):
        build_design(frame.assign(seats=pd.array([1, None, 3, 4, 5, 6], dtype="Int64")), ["seats"])


def test_levels_within_interactions_are_known_too():
    frame = pd.DataFrame({"plan": list("abab"), "region": list("xxyy")})
    design, _ = build_design(frame, ["plan*region"])
    with pytest.raises(FitError, match="'plan' holds 'gold', unseen when fitting"):
        apply_design(design, frame.assign(plan="gold"))
    # A term of several factors has no reference of its own.
    assert design.factors == {}


def test_a_column_named_like_a_number_is_refused():
    frame = pd.DataFrame({"1": [1.0, 2.0, 4.0]})
    with pytest.raises(FitError, match="give it a name with a letter"):
        build_design(frame, ["1"])


ODD = pd.DataFrame(
    {
        "age": [1.0, 2, 3, 4, 5, 6],
        "v1": pd.Categorical(["[10, 50)", "b]", "c:d", "b]", "c:d", "[10, 50)"], ["c:d", "[10, 50)", "b]", "never"]),
        "n": np.array([1, 2, 3, 4, 5, 7], dtype="int8"),
        "number": pd.Categorical([3, 1, 2, 3, 1, 2]),
        "x": np.array([1, 2, 3, 4, 5, 7], dtype="float32"),
        "v10": pd.Categorical(["é", "z", "é", "z", "é", "z"], ["z", "é"]),
        "flag": [True, False, True, False, True, True],
        "text": list("uvuvuv"),
        "two words": pd.Categorical(list("pqpqpq")),
        "class": pd.Categorical(list("pqpqpq")),
        "like": pd.Categorical([1, "1", 1, "1", 1, "1"]),
    }
)


@pytest.mark.parametrize(
    "terms",
    [["v1"], ["v10", "age", "v1"], ["n", "x"], ["number", "v1", "n"], ["flag", "v1"], ["text", "v10"], ["two words", "age"],
     ["class", "age"], ["like", "age"], ["C", "T"]],
)  # fmt: skip
def test_plain_columns_are_described_as_formulaic_would(terms):
    frame = ODD.rename(columns={"v1": "C", "v10": "T"}) if terms[0] == "C" else ODD
    expected, x = build_design(frame, terms)
    found, _ = plain_design(frame, terms)
    for name in ("columns", "term_slices", "column_levels", "factors", "variables", "reads"):
        assert getattr(found, name) == getattr(expected, name), name
    assert sorted(found.encoded, key=str) == sorted(expected.encoded, key=str)
    assert list(found.column_levels) == list(expected.column_levels)
    assert found.plain == (not {"flag", "text", "two words", "class"} & set(terms))
    np.testing.assert_array_equal(design_matrix(frame, terms)[1], x)
    turned = frame.iloc[[5, 0, 3]]
    np.testing.assert_array_equal(apply_design(found, turned), apply_design(expected, turned))
    assert list(found.spec.column_names)[1:] == list(found.columns)


def test_plain_columns_refuse_what_any_design_refuses():
    design, _ = plain_design(ODD, ["v1", "age"])
    with pytest.raises(FitError, match="unseen when fitting"):
        apply_design(design, ODD.assign(v1="e"))
    with pytest.raises(FitError, match="'age' is missing in 1 of 6 rows"):
        apply_design(design, ODD.assign(age=[1, 2, None, 3, 4, 5]))
    with pytest.raises(FitError, match="infinite"):
        apply_design(design, ODD.assign(age=[1, 2, np.inf, 3, 4, 5]))
    with pytest.raises(FitError, match="No column 'age'"):
        apply_design(design, ODD.drop(columns="age"))
