"""Answers that looked right and were not: silent misalignment, unknown futures, false certainty, raw tracebacks."""

import numpy as np
import pandas as pd
import pytest

import whychurn.models as wm
from whychurn.errors import FitError
from whychurn.models.recurrent import gap_times


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(5)
    n = 80
    x = random.normal(size=n)
    return pd.DataFrame(
        {
            "tenure": random.integers(1, 25, n).astype(float),
            "left": random.integers(0, 2, n),
            "why": random.choice(["active", "price", "service"], n),
            "x": x,
            "plan": random.choice(["a", "b"], n),
            "p": random.uniform(0.1, 0.9, n),
            "score": random.integers(0, 11, n),
            "id": np.arange(n) % 20,
            "one": "only",
        },
        index=pd.Index(np.arange(n) + 100),
    )


class TestCensoringWeights:
    def test_horizon_past_the_follow_up_is_refused(self):
        time, event = [3, 5, 8, 2, 4, 6], [1, 0, 0, 1, 1, 0]
        group = ["short"] * 3 + ["long"] * 3
        with pytest.raises(FitError, match=r"No row of the group 'long' .* 7 .*last one is censored at 6.*coarser"):
            wm.censoring_weights(time, event, 7, group)
        with pytest.raises(FitError, match=r"No row is followed to the horizon of 100 .*shorter horizon\.$"):
            wm.censoring_weights([1, 2, 72], [1, 1, 0], 100)
        # An event at the last time does not help where a row is censored beside it.
        with pytest.raises(FitError, match="censored at 3"):
            wm.censoring_weights([1, 3, 3], [1, 1, 0], 9)

    @pytest.mark.parametrize(
        ("time", "event", "horizon"),
        [([1, 2, 3], [1, 1, 1], 9), ([1, 2, 4], [1, 0, 1], 9), ([1, 2, 6], [1, 0, 0], 6), ([1, 2, 3], [0, 0, 1], 2.5)],
    )
    def test_a_group_known_to_its_end_is_fine(self, time, event, horizon):
        assert wm.censoring_weights(time, event, horizon).sum() == pytest.approx(3.0)

    def test_series_of_different_indexes_are_refused(self, rows):
        shuffled = rows["left"].sort_values()
        with pytest.raises(FitError, match="time and event have different indexes"):
            wm.censoring_weights(rows["tenure"], shuffled, 6)
        with pytest.raises(FitError, match="time and group have different indexes"):
            wm.censoring_weights(rows["tenure"], rows["left"].to_numpy(), 6, rows["plan"].iloc[::-1])
        expected = wm.censoring_weights(rows["tenure"].to_numpy(), rows["left"].to_numpy(), 6)
        np.testing.assert_array_equal(wm.censoring_weights(rows["tenure"], rows["left"], 6), expected)

    def test_names_and_lengths(self, rows):
        with pytest.raises(FitError, match="time is 'tenure': give the values, not the name"):
            wm.censoring_weights("tenure", "left", 6)
        with pytest.raises(FitError, match="event has 2 values for 3 rows of time"):
            wm.censoring_weights([1, 2, 3], [1, 0], 2)
        with pytest.raises(FitError, match="horizon is a positive number, not '12'"):
            wm.censoring_weights([1, 2], [1, 0], "12")


@pytest.mark.parametrize("verb", ["average_marginal_effects", "standardised_risk"])
def test_a_mask_is_matched_by_its_index(rows, verb):
    ask = getattr(wm.fit_logistic(rows, ["plan", "x"], "left"), verb)
    mask = rows["x"] > 0.3
    expected = ask("plan", among=mask.to_numpy())
    pd.testing.assert_frame_equal(ask("plan", among=mask), expected)
    pd.testing.assert_frame_equal(ask("plan", among=mask.iloc[::-1]), expected)
    for strange in (mask.reset_index(drop=True), mask.iloc[:-1], pd.concat([mask.iloc[:-1], mask.iloc[:1]])):
        with pytest.raises(FitError, match="index of among"):
            ask("plan", among=strange)
    for unclear in (mask.where(mask), np.arange(len(mask)), mask.map({True: "yes", False: "no"})):
        with pytest.raises(FitError, match="True or False"):
            ask("plan", among=unclear)


