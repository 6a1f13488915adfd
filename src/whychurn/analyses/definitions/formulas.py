"""The formulas themselves, of plain numbers: what a textbook example can be held against.

They are not complements of each other. A rate over nobody is empty (NaN), not zero and not an error.
"""

from __future__ import annotations

import math


def rate(part: float, whole: float) -> float:
    """Return part / whole, NaN where there is nothing to divide by."""
    return part / whole if whole > 0 else math.nan


def lost_per_acquired(lost: float, acquired: float) -> float:
    """Return departures per customer won in the same period: 80 of 1,000 are 8%."""
    return rate(lost, acquired)


def opening_lost(opening: float, opening_gone: float) -> float:
    """Return the part of the opening customers that are none at the end: 0 to 1."""
    return rate(opening_gone, opening)


def retention(opening: float, closing: float, new: float) -> float:
    """Return (closing - new) / opening: 200, 220 and 40 make 90%."""
    return rate(closing - new, opening)


def over_periods(churn: float, periods: float) -> float:
    """Return 1 - (1 - churn)^periods: what a rate would come to if it went on so. A conversion, not an observation."""
    return 1 - (1 - churn) ** periods
