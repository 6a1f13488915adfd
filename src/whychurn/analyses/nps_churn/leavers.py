"""What customers who left had said when last asked, and how long before they left that was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from whychurn.analyses.answers import BANDS
from whychurn.analyses.common import OUTCOME, share_interval
from whychurn.analyses.nps_churn.base import BASE, LEAVERS, VOLUNTARY_CHURN
from whychurn.analyses.nps_churn.follow_up import last_answers
from whychurn.analyses.nps_churn.signs import Sign
from whychurn.analyses.risk_rows import VOLUNTARY
from whychurn.panel import Panel

NONE = "never answered"


def leaver_rows(
    answers: pd.DataFrame,
    panel: Panel,
    score: Sign | None,
    length: np.ndarray,
    outcome: str,
    lag: int,
    conf_level: float,
) -> list[dict[str, Any]]:
    """Return the last answers of those who left, beside the answers of all customers.

    Parameters
    ----------
    answers : pandas.DataFrame
        As in ``Answers.frame``.
    panel : Panel
    score : Sign or None
        Of rows at risk.
    length : numpy.ndarray
        Days of each row at risk, shape (n,).
    outcome : str
    lag : int
        Days before leaving within which an answer may follow from the decision to leave.
    conf_level : float
    """
    gone, last = panel.accounts[panel.accounts["event"] == 1], last_answers(answers, panel)
    if outcome == VOLUNTARY_CHURN:
        gone, last = gone[gone["cause"] == VOLUNTARY], last[last["cause"] == VOLUNTARY]
    base = BASE | {"outcome": outcome, "term": LEAVERS, "method": "count", "n_events": len(gone)}
    base["n_accounts"] = int(gone["account_id"].nunique())
    if not len(gone):
        return [base | {"estimand": "last_answer", "level": NONE, "note": "Nobody left in the window."}]
    said = last["band"].value_counts()
    out = [
        base | {"estimand": "last_answer", "level": band, "unit": "share"}
        | {"definition": "share of those who left and had answered, by their last answer before leaving"}
        | _share(int(said.get(band, 0)), len(last), conf_level)
        for band in BANDS
    ]  # fmt: skip
    out.append(
        base | {"estimand": "no_answer", "level": NONE, "unit": "share"}
        | {"definition": "share of those who left without a valid answer since they came"}
        | _share(len(gone) - len(last), len(gone), conf_level)
    )  # fmt: skip
    out.append(_waiting(last["time"].to_numpy(), base, conf_level))
    soon = int((last["time"] <= lag).sum())
    row = base | {"estimand": "answered_within_lag", "time": float(lag), "unit": "share"}
    row["definition"] = "share of last answers given so shortly before leaving that the decision may have come first"
    out.append(row | _share(soon, len(last), conf_level))
    return out + _everyone(score, length)


def _share(count: int, total: int, conf_level: float) -> dict[str, Any]:
    if not total:
        return {"numerator": 0.0, "denominator": 0.0, "note": "None of them had answered."}
    low, high = share_interval(count, total, conf_level)
    return {
        "estimate": count / total, "conf_low": low, "conf_high": high, "conf_level": conf_level,
        "numerator": float(count), "denominator": float(total),
    }  # fmt: skip


def _waiting(days: np.ndarray, base: dict[str, Any], conf_level: float) -> dict[str, Any]:
    """Return the median of the days between last answer and leaving, its interval by order statistics."""
    row = base | {"estimand": "days_before_leaving", "unit": "days", "denominator": float(len(days))}
    row["definition"] = "median days from the last answer to leaving"
    if not len(days):
        return row | {"note": "None of them had answered."}
    row["estimate"] = float(np.median(days))
    ordered, n = np.sort(days), len(days)
    low = int(binom.ppf((1 - conf_level) / 2, n, 0.5))
    if low < 1:
        return row | {"note": "Too few for an interval."}
    return row | {"conf_low": float(ordered[low - 1]), "conf_high": float(ordered[n - low]), "conf_level": conf_level}


def _everyone(score: Sign | None, length: np.ndarray) -> list[dict[str, Any]]:
    """Return how customers' time at risk is shared among the bands, where one had answered."""
    if score is None:
        return []
    days = {band: float(length[score.values == band].sum()) for band in BANDS}
    total = sum(days.values())
    base = BASE | {"outcome": OUTCOME, "term": "All customers", "method": "share of customer-time", "unit": "share"}
    base |= {"estimand": "time_share", "definition": "share of the time after an answer, by the last answer known"}
    return [
        base | {"level": band, "numerator": days[band], "denominator": total, "estimate": days[band] / total}
        for band in BANDS
        if total
    ]
