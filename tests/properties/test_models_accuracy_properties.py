"""What must not change a measure of accuracy, and what must."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from whychurn.models import (
    auc,
    brier_score,
    calibration_curve,
    concordance,
    lift_table,
    precision_recall_at,
    time_dependent_auc,
    time_dependent_brier,
    uno_concordance,
)

FAST = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def followed(draw):
    """Draw 30 to 80 rows with many ties, and at least one row followed beyond the last time used."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(30, 80))
    frame = pd.DataFrame(
        {
            "p": random.uniform(size=n).round(draw(st.integers(1, 3))),
            "t": random.integers(1, 10, n).astype(float),
            "e": random.integers(0, 2, n),
            "k": random.integers(1, 4, n),
            "g": random.choice(["n", "s"], n),
        }
    )
    for group in ("n", "s"):
        assume(((frame["g"] == group) & (frame["t"] > 5)).any())
    assume((frame["e"] & (frame["t"] <= 2)).any())
    return frame


def numbers(frame, unit=1.0, **options):
    at = [2.5 * unit, 5.0 * unit]
    area = time_dependent_auc(frame, "p", "t", "e", at, group="g", **options)
    score = time_dependent_brier(frame, ["p", "p"], "t", "e", at, group="g", **options)
    uno = uno_concordance(frame, "p", "t", "e", tau=5.0 * unit, group="g", higher_is="riskier", **options)
    whole = score.integrated()
    estimates = [*area.estimate, *score.estimate, *score.null, uno.estimate, whole.estimate, whole.scaled]
    errors = [*area.std_error, *score.std_error, uno.std_error, whole.std_error, whole.scaled_std_error]
    return np.array(estimates), np.array(errors)


@FAST
@given(followed(), st.integers(0, 2**32 - 1), st.sampled_from([1 / 30.4375, 7.0, 365.25]))
def test_order_labels_and_unit_change_nothing(frame, seed, unit):
    again = frame.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    again["g"] = again["g"].map({"n": "zulu", "s": "alpha"})
    again["t"] *= unit
    for ours, theirs in zip(numbers(frame), numbers(again, unit), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@FAST
@given(followed())
def test_weights_stand_for_copies(frame):
    frame["id"] = np.arange(len(frame))
    copies = frame.loc[frame.index.repeat(frame["k"])].reset_index(drop=True)
    # The copies of a row are one cluster, so that even the errors agree. Copies of a row are no pair of rows.
    for ours, theirs in zip(numbers(frame, weights="k", cluster="id"), numbers(copies, cluster="id"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    for function in (auc, brier_score):
        assume(frame["e"].nunique() == 2)
        one, many = function(frame, "p", "e", "k", "id"), function(copies, "p", "e", None, "id")
        assert (one.estimate, one.std_error) == pytest.approx((many.estimate, many.std_error), rel=1e-9, abs=1e-12)


@FAST
@given(followed())
def test_ranking_ignores_the_scale_of_the_score(frame):
    assume(frame["e"].nunique() == 2)
    warped = frame.assign(p=np.exp(3 * frame["p"]))
    assert auc(frame, "p", "e").tidy().equals(auc(warped, "p", "e").tidy())
    mirrored = auc(frame.assign(p=-frame["p"]), "p", "e")
    assert mirrored.estimate + auc(frame, "p", "e").estimate == pytest.approx(1.0, abs=1e-12)
    assert str(uno_concordance(frame, "p", "t", "e")) == str(uno_concordance(warped, "p", "t", "e"))


@FAST
@given(followed())
def test_auc_is_a_concordance(frame):
    # Cases "die" at time 1, controls live on: Harrell's pairs are then the pairs of the AUC.
    assume(frame["e"].nunique() == 2)
    lives = frame.assign(when=2.0 - frame["e"])
    found = concordance(lives, "p", "when", "e", weights="k", higher_is="riskier")
    assert auc(frame, "p", "e", weights="k").estimate == pytest.approx(found.estimate, abs=1e-12)


@FAST
@given(followed(), st.integers(0, 2**32 - 1))
def test_tables_ignore_the_order_of_ties_and_add_up(frame, seed):
    again = frame.sample(frac=1.0, random_state=seed)
    assume(frame["e"].any())
    for function, option in ((lift_table, 7), (precision_recall_at, [1, 11, 30]), (calibration_curve, 5)):
        one, two = (function(rows, "p", "e", option, weights="k").tidy() for rows in (frame, again))
        pd.testing.assert_frame_equal(one, two, rtol=1e-12)
    table = lift_table(frame, "p", "e", 7).tidy()
    assert table["events"].sum() == pytest.approx(frame["e"].sum())
    assert table["n"].sum() == pytest.approx(len(frame))
    assert calibration_curve(frame, "p", "e").tidy()["n"].sum() == len(frame)
