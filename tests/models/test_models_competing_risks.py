"""Competing risks by hand, against simpler estimators, and on input that should be refused."""

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError, NoEventsError, SeparationError, SingularDesignError
from whychurn.models import (
    fit_aalen_johansen,
    fit_cause_specific,
    fit_cox,
    fit_fine_gray,
    fit_kaplan_meier,
    gray_test,
    logrank_test,
    restricted_mean,
)

SMALL = pd.DataFrame({"t": [1, 2, 3, 4, 5], "e": ["price", "", "product", "price", ""]})


@pytest.fixture
def customers():
    random = np.random.default_rng(7)
    n = 200
    return pd.DataFrame(
        {
            "t": random.integers(1, 13, n),
            "e": random.choice(["active", "price", "product"], n, p=[0.3, 0.4, 0.3]),
            "x": random.normal(size=n).round(2),
            "g": random.choice(["a", "b"], n),
        }
    )


def test_incidence_by_hand():
    # S is 4/5 after 1, 8/15 after 3 (one of three) and 4/15 after 4 (one of two).
    fit = fit_aalen_johansen(SMALL, "t", "e", censored="")
    assert fit.causes == ("price", "product")
    found = fit.at([0.5, 1, 3.5, 4, 5]).pivot(index="time", columns="cause", values="incidence")
    assert found["price"].tolist() == pytest.approx([0, 1 / 5, 1 / 5, 7 / 15, 7 / 15])
    assert found["product"].tolist() == pytest.approx([0, 0, 4 / 15, 4 / 15, 4 / 15])
    assert fit.event_free([4])["survival"].tolist() == pytest.approx([4 / 15])
    steps = fit.curve[fit.curve["cause"] == "price"]
    assert steps["n_at_risk"].tolist() == [5, 4, 3, 2, 1]
    assert steps["n_events"].tolist() == [1, 0, 0, 1, 0]
    assert steps["n_censored"].tolist() == [0, 1, 0, 0, 1]
    assert fit.at([2.5, 4])["n_at_risk"].tolist() == [3, 2, 3, 2]
    lost = fit.restricted_time_lost(5).means
    assert lost["estimate"].tolist() == pytest.approx([3 / 5 + 7 / 15, 2 * 4 / 15])
    assert fit.tidy().equals(fit.curve)


def test_without_censoring_the_error_is_binomial():
    frame = pd.DataFrame({"t": [1, 1, 2, 3, 3, 4, 6, 8], "e": [1, 2, 1, 1, 2, 2, 1, 2]})
    found = fit_aalen_johansen(frame, "t", "e", censored=None).at([1, 3, 5])
    share = found["incidence"].to_numpy()
    assert share[:3].tolist() == pytest.approx([1 / 8, 3 / 8, 3 / 8])
    np.testing.assert_allclose(found["std_error"], np.sqrt(share * (1 - share) / 8))


def test_late_entry_by_hand():
    # At 2 only the first two rows are at risk, at 4 the third alone.
    frame = pd.DataFrame({"s": [0, 1, 2], "t": [2, 3, 4], "e": [1, 0, 2]})
    fit = fit_aalen_johansen(frame, "t", "e", start="s")
    assert fit.at([2, 4])["incidence"].tolist() == pytest.approx([1 / 2, 1 / 2, 0, 1 / 2])
    assert fit.event_free([4])["survival"].tolist() == [0]
    assert fit.at([1])["n_at_risk"].tolist() == [1, 1]


def test_a_cause_that_a_group_never_meets(customers):
    customers.loc[(customers["g"] == "b") & (customers["e"] == "price"), "e"] = "active"
    fit = fit_aalen_johansen(customers, "t", "e", censored="active", group="g")
    found = fit.at([6]).set_index(["group", "cause"]).loc[("b", "price")]
    assert found[["incidence", "std_error", "conf_low", "conf_high"]].tolist() == [0, 0, 0, 0]
    assert fit.n_events.loc["b", "price"] == 0


