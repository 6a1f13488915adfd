"""Laws that any right Cox fit obeys on any data: they catch the classic bugs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from whychurn.errors import FitError
from whychurn.models import concordance, fit_cox, fit_kaplan_meier, logrank_test

FAST = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
SPELL = {"time": "stop", "event": "e", "start": "start"}
ties = st.sampled_from(["efron", "breslow"])


@st.composite
def spells(draw):
    """Draw 30 to 80 start-stop rows with many ties, two covariates, strata and whole-number weights."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, months = draw(st.integers(30, 80)), draw(st.integers(2, 12))
    frame = pd.DataFrame(
        {
            "x": random.normal(size=n).round(2),
            "z": random.integers(0, 2, n).astype(float),
            "start": random.integers(0, 4, n).astype(float),
            "s": random.choice(["n", "s"], n),
            "k": random.integers(1, 4, n),
            "e": random.integers(0, 2, n),
        }
    )
    frame["stop"] = frame["start"] + random.integers(1, months + 1, n)
    return frame


def fit_or_skip(frame, terms=("x", "z"), **options):
    """Fit; data on which no fit exists (separation, aliasing) prove nothing about these laws."""
    try:
        return fit_cox(frame, list(terms), **SPELL, **options)
    except FitError:
        assume(False)


def same(a, b, **tolerance):
    tolerance = {"rtol": 1e-8, "atol": 1e-9} | tolerance
    np.testing.assert_allclose(a.params.to_numpy(), b.params.to_numpy(), **tolerance)
    np.testing.assert_allclose(a.covariance.to_numpy(), b.covariance.to_numpy(), **tolerance)


@FAST
@given(spells(), ties, st.integers(0, 2**32 - 1))
def test_splitting_rows_changes_nothing(frame, ties, seed):
    whole = fit_or_skip(frame, ties=ties, strata="s")
    random = np.random.default_rng(seed)
    cut = frame["start"] + (frame["stop"] - frame["start"]) * random.uniform(0.1, 0.9, len(frame))
    split = random.random(len(frame)) < 0.5
    first = frame[split].assign(stop=cut[split], e=0)
    parts = pd.concat([frame[~split], first, frame[split].assign(start=cut[split])], ignore_index=True)
    pieces = fit_cox(parts, ["x", "z"], **SPELL, ties=ties, strata="s")
    same(whole, pieces)
    assert pieces.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-12)
    a, b = whole.concordance(), pieces.concordance()
    assert (a.concordant, a.discordant, a.tied_x) == pytest.approx((b.concordant, b.discordant, b.tied_x))
    times = [1.0, 2.0, 4.0, 7.0]
    curves = [fit_kaplan_meier(rows, "stop", "e", start="start").at(times)["survival"] for rows in (frame, parts)]
    np.testing.assert_allclose(*curves)


