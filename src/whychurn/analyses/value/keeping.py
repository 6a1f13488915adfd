"""What winning a customer costs against keeping one, when it has paid for itself, and how many make up for leavers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from whychurn.analyses.rates import MONTH
from whychurn.analyses.value.base import BASE, noted
from whychurn.analyses.value.ledger import Ledger
from whychurn.analyses.value.year import LastYear
from whychurn.models.wald import normal_quantile
from whychurn.panel import Panel
from whychurn.study import TableStudy

METHOD = "recorded costs"
#: Figures that are often quoted, without a source that would let them be checked: (lower, upper, what is said of them).
QUOTED = {
    "yearly churn of a good subscription business": (0.03, 0.05, "share",
        "Depends on size, industry, prices, contract length and whether customers are businesses or people."),
    "profit from five points more retention": (0.25, 0.95, "share",
        "From studies of a few industries around 1990; it depends on margins and on how long customers stay."),
    "cost of winning against cost of keeping": (5.0, 7.0, "ratio",
        "Rarely measured; what counts as cost of keeping differs."),
}  # fmt: skip


def keeping_rows(
    ledger: Ledger, year: LastYear, panel: Panel, study: TableStudy, curve: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield costs of winning and of keeping with intervals, their ratio, the month of payback, and standing still.

    Parameters
    ----------
    ledger, year, panel, study
    curve : sequence of dict
        Rows ``cumulative_value`` in order of time: when a customer has paid for itself.
    """
    base = BASE | {"method": METHOD, "conf_level": study.confidence_level}
    z = normal_quantile(study.confidence_level)
    won = _winning(ledger)
    kept = _keeping(ledger)
    if won is None:
        yield noted(
            "acquisition_cost", "No cost of winning customers is recorded (costs.acquisition_cost).", method=METHOD
        )
    else:
        mean, shares = won
        yield base | _interval(mean, shares, z) | {
            "estimand": "acquisition_cost", "unit": "amount", "n_accounts": int(ledger.spells["acquisition"].notna().sum()),
            "definition": "mean recorded cost of winning a customer who began in the window",
        }  # fmt: skip
    if kept is None:
        yield noted("keeping_cost", "No cost of serving customers is recorded (costs.service_cost).", method=METHOD)
    else:
        mean, shares = kept
        yield base | _interval(12 * mean, 12 * shares, z) | {
            "estimand": "keeping_cost", "unit": "amount", "n_accounts": int(ledger.rows.loc[ledger.rows["service"].notna(), "account_id"].nunique()),
            "definition": "12 x recorded cost of service per customer-month in the window",
        }  # fmt: skip
    if won is not None and kept is not None and won[0] > 0 and kept[0] > 0:
        log = (won[1] / won[0]).sub(kept[1] / kept[0], fill_value=0.0)
        ratio, error = won[0] / (12 * kept[0]), float(np.sqrt((log**2).sum()))
        yield base | {
            "estimand": "cost_ratio", "unit": "ratio", "estimate": ratio, "std_error": error, "std_error_scale": "log",
            "conf_low": ratio * math.exp(-z * error), "conf_high": ratio * math.exp(z * error),
            "definition": "cost of winning a customer / cost of serving one for a year",
        }  # fmt: skip
    yield from _payback(ledger, year, curve, base)
    yield from _standing_still(ledger, year)
    yield from _help(panel, study, ledger)
    for term, (low, high, unit, why) in QUOTED.items():
        yield BASE | {
            "estimand": "quoted", "method": "quoted", "level": term, "unit": unit, "conf_low": low, "conf_high": high,
            "definition": "Context, not a finding of these data and no verdict on them.", "note": why,
        }  # fmt: skip


def _winning(ledger: Ledger) -> tuple[float, Any] | None:
    """Return the mean cost per new customer and what each owner does to it."""
    new = ledger.spells[ledger.spells["acquisition"].notna()]
    if new.empty:
        return None
    mean = float(new["acquisition"].mean())
    return mean, ((new["acquisition"] - mean) / len(new)).groupby(new["owner"]).sum()


def _keeping(ledger: Ledger) -> tuple[float, Any] | None:
    """Return the mean cost of service per customer-month and what each owner does to it."""
    rows = ledger.rows[ledger.rows["service"].notna()]
    if rows.empty:
        return None
    months = rows["days"] / MONTH
    mean = float((rows["service"] * months).sum() / months.sum())
    return mean, ((rows["service"] - mean) * months / months.sum()).groupby(rows["owner"]).sum()


