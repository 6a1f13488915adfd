"""Where the rate of leaving jumps: a scan over all days at which recording could have begun or stopped.

Whoever has just come cannot leave yet where contracts run for a year. So a stretch is held against the rate of the rest
at the same time as a customer: a company in its first year, in which nobody could leave, is not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]

#: Days of one band of time as a customer, and how many there are; the last is open.
BAND_DAYS, BANDS = 30, 61
#: A stretch is told if it is this long, this unlikely by chance (over all days tried), holds at most this share of the
#: leavers expected, and nothing like it occurs in the rest: no half of its length with as few, no silence of that half.
SHORTEST = 14
UNLIKELY = 0.0001
FEW_OF_EXPECTED = 0.2
FEWEST_EVENTS = 10
#: Fewest days with leavers in the rest: ends on a handful of days, such as the last of each year, show no steady rate.
FEWEST_DAYS = 5


@dataclass(frozen=True, slots=True)
class Leaving:
    """Leavers and time as a customer in the window.

    Attributes
    ----------
    edges : ndarray, (n + 1,)
        Days since the window began at which stretches begin; the last is its length.
    exposed, left : ndarray, (n, bands)
        Days that accounts were customers, and how many left, by stretch and by time as a customer.
    days : ndarray
        Days since the window began on which anybody left, in order, each once.
    """

    edges: NDArray[np.int64]
    exposed: Counts
    left: Counts
    days: NDArray[np.int64]

    def reversed(self) -> Leaving:
        """Return the same with the end of the window as its beginning."""
        length = self.edges[-1]
        # The day after the last leaver is the first silent one, seen from the end.
        return Leaving(length - self.edges[::-1], self.exposed[::-1], self.left[::-1], length - 1 - self.days[::-1])


@dataclass(frozen=True, slots=True)
class Edge:
    """A first stretch in which hardly anybody left.

    Attributes
    ----------
    length : int
        Days.
    left : int
        How many left in it.
    expected : float
        How many would have, at the rate of the rest.
    log_probability : float
        Upper bound of the logarithm of the probability of so few anywhere.
    rate, rate_after : float
        Leavers per day as a customer, in the stretch and in the rest.
    """

    length: int
    left: int
    expected: float
    log_probability: float
    rate: float
    rate_after: float


def first_edge(leaving: Leaving) -> Edge | None:
    """Return the first stretch of the window in which hardly anybody left, None if there is no such stretch."""
    if leaving.left.sum() < FEWEST_EVENTS:
        return None
    found = [_edge(leaving, cut) for cut in range(1, len(leaving.edges) - 1)]
    unlikely = [edge for edge in found if edge is not None and edge.log_probability < np.log(UNLIKELY)]
    return min(unlikely, key=lambda edge: edge.log_probability, default=None)


def _edge(leaving: Leaving, cut: int) -> Edge | None:
    """The stretch up to one edge, if it is as conspicuous as it must be, but for its probability."""
    length = int(leaving.edges[cut])
    before, after = leaving.exposed[:cut].sum(axis=0), leaving.exposed[cut:].sum(axis=0)
    left, later = leaving.left[:cut].sum(axis=0), leaving.left[cut:].sum(axis=0)
    rate = np.divide(later, after, out=np.zeros_like(after), where=after > 0)
    expected, n = float(before @ rate), int(left.sum())
    if length <= SHORTEST or n > FEW_OF_EXPECTED * expected or before.sum() <= 0:
        return None
    later_days = leaving.days[leaving.days >= length]
    if len(later_days) < FEWEST_DAYS:
        return None
    silent = max(int(b - a) for a, b in pairwise(later_days))
    if length <= 2 * silent or _as_quiet(leaving, cut, rate):
        return None
    comparable = after > 0
    share = np.divide(before, before + after, out=np.zeros_like(before), where=comparable)
    bound = _log_at_most(n, (left + later)[comparable], share[comparable])
    return Edge(
        length, n, expected, bound + float(np.log(len(leaving.edges) - 2)), n / float(before.sum()),
        float(later.sum() / after.sum()),
    )  # fmt: skip


def _as_quiet(leaving: Leaving, cut: int, rate: Counts) -> bool:
    """Whether the rest holds a stretch of half the length with as few leavers as are conspicuous."""
    half = leaving.edges[cut] / 2
    edges = leaving.edges[cut:]
    left = np.concatenate([[0.0], np.cumsum(leaving.left[cut:].sum(axis=1))])
    expected = np.concatenate([[0.0], np.cumsum(leaving.exposed[cut:] @ rate)])
    last = np.searchsorted(edges, edges + half)
    first = np.flatnonzero(last < len(edges))
    last = last[first]
    return bool((left[last] - left[first] <= FEW_OF_EXPECTED * (expected[last] - expected[first])).any())


def _log_at_most(n: int, trials: Counts, share: Counts) -> float:
    """Chernoff's bound on the logarithm of the probability of `n` or fewer in a sum of binomial counts."""
    if n == 0:
        return float(trials @ np.log1p(-np.minimum(share, 1 - 1e-12)))
    tilt = -np.linspace(0.0, 12.0, 121)
    moment = np.log1p(share * np.expm1(tilt)[:, None]) @ trials
    return float(min(0.0, (moment - tilt * n).min()))