TIMES = {
    "kaplan_meier": lambda d, t: wm.fit_kaplan_meier(d, "tenure", "left").at(t),
    "nelson_aalen": lambda d, t: wm.fit_nelson_aalen(d, "tenure", "left").at(t),
    "aalen_johansen": lambda d, t: wm.fit_aalen_johansen(d, "tenure", "why", "active").at(t),
    "event_free": lambda d, t: wm.fit_aalen_johansen(d, "tenure", "why", "active").event_free(t),
    "mean_cumulative": lambda d, t: wm.mean_cumulative_function(d.assign(i=range(80)), "tenure", "left", "i").at(t),
    "cause_specific": lambda d, t: wm.fit_cause_specific(d, ["x"], "tenure", "why", "active").predict_incidence(
        d.iloc[:2], t
    ),
    "fine_gray": lambda d, t: wm.fit_fine_gray(d, ["x"], "tenure", "why", "price", censored="active").predict_incidence(
        d.iloc[:2], t
    ),
}


@pytest.mark.parametrize("what", TIMES)
def test_a_time_that_is_no_number_has_no_estimate(rows, what):
    assert len(TIMES[what](rows, [3.0, 6.0]))
    for times in ([3.0, np.nan], [np.inf], ["x"], []):
        with pytest.raises(FitError, match=r"^times are"):
            TIMES[what](rows, times)


CLUSTERED = {
    "kaplan_meier": lambda d, c: wm.fit_kaplan_meier(d, "tenure", "left", cluster=c),
    "nelson_aalen": lambda d, c: wm.fit_nelson_aalen(d, "tenure", "left", cluster=c),
    "concordance": lambda d, c: wm.concordance(d, "x", "tenure", "left", cluster=c),
    "uno": lambda d, c: wm.uno_concordance(d, "x", "tenure", "left", tau=20, cluster=c),
    "auc": lambda d, c: wm.auc(d, "p", "left", cluster=c),
    "brier": lambda d, c: wm.brier_score(d, "p", "left", cluster=c),
    "calibration": lambda d, c: wm.calibration(d, "p", "left", cluster=c),
    "calibration_curve": lambda d, c: wm.calibration_curve(d, "p", "left", cluster=c),
    "time_auc": lambda d, c: wm.time_dependent_auc(d, "p", "tenure", "left", 12, cluster=c),
    "nps": lambda d, c: wm.net_promoter_score(d, "score", cluster=c),
    "logistic": lambda d, c: wm.fit_logistic(d, ["x"], "left", covariance="cluster", cluster=c),
}


@pytest.mark.parametrize("what", CLUSTERED)
def test_one_cluster_tells_nothing_of_variation(rows, what):
    CLUSTERED[what](rows, "id")
    with pytest.raises(FitError, match="needs at least two clusters"):
        CLUSTERED[what](rows, "one")


def test_one_cluster_or_subject_in_a_group(rows):
    frame = rows.assign(id=np.where(rows["plan"] == "a", 7, rows["id"]))
    for fit in (wm.fit_kaplan_meier, wm.fit_nelson_aalen):
        assert len(fit(frame, "tenure", "left", cluster="id").groups) == 1
        with pytest.raises(FitError, match="at least two clusters; group 'a' has 1"):
            fit(frame, "tenure", "left", group="plan", cluster="id")
    spells = pd.DataFrame({"i": [1, 1, 2], "b": [0, 2, 0], "t": [2, 5, 4], "e": [1, 1, 0], "g": list("aab")})
    assert len(wm.mean_cumulative_function(spells, "t", "e", "i", start="b").curve)
    for group in (None, "g"):
        with pytest.raises(FitError, match="at least two clusters"):
            wm.mean_cumulative_function(spells[spells["i"] == 1], "t", "e", "i", start="b", group=group)
    with pytest.raises(FitError, match="group 'a' has 1"):
        wm.mean_cumulative_function(spells, "t", "e", "i", start="b", group="g")


