"""Complementary log-log link, offsets, and spells cut into bands of time."""

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError, NoEventsError, SeparationError, SingularDesignError
from whychurn.models import fit_cox, fit_discrete_hazard, fit_logistic, person_periods


@pytest.fixture
def spells():
    random = np.random.default_rng(31)
    n = 4_000
    frame = pd.DataFrame({"x": random.normal(size=n), "z": random.integers(0, 2, n)})
    exact = random.exponential(9.0 * np.exp(-0.6 * frame["x"] + 0.5 * frame["z"]))
    frame["exact"], frame["exact_event"] = np.minimum(exact, 8.0), (exact <= 8.0).astype(int)
    frame["month"] = np.ceil(frame["exact"])
    return frame


def test_one_share_by_hand():
    # A share of 3/8: the cumulative hazard is -log(5/8), its log has variance (3/8) / (8 * 5/8 * log(5/8)^2).
    frame = pd.DataFrame({"y": [1] * 3 + [0] * 5})
    fit = fit_logistic(frame, [], "y", link="cloglog", covariance="model")
    hazard = -np.log(5 / 8)
    assert fit.params.item() == pytest.approx(np.log(hazard), abs=1e-12)
    assert fit.std_errors.item() == pytest.approx(np.sqrt(3 / 8 / (8 * 5 / 8)) / hazard)
    assert fit.predict(frame).iloc[0] == pytest.approx(3 / 8)
    assert "hazard_ratio" in fit.tidy()
    assert fit.log_likelihood == pytest.approx(fit.null_log_likelihood)


def test_two_by_two_hazard_ratio_by_hand():
    frame = pd.DataFrame({"a": [1] * 10 + [0] * 10, "y": [1] * 6 + [0] * 4 + [1] * 3 + [0] * 7})
    fit = fit_logistic(frame, ["a"], "y", link="cloglog")
    assert fit.tidy().iloc[1]["hazard_ratio"] == pytest.approx(np.log(0.4) / np.log(0.7))
    assert fit.average_marginal_effects("a")["estimate"].item() == pytest.approx(0.3)
    # HC0 of a saturated model is the model's own covariance, by the delta method the binomial variances.
    assert fit.average_marginal_effects("a")["std_error"].item() == pytest.approx(np.sqrt(0.024 + 0.021))


def test_rare_events_keep_their_digits():
    # One in a million rows: log hazard and log odds agree to a millionth.
    frame = pd.DataFrame({"y": [1, 0], "w": [1.0, 1e6 - 1.0]})
    fits = [fit_logistic(frame, [], "y", weights="w", link=link, covariance="model") for link in ("logit", "cloglog")]
    assert fits[1].params.item() == pytest.approx(np.log(-np.log1p(-1e-6)), abs=1e-10)
    assert fits[0].params.item() == pytest.approx(fits[1].params.item(), abs=2e-6)


def test_offset_moves_the_intercept_only():
    random = np.random.default_rng(5)
    frame = pd.DataFrame({"x": random.normal(size=300), "o": 0.7})
    frame["y"] = (random.random(300) < 0.3 + 0.1 * (frame["x"] > 0)).astype(int)
    for link in ("logit", "cloglog"):
        plain = fit_logistic(frame, ["x"], "y", link=link)
        moved = fit_logistic(frame, ["x"], "y", link=link, offset="o")
        assert moved.params["Intercept"] == pytest.approx(plain.params["Intercept"] - 0.7)
        assert moved.params["x"] == pytest.approx(plain.params["x"])
        assert (moved.log_likelihood, moved.null_log_likelihood) == pytest.approx(
            (plain.log_likelihood, plain.null_log_likelihood)
        )
        np.testing.assert_allclose(moved.predict(frame), plain.predict(frame))
        effects = [fit.average_marginal_effects("x")[["estimate", "std_error"]] for fit in (moved, plain)]
        np.testing.assert_allclose(*effects)
    # However far: the fit begins where the offset says.
    for far in (-50.0, 1_000.0):
        for link in ("logit", "cloglog"):
            moved = fit_logistic(frame.assign(o=far), ["x"], "y", link=link, offset="o")
            plain = fit_logistic(frame, ["x"], "y", link=link)
            assert moved.params.tolist() == pytest.approx([plain.params["Intercept"] - far, plain.params["x"]])
    # A covariate whose coefficient is known can be the offset.
    fit = fit_logistic(frame, ["x"], "y")
    known = frame.assign(o=fit.params["x"] * frame["x"])
    rest = fit_logistic(known, [], "y", offset="o")
    assert rest.params.item() == pytest.approx(fit.params["Intercept"])
    assert rest.log_likelihood == pytest.approx(fit.log_likelihood)
    with pytest.raises(FitError, match="missing or infinite in 1 of 300 rows"):
        fit_logistic(frame.assign(o=[np.nan] + [0.0] * 299), ["x"], "y", offset="o")
    with pytest.raises(FitError, match="No column 'o'"):
        rest.predict(frame[["x"]])


