"""Input no estimator should see: a named error, or a defined answer."""

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import ConvergenceError, FitError, NoEventsError, SeparationError, SingularDesignError
from whychurn.models import concordance, fit_cox, fit_kaplan_meier, logrank_test, restricted_mean


@pytest.fixture
def frame():
    random = np.random.default_rng(2)
    n = 40
    return pd.DataFrame(
        {
            "t": random.integers(1, 12, n).astype(float),
            "start": 0.0,
            "e": random.integers(0, 2, n),
            "x": random.normal(size=n),
            "z": random.integers(0, 2, n).astype(float),
            "g": random.choice(["a", "b"], n),
            "w": 1.0,
        }
    )


@pytest.mark.parametrize(
    ("change", "terms", "error", "message"),
    [
        ({"e": 0}, ["x"], NoEventsError, "None of 40 rows"),
        ({"one": 1.0}, ["x", "one"], SingularDesignError, "'one' is constant"),
        ({"g": "a"}, ["g"], SingularDesignError, "one level only"),
        ({"x": np.nan}, ["x"], FitError, "'x' is missing"),
        ({"x": np.inf}, ["x"], FitError, "infinite in 40 of 40"),
        ({"t": -1.0}, ["x"], FitError, "'t' is negative"),
        ({"t": np.inf}, ["x"], FitError, "'t' is missing or infinite"),
        ({"e": 2}, ["x"], FitError, "neither 0 nor 1"),
        ({"e": np.nan}, ["x"], FitError, "'e' is missing"),
        ({"w": 0.0}, ["x"], FitError, "zero or negative"),
        ({"w": np.nan}, ["x"], FitError, "'w' is missing"),
        ({"start": 12.0}, ["x"], FitError, "'t' is not after 'start'"),
        ({"start": -1.0}, ["x"], FitError, "'start' is negative"),
        ({"y": lambda f: 2 * f["x"] - f["z"]}, ["x", "z", "y"], SingularDesignError, "'y' is aliased with 'x', 'z'"),
        ({"x": lambda f: f["e"] * 1.0}, ["x"], SeparationError, "'x' goes to plus infinity"),
        ({}, ["nobody"], FitError, "nobody"),
    ],
)
def test_cox_names_what_is_wrong(frame, change, terms, error, message):
    bad = frame.assign(**change)
    with pytest.raises(error, match=message):
        fit_cox(bad, terms, "t", "e", start="start", weights="w")


def test_more_columns_than_events_is_named(frame):
    random = np.random.default_rng(0)
    wide = frame.assign(**{f"x{j}": random.normal(size=len(frame)) for j in range(60)})
    with pytest.raises((SingularDesignError, SeparationError, ConvergenceError), match=r"aliased|infinity|optimum"):
        fit_cox(wide, [f"x{j}" for j in range(60)], "t", "e")


def test_an_empty_frame_is_named(frame):
    for call in (lambda f: fit_cox(f, ["x"], "t", "e"), lambda f: logrank_test(f, "t", "e", "g")):
        with pytest.raises(NoEventsError, match="no rows"):
            call(frame.head(0))


def test_all_events_at_one_time_have_a_defined_answer(frame):
    tied = frame.assign(t=5.0, e=1)
    # Everybody leaves together: the order says nothing, so no effect fits best.
    assert fit_cox(tied, ["x"], "t", "e").params["x"] == pytest.approx(0.0, abs=1e-9)
    assert fit_kaplan_meier(tied, "t", "e").curve["survival"].tolist() == [0.0]
    assert np.isnan(concordance(tied, "x", "t", "e").estimate)


def test_all_censored_curves_stay_at_one(frame):
    kept = frame.assign(e=0)
    assert (fit_kaplan_meier(kept, "t", "e").curve["survival"] == 1.0).all()
    assert np.isnan(concordance(kept, "x", "t", "e").estimate)
    with pytest.raises(NoEventsError):
        logrank_test(kept, "t", "e", "g")


def test_one_group_has_nothing_to_compare(frame):
    found = logrank_test(frame.assign(g="a"), "t", "e", "g")
    assert found.df == 0
    assert np.isnan(found.p_value)


@pytest.mark.parametrize("tau", [-1.0, 0.0, np.nan, np.inf])
def test_a_horizon_that_is_none_is_refused(frame, tau):
    with pytest.raises(FitError, match="tau"):
        restricted_mean(frame, "t", "e", tau=tau)


def test_overlapping_rows_of_one_subject_are_named():
    rows = pd.DataFrame(
        {
            "id": [1, 1, 2, 2, 3, 3],
            "start": [0, 4, 0, 3, 0, 6],
            "stop": [4, 9, 5, 8, 5, 9],
            "e": [0, 1, 0, 1, 0, 0],
            "x": [1.0, 0.0, 2.0, 1.0, 0.5, 0.0],
        },
        index=list("abcdef"),
    )
    with pytest.raises(FitError, match=r"overlaps the row before it of the same 'id' in 1 of 6 rows \(rows d\)"):
        fit_cox(rows, ["x"], "stop", "e", start="start", subject="id")
    # A gap is time not at risk: no error.
    fit_cox(rows.drop(index="d").assign(e=[1, 0, 0, 1, 0]), ["x"], "stop", "e", start="start", subject="id")


def test_extreme_covariates_converge_or_say_why(frame):
    far = frame.assign(x=np.where(np.arange(len(frame)) == 3, 1e9, frame["x"]))
    try:
        assert np.isfinite(fit_cox(far, ["x"], "t", "e").params["x"])
    except (SeparationError, ConvergenceError) as problem:
        assert "infinity" in str(problem) or "extreme" in str(problem)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32", "Int64", "Float64", "bool"])
def test_any_numeric_dtype_gives_the_same_fit(frame, dtype):
    if dtype == "Int64":
        other = frame["z"].astype("int64").astype(dtype)
    else:
        other = frame["z"].astype(dtype)
    expected = fit_cox(frame, ["z", "x"], "t", "e").params.to_numpy()
    np.testing.assert_allclose(fit_cox(frame.assign(z=other), ["z", "x"], "t", "e").params, expected, rtol=1e-12)
