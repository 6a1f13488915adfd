"""What large data go through (compiled loops, merged rows, a warm start, passes over slots) changes no number."""

import importlib

import numpy as np
import pandas as pd
import pytest

from whychurn.models import fit_cox
from whychurn.models.merge_rows import merge_equal_rows, merged_sum

likelihood = importlib.import_module("whychurn.models.cox.likelihood")
moments = importlib.import_module("whychurn.models.cox.moments")
covariates = importlib.import_module("whychurn.models.covariates")
rows = importlib.import_module("whychurn.models.cox.rows")
warm = importlib.import_module("whychurn.models.cox.warm_start")

OPTIONS = {"start": "start", "strata": "s", "weights": "w", "offset": "o", "cluster": "id"}


def spells(n=3_000, seed=3, continuous=True):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": random.integers(0, n // 3, n),
            "x": random.normal(size=n) if continuous else random.integers(0, 4, n),
            "flag": random.integers(0, 2, n).astype(bool),
            "plan": pd.Categorical(random.choice(["basic", "pro", "team"], n), ["pro", "basic", "team"]),
            "region": random.choice(["north", "south"], n),
            "seats": random.integers(1, 4, n),
            "s": random.choice(["a", "b"], n),
            "w": random.choice([0.5, 1.0, 2.0], n),
            "o": random.choice([0.0, 0.2], n),
            "start": random.choice([0, 0, 3, 6], n),
        }
    )
    time = random.exponential(6 * np.exp(-0.4 * frame["x"] - 0.3 * frame["flag"]))
    frame["stop"] = frame["start"] + np.ceil(np.minimum(time, 9)).astype(int)
    frame["e"] = (time <= 9).astype(int)
    return frame


def compiled(patch):
    for module in (likelihood, moments, covariates):
        patch.setattr(module, "COMPILED_FROM", 0)


def several_blocks(patch):
    compiled(patch)
    patch.setattr(covariates, "_BLOCK_NUMBERS", 64)
    patch.setattr(covariates, "_BLOCK_ROWS", 300)


def several_passes(patch):
    compiled(patch)
    patch.setattr(moments, "_TABLE_NUMBERS", 40)


def merged(patch):
    patch.setattr(rows, "MERGE_FROM", 0)


def warmed(patch):
    patch.setattr(warm, "WARM_FROM", 0)
    patch.setattr(warm, "_EVENTS_PER_COLUMN", 2)


