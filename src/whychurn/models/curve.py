"""The product-limit estimate of one group as steps: the kernel under Kaplan-Meier, RMST and IPCW.

Source: Kaplan & Meier (1958), J. Am. Statist. Assoc. 53:457-481; variance of Greenwood (1926).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Booleans, Floats, Integers
from whychurn.models.influence import running_totals, sum_of_squares
from whychurn.models.life_table import LifeTable, life_table


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


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one group, where a variance must look at each of them, shape (n,) each.

    `start` is minus infinity for rows at risk from the beginning; `cluster` None makes each row its own.
    """

    start: Floats
    stop: Floats
    event: Booleans
    weights: Floats
    cluster: Integers | None = None


def product_limit_steps(start: Floats, stop: Floats, event: Booleans, weights: Floats) -> Steps:
    """Compute the product-limit estimate.

    Parameters
    ----------
    start, stop
        Rows cover ``(start, stop]``, shape (n,); minus infinity means at risk from the beginning.
    event
        Whether the row ends in an event, shape (n,).
    weights
        Case weights, shape (n,). Weights that are no counts make the variance robust.
    """
    counts = (weights == np.round(weights)).all()
    rows = None if counts else Rows(start, stop, event, weights)
    return steps_of_table(life_table(start, stop, event, weights), rows)


def steps_of_table(table: LifeTable, rows: Rows | None = None) -> Steps:
    """Compute the product-limit estimate from a group's counts; with its rows, the variance is robust."""
    hazard, left = hazard_steps(table)
    events, at_risk = table.events, table.at_risk
    with np.errstate(divide="ignore"):
        increments = np.divide(events, at_risk * left, out=np.zeros_like(events), where=events > 0)
    if rows is None:
        variance = np.cumsum(increments)
    else:
        own = np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)
        variance = influence_variance(table.time, increments, own, rows)
    survival = np.asarray(np.cumprod(1.0 - hazard), dtype=np.float64)
    return Steps(table.time, at_risk, events, table.censored, survival, variance)


def hazard_steps(table: LifeTable) -> tuple[Floats, Floats]:
    """Return the share of those at risk that has the event at each time, and the number it leaves behind."""
    events, at_risk = table.events, table.at_risk
    hazard = np.divide(events, at_risk, out=np.zeros_like(events), where=events > 0)
    # Weighted sums taken in different orders can differ in the last digit; everybody dying is exact.
    hazard = np.where(np.isclose(hazard, 1.0, rtol=0, atol=1e-12), 1.0, hazard)
    return hazard, np.where(hazard == 1.0, 0.0, at_risk - events)


def influence_variance(time: Floats, increments: Floats, own: Floats, rows: Rows) -> Floats:
    """Return the infinitesimal-jackknife variance of a cumulative sum over event times, shape (T,).

    Row i's influence at step t is ``own_i - G(min(t, leave_i)) + G(entry_i)``, the first from its own event on;
    a cluster's is the weighted sum over its rows.

    Parameters
    ----------
    time
        Distinct stop times, shape (T,).
    increments
        By how much every row at risk is affected at each time, the steps of G, shape (T,). From the first
        infinite one on the variance is infinite.
    own
        What a row adds with an event at each time, shape (T,).
    rows
        The rows of the group.

    Source: Therneau & Grambsch (2000), section 7.4; R's survfit for weights that are no counts.
    """
    finite = np.isfinite(increments)
    total = np.cumsum(np.where(finite, increments, 0.0))
    leave = np.searchsorted(time, rows.stop, side="left")
    entry = np.searchsorted(time, rows.start, side="right")
    w, opening = rows.weights, np.concatenate(([0.0], total))[entry]
    settled = w * (own[leave] * rows.event - total[leave] + opening)
    here = np.column_stack((w * opening, -w))
    gone = np.column_stack((settled, np.zeros(w.size)))
    outside = np.zeros_like(here)
    place = np.concatenate((entry, leave))
    if rows.cluster is None:
        before, after = np.concatenate((outside, here)), np.concatenate((here, gone))
    else:
        change = np.concatenate((here, gone - here))
        place, before, after = running_totals(np.tile(rows.cluster, 2), place, change)
    basis = np.column_stack((np.ones(time.size), total))
    variance = sum_of_squares(place, before, after, basis)
    return np.where(np.cumsum(~finite) > 0, np.inf, variance)


def step_value(steps_time: Floats, values: Floats, before: float, times: Floats, side: str = "right") -> Floats:
    """Return a step function at `times`: `before` ahead of the first step, else the last step's value.

    `side` "right" includes a step at the very time, "left" gives the limit just before it.
    """
    place = np.searchsorted(steps_time, times, side=side)  # type: ignore[call-overload]
    return np.concatenate(([before], values))[place]
