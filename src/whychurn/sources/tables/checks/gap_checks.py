"""Were logs kept all the time? Stretches without records that no study declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from whychurn.sources.canon import TABLES
from whychurn.sources.contract import IntegrityFinding, Severity
from whychurn.sources.names import counted
from whychurn.sources.tables.checks.evidence import Evidence, percent
from whychurn.sources.tables.checks.gaps import SHORTEST_DROP, Stretch, find_stretches

#: So small a share of the records before a silent stretch is no beginning of recording.
STRAY = 0.001
MOST_TOLD = 6
#: What a gap does to what is measured from a log. Surveys and bills come in waves, so they are not looked at.
LOGS: Mapping[str, str] = {
    "usage": "everyone looks inactive then, and measures of use are too low for weeks after",
    "tickets": "support looks quiet then, and counts of tickets are too low for months after",
    "interactions": "nobody seems to have been spoken to then, and counts of contacts are too low for months after",
}


@dataclass(frozen=True)
class Log:
    """A log by day: counts from `first` on, and what the study declares of it."""

    table: str
    first: date
    counts: np.ndarray
    declared_gaps: tuple[tuple[date, date], ...]
    declared_start: bool

    @property
    def known(self) -> np.ndarray:
        """Days on which the log was kept, as far as the study says."""
        known = np.ones(len(self.counts), dtype=bool)
        for begin, end in self.declared_gaps:
            known[max((begin - self.first).days, 0) : max((end - self.first).days, 0)] = False
        return known

    def day(self, number: int) -> date:
        """Return the date of a day of the counts."""
        return self.first + timedelta(number)


def check_gaps(evidence: Evidence, table: str, first: date, counts: np.ndarray) -> Iterator[IntegrityFinding]:
    """Yield findings about silent stretches of a log, and about drops in usage.

    Parameters
    ----------
    evidence : Evidence
    table : str
        One of :data:`LOGS`.
    first : datetime.date
        Of the counts.
    counts : ndarray of int, shape (days,)
        Records per day.
    """
    declared = evidence.study.tables.get(table)
    gaps, start = (declared.not_tracked, declared.tracked_from is not None) if declared else ((), False)
    log = Log(table, first, counts, tuple(gaps), start)
    stretches = find_stretches(counts, log.known)
    early = [stretch for stretch in stretches if stretch.silent and stretch.recorded_before <= STRAY * counts.sum()]
    if early:
        offset = early[-1].end + int((counts[early[-1].end :] > 0).argmax())
        yield _starts_later(log, offset, early[-1].recorded_before)
        log = Log(table, log.day(offset), counts[offset:], log.declared_gaps, start)
        stretches = find_stretches(log.counts, log.known)
    told = [stretch for stretch in stretches if stretch.silent or table == "usage"]
    line = _line(log, [stretch for stretch in told[:MOST_TOLD] if stretch.silent])
    for stretch in told[:MOST_TOLD]:
        yield _silent(log, stretch, line) if stretch.silent else _dropped(log, stretch)
    if (more := len(told) - MOST_TOLD) > 0:
        yield IntegrityFinding(
            code="more-gaps", severity="caveat", table=table, column=TABLES[table].at, count=more,
            problem=f"There {'is' if more == 1 else 'are'} {counted(more, 'further stretch', 'further stretches')} with "
            f"no records of {table}, or hardly any.",
            consequence="Recording is too uneven for measures from it to be trusted.",
            action=f"Find out how {table} {_was(table)} recorded before reading anything into it.",
        )  # fmt: skip


def _was(table: str) -> str:
    return "were" if table.endswith("s") else "was"


def _line(log: Log, stretches: list[Stretch]) -> str:
    """The line of study.toml that declares these gaps, and those declared already."""
    gaps = sorted([*log.declared_gaps, *((log.day(stretch.begin), log.day(stretch.end)) for stretch in stretches)])
    return f"not_tracked = [{', '.join(f'[{begin}, {end}]' for begin, end in gaps)}]"


def _between(begin: date, end: date) -> str:
    last = end - timedelta(1)
    return f"on {begin}" if last == begin else f"from {begin} to {last} ({counted((end - begin).days, 'day')})"


def _silent(log: Log, stretch: Stretch, line: str) -> IntegrityFinding:
    begin, end = log.day(stretch.begin), log.day(stretch.end)
    length = stretch.end - stretch.begin
    severity: Severity = "caveat" if length >= SHORTEST_DROP else "note"
    nothing = f"No {log.table} {_was(log.table)} recorded for any account {_between(begin, end)}"
    usual = f"where {stretch.usual:,.0f} records would be usual"
    if stretch.at_end:
        return IntegrityFinding(
            code="tracking-stops", severity=severity, table=log.table, column=TABLES[log.table].at, count=length,
            problem=f"{nothing}, at the end of the window, {usual}.",
            consequence=f"Unless declared, {LOGS[log.table].split(',')[0]}: those still here look like leavers.",
            action=f"Write observed_to = {begin} under [study], or, under [tables.{log.table}], {line}.",
        )  # fmt: skip
    return IntegrityFinding(
        code="tracking-gap", severity=severity, table=log.table, column=TABLES[log.table].at, count=length,
        problem=f"{nothing}, {usual}.", consequence=f"Unless declared, {LOGS[log.table]}.",
        action=f"If recording failed, write under [tables.{log.table}]: {line}.",
    )  # fmt: skip


def _dropped(log: Log, stretch: Stretch) -> IntegrityFinding:
    begin, end = log.day(stretch.begin), log.day(stretch.end)
    return IntegrityFinding(
        code="tracking-drop", severity="caveat", table=log.table, column=TABLES[log.table].at,
        count=stretch.end - stretch.begin,
        problem=f"Usage fell to {percent(stretch.recorded, stretch.usual)} of the usual {_between(begin, end)}: "
        f"{stretch.recorded:,} records instead of about {stretch.usual:,.0f}.",
        consequence="Holidays do that; so does recording that fails for some. In the second case accounts look "
        "inactive that were not.",
        action=f"If recording failed, add [{begin}, {end}] to not_tracked under [tables.usage].",
    )  # fmt: skip


def _starts_later(log: Log, offset: int, n: int) -> IntegrityFinding:
    begins = log.day(offset)
    few = (
        f"Only {counted(n, 'record')} of {log.table} {'lies' if n == 1 else 'lie'} before {begins}"
        if n
        else f"No {log.table} {_was(log.table)} recorded before {begins}"
    )
    since = (
        f"although recording is said to begin on {log.first}"
        if log.declared_start
        else "from when on records come steadily"
    )
    return IntegrityFinding(
        code="tracking-starts-later", severity="caveat", table=log.table, column=TABLES[log.table].at, count=n,
        problem=f"{few}, {since}.",
        consequence="Before that day it looks as if nothing happened; most likely nothing was recorded.",
        action=f"Write tracked_from = {begins} under [tables.{log.table}].",
    )  # fmt: skip
