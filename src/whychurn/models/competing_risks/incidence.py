"""The Aalen-Johansen estimate of one group as steps, with infinitesimal-jackknife variances.

With ``Y`` at risk and ``d_k`` events of cause k at a time, ``h_k = d_k / Y`` and ``S`` the product-limit estimate of
having had no event of any cause, ``F_k(t)`` is the sum of ``S(s-) h_k(s)`` over ``s <= t``.

A row's influence is the derivative of the estimate by its weight. Let ``G`` be Greenwood's sum of
``d / (Y (Y - d))`` and ``P_k`` the sum of ``(G(s-) - 1 / Y) dF_k``. While a row that entered at ``a`` is at risk, its
influence on ``F_k(t)`` is ``P_k(t) - P_k(a) - G(a) (F_k(t) - F_k(a))``. When it leaves at ``b`` it gains
``S(b-) / Y(b)`` if by cause k, and from then on grows as ``F_k`` does, by the factor
``G(b) - G(a) - [event] / (Y(b) - d(b))``.

Source: Aalen & Johansen (1978), Scand. J. Statist. 5:141-150; the infinitesimal jackknife as in Therneau, Crowson
& Atkinson, "Multi-state models and competing risks" (vignette of R's survival).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Floats, Integers, tally
from whychurn.models.distinct import distinct_codes
from whychurn.models.influence import running_totals, sum_of_squares


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows, or cells of rows that share entry, exit and cause; m of them.

    Attributes
    ----------
    entry, leave
        First step at which the row is at risk, and the step at which it leaves, shape (m,).
    cause
        0 for censored, else the cause, shape (m,).
    weight
        Case weight; of a cell the root of the sum of squares, shape (m,).
    subject
        Subject codes, shape (m,), or None where each row stands alone.
    """

    entry: Integers
    leave: Integers
    cause: Integers
    weight: Floats
    subject: Integers | None


@dataclass(frozen=True, slots=True)
class IncidenceSteps:
    """The estimate at every distinct time (event or censoring) of a group: T times, k causes.

    Attributes
    ----------
    time, at_risk, censored
        Distinct times, weighted rows at risk just before and censored at each, shape (T,).
    events
        Weighted events by cause, shape (T, k).
    survival, survival_error
        Share without an event and its standard error, shape (T,).
    incidence, std_error
        Cumulative incidence by cause and its standard error, shape (T, k).
    greenwood, left
        Greenwood's sum and the rows left after each time, shape (T,).
    rows
        Who stands behind it.
    """

    time: Floats
    at_risk: Floats
    censored: Floats
    events: Floats
    survival: Floats
    survival_error: Floats
    incidence: Floats
    std_error: Floats
    greenwood: Floats
    left: Floats
    rows: Rows


@dataclass(frozen=True, slots=True)
class Influence:
    """Coefficients of each row's influence on one curve, over the functions of time in `basis`.

    Attributes
    ----------
    present, gone
        While the row is at risk, and after it left; shape (m, 3), times the weight.
    basis
        1, P and the incidence still to come, shape (T, 3).
    """

    present: Floats
    gone: Floats
    basis: Floats