def test_few_clusters_of_a_net_promoter_score_are_noted(rows):
    few = rows.assign(id=np.where(rows["plan"] == "a", rows["id"] % 9, rows["id"] + 50))
    table = wm.net_promoter_score(few, "score", by="plan", cluster="id").table.set_index("segment")
    assert "9 clusters: the interval is likely to be too narrow" in table.loc["a", "note"]
    assert "clusters" not in table.loc["b", "note"]
    assert "clusters" not in wm.net_promoter_score(few, "score").table["note"].item()


@pytest.mark.parametrize(
    ("term", "name", "role"),
    [
        ("tenure", "tenure", "the time column"),
        ("log(tenure)", "tenure", "the time column"),
        ("x*tenure", "tenure", "the time column"),
        ("left", "left", "the event column"),
        ("exposure", "exposure", "the time observed"),
        ("log_at_risk", "log_at_risk", "the time at risk"),
    ],
)
def test_the_answer_is_no_term(rows, term, name, role):
    with pytest.raises(FitError, match=f"'{name}' is {role}.*: it is what the model explains"):
        wm.fit_discrete_hazard(rows, ["x", term], "tenure", "left", width=12)


def test_the_band_stays_a_term(rows):
    fit = wm.fit_discrete_hazard(rows, ["x", "x:band"], "tenure", "left", width=12)
    assert "band" in fit.term_slices


class TestEValue:
    @pytest.mark.parametrize("pair", [(2, 3), (0.5, 0.4), (1.2, 1.3)])
    def test_a_limit_farther_from_one_is_refused(self, pair):
        with pytest.raises(FitError, match="farther from one than the estimate"):
            wm.e_value(*pair)

    @pytest.mark.parametrize("pair", [("2", 1.5), (2, None), (np.nan, 1), (True, 1), (2, -1)])
    def test_what_is_no_ratio_is_refused(self, pair):
        with pytest.raises(FitError, match="positive numbers"):
            wm.e_value(*pair)

    @pytest.mark.parametrize("pair", [(2, 0.9), (0.5, 1.4), (1.1, 0.5), (1, 1.2), (1, 0.8)])
    def test_an_interval_over_one_needs_no_confounding(self, pair):
        assert wm.e_value(*pair).conf_limit == 1.0

    def test_a_limit_at_the_estimate(self):
        found = wm.e_value(0.5, 0.5)
        assert found.conf_limit == found.estimate > 1.0

    def test_detectable_ratio(self):
        for bad in ({"std_error": "0.1"}, {"std_error": 0.1, "power": "x"}, {"std_error": 0.1, "alpha": None}):
            with pytest.raises(FitError):
                wm.smallest_detectable_hazard_ratio(**bad)


def test_a_missing_cause_is_not_to_be_left_out(rows):
    frame = rows.assign(why=rows["why"].where(rows["why"] != "active"))
    with pytest.raises(FitError, match=r"missing in \d+ of 80 rows.*censored='still there'") as caught:
        wm.fit_aalen_johansen(frame, "tenure", "why", censored="active")
    assert "leave out" not in str(caught.value)
    # The advice works.
    filled = frame.assign(why=frame["why"].fillna("still there"))
    found = wm.fit_aalen_johansen(filled, "tenure", "why", censored="still there")
    assert found.causes == ("price", "service")


