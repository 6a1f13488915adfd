"""How many answer: overall, month by month, and in segments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.common import clustered_share
from whychurn.analyses.nps_response.covariates import ACTIVE_BANDS, Known
from whychurn.analyses.nps_response.invitations import Invitations
from whychurn.errors import FitError
from whychurn.models import adjust_p_values, fit_logistic
from whychurn.study import TableStudy

BASE: dict[str, Any] = {"analysis": "nps_response", "outcome": "answering", "declared": "in advance"}
ALL = "All invitations"
#: A segment with fewer invitations is counted, without a rate.
FEWEST = 5
DEFINITION = "invitations answered within the usual time, of those that count"


def rate_rows(sent: Invitations, known: Known, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield response rates with intervals, and a test of each segmentation."""
    frame, level = sent.frame, study.confidence_level
    yield BASE | share_row(frame, level) | {"estimand": "response_rate", "term": ALL}
    months = frame["day"].dt.strftime("%Y-%m")
    for place, (month, part) in enumerate(frame.groupby(months, sort=True)):
        yield (
            BASE
            | share_row(part, level)
            | {"estimand": "response_by_month", "term": "Month", "level": str(month), "time": float(place)}
        )
    tests = [_test(frame, label, values) for label, values in known.segments.items()]
    adjusted: Any = adjust_p_values([test.get("p_value", math.nan) for test in tests], "holm") if tests else []
    for (label, values), test, p in zip(known.segments.items(), tests, adjusted, strict=True):
        for name in _in_order(values):
            part = frame[(values == name).to_numpy()]
            yield BASE | share_row(part, level) | {"estimand": "response_rate", "term": label, "level": name}
        yield BASE | test | {"estimand": "response_test", "term": label, "p_adjusted": float(p), "family": "segments"}


def share_row(part: pd.DataFrame, conf_level: float) -> dict[str, Any]:
    """Return the share answered with Wilson's interval on the number of independent invitations of the same variance."""
    n, k = len(part), int(part["answered"].sum())
    row = {
        "method": "share", "unit": "share", "conf_level": conf_level, "numerator": k, "denominator": n,
        "n_accounts": int(part["account_id"].nunique()), "definition": DEFINITION,
    }  # fmt: skip
    if n < FEWEST:
        return row | {"note": f"{n} invitations: too few for a rate."}
    low, high, _ = clustered_share(part["answered"].to_numpy(), part["cluster"].to_numpy(), conf_level)
    return row | {"estimate": k / n, "conf_low": low, "conf_high": high}


def _test(frame: pd.DataFrame, label: str, values: pd.Series) -> dict[str, Any]:
    """Test that all levels answer alike, robust to accounts that are asked again and again."""
    rows = frame.assign(level=values.to_numpy())[values.notna().to_numpy()]
    by = rows.groupby("level")["answered"].agg(["sum", "count"])
    plain = by[(by["sum"] > 0) & (by["sum"] < by["count"])]
    rows = rows[rows["level"].isin(plain.index)]
    if len(plain) < 2 or rows["cluster"].nunique() < 2:
        return {"note": "Fewer than two levels with answers and without."}
    try:
        test = fit_logistic(rows, ["level"], "answered", covariance="cluster", cluster="cluster").wald_test("level")
    except FitError as problem:
        return {"note": str(problem)}
    return {
        "method": "Wald test, by account", "statistic": test.statistic, "df": test.df, "p_value": test.p_value,
        "definition": f"no difference between levels of {label}",
    }  # fmt: skip


def _in_order(values: pd.Series) -> list[str]:
    """Return levels, bands of activity in their order, all others by size."""
    counts = values.value_counts()
    bands = [name for _, name in ACTIVE_BANDS]
    if set(counts.index) <= {*bands, "not recorded"}:
        return [name for name in (*bands, "not recorded") if counts.get(name, 0)]
    return sorted(map(str, counts.index), key=lambda name: (-counts[name], name))