def test_bands_by_hand():
    frame = pd.DataFrame(
        {"id": ["a", "b", "c"], "s": [0.0, 1.5, 2.0], "t": [3.0, 2.5, 2.3], "e": [1, 0, 1]}, index=[7, 8, 9]
    )
    rows = person_periods(frame, "t", "e", start="s", width=1)
    assert rows.index.tolist() == [7, 7, 7, 8, 8, 9]
    assert rows["id"].tolist() == list("aaabbc")
    assert rows["s"].tolist() == [0, 1, 2, 1.5, 2, 2]
    assert rows["t"].tolist() == [1, 2, 3, 2, 2.5, 2.3]
    assert rows["e"].tolist() == [0, 0, 1, 0, 0, 1]
    assert rows["band"].astype(str).tolist() == ["(0, 1]", "(1, 2]", "(2, 3]", "(1, 2]", "(2, 3]", "(2, 3]"]
    assert rows["band"].cat.ordered
    np.testing.assert_allclose(rows["exposure"], [1, 1, 1, 0.5, 0.5, 0.3])
    # Censored rows were at risk as long as they were seen, the event of c for its whole band.
    np.testing.assert_allclose(np.exp(rows["log_at_risk"]), [1, 1, 1, 0.5, 0.5, 1])
    cut = person_periods(frame, "t", "e", start="s", cuts=[0, 1, 2.5])
    assert cut["band"].astype(str).tolist() == ["(0, 1]", "(1, 2.5]", "over 2.5", "(1, 2.5]", "(1, 2.5]"]
    assert np.isnan(cut["log_at_risk"].iloc[2])
    # Without a start column one is made.
    assert person_periods(frame[["t", "e"]], "t", "e", width=3)["start"].tolist() == [0, 0, 0]


def test_ends_that_are_no_whole_number_in_floating_point():
    frame = pd.DataFrame({"t": [0.3, 0.7, 1.1], "e": 1})
    rows = person_periods(frame, "t", "e", width=0.1)
    assert rows.groupby(level=0).size().tolist() == [3, 7, 11]
    np.testing.assert_allclose(rows.groupby(level=0)["exposure"].sum(), frame["t"], rtol=1e-14)
    assert (rows["exposure"] > 0.05).all()


def test_bands_give_the_life_table(spells):
    fit = fit_discrete_hazard(spells, [], "month", "exact_event", width=1)
    rows = person_periods(spells, "month", "exact_event", width=1)
    shares = rows.groupby("band", observed=True)["exact_event"].mean()
    for link in ("cloglog", "logit"):
        fit = fit_discrete_hazard(spells, [], "month", "exact_event", width=1, link=link)
        risks = fit.standardised_risk("band").set_index("level")["estimate"]
        np.testing.assert_allclose(risks[shares.index.astype(str)], shares, rtol=1e-9)
    assert rows["exact_event"].sum() == spells["exact_event"].sum()


def test_grouped_hazards_are_those_of_cox(spells):
    cox = fit_cox(spells, ["x", "z"], "exact", "exact_event")
    grouped = fit_discrete_hazard(spells, ["x", "z"], "month", "exact_event", width=1)
    for name in ("x", "z"):
        # The same hazard ratio is estimated from months as from exact times.
        assert abs(grouped.params[name] - cox.params[name]) < 0.15 * cox.std_errors[name]
        assert grouped.std_errors[name] == pytest.approx(cox.std_errors[name], rel=0.03)
    # The logit link estimates something else.
    odds = fit_discrete_hazard(spells, ["x", "z"], "month", "exact_event", width=1, link="logit")
    assert abs(odds.params["x"] - cox.params["x"]) > cox.std_errors["x"]


def test_late_entry_is_no_bias(spells):
    entered = spells.assign(s=np.where(spells.index % 2, 2.0, 0.0))
    entered = entered[entered["month"] > entered["s"]]
    whole = fit_discrete_hazard(entered, ["x", "z"], "month", "exact_event", start="s", width=1)
    cox = fit_cox(entered.assign(s=entered["s"]), ["x", "z"], "exact", "exact_event", start="s")
    assert abs(whole.params["x"] - cox.params["x"]) < 0.2 * cox.std_errors["x"]


