"""The variance of Fine and Gray, which counts that the censoring distribution was estimated."""

from __future__ import annotations

import numpy as np

from whychurn.models.columns import Floats, tally
from whychurn.models.competing_risks.subdistribution import State, SubdistributionData, moments, score_residuals


def fine_gray_influence(data: SubdistributionData, state: State, stop: Floats) -> Floats:
    """Return each row's influence on the score, shape (n, p): its own part and that through the weights.

    One stratum, Breslow's ties. With ``q(u)`` the change of the score by the censoring hazard at u, a row adds
    ``q`` over the numbers at risk where it is censored, less the integral of the same by the estimated hazard.

    Parameters
    ----------
    stop
        Time of each row, shape (n,).

    Notes
    -----
    As in cmprsk 2.2-11, ``q`` of a censoring group adds up the events of that group alone. With one group that is
    Fine and Gray's formula. With several the events of other groups would belong to it too; leaving them out moves
    standard errors by about a thousandth (see docs/decisions/0011).

    Source: Fine & Gray (1999), J. Am. Statist. Assoc. 94:496-509, section 5, with cmprsk's conventions at ties.
    """
    censored = ~(data.sets.event | data.competing)
    own = score_residuals(data, state)
    censorings = np.unique(stop[censored])
    if not censorings.size:
        return own
    for code in range(len(data.slot_weights)):
        mine = data.group == code
        place = np.searchsorted(censorings, stop[mine], side="left")
        at_risk = mine.sum() - np.searchsorted(np.sort(stop[mine]), censorings, side="left")
        happened = tally(place[censored[mine]], np.ones(int(censored[mine].sum())), censorings.size)
        there = np.maximum(at_risk, 1)[:, None]
        jump = _score_by_censoring(data, state, stop, code, censorings) / there
        drift = np.cumsum(jump * (happened[:, None] / there), axis=0)
        until = np.searchsorted(censorings, stop[mine], side="right")
        part = -np.concatenate((np.zeros((1, own.shape[1])), drift))[until]
        part[censored[mine]] += jump[place[censored[mine]]]
        own[mine] += part
    return own


def _score_by_censoring(data: SubdistributionData, state: State, stop: Floats, code: int, times: Floats) -> Floats:
    """Return q of one censoring group at each time of censoring, shape (U, p)."""
    rows = np.flatnonzero(data.competing & (data.group == code))
    rows = rows[np.argsort(stop[rows], kind="stable")]
    share = state.risk[rows] / data.exit_weight[rows]
    gone = np.searchsorted(stop[rows], times, side="left")
    mass = np.concatenate(([0.0], np.cumsum(share)))[gone]
    summed = np.cumsum(share[:, None] * data.x[rows], axis=0)
    pull = np.concatenate((np.zeros((1, summed.shape[1])), summed))[gone]
    s1, _ = moments(data, state)
    events = np.flatnonzero(data.sets.event & (data.group == code))
    here = np.bincount(data.sets.exit[events] - 1, minlength=data.sets.times.size)
    base = np.where(here > 0, state.s0, 1.0)
    increments = data.slot_weights[code] * here / base
    slot = np.searchsorted(data.sets.times[:-1], times, side="left")
    hazard = np.cumsum(increments[::-1])[::-1][slot]
    drift = np.cumsum(((increments / base)[:, None] * s1)[::-1], axis=0)[::-1][slot]
    return pull * hazard[:, None] - mass[:, None] * drift
