"""Are there enough accounts and leavers, and how far back do they go?"""

from __future__ import annotations

from collections.abc import Iterator

from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import counted
from whychurn.sources.population_checks import FEW_LEAVERS, FEWEST_CUSTOMERS, FEWEST_LEAVERS
from whychurn.sources.tables.checks.evidence import Evidence, agreeing, percent
from whychurn.sources.tables.checks.spans import SPANS, population_of


def check_enough(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about the number of accounts and leavers in the window, counted by their last ends."""
    study = evidence.study
    population = population_of(evidence.connection, study)
    n, left = population.accounts, population.leavers
    window = f"between {study.observed_from} and {study.observed_to}"
    if n < FEWEST_CUSTOMERS:
        yield IntegrityFinding(
            code="few-customers", severity="refuse", table="accounts", count=n,
            problem=f"Only {counted(n, 'account was a customer', 'accounts were customers')} {window}; a study needs "
            f"{FEWEST_CUSTOMERS} at least.",
            consequence="Any difference between them could be chance.",
            action="Collect more customers, or choose a longer window.",
        )  # fmt: skip
    # Leavers by payments or by use show only in the panel, so a short count proves nothing then.
    also = [
        words
        for words, days in (
            ("payments", study.definition.delinquent_after_days),
            ("use", study.definition.inactive_after_days),
        )
        if days is not None
    ]
    counts = f" (those who count as gone by their {' or '.join(also)} come on top)" if also else ""
    if left < FEWEST_LEAVERS:
        yield IntegrityFinding(
            code="few-leavers", severity="caveat" if also else "refuse", table="subscriptions", column="ended_on",
            count=left,
            problem=f"Only {counted(left, 'account')} left {window}{counts}; a study needs {FEWEST_LEAVERS} leavers at "
            "least.",
            consequence="No cause can be told from chance with so few.",
            action="Choose a longer window, or check the ends of the subscriptions.",
        )  # fmt: skip
    elif left < FEW_LEAVERS:
        yield IntegrityFinding(
            code="few-leavers", severity="caveat", table="subscriptions", column="ended_on", count=left,
            problem=f"Only {left:,} accounts left {window}{counts}, fewer than {FEW_LEAVERS}.",
            consequence="Intervals will be wide, and only strong causes can be seen.",
            action="Keep the list of causes short, or choose a longer window.",
        )  # fmt: skip
    yield from _older(evidence, n)
    yield from _horizon(evidence)


def _older(evidence: Evidence, n: int) -> Iterator[IntegrityFinding]:
    begin = evidence.study.observed_from
    (older,) = evidence.rows(
        f"SELECT count(*) FROM {SPANS} WHERE first_on < $begin AND (last_on IS NULL OR last_on > $begin)", begin=begin
    )[0]
    if older:
        yield IntegrityFinding(
            code="late-entries", severity="note", table="accounts", count=older,
            problem=f"{older:,} of {n:,} accounts ({percent(older, n)}) {agreeing(older, 'were customers')} before the window began on {begin}.",
            consequence="They count from that day on, with the time as a customer they had by then; those who left "
            "before are not seen.",
        )  # fmt: skip


def _horizon(evidence: Evidence) -> Iterator[IntegrityFinding]:
    study = evidence.study
    (longest,) = evidence.rows(
        "SELECT max(date_diff('day', first_on, least(coalesce(last_on, $end), $end))) "
        f"FROM {SPANS} WHERE first_on < $end AND (last_on IS NULL OR last_on > $begin)",
        begin=study.observed_from, end=study.observed_to,
    )[0]  # fmt: skip
    if longest is not None and study.horizon > longest:
        yield IntegrityFinding(
            code="horizon-beyond-data", severity="caveat", table="accounts", count=longest,
            problem=f"The horizon is {study.horizon:g} days, but no account has been a customer longer than {longest:,}.",
            consequence="Nothing can be said about churn that late.", action="Choose a shorter horizon.",
        )  # fmt: skip
