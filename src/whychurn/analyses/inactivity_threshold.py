"""From how many days on is silence a warning? A threshold the data choose, for beside the declared ones.

A threshold is no ordinary parameter: its estimate has no normal limit and no valid bootstrap interval. So thresholds are
compared by how well each predicts departures among customers it was not fitted to, all that do about as well as the best
are shown, and what is reported of the effect comes from thresholds that were chosen without the customer in question.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.inactivity_curve import LONGEST
from whychurn.analyses.inactivity_fits import LevelFit, fit_levels, ratio_values
from whychurn.analyses.inactivity_rows import BANDS, UNSEEN, AtRisk, Floats, Ints, Silence, clusters_of
from whychurn.models import cross_fitted_folds

#: Thresholds tried, in days, and those declared in advance.
GRID = np.array([*range(3, 31), *range(33, LONGEST + 1, 3)])
DECLARED = (14, 30)
FOLDS = 5
DRAWS = 499
#: A threshold needs so many departures on either side, and each fold so many in all.
FEWEST = 10
#: Largest log hazard ratio that a fold is believed.
_MOST = 5.0
BELOW, ABOVE = "below the threshold", "at or above it"


@dataclass(frozen=True, slots=True)
class Threshold:
    """What the search found.

    Attributes
    ----------
    grid : array of int, shape (g,)
        Thresholds with enough departures on either side.
    gain : array, shape (g,)
        Log partial likelihood gained among held-out customers, against no threshold.
    best : int
        The threshold with the largest gain.
    as_good : array of int
        Those within one standard error of the best.
    std_error : float
        Of the largest gain.
    by_fold : tuple of int
        Thresholds chosen without each fold.
    p_value : float
        Of the largest score over all thresholds, by drawing anew who leaves.
    held_out : LevelFit
        Customers at or above thresholds that were chosen without them, against those below.
    n_events : int
    """

    grid: Ints
    gain: Floats
    best: int
    as_good: Ints
    std_error: float
    by_fold: tuple[int, ...]
    p_value: float
    held_out: LevelFit
    n_events: int


@dataclass(frozen=True, slots=True)
class _RiskSets:
    """Weights at risk and departures by fold, time of leaving and day of silence, shape (folds, times, days)."""

    weight: Floats
    left: Floats

    def beyond(self, grid: Ints) -> tuple[Floats, Floats]:
        """Return share at risk, and departures, at or above each threshold, shape (times, g), over all folds."""
        return _share(self.weight.sum(axis=0), grid), _tail(self.left.sum(axis=0))[:, grid]

    @property
    def departures(self) -> Floats:
        """Departures at each time over all folds, shape (times,)."""
        return np.asarray(self.left.sum(axis=(0, 2)))


def find_threshold(rows: AtRisk, silence: Silence, others: Floats, seed: int, like: LevelFit) -> Threshold | str:
    """Search for a threshold; a text says why there is none.

    Parameters
    ----------
    rows : AtRisk
    silence : Silence
    others : array, shape (n,)
        What the adjusters add to the log hazard in a model without silence: it weights who is at risk.
    seed : int
    like : LevelFit
        Bands of the same rows.
    """
    use = silence.seen & (rows.place[rows.stretch] >= 0)
    left = rows.left & use
    day = np.minimum(np.nan_to_num(silence.days), LONGEST).astype(np.int64)
    above = np.array([int((day[left] >= threshold).sum()) for threshold in GRID])
    grid = GRID[(above >= FEWEST) & (int(left.sum()) - above >= FEWEST)]
    if not len(grid):
        return f"Fewer than {FEWEST} customers left on either side of every threshold."
    clusters = clusters_of(rows)
    if int(left.sum()) < 2 * FOLDS or np.unique(clusters).size < FOLDS:
        return f"Fewer than {2 * FOLDS} departures to choose and to check a threshold on."
    fold = cross_fitted_folds(pd.Series(clusters), folds=FOLDS, seed=seed)
    sets = _risk_sets(rows, use, day, fold, np.exp(others))
    p_value = _score_p(sets, grid, seed)
    gains = np.zeros(len(grid))
    per_event: list[Floats] = []
    chosen = []
    for number in range(FOLDS):
        rest = [other for other in range(FOLDS) if other != number]
        training = _RiskSets(sets.weight[rest], sets.left[rest])
        share, departures = training.beyond(grid)
        n = training.departures
        beta = _maximise(share, departures, n)
        chosen.append(int(grid[int(np.argmax(_likelihood(beta, share, departures, n).sum(axis=0)))]))
        held_out = _events_of(sets.weight[number], sets.left[number], grid, beta)
        per_event.append(held_out)
        gains += held_out.sum(axis=0)
    best = int(np.argmax(gains))
    events = np.concatenate(per_event)
    error = float(events[:, best].std(ddof=1) * math.sqrt(len(events)))
    # The unseen come after four bands there, after two sides of a threshold here.
    unseen = silence.level - len(BANDS) + 2
    level = np.where(silence.seen, (day >= np.array(chosen)[fold]).astype(np.int64), unseen)
    held_fit = fit_levels(rows, level, (BELOW, ABOVE, *UNSEEN), like)
    return Threshold(
        grid, gains, int(grid[best]), grid[gains >= gains[best] - error], error, tuple(chosen), p_value, held_fit,
        len(events),
    )  # fmt: skip


def _risk_sets(rows: AtRisk, use: NDArray[np.bool_], day: Ints, fold: Ints, weight: Floats) -> _RiskSets:
    start, stop = rows.array("start")[use], rows.array("stop")[use]
    left, day, fold, weight = rows.left[use], day[use], fold[use], weight[use]
    times = np.unique(stop[left])
    begin, end = np.searchsorted(times, start, "right"), np.searchsorted(times, stop, "right")
    length = end - begin
    member = np.repeat(np.arange(len(length)), length)
    nth = np.arange(len(member)) - np.repeat(np.cumsum(length) - length, length)
    shape = (FOLDS, len(times), LONGEST + 1)

    def counted(who: Ints, slot: Ints, amount: Floats) -> Floats:
        place = (fold[who] * shape[1] + slot) * shape[2] + day[who]
        total = np.bincount(place, weights=amount, minlength=math.prod(shape))
        return np.asarray(total.reshape(shape), dtype=float)

    gone = np.flatnonzero(left)
    return _RiskSets(
        counted(member, begin[member] + nth, weight[member]), counted(gone, end[gone] - 1, np.ones(len(gone)))
    )


def _tail(by_day: Floats) -> Floats:
    """Return sums over each day and all later ones, along the last axis."""
    return np.flip(np.cumsum(np.flip(by_day, axis=-1), axis=-1), axis=-1)


def _share(weight: Floats, grid: Ints) -> Floats:
    """Return which share of the weight at risk at each time lies at or above each threshold."""
    tail = _tail(weight)
    total = tail[..., :1]
    return np.divide(tail[..., grid], total, out=np.zeros((*tail.shape[:-1], len(grid))), where=total > 0)


def _maximise(share: Floats, departures: Floats, n: Floats) -> Floats:
    """Return the log hazard ratio of each threshold, shape (g,): Breslow's partial likelihood, Newton's method."""
    beta = np.zeros(share.shape[1])
    for _ in range(12):
        ratio = np.exp(beta)
        expected = ratio * share / (1.0 - share + ratio * share)
        score = (departures - n[:, None] * expected).sum(axis=0)
        information = (n[:, None] * expected * (1.0 - expected)).sum(axis=0)
        step = np.divide(score, information, out=np.zeros_like(score), where=information > 0)
        beta = np.clip(beta + np.clip(step, -1.0, 1.0), -_MOST, _MOST)
    return beta


def _likelihood(beta: Floats, share: Floats, departures: Floats, n: Floats) -> Floats:
    """Return the log partial likelihood against no effect by time, shape (times, g)."""
    return np.asarray(departures * beta - n[:, None] * np.log1p(share * np.expm1(beta)))


def _events_of(weight: Floats, left: Floats, grid: Ints, beta: Floats) -> Floats:
    """Return what each departure of a fold adds to the likelihood at coefficients from elsewhere, shape (events, g)."""
    share = _share(weight, grid)
    time, day = np.nonzero(left)
    times = left[time, day].astype(np.int64)
    time, day = np.repeat(time, times), np.repeat(day, times)
    return np.asarray((day[:, None] >= grid) * beta - np.log1p(share[time] * np.expm1(beta)))


def _score_p(sets: _RiskSets, grid: Ints, seed: int) -> float:
    """Return the p-value of the largest score statistic over all thresholds.

    Under no effect whoever leaves at a time is a draw from those at risk, weighted by their other causes. All departures
    are drawn anew, so that the search over thresholds is part of the comparison.
    """
    share, departures = sets.beyond(grid)
    n = sets.departures
    variance = (n[:, None] * share * (1.0 - share)).sum(axis=0)
    usable = variance > 0
    if not usable.any():
        return math.nan
    expected = (n[:, None] * share).sum(axis=0)
    observed = float(((departures.sum(axis=0) - expected)[usable] ** 2 / variance[usable]).max())
    by_day = sets.weight.sum(axis=0)
    cumulated = np.cumsum(by_day, axis=1) / by_day.sum(axis=1, keepdims=True)
    cumulated[:, -1] = 1.0
    time = np.repeat(np.arange(len(n)), n.astype(np.int64))
    uniform = np.random.default_rng(seed).random((DRAWS, len(time)))
    ordered = (cumulated + np.arange(len(n))[:, None]).ravel()
    drawn = np.searchsorted(ordered, time + uniform, "right") - time * by_day.shape[1]
    flat = np.minimum(drawn, LONGEST) + np.arange(DRAWS)[:, None] * (LONGEST + 1)
    counts = np.bincount(flat.ravel(), minlength=DRAWS * (LONGEST + 1)).reshape(DRAWS, LONGEST + 1)
    scores = _tail(counts.astype(float))[:, grid] - expected
    largest = (scores[:, usable] ** 2 / variance[usable]).max(axis=1)
    return float((1 + (largest >= observed).sum()) / (1 + DRAWS))


def threshold_rows(found: Threshold | str, conf_level: float, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the threshold found, those as good, the ratio among held-out customers, and the gain of each threshold."""
    base = base | {"declared": "found", "method": "Cox, cross-fitted threshold"}
    definition = (
        f"the threshold whose ratio, fitted to four fifths of the customers, best predicts who leaves in the last "
        f"fifth, over {FOLDS} folds; as good are all within one standard error of that gain in log partial likelihood"
    )
    if isinstance(found, str):
        return [base | {"estimand": "threshold", "definition": definition, "unit": "days", "note": found}]
    improves = bool(found.gain.max() > 0)
    none = "" if improves else "No threshold predicts held-out departures better than none."
    best = base | {
        "estimand": "threshold", "estimate": float(found.best) if improves else math.nan, "unit": "days",
        "p_value": found.p_value, "n_events": found.n_events, "definition": definition, "note": none,
        "family": f"largest of {len(found.grid)} thresholds, {DRAWS} draws of who leaves",
    }  # fmt: skip
    rows = [best]
    least, most = int(found.as_good.min()), int(found.as_good.max())
    counts = {"numerator": len(found.as_good), "denominator": int(((found.grid >= least) & (found.grid <= most)).sum())}
    for level, value in (("first", least), ("last", most)):
        row = {"estimand": "threshold_as_good", "level": level, "unit": "days", "definition": definition, "note": none}
        rows.append(base | row | counts | {"estimate": float(value) if improves else math.nan})
    for level, value in (("smallest", min(found.by_fold)), ("largest", max(found.by_fold))):
        rows.append(base | {"estimand": "threshold_by_fold", "level": level, "estimate": float(value), "unit": "days", "numerator": FOLDS, "definition": "chosen without one fifth of the customers"})  # fmt: skip
    contrast = found.held_out.contrast(ABOVE)
    confirmed = base | {
        "estimand": "held_out_ratio", "level": ABOVE, "reference": BELOW, "unit": "ratio", "conf_level": conf_level,
        "adjusted_for": ", ".join(found.held_out.adjusted_for),
        "definition": "hazard ratio of customers silent for at least a threshold that was chosen without them",
        "note": found.held_out.note,
    }  # fmt: skip
    if contrast is not None:
        confirmed |= ratio_values(contrast.log_hr, contrast.std_error, conf_level)
        confirmed |= {"n_accounts": contrast.n_accounts, "n_events": contrast.n_events}
        confirmed["note"] = " ".join(text for text in (contrast.note, found.held_out.note) if text)
    rows.append(confirmed)
    as_good = set(found.as_good.tolist())
    for threshold, gain in zip(found.grid.tolist(), found.gain, strict=True):
        rows.append(
            base
            | {
                "estimand": "threshold_gain", "time": float(threshold), "estimate": float(gain), "unit": "log likelihood",
                "level": "declared" if threshold in DECLARED else "", "n_events": found.n_events,
                "grade": "as good as the best" if threshold in as_good and improves else "",
                "definition": "log partial likelihood gained among customers held out, against no threshold",
            }
        )  # fmt: skip
    return rows
