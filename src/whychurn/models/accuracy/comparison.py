"""Compare the accuracy of two predictions of the same rows: the difference and its paired standard error.

Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837, for the AUC; the same argument serves every
measure whose influence is known (Blanche et al. 2015, Biometrics 71:102).
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.accuracy.binary import AucResult, BrierResult
from whychurn.models.accuracy.inference import error_of, with_interval
from whychurn.models.accuracy.time_results import IntegratedBrier, TimeDependentAuc, TimeDependentBrier

Result = TypeVar("Result", AucResult, BrierResult, TimeDependentAuc, TimeDependentBrier, IntegratedBrier)


def accuracy_difference(first: Result, second: Result) -> pd.DataFrame:
    """Return first less second, with paired standard error, interval and p-value; one row per time.

    Parameters
    ----------
    first, second
        Results of the same function for two predictions of the same rows, in the same order.

    Returns
    -------
    DataFrame with estimate, std_error, conf_low, conf_high, p_value, and time first for measures by time.

    Raises
    ------
    FitError
        Different measures, rows or times.
    """
    if type(first) is not type(second):
        raise FitError(f"Compare like with like, not {type(first).__name__} with {type(second).__name__}.")
    times = [getattr(one, "times", np.array([np.nan])) for one in (first, second)]
    if first.contributions.shape != second.contributions.shape or not np.array_equal(
        times[0], times[1], equal_nan=True
    ):
        raise FitError("The two results are not about the same rows, clusters and times.")
    gap = np.atleast_1d(first.estimate) - np.atleast_1d(second.estimate)
    parts = first.contributions - second.contributions
    rows = []
    for value, part in zip(gap, parts.reshape(len(parts), -1).T, strict=True):
        made = with_interval(float(value), error_of(part), first.conf_level, -1.0, 1.0)
        # Two predictions that are one do not differ, and nothing is uncertain about it.
        statistic = made.estimate / made.std_error if made.std_error > 0.0 else (0.0 if value == 0.0 else np.inf)
        rows.append(
            {
                "estimate": made.estimate,
                "std_error": made.std_error,
                "conf_low": made.conf_low,
                "conf_high": made.conf_high,
                "p_value": 2.0 * stats.norm.sf(abs(statistic)) if np.isfinite(made.std_error) else float("nan"),
            }
        )
    table = pd.DataFrame(rows)
    if hasattr(first, "times"):
        table.insert(0, "time", times[0])
    return table
