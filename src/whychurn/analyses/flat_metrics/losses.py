"""Who left, of everybody ever in the file, and what they paid: customers and money side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t, ttest_ind

from whychurn.analyses.flat_metrics.base import BASE, NO_AMOUNTS
from whychurn.analyses.flat_metrics.definitions import definition_of
from whychurn.analyses.metrics.intervals import Sums, share_of_revenue
from whychurn.analyses.share_differences import Share
from whychurn.study import FlatStudy

NO_PERIOD = (
    "By itself this has no period: below its line stands everybody in the file, however long ago they came, so it cannot be held "
    "against a monthly or a yearly rate."
)
LEAVERS, STAYERS = "left", "still there"


def loss_rows(customers: pd.DataFrame, study: FlatStudy) -> Iterator[dict[str, Any]]:
    """Yield customers lost per customers ever in the file, the same of recurring revenue, and what both kinds pay."""
    level = study.confidence_level
    left = customers["event"] == 1
    share = Share.of(int(left.sum()), len(customers), level)
    counts = {"n_accounts": len(customers), "n_events": int(left.sum()), "conf_level": level}
    yield (
        BASE
        | counts
        | {"estimand": "churn_per_acquired", "method": "count", "unit": "share", "note": NO_PERIOD}
        | {"definition": definition_of("churn_per_acquired")}
        | share.row()
    )
    yield from _money(customers[customers["amount"].notna()], len(customers), study)


def _money(known: pd.DataFrame, everybody: int, study: FlatStudy) -> Iterator[dict[str, Any]]:
    base = BASE | {"method": "count", "n_accounts": len(known), "n_events": int(known["event"].sum())}
    row = base | {"estimand": "mrr_lost_share", "unit": "share", "definition": definition_of("mrr_lost_share")}
    if known.empty:
        yield row | {"note": NO_AMOUNTS}
        return
    missing = everybody - len(known)
    note = f"{missing:,} customers without an amount are in no figure of money." if missing else ""
    lost = known["amount"] * known["event"]
    yield row | {"note": note} | share_of_revenue(Sums.of(lost, known["amount"]), study.confidence_level)
    for level, amount in (("all", known["amount"].sum()), (LEAVERS, lost.sum())):
        yield base | {"estimand": "mrr", "level": level, "unit": study.currency, "estimate": float(amount)}
    yield from _means(known, base | {"conf_level": study.confidence_level, "unit": study.currency})


def _means(known: pd.DataFrame, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the mean amount of leavers and stayers with Student's interval, and their difference with Welch's."""
    groups = [known.loc[known["event"] == code, "amount"].to_numpy(dtype=float) for code in (1, 0)]
    for level, values in zip((LEAVERS, STAYERS), groups, strict=True):
        row = base | {"estimand": "mean_amount", "level": level, "n_accounts": len(values), "n_events": np.nan}
        yield row | {"definition": "mean amount a month, as last recorded"} | _mean(values, base["conf_level"])
    if min(len(values) for values in groups) < 2:
        return
    row = base | {"estimand": "amount_difference", "level": LEAVERS, "reference": STAYERS}
    row |= {
        "estimate": float(groups[0].mean() - groups[1].mean()),
        "definition": "difference of means; Welch's interval",
    }
    if max(np.ptp(values) for values in groups) > 0:
        low, high = ttest_ind(*groups, equal_var=False).confidence_interval(base["conf_level"])
        row |= {"conf_low": float(low), "conf_high": float(high)}
    yield row


def _mean(values: np.ndarray[Any, np.dtype[np.float64]], conf_level: float) -> dict[str, Any]:
    if not len(values):
        return {"note": "There are no such customers."}
    mean = float(values.mean())
    if len(values) < 2:
        return {"estimate": mean}
    half = float(t.ppf((1 + conf_level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return {"estimate": mean, "conf_low": mean - half, "conf_high": mean + half}
