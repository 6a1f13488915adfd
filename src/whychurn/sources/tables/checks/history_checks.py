"""Are there stretches in which hardly anybody left although customers were there: a sign that leavers are missing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import counted
from whychurn.sources.tables.checks.evidence import Evidence, agreeing, percent
from whychurn.sources.tables.checks.leaving import BAND_DAYS, BANDS, Edge, Leaving, first_edge
from whychurn.sources.tables.checks.spans import SPANS

#: Days of leavers at either end of the window that are tried as edges, beside the first day of each month.
DAYS_TRIED = 6
YEAR = 365.25


def check_history(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about the first and the last stretch of the window."""
    leaving = _leaving(evidence)
    if (edge := first_edge(leaving)) is not None:
        yield _few_before(evidence, edge)
    if (edge := first_edge(leaving.reversed())) is not None:
        yield _few_after(evidence, edge)
    yield from _provisional(evidence)


def _leaving(evidence: Evidence) -> Leaving:
    """Leavers and days as a customer between the firsts of months and the first and last days on which anybody left."""
    begin, end = evidence.study.observed_from, evidence.study.observed_to
    told = evidence.rows(
        f"SELECT DISTINCT date_diff('day', $begin, last_on) FROM {SPANS} WHERE last_on > $begin AND last_on < $end "
        "ORDER BY 1",
        begin=begin, end=end,
    )  # fmt: skip
    days = np.array([day for (day,) in told], dtype=np.int64)
    length = (end - begin).days
    months = [(day - begin).days for day in _firsts_of_months(begin, end)]
    edges = np.unique([0, length, *months, *days[:DAYS_TRIED], *(days[-DAYS_TRIED:] + 1)]).astype(np.int64)
    exposed, left = np.zeros((2, len(edges) - 1, BANDS))
    rows = evidence.rows(
        "WITH stretches AS (SELECT unnest(range(len($edges) - 1)) AS place, "
        "$begin + CAST(unnest($edges[:-2]) AS INTEGER) AS begins, $begin + CAST(unnest($edges[2:]) AS INTEGER) AS ends), "
        "pieces AS (SELECT place, date_diff('day', first_on, greatest(first_on, begins)) AS since, "
        "date_diff('day', first_on, least(coalesce(last_on, ends), ends)) AS until "
        f"FROM stretches JOIN {SPANS} ON first_on < ends AND (last_on IS NULL OR last_on > begins)), "
        f"banded AS (SELECT *, unnest(range(since // {BAND_DAYS}, (until - 1) // {BAND_DAYS} + 1)) AS band FROM pieces) "
        f"SELECT place, least(band, {BANDS - 1}), "
        f"sum(least(until, (band + 1) * {BAND_DAYS}) - greatest(since, band * {BAND_DAYS})), 0 FROM banded GROUP BY 1, 2 "
        "UNION ALL "
        f"SELECT place, least((date_diff('day', first_on, last_on) - 1) // {BAND_DAYS}, {BANDS - 1}), 0, count(*) "
        f"FROM stretches JOIN {SPANS} ON last_on >= begins AND last_on < ends AND last_on > $begin GROUP BY 1, 2",
        edges=edges.tolist(), begin=begin,
    )  # fmt: skip
    for place, band, n_days, n_left in rows:
        exposed[place, band] += n_days
        left[place, band] += n_left
    return Leaving(edges, exposed, left, days)


def _firsts_of_months(begin: date, end: date) -> Iterator[date]:
    day = begin.replace(day=1)
    while day < end:
        if day > begin:
            yield day
        day = (day + timedelta(days=31)).replace(day=1)


def _few_before(evidence: Evidence, edge: Edge) -> IntegrityFinding:
    begin = evidence.study.observed_from
    first = begin + timedelta(days=edge.length)
    (n,) = evidence.rows(
        f"SELECT count(*) FROM {SPANS} WHERE first_on < $first AND (last_on IS NULL OR last_on > $begin)",
        first=first, begin=begin,
    )[0]  # fmt: skip
    return IntegrityFinding(
        code="no-churn-before", severity="caveat", table="subscriptions", column="ended_on", count=n, day=first.isoformat(),
        problem=f"{_who(edge)} left before {first}, although {n:,} accounts were customers since {begin} or later. "
        f"{_chance(edge, 'that follows')}",
        consequence="Most likely earlier leavers were deleted, or ends were not recorded until then: survival looks "
        "better than it is.",
        action=f"Write observed_from = {first}, unless those who left before can be added.",
    )  # fmt: skip


def _few_after(evidence: Evidence, edge: Edge) -> IntegrityFinding:
    first = evidence.study.observed_to - timedelta(days=edge.length)
    return IntegrityFinding(
        code="no-churn-after", severity="caveat", table="subscriptions", column="ended_on", count=edge.length,
        day=first.isoformat(),
        problem=f"{_who(edge)} left after {first - timedelta(days=1)}, in the last {edge.length:,} days of the window. "
        f"{_chance(edge, 'before')}",
        consequence="Most likely the export ends earlier than the window, so those days count as time in which nobody "
        "left.",
        action=f"Write observed_to = {first}, or export again.",
    )  # fmt: skip


def _who(edge: Edge) -> str:
    return f"Only {counted(edge.left, 'account')}" if edge.left else "Nobody"


def _chance(edge: Edge, rest: str) -> str:
    rates = [f"{100 * YEAR * rate:,.1f}" for rate in (edge.rate, edge.rate_after)]
    likely = -edge.log_probability
    chance = "below 1 in a million" if likely > math.log(1e6) else f"below 1 in {math.exp(likely):,.0f}"
    return (
        f"At the rate {rest}, about {edge.expected:,.0f} would have been expected ({rates[0]} leavers per 100 accounts "
        f"and year, against {rates[1]}); the probability of so few is {chance}."
    )


def _provisional(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Who comes back within the allowed gap has not left; of the last ends nobody can know yet."""
    study = evidence.study
    gap = study.definition.allowed_gap_days
    since = max(study.observed_to - timedelta(days=gap), study.observed_from)
    n, left = evidence.rows(
        f"SELECT count(*) FILTER (WHERE last_on >= $since), count(*) FROM {SPANS} "
        "WHERE last_on > $begin AND last_on < $end",
        since=since, begin=study.observed_from, end=study.observed_to,
    )[0]  # fmt: skip
    if n:
        yield IntegrityFinding(
            code="recent-ends-provisional", severity="note", table="subscriptions", column="ended_on", count=n,
            problem=f"{n:,} of {left:,} accounts that left ({percent(n, left)}) {agreeing(n, 'have their')} end in the last "
            f"{counted(gap, 'day')} of the window.",
            consequence=f"A gap of up to {counted(gap, 'day')} is no churn, so some of them may still turn out to have "
            "paused: the last weeks show too many leavers rather than too few.",
            action="Read the latest figures as provisional, or set observed_to earlier by the allowed gap.",
        )  # fmt: skip
