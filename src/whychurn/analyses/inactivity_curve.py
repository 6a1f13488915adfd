"""The hazard as a curve of the days of silence: a restricted cubic spline, and how steeply it goes on rising."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.comparable import infinite_levels
from whychurn.analyses.inactivity_fits import LevelFit, fit_beside, give_way, ratio_values
from whychurn.analyses.inactivity_rows import LEVELS, TOO_NEW, AtRisk, Floats, Ints, Silence
from whychurn.models import WaldTest
from whychurn.models.wald import wald_test

#: Where the curve may bend, in days. Fixed here, not chosen by the data.
KNOTS = (3.0, 10.0, 21.0, 45.0)
#: Silence of up to so many days is the reference; beyond LONGEST the curve is flat.
REFERENCE, LONGEST = 2, 90
#: A knot needs so many departures after a longer silence.
FEWEST_BEYOND = 5
#: Days at which the curve is recorded.
DAYS = (*range(REFERENCE, 31), *range(33, LONGEST + 1, 3))
_STATE = "unseen"


@dataclass(frozen=True, slots=True)
class Curve:
    """A fitted curve, or why there is none.

    Attributes
    ----------
    knots : tuple of float
    beta : array, shape (p,)
        Coefficients of the spline.
    covariance : array, shape (p, p)
    bends, differs : WaldTest or None
        Whether it is a straight line, and whether it is flat.
    adjusted_for : tuple of str
    note : str
    longest : int
        The longest silence, up to LONGEST, that enough departures came after.
    """

    knots: tuple[float, ...]
    beta: Floats
    covariance: Floats
    bends: WaldTest | None
    differs: WaldTest | None
    adjusted_for: tuple[str, ...]
    note: str
    longest: int

    @property
    def estimated(self) -> bool:
        """Whether there is a curve."""
        return bool(len(self.beta))

    def at(self, days: Floats) -> tuple[Floats, Floats]:
        """Return log hazard ratios against the reference, and their standard errors, shape (m,) each."""
        return self.contrast(spline(days, self.knots))

    def contrast(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return linear combinations of the coefficients, `weights` of shape (m, p), and their standard errors."""
        variance = np.einsum("ij,jk,ik->i", weights, self.covariance, weights)
        return weights @ self.beta, np.sqrt(np.maximum(variance, 0.0))


def spline(days: Floats, knots: tuple[float, ...]) -> Floats:
    """Return the columns of a restricted cubic spline, 0 up to the reference, shape (m, len(knots) - 1).

    Cubic between the knots, straight before the first and after the last, flat up to REFERENCE days and beyond
    LONGEST. Without knots it is a straight line in between.

    References
    ----------
    Harrell (2015), Regression Modeling Strategies, 2nd ed., section 2.4.5.
    """
    x = np.clip(np.asarray(days, dtype=float), REFERENCE, LONGEST)
    columns = [x - REFERENCE]
    if len(knots) >= 3:
        last, before = knots[-1], knots[-2]
        for knot in knots[:-2]:
            bent = _cube(x, knot) - _cube(x, before) * (last - knot) / (last - before)
            bent += _cube(x, last) * (before - knot) / (last - before)
            columns.append(bent / (last - knots[0]) ** 2)
    return np.column_stack(columns)


def _cube(x: Floats, knot: float) -> Floats:
    return np.asarray(np.maximum(x - knot, 0.0) ** 3)


def knots_for(silence: Silence, rows: AtRisk) -> tuple[float, ...]:
    """Return the knots that enough departures lie beyond; () for a straight line."""
    days = silence.days[rows.left & silence.seen]
    kept = tuple(knot for knot in KNOTS if int((days > knot).sum()) >= FEWEST_BEYOND)
    return kept if len(kept) >= 3 else ()


def fit_curve(rows: AtRisk, silence: Silence, knots: tuple[float, ...], like: LevelFit | None = None) -> Curve:
    """Fit the curve; those without a number of days have levels of their own.

    Parameters
    ----------
    rows : AtRisk
    silence : Silence
    knots : tuple of float
        From :func:`knots_for`.
    like : LevelFit, optional
        Bands of the same rows (see :func:`whychurn.analyses.inactivity_fits.fit_beside`).
    """
    left = rows.left & silence.seen
    beyond = silence.days[left]
    longest = _longest(beyond)
    if int((beyond > REFERENCE).sum()) < FEWEST_BEYOND or int((beyond <= REFERENCE).sum()) < 1:
        note = f"Fewer than {FEWEST_BEYOND} customers left after a silence of more than {REFERENCE} days, or none after less."
        return _nothing(knots, note, longest)
    day = np.where(silence.seen, np.clip(np.nan_to_num(silence.days), REFERENCE, LONGEST), REFERENCE).astype(np.int64)
    state = np.where(silence.seen, 0, silence.level)
    coded = rows.model_rows({"day": day, _STATE: state}, state != TOO_NEW)
    out = infinite_levels(coded.frame, _STATE, len(LEVELS))
    if 0 in out:
        return _nothing(knots, "Customers with a number of days cannot be compared with others.", longest)
    coded = replace(coded, frame=coded.frame[~coded.frame[_STATE].isin(list(out))].reset_index(drop=True))
    columns = spline(np.arange(LONGEST + 1.0), knots)[coded.frame["day"].to_numpy()]
    names = [f"spline{number}" for number in range(columns.shape[1])]
    for name, column in zip(names, columns.T, strict=True):
        coded.frame[name] = column
    terms = list(names)
    if np.unique(coded.frame[_STATE]).size > 1:
        coded.frame[_STATE] = pd.Categorical(coded.frame[_STATE])
        terms.append(_STATE)
    fit, note, coded = fit_beside(coded, terms, like)
    labels = tuple(candidate.label for candidate in rows.adjusters if candidate.column in coded.names)
    if fit is None:
        return _nothing(knots, note, longest)
    slices = {**fit.term_slices, "curve": tuple(names), "bends": tuple(names[1:])}
    bends = wald_test(fit.params, fit.covariance, slices, "bends") if names[1:] else None
    return Curve(
        knots,
        fit.params[names].to_numpy(dtype=float),
        fit.covariance.loc[names, names].to_numpy(dtype=float),
        bends,
        wald_test(fit.params, fit.covariance, slices, "curve"),
        labels,
        give_way(coded, rows),
        longest,
    )