@FAST
@given(spells(), ties, st.integers(0, 2**32 - 1))
def test_row_order_and_labels_change_nothing(frame, ties, seed):
    base = fit_or_skip(frame, ties=ties, strata="s")
    shuffled = frame.sample(frac=1.0, random_state=seed)
    shuffled["s"] = shuffled["s"].map({"n": "zulu", "s": "alpha"})
    again = fit_cox(shuffled, ["x", "z"], **SPELL, ties=ties, strata="s")
    same(base, again)
    a, b = base.test_proportional_hazards(), again.test_proportional_hazards()
    np.testing.assert_allclose(a["statistic"], b["statistic"], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(base.residuals("score"), again.residuals("score").loc[frame.index], atol=1e-8)


@FAST
@given(spells(), ties, st.sampled_from([1 / 30.4375, 7.0, 365.25]))
def test_time_unit_changes_nothing(frame, ties, unit):
    base = fit_or_skip(frame, ties=ties)
    # Equal times stay equal under multiplication, so ties stay ties.
    scaled = fit_cox(
        frame.assign(start=frame["start"] * unit, stop=frame["stop"] * unit), ["x", "z"], **SPELL, ties=ties
    )
    same(base, scaled)


@FAST
@given(spells(), ties, st.sampled_from([1e-6, 0.01, 1000.0]), st.sampled_from([0.0, 2020.0]))
def test_units_of_a_covariate_move_its_coefficient_only(frame, ties, unit, origin):
    base = fit_or_skip(frame, ties=ties)
    moved = fit_cox(frame.assign(x=frame["x"] * unit + origin * unit), ["x", "z"], **SPELL, ties=ties)
    assert moved.params["x"] * unit == pytest.approx(base.params["x"], rel=1e-7, abs=1e-9)
    assert moved.params["z"] == pytest.approx(base.params["z"], rel=1e-7, abs=1e-9)
    assert moved.std_errors["x"] * unit == pytest.approx(base.std_errors["x"], rel=1e-7)
    assert moved.log_likelihood == pytest.approx(base.log_likelihood, rel=1e-12)


@FAST
@given(spells())
def test_whole_number_weights_are_copies_under_breslow(frame):
    weighted = fit_or_skip(frame, ties="breslow", weights="k", strata="s")
    copies = frame.loc[frame.index.repeat(frame["k"])].reset_index(drop=True)
    same(weighted, fit_cox(copies, ["x", "z"], **SPELL, ties="breslow", strata="s"))


@FAST
@given(spells(), ties)
def test_weights_matter_by_ratio_only(frame, ties):
    frame["w"], frame["w2"] = frame["k"] * 1.0, frame["k"] * 2.5
    once = fit_or_skip(frame, ties=ties, weights="w", robust=True)
    more = fit_cox(frame, ["x", "z"], **SPELL, ties=ties, weights="w2", robust=True)
    same(once, more)
    np.testing.assert_allclose(more.naive_covariance, once.naive_covariance / 2.5, rtol=1e-8)


@FAST
@given(spells(), ties)
def test_the_reference_level_is_a_matter_of_taste(frame, ties):
    frame["g"] = np.resize(["a", "b", "c"], len(frame))
    first = fit_or_skip(frame, ["g", "x"], ties=ties)
    other = fit_cox(frame, ["C(g, contr.treatment(base='c'))", "x"], **SPELL, ties=ties)
    assert other.log_likelihood == pytest.approx(first.log_likelihood, rel=1e-12)
    assert other.params.iloc[0] == pytest.approx(-first.params["g[T.c]"], abs=1e-8)
    assert other.params["x"] == pytest.approx(first.params["x"], abs=1e-8)
    assert other.wald_test("C(g, contr.treatment(base='c'))").statistic == pytest.approx(
        first.wald_test("g").statistic, rel=1e-7, abs=1e-9
    )


@FAST
@given(spells(), ties)
def test_a_stratum_of_its_own_adds_nothing(frame, ties):
    # Rows with a baseline of their own and one covariate value tell nothing about the coefficients.
    base = fit_or_skip(frame, ties=ties, strata="s")
    alone = pd.concat([frame, frame.assign(s="other", x=1.0, z=1.0)], ignore_index=True)
    same(base, fit_cox(alone, ["x", "z"], **SPELL, ties=ties, strata="s"))


@FAST
@given(spells(), ties)
def test_gradient_vanishes_and_events_are_accounted_for(frame, ties):
    fit = fit_or_skip(frame, ties=ties, strata="s")
    assert np.abs(fit.residuals("score").sum()).max() < 1e-6
    assert abs(fit.residuals("martingale").sum()) < 1e-8
    assert fit.log_likelihood >= fit.null_log_likelihood - 1e-9


@FAST
@given(spells())
def test_concordance_ignores_how_the_score_is_scaled(frame):
    assume(frame["e"].any())
    base = concordance(frame, "x", "stop", "e", start="start", strata="s")
    warped = concordance(frame.assign(x=np.exp(3 * frame["x"])), "x", "stop", "e", start="start", strata="s")
    assert str(base) == str(warped)


@FAST
@given(spells())
def test_logrank_does_not_care_for_names(frame):
    assume(frame["e"].any())
    base = logrank_test(frame, "stop", "e", "s", start="start")
    renamed = logrank_test(frame.assign(s=frame["s"].map({"n": 2, "s": 1})), "stop", "e", "s", start="start")
    np.testing.assert_allclose(base.statistic, renamed.statistic, rtol=1e-9, atol=1e-12)
    assert base.observed.sum() == pytest.approx(base.expected.sum())
