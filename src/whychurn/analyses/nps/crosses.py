"""Detractors, passives and promoters by group: one answer per account, what was known before it, FDR over all tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.answers import BANDS
from whychurn.analyses.common import share_interval
from whychurn.analyses.crosstab_rows import tie_row
from whychurn.analyses.nps.groups import Grouping
from whychurn.analyses.nps.scores import BASE, KIND
from whychurn.models import adjust_p_values, crosstab
from whychurn.study import TableStudy


def cross_rows(accounts: pd.DataFrame, groupings: Sequence[Grouping], study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield shares and adjusted residuals of every cell, and one test per table.

    Parameters
    ----------
    accounts : pandas.DataFrame
        One answer per account, with ``band`` and the columns of the groupings.
    groupings : sequence of Grouping
    study : TableStudy
    """
    tests: list[dict[str, Any]] = []
    for grouping in groupings:
        base = BASE | {"term": grouping.label, "reference": KIND[grouping.segment]}
        result = crosstab(accounts, grouping.column, "band", seed=study.seed)
        cells = {(row.pop("row"), row.pop("column")): row for row in result.tidy().to_dict("records")}
        for level in grouping.levels:
            of_level = sum(int(cells[level, band]["count"]) for band in BANDS if (level, band) in cells)
            for band in BANDS:
                yield from _cell(base | {"level": level, "group": band}, cells.get((level, band)), of_level, study)
        tests.append(tie_row(result, base, len(accounts), 0) | {"n_events": math.nan, "denominator": len(accounts)})
    adjusted = adjust_p_values([test["p_value"] for test in tests], "bh") if tests else np.zeros(0)
    family = f"crosstabs of the NPS band by {int((~np.isnan(adjusted)).sum()):,} groupings"
    for test, p in zip(tests, adjusted, strict=True):
        yield test | {"p_adjusted": p, "family": family}


def _cell(
    base: dict[str, Any], found: dict[Any, Any] | None, of_level: int, study: TableStudy
) -> Iterator[dict[str, Any]]:
    """Yield the share and the adjusted residual of one cell; `found` is None for a band that nobody is in."""
    n = 0 if found is None else int(found["count"])
    residual = math.nan if found is None else float(found["adjusted_residual"])
    low, high = share_interval(n, of_level, study.confidence_level)
    shared = base | {"method": "crosstab", "n_accounts": of_level}
    yield shared | {
        "estimand": "cell_share",
        "unit": "share",
        "estimate": n / of_level,
        "conf_low": low,
        "conf_high": high,
        "conf_level": study.confidence_level,
        "numerator": n,
        "denominator": of_level,
        "definition": "accounts whose latest answer is of this band / accounts of this group",
    }
    yield shared | {
        "estimand": "adjusted_residual",
        "unit": "standard errors",
        "estimate": residual,
        "definition": "distance from independence; beyond 2 or so the cell stands out",
        "note": "" if math.isfinite(residual) else "All answers are of one group, or none is of this band.",
    }
