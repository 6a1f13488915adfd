"""The usual formula, revenue per customer / monthly churn, and the steps from it to the lifetime of the survival curve."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from whychurn.analyses.rates import MONTH
from whychurn.analyses.value.base import BASE, noted
from whychurn.analyses.value.reckoning import ACQUISITION, REVENUE, SERVICE, Reckoning
from whychurn.models.wald import normal_quantile

FORMULA = "usual formula"
#: Steps in order: name, and what it does.
STEPS = {
    "horizon": "counts nothing after the horizon",
    "tenure": "lets leaving depend on how long a customer has been one",
    "revenue": "lets revenue depend on how long a customer has been one",
    "discount": "discounts what comes later",
    "service": "takes off the cost of serving",
    "acquisition": "takes off the cost of winning the customer",
}
NOBODY_LEFT = "Nobody left in the window: the usual formula divides by a churn of zero."


def usual_rows(reckoning: Reckoning, horizon: int) -> Iterator[dict[str, Any]]:
    """Yield the usual figure with its interval, its two ingredients, and the walk to the survival-based lifetime.

    All are of the same customers and days: first stays in the window. Revenue per customer-month divided by departures
    per customer-month is revenue per departure, a ratio of sums over customers, and its interval is that of such a ratio
    (on the log scale, clustered).
    """
    ledger, study = reckoning.ledger, reckoning.study
    rows = ledger.first_stays
    known = rows[rows["mrr"].notna()]
    paid = (known["mrr"] * known["days"]).groupby(known["owner"]).sum() / MONTH * ledger.margin
    lived = rows.groupby("owner")["days"].sum() / MONTH
    left = rows.groupby("owner")["event"].sum()
    months, departures = float(lived.sum()), float(left.sum())
    base = BASE | {"method": FORMULA, "n_accounts": rows["account_id"].nunique(), "n_events": departures}
    arpa = float(paid.sum()) / (float(known["days"].sum()) / MONTH)
    churn = departures / months
    yield base | {
        "estimand": "arpa", "unit": "amount", "estimate": arpa, "numerator": float(paid.sum()), "denominator": months,
        "definition": "revenue per customer-month in the window" + (" x gross margin" if ledger.margin < 1 else ""),
    }  # fmt: skip
    yield base | {
        "estimand": "monthly_churn", "unit": "share", "estimate": churn, "numerator": departures, "denominator": months,
        "definition": "departures / customer-months in the window",
    }  # fmt: skip
    if not departures:
        yield noted("usual_value", NOBODY_LEFT, method=FORMULA)
        return
    usual = arpa / churn
    frame = (paid.reindex(lived.index).fillna(0.0) / arpa - left / churn).to_numpy()
    # Where every customer-month has an amount this is revenue / departures; the log's influence is the difference of both.
    error = float(np.sqrt(np.sum(frame**2))) / months
    z = normal_quantile(study.confidence_level)
    yield base | {
        "estimand": "usual_value", "unit": "amount", "estimate": usual, "std_error": error, "std_error_scale": "log",
        "conf_low": usual * math.exp(-z * error), "conf_high": usual * math.exp(z * error),
        "conf_level": study.confidence_level,
        "definition": "revenue per customer-month / monthly churn: no horizon, one churn for all ages, no discount, no costs",
    }  # fmt: skip
    yield from _curve(base, arpa, churn, horizon)
    yield from _walk(reckoning, base, usual, arpa, churn, horizon)


def _curve(base: dict[str, Any], arpa: float, churn: float, horizon: int) -> Iterator[dict[str, Any]]:
    for month in range(horizon + 1):
        yield base | {
            "estimand": "usual_cumulative", "unit": "amount", "time": float(month),
            "estimate": arpa * -math.expm1(-churn * month) / churn,
            "definition": "what the usual formula has by this age: revenue of the average customer at constant churn",
        }  # fmt: skip


def _walk(
    reckoning: Reckoning, base: dict[str, Any], usual: float, arpa: float, churn: float, horizon: int
) -> Iterator[dict[str, Any]]:
    rows = reckoning.ledger.first_stays
    stayed = float(reckoning.time(rows, [horizon])["estimate"].iloc[0])
    flat = reckoning.money(rows, [horizon], discounted=False).set_index("part")["estimate"]
    money = reckoning.money(rows, [horizon]).set_index("part")["estimate"]
    constant = arpa * -math.expm1(-churn * horizon) / churn
    reached = {
        "horizon": constant,
        "tenure": arpa * stayed,
        "revenue": float(flat[REVENUE]),
        "discount": float(money[REVENUE]),
    }
    after = reached["discount"]
    for name, part in (("service", SERVICE), ("acquisition", ACQUISITION)):
        if part in money.index:
            after += float(money[part])
            reached[name] = after
    before = usual
    for place, (name, value) in enumerate(reached.items(), start=1):
        yield base | {
            "estimand": "step", "unit": "amount", "level": name, "time": float(place), "estimate": value - before,
            "numerator": value, "denominator": before, "definition": STEPS[name],
        }  # fmt: skip
        before = value
