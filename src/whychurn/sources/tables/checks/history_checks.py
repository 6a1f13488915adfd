"""Are there stretches in which nobody left although customers were there: a sign that leavers are missing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.tables.checks.evidence import Evidence
from whychurn.sources.tables.checks.spans import SPANS

#: A stretch without leavers is told if it is this long, longer than twice any other, and this unlikely by chance.
SHORTEST = 14
UNLIKELY = 0.001
FEWEST_EVENTS = 10


def check_history(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about the first and the last stretch of the window."""
    begin, end = evidence.study.observed_from, evidence.study.observed_to
    found = evidence.rows(
        f"SELECT last_on, count(*) FROM {SPANS} WHERE last_on > $begin AND last_on < $end GROUP BY 1 ORDER BY 1",
        begin=begin, end=end,
    )  # fmt: skip
    days = [day for day, _ in found]
    events = sum(count for _, count in found)
    if events < FEWEST_EVENTS or len(days) < 3:
        return
    longest = max((later - earlier).days for earlier, later in pairwise(days))
    first, last = days[0], days[-1]
    before, after = _exposure(evidence, begin, first), _exposure(evidence, first, end)
    if (first - begin).days > max(SHORTEST, 2 * longest) and after:
        # The day the stretch ends on is itself a leaver's, so it tells nothing of the rate.
        expected = (events - found[0][1]) / after * before
        if math.exp(-expected) < UNLIKELY:
            yield _none_before(evidence, first, expected)
    before, after = _exposure(evidence, begin, last), _exposure(evidence, last, end)
    if (end - last).days > max(SHORTEST, 2 * longest) and before:
        expected = (events - found[-1][1]) / before * after
        if math.exp(-expected) < UNLIKELY:
            yield _none_after(evidence, last, expected)


def _exposure(evidence: Evidence, begin: date, end: date) -> float:
    """Days that accounts were customers in ``[begin, end)``."""
    (days,) = evidence.rows(
        "SELECT coalesce(sum(greatest(date_diff('day', greatest(first_on, $begin), "
        f"least(coalesce(last_on, $end), $end)), 0)), 0) FROM {SPANS}",
        begin=begin, end=end,
    )[0]  # fmt: skip
    return float(days)


def _none_before(evidence: Evidence, first: date, expected: float) -> IntegrityFinding:
    begin = evidence.study.observed_from
    (n,) = evidence.rows(
        f"SELECT count(*) FROM {SPANS} WHERE first_on < $first AND (last_on IS NULL OR last_on > $begin)",
        first=first, begin=begin,
    )[0]  # fmt: skip
    return IntegrityFinding(
        code="no-churn-before", severity="caveat", table="subscriptions", column="ended_on", count=n,
        problem=f"Nobody left before {first}, although {n:,} accounts were customers since {begin} or later. At the "
        f"rate that follows, {_about(expected)} would have been expected; the probability of none is "
        f"{_probability(expected)}.",
        consequence="Most likely earlier leavers were deleted, or ends were not recorded until then: survival looks "
        "better than it is.",
        action=f"Write observed_from = {first}, unless those who left before can be added.",
    )  # fmt: skip


def _none_after(evidence: Evidence, last: date, expected: float) -> IntegrityFinding:
    end = evidence.study.observed_to
    return IntegrityFinding(
        code="no-churn-after", severity="caveat", table="subscriptions", column="ended_on", count=(end - last).days,
        problem=f"Nobody left after {last}, in the last {(end - last).days:,} days of the window. At the rate before, "
        f"{_about(expected)} would have been expected; the probability of none is {_probability(expected)}.",
        consequence="Most likely the export ends earlier than the window, so those days count as time in which nobody "
        "left.",
        action=f"Write observed_to = {last + timedelta(days=1)}, or export again.",
    )  # fmt: skip


def _about(expected: float) -> str:
    return f"about {expected:,.0f}"


def _probability(expected: float) -> str:
    """A Poisson count of this mean is 0 with this probability."""
    return "below 1 in a million" if expected > math.log(1e6) else f"about 1 in {math.exp(expected):,.0f}"
