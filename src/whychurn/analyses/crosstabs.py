"""Who is over-represented among those who left? Left or stayed by every candidate."""

from __future__ import annotations

from typing import Any

import numpy as np

from whychurn.analyses import landmark_crosstabs
from whychurn.analyses.common import OUTCOME, grouped_values
from whychurn.analyses.crosstab_rows import crossed, level_rows, tie_row
from whychurn.findings import Findings
from whychurn.models import adjust_p_values
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy

SHARE = "customers recorded as left / customers in the file, at this level"


def run(panel: Panel, study: Study) -> Findings:
    """Counts, shares with Wilson intervals, chi-square, bias-corrected Cramer's V and adjusted residuals.

    Of a flat study all accounts count, those without time at risk too; of a study of tables the customers at the
    landmarks, see :mod:`whychurn.analyses.landmark_crosstabs`. Tables with an expected count under five carry an
    exact or Monte-Carlo p instead. P-values are adjusted over the candidates by Benjamini-Hochberg.
    """
    if isinstance(study, TableStudy):
        return landmark_crosstabs.run(panel, study)
    accounts, left = panel.accounts, panel.accounts["event"]
    rows: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    for candidate in panel.used:
        groups, order = grouped_values(candidate, accounts)
        base = {
            "analysis": "crosstabs",
            "outcome": OUTCOME,
            "term": candidate.label,
            "declared": "in advance",
            "effect_kind": "unadjusted",
        }
        result = crossed(groups, left, study.seed)
        rows += level_rows(result, order, base, study.confidence_level, SHARE)
        family = {"family": f"crosstabs of {len(panel.used)} candidates"}
        tests.append(tie_row(result, base, len(accounts), int(left.sum())) | family)
    adjusted = adjust_p_values([row.get("p_value", np.nan) for row in tests], method="bh")
    rows += [{**row, "p_adjusted": p} for row, p in zip(tests, adjusted, strict=True)]
    return Findings.from_rows(rows)
