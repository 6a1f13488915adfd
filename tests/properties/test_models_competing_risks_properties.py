"""Laws that any right estimate of competing risks or recurrent events obeys on any data."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from whychurn.errors import FitError
from whychurn.models import (
    fit_aalen_johansen,
    fit_fine_gray,
    fit_kaplan_meier,
    gap_times,
    gray_test,
    mean_cumulative_function,
    mean_cumulative_test,
)

FAST = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)
LATE = {"time": "stop", "event": "e", "start": "start"}


@st.composite
def customers(draw):
    """Draw 20 to 70 rows with many ties, three causes, late entry and whole-number weights."""
    random = np.random.default_rng(draw(seeds))
    n, months = draw(st.integers(20, 70)), draw(st.integers(1, 10))
    frame = pd.DataFrame(
        {
            "x": random.normal(size=n).round(2),
            "g": random.choice(list("abc"), n),
            "s": random.choice(["n", "s"], n),
            "k": random.integers(1, 4, n),
            "start": random.integers(0, 4, n).astype(float),
            "e": np.concatenate(([0, 1, 2, 3], random.integers(0, 4, n - 4))),
        }
    )
    frame["stop"] = frame["start"] + random.integers(1, months + 1, n)
    return frame


@FAST
@given(customers())
def test_shares_add_up_and_merged_causes_are_kaplan_meier(frame):
    fit = fit_aalen_johansen(frame, **LATE, group="g")
    total = fit.curve.groupby(["group", "time"])["incidence"].sum().to_numpy()
    free = fit.event_free()
    np.testing.assert_allclose(total + free["survival"], 1.0, atol=1e-12)
    merged = frame.assign(e=(frame["e"] > 0).astype(int))
    one = fit_aalen_johansen(merged, **LATE, group="g").curve
    whole = fit_kaplan_meier(merged, "stop", "e", start="start", group="g").curve
    np.testing.assert_allclose(one["incidence"], 1.0 - whole["survival"], atol=1e-12)
    np.testing.assert_allclose(free["survival"], whole["survival"], atol=1e-12)
    np.testing.assert_allclose(one["std_error"], free["std_error"], atol=1e-12)
    # Without late entry Greenwood's formula is the infinitesimal jackknife of Kaplan-Meier.
    one = fit_aalen_johansen(merged, "stop", "e", group="g").curve
    whole = fit_kaplan_meier(merged, "stop", "e", group="g").curve
    known = whole["survival"] > 1e-9
    np.testing.assert_allclose(one["std_error"][known], whole["std_error"][known], atol=1e-9)


@FAST
@given(customers(), seeds)
def test_order_names_and_units_change_nothing(frame, seed):
    names = {0: "still here", 1: "zulu", 2: "mike", 3: "alpha"}
    other = frame.sample(frac=1.0, random_state=seed).assign(e=lambda d: d["e"].map(names))
    other[["start", "stop"]] *= 30.5
    times = np.array([1.0, 3.0, 6.0])
    a = fit_aalen_johansen(frame, **LATE, weights="k").at(times)
    b = fit_aalen_johansen(other, **LATE, weights="k", censored="still here").at(times * 30.5)
    for code, name in names.items():
        columns = ["incidence", "std_error", "conf_low", "conf_high", "n_at_risk", "n_events"]
        mine, theirs = a.loc[a["cause"] == str(code), columns], b.loc[b["cause"] == name, columns]
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)
    a = gray_test(frame, "stop", "e", "g", strata="s").tests.set_index("cause")
    b = gray_test(other, "stop", "e", "g", strata="s", censored="still here").tests.set_index("cause")
    for code, name in list(names.items())[1:]:
        assert a.loc[str(code), "statistic"] == pytest.approx(b.loc[name, "statistic"], rel=1e-7, abs=1e-9, nan_ok=True)


@FAST
@given(customers())
def test_weights_are_replication(frame):
    copies = frame.loc[frame.index.repeat(frame["k"])].assign(id=lambda d: d.index)
    weighted = fit_aalen_johansen(frame, **LATE, weights="k", group="g")
    repeated = fit_aalen_johansen(copies, **LATE, group="g")
    columns = ["time", "n_at_risk", "n_events", "n_censored", "incidence"]
    np.testing.assert_allclose(weighted.curve[columns], repeated.curve[columns], atol=1e-10)
    # The unit of the weights is nothing.
    doubled = fit_aalen_johansen(frame.assign(k=frame["k"] * 2.5), **LATE, weights="k", group="g")
    columns = ["incidence", "std_error", "conf_low", "conf_high"]
    np.testing.assert_allclose(doubled.curve[columns], weighted.curve[columns], atol=1e-9)


@FAST
@given(customers(), seeds)
def test_splitting_rows_changes_nothing(frame, seed):
    random = np.random.default_rng(seed)
    frame["id"] = np.arange(len(frame))
    cut = frame["start"] + (frame["stop"] - frame["start"]) * random.uniform(0.1, 0.9, len(frame))
    split = random.random(len(frame)) < 0.5
    first = frame[split].assign(stop=cut[split], e=0)
    rows = pd.concat([frame[split].assign(start=cut[split]), frame[~split], first], ignore_index=True)
    whole = fit_aalen_johansen(frame, **LATE, group="g")
    parts = fit_aalen_johansen(rows, **LATE, group="g", subject="id")
    np.testing.assert_allclose(
        whole.curve.drop(columns=["group", "cause"]), parts.curve.drop(columns=["group", "cause"])
    )
    lost, again = (fit.restricted_time_lost(2.5).means for fit in (whole, parts))
    np.testing.assert_allclose(lost[["estimate", "std_error"]], again[["estimate", "std_error"]], atol=1e-12)
    # A change of weight keeps the pieces apart: then it is the squared sums that must put them together.
    nearly = rows.assign(w=np.where(rows["e"] == 0, 1.0 + 1e-13, 1.0))
    apart = fit_aalen_johansen(nearly, **LATE, group="g", subject="id", weights="w").at([1.0, 2.5, 5.0])
    columns = ["incidence", "std_error", "n_events"]
    np.testing.assert_allclose(apart[columns], whole.at([1.0, 2.5, 5.0])[columns], rtol=1e-6, atol=1e-7)


@FAST
@given(customers(), st.sampled_from(["efron", "breslow", "crr"]), seeds)
def test_fine_gray_does_not_see_order_units_or_pieces(frame, kind, seed):
    options = {"method": "crr"} if kind == "crr" else {"method": "finegray", "ties": kind}
    late = {} if kind == "crr" else {"start": "start"}

    def fit(rows, **more):
        return fit_fine_gray(rows, ["x"], "stop", "e", 1, **options, **more)

    try:
        base = fit(frame, **late)
    except FitError:
        assume(False)
    other = frame.sample(frac=1.0, random_state=seed)
    other[["start", "stop"]] *= 30.5
    other["x"] = 5.0 - 10.0 * other["x"]
    moved = fit(other, **late)
    np.testing.assert_allclose(moved.params * -10.0, base.params, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(moved.covariance * 100.0, base.covariance, rtol=1e-6)
    if kind == "crr":
        return
    frame["id"] = np.arange(len(frame))
    long = frame["stop"] - frame["start"] > 1
    first = frame[long].assign(stop=frame["start"] + 0.5, e=0)
    pieces = pd.concat([frame[long].assign(start=frame["start"] + 0.5), first, frame[~long]], ignore_index=True)
    split = fit(pieces, **late, subject="id")
    np.testing.assert_allclose(split.params, base.params, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(split.covariance, base.covariance, rtol=1e-6)


@FAST
@given(customers(), seeds)
def test_recurrent_events_do_not_see_order_units_or_pieces(frame, seed):
    random = np.random.default_rng(seed)
    rows = frame.assign(id=random.integers(0, 12, len(frame)), e=(frame["e"] > 1).astype(int))
    # One spell after another for every customer.
    length = rows["stop"] - rows["start"]
    rows["stop"] = length.groupby(rows["id"]).cumsum()
    rows["start"] = rows["stop"] - length
    rows["g"] = np.where(rows["id"] % 2 == 0, "even", "odd")
    assume(rows["e"].any())
    assume(rows["g"].nunique() == 2)
    moved = rows.sample(frac=1.0, random_state=seed).assign(
        start=lambda d: d["start"] * 12, stop=lambda d: d["stop"] * 12
    )
    moved["half"] = (moved["start"] + moved["stop"]) / 2
    pieces = pd.concat([moved.assign(stop=moved["half"], e=0), moved.assign(start=moved["half"])])
    call = {"time": "stop", "event": "e", "subject": "id", "start": "start"}
    times = np.array([1.0, 4.0, 9.0])
    columns = ["mean_events", "std_error", "poisson_std_error", "conf_low", "conf_high"]
    base = mean_cumulative_function(rows, **call, group="g").at(times)[columns]
    found = mean_cumulative_function(pieces, **call, group="g").at(times * 12)[columns]
    np.testing.assert_allclose(base, found, rtol=1e-9, atol=1e-10)
    a, b = (mean_cumulative_test(part, **call, group="g") for part in (rows, pieces))
    assert a.statistic == pytest.approx(b.statistic, rel=1e-7, abs=1e-9, nan_ok=True)
    clocks = gap_times(pieces, "id", "start", "stop", "e")
    assert (clocks["gap_stop"] <= clocks["service_stop"] + 1e-9).all()
    assert (clocks["service_stop"] <= clocks["total_stop"] + 1e-9).all()
