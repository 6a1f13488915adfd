"""Where curves begin, clusters, Nelson-Aalen, comparisons of restricted means: by hand, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from whychurn.errors import FitError
from whychurn.models import fit_kaplan_meier, fit_nelson_aalen, restricted_mean
from whychurn.models.life_table import life_table, life_tables


@pytest.fixture
def late():
    """One row is alone at risk at 1 and has the event: without a floor the curve is zero for ever."""
    return pd.DataFrame(
        {"b": [0, 2, 2, 2, 3, 3], "t": [1, 4, 5, 6, 6, 8], "e": [1, 1, 0, 1, 0, 0], "g": ["x"] * 6, "w": 1.5}
    )


def test_a_tiny_risk_set_sends_the_curve_to_zero_and_says_so(late):
    fit = fit_kaplan_meier(late, "t", "e", start="b")
    assert (fit.curve["survival"] == 0).all()
    assert "everybody at risk at 1 had the event (n = 1)" in fit.notes[0]


@pytest.mark.parametrize("options", [{"min_at_risk": 2}, {"conditional_on": 1}])
def test_floor_and_conditional_start_by_hand(late, options):
    # After 1: at 4 five are at risk, at 6 three: 4/5 and 4/5 * 2/3.
    fit = fit_kaplan_meier(late, "t", "e", start="b", **options)
    np.testing.assert_allclose(fit.curve["survival"], [4 / 5, 4 / 5, 8 / 15, 8 / 15])
    assert list(fit.curve["n_at_risk"]) == [5, 4, 3, 1]
    assert fit.skipped.to_dict("records") == [{"group": "all", "begins": 1.0, "n_skipped": 1, "n_events_skipped": 1}]
    assert (fit.n["all"], fit.n_events["all"]) == (5, 3 - 1)
    assert "conditional on staying past 1; 1 rows" in fit.notes[0]
    found = fit.at([0.5, 1, 4])
    assert found.iloc[0][["n_at_risk", "survival", "conf_low"]].isna().all()
    assert list(found["survival"])[1:] == [1.0, 0.8]
    hazard = fit_nelson_aalen(late, "t", "e", start="b", **options)
    np.testing.assert_allclose(hazard.curve["cumulative_hazard"], [1 / 5, 1 / 5, 8 / 15, 8 / 15])
    assert math.isnan(hazard.at([0.5])["cumulative_hazard"].item())


def test_a_floor_looks_at_the_beginning_only(late):
    # At 8 one is left, without an event; at 6 three. A floor of four concerns neither: the risk set peaks at 4.
    assert fit_kaplan_meier(late, "t", "e", start="b", min_at_risk=4).skipped["begins"].item() == 1
    # Without late entry the risk set is largest at once.
    assert fit_kaplan_meier(late, "t", "e", min_at_risk=6).skipped["n_skipped"].item() == 0


def test_conditional_survival_is_a_ratio_of_survivals():
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"t": random.integers(1, 25, 300), "e": random.integers(0, 2, 300)})
    whole = fit_kaplan_meier(frame, "t", "e").at([6, 9, 15, 20])["survival"].to_numpy()
    part = fit_kaplan_meier(frame, "t", "e", conditional_on=6)
    np.testing.assert_allclose(part.at([9, 15, 20])["survival"], whole[1:] / whole[0], rtol=1e-13)
    # Events at the time itself are behind, not ahead.
    assert part.curve["time"].min() > 6
    assert part.at([6])["n_at_risk"].item() == (frame["t"] > 6).sum()


def test_begin_refusals(late):
    for options, words in [
        ({"conditional_on": 8}, "Nobody of group 'all' is followed past 8"),
        ({"conditional_on": -1}, "zero or later"),
        ({"conditional_on": math.nan}, "zero or later"),
        ({"min_at_risk": 7}, r"never has 7 at risk \(at most 5\)"),
        ({"min_at_risk": 0}, "positive number"),
        ({"cluster": "g", "robust": False}, "robust variance"),
    ]:
        with pytest.raises(FitError, match=words):
            fit_kaplan_meier(late, "t", "e", start="b", **options)


def test_clusters_of_one_row_are_rows_and_one_cluster_is_refused(late):
    rows = fit_kaplan_meier(late, "t", "e", start="b", weights="w", conditional_on=1).curve
    own = fit_kaplan_meier(
        late.assign(id=range(6)), "t", "e", start="b", weights="w", cluster="id", conditional_on=1
    ).curve
    pd.testing.assert_frame_equal(rows, own)
    # The influences of all rows add up to nothing: the curve would seem certain.
    with pytest.raises(FitError, match="at least two clusters"):
        fit_kaplan_meier(late, "t", "e", start="b", cluster="g", conditional_on=1)


def test_influences_by_brute_force():
    random = np.random.default_rng(12)
    n = 40
    frame = pd.DataFrame(
        {"b": random.integers(0, 4, n), "w": random.uniform(0.3, 2, n), "id": random.integers(0, 12, n)}
    )
    frame["t"], frame["e"] = frame["b"] + random.integers(1, 6, n), random.integers(0, 2, n)
    frame.loc[n] = [0, 1.0, 99, 20, 0]

    def hazard(weights, ties):
        fit = fit_nelson_aalen(frame.assign(w=weights), "t", "e", start="b", weights="w", ties=ties)
        return fit.curve["cumulative_hazard"].to_numpy()

    for ties in ("aalen", "fleming-harrington"):
        weights = frame["w"].to_numpy()
        influence = []
        for row in range(n + 1):
            step = 1e-5 * np.eye(n + 1)[row]
            influence.append(weights[row] * (hazard(weights + step, ties) - hazard(weights - step, ties)) / 2e-5)
        by_row = np.sqrt((np.array(influence) ** 2).sum(axis=0))
        by_cluster = np.sqrt((pd.DataFrame(influence).groupby(frame["id"].to_numpy()).sum() ** 2).sum())
        for cluster, expected in ((None, by_row), ("id", by_cluster)):
            fit = fit_nelson_aalen(frame, "t", "e", start="b", weights="w", ties=ties, cluster=cluster)
            np.testing.assert_allclose(fit.curve["std_error"], expected, rtol=1e-6)


def test_nelson_aalen_by_hand():
    # Two of five at 1, one of two at 3.
    frame = pd.DataFrame({"t": [1, 1, 2, 3, 4], "e": [1, 1, 0, 1, 0]})
    plain = fit_nelson_aalen(frame, "t", "e", conf_type="plain").curve
    np.testing.assert_allclose(plain["cumulative_hazard"], [0.4, 0.4, 0.9, 0.9])
    np.testing.assert_allclose(plain["std_error"] ** 2, [2 / 25, 2 / 25, 2 / 25 + 1 / 4, 2 / 25 + 1 / 4])
    assert plain["conf_low"].iloc[0] == 0.0
    tied = fit_nelson_aalen(frame, "t", "e", ties="fleming-harrington").curve
    np.testing.assert_allclose(tied["cumulative_hazard"].iloc[[0, 2]], [1 / 5 + 1 / 4, 1 / 5 + 1 / 4 + 1 / 2])
    np.testing.assert_allclose(tied["std_error"].iloc[0] ** 2, 1 / 25 + 1 / 16)
    low, high = tied["conf_low"].iloc[0], tied["conf_high"].iloc[0]
    assert low * high == pytest.approx(0.45**2)
    at = fit_nelson_aalen(frame, "t", "e").at([0, 3.5, 5])
    np.testing.assert_allclose(at["cumulative_hazard"], [0, 0.9, np.nan])


def test_nelson_aalen_refusals_and_no_events():
    frame = pd.DataFrame({"t": [1.0, 2.0], "e": [0, 0]})
    none = fit_nelson_aalen(frame, "t", "e").curve
    assert (none[["cumulative_hazard", "std_error", "conf_low", "conf_high"]] == 0).all().all()
    for options, words in [({"ties": "efron"}, "ties is one"), ({"conf_type": "log-log"}, "conf_type is one")]:
        with pytest.raises(FitError, match=words):
            fit_nelson_aalen(frame, "t", "e", **options)
    with pytest.raises(FitError, match="no rows"):
        fit_nelson_aalen(frame.iloc[:0], "t", "e")
    with pytest.raises(FitError, match="missing or infinite"):
        fit_nelson_aalen(frame.assign(t=[1.0, math.inf]), "t", "e")


@pytest.fixture
def three():
    random = np.random.default_rng(4)
    frame = pd.DataFrame({"g": np.resize(list("abc"), 240), "t": random.integers(1, 20, 240)})
    frame["e"] = random.uniform(size=240) < frame["g"].map({"a": 0.3, "b": 0.5, "c": 0.9})
    return frame


def test_comparisons_of_restricted_means(three):
    found = restricted_mean(three, "t", "e", tau=12, group="g")
    mean = found.means.set_index("group")
    a, b = mean.loc["c"], mean.loc["a"]
    row = found.differences.query("group == 'c' and reference == 'a'").iloc[0]
    error = math.hypot(a["std_error"], b["std_error"])
    assert row["estimate"] == pytest.approx(a["estimate"] - b["estimate"])
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(abs(row["estimate"]) / error))
    row = found.ratios.query("group == 'c' and reference == 'a'").iloc[0]
    error = math.hypot(a["std_error"] / a["estimate"], b["std_error"] / b["estimate"])
    assert row["estimate"] == pytest.approx(a["estimate"] / b["estimate"])
    assert row["conf_low"] == pytest.approx(row["estimate"] * math.exp(-1.959963984540054 * error))
    # Holm by hand: three times the smallest.
    p = np.sort(found.differences["p_value"])
    assert np.sort(found.differences["p_adjusted"])[0] == pytest.approx(min(3 * p[0], 1))
    against = restricted_mean(three, "t", "e", tau=12, group="g", reference="b").differences
    assert list(against["group"]) == ["a", "c"]
    # Turned round, only the sign changes.
    both = pd.concat([found.differences.query("group == 'b'"), against.query("group == 'a'")])
    assert both["estimate"].sum() == pytest.approx(0, abs=1e-12)


def test_conditional_restricted_mean(three):
    curve = fit_kaplan_meier(three, "t", "e", conditional_on=5).at(np.arange(5, 12))["survival"]
    found = restricted_mean(three, "t", "e", tau=12, conditional_on=5)
    assert found.means["estimate"].item() == pytest.approx(curve.sum())
    assert found.begins == 5
    only = three[three["t"] > 5].assign(t=lambda rows: rows["t"] - 5)
    moved = restricted_mean(only, "t", "e", tau=7).means
    assert found.means["std_error"].item() == pytest.approx(moved["std_error"].item())


def test_restricted_mean_refusals_and_notes(three):
    for options, words in [
        ({"tau": 4, "conditional_on": 4}, "not after conditional_on"),
        ({"tau": 4, "adjust": "none"}, "adjust is one"),
        ({"tau": 4, "group": "g", "reference": "z"}, "reference 'z' is no group"),
        ({"tau": math.nan}, "positive number"),
    ]:
        with pytest.raises(FitError, match=words):
            restricted_mean(three, "t", "e", **options)
    late = three.assign(b=0.5)
    assert "nobody is at risk before 0.5" in restricted_mean(late, "t", "e", tau=4, start="b").means["note"].item()
    # Nobody leaves: the mean is the horizon, without error, and there is nothing to test.
    still = restricted_mean(three.assign(e=0), "t", "e", tau=4, group="g")
    assert (still.means["estimate"] == 4).all()
    assert still.differences["p_value"].isna().all()


def test_counted_and_sorted_tables_agree():
    random = np.random.default_rng(6)
    n = 500
    codes, stop = random.integers(0, 4, n), random.integers(5, 40, n).astype(float)
    start, event, weights = (
        stop - random.integers(1, 6, n),
        random.integers(0, 2, n) == 1,
        random.integers(1, 4, n) * 0.5,
    )
    for begin, mass in ((None, None), (start, None), (None, weights), (start, weights)):
        counted = life_tables(codes, 4, begin, stop, event, mass)
        # Halves are no whole numbers, so these are sorted; everything but the times is the same.
        sorted_ = life_tables(codes, 4, None if begin is None else begin + 0.5, stop + 0.5, event, mass)
        for code in range(4):
            mine = codes == code
            alone = life_table(None if begin is None else begin[mine], stop[mine], event[mine],
                               None if mass is None else mass[mine])  # fmt: skip
            for name in ("at_risk", "events", "censored", "tied", "entering"):
                np.testing.assert_allclose(getattr(counted[code], name), getattr(sorted_[code], name))
                np.testing.assert_allclose(getattr(counted[code], name), getattr(alone, name))
            np.testing.assert_array_equal(counted[code].time + 0.5, sorted_[code].time)


def test_group_columns_of_every_kind():
    from whychurn.models.columns import read_groups

    frame = pd.DataFrame({"i": [7, -2, 7], "big": [2**62, 5, 5], "u": np.array([2**64 - 1, 3, 3], dtype=np.uint64)})
    frame["f"], frame["b"], frame["s"] = [1.5, 0.5, 0.5], [True, False, True], ["y", "x", "y"]
    frame["c"] = pd.Categorical(["y", "x", "y"], categories=["y", "never", "x"])
    expected = {"i": ("-2", "7"), "big": ("5", str(2**62)), "u": ("3", str(2**64 - 1)), "f": ("0.5", "1.5"),
                "b": ("False", "True"), "s": ("x", "y"), "c": ("y", "x")}  # fmt: skip
    for name, labels in expected.items():
        codes, found = read_groups(frame, name)
        assert found == labels
        assert [found[code] for code in codes] == [str(value) for value in frame[name]]
        assert codes.dtype == np.int64
    for name in ("s", "c", "f"):
        with pytest.raises(FitError, match=rf"'{name}' is missing in 1 of 3 rows"):
            read_groups(frame.assign(**{name: frame[name].where([True, False, True])}), name)


def test_degenerate_rows_have_defined_answers():
    one = pd.DataFrame({"t": [0.0], "e": [1]})
    assert fit_kaplan_meier(one, "t", "e").curve["survival"].item() == 0.0
    assert fit_nelson_aalen(one, "t", "e", ties="fleming-harrington").curve["cumulative_hazard"].item() == 1.0
    tied = pd.DataFrame({"t": [4] * 6, "e": [1, 1, 0, 0, 1, 0]})
    assert fit_kaplan_meier(tied, "t", "e").curve["survival"].item() == 0.5
    assert restricted_mean(tied, "t", "e", tau=4).means["estimate"].item() == 4
    assert math.isnan(restricted_mean(tied, "t", "e", tau=5).means["estimate"].item())
    # Everybody gone at once: a mean of zero has no ratio.
    gone = pd.DataFrame({"t": [0, 0, 2, 3], "e": 1, "g": list("aabb")})
    found = restricted_mean(gone, "t", "e", tau=3, group="g")
    assert found.means["estimate"].iloc[0] == 0
    assert math.isnan(found.ratios["p_value"].item())
    for fit in (fit_kaplan_meier(tied, "t", "e"), fit_nelson_aalen(tied, "t", "e")):
        with pytest.raises(FitError, match="times are finite numbers"):
            fit.at([1.0, math.nan])


@pytest.mark.parametrize("change", [{"t": [1.0, math.nan]}, {"t": [-1.0, 2.0]}, {"e": [0, 2]}, {"w": [0.0, 1.0]}])
def test_unreadable_rows_are_refused_by_all(change):
    from whychurn.models import hazard_by_time, smooth_hazard

    frame = pd.DataFrame({"t": [1.0, 2.0], "e": [0, 1], "w": 1.0}).assign(**change)
    weighted = {"weights": "w"}
    with pytest.raises(FitError, match="in 1 of 2 rows"):
        fit_kaplan_meier(frame, "t", "e", **weighted)
    with pytest.raises(FitError, match="in 1 of 2 rows"):
        fit_nelson_aalen(frame, "t", "e", **weighted)
    if "w" not in change:
        for call in (
            lambda: restricted_mean(frame, "t", "e", tau=1),
            lambda: hazard_by_time(frame, "t", "e", [0, 2]),
            lambda: smooth_hazard(frame, "t", "e", 1),
        ):
            with pytest.raises(FitError, match="in 1 of 2 rows"):
                call()
