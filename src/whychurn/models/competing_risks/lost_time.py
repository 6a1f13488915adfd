"""Mean time lost to each cause within a horizon, and its difference between groups.

Source: Andersen (2013), Statist. Med. 32:5278-5285. The losses to all causes and the restricted mean time in
service add up to the horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.arguments import is_number
from whychurn.models.competing_risks.incidence import IncidenceSteps, time_lost
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class TimeLost:
    """Restricted mean time lost by group and cause.

    Attributes
    ----------
    tau
        Horizon, in the unit of time.
    means
        group, cause, estimate, std_error, conf_low, conf_high, note.
    differences
        For each cause and pair of groups: cause, group, reference (an earlier group), estimate (group less
        reference), std_error, conf_low, conf_high, statistic (z), p_value. Subjects in two groups are taken as
        independent.
    """

    tau: float
    conf_level: float
    means: pd.DataFrame
    differences: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return `means`."""
        return self.means


def compare_time_lost(
    groups: Sequence[tuple[str, IncidenceSteps]], causes: Sequence[str], tau: float, conf_level: float
) -> TimeLost:
    """Return the time lost in each group; see `AalenJohansenFit.restricted_time_lost`."""
    if not (is_number(tau) and tau > 0):
        raise FitError(f"tau is a positive number in the unit of time, not {tau!r}.")
    z = normal_quantile(conf_level)
    rows, pairs = [], []
    for place, cause in enumerate(causes, start=1):
        before: list[tuple[str, float, float]] = []
        for label, steps in groups:
            estimate, error = time_lost(steps, place, tau)
            note = "" if np.isfinite(estimate) else f"followed to {steps.time[-1]:g} only, short of {tau:g}"
            rows.append((label, cause, estimate, error, estimate - z * error, estimate + z * error, note))
            for other, reference, reference_error in before:
                gap, spread = estimate - reference, float(np.hypot(error, reference_error))
                statistic = gap / spread if spread > 0 else float("nan")
                p_value = float(2.0 * stats.norm.sf(abs(statistic)))
                pairs.append((cause, label, other, gap, spread, gap - z * spread, gap + z * spread, statistic, p_value))
            before.append((label, estimate, error))
    limits = ["estimate", "std_error", "conf_low", "conf_high"]
    means = pd.DataFrame(rows, columns=["group", "cause", *limits, "note"])
    means = means.sort_values("group", kind="stable", key=lambda column: column.map(_places(groups)))
    differences = pd.DataFrame(pairs, columns=["cause", "group", "reference", *limits, "statistic", "p_value"])
    return TimeLost(float(tau), conf_level, means.reset_index(drop=True), differences)


def _places(groups: Sequence[tuple[str, IncidenceSteps]]) -> dict[str, int]:
    return {label: place for place, (label, _) in enumerate(groups)}
