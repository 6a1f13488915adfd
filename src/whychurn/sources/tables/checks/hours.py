"""Find the days on which a log's hours of the day jump: another time zone from then on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HOURS = 24
#: Weeks on either side that are compared, and the records each side needs.
SIDE = 4
FEWEST_RECORDS = 1_000
#: Profiles must differ by this much (share of records at other hours), and a shift must explain half of it.
DIFFERENT = 0.08
EXPLAINED = 0.5
#: A log of days: this share of its records carries one and the same hour.
ONE_HOUR = 0.95
#: Hours of the quietest stretch, the share of the day's records that is still quiet, and where nobody expects it.
QUIET_HOURS = 6
QUIET_SHARE = 0.1
OFFICE_HOURS = (8, 18)


@dataclass(frozen=True, slots=True)
class Jump:
    """From this day on (counted from the first), records carry this many hours more (or less, if negative)."""

    day: int
    hours: int


def has_hours(by_hour: np.ndarray) -> bool:
    """Whether the records of a log, counted by hour of the day (shape (24,)), carry a time of day at all."""
    return bool(by_hour.sum()) and by_hour.max() <= ONE_HOUR * by_hour.sum()


def quiet_at_work(by_hour: np.ndarray) -> tuple[int, int] | None:
    """Return the quietest hours of the day if they lie within office hours, as first hour and hour after the last."""
    around = np.concatenate((by_hour, by_hour[: QUIET_HOURS - 1]))
    sums = np.convolve(around, np.ones(QUIET_HOURS), mode="valid")
    quietest = np.flatnonzero(sums == sums.min())
    first = int(quietest[len(quietest) // 2])
    inside = first >= OFFICE_HOURS[0] and first + QUIET_HOURS <= OFFICE_HOURS[1]
    return (first, first + QUIET_HOURS) if inside and sums[first] < QUIET_SHARE * by_hour.sum() else None


def find_jumps(counts: np.ndarray, most: int = 6) -> list[Jump]:
    """Return the days on which the profile of the day moves by whole hours, in order.

    Parameters
    ----------
    counts : ndarray of int, shape (days, 24)
        Records by day and hour.
    most : int
        Strongest first, so many are looked for.
    """
    reach = SIDE * 7
    if len(counts) < 2 * reach:
        return []
    total = np.vstack((np.zeros(HOURS), np.cumsum(counts, axis=0)))
    # The data do not know weeks of ours: every day could be the one.
    days = np.arange(reach, len(counts) - reach + 1)
    before, after = total[days] - total[days - reach], total[days + reach] - total[days]
    enough = (before.sum(axis=1) >= FEWEST_RECORDS) & (after.sum(axis=1) >= FEWEST_RECORDS)
    days, before, after = days[enough], before[enough], after[enough]
    if not len(days):
        return []
    before, after = before / before.sum(axis=1, keepdims=True), after / after.sum(axis=1, keepdims=True)
    distance = np.stack([np.abs(np.roll(before, shift, axis=1) - after).sum(axis=1) / 2 for shift in range(HOURS)])
    shift = distance.argmin(axis=0)
    best = distance[shift, np.arange(len(days))]
    gain = np.where((distance[0] >= DIFFERENT) & (best <= EXPLAINED * distance[0]), distance[0] - best, 0.0)
    jumps: list[Jump] = []
    while gain.any() and len(jumps) < most:
        top = int(gain.argmax())
        hours = int(shift[top])
        jumps.append(Jump(int(days[top]), hours if hours <= HOURS // 2 else hours - HOURS))
        gain[np.abs(days - days[top]) < reach] = 0.0
    return sorted(jumps, key=lambda jump: jump.day)
