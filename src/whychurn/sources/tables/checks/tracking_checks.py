"""Was everything recorded all the time, and at the right hour?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from whychurn.sources.canon import TABLES
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import counted, quoted
from whychurn.sources.tables.checks.calendar_checks import EARLIEST
from whychurn.sources.tables.checks.evidence import SOME, Evidence, percent
from whychurn.sources.tables.checks.gap_checks import LOGS, check_gaps
from whychurn.sources.tables.checks.hours import HOURS, Jump, find_jumps, has_hours, quiet_at_work
from whychurn.sources.tables.checks.spans import SPANS


def check_tracking(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about when logs were kept."""
    yield from _began_late(evidence)
    for table in LOGS:
        if evidence.has(table) and table in evidence.tracked_from:
            first = max(evidence.tracked_from[table], EARLIEST)
            counts = _by_day_and_hour(evidence, table, first)
            yield from check_gaps(evidence, table, first, counts.sum(axis=1))
            if table == "usage":
                yield from _hours(evidence, first, counts)


def _began_late(evidence: Evidence) -> Iterator[IntegrityFinding]:
    study = evidence.study
    found = []
    for table, first in evidence.tracked_from.items():
        if not evidence.has(table):
            continue
        if study.tables.get(table) is None or study.tables[table].tracked_from is None:
            found.append(f"{table} from {first}")
        late = (first - study.observed_from).days
        if late <= study.interval_days:
            continue
        (older,) = evidence.rows(
            f"SELECT count(*) FROM {SPANS} WHERE first_on < $first AND (last_on IS NULL OR last_on > $first)",
            first=first,
        )[0]
        yield IntegrityFinding(
            code="tracked-late", severity="caveat" if late > SOME * study.window_days else "note", table=table,
            column=TABLES[table].at, count=older,
            problem=f"The table {table} was recorded from {first} on, {counted(late, 'day')} "
            f"({percent(late, study.window_days)}) into the window; {counted(older, 'account was', 'accounts were')} "
            "customers before.",
            consequence="What is measured from it is not known for the time before: it is left empty, never zero.",
            action=f"Write observed_from = {first} if it matters most, or add the earlier records.",
        )  # fmt: skip
    if found:
        yield IntegrityFinding(
            code="tracked-from-found", severity="note", table="", count=len(found),
            problem=f"The first day of recording is not declared; the first record was taken for it: {', '.join(found)}.",
            consequence="If recording began earlier and nothing happened, true zeros are left empty; if it began "
            "later, the first records mislead.",
            action="Write tracked_from under [tables.NAME].",
        )  # fmt: skip


def _by_day_and_hour(evidence: Evidence, table: str, first: date) -> np.ndarray:
    """Records by day (from `first` to the end of the window) and hour of the day."""
    end = evidence.study.observed_to
    counts = np.zeros((max((end - first).days, 0), HOURS), dtype=np.int64)
    at = quoted(TABLES[table].at)
    rows = evidence.rows(
        "SELECT date_diff('day', $first, CAST(moment AS DATE)), hour(moment), n FROM "
        f"(SELECT date_trunc('hour', {at}) AS moment, count(*) AS n FROM {table} "
        f"WHERE {at} >= $first AND {at} < $end GROUP BY 1)",
        first=first, end=end,
    )  # fmt: skip
    if rows:
        day, hour, n = np.array(rows, dtype=np.int64).T
        counts[day, hour] = n
    return counts


def _hours(evidence: Evidence, first: date, counts: np.ndarray) -> Iterator[IntegrityFinding]:
    by_hour = counts.sum(axis=0)
    if by_hour.sum() == 0:
        return
    if not has_hours(by_hour):
        yield IntegrityFinding(
            code="no-time-of-day", severity="note", table="usage", column="at", count=int(by_hour.max()),
            problem=f"{percent(by_hour.max(), by_hour.sum())} of the usage records carry the same hour "
            f"({int(by_hour.argmax()):02d}:00).",
            consequence="They seem to be counted by day, so use in peak hours cannot be told.",
            action="Leave measures of peak hours out of the causes, or export the times.",
        )  # fmt: skip
        return
    jumps = find_jumps(counts)
    if jumps:
        yield _jumped(evidence, first, jumps)
    quiet = quiet_at_work(by_hour)
    if quiet is not None:
        yield IntegrityFinding(
            code="night-at-work", severity="note", table="usage", column="at", count=0,
            problem=f"The quietest hours of usage are {quiet[0]}:00 to {quiet[1]}:00 in {evidence.study.time_zone}.",
            consequence="If customers work by day, times are in another time zone: days begin at the wrong hour, and "
            "peak hours are not theirs.",
            action="Check time_zone under [study], and under [tables.usage] if it differs there.",
        )  # fmt: skip


def _jumped(evidence: Evidence, first: date, jumps: list[Jump]) -> IntegrityFinding:
    told = [f"{jump.hours:+d} h on about {first + timedelta(jump.day)}" for jump in jumps]
    one_hour = all(abs(jump.hours) == 1 for jump in jumps)
    zone = evidence.study.time_zone
    return IntegrityFinding(
        code="hours-jump", severity="note" if one_hour else "caveat", table="usage", column="at", count=len(jumps),
        problem=f"The hours of the day at which customers work jump: {', '.join(told)}.",
        consequence=f"By one hour, that is most likely summer time seen from {zone}; it moves few records to another day."
        if one_hour
        else "Records changed their time zone: some fall on the wrong day, and peak hours mean something else after.",
        action="Write the customers' own time zone as time_zone under [study]."
        if one_hour
        else "Export all times in one time zone, with their offset.",
    )  # fmt: skip
