"""The product-limit estimate of one group as steps: the kernel under Kaplan-Meier, RMST and IPCW.

Source: Kaplan & Meier (1958), J. Am. Statist. Assoc. 53:457-481; variance of Greenwood (1926).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Booleans, Floats


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
        Greenwood's variance of the log of `survival`: sum of d / (n (n - d)); infinite once it is zero.
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
    events = np.bincount(place, weights=weights * event, minlength=time.size)
    leaving = np.bincount(place, weights=weights, minlength=time.size)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    if np.isfinite(start).any():
        # A row is at risk at the times after its start only.
        entry = np.searchsorted(time, start, side="right")
        entering = np.bincount(entry, weights=weights, minlength=time.size + 1)
        at_risk = at_risk - (entering.sum() - np.cumsum(entering)[:-1])
    hazard = np.divide(events, at_risk, out=np.zeros_like(events), where=events > 0)
    # Weighted sums taken in different orders can differ in the last digit; everybody dying is exact.
    hazard = np.where(np.isclose(hazard, 1.0, rtol=0, atol=1e-12), 1.0, hazard)
    left = at_risk * (1.0 - hazard)
    with np.errstate(divide="ignore"):
        increments = np.divide(
            events, at_risk * left, out=np.zeros_like(events), where=events > 0
        )
    return Steps(
        time=time,
        at_risk=at_risk,
        events=events,
        censored=leaving - events,
        survival=np.cumprod(1.0 - hazard),
        log_variance=np.cumsum(increments),
    )


def step_value(steps_time: Floats, values: Floats, before: float, times: Floats, side: str = "right") -> Floats:
    """Return a step function at `times`: `before` ahead of the first step, else the last step's value.

    `side` "right" includes a step at the very time, "left" gives the limit just before it.
    """
    place = np.searchsorted(steps_time, times, side=side)  # type: ignore[call-overload]
    return np.concatenate(([before], values))[place]
