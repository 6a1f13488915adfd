"""Do the dates and amounts of subscriptions make sense on their own?"""

from __future__ import annotations

from collections.abc import Iterator

from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.tables.checks.evidence import (
    SOME,
    Evidence,
    RowRule,
    agreeing,
    apply_rules,
    few_or_many,
    percent,
    such_as,
)
from whychurn.sources.tables.ends import end_of_service

TABLE = "subscriptions"
#: Length of a term where none is recorded, in months; a month is taken as 31 days, so that no term is cut short.
USUAL_TERM = 12

_RULES = (
    RowRule(
        "end-before-start", "ended_on", "subscriptions with an end", "ended on or before the first day of service",
        "ended_on <= started_on", "They never served anyone, so they were left out.",
        "Check whether they were cancelled before they began, or the two dates were swapped.",
        of="ended_on IS NOT NULL",
    ),
    RowRule(
        "cancelled-after-end", "cancelled_on", "subscriptions with both dates", "were cancelled after they had ended",
        "cancelled_on > ended_on",
        "The end counts; when the customer decided is not known, so measures may reach into the time of leaving.",
        "Check which of the two dates is the day of the decision.",
        of="cancelled_on IS NOT NULL AND ended_on IS NOT NULL",
    ),
    RowRule(
        "reason-without-end", "end_reason", "subscriptions with a reason for leaving",
        "have neither an end nor a cancellation", "ended_on IS NULL AND cancelled_on IS NULL",
        "They count as active; if they ended, churn is understated.",
        "Enter the end, or remove the reason if the customer stayed.", of="end_reason IS NOT NULL",
    ),
    RowRule(
        "cancelled-still-active", "cancelled_on", "cancelled subscriptions",
        "went on for longer than a term after the cancellation",
        "date_diff('day', cancelled_on, least(coalesce(ended_on, $end), $end)) "
        f"> 31 * greatest(coalesce(term_months, {USUAL_TERM}), 1)",
        "Either the cancellation was withdrawn or the end was never entered; as recorded, they count as served.",
        'Enter the end, clear the cancellation, or count from it with recognise = "cancel date" under [churn].',
        of="cancelled_on IS NOT NULL AND cancelled_on < $end",
    ),
    RowRule(
        "renewal-before-start", "renewal_on", "subscriptions with a renewal day", "renew on or before their first day",
        "renewal_on <= started_on", "Their days to renewal are not known.",
        "Check whether the column holds the first renewal after the subscription began.", of="renewal_on IS NOT NULL",
    ),
    RowRule(
        "negative-mrr", "mrr", "subscriptions with an amount", "have a negative monthly amount", "mrr < 0",
        "Sums of money at stake are too low by them.", "Check whether they are credits; leave out what is no contract.",
        of="mrr IS NOT NULL",
    ),
    RowRule(
        "no-seats", "seats", "subscriptions with a number of seats", "have 0 seats", "seats = 0",
        "The share of seats in use cannot be computed for them; it is left empty.",
        "Leave the seats empty where they are not known.", of="seats IS NOT NULL",
    ),
)  # fmt: skip


def check_subscriptions(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about the subscriptions by themselves."""
    if not evidence.has(TABLE):
        return
    yield from apply_rules(evidence, TABLE, _RULES, end=evidence.study.observed_to)
    yield from _amounts(evidence)
    yield from _overlaps(evidence)


def _amounts(evidence: Evidence) -> Iterator[IntegrityFinding]:
    n, absent, zero, absent_rows, zero_rows = evidence.rows(
        "SELECT count(*), count(*) FILTER (WHERE mrr IS NULL), count(*) FILTER (WHERE mrr = 0), "
        "min(DISTINCT account_id, 3) FILTER (WHERE mrr IS NULL), min(account_id, 3) FILTER (WHERE mrr = 0) FROM subscriptions"
    )[0]
    if absent == n:
        yield IntegrityFinding(
            code="no-mrr", severity="note", table=TABLE, column="mrr", count=absent,
            problem="No subscription has a monthly amount.",
            consequence="Customers can be counted, but what their leaving costs cannot be said.",
            action='Name the column of the amount: columns = { mrr = "…" } under [tables.subscriptions].',
        )  # fmt: skip
        return
    if absent:
        yield IntegrityFinding(
            code="missing-mrr", severity=few_or_many(absent, n, SOME), table=TABLE, column="mrr", count=absent,
            rows=tuple(absent_rows),
            problem=f"{absent:,} of {n:,} subscriptions ({percent(absent, n)}) {agreeing(absent, 'have no')} monthly amount"
            f"{such_as(absent_rows)}.",
            consequence="Money at stake is understated by what they pay.", action="Fill the amounts in.",
        )  # fmt: skip
    if zero:
        yield IntegrityFinding(
            code="zero-mrr", severity=few_or_many(zero, n, SOME), table=TABLE, column="mrr", count=zero,
            rows=tuple(zero_rows),
            problem=f"{zero:,} of {n:,} subscriptions ({percent(zero, n)}) cost nothing{such_as(zero_rows)}.",
            consequence="Their customers count like any other when they leave; no revenue is lost with them.",
            action="Leave trials and free plans out of the file if only paying customers are meant.",
        )  # fmt: skip


def _overlaps(evidence: Evidence) -> Iterator[IntegrityFinding]:
    end = end_of_service(evidence.study.definition)
    n, of, money, examples = evidence.rows(
        f"WITH served AS (SELECT account_id, plan, mrr, started_on, coalesce({end}, DATE '9999-12-31') AS until, "
        f"subscription_id FROM subscriptions WHERE {end} IS NULL OR {end} > started_on), "
        "ordered AS (SELECT *, max(until) OVER (PARTITION BY account_id, coalesce(plan, '') "
        "ORDER BY started_on, subscription_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM served) "
        "SELECT count(*) FILTER (WHERE before > started_on), count(*), "
        "coalesce(sum(mrr) FILTER (WHERE before > started_on), 0), "
        "min(DISTINCT account_id, 3) FILTER (WHERE before > started_on) FROM ordered"
    )[0]
    if not n:
        return
    currency = f" {evidence.study.currency}" if evidence.study.currency else ""
    worth = f" ({money:,.0f}{currency} a month in all)" if money else ""
    yield IntegrityFinding(
        code="overlapping-subscriptions", severity=few_or_many(n, of), table=TABLE, column="started_on", count=n,
        rows=tuple(examples),
        problem=f"{n:,} of {of:,} subscriptions ({percent(n, of)}) began while the same account already had one of the "
        f"same plan{such_as(examples)}.",
        consequence=f"Both amounts are counted{worth}: too much revenue, if the later one replaced the earlier.",
        action="End the earlier subscription on the day the later begins, unless the customer pays both.",
    )  # fmt: skip
