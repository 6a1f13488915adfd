"""Answers that once were wrong without a word, and mistakes that met a traceback."""

import numpy as np
import pandas as pd
import pytest

from whychurn.models import FitError, fit_cox, fit_kaplan_meier, logrank_test, standardised_survival


@pytest.fixture
def frame():
    random = np.random.default_rng(11)
    n = 60
    return pd.DataFrame(
        {
            "t": random.integers(1, 12, n),
            "e": random.integers(0, 2, n),
            "x": random.normal(size=n),
            "p": random.normal(size=n),
            "g": random.choice(list("ab"), n),
            "id": np.arange(n) // 2,
        }
    )


def test_predictions_read_the_offset(frame):
    fit = fit_cox(frame, ["x"], "t", "e", offset="p")
    row = pd.DataFrame({"x": [0.4], "p": [0.7]})
    baseline = fit.baseline_cumulative_hazard([6])["cumulative_hazard"].iloc[0]
    expected = baseline * np.exp(0.4 * fit.params["x"] + 0.7)
    assert fit.predict_survival(row, [6])["cumulative_hazard"].iloc[0] == pytest.approx(expected, rel=1e-12)
    path = row.assign(path="a", start=0, stop=6)
    along = fit.predict_survival_path(path, "path", "start", "stop", [6])["cumulative_hazard"].iloc[0]
    assert along == pytest.approx(expected, rel=1e-12)
    mean = standardised_survival(fit, {"all": row}, [6], sampled=False).curves["survival"].iloc[0]
    assert mean == pytest.approx(np.exp(-expected), rel=1e-12)
    with pytest.raises(FitError, match="'p'"):
        fit.predict_survival(row[["x"]], [6])


def test_nothing_is_known_past_the_data(frame):
    short = frame.assign(t=np.where(frame["g"] == "a", np.minimum(frame["t"], 5), frame["t"]))
    fit = fit_cox(short, ["x"], "t", "e", strata="g")
    rows = pd.DataFrame({"x": [0.0, 0.0], "g": ["a", "b"]})
    found = fit.predict_survival(rows, [5, 6, 12])
    gone = found["survival"].isna().to_numpy().reshape(2, 3)
    np.testing.assert_array_equal(gone, [[False, True, True], [False, False, True]])
    assert found.loc[found["survival"].isna(), ["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    hazard = fit.baseline_cumulative_hazard([5, 6]).pivot(index="stratum", columns="time", values="cumulative_hazard")
    assert np.isnan(hazard.loc["a", 6.0])
    assert standardised_survival(fit, {"all": rows}, [6], sampled=False).curves["survival"].isna().all()
    path = pd.DataFrame({"path": "a", "start": [0, 4], "stop": [4, 9], "x": 0.0, "g": "a"})
    along = fit.predict_survival_path(path, "path", "start", "stop", [4, 8])["survival"]
    assert along.isna().tolist() == [False, True]


@pytest.mark.parametrize("times", [[np.nan], [], ["soon"], [np.inf], None])
def test_times_that_are_none_are_refused(frame, times):
    fit = fit_cox(frame, ["x"], "t", "e")
    for ask in (lambda: fit.predict_survival(frame.head(1), times), lambda: fit.baseline_cumulative_hazard(times)):
        with pytest.raises(FitError, match="times are"):
            ask()


def test_one_cluster_tells_nothing(frame):
    with pytest.raises(FitError, match="at least two clusters; 'id' has 1"):
        fit_cox(frame.assign(id=1), ["x"], "t", "e", cluster="id")


@pytest.mark.parametrize("term", ["x**2", "x^2", "x - p", "x/p", "0", "-1", "x | p", "I(x**2) - p"])
def test_signs_a_formula_reads_otherwise_are_refused(frame, term):
    with pytest.raises(FitError, match=r"I\("):
        fit_cox(frame, [term], "t", "e")


@pytest.mark.parametrize("term", ["I(x**2)", "I(x / 2 - p)", "C(g, contr.treatment(base='b'))", "x:p", "x*g"])
def test_signs_within_a_call_are_the_callers(frame, term):
    assert np.isfinite(fit_cox(frame, [term], "t", "e").params).all()


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("C(g, contr.treatment(base='z'))", "cannot be read"),
        ("log(x)", "cannot be read|infinite"),
        ("x.shift(1)", "cannot be read|missing"),
        ("nonsense(x)", "cannot be read"),
        ("cr(x, df=4)", "constraints='center'"),
        (5, "A term is text"),
    ],
)
def test_whatever_a_term_raises_is_an_answer(frame, term, message):
    with pytest.raises(FitError, match=message):
        fit_cox(frame, [term], "t", "e")


