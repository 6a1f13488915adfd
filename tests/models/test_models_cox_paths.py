"""Survival along changing covariates.

R's survfit(id=) is no oracle for the standard error here: after a change of covariates it applies the new
ones to the hazard since time zero (survival 3.5-3, coxsurv.fit, `dt`). Ours is checked by simulation.
"""

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import FitError
from whychurn.models import fit_cox

SPELL = {"time": "stop", "event": "e", "start": "start"}


def simulate(n, random):
    """Draw subjects whose hazard more than doubles (log 0.8) at a random switch; censored at 15."""
    x, switch = random.normal(size=n), random.integers(1, 10, n).astype(float)
    time = random.exponential(20 * np.exp(-0.5 * x))
    time = np.ceil(10 * np.where(time > switch, switch + (time - switch) * np.exp(-0.8), time)) / 10
    first = pd.DataFrame({"start": 0.0, "stop": np.minimum(time, switch), "e": (time <= switch) * 1, "x": x, "z": 0})
    late = time > switch
    second = pd.DataFrame(
        {"start": switch[late], "stop": np.minimum(time, 15.0)[late], "e": (time[late] <= 15) * 1, "x": x[late], "z": 1}
    )
    return pd.concat([first, second], ignore_index=True)


PATH = pd.DataFrame({"start": [0.0, 5.0], "stop": [5.0, 14.0], "x": [1.0, 1.0], "z": [0, 1], "id": ["a", "a"]})


def test_a_path_that_does_not_change_is_a_plain_prediction():
    fit = fit_cox(simulate(200, np.random.default_rng(1)), ["x", "z"], **SPELL)
    still = PATH.assign(z=1, start=[0.0, 3.0], stop=[3.0, 14.0])
    along = fit.predict_survival_path(still, "id", "start", "stop", [2.0, 8.0, 20.0])
    plain = fit.predict_survival(still.iloc[[0]], [2.0, 8.0])
    for column in ("cumulative_hazard", "survival", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(along[column].iloc[:2], plain[column])
    # Past the end of the path nothing is claimed.
    assert along.iloc[2, 2:].isna().all()


def test_hazards_add_up_over_the_pieces():
    fit = fit_cox(simulate(200, np.random.default_rng(2)), ["x", "z"], **SPELL)
    before, after = (fit.predict_survival(PATH.iloc[[row]], [5.0, 12.0])["cumulative_hazard"] for row in (0, 1))
    found = fit.predict_survival_path(PATH, "id", "start", "stop", [12.0])
    assert found["cumulative_hazard"].item() == pytest.approx(before[0] + after[1] - after[0])


def test_error_along_a_path_by_simulation():
    random = np.random.default_rng(3)
    hazards, errors = [], []
    for _ in range(200):
        fit = fit_cox(simulate(300, random), ["x", "z"], **SPELL)
        row = fit.predict_survival_path(PATH, "id", "start", "stop", [12.0]).iloc[0]
        hazards.append(row["cumulative_hazard"])
        errors.append(row["std_error"] / row["survival"])
    # The spread of 200 draws is itself known to 5%: three of those.
    assert np.mean(errors) == pytest.approx(np.std(hazards), rel=0.15)


def test_bad_paths_are_refused():
    fit = fit_cox(simulate(200, np.random.default_rng(1)), ["x", "z"], **SPELL)
    with pytest.raises(FitError, match="is not after"):
        fit.predict_survival_path(PATH.assign(stop=0.0), "id", "start", "stop", [2.0])
    with pytest.raises(FitError, match="No column 'who'"):
        fit.predict_survival_path(PATH, "who", "start", "stop", [2.0])
