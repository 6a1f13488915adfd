"""Sums of squared influences at every step of a curve, without a table of subjects by times.

Between the steps at which a subject enters or leaves, its influence on a curve at step t is a fixed
combination of a few functions of t. The sum of squares over all subjects is then a quadratic form in those
functions, whose coefficients are running sums: O(n log n + T) instead of O(n T).
"""

from __future__ import annotations

import numpy as np

from whychurn.models.columns import Floats, Integers, tally

_ROUNDING = 1e-15


def running_totals(subject: Integers, place: Integers, change: Floats) -> tuple[Integers, Floats, Floats]:
    """Add up changes along each subject.

    Parameters
    ----------
    subject, place
        Whose coefficients change, and at which step, shape (m,).
    change
        By how much, shape (m, q).

    Returns
    -------
    The steps, shape (m,), and the coefficients before and after each change, shape (m, q) each, ordered by
    subject and step.
    """
    order = np.lexsort((place, subject))
    owner = subject[order]
    total = np.cumsum(change[order], axis=0)
    first = np.concatenate(([True], owner[1:] != owner[:-1]))
    begins = np.flatnonzero(first)
    carried = np.concatenate((np.zeros((1, change.shape[1])), total))[begins]
    after = total - np.repeat(carried, np.diff(np.append(begins, owner.size)), axis=0)
    before = np.where(first[:, None], 0.0, np.concatenate((np.zeros((1, change.shape[1])), after[:-1])))
    return place[order], before, after


def sum_of_squares(place: Integers, before: Floats, after: Floats, basis: Floats) -> Floats:
    """Return the sum over subjects of their squared influence at every step, shape (T,).

    Parameters
    ----------
    place
        Step from which a subject's new coefficients hold, shape (m,); T or more means never.
    before, after
        Its coefficients before and from that step, shape (m, q).
    basis
        The functions that they combine, shape (T, q).
    """
    steps, q = basis.shape
    total, gross = np.zeros(steps), np.zeros(steps)
    for i in range(q):
        for j in range(i, q):
            gained, lost = after[:, i] * after[:, j], before[:, i] * before[:, j]
            if not (gained.any() or lost.any()):
                continue
            both = (1.0 if i == j else 2.0) * basis[:, i] * basis[:, j]
            total += both * np.cumsum(tally(place, gained - lost, steps)[:steps])
            gross += np.abs(both) * np.cumsum(tally(place, np.abs(gained) + np.abs(lost), steps)[:steps])
    # Parts that cancel to the last digits leave rounding alone: the influence is zero.
    return np.where(total > _ROUNDING * gross, total, 0.0)
