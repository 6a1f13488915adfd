"""Findings of one table of leavers by group: counts, shares, residuals, and the strength of the tie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import share_interval
from whychurn.models import crosstab
from whychurn.models.crosstab import CrosstabResult

LEFT, STAYED = "left", "stayed"


def crossed(groups: pd.Series, left: pd.Series, seed: int) -> CrosstabResult:
    """Cross groups with whether one left.

    Parameters
    ----------
    groups : pandas.Series
        Of each row, as text.
    left : pandas.Series
        0 or 1.
    seed : int
        Of the simulated p-value of sparse tables.
    """
    frame = pd.DataFrame({"group": groups.to_numpy(), "churned": np.where(left.to_numpy() == 1, LEFT, STAYED)})
    return crosstab(frame, "group", "churned", seed=seed)


def level_rows(
    result: CrosstabResult,
    order: Sequence[str],
    base: Mapping[str, Any],
    conf_level: float,
    definition: str,
    customers: Mapping[str, int] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield share and adjusted residual of every level.

    Parameters
    ----------
    result : CrosstabResult
        From :func:`crossed`.
    order : sequence of str
        Levels in the order of the page.
    base : mapping
        What the rows share.
    conf_level : float
    definition : str
        Of the share.
    customers : mapping of str to int, optional
        Distinct customers per level; by default every row is a customer.
    """
    counts = result.counts.to_dict("index")
    for level in order:
        events = int(counts[level].get(LEFT, 0))
        n = events + int(counts[level].get(STAYED, 0))
        low, high = share_interval(events, n, conf_level)
        shared = {
            **base,
            "level": level,
            "n_accounts": n if customers is None else customers[level],
            "n_events": events,
            "method": "crosstab",
        }
        yield shared | {
            "estimand": "churn_share",
            "unit": "share",
            "estimate": events / n,
            "numerator": events,
            "denominator": n,
            "conf_low": low,
            "conf_high": high,
            "conf_level": conf_level,
            "definition": definition,
        }
        if LEFT in result.adjusted_residuals.columns:
            yield shared | {
                "estimand": "adjusted_residual",
                "unit": "standard errors",
                "estimate": float(result.adjusted_residuals[LEFT][level]),
                "definition": "distance from independence; beyond 2 or so the level stands out",
            }


def tie_row(result: CrosstabResult, base: Mapping[str, Any], n_accounts: int, n_events: int) -> dict[str, Any]:
    """Return the strength of the tie with its test: exact or simulated where expected counts are small."""
    exact = result.exact_method
    return {
        **base,
        "method": exact or "Pearson chi-square",
        "estimand": "cramers_v",
        "estimate": result.cramers_v_corrected,
        "unit": "0 to 1",
        "statistic": result.statistic,
        "df": result.df,
        "p_value": result.p_value_exact if exact else result.p_value,
        "n_accounts": n_accounts,
        "n_events": n_events,
        "definition": "Cramer's V, bias-corrected (Bergsma 2013)",
        "note": result.note,
    }