def incidence_steps(
    start: Floats, stop: Floats, cause: Integers, causes: int, weights: Floats, subject: Integers | None = None
) -> IncidenceSteps:
    """Compute the Aalen-Johansen estimate.

    Parameters
    ----------
    start, stop
        Rows cover ``(start, stop]``, shape (n,); minus infinity means at risk from the beginning.
    cause
        0 for censored, 1..causes otherwise, shape (n,).
    weights
        Case weights, shape (n,).
    subject
        Subject codes whose rows are summed before squaring, shape (n,).
    """
    time, leave = distinct_codes(stop)
    width = causes + 1
    cell = leave * width + cause
    counts = tally(cell, weights, time.size * width).reshape(time.size, width)
    leaving = counts.sum(axis=1)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    late = bool(np.isfinite(start).any())
    if late:
        entry = np.searchsorted(time, start, side="right")
        entering = tally(entry, weights, time.size + 1)
        at_risk = at_risk - (entering.sum() - np.cumsum(entering)[:-1])
        rows = Rows(entry, leave, cause, weights, subject)
    elif subject is not None:
        rows = Rows(np.zeros_like(leave), leave, cause, weights, subject)
    else:
        # Without late entry all rows of a time and cause are alike: the sums need the cells alone.
        squares = tally(cell, weights * weights, time.size * width)
        found = np.flatnonzero(squares)
        rows = Rows(np.zeros_like(found), found // width, found % width, np.sqrt(squares[found]), None)
    events = counts[:, 1:]
    total = events.sum(axis=1)
    hazard = np.divide(total, at_risk, out=np.zeros_like(total), where=total > 0)
    # Weighted sums taken in different orders can differ in the last digit; everybody leaving is exact.
    hazard = np.where(np.isclose(hazard, 1.0, rtol=0, atol=1e-12), 1.0, hazard)
    survival = np.asarray(np.cumprod(1.0 - hazard), dtype=np.float64)
    before = np.concatenate(([1.0], survival[:-1]))
    left = at_risk * (1.0 - hazard)
    greenwood = np.cumsum(np.divide(total, at_risk * left, out=np.zeros_like(total), where=(total > 0) & (left > 0)))
    shares = np.divide(events, total[:, None], out=np.zeros_like(events), where=total[:, None] > 0)
    incidence = np.cumsum((before * hazard)[:, None] * shares, axis=0)
    steps = IncidenceSteps(
        time, at_risk, counts[:, 0], events, survival, np.zeros(0), incidence, np.zeros((0, 0)), greenwood, left, rows
    )
    errors = np.column_stack([np.sqrt(variances(steps, code)) for code in range(causes + 1)])
    return IncidenceSteps(
        time, at_risk, counts[:, 0], events, survival, errors[:, 0], incidence, errors[:, 1:], greenwood, left, rows
    )


def influence(steps: IncidenceSteps, code: int) -> Influence:
    """Return the influence of every row on the incidence of a cause; of any cause at all for code 0."""
    rows = steps.rows
    before = np.concatenate(([1.0], steps.survival[:-1]))
    curve = 1.0 - steps.survival if code == 0 else steps.incidence[:, code - 1]
    happened = steps.events.sum(axis=1) if code == 0 else steps.events[:, code - 1]
    at_risk = np.where(steps.at_risk > 0, steps.at_risk, 1.0)
    gain = before * happened / at_risk
    earlier = np.concatenate(([0.0], steps.greenwood))
    path = np.concatenate(([0.0], np.cumsum((earlier[:-1] - 1.0 / at_risk) * gain)))
    # Counted back from the end, small late changes are not lost under large early sums.
    ahead = np.concatenate((np.cumsum(gain[::-1])[::-1], [0.0])) if curve.size else np.zeros(1)
    entry, leave = rows.entry, rows.leave
    own = (rows.cause > 0) if code == 0 else (rows.cause == code)
    inverse_left = np.divide(1.0, steps.left, out=np.zeros_like(steps.left), where=steps.left > 0)
    factor = steps.greenwood[leave] - earlier[entry] - (rows.cause > 0) * inverse_left[leave]
    opening = -path[entry] - earlier[entry] * ahead[entry]
    at_exit = path[leave + 1] + earlier[entry] * ahead[leave + 1] + opening + own * (before / at_risk)[leave]
    weight = rows.weight[:, None]
    return Influence(
        present=weight * np.column_stack((opening, np.ones_like(opening), earlier[entry])),
        gone=weight * np.column_stack((at_exit + factor * ahead[leave + 1], np.zeros_like(opening), -factor)),
        basis=np.column_stack((np.ones_like(curve), path[1:], ahead[1:])),
    )


def variances(steps: IncidenceSteps, code: int) -> Floats:
    """Return the variance of one curve at every step, shape (T,)."""
    found, rows = influence(steps, code), steps.rows
    place = np.concatenate((rows.entry, rows.leave))
    if rows.subject is None and not rows.entry.any():
        # At risk from the beginning, every row's influence is its weight times P: only the leavers differ.
        square = rows.weight**2
        staying = square.sum() - np.cumsum(tally(rows.leave, square, steps.time.size))
        leavers = sum_of_squares(rows.leave, np.zeros((1, 3)), found.gone, found.basis)
        return np.asarray(leavers + np.maximum(staying, 0.0) * found.basis[:, 1] ** 2, dtype=np.float64)
    if rows.subject is None:
        before = np.concatenate((np.zeros_like(found.present), found.present))
        after = np.concatenate((found.present, found.gone))
    else:
        change = np.concatenate((found.present, found.gone - found.present))
        place, before, after = running_totals(np.tile(rows.subject, 2), place, change)
    return sum_of_squares(place, before, after, found.basis)


def time_lost(steps: IncidenceSteps, code: int, tau: float) -> tuple[float, float]:
    """Return the area under one incidence curve up to `tau` and its standard error; NaN past what is known."""
    if tau > steps.time[-1] and steps.survival[-1] > 0.0:
        return float("nan"), float("nan")
    edges = np.minimum(np.append(steps.time, tau), tau)
    lengths = np.diff(edges)
    found, rows = influence(steps, code), steps.rows
    area = np.concatenate((np.zeros((1, 3)), np.cumsum(lengths[:, None] * found.basis, axis=0)))
    during = np.einsum("ij,ij->i", found.present, area[rows.leave] - area[rows.entry])
    lost = during + np.einsum("ij,ij->i", found.gone, area[-1] - area[rows.leave])
    if rows.subject is not None:
        lost = tally(rows.subject, lost)
    curve = 1.0 - steps.survival if code == 0 else steps.incidence[:, code - 1]
    return float(lengths @ curve), float(np.sqrt(lost @ lost))
