"""What a new customer brings up to the horizon, from the survival curve: time, revenue, costs, and what is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.rates import MONTH
from whychurn.analyses.value.base import BASE, NO_AMOUNTS, noted
from whychurn.analyses.value.reckoning import ACQUISITION, REVENUE, SERVICE, TIME, TOTAL, Reckoning, columns_of

#: Ages in months at which the curve is also listed.
LISTED = (1, 3, 6, 12, 18, 24, 36, 48, 60)
METHOD = "survival curve"
#: Estimand and definition of each part of a value; deductions are listed as positive costs.
PARTS = {
    REVENUE: ("lifetime_revenue", "integral to the horizon of S(t) x mean revenue of those still customers at age t"),
    SERVICE: ("lifetime_service_cost", "integral to the horizon of S(t) x mean cost of serving those still customers"),
    ACQUISITION: ("acquisition_cost_upfront", "mean recorded cost of winning a new customer, paid at the beginning"),
    TOTAL: ("lifetime_value", "revenue - cost of service - cost of winning the customer, up to the horizon"),
}


def lifetime_rows(reckoning: Reckoning, horizon: int) -> Iterator[dict[str, Any]]:
    """Yield the lifetime, discounted and not, the curve of what has come in by each month, and what it rests on."""
    ledger, study = reckoning.ledger, reckoning.study
    rows = ledger.first_stays
    base = BASE | {"method": METHOD, "conf_level": study.confidence_level}
    listed = sorted({month for month in LISTED if month < horizon} | {horizon})
    time = reckoning.time(rows, listed)
    for each in time[time["month"] == horizon].itertuples():
        yield (
            base
            | columns_of(each)
            | {
                "estimand": "expected_months",
                "unit": "months",
                "time": float(horizon),
                "definition": "area under the survival curve up to the horizon (restricted mean), late entry respected",
            }
        )
    yield from _ages(rows, time, base)
    if not ledger.has_amounts:
        yield noted("lifetime_value", NO_AMOUNTS)
        return
    for discounted in (False, True):
        months = list(range(1, horizon + 1)) if discounted else [horizon]
        money = reckoning.money(rows, months, discounted=discounted)
        level = "discounted at the study's yearly rate" if discounted else "not discounted"
        yield from _parts(money[money["month"] == horizon], base | {"level": level, "time": float(horizon)})
        if discounted:
            yield from _curve(money, base | {"level": level})


def _parts(money: pd.DataFrame, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield revenue, costs, and what is left; without costs what is left is the revenue."""
    for each in money.itertuples():
        estimand, definition = PARTS[str(each.part)]
        sign = -1.0 if each.part in (SERVICE, ACQUISITION) else 1.0
        yield base | columns_of(each, sign) | {"estimand": estimand, "unit": "amount", "definition": definition}
    if TOTAL not in set(money["part"]):
        only = next(money.itertuples())
        estimand = PARTS[TOTAL][0]
        yield base | columns_of(only) | {"estimand": estimand, "unit": "amount", "definition": PARTS[REVENUE][1]}


def _curve(money: pd.DataFrame, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    part = TOTAL if TOTAL in set(money["part"]) else REVENUE
    cost = money[money["part"] == ACQUISITION]
    begin: dict[str, Any] = {"estimate": 0.0, "conf_low": 0.0, "conf_high": 0.0}
    if len(cost):
        begin = columns_of(next(cost.itertuples())) | {"n_events": float("nan")}
    words = {"estimand": "cumulative_value", "unit": "amount", "definition": "what has come in by this age, less costs"}
    yield base | begin | words | {"time": 0.0}
    each: Any
    for each in money[money["part"] == part].itertuples():
        yield base | columns_of(each) | words | {"time": float(each.month), "denominator": each.n_at_risk}


def _ages(rows: pd.DataFrame, time: pd.DataFrame, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield, at some ages, how many are still customers, what share has stayed, and what they pay on average."""
    each: Any
    for each in time[time["part"] == TIME].itertuples():
        at = {"time": float(each.month), "n_accounts": each.n, "n_events": each.n_events}
        there = rows[(rows["entry"] < each.horizon) & (rows["duration"] >= each.horizon)]
        yield base | at | {
            "estimand": "n_at_risk", "unit": "customers", "estimate": each.n_at_risk,
            "definition": "customers whose stay was observed at this age",
        }  # fmt: skip
        yield base | at | {
            "estimand": "survival", "unit": "share", "estimate": each.survival,
            "definition": "share of new customers still there at this age",
        }  # fmt: skip
        if there["mrr"].notna().any():
            yield base | at | {
                "estimand": "mean_amount", "unit": "amount", "estimate": float(there["mrr"].mean()),
                "definition": "mean monthly recurring revenue of those still customers at this age",
            }  # fmt: skip


def settings_rows(reckoning: Reckoning, horizon: int) -> Iterator[dict[str, Any]]:
    """Yield what was assumed: horizon, discount rate, margin, and what the costs leave out."""
    ledger, value = reckoning.ledger, reckoning.study.value
    base = BASE | {"method": "setting"}
    asked = value.horizon_months
    short = "" if horizon == asked else "The data reach no further with enough customers at risk."
    yield base | {
        "estimand": "horizon",
        "unit": "months",
        "estimate": float(horizon),
        "numerator": float(asked),
        "note": short,
    }
    yield base | {"estimand": "discount_rate", "unit": "share", "estimate": value.discount_rate}
    yield base | {"estimand": "called", "level": ledger.called, "note": " ".join(ledger.notes)}
    for name, there in (("service", ledger.has_service), ("acquisition", ledger.has_acquisition)):
        yield base | {"estimand": "costs_recorded", "level": name, "unit": "", "estimate": float(there)}
    if value.gross_margin is not None:
        unused = "" if ledger.margin < 1 or value.gross_margin == 1 else "Not used: costs of service are recorded."
        yield base | {"estimand": "gross_margin", "unit": "share", "estimate": value.gross_margin, "note": unused}
    stays, winners = ledger.spells, ledger.spells[ledger.spells["is_new"]]
    returned = int((stays["spell"] > 1).sum())
    yield base | {
        "estimand": "later_stays", "unit": "stays", "estimate": float(returned), "denominator": float(len(stays)),
        "definition": "stays of customers who had left before: counted in profit, not in the lifetime of a new customer",
    }  # fmt: skip
    if ledger.has_acquisition:
        recorded = float(winners["acquisition"].notna().sum())
        yield base | {
            "estimand": "acquisition_recorded", "unit": "customers", "estimate": recorded,
            "denominator": float(len(winners)),
            "definition": "new customers with a cost of winning them recorded by the month they began",
        }  # fmt: skip
    served = ledger.rows
    if ledger.has_service:
        days = float(served["days"].sum())
        yield base | {
            "estimand": "service_recorded", "unit": "share",
            "estimate": float(served.loc[served["service"].notna(), "days"].sum()) / days, "denominator": days / MONTH,
            "definition": "share of customer-time with a cost of service recorded",
        }  # fmt: skip
