"""What several analyses share: row templates, interval helpers, shares with intervals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from whychurn.analyses.contrasts import Contrast
from whychurn.models.shares import wilson_interval
from whychurn.models.wald import normal_quantile
from whychurn.panel import Candidate
from whychurn.panel.candidates import quantile_bands

OUTCOME = "churn"


def share_interval(count: float, total: float, conf_level: float) -> tuple[float, float]:
    """Wilson interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22:209)."""
    interval = binomtest(int(count), int(total)).proportion_ci(conf_level, method="wilson")
    return float(interval.low), float(interval.high)


def clustered_share(
    hit: np.ndarray[Any, Any], cluster: np.ndarray[Any, Any], conf_level: float
) -> tuple[float, float, float]:
    """Return Wilson's interval of a share of clustered yes-or-no values, and the effective number behind it.

    The effective number is p (1 - p) over the variance of p between clusters, at most the number of values; where all
    values are equal it is the number of clusters.
    """
    n, share = len(hit), float(hit.mean())
    codes = pd.factorize(cluster)[0]
    n_clusters = int(codes.max()) + 1
    effective = float(n_clusters)
    if 0 < share < 1 and n_clusters > 1:
        sums = np.bincount(codes, weights=hit - share)
        variance = float(sums @ sums) / n**2 * n_clusters / (n_clusters - 1)
        effective = min(share * (1 - share) / variance, float(n)) if variance > 0 else effective
    low, high = wilson_interval(share, effective, normal_quantile(conf_level))
    return low, high, effective


def ratio_row(contrast: Contrast, conf_level: float, **base: Any) -> dict[str, Any]:
    """Return a hazard-ratio row; a contrast that could not be estimated keeps its counts and its note."""
    row = {
        "outcome": OUTCOME,
        "estimand": "hazard_ratio",
        "level": contrast.level,
        "reference": contrast.reference,
        "unit": "ratio",
        "conf_level": conf_level,
        "n_accounts": contrast.n_accounts,
        "n_events": contrast.n_events,
        **base,
    }
    row["note"] = " ".join(part for part in (str(base.get("note", "")), contrast.note) if part)
    if contrast.std_error > 0:
        low, high = contrast.interval(conf_level)
        row |= {
            "estimate": math.exp(contrast.log_hr),
            "std_error": contrast.std_error,
            "std_error_scale": "log",
            "conf_low": low,
            "conf_high": high,
            "statistic": contrast.log_hr / contrast.std_error,
            "df": 1,
            "p_value": contrast.p_value,
        }
    return row


def grouped_values(candidate: Candidate, rows: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    """Return the groups a candidate forms on `rows` (numbers in quartile bands) and their display order."""
    values = rows[candidate.column]
    if candidate.kind == "category":
        return values.astype(str), [level for level in candidate.levels if (values == level).any()]
    bands = quantile_bands(values.astype(float))
    centre = rows.assign(band=bands).groupby("band")[candidate.column].median()
    return bands, [str(band) for band in centre.sort_values(na_position="last").index]
