"""Customers and recurring revenue by calendar period, overall or by segment, summed where the tables are.

Customers of the day before a period begins are its opening customers, as the opening revenue of a bridge is that of
the day before: what closes one period opens the next. What the same customers pay at both ends is kept apart from what
came and went in between, because rates of retention and the bridge of movements are two accounts of one period.
"""

from __future__ import annotations

import duckdb
import pandas as pd

from whychurn.errors import PanelError
from whychurn.panel.movements import DIGITS
from whychurn.sources.names import quoted
from whychurn.study import TableStudy

#: Periods of the calendar; a "rolling year" ends with the window, one month before that, two months before, ...
PERIODS = ("month", "quarter", "year", "rolling year", "last year")
_EVERYBODY = "SELECT '' AS segment, '' AS level"
_GIVEN, _OWNERS = "period_segments", "period_owners"


def period_sums(
    connection: duckdb.DuckDBPyConnection,
    study: TableStudy,
    revenue: str,
    period: str = "month",
    segments: pd.DataFrame | None = None,
    owners: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Sum customers and recurring revenue of each period that touches the window.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    study : TableStudy
        For the window.
    revenue : str
        The table of :func:`whychurn.panel.movements.make_revenue`.
    period : str
        "month", "quarter", "year": of the calendar. "rolling year": twelve months each, the last of which ends with the
        window, the others whole months before it, as many as the window holds. "last year": the last of these alone,
        or the whole window where that is shorter.
    segments : pandas.DataFrame, optional
        ``account_id``, ``spell``, ``segment``, ``level``: which spell counts in which levels. A customer that returns
        counts by the spell it was in at the beginning of the period. Without it the sums are over everybody.
    owners : pandas.DataFrame, optional
        ``account_id``, ``owner``: accounts that belong together (:func:`whychurn.panel.owners.owners`), so that they are
        one in the sums of squares. Every other account stands for itself.

    Returns
    -------
    pandas.DataFrame
        One row per segment, level and period, in order of time: ``segment``, ``level``, ``starts_on``, ``ends_on``
        (first day after it), ``whole`` (whether the window holds all of it);

        customers: ``opening``, ``closing``, ``won`` (first time), ``returned``, ``left`` (departures),
        ``lost`` (opening customers that are none at the end), ``paying_less`` and ``paying_more`` (opening customers
        that are still there at the end and pay less, more), ``won_and_left`` (began and left within the period);

        revenue, in the study's currency per month: ``mrr_opening``, ``mrr_new``, ``mrr_expansion``,
        ``mrr_reactivation``, ``mrr_contraction``, ``mrr_churn``, ``mrr_closing`` (the bridge), and of the opening
        customers alone ``mrr_after`` (at the end of the period), ``mrr_kept`` (the smaller of begin and end, added up
        customer by customer), ``mrr_lost`` (begin of those that are gone at the end);

        sums of squares and products over the owners of opening customers, from which variances of rates follow:
        ``owners`` (how many), and of what all accounts of an owner add up to ``square_customers`` (how many they are),
        ``square_gone`` and ``customers_gone`` (how many of them are lost), ``square_less`` and ``customers_less`` (how
        many pay less), ``square_begin``, ``square_after``,
        ``square_kept``, ``square_lost``, ``square_shrunk`` (what those that stay pay less), ``begin_after``,
        ``begin_kept``, ``begin_lost``, ``begin_shrunk``, ``after_kept``; and with what all accounts of the owner add up to, whatever
        their level: ``whole_gone``, ``whole_lost``.

    Raises
    ------
    PanelError
        If there is no such period.
    """
    if period not in PERIODS:
        raise PanelError(f"Sums are by {', '.join(PERIODS)}, not by {period!r}.")
    levels, own = _EVERYBODY, f"CROSS JOIN ({_EVERYBODY}) AS own"
    if segments is not None:
        given = segments[["account_id", "spell", "segment", "level"]].drop_duplicates()
        connection.register(_GIVEN, given)
        levels, own = f"SELECT DISTINCT segment, level FROM {_GIVEN}", f"JOIN {_GIVEN} AS own USING (account_id, spell)"
    together = pd.DataFrame(columns=["account_id", "owner"]) if owners is None else owners[["account_id", "owner"]]
    connection.register(_OWNERS, together.astype(object).where(together.notna(), None))
    try:
        return connection.execute(
            _QUERY.format(
                digits=DIGITS, revenue=quoted(revenue), periods=_periods(period), levels=levels, own=own, owners=_OWNERS
            ),
            {"begin": study.observed_from, "end": study.observed_to},
        ).df()
    finally:
        connection.unregister(_OWNERS)
        if segments is not None:
            connection.unregister(_GIVEN)


def _periods(period: str) -> str:
    if period in ("month", "quarter", "year"):
        return f"""
            SELECT greatest(CAST(day AS DATE), $begin) AS starts_on,
                least(CAST(day + INTERVAL 1 {period} AS DATE), $end) AS ends_on,
                day >= $begin AND day + INTERVAL 1 {period} <= $end AS whole
            FROM range(date_trunc('{period}', $begin), CAST($end AS TIMESTAMP), INTERVAL 1 {period}) AS calendar(day)
        """
    before = "CAST($end - INTERVAL 1 MONTH * CAST(back + 12 AS INTEGER) AS DATE)"
    last = "0" if period == "last year" else "greatest(datediff('month', $begin, $end), 0)"
    return f"""
        SELECT greatest({before}, $begin) AS starts_on,
            CAST($end - INTERVAL 1 MONTH * CAST(back AS INTEGER) AS DATE) AS ends_on, {before} >= $begin AS whole
        FROM range(0, {last} + 1) AS months(back) WHERE back = 0 OR {before} >= $begin
    """


_QUERY = """
    WITH periods AS ({periods}),
    levels AS (
        SELECT account_id, spell, mrr, day, coalesce(lead(day) OVER (PARTITION BY spell_id ORDER BY day), $end) AS until, ends
        FROM {revenue}
    ),
    bounds AS (SELECT starts_on AS day FROM periods UNION SELECT ends_on FROM periods),
    -- Who was a customer on the day before a bound, and what each paid.
    states AS (
        SELECT bounds.day, account_id, spell, mrr FROM bounds JOIN levels
            ON NOT ends AND levels.day < bounds.day AND until >= bounds.day
    ),
    both_ends AS (
        SELECT starts_on, opening.account_id, opening.spell, opening.mrr AS mrr_begin,
            closing.account_id IS NULL AS gone, coalesce(closing.mrr, 0) AS mrr_end,
            coalesce(CAST(together.owner AS VARCHAR), opening.account_id) AS owner
        FROM periods JOIN states AS opening ON opening.day = starts_on
        LEFT JOIN states AS closing ON closing.day = ends_on AND closing.account_id = opening.account_id
        LEFT JOIN {owners} AS together ON together.account_id = opening.account_id
    ),
    of_owners AS (
        SELECT own.segment, own.level, starts_on, owner, count(*) AS customers, count(*) FILTER (gone) AS gone,
            count(*) FILTER (NOT gone AND mrr_end < mrr_begin) AS less, sum(mrr_begin) AS begins, sum(mrr_end) AS after, sum(least(mrr_begin, mrr_end)) AS kept,
            coalesce(sum(mrr_begin) FILTER (gone), 0) AS lost,
            coalesce(sum(mrr_begin - least(mrr_begin, mrr_end)) FILTER (NOT gone), 0) AS shrunk
        FROM both_ends {own} GROUP BY ALL
    ),
    wholes AS (
        SELECT starts_on, owner, count(*) AS all_customers, sum(mrr_begin) AS all_begins FROM both_ends GROUP BY ALL
    ),
    squares AS (
        SELECT segment, level, starts_on, count(*) AS owners,
            sum(customers * customers) AS square_customers, sum(gone * gone) AS square_gone,
            sum(less * less) AS square_less, sum(customers * less) AS customers_less,
            sum(customers * gone) AS customers_gone, sum(all_customers * gone) AS whole_gone,
            sum(begins * begins) AS square_begin, sum(after * after) AS square_after, sum(kept * kept) AS square_kept,
            sum(lost * lost) AS square_lost, sum(shrunk * shrunk) AS square_shrunk, sum(begins * after) AS begin_after,
            sum(begins * kept) AS begin_kept, sum(begins * lost) AS begin_lost, sum(begins * shrunk) AS begin_shrunk,
            sum(after * kept) AS after_kept,
            sum(all_begins * lost) AS whole_lost
        FROM of_owners JOIN wholes USING (starts_on, owner) GROUP BY ALL
    ),
    stays AS (
        SELECT account_id, spell, min(day) FILTER (opens) AS from_day, max(day) FILTER (ends) AS to_day
        FROM {revenue} GROUP BY account_id, spell
    ),
    entries AS (
        SELECT starts_on, account_id, spell, 'both ends' AS what, mrr_begin AS one, mrr_end AS other, gone AS flag FROM both_ends
        UNION ALL
        SELECT starts_on, account_id, spell, 'closing', mrr, 0, false FROM periods JOIN states ON day = ends_on
        UNION ALL
        SELECT starts_on, account_id, spell,
            CASE WHEN ends THEN 'ends' WHEN opens AND spell > 1 THEN 'returns' WHEN opens THEN 'begins' ELSE 'changes' END,
            mrr, before, false
        FROM periods JOIN {revenue} ON day >= starts_on AND day < ends_on
        UNION ALL
        SELECT starts_on, account_id, spell, 'within', 0, 0, false
        FROM periods JOIN stays ON from_day >= starts_on AND to_day < ends_on
    ),
    sums AS (
        SELECT own.segment, own.level, starts_on,
            count(*) FILTER (what = 'both ends') AS opening, count(*) FILTER (what = 'closing') AS closing,
            count(*) FILTER (what = 'begins') AS won, count(*) FILTER (what = 'returns') AS returned,
            count(*) FILTER (what = 'ends') AS left_in, count(*) FILTER (what = 'both ends' AND flag) AS lost,
            count(*) FILTER (what = 'within') AS won_and_left,
            sum(one) FILTER (what = 'both ends') AS mrr_opening,
            sum(one - other) FILTER (what = 'begins') AS mrr_new,
            sum(one - other) FILTER (what = 'changes' AND one > other) AS mrr_expansion,
            sum(one - other) FILTER (what = 'returns') AS mrr_reactivation,
            sum(other - one) FILTER (what = 'changes' AND one < other) AS mrr_contraction,
            sum(other - one) FILTER (what = 'ends') AS mrr_churn,
            sum(one) FILTER (what = 'closing') AS mrr_closing,
            sum(other) FILTER (what = 'both ends') AS mrr_after,
            sum(least(one, other)) FILTER (what = 'both ends') AS mrr_kept,
            sum(one) FILTER (what = 'both ends' AND flag) AS mrr_lost,
            count(*) FILTER (what = 'both ends' AND NOT flag AND other < one) AS paying_less,
            count(*) FILTER (what = 'both ends' AND NOT flag AND other > one) AS paying_more
        FROM entries {own} GROUP BY ALL
    )
    SELECT cells.segment, cells.level, cells.starts_on, ends_on, whole,
        coalesce(opening, 0) AS opening, coalesce(closing, 0) AS closing, coalesce(won, 0) AS won,
        coalesce(returned, 0) AS returned, coalesce(left_in, 0) AS "left", coalesce(lost, 0) AS lost,
        coalesce(paying_less, 0) AS paying_less, coalesce(paying_more, 0) AS paying_more,
        coalesce(won_and_left, 0) AS won_and_left, coalesce(owners, 0) AS owners,
        coalesce(round(COLUMNS('mrr_.*'), {digits}), 0), coalesce(CAST(COLUMNS('square_.*|begin_.*|whole_.*|customers_.*|after_kept') AS DOUBLE), 0)
    FROM (SELECT segment, level, periods.* FROM ({levels}) CROSS JOIN periods) AS cells
    LEFT JOIN sums USING (segment, level, starts_on) LEFT JOIN squares USING (segment, level, starts_on)
    ORDER BY cells.segment, cells.level, cells.starts_on
"""