def average_slope(curve: Curve, rows: AtRisk, silence: Silence, start: int) -> tuple[float, float]:
    """Return how much the log hazard rises per further week of silence from `start` days on, and its standard error.

    The slope of the straight line that lies nearest to the curve between `start` and LONGEST days, weighted by the time
    customers spent at each day of silence.
    """
    inside = silence.seen & (silence.days >= start) & (silence.days <= LONGEST)
    if not curve.estimated or not inside.any():
        return math.nan, math.nan
    weight = np.bincount(silence.days[inside].astype(np.int64), weights=rows.length[inside], minlength=LONGEST + 1)
    days = np.arange(LONGEST + 1, dtype=float)
    away = days - float(weight @ days / weight.sum())
    spread = float(weight @ away**2)
    if spread <= 0:
        return math.nan, math.nan
    combination = 7.0 * (weight * away) @ spline(days, curve.knots) / spread
    estimate, error = curve.contrast(combination[None, :])
    return float(estimate[0]), float(error[0])


def curve_rows(
    curve: Curve, rows: AtRisk, silence: Silence, conf_level: float, base: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the curve day by day, and its tests."""
    reference = f"0-{REFERENCE} days"
    shared = base | {"reference": reference, "conf_level": conf_level, "adjusted_for": ", ".join(curve.adjusted_for)}
    where = f"knots at {', '.join(f'{knot:g}' for knot in curve.knots)} days" if curve.knots else "a straight line"
    told = f"restricted cubic spline of the days of silence, {where}, flat up to {REFERENCE} and beyond {LONGEST} days"
    tests = shared | {
        "estimand": "joint_test",
        "level": "flat",
        "definition": f"Wald test that the curve is flat; {told}",
    }
    n_events = int((rows.left & silence.seen).sum())
    counts = {"n_accounts": int(np.unique(rows.account[silence.seen]).size), "n_events": n_events}
    if not curve.estimated:
        return [tests | counts | {"note": curve.note}]
    found = [tests | counts | _tested(curve.differs) | {"note": curve.note}]
    if curve.bends is not None:
        definition = f"Wald test that the curve is a straight line; {told}"
        found.append(tests | counts | {"level": "straight", "definition": definition} | _tested(curve.bends))
    days = np.array([day for day in DAYS if day <= curve.longest], dtype=float)
    ratio, error = curve.at(days)
    for day, log_hr, std_error in zip(days, ratio, error, strict=True):
        found.append(
            shared
            | ratio_values(float(log_hr), float(std_error), conf_level)
            | {
                "estimand": "hazard_ratio_at_days",
                "time": float(day),
                "unit": "ratio",
                "definition": f"hazard ratio after so many days of silence; {told}",
            }
            | ({"estimate": 1.0, "note": "the reference"} if day <= REFERENCE else {})
        )
    return found


def _tested(test: WaldTest | None) -> dict[str, float]:
    return {} if test is None else {"statistic": test.statistic, "df": test.df, "p_value": test.p_value}


def _longest(days: Floats) -> int:
    """Return the longest silence that at least FEWEST_BEYOND departures came after, at most LONGEST days."""
    if len(days) < FEWEST_BEYOND:
        return REFERENCE
    return int(np.clip(np.sort(days)[-FEWEST_BEYOND], REFERENCE, LONGEST))


def _nothing(knots: tuple[float, ...], note: str, longest: int) -> Curve:
    return Curve(knots, np.zeros(0), np.zeros((0, 0)), None, None, (), note, longest)


def week_shares(rows: AtRisk, silence: Silence) -> tuple[Ints, Floats]:
    """Return the first days of weeks of silence, and the share of customer-time in each; the last one is open."""
    starts = np.arange(0, LONGEST, 7)
    week = np.minimum(np.nan_to_num(silence.days[silence.seen]).astype(np.int64) // 7, len(starts) - 1)
    time = np.bincount(week, weights=rows.length[silence.seen], minlength=len(starts))
    return starts, time / max(rows.length.sum(), 1.0)