def test_numbers_left_as_objects_are_numbers(frame):
    whole = fit_cox(frame, ["x"], "t", "e")
    found = fit_cox(frame.assign(x=frame["x"].astype(object)), ["x"], "t", "e")
    pd.testing.assert_series_equal(found.params, whole.params)


def test_bad_rows_are_counted_among_the_rows_given(frame):
    bad = frame.assign(x=np.where(frame.index.isin([7, 9]), np.inf, frame["x"]))
    with pytest.raises(FitError, match=r"infinite in 2 of 60 rows \(rows 7, 9\)"):
        fit_cox(bad, ["x", "g"], "t", "e")


def test_rows_in_another_order_are_not_the_sample(frame):
    fit = fit_cox(frame, ["x", "g"], "t", "e")
    shuffled = frame.sample(frac=1, random_state=0)
    with pytest.raises(FitError, match="rows of the fit in their order"):
        standardised_survival(fit, {g: shuffled.assign(g=g) for g in "ab"}, [5])
    # What the populations differ in is the exposure, whatever it is.
    standardised_survival(fit, {"as is": frame, "more": frame.assign(x=frame["x"] + 1)}, [5])


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (["Yes", "No"] * 30, "holds 'Yes', 'No'.*== 'Yes'"),
        ([1, 2] * 30, "in 30 of 60 rows.*== 2"),
    ],
)
def test_events_coded_otherwise_are_recoded_not_dropped(frame, event, message):
    with pytest.raises(FitError, match=message):
        fit_cox(frame.assign(e=event), ["x"], "t", "e")


def test_labels_that_look_alike_are_not_two_groups(frame):
    mixed = frame.assign(g=pd.Series([1, "1"] * 30, dtype=object))
    for call in (
        lambda: fit_kaplan_meier(mixed, "t", "e", group="g"),
        lambda: logrank_test(mixed, "t", "e", "g"),
    ):
        with pytest.raises(FitError, match="holds 1 as int and str"):
            call()


def test_frames_names_and_levels_of_the_wrong_kind_are_refused(frame):
    with pytest.raises(FitError, match="DataFrame is wanted, not dict"):
        fit_cox(frame.to_dict("list"), ["x"], "t", "e")
    with pytest.raises(FitError, match="named by text"):
        fit_kaplan_meier(frame.rename(columns={"g": 5}), "t", "e", group=5)
    with pytest.raises(FitError, match="conf_level"):
        fit_kaplan_meier(frame, "t", "e", conf_level="0.95")
    with pytest.raises(FitError, match="list of terms"):
        fit_cox(frame, None, "t", "e")


def test_a_fit_shows_itself_in_a_line(frame):
    assert len(repr(fit_cox(frame, ["x", "g"], "t", "e")).splitlines()) == 1


def rare_and_stratified(n, seed, strata):
    random = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            "x": random.normal(size=n),
            "heavy": random.standard_t(2, size=n),
            "s": random.integers(0, strata, n),
            "t": random.integers(1, 25, n),
            "rare": 0,
        }
    )
    made["e"] = (random.uniform(size=n) < 0.15 * np.exp(0.3 * made["x"])).astype(int)
    made.loc[[*np.flatnonzero(made["e"])[:2], np.flatnonzero(made["e"] == 0)[0]], "rare"] = 1
    return made


