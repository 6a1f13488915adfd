"""What the parts of the data-quality analysis share: the template of a row, rates, months."""

from __future__ import annotations

from typing import Any

import pandas as pd
from scipy.stats import chi2

from whychurn.analyses.common import OUTCOME

BASE: dict[str, Any] = {"analysis": "data_quality", "outcome": OUTCOME}
YEAR = 365.25
#: Term of findings about all customers.
EVERYONE = "Everyone"


def rate_row(events: float, days: float, conf_level: float, **more: Any) -> dict[str, Any]:
    """Return leavers per 100 customer-years with the exact Poisson interval (Garwood 1936, Biometrika 28:437).

    Parameters
    ----------
    events : float
        Leavers.
    days : float
        Customer-days at risk.
    conf_level : float
    more
        Further columns of the finding.
    """
    row = BASE | {
        "estimand": "churn_rate",
        "method": "leavers per time at risk",
        "unit": "per 100 customer-years",
        "numerator": events,
        "denominator": days / YEAR,
        "n_events": events,
        "conf_level": conf_level,
        "definition": f"100 x leavers / customer-years at risk, a year being {YEAR:g} days",
    }
    if days > 0:
        tail, per = (1 - conf_level) / 2, 100 * YEAR / days
        low = chi2.ppf(tail, 2 * events) / 2 if events else 0.0
        row |= {
            "estimate": events * per,
            "conf_low": float(low) * per,
            "conf_high": float(chi2.ppf(1 - tail, 2 * events + 2)) / 2 * per,
        }
    else:
        row |= {"note": "Nobody was at risk."}
    return row | more


def spells_at_risk(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return account, entered_on, followed_to (timestamps), days at risk and event of every spell."""
    entered = pd.to_datetime(accounts["entered_on"])
    days = accounts["duration"].astype(float) - accounts["entry"].astype(float)
    return pd.DataFrame(
        {
            "account_id": accounts["account_id"],
            "entered_on": entered,
            "followed_to": entered + pd.to_timedelta(days, unit="D"),
            "days": days,
            "event": accounts["event"].astype(int),
        }
    )


def months_between(first: Any, last: Any) -> pd.PeriodIndex:
    """Return the months from that of `first` to that of the day before `last`."""
    end = pd.Timestamp(last) - pd.Timedelta(days=1)
    return pd.period_range(pd.Timestamp(first), max(end, pd.Timestamp(first)), freq="M")
