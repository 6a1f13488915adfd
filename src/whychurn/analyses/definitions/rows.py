"""Findings on rates: each named rate by month, over months and by year, and the ways between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import OUTCOME, share_interval
from whychurn.analyses.definitions.catalogue import SURVIVAL, differences
from whychurn.analyses.definitions.counting import BASE, CUSTOMERS, Counted, NamedRate, per_time_at_risk
from whychurn.analyses.definitions.history import History
from whychurn.analyses.definitions.periods import Period
from whychurn.analyses.definitions.walking import Walk, walk_between
from whychurn.analyses.rates import YEAR, rate_row
from whychurn.models import fit_kaplan_meier

BASIS: dict[str, Any] = {"analysis": "definitions", "outcome": OUTCOME, "method": "count", "declared": "in advance"}
MONTH, MONTHS, OF_YEAR = "month", "mean of months", "year"
#: So many accounts of a group are named.
EXAMPLES = 5
#: From so many customers under notice on, none a month later is no chance.
FEWEST_UNDER_NOTICE = 5
#: Marks the walk that the page draws.
HEADLINE = "headline"


def rates_in(history: History, rates: Sequence[NamedRate], period: Period, level: str) -> Iterator[dict[str, Any]]:
    """Yield each rate in one period."""
    for rate in rates:
        yield _described(rate, period.label) | {"level": level} | in_period(history, rate, period)


def means_over(history: History, rates: Sequence[NamedRate], months: Sequence[Period]) -> Iterator[dict[str, Any]]:
    """Yield the mean of each rate over months; a month without customers is left out of it and noted."""
    for rate in rates:
        found = [in_period(history, rate, month) for month in months]
        known = [row["estimate"] for row in found if not math.isnan(row["estimate"])]
        row = _described(rate, f"{months[0].label} to {months[-1].label}") | {"level": MONTHS}
        missing = len(found) - len(known)
        note = str(found[-1]["note"]) if not known else f"{missing:,} months have no rate." if missing else ""
        yield row | {"estimate": float(np.mean(known)) if known else math.nan, "df": len(known), "note": note}


def _described(rate: NamedRate, label: str) -> dict[str, Any]:
    return BASIS | {
        "estimand": "rate",
        "term": rate.name,
        "group": rate.family,
        "method": rate.formula,
        "reference": label,
        "unit": "share",
        "family": rate.unit,
        "grade": rate.kind,
        "definition": rate.text,
    }


def in_period(history: History, rate: NamedRate, period: Period) -> dict[str, Any]:
    """Return estimate, counts, interval and note of a rate in one period."""
    if rate.name == SURVIVAL:
        return _on_the_curve(history, rate, period)
    assert rate.count is not None
    counted = rate.count(history, period)
    if isinstance(counted, str):
        return {"estimate": math.nan, "note": counted}
    above, below = counted.totals
    level = history.study.confidence_level
    row = {"estimate": counted.rate, "numerator": above, "denominator": below, "conf_level": level, "note": ""}
    if rate.unit == CUSTOMERS:
        row |= {"n_events": above, "n_accounts": int((counted.denominator > 0).sum())}
    row["note"] = notices_missing(history, rate.source, period)
    if math.isnan(counted.rate):
        return row | {"note": f"Nothing to divide by in {period.label}."}
    if rate.share:
        low, high = share_interval(above, below, level)
        row |= {"conf_low": low, "conf_high": high}
    elif rate.count is per_time_at_risk:
        row |= _per_time_limits(counted, period, level)
    return row


def notices_missing(history: History, source: str, period: Period) -> str:
    """Say where customers were under notice when a period began and none when it ended: the notices may not be known yet."""
    own, definition = history.definitions[history.own], history.definitions[source]
    if definition.recognise != "cancel date" or differences(own, definition) != {"recognise"}:
        return ""
    by_notice, by_term = history.facts(source, period), history.facts(history.own, period)
    before, after = (int((theirs & ~mine).sum()) for mine, theirs in (
        (by_notice.opening, by_term.opening), (by_notice.closing, by_term.closing)
    ))  # fmt: skip
    if before < FEWEST_UNDER_NOTICE or after:
        return ""
    return (
        f"{before:,} customers were under notice when {period.label} began and nobody when it ended: where a notice is recorded "
        "only once the term is over, this rate is too low."
    )


def per_100_years(counted: Counted, period: Period, level: float) -> dict[str, Any]:
    """Return departures per 100 customer-years, which do not depend on the length of the period."""
    at_risk = counted.denominator > 0
    row = rate_row(counted.numerator[at_risk], counted.denominator[at_risk] * period.days, level)
    return {name: value for name, value in row.items() if name != "estimand"}


def _per_time_limits(counted: Counted, period: Period, level: float) -> dict[str, Any]:
    """Limits of a rate per customer and period, from those per 100 customer-years."""
    yearly = per_100_years(counted, period, level)
    per = period.days / (100 * YEAR)
    return {name: yearly.get(name, math.nan) * per for name in ("conf_low", "conf_high")}


def _on_the_curve(history: History, rate: NamedRate, period: Period) -> dict[str, Any]:
    """Return 1 - S at the end of a period, over its days; who leaves on a day was a customer until then."""
    stays, level = history.stays[rate.source], history.study.confidence_level
    begin, end = np.datetime64(period.starts_on, "D"), np.datetime64(period.ends_on, "D")
    inside = (stays.ended_on >= begin) & (stays.started_on < end)
    started, ended = stays.started_on[inside], stays.ended_on[inside]
    rows = pd.DataFrame(
        {
            "start": np.maximum((started - begin).astype(float) + 1, 0.0),
            "stop": np.minimum((ended - begin).astype(float) + 1, float(period.days) + 0.5),
            "event": (ended < end).astype(int),
        }
    )
    opening = int((rows["start"] == 0).sum())
    base = {
        "conf_level": level,
        "n_accounts": len(np.unique(stays.account[inside])),
        "n_events": int(rows["event"].sum()),
    }
    if not opening:
        return base | {"estimate": math.nan, "note": f"Nobody was a customer when {period.label} began."}
    if not rows["event"].any():
        return base | {"estimate": 0.0, "note": "Nobody left, so the curve has no interval."}
    curve = fit_kaplan_meier(rows, "stop", "event", start="start", conf_level=level).at([float(period.days)]).iloc[0]
    return base | {
        "estimate": 1 - float(curve["survival"]),
        "conf_low": 1 - float(curve["conf_high"]),
        "conf_high": 1 - float(curve["conf_low"]),
        "note": "",
    }


def tools_rows(rates: Sequence[NamedRate]) -> Iterator[dict[str, Any]]:
    """Yield whose convention each rate is, as context."""
    for rate in rates:
        if rate.tools:
            yield BASIS | {"estimand": "tools", "term": rate.name, "group": rate.family, "note": rate.tools}


def walk_rows(
    history: History, house: NamedRate, others: Sequence[NamedRate], period: Period, level: str
) -> Iterator[dict[str, Any]]:
    """Yield the steps from the house's rate to each other one; the widest gap between rates of the base leads."""
    walks = [(other, walk_between(history, house, other, period)) for other in others]
    leading = _widest([found for _, found in walks if isinstance(found, Walk)])
    for other, found in walks:
        base = BASIS | {
            "term": other.name,
            "reference": house.name,
            "unit": "share",
            "group": level,
            "family": other.unit,
        }
        if isinstance(found, str):
            yield base | {"estimand": "walk", "note": found}
            continue
        gap = found.rates[1] - found.rates[0]
        first, second = (counted.totals for counted in found.counted)
        yield base | {
            "estimand": "walk",
            "grade": HEADLINE if other.name == leading else "",
            "definition": period.label,
            "estimate": gap,
            "n_accounts": len(found.accounts),
            "numerator": second[0] - first[0] if found.same_unit else math.nan,
            "denominator": second[1] - first[1] if found.same_unit else math.nan,
            "note": "One of the two rates is empty." if math.isnan(gap) else "",
        }
        yield from _steps(found, base)


def _widest(walks: Sequence[Walk]) -> str:
    """Return the name of the rate farthest from the house's, "" where all are the same."""
    gaps = {w.other.name: abs(w.rates[1] - w.rates[0]) for w in walks if w.other.kind == BASE}
    known = {name: gap for name, gap in gaps.items() if gap > 0}
    return max(known, key=lambda name: known[name], default="")


def _steps(found: Walk, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    ids = found.accounts.groupby("group")["account_id"].agg(lambda each: ", ".join(map(str, each.head(EXAMPLES))))
    for place, step in enumerate(found.steps().to_dict("records")):
        yield base | {
            "estimand": "walk_step",
            "level": step["group"],
            "time": float(place),
            "estimate": step["effect"],
            "numerator": step["numerator"],
            "denominator": step["denominator"],
            "n_accounts": step["accounts"],
        }
        yield base | {"estimand": "walk_examples", "level": step["group"], "note": ids[step["group"]]}