def test_incomplete_rows_by_offset():
    # One band: k events, m rows seen for half of it. Then exp(hazard) - 1 = k / (m / 2).
    frame = pd.DataFrame({"t": [0.2] * 6 + [0.5] * 10, "e": [1] * 6 + [0] * 10})
    rows = person_periods(frame, "t", "e", cuts=[1.0])
    fit = fit_logistic(rows, [], "e", link="cloglog", offset="log_at_risk")
    assert np.exp(fit.params.item()) == pytest.approx(np.log1p(6 / 5))


def test_refusals_of_spells(spells):
    small = spells[["exact", "exact_event", "x"]].head(20)
    for bands in ({}, {"width": 1, "cuts": [1]}):
        with pytest.raises(FitError, match="either width or cuts"):
            person_periods(small, "exact", "exact_event", **bands)
    for width in (0, -1, np.nan, np.inf):
        with pytest.raises(FitError, match="width is a positive number"):
            person_periods(small, "exact", "exact_event", width=width)
    for cuts in ([], [0.0], [2, 1], [1, 1], [-1, 2], [1, np.inf], [np.nan]):
        with pytest.raises(FitError, match="cuts are positive, finite and increasing"):
            person_periods(small, "exact", "exact_event", cuts=cuts)
    with pytest.raises(FitError, match="'band' would be overwritten"):
        person_periods(small.assign(band=1), "exact", "exact_event", width=1)
    with pytest.raises(FitError, match="'exact' is zero in 20 of 20 rows"):
        person_periods(small.assign(exact=0.0), "exact", "exact_event", width=1)
    with pytest.raises(FitError, match="not after 's'"):
        person_periods(small.assign(s=99.0), "exact", "exact_event", start="s", width=1)
    with pytest.raises(FitError, match="wider bands"):
        person_periods(small.assign(exact=1e6), "exact", "exact_event", width=1e-3)
    assert not len(person_periods(small.head(0), "exact", "exact_event", width=1))
    # A band without an event has an infinite coefficient, and says so.
    late = small.assign(exact_event=(small["exact"] < 2.0).astype(int))
    with pytest.raises(SeparationError, match="no event at level"):
        fit_discrete_hazard(late, [], "exact", "exact_event", cuts=[1, 2, 4])


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_degenerate_rows(link):
    random = np.random.default_rng(8)
    frame = pd.DataFrame(random.normal(size=(40, 3)), columns=list("abc"))
    frame["y"] = random.integers(0, 2, 40)
    options = {"outcome": "y", "link": link}
    with pytest.raises(NoEventsError):
        fit_logistic(frame.assign(y=0), ["a"], **options)
    with pytest.raises(SeparationError, match="All 40 rows"):
        fit_logistic(frame.assign(y=1), ["a"], **options)
    with pytest.raises(SeparationError, match="'a' goes to"):
        fit_logistic(frame.assign(y=(frame["a"] > 0).astype(int)), ["a", "b"], **options)
    with pytest.raises(SingularDesignError, match="constant over these rows"):
        fit_logistic(frame.assign(k=1.0), ["a", "k"], **options)
    # More columns than rows.
    wide = pd.DataFrame(random.normal(size=(6, 9))).add_prefix("c").assign(y=[0, 1, 0, 1, 1, 0])
    with pytest.raises(SingularDesignError, match="linear combination"):
        fit_logistic(wide, [f"c{place}" for place in range(9)], **options)
    for bad in (np.nan, np.inf, -1.0):
        with pytest.raises(FitError, match="'w'"):
            fit_logistic(frame.assign(w=[bad] + [1.0] * 39), ["a"], weights="w", **options)
        with pytest.raises(FitError, match=r"'a'|'y'"):
            fit_logistic(frame.assign(a=[bad] + [1.0] * 39, y=[bad] * 40), ["a"], **options)
    for empty in (frame.head(0), frame.assign(w=0.0)):
        weights = "w" if "w" in empty else None
        with pytest.raises(FitError, match="no row of positive weight"):
            fit_logistic(empty, ["a"], weights=weights, **options)
    with pytest.raises(FitError, match="link is one of logit, cloglog, not 'probit'"):
        fit_logistic(frame, ["a"], "y", link="probit")


