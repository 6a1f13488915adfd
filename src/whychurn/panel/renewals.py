"""Subscriptions cut at their renewals, so that each day knows the renewal that lay ahead on that day."""

from __future__ import annotations

#: A first renewal up to this many days after the end of the first term is still the one agreed at the start.
SLACK_DAYS = 15

#: What to read instead of ``subscriptions``: the same rows, those that went past a renewal in several parts.
#:
#: A column "next renewal" is usually overwritten at each renewal. Read as it stands it would tell, years before, that
#: the customer was going to stay. So only what was fixed when the subscription began is used: the day of the first
#: renewal (as recorded, where it lies within the first term) and the length of the term. Without a term nobody can say
#: when the recorded day was agreed, and it is left out.
TERMS = f"""
    WITH first AS (
        SELECT *, CAST(round(term_months) AS INTEGER) AS months,
            CAST(started_on + INTERVAL 1 MONTH * CAST(round(term_months) AS INTEGER) AS DATE) AS term_end
        FROM subscriptions
    ),
    agreed AS (
        SELECT *, least(coalesce(ended_on, $to), CAST($to AS DATE)) AS until,
            CASE
                WHEN renewal_on IS NULL OR renewal_on <= started_on OR months IS NULL OR months < 1 THEN NULL
                WHEN renewal_on <= term_end + {SLACK_DAYS} THEN renewal_on
                ELSE term_end
            END AS first_renewal
        FROM first
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
