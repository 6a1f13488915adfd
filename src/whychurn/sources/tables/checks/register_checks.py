"""Do the accounts agree with their subscriptions?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import counted, shown
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
from whychurn.sources.tables.checks.spans import SPANS

TABLE = "accounts"
LEFT = ("1", "1.0", "true", "t", "yes", "y", "churned", "churn", "left", "lost", "cancelled", "canceled", "inactive")
STAYED = ("0", "0.0", "false", "f", "no", "n", "active", "retained", "stayed", "current", "open", "live", "customer")

_AGAINST_SPANS = (
    RowRule(
        "flag-churned-but-active", "churned", "accounts marked as churned", "have a subscription without an end",
        "last_on IS NULL OR last_on >= DATE '2100-01-01'", "They count as customers: subscriptions decide.",
        "Enter the end of the subscription, or correct the mark.",
        of="lower(trim(churned)) IN $left AND first_on IS NOT NULL",
    ),
    RowRule(
        "flag-active-but-ended", "churned", "accounts marked as not churned", "have only subscriptions that ended",
        "last_on < $end", "They count as leavers: subscriptions decide.",
        "Find out whether a newer subscription is missing from the export; if so, churn is overstated.",
        of="lower(trim(churned)) IN $stayed AND first_on IS NOT NULL",
    ),
    RowRule(
        "signed-up-after-subscription", "started_on", "accounts with a sign-up day",
        "signed up more than a day after their first subscription began",
        "started_on > first_on + 1", "Time as a customer is counted from the first subscription.",
        "Check whether the sign-up day was overwritten, for example when the account was moved to another system.",
        of="started_on IS NOT NULL AND first_on IS NOT NULL",
    ),
    RowRule(
        "signed-up-long-before", "started_on", "accounts with a sign-up day",
        "signed up more than a year before their first subscription",
        "started_on < first_on - 365",
        "Either they tried the product for long, or their older subscriptions are missing; if so, time as a customer "
        "is counted too short.",
        "Check whether the export of subscriptions goes back far enough.",
        of="started_on IS NOT NULL AND first_on IS NOT NULL",
    ),
)  # fmt: skip


def check_register(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about accounts."""
    if not evidence.has(TABLE):
        return
    # Only what the rules name: further columns may be called anything, first_on too.
    source = f"(SELECT account_id, started_on, churned FROM accounts) LEFT JOIN {SPANS} USING (account_id)"
    yield from apply_rules(
        evidence, TABLE, _AGAINST_SPANS, source, end=evidence.study.observed_to, left=list(LEFT), stayed=list(STAYED)
    )
    yield from _flags_not_understood(evidence)
    yield from _without_subscription(evidence)
    yield from _parents(evidence)


def _flags_not_understood(evidence: Evidence) -> Iterator[IntegrityFinding]:
    odd = evidence.rows(
        "SELECT churned, count(*) FROM accounts WHERE lower(trim(churned)) NOT IN $known GROUP BY 1 ORDER BY 2 DESC, 1",
        known=[*LEFT, *STAYED],
    )
    if odd:
        n = sum(count for _, count in odd)
        yield IntegrityFinding(
            code="flag-not-understood", severity="note", table=TABLE, column="churned", count=n,
            problem=f"The churn mark of {counted(n, 'account')} could not be read{such_as(shown(value, 30) for value, _ in odd)}.",
            consequence="It was not compared with their subscriptions; nothing else depends on it.",
            action="Write yes or no.",
        )  # fmt: skip


def _without_subscription(evidence: Evidence) -> Iterator[IntegrityFinding]:
    n, examples = evidence.rows(
        "SELECT count(*), min(DISTINCT account_id, 3) FROM accounts WHERE account_id NOT IN (SELECT account_id FROM subscriptions)"
    )[0]
    if n:
        of = evidence.tables[TABLE]
        yield IntegrityFinding(
            code="without-subscription", severity=few_or_many(n, of, SOME), table=TABLE, count=n, rows=tuple(examples),
            problem=f"{n:,} of {of:,} accounts ({percent(n, of)}) {agreeing(n, 'have no')} subscription at all{such_as(examples)}.",
            consequence="They never could leave, so they take no part.",
            action="That is right for prospects; if they were customers, their subscriptions are missing.",
        )  # fmt: skip


def _parents(evidence: Evidence) -> Iterator[IntegrityFinding]:
    links = evidence.rows(
        "SELECT a.account_id, a.parent_account_id, p.account_id IS NOT NULL FROM accounts AS a "
        "LEFT JOIN (SELECT DISTINCT account_id FROM accounts) AS p ON a.parent_account_id = p.account_id "
        "WHERE a.parent_account_id IS NOT NULL ORDER BY a.row_number"
    )
    unknown = [account for account, _, known in links if not known]
    if unknown:
        yield IntegrityFinding(
            code="parent-unknown", severity="note", table=TABLE, column="parent_account_id", count=len(unknown),
            rows=tuple(unknown[:3]),
            problem=f"{len(unknown):,} of {len(links):,} accounts with a parent {agreeing(len(unknown), 'name one')} that is "
            f"not in the file{such_as(unknown)}.",
            consequence="Accounts of the same parent are still taken together.",
            action="Check whether the export leaves accounts out.",
        )  # fmt: skip
    circle = _in_a_circle([(account, parent) for account, parent, known in links if known])
    if circle:
        yield IntegrityFinding(
            code="parent-circular", severity="note", table=TABLE, column="parent_account_id", count=len(circle),
            rows=tuple(circle[:3]),
            problem=f"{counted(len(circle), 'account leads back to itself', 'accounts lead back to themselves')} from parent to parent{such_as(circle)}.",
            consequence="Which of them is the top cannot be told.", action="Leave the parent of the topmost empty.",
        )  # fmt: skip


def _in_a_circle(links: list[tuple[str, str]]) -> list[str]:
    """Accounts from which the chain of parents leads back to themselves.

    Following every chain twice as far each time, only circles are left once no chain can be that long.
    """
    place = {account: position for position, (account, _) in enumerate(links)}
    n = len(links)
    ahead = np.array([place.get(parent, n) for _, parent in links] + [n])
    for _ in range(n.bit_length()):
        ahead = ahead[ahead]
    return [links[position][0] for position in np.unique(ahead[ahead < n])]
