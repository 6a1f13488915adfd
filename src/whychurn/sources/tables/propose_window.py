"""The window of a proposed study: from where the records reach, to where the first of them stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from whychurn.errors import StudyError
from whychurn.sources.tables.propose_dates import Dates

#: What a log records as having happened; what is due or planned says nothing about how far it reaches.
HAPPENED: Mapping[str, tuple[str, ...]] = {
    "usage": ("at",),
    "tickets": ("opened_at", "closed_at", "csat_at"),
    "surveys": ("answered_at", "invited_at"),
    "interactions": ("at",),
    "interventions": ("assigned_on", "contacted_on"),
    "payments": ("paid_on", "failed_on"),
}
REGISTERED = {"accounts": ("started_on",), "subscriptions": ("started_on", "cancelled_on", "ended_on")}
#: A study has two intervals of seven days at least.
SHORTEST = 14
#: Logs that stop this many days before the last one are taken to run to the end.
NEARLY = 7
#: So many records in a row are hardly ever missing by chance: one time in twenty, if they come at random.
MISSED = 3


@dataclass(frozen=True, slots=True)
class Window:
    """First day observed, first day no longer observed, how each was chosen, and what to check ("" if nothing)."""

    begin: date
    end: date
    begin_note: str
    end_note: str
    check: str = ""


def propose_window(tables: Mapping[str, Mapping[str, Dates]]) -> Window:
    """Propose the window from the dates of every table.

    Raises
    ------
    StudyError
        If the dates span none.
    """

    def days(names: Mapping[str, tuple[str, ...]]) -> list[tuple[date, date, str]]:
        return [
            (dates.first, dates.last, name)
            for name, columns in names.items()
            if name in tables
            for column, dates in tables[name].items()
            if column in columns and dates.first is not None and dates.last is not None
        ]

    logs, registers = days(HAPPENED), days(REGISTERED)
    started = min((first for first, _, name in registers if name == "subscriptions"), default=None)
    if not registers or started is None:
        raise StudyError("No subscription has a first day up to today: there is nothing to observe.")
    used = [(first, last) for first, last, name in logs if name == "usage"]
    if used and (used[0][1] - max(started, used[0][0])).days < SHORTEST:
        used = []
    begin, begin_note = started, "the first subscription"
    if used and used[0][0] > started:
        begin, begin_note = used[0][0], "the first record in usage"
    # Without usage, what is logged may be rare: then what subscriptions record says how far the files reach.
    lasts: dict[str, date] = {}
    for _, last, name in logs if used else logs + registers:
        lasts[name] = max(last, lasts.get(name, last))
    latest = max(lasts.values())
    # Days after a log has stopped look like silence of every customer, so the first log to stop ends the window.
    ends = {name: last for name, last in lasts.items() if last == latest or _stopped(name, tables[name], latest)}
    last = min(ends.values())
    source = next(name for name in ends if ends[name] == last)
    later = {name: day for name, day in ends.items() if day > last}
    check = ""
    if later:
        others = ", ".join(f"{name} to {day}" for name, day in later.items())
        check = (
            f"{source} is recorded up to {last}, {others}: the window ends where the first of them does, because "
            "missing records would look like customers who have gone silent."
        )
    end_note = f"the day after the last record in {source}" + ("" if source in HAPPENED else " up to today")
    end = last + timedelta(days=1)
    if (end - begin).days < SHORTEST:
        raise StudyError(
            f"The dates span {(end - begin).days} days, {begin} to {end}; two weeks are the least. Check how the dates "
            "are written (--date-format)."
        )
    return Window(begin, end, begin_note, end_note, check)


def _stopped(name: str, columns: Mapping[str, Dates], latest: date) -> bool:
    """Whether a log stops shortly before the latest record of all, by more than its rhythm explains.

    A log of a few records a month has no record on most days, and others rest for a day. Of usage every day counts.
    """
    if name not in HAPPENED:
        return False
    reach = [one for column, one in columns.items() if column in HAPPENED[name] and one.first and one.last]
    longest = max(reach, key=lambda one: one.last or date.min)
    if longest.first is None or longest.last is None:
        return False
    gap = (latest - longest.last).days
    spacing = ((longest.last - longest.first).days + 1) / max(longest.n, 1)
    return 0 < gap <= NEARLY and (name == "usage" or gap > max(1.0, MISSED * spacing))