def test_codes_of_every_kind_mean_the_same(customers):
    number = customers["e"].map({"active": 0, "price": 1, "product": 2})
    base = fit_aalen_johansen(customers, "t", "e", censored="active").at([6])["incidence"].tolist()
    for codes in (number, number.astype(float), number.astype("Int64"), number.astype(str)):
        coded = customers.assign(e=codes)
        found = fit_aalen_johansen(coded, "t", "e", censored="0" if codes.dtype == object else 0)
        assert found.at([6])["incidence"].tolist() == base
    ordered = customers.assign(e=pd.Categorical(customers["e"], ["product", "active", "unused", "price"]))
    assert fit_aalen_johansen(ordered, "t", "e", censored="active").causes == ("product", "price")
    left = customers.assign(e=number > 0)
    assert fit_aalen_johansen(left, "t", "e").causes == ("1",)


def test_cut_rows_are_joined(customers):
    whole = fit_aalen_johansen(customers, "t", "e", censored="active", group="g")
    customers["id"] = np.arange(len(customers))
    customers["s"] = 0.0
    late = customers[customers["t"] > 4].assign(s=4.0)
    early = customers.assign(e=customers["e"].where(customers["t"] <= 4, "active"), t=customers["t"].clip(upper=4))
    rows = pd.concat([late, early])
    fit = fit_aalen_johansen(rows, "t", "e", censored="active", start="s", subject="id", group="g")
    pd.testing.assert_frame_equal(fit.curve, whole.curve)
    assert fit.n.tolist() == whole.n.tolist()


