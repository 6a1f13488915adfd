"""Standardised survival: influence functions against brute force, simulation-free; refusals."""

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError
from whychurn.models import fit_cox, standardised_survival

TIMES = [3.0, 6.0]


@pytest.fixture
def frame():
    random = np.random.default_rng(8)
    n = 90
    made = pd.DataFrame(
        {
            "x": random.normal(size=n),
            "plan": random.choice(["basic", "pro"], n),
            "s": random.choice(["a", "b"], n),
            "w": random.uniform(0.5, 2.0, n),
            "id": random.integers(0, 30, n),
        }
    )
    time = random.exponential(5 * np.exp(-0.5 * made["x"] - 0.6 * (made["plan"] == "pro")))
    return made.assign(t=np.ceil(np.minimum(time, 8)), e=(time <= 8).astype(int))


def exposed(frame):
    return {plan: frame.assign(plan=plan) for plan in ("basic", "pro")}


def survival(frame, ties, sampled=True, **options):
    fit = fit_cox(frame, ["x", "plan"], "t", "e", weights="w", ties=ties, **options)
    return standardised_survival(fit, exposed(frame), TIMES, sampled=sampled)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("strata", [(), "s"], ids=["one baseline", "strata"])
def test_standard_errors_are_the_infinitesimal_jackknife(frame, ties, strata):
    found = survival(frame, ties, strata=strata)
    # The influence of a row is the change of the estimate per relative change of its weight.
    step, change = 1e-4, []
    for row in range(len(frame)):
        sides = []
        for sign in (1.0, -1.0):
            moved = frame.copy()
            moved.loc[row, "w"] *= 1.0 + sign * step
            sides.append(survival(moved, ties, strata=strata).curves["survival"].to_numpy())
        change.append((sides[0] - sides[1]) / (2.0 * step))
    change = np.array(change)
    np.testing.assert_allclose(found.curves["std_error"], np.sqrt((change**2).sum(axis=0)), rtol=1e-5)
    between = change[:, 2:] - change[:, :2]
    np.testing.assert_allclose(found.contrasts["std_error"], np.sqrt((between**2).sum(axis=0)), rtol=1e-5)
    grouped = pd.DataFrame(change).groupby(frame["id"]).sum().to_numpy()
    clustered = survival(frame, ties, strata=strata, cluster="id")
    np.testing.assert_allclose(clustered.curves["std_error"], np.sqrt((grouped**2).sum(axis=0)), rtol=1e-5)


def test_a_population_taken_as_it_is_has_the_curve_of_its_rows(frame):
    fit = fit_cox(frame, ["x", "plan"], "t", "e", weights="w")
    one = frame.iloc[[0]]
    found = standardised_survival(fit, {"as is": one}, TIMES, sampled=False)
    single = fit_cox(frame, ["x", "plan"], "t", "e", weights="w", robust=True).predict_survival(one, TIMES)
    np.testing.assert_allclose(found.curves["survival"], single["survival"], rtol=1e-12)
    assert found.contrasts.empty
    assert found.reference == "as is"


def test_limits_hold_the_estimate_and_contrasts_are_differences(frame):
    found = survival(frame, "efron")
    curves = found.curves
    assert ((curves["conf_low"] < curves["survival"]) & (curves["survival"] < curves["conf_high"])).all()
    wide = curves.pivot(index="time", columns="exposure", values="survival")
    np.testing.assert_allclose(found.contrasts["difference"], wide["pro"] - wide["basic"], rtol=1e-12)
    assert (found.contrasts["reference"] == "basic").all()


def test_before_the_first_event_everybody_stays(frame):
    fit = fit_cox(frame, ["x", "plan"], "t", "e", weights="w")
    found = standardised_survival(fit, exposed(frame), [0.0]).curves
    assert (found[["survival", "conf_low", "conf_high"]] == 1.0).all(axis=None)
    assert (found["std_error"] == 0.0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: ({}, TIMES), "at least one population"),
        (lambda f: (exposed(f), []), "finite numbers, at least one"),
        (lambda f: (exposed(f), [np.nan]), "finite numbers, at least one"),
        (lambda f: ({"a": f, "b": f.head(5)}, TIMES), "fitted to 90"),
        (lambda f: ({"a": f.head(5)}, TIMES), "sampled=False"),
        (lambda f: ({"a": f.assign(plan="gold")}, TIMES), "unseen when fitting"),
    ],
)
def test_refusals(frame, change, message):
    fit = fit_cox(frame, ["x", "plan"], "t", "e")
    with pytest.raises(FitError, match=message):
        standardised_survival(fit, *change(frame))


def test_an_unknown_reference_is_named(frame):
    fit = fit_cox(frame, ["x", "plan"], "t", "e")
    with pytest.raises(FitError, match="'gold' is none of"):
        standardised_survival(fit, exposed(frame), TIMES, reference="gold")
