"""Subscriptions cut at their renewals, so that each day knows the renewal that lay ahead on that day."""

from __future__ import annotations

from whychurn.panel.service import served_subscriptions
from whychurn.study.tables_schema import Definition

#: The first renewal lies more than this many days after the beginning, and at most as many after the first term.
SLACK_DAYS = 15
#: Months differ in length: up to this many days from the end of the first term, it is the end of the first term.
SNAP_DAYS = 3

_TERMS = """
    WITH first AS (
        SELECT * REPLACE (carried_to AS ended_on), CAST(round(term_months) AS INTEGER) AS months,
            CAST(started_on + INTERVAL 1 MONTH * CAST(round(term_months) AS INTEGER) AS DATE) AS term_end
        FROM ({subscriptions})
    ),
    -- As many whole terms back as bring the recorded day to the end of the first term, give or take.
    counted AS (
        SELECT *, CASE WHEN renewal_on > started_on AND months >= 1
            THEN greatest(0, datediff('month', term_end, renewal_on) // months) END AS about
        FROM first
    ),
    rolled AS (
        SELECT *, CASE
            WHEN {back_about} > term_end + {slack} THEN about + 1
            WHEN about > 0 AND {back_about_less_one} <= term_end + {slack} THEN about - 1
            ELSE about
        END AS back
        FROM counted
    ),
    moved AS (
        SELECT *, CASE WHEN {back} <= started_on + {slack} THEN {back_less_one} ELSE {back} END AS first_day FROM rolled
    ),
    agreed AS (
        SELECT *, least(coalesce(ended_on, $to), CAST($to AS DATE)) AS until,
            CASE WHEN abs(first_day - term_end) <= {snap} THEN term_end ELSE first_day END AS first_renewal
        FROM moved
    ),
    -- One more turn than whole terms fit, and those that begin too late are dropped again.
    turns AS (
        SELECT *, unnest(range(0, CASE
            WHEN first_renewal IS NULL OR first_renewal >= until THEN 1
            ELSE datediff('month', first_renewal, until) // months + 2
        END)) AS turn
        FROM agreed
    ),
    dated AS (
        SELECT * REPLACE (
                CASE WHEN turn = 0 THEN started_on
                    ELSE CAST(first_renewal + INTERVAL 1 MONTH * CAST((turn - 1) * months AS INTEGER) AS DATE) END
                AS started_on,
                CAST(first_renewal + INTERVAL 1 MONTH * CAST(turn * months AS INTEGER) AS DATE) AS renewal_on
            )
        FROM turns
    )
    SELECT * REPLACE (CASE WHEN renewal_on < until THEN renewal_on ELSE ended_on END AS ended_on)
    FROM dated WHERE turn = 0 OR started_on < until
"""


def terms(definition: Definition) -> str:
    """Return what to read instead of subscriptions: the same rows, those that went past a renewal in several parts.

    A column "next renewal" is usually overwritten at each renewal. Read as it stands it would tell, years before, that
    the customer was going to stay. So it is taken back by whole terms to the first renewal after the subscription began,
    which is the same day whether it was overwritten or not. Without a term that cannot be done, and it is left out.

    Parameters
    ----------
    definition : Definition
        When a customer counts as gone, and with it when a subscription ends.

    Returns
    -------
    str
        A query with one parameter, ``to``: the day up to which terms are wanted. Its rows hold until ``ended_on``; a
        subscription that is carried through a gap goes on to the end of the gap.
    """
    return _TERMS.format(
        subscriptions=served_subscriptions(definition), slack=SLACK_DAYS, snap=SNAP_DAYS, back_about=_back("about"),
        back_about_less_one=_back("(about - 1)"), back=_back("back"), back_less_one=_back("(back - 1)"),
    )  # fmt: skip


def _back(terms_back: str) -> str:
    return f"CAST(renewal_on - INTERVAL 1 MONTH * CAST({terms_back} * months AS INTEGER) AS DATE)"
