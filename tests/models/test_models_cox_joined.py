"""Weekly rows: joined where nothing changes, listed by the columns they are at. No number may move."""

import importlib

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError, SeparationError
from whychurn.models import attributable_fraction, fit_cox
from whychurn.models.columns import tally
from whychurn.models.covariates import Level, column_covariates, with_lists
from whychurn.models.cox import AttributableFraction
from whychurn.models.cox.joined_rows import join_rows
from whychurn.models.riskset import place_rows

covariates = importlib.import_module("whychurn.models.covariates")
likelihood = importlib.import_module("whychurn.models.cox.likelihood")
listed_rows = importlib.import_module("whychurn.models.listed_rows")
moments = importlib.import_module("whychurn.models.cox.moments")
rows = importlib.import_module("whychurn.models.cox.rows")

FACTORS = ["plan", "recency", "size", "quarter"]
EVERYTHING = {"strata": "s", "weights": "w", "offset": "o"}


def weekly(accounts=250, seed=5):
    """Draw accounts in weekly rows with gaps and late entry; most weeks change nothing."""
    random = np.random.default_rng(seed)
    pieces = []
    for account in range(accounts):
        weeks = int(random.integers(2, 30))
        start = 7 * np.cumsum(np.ones(weeks, dtype=int)) + int(random.integers(0, 40))
        plan = random.choice(["basic", "pro", "team"], p=[0.7, 0.2, 0.1])
        recency = np.repeat(random.choice(["0-6", "7-29", "30+"], weeks, p=[0.6, 0.3, 0.1]), 6)[:weeks]
        own = pd.DataFrame(
            {
                "id": account // 2,
                "spell": account,
                "start": start,
                "stop": start + 7,
                "plan": plan,
                "size": random.choice(["s", "m", "l"]),
                "recency": recency,
                "quarter": [f"q{(day + 37 * account) // 90 % 4}" for day in start],
                "seats": np.repeat(random.normal(size=weeks), 8)[:weeks],
                "s": "ab"[account % 2],
                "w": random.choice([0.5, 1.0, 2.0]),
                "o": random.choice([0.0, 0.3]),
            }
        )
        # A customer who was away; a week that was cut short.
        own = own[random.random(weeks) > 0.05]
        hazard = 0.02 * np.exp((own["recency"] == "30+") + 0.5 * (own["plan"] == "pro") + 0.3 * own["seats"])
        left = np.flatnonzero(random.random(len(own)) < hazard)
        if left.size:
            own = own.iloc[: left[0] + 1].copy()
            own["e"] = 0
            own.iloc[-1, own.columns.get_loc("e")] = 1
            own.iloc[-1, own.columns.get_loc("stop")] -= int(random.integers(0, 6))
        pieces.append(own.assign(e=own.get("e", 0)))
    frame = pd.concat(pieces, ignore_index=True)
    for name in FACTORS:
        frame[name] = frame[name].astype("category")
    # The usual level is not always the reference.
    frame["plan"] = frame["plan"].cat.reorder_categories(["team", "basic", "pro"])
    return frame


def join(patch):
    patch.setattr(rows, "MERGE_FROM", 0)


def list_columns(patch):
    for module in (likelihood, moments, covariates):
        patch.setattr(module, "COMPILED_FROM", 0)
    patch.setattr(listed_rows, "_SHARE", 1.0)


def both(patch):
    join(patch)
    list_columns(patch)


def several_passes(patch):
    both(patch)
    patch.setattr(moments, "_TABLE_NUMBERS", 40)


