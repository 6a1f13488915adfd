"""The product-limit estimate of one group as steps: the kernel under Kaplan-Meier, RMST and IPCW.

Source: Kaplan & Meier (1958), J. Am. Statist. Assoc. 53:457-481; variance of Greenwood (1926).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Booleans, Floats, Integers, tally


@dataclass(frozen=True, slots=True)
class Steps:
    """The estimate at every distinct time (event or censoring) of a group, shape (T,) each.

    Attributes
    ----------
    time
        Distinct stop times in order.
    at_risk, events, censored
        Weighted numbers at risk just before the time, with an event at it, and leaving at it without one.
    survival
        Product-limit estimate after the time.
    log_variance
        Greenwood's variance of the log of `survival`, the sum of d / (n (n - d)); for weights that are no
        counts the infinitesimal jackknife. Infinite once survival is zero.
    """

    time: Floats
    at_risk: Floats
    events: Floats
    censored: Floats
    survival: Floats
    log_variance: Floats


def product_limit_steps(start: Floats, stop: Floats, event: Booleans, weights: Floats) -> Steps:
    """Compute the product-limit estimate.

    Parameters
    ----------
    start, stop
        Rows cover ``(start, stop]``, shape (n,); minus infinity means at risk from the beginning.
    event
        Whether the row ends in an event, shape (n,).
    weights
        Case weights, shape (n,).
    """
    time, place = np.unique(stop, return_inverse=True)
    events = tally(place, weights * event, time.size)
    leaving = tally(place, weights, time.size)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    if np.isfinite(start).any():
        # A row is at risk at the times after its start only.
        entering = tally(_entry_places(time, start), weights, time.size + 1)
        at_risk = at_risk - (entering.sum() - np.cumsum(entering)[:-1])
    hazard = np.divide(events, at_risk, out=np.zeros_like(events), where=events > 0)
    # Weighted sums taken in different orders can differ in the last digit; everybody dying is exact.
    hazard = np.where(np.isclose(hazard, 1.0, rtol=0, atol=1e-12), 1.0, hazard)
    left = at_risk * (1.0 - hazard)
    with np.errstate(divide="ignore"):
        increments = np.divide(events, at_risk * left, out=np.zeros_like(events), where=events > 0)
    variance = np.cumsum(increments)
    if (weights != np.round(weights)).any():
        own = np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)[place] * event
        variance = _robust_log_variance(variance, place, _entry_places(time, start), own, weights)
    survival = np.asarray(np.cumprod(1.0 - hazard), dtype=np.float64)
    return Steps(time, at_risk, events, leaving - events, survival, variance)


def _entry_places(time: Floats, start: Floats) -> Integers:
    return np.searchsorted(time, start, side="right")


def _robust_log_variance(greenwood: Floats, leave: Integers, entry: Integers, own: Floats, weights: Floats) -> Floats:
    """Return the infinitesimal-jackknife variance of log survival, shape (T,), in O(n + T).

    Row i's influence at step t is ``G(min(t, leave_i)) - G(entry_i) - own_i``, the last from its own event
    on, with G Greenwood's sum. Rows gone contribute a constant square, rows present a quadratic in G(t).

    Source: Therneau & Grambsch (2000), section 7.4; R's survfit for weights that are no counts.
    """
    steps = greenwood.size
    opening = np.concatenate(([0.0], greenwood))[entry]
    square = weights**2
    finite = np.isfinite(greenwood)
    with np.errstate(invalid="ignore"):
        settled = square * (greenwood[leave] - opening - own) ** 2
    gone = np.cumsum(tally(leave, np.nan_to_num(settled, posinf=0.0), steps))
    present = []
    for values in (square, square * opening, square * opening**2):
        entered = np.cumsum(tally(entry, values, steps + 1))[:steps]
        present.append(entered - np.cumsum(tally(leave, values, steps)))
    level = np.where(finite, greenwood, 0.0)
    variance = gone + level**2 * present[0] - 2.0 * level * present[1] + present[2]
    return np.where(finite, np.maximum(variance, 0.0), np.inf)


def step_value(steps_time: Floats, values: Floats, before: float, times: Floats, side: str = "right") -> Floats:
    """Return a step function at `times`: `before` ahead of the first step, else the last step's value.

    `side` "right" includes a step at the very time, "left" gives the limit just before it.
    """
    place = np.searchsorted(steps_time, times, side=side)  # type: ignore[call-overload]
    return np.concatenate(([before], values))[place]
