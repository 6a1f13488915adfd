"""Did things happen while the account was a customer, and in an order that is possible?"""

from __future__ import annotations

from collections.abc import Iterator

from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import counted
from whychurn.sources.tables.checks.evidence import (
    Evidence,
    RowRule,
    agreeing,
    apply_rules,
    few_or_many,
    percent,
    such_as,
)
from whychurn.sources.tables.checks.spans import SPANS

#: Days around a customer's time in which stray use is no surprise: a trial before, a last export after.
GRACE = 7
#: A bill this long after the end was not for the last month.
BILLED_LATE = 31

_TICKETS = (
    RowRule(
        "tickets-after-churn", "opened_at", "tickets", "were opened after the account had left",
        "CAST(opened_at AS DATE) >= last_on", "They are no part of what could have led to leaving, so they do not count.",
        "If there are many, check the ends of the subscriptions.", of="first_on IS NOT NULL",
    ),
    RowRule(
        "closed-before-opened", "closed_at", "closed tickets", "were closed before they were opened",
        "closed_at < opened_at", "They never count as open.", "Check the formats and time zones of the two columns.",
        of="closed_at IS NOT NULL",
    ),
    RowRule(
        "csat-before-opening", "csat_at", "dated answers on satisfaction", "were given before the ticket was opened",
        "csat_at < opened_at", "They count from the day they carry, which may be too early.",
        "Check the formats and time zones of the two columns.", of="csat_at IS NOT NULL AND csat IS NOT NULL",
    ),
)  # fmt: skip
#: So many scores, and none above the lesser scale, are taken for answers on it.
MANY_SCORES, LESSER_SCALE = 20, 5
_SURVEYS = (
    RowRule(
        "scores-not-whole", "score", "survey scores", "are no whole numbers",
        "score <> floor(score)", "They count nowhere: between 6 and 7, or 8 and 9, it is not known who is a passive.",
        "Export the answers as they were given, not averages of several.", of="score IS NOT NULL",
    ),
    RowRule(
        "answers-after-churn", "answered_at", "survey answers", "were given after the account had left",
        "CAST(answered_at AS DATE) >= last_on",
        "Someone who has left looks back differently, so these answers do not count.",
        "Report them apart: they are an exit survey.", of="answered_at IS NOT NULL AND first_on IS NOT NULL",
    ),
    RowRule(
        "answered-before-invited", "answered_at", "survey answers with an invitation", "came before the invitation",
        "answered_at < invited_at", "The answer counts from its own day.",
        "Check the formats and time zones of the two columns.",
        of="answered_at IS NOT NULL AND invited_at IS NOT NULL",
    ),
    RowRule(
        "answered-before-sign-up", "answered_at", "survey answers", "are older than the account's first subscription",
        "CAST(answered_at AS DATE) < first_on",
        "As measures they count as known from the first day on; pages on what customers say leave them out.",
        "Check whether the answers are matched to the right accounts.",
        of="answered_at IS NOT NULL AND first_on IS NOT NULL",
    ),
)  # fmt: skip