def assert_same(one, other):
    scale = float(other.std_errors.min())
    np.testing.assert_allclose(one.params, other.params, rtol=1e-10, atol=1e-10 * scale)
    for name in ("covariance", "naive_covariance"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-10 * scale**2)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)
    assert one.null_log_likelihood == pytest.approx(other.null_log_likelihood, rel=1e-12)
    assert one.score_statistic == pytest.approx(other.score_statistic, rel=1e-10)
    assert (one.n, one.n_events, list(one.params.index)) == (other.n, other.n_events, list(other.params.index))
    for kind in ("martingale", "score", "dfbeta", "schoenfeld"):
        pd.testing.assert_index_equal(one.residuals(kind).index, other.residuals(kind).index)
        np.testing.assert_allclose(one.residuals(kind), other.residuals(kind), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(one.linear_predictor().diff(), other.linear_predictor().diff(), atol=1e-10)
    assert one.concordance().estimate == pytest.approx(other.concordance().estimate, rel=1e-12)
    tests = [fit.test_proportional_hazards()["statistic"] for fit in (one, other)]
    np.testing.assert_allclose(*tests, rtol=1e-8)
    curves = [fit.baseline_cumulative_hazard([50.0, 150.0])["cumulative_hazard"] for fit in (one, other)]
    np.testing.assert_allclose(*curves, rtol=1e-10)


@pytest.mark.parametrize("change", [join, list_columns, both, several_passes])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("options", [{"cluster": "id"}, {"cluster": "id", **EVERYTHING}, {"robust": True}, {}], ids=str)
@pytest.mark.parametrize("terms", [FACTORS, [*FACTORS, "seats"]], ids=["factors", "number"])
def test_joining_and_listing_change_nothing(monkeypatch, change, ties, options, terms):
    frame = weekly()
    plain = fit_cox(frame, terms, "stop", "e", start="start", ties=ties, **options)
    assert plain.merged is None and plain.data.covariates.listed is None
    change(monkeypatch)
    fit = fit_cox(frame, terms, "stop", "e", start="start", ties=ties, **options)
    if change is not list_columns and not options.get("robust"):
        assert fit.data.weights.size < 0.6 * len(frame)
    assert (fit.data.covariates.listed is None) == (change is join)
    assert_same(fit, plain)


def test_joined_and_merged_rows_keep_their_clusters(monkeypatch):
    # Few kinds: most customers are never anything but usual.
    frame = weekly().assign(size="s")
    plain = fit_cox(frame, ["plan"], "stop", "e", start="start", cluster="id")
    monkeypatch.setattr(rows, "MERGE_FROM", 0)
    monkeypatch.setattr(importlib.import_module("whychurn.models.merge_rows"), "_WORTHWHILE", 1)
    fit = fit_cox(frame, ["plan"], "stop", "e", start="start", cluster="id")
    assert fit.data.weights.size < len(frame) / 5
    assert fit.merged.counts.max() > 1
    assert_same(fit, plain)


def test_only_rows_that_follow_unchanged_are_joined():
    start = np.array([0.0, 7, 14, 30, 37, 0, 7, 14])
    stop = np.array([7.0, 14, 21, 37, 44, 7, 14, 20])
    event = np.array([False, False, False, False, True, False, True, False])
    sets = place_rows(start, stop, event, np.zeros(8, dtype=np.int64))
    joined = join_rows(sets, [np.array([1, 1, 2, 2, 2, 2, 2, 2])])
    # Events at 14 and 44: no event lies in the gap from 21 to 30, and none happens to the sixth row either.
    np.testing.assert_array_equal(joined.run, [0, 0, 1, 1, 1, 2, 2, 3])
    np.testing.assert_array_equal(joined.first, [0, 2, 5, 7])
    np.testing.assert_array_equal(joined.last, [1, 4, 6, 7])
    assert join_rows(sets, [np.arange(8)]) is None


def test_missing_values_are_refused_as_ever(monkeypatch):
    join(monkeypatch)
    for column, value in (("plan", None), ("seats", np.nan)):
        frame = weekly()
        frame.loc[7, column] = value
        with pytest.raises(Exception, match=rf"'{column}'.*1 of {len(frame):,} rows \(rows 7\)"):
            fit_cox(frame, [*FACTORS, "seats"], "stop", "e", start="start")


def test_lists_are_the_design(monkeypatch):
    monkeypatch.setattr(covariates, "COMPILED_FROM", 0)
    monkeypatch.setattr(listed_rows, "_SHARE", 1.0)
    random = np.random.default_rng(2)
    n = 9_000
    common, rare = random.choice(4, n, p=[0.1, 0.7, 0.1, 0.1]), random.choice(3, n, p=[0.9, 0.06, 0.04])
    number = random.normal(3.0, 2.0, n)
    columns = [Level(common, 1), Level(common, 2), Level(common, 3), number, Level(rare, 1), Level(rare, 2)]
    scaling, found = with_lists(*column_covariates(columns, n, np.ones(n)))
    x = found.dense()
    np.testing.assert_allclose(scaling.centre, [1, 0, 0, number.mean(), 0, 0], atol=1e-12)
    np.testing.assert_allclose(x.std(axis=0), 1.0)
    assert np.diff(found.listed.ptr).max() <= 3
    beta, hazard, residual = random.normal(size=6), random.random(n), random.normal(size=n)
    np.testing.assert_allclose(found.product(beta), x @ beta, atol=1e-12)
    score, total = found.listed.sums(hazard, residual)
    np.testing.assert_allclose(score, x.T @ residual, atol=1e-9)
    np.testing.assert_allclose(total, x.T @ (hazard[:, None] * x), rtol=1e-10, atol=1e-8)


def test_levels_are_scaled_as_numbers_are():
    random = np.random.default_rng(3)
    codes, weights = random.integers(0, 3, 500), random.random(500)
    columns = [Level(codes, 1), Level(codes, 2), Level(codes, 3)]
    scaling, found = column_covariates(columns, 500, weights)
    x = np.column_stack([codes == level for level in (1, 2, 3)]).astype(float)
    np.testing.assert_allclose(scaling.centre, weights @ x / weights.sum(), atol=1e-15)
    np.testing.assert_allclose(found.dense()[:, 2], 0.0)
    np.testing.assert_allclose(tally(np.zeros(500, dtype=int), weights * found.dense()[:, 0]), 0.0, atol=1e-12)
    np.testing.assert_allclose(weights @ found.dense()[:, :2] ** 2 / weights.sum(), 1.0)


@pytest.mark.parametrize("change", [join, both])
def test_an_infinite_coefficient_is_named(monkeypatch, change):
    frame = weekly()
    frame["plan"] = frame["plan"].astype(str).where(frame["e"] == 0, "team").astype("category")
    messages = []
    for patch in (lambda _: None, change):
        patch(monkeypatch)
        with pytest.raises(SeparationError) as problem:
            fit_cox(frame, FACTORS, "stop", "e", start="start", cluster="id")
        messages.append(problem.value.columns)
    assert messages[0] == messages[1] == ("plan[T.team]",)


@pytest.mark.parametrize("scale", [1.0, -3.0, 40.0])
def test_where_the_search_begins_does_not_decide_where_it_ends(scale):
    frame = weekly()
    plain = fit_cox(frame, FACTORS, "stop", "e", start="start", cluster="id")
    guess = {name: scale * value for name, value in plain.params.items()} | {"no such column": 3.0}
    fit = fit_cox(frame, FACTORS, "stop", "e", start="start", cluster="id", begin=guess)
    assert_same(fit, plain)
    assert fit.iterations < plain.iterations or scale != 1.0


def share(fit, frame, reference):
    found = attributable_fraction(fit, frame, reference, money="mrr", draws=200, seed=4)
    return np.array(
        [getattr(found, name) for name in AttributableFraction.__slots__ if name not in ("draws", "influence")]
    )


EXPOSURES = {
    "level": lambda frame: frame.assign(recency=frame["recency"].where(frame["recency"] != "30+", "0-6")),
    "some": lambda frame: frame.assign(plan=frame["plan"].where(frame["id"] % 3 > 0, "basic")),
    "number": lambda frame: frame.assign(seats=0.25),
    "two": lambda frame: frame.assign(plan="team", seats=1.0),
    "none": lambda frame: frame.copy(),
}


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("options", [{"cluster": "id"}, {"cluster": "id", **EVERYTHING}, {}], ids=str)
def test_shares_from_fewer_rows_and_columns_are_the_same(monkeypatch, exposure, options):
    # Held against the design built whole, at all rows, observed and at reference.
    frame = weekly()
    frame["mrr"] = np.random.default_rng(1).uniform(10, 90, len(frame))
    reference, terms = EXPOSURES[exposure](frame), [*FACTORS, "seats"]
    plain = fit_cox(frame, terms, "stop", "e", start="start", **options)
    with monkeypatch.context() as patch:
        patch.setattr(importlib.import_module("whychurn.models.cox.exposure"), "_of_plain_columns", lambda *_: None)
        expected = share(plain, frame, reference)
    assert (abs(expected[0]) > 1e-3) == (exposure != "none")
    np.testing.assert_allclose(share(plain, frame, reference), expected, rtol=1e-10, atol=1e-12)
    both(monkeypatch)
    joined = fit_cox(frame, terms, "stop", "e", start="start", **options)
    np.testing.assert_allclose(share(joined, frame, reference), expected, rtol=1e-9, atol=1e-10)
    # Text instead of categories is the same exposure.
    as_text = reference.assign(plan=reference["plan"].astype(str), recency=reference["recency"].astype(str))
    np.testing.assert_allclose(share(joined, frame, as_text), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("change", [lambda _: None, both])
@pytest.mark.parametrize("column", ["plan", "seats"])
def test_shares_of_other_rows_are_refused(monkeypatch, change, column):
    frame = weekly().assign(mrr=1.0)
    change(monkeypatch)
    fit = fit_cox(frame, [*FACTORS, "seats"], "stop", "e", start="start")
    other = frame.copy()
    other[column] = frame[column].to_numpy()[::-1]
    with pytest.raises(FitError, match="in their order"):
        share(fit, other, frame)
    with pytest.raises(FitError, match="unseen when fitting"):
        share(fit, frame, frame.assign(plan="gold"))
