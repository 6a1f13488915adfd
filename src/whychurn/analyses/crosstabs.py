"""Who is over-represented among those who left? Churned by every candidate, on all accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import OUTCOME, grouped_values, share_interval
from whychurn.findings import Findings
from whychurn.models import adjust_p_values, crosstab
from whychurn.panel import Candidate, Panel
from whychurn.study import Study


def run(panel: Panel, study: Study) -> Findings:
    """Counts, shares with Wilson intervals, chi-square, bias-corrected Cramer's V and adjusted residuals.

    All accounts count, those without time at risk too. Tables with an expected count under five carry an
    exact or Monte-Carlo p instead. P-values are adjusted over the candidates by Benjamini-Hochberg.
    """
    accounts = panel.accounts.assign(churned=panel.accounts["event"].map({1: "left", 0: "stayed"}))
    rows: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    for candidate in panel.used:
        groups, order = grouped_values(candidate, accounts)
        level_rows, test = _table(accounts.assign(group=groups), candidate, order, study, len(panel.used))
        rows += level_rows
        tests.append(test)
    adjusted = adjust_p_values([row.get("p_value", np.nan) for row in tests], method="bh")
    rows += [{**row, "p_adjusted": p} for row, p in zip(tests, adjusted, strict=True)]
    return Findings.from_rows(rows)


def _table(
    accounts: pd.DataFrame, candidate: Candidate, order: list[str], study: Study, n_tests: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    result = crosstab(accounts, "group", "churned", seed=study.seed)
    base = {
        "analysis": "crosstabs",
        "outcome": OUTCOME,
        "term": candidate.label,
        "declared": "in advance",
        "effect_kind": "unadjusted",
    }
    rows = [row for level in order for row in _level_rows(accounts, result.adjusted_residuals, level, base, study)]
    exact = result.exact_method
    p_value = result.p_value_exact if exact else result.p_value
    test = base | {
        "method": exact or "Pearson chi-square",
        "estimand": "cramers_v",
        "estimate": result.cramers_v_corrected,
        "unit": "0 to 1",
        "statistic": result.statistic,
        "df": result.df,
        "p_value": p_value,
        "family": f"crosstabs of {n_tests} candidates",
        "n_accounts": len(accounts),
        "n_events": int(accounts["event"].sum()),
        "definition": "Cramer's V, bias-corrected (Bergsma 2013)",
        "note": result.note,
    }
    return rows, test


def _level_rows(
    accounts: pd.DataFrame, residuals: pd.DataFrame, level: str, base: dict[str, Any], study: Study
) -> Iterator[dict[str, Any]]:
    inside = accounts[accounts["group"] == level]
    n, events = len(inside), int(inside["event"].sum())
    low, high = share_interval(events, n, study.confidence_level)
    shared = base | {"level": level, "n_accounts": n, "n_events": events}
    yield shared | {
        "method": "crosstab",
        "estimand": "churn_share",
        "unit": "share",
        "estimate": events / n,
        "numerator": events,
        "denominator": n,
        "conf_low": low,
        "conf_high": high,
        "conf_level": study.confidence_level,
        "definition": "customers recorded as left / customers in the file, at this level",
    }
    if level in residuals.index and "left" in residuals.columns:
        yield shared | {
            "method": "crosstab",
            "estimand": "adjusted_residual",
            "unit": "standard errors",
            "estimate": float(residuals["left"][level]),
            "definition": "distance from independence; beyond 2 or so the level stands out",
        }