def _interval(mean: float, shares: Any, z: float) -> dict[str, Any]:
    if len(shares) < 2:
        return {"estimate": mean, "note": "One customer: nothing tells how much customers differ."}
    error = float(np.sqrt((shares**2).sum()))
    return {"estimate": mean, "std_error": error, "conf_low": mean - z * error, "conf_high": mean + z * error}


def _payback(
    ledger: Ledger, year: LastYear, curve: Sequence[dict[str, Any]], base: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if not ledger.has_acquisition or not ledger.has_amounts:
        yield noted("payback_month", "Without recorded costs of winning customers there is nothing to pay back.")
        return
    simple = base | {
        "estimand": "payback_simple", "unit": "months", "conf_level": float("nan"),
        "definition": "cost of winning a customer / (revenue - cost of service per customer and month), last year",
    }  # fmt: skip
    if year.per_customer > 0:
        yield simple | {"estimate": year.winning / year.per_customer}
    else:
        yield simple | {"note": "A customer costs as much to serve as it pays, or more."}
    months = {side: crossing(curve, side) for side in ("estimate", "conf_high", "conf_low")}
    row = base | {
        "estimand": "payback_month", "unit": "months",
        "definition": "age at which the expected, discounted value of a new customer, leavers included, passes zero; "
        "interval: where the limits of the value pass zero",
    }  # fmt: skip
    if math.isnan(months["estimate"]):
        yield row | {"note": "Not within the horizon."}
    else:
        yield row | {
            "estimate": months["estimate"], "conf_low": months["conf_high"],
            "conf_high": months["conf_low"],
            "note": "" if months["conf_low"] == months["conf_low"] else "Its upper limit lies past the horizon.",
        }  # fmt: skip


def crossing(curve: Sequence[dict[str, Any]], side: str) -> float:
    """Return the time at which a rising line passes zero for good, between its points; NaN if it does not.

    Examples
    --------
    >>> crossing([{"time": 0, "v": -10}, {"time": 1, "v": -2}, {"time": 2, "v": 6}], "v")
    1.25
    """
    time = np.array([row["time"] for row in curve], dtype=float)
    value = np.array([row[side] for row in curve], dtype=float)
    below = np.flatnonzero(~(value >= 0))
    if not below.size:
        return float(time[0]) if time.size else float("nan")
    last = int(below[-1])
    if last + 1 >= time.size or np.isnan(value[last]):
        return float("nan")
    share = -value[last] / (value[last + 1] - value[last])
    return float(time[last] + share * (time[last + 1] - time[last]))


def _standing_still(ledger: Ledger, year: LastYear) -> Iterator[dict[str, Any]]:
    base = BASE | {"method": "last year"}
    net = (year.left - year.returned) / year.months
    yield base | {
        "estimand": "stand_still_customers", "unit": "customers", "estimate": net, "numerator": year.left - year.returned,
        "denominator": year.months, "definition": "departures less returns, per month of the last year",
    }  # fmt: skip
    yield base | {
        "estimand": "won_per_month", "unit": "customers", "estimate": year.won / year.months, "numerator": year.won,
        "denominator": year.months, "definition": "new customers per month of the last year",
    }  # fmt: skip
    if ledger.has_amounts and year.won and year.mrr_new > 0:
        gap, each = (year.mrr_down - year.mrr_up) / year.months, year.mrr_new / year.won
        yield base | {
            "estimand": "stand_still_revenue", "unit": "customers", "estimate": max(0.0, gap / each), "numerator": gap,
            "denominator": each,
            "definition": "new customers per month that replace the recurring revenue lost, less what others added",
            "note": "" if gap > 0 else "Customers who stayed added more revenue than leavers took.",
        }  # fmt: skip
    if ledger.has_acquisition:
        yield base | {
            "estimand": "stand_still_cost", "unit": "amount", "estimate": 12 * max(0.0, net) * year.winning,
            "definition": "12 x customers to replace per month x cost of winning one",
        }  # fmt: skip


def _help(panel: Panel, study: TableStudy, ledger: Ledger) -> Iterator[dict[str, Any]]:
    """Yield how much help was given, whose cost no table holds."""
    if "interventions" not in study.tables:
        return
    given = panel.tables["interventions"]
    years = float(ledger.rows["days"].sum()) / MONTH / 12
    n = float(given["at_risk"].sum())
    yield BASE | {
        "estimand": "interventions_per_year", "method": "count", "unit": "interventions", "estimate": n / years,
        "numerator": n, "denominator": years, "definition": "attempts to save a customer per customer-year",
        "note": "What they cost is not recorded, so the cost of serving does not include it.",
    }  # fmt: skip
