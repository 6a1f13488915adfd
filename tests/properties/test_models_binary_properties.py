"""Laws that any right binary regression obeys on any data."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from whychurn.errors import FitError
from whychurn.models import fit_firth, fit_logistic, net_promoter_score, person_periods

FAST = settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
links = st.sampled_from(["logit", "cloglog"])


@st.composite
def rows(draw):
    """Draw 30 to 70 rows with a number, a factor, an outcome, whole-number weights and an offset."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(30, 70))
    return pd.DataFrame(
        {
            "x": random.normal(size=n).round(2),
            "g": random.choice(["a", "b"], n),
            "y": random.integers(0, 2, n),
            "k": random.integers(1, 4, n),
            "o": random.normal(scale=0.5, size=n).round(2),
        }
    )


def fit_or_skip(frame, **options):
    try:
        return fit_logistic(frame, ["x", "g"], "y", offset="o", covariance="model", **options)
    except FitError:
        assume(False)


def same(a, b, rtol=1e-7, atol=1e-8):
    np.testing.assert_allclose(a.params, b.params, rtol=rtol, atol=atol)
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=rtol, atol=atol)


@FAST
@given(rows(), links, st.integers(0, 2**32 - 1))
def test_order_weights_and_units(frame, link, seed):
    base = fit_or_skip(frame, link=link, weights="k")
    same(base, fit_logistic(frame.sample(frac=1.0, random_state=seed), ["x", "g"], "y", "k", "model", None, link, "o"))
    copies = frame.loc[frame.index.repeat(frame["k"])].reset_index(drop=True)
    same(base, fit_or_skip(copies, link=link))
    scaled = fit_or_skip(frame.assign(x=frame["x"] * 1e3 + 5e4), link=link, weights="k")
    assert scaled.params["x"] * 1e3 == pytest.approx(base.params["x"], rel=1e-7, abs=1e-8)
    assert scaled.log_likelihood == pytest.approx(base.log_likelihood, rel=1e-10)
    turned = fit_or_skip(frame.assign(g=frame["g"].map({"a": "z", "b": "b"})), link=link, weights="k")
    assert turned.params["g[T.z]"] == pytest.approx(-base.params["g[T.b]"], rel=1e-7, abs=1e-8)
    effects = [fit.average_marginal_effects("g")[["estimate", "std_error"]].to_numpy() for fit in (base, turned)]
    np.testing.assert_allclose(effects[0] * [-1.0, 1.0], effects[1], rtol=1e-6, atol=1e-9)


@FAST
@given(rows())
def test_calling_the_outcome_by_its_opposite(frame):
    flipped = frame.assign(y=1 - frame["y"], o=-frame["o"])
    base, other = fit_or_skip(frame), fit_or_skip(flipped)
    np.testing.assert_allclose(base.params, -other.params, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(base.covariance, other.covariance, rtol=1e-7, atol=1e-9)


@FAST
@given(rows(), st.booleans(), st.integers(0, 2**32 - 1))
def test_firth_on_any_rows(frame, separated, seed):
    if separated:
        frame["y"] = (frame["x"] > 0).astype(int)
    base = fit_firth(frame, ["x", "g"], "y", offset="o")
    assert np.isfinite(base.params).all()
    same(base, fit_firth(frame.sample(frac=1.0, random_state=seed), ["x", "g"], "y", offset="o"))
    flipped = fit_firth(frame.assign(y=1 - frame["y"], o=-frame["o"]), ["x", "g"], "y", offset="o")
    np.testing.assert_allclose(base.params, -flipped.params, rtol=1e-6, atol=1e-7)
    table = base.tidy(0.9)
    assert ((table["conf_low"] < table["odds_ratio"]) & (table["odds_ratio"] < table["conf_high"])).all()
    opposite = flipped.tidy(0.9)
    np.testing.assert_allclose(table["conf_low"], 1.0 / opposite["conf_high"], rtol=1e-6)


@FAST
@given(rows(), st.floats(0.3, 3.0), st.floats(0.5, 20.0))
def test_cutting_spells_loses_nothing(frame, width, unit):
    spells = pd.DataFrame({"t": frame["x"].abs() + 0.05, "e": frame["y"], "s": 0.04 * frame["k"] / 4})
    cut = person_periods(spells, "t", "e", start="s", width=width)
    by_spell = cut.groupby(level=0)
    np.testing.assert_allclose(by_spell["exposure"].sum(), spells["t"] - spells["s"], rtol=1e-12)
    assert (by_spell["e"].sum() == spells["e"]).all()
    assert (cut["exposure"] > 0.0).all()
    np.testing.assert_array_equal(by_spell["s"].first(), spells["s"])
    np.testing.assert_array_equal(by_spell["t"].last(), spells["t"])
    # Cutting what is cut changes nothing; nor does the unit of time.
    again = person_periods(cut.drop(columns=["band", "exposure", "log_at_risk"]), "t", "e", start="s", width=width)
    assert len(again) == len(cut)
    other = person_periods(spells.assign(t=spells["t"] * unit, s=spells["s"] * unit), "t", "e", "s", width * unit)
    assert by_spell.size().tolist() == other.groupby(level=0).size().tolist()


@FAST
@given(rows(), st.integers(0, 2**32 - 1))
def test_scores_turned_around(frame, seed):
    scores = pd.DataFrame({"score": np.random.default_rng(seed).integers(0, 11, len(frame)), "w": frame["k"]})
    # Promoters become detractors and the other way round.
    mirror = scores.assign(score=scores["score"].map(lambda s: 0 if s >= 9 else 10 if s <= 6 else s))
    a, b = (net_promoter_score(f, "score", weights="w").tidy().iloc[0] for f in (scores, mirror))
    assert (a["estimate"], a["conf_low"], a["std_error"]) == pytest.approx(
        (-b["estimate"], -b["conf_high"], b["std_error"])
    )
    assert -1.0 <= a["conf_low"] <= a["adjusted_estimate"] <= a["conf_high"] <= 1.0
