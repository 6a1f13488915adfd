"""Find stretches of days in which a log recorded nothing, or next to nothing, although it usually does."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

WEEK = 7
#: Same weekdays on either side that say what is usual, and how many are needed to say it.
AROUND = 26
FEWEST_AROUND = 3
#: A silent stretch is told where this many records would be usual: by chance it has probability exp(-30).
SILENT = 30
#: A drop is told below this share of the usual, on days on which that many records are usual, over this many days.
DROP = 0.2
BUSY_DAY = 10
SHORTEST_DROP = 3


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days ``[begin, end)``, counted from the first day of the log, and what they held beside what is usual.

    Attributes
    ----------
    begin, end : int
    recorded : int
    usual : float
    recorded_before : int
        Records of all days before it.
    at_end : bool
        Whether nothing follows it.
    """

    begin: int
    end: int
    recorded: int
    usual: float
    recorded_before: int
    at_end: bool

    @property
    def silent(self) -> bool:
        """Whether nothing was recorded at all."""
        return self.recorded == 0


def usual_volume(counts: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each day would usually hold, and whether there are days before it to say so.

    The median of the nearest same weekdays before and after, the smaller of the two, so that growth and decline make no
    gap. A day without records does not say what is usual, unless most days of its weekday have none (weekends).

    Parameters
    ----------
    counts : ndarray of int, shape (days,)
    known : ndarray of bool, shape (days,)
        False where the study says that the log was not kept.

    Returns
    -------
    usual : ndarray of float, shape (days,)
        0 where nothing can be said.
    has_past : ndarray of bool, shape (days,)
    """
    usual, has_past = np.zeros(len(counts)), np.zeros(len(counts), dtype=bool)
    for weekday in range(min(WEEK, len(counts))):
        days = np.arange(weekday, len(counts), WEEK)
        tells = known[days] & (counts[days] > 0)
        if tells.sum() < known[days].sum() / 2 and tells.sum() < _span(tells) / 2:
            continue  # a quiet weekday: nothing is usual
        telling = days[tells]
        place = np.searchsorted(telling, days)
        for day, position in zip(days, place, strict=True):
            after = position + int(position < len(telling) and telling[position] == day)
            past, future = (
                counts[telling[max(0, position - AROUND) : position]],
                counts[telling[after : after + AROUND]],
            )
            sides = [np.median(side) for side in (past, future) if len(side) >= FEWEST_AROUND]
            usual[day] = min(sides) if sides else 0.0
            has_past[day] = len(past) >= FEWEST_AROUND
    usual[~known] = 0.0
    return usual, has_past


def _span(tells: np.ndarray) -> int:
    """From the first to the last of them: a log that began late, or ended early, is not quiet."""
    places = np.flatnonzero(tells)
    return int(places[-1] - places[0] + 1) if len(places) else 0


def find_stretches(counts: np.ndarray, known: np.ndarray) -> list[Stretch]:
    """Return silent stretches and drops, in order; drops never overlap silent stretches.

    Parameters
    ----------
    counts : ndarray of int, shape (days,)
        Records per day, from the first day of the log on.
    known : ndarray of bool, shape (days,)
    """
    usual, has_past = usual_volume(counts, known)
    found = [
        stretch
        for begin, end in _runs((counts == 0) & known)
        if (stretch := _stretch(counts, usual, *_trimmed(usual, begin, end))) and stretch.usual >= SILENT
    ]
    low = known & has_past & (usual >= BUSY_DAY) & (counts < DROP * usual)
    for stretch in found:
        low[stretch.begin : stretch.end] = False
    for begin, end in _joined(low, (usual < BUSY_DAY) & known):
        if end - begin >= SHORTEST_DROP and low[begin:end].sum() >= SHORTEST_DROP:
            found.append(_stretch(counts, usual, begin, end))
    return sorted(found, key=lambda stretch: stretch.begin)


def _stretch(counts: np.ndarray, usual: np.ndarray, begin: int, end: int) -> Stretch:
    return Stretch(
        begin, end, int(counts[begin:end].sum()), float(usual[begin:end].sum()), int(counts[:begin].sum()),
        not counts[end:].any(),
    )  # fmt: skip


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _trimmed(usual: np.ndarray, begin: int, end: int) -> tuple[int, int]:
    """Without the quiet days at either end: a gap that begins on Monday does not begin on Saturday."""
    busy = np.flatnonzero(usual[begin:end] >= 1)
    return (begin + int(busy[0]), begin + int(busy[-1]) + 1) if len(busy) else (begin, begin)


def _joined(low: np.ndarray, quiet: np.ndarray) -> list[tuple[int, int]]:
    """Runs of low days, joined where only quiet days lie between."""
    runs = _runs(low)
    for first, second in reversed(list(pairwise(range(len(runs))))):
        if quiet[runs[first][1] : runs[second][0]].all():
            runs[first : second + 1] = [(runs[first][0], runs[second][1])]
    return runs
