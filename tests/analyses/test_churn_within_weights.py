"""Weights of the risk within the horizon where a group was not followed that long."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from whychurn.analyses.churn_within import weighted_rows


def test_a_group_not_followed_to_the_horizon_has_no_weight():
    intervals = pd.DataFrame(
        {"stop": [3, 20, 12, 2, 4, 1, 2], "event": [1, 0, 0, 1, 0, 1, 1], "plan": list("aaabbcc")},
        index=[5, 5, 6, 7, 8, 9, 9],
    )
    study = SimpleNamespace(churn=SimpleNamespace(censoring_by="plan"), horizon=12.0)
    rows = weighted_rows(SimpleNamespace(intervals=intervals), study)
    # "b" ends with a censoring at 4: nobody can stand for that customer. "c" is known to its end.
    np.testing.assert_array_equal(rows["weight"], [1, 1, 1, 0, 0, 1, 1])
    np.testing.assert_array_equal(rows["followed"], [True, True, True, False, False, True, True])
    np.testing.assert_array_equal(rows["settled"], [True, True, True, True, False, True, True])
    nobody = weighted_rows(SimpleNamespace(intervals=intervals.query("plan == 'b'")), study)
    assert not nobody["weight"].any()
