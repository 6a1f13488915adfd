"""What no curve, test or rate may depend on: row order, labels, the unit of time, where a row is cut."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from whychurn.models import (
    fit_kaplan_meier,
    fit_nelson_aalen,
    hazard_by_time,
    logrank_test,
    restricted_mean,
    smooth_hazard,
)

few = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 10_000)


def frame_of(seed, n=60):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"g": random.choice(["a", "b", "c"], n), "b": random.integers(0, 4, n), "id": np.arange(n)})
    frame["t"], frame["e"] = frame["b"] + random.integers(1, 9, n), random.integers(0, 2, n)
    frame["w"] = random.integers(1, 4, n)
    # Everybody can be compared: each group has somebody from beginning to end, and an event.
    ends = pd.DataFrame({"g": list("abc"), "b": 0, "id": range(n, n + 3), "t": 14, "e": 0, "w": 1})
    starts = ends.assign(t=3, e=1, id=range(n + 3, n + 6))
    return pd.concat([frame, ends, starts], ignore_index=True)


def everything(frame, unit=1.0, **options):
    """Return every number that the estimators of this theme give for a frame, free of the unit."""
    late = {"start": "b", "group": "g"}
    curve = fit_kaplan_meier(frame, "t", "e", **late, conditional_on=unit, **options).curve
    hazard = fit_nelson_aalen(frame, "t", "e", **late, **options).curve
    test = logrank_test(frame, "t", "e", start="b", group="g", rho=0.5, gamma=1, **options)
    parts = [
        curve[["survival", "std_error", "conf_low", "conf_high"]].to_numpy().ravel(),
        hazard[["cumulative_hazard", "std_error", "conf_low"]].to_numpy().ravel(),
        [test.statistic, test.trend().z],
    ]
    if not options:
        means = restricted_mean(frame, "t", "e", tau=9 * unit, **late, adjust="bh")
        rates = hazard_by_time(frame, "t", "e", unit * np.array([0, 2, 9]), **late, marks=[6 * unit], step=unit)
        smooth = smooth_hazard(frame, "t", "e", 3 * unit, **late, step=unit, at=unit * np.arange(12.0))
        parts += [
            means.means["estimate"] / unit,
            means.differences["std_error"] / unit,
            rates.rates[["rate", "conf_low"]].to_numpy().ravel() * unit,
            rates.marks["ratio"],
            smooth.curve[["hazard", "std_error"]].to_numpy().ravel() * unit,
        ]
    return np.concatenate([np.asarray(part, dtype=float) for part in parts])


@few
@given(seeds)
def test_row_order_says_nothing(seed):
    frame = frame_of(seed)
    shuffled = frame.sample(frac=1, random_state=seed)
    np.testing.assert_allclose(everything(shuffled), everything(frame), rtol=1e-9, atol=1e-12)


@few
@given(seeds, st.sampled_from([0.37, 2.0, 30.4375, 1e5]))
def test_the_unit_of_time_says_nothing(seed, unit):
    frame = frame_of(seed)
    scaled = frame.assign(b=frame["b"] * unit, t=frame["t"] * unit)
    np.testing.assert_allclose(everything(scaled, unit), everything(frame), rtol=1e-8, atol=1e-12)


@few
@given(seeds)
def test_labels_say_nothing(seed):
    frame = frame_of(seed)
    expected = everything(frame)
    for names in ({"a": 1, "b": 2, "c": 10}, {"a": "x", "b": "y", "c": "z"}, {"a": 0.5, "b": 1.5, "c": 2.5}):
        np.testing.assert_allclose(everything(frame.assign(g=frame["g"].map(names))), expected, rtol=1e-12)
    category = frame.assign(g=pd.Categorical(frame["g"], categories=["a", "none", "b", "c"]))
    np.testing.assert_allclose(everything(category), expected, rtol=1e-12)


@few
@given(seeds)
def test_cutting_a_row_in_two_says_nothing(seed):
    frame = frame_of(seed)
    long = frame["t"] - frame["b"] > 2
    cut = frame["b"] + 1.5
    parts = pd.concat(
        [frame[~long], frame[long].assign(t=cut[long], e=0), frame[long].assign(b=cut[long])], ignore_index=True
    )

    def of(rows):
        times = np.arange(1.0, 14.0)
        options = {"start": "b", "group": "g"}
        curve = fit_kaplan_meier(rows, "t", "e", **options, min_at_risk=2).at(times)
        clustered = fit_kaplan_meier(rows, "t", "e", **options, cluster="id").at(times)
        test = logrank_test(rows, "t", "e", start="b", group="g", gamma=1)
        rates = hazard_by_time(rows, "t", "e", [0, 4, 9], **options).rates
        return np.concatenate(
            [
                curve[["n_at_risk", "survival", "conf_low"]].to_numpy().ravel(),
                clustered["std_error"],
                [test.statistic],
                rates[["time_at_risk", "rate"]].to_numpy().ravel(),
            ]
        )

    np.testing.assert_allclose(of(parts), of(frame), rtol=1e-7, atol=1e-9)


@few
@given(seeds)
def test_whole_weights_are_copies(seed):
    frame = frame_of(seed)
    copies = frame.loc[frame.index.repeat(frame["w"])].assign(one=1)
    np.testing.assert_allclose(everything(frame, weights="w"), everything(copies, weights="one"), rtol=1e-9, atol=1e-12)
