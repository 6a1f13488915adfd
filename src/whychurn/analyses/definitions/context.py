"""What stands beside the rates: retention, a year, departures per 100 customer-years, a benchmark, who may yet return."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from whychurn.analyses.definitions import formulas
from whychurn.analyses.definitions.counting import Counted, NamedRate, per_time_at_risk
from whychurn.analyses.definitions.history import History
from whychurn.analyses.definitions.periods import Period
from whychurn.analyses.definitions.rows import BASIS, in_period, means_over, per_100_years

#: The yearly rate of good software companies as commonly quoted, a context and no target.
BENCHMARK = (0.03, 0.05)


def context_rows(
    history: History, house: NamedRate, months: Sequence[Period], year: Period | None
) -> Iterator[dict[str, Any]]:
    """Yield retention beside churn, what months would come to in a year, the year as it was, and a benchmark."""
    base = BASIS | {"term": house.name, "unit": "share"}
    counted = house.count(history, months[-1]) if house.count else ""
    if isinstance(counted, Counted) and not math.isnan(counted.rate):
        gone, opening = counted.totals
        yield base | {
            "estimand": "retention",
            "reference": months[-1].label,
            "method": "still there at the end / opening",
            "estimate": formulas.rate(opening - gone, opening),
            "numerator": opening - gone,
            "denominator": opening,
            "definition": "The complement of opening customers lost: both sum to one.",
        }
        yield from _may_return(history, house, months[-1])
    mean = next(means_over(history, [house], months))
    if not math.isnan(mean["estimate"]):
        yield base | {
            "estimand": "conversion",
            "method": "1 − (1 − monthly)^12",
            "reference": mean["reference"],
            "estimate": formulas.over_periods(mean["estimate"], 12),
            "definition": "What the mean month would come to in twelve months. A conversion, not an observation: customers "
            "of the first month are followed only while each month resembles the mean one.",
        }
    counted = per_time_at_risk(history, months[-1])
    yield (
        base
        | {"estimand": "yearly_rate", "reference": months[-1].label}
        | per_100_years(counted, months[-1], history.study.confidence_level)
    )
    if year is not None:
        yield base | {"estimand": "year"} | {"reference": year.label} | in_period(history, house, year)
    yield BASIS | {
        "estimand": "benchmark",
        "term": "Good yearly churn of software companies, as commonly quoted",
        "unit": "share",
        "conf_low": BENCHMARK[0],
        "conf_high": BENCHMARK[1],
        "note": "Depends on size, industry, pricing, whether customers are businesses or people, and length of contract; on "
        "the definition too, which those who quote it seldom say.",
    }


def _may_return(history: History, house: NamedRate, period: Period) -> Iterator[dict[str, Any]]:
    """Yield how many of those gone may yet return within the allowed gap, which the records end too early to show."""
    gap = history.definitions[history.own].allowed_gap_days
    unsure_from = history.study.observed_to - timedelta(days=gap)
    if not gap or period.ends_on <= unsure_from:
        return
    stays, facts = history.stays[history.own], history.facts(history.own, period)
    lately = (stays.ended_on >= np.datetime64(unsure_from, "D")) & (stays.ended_on < np.datetime64(period.ends_on, "D"))
    gone = facts.opening & ~facts.closing
    n, unsure = int(gone.sum()), int((gone & (stays.summed(stays.account, lately) > 0)).sum())
    if n:
        yield BASIS | {
            "estimand": "may_return",
            "term": house.name,
            "reference": period.label,
            "unit": "share",
            "estimate": formulas.rate(unsure, n),
            "numerator": unsure,
            "denominator": n,
            "df": gap,
            "definition": "Gone for no longer than the allowed gap when the records end, per opening customer lost.",
        }