def check_activity(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about usage, tickets, survey answers and payments beside the subscriptions."""
    if evidence.has("usage"):
        yield from _usage(evidence)
    if evidence.has("tickets"):
        yield from apply_rules(evidence, "tickets", _TICKETS, f"tickets LEFT JOIN {SPANS} USING (account_id)")
    if evidence.has("surveys"):
        yield from apply_rules(evidence, "surveys", _SURVEYS, f"surveys LEFT JOIN {SPANS} USING (account_id)")
        yield from _scale(evidence)
    if evidence.has("payments"):
        yield from _billed(evidence)


def _scale(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Scores of which none is above five may be answers on another scale, on which everybody would be a detractor."""
    n, most = evidence.rows("SELECT count(score), max(score) FROM surveys")[0]
    if n >= MANY_SCORES and most <= LESSER_SCALE:
        yield IntegrityFinding(
            code="scores-on-another-scale", severity="caveat", table="surveys", column="score", count=n,
            problem=f"None of {n:,} survey scores is above {LESSER_SCALE}.",
            consequence="On the scale from 0 to 10 all of these customers are detractors. If they were asked on another scale, "
            "nothing said of recommending holds.",
            action="Check the scale of the question; scores of another scale belong under another name.",
        )  # fmt: skip


def _usage(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """One pass over usage, summed by account first: twice as fast as counting different accounts in it."""
    n, n_early, n_late, early_accounts, late_accounts, who_early, who_late = evidence.rows(
        "WITH outside AS (SELECT account_id, count(*) AS n, "
        f"count(*) FILTER (WHERE used_on < first_on - {GRACE}) AS early, "
        f"count(*) FILTER (WHERE used_on >= last_on + {GRACE}) AS late "
        "FROM (SELECT account_id, CAST(u.at AS DATE) AS used_on, first_on, last_on "
        f"FROM usage AS u JOIN {SPANS} USING (account_id)) GROUP BY account_id) "
        "SELECT CAST(sum(n) AS BIGINT), CAST(sum(early) AS BIGINT), CAST(sum(late) AS BIGINT), "
        "count(*) FILTER (WHERE early > 0), count(*) FILTER (WHERE late > 0), "
        "min(account_id, 3) FILTER (WHERE early > 0), min(account_id, 3) FILTER (WHERE late > 0) FROM outside"
    )[0]
    if n_early:
        yield IntegrityFinding(
            code="usage-before-start", severity=few_or_many(n_early, n), table="usage", column="at", count=n_early,
            rows=tuple(who_early),
            problem=f"{n_early:,} of {n:,} usage records ({percent(n_early, n)}) {agreeing(n_early, 'are more')} than {GRACE} days older than "
            f"the account's first subscription, of {counted(early_accounts, 'account')}{such_as(who_early)}.",
            consequence="Use in a trial counts as use; if the start was entered late, time as a customer is too short.",
            action="Check the starts of these subscriptions.",
        )  # fmt: skip
    if n_late:
        yield IntegrityFinding(
            code="usage-after-end", severity=few_or_many(n_late, n), table="usage", column="at", count=n_late,
            rows=tuple(who_late),
            problem=f"{n_late:,} of {n:,} usage records ({percent(n_late, n)}) {agreeing(n_late, 'lie at')} least {GRACE} days after the "
            f"account's last subscription had ended, of {counted(late_accounts, 'account')}{such_as(who_late)}.",
            consequence="They count for nothing; but who still uses the product may not have left.",
            action="Check whether a later subscription is missing, or whether access is closed late.",
        )  # fmt: skip


def _billed(evidence: Evidence) -> Iterator[IntegrityFinding]:
    late = f"due_on >= last_on + {BILLED_LATE} AND paid_on IS NOT NULL"
    n, accounts, leavers, who = evidence.rows(
        f"SELECT count(*) FILTER (WHERE {late}), count(DISTINCT account_id) FILTER (WHERE {late}), "
        f"(SELECT count(*) FROM {SPANS} WHERE last_on < $end), min(DISTINCT account_id, 3) FILTER (WHERE {late}) "
        f"FROM payments JOIN {SPANS} USING (account_id)",
        end=evidence.study.observed_to,
    )[0]
    if n:
        yield IntegrityFinding(
            code="billed-after-end", severity=few_or_many(accounts, leavers), table="payments", column="due_on",
            count=n, rows=tuple(who),
            problem=f"{counted(n, 'paid bill')} of {counted(accounts, 'account')} {agreeing(n, 'were due')} at least "
            f"{BILLED_LATE} days after the last subscription had ended{such_as(who)}.",
            consequence="Who pays is still a customer: either the end or the bill is wrong, and churn may be overstated.",
            action="Check whether a later subscription is missing from the export.",
        )  # fmt: skip