def test_a_rare_column_is_no_separation():
    # A step that merely did not lose once landed where the next one leapt to infinity.
    fit = fit_cox(rare_and_stratified(20_000, 5, 200), ["x", "rare"], "t", "e", strata="s")
    assert fit.params["x"] == pytest.approx(0.33904708, abs=1e-7)
    assert fit.params["rare"] == pytest.approx(2.89513627, abs=1e-7)
    assert fit.log_likelihood == pytest.approx(-11447.781384, abs=1e-6)


@pytest.mark.parametrize("term", ["C(x > x.mean())", "C(x >= x.quantile(.93))", "C(center(x) > 0.2)"])
def test_code_within_a_contrast_sees_all_rows(term):
    random = np.random.default_rng(1)
    n = 40_000
    many = pd.DataFrame(
        {
            "x": random.choice([0, 1, 2, 30], n, p=[0.9, 0.05, 0.03, 0.02]),
            "g": random.integers(0, 2, n),
            "t": random.integers(1, 8, n),
        }
    )
    many["e"] = (random.uniform(size=n) < 0.2 + 0.1 * (many["x"] > 0)).astype(int)
    expected = fit_cox(many.assign(high=(many["x"] > 0).astype(int)), ["high", "g"], "t", "e")
    found = fit_cox(many, [term, "g"], "t", "e")
    np.testing.assert_allclose(found.params, expected.params, rtol=1e-9)


@pytest.mark.parametrize("far", [1e3, 1e4, 1e8])
def test_a_row_outside_every_risk_set_does_not_matter(far):
    # Expected value from R's coxph.
    random = np.random.default_rng(0)
    n = 2_000
    made = pd.DataFrame({"x": random.normal(size=n), "t": random.integers(1, 30, n), "e": random.integers(0, 2, n)})
    made.loc[0, ["x", "t", "e"]] = [far, 0, 0]
    fit = fit_cox(made, ["x"], "t", "e")
    assert fit.params["x"] == pytest.approx(0.0390487395279, abs=1e-10)
    assert fit.std_errors["x"] == pytest.approx(0.0320526770685, rel=1e-8)


def test_times_that_differ_by_rounding_are_tied():
    # Expected values from R's coxph, whose default does the same here.
    random = np.random.default_rng(2)
    n = 300
    k, x = random.integers(1, 30, n), random.normal(size=n)
    times = np.where(random.uniform(size=n) < 0.5, k * 0.1, np.round(k * 0.1, 1))
    made = pd.DataFrame({"t": times, "e": (random.uniform(size=n) < 0.6).astype(int), "x": x})
    fit = fit_cox(made, ["x"], "t", "e")
    assert fit.params["x"] == pytest.approx(-0.0417610602, abs=1e-9)
    assert fit.log_likelihood == pytest.approx(-866.54763, abs=1e-5)
    assert len(fit_kaplan_meier(made, "t", "e").curve) == len(set(np.round(times, 1)))


def test_the_size_of_the_weights_does_not_matter(frame):
    plain = fit_cox(frame, ["x"], "t", "e").params["x"]
    for weight in (1e-12, 1e12):
        found = fit_cox(frame.assign(w=weight), ["x"], "t", "e", weights="w").params["x"]
        # Convergence is judged in standard errors, and those grow as weights shrink.
        assert found == pytest.approx(plain, rel=1e-4)


def test_storage_of_numbers_does_not_matter(frame):
    plain = fit_cox(frame, ["x"], "t", "e").params["x"]
    assert fit_cox(frame.assign(x=frame["x"].to_numpy().astype(">f8")), ["x"], "t", "e").params["x"] == pytest.approx(
        plain, rel=1e-12
    )
    with pytest.raises(FitError, match="complex"):
        fit_cox(frame.assign(x=frame["x"].astype(complex)), ["x"], "t", "e")