def assert_same(one, other, residuals=True):
    scale = float(one.std_errors.min())
    np.testing.assert_allclose(one.params, other.params, rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-8, atol=1e-9 * scale**2)
    np.testing.assert_allclose(one.naive_covariance, other.naive_covariance, rtol=1e-8, atol=1e-9 * scale**2)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)
    assert one.null_log_likelihood == pytest.approx(other.null_log_likelihood, rel=1e-12)
    assert one.score_statistic == pytest.approx(other.score_statistic, rel=1e-9)
    assert (one.n, one.n_events, list(one.params.index)) == (other.n, other.n_events, list(other.params.index))
    if residuals:
        for kind in ("martingale", "deviance", "score", "dfbeta", "schoenfeld", "scaled_schoenfeld"):
            pd.testing.assert_index_equal(one.residuals(kind).index, other.residuals(kind).index)
            np.testing.assert_allclose(one.residuals(kind), other.residuals(kind), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(one.linear_predictor().diff(), other.linear_predictor().diff(), atol=1e-8)
        assert one.concordance().estimate == pytest.approx(other.concordance().estimate, rel=1e-12)
        tests = [fit.test_proportional_hazards()["statistic"] for fit in (one, other)]
        np.testing.assert_allclose(*tests, rtol=1e-7)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("change", [compiled, several_blocks, several_passes, warmed])
@pytest.mark.parametrize("terms", [["x", "flag", "plan"], ["x", "plan:region", "C(seats)"]], ids=["plain", "formula"])
def test_large_data_paths_agree_with_the_plain_one(monkeypatch, change, terms, ties):
    frame = spells()
    plain = fit_cox(frame, terms, "stop", "e", ties=ties, **OPTIONS)
    change(monkeypatch)
    assert_same(fit_cox(frame, terms, "stop", "e", ties=ties, **OPTIONS), plain)


@pytest.mark.parametrize("options", [{}, {"strata": "s"}, OPTIONS], ids=["plain", "strata", "everything"])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_merging_equal_rows_changes_nothing(monkeypatch, options, ties):
    frame = spells(6_000, continuous=False)
    # Few kinds of rows, so that merging pays.
    frame = frame.assign(start=0, stop=np.minimum(frame["stop"], 6), w=frame["w"], o=0.0)
    frame["start"] = frame["start"].where(frame["stop"] < 3, 1)
    terms = ["flag", "plan", "C(seats)", "flag:plan"]
    plain = fit_cox(frame, terms, "stop", "e", ties=ties, **options)
    assert plain.merged is None
    merged(monkeypatch)
    fit = fit_cox(frame, terms, "stop", "e", ties=ties, **options)
    assert fit.merged is not None
    assert fit.data.weights.size < len(frame) / 4
    assert_same(fit, plain)


def test_terms_that_depend_on_how_often_values_occur_are_not_merged(monkeypatch):
    merged(monkeypatch)
    frame = spells(6_000, continuous=False).assign(start=0)
    assert fit_cox(frame, ["scale(x)", "plan"], "stop", "e").merged is None
    assert fit_cox(frame, ["x", "plan"], "stop", "e").merged is not None


@pytest.mark.parametrize("dtype", ["Int64", "float32", "int8", "bool", "category", "object"])
def test_columns_of_any_type_take_the_large_paths(monkeypatch, dtype):
    frame = spells()
    frame["y"] = frame["flag"].astype("int8").astype(dtype)
    expected = fit_cox(frame.assign(y=frame["flag"].astype(float)), ["x", "y"], "stop", "e").params.to_numpy()
    for change in (compiled, merged, warmed):
        change(monkeypatch)
    np.testing.assert_allclose(fit_cox(frame, ["x", "y"], "stop", "e").params, expected, rtol=1e-9)


def test_columns_scattered_in_memory_are_read_right(monkeypatch):
    # Neighbours are read as one array where they lie evenly in memory: same column twice, reversed, interleaved.
    frame = spells()
    block = np.asfortranarray(np.random.default_rng(4).normal(size=(len(frame), 6)))
    plain = pd.DataFrame(block.copy(), columns=list("abcdef"))
    views = {"a": block[:, 0], "b": block[:, 1], "f": block[:, 5], "d": block[:, 3], "e": block[:, 4], "c": block[:, 2]}
    scattered = pd.DataFrame(views, copy=False)
    rows = pd.DataFrame(np.ascontiguousarray(block), columns=list("abcdef"))
    compiled(monkeypatch)
    terms = ["f", "a", "b", "e", "d", "c"]
    fits = [fit_cox(made.assign(t=frame["stop"], o=frame["e"]), terms, "t", "o") for made in (plain, scattered, rows)]
    for fit in fits[1:]:
        np.testing.assert_allclose(fit.params, fits[0].params, rtol=1e-12)


def test_rows_of_many_kinds_are_not_merged():
    random = np.random.default_rng(0)
    assert merge_equal_rows([random.integers(0, 400, 5_000), random.integers(0, 400, 5_000)], 5_000) is None
    assert merge_equal_rows([np.arange(5_000)], 5_000) is None


@pytest.mark.parametrize("span", [1, 1 << 30], ids=["table", "sorted"])
def test_merged_rows_name_their_kind(span):
    random = np.random.default_rng(1)
    keys = [random.integers(0, 3, 2_000), random.integers(0, 4, 2_000) * span]
    found = merge_equal_rows(keys, 2_000)
    frame = pd.DataFrame({"a": keys[0], "b": keys[1], "w": random.random(2_000)})
    assert found.first.size == len(frame[["a", "b"]].drop_duplicates())
    for name in ("a", "b"):
        np.testing.assert_array_equal(frame[name].to_numpy()[found.first][found.kind], frame[name])
    np.testing.assert_array_equal(found.counts, np.bincount(found.kind))
    np.testing.assert_allclose(merged_sum(found, frame["w"].to_numpy()), frame.groupby(found.kind)["w"].sum())
    assert all(found.first[kind] == np.flatnonzero(found.kind == kind)[0] for kind in range(found.first.size))


def test_a_warm_start_that_misleads_is_not_followed(monkeypatch):
    frame = spells()
    plain = fit_cox(frame, ["x", "flag"], "stop", "e")
    fitting = importlib.import_module("whychurn.models.cox.fitting")
    monkeypatch.setattr(fitting, "warm_start", lambda *_: np.array([40.0, -35.0]))
    assert_same(fit_cox(frame, ["x", "flag"], "stop", "e"), plain, residuals=False)
