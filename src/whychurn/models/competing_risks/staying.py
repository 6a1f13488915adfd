"""How likely a customer is still to be watched at a time: what a subject gone by a competing cause would need.

A subject with a competing event stays in the risk set of the subdistribution, weighted by the probability of still
being under observation relative to that at its own exit. Censoring at a time is taken to come after the events of
that time, so every probability is the limit from the left.

Sources: Fine & Gray (1999), J. Am. Statist. Assoc. 94:496-509, section 3; with late entry Geskus (2011), Biometrics
67:39-49.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Booleans, Floats, tally
from whychurn.models.curve import step_value
from whychurn.models.distinct import distinct_codes


@dataclass(frozen=True, slots=True)
class Staying:
    """The probability of being under observation, up to a constant.

    Attributes
    ----------
    time, uncensored
        Times of censoring and the probability of not being censored by each, shape (C,).
    entries, entered
        Times of late entry and the probability of having entered before each, shape (L,); empty without.
    last
        Last time of the group. Past it nothing is known, and the weight is zero.
    """

    time: Floats
    uncensored: Floats
    entries: Floats
    entered: Floats
    last: float

    def just_before(self, times: Floats) -> Floats:
        """Return the probability just before each time, shape of `times`."""
        found = step_value(self.time, self.uncensored, 1.0, times, side="left")
        if self.entries.size:
            # Having entered before s: nobody still to come enters at s or later.
            found = found * np.append(self.entered, 1.0)[np.searchsorted(self.entries, times, side="left")]
        return np.where(times > self.last, 0.0, found)


def censoring_product(
    start: Floats, stop: Floats, event: Booleans, first: Booleans, last: Booleans, events_leave: bool
) -> Staying:
    """Estimate the probability of being under observation in one censoring group.

    Parameters
    ----------
    start, stop
        Rows cover ``(start, stop]``, shape (n,); minus infinity without late entry.
    event
        Whether the row ends in an event of any cause, shape (n,).
    first, last
        Whether the row is its subject's first or last, shape (n,): only there it enters or is censored.
    events_leave
        Whether events at a time leave the risk set before its censorings (`finegray` of R's survival), or are
        still counted in it (`crr` of cmprsk).
    """
    times, place = distinct_codes(stop)
    leaving = np.bincount(place, minlength=times.size).astype(np.float64)
    happened = tally(place, event.astype(np.float64), times.size)
    censored = tally(place, (last & ~event).astype(np.float64), times.size)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    delayed = np.isfinite(start).any()
    if delayed:
        entering = np.bincount(np.searchsorted(times, start, side="right"), minlength=times.size + 1)
        at_risk = at_risk - (entering.sum() - np.cumsum(entering)[:-1])
    if events_leave:
        at_risk = at_risk - happened
    hazard = np.divide(censored, at_risk, out=np.zeros_like(censored), where=censored > 0)
    keep = censored > 0
    uncensored = np.asarray(np.cumprod(1.0 - hazard[keep]), dtype=np.float64)
    entries: Floats = np.zeros(0)
    entered: Floats = np.zeros(0)
    # Where everybody has entered before anybody leaves, entry says nothing.
    if delayed and start[first].max() > stop.min():
        entries, number = np.unique(start[first], return_counts=True)
        begun = np.searchsorted(np.sort(start), entries, side="right")
        present = begun - np.searchsorted(np.sort(stop), entries, side="right")
        staying_out = 1.0 - number / present
        entered = np.asarray(np.cumprod(staying_out[::-1])[::-1], dtype=np.float64)
    return Staying(times[keep], uncensored, entries, entered, float(times[-1]))