def test_limits_and_horizons(customers):
    fit = fit_aalen_johansen(customers, "t", "e", censored="active", conf_type="plain")
    last = customers["t"].max()
    past = fit.at([last + 1])
    assert past[["incidence", "std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    lost = fit.restricted_time_lost(last + 1).means
    assert lost["estimate"].isna().all()
    assert lost["note"].str.contains("short of").all()
    for tau in (0, -1, np.nan, np.inf):
        with pytest.raises(FitError, match="tau is a positive number"):
            fit.restricted_time_lost(tau)
    everybody = fit_aalen_johansen(customers.assign(e=1), "t", "e", censored=None)
    assert everybody.at([100])["incidence"].tolist() == [1]
    assert everybody.at([100])["std_error"].tolist() == pytest.approx([0], abs=1e-15)


def test_time_lost_and_time_in_service_add_up(customers):
    lost = fit_aalen_johansen(customers, "t", "e", censored="active").restricted_time_lost(9.5)
    customers["left"] = customers["e"] != "active"
    kept = restricted_mean(customers, "t", "left", tau=9.5)
    assert lost.means["estimate"].sum() + kept.means["estimate"].sum() == pytest.approx(9.5)


REFUSED = {
    "a misspelt censoring value": ({"e": "price"}, {"censored": "actve"}, "No row of 'e' holds the censoring value"),
    "a missing cause": ({"e": [None] + ["price"] * 199}, {"censored": None}, "Cause column 'e' is missing"),
    "a fraction as cause": ({"e": [0.5] + [0.0] * 199}, {"censored": 0}, "is no code"),
    "an infinite cause": ({"e": [np.inf] + [0.0] * 199}, {"censored": 0}, "is no code"),
    "an identifier as cause": ({"e": [f"c{i}" for i in range(200)]}, {"censored": None}, "looks like an identifier"),
    "a negative time": ({"t": -1}, {"censored": "active"}, "is negative"),
    "an infinite time": ({"t": np.inf}, {"censored": "active"}, "missing or infinite"),
    "a missing time": ({"t": np.nan}, {"censored": "active"}, "missing or infinite"),
    "a row without time": ({"s": 99}, {"censored": "active", "start": "s"}, "must cover time"),
    "a missing group": ({"g": None}, {"censored": "active", "group": "g"}, "Column 'g' is missing"),
    "a zero weight": ({"w": 0}, {"censored": "active", "weights": "w"}, "zero or negative"),
    "an unknown scale": ({}, {"censored": "active", "conf_type": "arcsin"}, "conf_type is one of"),
    "a level of one": ({}, {"censored": "active", "conf_level": 1.0}, "conf_level is a share"),
    "no such column": ({}, {"censored": "active", "group": "plan"}, "No column 'plan'"),
    "a repeated subject": ({"id": 1}, {"censored": "active", "subject": "id"}, "give a start column"),
    "overlapping rows": ({"id": 1, "s": 0}, {"censored": "active", "subject": "id", "start": "s"}, "overlaps the row"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name, customers):
    change, options, message = REFUSED[name]
    with pytest.raises(FitError, match=message):
        fit_aalen_johansen(customers.assign(**change), "t", "e", **options)


def test_rows_after_the_event_are_refused():
    frame = pd.DataFrame({"id": [1, 1, 2], "s": [0, 3, 0], "t": [3, 5, 4], "e": [1, 2, 0]})
    with pytest.raises(FitError, match="goes on after an event of the same 'id'"):
        fit_aalen_johansen(frame, "t", "e", start="s", subject="id")
    with pytest.raises(FitError, match="goes on after an event of the same 'id'"):
        fit_fine_gray(frame, [], "t", "e", cause=1, method="finegray", start="s", subject="id")


@pytest.mark.parametrize(
    "call",
    [
        lambda frame: fit_aalen_johansen(frame, "t", "e", censored="active"),
        lambda frame: gray_test(frame, "t", "e", "g", censored="active"),
        lambda frame: fit_fine_gray(frame, ["x"], "t", "e", "price", "crr", censored="active"),
        lambda frame: fit_cause_specific(frame, ["x"], "t", "e", censored="active"),
    ],
)
def test_nothing_to_estimate(call, customers):
    with pytest.raises(NoEventsError, match="all hold 'active'"):
        call(customers.assign(e="active"))
    with pytest.raises(FitError, match="no rows"):
        call(customers.iloc[:0])


def test_gray_with_one_cause_scores_as_the_log_rank_test(customers):
    customers["left"] = (customers["e"] != "active").astype(int)
    found = gray_test(customers, "t", "left", "g")
    by_rank = logrank_test(customers, "t", "left", "g")
    np.testing.assert_allclose(found.scores["1"], by_rank.observed - by_rank.expected, atol=1e-10)
    # Its variance is another estimate of the same.
    assert found.tests["statistic"].iloc[0] == pytest.approx(by_rank.statistic, rel=0.2, abs=0.05)


def test_gray_where_there_is_nothing_to_compare(customers):
    alone = gray_test(customers.assign(g="only"), "t", "e", "g", censored="active").tidy()
    assert alone["statistic"].isna().all()
    assert alone["p_value"].isna().all()
    assert set(alone["note"]) == {"there is only one group"}
    apart = pd.DataFrame({"t": [1, 2, 1, 2], "e": [1, 0, 0, 2], "g": list("aabb"), "s": list("aabb")})
    found = gray_test(apart, "t", "e", "g", strata="s").tests
    assert found["df"].tolist() == [0, 0]
    assert set(found["note"]) == {"the groups are never at risk together"}


def test_gray_refuses_late_entry(customers):
    customers["s"] = 0
    even = gray_test(customers, "t", "e", "g", censored="active", start="s").tests
    pd.testing.assert_frame_equal(even, gray_test(customers, "t", "e", "g", censored="active").tests)
    customers.loc[customers["t"] > 5, "s"] = 2
    with pytest.raises(FitError, match=r"Gray's test does not allow for late entry: [\d,]+ of 200 rows"):
        gray_test(customers, "t", "e", "g", censored="active", start="s")
    with pytest.raises(FitError, match="rho is a finite number"):
        gray_test(customers, "t", "e", "g", censored="active", rho=np.nan)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_fine_gray_without_censoring_is_cox_with_competitors_kept(customers, ties):
    # Nobody censored: those gone by another cause simply stay at risk for ever.
    customers = customers[customers["e"] != "active"].copy()
    options = {"cause": "price", "censored": None, "method": "finegray", "ties": ties}
    found = fit_fine_gray(customers, ["x", "g"], "t", "e", **options)
    customers["own"] = customers["e"] == "price"
    customers["t"] = customers["t"].where(customers["own"], 99)
    cox = fit_cox(customers, ["x", "g"], "t", "own", ties=ties, robust=True)
    np.testing.assert_allclose(found.params, cox.params, rtol=1e-9)
    np.testing.assert_allclose(found.std_errors, cox.std_errors, rtol=1e-9)
    np.testing.assert_allclose(found.covariance, cox.covariance, rtol=1e-8, atol=1e-12)
    new = pd.DataFrame({"x": [0.5], "g": ["b"]})
    curves = cox.predict_survival(new, [3, 8])
    np.testing.assert_allclose(found.predict_incidence(new, [3, 8])["incidence"], 1 - curves["survival"], rtol=1e-9)
    if ties == "breslow":
        crr = fit_fine_gray(
            customers.assign(t=customers["t"].clip(upper=12)), ["x", "g"], "t", "e", "price", "crr", None
        )
        np.testing.assert_allclose(crr.params, cox.params, rtol=1e-9)
        np.testing.assert_allclose(crr.covariance, cox.covariance, rtol=1e-8, atol=1e-12)


def test_fine_gray_without_competitors_is_cox(customers):
    customers["left"] = (customers["e"] != "active").astype(int)
    customers["s"] = np.where(customers["t"] > 3, 2, 0)
    found = fit_fine_gray(customers, ["x", "g"], "t", "left", 1, "finegray", start="s")
    cox = fit_cox(customers, ["x", "g"], "t", "left", start="s", robust=True)
    np.testing.assert_allclose(found.params, cox.params, rtol=1e-9)
    np.testing.assert_allclose(found.covariance, cox.covariance, rtol=1e-8, atol=1e-12)


def test_fine_gray_without_covariates_is_aalen_johansen_up_to_the_exponential(customers):
    # With no term the model's incidence is one less the exponential of the summed hazard.
    fit = fit_fine_gray(customers, [], "t", "e", "price", "finegray", censored="active", ties="breslow")
    curve = fit_aalen_johansen(customers, "t", "e", censored="active").at(range(1, 13))
    mine = curve.loc[curve["cause"] == "price", "incidence"].to_numpy()
    hazard = np.diff(mine, prepend=0) / (1 - np.concatenate(([0], mine[:-1])))
    found = fit.predict_incidence(customers.iloc[[0]], range(1, 13))["incidence"]
    np.testing.assert_allclose(found, 1 - np.exp(-np.cumsum(hazard)), rtol=1e-12)
    assert fit.tidy().empty


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_fine_gray_is_cox_on_rows_written_out(customers, ties):
    # Own censoring curve by group, one baseline: each competing event stays, weighted anew at every event time.
    customers["id"] = np.arange(len(customers))
    times = np.sort(customers.loc[customers["e"] == "price", "t"].unique())
    rows = [customers.assign(s=0.0, w=1.0, own=customers["e"] == "price")]
    for group in ("a", "b"):
        mine = customers[customers["g"] == group]

        def uncensored(when, mine=mine):
            product = 1.0
            for u in range(1, when):
                product *= 1 - ((mine["t"] == u) & (mine["e"] == "active")).sum() / max(
                    1, ((mine["t"] > u) | ((mine["t"] == u) & (mine["e"] == "active"))).sum()
                )
            return product if when <= mine["t"].max() else 0.0

        gone = mine[mine["e"] == "product"]
        for when in times:
            later = gone[gone["t"] < when]
            weight = uncensored(when) / later["t"].map(uncensored)
            rows.append(later.assign(s=when - 0.5, t=when, w=weight, own=False))
    long = pd.concat(rows, ignore_index=True)
    long = long[long["w"] > 0]
    written = fit_cox(long, ["x"], "t", "own", start="s", weights="w", cluster="id", ties=ties)
    found = fit_fine_gray(
        customers, ["x"], "t", "e", "price", "finegray", censored="active", censoring_strata="g", ties=ties
    )
    np.testing.assert_allclose(found.params, written.params, rtol=1e-9)
    np.testing.assert_allclose(found.std_errors, written.std_errors, rtol=1e-9)
    np.testing.assert_allclose(found.covariance, written.covariance, rtol=1e-8)
    assert found.log_likelihood == pytest.approx(written.log_likelihood, rel=1e-12)


def test_fine_gray_results(customers):
    fit = fit_fine_gray(customers, ["x", "g"], "t", "e", "price", "crr", censored="active")
    table = fit.tidy()
    assert table["cause"].unique().tolist() == ["price"]
    assert table["subdistribution_hazard_ratio"].to_numpy() == pytest.approx(np.exp(fit.params.to_numpy()))
    one = fit.wald_test("x")
    assert one.p_value == pytest.approx(table["p_value"].iloc[0])
    assert (fit.n, fit.n_events, fit.n_competing) == (
        200,
        (customers["e"] == "price").sum(),
        (customers["e"] == "product").sum(),
    )
    curve = fit.predict_incidence(pd.DataFrame({"x": [0.0], "g": ["a"]}), [0, 6, 99])
    assert curve["incidence"].iloc[0] == 0
    assert np.isnan(curve["incidence"].iloc[2])
    assert curve["std_error"].isna().all()


CRR_ONLY = {
    "late entry": ({"start": "s"}, "method='crr' does not allow for late entry"),
    "strata": ({"strata": "g"}, "no strata"),
    "a subject": ({"subject": "id"}, "no subject column"),
    "Efron's ties": ({"ties": "efron"}, "Breslow's method only"),
}


@pytest.mark.parametrize("name", list(CRR_ONLY))
def test_what_crr_does_not_do(name, customers):
    options, message = CRR_ONLY[name]
    customers = customers.assign(s=customers["t"] - 1, id=range(200))
    with pytest.raises(FitError, match=message):
        fit_fine_gray(customers, ["x"], "t", "e", "price", "crr", censored="active", **options)


@pytest.mark.parametrize("method", ["finegray", "crr"])
def test_fine_gray_refuses(method, customers):
    def fit(frame, terms=("x",), cause="price", **options):
        return fit_fine_gray(frame, list(terms), "t", "e", cause, options.pop("method", method), "active", **options)

    with pytest.raises(FitError, match="method is 'finegray' or 'crr'"):
        fit(customers, method="fine-gray")
    with pytest.raises(FitError, match="ties is"):
        fit(customers, ties="exact")
    with pytest.raises(FitError, match=r"No row has the cause 'weather'.* price, product"):
        fit(customers, cause="weather")
    with pytest.raises(SingularDesignError, match="constant"):
        fit(customers.assign(x=1.0))
    with pytest.raises(FitError, match="missing"):
        fit(customers.assign(x=np.nan))
    separated = customers.assign(x=np.where(customers["e"] == "price", "yes", "no"))
    with pytest.raises(SeparationError, match="goes to plus infinity"):
        fit(separated)


def test_fine_gray_refuses_rows_it_cannot_follow():
    frame = pd.DataFrame({"id": [1, 1, 2, 3], "s": [0, 4, 0, 0], "t": [3, 6, 5, 2], "e": [0, 1, 1, 2]})
    with pytest.raises(FitError, match="after a gap in the rows of the same 'id'"):
        fit_fine_gray(frame, [], "t", "e", 1, "finegray", start="s", subject="id")
    # Everybody at risk at 5 had just entered: what the early competing event would weigh later is 0 / 0.
    empty = pd.DataFrame({"s": [0, 0, 5, 5], "t": [2, 3, 7, 8], "e": [2, 0, 1, 0]})
    with pytest.raises(FitError, match="probability of being under observation is zero"):
        fit_fine_gray(empty, [], "t", "e", 1, "finegray", start="s")


def test_cause_specific_models_are_cox_models(customers):
    fit = fit_cause_specific(customers, ["x", "g"], "t", "e", censored="active")
    assert list(fit.fits) == ["price", "product"]
    customers["own"] = customers["e"] == "product"
    alone = fit_cox(customers, ["x", "g"], "t", "own")
    np.testing.assert_allclose(fit.fits["product"].params, alone.params)
    assert fit.tidy().columns[0] == "cause"
    assert fit.n_events.tolist() == [(customers["e"] == cause).sum() for cause in fit.causes]
    past = fit.predict_incidence(customers.iloc[:2], [0, 99])
    assert past.loc[past["time"] == 0, "incidence"].tolist() == [0, 0, 0, 0]
    assert past.loc[past["time"] == 99, ["incidence", "survival"]].isna().all(axis=None)


def test_cause_specific_names_the_cause_that_failed(customers):
    customers["x"] = np.where(customers["e"] == "product", 1.0, 0.0)
    with pytest.raises(SeparationError, match=r"^Cause 'price': .*'x' goes to minus infinity"):
        fit_cause_specific(customers, ["x"], "t", "e", censored="active")


def test_incidence_stays_below_one_less_kaplan_meier(customers):
    # What is printed instead of 1 - KM where causes compete, and why: the latter adds up to more than everybody.
    customers["own"] = customers["e"] == "price"
    naive = 1 - fit_kaplan_meier(customers, "t", "own").at([11])["survival"].iloc[0]
    found = fit_aalen_johansen(customers, "t", "e", censored="active").at([11])
    assert found["incidence"].iloc[0] < naive - 0.05