def test_risks_of_formulas(spells):
    rows = spells.head(800).assign(plan=np.resize(["basic", "pro"], 800), t=np.resize(np.arange(1, 6), 800))
    terms = ["plan*x", "np.log(t)"]
    fit = fit_logistic(rows, terms, "exact_event")
    moved = [fit.predict(rows.assign(plan=level)).mean() for level in ("pro", "basic")]
    effect = fit.average_marginal_effects("plan")
    assert effect["level"].tolist() == ["pro"]
    assert effect["estimate"].item() == pytest.approx(moved[0] - moved[1], rel=1e-12)
    # By numbers: a small step of every row, and the error by the delta method with numerical gradients.
    for name in ("x", "t"):
        found = fit.average_marginal_effects(name).iloc[0]
        step = 1e-5
        up, down = (fit.predict(rows.assign(**{name: rows[name] + side * step})).mean() for side in (1, -1))
        assert found["estimate"] == pytest.approx((up - down) / (2 * step), rel=1e-6)
    p = fit.predict(rows)
    expected = (p * (1 - p) / rows["t"]).mean() * fit.params["np.log(t)"]
    assert fit.average_marginal_effects("t")["estimate"].item() == pytest.approx(expected, rel=1e-9)
    with pytest.raises(FitError, match="not a column"):
        fit.average_marginal_effects("np.log(t)")
    with pytest.raises(FitError, match="No term 'seats'"):
        fit.average_marginal_effects("seats")


def test_a_count_is_no_contrast_where_it_happens_to_be_zero_or_one(spells):
    rows = spells.head(900).assign(logins=np.resize([0, 1, 2, 3], 900))
    fit = fit_logistic(rows, ["logins"], "exact_event")
    few = fit.average_marginal_effects("logins", among=(rows["logins"] < 2).to_numpy())
    p = fit.predict(rows[rows["logins"] < 2])
    assert few["level"].item() == ""
    assert few["estimate"].item() == pytest.approx((p * (1 - p)).mean() * fit.params["logins"])
    for nobody in (np.zeros(900, dtype=bool), np.ones(3, dtype=bool)):
        with pytest.raises(FitError, match="among says of each of the 900 rows"):
            fit.average_marginal_effects("logins", among=nobody)
    with pytest.raises(FitError, match="no rows to average over"):
        fit.average_marginal_effects("logins", population=rows.head(0))


def test_slopes_far_from_zero(spells):
    # Seconds since 1970: the derivative keeps its digits.
    rows = spells.head(900)
    base = fit_logistic(rows, ["x"], "exact_event").average_marginal_effects("x").iloc[0]
    far = rows.assign(x=1.7e9 + 1e5 * rows["x"])
    found = fit_logistic(far, ["x"], "exact_event").average_marginal_effects("x").iloc[0]
    assert found["estimate"] * 1e5 == pytest.approx(base["estimate"], rel=1e-8)


def test_many_rows_begin_from_a_sample():
    # From 100,000 rows on a sample is fitted first; the optimum must not depend on it.
    random = np.random.default_rng(2)
    n = 100_000
    kinds = pd.DataFrame({"x": np.resize([0.0, 1.0, 2.0], 6), "y": np.repeat([0, 1], 3), "w": [9, 5, 3, 1, 2, 4]})
    frame = kinds.loc[random.choice(6, n, p=kinds["w"] / kinds["w"].sum())].reset_index(drop=True)
    table = frame.groupby(["x", "y"]).size().rename("count").reset_index().astype(float)
    for link in ("logit", "cloglog"):
        many = fit_logistic(frame, ["x"], "y", covariance="model", link=link)
        few = fit_logistic(table, ["x"], "y", weights="count", covariance="model", link=link)
        np.testing.assert_allclose(many.params, few.params, rtol=1e-10)
        np.testing.assert_allclose(many.covariance, few.covariance, rtol=1e-9)
        assert many.iterations < few.iterations
    # A sample without any event is no guess, and no error.
    rare = frame.assign(y=0)
    rare.loc[[5, 77], "y"] = 1
    assert fit_logistic(rare, [], "y").predict(rare.head(1)).item() == pytest.approx(2 / n)


def test_clusters_in_any_order(spells):
    rows = spells.head(1_000).assign(account=np.resize(np.arange(90), 1_000))
    mixed = fit_logistic(rows, ["x", "z"], "exact_event", covariance="cluster", cluster="account")
    ordered = fit_logistic(
        rows.sort_values("account"), ["x", "z"], "exact_event", covariance="cluster", cluster="account"
    )
    np.testing.assert_allclose(mixed.covariance, ordered.covariance, rtol=1e-9)
    # By hand: sums of scores by account.
    x = np.column_stack([np.ones(1_000), rows["x"], rows["z"]])
    p = mixed.predict(rows).to_numpy()
    sums = pd.DataFrame(x * (rows["exact_event"].to_numpy() - p)[:, None]).groupby(rows["account"].to_numpy()).sum()
    bread = np.linalg.inv(x.T @ (x * (p * (1 - p))[:, None]))
    by_hand = bread @ (sums.T.to_numpy() @ sums.to_numpy()) @ bread * 90 / 89
    np.testing.assert_allclose(mixed.covariance, by_hand, rtol=1e-8)
