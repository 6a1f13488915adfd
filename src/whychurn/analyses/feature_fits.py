"""What a model of usage says: log hazard ratios of own terms, their tests, and verdicts in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import norm

from whychurn.analyses.grades import NEGLIGIBLE
from whychurn.models.cox import CoxFit

PROTECTIVE, IRRELEVANT, RISKY, UNCLEAR, UNTESTED = "protective", "irrelevant", "risky", "unclear", "not estimated"
#: Protective and risky need an adjusted p below this.
ALPHA = 0.05
#: Below so many leavers per coefficient Wald intervals cannot be relied on (Vittinghoff & McCulloch 2007, Am. J.
#: Epidemiol. 165:710), and nothing is called protective or risky.
FEWEST_PER_COEFFICIENT = 5
RULE = (
    "irrelevant: the interval lies inside 0.8 to 1.25; protective or risky: p, adjusted for the number of tests, is below "
    ".05 with at least five leavers per coefficient; unclear: everything else"
)
#: A ratio left open by more than this factor is no estimate.
_MOST = 1e6


@dataclass(frozen=True, slots=True)
class Estimate:
    """A log hazard ratio with its standard error; NaN and a note where there is none."""

    log_hr: float
    std_error: float
    note: str = ""

    def times(self, factor: float) -> Estimate:
        """Return the estimate for so many units."""
        return Estimate(self.log_hr * factor, self.std_error * factor, self.note)

    def columns(self, conf_level: float) -> dict[str, Any]:
        """Return the hazard ratio with interval and test as columns of a finding."""
        if not self.std_error > 0:
            return {"unit": "ratio", "note": self.note}
        z = norm.ppf(0.5 + conf_level / 2)
        low, high = self.log_hr - z * self.std_error, self.log_hr + z * self.std_error
        if max(abs(low), abs(high)) > math.log(_MOST):
            return {"unit": "ratio", "note": f"Too few leavers: the interval spans a factor of more than {_MOST:,.0f}."}
        return {
            "estimate": math.exp(self.log_hr),
            "std_error": self.std_error,
            "std_error_scale": "log",
            "conf_low": math.exp(low),
            "conf_high": math.exp(high),
            "conf_level": conf_level,
            "statistic": self.log_hr / self.std_error,
            "df": 1,
            "p_value": float(2 * norm.sf(abs(self.log_hr / self.std_error))),
            "unit": "ratio",
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class UsageFit:
    """A model of own terms, or why there is none.

    Attributes
    ----------
    fit : CoxFit or None
    note : str
        Why there is no fit.
    left : Mapping of str to str
        Own terms that are not in the model, and why.
    empty : Mapping of (str, str) to str
        Levels of own terms at which nobody left, and what that means.
    levels : Mapping of str to sequence of str
        Levels of own categories in the model, the reference first.
    adjusted_for : tuple of str
        Labels of what is held equal besides.
    """

    fit: CoxFit | None
    note: str
    left: Mapping[str, str] = field(default_factory=dict)
    empty: Mapping[tuple[str, str], str] = field(default_factory=dict)
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    adjusted_for: tuple[str, ...] = ()

    @property
    def events_per_coefficient(self) -> float:
        """Leavers per coefficient; NaN without a fit."""
        return math.nan if self.fit is None else self.fit.n_events / len(self.fit.params)

    def number(self, name: str) -> Estimate:
        """Return the log hazard ratio of an own number, per unit."""
        if self.fit is None or name in self.left:
            return Estimate(math.nan, math.nan, self.left.get(name, self.note))
        return self._at(self.fit, name)

    def level(self, name: str, level: str) -> Estimate:
        """Return the log hazard ratio of a level of an own category against its reference."""
        levels = list(self.levels.get(name, ()))
        if (name, level) in self.empty:
            return Estimate(math.nan, math.nan, self.empty[name, level])
        if self.fit is None or name in self.left or level not in levels[1:]:
            return Estimate(math.nan, math.nan, self.left.get(name, self.note))
        return self._at(self.fit, list(self.fit.term_slices[name])[levels.index(level) - 1])

    @staticmethod
    def _at(fit: CoxFit, column: str) -> Estimate:
        # This covariance is the robust one where rows of a customer belong together; std_errors never are.
        variance = float(fit.covariance[column].to_numpy()[fit.covariance.index.get_loc(column)])
        return Estimate(float(fit.params[column]), math.sqrt(variance))

    def joint(self, name: str) -> dict[str, float]:
        """Return the test of all levels of an own term together."""
        if self.fit is None or name not in self.fit.term_slices:
            return {}
        test = self.fit.wald_test(name)
        return {"statistic": float(test.statistic), "df": float(test.df), "p_value": float(test.p_value)}

    def trend(self, name: str, order: Sequence[str]) -> dict[str, float]:
        """Return the test for a trend over levels in a given order.

        A linear contrast of the log hazard ratios with equally spaced, centred scores; levels that are not in the
        model are passed over.
        """
        known = list(self.levels.get(name, ()))
        listed = [level for level in order if level in known]
        if self.fit is None or name not in self.fit.term_slices or len(listed) < 3:
            return {}
        score = dict(zip(listed, np.arange(len(listed)) - (len(listed) - 1) / 2, strict=True))
        columns = list(self.fit.term_slices[name])
        weights = np.array([score.get(level, 0.0) for level in known[1:]])
        value = float(weights @ self.fit.params[columns].to_numpy())
        error = math.sqrt(float(weights @ self.fit.covariance.loc[columns, columns].to_numpy() @ weights))
        return {"statistic": value / error, "df": 1.0, "p_value": float(2 * norm.sf(abs(value / error)))}


def verdict(row: Mapping[str, Any], p_adjusted: float, events_per_coefficient: float) -> str:
    """Return the verdict in words, by :data:`RULE`.

    A negligible effect is irrelevant whatever its p: with many customers a tiny effect has a tiny p.
    """
    if "estimate" not in row:
        return UNTESTED
    if NEGLIGIBLE[0] <= row["conf_low"] and row["conf_high"] <= NEGLIGIBLE[1]:
        return IRRELEVANT
    if p_adjusted < ALPHA and events_per_coefficient >= FEWEST_PER_COEFFICIENT:
        return PROTECTIVE if row["estimate"] < 1 else RISKY
    return UNCLEAR
