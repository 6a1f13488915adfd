"""Results of accuracy at times, and the integrated Brier score.

Source: Graf et al. (1999), Statist. Med. 18:2529, section 3; Kattan & Gerds (2018), Diagn. Progn. Res. 2:7
(index of prediction accuracy, the scaled score).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.models.accuracy.censored import check_choice
from whychurn.models.accuracy.inference import error_of, with_interval
from whychurn.models.columns import Floats, Integers

RULES = ("trapezoid", "step")


@dataclass(frozen=True, slots=True)
class TimeDependentAuc:
    """Cumulative/dynamic AUC at m times.

    Attributes
    ----------
    times, predictions
        Time and prediction column of each entry, shape (m,).
    estimate, std_error
        AUC and its standard error, shape (m,).
    n_cases, n_controls
        Rows with an event by the time, and followed beyond it, shape (m,).
    contributions
        Per row or cluster, shape (G, m): their squares add up to the variances.
    conf_level
        Level of the intervals.
    """

    times: Floats
    predictions: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    n_cases: Integers
    n_controls: Integers
    contributions: Floats
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per time: estimate, std_error, conf_low, conf_high, n_cases, n_controls."""
        table = _table(self.times, self.predictions, "auc", self.estimate, self.std_error, self.conf_level)
        return table.assign(n_cases=self.n_cases, n_controls=self.n_controls)


@dataclass(frozen=True, slots=True)
class IntegratedBrier:
    """Brier score averaged over time from zero to the last time of evaluation.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high
        The integrated Brier score.
    null
        That of the Kaplan-Meier estimate as everybody's prediction.
    scaled, scaled_std_error
        ``1 - estimate / null``; NaN without an event.
    until
        The last time.
    contributions
        Per row or cluster, shape (G,): their squares add up to the variance of `estimate`.
    conf_level
        Level of the interval.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    null: float
    scaled: float
    scaled_std_error: float
    until: float
    contributions: Floats
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row: until, estimate, std_error, conf_low, conf_high, null, scaled, scaled_std_error."""
        names = ("until", "estimate", "std_error", "conf_low", "conf_high", "null", "scaled", "scaled_std_error")
        return pd.DataFrame([{"measure": "integrated_brier", **{name: getattr(self, name) for name in names}}])


@dataclass(frozen=True, slots=True)
class TimeDependentBrier:
    """Brier score at m times.

    Attributes
    ----------
    times, predictions
        Time and prediction column of each entry, shape (m,).
    estimate, null
        Score of the predictions, and of the Kaplan-Meier estimate in their place, shape (m,).
    contributions, null_contributions
        Per row or cluster, shape (G, m): their squares add up to the variances of the two.
    conf_level
        Level of the intervals.
    """

    times: Floats
    predictions: tuple[str, ...]
    estimate: Floats
    null: Floats
    contributions: Floats
    null_contributions: Floats
    conf_level: float

    @property
    def std_error(self) -> Floats:
        """Standard error of the score, shape (m,)."""
        return np.array([error_of(part) for part in self.contributions.T])

    def tidy(self) -> pd.DataFrame:
        """Return one row per time: estimate, std_error, conf_low, conf_high, null, scaled, scaled_std_error."""
        table = _table(self.times, self.predictions, "brier", self.estimate, self.std_error, self.conf_level)
        pieces = zip(self.estimate, self.null, self.contributions.T, self.null_contributions.T, strict=True)
        scaled = np.array([_scaled(*piece) for piece in pieces])
        return table.assign(null=self.null, scaled=scaled[:, 0], scaled_std_error=scaled[:, 1])

    def integrated(self, rule: str = "trapezoid") -> IntegratedBrier:
        """Average the score over ``[0, last time]``; at time zero it is 0.

        Parameters
        ----------
        rule
            "trapezoid" joins the scores at the times by straight lines; "step" holds each until the next
            time, as R's riskRegression does (it then never uses the last score, and depends more on the
            times chosen).
        """
        check_choice(rule, RULES, "rule")
        gaps = np.diff(self.times, prepend=0.0)
        following = np.append(gaps[1:], 0.0)
        share = (following if rule == "step" else (gaps + following) / 2.0) / self.times[-1]
        estimate, null = float(share @ self.estimate), float(share @ self.null)
        parts = self.contributions @ share
        made = with_interval(estimate, error_of(parts), self.conf_level, 0.0, 1.0)
        scaled, scaled_error = _scaled(estimate, null, parts, self.null_contributions @ share)
        return IntegratedBrier(
            estimate=estimate,
            std_error=made.std_error,
            conf_low=made.conf_low,
            conf_high=made.conf_high,
            null=null,
            scaled=scaled,
            scaled_std_error=scaled_error,
            until=float(self.times[-1]),
            contributions=parts,
            conf_level=self.conf_level,
        )


def _scaled(score: float, null: float, parts: Floats, null_parts: Floats) -> tuple[float, float]:
    """Return one less the ratio of two scores, and its standard error by the delta method."""
    if null <= 0.0:
        return float("nan"), float("nan")
    ratio = score / null
    return 1.0 - ratio, error_of((parts - ratio * null_parts) / null)


def _table(
    times: Floats, predictions: tuple[str, ...], measure: str, estimate: Floats, error: Floats, conf_level: float
) -> pd.DataFrame:
    made = [with_interval(float(e), float(s), conf_level, 0.0, 1.0) for e, s in zip(estimate, error, strict=True)]
    return pd.DataFrame(
        {
            "measure": measure,
            "prediction": predictions,
            "time": times,
            "estimate": estimate,
            "std_error": error,
            "conf_low": [one.conf_low for one in made],
            "conf_high": [one.conf_high for one in made],
        }
    )
