"""Clocks for customers who come back: time since the first sign-up, time in service, and time since the last return.

A Cox model compares customers at the same reading of a clock, so the clock is part of the question:

total
    Time since the subject's first start, away or not. "At what age of the relation do they leave?" A returning
    customer re-enters late, after the time away.
service
    The time in service alone, added up over spells. "After how much service do they leave?"
gap
    Time since the current spell began; every return starts at zero. "How long after (re)joining do they leave?"

Whichever is used, pass ``cluster=subject`` to `fit_cox`, and think of strata or a term for the number of the spell.

Source: Prentice, Williams & Peterson (1981), Biometrika 68:373-379; Therneau & Grambsch (2000), section 8.5.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.columns import Booleans, Floats, read_events, read_times
from whychurn.models.subjects import in_sequence, read_subjects

ADDED = (
    "spell",
    "total_start",
    "total_stop",
    "service_start",
    "service_stop",
    "gap_start",
    "gap_stop",
    "time_away",
)


def gap_times(frame: pd.DataFrame, subject: str, start: str, stop: str, event: str) -> pd.DataFrame:
    """Return the rows of `frame` on three clocks, ready for `fit_cox` with ``cluster=subject``.

    The clocks are "total" (time since the subject's first start, away or not), "service" (time in service alone, added
    up over spells) and "gap" (time since the current spell began, from zero at every return).

    A new spell begins after an event, and after time away (a row that begins later than the one before it ended).

    Parameters
    ----------
    frame
        One row per interval ``(start, stop]`` in service, several per subject; cuts within a spell may carry changed
        covariates.
    subject, start, stop, event
        Columns; times in one unit from any common origin, not negative.

    Returns
    -------
    DataFrame
        The frame in its own order with the columns spell (1, 2, ...), total_start, total_stop, service_start,
        service_stop, gap_start, gap_stop and time_away (before the spell; 0 for the first).
        For fits by spell: ``fit_cox(rows, terms, "gap_stop", event, start="gap_start", strata="spell",
        cluster=subject)``.

    Raises
    ------
    FitError
        Unreadable columns or rows, overlapping rows of one subject, or columns of those names already there.
    """
    if not len(frame):
        raise FitError("The frame has no rows.")
    taken = [name for name in ADDED if name in frame.columns]
    if taken:
        raise FitError(f"The frame already has a column {taken[0]!r}; rename it first.")
    begin, end = read_times(frame, stop, start)
    happened = read_events(frame, event)
    owner = read_subjects(frame, subject, begin, end)
    order, follows = in_sequence(owner, begin)
    begin, end, happened = begin[order], end[order], happened[order]
    previous_end = np.concatenate(([0.0], end[:-1]))
    after_event = np.concatenate(([False], happened[:-1]))
    away = np.where(follows, begin - previous_end, 0.0)
    new_spell = ~follows | after_event | (away > 0.0)
    origin = _carried(begin, ~follows)
    spell_origin = _carried(begin, new_spell)
    absent = _within(away, ~follows)
    # Time away is taken off the difference to the first start: a subject never away keeps its numbers exactly.
    columns = {
        "spell": _within(new_spell.astype(np.float64), ~follows).astype(np.int64),
        "total_start": begin - origin,
        "total_stop": end - origin,
        "service_start": begin - origin - absent,
        "service_stop": end - origin - absent,
        "gap_start": begin - spell_origin,
        "gap_stop": end - spell_origin,
        "time_away": _carried(away, new_spell),
    }
    back = np.empty_like(order)
    back[order] = np.arange(order.size)
    return frame.assign(**{name: values[back] for name, values in columns.items()})


def _carried(values: Floats, fresh: Booleans) -> Floats:
    """Return at each row the value of the last row that was `fresh`."""
    return values[np.maximum.accumulate(np.where(fresh, np.arange(values.size), 0))]


def _within(values: Floats, first: Booleans) -> Floats:
    """Return running sums that start afresh at every `first` row."""
    total = np.cumsum(values)
    begins = np.flatnonzero(first)
    before = total[begins] - values[begins]
    return total - np.repeat(before, np.diff(np.append(begins, values.size)))