NUMBERS = {
    "tau": lambda d, v: wm.restricted_mean(d, "tenure", "left", tau=v),
    "tau of uno": lambda d, v: wm.uno_concordance(d, "x", "tenure", "left", tau=v),
    "tau of time lost": lambda d, v: wm.fit_aalen_johansen(d, "tenure", "why", "active").restricted_time_lost(v),
    "bandwidth": lambda d, v: wm.smooth_hazard(d, "tenure", "left", v),
    "mark_length": lambda d, v: wm.smooth_hazard(d, "tenure", "left", 4, marks=[12], mark_length=v),
    "at": lambda d, v: wm.smooth_hazard(d, "tenure", "left", 4, at=v),
    "step": lambda d, v: wm.smooth_hazard(d, "tenure", "left", 4, step=v),
    "step of rates": lambda d, v: wm.hazard_by_time(d, "tenure", "left", [0, 12], step=v),
    "bands": lambda d, v: wm.hazard_by_time(d, "tenure", "left", [v, v]),
    "marks": lambda d, v: wm.hazard_by_time(d, "tenure", "left", [0, 12], marks=[v]),
    "width": lambda d, v: wm.person_periods(d, "tenure", "left", width=v),
    "cuts": lambda d, v: wm.person_periods(d, "tenure", "left", cuts=[v]),
    "rho": lambda d, v: wm.logrank_test(d, "tenure", "left", "plan", rho=v),
    "gamma": lambda d, v: wm.logrank_test(d, "tenure", "left", "plan", gamma=v),
    "rho of gray": lambda d, v: wm.gray_test(d, "tenure", "why", "plan", "active", rho=v),
    "scores": lambda d, v: wm.logrank_test(d, "tenure", "left", "plan").trend([0, v]),
    "conditional_on": lambda d, v: wm.fit_kaplan_meier(d, "tenure", "left", conditional_on=v),
    "conditional_on of means": lambda d, v: wm.restricted_mean(d, "tenure", "left", 12, conditional_on=v),
    "min_at_risk": lambda d, v: wm.fit_kaplan_meier(d, "tenure", "left", min_at_risk=v),
    "p": lambda d, v: wm.fit_kaplan_meier(d, "tenure", "left").quantile(v),
    "bins": lambda d, v: wm.calibration_curve(d, "p", "left", bins=v),
    "points": lambda d, v: wm.smooth_calibration(d, "p", "left", points=v),
    "clip": lambda d, v: wm.calibration(d, "p", "left", clip=v),
    "folds": lambda d, v: wm.cross_fitted_folds(80, folds=v),
    "groups": lambda d, v: wm.lift_table(d, "p", "left", groups=v),
    "k": lambda d, v: wm.precision_recall_at(d, "p", "left", k=v),
    "draws": lambda d, v: wm.crosstab(d, "plan", "why", draws=v),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_text_for_a_number_is_named(rows, name):
    for value in ("median", "x", np.nan):
        with pytest.raises(FitError, match=rf"\b{name.split()[0]}\b"):
            NUMBERS[name](rows, value)


@pytest.mark.parametrize("name", ["bins", "points", "folds", "groups", "k", "draws"])
def test_counts_are_whole(rows, name):
    for value in (2.5, "5", -1):
        with pytest.raises(FitError, match=rf"^{name} .*number"):
            NUMBERS[name](rows, value)
    NUMBERS[name](rows, 5.0)


def test_help_explains_itself():
    assert "above" not in gap_times.__doc__
    assert "since the current spell began" in gap_times.__doc__
    assert 'offset="log_at_risk"' in wm.fit_discrete_hazard.__doc__
    assert "need not be whole" in wm.lift_table.__doc__


def test_the_offset_that_help_speaks_of(rows):
    cut = wm.person_periods(rows, "tenure", "left", width=12)
    fit = wm.fit_logistic(cut.reset_index(drop=True), ["x"], "left", link="cloglog", offset="log_at_risk")
    assert np.isfinite(fit.params).all()


def test_groups_of_a_lift_table_may_split_rows(rows):
    found = wm.lift_table(rows.iloc[:25], "p", "left", groups=10).table
    assert found["n"].tolist() == [2.5] * 10
    assert found["events"].sum() == pytest.approx(rows["left"].iloc[:25].sum())
